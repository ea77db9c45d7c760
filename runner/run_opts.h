/* SPDX-License-Identifier: GPL-2.0-only */
/* run_opts: the command line of `vmtap run`. */
#ifndef VMTAP_RUNNER_RUN_OPTS_H
#define VMTAP_RUNNER_RUN_OPTS_H

#include <stdbool.h>

#include "runner/accel.h"
#include "runner/dump.h"
#include "runner/plan.h"
#include "runner/tap.h"

struct run_opts {
	struct plan_opts plan;
	enum tap_format format;
	enum accel accel;
	bool require_kvm;
	unsigned int jobs;		/* 0: from cores and memory */
	unsigned int retry;
	u64 budget_ms;			/* 0: all cases */
	bool until_fail;
	bool quiet;
	struct dump_policy dump;
	const char *out, *junit, *json;
	const char *replay;		/* folder of a kept run; NULL */
};

/**
 * run_opts_parse() - fill @o from the arguments of the verb
 * Return: -1 to go on; else the exit status, all was said (--help, an error).
 * run_opts_reset() in every case.
 */
int run_opts_parse(struct run_opts *o, int argc, char **argv);
void run_opts_reset(struct run_opts *o);

#endif
