// SPDX-License-Identifier: GPL-2.0-only
/* The rendezvous, with threads in place of vCPUs (selftests/lib/fakecpu.h). */
#include "vmm/park.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "selftests/lib/fakecpu.h"

#include <kselftest_harness.h>

/* What comes at once may have to wait for a CPU; a test has 30 s. */
#define IN_TIME (25 * NSEC_PER_SEC)

static void kick_nobody(void *arg, unsigned int member)
{
	(void)arg;
	(void)member;
}

FIXTURE(park) {
	struct fakes all;
};

FIXTURE_SETUP(park)
{
	memset(&self->all, 0, sizeof(self->all));
	fakes_start(&self->all);
}

FIXTURE_TEARDOWN(park)
{
	fakes_end(&self->all);
	fakes_join(&self->all);
	EXPECT_EQ(0, fakes_members(&self->all));
	park_deinit(&self->all.park);
}

TEST_F(park, nobody_moves_while_parked)
{
	u64 missing = 99, before;

	ASSERT_EQ(0, park_all(&self->all.park, IN_TIME, &missing));
	EXPECT_EQ(0, missing);
	EXPECT_TRUE(park_is_still(&self->all.park));
	before = fakes_progress(&self->all);
	usleep(20000);
	EXPECT_EQ(before, fakes_progress(&self->all));
	park_resume(&self->all.park);
	while (fakes_progress(&self->all) == before)
		usleep(100);
}

/* Each round would hang until its deadline if one kick were lost. */
TEST_F(park, no_kick_is_lost_in_many_rounds)
{
	int i;

	for (i = 0; i < 3000; i++) {
		ASSERT_EQ(0, park_all(&self->all.park, IN_TIME, NULL));
		park_resume(&self->all.park);
	}
}

TEST_F(park, one_that_does_not_come_is_named)
{
	u64 missing = 0, start = now_ns(), before;

	fake_deafen(&self->all.f[3]);
	EXPECT_EQ(-ETIMEDOUT,
		  park_all(&self->all.park, 500 * NSEC_PER_MSEC, &missing));
	EXPECT_EQ(1 << 3, missing & 1 << 3);
	EXPECT_LE(500 * NSEC_PER_MSEC, now_ns() - start);
	EXPECT_FALSE(park_is_still(&self->all.park));
	/* The others were let go again. */
	before = fakes_progress(&self->all);
	while (fakes_progress(&self->all) == before)
		usleep(100);
	__atomic_store_n(&self->all.f[3].deaf, false, __ATOMIC_SEQ_CST);
	ASSERT_EQ(0, park_all(&self->all.park, IN_TIME, NULL));
	park_resume(&self->all.park);
}

TEST_F(park, no_time_is_time_for_nobody)
{
	u64 missing;
	int i;

	for (i = 0; i < 1000; i++) {
		missing = 0;
		ASSERT_EQ(-ETIMEDOUT, park_all(&self->all.park, 0, &missing));
		ASSERT_NE(0, missing);
	}
}

TEST_F(park, one_that_leaves_is_not_waited_for)
{
	__atomic_store_n(&self->all.f[5].leave, true, __ATOMIC_SEQ_CST);
	park_kick_all(&self->all.park);
	ASSERT_EQ(0, park_all(&self->all.park, IN_TIME, NULL));
	EXPECT_EQ(0, fakes_members(&self->all) & 1 << 5);
	park_resume(&self->all.park);
}

static void *second_coordinator(void *arg)
{
	struct fakes *all = arg;
	int ret = park_all(&all->park, IN_TIME, NULL);

	if (!ret)
		park_resume(&all->park);
	return (void *)(long)ret;
}

static bool stands(struct park *park, unsigned int member)
{
	bool yes;

	pthread_mutex_lock(&park->lock);
	yes = park->parked >> member & 1;
	pthread_mutex_unlock(&park->lock);
	return yes;
}

/* The other vCPUs run on; a freeze finds this one standing where it was. */
TEST_F(park, one_that_is_held_stands_through_a_freeze)
{
	struct fake *f = &self->all.f[2];
	u64 before;

	park_hold(&self->all.park, 2);
	while (!stands(&self->all.park, 2))
		usleep(100);
	before = __atomic_load_n(&f->progress, __ATOMIC_SEQ_CST);
	ASSERT_EQ(0, park_all(&self->all.park, IN_TIME, NULL));
	park_resume(&self->all.park);
	usleep(5000);
	EXPECT_EQ(before, __atomic_load_n(&f->progress, __ATOMIC_SEQ_CST));
	park_release(&self->all.park, 2);
	while (__atomic_load_n(&f->progress, __ATOMIC_SEQ_CST) == before)
		usleep(100);
}

TEST_F(park, a_second_coordinator_waits_its_turn)
{
	void *ret;
	pthread_t t;

	ASSERT_EQ(0, park_all(&self->all.park, IN_TIME, NULL));
	ASSERT_EQ(0, pthread_create(&t, NULL, second_coordinator, &self->all));
	usleep(10000);
	park_resume(&self->all.park);
	pthread_join(t, &ret);
	EXPECT_EQ(0, (long)ret);
}

TEST_F(park, a_second_coordinator_has_a_deadline)
{
	u64 missing = 0;

	ASSERT_EQ(0, park_all(&self->all.park, IN_TIME, NULL));
	EXPECT_EQ(-ETIMEDOUT,
		  park_all(&self->all.park, 10 * NSEC_PER_MSEC, &missing));
	EXPECT_EQ((1 << FAKES) - 1, missing);
	EXPECT_TRUE(park_is_still(&self->all.park));
	park_resume(&self->all.park);
}

static void *end_soon(void *arg)
{
	usleep(20000);
	fakes_end(arg);
	return NULL;
}

TEST_F(park, the_end_lets_the_parked_go)
{
	ASSERT_EQ(0, park_all(&self->all.park, IN_TIME, NULL));
	fakes_end(&self->all);
	while (fakes_members(&self->all))
		usleep(100);
	park_resume(&self->all.park);
	EXPECT_EQ(-ESHUTDOWN, park_all(&self->all.park, 1, NULL));
}

TEST_F(park, the_end_interrupts_a_rendezvous)
{
	u64 start = now_ns();
	pthread_t t;

	fake_deafen(&self->all.f[0]);
	ASSERT_EQ(0, pthread_create(&t, NULL, end_soon, &self->all));
	EXPECT_EQ(-ESHUTDOWN,
		  park_all(&self->all.park, 600 * NSEC_PER_SEC, NULL));
	EXPECT_GT(IN_TIME, now_ns() - start);
	pthread_join(t, NULL);
}

TEST(a_park_without_members_is_still)
{
	struct park park;

	park_init(&park, kick_nobody, NULL);
	EXPECT_TRUE(park_is_still(&park));
	EXPECT_EQ(0, park_all(&park, UINT64_MAX, NULL));
	park_resume(&park);
	park_close(&park);
	EXPECT_EQ(-ESHUTDOWN, park_all(&park, UINT64_MAX, NULL));
	park_deinit(&park);
}

TEST_HARNESS_MAIN
