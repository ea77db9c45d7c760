/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * schedexit: how a sched_ext scheduler ended, from what the kernel logged
 * about it and what the scheduler itself printed (its dump and the EXIT: line
 * of the common helpers).
 */
#ifndef VMTAP_RUNNER_SCHEDEXIT_H
#define VMTAP_RUNNER_SCHEDEXIT_H

#include <stdbool.h>
#include <stddef.h>

struct value;

#define SCHEDEXIT_STACK_MAX 32

struct schedexit {
	bool seen;		/* sched_ext disabled it, and why is known */
	char kind[24];		/* "error_stall"; "unknown" for a new reason */
	char name[128];		/* of the scheduler; "" where the log is silent */
	char reason[128];	/* the kernel's words */
	char message[512];	/* the scheduler's or the kernel's; "" none */
	/* Functions, innermost first; without offsets. */
	char stack[SCHEDEXIT_STACK_MAX][96];
	size_t nr_stack;
	const char *dump;	/* into @output; NULL: it printed none */
	size_t dump_len;
};

/**
 * schedexit_parse() - from the texts; the last end in the log counts
 * @log: the kernel's, may be NULL; @output: the scheduler's, may be NULL
 */
void schedexit_parse(const char *log, size_t log_len, const char *output,
		     size_t output_len, struct schedexit *ret);
/** schedexit_is_error() - an error, not an end that somebody asked for */
bool schedexit_is_error(const struct schedexit *e);

/**
 * schedexit_probes() - what probes on a crash's functions saw, per function:
 * how often it was reached, and with which arguments at last
 * @trace: text of the kernel's trace file
 * @symbols: those of the probes f0, f1, ...
 */
struct value *schedexit_probes(const char *trace, size_t len,
			       const char *const *symbols, size_t n);

#endif
