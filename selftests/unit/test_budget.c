// SPDX-License-Identifier: GPL-2.0-only
/* budget: which cases of a plan fit into a time. */
#include "runner/budget.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "runner/problem.h"
#include "vmm/base/diag.h"
#include "vmm/base/io.h"

#include "kselftest_harness.h"

FIXTURE(budget)
{
	char dir[64], path[80];
	struct plan_opts o;
	struct problems p;
	struct plan plan;
};

FIXTURE_SETUP(budget)
{
	memset(self, 0, sizeof(*self));
	strcpy(self->dir, "/tmp/vmtap-budget.XXXXXX");
	ASSERT_NE(NULL, mkdtemp(self->dir));
	snprintf(self->path, sizeof(self->path), "%s/m.yaml", self->dir);
	self->o.has_seed = true;
}

FIXTURE_TEARDOWN(budget)
{
	plan_destroy(&self->plan);
	plan_opts_reset(&self->o);
	problems_reset(&self->p);
	io_rmtree(self->dir, NULL);
}

static void plan(FIXTURE_DATA(budget) *self, const char *text)
{
	if (io_write_file(self->path, text, strlen(text), NULL) ||
	    plan_opts_add_path(&self->o, self->path) ||
	    plan_make(&self->o, &self->p, &self->plan))
		abort();
}

static size_t running(const FIXTURE_DATA(budget) *self)
{
	size_t n = 0;

	for (size_t i = 0; i < self->plan.n; i++)
		n += !self->plan.cases[i].skip;
	return n;
}

/* How many running cases have this parameter's value? */
static size_t with(const FIXTURE_DATA(budget) *self, const char *value)
{
	size_t n = 0;

	for (size_t i = 0; i < self->plan.n; i++) {
		const struct test_case *c = &self->plan.cases[i];

		for (size_t j = 0; j < c->nr_params && !c->skip; j++)
			n += !strcmp(c->params[j].value, value);
	}
	return n;
}

static const char square[] =
	"guest: {run: \"true\", env: {X: a, Y: a}}\n"
	"matrix: {guest.env.X: [a, b, c], guest.env.Y: [a, b, c]}\n";

TEST_F(budget, all_run_where_there_is_time)
{
	plan(self, square);
	ASSERT_EQ(0, budget_apply(&self->plan, 1000000, false, 1));
	EXPECT_EQ(9, running(self));
}

/* Three cases cover three values of both, not one value three times. */
TEST_F(budget, a_third_covers_each_value_once)
{
	static const char *const values[] = { "a", "b", "c" };
	u64 one;

	plan(self, square);
	one = budget_case_ms(&self->plan.cases[0], false);
	ASSERT_EQ(0, budget_apply(&self->plan, 3 * one, false, 1));
	EXPECT_EQ(3, running(self));
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(2, with(self, values[i]));
	EXPECT_NE(NULL, strstr(self->plan.cases[1].skip, "budget of 4 s"));
}

TEST_F(budget, more_jobs_make_more_time)
{
	u64 one;

	plan(self, square);
	one = budget_case_ms(&self->plan.cases[0], true);
	ASSERT_EQ(0, budget_apply(&self->plan, 2 * one, true, 3));
	EXPECT_EQ(6, running(self));
}

TEST_F(budget, one_case_always_runs)
{
	plan(self, square);
	ASSERT_EQ(0, budget_apply(&self->plan, 1, false, 1));
	EXPECT_EQ(1, running(self));
}

/* 64 CPUs cost more than the three small shapes together cover. */
TEST_F(budget, dear_cases_go_first)
{
	u64 small;

	plan(self, "guest: {run: \"true\"}\n"
	     "matrix: {vm.cpus: [64, 1, 2, 2n2l1c2t]}\n");
	EXPECT_EQ(1100, budget_case_ms(&self->plan.cases[1], false));
	EXPECT_LT(budget_case_ms(&self->plan.cases[1], true),
		  budget_case_ms(&self->plan.cases[0], true));
	small = budget_case_ms(&self->plan.cases[1], false) +
		budget_case_ms(&self->plan.cases[2], false) +
		budget_case_ms(&self->plan.cases[3], false);
	ASSERT_EQ(0, budget_apply(&self->plan, small, false, 1));
	EXPECT_EQ(3, running(self));
	EXPECT_NE(NULL, self->plan.cases[0].skip);
}

TEST_F(budget, what_is_skipped_costs_nothing)
{
	struct test_case *first;

	plan(self, square);
	first = (struct test_case *)&self->plan.cases[0];
	first->skip = "for another reason";
	ASSERT_EQ(0, budget_apply(&self->plan,
				  8 * budget_case_ms(first, false), false, 1));
	EXPECT_EQ(8, running(self));
	EXPECT_STREQ("for another reason", first->skip);
}

TEST(times)
{
	static const char *const bad[] = { "", "0s", "5", "s", "-1s", "1.5s",
					   "10d", "99999999999999999999s" };
	u64 ms;

	EXPECT_EQ(0, budget_parse("300s", &ms, NULL));
	EXPECT_EQ(300000, ms);
	EXPECT_EQ(0, budget_parse("5m", &ms, NULL));
	EXPECT_EQ(300000, ms);
	EXPECT_EQ(0, budget_parse("800ms", &ms, NULL));
	EXPECT_EQ(800, ms);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct diag d = { 0 };

		EXPECT_EQ(-EINVAL, budget_parse(bad[i], &ms, &d));
		diag_reset(&d);
	}
}

TEST_HARNESS_MAIN
