// SPDX-License-Identifier: GPL-2.0-only
/* wire: names, encoding and payload decoding of the guest protocol. */
#include "runner/assembler.h"

#include <errno.h>
#include <zlib.h>

#define SNAPSHOT_NAME_MAX 127

const char *wire_type_name(u16 type)
{
	static const char *const names[] = {
		[WIRE_HELLO] = "HELLO",
		[WIRE_LIFECYCLE] = "LIFECYCLE",
		[WIRE_STDOUT] = "STDOUT",
		[WIRE_STDERR] = "STDERR",
		[WIRE_EXIT] = "EXIT",
		[WIRE_TEST_RESULT] = "TEST_RESULT",
		[WIRE_STIMULUS] = "STIMULUS",
		[WIRE_SNAPSHOT_REQUEST] = "SNAPSHOT_REQUEST",
		[WIRE_KERN_ADDRS] = "KERN_ADDRS",
		[WIRE_METRICS] = "METRICS",
		[WIRE_SCHED_EXIT] = "SCHED_EXIT",
		[WIRE_CRASH] = "CRASH",
		[WIRE_LOG] = "LOG",
		[WIRE_SCHED_OUT] = "SCHED_OUT",
		[WIRE_SCHED_ON] = "SCHED_ON",
		[WIRE_PROBES] = "PROBES",
		[WIRE_PHASE] = "PHASE",
		[WIRE_SNAPSHOT_REPLY] = "SNAPSHOT_REPLY",
		[WIRE_SHUTDOWN] = "SHUTDOWN",
		[WIRE_MAP_WRITE_DONE] = "MAP_WRITE_DONE",
		[WIRE_GO_ON] = "GO_ON",
	};

	if (type < ARRAY_SIZE(names) && names[type])
		return names[type];
	return "UNKNOWN";
}

const char *wire_stage_name(u32 stage)
{
	static const char *const names[] = {
		"entry", "kernel", "init", "agent", "payload", "verdict",
	};

	return stage < ARRAY_SIZE(names) ? names[stage] : NULL;
}

const char *wire_via_name(enum wire_via via)
{
	static const char *const names[] = { "none", "port1", "com2", "ring" };

	return (unsigned int)via < ARRAY_SIZE(names) ? names[via] : "none";
}

int wire_encode(struct buf *out, u16 type, u16 flags, u32 seq,
		const void *payload, size_t len)
{
	u8 hdr[WIRE_HDR_SIZE];

	if (len > WIRE_MAX_PAYLOAD)
		return -EMSGSIZE;
	wire_header(hdr, type, flags, seq, (u32)crc32(0, payload, (uInt)len),
		    (u32)len);
	buf_add(out, hdr, sizeof(hdr));
	return buf_add(out, payload, len);
}

int wire_encode_line(struct buf *out, u16 type, u16 flags, u32 seq,
		     const void *payload, size_t len)
{
	struct buf raw = {};
	int err = wire_encode(&raw, type, flags, seq, payload, len);

	if (!err)
		err = buf_putc(out, WIRE_LINE_START);
	if (!err)
		err = buf_reserve(out, 2 * raw.len + 1);
	if (!err) {
		out->len += wire_line_encode((u8 *)out->data + out->len,
					     raw.data, raw.len);
		err = buf_putc(out, '\n');
	}
	buf_reset(&raw);
	return err;
}

/* The text behind a fixed head of @size bytes. */
static int split(const struct wire_frame *f, size_t size,
		 struct wire_text *rest)
{
	if (f->len < size)
		return -EINVAL;
	rest->p = (const char *)f->data + size;
	rest->len = f->len - size;
	return 0;
}

/* Cut the string before the first NUL off @from; all of it where there is none. */
static struct wire_text take_string(struct wire_text *from)
{
	struct wire_text head = *from;
	const char *nul = memchr(from->p, 0, from->len);

	if (nul) {
		head.len = (size_t)(nul - from->p);
		from->len -= head.len + 1;
		from->p = nul + 1;
	} else {
		from->p += from->len;
		from->len = 0;
	}
	return head;
}

int wire_parse_hello(const struct wire_frame *f, struct wire_hello *out,
		     struct wire_text *agent, struct wire_text *release)
{
	struct wire_text rest;

	if (split(f, sizeof(*out), &rest))
		return -EINVAL;
	*out = (struct wire_hello){
		.version = wire_get32(&f->data[0]),
		.cpus = wire_get32(&f->data[4]),
		.memory = wire_get64(&f->data[8]),
		.time_ns = wire_get64(&f->data[16]),
	};
	*agent = take_string(&rest);
	*release = take_string(&rest);
	return 0;
}

int wire_parse_lifecycle(const struct wire_frame *f, struct wire_lifecycle *out,
			 struct wire_text *detail)
{
	struct wire_text rest;

	if (split(f, sizeof(*out), &rest) ||
	    wire_get32(f->data) > WIRE_STAGE_VERDICT)
		return -EINVAL;
	*detail = rest;
	*out = (struct wire_lifecycle){
		.stage = wire_get32(&f->data[0]),
		.time_ns = wire_get64(&f->data[8]),
	};
	return 0;
}

int wire_parse_exit(const struct wire_frame *f, s32 *code, u32 *signal)
{
	if (f->len != 4)
		return -EINVAL;
	*code = (s32)wire_get32(f->data);
	*signal = WIRE_EXIT_SIGNAL(f->flags);
	return 0;
}

int wire_parse_test(const struct wire_frame *f, struct wire_test *out,
		    struct wire_text *name, struct wire_text *detail)
{
	struct wire_text rest, first;

	if (split(f, sizeof(*out), &rest) ||
	    wire_get32(f->data) > WIRE_TEST_TIMEOUT)
		return -EINVAL;
	first = take_string(&rest);
	if (!first.len)
		return -EINVAL;
	*name = first;
	*detail = rest;
	*out = (struct wire_test){
		.status = wire_get32(&f->data[0]),
		.duration_ns = wire_get64(&f->data[8]),
	};
	return 0;
}

int wire_parse_stimulus(const struct wire_frame *f, struct wire_stimulus *out,
			struct wire_text *label)
{
	if (split(f, sizeof(*out), label))
		return -EINVAL;
	*out = (struct wire_stimulus){
		.time_ns = wire_get64(&f->data[0]),
		.step = wire_get32(&f->data[8]),
		.ops = wire_get32(&f->data[12]),
		.cgroups = wire_get32(&f->data[16]),
		.workers = wire_get32(&f->data[20]),
		.iterations = wire_get64(&f->data[24]),
	};
	return 0;
}

int wire_parse_snapshot(const struct wire_frame *f, struct wire_snapshot *out,
			struct wire_text *name)
{
	struct wire_text rest;
	u32 kind;

	if (split(f, sizeof(*out), &rest))
		return -EINVAL;
	kind = wire_get32(&f->data[4]);
	if (kind < WIRE_SNAPSHOT_CAPTURE || kind > WIRE_SNAPSHOT_LOOK)
		return -EINVAL;
	if (!rest.len || rest.len > SNAPSHOT_NAME_MAX ||
	    memchr(rest.p, 0, rest.len))
		return -EINVAL;
	*name = rest;
	*out = (struct wire_snapshot){ wire_get32(f->data), kind };
	return 0;
}

int wire_parse_kern_addrs(const struct wire_frame *f,
			  struct wire_kern_addrs *out)
{
	if (f->len != sizeof(*out))
		return -EINVAL;
	*out = (struct wire_kern_addrs){
		.valid = wire_get32(&f->data[0]),
		.text = wire_get64(&f->data[8]),
		.code_start = wire_get64(&f->data[16]),
		.phys_base = wire_get64(&f->data[24]),
		.kaslr_offset = wire_get64(&f->data[32]),
	};
	return 0;
}

int wire_parse_sched_exit(const struct wire_frame *f,
			  struct wire_sched_exit *out, struct wire_text *text)
{
	if (split(f, sizeof(*out), text))
		return -EINVAL;
	*out = (struct wire_sched_exit){
		.code = (s32)wire_get32(&f->data[0]),
		.signal = wire_get32(&f->data[4]),
	};
	return 0;
}

/* Join range @i with the one after it. */
static void join_next(struct wire_seen *seen, unsigned int i)
{
	seen->joined += (u64)seen->ranges[i + 1].first - seen->ranges[i].last - 1;
	seen->ranges[i].last = seen->ranges[i + 1].last;
	seen->nr--;
	memmove(&seen->ranges[i + 1], &seen->ranges[i + 2],
		(seen->nr - i - 1) * sizeof(seen->ranges[0]));
}

static void join_nearest(struct wire_seen *seen)
{
	u32 best_gap = UINT32_MAX;
	unsigned int best = 0;

	for (unsigned int i = 0; i + 1 < seen->nr; i++) {
		u32 gap = seen->ranges[i + 1].first - seen->ranges[i].last;

		if (gap < best_gap) {
			best_gap = gap;
			best = i;
		}
	}
	join_next(seen, best);
}

bool wire_seen_add(struct wire_seen *seen, u32 seq)
{
	unsigned int i = seen->nr;

	/* Frames come in order but for a few: look from the end. */
	while (i && seen->ranges[i - 1].first > seq)
		i--;
	if (i && seq <= seen->ranges[i - 1].last) {
		seen->duplicates++;
		return false;
	}
	seen->frames++;
	if (i && seen->ranges[i - 1].last + 1 == seq) {
		seen->ranges[i - 1].last = seq;
		if (i < seen->nr && seen->ranges[i].first == seq + 1)
			join_next(seen, i - 1);
		return true;
	}
	if (i < seen->nr && seen->ranges[i].first == seq + 1) {
		seen->ranges[i].first = seq;
		return true;
	}
	if (seen->nr == WIRE_SEEN_RANGES) {
		join_nearest(seen);
		seen->frames--;
		return wire_seen_add(seen, seq);
	}
	memmove(&seen->ranges[i + 1], &seen->ranges[i],
		(seen->nr - i) * sizeof(seen->ranges[0]));
	seen->ranges[i].first = seen->ranges[i].last = seq;
	seen->nr++;
	return true;
}

u64 wire_seen_missing(const struct wire_seen *seen)
{
	u64 have = 0;

	if (!seen->nr)
		return 0;
	for (unsigned int i = 0; i < seen->nr; i++)
		have += (u64)seen->ranges[i].last - seen->ranges[i].first + 1;
	return (u64)seen->ranges[seen->nr - 1].last + 1 - have + seen->joined;
}
