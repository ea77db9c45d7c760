// SPDX-License-Identifier: GPL-2.0-only
/* tap: golden documents, writes, and readers that are slow or gone. */
#include "runner/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runner/value.h"
#include "vmm/base/buf.h"
#include "vmm/base/util.h"

#include "kselftest_harness.h"

struct one {
	const char *name;
	enum outcome outcome;
	const char *reason;
	unsigned int index;
	const char *block;	/* JSON */
	const char *result;	/* JSON or NULL */
};

static struct report *make(const struct one *o)
{
	struct report *r = report_create(o->name, o->index);

	report_set(r, o->outcome, o->reason);
	value_free(r->block);
	value_from_json(o->block, strlen(o->block), &r->block, NULL);
	if (o->result)
		value_from_json(o->result, strlen(o->result), &r->result, NULL);
	return r;
}

/* What a stream of these points says; owned. */
static char *document(const struct one *list, size_t n, enum tap_format format,
		      const char *bail_out)
{
	int fd = memfd_create("tap", 0);
	struct tap *t = tap_create(fd, format, (unsigned int)n, NULL);
	char *text;
	size_t i;
	off_t len;

	for (i = 0; i < n; i++) {
		struct report *r = make(&list[i]);

		tap_point(t, r);
		report_destroy(r);
	}
	if (bail_out)
		tap_bail_out(t, bail_out);
	tap_finish(t, -1);
	tap_destroy(t);
	len = lseek(fd, 0, SEEK_END);
	text = calloc(1, (size_t)len + 1);
	if (pread(fd, text, (size_t)len, 0) != len)
		text[0] = '\0';
	close(fd);
	return text;
}

static const struct one each[] = {
	{ "blk/read[cpus=1]", OUTCOME_PASS, NULL, 1, "{}",
	  "{\"success\":true,\"duration_ms\":12,\"virtio_blk\":{\"io_errors\":0},\"kvm\":{\"exits\":7,\"l1d_flush\":1}}" },
	{ "a #2 {", OUTCOME_FAIL, "1 of 1 checks failed", 2,
	  "{\"repro\":\"vmtap run x\",\"message\":\"a == 1\",\"found\":2,\"wanted\":\"== 1\",\"at\":\"x.yaml:1:2\",\"note\":\"n\"}",
	  "{\"duration_ms\":3,\"output\":\"hi\\n\",\"console\":\"[ 0.1] x\\n\",\"subtests\":[{\"name\":\"s # 1\",\"outcome\":\"fail\",\"duration_ms\":4}]}" },
	{ "skipped", OUTCOME_SKIP, "needs CONFIG_X", 3, "{}", NULL },
	{ "skipped", OUTCOME_XFAIL, "known #1", 9, "{}", NULL },
	{ "-x-", OUTCOME_XPASS, NULL, 5, "{}", NULL },
	{ "slow", OUTCOME_TIMEOUT, "after 60 s", 6, "{}", "{\"timed_out\":true}" },
	{ "", OUTCOME_ERROR, "killed by signal 11", 7, "{}", NULL },
};

TEST(golden_tap13)
{
	char *seen = document(each, ARRAY_SIZE(each), TAP_13, "SIGINT");

	EXPECT_STREQ(
"TAP version 13\n"
"1..7\n"
"ok 1 - blk/read[cpus=1]\n"
"  ---\n"
"  duration_ms: 12\n"
"  success: true\n"
"  virtio_blk:\n"
"    io_errors: 0\n"
"  kvm:\n"
"    exits: 7\n"
"  ...\n"
"not ok 2 - a _2 (\n"
"  ---\n"
"  message: 'a == 1'\n"
"  severity: fail\n"
"  found: 2\n"
"  wanted: '== 1'\n"
"  at: 'x.yaml:1:2'\n"
"  duration_ms: 3\n"
"  name: 'a #2 {'\n"
"  note: 'n'\n"
"  subtests:\n"
"    - name: 's # 1'\n"
"      outcome: fail\n"
"      duration_ms: 4\n"
"  output:\n"
"    - \"| hi\"\n"
"  console:\n"
"    - \"| [ 0.1] x\"\n"
"  repro: 'vmtap run x'\n"
"  ...\n"
"ok 3 - skipped # SKIP needs CONFIG_X\n"
"ok 4 - skipped (2) # XFAIL known _1\n"
"  ---\n"
"  message: 'known #1'\n"
"  name: skipped\n"
"  index: 9\n"
"  ...\n"
"ok 5 - _x- # XPASS no reason given\n"
"  ---\n"
"  name: '-x-'\n"
"  ...\n"
"not ok 6 - slow # TIMEOUT after 60 s\n"
"  ---\n"
"  message: 'after 60 s'\n"
"  severity: fail\n"
"  timed_out: true\n"
"  ...\n"
"not ok 7 - unnamed # ERROR killed by signal 11\n"
"  ---\n"
"  message: 'killed by signal 11'\n"
"  severity: error\n"
"  name: ''\n"
"  ...\n"
"Bail out! SIGINT\n"
"# Totals: pass:1 fail:2 xfail:1 xpass:1 skip:1 error:1\n", seen);
	free(seen);
}

TEST(golden_ktap)
{
	char *seen;

	unsetenv("KSFT_TAP_LEVEL");
	seen = document(each, 4, TAP_KTAP, NULL);
	EXPECT_STREQ(
"TAP version 13\n"
"1..4\n"
"# duration_ms: 12\n"
"# success: true\n"
"# virtio_blk:\n"
"#   io_errors: 0\n"
"# kvm:\n"
"#   exits: 7\n"
"ok 1 - blk/read[cpus=1] # time=12ms\n"
"# message: 'a == 1'\n"
"# severity: fail\n"
"# found: 2\n"
"# wanted: '== 1'\n"
"# at: 'x.yaml:1:2'\n"
"# duration_ms: 3\n"
"# name: 'a #2 {'\n"
"# note: 'n'\n"
"# subtests:\n"
"#   - name: 's # 1'\n"
"#     outcome: fail\n"
"#     duration_ms: 4\n"
"# output:\n"
"#   - \"| hi\"\n"
"# console:\n"
"#   - \"| [ 0.1] x\"\n"
"# repro: 'vmtap run x'\n"
"  KTAP version 1\n"
"  # Subtest: a _2 (\n"
"  1..1\n"
"  not ok 1 - s _ 1 # time=4ms\n"
"not ok 2 - a _2 ( # time=3ms\n"
"ok 3 - skipped # SKIP needs CONFIG_X\n"
"# message: 'known #1'\n"
"# name: skipped\n"
"# index: 9\n"
"ok 4 - skipped (2) # XFAIL known _1\n"
"# Totals: pass:1 fail:1 xfail:1 xpass:0 skip:1 error:0\n", seen);
	free(seen);
	setenv("KSFT_TAP_LEVEL", "1", 1);
	seen = document(each, 1, TAP_KTAP, NULL);
	EXPECT_EQ(0, strncmp("1..1\n", seen, 5));
	unsetenv("KSFT_TAP_LEVEL");
	free(seen);
}

TEST(nothing_to_run)
{
	int fd = memfd_create("tap", 0);
	struct tap *t = tap_create(fd, TAP_13, 0, "no # scenario\nmatches");
	char text[200] = "";

	EXPECT_EQ(0, tap_finish(t, -1));
	tap_destroy(t);
	EXPECT_LT(0, pread(fd, text, sizeof(text) - 1, 0));
	EXPECT_STREQ("TAP version 13\n1..0 # SKIP no _ scenario<0a>matches\n"
		     "# Totals: pass:0 fail:0 xfail:0 xpass:0 skip:0 error:0\n", text);
	close(fd);
}

/* A packet socket keeps the bounds of each write. */
TEST(a_point_and_its_block_leave_in_one_write)
{
	struct report *r = make(&each[1]);
	struct tap *t;
	char got[4096];
	int fd[2];
	ssize_t n;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fd));
	t = tap_create(fd[1], TAP_13, 1, NULL);
	ASSERT_EQ(0, tap_point(t, r));
	n = read(fd[0], got, sizeof(got) - 1);
	ASSERT_LT(0, n);
	got[n] = '\0';
	EXPECT_STREQ("TAP version 13\n1..1\n", got);
	n = read(fd[0], got, sizeof(got) - 1);
	ASSERT_LT(0, n);
	got[n] = '\0';
	EXPECT_EQ(0, strncmp(got, "not ok 1 - ", 11));
	EXPECT_STREQ("  ...\n", got + n - 6);
	tap_destroy(t);
	report_destroy(r);
	close(fd[0]);
	close(fd[1]);
}

TEST(a_gone_reader_is_told_and_nothing_hangs)
{
	struct report *r = make(&each[0]);
	struct tap *t;
	int fd[2], i, err = 0;

	ASSERT_EQ(0, pipe(fd));
	close(fd[0]);
	t = tap_create(fd[1], TAP_13, 100000, NULL);
	ASSERT_NE(NULL, t);
	for (i = 0; !err && i < 100000; i++)
		err = tap_point(t, r);
	EXPECT_EQ(-EPIPE, err);
	EXPECT_EQ(-EPIPE, tap_finish(t, -1));
	/* The counts go on for the result files. */
	EXPECT_LT(0, tap_totals(t)->count[OUTCOME_PASS]);
	tap_destroy(t);
	t = tap_create(-1, TAP_13, 1, NULL);
	EXPECT_EQ(-EBADF, tap_finish(t, -1));
	tap_destroy(t);
	report_destroy(r);
	close(fd[1]);
}

TEST(a_stopped_reader_holds_nobody_up)
{
	struct report *r = make(&each[1]);
	struct tap *t;
	char *got = malloc(4 << 20);
	size_t len = 0;
	int fd[2], i;
	ssize_t n;

	ASSERT_EQ(0, pipe(fd));
	t = tap_create(fd[1], TAP_13, 2000, NULL);
	for (i = 0; i < 2000; i++)
		ASSERT_EQ(0, tap_point(t, r));
	ASSERT_EQ(0, tap_bail_out(t, "SIGTERM"));
	EXPECT_EQ(-ETIMEDOUT, tap_finish(t, 200));
	/* The reader goes on, and everything is there. */
	fcntl(fd[0], F_SETFL, O_NONBLOCK);
	for (i = 0; i < 1000 && !strstr(len > 100 ? got + len - 100 : "", "Totals"); i++) {
		struct pollfd p = { .fd = fd[0], .events = POLLIN };

		poll(&p, 1, 1000);
		n = read(fd[0], got + len, (4 << 20) - 1 - len);
		if (n > 0)
			len += (size_t)n;
		got[len] = '\0';
	}
	EXPECT_NE(NULL, strstr(got + len - 200, "not ok") ?: strstr(got + len - 200, "Bail out! SIGTERM"));
	EXPECT_NE(NULL, strstr(got, "not ok 2000 - "));
	EXPECT_NE(NULL, strstr(got, "Bail out! SIGTERM\n# Totals: "));
	tap_destroy(t);
	report_destroy(r);
	free(got);
	close(fd[0]);
	close(fd[1]);
}

TEST(destroy_while_stuck_returns)
{
	struct report *r = make(&each[1]);
	struct tap *t;
	int fd[2], i;

	ASSERT_EQ(0, pipe(fd));
	t = tap_create(fd[1], TAP_13, 2000, NULL);
	for (i = 0; i < 2000; i++)
		tap_point(t, r);
	EXPECT_EQ(-ETIMEDOUT, tap_finish(t, 50));
	tap_destroy(t);
	report_destroy(r);
	close(fd[0]);	/* lets the thread end */
	usleep(50000);
	close(fd[1]);
}

TEST(names)
{
	static const struct { const char *in, *out; } v[] = {
		{ "a/b[x=1,y=2]", "a/b[x=1,y=2]" }, { "", "unnamed" },
		{ "   ", "unnamed" }, { " a ", "a" }, { "- a", "_ a" },
		{ "a {", "a (" }, { "7 up", "7 up" }, { "a\\#b", "a/_b" },
		{ "ok 1", "ok 1" }, { "\x01", "<01>" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(v); i++) {
		struct buf b = { 0 };

		EXPECT_EQ(0, tap_sanitize_name(v[i].in, &b));
		EXPECT_STREQ(v[i].out, buf_str(&b));
		buf_reset(&b);
	}
}

TEST(exit_statuses)
{
	static const struct { enum outcome o[3]; int tap, ktap; } v[] = {
		{ { OUTCOME_PASS, OUTCOME_SKIP, OUTCOME_XFAIL }, 0, 0 },
		{ { OUTCOME_SKIP, OUTCOME_SKIP, OUTCOME_SKIP }, 0, 4 },
		{ { OUTCOME_PASS, OUTCOME_FAIL, OUTCOME_SKIP }, 1, 1 },
		{ { OUTCOME_PASS, OUTCOME_TIMEOUT, OUTCOME_PASS }, 1, 1 },
		{ { OUTCOME_SKIP, OUTCOME_ERROR, OUTCOME_SKIP }, 1, 1 },
		{ { OUTCOME_XPASS, OUTCOME_XPASS, OUTCOME_PASS }, 0, 0 },
	};
	struct totals none = { 0 };
	size_t i, k;

	for (i = 0; i < ARRAY_SIZE(v); i++) {
		struct totals t = { 0 };

		for (k = 0; k < 3; k++)
			totals_add(&t, v[i].o[k]);
		EXPECT_EQ(v[i].tap, totals_exit_status(&t, false));
		EXPECT_EQ(v[i].ktap, totals_exit_status(&t, true));
	}
	EXPECT_EQ(0, totals_exit_status(&none, true));
}

TEST_HARNESS_MAIN
