// SPDX-License-Identifier: GPL-2.0-only
/* A thread that runs, one that waits, and what is made of them. */
#include "runner/starve.h"

#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include <kselftest_harness.h>

#define MS NSEC_PER_MSEC

TEST(a_thread_that_waited_longer_than_it_ran_was_starved)
{
	struct starve s = { .ran_ns = 400 * MS, .waited_ns = 601 * MS };

	EXPECT_TRUE(starve_judge(&s, 1000 * MS));
	EXPECT_TRUE(starve_judge(&s, 4000 * MS));
	s.waited_ns = 400 * MS;
	EXPECT_FALSE(starve_judge(&s, 1000 * MS));
}

TEST(a_thread_that_had_hardly_any_work_was_not)
{
	struct starve s = { .ran_ns = 10 * MS, .waited_ns = 200 * MS };

	EXPECT_TRUE(starve_judge(&s, 2000 * MS));
	EXPECT_FALSE(starve_judge(&s, 2100 * MS));
}

TEST(what_the_kernel_does_not_count_is_no_starvation)
{
	struct starve s = { 0 };

	EXPECT_FALSE(starve_judge(&s, 0));
	EXPECT_FALSE(starve_judge(&s, 1000 * MS));
}

static bool over;

static void *spin(void *name)
{
	pthread_setname_np(pthread_self(), name);
	while (!__atomic_load_n(&over, __ATOMIC_RELAXED))
		;
	return NULL;
}

/* Three busy threads on one CPU: each has a third of it at the most. */
TEST(threads_that_share_a_cpu_wait)
{
	char *names[] = { "spin-0", "spin-1", "spin-2" };
	struct starve s, none;
	pthread_t threads[3];
	cpu_set_t one;
	int i;

	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	ASSERT_EQ(0, sched_setaffinity(0, sizeof(one), &one));
	for (i = 0; i < 3; i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, spin, names[i]));
	/* However long they take to come to so much. */
	do {
		usleep(20 * 1000);
		s = starve_read(getpid(), "spin-");
	} while (s.ran_ns + s.waited_ns < 600 * MS && i++ < 1000);
	__atomic_store_n(&over, true, __ATOMIC_RELAXED);
	none = starve_read(getpid(), "no-such-thread");
	for (i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	EXPECT_EQ(0, none.ran_ns + none.waited_ns);
	if (!s.ran_ns)
		SKIP(return, "this kernel does not count it (/proc/PID/schedstat)");
	EXPECT_TRUE(starve_judge(&s, 400 * MS));
}

TEST_HARNESS_MAIN
