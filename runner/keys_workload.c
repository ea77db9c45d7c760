// SPDX-License-Identifier: GPL-2.0-only
/* The key table of `workload`. See keys.h. */
#include "runner/keyrow.h"
#include "runner/parse.h"

static const char *const work_words[] = { WL_WORK_WORDS, NULL };

static const char *const policy_words[] = {
	"other", "batch", "idle", "fifo", "rr", "ext", NULL,
};

static const char *const mem_words[] = {
	"default", "bind", "preferred", "interleave", "local", NULL,
};

static const char *const phase_words[] = {
	"spin", "sleep", "yield", "io", NULL,
};

static const struct key assert_keys[] = {
	{ "not_starved", KEY_BOOL, AT(wl_assert, not_starved),
	  .doc = "Each worker did something: at least one iteration; a command, some CPU time." },
	{ "isolation", KEY_BOOL, AT(wl_assert, isolation),
	  .doc = "No worker was seen on a CPU that its cpuset and affinity did not "
		 "allow at that time." },
	{ "max_spread_pct", KEY_FLOAT, AT(wl_assert, max_spread_pct),
	  .doc = "Fairness: largest off-CPU share of a group's workers less the smallest, in "
		 "per cent of wall clock. 15 is usual, 35 on a debug kernel.",
	  .example = "15" },
	{ "max_gap", KEY_DURATION, AT(wl_assert, max_gap_ns),
	  .doc = "Longest time between two iterations of a worker, its own sleeps left out; a "
		 "freeze counts. 2s is usual, 3s on a debug kernel.", .example = "2s" },
	{ "max_throughput_cv", KEY_FLOAT, AT(wl_assert, max_throughput_cv),
	  .doc = "Coefficient of variation of iterations per CPU second over a group.",
	  .example = "0.5" },
	{ "min_work_rate", KEY_FLOAT, AT(wl_assert, min_work_rate),
	  .doc = "Iterations per second of CPU time, of the slowest worker.", .example = "100" },
	{ "max_p99_wake", KEY_DURATION, AT(wl_assert, max_p99_wake_ns),
	  .doc = "99th percentile of wake-up latency, of the worst worker: from the planned end "
		 "of a sleep, or from the waker's call, to running.", .example = "50ms" },
	{ "min_iteration_rate", KEY_FLOAT, AT(wl_assert, min_iteration_rate),
	  .doc = "Iterations per second of wall clock, of the slowest worker.", .example = "10" },
	{ "max_migration_ratio", KEY_FLOAT, AT(wl_assert, max_migration_ratio),
	  .doc = "Migrations per iteration, of the worst worker.", .example = "0.5" },
	{ "min_page_locality", KEY_FLOAT, AT(wl_assert, min_page_locality),
	  .doc = "Share of a worker's pages on the nodes of its memory policy, else of "
		 "its CPUs.", .example = "0.8" },
	{ "max_cross_node_ratio", KEY_FLOAT, AT(wl_assert, max_cross_node_ratio),
	  .doc = "Pages that the kernel moved between nodes, per page of all workers. Of the "
		 "workload's own assert alone.", .example = "0.1" },
	{ "max_slow_tier_ratio", KEY_FLOAT, AT(wl_assert, max_slow_tier_ratio),
	  .doc = "Share of a worker's pages on nodes without CPUs.", .example = "0.2" },
};

static const struct keyset assert_set = {
	.what = "workload.assert", .keys = assert_keys,
	.n = ARRAY_SIZE(assert_keys), .size = sizeof(struct wl_assert),
	.present_off = offsetof(struct wl_assert, present), .loc_off = -1,
};

static const struct key cgroup_keys[] = {
	{ "name", KEY_STR, AT(wl_cgroup, name), .required = true,
	  .pattern = NAME_PATTERN, .form = NAME_FORM,
	  .doc = "Its folder below the workload's root group.", .example = "left" },
	{ "parent", KEY_STR, AT(wl_cgroup, parent), .pattern = NAME_PATTERN,
	  .form = NAME_FORM, .doc = "The group it is nested in.",
	  .example = "outer" },
	{ "cpuset", KEY_CUSTOM, AT(wl_cgroup, cpuset), .custom = &custom_cpu_set,
	  .doc = "cpuset.cpus. Default: as the parent.", .example = "\"0-1\"" },
	{ "cpu_max", KEY_STR, AT(wl_cgroup, cpu_max),
	  .pattern = "^(max|[0-9]+)( [0-9]+)?$",
	  .form = "max, or quota and period in microseconds such as \"50000 100000\"",
	  .doc = "cpu.max.", .example = "\"50000 100000\"" },
	{ "cpu_weight", INT_AT(wl_cgroup, cpu_weight), .min = 1, .max = 10000,
	  .doc = "cpu.weight.", .example = "200" },
	{ "memory_max", KEY_SIZE, AT(wl_cgroup, memory_max), .min = 4096,
	  .max = NO_MAX, .doc = "memory.max.", .example = "64M" },
	{ "memory_high", KEY_SIZE, AT(wl_cgroup, memory_high), .min = 4096,
	  .max = NO_MAX, .doc = "memory.high.", .example = "48M" },
	{ "assert", KEY_MAP, AT(wl_cgroup, asserts), .sub = &assert_set,
	  .doc = "Thresholds for the workers of this group, in place of workload.assert." },
};

const struct keyset wl_cgroup_keys = {
	.what = "a cgroup", .keys = cgroup_keys, .n = ARRAY_SIZE(cgroup_keys),
	.size = sizeof(struct wl_cgroup),
	.present_off = -1, .loc_off = offsetof(struct wl_cgroup, loc),
};

static const struct key phase_keys[] = {
	{ "do", KEY_ENUM, AT(wl_phase, what), .words = phase_words,
	  .required = true, .doc = "What the worker does in this phase.",
	  .example = "spin" },
	{ "for", KEY_DURATION, AT(wl_phase, for_ns), .required = true,
	  .doc = "How long.", .example = "10ms" },
};

static const struct keyset phase_set = {
	.what = "a phase of sequence", .keys = phase_keys,
	.n = ARRAY_SIZE(phase_keys), .size = sizeof(struct wl_phase),
	.present_off = -1, .loc_off = offsetof(struct wl_phase, loc),
};

static const struct key worker_keys[] = {
	{ "name", KEY_STR, AT(wl_worker, name), .pattern = NAME_PATTERN,
	  .form = NAME_FORM, .doc = "What operations and results call it. Default: its type.",
	  .example = "hogs" },
	{ "cgroup", KEY_STR, AT(wl_worker, cgroup), .pattern = NAME_PATTERN,
	  .form = NAME_FORM, .doc = "The group it runs in. Default: the workload's root group.",
	  .example = "left" },
	{ "type", KEY_ENUM, AT(wl_worker, type), .words = work_words,
	  .dflt = "spin", .doc = "What each of its threads does." },
	{ "count", INT_AT(wl_worker, count), .min = 1, .max = 4096, .dflt = "1",
	  .doc = "Workers, each a process; even for the types that work in pairs, a multiple of "
		 "fan_out + 1 for those that fan out." },
	{ "policy", KEY_ENUM, AT(wl_worker, policy), .words = policy_words,
	  .dflt = "other", .doc = "Scheduling policy." },
	{ "priority", INT_AT(wl_worker, priority), .min = 1, .max = 99,
	  .doc = "Of fifo and rr. Default: 1.", .example = "10" },
	{ "nice", INT_AT(wl_worker, nice), .min = -20, .max = 19, .dflt = "0",
	  .doc = "Nice value." },
	{ "affinity", KEY_CUSTOM, AT(wl_worker, affinity),
	  .custom = &custom_cpu_set,
	  .doc = "CPUs of each thread. Default: those of the group.",
	  .example = "{llc: 0}" },
	{ "mem_policy", KEY_ENUM, AT(wl_worker, mem_policy), .words = mem_words,
	  .dflt = "default", .doc = "NUMA memory policy." },
	{ "mem_nodes", KEY_STR, AT(wl_worker, mem_nodes),
	  .pattern = "^[0-9]+(-[0-9]+)?(,[0-9]+(-[0-9]+)?)*$",
	  .form = "nodes such as \"0-1\"", .doc = "Nodes of that policy.",
	  .example = "\"0\"" },
	{ "burst", KEY_DURATION, AT(wl_worker, burst_ns), .dflt = "50ms",
	  .doc = "Length of a busy stretch, of the types that have one." },
	{ "sleep", KEY_DURATION, AT(wl_worker, sleep_ns), .dflt = "100ms",
	  .doc = "Sleep between bursts." },
	{ "region", KEY_SIZE, AT(wl_worker, region), .min = 4096,
	  .max = NO_MAX, .dflt = "1M",
	  .doc = "Memory touched, of the cache and page-fault types." },
	{ "fan_out", INT_AT(wl_worker, fan_out), .min = 1, .max = 256,
	  .dflt = "4", .doc = "Receivers per sender, of the types that fan out." },
	{ "sequence", KEY_LIST, AT(wl_worker, sequence), .sub = &phase_set,
	  .doc = "Phases of type sequence, repeated." },
	{ "command", KEY_STR_LIST, AT(wl_worker, command),
	  .doc = "Program and arguments of type custom.",
	  .example = "[/bin/prog, --flag]" },
};

const struct keyset wl_worker_keys = {
	.what = "a worker", .keys = worker_keys, .n = ARRAY_SIZE(worker_keys),
	.size = sizeof(struct wl_worker),
	.present_off = -1, .loc_off = offsetof(struct wl_worker, loc),
	.judge = judge_worker,
};

static const struct key step_keys[] = {
	{ "name", KEY_STR, AT(wl_step, name), .pattern = NAME_PATTERN,
	  .form = NAME_FORM, .doc = "What results call this phase.",
	  .example = "squeeze" },
	{ "ops", KEY_CUSTOM, AT(wl_step, ops), .custom = &custom_ops,
	  .doc = "Operations, in order.",
	  .example = "[{set_cpuset: {target: left, cpus: \"0\"}}, {stop: hogs}]" },
	{ "hold", KEY_CUSTOM, AT(wl_step, hold), .custom = &custom_hold,
	  .doc = "How long the step lasts. With loop the operations are repeated at "
		 "that interval for the rest of the workload's duration.",
	  .example = "50%" },
	{ "assert", KEY_MAP, AT(wl_step, asserts), .sub = &assert_set,
	  .doc = "Thresholds over this phase, for the workers of each group." },
};

static const struct keyset step_set = {
	.what = "a step", .keys = step_keys, .n = ARRAY_SIZE(step_keys),
	.size = sizeof(struct wl_step),
	.present_off = -1, .loc_off = offsetof(struct wl_step, loc),
};

static const struct key workload_rows[] = {
	{ "duration", KEY_DURATION, AT(scen_workload, duration_ns),
	  .min = 100 * NSEC_PER_MSEC, .max = 24 * 3600 * NSEC_PER_SEC,
	  .dflt = "10s",
	  .doc = "How long it lasts without steps; with them, what fractions and loops "
		 "refer to." },
	{ "cgroups", KEY_LIST, AT(scen_workload, cgroups),
	  .sub = &wl_cgroup_keys, .doc = "Groups that are there from the start." },
	{ "workers", KEY_LIST, AT(scen_workload, workers),
	  .sub = &wl_worker_keys, .doc = "Workers that run from the start." },
	{ "steps", KEY_LIST, AT(scen_workload, steps), .sub = &step_set,
	  .doc = "Steps, in order; each is a phase of the result." },
	{ "assert", KEY_MAP, AT(scen_workload, asserts), .sub = &assert_set,
	  .doc = "Thresholds over what the workers report, per cgroup; those of no cgroup are "
		 "judged together. What is not given is not asserted." },
};

const struct keyset workload_keys = {
	.what = "workload", .keys = workload_rows,
	.n = ARRAY_SIZE(workload_rows), .size = sizeof(struct scen_workload),
	.present_off = offsetof(struct scen_workload, present), .loc_off = -1,
};
