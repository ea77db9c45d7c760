// SPDX-License-Identifier: GPL-2.0-only
/*
 * The workload's way: plan from host to guest, sets of CPUs, percentiles (the
 * guest's own code), figures as a tree, statistics and thresholds.
 */
#include <string.h>

#include "runner/metrics.h"
#include "runner/problem.h"
#include "runner/scenario.h"
#include "runner/value.h"
#include "runner/wl_assert.h"
#include "runner/wl_figures.h"
#include "runner/wl_stats.h"
#include "runner/workload_plan.h"
#include "vmm/base/buf.h"

/* The guest's pure parts, as they are. */
#include "tools/guest/wl_plan.c"
#include "tools/guest/wl_stat.c"
#include "tools/guest/wl_topo.c"

#include "kselftest_harness.h"

/* --- the plan ----------------------------------------------------------- */

static const char yaml[] =
	"workload:\n"
	"  duration: 2s\n"
	"  cgroups:\n"
	"    - {name: out, cpuset: \"0-1\", cpu_weight: 200}\n"
	"    - {name: in.1, parent: out, cpu_max: \"5000 10000\", memory_max: 8M}\n"
	"  workers:\n"
	"    - {type: pipe-io, count: 4, cgroup: in.1, nice: -3, policy: batch}\n"
	"    - {name: cmd, type: custom, command: [/bin/x, \"a=b\", \"\"], affinity: {range: [0.5, 1]}}\n"
	"    - {name: seq, type: sequence, sequence: [{do: io, for: 5ms}]}\n"
	"  steps:\n"
	"    - name: squeeze\n"
	"      ops:\n"
	"        - set_cpuset: {target: out, cpus: {overlap: {part: 1, of: 2, by: 0.25}}}\n"
	"        - add_cgroup: {name: late}\n"
	"        - spawn: {type: spin, name: s, cgroup: late}\n"
	"        - start: {name: bg, run: \"sleep 1\\necho done\"}\n"
	"      hold: 50%\n"
	"    - hold: {loop: 100ms}\n";

static size_t make_plan(const char *text, struct buf *out)
{
	struct problems p = { 0 };
	struct scenario_doc *doc = NULL;
	size_t bad;

	if (scenario_load_text(text, strlen(text), "t.yaml", NULL, &p, &doc))
		return 1;
	bad = workload_plan_encode(&scenario_doc_base(doc)->workload, out, NULL) != 0;
	scenario_doc_free(doc);
	problems_reset(&p);
	return bad;
}

TEST(plan_comes_out_as_it_went_in)
{
	const struct wl_op_plan *op;
	struct buf b = { 0 };
	struct wl_plan p;

	ASSERT_EQ(0, make_plan(yaml, &b));
	ASSERT_EQ(NULL, wl_plan_parse(&p, b.data, b.len));
	EXPECT_EQ(2000000000, p.duration_ns);
	ASSERT_EQ(2, p.nr_cgroups);
	EXPECT_STREQ("out", p.cgroups[0].name);
	EXPECT_EQ(CPU_SET_EXACT, p.cgroups[0].cpuset.kind);
	EXPECT_STREQ("0-1", p.cgroups[0].cpuset.list);
	EXPECT_EQ(200, p.cgroups[0].cpu_weight);
	EXPECT_STREQ("in.1", p.cgroups[1].name);
	EXPECT_STREQ("out", p.cgroups[1].parent);
	EXPECT_STREQ("5000 10000", p.cgroups[1].cpu_max);
	EXPECT_EQ(8 << 20, p.cgroups[1].memory_max);
	ASSERT_EQ(3, p.nr_workers);
	EXPECT_STREQ("pipe-io", p.workers[0].name);
	EXPECT_EQ(WORK_PIPE_IO, p.workers[0].type);
	EXPECT_EQ(4, p.workers[0].count);
	EXPECT_EQ(-3, p.workers[0].nice);
	EXPECT_EQ(POLICY_BATCH, p.workers[0].policy);
	EXPECT_STREQ("in.1", p.workers[0].group);
	EXPECT_EQ(3, p.workers[1].argc);
	EXPECT_STREQ("a=b", p.workers[1].argv[1]);
	EXPECT_STREQ("", p.workers[1].argv[2]);
	EXPECT_EQ(NULL, p.workers[1].argv[3]);
	EXPECT_EQ(CPU_SET_RANGE, p.workers[1].affinity.kind);
	EXPECT_EQ(0.5, p.workers[1].affinity.from);
	ASSERT_EQ(1, p.workers[2].nr_doings);
	EXPECT_EQ(PHASE_IO, p.workers[2].doings[0].what);
	EXPECT_EQ(5000000, p.workers[2].doings[0].ns);
	ASSERT_EQ(2, p.nr_steps);
	EXPECT_STREQ("squeeze", p.steps[0].name);
	EXPECT_EQ(HOLD_FRACTION, p.steps[0].hold);
	EXPECT_EQ(0.5, p.steps[0].fraction);
	ASSERT_EQ(4, p.steps[0].nr_ops);
	op = p.steps[0].ops;
	EXPECT_EQ(OP_SET_CPUSET, op[0].kind);
	EXPECT_STREQ("out", op[0].target);
	EXPECT_EQ(CPU_SET_OVERLAP, op[0].cpus.kind);
	EXPECT_EQ(0.25, op[0].cpus.overlap);
	EXPECT_STREQ("late", op[1].cgroup->name);
	EXPECT_STREQ("s", op[2].worker->name);
	EXPECT_STREQ("bg", op[3].target);
	EXPECT_STREQ("sleep 1\necho done", op[3].text);
	EXPECT_EQ(HOLD_LOOP, p.steps[1].hold);
	EXPECT_EQ(100000000, p.steps[1].hold_ns);
	EXPECT_STREQ("step-1", p.steps[1].name);
	buf_reset(&b);
}

static const char *parse_bad(const char *records, size_t len)
{
	static char bytes[256];
	struct wl_plan p;

	memcpy(bytes, WL_MAGIC, sizeof(WL_MAGIC));
	memcpy(bytes + sizeof(WL_MAGIC), records, len);
	return wl_plan_parse(&p, bytes, sizeof(WL_MAGIC) + len);
}
#define BAD(records) parse_bad(records, sizeof(records))

TEST(plan_that_is_none_is_refused)
{
	struct wl_plan p;
	char other[] = "vmtap-workload 9";

	EXPECT_NE(NULL, wl_plan_parse(&p, other, sizeof(other)));
	EXPECT_EQ(NULL, parse_bad("duration=5", 11));
	EXPECT_NE(NULL, parse_bad("duration=5", 10));	/* cut */
	EXPECT_NE(NULL, BAD("duration"));
	EXPECT_NE(NULL, BAD("duration=x"));
	EXPECT_NE(NULL, BAD("what=1"));
	EXPECT_NE(NULL, BAD("hold=1 1 0"));
	EXPECT_NE(NULL, BAD("op=1"));
	EXPECT_NE(NULL, BAD("step=s\0op=99"));
	EXPECT_NE(NULL, BAD("step=s\0op=1"));		/* without a target */
	EXPECT_NE(NULL, BAD("step=s\0op=5"));		/* spawn nobody */
	EXPECT_NE(NULL, BAD("worker=w\0type=0"));	/* none of it */
	EXPECT_NE(NULL, BAD("worker=w\0type=99\0count=1"));
	EXPECT_NE(NULL, BAD("worker=w\0type=19\0count=1"));	/* no command */
	EXPECT_NE(NULL, BAD("worker=w\0type=0\0count=5000"));
	EXPECT_NE(NULL, BAD("worker=w\0affinity=9 0 0 0 0 0 "));
	EXPECT_NE(NULL, BAD("cgroup=g\0count=1"));
	EXPECT_EQ(NULL, BAD("worker=w\0type=0\0count=1"));
}

/* --- sets of CPUs ------------------------------------------------------- */

static const struct wl_topo topo = {
	.cpus = 0xff, .llcs = { 0x0f, 0xf0 }, .nr_llcs = 2,
	.nodes = { 0x0f, 0, 0xf0 }, .nr_nodes = 3,
};

static u64 resolve(const struct wl_set *s)
{
	u64 mask = 0;

	return wl_set_resolve(&topo, s, &mask) ? 0 : mask;
}
#define SET(...) resolve(&(struct wl_set){ __VA_ARGS__ })

TEST(sets_of_cpus)
{
	EXPECT_EQ(0x2d, SET(CPU_SET_EXACT, .list = "0,2-3,5"));
	EXPECT_EQ(0, SET(CPU_SET_EXACT, .list = "7-8"));
	EXPECT_EQ(0, SET(CPU_SET_EXACT, .list = "3-1"));
	EXPECT_EQ(0, SET(CPU_SET_EXACT, .list = "1-999"));
	EXPECT_EQ(0, SET(CPU_SET_EXACT, .list = "a"));
	EXPECT_EQ(0xf0, SET(CPU_SET_LLC, .index = 1));
	EXPECT_EQ(0, SET(CPU_SET_LLC, .index = 2));
	EXPECT_EQ(0xf0, SET(CPU_SET_NODE, .index = 2));
	EXPECT_EQ(0, SET(CPU_SET_NODE, .index = 1));	/* memory alone */
	EXPECT_EQ(0, SET(CPU_SET_NODE, .index = 3));
	EXPECT_EQ(0x0f, SET(CPU_SET_RANGE, .to = 0.5));
	EXPECT_EQ(0xc0, SET(CPU_SET_RANGE, .from = 0.75, .to = 1));
	EXPECT_EQ(0, SET(CPU_SET_RANGE, .from = 0.5, .to = 0.51));
	EXPECT_EQ(0x03, SET(CPU_SET_DISJOINT, .index = 0, .of = 3));
	EXPECT_EQ(0x1c, SET(CPU_SET_DISJOINT, .index = 1, .of = 3));
	EXPECT_EQ(0xe0, SET(CPU_SET_DISJOINT, .index = 2, .of = 3));
	EXPECT_EQ(0, SET(CPU_SET_DISJOINT, .index = 0, .of = 9));
	EXPECT_EQ(0x3f, SET(CPU_SET_OVERLAP, .index = 0, .of = 2, .overlap = 0.5));
	EXPECT_EQ(0x1f, SET(CPU_SET_OVERLAP, .index = 0, .of = 2, .overlap = 0.1));
	EXPECT_EQ(0xf0, SET(CPU_SET_OVERLAP, .index = 1, .of = 2, .overlap = 0.5));
}

TEST(lists_are_printed_as_they_are_read)
{
	char out[200];
	u64 mask;

	EXPECT_STREQ("", wl_list_print(0, out, sizeof(out)));
	EXPECT_STREQ("0-2,5,63", wl_list_print(0x8000000000000027, out, sizeof(out)));
	EXPECT_TRUE(wl_list_parse(out, &mask));
	EXPECT_EQ(0x8000000000000027, mask);
	wl_list_print(0x5555555555555555, out, sizeof(out));
	EXPECT_TRUE(wl_list_parse(out, &mask));
	EXPECT_EQ(0x5555555555555555, mask);
}

/* --- percentiles -------------------------------------------------------- */

TEST(percentiles_are_of_nearest_rank)
{
	struct { struct wl_reservoir r; u64 room[100]; } s = { .r.room = 100 };
	u64 v, rng = 1, i;

	EXPECT_FALSE(wl_reservoir_rank(&s.r, 99, &v));
	for (i = 100; i > 0; i--)
		wl_reservoir_add(&s.r, i, &rng);
	EXPECT_TRUE(wl_reservoir_rank(&s.r, 99, &v));
	EXPECT_EQ(99, v);
	wl_reservoir_rank(&s.r, 50, &v);
	EXPECT_EQ(50, v);
	wl_reservoir_rank(&s.r, 100, &v);
	EXPECT_EQ(100, v);
	wl_reservoir_rank(&s.r, 1, &v);
	EXPECT_EQ(1, v);
}

TEST(a_full_reservoir_stays_a_fair_sample)
{
	struct { struct wl_reservoir r; u64 room[1000]; } s = { .r.room = 1000 };
	u64 v, rng = 7, i;

	for (i = 0; i < 100000; i++)
		wl_reservoir_add(&s.r, i, &rng);
	EXPECT_EQ(100000, s.r.seen);
	wl_reservoir_rank(&s.r, 50, &v);
	EXPECT_GT(v, 44000);
	EXPECT_LT(v, 56000);
	wl_reservoir_rank(&s.r, 99, &v);
	EXPECT_GT(v, 98000);
}

/* --- figures as a tree -------------------------------------------------- */

static size_t add(struct value *root, const char *text)
{
	size_t nr = 0;

	return metrics_add(root, &nr, text, strlen(text));
}

TEST(metrics_make_a_tree)
{
	struct value *r = value_map();

	EXPECT_EQ(0, add(r, "pinned=6\nrate=1.5\nworkers[0].name=\"a=b\"\n"
			 "workers[0].n=1\nworkers[1].n=-2\n"
			 "cgroups[\"x.y\"].cpu=7\nworkers[1].phases[0].hex=0x10\n"));
	EXPECT_EQ(6, value_as_int(value_get(r, "pinned"), 0));
	EXPECT_EQ(1.5, value_get(r, "rate")->f);
	EXPECT_STREQ("a=b", value_as_str(value_path(r, "workers[0].name"), ""));
	EXPECT_EQ(-2, value_as_int(value_path(r, "workers[1].n"), 0));
	EXPECT_EQ(16, value_as_int(value_path(r, "workers[1].phases[0].hex"), 0));
	EXPECT_EQ(7, value_as_int(value_get(value_get(value_get(r, "cgroups"),
						      "x.y"), "cpu"), 0));
	value_free(r);
}

TEST(metrics_that_do_not_fit_are_dropped)
{
	struct value *r = value_map();
	char deep[64] = "a";
	char name[300];
	size_t nr = METRICS_MAX;

	EXPECT_EQ(0, add(r, "a=1\nlist[0].x=1\n"));
	EXPECT_EQ(1, add(r, "a.b=2\n"));		/* below a number */
	EXPECT_EQ(1, add(r, "list[2].x=1\n"));		/* a hole */
	EXPECT_EQ(1, add(r, "list.x=1\n"));		/* a list is no map */
	EXPECT_EQ(1, add(r, "list[99999999].x=1\n"));
	EXPECT_EQ(1, add(r, "list[0=1\n"));
	EXPECT_EQ(1, add(r, "list[].x=1\n"));
	EXPECT_EQ(1, add(r, "=1\n"));
	EXPECT_EQ(1, add(r, "b\n"));
	EXPECT_EQ(1, add(r, "b=\n"));
	EXPECT_EQ(1, add(r, ".b=1\n"));
	EXPECT_EQ(1, add(r, "b..c=1\n"));
	EXPECT_EQ(1, add(r, "b[\"c=1\n"));
	EXPECT_EQ(1, add(r, "b\001=1\n"));
	while (strlen(deep) < 30)
		strcat(deep, ".a");
	strcat(deep, "=1\n");
	EXPECT_EQ(1, add(r, deep));
	memset(name, 'n', sizeof(name));
	strcpy(name + 200, "=1\n");
	EXPECT_EQ(1, add(r, name));
	EXPECT_EQ(1, metrics_add(r, &nr, "c=1\n", 4));
	EXPECT_EQ(NULL, value_get(r, "c"));
	EXPECT_EQ(1, value_as_int(value_get(r, "a"), 0));
	value_free(r);
}

TEST(metrics_keep_a_map_small)
{
	struct value *r = value_map();
	size_t nr = 0, dropped = 0;
	char line[32];
	int i;

	for (i = 0; i < METRICS_KEYS + 10; i++) {
		snprintf(line, sizeof(line), "k%d=1\n", i);
		dropped += metrics_add(r, &nr, line, strlen(line));
	}
	EXPECT_EQ(10, dropped);
	EXPECT_EQ(METRICS_KEYS, r->map.len);
	value_free(r);
}

/* --- statistics --------------------------------------------------------- */

TEST(spread_and_variation)
{
	static const double v[] = { 2, 4, 4, 4, 5, 5, 7, 9 };
	size_t lo = 9, hi = 9;

	EXPECT_EQ(7, wl_spread(v, 8, &lo, &hi));
	EXPECT_EQ(0, lo);
	EXPECT_EQ(7, hi);
	EXPECT_EQ(0, wl_spread(v, 1, &lo, &hi));
	EXPECT_EQ(0, wl_spread(v, 0, &lo, &hi));
	EXPECT_LT(0.3999, wl_cv(v, 8));		/* deviation 2, mean 5 */
	EXPECT_GT(0.4001, wl_cv(v, 8));
	EXPECT_EQ(0, wl_cv(v, 1));
	EXPECT_EQ(0, wl_cv(v, 0));
	EXPECT_EQ(0, wl_ratio(1, 0));
}

/* --- thresholds --------------------------------------------------------- */

/* Two workers of group g: w[0] fair and well, w[1] worse in every way. */
static struct value *two_workers(void)
{
	struct value *r = value_map(), *w = value_map();

	add(w, "pages_migrated=20\ncgroups[\"g\"].cpu_ns=1\n"
	    "workers[0].name=\"w\"\nworkers[0].index=0\nworkers[0].cgroup=\"g\"\n"
	    "workers[0].iterations=1000\nworkers[0].migrations=10\n"
	    "workers[0].max_gap_ns=50000000\nworkers[0].cpu_ns=1000000000\n"
	    "workers[0].wall_ns=2000000000\nworkers[0].outside=\"\"\n"
	    "workers[0].allowed=\"0\"\nworkers[0].wake_p99_ns=1000000\n"
	    "workers[0].pages=100\nworkers[0].pages_near=100\nworkers[0].pages_slow=0\n"
	    "workers[0].phases[0].index=1\nworkers[0].phases[0].iterations=0\n"
	    "workers[0].phases[0].wall_ns=7000000\n"
	    "workers[1].name=\"w\"\nworkers[1].index=1\nworkers[1].cgroup=\"g\"\n"
	    "workers[1].iterations=500\nworkers[1].migrations=250\n"
	    "workers[1].max_gap_ns=900000000\nworkers[1].cpu_ns=600000000\n"
	    "workers[1].wall_ns=2000000000\nworkers[1].outside=\"2\"\n"
	    "workers[1].allowed=\"0-1\"\nworkers[1].wake_p99_ns=80000000\n"
	    "workers[1].pages=100\nworkers[1].pages_near=40\nworkers[1].pages_slow=30\n");
	value_set(r, "workload", w);
	return r;
}

/* Messages of what did not hold. */
static const char *judge(const struct wl_assert *a, int *failed)
{
	static char text[2000];
	struct scen_workload wl = { .present = true, .asserts = *a };
	struct value *r = two_workers();
	const struct value *list;
	size_t i;

	wl.asserts.present = true;
	*failed = wl_assert_all(&wl, r);
	list = value_path(r, "workload.assertions");
	text[0] = 0;
	for (i = 0; i < list->list.len; i++) {
		const struct value *v = list->list.items[i];

		strcat(text, value_as_bool(value_get(v, "ok"), false) ? "+" : "-");
		strcat(text, value_as_str(value_get(v, "message"), "?"));
		strcat(text, "\n");
	}
	value_free(r);
	return text;
}

static const char *judged(struct __test_metadata *_metadata, struct wl_assert a,
			  int want)
{
	int failed;
	const char *text = judge(&a, &failed);

	EXPECT_EQ(want, failed) {
		TH_LOG("%s", text);
	}
	return text;
}
#define HOLDS(...) judged(_metadata, (struct wl_assert){ __VA_ARGS__ }, 0)
#define FAILS(want, ...) \
	EXPECT_STREQ(want "\n", judged(_metadata, (struct wl_assert){ __VA_ARGS__ }, 1))

TEST(threshold_isolation)
{
	FAILS("-isolation: cgroup g: worker w[1]: it was seen on CPU 2, its cpuset is 0-1 at last",
	      .isolation = true);
}

TEST(threshold_spread)
{
	HOLDS(.max_spread_pct = 25);
	FAILS("-max_spread_pct: cgroup g: off-CPU shares differ by 20.0% (w[0] 50.0%, w[1] 70.0%), at most 15%",
	      .max_spread_pct = 15);
}

TEST(threshold_gap)
{
	HOLDS(.max_gap_ns = 2 * NSEC_PER_SEC);
	FAILS("-max_gap: cgroup g: worker w[1]: longest time without progress 900.000 ms, at most 500 ms",
	      .max_gap_ns = 500 * NSEC_PER_MSEC);
}

TEST(threshold_throughput_cv)
{
	HOLDS(.max_throughput_cv = 0.1);	/* 1000 and 833.3 */
	FAILS("-max_throughput_cv: cgroup g: throughput varies by 0.091 of its mean (833.3 to 1000.0 per CPU second), at most 0.05",
	      .max_throughput_cv = 0.05);
}

TEST(threshold_work_rate)
{
	HOLDS(.min_work_rate = 800);
	FAILS("-min_work_rate: cgroup g: worker w[1]: iterations per CPU second 833.333, at least 900",
	      .min_work_rate = 900);
}

TEST(threshold_p99_wake)
{
	HOLDS(.max_p99_wake_ns = 100 * NSEC_PER_MSEC);
	FAILS("-max_p99_wake: cgroup g: worker w[1]: 99th percentile of wake-up latency 80.000 ms, at most 50 ms",
	      .max_p99_wake_ns = 50 * NSEC_PER_MSEC);
}

TEST(threshold_iteration_rate)
{
	HOLDS(.min_iteration_rate = 250);
	FAILS("-min_iteration_rate: cgroup g: worker w[1]: iterations per second 250.000, at least 251",
	      .min_iteration_rate = 251);
}

TEST(threshold_migration_ratio)
{
	HOLDS(.max_migration_ratio = 0.5);
	FAILS("-max_migration_ratio: cgroup g: worker w[1]: migrations per iteration 0.500, at most 0.1",
	      .max_migration_ratio = 0.1);
}

TEST(threshold_pages)
{
	HOLDS(.min_page_locality = 0.4, .max_slow_tier_ratio = 0.3,
	      .max_cross_node_ratio = 0.1);
	FAILS("-min_page_locality: cgroup g: worker w[1]: share of pages on the expected nodes 0.400, at least 0.8",
	      .min_page_locality = 0.8);
	FAILS("-max_slow_tier_ratio: cgroup g: worker w[1]: share of pages on nodes without CPUs 0.300, at most 0.2",
	      .max_slow_tier_ratio = 0.2);
	FAILS("-max_cross_node_ratio: 20 of 200 pages moved between nodes, 0.100 of them, at most 0.05",
	      .max_cross_node_ratio = 0.05);
}

TEST(threshold_starved_and_a_phase)
{
	const struct wl_step steps[] = {
		{ .name = "calm", .asserts = { .present = true, .not_starved = true } },
		{ .name = "storm", .asserts = { .present = true, .not_starved = true } },
	};
	struct scen_workload wl = {
		.present = true,
		.asserts = { .present = true, .not_starved = true },
		.steps = { steps, 2 },
	};
	struct value *r = two_workers();

	/* Nobody lived in calm; w[0] idled through storm. */
	EXPECT_EQ(1, wl_assert_all(&wl, r));
	EXPECT_STREQ("not_starved: cgroup g: phase storm: worker w[0]: it did nothing in 7 ms, 0 ms of them on a CPU",
		     wl_assert_first(r));
	EXPECT_EQ(2, value_path(r, "workload.assertions")->list.len);
	value_free(r);
}

TEST(a_group_has_thresholds_of_its_own)
{
	const struct wl_cgroup g = {
		.name = "g", .asserts = { .present = true, .max_gap_ns = NSEC_PER_SEC },
	};
	struct scen_workload wl = {
		.present = true, .cgroups = { &g, 1 },
		.asserts = { .present = true, .max_gap_ns = NSEC_PER_MSEC },
	};
	struct value *r = two_workers();

	EXPECT_EQ(0, wl_assert_all(&wl, r));
	EXPECT_EQ(2, value_as_int(value_path(r, "workload.cgroups.g.workers"), 0));
	EXPECT_EQ(900000000, value_as_int(value_path(r, "workload.cgroups.g.max_gap_ns"), 0));
	value_free(r);
}

TEST(what_nobody_reported_does_not_hold)
{
	struct scen_workload wl = {
		.present = true, .asserts = { .present = true, .not_starved = true },
	};
	struct value *r = value_map();

	EXPECT_EQ(1, wl_assert_all(&wl, r));
	EXPECT_STREQ("assert: no worker reported", wl_assert_first(r));
	value_free(r);
	r = two_workers();
	value_unset(value_path(r, "workload.workers[0]"), "wake_p99_ns");
	value_unset(value_path(r, "workload.workers[1]"), "wake_p99_ns");
	wl.asserts = (struct wl_assert){ .present = true, .max_p99_wake_ns = 1 };
	EXPECT_EQ(1, wl_assert_all(&wl, r));
	EXPECT_STREQ("max_p99_wake: cgroup g: no worker has this figure: 99th percentile of wake-up latency",
		     wl_assert_first(r));
	value_free(r);
}

TEST_HARNESS_MAIN
