// SPDX-License-Identifier: GPL-2.0-only
/* What the console's lines mean to the run. */
#include "runner/heard.h"

#include <string.h>

#include <kselftest_harness.h>

FIXTURE(heard) {
	struct heard h;
};

FIXTURE_SETUP(heard)
{
	ASSERT_EQ(0, heard_init(&self->h, NULL, NULL));
	heard_start(&self->h);
}

FIXTURE_TEARDOWN(heard)
{
	heard_deinit(&self->h);
}

static void line(struct heard *h, const char *text)
{
	heard_com1(h, text, strlen(text));
}

TEST_F(heard, a_panic_is_seen_when_its_line_is_whole)
{
	line(&self->h, "[1.0] Kernel panic - not syn");
	line(&self->h, "cing: VFS");
	EXPECT_FALSE(self->h.panicking);
	line(&self->h, "\n");
	EXPECT_TRUE(self->h.panicking);
	EXPECT_FALSE(self->h.sched_error);
}

TEST_F(heard, a_scheduler_that_was_thrown_out)
{
	line(&self->h, "sched_ext: BPF scheduler \"x\" enabled\n");
	line(&self->h, "sched_ext: BPF scheduler \"x\" disabled (unregistered from user space)\n");
	EXPECT_FALSE(self->h.sched_error);
	line(&self->h, "sched_ext: BPF scheduler \"x\" disabled (runtime error)\n");
	EXPECT_TRUE(self->h.sched_error);
	EXPECT_FALSE(self->h.panicking);
}

TEST_HARNESS_MAIN
