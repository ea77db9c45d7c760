// SPDX-License-Identifier: GPL-2.0-only
#include "runner/splat.h"

#include <stdlib.h>
#include <string.h>

#include "kselftest_harness.h"

static int scan(const char *log, const char *allow, struct splat_list *list)
{
	return splat_scan(log, strlen(log), &allow, allow ? 1 : 0, list);
}

struct one {
	const char *line;
	enum splat_kind kind;
};

TEST(each_kind_is_told_apart)
{
	static const struct one vectors[] = {
		{ "[    1.5] Kernel panic - not syncing: Fatal exception", SPLAT_PANIC },
		{ "[    1.5][   T12] BUG: KASAN: slab-out-of-bounds in f+0x1/0x2", SPLAT_KASAN },
		{ "<4>[    1.5] watchdog: BUG: soft lockup - CPU#1 stuck for 26s!", SPLAT_SOFT_LOCKUP },
		{ "[    1.5] Oops: 0002 [#1] PREEMPT SMP NOPTI", SPLAT_OOPS },
		{ "[    1.5] kernel BUG at mm/slub.c:440!", SPLAT_OOPS },
		{ "[    1.5] BUG: Bad page state in process x  pfn:1", SPLAT_BUG },
		{ "[    1.5] WARNING: CPU: 0 PID: 1 at kernel/x.c:1 f+0x1/0x2", SPLAT_WARNING },
		{ "[    1.5] WARNING: possible circular locking dependency detected", SPLAT_LOCKDEP },
		{ "[    1.5] UBSAN: shift-out-of-bounds in x.c:1:1", SPLAT_UBSAN },
		{ "[    1.5] rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:", SPLAT_RCU_STALL },
		{ "[    1.5] NMI watchdog: Watchdog detected hard LOCKUP on cpu 0", SPLAT_HARD_LOCKUP },
		{ "[    1.5] INFO: task x:1 blocked for more than 120 seconds.", SPLAT_HUNG_TASK },
	};
	struct splat_list list;
	size_t i;

	for (i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		ASSERT_EQ(0, scan(vectors[i].line, NULL, &list));
		ASSERT_EQ(1, list.len) TH_LOG("%s", vectors[i].line);
		EXPECT_EQ(vectors[i].kind, list.items[0].kind)
			TH_LOG("%s", vectors[i].line);
		EXPECT_NE('[', list.items[0].text[0]);
		splat_list_reset(&list);
	}
}

TEST(innocent_lines_are_not_splats)
{
	static const char log[] =
		"[    0.1] Linux version 6.1\n"
		"[    0.2] panic=-1 on the command line\n"
		"[    0.3] rcu: \tRCU event tracing is enabled.\n"
		"[    0.4] INFO: task manager started\n"
		"the payload prints WARNING: in the middle\n";
	struct splat_list list;

	ASSERT_EQ(0, scan(log, NULL, &list));
	EXPECT_EQ(0, list.len);
	splat_list_reset(&list);
}

TEST(allow_covers_warnings_but_no_panic)
{
	static const char log[] =
		"[    1.0] WARNING: CPU: 0 PID: 1 at kernel/x.c:1 known_one+0x1\n"
		"[    1.1] WARNING: CPU: 0 PID: 1 at kernel/y.c:1 other+0x1\n"
		"[    1.2] Kernel panic - not syncing: known_one\n";
	const struct splat *s;
	struct splat_list list;

	ASSERT_EQ(0, scan(log, "*known_one*", &list));
	ASSERT_EQ(3, list.len);
	EXPECT_TRUE(list.items[0].allowed);
	s = splat_first(&list, SPLAT_WARNING);
	ASSERT_NE(NULL, s);
	EXPECT_EQ(2, s->line);
	EXPECT_NE(NULL, splat_first(&list, SPLAT_PANIC));
	splat_list_reset(&list);
}

TEST(allow_is_a_glob_over_the_whole_line)
{
	static const struct { const char *glob; bool allowed; } v[] = {
		{ "WARNING: * at kernel/sched/*", true },
		{ "WARNING: CPU: ? PID: * f+0x1/0x2", true },
		{ "*", true },
		{ "at kernel/sched/*", false },
		{ "WARNING: * at kernel/sched/core.c", false },
		{ "WARNING: .* at kernel/sched/.*", false },
		{ "", false },
	};
	static const char log[] =
		"[    1.0] WARNING: CPU: 0 PID: 1 at kernel/sched/core.c:7 f+0x1/0x2\n";
	struct splat_list list;
	size_t i;

	for (i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		ASSERT_EQ(0, scan(log, v[i].glob, &list));
		ASSERT_EQ(1, list.len);
		EXPECT_EQ(v[i].allowed, list.items[0].allowed)
			TH_LOG("%s", v[i].glob);
		splat_list_reset(&list);
	}
}

TEST(crash_text_begins_at_the_oops_and_is_bounded)
{
	static const char log[] =
		"[    1.0] before\r\n"
		"[    1.1] BUG: kernel NULL pointer dereference, address: 0\r\n"
		"[    1.2] RIP: 0010:f+0x1/0x2\r\n"
		"[    1.3] Call Trace:\r\n";
	struct splat_list list;
	char *text;

	ASSERT_EQ(0, scan(log, NULL, &list));
	text = splat_crash_text(log, strlen(log), &list, 2);
	EXPECT_STREQ("BUG: kernel NULL pointer dereference, address: 0\n"
		     "RIP: 0010:f+0x1/0x2", text);
	free(text);
	splat_list_reset(&list);
}

TEST(a_flood_is_bounded_and_counted)
{
	size_t n = SPLAT_MAX + 10, i;
	char *log = calloc(n, 32);
	struct splat_list list;

	for (i = 0; i < n; i++)
		strcpy(log + i * 11, "WARNING: x\n");
	ASSERT_EQ(0, scan(log, NULL, &list));
	EXPECT_EQ(SPLAT_MAX, list.len);
	EXPECT_EQ(10, list.dropped);
	splat_list_reset(&list);
	free(log);
}

/* What is allowed must not push out what is not. */
TEST(in_a_flood_the_heavier_stay)
{
	struct splat_list list;
	char *log = calloc(SPLAT_MAX + 10, 32), *p = log;
	const struct splat *s;
	size_t i;

	for (i = 0; i < SPLAT_MAX; i++)
		p = stpcpy(p, "WARNING: a\n");
	p = stpcpy(p, "WARNING: b\n");
	p = stpcpy(p, "Oops: 0002\n");
	p = stpcpy(p, "WARNING: a\n");
	p = stpcpy(p, "Kernel panic - not syncing: x\n");
	ASSERT_EQ(0, scan(log, "WARNING: a", &list));
	EXPECT_EQ(SPLAT_MAX, list.len);
	EXPECT_EQ(4, list.dropped);
	s = splat_first(&list, SPLAT_WARNING);
	ASSERT_NE(NULL, s);
	EXPECT_STREQ("WARNING: b", s->text);
	EXPECT_EQ(SPLAT_MAX + 1, s->line);
	EXPECT_NE(NULL, splat_first(&list, SPLAT_OOPS));
	EXPECT_NE(NULL, splat_first(&list, SPLAT_PANIC));
	for (i = 1; i < list.len; i++)
		EXPECT_LT(list.items[i - 1].line, list.items[i].line);
	splat_list_reset(&list);
	/* Where all weigh the same, the first stay. */
	ASSERT_EQ(0, scan(log, "nothing", &list));
	EXPECT_NE(NULL, splat_first(&list, SPLAT_PANIC));
	EXPECT_EQ(1, list.items[0].line);
	splat_list_reset(&list);
	free(log);
}

TEST_HARNESS_MAIN
