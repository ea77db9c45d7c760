/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * nested_wire: what the nested host's PID 1 and the program outside agree on.
 * Self-contained: tools/nested includes nothing else of ours.
 *
 * Four virtio-serial ports, by name. `in`, `out` and `err` are the command's
 * standard streams, raw. On `ctl` the outside first sends a request: a 32-bit
 * little-endian length, then that many bytes of NUL-terminated strings (see
 * enum nested_request). The host answers with lines:
 *
 *     ready UPTIME_MS WORK_NS     before it starts the command
 *     exit STATUS OUT ERR         when that ended; bytes that it wrote to each,
 *                                 which may still be on their way
 *     error TEXT                  instead of either; the host goes away
 */
#ifndef VMTAP_RUNNER_NESTED_WIRE_H
#define VMTAP_RUNNER_NESTED_WIRE_H

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define NESTED_PORT_CTL "vmtap.ctl"
#define NESTED_PORT_IN "vmtap.in"
#define NESTED_PORT_OUT "vmtap.out"
#define NESTED_PORT_ERR "vmtap.err"

/* 9p tags: the same root twice. Coherent for all, cached for what is only read. */
#define NESTED_TAG_ROOT "root"
#define NESTED_TAG_CACHED "cached"

#define NESTED_REQUEST_MAX (1U << 20)

/* The strings of a request, in this order. */
enum nested_request {
	NESTED_REQ_TIME,	/* CLOCK_REALTIME in ns */
	NESTED_REQ_SEED,	/* any text that no other host is given */
	NESTED_REQ_STDIN,	/* "1": port `in`, "0": /dev/null */
	NESTED_REQ_CWD,
	NESTED_REQ_NR_CACHED,	/* how many folders follow */
	/* folders that are read through the cached mount */
	NESTED_REQ_NR_ARGS,	/* how many arguments follow */
	/* the arguments, then the environment up to the request's end */
};

#define NESTED_WORK_TABLE (1U << 14)
#define NESTED_WORK_RUNS 40

/*
 * A small mixture of what a booting kernel does most: table look-ups and
 * branches, system calls, page faults. The ratio of its time here and there
 * is the speed factor.
 */
static inline void nested_work(uint32_t *table)
{
	uint32_t x = 12345;

	for (uint32_t i = 0; i < 20000; i++) {
		x = x * 1664525u + 1013904223u;
		if (x & 0x10000)
			table[x >> 18] += i;
		else
			table[x >> 18] ^= x;
	}
	for (int i = 0; i < 100; i++)
		syscall(SYS_getppid);
	for (int i = 0; i < 3; i++) {
		char *p = mmap(NULL, 16 * 4096, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (p == MAP_FAILED)
			continue;
		for (int page = 0; page < 16; page++)
			p[page * 4096] = 1;
		munmap(p, 16 * 4096);
	}
}

/*
 * The best of many short runs: some of them are not interrupted, however busy
 * the machine is. Return: time in ns, never 0.
 */
static inline uint64_t nested_work_ns(void)
{
	static uint32_t table[NESTED_WORK_TABLE];
	uint64_t best = UINT64_MAX;

	for (int run = 0; run < NESTED_WORK_RUNS; run++) {
		struct timespec a, b;
		uint64_t ns;

		clock_gettime(CLOCK_MONOTONIC, &a);
		nested_work(table);
		clock_gettime(CLOCK_MONOTONIC, &b);
		ns = (uint64_t)(b.tv_sec - a.tv_sec) * 1000000000u +
		     (uint64_t)b.tv_nsec - (uint64_t)a.tv_nsec;
		if (ns < best)
			best = ns;
	}
	return best ? best : 1;
}

#endif
