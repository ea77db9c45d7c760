// SPDX-License-Identifier: GPL-2.0-only
/* What the monitor and the list of programs come to in the result. */
#include "runner/peek.h"

#include <string.h>

#include <kselftest_harness.h>

#include "runner/scenario.h"
#include "runner/value.h"

TEST(no_monitor_is_null_and_needs_no_reason)
{
	struct peek p = { 0 };

	EXPECT_EQ(NULL, peek_monitor(&p));
	EXPECT_EQ(NULL, peek_no_monitor(&p));
	EXPECT_EQ(NULL, peek_failure(&p));
}

TEST(monitor_that_saw_nothing_is_null_and_says_why)
{
	struct scen_monitor cfg = { .present = true };
	struct peek p = { .cfg = &cfg };

	EXPECT_EQ(NULL, peek_monitor(&p));
	EXPECT_NE(NULL, strstr(peek_no_monitor(&p), "no sample"));
	strcpy(p.reason, "no run queues");
	EXPECT_STREQ("no run queues", peek_no_monitor(&p));
}

TEST(what_a_kernel_does_not_have_is_null_and_not_0)
{
	struct scen_monitor cfg = { .present = true };
	struct peek p = { .cfg = &cfg, .monitor.sum.samples = 3, .dropped = 2 };
	struct value *v = peek_monitor(&p);

	ASSERT_NE(NULL, v);
	EXPECT_EQ(NULL, peek_no_monitor(&p));
	EXPECT_EQ(3, value_as_int(value_get(v, "samples"), 0));
	EXPECT_FALSE(value_has(v, "max_local_dsq_depth"));
	EXPECT_FALSE(value_has(v, "event_deltas"));
	EXPECT_FALSE(value_has(v, "schedstat_deltas"));
	EXPECT_FALSE(value_has(v, "prog_stats_deltas"));
	EXPECT_STREQ("2 samples could not be read",
		     value_as_str(value_get(v, "reason"), ""));
	value_free(v);
}

TEST(cpus_and_phases)
{
	struct scen_monitor cfg = { .present = true };
	struct monitor_seen seen[2] = {
		{ .last = { .present = true, .c = { .nr_running = 3,
			.curr_comm = "hog", .curr_pid = 42, .has_scx = true,
			.scx = { .local_dsq_depth = 2, .flags = 1 },
			.has_schedstat = true, .schedstat.ttwu_count = 9 } } },
	};
	struct monitor_phase phases[] = {
		{ .label = "too short" },
		{ .label = "load", .step = 1, .sum = { .samples = 4,
			.max_imbalance_ratio = 3, .has_scx = true,
			.max_local_dsq_depth = 5 } },
	};
	struct peek p = {
		.cfg = &cfg, .schedstats = true, .monitor = {
			.sum.samples = 5, .cpus = seen, .nr_cpus = 2,
			.phases = phases, .nr_phases = 2,
		},
	};
	struct value *v = peek_monitor(&p), *one;

	ASSERT_EQ(2, value_get(v, "cpu")->list.len);
	one = value_path(v, "cpu[0]");
	EXPECT_EQ(3, value_as_int(value_get(one, "nr_running"), 0));
	EXPECT_STREQ("hog", value_as_str(value_get(one, "comm"), ""));
	EXPECT_EQ(42, value_as_int(value_get(one, "pid"), 0));
	EXPECT_EQ(2, value_as_int(value_path(one, "scx.local_dsq_depth"), 0));
	EXPECT_EQ(9, value_as_int(value_path(one, "schedstat.ttwu_count"), 0));
	EXPECT_FALSE(value_has(one, "domains"));
	EXPECT_EQ(VALUE_NULL, value_get(v, "cpu")->list.items[1]->type);

	ASSERT_EQ(1, value_get(v, "phases")->list.len);
	one = value_path(v, "phases[0]");
	EXPECT_STREQ("load", value_as_str(value_get(one, "label"), ""));
	EXPECT_EQ(1, value_as_int(value_get(one, "step_index"), 0));
	EXPECT_EQ(4, value_as_int(value_get(one, "samples"), 0));
	EXPECT_EQ(5, value_as_int(value_get(one, "max_local_dsq_depth"), 0));
	value_free(v);
}

TEST(no_programs_is_an_empty_list_only_where_they_were_looked_for)
{
	struct peek p = { 0 };
	struct value *v;

	EXPECT_EQ(NULL, peek_verifier(&p));
	p.progs_read = true;
	v = peek_verifier(&p);
	ASSERT_NE(NULL, v);
	EXPECT_EQ(0, v->list.len);
	value_free(v);
}

TEST(programs_with_their_growth)
{
	struct scen_monitor cfg = { .present = true };
	struct peek_prog prog = {
		.first = { .name = "a", .run_cnt = 5, .run_time_ns = 100 },
		.last = { .name = "a", .run_cnt = 12, .run_time_ns = 400,
			  .verified_insns = 33, .jited_len = 9 },
	};
	struct peek p = {
		.cfg = &cfg, .monitor.sum.samples = 1, .progs_read = true,
		.progs = &prog, .nr_progs = 1,
	};
	struct value *m = peek_monitor(&p), *v = peek_verifier(&p), *one;

	one = value_path(m, "prog_stats_deltas.a");
	EXPECT_EQ(7, value_as_int(value_get(one, "run_cnt"), 0));
	EXPECT_EQ(300, value_as_int(value_get(one, "run_time_ns"), 0));
	one = v->list.items[0];
	EXPECT_EQ(12, value_as_int(value_get(one, "run_cnt"), 0));
	EXPECT_EQ(33, value_as_int(value_get(one, "verified_insns"), 0));
	EXPECT_EQ(9, value_as_int(value_get(one, "jited_len"), 0));
	value_free(m);
	value_free(v);
}

TEST_HARNESS_MAIN
