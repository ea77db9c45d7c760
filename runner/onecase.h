/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * onecase: a verb that takes one case's machine, here or in a nested host,
 * where the same verb runs again: what `vmtap shell` and `vmtap debug` share.
 */
#ifndef VMTAP_RUNNER_ONECASE_H
#define VMTAP_RUNNER_ONECASE_H

#include <stdbool.h>

#include "runner/accel.h"
#include "runner/plan.h"

struct diag;

#define ONECASE_OPT_OWN 0x2000	/* a verb's own options: values from here on */

/* getopt_long() entries that every such verb takes, as PLAN_LONGOPTS. */
#define ONECASE_LONGOPTS						\
	{ "kernel", required_argument, NULL, 'k' },			\
	{ "filter", required_argument, NULL, 'f' },			\
	{ "set", required_argument, NULL, PLAN_OPT_SET },		\
	{ "seed", required_argument, NULL, PLAN_OPT_SEED },		\
	{ "accel", required_argument, NULL, 'a' },			\
	{ "verbose", no_argument, NULL, 'v' },				\
	{ "help", no_argument, NULL, 'h' }

/* The verb fills what comes first; the rest starts zeroed. */
struct onecase {
	const char *verb, *usage;
	const struct option *longopts;	/* ONECASE_LONGOPTS and the verb's own */
	bool whole;		/* the case's own payload is run, too */
	const char *hint;	/* told on a terminal before the boot; NULL: none */
	const char *inner;	/* an option for the verb inside; NULL: none */
	/* An option from ONECASE_OPT_OWN on: 0 or -EINVAL. NULL: none. */
	int (*take)(struct onecase *o, int opt, const char *arg, struct diag *d);
	/* Once all options were taken: 0 or -EINVAL. */
	int (*ready)(struct onecase *o, struct diag *d);
	/* The machine: in this process; by @argv in a nested host. -errno. */
	int (*local)(const struct onecase *o, const struct test_case *c,
		     struct diag *d);
	int (*nested)(const struct onecase *o, const struct test_case *c,
		      const char *const *argv, struct diag *d);

	struct plan_opts plan;
	enum accel accel;
};

/**
 * onecase_main() - options, the case that they choose, and its machine
 *
 * Messages go to stderr.
 * Return: the exit status: what the machine's function returned, if not
 * negative.
 */
int onecase_main(struct onecase *o, int argc, char **argv);

#endif
