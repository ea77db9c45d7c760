// SPDX-License-Identifier: GPL-2.0-only
/*
 * assembler: bytes from the guest to frames and text lines. The bulk paths
 * (port 1, ring) find frames by magic and header CRC; COM2 finds them by line.
 */
#include "runner/assembler.h"

#include <errno.h>
#include <limits.h>
#include <zlib.h>

#define FRAME_MAX (WIRE_HDR_SIZE + WIRE_MAX_PAYLOAD)
#define TEXT_LINE_MAX 4096

void assembler_init(struct assembler *a, enum wire_via via,
		    const struct assembler_ops *ops, void *ctx,
		    struct wire_seen *seen)
{
	*a = (struct assembler){
		.via = via, .ops = ops, .ctx = ctx, .seen = seen,
	};
}

void assembler_deinit(struct assembler *a)
{
	buf_reset(&a->pend);
	buf_reset(&a->line);
	buf_reset(&a->words.panic);
}

/* A whole frame with a good header; judge the payload and hand it out. */
static void deliver(struct assembler *a, const u8 *p, u32 len)
{
	struct wire_frame f = {
		.via = a->via,
		.type = wire_get16(p + 4),
		.flags = wire_get16(p + 6),
		.seq = wire_get32(p + 12),
		.len = len,
		.data = p + WIRE_HDR_SIZE,
	};

	a->in_garbage = false;
	if ((u32)crc32(0, f.data, len) != wire_get32(p + 16)) {
		a->stats.crc_errors++;
		return;
	}
	if (a->seen && !wire_seen_add(a->seen, f.seq)) {
		a->stats.duplicates++;
		return;
	}
	a->stats.frames++;
	a->ops->frame(a->ctx, &f);
}

static void garbage(struct assembler *a, size_t n)
{
	if (!n)
		return;
	a->stats.garbage_bytes += n;
	if (!a->in_garbage)
		a->stats.resyncs++;
	a->in_garbage = true;
}

/* Offset of the first place in @p that may begin a magic; @len if nowhere. */
static size_t find_magic(const u8 *p, size_t len)
{
	const u8 magic[4] = {
		WIRE_MAGIC & 0xff, WIRE_MAGIC >> 8 & 0xff,
		WIRE_MAGIC >> 16 & 0xff, WIRE_MAGIC >> 24,
	};
	const u8 *at = p;
	const u8 *end = p + len;

	while ((at = memchr(at, magic[0], (size_t)(end - at)))) {
		if (!memcmp(at, magic, min((size_t)(end - at), sizeof(magic))))
			return (size_t)(at - p);
		at++;
	}
	return len;
}

/* Magic is there; -1 where the header is no header, else the payload length. */
static int header_length(const u8 *p)
{
	u32 len = wire_get32(p + 8);

	if (wire_get32(p + 20) != wire_crc32(0, p, 20) || len > WIRE_MAX_PAYLOAD)
		return -1;
	return (int)len;
}

/*
 * Take all whole frames from the start of @p. Returns the bytes used up;
 * *want is how many must stand from there on before another try makes sense.
 */
static size_t parse(struct assembler *a, const u8 *p, size_t len, size_t *want)
{
	size_t off = 0;

	for (;;) {
		size_t skip = find_magic(p + off, len - off);
		int payload;

		garbage(a, skip);
		off += skip;
		*want = WIRE_HDR_SIZE;
		if (len - off < WIRE_HDR_SIZE)
			return off;
		payload = header_length(p + off);
		if (payload < 0) {
			a->stats.header_errors++;
			garbage(a, 1);
			off++;
			continue;
		}
		*want = WIRE_HDR_SIZE + (size_t)payload;
		if (len - off < *want)
			return off;
		deliver(a, p + off, (u32)payload);
		off += *want;
	}
}

/* After a failed allocation the buffer must work again for what follows. */
static int lost(struct assembler *a, struct buf *b)
{
	garbage(a, b->len);
	buf_reset(b);
	return -ENOMEM;
}

static int feed_bulk(struct assembler *a, const u8 *p, size_t len)
{
	size_t want = WIRE_HDR_SIZE;
	size_t used;

	/* What was left over never holds a whole frame: top it up, no more. */
	if (a->pend.len >= WIRE_HDR_SIZE)
		want += (size_t)header_length((u8 *)a->pend.data);
	while (a->pend.len && len) {
		size_t n = min(want - a->pend.len, len);

		if (buf_add(&a->pend, p, n))
			return lost(a, &a->pend);
		p += n;
		len -= n;
		if (a->pend.len < want)
			return 0;
		used = parse(a, (u8 *)a->pend.data, a->pend.len, &want);
		buf_consume(&a->pend, used);
	}
	if (!len)
		return 0;
	used = parse(a, p, len, &want);
	if (used == len)
		return 0;
	if (buf_reserve(&a->pend, want) || buf_add(&a->pend, p + used, len - used))
		return lost(a, &a->pend);
	return 0;
}

/* "VMTAP-EXIT:<s32>\n" and nothing else on the line. */
static bool parse_sentinel(const char *p, size_t len, s32 *code)
{
	const size_t head = sizeof(WIRE_SENTINEL) - 1;
	char num[16];
	char *end;
	long v;

	if (len < head || memcmp(p, WIRE_SENTINEL, head) || p[len - 1] != '\n')
		return false;
	p += head;
	len -= head + 1;
	if (len && p[len - 1] == '\r')
		len--;
	if (!len || len >= sizeof(num) || !(p[0] == '-' || (p[0] >= '0' && p[0] <= '9')))
		return false;
	memcpy(num, p, len);
	num[len] = 0;
	v = strtol(num, &end, 10);
	if (end != num + len || v < INT_MIN || v > INT_MAX)
		return false;
	*code = (s32)v;
	return true;
}

static bool blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static size_t trim_right(const char *p, size_t len)
{
	while (len && blank(p[len - 1]))
		len--;
	return len;
}

static void trim(const char **p, size_t *len)
{
	while (*len && blank(**p)) {
		(*p)++;
		(*len)--;
	}
	*len = trim_right(*p, *len);
}

static void add_panic(struct com2_words *w, const char *p, size_t len)
{
	size_t room = COM2_CRASH_MAX - min(w->panic.len, (size_t)COM2_CRASH_MAX);

	if (w->panic.len)
		buf_putc(&w->panic, '\n');
	buf_add(&w->panic, p, min(len, room));
	if (w->panic.len >= COM2_CRASH_MAX)
		w->panic_open = false;
}

static void look_for_panic(struct com2_words *w, const char *p, size_t len)
{
	const size_t head = sizeof(WIRE_PANIC) - 1;

	if (w->has_panic) {
		bool indented = len && (p[0] == ' ' || p[0] == '\t');

		if (w->panic_open && indented)
			add_panic(w, p, trim_right(p, len));
		else
			w->panic_open = false;
		return;
	}
	if (!memmem(p, len, WIRE_PANIC, head))
		return;
	w->has_panic = w->panic_open = true;
	trim(&p, &len);
	if (len >= head && !memcmp(p, WIRE_PANIC, head)) {
		p += head;
		len -= head;
		trim(&p, &len);
	}
	add_panic(w, p, len);
}

/* A text line, or a piece of one, is complete in a->line. */
static void end_text(struct assembler *a)
{
	const char *p = a->line.data;
	size_t len = a->line.len;
	s32 code;

	if (!len)
		return;
	if (!a->mid_line && parse_sentinel(p, len, &code)) {
		a->words.has_exit = true;
		a->words.exit_code = code;
		a->words.sentinels++;
		a->words.panic_open = false;
	} else {
		look_for_panic(&a->words, p, len);
		if (a->ops->text)
			a->ops->text(a->ctx, p, len);
	}
	a->mid_line = p[len - 1] != '\n';
	a->line.len = 0;
}

/* A frame line ended: what was unstuffed must be exactly one frame. */
static void end_frame_line(struct assembler *a)
{
	const u8 *p = (const u8 *)a->pend.data;
	size_t len = a->pend.len;
	int payload;

	a->in_frame = a->escaped = a->mid_line = false;
	a->pend.len = 0;
	if (len < WIRE_HDR_SIZE || wire_get32(p) != WIRE_MAGIC) {
		if (len >= 4 && wire_get32(p) == WIRE_MAGIC)
			a->stats.truncated++;
		garbage(a, len);
		return;
	}
	payload = header_length(p);
	if (payload < 0) {
		a->stats.header_errors++;
		garbage(a, len);
	} else if (len < WIRE_HDR_SIZE + (size_t)payload) {
		a->stats.truncated++;
		garbage(a, len);
	} else if (len > WIRE_HDR_SIZE + (size_t)payload) {
		a->stats.crc_errors++;
		garbage(a, len);
	} else {
		deliver(a, p, (u32)payload);
	}
}

/* Bytes of a frame line up to its end; returns how many were taken. */
static size_t frame_bytes(struct assembler *a, const u8 *p, size_t len, int *err)
{
	size_t i;

	for (i = 0; i < len; i++) {
		u8 c = p[i];

		if (c == '\n') {
			end_frame_line(a);
			return i + 1;
		}
		if (c == WIRE_LINE_START) {
			/* A writer died inside its frame; this is another. */
			end_frame_line(a);
			return i;
		}
		if (c == WIRE_LINE_ESCAPE) {
			a->escaped = true;
			continue;
		}
		if (wire_line_special(c))
			continue;	/* put in by a tty */
		if (a->escaped)
			c ^= WIRE_LINE_FLIP;
		a->escaped = false;
		/* Over-long lines keep one byte too many, so as to fail. */
		if (a->pend.len > FRAME_MAX) {
			garbage(a, 1);
			continue;
		}
		if (buf_putc(&a->pend, (char)c))
			*err = lost(a, &a->pend);
	}
	return i;
}

/* Bytes of a text line up to its end or to a frame; returns how many. */
static size_t text_bytes(struct assembler *a, const u8 *p, size_t len, int *err)
{
	const u8 *start = memchr(p, WIRE_LINE_START, len);
	const u8 *nl;
	size_t n = start ? (size_t)(start - p) : len;

	nl = memchr(p, '\n', n);
	if (nl)
		n = (size_t)(nl - p) + 1;
	n = min(n, TEXT_LINE_MAX - a->line.len);
	if (buf_add(&a->line, p, n)) {
		buf_reset(&a->line);
		*err = -ENOMEM;
		return n;
	}
	if (nl == p + n - 1 || a->line.len == TEXT_LINE_MAX ||
	    start == p + n)
		end_text(a);
	if (start == p + n) {
		a->in_frame = true;
		a->pend.len = 0;
		n++;
	}
	return n;
}

static int feed_com2(struct assembler *a, const u8 *p, size_t len)
{
	int err = 0;

	while (len) {
		size_t n = a->in_frame ? frame_bytes(a, p, len, &err)
				       : text_bytes(a, p, len, &err);

		p += n;
		len -= n;
	}
	return err;
}

int assembler_feed(struct assembler *a, const void *data, size_t len)
{
	a->stats.bytes += len;
	if (a->via == WIRE_VIA_COM2)
		return feed_com2(a, data, len);
	return feed_bulk(a, data, len);
}

void assembler_finish(struct assembler *a)
{
	if (a->via == WIRE_VIA_COM2) {
		if (a->in_frame)
			end_frame_line(a);
		end_text(a);
		return;
	}
	if (a->pend.len) {
		a->stats.truncated++;
		garbage(a, a->pend.len);
		a->pend.len = 0;
	}
}
