/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * snapshots: a scenario's captures, from the request to the result: the
 * guest's own (vmtap-snapshot NAME), the clock's (`snapshots.periodic`),
 * watchpoints', and one of a failure. Who stops the guest is
 * freeze/coordinator.h, what is read freeze/capture.h; here they are named,
 * kept as values, written to the run directory and answered.
 *
 * Context: the owner's thread, where not told otherwise.
 */
#ifndef VMTAP_RUNNER_SNAPSHOTS_H
#define VMTAP_RUNNER_SNAPSHOTS_H

#include <pthread.h>

#include "freeze/capture.h"
#include "freeze/coordinator.h"
#include "runner/verdict.h"

struct heard;
struct inside;
struct scenario;
struct value;

#define SNAPSHOTS_FAILURE "failure"	/* name of a failure's capture */
#define SNAPSHOTS_MAX 1000		/* with a name; of the clock as many again */
#define SNAPSHOTS_MAX_BYTES MiB(64)	/* of all of them, as JSON */

struct snapshots {
	struct machine *m;
	struct inside *inside;
	const struct kimage *image;	/* NULL: cannot be unpacked here */
	struct heard *heard;
	const struct scenario *s;
	const char *dir;		/* captures/ goes below it; NULL: nowhere */
	double time_factor;
	/* Answer a request of the guest. Coordinator's thread. */
	void (*reply)(void *ctx, u32 id, int status, const char *text);
	void *ctx;

	/* private */
	struct coordinator *c;
	struct capture_from from;	/* the coordinator's thread */
	struct kread k;
	struct capture now;
	bool open;			/* k is bound */
	u64 guest_ns;
	char phase[64];
	bool failure_asked;		/* atomic */
	bool failure_kept;		/* coordinator's, then the owner's */
	u64 bytes;
	u32 written;
	struct value *named, *periodic;	/* coordinator's, then the owner's */
	u32 nr_named;
};

/**
 * snapshots_start() - the coordinator's thread; @sn is zeroed but for its
 * first members. Return: 0 or -errno; snapshots_deinit() in every case.
 */
int snapshots_start(struct snapshots *sn, struct diag *d);
/** snapshots_stage() - the guest got to @stage: the clock runs with the payload */
void snapshots_stage(struct snapshots *sn, enum stage stage);
/** snapshots_ask() - a SNAPSHOT_REQUEST frame came. Any thread */
void snapshots_ask(struct snapshots *sn, u32 id, const char *name);
/**
 * snapshots_hit() - a watched variable became @value by what @vcpu just did
 * Context: the thread of that vCPU, in an exit's handler; does not wait.
 */
void snapshots_hit(struct snapshots *sn, u32 vcpu, const char *tag,
		   const char *why, u64 value);
/**
 * snapshots_fail() - capture the failure now, the first one only
 * @wait: until it was taken. Context: with @wait any thread but vCPUs' and
 * workers'; else any.
 */
void snapshots_fail(struct snapshots *sn, const char *why, bool wait);
/** snapshots_frozen_ns() - for watchdogs: time that the guest did not have */
u64 snapshots_frozen_ns(const struct snapshots *sn);
/** snapshots_kill() - no more; before machine_join() */
void snapshots_kill(struct snapshots *sn);
/**
 * snapshots_finish() - join the thread; after machine_join() and the workers
 * @why: where not NULL, a failure whose capture is taken of the dead guest if
 *	none was taken while it lived
 */
void snapshots_finish(struct snapshots *sn, const char *why);
/** snapshots_deinit() - before the machine goes; fine on a zeroed one */
void snapshots_deinit(struct snapshots *sn);

/** snapshots_named() - result.snapshots: a map, never NULL but without memory */
struct value *snapshots_named(const struct snapshots *sn);
/** snapshots_periodic() - result.periodic */
struct value *snapshots_periodic(const struct snapshots *sn);

/** snapshot_value() - a capture as the result tells it; NULL without memory */
struct value *snapshot_value(const struct capture *c);

#endif
