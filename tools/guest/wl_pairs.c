// SPDX-License-Identifier: GPL-2.0-only
/*
 * wl_pairs: types of work whose workers wait for each other. Who wakes leaves
 * the time, who is woken tells how long that took. Waits end by SIGUSR1; the
 * engine repeats it until the worker is gone, so one that comes just before a
 * wait is not lost.
 */
#include "tools/guest/wl_run.h"

#include <limits.h>
#include <unistd.h>

static void wait_for(uint32_t *word, uint32_t value)
{
	while (__atomic_load_n(word, __ATOMIC_SEQ_CST) == value && !wl_stopped())
		wl_futex_wait(word, value, -1);
}

/* --- pairs: 2k and 2k + 1 ----------------------------------------------- */

static void exchange(struct wl_me *me)
{
	struct wl_slot *mate = wl_neighbour(me, me->index ^ 1);
	char c = 0;

	__atomic_store_n(&mate->stamp, wl_now(), __ATOMIC_SEQ_CST);
	if (write(me->out, &c, 1) != 1 || wl_stopped())
		return;
	if (read(me->in, &c, 1) == 1)
		wl_woke(me, __atomic_load_n(&me->slot->stamp, __ATOMIC_SEQ_CST));
}

static void pipe_io(struct wl_me *me)
{
	wl_spin(me, 1);
	exchange(me);
	wl_tick(me);
}

static void cache_pipe(struct wl_me *me)
{
	wl_touch(me);
	exchange(me);
	wl_tick(me);
}

/* The word of the even one says whose turn it is. */
static void ping_pong(struct wl_me *me)
{
	struct wl_slot *even = wl_neighbour(me, me->index & ~1u);
	uint32_t mine = me->index & 1;

	wait_for(&even->word, 1 - mine);
	if (wl_stopped())
		return;
	wl_woke(me, even->stamp);
	wl_tick(me);
	even->stamp = wl_now();
	__atomic_store_n(&even->word, 1 - mine, __ATOMIC_SEQ_CST);
	wl_futex_wake(&even->word, INT_MAX);
}

/* --- fan-out: one that sends, fan_out that receive ---------------------- */

static unsigned int group(const struct wl_me *me)
{
	return (unsigned int)me->plan->fan_out + 1;
}

static void send_round(struct wl_me *me)
{
	struct wl_slot *s = me->slot;
	uint32_t left;

	wl_spin(me, 1);
	__atomic_store_n(&s->pending, (uint32_t)me->plan->fan_out, __ATOMIC_SEQ_CST);
	s->stamp = wl_now();
	__atomic_add_fetch(&s->word, 1, __ATOMIC_SEQ_CST);
	wl_futex_wake(&s->word, INT_MAX);
	while ((left = __atomic_load_n(&s->pending, __ATOMIC_SEQ_CST)) &&
	       !wl_stopped())
		wl_futex_wait(&s->pending, left, -1);
	wl_tick(me);
}

static void receive_round(struct wl_me *me, bool compute)
{
	struct wl_slot *sender = wl_neighbour(me, me->index - me->index % group(me));

	/* Its own word is the last round that it took part in. */
	wait_for(&sender->word, me->slot->word);
	if (wl_stopped())
		return;
	wl_woke(me, sender->stamp);
	me->slot->word = __atomic_load_n(&sender->word, __ATOMIC_SEQ_CST);
	if (compute)
		wl_touch(me);
	wl_tick(me);
	if (!__atomic_sub_fetch(&sender->pending, 1, __ATOMIC_SEQ_CST))
		wl_futex_wake(&sender->pending, 1);
}

static void futex_fan_out(struct wl_me *me)
{
	if (me->index % group(me))
		receive_round(me, false);
	else
		send_round(me);
}

static void fan_out_compute(struct wl_me *me)
{
	if (me->index % group(me))
		receive_round(me, true);
	else
		send_round(me);
}

/* --- all of them: one lock ---------------------------------------------- */

/* 0 free, 1 held, 2 held and waited for. */
static bool lock(struct wl_me *me, uint32_t *word)
{
	uint32_t c = 0;

	if (__atomic_compare_exchange_n(word, &c, 1, false, __ATOMIC_SEQ_CST,
					__ATOMIC_SEQ_CST))
		return true;
	while (__atomic_exchange_n(word, 2, __ATOMIC_SEQ_CST)) {
		if (wl_stopped())
			return false;
		if (!wl_futex_wait(word, 2, -1))
			wl_woke(me, __atomic_load_n(&wl_neighbour(me, 0)->stamp,
						    __ATOMIC_SEQ_CST));
	}
	return true;
}

static void unlock(struct wl_me *me, uint32_t *word)
{
	__atomic_store_n(&wl_neighbour(me, 0)->stamp, wl_now(), __ATOMIC_SEQ_CST);
	if (__atomic_exchange_n(word, 0, __ATOMIC_SEQ_CST) == 2)
		wl_futex_wake(word, 1);
}

static void mutex_contention(struct wl_me *me)
{
	wl_spin(me, 1);
	if (!lock(me, &me->shared->lock))
		return;
	wl_spin(me, 1);
	unlock(me, &me->shared->lock);
	wl_tick(me);
}

wl_unit_fn wl_pair_unit_of(uint64_t type)
{
	switch (type) {
	case WORK_PIPE_IO:
		return pipe_io;
	case WORK_CACHE_PIPE:
		return cache_pipe;
	case WORK_FUTEX_PING_PONG:
		return ping_pong;
	case WORK_FUTEX_FAN_OUT:
		return futex_fan_out;
	case WORK_FAN_OUT_COMPUTE:
		return fan_out_compute;
	case WORK_MUTEX_CONTENTION:
		return mutex_contention;
	default:
		return NULL;
	}
}
