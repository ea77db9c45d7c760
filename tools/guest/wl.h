/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The workload engine: a program of its own in the agent's binary
 * (vmtap-workload), started in place of the payload. It reads the plan, makes
 * the cgroups, forks the workers, carries out the steps and reports through
 * the agent.
 *
 *	wl_plan.c    the plan's reader			(pure)
 *	wl_topo.c    the guest's topology, sets of CPUs	(pure but for reading it)
 *	wl_stat.c    reservoirs and percentiles		(pure)
 *	wl_cgroup.c  cgroup v2
 *	wl_worker.c  a worker: gate, attributes, what it counts
 *	wl_types.c   types of work that stand alone
 *	wl_pairs.c   types of work that need each other
 *	wl_team.c    teams: fork, place, start, stop
 *	wl_child.c   children that are no workers: scripts
 *	wl_steps.c   operations and holds
 *	wl_report.c  frames to the host
 *	wl_main.c    the course of things
 *
 * Here: the plan and what is pure; the engine's own state is in wl_run.h.
 */
#ifndef VMTAP_GUEST_WL_H
#define VMTAP_GUEST_WL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner/workload_wire.h"

#define WL_MAX_CPUS 64		/* as SCEN_MAX_CPUS: masks are 64 bits wide */
#define WL_MAX_NODES 16
#define WL_MAX_TEAM 4096

/* --- wl_plan.c: strings point into the plan's bytes --- */

struct wl_set {
	enum cpu_set_kind kind;
	unsigned int index, of;
	double from, to, overlap;
	const char *list;
};

struct wl_cgroup_plan {
	const char *name, *parent;
	struct wl_set cpuset;
	const char *cpu_max;
	uint64_t cpu_weight, memory_max, memory_high;
};

struct wl_doing {
	enum phase_do what;
	uint64_t ns;
};

struct wl_worker_plan {
	const char *name, *group;
	uint64_t type, count, policy, priority;
	int nice;
	struct wl_set affinity;
	uint64_t mem_policy;
	const char *mem_nodes;
	uint64_t burst_ns, sleep_ns, region, fan_out;
	struct wl_doing *doings;
	size_t nr_doings;
	char **argv;		/* ends with NULL */
	size_t argc;
};

struct wl_op_plan {
	uint64_t kind;
	const char *target, *to, *text;
	struct wl_set cpus;
	struct wl_cgroup_plan *cgroup;
	struct wl_worker_plan *worker;
};

struct wl_step_plan {
	const char *name;
	enum hold_kind hold;
	uint64_t hold_ns;
	double fraction;
	struct wl_op_plan *ops;
	size_t nr_ops;
};

struct wl_plan {
	uint64_t duration_ns;
	struct wl_cgroup_plan *cgroups;
	size_t nr_cgroups;
	struct wl_worker_plan *workers;
	size_t nr_workers;
	struct wl_step_plan *steps;
	size_t nr_steps;
};

/** wl_plan_parse() - @bytes[@len] is changed and kept; NULL or what is wrong */
const char *wl_plan_parse(struct wl_plan *plan, char *bytes, size_t len);
const char *wl_type_word(uint64_t type);
const char *wl_op_word(uint64_t kind);

/* --- wl_topo.c --- */

struct wl_topo {
	uint64_t cpus;			/* online */
	uint64_t llcs[WL_MAX_CPUS];	/* by their lowest CPU */
	unsigned int nr_llcs;
	uint64_t nodes[WL_MAX_NODES];	/* by number; 0: no CPU */
	unsigned int nr_nodes;		/* highest number + 1 */
};

void wl_topo_read(struct wl_topo *topo);
/** wl_list_parse() - "0-3,5" to a mask; false: no such list, or beyond 63 */
bool wl_list_parse(const char *list, uint64_t *mask);
/** wl_list_print() - the reverse; @out of 200 bytes always suffices */
const char *wl_list_print(uint64_t mask, char *out, size_t len);
/**
 * wl_set_resolve() - the CPUs that @set means
 * @mask: of the online CPUs; untouched where the set is CPU_SET_INHERIT
 * Return: NULL or why there is no such set here.
 */
const char *wl_set_resolve(const struct wl_topo *topo, const struct wl_set *set,
			   uint64_t *mask);

/* --- wl_stat.c --- */

/* Fixed-size sample of a stream, each value as likely in it (algorithm R). */
struct wl_reservoir {
	uint64_t seen;
	uint32_t room;
	uint64_t v[];
};

void wl_reservoir_add(struct wl_reservoir *r, uint64_t value, uint64_t *rng);
/** wl_reservoir_rank() - nearest-rank percentile, 1 to 100; sorts; false: empty */
bool wl_reservoir_rank(struct wl_reservoir *r, unsigned int percent,
		       uint64_t *value);
uint64_t wl_random(uint64_t *rng);

#endif
