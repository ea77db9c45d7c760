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

/* A lifecycle frame, as the agent builds it. */
static size_t stage_frame(u8 *p, u32 seq, enum wire_stage stage, u64 guest_ns)
{
	u8 body[sizeof(struct wire_lifecycle)] = { 0 };

	wire_put32(body, stage);
	wire_put32(body + 8, (u32)guest_ns);
	wire_put32(body + 12, (u32)(guest_ns >> 32));
	wire_header(p, WIRE_LIFECYCLE, 0, seq, wire_crc32(0, body, sizeof(body)),
		    sizeof(body));
	memcpy(p + WIRE_HDR_SIZE, body, sizeof(body));
	return WIRE_HDR_SIZE + sizeof(body);
}

static void pass_ms(struct heard *h, u64 ms)
{
	h->start_ns -= ms * NSEC_PER_MSEC;
}

TEST_F(heard, a_stage_that_only_memory_tells_was_when_the_guest_says)
{
	struct heard *h = &self->h;
	u8 f[128];

	/* The agent connects 3 s after the start, at 2.5 s of its own clock. */
	pass_ms(h, 3000);
	heard_port1(h, f, stage_frame(f, 1, WIRE_STAGE_AGENT, 2500 * NSEC_PER_MSEC));
	EXPECT_EQ(STAGE_AGENT, h->stage);
	EXPECT_EQ(3000, h->stage_ns[STAGE_AGENT] / NSEC_PER_MSEC);
	/* It ran since 2 s of that clock. */
	pass_ms(h, 7000);
	/* A frame that was heard late tells nothing better. */
	heard_port1(h, f, stage_frame(f, 2, WIRE_STAGE_PAYLOAD, 2600 * NSEC_PER_MSEC));
	heard_ring(h, f, stage_frame(f, 0, WIRE_STAGE_INIT, 2000 * NSEC_PER_MSEC));
	EXPECT_EQ(STAGE_PAYLOAD, h->stage);
	EXPECT_EQ(2500, h->stage_ns[STAGE_INIT] / NSEC_PER_MSEC);
}

TEST_F(heard, a_guest_that_hung_in_its_setup_was_there_though_time_is_up)
{
	struct heard *h = &self->h;
	u8 f[128];

	pass_ms(h, 5000);
	heard_time_is_up(h);
	heard_ring(h, f, stage_frame(f, 0, WIRE_STAGE_INIT, 2000 * NSEC_PER_MSEC));
	EXPECT_EQ(STAGE_INIT, h->stage);
	EXPECT_EQ(2000, h->stage_ns[STAGE_INIT] / NSEC_PER_MSEC);
	heard_ring(h, f, stage_frame(f, 1, WIRE_STAGE_VERDICT, 2000 * NSEC_PER_MSEC));
	EXPECT_EQ(STAGE_INIT, h->stage);
}

TEST_F(heard, a_clock_of_the_guest_that_lies_stays_within_the_run)
{
	struct heard *h = &self->h;
	u8 f[128];

	pass_ms(h, 5000);
	heard_port1(h, f, stage_frame(f, 1, WIRE_STAGE_AGENT, ~0ULL));
	heard_ring(h, f, stage_frame(f, 0, WIRE_STAGE_INIT, ~0ULL - 7));
	EXPECT_EQ(5000, h->stage_ns[STAGE_AGENT] / NSEC_PER_MSEC);
	EXPECT_EQ(5000, h->stage_ns[STAGE_INIT] / NSEC_PER_MSEC);
}

TEST_HARNESS_MAIN
