// SPDX-License-Identifier: GPL-2.0-only
/* plan: discovery, matrices, names, choice, shards, seeds. */
#include <ctype.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/lint.h"
#include "runner/plan_int.h"
#include "runner/problem.h"
#include "runner/text.h"
#include "vmm/base/buf.h"
#include "vmm/base/io.h"

#include "kselftest_harness.h"

FIXTURE(plan)
{
	char dir[64];
	struct plan_opts o;
	struct problems p;
	struct plan plan;
};

FIXTURE_SETUP(plan)
{
	memset(self, 0, sizeof(*self));
	strcpy(self->dir, "/tmp/vmtap-plan.XXXXXX");
	ASSERT_NE(NULL, mkdtemp(self->dir));
	ASSERT_EQ(0, chdir(self->dir));
	self->o.has_seed = true;
	self->o.seed = 42;
}

FIXTURE_TEARDOWN(plan)
{
	plan_destroy(&self->plan);
	plan_opts_reset(&self->o);
	problems_reset(&self->p);
	ASSERT_EQ(0, chdir("/"));
	io_rmtree(self->dir, NULL);
}

static void put(const char *path, const char *text)
{
	char dir[128];

	snprintf(dir, sizeof(dir), "%s", path);
	if (strrchr(dir, '/')) {
		*strrchr(dir, '/') = 0;
		io_mkdirs(dir, NULL);
	}
	io_write_file(path, text, strlen(text), NULL);
}

static void opt(struct plan_opts *o, int c, const char *arg)
{
	struct diag d = { 0 };

	if (plan_opts_take(o, c, arg, &d) != 1)
		abort();
	diag_reset(&d);
}

/* The names, a space behind each. */
static const char *names(const struct plan *plan)
{
	static char text[4096];

	text[0] = 0;
	for (size_t i = 0; i < plan->n; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s ",
			 plan->cases[i].name);
	return text;
}

#define MAKE()								\
	do {								\
		plan_destroy(&self->plan);				\
		ASSERT_EQ(0, plan_make(&self->o, &self->p, &self->plan)) \
			problems_print(&self->p, stderr);		\
	} while (0)

/* Fails, and the only error holds @part. */
#define REFUSE(part)							\
	do {								\
		problems_reset(&self->p);				\
		plan_destroy(&self->plan);				\
		ASSERT_NE(0, plan_make(&self->o, &self->p, &self->plan)); \
		ASSERT_EQ(1, self->p.errors);				\
		EXPECT_NE(NULL, strstr(self->p.items[0].msg, part))	\
			TH_LOG("message: %s", self->p.items[0].msg);	\
	} while (0)

TEST_F(plan, names_are_paths_below_the_root)
{
	put("scenarios/blk/b.yaml", "{}\n");
	put("scenarios/blk/a.yaml", "{}\n");
	put("scenarios/top.yml", "{}\n");
	put("scenarios/.hidden.yaml", "bad");
	put("scenarios/_part.yaml", "bad");
	put("scenarios/_parts/x.yaml", "bad");
	put("scenarios/notes.txt", "bad");
	MAKE();
	EXPECT_STREQ("blk/a blk/b top ", names(&self->plan));
	plan_opts_add_path(&self->o, "scenarios/blk");
	MAKE();
	EXPECT_STREQ("blk/a blk/b ", names(&self->plan));
	plan_opts_add_path(&self->o, "scenarios/blk/b.yaml");
	plan_opts_add_path(&self->o, "./scenarios/top.yml");
	MAKE();
	EXPECT_STREQ("blk/a blk/b top ", names(&self->plan));
}

TEST_F(plan, a_root_of_another_name_is_the_folder_that_was_named)
{
	put("mine/x/a.yaml", "{}\n");
	put("odd name#.yaml", "{}\n");
	plan_opts_add_path(&self->o, "mine/");
	plan_opts_add_path(&self->o, "odd name#.yaml");
	MAKE();
	EXPECT_STREQ("x/a odd_name_ ", names(&self->plan));
}

TEST_F(plan, what_is_not_there_is_told)
{
	REFUSE("no folder 'scenarios' here");
	plan_opts_add_path(&self->o, "nowhere.yaml");
	REFUSE("No such file");
	ASSERT_EQ(0, mkdir("empty", 0755));
	self->o.paths.items = NULL;
	self->o.paths.n = 0;
	plan_opts_add_path(&self->o, "empty");
	REFUSE("no scenario in this folder");
}

TEST_F(plan, a_folder_that_loops_ends)
{
	put("scenarios/a.yaml", "{}\n");
	ASSERT_EQ(0, symlink(".", "scenarios/again"));
	MAKE();
	EXPECT_STREQ("a ", names(&self->plan));
}

TEST_F(plan, the_product_has_the_last_axis_fastest)
{
	put("scenarios/m.yaml", "matrix: {kernel.release: ['6.1', '6.12'], vm.cpus: [1, 4]}\n");
	MAKE();
	EXPECT_STREQ("m[kernel=6.1,cpus=1] m[kernel=6.1,cpus=4] "
		     "m[kernel=6.12,cpus=1] m[kernel=6.12,cpus=4] ", names(&self->plan));
	ASSERT_EQ(4, self->plan.n);
	EXPECT_STREQ("6.12", self->plan.cases[2].scenario->kernel.release);
	EXPECT_EQ(4, topology_cpus(&self->plan.cases[3].scenario->vm.cpus));
	EXPECT_STREQ("m", self->plan.cases[3].base);
	ASSERT_EQ(2, self->plan.cases[3].nr_params);
	EXPECT_STREQ("kernel.release", self->plan.cases[3].params[0].key);
	EXPECT_STREQ("cpus", self->plan.cases[3].params[1].label);
	EXPECT_STREQ("4", self->plan.cases[3].params[1].value);
	EXPECT_EQ(3, self->plan.cases[2].number);
}

TEST_F(plan, a_case_changes_nothing_in_its_siblings)
{
	put("scenarios/m.yaml", "disk: {size: 1M}\nguest: {env: {A: x, B: y}, run: r}\n"
	    "matrix:\n  disk: [null, {read_only: true}]\n  guest.env.A: [1, 2]\n");
	MAKE();
	ASSERT_EQ(4, self->plan.n);
	EXPECT_FALSE(self->plan.cases[0].scenario->disk.present);
	EXPECT_TRUE(self->plan.cases[2].scenario->disk.present);
	EXPECT_EQ(MiB(1), self->plan.cases[2].scenario->disk.size);
	EXPECT_TRUE(self->plan.cases[2].scenario->disk.read_only);
	for (size_t i = 0; i < 4; i++) {
		const struct str_map *env = &self->plan.cases[i].scenario->guest.env;

		ASSERT_EQ(2, env->n);
		EXPECT_STREQ("B", env->items[0].key);
		EXPECT_STREQ(i & 1 ? "2" : "1", env->items[1].value);
	}
}

TEST_F(plan, a_parameter_of_one_kind_replaces_the_other)
{
	put("scenarios/m.yaml", "kernel: {image: /x}\nguest: {run: r}\n"
	    "matrix: {kernel.release: ['6.1'], guest.exec: [[/a, b]]}\n");
	MAKE();
	EXPECT_EQ(NULL, self->plan.cases[0].scenario->kernel.image);
	EXPECT_EQ(NULL, self->plan.cases[0].scenario->guest.run);
	EXPECT_EQ(2, self->plan.cases[0].scenario->guest.exec.n);
	EXPECT_STREQ("m[kernel=6.1,exec=/a+b] ", names(&self->plan));
}

TEST_F(plan, exclude_include_constraints)
{
	put("scenarios/m.yaml", "matrix:\n  vm.cpus: [1, 2, 4, 1n1l2c2t]\n  vm.memory: [1G, 2G]\n"
	    "  exclude: [{cpus: [1, 2], vm.memory: 2G}, {vm.cpus: 4}]\n"
	    "  include: [{vm.cpus: 8}, {vm.timeout: 5s}]\n"
	    "  constraints: {min_cpus: 2}\n");
	MAKE();
	EXPECT_STREQ("m[cpus=2,memory=1G] m[cpus=1n1l2c2t,memory=1G] "
		     "m[cpus=1n1l2c2t,memory=2G] m[cpus=8] ", names(&self->plan));
	put("scenarios/m.yaml", "matrix:\n  vm.cpus: [1, 2n2l1c1t, 1n3l1c1t, 1n1l2c2t]\n"
	    "  constraints: {max_cpus: 3, max_nodes: 1}\n");
	MAKE();
	EXPECT_STREQ("m[cpus=1] m[cpus=1n3l1c1t] ", names(&self->plan));
	put("scenarios/m.yaml", "matrix:\n  vm.cpus: [1, 2n2l1c1t, 1n3l1c1t, 1n1l2c2t]\n"
	    "  constraints: {min_llcs: 2, max_llcs: 2, min_nodes: 2}\n");
	MAKE();
	EXPECT_STREQ("m[cpus=2n2l1c1t] ", names(&self->plan));
	put("scenarios/m.yaml", "matrix:\n  vm.cpus: [1, 1n1l2c2t]\n  constraints: {requires_smt: true}\n");
	MAKE();
	EXPECT_STREQ("m[cpus=1n1l2c2t] ", names(&self->plan));
	put("scenarios/m.yaml", "matrix:\n  vm.cpus: [1, 2]\n  constraints: {min_cpus: 3}\n");
	REFUSE("no combination of the matrix is left");
}

TEST_F(plan, included_combinations_alone)
{
	put("scenarios/m.yaml", "matrix:\n  include: [{vm.cpus: 2, vm.memory: 1G}, {vm.cpus: 4}]\n");
	MAKE();
	EXPECT_STREQ("m[cpus=2,memory=1G] m[cpus=4] ", names(&self->plan));
}

TEST_F(plan, labels_that_meet_become_whole_keys)
{
	put("scenarios/m.yaml", "disk: {size: 1M}\nmatrix:\n  disk.size: [1M, 2M]\n  guest.env.size: [1]\n");
	MAKE();
	EXPECT_STREQ("m[disk.size=1M,guest.env.size=1] m[disk.size=2M,guest.env.size=1] ",
		     names(&self->plan));
}

TEST_F(plan, names_are_printable_and_unique_whatever_the_values)
{
	put("scenarios/m.yaml", "matrix:\n  guest.env.A: ['a b', 'a#b', 'a,b', '', 'x]', \"\\u00e9\", '*']\n");
	MAKE();
	EXPECT_STREQ("m[A=a_b] m[A=a_b~2] m[A=a_b~3] m[A=empty] m[A=x_] m[A=__] m[A=_] ",
		     names(&self->plan));
}

TEST_F(plan, a_name_twice_is_refused)
{
	put("scenarios/a.yaml", "name: same\n");
	put("scenarios/b.yaml", "name: same\n");
	REFUSE("a second case 'same'");
}

TEST_F(plan, each_kernel_of_the_command_line_makes_a_case)
{
	put("scenarios/a.yaml", "matrix: {vm.cpus: [1, 2]}\n");
	put("scenarios/b.yaml", "kernel: '6.12'\n");
	put("scenarios/c.yaml", "matrix: {kernel.image: [/x]}\n");
	opt(&self->o, 'k', "6.1");
	opt(&self->o, 'k', "some/bz Image");
	MAKE();
	EXPECT_STREQ("a[kernel=6.1,cpus=1] a[kernel=6.1,cpus=2] "
		     "a[kernel=some/bz_Image,cpus=1] a[kernel=some/bz_Image,cpus=2] "
		     "b c[kernel=/x] ", names(&self->plan));
	EXPECT_STREQ("6.1", self->plan.cases[1].scenario->kernel.release);
	EXPECT_STREQ("some/bz Image", self->plan.cases[2].scenario->kernel.image);
	EXPECT_STREQ("kernel", self->plan.cases[2].params[0].key);
}

TEST_F(plan, filters_excludes_and_tags)
{
	put("scenarios/a.yaml", "tags: [x]\nmatrix: {vm.cpus: [1, 4]}\n");
	put("scenarios/d/b.yaml", "tags: [x, slow]\n");
	put("scenarios/d/c.yaml", "{}\n");
	opt(&self->o, 'f', "a[cpus=4]");
	MAKE();
	EXPECT_STREQ("a[cpus=4] ", names(&self->plan));
	opt(&self->o, 'f', "d/b");
	MAKE();
	EXPECT_STREQ("a[cpus=4] d/b ", names(&self->plan));
	plan_opts_reset(&self->o);
	opt(&self->o, 'f', "a");
	MAKE();
	EXPECT_STREQ("a[cpus=1] a[cpus=4] ", names(&self->plan));
	plan_opts_reset(&self->o);
	opt(&self->o, PLAN_OPT_EXCLUDE, "*cpus=1*");
	MAKE();
	EXPECT_STREQ("a[cpus=4] d/b d/c ", names(&self->plan));
	opt(&self->o, 't', "x");
	MAKE();
	EXPECT_STREQ("a[cpus=4] d/b ", names(&self->plan));
	opt(&self->o, 't', "!slow");
	MAKE();
	EXPECT_STREQ("a[cpus=4] ", names(&self->plan));
	opt(&self->o, 't', "!x");
	REFUSE("no case fits");
}

TEST(globs_are_literal_but_for_two_characters)
{
	EXPECT_TRUE(text_glob("*", ""));
	EXPECT_TRUE(text_glob("*", "a/b[c=d]"));
	EXPECT_TRUE(text_glob("a/*[c=?]", "a/b[c=d]"));
	EXPECT_TRUE(text_glob("*b*b*", "abcab"));
	EXPECT_FALSE(text_glob("*b*b*b", "abcab"));
	EXPECT_FALSE(text_glob("[ab]", "a"));
	EXPECT_TRUE(text_glob("[ab]", "[ab]"));
	EXPECT_FALSE(text_glob("a", "ab"));
	EXPECT_FALSE(text_glob("?", ""));
	EXPECT_FALSE(text_glob("", "a"));
	/* Backtracking is linear in the last star alone. */
	EXPECT_FALSE(text_glob("*a*a*a*a*a*a*a*a*a*a*a*a*b",
			       "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
}

TEST_F(plan, set_and_timeout_lie_over_every_scenario)
{
	put("scenarios/a.yaml", "vm: {memory: 128M, timeout: 1s}\n");
	opt(&self->o, PLAN_OPT_SET, "vm.memory=1G");
	opt(&self->o, PLAN_OPT_SET, "guest.env.A=b=c");
	opt(&self->o, PLAN_OPT_SET, "guest.exec=[/x, y]");
	opt(&self->o, PLAN_OPT_TIMEOUT, "9s");
	MAKE();
	EXPECT_STREQ("a ", names(&self->plan));
	EXPECT_EQ(GiB(1), self->plan.cases[0].scenario->vm.memory);
	EXPECT_EQ(9 * NSEC_PER_SEC, self->plan.cases[0].scenario->vm.timeout_ns);
	EXPECT_STREQ("b=c", self->plan.cases[0].scenario->guest.env.items[0].value);
	EXPECT_STREQ("y", self->plan.cases[0].scenario->guest.exec.items[1]);
	opt(&self->o, PLAN_OPT_SET, "vm.memorie=1G");
	REFUSE("unknown key 'vm.memorie'");
}

TEST_F(plan, set_to_nothing_is_the_empty_string)
{
	put("scenarios/a.yaml", "kernel: {cmdline: quiet}\n");
	opt(&self->o, PLAN_OPT_SET, "kernel.cmdline=");
	opt(&self->o, PLAN_OPT_SET, "guest.env.A=");
	MAKE();
	EXPECT_STREQ("", self->plan.cases[0].scenario->kernel.cmdline);
	EXPECT_STREQ("", self->plan.cases[0].scenario->guest.env.items[0].value);
	opt(&self->o, PLAN_OPT_SET, "vm.cpus=");
	REFUSE("'', expected a number of CPUs");
}

TEST_F(plan, set_is_judged_with_the_rest)
{
	put("scenarios/a.yaml", "disk: {size: 1M}\n");
	opt(&self->o, PLAN_OPT_SET, "disk.size=1000");
	REFUSE("multiple of 512");
}

TEST_F(plan, exec_needs_no_file)
{
	self->o.exec = "echo hi";
	opt(&self->o, 'k', "6.1");
	MAKE();
	EXPECT_STREQ("exec[kernel=6.1] ", names(&self->plan));
	EXPECT_STREQ("echo hi", self->plan.cases[0].scenario->guest.run);
	plan_opts_add_path(&self->o, "x.yaml");
	REFUSE("--exec beside");
}

TEST_F(plan, repeats_are_rounds_with_a_number)
{
	put("scenarios/a.yaml", "{}\n");
	put("scenarios/b.yaml", "matrix: {vm.cpus: [1]}\n");
	opt(&self->o, PLAN_OPT_REPEAT, "2");
	MAKE();
	EXPECT_STREQ("a[run=1] b[cpus=1,run=1] a[run=2] b[cpus=1,run=2] ",
		     names(&self->plan));
	EXPECT_EQ(2, self->plan.cases[2].repeat);
	EXPECT_NE(self->plan.cases[0].seed, self->plan.cases[2].seed);
}

TEST_F(plan, shards_are_the_run_in_parts)
{
	char whole[4096], all[4096] = "";
	size_t n = 0;

	put("scenarios/a.yaml", "matrix: {vm.cpus: [1, 2, 3, 4, 5, 6, 7]}\n");
	MAKE();
	strcpy(whole, names(&self->plan));
	for (unsigned int i = 1; i <= 3; i++) {
		self->o.shard = i;
		self->o.shards = 3;
		MAKE();
		EXPECT_EQ(7, self->plan.total);
		for (size_t k = 0; k < self->plan.n; k++) {
			const struct test_case *c = &self->plan.cases[k];

			EXPECT_EQ(k + 1, c->number);
			EXPECT_EQ(k * 3 + i, c->index);
			EXPECT_NE(NULL, strstr(whole, c->name));
			EXPECT_EQ(NULL, strstr(all, c->name));
			EXPECT_EQ(plan_case_seed(42, c->name), c->seed);
			strcat(all, c->name);
			n++;
		}
	}
	EXPECT_EQ(7, n);
}

TEST_F(plan, a_shard_may_be_empty)
{
	put("scenarios/a.yaml", "{}\n");
	opt(&self->o, PLAN_OPT_SHARD, "2/2");
	MAKE();
	EXPECT_EQ(0, self->plan.n);
	EXPECT_EQ(1, self->plan.total);
}

TEST_F(plan, shuffle_is_the_seeds)
{
	char first[4096];

	put("scenarios/a.yaml", "matrix: {vm.cpus: [1, 2, 3, 4, 5, 6, 7, 8]}\n");
	MAKE();
	strcpy(first, names(&self->plan));
	self->o.shuffle = true;
	MAKE();
	EXPECT_STRNE(first, names(&self->plan));
	EXPECT_EQ(strlen(first), strlen(names(&self->plan)));
	strcpy(first, names(&self->plan));
	MAKE();
	EXPECT_STREQ(first, names(&self->plan));
	self->o.seed = 43;
	MAKE();
	EXPECT_STRNE(first, names(&self->plan));
}

TEST(seeds_do_not_move)
{
	EXPECT_EQ(plan_case_seed(1, "a"), plan_case_seed(1, "a"));
	EXPECT_NE(plan_case_seed(1, "a"), plan_case_seed(2, "a"));
	EXPECT_NE(plan_case_seed(1, "a"), plan_case_seed(1, "b"));
	/* Kept runs are replayed by them. */
	EXPECT_EQ(0xca82c2a832611061ULL, plan_case_seed(42, "blk/readback[kernel=6.12,cpus=4]"));
}

TEST_F(plan, a_seed_is_drawn_where_none_is_given)
{
	u64 first;

	put("scenarios/a.yaml", "{}\n");
	self->o.has_seed = false;
	MAKE();
	first = self->plan.seed;
	MAKE();
	EXPECT_NE(first, self->plan.seed);
}

TEST_F(plan, every_file_is_read_though_one_is_wrong)
{
	put("scenarios/a.yaml", "nme: x\n");
	put("scenarios/b.yaml", "vm: {cpus: 0}\n");
	ASSERT_EQ(-EINVAL, plan_make(&self->o, &self->p, &self->plan));
	EXPECT_EQ(2, self->p.errors);
}

TEST(options_refuse_what_is_no_number)
{
	static const struct { int opt; const char *arg; } cases[] = {
		{ PLAN_OPT_REPEAT, "0" }, { PLAN_OPT_REPEAT, "x" },
		{ PLAN_OPT_REPEAT, "-1" }, { PLAN_OPT_REPEAT, "1000000" },
		{ PLAN_OPT_SHARD, "0/2" }, { PLAN_OPT_SHARD, "3/2" },
		{ PLAN_OPT_SHARD, "2" }, { PLAN_OPT_SHARD, "1/" },
		{ PLAN_OPT_SHARD, "/2" }, { PLAN_OPT_SHARD, "1/2/3" },
		{ PLAN_OPT_SEED, "" }, { PLAN_OPT_SEED, "99999999999999999999" },
		{ PLAN_OPT_SET, "vm.memory" }, { PLAN_OPT_SET, "=1" },
	};
	struct plan_opts o = { 0 };
	struct diag d = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		EXPECT_EQ(-EINVAL, plan_opts_take(&o, cases[i].opt, cases[i].arg, &d))
			TH_LOG("'%s'", cases[i].arg);
	}
	EXPECT_EQ(0, plan_opts_take(&o, 'z', NULL, &d));
	diag_reset(&d);
	plan_opts_reset(&o);
}

/* Warnings of lint, joined. */
static const char *warnings(const char *text)
{
	static char all[4096];
	struct scenario_doc *doc;
	struct problems p = { 0 };

	all[0] = 0;
	put("lint.yaml", text);
	if (!scenario_load("lint.yaml", NULL, &p, &doc)) {
		lint_doc(doc, &p);
		scenario_doc_free(doc);
	}
	for (size_t i = 0; i < p.n; i++)
		snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s\n",
			 p.items[i].msg);
	problems_reset(&p);
	return all;
}

TEST_F(plan, lint_warns_of_what_is_hardly_meant)
{
	static const struct { const char *text, *part; } cases[] = {
		{ "name: x\n", "no description" },
		{ "description: d\nx-a: &a 1\n", "anchor 'a' is never used" },
		{ "description: d\nkernel: 6.10\n", "release 6.10 without quotes" },
		{ "description: d\nkernel: {release: 6.10}\n", "without quotes" },
		{ "description: d\nmatrix: {kernel.release: [6.1, '6.12']}\n",
		  "release 6.1 without" },
		{ "#!/usr/bin/env -S vmtap run\ndescription: d\n", "not executable" },
		{ "description: d\nchecks: [virtio_blk.io_errors == 0]\n", "without 'disk'" },
		{ "description: d\nchecks: [virtio_net.rx_packets == 0]\n", "without 'net'" },
		{ "description: d\nchecks: [success, success]\n", "same check" },
		{ "description: d\nchecks: [1 + 1 == 3]\n", "always false" },
		{ "description: d\nmatrix: {vm.cpus: [4]}\n", "one value for 'vm.cpus'" },
		{ "description: d\nworkload: {duration: 60s}\n", "longer timeout" },
		{ "description: d\ndisk: {image: x, rw: true}\nmatrix: {vm.cpus: [1, 2]}\n",
		  "same image" },
	};
	static const char *const clean[] = {
		"description: d\n", "description: d\nkernel: '6.10'\n",
		"description: d\nkernel: 6.1.0-cloud\n",
		"description: d\ndisk: {}\nchecks: [virtio_blk.io_errors == 0]\n",
		"description: d\nmatrix: {disk: [null, {}]}\nchecks: [virtio_blk.io_errors == 0]\n",
		"description: d\nchecks: ['!exists(virtio_blk)']\n",
		"description: d\nchecks: ['output =~ \"virtio_blk\"']\n",
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *got = warnings(cases[i].text);

		EXPECT_NE(NULL, strstr(got, cases[i].part))
			TH_LOG("%s gives %s", cases[i].text, got);
		EXPECT_EQ(strchr(got, '\n') + 1, got + strlen(got))
			TH_LOG("more than one: %s", got);
	}
	for (size_t i = 0; i < ARRAY_SIZE(clean); i++) {
		EXPECT_STREQ("", warnings(clean[i]));
	}
}

TEST_HARNESS_MAIN
