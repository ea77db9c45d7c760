// SPDX-License-Identifier: GPL-2.0-only
/* The times of stops: percentiles, late ones, and why there are fewer. */
#include "runner/stops.h"

#include <errno.h>

#include <kselftest_harness.h>

#include "freeze/coordinator.h"
#include "runner/value.h"

static s64 figure(const struct value *v, const char *path)
{
	return value_as_int(value_path(v, path), -1);
}

TEST(percentiles_are_of_those_that_were_in_time)
{
	struct coordinator_clock_stats clock = {
		.target = 202, .fired = 201, .placeholders = 1, .reason = "why",
	};
	struct freeze_outcome late = { .err = -ETIMEDOUT, .park_ns = NSEC_PER_SEC };
	struct stops s;
	struct value *v;
	u64 i;

	ASSERT_EQ(0, stops_init(&s, 202));
	for (i = 200; i; i--)
		stops_add(&s, &(struct freeze_outcome){
			.park_ns = i * 1000, .frozen_ns = 7000 });
	stops_add(&s, &late);
	v = stops_value(&s, &clock, "never begun");
	EXPECT_EQ(202, figure(v, "target"));
	EXPECT_EQ(201, figure(v, "fired"));
	EXPECT_EQ(1, figure(v, "late"));
	EXPECT_STREQ("why", value_as_str(value_get(v, "reason"), ""));
	EXPECT_EQ(100, figure(v, "park_us.p50"));
	EXPECT_EQ(198, figure(v, "park_us.p99"));
	EXPECT_EQ(200, figure(v, "park_us.max"));
	EXPECT_EQ(7, figure(v, "frozen_us.p50"));
	EXPECT_EQ(7, figure(v, "frozen_us.max"));
	value_free(v);
	stops_deinit(&s);
}

TEST(one_is_its_own_percentile_and_no_more_than_asked_for_are_kept)
{
	struct coordinator_clock_stats clock = { .target = 1, .fired = 1 };
	struct freeze_outcome out = { .park_ns = UINT64_MAX, .frozen_ns = 999 };
	struct stops s;
	struct value *v;

	ASSERT_EQ(0, stops_init(&s, 1));
	stops_add(&s, &out);
	stops_add(&s, &out);
	EXPECT_EQ(1, s.n);
	v = stops_value(&s, &clock, "never begun");
	EXPECT_EQ(UINT32_MAX, figure(v, "park_us.p50"));
	EXPECT_EQ(UINT32_MAX, figure(v, "park_us.p99"));
	EXPECT_EQ(0, figure(v, "frozen_us.max"));
	EXPECT_FALSE(value_has(v, "reason"));
	value_free(v);
	stops_deinit(&s);
}

TEST(none_have_no_times)
{
	struct coordinator_clock_stats clock = { 0 };
	struct stops s;
	struct value *v;

	ASSERT_EQ(0, stops_init(&s, 5));
	v = stops_value(&s, &clock, "never begun");
	EXPECT_FALSE(value_has(v, "park_us"));
	EXPECT_STREQ("never begun",
		     value_as_str(value_get(v, "reason"), ""));
	value_free(v);
	stops_deinit(&s);
}

TEST_HARNESS_MAIN
