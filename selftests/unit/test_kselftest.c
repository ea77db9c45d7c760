// SPDX-License-Identifier: GPL-2.0-only
/*
 * kselftests: which ones a tree or a folder holds, what their output says (the
 * guest's own reader), and what the results say together.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runner/initramfs.h"
#include "runner/kselftest.h"
#include "runner/scenario.h"
#include "runner/value.h"
#include "vmm/base/buf.h"
#include "vmm/base/diag.h"
#include "vmm/base/io.h"

#include "tools/guest/ktap.c"

#include "kselftest_harness.h"

FIXTURE(tree)
{
	char dir[64];
	struct ksft_list list;
	struct diag d;
};

static void put(FIXTURE_DATA(tree) *self, const char *name, const char *text)
{
	char path[200];

	snprintf(path, sizeof(path), "%s/%s", self->dir, name);
	*strrchr(path, '/') = '\0';
	io_mkdirs(path, NULL);
	snprintf(path, sizeof(path), "%s/%s", self->dir, name);
	io_write_file(path, text, strlen(text), NULL);
}

FIXTURE_SETUP(tree)
{
	memset(self, 0, sizeof(*self));
	strcpy(self->dir, "/tmp/vmtap-test-ksft.XXXXXX");
	ASSERT_NE(NULL, mkdtemp(self->dir));
}

FIXTURE_TEARDOWN(tree)
{
	kselftest_list_reset(&self->list);
	diag_reset(&self->d);
	io_rmtree(self->dir, NULL);
}

static const char *names(const struct ksft_list *list)
{
	static char text[500];
	size_t i;

	text[0] = '\0';
	for (i = 0; i < list->n; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
			 "%s:%s/%u ", list->items[i].collection,
			 list->items[i].name, list->items[i].timeout_s);
	return text;
}

TEST_F(tree, installed_tree_with_globs_and_settings)
{
	static const char *const want[] = { "futex:*", "fs/e*:a?", "timers" };
	struct scen_kselftest k = { .dir = self->dir };

	put(self, "kselftest-list.txt",
	    "futex:run.sh\nfs/epoll:ab\nfs/epoll:abc\ntimers:x\ntimers:y\n"
	    "../up:z\nodd\n");
	put(self, "timers/settings", "# a comment\ntimeout=0\n");
	put(self, "futex/settings", "timeout=7\n");
	put(self, "kselftest/runner.sh", "export skip_rc=4\n");
	ASSERT_EQ(0, kselftest_list(&k, &self->list, &self->d));
	EXPECT_STREQ("futex:run.sh/7 fs/epoll:ab/45 fs/epoll:abc/45 timers:x/0 timers:y/0 ",
		     names(&self->list));
	EXPECT_FALSE(self->list.items[0].knows_xfail);
	kselftest_list_reset(&self->list);
	put(self, "kselftest/runner.sh", "export XFAIL_rc=2\n");
	k.tests.items = want;
	k.tests.n = 3;
	k.timeout_ns = 1500 * NSEC_PER_MSEC;
	ASSERT_EQ(0, kselftest_list(&k, &self->list, &self->d));
	EXPECT_STREQ("futex:run.sh/2 fs/epoll:ab/2 timers:x/2 timers:y/2 ",
		     names(&self->list));
	EXPECT_TRUE(self->list.items[3].knows_xfail);
}

TEST_F(tree, a_test_that_is_not_there_is_told)
{
	static const char *const want[] = { "nosuch:*" };
	struct scen_kselftest k = { .dir = self->dir, .tests = { want, 1 } };

	EXPECT_NE(0, kselftest_list(&k, &self->list, &self->d));
	EXPECT_NE(NULL, strstr(diag_text(&self->d), "neither an installed kselftest tree"));
	diag_reset(&self->d);
	kselftest_list_reset(&self->list);
	put(self, "kselftest-list.txt", "futex:run.sh\n");
	EXPECT_EQ(-ENOENT, kselftest_list(&k, &self->list, &self->d));
	EXPECT_NE(NULL, strstr(diag_text(&self->d), "none of the tests that are meant"));
}

TEST_F(tree, a_folder_is_told_by_its_makefile)
{
	struct scen_kselftest k = { .dir = self->dir };
	struct buf out = { 0 };

	put(self, "Makefile",
	    "# TEST_PROGS := no\n"
	    "TEST_GEN_PROGS := a b \\\n\tc\n"
	    "TEST_PROGS += d.sh # TEST_PROGS = x\n"
	    "TEST_GEN_PROGS_EXTENDED = helper\n"
	    "TEST_CUSTOM_PROGS = $(OUTPUT)/custom $(wildcard *.q)\n"
	    "TEST_FILES = settings\n");
	put(self, "a", "x");
	put(self, "c", "x");
	put(self, "d.sh", "x");
	put(self, "helper", "x");
	kselftest_make_tests("TEST_GEN_PROGS := a\\\n b\nTEST_PROGS=$(X) c", &out);
	EXPECT_STREQ("a\nb\nc\n", buf_str(&out));
	buf_reset(&out);
	ASSERT_EQ(0, kselftest_list(&k, &self->list, &self->d));
	ASSERT_EQ(3, self->list.n);	/* b and custom are not built */
	EXPECT_STREQ(strrchr(self->dir, '/') + 1, self->list.items[0].collection);
	EXPECT_STREQ("a", self->list.items[0].name);
	EXPECT_STREQ("c", self->list.items[1].name);
	EXPECT_STREQ("d.sh", self->list.items[2].name);
}

TEST_F(tree, folders_and_interpreters_come_along)
{
	struct scen_kselftest k = { .dir = self->dir };
	struct initramfs *fs;
	u64 before, size;
	char *bytes;

	put(self, "kselftest-list.txt", "c:t.sh\n");
	put(self, "c/t.sh", "#!/bin/bash\necho ok\n");
	put(self, "c/settings", "timeout=7\n");
	put(self, "c/data/deep", "data");
	put(self, "kselftest/ktap_helpers.sh", "# helpers\n");
	ASSERT_EQ(0, initramfs_create(&fs, &self->d));
	before = initramfs_size(fs);
	ASSERT_EQ(0, kselftest_add(fs, &k, 2.5, &self->d));
	if (!access("/bin/bash", X_OK)) {
		/* bash alone is more than this. */
		EXPECT_GT(initramfs_size(fs), before + 500000);
		EXPECT_EQ(-EEXIST, initramfs_add_data(fs, "/bin/bash", 0755, "x", 1,
						      "test", &self->d));
		diag_reset(&self->d);
	}
	EXPECT_EQ(-EEXIST, initramfs_add_data(fs, "/kselftest/c/data/deep", 0644,
					      "x", 1, "test", &self->d));
	size = initramfs_size(fs);
	bytes = calloc(1, size);
	ASSERT_NE(NULL, bytes);
	ASSERT_EQ(0, initramfs_write(fs, bytes, size, &self->d));
	/* 7 s, two and a half times as slow. */
	EXPECT_NE(NULL, memmem(bytes, size, "c\tt.sh\t18", 10));
	free(bytes);
	initramfs_destroy(fs);
}

/* --- output ------------------------------------------------------------- */

static const char *parse(const char *line)
{
	static const char *const words[] = {
		"pass", "fail", "skip", "xfail", "xpass", "error", "timeout",
	};
	static char copy[200], out[300];
	struct ktap_result r;

	snprintf(copy, sizeof(copy), "%s", line);
	if (!ktap_line(copy, &r))
		return "none";
	snprintf(out, sizeof(out), "%u %s [%s] [%s]", r.level, words[r.status],
		 r.name, r.reason);
	return out;
}

TEST(result_lines)
{
	EXPECT_STREQ("0 pass [a b] []", parse("ok 1 a b"));
	EXPECT_STREQ("0 pass [a] []", parse("ok 1 - a"));
	EXPECT_STREQ("0 fail [a] []", parse("not ok 12 - a"));
	EXPECT_STREQ("0 pass [] []", parse("ok 1"));
	EXPECT_STREQ("0 pass [-x] []", parse("ok 1 -x"));
	EXPECT_STREQ("0 skip [a] [no root]", parse("ok 1 a # SKIP no root"));
	EXPECT_STREQ("0 skip [a] []", parse("ok 1 a #skip"));
	EXPECT_STREQ("0 skip [a] [why]", parse("not ok 1 a # SKIP why"));
	EXPECT_STREQ("0 skip [] [why]", parse("ok 1 # SKIP why"));
	EXPECT_STREQ("0 xfail [a] [known]", parse("ok 1 a # XFAIL known"));
	EXPECT_STREQ("0 xfail [a] [later]", parse("not ok 1 a # TODO later"));
	EXPECT_STREQ("0 xpass [a] []", parse("ok 1 a # TODO"));
	EXPECT_STREQ("0 timeout [a] [45 seconds]", parse("not ok 1 a # TIMEOUT 45 seconds"));
	EXPECT_STREQ("0 error [a] []", parse("not ok 1 a # ERROR"));
	EXPECT_STREQ("0 fail [a] [exit=1]", parse("not ok 1 a # exit=1"));
	EXPECT_STREQ("0 fail [a] [skipping is no directive]",
		     parse("not ok 1 a # skipping is no directive"));
	EXPECT_STREQ("0 skip [a #1] [x]", parse("ok 1 a #1 # SKIP x"));
	EXPECT_STREQ("1 pass [sub] []", parse("  ok 1 sub"));
	EXPECT_STREQ("2 fail [sub] []", parse("# # not ok 1 sub"));
	EXPECT_STREQ("2 pass [sub] []", parse("#   ok 1 sub"));
	EXPECT_STREQ("none", parse("ok"));
	EXPECT_STREQ("none", parse("ok then"));
	EXPECT_STREQ("none", parse("ok 1a b"));
	EXPECT_STREQ("none", parse("#            OK  global.test"));
	EXPECT_STREQ("none", parse("not okay 1"));
	EXPECT_STREQ("none", parse("1..3"));
	EXPECT_STREQ("none", parse(""));
}

TEST(skip_of_the_whole)
{
	EXPECT_STREQ("no root", ktap_skip_all("1..0 # SKIP no root"));
	EXPECT_STREQ("x", ktap_skip_all("# 1..0 # Skipped: x"));
	EXPECT_EQ(NULL, ktap_skip_all("1..3"));
	EXPECT_EQ(NULL, ktap_skip_all("1..0"));
}

/* --- together ----------------------------------------------------------- */

static struct value *subtests(const char *const *rows)
{
	struct value *list = value_list();

	for (; *rows; rows += 2) {
		struct value *v = value_map();

		value_set(v, "name", value_str(rows[0] + 1));
		value_set(v, "level", value_int(rows[0][0] - '0'));
		value_set(v, "outcome", value_str(rows[1]));
		if (!strcmp(rows[1], "fail"))
			value_set(v, "reason", value_str("exit=1"));
		value_append(list, v);
	}
	return list;
}

static int together(const char *const *rows, char *text)
{
	struct value *list = subtests(rows);
	int skipped = kselftest_verdict(list, text, 300);

	value_free(list);
	return skipped;
}
#define TOGETHER(...) together((const char *const[]){ __VA_ARGS__, NULL }, text)

TEST(verdict_of_all)
{
	char text[300];

	EXPECT_EQ(0, TOGETHER("1in a", "fail", "0a:a", "pass", "0b:b", "skip",
			      "0c:c", "xfail"));
	EXPECT_STREQ("", text);
	EXPECT_EQ(0, TOGETHER("0a:a", "fail", "0b:b", "timeout", "0c:c", "pass"));
	EXPECT_STREQ("2 of 3 kselftests failed: a:a (exit=1), b:b (timeout)", text);
	EXPECT_EQ(1, TOGETHER("0a:a", "skip", "0b:b", "skip"));
	EXPECT_STREQ("each of 2 kselftests was skipped", text);
	EXPECT_EQ(0, TOGETHER("1in", "pass"));
	EXPECT_STREQ("no kselftest gave a result", text);
	EXPECT_EQ(0, kselftest_verdict(NULL, text, sizeof(text)));
	EXPECT_STREQ("no kselftest gave a result", text);
}

TEST_HARNESS_MAIN
