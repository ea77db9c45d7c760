// SPDX-License-Identifier: GPL-2.0-only
/* Which cores are kept, and what a block tells of them. */
#include "runner/dump.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <kselftest_harness.h>

#include "runner/kernel.h"
#include "runner/value.h"
#include "vmm/base/diag.h"

static struct kernel kernel = { .release = "0.0-none" };

TEST(words)
{
	struct diag d = { 0 };
	enum dump_keep keep;

	EXPECT_EQ(0, dump_keep_parse("always", &keep, &d));
	EXPECT_EQ(DUMP_ALWAYS, keep);
	EXPECT_STREQ("always", dump_keep_name(keep));
	EXPECT_EQ(-EINVAL, dump_keep_parse("sometimes", &keep, &d));
	EXPECT_NE(NULL, strstr(diag_text(&d), "failed, always, never"));
	diag_reset(&d);
}

TEST(limits)
{
	static const char *const bad[] = {
		"", "0", "M", "-1", "1X", "1MM", " 1", "1.5G",
		"99999999999999999999", "17179869184G",
	};
	struct diag d = { 0 };
	u64 limit;
	size_t i;

	EXPECT_EQ(0, dump_limit_parse("512M", &limit, &d));
	EXPECT_EQ(MiB(512), limit);
	EXPECT_EQ(0, dump_limit_parse("3T", &limit, &d));
	EXPECT_EQ(3 * GiB(1024), limit);
	EXPECT_EQ(0, dump_limit_parse("4096", &limit, &d));
	EXPECT_EQ(4096, limit);
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		EXPECT_EQ(-EINVAL, dump_limit_parse(bad[i], &limit, &d)) {
			TH_LOG("number %zu", i);
		}
	diag_reset(&d);
}

TEST(wanted)
{
	struct dump d = { .dir = "/", .policy.keep = DUMP_FAILED };

	EXPECT_TRUE(dump_wanted(&d, true));
	EXPECT_FALSE(dump_wanted(&d, false));
	d.policy.keep = DUMP_ALWAYS;
	EXPECT_TRUE(dump_wanted(&d, false));
	d.policy.keep = DUMP_NEVER;
	EXPECT_FALSE(dump_wanted(&d, true));
	d.policy.keep = DUMP_ALWAYS;
	d.dir = NULL;
	EXPECT_FALSE(dump_wanted(&d, true));
}

TEST(kept_core_is_told)
{
	struct value *block = value_map(), *list;
	struct dump d = { .path = strdup("/run/vmcore"), .has_slide = true,
			  .slide = 0x1c000000 };

	dump_settle(&d, true, &kernel, block);
	EXPECT_STREQ("/run/vmcore", value_as_str(value_get(block, "vmcore"), ""));
	list = value_get(block, "open_with");
	ASSERT_NE(NULL, list);
	ASSERT_EQ(4, list->list.len);
	EXPECT_STREQ("vmtap vmcore /run/vmcore",
		     value_as_str(list->list.items[0], ""));
	EXPECT_STREQ("drgn -c /run/vmcore -s VMLINUX",
		     value_as_str(list->list.items[1], ""));
	EXPECT_STREQ("crash --kaslr=0x1c000000 VMLINUX /run/vmcore",
		     value_as_str(list->list.items[2], ""));
	EXPECT_STREQ("gdb -c /run/vmcore -ex 'symbol-file VMLINUX -o 0x1c000000'",
		     value_as_str(list->list.items[3], ""));
	value_free(block);
	dump_deinit(&d);
}

/* As a shell hands them on, whatever the case is called. */
TEST(commands_are_quoted_for_a_shell)
{
	struct value *block = value_map(), *list;
	struct dump d = { .path = strdup("/o/it's [kernel=6.12]/vmcore") };

	dump_settle(&d, true, &kernel, block);
	list = value_get(block, "open_with");
	ASSERT_NE(NULL, list);
	ASSERT_EQ(3, list->list.len);
	EXPECT_STREQ("vmtap vmcore '/o/it'\\''s [kernel=6.12]/vmcore'",
		     value_as_str(list->list.items[0], ""));
	EXPECT_STREQ("drgn -c '/o/it'\\''s [kernel=6.12]/vmcore' -s VMLINUX",
		     value_as_str(list->list.items[1], ""));
	EXPECT_STREQ("crash --kaslr=auto VMLINUX '/o/it'\\''s [kernel=6.12]/vmcore'",
		     value_as_str(list->list.items[2], ""));
	value_free(block);
	dump_deinit(&d);
}

TEST(dropped_core_is_gone_and_not_told)
{
	char path[] = "/tmp/vmtap-dump-XXXXXX";
	struct value *block = value_map();
	struct dump d = { 0 };

	close(mkstemp(path));
	d.path = strdup(path);
	dump_settle(&d, false, &kernel, block);
	EXPECT_EQ(-1, access(path, F_OK));
	EXPECT_EQ(0, block->map.len);
	value_free(block);
	dump_deinit(&d);
}

TEST(failure_is_told)
{
	struct value *block = value_map();
	struct dump d = { .why_not = strdup("the disk is full") };

	dump_settle(&d, true, &kernel, block);
	EXPECT_EQ(NULL, value_get(block, "vmcore"));
	EXPECT_STREQ("the disk is full",
		     value_as_str(value_get(block, "vmcore_error"), ""));
	value_free(block);
	dump_deinit(&d);
}

TEST_HARNESS_MAIN
