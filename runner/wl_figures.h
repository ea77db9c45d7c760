/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * wl_figures: what the workers reported, from the result's tree to plain
 * numbers, worker by worker, of the whole run or of one phase of it; and the
 * figures of a group that follow from them.
 */
#ifndef VMTAP_RUNNER_WL_FIGURES_H
#define VMTAP_RUNNER_WL_FIGURES_H

#include <stdbool.h>
#include <stddef.h>

#include "vmm/base/util.h"

struct value;

/* One worker. Strings belong to the result; NULL and "" are none. */
struct wl_figures {
	const char *name, *cgroup, *allowed, *outside;
	u64 index;
	bool counts;		/* iterations and what goes with them are there */
	u64 iterations, migrations, max_gap_ns;
	u64 cpu_ns, wall_ns;
	bool has_wake;
	u64 wake_p99_ns;
	bool has_pages;
	u64 pages, pages_near, pages_slow;
};

/* Workers of one group in one phase. */
struct wl_scope {
	const char *cgroup;	/* NULL: those of no group */
	const char *phase;	/* NULL: the whole run */
	struct wl_figures *w;
	size_t n;
};

/**
 * wl_scope_read() - the workers of @cgroup in @phase
 * @result: the whole result; only its "workload" is looked at
 * @phase: number of the step, -1: the whole run
 * @phase_name: for messages
 * Return: 0, -ENOMEM; wl_scope_deinit() in every case.
 */
int wl_scope_read(struct wl_scope *s, const struct value *result,
		  const char *cgroup, int phase, const char *phase_name);
void wl_scope_deinit(struct wl_scope *s);

/** wl_off_cpu_pct() - share of its time that a worker did not run, in per cent */
double wl_off_cpu_pct(const struct wl_figures *f);
/** wl_work_rate() - iterations per second of CPU time */
double wl_work_rate(const struct wl_figures *f);
/** wl_iteration_rate() - iterations per second of wall clock */
double wl_iteration_rate(const struct wl_figures *f);

/** wl_groups_fill() - the groups' figures into result.workload.cgroups */
int wl_groups_fill(struct value *result);

#endif
