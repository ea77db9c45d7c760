// SPDX-License-Identifier: GPL-2.0-only
/* tapread: what vmtap printed, and what it did not print. */
#include "runner/tapread.h"

#include <errno.h>
#include <string.h>

#include "vmm/base/diag.h"

#include "kselftest_harness.h"

static int parse(const char *text, struct tap_doc *doc, struct diag *d)
{
	return tap_doc_parse(text, strlen(text), "a.tap", doc, d);
}

TEST(reads_points_blocks_and_ends)
{
	struct tap_doc doc;

	ASSERT_EQ(0, parse("TAP version 13\n1..5\n# seed: 1\n"
			   "ok 1 - a\n  ---\n  index: 4\n  x: 1\n  ...\n"
			   "not ok 2 - b # TIMEOUT 3 s\nok 3 - c # SKIP no\n"
			   "ok 4 - d # XFAIL k\n"
			   "Bail out! SIGINT\n# Totals: pass:1\n", &doc, NULL));
	EXPECT_EQ(5, doc.plan);
	ASSERT_EQ(4, doc.n);
	EXPECT_EQ(4, doc.points[0].index);
	EXPECT_STREQ("  x: 1\n", doc.points[0].block);
	EXPECT_STREQ("a", doc.points[0].text);
	EXPECT_EQ(2, doc.points[1].index);
	EXPECT_EQ(OUTCOME_TIMEOUT, doc.points[1].outcome);
	EXPECT_EQ(OUTCOME_SKIP, doc.points[2].outcome);
	EXPECT_EQ(OUTCOME_XFAIL, doc.points[3].outcome);
	EXPECT_STREQ("SIGINT", doc.bail_out);
	EXPECT_STREQ("# seed: 1\n", doc.comments);
	EXPECT_TRUE(doc.indexed);
	tap_doc_reset(&doc);
}

TEST(a_cut_stream_gives_what_is_whole)
{
	static const char *const cuts[] = {
		"TAP version 13\n1..3\nok 1 - a\n",
		"TAP version 13\n1..3\nok 1 - a\nok 2 -",
		"TAP version 13\n1..3\nok 1 - a\n  ---\n  x: 1\n",
	};
	struct tap_doc doc;
	size_t i;

	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, parse(cuts[i], &doc, NULL));
		EXPECT_EQ(1, doc.n);
		EXPECT_STREQ("", doc.points[0].block);
		tap_doc_reset(&doc);
	}
}

TEST(anything_else_is_refused_with_its_line)
{
	static const char *const bad[][2] = {
		{ "", "a.tap: " }, { "x\n", "a.tap:1: " },
		{ "TAP version 14\n1..1\n", "a.tap:1: " },
		{ "TAP version 13\n", "the plan" },
		{ "TAP version 13\nok 1 - a\n", "a.tap:2: " },
		{ "TAP version 13\n1..x\n", "a.tap:2: a bad plan" },
		{ "TAP version 13\n1..1 x\n", "a.tap:2: a bad plan" },
		{ "TAP version 13\n1..99999999999\n", "a.tap:2: a bad plan" },
		{ "TAP version 13\n1..2\nok 2 - a\n", "a.tap:3: points are not" },
		{ "TAP version 13\n1..1\nok 1 a\n", "a.tap:3: a point without" },
		{ "TAP version 13\n1..1\nok 1 - a\nok 2 - b\n", "a.tap:4: more points" },
		{ "TAP version 13\n1..1\n  ---\n", "a.tap:3: a block without" },
		{ "TAP version 13\n1..1\nok 1 - a\n  ---\nok 2 - b\n", "a.tap:5: a block that" },
		{ "TAP version 13\n1..1\nhello\n", "a.tap:3: this is no TAP" },
	};
	struct tap_doc doc;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct diag d = { 0 };

		EXPECT_EQ(-EINVAL, parse(bad[i][0], &doc, &d)) TH_LOG("%s", bad[i][0]);
		EXPECT_NE(NULL, strstr(diag_text(&d), bad[i][1])) {
			TH_LOG("%s: %s", bad[i][0], diag_text(&d));
		}
		diag_reset(&d);
	}
}

TEST_HARNESS_MAIN
