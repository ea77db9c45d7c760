// SPDX-License-Identifier: GPL-2.0-only
/*
 * The rendezvous, with threads in place of vCPUs. A fake vCPU "runs the guest"
 * by sleeping until it is kicked, exactly as KVM_RUN does: it returns at once
 * where immediate_exit was set before.
 */
#include "vmm/park.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <kselftest_harness.h>

#define FAKES 8

struct fake {
	struct fakes *all;
	unsigned int index;
	pthread_t thread;
	int kick_fd;		/* the signal */
	bool immediate_exit;
	bool deaf;		/* does not look at its kicks */
	bool leave;		/* ends at the next look */
	u64 progress;
};

struct fakes {
	struct park park;
	bool ended;
	struct fake f[FAKES];
};

static void fake_kick(void *arg, unsigned int member)
{
	struct fakes *all = arg;

	__atomic_store_n(&all->f[member].immediate_exit, true,
			 __ATOMIC_SEQ_CST);
	eventfd_write(all->f[member].kick_fd, 1);
}

static void fake_run(struct fake *f)
{
	struct pollfd p = { .fd = f->kick_fd, .events = POLLIN };
	eventfd_t v;

	if (__atomic_load_n(&f->immediate_exit, __ATOMIC_SEQ_CST))
		return;
	/* An exit of its own comes now and then. */
	if (poll(&p, 1, f->index % 2 ? 1 : -1) > 0)
		eventfd_read(f->kick_fd, &v);
}

static bool flag(const bool *b)
{
	return __atomic_load_n(b, __ATOMIC_SEQ_CST);
}

static void *fake_thread(void *arg)
{
	struct fake *f = arg;
	struct park *park = &f->all->park;

	park_join(park, f->index);
	while (!flag(&f->all->ended) && !flag(&f->leave)) {
		__atomic_store_n(&f->immediate_exit, false, __ATOMIC_SEQ_CST);
		if (flag(&f->all->ended))
			break;
		if (!flag(&f->deaf) && park_wanted(park)) {
			park_point(park, f->index);
			continue;
		}
		__atomic_add_fetch(&f->progress, 1, __ATOMIC_SEQ_CST);
		fake_run(f);
	}
	park_leave(park, f->index);
	return NULL;
}

static void end_all(struct fakes *all)
{
	__atomic_store_n(&all->ended, true, __ATOMIC_SEQ_CST);
	park_close(&all->park);
	park_kick_all(&all->park);
}

static u64 members(struct park *park)
{
	u64 m;

	pthread_mutex_lock(&park->lock);
	m = park->members;
	pthread_mutex_unlock(&park->lock);
	return m;
}

FIXTURE(park) {
	struct fakes all;
};

FIXTURE_SETUP(park)
{
	unsigned int i;

	memset(&self->all, 0, sizeof(self->all));
	park_init(&self->all.park, fake_kick, &self->all);
	for (i = 0; i < FAKES; i++) {
		struct fake *f = &self->all.f[i];

		f->all = &self->all;
		f->index = i;
		f->kick_fd = eventfd(0, EFD_NONBLOCK);
		ASSERT_EQ(0, pthread_create(&f->thread, NULL, fake_thread, f));
	}
	while (members(&self->all.park) != (1 << FAKES) - 1)
		usleep(100);
}

FIXTURE_TEARDOWN(park)
{
	unsigned int i;

	end_all(&self->all);
	for (i = 0; i < FAKES; i++) {
		pthread_join(self->all.f[i].thread, NULL);
		close(self->all.f[i].kick_fd);
	}
	EXPECT_EQ(0, members(&self->all.park));
	park_deinit(&self->all.park);
}

static u64 progress(const struct fakes *all)
{
	u64 sum = 0;
	unsigned int i;

	for (i = 0; i < FAKES; i++)
		sum += __atomic_load_n(&all->f[i].progress, __ATOMIC_SEQ_CST);
	return sum;
}

TEST_F(park, nobody_moves_while_parked)
{
	u64 missing = 99, before;

	ASSERT_EQ(0, park_all(&self->all.park, NSEC_PER_SEC * 5, &missing));
	EXPECT_EQ(0, missing);
	EXPECT_TRUE(park_is_still(&self->all.park));
	before = progress(&self->all);
	usleep(20000);
	EXPECT_EQ(before, progress(&self->all));
	park_resume(&self->all.park);
	while (progress(&self->all) == before)
		usleep(100);
}

/* Each round would hang until its deadline if one kick were lost. */
TEST_F(park, no_kick_is_lost_in_many_rounds)
{
	int i;

	for (i = 0; i < 3000; i++) {
		ASSERT_EQ(0, park_all(&self->all.park, NSEC_PER_SEC * 5, NULL));
		park_resume(&self->all.park);
	}
}

TEST_F(park, one_that_does_not_come_is_named)
{
	u64 missing = 0, start = now_ns(), before;

	__atomic_store_n(&self->all.f[3].deaf, true, __ATOMIC_SEQ_CST);
	EXPECT_EQ(-ETIMEDOUT,
		  park_all(&self->all.park, 50 * NSEC_PER_MSEC, &missing));
	EXPECT_EQ(1 << 3, missing);
	EXPECT_LE(50 * NSEC_PER_MSEC, now_ns() - start);
	EXPECT_FALSE(park_is_still(&self->all.park));
	/* The others were let go again. */
	before = progress(&self->all);
	while (progress(&self->all) == before)
		usleep(100);
	__atomic_store_n(&self->all.f[3].deaf, false, __ATOMIC_SEQ_CST);
	ASSERT_EQ(0, park_all(&self->all.park, NSEC_PER_SEC * 5, NULL));
	park_resume(&self->all.park);
}

TEST_F(park, one_that_leaves_is_not_waited_for)
{
	__atomic_store_n(&self->all.f[5].leave, true, __ATOMIC_SEQ_CST);
	park_kick_all(&self->all.park);
	ASSERT_EQ(0, park_all(&self->all.park, NSEC_PER_SEC * 5, NULL));
	EXPECT_EQ(0, members(&self->all.park) & 1 << 5);
	park_resume(&self->all.park);
}

static void *second_coordinator(void *arg)
{
	struct fakes *all = arg;
	int ret = park_all(&all->park, NSEC_PER_SEC * 5, NULL);

	if (!ret)
		park_resume(&all->park);
	return (void *)(long)ret;
}

TEST_F(park, a_second_coordinator_waits_its_turn)
{
	void *ret;
	pthread_t t;

	ASSERT_EQ(0, park_all(&self->all.park, NSEC_PER_SEC * 5, NULL));
	ASSERT_EQ(0, pthread_create(&t, NULL, second_coordinator, &self->all));
	usleep(10000);
	park_resume(&self->all.park);
	pthread_join(t, &ret);
	EXPECT_EQ(0, (long)ret);
}

TEST_F(park, a_second_coordinator_has_a_deadline)
{
	u64 missing = 0;

	ASSERT_EQ(0, park_all(&self->all.park, NSEC_PER_SEC * 5, NULL));
	EXPECT_EQ(-ETIMEDOUT,
		  park_all(&self->all.park, 10 * NSEC_PER_MSEC, &missing));
	EXPECT_EQ((1 << FAKES) - 1, missing);
	EXPECT_TRUE(park_is_still(&self->all.park));
	park_resume(&self->all.park);
}

static void *end_soon(void *arg)
{
	usleep(20000);
	end_all(arg);
	return NULL;
}

TEST_F(park, the_end_lets_the_parked_go)
{
	ASSERT_EQ(0, park_all(&self->all.park, NSEC_PER_SEC * 5, NULL));
	end_all(&self->all);
	while (members(&self->all.park))
		usleep(100);
	park_resume(&self->all.park);
	EXPECT_EQ(-ESHUTDOWN, park_all(&self->all.park, 1, NULL));
}

TEST_F(park, the_end_interrupts_a_rendezvous)
{
	u64 start = now_ns();
	pthread_t t;

	__atomic_store_n(&self->all.f[0].deaf, true, __ATOMIC_SEQ_CST);
	ASSERT_EQ(0, pthread_create(&t, NULL, end_soon, &self->all));
	EXPECT_EQ(-ESHUTDOWN,
		  park_all(&self->all.park, NSEC_PER_SEC * 20, NULL));
	EXPECT_GT(NSEC_PER_SEC * 5, now_ns() - start);
	pthread_join(t, NULL);
}

TEST(a_park_without_members_is_still)
{
	struct park park;

	park_init(&park, fake_kick, NULL);
	EXPECT_TRUE(park_is_still(&park));
	EXPECT_EQ(0, park_all(&park, UINT64_MAX, NULL));
	park_resume(&park);
	park_close(&park);
	EXPECT_EQ(-ESHUTDOWN, park_all(&park, UINT64_MAX, NULL));
	park_deinit(&park);
}

TEST_HARNESS_MAIN
