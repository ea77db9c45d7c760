// SPDX-License-Identifier: GPL-2.0-only
/* When the clocks of captures and stops begin, and what is told of them. */
#include "runner/snapshots.h"

#include <errno.h>

#include <kselftest_harness.h>

#include "runner/scenario.h"
#include "runner/value.h"

static int park(void *arg, u64 timeout_ns, u64 *missing)
{
	(void)arg;
	(void)timeout_ns;
	*missing = 1;
	return -ETIMEDOUT;
}

static void store(void *arg, const struct freeze_request *req,
		  const struct freeze_outcome *out)
{
	(void)arg;
	(void)req;
	(void)out;
}

static const struct coordinator_ops ops = { .park = park, .store = store };

FIXTURE(clocks) {
	struct scenario s;
	struct snapshots sn;
};

FIXTURE_SETUP(clocks)
{
	struct coordinator_cfg cfg = { .ops = &ops };

	self->s = (struct scenario){
		.vm.timeout_ns = 100 * NSEC_PER_SEC,
		.snapshots = { .periodic = 3, .stops = 7 },
	};
	self->sn = (struct snapshots){ .s = &self->s, .time_factor = 1 };
	ASSERT_EQ(0, coordinator_create(&self->sn.c, &cfg, NULL));
	ASSERT_EQ(0, coordinator_start(self->sn.c, NULL));
	ASSERT_EQ(0, stops_init(&self->sn.stops, self->s.snapshots.stops));
}

FIXTURE_TEARDOWN(clocks)
{
	snapshots_deinit(&self->sn);
}

static u32 target(FIXTURE_DATA(clocks) *self, enum freeze_clock clock)
{
	struct coordinator_stats s;

	coordinator_stats(self->sn.c, &s);
	return s.clocks[clock].target;
}

static bool says(struct value *v, const char *why)
{
	bool same = !strcmp(value_as_str(value_get(v, "reason"), ""), why);

	value_free(v);
	return same;
}

TEST_F(clocks, begin_with_the_payload)
{
	snapshots_stage(&self->sn, STAGE_AGENT);
	EXPECT_EQ(0, target(self, CLOCK_CAPTURES));
	EXPECT_TRUE(says(snapshots_periodic(&self->sn),
			 "the payload was never started"));
	snapshots_stage(&self->sn, STAGE_PAYLOAD);
	EXPECT_EQ(3, target(self, CLOCK_CAPTURES));
	EXPECT_EQ(7, target(self, CLOCK_STOPS));
	snapshots_stage(&self->sn, STAGE_VERDICT);
	EXPECT_TRUE(says(snapshots_periodic(&self->sn),
			 "the payload ended before the window did"));
}

TEST_F(clocks, begin_with_the_first_step_where_there_is_a_workload)
{
	self->s.workload.present = true;
	self->s.workload.duration_ns = 50 * NSEC_PER_SEC;
	snapshots_stage(&self->sn, STAGE_PAYLOAD);
	EXPECT_EQ(0, target(self, CLOCK_CAPTURES));
	EXPECT_EQ(0, target(self, CLOCK_STOPS));
	EXPECT_TRUE(says(snapshots_stops(&self->sn),
			 "the workload's first step never began"));
	snapshots_workload(&self->sn);
	EXPECT_EQ(3, target(self, CLOCK_CAPTURES));
	EXPECT_EQ(7, target(self, CLOCK_STOPS));
	snapshots_kill(&self->sn);
	EXPECT_TRUE(says(snapshots_stops(&self->sn),
			 "the machine ended before the window did"));
}

/* A quarter of the time that the workload lasts, not of the timeout. */
TEST_F(clocks, the_window_is_the_workloads)
{
	u64 begin = now_ns();
	struct coordinator_stats s;

	self->s.workload.present = true;
	self->s.workload.duration_ns = 400 * NSEC_PER_MSEC;
	snapshots_workload(&self->sn);
	do {
		coordinator_stats(self->sn.c, &s);
	} while (s.clocks[CLOCK_CAPTURES].fired < 1 &&
		 now_ns() - begin < 20 * NSEC_PER_SEC);
	EXPECT_EQ(1, s.clocks[CLOCK_CAPTURES].fired);
	EXPECT_LE(100 * NSEC_PER_MSEC, now_ns() - begin);
}

TEST_F(clocks, what_was_not_asked_for_is_not_told)
{
	self->s.snapshots.stops = 0;
	EXPECT_EQ(NULL, snapshots_stops(&self->sn));
}

TEST_HARNESS_MAIN
