// SPDX-License-Identifier: GPL-2.0-only
/*
 * rtspin CPU PRIORITY SECONDS: spin on one CPU as a SCHED_FIFO task. It reads
 * the clock through the vDSO: no system call, no page fault, no tick wanted.
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

static long long now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ll + t.tv_nsec;
}

int main(int argc, char **argv)
{
	struct sched_param p = { 0 };
	long long end;
	cpu_set_t set;

	if (argc != 4) {
		fprintf(stderr, "usage: rtspin CPU PRIORITY SECONDS\n");
		return 2;
	}
	CPU_ZERO(&set);
	CPU_SET(atoi(argv[1]), &set);
	p.sched_priority = atoi(argv[2]);
	if (mlockall(MCL_CURRENT) || sched_setaffinity(0, sizeof(set), &set) ||
	    sched_setscheduler(0, SCHED_FIFO, &p)) {
		perror("rtspin");
		return 1;
	}
	end = now_ns() + atoi(argv[3]) * 1000000000ll;
	while (now_ns() < end)
		;
	return 0;
}
