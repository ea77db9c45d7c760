// SPDX-License-Identifier: GPL-2.0-only
/* Frames and COM2 lines as a hostile or unlucky guest may send them. */
#include <errno.h>

#include "runner/assembler.h"

#include "kselftest_harness.h"

struct got {
	struct buf log;		/* "TYPE:seq:payload|" */
	struct buf text;
	unsigned int frames;
	u32 last_seq;
	u16 last_flags;
	bool ordered;
};

static void on_frame(void *ctx, const struct wire_frame *f)
{
	struct got *g = ctx;

	buf_printf(&g->log, "%s:%u:%.*s|", wire_type_name(f->type), f->seq,
		   f->len < 64 ? (int)f->len : 64, (const char *)f->data);
	if (g->frames && f->seq <= g->last_seq)
		g->ordered = false;
	g->last_seq = f->seq;
	g->last_flags = f->flags;
	g->frames++;
}

static void on_text(void *ctx, const char *line, size_t len)
{
	buf_add(&((struct got *)ctx)->text, line, len);
}

static const struct assembler_ops ops = { .frame = on_frame, .text = on_text };

FIXTURE(wire)
{
	struct got got;
	struct wire_seen seen;
	struct assembler a;
	struct buf in;
};

FIXTURE_SETUP(wire)
{
	*self = (FIXTURE_DATA(wire)){ .got.ordered = true };
	assembler_init(&self->a, WIRE_VIA_PORT1, &ops, &self->got, &self->seen);
}

FIXTURE_TEARDOWN(wire)
{
	assembler_deinit(&self->a);
	buf_reset(&self->in);
	buf_reset(&self->got.log);
	buf_reset(&self->got.text);
}

static void com2(FIXTURE_DATA(wire) *self)
{
	assembler_init(&self->a, WIRE_VIA_COM2, &ops, &self->got, &self->seen);
}

static void again(FIXTURE_DATA(wire) *self, enum wire_via via)
{
	assembler_deinit(&self->a);
	buf_reset(&self->got.log);
	buf_reset(&self->got.text);
	self->got = (struct got){ .ordered = true };
	self->seen = (struct wire_seen){ 0 };
	assembler_init(&self->a, via, &ops, &self->got, &self->seen);
}

static void frame(FIXTURE_DATA(wire) *self, u16 type, u32 seq, const char *text)
{
	wire_encode(&self->in, type, 0, seq, text, strlen(text));
}

static void feed(FIXTURE_DATA(wire) *self)
{
	assembler_feed(&self->a, self->in.data, self->in.len);
}

TEST_F(wire, header_layout_is_the_documented_one)
{
	static const u8 want[16] = {
		0xd6, 0x56, 0x54, 0x9a, 3, 0, 0x34, 0x12, 9, 0, 0, 0, 7, 0, 0, 0,
	};

	ASSERT_EQ(0, wire_encode(&self->in, WIRE_STDOUT, 0x1234, 7, "123456789", 9));
	EXPECT_EQ(WIRE_HDR_SIZE + 9, self->in.len);
	EXPECT_EQ(0, memcmp(self->in.data, want, sizeof(want)));
	/* The check value of CRC-32. */
	EXPECT_EQ(0xcbf43926, wire_get32(self->in.data + 16));
	EXPECT_EQ(0xcbf43926, wire_crc32(0, "123456789", 9));
	EXPECT_EQ(0xcbf43926, wire_crc32(wire_crc32(0, "1234", 4), "56789", 5));
}

TEST_F(wire, any_split_gives_the_same_frames)
{
	static const char want[] = "HELLO:0:a|STDOUT:1:hello world\n|STDERR:2:|EXIT:3:....|";

	frame(self, WIRE_HELLO, 0, "a");
	frame(self, WIRE_STDOUT, 1, "hello world\n");
	frame(self, WIRE_STDERR, 2, "");
	frame(self, WIRE_EXIT, 3, "....");
	for (size_t cut = 0; cut <= self->in.len; cut++) {
		again(self, WIRE_VIA_PORT1);
		assembler_feed(&self->a, self->in.data, cut);
		assembler_feed(&self->a, self->in.data + cut, self->in.len - cut);
		assembler_finish(&self->a);
		ASSERT_STREQ(want, buf_str(&self->got.log)) TH_LOG("cut at %zu", cut);
		ASSERT_EQ(0, self->a.stats.garbage_bytes + self->a.stats.truncated);
	}
	for (size_t step = 1; step < 9; step++) {
		again(self, WIRE_VIA_PORT1);
		for (size_t i = 0; i < self->in.len; i += step)
			assembler_feed(&self->a, self->in.data + i,
				       min(step, self->in.len - i));
		ASSERT_STREQ(want, buf_str(&self->got.log)) TH_LOG("step %zu", step);
	}
}

TEST_F(wire, com2_any_split_gives_the_same_frames_and_text)
{
	wire_encode_line(&self->in, WIRE_STDOUT, 0, 1, "one\n\x1e\x10two\r\0\x11\x13", 13);
	buf_puts(&self->in, "plain\nVMTAP-EXIT:-7\n");
	wire_encode_line(&self->in, WIRE_EXIT, 9, 2, "\1\0\0\0", 4);
	buf_puts(&self->in, "PANIC: boom\n  #0 here\n");
	for (size_t cut = 0; cut <= self->in.len; cut++) {
		again(self, WIRE_VIA_COM2);
		assembler_feed(&self->a, self->in.data, cut);
		assembler_feed(&self->a, self->in.data + cut, self->in.len - cut);
		assembler_finish(&self->a);
		ASSERT_EQ(2, self->got.frames) TH_LOG("cut at %zu", cut);
		ASSERT_EQ(9, self->got.last_flags);
		ASSERT_STREQ("plain\nPANIC: boom\n  #0 here\n", buf_str(&self->got.text));
		ASSERT_STREQ("boom\n  #0 here", buf_str(&self->a.words.panic));
		ASSERT_EQ(-7, self->a.words.exit_code);
		ASSERT_EQ(0, self->a.stats.garbage_bytes);
	}
}

TEST_F(wire, line_encoding_survives_every_byte_and_a_cooked_tty)
{
	struct buf cooked = {};
	u8 all[256];

	for (int i = 0; i < 256; i++)
		all[i] = (u8)i;
	com2(self);
	wire_encode_line(&self->in, WIRE_STDOUT, 0, 0, all, sizeof(all));
	EXPECT_EQ(self->in.data + self->in.len - 1,
		  (char *)memchr(self->in.data, '\n', self->in.len));
	for (size_t i = 0; i < self->in.len; i++) {
		if (self->in.data[i] == '\n')
			buf_putc(&cooked, '\r');	/* ONLCR */
		buf_putc(&cooked, self->in.data[i]);
		if (i % 50 == 0)
			buf_putc(&cooked, 0x13);	/* XOFF */
	}
	assembler_feed(&self->a, cooked.data, cooked.len);
	EXPECT_EQ(1, self->got.frames);
	EXPECT_EQ(0, self->a.stats.crc_errors + self->a.stats.garbage_bytes);
	buf_reset(&cooked);
}

TEST_F(wire, resynchronises_after_garbage)
{
	buf_puts(&self->in, "noise\xd6\x56noise\xd6\x56\x54\x9a");
	frame(self, WIRE_STDOUT, 0, "x");
	buf_puts(&self->in, "more noise");
	frame(self, WIRE_STDOUT, 1, "y");
	for (size_t step = 1; step < 40; step++) {
		again(self, WIRE_VIA_PORT1);
		for (size_t i = 0; i < self->in.len; i += step)
			assembler_feed(&self->a, self->in.data + i,
				       min(step, self->in.len - i));
		ASSERT_STREQ("STDOUT:0:x|STDOUT:1:y|", buf_str(&self->got.log));
		ASSERT_EQ(26, self->a.stats.garbage_bytes);
		ASSERT_EQ(2, self->a.stats.resyncs);
	}
}

TEST_F(wire, damaged_payload_is_skipped_whole_and_counted_once)
{
	struct buf inner = {};
	size_t at;

	/* A frame inside a payload is payload, also when its carrier is bad. */
	wire_encode(&inner, WIRE_EXIT, 0, 5, "\0\0\0\0", 4);
	wire_encode(&self->in, WIRE_STDOUT, 0, 0, inner.data, inner.len);
	at = self->in.len - 1;
	frame(self, WIRE_STDOUT, 1, "after");
	self->in.data[at] ^= 1;
	feed(self);
	EXPECT_STREQ("STDOUT:1:after|", buf_str(&self->got.log));
	EXPECT_EQ(1, self->a.stats.crc_errors);
	EXPECT_EQ(0, self->a.stats.garbage_bytes);
	buf_reset(&inner);
}

TEST_F(wire, every_flipped_bit_is_noticed)
{
	frame(self, WIRE_EXIT, 0, "\1\2\3\4");
	for (size_t bit = 0; bit < 8 * self->in.len; bit++) {
		again(self, WIRE_VIA_PORT1);
		self->in.data[bit / 8] ^= (char)(1 << bit % 8);
		feed(self);
		assembler_finish(&self->a);
		self->in.data[bit / 8] ^= (char)(1 << bit % 8);
		ASSERT_EQ(0, self->got.frames) TH_LOG("bit %zu", bit);
		ASSERT_NE(0, self->a.stats.crc_errors + self->a.stats.garbage_bytes);
	}
}

TEST_F(wire, length_bomb_neither_waits_nor_allocates)
{
	u8 hdr[WIRE_HDR_SIZE];
	static const u32 lens[] = { WIRE_MAX_PAYLOAD + 1, 0x7fffffff, 0xffffffff };

	for (size_t i = 0; i < ARRAY_SIZE(lens); i++) {
		again(self, WIRE_VIA_PORT1);
		self->in.len = 0;
		wire_header(hdr, WIRE_STDOUT, 0, 0, 0, lens[i]);
		buf_add(&self->in, hdr, sizeof(hdr));
		frame(self, WIRE_STDOUT, 1, "alive");
		feed(self);
		EXPECT_STREQ("STDOUT:1:alive|", buf_str(&self->got.log));
		EXPECT_EQ(1, self->a.stats.header_errors);
		EXPECT_GT(4096, self->a.pend.cap);
	}
}

TEST_F(wire, largest_frame_passes)
{
	char *big = calloc(1, WIRE_MAX_PAYLOAD + 1);

	ASSERT_EQ(0, wire_encode(&self->in, WIRE_STDOUT, 0, 0, big, WIRE_MAX_PAYLOAD));
	EXPECT_EQ(-EMSGSIZE, wire_encode(&self->in, WIRE_STDOUT, 0, 1, big,
					 WIRE_MAX_PAYLOAD + 1));
	for (size_t i = 0; i < self->in.len; i += 4093)
		assembler_feed(&self->a, self->in.data + i,
			       min((size_t)4093, self->in.len - i));
	EXPECT_EQ(1, self->got.frames);
	again(self, WIRE_VIA_COM2);
	self->in.len = 0;
	ASSERT_EQ(0, wire_encode_line(&self->in, WIRE_STDOUT, 0, 0, big,
				      WIRE_MAX_PAYLOAD));
	feed(self);
	EXPECT_EQ(1, self->got.frames);
	free(big);
}

TEST_F(wire, cut_frame_is_counted_not_guessed)
{
	frame(self, WIRE_STDOUT, 0, "whole");
	frame(self, WIRE_EXIT, 1, "....");
	for (size_t cut = 1; cut < WIRE_HDR_SIZE + 4; cut++) {
		again(self, WIRE_VIA_PORT1);
		assembler_feed(&self->a, self->in.data, self->in.len - cut);
		assembler_finish(&self->a);
		ASSERT_STREQ("STDOUT:0:whole|", buf_str(&self->got.log));
		ASSERT_EQ(1, self->a.stats.truncated);
	}
}

TEST_F(wire, com2_cut_frames_are_counted)
{
	wire_encode_line(&self->in, WIRE_STDOUT, 0, 0, "half of me", 10);
	self->in.len -= 5;
	wire_encode_line(&self->in, WIRE_STDOUT, 0, 1, "whole", 5);
	wire_encode_line(&self->in, WIRE_STDOUT, 0, 2, "half again", 10);
	self->in.len -= 4;
	buf_puts(&self->in, "\nPANIC: then the crash handler spoke\n");
	wire_encode_line(&self->in, WIRE_STDOUT, 0, 3, "end", 3);
	self->in.len -= 3;
	com2(self);
	feed(self);
	assembler_finish(&self->a);
	EXPECT_STREQ("STDOUT:1:whole|", buf_str(&self->got.log));
	EXPECT_EQ(3, self->a.stats.truncated);
	EXPECT_STREQ("then the crash handler spoke", buf_str(&self->a.words.panic));
}

TEST_F(wire, com2_frame_after_a_text_without_newline)
{
	com2(self);
	buf_puts(&self->in, "half a line");
	wire_encode_line(&self->in, WIRE_STDOUT, 0, 0, "x", 1);
	buf_puts(&self->in, "VMTAP-EXIT:3\n");
	feed(self);
	EXPECT_STREQ("STDOUT:0:x|", buf_str(&self->got.log));
	EXPECT_STREQ("half a line", buf_str(&self->got.text));
	EXPECT_EQ(3, self->a.words.exit_code);
}

TEST_F(wire, com2_overlong_lines_are_bounded)
{
	char *big = malloc(MiB(3));

	memset(big, 'x', MiB(3));
	com2(self);
	assembler_feed(&self->a, big, MiB(3));
	EXPECT_GE(16384, self->a.line.cap);
	EXPECT_EQ(0, self->got.text.len % 4096);
	big[0] = WIRE_LINE_START;
	assembler_feed(&self->a, big, MiB(3));
	EXPECT_GE(2 * WIRE_MAX_PAYLOAD, self->a.pend.cap);
	assembler_feed(&self->a, "\nok\n", 4);
	EXPECT_EQ(0, self->got.frames);
	EXPECT_NE(0, self->a.stats.garbage_bytes);
	EXPECT_STREQ("ok\n", buf_str(&self->got.text) + self->got.text.len - 3);
	free(big);
}

TEST_F(wire, sentinel_rules)
{
	static const struct { const char *line; bool ok; s32 code; } v[] = {
		{ "VMTAP-EXIT:0\n", true, 0 },
		{ "VMTAP-EXIT:42\r\n", true, 42 },
		{ "VMTAP-EXIT:-2147483648\n", true, INT32_MIN },
		{ "VMTAP-EXIT:2147483648\n", false, 0 },
		{ "VMTAP-EXIT:99999999999999999999\n", false, 0 },
		{ "VMTAP-EXIT:\n", false, 0 },
		{ "VMTAP-EXIT:-\n", false, 0 },
		{ "VMTAP-EXIT: 1\n", false, 0 },
		{ "VMTAP-EXIT:+1\n", false, 0 },
		{ "VMTAP-EXIT:0x1\n", false, 0 },
		{ "VMTAP-EXIT:1 \n", false, 0 },
		{ "VMTAP-EXIT:1", false, 0 },	/* cut: could have been 13 */
		{ "xVMTAP-EXIT:1\n", false, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(v); i++) {
		again(self, WIRE_VIA_COM2);
		assembler_feed(&self->a, v[i].line, strlen(v[i].line));
		assembler_finish(&self->a);
		EXPECT_EQ(v[i].ok, self->a.words.has_exit) TH_LOG("%s", v[i].line);
		EXPECT_EQ(v[i].code, self->a.words.exit_code);
		EXPECT_EQ(v[i].ok, self->got.text.len == 0);
	}
	again(self, WIRE_VIA_COM2);
	buf_puts(&self->in, "VMTAP-EXIT:1\nVMTAP-EXIT:0\n");
	feed(self);
	EXPECT_EQ(0, self->a.words.exit_code);
	EXPECT_EQ(2, self->a.words.sentinels);
}

TEST_F(wire, panic_rules)
{
	static const struct { const char *in; const char *want; } v[] = {
		{ "PANIC: a b \n", "a b" },
		{ "PANIC:x\nnot part\n  nor this\n", "x" },
		{ "  guest PANIC: mid line  \n", "guest PANIC: mid line" },
		{ "PANIC: one\nPANIC: two\n", "one" },
		{ "PANIC: one\n\ttrace 1\r\n trace 2\n", "one\n\ttrace 1\n trace 2" },
		{ "PANIC: cut", "cut" },
		{ "PANIC:\n", "" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(v); i++) {
		again(self, WIRE_VIA_COM2);
		assembler_feed(&self->a, v[i].in, strlen(v[i].in));
		assembler_finish(&self->a);
		EXPECT_TRUE(self->a.words.has_panic);
		EXPECT_STREQ(v[i].want, buf_str(&self->a.words.panic));
	}
	again(self, WIRE_VIA_COM2);
	buf_puts(&self->in, "PANIC: deep\n");
	for (int i = 0; i < 5000; i++)
		buf_puts(&self->in, "  #0 0x1234567890\n");
	feed(self);
	EXPECT_GE(COM2_CRASH_MAX + 32, self->a.words.panic.len);
}

TEST_F(wire, duplicates_across_transports_arrive_once)
{
	struct assembler second;

	assembler_init(&second, WIRE_VIA_RING, &ops, &self->got, &self->seen);
	frame(self, WIRE_STDOUT, 0, "a");
	frame(self, WIRE_STDOUT, 1, "b");
	feed(self);
	frame(self, WIRE_STDOUT, 2, "c");
	assembler_feed(&second, self->in.data, self->in.len);
	EXPECT_STREQ("STDOUT:0:a|STDOUT:1:b|STDOUT:2:c|", buf_str(&self->got.log));
	EXPECT_EQ(2, second.stats.duplicates);
	EXPECT_TRUE(self->got.ordered);
	EXPECT_EQ(0, wire_seen_missing(&self->seen));
	assembler_deinit(&second);
}

TEST_F(wire, gaps_are_counted_and_may_close)
{
	struct wire_seen *s = &self->seen;

	EXPECT_TRUE(wire_seen_add(s, 0));
	EXPECT_TRUE(wire_seen_add(s, 5));
	EXPECT_EQ(4, wire_seen_missing(s));
	EXPECT_TRUE(wire_seen_add(s, 3));
	EXPECT_TRUE(wire_seen_add(s, 4));
	EXPECT_FALSE(wire_seen_add(s, 4));
	EXPECT_EQ(2, wire_seen_missing(s));
	EXPECT_TRUE(wire_seen_add(s, 1));
	EXPECT_TRUE(wire_seen_add(s, 2));
	EXPECT_EQ(0, wire_seen_missing(s));
	EXPECT_EQ(1, s->nr);
	EXPECT_TRUE(wire_seen_add(s, UINT32_MAX));
	EXPECT_FALSE(wire_seen_add(s, UINT32_MAX));
	EXPECT_EQ((u64)UINT32_MAX - 6, wire_seen_missing(s));
}

/* Against a bitmap, in random order, within and beyond the range bound. */
TEST_F(wire, seen_agrees_with_a_bitmap)
{
	bool have[512] = {};
	unsigned int rnd = 1, accepted = 0;

	for (int i = 0; i < 2000; i++) {
		u32 seq;
		bool fresh;

		rnd = rnd * 1103515245 + 12345;
		seq = rnd >> 16 & 511;
		fresh = wire_seen_add(&self->seen, seq);
		ASSERT_FALSE(fresh && have[seq]);	/* never twice */
		have[seq] = true;
		accepted += fresh;
		ASSERT_GE(WIRE_SEEN_RANGES, self->seen.nr);
		for (unsigned int r = 1; r < self->seen.nr; r++)
			ASSERT_LT((u64)self->seen.ranges[r - 1].last + 1,
				  self->seen.ranges[r].first);
	}
	EXPECT_EQ(accepted, self->seen.frames);
	EXPECT_EQ(2000, accepted + self->seen.duplicates);
}

static struct wire_frame as_frame(const void *data, u32 len)
{
	return (struct wire_frame){ .data = data, .len = len };
}

TEST(exit_is_exactly_four_bytes)
{
	static const u8 p[5] = { 0xfe, 0xff, 0xff, 0xff, 0 };
	u32 signal;
	s32 code;

	for (u32 len = 0; len <= 5; len++) {
		struct wire_frame f = as_frame(p, len);

		f.flags = 11;
		EXPECT_EQ(len == 4 ? 0 : -EINVAL, wire_parse_exit(&f, &code, &signal));
	}
	EXPECT_EQ(-2, code);
	EXPECT_EQ(11, signal);
}

TEST(short_payloads_are_refused)
{
	static const u8 zero[256] = {};
	struct wire_text a, b;

	for (u32 len = 0; len < 64; len++) {
		struct wire_frame f = as_frame(zero, len);
		struct wire_kern_addrs k;
		struct wire_sched_exit x;
		struct wire_lifecycle l;
		struct wire_stimulus s;
		struct wire_snapshot n;
		struct wire_hello h;
		struct wire_test t;

		EXPECT_EQ(len >= sizeof(h) ? 0 : -EINVAL, wire_parse_hello(&f, &h, &a, &b));
		EXPECT_EQ(len >= sizeof(l) ? 0 : -EINVAL, wire_parse_lifecycle(&f, &l, &a));
		EXPECT_EQ(len >= sizeof(s) ? 0 : -EINVAL, wire_parse_stimulus(&f, &s, &a));
		EXPECT_EQ(len >= sizeof(x) ? 0 : -EINVAL, wire_parse_sched_exit(&f, &x, &a));
		EXPECT_EQ(len == sizeof(k) ? 0 : -EINVAL, wire_parse_kern_addrs(&f, &k));
		EXPECT_EQ(-EINVAL, wire_parse_test(&f, &t, &a, &b));
		EXPECT_EQ(-EINVAL, wire_parse_snapshot(&f, &n, &a));
	}
}

TEST(strings_end_where_the_payload_ends)
{
	char p[sizeof(struct wire_hello) + 8] = {};
	struct wire_frame f = as_frame(p, sizeof(p));
	struct wire_text agent, release;
	struct wire_hello h;

	memcpy(p + sizeof(h), "1.0\0" "6.1x", 8);
	ASSERT_EQ(0, wire_parse_hello(&f, &h, &agent, &release));
	EXPECT_EQ(3, agent.len);
	EXPECT_EQ(4, release.len);
	memset(p + sizeof(h), 'x', 8);
	ASSERT_EQ(0, wire_parse_hello(&f, &h, &agent, &release));
	EXPECT_EQ(8, agent.len);
	EXPECT_EQ(0, release.len);
}

TEST(snapshot_names_are_bounded)
{
	u8 p[8 + 200] = { 0 };
	struct wire_frame f = as_frame(p, 8 + 127);
	struct wire_snapshot s;
	struct wire_text name;

	memset(p, 'n', sizeof(p));
	wire_put32(p, 77);
	wire_put32(p + 4, WIRE_SNAPSHOT_CAPTURE);
	ASSERT_EQ(0, wire_parse_snapshot(&f, &s, &name));
	EXPECT_EQ(77, s.id);
	EXPECT_EQ(127, name.len);
	f.len++;
	EXPECT_EQ(-EINVAL, wire_parse_snapshot(&f, &s, &name));
	f.len = 8 + 3;
	p[9] = 0;
	EXPECT_EQ(-EINVAL, wire_parse_snapshot(&f, &s, &name));
	p[9] = 'n';
	wire_put32(p + 4, WIRE_SNAPSHOT_LOOK);
	EXPECT_EQ(0, wire_parse_snapshot(&f, &s, &name));
	wire_put32(p + 4, 5);
	EXPECT_EQ(-EINVAL, wire_parse_snapshot(&f, &s, &name));
}

TEST(unknown_types_have_a_name)
{
	EXPECT_STREQ("UNKNOWN", wire_type_name(0));
	EXPECT_STREQ("UNKNOWN", wire_type_name(0x7f));
	EXPECT_STREQ("UNKNOWN", wire_type_name(0xffff));
	EXPECT_STREQ("SHUTDOWN", wire_type_name(WIRE_SHUTDOWN));
	EXPECT_EQ(NULL, (void *)wire_stage_name(99));
}

TEST_HARNESS_MAIN
