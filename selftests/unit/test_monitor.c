// SPDX-License-Identifier: GPL-2.0-only
/* Runqueue samples to summary: thresholds, stalls and what excuses them. */
#include "freeze/monitor.h"

#include <string.h>

#include <kselftest_harness.h>

#define CPUS 2
#define STEP (100 * NSEC_PER_MSEC)

FIXTURE(monitor) {
	struct monitor m;
	struct monitor_cpu cpus[CPUS];
	u64 now;
};

/* Two CPUs that run one task each, no limit but the stall's. */
FIXTURE_SETUP(monitor)
{
	struct monitor_cfg cfg = {
		.sustained = 3, .fail_on_stall = true, .nr_events = 2,
		.fallback_event = 0, .keep_last_event = 1,
	};
	int i;

	memset(self->cpus, 0, sizeof(self->cpus));
	self->now = NSEC_PER_SEC;
	ASSERT_EQ(0, monitor_init(&self->m, &cfg, CPUS));
	for (i = 0; i < CPUS; i++) {
		self->cpus[i].present = true;
		self->cpus[i].c.nr_running = 1;
		self->cpus[i].c.clock_ns = 1000;
	}
}

FIXTURE_TEARDOWN(monitor)
{
	monitor_deinit(&self->m);
}

/* One sample later; @clocks and @ran per CPU. */
static void step(FIXTURE_DATA(monitor) *self, u64 clock0, u64 clock1, u64 ran)
{
	self->now += STEP;
	self->cpus[0].c.clock_ns += clock0;
	self->cpus[1].c.clock_ns += clock1;
	self->cpus[0].ran_ns += ran;
	self->cpus[1].ran_ns += ran;
	monitor_add(&self->m, self->now, self->cpus);
}

static void steps(FIXTURE_DATA(monitor) *self, int n)
{
	while (n--)
		step(self, STEP, STEP, STEP);
}

TEST_F(monitor, healthy)
{
	steps(self, 10);
	EXPECT_EQ(10, self->m.sum.samples);
	EXPECT_EQ(1.0, self->m.sum.max_imbalance_ratio);
	EXPECT_FALSE(self->m.sum.stuck);
	EXPECT_FALSE(self->m.sum.has_scx);
	EXPECT_STREQ("", self->m.failure);
}

TEST_F(monitor, absent_cpus_do_not_count)
{
	self->cpus[1].present = false;
	self->cpus[0].c.nr_running = 5;
	steps(self, 1);
	EXPECT_EQ(1, self->m.sum.samples);
	EXPECT_EQ(1.0, self->m.sum.max_imbalance_ratio);
	self->cpus[0].present = false;
	steps(self, 1);
	EXPECT_EQ(1, self->m.sum.samples);
}

TEST_F(monitor, imbalance_against_an_empty_queue)
{
	self->cpus[0].c.nr_running = 6;
	self->cpus[1].c.nr_running = 0;
	steps(self, 1);
	EXPECT_EQ(6.0, self->m.sum.max_imbalance_ratio);
	EXPECT_STREQ("", self->m.failure);	/* no threshold */
}

TEST_F(monitor, imbalance_must_be_sustained)
{
	int i;

	self->m.cfg.max_imbalance_ratio = 4;
	for (i = 0; i < 5; i++) {
		self->cpus[0].c.nr_running = 9;
		steps(self, 2);
		self->cpus[0].c.nr_running = 4;	/* at the limit is within it */
		steps(self, 1);
	}
	EXPECT_STREQ("", self->m.failure);
	self->cpus[0].c.nr_running = 9;
	steps(self, 3);
	EXPECT_STREQ("run queues of 9 and 1 tasks: imbalance 9.0 over 3 samples, the limit is 4.0",
		     self->m.failure);
}

TEST_F(monitor, dsq_depth)
{
	self->m.cfg.max_local_dsq_depth = 50;
	self->cpus[1].c.has_scx = true;
	self->cpus[1].c.scx.local_dsq_depth = 50;
	steps(self, 5);
	EXPECT_STREQ("", self->m.failure);
	self->cpus[1].c.scx.local_dsq_depth = 51;
	steps(self, 2);
	EXPECT_STREQ("", self->m.failure);
	steps(self, 1);
	EXPECT_EQ(51, self->m.sum.max_local_dsq_depth);
	EXPECT_NE(NULL, strstr(self->m.failure, "51 tasks on a local dispatch queue"));
}

TEST_F(monitor, stall)
{
	steps(self, 1);
	step(self, 0, STEP, STEP);
	step(self, 0, STEP, STEP);
	EXPECT_FALSE(self->m.sum.stuck);
	self->cpus[0].c.curr_pid = 42;
	strcpy(self->cpus[0].c.curr_comm, "spin");
	step(self, 0, STEP, STEP);
	EXPECT_TRUE(self->m.sum.stuck);
	EXPECT_STREQ("stall: the run queue's clock of CPU 0 stood still over 3 samples while spin (pid 42) ran",
		     self->m.failure);
}

TEST_F(monitor, stall_told_only)
{
	int i;

	self->m.cfg.fail_on_stall = false;
	for (i = 0; i < 5; i++)
		step(self, 0, STEP, STEP);
	EXPECT_TRUE(self->m.sum.stuck);
	EXPECT_STREQ("", self->m.failure);
}

TEST_F(monitor, stall_interrupted)
{
	int i;

	for (i = 0; i < 6; i++) {
		step(self, 0, STEP, STEP);
		step(self, 0, STEP, STEP);
		step(self, 1, STEP, STEP);
	}
	EXPECT_FALSE(self->m.sum.stuck);
}

TEST_F(monitor, idle_is_no_stall)
{
	int i;

	self->cpus[0].c.idle = true;
	for (i = 0; i < 10; i++)
		step(self, 0, STEP, STEP);
	EXPECT_FALSE(self->m.sum.stuck);
}

TEST_F(monitor, preempted_by_the_host_is_no_stall)
{
	int i;

	for (i = 0; i < 10; i++)
		step(self, 0, 0, STEP / 4 - 1);
	EXPECT_FALSE(self->m.sum.stuck);
	for (i = 0; i < 3; i++)
		step(self, 0, 0, STEP / 4);
	EXPECT_TRUE(self->m.sum.stuck);
}

TEST_F(monitor, events)
{
	int i;

	for (i = 0; i < CPUS; i++) {
		self->cpus[i].c.has_events = true;
		self->cpus[i].c.events[0] = 1000;	/* before us */
	}
	steps(self, 1);
	EXPECT_EQ(0, self->m.sum.events[0]);
	self->cpus[0].c.events[0] += 3;
	self->cpus[1].c.events[0] += 4;
	steps(self, 1);
	EXPECT_EQ(7, self->m.sum.events[0]);
	/* Another scheduler starts them anew. */
	self->cpus[0].c.events[0] = 2;
	steps(self, 1);
	EXPECT_EQ(9, self->m.sum.events[0]);
	EXPECT_EQ(0, self->m.sum.events[1]);
}

TEST_F(monitor, event_rate)
{
	int i;

	self->m.cfg.max_keep_last_rate = 100;
	self->cpus[0].c.has_events = true;
	self->cpus[0].c.events[1] = 1 << 20;	/* a total is no rate */
	for (i = 0; i < 5; i++) {
		steps(self, 1);
		self->cpus[0].c.events[1] += 10;
	}
	EXPECT_STREQ("", self->m.failure);
	for (i = 0; i < 3; i++) {
		self->cpus[0].c.events[1] += 11;
		steps(self, 1);
	}
	EXPECT_NE(NULL, strstr(self->m.failure, "dispatches that kept the last task"));
}

TEST_F(monitor, schedstat)
{
	EXPECT_FALSE(self->m.sum.has_schedstat);
	self->cpus[1].c.has_schedstat = true;
	self->cpus[1].c.schedstat.ttwu_count = 70;
	steps(self, 1);
	EXPECT_TRUE(self->m.sum.has_schedstat);
	EXPECT_EQ(0, self->m.sum.schedstat.ttwu_count);
	self->cpus[1].c.schedstat.ttwu_count = 75;
	self->cpus[1].c.schedstat.run_delay_ns = 9;
	steps(self, 1);
	EXPECT_EQ(5, self->m.sum.schedstat.ttwu_count);
	EXPECT_EQ(9, self->m.sum.schedstat.run_delay_ns);
}

TEST_F(monitor, phases)
{
	self->cpus[0].c.has_schedstat = true;
	steps(self, 2);
	EXPECT_EQ(0, self->m.nr_phases);
	monitor_begin(&self->m, "first", 3);
	monitor_begin(&self->m, "second", 4);
	self->cpus[1].c.nr_running = 5;
	self->cpus[0].c.schedstat.ttwu_count += 7;
	steps(self, 1);
	monitor_begin(&self->m, "third", -1);
	self->cpus[1].c.nr_running = 1;
	steps(self, 3);
	ASSERT_EQ(3, self->m.nr_phases);
	EXPECT_EQ(0, self->m.phases[0].sum.samples);
	EXPECT_STREQ("second", self->m.phases[1].label);
	EXPECT_EQ(4, self->m.phases[1].step);
	EXPECT_EQ(1, self->m.phases[1].sum.samples);
	EXPECT_EQ(5, self->m.phases[1].sum.max_imbalance_ratio);
	EXPECT_EQ(7, self->m.phases[1].sum.schedstat.ttwu_count);
	EXPECT_EQ(3, self->m.phases[2].sum.samples);
	EXPECT_EQ(1, self->m.phases[2].sum.max_imbalance_ratio);
	EXPECT_EQ(0, self->m.phases[2].sum.schedstat.ttwu_count);
	EXPECT_EQ(6, self->m.sum.samples);
	EXPECT_EQ(5, self->m.sum.max_imbalance_ratio);
	EXPECT_EQ(7, self->m.sum.schedstat.ttwu_count);
}

TEST_F(monitor, phases_have_a_bound)
{
	int i;

	for (i = 0; i < MONITOR_MAX_PHASES + 5; i++)
		monitor_begin(&self->m, "p", i);
	steps(self, 1);
	EXPECT_EQ(MONITOR_MAX_PHASES, self->m.nr_phases);
	EXPECT_EQ(1, self->m.phases[MONITOR_MAX_PHASES - 1].sum.samples);
}

TEST_HARNESS_MAIN
