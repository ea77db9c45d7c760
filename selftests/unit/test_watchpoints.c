// SPDX-License-Identifier: GPL-2.0-only
/* Conditions of watchpoints. */
#include "runner/watchpoints.h"

#include <errno.h>
#include <string.h>

#include <kselftest_harness.h>

#include "runner/expr.h"

static int holds_of(const char *text, const struct watch_hit *hit)
{
	struct expr *e = NULL;
	char why[300] = "";
	int rc = watch_condition_parse(text, &e, why, sizeof(why));

	if (!rc)
		rc = watch_condition_holds(e, hit);
	else
		BUG_ON(!why[0]);
	expr_destroy(e);
	return rc;
}

static int holds(const char *text, u64 value, u64 old)
{
	return holds_of(text, &(struct watch_hit){ .value = value, .old = old });
}

TEST(signs)
{
	struct watch_hit hit = { .value = (u64)-5, .old = 3, .is_signed = true };

	EXPECT_EQ(1, holds_of("value == -5 && value < old", &hit));
	hit.is_signed = false;
	EXPECT_EQ(1, holds_of("value == 0xfffffffffffffffb && value > old", &hit));
}

TEST(conditions)
{
	EXPECT_EQ(1, holds("value == 77", 77, 0));
	EXPECT_EQ(0, holds("value == 77", 78, 77));
	EXPECT_EQ(1, holds("value>old", 5, 4));
	EXPECT_EQ(1, holds("value > 4K && old < 0x10", 5000, 15));
	EXPECT_EQ(1, holds("abs(value - old) >= 3", 1, 4));
	EXPECT_EQ(1, holds("!(value == old)", 1, 2));
	EXPECT_EQ(1, holds("true", 0, 0));
}

TEST(cannot_be_evaluated_does_not_hold)
{
	EXPECT_EQ(0, holds("1 / old == 1", 1, 0));
}

TEST(refused)
{
	EXPECT_EQ(-EINVAL, holds("valu == 1", 0, 0));
	EXPECT_EQ(-EINVAL, holds("exit_code == 1", 0, 0));
	EXPECT_EQ(-EINVAL, holds("value", 0, 0));
	EXPECT_EQ(-EINVAL, holds("value ==", 0, 0));
	EXPECT_EQ(-EINVAL, holds("value.x == 1", 0, 0));
	EXPECT_EQ(-EINVAL, holds("", 0, 0));
}

TEST_HARNESS_MAIN
