/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * watchpoints: a scenario's `watch:` from its words to its hits. Variables are
 * looked for once the guest's agent is up, and again until all are there: a
 * BPF map comes with its program. What is found is armed with the vCPUs
 * parked; when all have had their hits, nothing is armed any more.
 *
 * Context: the owner's thread, where not told otherwise.
 */
#ifndef VMTAP_RUNNER_WATCHPOINTS_H
#define VMTAP_RUNNER_WATCHPOINTS_H

#include <pthread.h>

#include "freeze/watch.h"
#include "runner/inside.h"
#include "runner/verdict.h"

struct expr;
struct scenario;
struct value;

struct watchpoint {
	struct watch_place place;
	bool found;
	bool lost;		/* will never be found */
	char reason[240];	/* why it is not armed; "" */
	struct expr *when;	/* NULL: always */
	unsigned int by;	/* which of the two watches */
	int armed;		/* its number among those armed; -1 */
	u64 hits;		/* final, or when it was last armed */
	bool has_last;
	struct watch_hit last;	/* guarded by the lock */
};

struct watchpoints;

/* One backend with what it watches. */
struct watchpoints_side {
	struct watchpoints *w;
	struct watch *watch;	/* NULL: nothing is watched by it */
	unsigned int by_place[WATCH_MAX];	/* armed number -> list */
};

struct watchpoints {
	struct machine *m;
	struct inside *inside;
	const struct scenario *s;
	/*
	 * A hit, for a capture under @tag. Thread of vCPU hit->vcpu, in exit
	 * handling, locks held: no call back into here. May be NULL.
	 */
	void (*hit)(void *ctx, const char *tag, const char *why,
		    const struct watch_hit *hit);
	void *ctx;

	/* private */
	pthread_mutex_t lock;
	bool ready;
	struct watchpoint *list;	/* as scenario.watch; NULL: none */
	struct watchpoints_side sides[2];	/* write protection, hardware */
	bool hopeless, spent;
};

/**
 * watchpoints_start() - @w is zeroed but for its first members
 * Probes the host for debug registers that fire; nothing where the scenario
 * watches nothing. Return: 0 or -errno; watchpoints_deinit() in every case.
 */
int watchpoints_start(struct watchpoints *w, struct diag *d);
/**
 * watchpoints_tick() - look for what is missing; at each stage and slow tick
 * Return: 0, also where something is not there yet; -EAGAIN the guest
 * could not be read or stopped in time.
 */
int watchpoints_tick(struct watchpoints *w, enum stage stage);
/** watchpoints_stop() - disarm for good. After machine_join() */
void watchpoints_stop(struct watchpoints *w);
/** watchpoints_deinit() - before the machine goes */
void watchpoints_deinit(struct watchpoints *w);

/** watchpoints_result() - result.watch; NULL where nothing was watched */
struct value *watchpoints_result(struct watchpoints *w);

#define WATCHPOINTS_MAX WATCH_MAX	/* items of `watch:` */

/**
 * watch_condition_parse() - `when` over `value` and `old`
 * @why: one line where it is wrong
 * Return: 0 and @out, expr_destroy(); -EINVAL; -ENOMEM.
 */
int watch_condition_parse(const char *text, struct expr **out, char *why,
			  size_t size);
/** watch_condition_holds() - false where it cannot be evaluated, too */
bool watch_condition_holds(const struct expr *when, const struct watch_hit *hit);

#endif
