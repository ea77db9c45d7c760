/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * collect: from what was heard and what the machine and its devices counted
 * to the result tree of runner/fields.def. All of it is read once, after every
 * vCPU and worker has joined: plain numbers, never live.
 */
#ifndef VMTAP_RUNNER_COLLECT_H
#define VMTAP_RUNNER_COLLECT_H

#include <stdbool.h>

#include "vmm/base/util.h"

struct heard;
struct inside;
struct kernel;
struct kimage;
struct machine;
struct mapwrite;
struct peek;
struct scen_vm;
struct watchpoints;
struct snapshots;
struct splat_list;
struct value;
struct virtio_blk;
struct virtio_net;
struct verdict;

/* What is collected from; NULL where there was none. */
struct collect_from {
	const struct heard *heard;
	struct machine *machine;	/* joined */
	const struct peek *peek;	/* stopped */
	struct inside *inside;		/* the guest's memory, after its end */
	struct snapshots *snapshots;	/* finished */
	const struct mapwrite *mapwrite; /* stopped */
	const struct value *reads;
	struct watchpoints *watchpoints;	/* stopped */
	struct virtio_blk *blk;		/* stopped */
	struct virtio_net *net;		/* stopped */
	const char *log;		/* the kernel's */
	size_t log_len;
	const struct splat_list *splats;
	const struct verdict *verdict;
	const struct scen_vm *vm;
	const struct kernel *kernel;
	const struct kimage *image;	/* NULL: not unpacked */
	const char *cmdline;
	const char *accel;
	bool has_scheduler;
	const struct value *probes;	/* of a second run; NULL: there was none */
	const struct value *stats;	/* NULL: no scheduler with stats */
	bool kaslr_off;			/* asked for */
	bool timed_out;
	const char *timeout_cause;	/* NULL: no timeout */
	u64 entry_ms;
	u64 duration_ms;
	u64 cleanup_ms;
};

/** collect_result() - the whole tree; NULL without memory */
struct value *collect_result(const struct collect_from *from);

/** collect_kaslr() - its kaslr group: where the kernel's image lay and why */
struct value *collect_kaslr(const struct collect_from *from);

/** collect_sched() - its scheduler group: whether it ran and how it ended */
struct value *collect_sched(const struct collect_from *from);

#endif
