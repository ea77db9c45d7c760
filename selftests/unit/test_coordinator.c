// SPDX-License-Identifier: GPL-2.0-only
/*
 * The freeze coordinator, with threads in place of vCPUs. Built a second time
 * under ThreadSanitizer (make tsan).
 */
#include "freeze/coordinator.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "selftests/lib/fakecpu.h"

#include <kselftest_harness.h>

#define KEPT 64

FIXTURE(freeze) {
	struct fakes all;
	struct coordinator *c;
	bool broken;		/* take() fails */
	/* Written by the coordinator's thread, read when it was joined or
	 * after coordinator_capture(). */
	u64 moved;		/* progress seen while all should stand */
	u32 takes, stores;
	struct freeze_request req[KEPT];
	struct freeze_outcome out[KEPT];
	u64 seen;		/* take(): fake vCPU 0's progress */
	u64 hit_at;		/* its progress when it called _hit(); 0: not yet */
	bool want_hit, want_two;
};

typedef struct _test_data_freeze env_t;

static int env_park(void *arg, u64 timeout_ns, u64 *missing)
{
	env_t *e = arg;

	return park_all(&e->all.park, timeout_ns, missing);
}

static u64 env_resume(void *arg)
{
	env_t *e = arg;

	return park_resume(&e->all.park);
}

static void env_hold(void *arg, u32 vcpu)
{
	env_t *e = arg;

	park_hold(&e->all.park, vcpu);
}

static void env_release(void *arg, u32 vcpu)
{
	env_t *e = arg;

	park_release(&e->all.park, vcpu);
}

static int env_take(void *arg, const struct freeze_request *req,
		    struct freeze_outcome *out)
{
	env_t *e = arg;
	u64 before = fakes_progress(&e->all);

	e->takes++;
	__atomic_store_n(&e->seen, __atomic_load_n(&e->all.f[0].progress,
						   __ATOMIC_SEQ_CST),
			 __ATOMIC_SEQ_CST);
	if (e->takes % 64 == 1)
		usleep(500);
	e->moved += fakes_progress(&e->all) - before;
	return e->broken ? -EFAULT : 0;
}

static void env_store(void *arg, const struct freeze_request *req,
		      const struct freeze_outcome *out)
{
	env_t *e = arg;

	if (e->stores < KEPT) {
		e->req[e->stores] = *req;
		e->out[e->stores] = *out;
	}
	__atomic_add_fetch(&e->stores, 1, __ATOMIC_SEQ_CST);
}

static const struct coordinator_ops ops = {
	.park = env_park, .resume = env_resume, .hold = env_hold,
	.release = env_release, .take = env_take, .store = env_store,
};

/* Fake vCPU 0 meets a watchpoint, once. */
static void env_run(void *arg, struct fake *f)
{
	env_t *e = arg;

	if (!__atomic_load_n(&e->want_hit, __ATOMIC_SEQ_CST))
		return;
	fake_set(&e->want_hit, false);
	__atomic_store_n(&e->hit_at,
			 __atomic_load_n(&f->progress, __ATOMIC_SEQ_CST),
			 __ATOMIC_SEQ_CST);
	if (coordinator_hit(e->c, f->index, "hit", "a write", 7, false))
		__atomic_store_n(&e->hit_at, 0, __ATOMIC_SEQ_CST);
	if (e->want_two)
		coordinator_hit(e->c, f->index, "too", "the same write", 7, false);
}

FIXTURE_SETUP(freeze)
{
	struct coordinator_cfg cfg = {
		.ops = &ops, .arg = self, .deadline_ns = 25 * NSEC_PER_SEC,
	};

	memset(self, 0, sizeof(*self));
	self->all.on_run = env_run;
	self->all.arg = self;
	self->all.f[7].late = true;
	ASSERT_EQ(0, coordinator_create(&self->c, &cfg, NULL));
	fakes_start(&self->all);
	ASSERT_EQ(0, coordinator_start(self->c, NULL));
}

/* The order that coordinator.h asks for. */
FIXTURE_TEARDOWN(freeze)
{
	coordinator_kill(self->c);
	fakes_end(&self->all);
	fakes_join(&self->all);
	coordinator_join(self->c);
	EXPECT_EQ(0, self->moved);
	coordinator_destroy(self->c);
	park_deinit(&self->all.park);
}

static struct coordinator_stats stats(env_t *e)
{
	struct coordinator_stats s;

	coordinator_stats(e->c, &s);
	return s;
}

static struct coordinator_clock_stats captures(env_t *e)
{
	return stats(e).clocks[CLOCK_CAPTURES];
}

TEST_F(freeze, requests_are_served_in_their_order)
{
	char name[16];
	int i;

	for (i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		ASSERT_EQ(0, coordinator_request(self->c, FREEZE_GUEST, name,
						 "why", i));
	}
	ASSERT_EQ(0, coordinator_capture(self->c, FREEZE_FAILURE, "last", NULL,
					 99));
	ASSERT_EQ(21, self->stores);
	EXPECT_EQ(21, self->takes);
	for (i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		EXPECT_STREQ(name, self->req[i].name);
		EXPECT_EQ(i, self->req[i].cookie);
		EXPECT_EQ(-1, self->req[i].vcpu);
		EXPECT_EQ(0, self->out[i].err);
		EXPECT_LT(0, self->out[i].frozen_ns);
	}
	EXPECT_EQ(FREEZE_FAILURE, self->req[20].kind);
	EXPECT_EQ(21, stats(self).served);
	EXPECT_EQ(0, stats(self).placeholders);
}

static void *ask_many(void *arg)
{
	env_t *e = arg;
	long refused = 0;
	int i;

	for (i = 0; i < 2000; i++) {
		refused += coordinator_request(e->c, FREEZE_GUEST, "x", NULL, 0) != 0;
		if (i % 16 == 0)
			usleep(200);
	}
	return (void *)refused;
}

/*
 * Ten thousand freezes of eight vCPUs that are halted, offline, busy, in exits;
 * before them one has not started yet, after them one has ended. One lost kick
 * would last until the deadline and show as a placeholder.
 */
TEST_F_TIMEOUT(freeze, no_kick_is_lost_in_ten_thousand_freezes, 300)
{
	pthread_t t;
	void *refused;
	int i, err;

	ASSERT_EQ(0, pthread_create(&t, NULL, ask_many, self));
	for (i = 0; i < 12000; i++) {
		if (i == 1000)
			fake_set(&self->all.f[7].late, false);
		while (i == 1000 && fakes_members(&self->all) != (1 << FAKES) - 1)
			usleep(100);
		if (i == 11000)
			fake_set(&self->all.f[2].leave, true);
		if (i % 100 == 50)
			fake_set(&self->want_hit, true);
		do {
			err = coordinator_capture(self->c, FREEZE_GUEST, "x",
						  NULL, 0);
		} while (err == -ENOSPC);
		ASSERT_EQ(0, err);
	}
	pthread_join(t, &refused);
	ASSERT_EQ(0, coordinator_capture(self->c, FREEZE_GUEST, "x", NULL, 0));
	EXPECT_LE(12000 + 1 + 2000 - (long)refused, (long)stats(self).served);
	EXPECT_EQ(0, stats(self).placeholders);
	EXPECT_EQ(self->takes, self->stores);
}

TEST_F(freeze, past_the_deadline_there_is_a_placeholder_and_the_guest_runs_on)
{
	struct coordinator_cfg cfg = {
		.ops = &ops, .arg = self, .deadline_ns = 300 * NSEC_PER_MSEC,
	};
	struct coordinator *c;
	u64 before;

	ASSERT_EQ(0, coordinator_create(&c, &cfg, NULL));
	ASSERT_EQ(0, coordinator_start(c, NULL));
	fake_deafen(&self->all.f[3]);
	EXPECT_EQ(-ETIMEDOUT, coordinator_capture(c, FREEZE_GUEST, "a", NULL, 0));
	EXPECT_EQ(0, self->takes);
	ASSERT_EQ(1, self->stores);
	EXPECT_EQ(-ETIMEDOUT, self->out[0].err);
	EXPECT_EQ(1 << 3, self->out[0].missing & 1 << 3);
	EXPECT_EQ(0, self->out[0].frozen_ns);
	EXPECT_LE(300 * NSEC_PER_MSEC, self->out[0].park_ns);
	before = fakes_progress(&self->all);
	while (fakes_progress(&self->all) == before)
		usleep(100);
	coordinator_destroy(c);
}

TEST_F(freeze, the_clock_gives_up_when_nobody_stops)
{
	struct coordinator_cfg cfg = {
		.ops = &ops, .arg = self, .deadline_ns = 10 * NSEC_PER_MSEC,
	};
	struct coordinator_stats s;
	struct coordinator *c;

	ASSERT_EQ(0, coordinator_create(&c, &cfg, NULL));
	ASSERT_EQ(0, coordinator_start(c, NULL));
	fake_deafen(&self->all.f[3]);
	coordinator_clock(c, CLOCK_CAPTURES, 100, NSEC_PER_SEC / 10);
	do {
		usleep(1000);
		coordinator_stats(c, &s);
	} while (!s.clocks[0].reason[0]);
	EXPECT_EQ(100, s.clocks[0].target);
	EXPECT_EQ(COORDINATOR_GIVE_UP, s.clocks[0].fired);
	EXPECT_EQ(COORDINATOR_GIVE_UP, s.clocks[0].placeholders);
	EXPECT_NE(NULL, strstr(s.clocks[0].reason, "3 times in a row"));
	usleep(20000);
	coordinator_stats(c, &s);
	EXPECT_EQ(COORDINATOR_GIVE_UP, s.clocks[0].fired);
	coordinator_destroy(c);
}

TEST_F(freeze, the_clock_fires_as_often_as_asked_for)
{
	u64 start = now_ns();
	int i;

	coordinator_clock(self->c, CLOCK_CAPTURES, 4, 100 * NSEC_PER_MSEC);
	while (captures(self).fired < 4)
		usleep(1000);
	EXPECT_LE(80 * NSEC_PER_MSEC, now_ns() - start);
	usleep(40000);
	EXPECT_EQ(4, captures(self).fired);
	EXPECT_EQ(4, captures(self).target);
	EXPECT_STREQ("", captures(self).reason);
	coordinator_kill(self->c);
	coordinator_join(self->c);
	ASSERT_EQ(4, self->stores);
	EXPECT_STREQ("", captures(self).reason);
	for (i = 0; i < 4; i++) {
		EXPECT_EQ(FREEZE_PERIODIC, self->req[i].kind);
		/* Evenly: no earlier than its own fifth of the window. */
		EXPECT_LE(start + (i + 1) * 20 * NSEC_PER_MSEC,
			  self->out[i].begin_ns);
	}
}

/* However late: the guest gets to run between two of them. */
TEST_F(freeze, stops_leave_the_guest_time_and_go_along_with_captures)
{
	u64 before = fakes_progress(&self->all);
	u32 i, stops = 0, captured = 0;

	coordinator_clock(self->c, CLOCK_STOPS, 40, 1);
	coordinator_clock(self->c, CLOCK_CAPTURES, 4, 20 * NSEC_PER_MSEC);
	while (stats(self).clocks[CLOCK_STOPS].fired < 40 ||
	       captures(self).fired < 4)
		usleep(1000);
	coordinator_kill(self->c);
	coordinator_join(self->c);
	EXPECT_STREQ("", stats(self).clocks[CLOCK_STOPS].reason);
	EXPECT_EQ(0, stats(self).clocks[CLOCK_STOPS].placeholders);
	EXPECT_LT(before, fakes_progress(&self->all));
	ASSERT_EQ(44, self->stores);
	for (i = 0; i < 44; i++) {
		stops += self->req[i].kind == FREEZE_STOP;
		captured += self->req[i].kind == FREEZE_PERIODIC;
		if (i && self->req[i].kind == FREEZE_STOP &&
		    self->req[i - 1].kind == FREEZE_STOP)
			EXPECT_LE(self->out[i - 1].begin_ns + COORDINATOR_REST_NS,
				  self->out[i].begin_ns);
	}
	EXPECT_EQ(40, stops);
	EXPECT_EQ(4, captured);
}

TEST_F(freeze, an_early_end_is_told)
{
	coordinator_clock(self->c, CLOCK_CAPTURES, 10, 100 * NSEC_PER_SEC);
	EXPECT_EQ(0, coordinator_capture(self->c, FREEZE_GUEST, "a", NULL, 0));
	coordinator_clocks_end(self->c, "the payload ended");
	EXPECT_STREQ("the payload ended", captures(self).reason);
	EXPECT_EQ(10, captures(self).target);
	EXPECT_EQ(0, captures(self).fired);
	coordinator_kill(self->c);
	EXPECT_STREQ("the payload ended", captures(self).reason);
}

TEST_F(freeze, what_cannot_be_read_is_told)
{
	self->broken = true;
	EXPECT_EQ(-EFAULT, coordinator_capture(self->c, FREEZE_GUEST, "a", NULL,
					       0));
	EXPECT_EQ(-EFAULT, self->out[0].err);
	EXPECT_LT(0, self->out[0].frozen_ns);
	EXPECT_EQ(0, stats(self).placeholders);
}

/* What take() sees is what the vCPU had just done, not a moment later. */
TEST_F(freeze, a_hit_is_captured_where_it_happened)
{
	int i;

	for (i = 1; i <= 200; i++) {
		__atomic_store_n(&self->hit_at, 0, __ATOMIC_SEQ_CST);
		fake_set(&self->want_hit, true);
		while (__atomic_load_n(&self->stores, __ATOMIC_SEQ_CST) < (u32)i)
			usleep(50);
		ASSERT_EQ(self->hit_at,
			  __atomic_load_n(&self->seen, __ATOMIC_SEQ_CST));
	}
	EXPECT_EQ(FREEZE_WATCH, self->req[0].kind);
	EXPECT_EQ(0, self->req[0].vcpu);
	EXPECT_EQ(7, self->req[0].cookie);
	EXPECT_STREQ("a write", self->req[0].why);
}

/* A write that two watchpoints see: both captures are of that moment. */
TEST_F(freeze, two_hits_of_one_write_are_captured_alike)
{
	u64 seen;
	int i;

	self->want_two = true;
	for (i = 1; i <= 100; i++) {
		__atomic_store_n(&self->hit_at, 0, __ATOMIC_SEQ_CST);
		fake_set(&self->want_hit, true);
		while (__atomic_load_n(&self->stores, __ATOMIC_SEQ_CST) < 2 * (u32)i)
			usleep(50);
		seen = __atomic_load_n(&self->seen, __ATOMIC_SEQ_CST);
		ASSERT_EQ(self->hit_at, seen);
	}
	EXPECT_STREQ("hit", self->req[0].name);
	EXPECT_STREQ("too", self->req[1].name);
}

TEST_F(freeze, a_full_queue_refuses_and_a_killed_one_answers_all)
{
	int i, err = 0, queued = 0;

	/* The rendezvous lasts: vCPU 3 does not come. */
	fake_deafen(&self->all.f[3]);
	for (i = 0; i < 2 * COORDINATOR_QUEUE_MAX && !err; i++) {
		err = coordinator_request(self->c, FREEZE_GUEST, "a", NULL, 0);
		queued += !err;
	}
	EXPECT_EQ(-ENOSPC, err);
	EXPECT_LE(COORDINATOR_QUEUE_MAX, queued);
	coordinator_kill(self->c);
	fakes_end(&self->all);
	coordinator_join(self->c);
	EXPECT_EQ(queued, self->stores);
	EXPECT_EQ(-ESHUTDOWN, self->out[self->stores < KEPT ?
					self->stores - 1 : KEPT - 1].err);
	EXPECT_EQ(0, self->takes);
	EXPECT_EQ(-ESHUTDOWN, coordinator_request(self->c, FREEZE_GUEST, "b",
						  NULL, 0));
	EXPECT_EQ(-ESHUTDOWN, coordinator_capture(self->c, FREEZE_GUEST, "b",
						  NULL, 0));
	EXPECT_EQ(-ESHUTDOWN, coordinator_hit(self->c, 1, "b", NULL, 0, false));
}

static void *end_soon(void *arg)
{
	usleep(20000);
	fakes_end(arg);
	return NULL;
}

TEST_F(freeze, the_end_of_the_machine_ends_a_rendezvous)
{
	u64 start = now_ns();
	pthread_t t;

	fake_deafen(&self->all.f[3]);
	ASSERT_EQ(0, pthread_create(&t, NULL, end_soon, &self->all));
	EXPECT_EQ(-ESHUTDOWN, coordinator_capture(self->c, FREEZE_GUEST, "a",
						  NULL, 0));
	EXPECT_GT(20 * NSEC_PER_SEC, now_ns() - start);
	pthread_join(t, NULL);
}

/* And a clock that finds it so, which else would try on and on. */
TEST_F(freeze, the_end_of_the_machine_ends_a_clock)
{
	fakes_end(&self->all);
	coordinator_clock(self->c, CLOCK_STOPS, 1000000, 1);
	while (!stats(self).clocks[CLOCK_STOPS].reason[0])
		usleep(1000);
	EXPECT_STREQ("the machine ended before the window did",
		     stats(self).clocks[CLOCK_STOPS].reason);
	EXPECT_EQ(0, stats(self).clocks[CLOCK_STOPS].fired);
	EXPECT_EQ(1, stats(self).served);
}

TEST(an_unstarted_one_refuses_and_goes)
{
	struct coordinator_cfg cfg = { .ops = &ops, .deadline_ns = 1 };
	struct coordinator *c;

	ASSERT_EQ(0, coordinator_create(&c, &cfg, NULL));
	EXPECT_EQ(-ESHUTDOWN, coordinator_request(c, FREEZE_GUEST, "a", NULL, 0));
	coordinator_clock(c, CLOCK_STOPS, 3, 1000);
	coordinator_destroy(c);
	coordinator_destroy(NULL);
}

TEST_HARNESS_MAIN
