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
#include "runner/stops.h"
#include "runner/verdict.h"

struct heard;
struct inside;
struct scenario;
struct schedstats;
struct value;
struct watch_hit;

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
	struct schedstats *stats;	/* NULL: no scheduler's */
	/* A failure is captured for which somebody waits: what else is read of
	 * the frozen guest. Coordinator's thread; may be NULL. */
	void (*frozen)(void *ctx);
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
	const char *busy;		/* a device that did not stop in time */
	struct value *sched;		/* the scheduler's last reply, or NULL */
	u64 sched_ns;			/* when it came */
	bool failure_asked;		/* atomic */
	bool failure_kept;		/* coordinator's, then the owner's */
	u64 bytes;
	u32 written;
	struct value *named, *periodic;	/* coordinator's, then the owner's */
	struct stops stops;		/* the same */
	u32 nr_named;
	struct value *suffixes;		/* of named: the next one of each name */
};

/**
 * snapshots_start() - the coordinator's thread; @sn is zeroed but for its
 * first members. Return: 0 or -errno; snapshots_deinit() in every case.
 */
int snapshots_start(struct snapshots *sn, struct diag *d);
/**
 * snapshots_stage() - the guest got to @stage: the clocks run with the payload
 * Where there is a workload, with that: snapshots_workload().
 */
void snapshots_stage(struct snapshots *sn, enum stage stage);
/** snapshots_workload() - its first step begins. Once */
void snapshots_workload(struct snapshots *sn);
/** snapshots_ask() - a SNAPSHOT_REQUEST frame came. Any thread */
void snapshots_ask(struct snapshots *sn, u32 id, const char *name);
/**
 * snapshots_hit() - a variable is watched, and a vCPU just wrote it
 * Context: the thread of that vCPU, in an exit's handler; does not wait.
 */
void snapshots_hit(struct snapshots *sn, const char *tag, const char *why,
		   const struct watch_hit *hit);
/**
 * snapshots_fail() - capture the failure now, the first one only
 * @wait: until it was taken. Context: with @wait any thread but vCPUs' and
 * workers'; else any.
 */
void snapshots_fail(struct snapshots *sn, const char *why, bool wait);
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
/** snapshots_stops() - result.stops; NULL where none were asked for */
struct value *snapshots_stops(struct snapshots *sn);

/** snapshot_value() - a capture as the result tells it; NULL without memory */
struct value *snapshot_value(const struct capture *c);

#endif
