// SPDX-License-Identifier: GPL-2.0-only
/* Stop and resume a set of threads at a safe point; see park.h. */
#include "vmm/park.h"

#include <errno.h>
#include <string.h>

int park_init(struct park *park, void (*kick)(void *arg, unsigned int member),
	      void *arg)
{
	pthread_mutexattr_t mattr;
	pthread_condattr_t cattr;

	*park = (struct park){ .kick = kick, .arg = arg };
	/* Priority inheritance: vCPUs may run under a real-time policy. */
	pthread_mutexattr_init(&mattr);
	pthread_mutexattr_setprotocol(&mattr, PTHREAD_PRIO_INHERIT);
	pthread_mutex_init(&park->lock, &mattr);
	pthread_mutexattr_destroy(&mattr);
	pthread_condattr_init(&cattr);
	pthread_condattr_setclock(&cattr, CLOCK_MONOTONIC);
	pthread_cond_init(&park->cond, &cattr);
	pthread_condattr_destroy(&cattr);
	return 0;
}

void park_deinit(struct park *park)
{
	pthread_cond_destroy(&park->cond);
	pthread_mutex_destroy(&park->lock);
}

void park_join(struct park *park, unsigned int member)
{
	BUG_ON(member >= PARK_MAX);
	pthread_mutex_lock(&park->lock);
	park->members |= 1ULL << member;
	pthread_mutex_unlock(&park->lock);
}

void park_leave(struct park *park, unsigned int member)
{
	pthread_mutex_lock(&park->lock);
	park->members &= ~(1ULL << member);
	pthread_cond_broadcast(&park->cond);
	pthread_mutex_unlock(&park->lock);
}

static void park_set_wanted_locked(struct park *park, bool wanted)
{
	__atomic_store_n(&park->wanted, wanted, __ATOMIC_SEQ_CST);
}

void park_point(struct park *park, unsigned int member)
{
	u64 bit = 1ULL << member;

	pthread_mutex_lock(&park->lock);
	park->parked |= bit;
	pthread_cond_broadcast(&park->cond);
	while (park_wanted(park, member) && !park->closed)
		pthread_cond_wait(&park->cond, &park->lock);
	park->parked &= ~bit;
	/* Who wants to park again first waits until the last ones have gone. */
	pthread_cond_broadcast(&park->cond);
	pthread_mutex_unlock(&park->lock);
}

void park_hold(struct park *park, unsigned int member)
{
	BUG_ON(member >= PARK_MAX);
	pthread_mutex_lock(&park->lock);
	__atomic_or_fetch(&park->hold, 1ULL << member, __ATOMIC_SEQ_CST);
	pthread_mutex_unlock(&park->lock);
}

void park_release(struct park *park, unsigned int member)
{
	pthread_mutex_lock(&park->lock);
	__atomic_and_fetch(&park->hold, ~(1ULL << member), __ATOMIC_SEQ_CST);
	pthread_cond_broadcast(&park->cond);
	pthread_mutex_unlock(&park->lock);
}

static void park_kick_locked(struct park *park, u64 mask)
{
	while (mask) {
		unsigned int member = __builtin_ctzll(mask);

		park->kick(park->arg, member);
		mask &= mask - 1;
	}
}

static struct timespec park_deadline(u64 timeout_ns)
{
	u64 at = now_ns();

	if (check_add(at, timeout_ns, &at) || at / NSEC_PER_SEC > INT32_MAX)
		at = INT32_MAX * NSEC_PER_SEC;
	return (struct timespec){ .tv_sec = at / NSEC_PER_SEC,
				  .tv_nsec = at % NSEC_PER_SEC };
}

static bool is_past(const struct timespec *until)
{
	return now_ns() >= (u64)until->tv_sec * NSEC_PER_SEC +
			   (u64)until->tv_nsec;
}

static int park_gather_locked(struct park *park, const struct timespec *until,
			      u64 *missing)
{
	park_set_wanted_locked(park, true);
	park_kick_locked(park, park->members);
	for (;;) {
		*missing = park->members & ~park->parked;
		if (park->closed)
			return -ESHUTDOWN;
		if (!*missing)
			return 0;
		/*
		 * Who comes as the time runs out is late. A wait with no time
		 * left may still be woken, so it is not begun.
		 */
		if (is_past(until) ||
		    pthread_cond_timedwait(&park->cond, &park->lock, until))
			return park->closed ? -ESHUTDOWN : -ETIMEDOUT;
	}
}

int park_all(struct park *park, u64 timeout_ns, u64 *missing)
{
	struct timespec until = park_deadline(timeout_ns);
	u64 mask = 0;
	int ret = 0;

	pthread_mutex_lock(&park->lock);
	while (!ret && !park->closed &&
	       (park->held || (park->parked & ~park->hold)))
		ret = -pthread_cond_timedwait(&park->cond, &park->lock, &until);
	if (park->closed) {
		ret = -ESHUTDOWN;
	} else if (!ret) {
		park->held = true;
		ret = park_gather_locked(park, &until, &mask);
		if (ret) {
			park->held = false;
			park_set_wanted_locked(park, false);
			pthread_cond_broadcast(&park->cond);
		}
	} else {
		mask = park->members;
	}
	pthread_mutex_unlock(&park->lock);
	if (missing)
		*missing = mask;
	return ret;
}

u64 park_resume(struct park *park)
{
	u64 at;

	pthread_mutex_lock(&park->lock);
	BUG_ON(!park->held);
	park->held = false;
	at = now_ns();
	park_set_wanted_locked(park, false);
	pthread_cond_broadcast(&park->cond);
	pthread_mutex_unlock(&park->lock);
	return at;
}

void park_close(struct park *park)
{
	pthread_mutex_lock(&park->lock);
	park->closed = true;
	pthread_cond_broadcast(&park->cond);
	pthread_mutex_unlock(&park->lock);
}

void park_kick_all(struct park *park)
{
	pthread_mutex_lock(&park->lock);
	park_kick_locked(park, park->members);
	pthread_mutex_unlock(&park->lock);
}

bool park_is_still(struct park *park)
{
	bool still;

	pthread_mutex_lock(&park->lock);
	still = !park->members ||
		(park->held && !(park->members & ~park->parked));
	pthread_mutex_unlock(&park->lock);
	return still;
}
