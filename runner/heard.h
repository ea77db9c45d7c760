/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * heard: all that a guest said while it ran, over COM1, COM2, port 1 and the
 * crash ring, as it arrives: texts, frames, how far it got, its verdict.
 *
 * Context: the feeding functions may be called from any thread (vCPUs, the
 * console's worker); they take the lock. The rest is read after the machine
 * was joined, or with heard_lock() held.
 */
#ifndef VMTAP_RUNNER_HEARD_H
#define VMTAP_RUNNER_HEARD_H

#include <pthread.h>

#include "runner/assembler.h"
#include "runner/textlog.h"
#include "runner/verdict.h"

struct diag;
struct value;

#define HEARD_TYPES 32		/* frame types that are counted by number */
#define HEARD_ITEMS_MAX 4096	/* stimulus events, subtests, kept frames */

struct heard_exit {
	bool has;
	s32 code;
	u32 signal;
};

struct heard {
	pthread_mutex_t lock;
	struct textlog console, output, stderr_log, sched_log;
	struct assembler com2, port1, ring;
	struct wire_seen seen;
	u64 start_ns;			/* of the guest; now_ns() */
	enum stage stage;
	u64 stage_ns[STAGE_VERDICT + 1];	/* since start_ns; 0: never */
	s64 clock_ns;			/* from the guest's clock to those */
	struct heard_exit exits[4];	/* by enum verdict_via; the last one of each */
	bool has_addrs;
	struct wire_kern_addrs addrs;
	bool has_hello;
	struct wire_hello hello;
	char release[128];		/* as the guest's uname tells */
	struct buf crash;		/* CRASH frame's text */
	enum wire_via crash_via;
	char *sched_exit;		/* why the scheduler left early; NULL: it did not */
	struct wire_sched_exit sched_end;	/* with sched_exit */
	bool sched_on;			/* sched_ext said enabled */
	struct buf probes;		/* trace text */
	u64 by_type[HEARD_TYPES];
	bool has_phase;			/* the workload told */
	u32 phase;			/* ... its step, or their number at its end */
	struct value *stimulus, *subtests, *metrics;
	size_t nr_metrics;		/* figures below metrics */
	char line[512];			/* COM1's current line, cut */
	size_t line_len;
	bool panicking;			/* the console told of a panic */
	bool sched_error;		/* ... or that sched_ext threw a scheduler out */
	/*
	 * The time was up before a verdict came: what ends now ends because we
	 * asked it to, and is none.
	 */
	bool too_late;
	int news_fd;			/* eventfd: stage, phase, verdict or panic changed */
	/* Asked by the guest; called with the lock held. May be NULL. */
	void (*snapshot)(void *ctx, u32 id, u32 kind, const char *name);
	void *ctx;
	/*
	 * heard_port1() takes all again; called by a thread that holds a lock:
	 * it must not call back. May be NULL.
	 */
	void (*port1_room)(void *ctx);
	void *room_ctx;
	/*
	 * A reply of the scheduler's stats socket is wanted as @name: by the
	 * guest, which waits for @id, or at an event of the workload (@id 0).
	 * Called with the lock held. May be NULL.
	 */
	void (*stats)(void *ctx, u32 id, const char *name);
	void *stats_ctx;
};

/** heard_time_is_up() - no verdict counts from here on. Context: lock held. */
void heard_time_is_up(struct heard *h);

/**
 * heard_init() - open the logs below @dir (NULL: no files)
 * Return: 0 or -errno; heard_deinit() in every case.
 */
int heard_init(struct heard *h, const char *dir, struct diag *d);
void heard_deinit(struct heard *h);

/** heard_start() - the guest begins now: stage entry */
void heard_start(struct heard *h);

/* Sinks; the first argument is a struct heard. */
void heard_com1(void *h, const void *data, size_t len);
void heard_com2(void *h, const void *data, size_t len);
/*
 * Takes all or nothing: nothing while the files of its output cannot take
 * what that may bring. The other three drop and count instead.
 */
size_t heard_port1(void *h, const void *data, size_t len);
size_t heard_hvc0(void *h, const void *data, size_t len);
/** heard_ring() - what crashring_read() found */
void heard_ring(struct heard *h, const void *data, size_t len);
/**
 * heard_wait_room() - until heard_port1() takes all: for the files, not for ever
 * Return: true; a file that took nothing for long was given up.
 */
bool heard_wait_room(void *h);
/** heard_finish() - all streams ended; waits for the files */
void heard_finish(struct heard *h);

/** heard_exit() - the verdict that counts: port 1, else COM2, else the ring */
const struct heard_exit *heard_exit(const struct heard *h,
				    enum verdict_via *via);

void heard_lock(struct heard *h);
void heard_unlock(struct heard *h);

#endif
