/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * capture: what one freeze reads of the guest: each CPU's registers, call
 * chain, task and run queue, the paths that a scenario asked for, BPF maps.
 * Plain data: the guest may run on, and end, while it is looked at.
 *
 * What is not there (too early, no symbols, no BTF, an unreadable page) is
 * told by the has_ flags and why, never as 0.
 */
#ifndef VMTAP_FREEZE_CAPTURE_H
#define VMTAP_FREEZE_CAPTURE_H

#include "freeze/bpfmap.h"
#include "freeze/kpath.h"
#include "freeze/sched.h"
#include "freeze/tasks.h"
#include "freeze/unwind.h"
#include "vmm/machine.h"

#define CAPTURE_MAX_MAPS 64
#define CAPTURE_MAX_ENTRIES 256		/* of one map */
#define CAPTURE_MAX_MAP_BYTES KiB(64)	/* of one map's values */

struct capture_cpu {
	enum machine_cpu_state state;
	bool has_regs;
	struct machine_regs regs;
	unsigned int nr_frames;
	struct unwind_frame frames[UNWIND_MAX];
	bool has_online, online;
	bool has_task;
	struct task task;
	bool has_rq;
	struct sched_cpu rq;
};

struct capture_read {
	const char *path;	/* the caller's */
	int err;
	char why[200];
	struct kvalue value;	/* where err is 0 */
};

/* One element of a map; a hash map's in no order. */
struct capture_entry {
	u8 *key;		/* key_size bytes; NULL: of an array */
	s32 cpu;		/* of a per-CPU map, else -1 */
	struct kvalue value;	/* types NULL: bytes without a type */
};

struct capture_map {
	struct bpfmap map;
	struct capture_entry *entries;
	size_t nr;
	bool cut;		/* there are more */
	bool failed;		/* a kind that is not read, or not readable */
};

struct capture {
	u32 nr_cpus;
	struct capture_cpu *cpus;
	struct capture_read *reads;
	size_t nr_reads;
	struct capture_map *maps;
	size_t nr_maps;
	bool maps_read;
	char why[200];		/* why only registers are told; "" */
};

struct capture_types;

/* Where a capture reads; kept from one to the next. */
struct capture_from {
	struct machine *m;
	const struct kread *k;		/* NULL: registers alone */
	const struct kimage *image;	/* NULL: no call chains */
	const char *why;		/* where k is NULL */
	const char *const *paths;
	size_t nr_paths;

	/* private */
	bool ready, has_sched;
	struct sched sched;
	struct unwind unwind;
	struct capture_types *types;	/* of BPF maps, by map */
};

/**
 * capture_prepare() - look up what @from's kernel has; nothing is read
 * So that it does not cost the guest's standing; capture_take() does it else.
 */
void capture_prepare(struct capture_from *from);
/**
 * capture_take() - read it all
 * @out: zeroed; capture_reset() frees. Types in it live as long as @from and
 *	until the next capture.
 * Return: 0; -ENOMEM. Context: the machine is parked or was joined.
 */
int capture_take(struct capture_from *from, struct capture *out);
void capture_reset(struct capture *c);
/** capture_from_deinit() - NULL members are fine */
void capture_from_deinit(struct capture_from *from);

/**
 * capture_each_regs() - the vCPUs' registers at the frozen moment, in order
 * @fn: @regs is NULL where they could not be read; nonzero ends it
 * Return: 0 or what @fn returned.
 */
int capture_each_regs(const struct capture *c,
		      int (*fn)(void *arg, u32 cpu,
				const struct machine_regs *regs,
				const struct capture_cpu *cpu_state),
		      void *arg);

/** capture_state_name() - "running", "halted", "not_started"; NULL unknown */
const char *capture_state_name(enum machine_cpu_state state);

#endif
