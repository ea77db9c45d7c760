// SPDX-License-Identifier: GPL-2.0-only
/* The printk ring buffer in guest memory; see dmesg.h. */
#include "freeze/dmesg.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/buf.h"
#include "vmm/base/diag.h"

/* Bounds on what a ring may claim to be. */
#define MAX_COUNT_BITS 22	/* descriptors */
#define MAX_SIZE_BITS 30	/* text bytes */
#define MAX_TEXT_BYTES MiB(256)

/* Descriptor states, the top two bits of prb_desc.state_var. */
#define STATE_SHIFT 62
#define STATE_COMMITTED 1
#define STATE_FINALIZED 2
#define STATE_REUSABLE 3
#define ID_MASK ((1ULL << STATE_SHIFT) - 1)

/* Offsets of everything that is read; bytes. */
struct layout {
	u64 desc_ring, text_ring;
	u64 count_bits, descs, infos, head_id, tail_id;
	u64 desc_size, state_var, blk;	/* struct prb_desc */
	u64 begin, next;		/* struct prb_data_blk_lpos */
	u64 info_size, seq, ts, text_len, caller_id;
	u64 size_bits, data;		/* struct prb_data_ring */
};

static const struct {
	const char *name;
	size_t at;
	bool size;	/* of the struct, not a member's offset */
} fields[] = {
#define OFF(member, name) { name, offsetof(struct layout, member), false }
	OFF(desc_ring, "printk_ringbuffer.desc_ring"),
	OFF(text_ring, "printk_ringbuffer.text_data_ring"),
	OFF(count_bits, "prb_desc_ring.count_bits"),
	OFF(descs, "prb_desc_ring.descs"),
	OFF(infos, "prb_desc_ring.infos"),
	OFF(head_id, "prb_desc_ring.head_id"),
	OFF(tail_id, "prb_desc_ring.tail_id"),
	OFF(state_var, "prb_desc.state_var"),
	OFF(blk, "prb_desc.text_blk_lpos"),
	OFF(begin, "prb_data_blk_lpos.begin"),
	OFF(next, "prb_data_blk_lpos.next"),
	OFF(seq, "printk_info.seq"),
	OFF(ts, "printk_info.ts_nsec"),
	OFF(text_len, "printk_info.text_len"),
	OFF(caller_id, "printk_info.caller_id"),
	OFF(size_bits, "prb_data_ring.size_bits"),
	OFF(data, "prb_data_ring.data"),
#undef OFF
	{ "prb_desc", offsetof(struct layout, desc_size), true },
	{ "printk_info", offsetof(struct layout, info_size), true },
};

static void set_field(struct layout *l, size_t i, u64 value)
{
	memcpy((u8 *)l + fields[i].at, &value, sizeof(value));
}

static int layout_from_types(const struct ktype *kt, struct layout *l,
			     struct diag *d)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(fields); i++) {
		s64 v = fields[i].size ? ktype_size(kt, fields[i].name) :
					 ktype_offset(kt, fields[i].name);

		if (v < 0)
			return diag_fail(d, -ENOENT, NULL,
					 "BTF has no %s: unknown log buffer",
					 fields[i].name);
		set_field(l, i, (u64)v);
	}
	return 0;
}

static int layout_from_vmcoreinfo(const struct vmcoreinfo *v, struct layout *l,
				  struct diag *d)
{
	size_t i;
	u64 x;

	for (i = 0; i < ARRAY_SIZE(fields); i++) {
		if (fields[i].size ? !vmcoreinfo_size(v, fields[i].name, &x) :
				     !vmcoreinfo_offset(v, fields[i].name, &x))
			return diag_fail(d, -ENOENT, NULL,
					 "VMCOREINFO has no %s: unknown log buffer",
					 fields[i].name);
		if (x > 65536)
			return diag_fail(d, -EINVAL, NULL,
					 "VMCOREINFO: %s of %" PRIu64,
					 fields[i].name, x);
		set_field(l, i, x);
	}
	return 0;
}

struct ring {
	const struct vas *vas;
	struct layout l;
	u64 descs, infos, data;
	u32 count_bits, size_bits;
	u64 head_id, tail_id;
};

static int read_ring(struct ring *r, gva_t rb, struct diag *d)
{
	const struct vas *v = r->vas;
	gva_t dr = rb + r->l.desc_ring, tr = rb + r->l.text_ring;

	if (vas_read_u32(v, dr + r->l.count_bits, &r->count_bits) ||
	    vas_read_u64(v, dr + r->l.descs, &r->descs) ||
	    vas_read_u64(v, dr + r->l.infos, &r->infos) ||
	    vas_read_u64(v, dr + r->l.head_id, &r->head_id) ||
	    vas_read_u64(v, dr + r->l.tail_id, &r->tail_id) ||
	    vas_read_u32(v, tr + r->l.size_bits, &r->size_bits) ||
	    vas_read_u64(v, tr + r->l.data, &r->data))
		return diag_fail(d, -EFAULT, NULL,
				 "the log buffer at 0x%" PRIx64 " cannot be read",
				 rb);
	if (!r->count_bits || r->count_bits > MAX_COUNT_BITS ||
	    !r->size_bits || r->size_bits > MAX_SIZE_BITS)
		return diag_fail(d, -EINVAL, NULL,
				 "log buffer of 2^%u records and 2^%u bytes: not believed",
				 r->count_bits, r->size_bits);
	return 0;
}

/*
 * Where a record's text lies in the data ring. Logical positions run on; a
 * block that would cross the end of the ring is stored at its start instead.
 * The block begins with the record's id. False: no text, or a lie.
 */
static bool text_block(const struct ring *r, u64 begin, u64 next, u64 *off,
		       u64 *len)
{
	u64 size = 1ULL << r->size_bits, end = next & (size - 1);

	if (begin & 1)	/* marks a record without a data block */
		return false;
	if (begin >> r->size_bits == next >> r->size_bits) {
		*off = begin & (size - 1);
	} else if ((begin >> r->size_bits) + 1 == next >> r->size_bits) {
		/* An end at 0 is the very end of the ring. */
		*off = end ? 0 : begin & (size - 1);
		end = end ? end : size;
	} else {
		return false;
	}
	if (end < *off + 8)
		return false;
	*off += 8;
	*len = end - *off;
	return true;
}

static int add_text(const struct ring *r, struct dmesg_record *rec,
		    u64 begin, u64 next, u16 text_len, struct buf *text)
{
	u64 off = 0, len = 0;

	if (!text_block(r, begin, next, &off, &len))
		len = 0;
	len = min(len, (u64)text_len);
	rec->text_off = (u32)text->len;
	if (len) {
		if (buf_reserve(text, len))
			return -ENOMEM;
		if (vas_read(r->vas, r->data + off, text->data + text->len,
			     len))
			return -EFAULT;
		/* The text is data: a NUL in it would cut it for readers. */
		rec->text_len = (u32)strnlen(text->data + text->len, len);
		text->len += rec->text_len;
	}
	return buf_putc(text, '\0');
}

/* 1: taken, 0: not readable (now), 2: no record there, -ENOMEM */
static int read_record(const struct ring *r, u64 id, struct dmesg_record *rec,
		       struct buf *text)
{
	const struct layout *l = &r->l;
	u64 i = id & ((1ULL << r->count_bits) - 1), state, begin, next;
	gva_t desc = r->descs + i * l->desc_size;
	gva_t info = r->infos + i * l->info_size;
	u16 text_len;
	u8 facility, level;
	int err;

	if (vas_read_u64(r->vas, desc + l->state_var, &state) ||
	    (state & ID_MASK) != id)
		return 0;
	if (state >> STATE_SHIFT == STATE_REUSABLE)
		return 2;
	if (state >> STATE_SHIFT != STATE_COMMITTED &&
	    state >> STATE_SHIFT != STATE_FINALIZED)
		return 0;
	/* facility and flags:5, level:3 follow text_len since 5.10 */
	if (vas_read_u64(r->vas, desc + l->blk + l->begin, &begin) ||
	    vas_read_u64(r->vas, desc + l->blk + l->next, &next) ||
	    vas_read_u64(r->vas, info + l->seq, &rec->seq) ||
	    vas_read_u64(r->vas, info + l->ts, &rec->ts_ns) ||
	    vas_read_u16(r->vas, info + l->text_len, &text_len) ||
	    vas_read_u8(r->vas, info + l->text_len + 2, &facility) ||
	    vas_read_u8(r->vas, info + l->text_len + 3, &level) ||
	    vas_read_u32(r->vas, info + l->caller_id, &rec->caller_id))
		return 0;
	rec->facility = facility;
	rec->level = level >> 5;
	err = add_text(r, rec, begin, next, text_len, text);
	return err == -ENOMEM ? err : !err;
}

static int add_record(struct dmesg *m, size_t *cap,
		      const struct dmesg_record *rec)
{
	if (m->nr == *cap) {
		size_t want = *cap ? *cap * 2 : 256;
		void *p = realloc(m->records, want * sizeof(*m->records));

		if (!p)
			return -ENOMEM;
		m->records = p;
		*cap = want;
	}
	m->records[m->nr++] = *rec;
	return 0;
}

static int read_records(const struct ring *r, struct dmesg *m)
{
	u64 nr = 1ULL << r->count_bits, i;
	struct buf text = { 0 };
	size_t cap = 0;
	int err = 0;

	/* Ids wrap at 62 bits; the tail is at most a ring behind the head. */
	for (i = 0; i < nr && err >= 0; i++) {
		u64 id = (r->tail_id + i) & ID_MASK;
		struct dmesg_record rec = { 0 };
		size_t mark = text.len;

		err = read_record(r, id, &rec, &text);
		if (err == 1)
			err = add_record(m, &cap, &rec);
		else if (!err) {
			text.len = mark;
			m->skipped++;
		}
		if (id == (r->head_id & ID_MASK) || text.len > MAX_TEXT_BYTES)
			break;
	}
	if (err < 0 || text.failed) {
		buf_reset(&text);
		return -ENOMEM;
	}
	m->text = buf_steal(&text);
	return 0;
}

static int read_all(struct ring *r, gva_t prb, struct dmesg *out,
		    struct diag *d)
{
	struct dmesg m = { 0 };
	u64 rb;
	int err;

	if (vas_read_u64(r->vas, prb, &rb))
		return diag_fail(d, -EFAULT, NULL, "prb cannot be read");
	err = read_ring(r, rb, d);
	if (err)
		return err;
	err = read_records(r, &m);
	if (err) {
		dmesg_reset(&m);
		return diag_fail(d, err, NULL, "no memory for the log");
	}
	*out = m;
	return 0;
}

int dmesg_read(const struct kread *k, struct dmesg *out, struct diag *d)
{
	struct ring r = { .vas = &k->vas };
	gva_t prb;
	int err;

	err = kread_symbol(k, "prb", &prb, d);
	if (err)
		return err;
	if (!k->types)
		return diag_fail(d, -ENOENT, NULL, "no BTF");
	err = layout_from_types(k->types, &r.l, d);
	return err ? err : read_all(&r, prb, out, d);
}

int dmesg_read_vmcoreinfo(const struct vas *vas, const struct vmcoreinfo *v,
			  struct dmesg *out, struct diag *d)
{
	struct ring r = { .vas = vas };
	u64 prb;
	int err;

	if (!vmcoreinfo_symbol(v, "prb", &prb))
		return diag_fail(d, -ENOENT, NULL, "VMCOREINFO has no prb");
	err = layout_from_vmcoreinfo(v, &r.l, d);
	return err ? err : read_all(&r, prb, out, d);
}

int dmesg_print(const struct dmesg *m, struct buf *out)
{
	size_t i;

	for (i = 0; i < m->nr; i++) {
		const struct dmesg_record *rec = &m->records[i];
		const char *line = m->text + rec->text_off;
		u64 us = rec->ts_ns / 1000;

		do {
			size_t len = strcspn(line, "\n");

			buf_printf(out, "[%5" PRIu64 ".%06" PRIu64 "] ",
				   us / 1000000, us % 1000000);
			buf_add(out, line, len);
			buf_putc(out, '\n');
			line += len;
		} while (*line++);
	}
	return out->failed ? -ENOMEM : 0;
}

void dmesg_reset(struct dmesg *m)
{
	free(m->records);
	free(m->text);
	*m = (struct dmesg){ 0 };
}
