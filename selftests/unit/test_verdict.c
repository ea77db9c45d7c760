// SPDX-License-Identifier: GPL-2.0-only
#include "runner/verdict.h"

#include <string.h>

#include "kselftest_harness.h"

/* A guest that ran its payload, told its status and went down. */
static struct verdict_facts passed(void)
{
	return (struct verdict_facts){
		.stage = STAGE_VERDICT, .via = VIA_PORT1,
		.ending = ENDING_RESET, .timeout_ms = 1000,
	};
}

TEST(exit_0_and_a_clean_end_is_the_only_pass)
{
	struct verdict_facts f = passed();
	struct verdict v;

	verdict_decide(&f, &v);
	EXPECT_TRUE(v.success);
	EXPECT_STREQ("", v.reason);
	f.exit_code = 3;
	verdict_decide(&f, &v);
	EXPECT_FALSE(v.success);
	EXPECT_NE(NULL, strstr(v.reason, "exit status 3"));
}

TEST(a_map_that_was_not_written_is_no_success)
{
	struct verdict_facts f = passed();
	struct verdict v;

	f.map_write = "bpf_map_write: no map";
	verdict_decide(&f, &v);
	EXPECT_FALSE(v.success);
	EXPECT_STREQ("bpf_map_write: no map", v.reason);
	/* Nor where the expected end came about without it. */
	f.expect.kind = EXPECT_PANIC;
	f.panic = "Kernel panic";
	verdict_decide(&f, &v);
	EXPECT_FALSE(v.success);
	/* But what went wrong before it is the reason. */
	f = passed();
	f.map_write = "x";
	f.exit_code = 9;
	verdict_decide(&f, &v);
	EXPECT_NE(NULL, strstr(v.reason, "exit status 9"));
}

TEST(no_verdict_is_never_a_pass)
{
	enum ending e;
	struct verdict v;

	for (e = ENDING_NONE; e <= ENDING_VMM_ERROR; e++) {
		struct verdict_facts f = passed();

		f.via = VIA_NONE;
		f.stage = STAGE_PAYLOAD;
		f.ending = e;
		verdict_decide(&f, &v);
		EXPECT_FALSE(v.success) TH_LOG("%s", ending_name(e));
		EXPECT_NE('\0', v.reason[0]);
	}
}

TEST(a_crash_after_the_verdict_is_told_beside_it)
{
	struct verdict_facts f = passed();
	struct verdict v;

	f.panic = "Kernel panic - not syncing: x";
	verdict_decide(&f, &v);
	EXPECT_FALSE(v.success);
	EXPECT_NE(NULL, strstr(v.reason, "exit status 0"));
	EXPECT_NE(NULL, strstr(v.reason, "Kernel panic"));
}

TEST(triple_fault_is_a_crash_only_without_a_verdict)
{
	struct verdict_facts f = passed();
	struct verdict v;

	f.ending = ENDING_TRIPLE_FAULT;
	verdict_decide(&f, &v);
	EXPECT_TRUE(v.success);
	f.via = VIA_NONE;
	f.stage = STAGE_KERNEL;
	verdict_decide(&f, &v);
	EXPECT_FALSE(v.success);
	EXPECT_NE(NULL, strstr(v.reason, "triple fault"));
}

TEST(timeout_fails_with_stage_and_is_marked)
{
	struct verdict_facts f = passed();
	struct verdict v;

	f.via = VIA_NONE;
	f.stage = STAGE_PAYLOAD;
	f.ending = ENDING_KILLED;
	f.timed_out = true;
	verdict_decide(&f, &v);
	EXPECT_FALSE(v.success);
	EXPECT_TRUE(v.timeout);
	EXPECT_NE(NULL, strstr(v.reason, "while the payload ran"));
	f.starved = "the vCPUs had 3 % of the wall clock";
	verdict_decide(&f, &v);
	EXPECT_NE(NULL, strstr(v.reason, "3 %"));
}

TEST(expect_fail_takes_any_other_status)
{
	struct verdict_facts f = passed();
	struct verdict v;

	f.expect.kind = EXPECT_FAIL;
	verdict_decide(&f, &v);
	EXPECT_FALSE(v.success);
	f.exit_code = 7;
	verdict_decide(&f, &v);
	EXPECT_TRUE(v.success);
	f.panic = "Kernel panic - not syncing: x";
	verdict_decide(&f, &v);
	EXPECT_FALSE(v.success);
}

TEST(expect_exit_takes_one_status)
{
	struct verdict_facts f = passed();
	struct verdict v;

	f.expect = (struct expect_want){ EXPECT_EXIT, 7 };
	f.exit_code = 8;
	verdict_decide(&f, &v);
	EXPECT_FALSE(v.success);
	f.exit_code = 7;
	verdict_decide(&f, &v);
	EXPECT_TRUE(v.success);
}

TEST(expect_panic_needs_a_crash)
{
	struct verdict_facts f = passed();
	struct verdict v;

	f.expect.kind = EXPECT_PANIC;
	verdict_decide(&f, &v);
	EXPECT_FALSE(v.success);
	f.panic = "Kernel panic - not syncing: x";
	verdict_decide(&f, &v);
	EXPECT_TRUE(v.success);
	f.timed_out = true;
	verdict_decide(&f, &v);
	EXPECT_FALSE(v.success);
	EXPECT_TRUE(v.timeout);
}

TEST(expect_timeout_needs_the_watchdog)
{
	struct verdict_facts f = passed();
	struct verdict v;

	f.expect.kind = EXPECT_TIMEOUT;
	verdict_decide(&f, &v);
	EXPECT_FALSE(v.success);
	f.timed_out = true;
	f.ending = ENDING_KILLED;
	verdict_decide(&f, &v);
	EXPECT_TRUE(v.success);
	EXPECT_FALSE(v.timeout);
}

TEST(the_monitor_fails_an_otherwise_good_run)
{
	struct verdict_facts f = passed();
	struct verdict v;

	f.monitor = "stall: CPU 0";
	verdict_decide(&f, &v);
	EXPECT_FALSE(v.success);
	EXPECT_FALSE(v.error);
	EXPECT_STREQ("stall: CPU 0", v.reason);
	f.exit_code = 3;	/* the payload's own failure weighs more */
	verdict_decide(&f, &v);
	EXPECT_NE(NULL, strstr(v.reason, "exit status 3"));
}

TEST(a_splat_fails_an_otherwise_good_run)
{
	struct verdict_facts f = passed();
	struct verdict v;

	f.splat = "WARNING: CPU: 0 PID: 1 at x.c:1";
	verdict_decide(&f, &v);
	EXPECT_FALSE(v.success);
	EXPECT_NE(NULL, strstr(v.reason, "x.c:1"));
}

TEST(vmm_trouble_is_an_error_whatever_was_expected)
{
	struct verdict_facts f = passed();
	struct verdict v;

	f.ending = ENDING_VMM_ERROR;
	f.ending_text = "KVM internal error, suberror 1";
	f.expect.kind = EXPECT_PANIC;
	verdict_decide(&f, &v);
	EXPECT_FALSE(v.success);
	EXPECT_TRUE(v.error);
	EXPECT_NE(NULL, strstr(v.reason, "suberror 1"));
}

TEST(payload_signal_is_named)
{
	struct verdict_facts f = passed();
	struct verdict v;

	f.exit_code = 139;
	f.exit_signal = 11;
	verdict_decide(&f, &v);
	EXPECT_NE(NULL, strstr(v.reason, "signal 11"));
}

TEST(what_the_monitor_found_is_what_was_asked_for)
{
	struct verdict_facts f = passed();
	struct verdict v;

	f.expect.kind = EXPECT_MONITOR;
	verdict_decide(&f, &v);
	EXPECT_FALSE(v.success);
	EXPECT_NE(NULL, strstr(v.reason, "found nothing"));
	f.monitor = "stall: x";
	verdict_decide(&f, &v);
	EXPECT_TRUE(v.success);
	f.exit_code = 1;
	verdict_decide(&f, &v);
	EXPECT_FALSE(v.success);
	f.exit_code = 0;
	f.splat = "WARNING: at x";
	verdict_decide(&f, &v);
	EXPECT_FALSE(v.success);
}

TEST(a_scheduler_that_left_is_what_was_asked_for)
{
	struct verdict_facts f = passed();
	struct verdict v;

	f.expect.kind = EXPECT_SCHED_EXIT;
	verdict_decide(&f, &v);
	EXPECT_FALSE(v.success);
	EXPECT_NE(NULL, strstr(v.reason, "stayed to the end"));
	f.sched_exit = "the scheduler ended early";
	f.via = VIA_NONE;
	verdict_decide(&f, &v);
	EXPECT_TRUE(v.success);
	f.splat = "WARNING: at x";
	verdict_decide(&f, &v);
	EXPECT_FALSE(v.success);
	f.splat = NULL;
	f.oops = "BUG: y";
	verdict_decide(&f, &v);
	EXPECT_FALSE(v.success);
	f.oops = NULL;
	f.timed_out = true;
	verdict_decide(&f, &v);
	EXPECT_FALSE(v.success);
	EXPECT_TRUE(v.timeout);
}

TEST(a_scheduler_that_left_unasked_is_the_reason)
{
	struct verdict_facts f = passed();
	struct verdict v;

	f.sched_exit = "the scheduler ended early";
	f.via = VIA_NONE;
	verdict_decide(&f, &v);
	EXPECT_FALSE(v.success);
	EXPECT_STREQ("the scheduler ended early", v.reason);
}

TEST_HARNESS_MAIN
