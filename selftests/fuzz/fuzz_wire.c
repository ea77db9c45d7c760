// SPDX-License-Identifier: GPL-2.0-only
/*
 * Frames, COM2 lines and the crash ring from hostile bytes. The first byte
 * picks transport and split, the second whether the rest is fed as it is or is
 * a recipe for frames with good CRCs among raw bytes (which mutation alone
 * would never find). Invariants that must hold for any input are checked
 * besides what the sanitizers see.
 */
#include "runner/assembler.h"
#include "runner/crashring.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t len);

struct sums {
	u64 frames;
	u64 bytes;
	u64 text;
};

static void on_frame(void *ctx, const struct wire_frame *f)
{
	struct wire_text a = {}, b = {};
	struct sums *sums = ctx;
	union {
		struct wire_hello hello;
		struct wire_lifecycle lifecycle;
		struct wire_test test;
		struct wire_stimulus stimulus;
		struct wire_snapshot snapshot;
		struct wire_kern_addrs addrs;
		struct wire_sched_exit sched;
	} u;
	u32 signal;
	s32 code;

	sums->frames++;
	sums->bytes += WIRE_HDR_SIZE + f->len;
	BUG_ON(f->len > WIRE_MAX_PAYLOAD);
	wire_parse_hello(f, &u.hello, &a, &b);
	BUG_ON(a.len + b.len > f->len);
	wire_parse_lifecycle(f, &u.lifecycle, &a);
	wire_parse_exit(f, &code, &signal);
	a = b = (struct wire_text){};
	wire_parse_test(f, &u.test, &a, &b);
	BUG_ON(a.len + b.len > f->len);
	wire_parse_stimulus(f, &u.stimulus, &a);
	wire_parse_snapshot(f, &u.snapshot, &a);
	wire_parse_kern_addrs(f, &u.addrs);
	wire_parse_sched_exit(f, &u.sched, &a);
	wire_type_name(f->type);
}

static void on_text(void *ctx, const char *line, size_t len)
{
	struct sums *sums = ctx;

	BUG_ON(!len || len > 4096 || memchr(line, WIRE_LINE_START, len));
	sums->text += len;
}

static void run(enum wire_via via, const u8 *data, size_t len, size_t step,
		struct sums *sums)
{
	static const struct assembler_ops ops = { on_frame, on_text };
	struct wire_seen seen = {};
	struct assembler a;

	assembler_init(&a, via, &ops, sums, &seen);
	for (size_t i = 0; i < len; i += step)
		assembler_feed(&a, data + i, min(step, len - i));
	assembler_finish(&a);
	BUG_ON(a.stats.bytes != len || a.stats.frames != sums->frames);
	BUG_ON(sums->frames + a.stats.duplicates != seen.frames + seen.duplicates);
	BUG_ON(seen.nr > WIRE_SEEN_RANGES);
	BUG_ON(a.stats.garbage_bytes > len);
	/* Nothing is lost without being counted. */
	if (via != WIRE_VIA_COM2 && !a.stats.crc_errors && !a.stats.duplicates)
		BUG_ON(sums->bytes + a.stats.garbage_bytes != len);
	assembler_deinit(&a);
}

static void run_ring(const u8 *data, size_t len)
{
	struct crashring_info info;
	struct buf out = {};
	u8 *area = malloc(len + 1);

	if (len)
		memcpy(area, data, len);
	crashring_read(area, len, &out, &info);
	BUG_ON(out.len > len || (out.len && !info.valid));
	buf_reset(&out);
	free(area);
}

/* {kind, seq, flags, length, bytes}...: frames and raw bytes to @out. */
static void cook(enum wire_via via, const u8 *p, size_t len, struct buf *out)
{
	while (len >= 4) {
		size_t n = min((size_t)p[3], len - 4);
		const u8 *body = p + 4;

		if (p[0] & 0x80)
			buf_add(out, body, n);
		else if (via == WIRE_VIA_COM2)
			wire_encode_line(out, p[0] % 16, p[2], p[1], body, n);
		else
			wire_encode(out, p[0] % 16, p[2], p[1], body, n);
		/* Cut the frame short. */
		if (p[0] & 0x40)
			out->len -= min(out->len, (size_t)p[2]);
		p += 4 + n;
		len -= 4 + n;
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t len)
{
	struct buf cooked = {};
	struct sums split = {}, whole = {};
	enum wire_via via;
	size_t step;

	if (len < 2)
		return 0;
	via = (enum wire_via)(WIRE_VIA_PORT1 + data[0] % 3);
	step = 1 + data[0] / 3;
	if (data[1] & 1) {
		cook(via, data + 2, len - 2, &cooked);
		data = (const u8 *)buf_str(&cooked);
		len = cooked.len;
	} else {
		data += 2;
		len -= 2;
	}
	run(via, data, len, step, &split);
	run(via, data, len, len ? len : 1, &whole);
	/* A split changes nothing but where over-long text is cut. */
	BUG_ON(split.frames != whole.frames || split.bytes != whole.bytes ||
	       split.text != whole.text);
	if (via == WIRE_VIA_RING)
		run_ring(data, len);
	buf_reset(&cooked);
	return 0;
}
