/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * exec: one case, from its description to its finished report, in the process
 * that calls it. Here the floors meet: kernel, initramfs, machine, devices.
 */
#ifndef VMTAP_RUNNER_EXEC_H
#define VMTAP_RUNNER_EXEC_H

#include <stdbool.h>

#include "runner/dump.h"
#include "runner/report.h"
#include "vmm/base/util.h"

struct test_case;

/* What is the same for all cases of a run. All pointers are the caller's. */
struct exec_env {
	const char *run_dir;	/* RUNDIR; NULL: keep nothing */
	const char *accel;	/* "kvm" or "nested": where this process runs */
	double time_factor;	/* guest timeouts are multiplied by it, >= 1 */
	struct dump_policy dump;
	/* Called as the case enters a phase; may be NULL. */
	void (*phase)(void *ctx, const char *name);
	void *ctx;
};

/**
 * exec_case() - build the machine, run it, judge what happened
 * Return: the report, never NULL but without memory; whatever goes wrong is
 * told in it (outcome error).
 */
struct report *exec_case(const struct exec_env *env,
			 const struct test_case *c);

/**
 * exec_unmet() - why the case's `requires` are not met here, or NULL
 * A cheap look at the kernel's release and config; boots nothing.
 * Return: owned by the caller.
 */
char *exec_unmet(const struct exec_env *env, const struct test_case *c);

/** exec_limit_ns() - how long a case's process may take before it is given up */
u64 exec_limit_ns(const struct test_case *c, double time_factor);

/** exec_case_dir() - "RUNDIR/<name with / as .>"; owned by the caller */
char *exec_case_dir(const char *run_dir, const char *name);

#endif
