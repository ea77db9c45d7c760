/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * monitor: what a series of runqueue samples says. Pure: samples go in, with
 * the host's clock and the CPU time of each vCPU; a summary, its thresholds
 * and their failures come out. Who takes the samples is the caller's matter.
 */
#ifndef VMTAP_FREEZE_MONITOR_H
#define VMTAP_FREEZE_MONITOR_H

#include "freeze/sched.h"

/* 0 is no threshold. A breach fails after @sustained samples in a row. */
struct monitor_cfg {
	double max_imbalance_ratio;
	u64 max_local_dsq_depth;
	double max_fallback_rate;	/* per second */
	double max_keep_last_rate;	/* per second */
	u32 sustained;			/* at least 1 */
	bool fail_on_stall;
	int fallback_event;		/* index into sched_cpu.events; -1: none */
	int keep_last_event;
	unsigned int nr_events;
};

/* One CPU in one sample. */
struct monitor_cpu {
	bool present;		/* its runqueue is set up and was read */
	struct sched_cpu c;
	u64 ran_ns;		/* CPU time that its vCPU has had from the host */
};

enum monitor_limit {
	MONITOR_IMBALANCE,
	MONITOR_DSQ_DEPTH,
	MONITOR_FALLBACK,
	MONITOR_KEEP_LAST,
	MONITOR_NR_LIMITS,
};

/* A CPU as it was last seen, and since when its clock stands still. */
struct monitor_seen {
	struct monitor_cpu last;
	u32 still;		/* samples in a row */
};

/* What some samples in a row come to. */
struct monitor_sum {
	u64 samples;
	double max_imbalance_ratio;
	u64 max_local_dsq_depth;
	bool has_scx;
	bool stuck;
	bool has_events;
	u64 events[SCHED_MAX_EVENTS];	/* increments, over all CPUs */
	bool has_schedstat;
	struct sched_schedstat schedstat;	/* increments, over all CPUs */
};

#define MONITOR_MAX_PHASES 4096

struct monitor_phase {
	char label[64];
	s64 step;
	struct monitor_sum sum;
};

struct monitor {
	struct monitor_cfg cfg;
	unsigned int nr_cpus;
	struct monitor_seen *cpus;
	u64 last_ns;
	u32 in_a_row[MONITOR_NR_LIMITS];
	struct monitor_sum sum;		/* of all samples */
	struct monitor_phase *phases;
	size_t nr_phases;
	char failure[200];		/* the first one; "" none */
};

/** monitor_init() - nothing seen yet; 0 or -ENOMEM; monitor_deinit() frees */
int monitor_init(struct monitor *m, const struct monitor_cfg *cfg,
		 unsigned int nr_cpus);
void monitor_deinit(struct monitor *m);

/**
 * monitor_add() - take one sample into account
 * @now_ns: when it was taken; @cpus: nr_cpus of them
 * A sample with no CPU present does not count.
 *
 * Stuck is a CPU whose runqueue clock stands still over cfg.sustained samples
 * though its vCPU ran. Exempt: the idle task (its tick is off), and samples in
 * which the host gave the vCPU less than a quarter of the time: two busy vCPUs
 * may share one of its CPUs, with others.
 */
void monitor_add(struct monitor *m, u64 now_ns, const struct monitor_cpu *cpus);

/**
 * monitor_begin() - samples from here on belong to a phase called @label
 * What lies before the first one belongs to none. Past MONITOR_MAX_PHASES, and
 * without memory, the last phase goes on.
 */
void monitor_begin(struct monitor *m, const char *label, s64 step);

#endif
