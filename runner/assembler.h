/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * assembler: the host's receiving side of runner/wire.h. Bytes come in as the
 * guest's whims split them; whole, checked frames and plain text go out.
 *
 * One assembler per transport; one struct wire_seen for all of them, so that a
 * frame that arrives twice (in flight and by the flush after exit, or by ring
 * and port) is delivered once.
 *
 * Context: one thread at a time per assembler and per wire_seen. Callbacks run
 * inside assembler_feed() and must not call back into the same assembler.
 */
#ifndef VMTAP_RUNNER_ASSEMBLER_H
#define VMTAP_RUNNER_ASSEMBLER_H

#include <stdbool.h>

#include "runner/wire.h"
#include "vmm/base/buf.h"
#include "vmm/base/util.h"

enum wire_via { WIRE_VIA_NONE, WIRE_VIA_PORT1, WIRE_VIA_COM2, WIRE_VIA_RING };

/* A frame whose CRCs are good. @data lives until the callback returns. */
struct wire_frame {
	enum wire_via via;
	u16 type;	/* also unknown ones; the guest's word */
	u16 flags;
	u32 seq;
	u32 len;
	const u8 *data;
};

/*
 * Sequence numbers seen, as disjoint ranges. Any order is fine. Ranges are
 * bounded: past the bound the two nearest are joined (then a late frame in
 * between counts as a duplicate). Zero-initialised is empty.
 */
#define WIRE_SEEN_RANGES 64

struct wire_seen {
	struct { u32 first, last; } ranges[WIRE_SEEN_RANGES];
	unsigned int nr;
	u64 frames;	/* accepted */
	u64 duplicates;	/* dropped */
	u64 joined;	/* numbers that were given up for a bound */
};

/** wire_seen_add() - note @seq; false where it was there before */
bool wire_seen_add(struct wire_seen *seen, u32 seq);
/** wire_seen_missing() - numbers below the highest one that never came */
u64 wire_seen_missing(const struct wire_seen *seen);

/* What was dropped and why; plain numbers, all start at 0. */
struct wire_stats {
	u64 frames;		/* delivered */
	u64 bytes;		/* fed */
	u64 crc_errors;		/* header fine, payload damaged: frame skipped */
	u64 header_errors;	/* magic fine, header damaged or too long */
	u64 resyncs;		/* runs of garbage before a frame or the end */
	u64 garbage_bytes;	/* not part of any frame (port 1, ring), or of a
				 * frame line that did not decode (COM2) */
	u64 truncated;		/* frames cut short by the end or, on COM2, by
				 * text or another frame */
	u64 duplicates;		/* good frames seen before */
};

struct assembler_ops {
	/** frame() - a good frame, each sequence number once */
	void (*frame)(void *ctx, const struct wire_frame *f);
	/**
	 * text() - plain text of COM2 but the sentinels: a line with its
	 * newline, or a piece of an over-long or interrupted one; may be NULL;
	 * never called for port 1 and ring
	 */
	void (*text)(void *ctx, const char *line, size_t len);
};

#define COM2_CRASH_MAX (16u << 10)

/* What the plain text of COM2 said. */
struct com2_words {
	bool has_exit;
	s32 exit_code;		/* of the last sentinel */
	u32 sentinels;
	bool has_panic;
	bool panic_open;	/* backtrace lines still join */
	struct buf panic;	/* message and backtrace, newline between lines */
};

struct assembler {
	enum wire_via via;
	const struct assembler_ops *ops;
	void *ctx;
	struct wire_seen *seen;	/* may be NULL: no duplicate detection */
	struct wire_stats stats;
	struct com2_words words;
	/* private */
	struct buf pend;	/* the frame or frame line so far */
	struct buf line;	/* COM2: the text line so far */
	bool in_garbage;
	bool in_frame;		/* COM2: between WIRE_LINE_START and newline */
	bool escaped;		/* COM2: the last byte was WIRE_LINE_ESCAPE */
	bool mid_line;		/* COM2: a piece of this line went out already */
};

/**
 * assembler_init() - begin a stream
 * @ops, @ctx, @seen: the caller's; outlive the assembler
 */
void assembler_init(struct assembler *a, enum wire_via via,
		    const struct assembler_ops *ops, void *ctx,
		    struct wire_seen *seen);

/**
 * assembler_feed() - take the next @len bytes of the stream
 * Holds at most one frame (or COM2 line) of memory whatever the guest says.
 * Return: 0, -ENOMEM (the bytes are lost, the stream goes on).
 */
int assembler_feed(struct assembler *a, const void *data, size_t len);

/** assembler_finish() - the stream ended: count a cut frame, flush a cut line */
void assembler_finish(struct assembler *a);

/** assembler_deinit() - free; also fine on a zeroed one */
void assembler_deinit(struct assembler *a);

/*
 * Payload decoders: 0, or -EINVAL where the payload is too short, too long
 * or its numbers are out of range. Text is handed out as pointer and length
 * into the payload, neither terminated nor free of control characters.
 */
struct wire_text {
	const char *p;
	size_t len;
};

int wire_parse_hello(const struct wire_frame *f, struct wire_hello *out,
		     struct wire_text *agent, struct wire_text *release);
int wire_parse_lifecycle(const struct wire_frame *f, struct wire_lifecycle *out,
			 struct wire_text *detail);
/** wire_parse_exit() - exactly 4 bytes; @signal 0 where the payload exited */
int wire_parse_exit(const struct wire_frame *f, s32 *code, u32 *signal);
int wire_parse_test(const struct wire_frame *f, struct wire_test *out,
		    struct wire_text *name, struct wire_text *detail);
int wire_parse_stimulus(const struct wire_frame *f, struct wire_stimulus *out,
			struct wire_text *label);
/** wire_parse_snapshot() - the name is 1 to 127 bytes */
int wire_parse_snapshot(const struct wire_frame *f, struct wire_snapshot *out,
			struct wire_text *name);
int wire_parse_kern_addrs(const struct wire_frame *f,
			  struct wire_kern_addrs *out);
int wire_parse_sched_exit(const struct wire_frame *f,
			  struct wire_sched_exit *out, struct wire_text *text);

/** wire_type_name() - "STDOUT"; "UNKNOWN" for what this host does not know */
const char *wire_type_name(u16 type);
/** wire_stage_name() - "entry" ... "verdict"; NULL out of range */
const char *wire_stage_name(u32 stage);
/** wire_via_name() - "none", "port1", "com2", "ring" */
const char *wire_via_name(enum wire_via via);

/**
 * wire_encode() - append a whole frame to @out (host requests, tests)
 * Return: 0, -ENOMEM, -EMSGSIZE.
 */
int wire_encode(struct buf *out, u16 type, u16 flags, u32 seq,
		const void *payload, size_t len);
/** wire_encode_line() - the same as a COM2 line */
int wire_encode_line(struct buf *out, u16 type, u16 flags, u32 seq,
		     const void *payload, size_t len);

#endif
