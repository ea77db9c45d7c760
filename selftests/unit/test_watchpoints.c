// SPDX-License-Identifier: GPL-2.0-only
/* Conditions of watchpoints. */
#include "runner/watchpoints.h"

#include <errno.h>
#include <string.h>

#include <kselftest_harness.h>

#include "runner/expr.h"

static int holds(const char *text, u64 value, u64 old)
{
	struct expr *e = NULL;
	char why[300] = "";
	int rc = watch_condition_parse(text, &e, why, sizeof(why));

	if (!rc)
		rc = watch_condition_holds(e, value, old);
	else
		BUG_ON(!why[0]);
	expr_destroy(e);
	return rc;
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
