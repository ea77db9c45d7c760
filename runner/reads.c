// SPDX-License-Identifier: GPL-2.0-only
/* Typed paths as values; see reads.h. */
#include "runner/reads.h"

#include <errno.h>
#include <string.h>

#include "runner/value.h"
#include "vmm/base/buf.h"
#include "vmm/base/diag.h"

#define MAX_DEPTH 8
#define MAX_ITEMS 4096	/* scalars of one value */

struct making {
	const struct ktype *kt;
	unsigned int items;
	bool cut;
};

/* One struct's members; @to is a map. */
struct members {
	struct making *m;
	const u8 *data;
	u64 len;
	unsigned int depth;
	struct value *to;
	bool failed;
};

static struct value *make(struct making *m, const struct kfield *f,
			  const u8 *data, u64 len, unsigned int depth);

static int add_member(const char *name, const struct kfield *f, void *arg)
{
	struct members *ms = arg;
	struct ktype_info info;
	struct value *v;

	if (f->offset > ms->len || f->size > ms->len - f->offset)
		return 0;
	if (!*name && !ktype_info(ms->m->kt, f->type_id, &info) &&
	    ms->depth < MAX_DEPTH) {
		struct members in = *ms;

		in.data += f->offset;
		in.len = f->size;
		in.depth++;
		ktype_each_member(ms->m->kt, info.id, add_member, &in);
		ms->failed |= in.failed;
		return ms->failed;
	}
	v = make(ms->m, f, ms->data + f->offset, f->size, ms->depth + 1);
	ms->failed |= value_set(ms->to, name, v) != 0;
	return ms->failed;
}

static struct value *make_struct(struct making *m, u32 id, const u8 *data,
				 u64 len, unsigned int depth)
{
	struct members ms = { m, data, len, depth, value_map(), false };

	if (ms.to && ktype_each_member(m->kt, id, add_member, &ms) < 0)
		m->cut = true;
	if (!ms.failed)
		return ms.to;
	value_free(ms.to);
	return NULL;
}

static struct value *make_array(struct making *m, const struct ktype_info *info,
				const u8 *data, u64 len, unsigned int depth)
{
	struct kfield elem = { .type_id = info->elem_id };
	struct ktype_info ei;
	struct value *list;
	u64 i, n;

	if (ktype_info(m->kt, info->elem_id, &ei))
		return value_null();
	if (ei.kind == KTYPE_CHAR)
		return value_bytes(data, strnlen((const char *)data,
						 min(len, info->nr_elems)));
	list = value_list();
	elem.size = ei.size;
	n = ei.size ? min(info->nr_elems, len / ei.size) : 0;
	for (i = 0; list && i < n && m->items < MAX_ITEMS; i++)
		if (value_append(list, make(m, &elem, data + i * ei.size,
					    ei.size, depth + 1))) {
			value_free(list);
			return NULL;
		}
	m->cut |= i < n;
	return list;
}

static struct value *make_scalar(struct making *m, const struct kfield *f,
				 const struct ktype_info *info, const u8 *data,
				 u64 len)
{
	bool is_signed = false;
	double d;
	float s;
	u64 v;

	m->items++;
	if (info->kind == KTYPE_FLOAT && info->size == sizeof(d)) {
		memcpy(&d, data, sizeof(d));
		return value_float(d);
	}
	if (info->kind == KTYPE_FLOAT && info->size == sizeof(s)) {
		memcpy(&s, data, sizeof(s));
		return value_float(s);
	}
	if (ktype_int(m->kt, f, data, len, &v, &is_signed))
		return value_null();
	if (info->kind == KTYPE_BOOL && !f->bit_size)
		return value_bool(v != 0);
	if (info->kind == KTYPE_PTR || (!is_signed && v > INT64_MAX))
		return value_addr(v);
	return value_int((s64)v);
}

static struct value *make(struct making *m, const struct kfield *f,
			  const u8 *data, u64 len, unsigned int depth)
{
	struct ktype_info info;

	if (ktype_info(m->kt, f->type_id, &info) || info.size > len)
		return value_null();
	if (depth > MAX_DEPTH || m->items >= MAX_ITEMS) {
		m->cut = true;
		return value_null();
	}
	switch (info.kind) {
	case KTYPE_ARRAY:
		return make_array(m, &info, data, len, depth);
	case KTYPE_STRUCT:
	case KTYPE_UNION:
		return make_struct(m, info.id, data, len, depth);
	default:
		return make_scalar(m, f, &info, data, len);
	}
}

struct value *reads_value(const struct kvalue *v, bool *cut)
{
	struct making m = { .kt = v->types };
	struct value *out = make(&m, &v->field, v->data, v->field.size, 0);

	if (cut)
		*cut = m.cut;
	return out;
}

static void name_enum(const struct kvalue *v, struct value *to)
{
	struct ktype_info info;
	const char *name;
	u64 n;

	if (ktype_info(v->types, v->field.type_id, &info) ||
	    info.kind != KTYPE_ENUM || kvalue_int(v, &n, NULL))
		return;
	name = ktype_enum_name(v->types, info.id, (s64)n);
	if (name)
		value_set(to, "name", value_str(name));
}

static struct value *unread(const char *why)
{
	struct value *v = value_map();

	if (v)
		value_set(v, "error", value_str(why));
	return v;
}

struct value *reads_path(const struct kread *k, const char *path)
{
	struct kvalue v = { 0 };
	struct diag d = { 0 };
	struct value *out;
	bool cut;

	if (kpath_read(k, path, &v, &d)) {
		out = unread(diag_text(&d));
		diag_reset(&d);
		return out;
	}
	out = value_map();
	if (out) {
		value_set(out, "type", value_str(v.type_name));
		value_set(out, "value", reads_value(&v, &cut));
		name_enum(&v, out);
		if (cut)
			value_set(out, "cut", value_bool(true));
	}
	kvalue_reset(&v);
	return out;
}

struct value *reads_paths(const struct kread *k, const struct str_list *paths)
{
	struct value *map = value_map();
	size_t i;

	for (i = 0; map && i < paths->n; i++)
		value_set(map, paths->items[i], reads_path(k, paths->items[i]));
	return map;
}

struct value *reads_unread(const struct str_list *paths, const char *why)
{
	struct value *map = value_map();
	size_t i;

	for (i = 0; map && i < paths->n; i++)
		value_set(map, paths->items[i], unread(why));
	return map;
}

int reads_check(const struct kimage *image, const struct str_list *paths,
		const char *what, struct diag *d)
{
	struct ksym *sym = NULL;
	struct ktype *types = NULL;
	size_t i;
	int err = 0;

	if (!paths->n)
		return 0;
	err = image ? ksym_open(image, &sym, d) :
	      diag_fail(d, -ENOENT, NULL, "the kernel image could not be unpacked");
	if (!err)
		err = ktype_open(image, &types, d);
	if (err)
		diag_wrap(d, err, "%s", what);
	for (i = 0; !err && i < paths->n; i++) {
		err = kpath_check(sym, types, paths->items[i], d);
		if (err)
			diag_wrap(d, err, "%s[%zu]", what, i);
	}
	ktype_close(types);
	ksym_close(sym);
	return err;
}
