/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sched: each CPU's runqueue, as the monitor samples it. Offsets are looked up
 * once (sched_init()), so that a sample is a few dozen loads per CPU and never
 * touches the guest's vCPUs. Members that a kernel does not have are told by
 * the has_ flags, never as 0.
 */
#ifndef VMTAP_FREEZE_SCHED_H
#define VMTAP_FREEZE_SCHED_H

#include "freeze/kread.h"

#define SCHED_MAX_DOMAINS 8
#define SCHED_MAX_EVENTS 32

struct buf;
struct sched_off;

/* The reader's state: resolved offsets and addresses. sched_deinit() frees. */
struct sched {
	struct kread k;
	struct sched_off *off;
	unsigned int nr_cpus;
};

struct sched_schedstat {
	u64 run_delay_ns;	/* rq_sched_info.run_delay */
	u64 pcount;
	u64 yld_count;
	u64 sched_count;
	u64 sched_goidle;
	u64 ttwu_count;
	u64 ttwu_local;
};

struct sched_scx {
	u64 nr_running;
	u64 local_dsq_depth;
	u64 flags;
	u64 nr_immed;
	bool has_nr_immed;
};

struct sched_cpu {
	bool ready;		/* the runqueue is set up: clock runs, curr set */
	u64 nr_running;
	u64 clock_ns;		/* rq->clock */
	u64 nr_switches;
	gva_t curr;
	s32 curr_pid;
	char curr_comm[17];
	bool idle;		/* curr is the idle task */
	bool has_scx;
	struct sched_scx scx;
	bool has_schedstat;
	struct sched_schedstat schedstat;
	bool has_events;
	u64 events[SCHED_MAX_EVENTS];	/* by sched_event_name() */
};

struct sched_domain_info {
	s32 level;
	u32 flags;
	u32 span_weight;
	char name[32];
};

/**
 * sched_init() - resolve what @k's kernel has; no guest memory is read
 * Return: 0; -ENOENT without struct rq in BTF or symbol runqueues; -ENOMEM.
 */
int sched_init(struct sched *s, const struct kread *k, struct diag *d);
void sched_deinit(struct sched *s);

/**
 * sched_cpu_read() - sample one CPU
 * Return: 0; -EFAULT while its memory is not there; -EAGAIN before the kernel
 * set its per-CPU areas up (such samples are to be left out).
 */
int sched_cpu_read(struct sched *s, unsigned int cpu, struct sched_cpu *out);

/** sched_nr_events(), sched_event_name() - sched_ext's event counters, from BTF */
unsigned int sched_nr_events(const struct sched *s);
const char *sched_event_name(const struct sched *s, unsigned int i);

/** sched_domains() - @cpu's domains from the bottom up; how many, or -errno */
int sched_domains(struct sched *s, unsigned int cpu,
		  struct sched_domain_info *out, unsigned int max);

/**
 * sched_domain_flags() - append the names of @flags as the kernel has them
 * In the order of the bits, a blank between them: "SD_BALANCE_NEWIDLE SD_NUMA".
 * Return: 0; -ENOENT BTF does not tell; -ENOMEM.
 */
int sched_domain_flags(const struct sched *s, u32 flags, struct buf *out);

/** sched_schedstats_enabled() - the sched_schedstats static key; -ENOENT */
int sched_schedstats_enabled(const struct sched *s);

#endif
