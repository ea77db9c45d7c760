// SPDX-License-Identifier: GPL-2.0-only
/* schedexit: from texts to how a scheduler ended. */
#include "runner/schedexit.h"

#include <stdlib.h>
#include <string.h>

#include "runner/value.h"

#include "kselftest_harness.h"

static struct schedexit end_of(const char *log, const char *out)
{
	struct schedexit e;

	schedexit_parse(log, log ? strlen(log) : 0, out, out ? strlen(out) : 0, &e);
	return e;
}

static const char error_log[] =
	"[    1.0] sched_ext: BPF scheduler \"old\" disabled (unregistered from user space)\n"
	"[    1.1] sched_ext: BPF scheduler \"fix\" enabled\n"
	"[    2.0] sched_ext: BPF scheduler \"fix\" disabled (scx_bpf_error)\n"
	"[    2.0] sched_ext: fix: a (message) of its own\n"
	"[    2.1]    scx_bpf_error_bstr+0x12/0x80\n"
	"[    2.1]    bpf_prog_0123456789abcdef_enqueue+0x9/0x10\n"
	"[    2.1]    do_enqueue_task.isra.0+0x1/0x2 [mod]\n"
	"[    2.2] something else\n"
	"[    2.3]    not_of_it+0x1/0x2\n";

TEST(the_last_end_in_the_log_counts)
{
	struct schedexit e = end_of(error_log, NULL);

	EXPECT_TRUE(e.seen);
	EXPECT_TRUE(schedexit_is_error(&e));
	EXPECT_STREQ("fix", e.name);
	EXPECT_STREQ("error_bpf", e.kind);
	EXPECT_STREQ("scx_bpf_error", e.reason);
	EXPECT_STREQ("a (message) of its own", e.message);
	ASSERT_EQ(3, e.nr_stack);
	EXPECT_STREQ("scx_bpf_error_bstr", e.stack[0]);
	EXPECT_STREQ("do_enqueue_task.isra.0", e.stack[2]);
	EXPECT_EQ(NULL, e.dump);
}

TEST(each_reason_has_its_kind)
{
	static const struct { const char *reason, *kind; bool error; } cases[] = {
		{ "unregistered from user space", "unreg", false },
		{ "unregistered from BPF", "unreg_bpf", false },
		{ "disabled by sysrq-S", "sysrq", false },
		{ "runtime error", "error", true },
		{ "runnable task stall", "error_stall", true },
		{ "a reason of tomorrow", "unknown", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char log[200];
		struct schedexit e;

		snprintf(log, sizeof(log), "sched_ext: BPF scheduler \"x\" disabled (%s)",
			 cases[i].reason);
		e = end_of(log, NULL);
		EXPECT_STREQ(cases[i].kind, e.kind);
		EXPECT_STREQ(cases[i].reason, e.reason);
		EXPECT_EQ(cases[i].error, schedexit_is_error(&e));
	}
}

TEST(the_scheduler_tells_where_the_log_is_silent)
{
	struct schedexit e = end_of("nothing\n",
		"loading\n\nDEBUG DUMP\n========================================\n\n"
		"CPU states\n  one\n========================================\n"
		"EXIT: runnable task stall (it[3] failed to run)\n");

	EXPECT_STREQ("error_stall", e.kind);
	EXPECT_STREQ("it[3] failed to run", e.message);
	ASSERT_NE(NULL, e.dump);
	EXPECT_EQ(0, strncmp(e.dump, "\nCPU states\n  one", e.dump_len));
	EXPECT_EQ(17, e.dump_len);
}

/* Of an end that somebody asked for the log has the reason alone. */
TEST(the_scheduler_adds_the_message)
{
	static const char log[] =
		"sched_ext: BPF scheduler \"x\" disabled (unregistered from BPF)\n";
	struct schedexit e = end_of(log, "EXIT: unregistered from BPF (told to)\n");

	EXPECT_STREQ("unreg_bpf", e.kind);
	EXPECT_STREQ("told to", e.message);
	e = end_of(log, "EXIT: runtime error (of another time)\n");
	EXPECT_STREQ("unreg_bpf", e.kind);
	EXPECT_STREQ("", e.message);
}

TEST(a_sub_scheduler_tells_its_own_end)
{
	static const char log[] =
		"sched_ext: BPF scheduler \"old\" disabled (runtime error)\n"
		"[    1.0] sched_ext: BPF sub-scheduler \"s\" disabled (parent exiting)\n"
		"[    1.1] sched_ext: BPF scheduler \"r\" disabled (unregistered from user space)\n";
	struct schedexit e = end_of(log, "DEBUG DUMP\n====\ncpus\n\n====================\n"
				    "EXIT: parent exiting\n");

	EXPECT_STREQ("parent", e.kind);
	EXPECT_STREQ("s", e.name);
	EXPECT_EQ(0, strncmp("cpus", e.dump, 4));
	/* One above others goes by itself. */
	e = end_of(log, "EXIT: unregistered from user space\n");
	EXPECT_STREQ("unreg", e.kind);
	EXPECT_STREQ("r", e.name);
	e = end_of(log, "");
	EXPECT_STREQ("unreg", e.kind);
}

TEST(hostile_texts_give_nothing)
{
	static const char *const texts[] = {
		"", "sched_ext: BPF scheduler \"", "sched_ext: BPF scheduler \"x\" disabled (",
		"sched_ext: BPF scheduler \"x\" disabled", "[", "]", "[   ", "EXIT: ",
		"DEBUG DUMP\n", "DEBUG DUMP\n====", "DEBUG DUMP\n====================\n",
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct schedexit e = end_of(texts[i], texts[i]);

		EXPECT_FALSE(e.seen);
		EXPECT_EQ(NULL, e.dump);
	}
}

TEST(long_texts_are_cut)
{
	char log[4000], *p = log;
	struct schedexit e;

	p += sprintf(p, "sched_ext: BPF scheduler \"");
	memset(p, 'n', 300);
	p += 300;
	p += sprintf(p, "\" disabled (runtime error)\n");
	for (int i = 0; i < 60; i++)
		p += sprintf(p, "   f%d+0x1/0x2\n", i);
	e = end_of(log, NULL);
	EXPECT_EQ(sizeof(e.name) - 1, strlen(e.name));
	EXPECT_STREQ("error", e.kind);
	EXPECT_EQ(SCHEDEXIT_STACK_MAX, e.nr_stack);
}

TEST(probes_are_counted_and_the_last_arguments_kept)
{
	static const char trace[] =
		"# tracer: nop\n"
		"     sh-1   [000] d..3.  1.1: f1: (enqueue+0x0/0x10) p=0x1\n"
		"     sh-1   [001] d..3.  1.2: f1: (enqueue+0x0/0x10) p=0x2 flags=9\n"
		"     sh-1   [001] d..3.  1.3: f0: (stop+0x0/0x10) kind=1025\n"
		"     sh-1   [001] d..3.  1.3: f7: (none+0x0/0x10) x=1\n"
		"     sh-1   [001] d..3.  1.3: f: (none\n"
		"     sh-1   [001] d..3.  1.3: f1 (none)\n";
	static const char *const symbols[] = { "stop", "enqueue", "never" };
	struct value *v = schedexit_probes(trace, sizeof(trace) - 1, symbols, 3);

	ASSERT_NE(NULL, v);
	ASSERT_EQ(3, v->list.len);
	EXPECT_EQ(1, value_as_int(value_path(v->list.items[0], "hits"), -1));
	EXPECT_EQ(2, value_as_int(value_path(v->list.items[1], "hits"), -1));
	EXPECT_STREQ("p=0x2 flags=9",
		     value_as_str(value_path(v->list.items[1], "arguments"), ""));
	EXPECT_EQ(0, value_as_int(value_path(v->list.items[2], "hits"), -1));
	EXPECT_EQ(NULL, value_get(v->list.items[2], "arguments"));
	value_free(v);
}

/* Each text in memory of its own, for the sanitizer to see what lies behind. */
static struct schedexit end_of_bytes(const char *out, size_t len)
{
	char *copy = malloc(len);
	struct schedexit e;

	memcpy(copy, out, len);
	schedexit_parse(NULL, 0, copy, len, &e);
	e.dump = NULL;
	free(copy);
	return e;
}

TEST(a_dump_that_ends_before_it_begins_is_none)
{
	static const char at_the_end[] = "some output, then: DEBUG DUMP\n";
	struct schedexit e = end_of_bytes(at_the_end, sizeof(at_the_end) - 1);

	EXPECT_EQ(0, e.dump_len);
	EXPECT_FALSE(e.seen);
}

TEST(a_reason_with_a_zero_in_it_is_not_longer_than_it_is)
{
	char out[4096] = "EXIT: why";
	struct schedexit e;

	memset(out + 10, 'x', sizeof(out) - 10);
	out[sizeof(out) - 1] = ')';
	e = end_of_bytes(out, sizeof(out));
	EXPECT_STREQ("why", e.reason);
	EXPECT_STREQ("", e.message);
}

TEST(hits_that_are_cut_are_none)
{
	static const char *const symbols[] = { "a", "b" };
	static const char *const traces[] = {
		"task-1 [000] d..2. 1.5: f", "task-1 1.5: f1", "task-1 1.5: f1:",
		"task-1 1.5: f\n1: (a+0x0/0x1) x=1\n", "task-1 1.5: f1: (a+0x0",
		"task-1 1.5: f2: (a+0x0/0x1)", "task-1 1.5: f-1: (a+0x0/0x1)",
		"task-1 1.5: f18446744073709551617: (a+0x0/0x1)",
	};

	for (size_t i = 0; i < ARRAY_SIZE(traces); i++) {
		size_t len = strlen(traces[i]);
		char *copy = malloc(len);
		struct value *v;

		memcpy(copy, traces[i], len);
		v = schedexit_probes(copy, len, symbols, 2);
		for (size_t k = 0; k < 2; k++)
			EXPECT_EQ(0, value_as_int(value_get(v->list.items[k], "hits"), -1)) {
				TH_LOG("%s", traces[i]);
			}
		value_free(v);
		free(copy);
	}
}

TEST_HARNESS_MAIN
