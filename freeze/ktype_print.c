// SPDX-License-Identifier: GPL-2.0-only
/* Values in C's own spelling, bounded in depth and length; see ktype.h. */
#include "freeze/ktype.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "vmm/base/buf.h"

#define MAX_DEPTH 8
#define MAX_ELEMS 64	/* shown of an array */
#define MAX_TEXT 16384	/* of one printed value */

static u64 load(const u8 *p, size_t size)
{
	u64 v = 0;

	memcpy(&v, p, min(size, sizeof(v)));
	return v;
}

static u64 sign_extend(u64 v, unsigned int bits)
{
	unsigned int shift = 64 - bits;

	return (u64)((s64)(v << shift) >> shift);
}

int ktype_int(const struct ktype *kt, const struct kfield *f, const void *data,
	      size_t len, u64 *out, bool *is_signed)
{
	struct ktype_info info;
	unsigned int bits;
	u64 v;

	if (ktype_info(kt, f->type_id, &info) || !info.size || info.size > 8 ||
	    len < info.size)
		return -EINVAL;
	switch (info.kind) {
	case KTYPE_INT:
	case KTYPE_BOOL:
	case KTYPE_CHAR:
	case KTYPE_ENUM:
	case KTYPE_PTR:
		break;
	default:
		return -EINVAL;
	}
	v = load(data, info.size);
	bits = (unsigned int)info.size * 8;
	if (f->bit_size) {
		if (f->bit_size > bits || f->bit_offset > bits - f->bit_size)
			return -EINVAL;
		v >>= f->bit_offset;
		bits = f->bit_size;
		if (bits < 64)
			v &= (1ULL << bits) - 1;
	}
	if (info.is_signed)
		v = sign_extend(v, bits);
	*out = v;
	if (is_signed)
		*is_signed = info.is_signed;
	return 0;
}

static int print_string(const u8 *s, size_t len, struct buf *out)
{
	size_t i;

	buf_putc(out, '"');
	for (i = 0; i < len && s[i]; i++) {
		if (s[i] == '"' || s[i] == '\\')
			buf_printf(out, "\\%c", s[i]);
		else if (s[i] >= 0x20 && s[i] < 0x7f)
			buf_putc(out, (char)s[i]);
		else
			buf_printf(out, "\\x%02x", s[i]);
	}
	return buf_putc(out, '"');
}

static int print_value(const struct ktype *kt, const struct kfield *f,
		       const u8 *data, size_t len, unsigned int depth,
		       struct buf *out);

static int print_scalar(const struct ktype *kt, const struct kfield *f,
			const struct ktype_info *info, const u8 *data,
			size_t len, struct buf *out)
{
	const char *name;
	bool is_signed;
	size_t i;
	u64 v;

	if (ktype_int(kt, f, data, len, &v, &is_signed)) {
		/* __int128, float: the bytes as they lie there */
		buf_puts(out, "0x");
		for (i = info->size; i; i--)
			buf_printf(out, "%02x", data[i - 1]);
		return 0;
	}
	switch (info->kind) {
	case KTYPE_BOOL:
		return buf_puts(out, v ? "true" : "false");
	case KTYPE_PTR:
		return buf_printf(out, "0x%" PRIx64, v);
	case KTYPE_ENUM:
		name = ktype_enum_name(kt, info->id, (s64)v);
		if (name)
			return buf_puts(out, name);
		break;
	default:
		break;
	}
	if (is_signed)
		return buf_printf(out, "%" PRId64, (s64)v);
	return buf_printf(out, "%" PRIu64, v);
}

static int print_array(const struct ktype *kt, const struct ktype_info *info,
		       const u8 *data, size_t len, unsigned int depth,
		       struct buf *out)
{
	struct kfield elem = { .type_id = info->elem_id };
	struct ktype_info ei;
	u64 i, n = info->nr_elems;

	if (ktype_info(kt, info->elem_id, &ei) || !ei.size)
		return buf_puts(out, "{}");
	if (ei.kind == KTYPE_CHAR)
		return print_string(data, min(len, (size_t)n), out);
	elem.size = ei.size;
	n = min(n, (u64)len / ei.size);
	buf_putc(out, '{');
	for (i = 0; i < n && i < MAX_ELEMS; i++) {
		if (i)
			buf_puts(out, ", ");
		if (print_value(kt, &elem, data + i * ei.size, ei.size,
				depth + 1, out))
			return -EINVAL;
	}
	if (i < info->nr_elems)
		buf_puts(out, i ? ", ..." : "...");
	return buf_putc(out, '}');
}

struct print_ctx {
	const struct ktype *kt;
	const u8 *data;
	size_t len;
	unsigned int depth;
	struct buf *out;
	bool first;
};

static int print_member(const char *name, const struct kfield *f, void *arg)
{
	struct print_ctx *c = arg;

	if (c->out->len > MAX_TEXT)
		return 1;
	if (f->offset > c->len || f->size > c->len - f->offset)
		return 0;
	if (!c->first)
		buf_puts(c->out, ", ");
	c->first = false;
	if (*name)
		buf_printf(c->out, ".%s = ", name);
	return print_value(c->kt, f, c->data + f->offset, f->size,
			   c->depth + 1, c->out);
}

static int print_value(const struct ktype *kt, const struct kfield *f,
		       const u8 *data, size_t len, unsigned int depth,
		       struct buf *out)
{
	struct ktype_info info;
	struct print_ctx c = { kt, data, len, depth, out, true };
	int ret;

	if (ktype_info(kt, f->type_id, &info) || info.size > len)
		return -EINVAL;
	if (depth > MAX_DEPTH || out->len > MAX_TEXT)
		return buf_puts(out, "...");
	switch (info.kind) {
	case KTYPE_ARRAY:
		return print_array(kt, &info, data, len, depth, out);
	case KTYPE_STRUCT:
	case KTYPE_UNION:
		buf_putc(out, '{');
		ret = ktype_each_member(kt, info.id, print_member, &c);
		if (ret < 0)
			return ret;
		return buf_puts(out, ret ? ", ...}" : "}");
	case KTYPE_VOID:
	case KTYPE_FUNC:
	case KTYPE_OTHER:
		return -EINVAL;
	default:
		return print_scalar(kt, f, &info, data, len, out);
	}
}

int ktype_print(const struct ktype *kt, const struct kfield *f,
		const void *data, size_t len, struct buf *out)
{
	int err = print_value(kt, f, data, len, 0, out);

	return err ? err : out->failed ? -ENOMEM : 0;
}
