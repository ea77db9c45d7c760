// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's view of its own time: reads the monotonic clock in a loop for
 * SECONDS and tells the longest time between two reads, and how many of them
 * were longer than a millisecond. What the guest did not run it sees here,
 * unless its clock stood.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static unsigned long long now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (unsigned long long)ts.tv_sec * 1000000000 + (unsigned long long)ts.tv_nsec;
}

int main(int argc, char **argv)
{
	unsigned long long start = now(), last = start, t, most = 0, back = 0;
	unsigned long long gaps = 0, seconds;

	if (argc != 3) {
		fprintf(stderr, "usage: clockgap SECONDS PREFIX\n");
		return 2;
	}
	seconds = strtoull(argv[1], NULL, 0);
	do {
		t = now();
		if (t < last)
			back++;
		else if (t - last > most)
			most = t - last;
		gaps += t > last && t - last > 1000000;
		last = t;
	} while (t - start < seconds * 1000000000);
	printf("%s_max_ns=%llu %s_over_ms=%llu %s_backward=%llu\n", argv[2],
	       most, argv[2], gaps, argv[2], back);
	return 0;
}
