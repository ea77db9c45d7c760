/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * park: bring a set of running threads (vCPUs) to a safe point, hold them
 * there, let them go. It knows no KVM: a member is anything that can be
 * kicked, so that a test uses plain threads.
 *
 * The lost-kick problem. A member runs
 *
 *	run->immediate_exit = 0;		(A)
 *	if (park_wanted(park)) park_point(...);	(B)
 *	KVM_RUN;
 *
 * and the coordinator sets wanted (C), then kicks: immediate_exit = 1 (D) and
 * a signal. A and B, and C and D, are sequentially consistent: either B sees
 * C, or A came before D and KVM_RUN returns at once. No kick is lost.
 */
#ifndef VMTAP_VMM_PARK_H
#define VMTAP_VMM_PARK_H

#include <pthread.h>
#include <stdbool.h>

#include "vmm/base/util.h"

#define PARK_MAX 64

struct park {
	pthread_mutex_t lock;
	pthread_cond_t cond;	/* any change below; CLOCK_MONOTONIC */
	bool wanted;		/* atomic; written with the lock held */
	bool closed;		/* no more parking; whoever waits is let go */
	bool held;		/* a coordinator is between park and resume */
	u64 members;		/* mask: joined and not left */
	u64 parked;		/* mask: standing at park_point() */
	u64 hold;		/* mask: to stand there until released; atomic */
	void (*kick)(void *arg, unsigned int member);
	void *arg;
};

/**
 * park_init() - no members yet
 * @kick: make the member reach its check soon; called with the lock held, for
 *	members only, so never after park_leave() returned
 */
int park_init(struct park *park, void (*kick)(void *arg, unsigned int member),
	      void *arg);
void park_deinit(struct park *park);

/** park_join() - become a member. Context: before it first runs */
void park_join(struct park *park, unsigned int member);
/** park_leave() - stop being one. Context: the member's thread, at its end */
void park_leave(struct park *park, unsigned int member);

/** park_wanted() - must @member go to park_point()? Context: it, see above */
static inline bool park_wanted(const struct park *park, unsigned int member)
{
	return __atomic_load_n(&park->wanted, __ATOMIC_SEQ_CST) ||
	       __atomic_load_n(&park->hold, __ATOMIC_SEQ_CST) >> member & 1;
}

/** park_point() - stand still until resumed or closed. Context: member */
void park_point(struct park *park, unsigned int member);

/**
 * park_hold() - @member is to stand at its next check until released
 * So that what it did last is still so when a coordinator comes to look; it
 * counts as parked meanwhile. Context: the member itself, before it tells.
 */
void park_hold(struct park *park, unsigned int member);
/** park_release() - undo park_hold(); fine where there was none. Any thread */
void park_release(struct park *park, unsigned int member);

/**
 * park_all() - hold all members
 * @timeout_ns: from now, also for waiting until another coordinator is done
 * @missing: members that did not come; may be NULL
 *
 * A member that leaves meanwhile is not waited for.
 * Return: 0, then park_resume() must follow; -ETIMEDOUT (all are let go
 * again); -ESHUTDOWN closed. Context: any thread but a member.
 */
int park_all(struct park *park, u64 timeout_ns, u64 *missing);
/**
 * park_resume() - let them go. Context: who parked them
 * Return: now_ns() of that moment: who was let go may run before this returns.
 */
u64 park_resume(struct park *park);

/** park_close() - for the end: nobody parks any more, all go on. Any thread */
void park_close(struct park *park);

/** park_kick_all() - kick every member, park or not. Context: any thread */
void park_kick_all(struct park *park);

/**
 * park_is_still() - are all members held, or have all left?
 * Context: any thread; it stays true only for who parked them.
 */
bool park_is_still(struct park *park);

#endif
