/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * workload: the part of a scenario that the guest's workload engine carries
 * out: cgroups, workers, and steps of operations with holds. Plain data; a
 * room of struct scenario, which owns it. Included by runner/scenario.h.
 */
#ifndef VMTAP_RUNNER_WORKLOAD_H
#define VMTAP_RUNNER_WORKLOAD_H

#include <stdbool.h>

#include "runner/lists.h"
#include "runner/workload_wire.h"
#include "vmm/base/util.h"

struct cpu_set_want {
	enum cpu_set_kind kind;
	const char *list;
	u32 index;
	u32 of;
	double from;
	double to;
	double overlap;		/* fraction of a part */
};

/* Thresholds over the workers' own reports; 0 or false: not asserted. */
struct wl_assert {
	bool present;
	bool not_starved;
	bool isolation;
	double max_spread_pct;
	u64 max_gap_ns;
	double max_throughput_cv;
	double min_work_rate;		/* units per CPU second */
	u64 max_p99_wake_ns;
	double min_iteration_rate;	/* per second of wall clock */
	double max_migration_ratio;
	double min_page_locality;
	double max_cross_node_ratio;
	double max_slow_tier_ratio;
};

struct wl_cgroup {
	struct loc loc;
	const char *name;
	const char *parent;	/* NULL: the workload's root group */
	struct cpu_set_want cpuset;
	const char *cpu_max;	/* "max" or "QUOTA PERIOD" in microseconds */
	u32 cpu_weight;		/* 1..10000; 0: untouched */
	u64 memory_max;		/* bytes; 0: untouched */
	u64 memory_high;
	struct wl_assert asserts;	/* in place of the workload's */
};

struct wl_phase {
	struct loc loc;
	enum phase_do what;
	u64 for_ns;
};

struct wl_worker {
	struct loc loc;
	const char *name;	/* NULL: the type */
	const char *cgroup;	/* NULL: the workload's root group */
	enum work_type type;
	u32 count;		/* threads; a multiple of the type's group size */
	enum sched_policy policy;
	u32 priority;		/* of fifo and rr */
	s32 nice;
	struct cpu_set_want affinity;
	enum mem_policy mem_policy;
	const char *mem_nodes;	/* "0-1" */
	u64 burst_ns;
	u64 sleep_ns;
	u64 region;		/* bytes touched */
	u32 fan_out;		/* receivers per sender */
	LIST_OF(struct wl_phase) sequence;	/* of type sequence */
	struct str_list command;		/* of type custom */
};

struct wl_op {
	struct loc loc;
	enum wl_op_kind kind;
	const char *target;
	const char *to;
	const char *text;
	struct cpu_set_want cpus;
	struct wl_cgroup cgroup;
	struct wl_worker worker;
};

struct wl_hold {
	enum hold_kind kind;
	u64 ns;			/* fixed: how long; loop: the interval */
	double fraction;	/* of the workload's duration */
};

struct wl_step {
	struct loc loc;
	const char *name;	/* NULL: "step N" */
	LIST_OF(struct wl_op) ops;	/* with a loop hold: repeated */
	struct wl_hold hold;
	struct wl_assert asserts;	/* over this phase alone */
};

struct scen_workload {
	bool present;
	u64 duration_ns;
	LIST_OF(struct wl_cgroup) cgroups;
	LIST_OF(struct wl_worker) workers;
	LIST_OF(struct wl_step) steps;
	struct wl_assert asserts;
};

#endif
