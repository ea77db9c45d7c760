/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The workload engine at run time: what the engine's process and its workers
 * share, and the engine's own state. One thread in each process.
 */
#ifndef VMTAP_GUEST_WL_RUN_H
#define VMTAP_GUEST_WL_RUN_H

#include <sys/resource.h>
#include <sys/types.h>

#include "tools/guest/wl.h"

#define WL_WAKES 4096		/* latencies kept of a worker */
#define WL_PHASE_WAKES 512	/* and of one of its phases */
#define WL_ALL_CPUS UINT64_MAX
#define WL_STOP_MS 5000		/* from SIGUSR1 to SIGKILL */

union wl_wakes {
	struct wl_reservoir r;
	uint64_t space[2 + WL_WAKES];
};

/* Written by the worker, read by the engine. */
struct wl_phase_slot {
	uint64_t max_gap_ns;
	uint64_t outside;	/* mask of CPUs where it should not have been */
	union {
		struct wl_reservoir r;
		uint64_t space[2 + WL_PHASE_WAKES];
	} wakes;
};

/*
 * One worker's room in memory that it shares with the engine and its team.
 * Mapped without reserve: what nobody touches costs nothing.
 */
struct wl_slot {
	/* written by the engine */
	uint64_t allowed;	/* CPUs where it may be seen */
	/* written by the worker */
	uint64_t iterations;
	uint64_t start_ns, last_ns, end_ns;	/* CLOCK_MONOTONIC */
	uint64_t migrations;
	uint64_t seen;		/* mask of CPUs */
	uint64_t outside;
	uint64_t max_gap_ns;
	uint64_t run_delay_ns;	/* set at the end */
	uint64_t pages, pages_near, pages_slow;
	bool told;		/* the figures set at the end are there */
	int32_t error;		/* errno of @failed */
	char failed[64];	/* what it could not set up */
	/* between workers */
	uint32_t word;		/* futex */
	uint32_t pending;	/* futex */
	uint64_t stamp;
	union wl_wakes wakes;
	struct wl_phase_slot phases[];
};

enum wl_gate { WL_GATE_SHUT, WL_GATE_PLACED, WL_GATE_GO };

struct wl_shared {
	uint32_t gate;		/* futex: enum wl_gate */
	uint32_t ready;		/* futex: workers that set themselves up */
	uint32_t lock;		/* futex of type mutex-contention */
	uint32_t pad[13];
};

/* What a worker's process knows; not shared. */
struct wl_me {
	const struct wl_worker_plan *plan;
	const struct wl_topo *topo;
	const uint32_t *phase;
	struct wl_shared *shared;
	struct wl_slot *slot;
	uint64_t near;		/* mask of nodes where its memory belongs */
	unsigned int index;
	size_t stride;		/* from slot to slot */
	int in, out;		/* pipes of a pair; -1 */
	int file;		/* of io; -1 */
	int cpu;
	uint64_t last, rng;
	uint8_t *region;
	size_t at;
};

struct wl_cgroup_run {
	const struct wl_cgroup_plan *plan;	/* NULL: a free entry */
	char path[256];
	uint64_t mask;		/* own cpuset; 0: none */
	bool frozen, standing;
	/* read when it went away */
	uint64_t usage_ns, throttled, throttled_ns, memory_peak, oom_kills;
	bool told;
};

/* Where a worker stood when a phase began, and what became of it. */
struct wl_mark {
	uint64_t at_ns, iterations, cpu_ns, migrations;
};

struct wl_phase_told {
	bool was;		/* it lived in this phase */
	uint64_t wall_ns, iterations, cpu_ns, migrations, max_gap_ns;
};

struct wl_member {
	pid_t pid;		/* 0: ended */
	struct wl_mark mark;
	struct wl_phase_told *phases;
	uint64_t cpu_ns;
	int status;		/* of wait4() */
	bool ended, killed;
};

struct wl_team {
	const struct wl_worker_plan *plan;
	struct wl_cgroup_run *cgroup;	/* NULL: none of the plan's */
	uint64_t affinity;	/* 0: none */
	struct wl_shared *shared;
	size_t stride;
	unsigned int nr;
	struct wl_member *members;
	bool stopping, stopped, host;
};

struct wl_child {
	const char *name;	/* NULL: the payload */
	pid_t pid;		/* 0: ended */
	int status;
};

struct wl_run {
	struct wl_plan plan;
	struct wl_topo topo;
	uint32_t *phase;	/* shared with all workers */
	unsigned int nr_phases;
	uint64_t *phase_from, *phase_to;	/* ns since the start */
	uint64_t start_ns;	/* CLOCK_MONOTONIC */
	int64_t moved;		/* pages, before the start; -1 unknown */
	struct wl_cgroup_run *cgroups;
	size_t nr_cgroups, max_cgroups;
	struct wl_team **teams;
	size_t nr_teams, max_teams;
	struct wl_child *children;
	size_t nr_children, max_children;
	char root[128];		/* the workload's root group; "": no cgroups */
	int signals;		/* signalfd */
	bool asked_to_end;
	bool broken;		/* something could not be done */
	unsigned int step, step_ops;
};

uint64_t wl_now(void);
/** wl_complain() - a line on stderr; the run is broken; always -1 */
int wl_complain(struct wl_run *run, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* --- wl_worker.c: in the worker's process --- */

/** wl_worker_main() - never returns */
void wl_worker_main(struct wl_me *me) __attribute__((noreturn));
bool wl_stopped(void);
/** wl_tick() - one unit of work is done */
void wl_tick(struct wl_me *me);
/** wl_spin() - @units of 1024 turns */
void wl_spin(struct wl_me *me, unsigned int units);
/** wl_sleep() - the planned end tells how late it woke */
void wl_sleep(struct wl_me *me, uint64_t ns);
/** wl_woke() - woken by somebody at @stamp */
void wl_woke(struct wl_me *me, uint64_t stamp);
struct wl_slot *wl_neighbour(const struct wl_me *me, unsigned int index);

/* --- wl_types.c, wl_pairs.c: one unit of work; NULL where there is no such --- */

typedef void (*wl_unit_fn)(struct wl_me *me);
wl_unit_fn wl_unit_of(uint64_t type);
wl_unit_fn wl_pair_unit_of(uint64_t type);
/** wl_touch() - read, change and write the region, a line at a time */
void wl_touch(struct wl_me *me);
int wl_futex_wait(uint32_t *word, uint32_t value, int timeout_ms);
void wl_futex_wake(uint32_t *word, int nr);

/* --- wl_cgroup.c --- */

int wl_cgroups_open(struct wl_run *run);
void wl_cgroups_close(struct wl_run *run);
struct wl_cgroup_run *wl_cgroup_find(struct wl_run *run, const char *name);
int wl_cgroup_add(struct wl_run *run, const struct wl_cgroup_plan *plan);
int wl_cgroup_remove(struct wl_run *run, struct wl_cgroup_run *g);
/** wl_cgroup_place() - @g NULL: the root group's leaf */
int wl_cgroup_place(struct wl_run *run, struct wl_cgroup_run *g, pid_t pid);
/** wl_cgroup_leave() - into the machine's root group */
int wl_cgroup_leave(struct wl_run *run, pid_t pid);
int wl_cgroup_cpuset(struct wl_run *run, struct wl_cgroup_run *g, uint64_t mask);
int wl_cgroup_swap(struct wl_run *run, struct wl_cgroup_run *a,
		   struct wl_cgroup_run *b);
int wl_cgroup_move(struct wl_run *run, struct wl_cgroup_run *from,
		   struct wl_cgroup_run *to);
int wl_cgroup_freeze(struct wl_run *run, struct wl_cgroup_run *g, bool freeze);
/** wl_cgroup_mask() - CPUs that its members may use */
uint64_t wl_cgroup_mask(struct wl_run *run, const struct wl_cgroup_run *g);
unsigned int wl_cgroups_standing(const struct wl_run *run);

/* --- wl_team.c --- */

/** wl_team_fork() - fork, place, set up; they wait for wl_team_go() */
struct wl_team *wl_team_fork(struct wl_run *run,
			     const struct wl_worker_plan *plan, bool host);
void wl_team_go(struct wl_run *run, struct wl_team *team);
/** wl_teams_stop() - all @match says yes to; NULL: all */
void wl_teams_stop(struct wl_run *run,
		   bool (*match)(const struct wl_team *team, const void *arg),
		   const void *arg);
/** wl_teams_allow() - tell each worker where it may be seen; @widen: also there */
void wl_teams_allow(struct wl_run *run, bool widen);
int wl_team_affinity(struct wl_run *run, struct wl_team *team, uint64_t mask);
/** wl_teams_ended() - a child that was reaped; false: no worker */
bool wl_teams_ended(struct wl_run *run, pid_t pid, int status,
		    const struct rusage *use);
/** wl_teams_mark() - phase @ended is over */
void wl_teams_mark(struct wl_run *run, unsigned int ended);
unsigned int wl_teams_running(const struct wl_run *run);
uint64_t wl_teams_iterations(const struct wl_run *run);
struct wl_slot *wl_slot_of(const struct wl_team *team, unsigned int index);

/* --- wl_child.c --- */

/** wl_wait_until() - serve signals until CLOCK_MONOTONIC @until */
void wl_wait_until(struct wl_run *run, uint64_t until);
/** wl_hold() - the same, but for as long as nobody asks to end; false: asked */
bool wl_hold(struct wl_run *run, uint64_t until);
/** wl_child_start() - a script for the shell, or @argv */
struct wl_child *wl_child_start(struct wl_run *run, const char *name,
				const char *script, char *const *argv);
/** wl_child_wait() - exit status as a shell tells it */
int wl_child_wait(struct wl_run *run, struct wl_child *child);
struct wl_child *wl_child_find(struct wl_run *run, const char *name);
void wl_children_kill(struct wl_run *run);

/* --- wl_steps.c --- */

void wl_steps_run(struct wl_run *run);

/* --- wl_report.c --- */

/** wl_report_phase() - @phase begins; run->nr_phases: all have ended */
void wl_report_phase(unsigned int phase);
void wl_report_stimulus(struct wl_run *run, const char *label);
int wl_report_snapshot(struct wl_run *run, const char *name);
void wl_report_all(struct wl_run *run);
/** wl_pages_moved() - between nodes, since boot; -1: not counted */
int64_t wl_pages_moved(void);

#endif
