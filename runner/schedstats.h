/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * schedstats: the host's end of port 2, a client of the scheduler's stats
 * socket: lines of JSON, {"req":"stats"} one way, {"errno":0,"args":{"resp":
 * ...}} the other. One request is under way at a time, others wait in order;
 * each has a name, under which its reply is kept.
 *
 * Context: requests come from any thread; the sink is the console worker's.
 */
#ifndef VMTAP_RUNNER_SCHEDSTATS_H
#define VMTAP_RUNNER_SCHEDSTATS_H

#include <pthread.h>

#include "vmm/base/buf.h"
#include "vmm/base/util.h"
#include "vmm/event.h"

struct diag;
struct scen_scheduler;
struct value;

#define SCHEDSTATS_QUEUE 64		/* requests that wait, at most */
#define SCHEDSTATS_LINE_MAX (256u << 10)	/* of one reply; more is dropped */
#define SCHEDSTATS_REPLIES_MAX 1024

struct schedstats {
	const struct scen_scheduler *cfg;	/* NULL: no scheduler with stats */
	/* Queues bytes for the guest's port 2; 0 or -errno. */
	int (*send)(void *ctx, const void *data, size_t len);
	/* A request with an id (not 0) was answered: 0 or -errno. May be NULL. */
	void (*done)(void *ctx, u32 id, int status);
	void *ctx;

	/* private */
	pthread_mutex_t lock;
	struct { char name[64]; u32 id; } queue[SCHEDSTATS_QUEUE];
	unsigned int head, n;
	struct buf line;
	bool overlong;
	bool ended;			/* and never will again */
	struct value *replies;
	char last[64];			/* name of the newest one; "" */
	u64 last_ns;			/* when it came */
	struct event_source timer;
	u64 start_ns;			/* of the payload */
	unsigned int nr_every, next_at;
};

/** schedstats_init() - deinit in every case; a NULL @cfg costs nothing */
void schedstats_init(struct schedstats *s, const struct scen_scheduler *cfg);
void schedstats_deinit(struct schedstats *s);

/** schedstats_watch() - its clock on @loop; 0 or -errno */
int schedstats_watch(struct schedstats *s, struct event_loop *loop,
		     struct diag *d);
/** schedstats_begin() - the payload starts: the clock runs */
void schedstats_begin(struct schedstats *s);
/** schedstats_stop() - the guest is gone; what waits is answered with that */
void schedstats_stop(struct schedstats *s);

/**
 * schedstats_ask() - have a reply stored as @name; does not wait
 * @id: handed to done(); 0: nobody waits
 * Return: 0; -ENOTCONN no scheduler with stats; -ESHUTDOWN the guest is gone;
 * -EBUSY too many wait. Context: any thread.
 */
int schedstats_ask(struct schedstats *s, const char *name, u32 id);

/** schedstats_take() - sink of port 2; the first argument is a schedstats */
size_t schedstats_take(void *s, const void *data, size_t len);
/**
 * schedstats_last() - the newest reply so far, a copy; NULL: none yet
 * @at_ns: when it came, now_ns(). Context: any thread, no device's lock held.
 */
struct value *schedstats_last(struct schedstats *s, u64 *at_ns);
/** schedstats_result() - the stats group, a copy; NULL where there is none */
struct value *schedstats_result(struct schedstats *s);

#endif
