// SPDX-License-Identifier: GPL-2.0-only
/* BTF by name and path; see ktype.h. Spelling: ktype_spell.c. */
#include "freeze/ktype.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "freeze/ktype_priv.h"
#include "vmm/base/diag.h"
#include "vmm/kimage.h"

static int open_btf(const void *data, size_t len, const struct ktype *base,
		    const char *cache_dir, struct ktype **out, struct diag *d)
{
	struct ktype *kt;
	int err;

	if (len > UINT32_MAX)
		return diag_fail(d, -EINVAL, NULL, "BTF of %zu bytes", len);
	kt = calloc(1, sizeof(*kt));
	if (kt)
		kt->parsed = calloc(1, sizeof(*kt->parsed));
	if (!kt || !kt->parsed) {
		free(kt);
		return diag_fail(d, -ENOMEM, NULL, "no memory");
	}
	pthread_mutex_init(&kt->parsed->lock, NULL);
	kt->base = base;
	kt->data = data;
	kt->len = len;
	err = ktype_index_open(kt, cache_dir);
	if (!err) {
		*out = kt;
		return 0;
	}
	ktype_close(kt);
	if (err == -ENOMEM)
		return diag_fail(d, err, NULL, "no memory for BTF");
	return diag_fail(d, err, NULL,
			 "BTF of %zu bytes is damaged or of an unknown format",
			 len);
}

int ktype_open_data(const void *data, size_t len, const struct ktype *base,
		    struct ktype **out, struct diag *d)
{
	return open_btf(data, len, base, NULL, out, d);
}

int ktype_open(const struct kimage *ki, struct ktype **out, struct diag *d)
{
	const struct kimage_section *s = kimage_section_by_name(ki, ".BTF");
	int err;

	if (!s || !s->data)
		return diag_fail(d, -ENOENT, NULL,
				 "kernel image %s: no BTF (CONFIG_DEBUG_INFO_BTF is off)",
				 kimage_path(ki));
	err = open_btf(s->data, s->size, NULL, kimage_cache_dir(ki), out, d);
	if (err)
		return diag_wrap(d, err, "kernel image %s", kimage_path(ki));
	return 0;
}

void ktype_close(struct ktype *kt)
{
	if (!kt)
		return;
	ktype_index_close(kt);
	pthread_mutex_destroy(&kt->parsed->lock);
	free(kt->parsed);
	free(kt);
}

u32 ktype_nr(const struct ktype *kt)
{
	return ktype_end(kt) - 1;
}

/* Through typedefs and qualifiers; NULL for void and bad ids. */
const struct btf_type *ktype_strip(const struct ktype *kt, u32 *id)
{
	unsigned int depth;

	for (depth = 0; depth < KTYPE_MAX_DEPTH; depth++) {
		const struct btf_type *t = ktype_by_id(kt, *id);

		if (!t || !*id)
			return NULL;
		if (!btf_is_mod(t) && !btf_is_typedef(t) &&
		    btf_kind(t) != BTF_KIND_TYPE_TAG)
			return t;
		*id = t->type;
	}
	return NULL;
}

static void int_info(const struct ktype *kt, const struct btf_type *t,
		     struct ktype_info *out)
{
	u8 enc = btf_int_encoding(t);

	out->kind = KTYPE_INT;
	out->is_signed = enc & BTF_INT_SIGNED;
	if (enc & BTF_INT_BOOL)
		out->kind = KTYPE_BOOL;
	else if ((enc & BTF_INT_CHAR) || !strcmp(ktype_str(kt, t->name_off), "char"))
		out->kind = KTYPE_CHAR;
}

int ktype_info(const struct ktype *kt, u32 id, struct ktype_info *out)
{
	const struct btf_type *t = ktype_strip(kt, &id);
	s64 size = ktype_resolve_size(kt, id);

	*out = (struct ktype_info){ .kind = KTYPE_OTHER, .id = id,
				    .size = size > 0 ? (u64)size : 0 };
	if (!t) {
		out->kind = KTYPE_VOID;
		return id ? -ENOENT : 0;
	}
	switch (btf_kind(t)) {
	case BTF_KIND_INT:
		int_info(kt, t, out);
		break;
	case BTF_KIND_FLOAT:
		out->kind = KTYPE_FLOAT;
		break;
	case BTF_KIND_ENUM:
		/* The flag that tells signed enums is younger than 6.1. */
		out->kind = KTYPE_ENUM;
		out->is_signed = true;
		break;
	case BTF_KIND_ENUM64:
		out->kind = KTYPE_ENUM;
		out->is_signed = btf_kflag(t);
		break;
	case BTF_KIND_PTR:
		out->kind = KTYPE_PTR;
		out->elem_id = t->type;
		break;
	case BTF_KIND_ARRAY:
		out->kind = KTYPE_ARRAY;
		out->elem_id = btf_array(t)->type;
		out->nr_elems = btf_array(t)->nelems;
		break;
	case BTF_KIND_STRUCT:
	case BTF_KIND_DATASEC:
		out->kind = KTYPE_STRUCT;
		break;
	case BTF_KIND_UNION:
		out->kind = KTYPE_UNION;
		break;
	case BTF_KIND_FUNC_PROTO:
	case BTF_KIND_FUNC:
		out->kind = KTYPE_FUNC;
		break;
	}
	return 0;
}

static struct kfield member_field(const struct ktype *kt,
				  const struct btf_type *t, unsigned int i,
				  u64 bits)
{
	u32 id = btf_members(t)[i].type;
	s64 size = ktype_resolve_size(kt, id);
	struct kfield f = { .offset = bits / 8, .type_id = id,
			    .size = size > 0 ? (u64)size : 0,
			    .bit_size = btf_member_bitfield_size(t, i) };

	if (f.bit_size) {
		/* Begin at the type's own alignment, as C does. */
		u64 unit = max(f.size, (u64)1) * 8;

		f.offset = bits / unit * (unit / 8);
		f.bit_offset = (u32)(bits % unit);
	}
	return f;
}

/* A variable of a BPF object's section, which is its map's only value. */
static const char *section_var(const struct ktype *kt, const struct btf_type *t,
			       unsigned int i, struct kfield *f)
{
	const struct btf_var_secinfo *v = &btf_var_secinfos(t)[i];
	const struct btf_type *var = ktype_by_id(kt, v->type);

	if (!var || !btf_is_var(var))
		return "";
	*f = (struct kfield){ .offset = v->offset, .size = v->size,
			      .type_id = var->type };
	return ktype_str(kt, var->name_off);
}

static int each_var(const struct ktype *kt, const struct btf_type *t,
		    int (*fn)(const char *name, const struct kfield *f,
			      void *arg), void *arg)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; !ret && i < btf_vlen(t); i++) {
		struct kfield f = { 0 };
		const char *name = section_var(kt, t, i, &f);

		if (*name)
			ret = fn(name, &f, arg);
	}
	return ret;
}

static int find_var(const struct ktype *kt, const struct btf_type *t,
		    const char *name, size_t len, struct kfield *out)
{
	unsigned int i;

	for (i = 0; i < btf_vlen(t); i++) {
		struct kfield f = { 0 };
		const char *vname = section_var(kt, t, i, &f);

		if (*vname && !strncmp(vname, name, len) && !vname[len]) {
			*out = f;
			return 0;
		}
	}
	return -ENOENT;
}

int ktype_each_member(const struct ktype *kt, u32 id,
		      int (*fn)(const char *name, const struct kfield *f,
				void *arg), void *arg)
{
	const struct btf_type *t = ktype_strip(kt, &id);
	unsigned int i;
	int ret = 0;

	if (t && btf_is_datasec(t))
		return each_var(kt, t, fn, arg);
	if (!t || !btf_is_composite(t))
		return -EINVAL;
	for (i = 0; !ret && i < btf_vlen(t); i++) {
		const char *name = ktype_str(kt, btf_members(t)[i].name_off);
		struct kfield f = member_field(kt, t, i,
					       btf_member_bit_offset(t, i));

		ret = fn(name, &f, arg);
	}
	return ret;
}

/* @at: bits from the outer type. Anonymous members are looked into. */
static int find_member(const struct ktype *kt, u32 id, const char *name,
		       size_t len, u64 at, unsigned int depth,
		       struct kfield *out)
{
	const struct btf_type *t = ktype_strip(kt, &id);
	unsigned int i;

	if (t && btf_is_datasec(t))
		return find_var(kt, t, name, len, out);
	if (!t || !btf_is_composite(t))
		return -EINVAL;
	if (depth >= KTYPE_MAX_DEPTH)
		return -ENOENT;
	for (i = 0; i < btf_vlen(t); i++) {
		const struct btf_member *m = &btf_members(t)[i];
		const char *mname = ktype_str(kt, m->name_off);
		u64 bits = at + btf_member_bit_offset(t, i);

		if (!*mname) {
			if (!find_member(kt, m->type, name, len, bits,
					 depth + 1, out))
				return 0;
			continue;
		}
		if (strncmp(mname, name, len) || mname[len])
			continue;
		*out = member_field(kt, t, i, bits);
		return 0;
	}
	return -ENOENT;
}

int ktype_member(const struct ktype *kt, u32 id, const char *name, size_t len,
		 struct kfield *out)
{
	return find_member(kt, id, name, len, 0, 0, out);
}

static size_t ident_len(const char *s)
{
	size_t n = 0;

	while (isalnum((unsigned char)s[n]) || s[n] == '_' || s[n] == '$')
		n++;
	return n;
}

static int step_member(const struct ktype *kt, const char *path,
		       const char **p, struct kfield *f, struct diag *d)
{
	size_t len = ident_len(*p);
	struct kfield m;
	int err;

	if (!len)
		return diag_fail(d, -EINVAL, NULL,
				 "%s: column %td: a member name was expected",
				 path, *p - path + 1);
	err = ktype_member(kt, f->type_id, *p, len, &m);
	if (err)
		return diag_fail(d, -ENOENT, NULL, "%s: %.*s has no member %.*s",
				 path, (int)(*p - path - 1), path, (int)len, *p);
	m.offset += f->offset;
	*f = m;
	*p += len;
	return 0;
}

static int step_index(const struct ktype *kt, const char *path, const char **p,
		      struct kfield *f, struct diag *d)
{
	struct ktype_info info;
	unsigned long long i;
	s64 size;
	char *end;

	if (!isdigit((unsigned char)**p))
		return diag_fail(d, -EINVAL, NULL,
				 "%s: column %td: an index was expected", path,
				 *p - path + 1);
	errno = 0;
	i = strtoull(*p, &end, 0);
	if (errno || *end != ']' || i > UINT32_MAX)
		return diag_fail(d, -EINVAL, NULL,
				 "%s: column %td: bad index", path,
				 *p - path + 1);
	if (ktype_info(kt, f->type_id, &info) || info.kind != KTYPE_ARRAY)
		return diag_fail(d, -EINVAL, NULL, "%s: %.*s is no array", path,
				 (int)(*p - path - 1), path);
	if (info.nr_elems && i >= info.nr_elems)
		return diag_fail(d, -ENOENT, NULL,
				 "%s: index %llu, the array has %" PRIu64, path,
				 i, info.nr_elems);
	size = ktype_resolve_size(kt, info.elem_id);
	if (size < 0)
		return diag_fail(d, -EINVAL, NULL, "%s: element without size",
				 path);
	*f = (struct kfield){ .offset = f->offset + i * (u64)size,
			      .size = (u64)size, .type_id = info.elem_id };
	*p = end + 1;
	return 0;
}

int ktype_field(const struct ktype *kt, const char *path, struct kfield *out,
		struct diag *d)
{
	size_t len = strcspn(path, ".[");
	const char *p = path + len;
	struct kfield f = { 0 };
	s64 size;
	int id, err = 0;

	id = ktype_find_named(kt, path, len);
	if (id < 0)
		return diag_fail(d, -ENOENT, NULL, "no type called %.*s",
				 (int)len, path);
	size = ktype_resolve_size(kt, (u32)id);
	f.type_id = (u32)id;
	f.size = size > 0 ? (u64)size : 0;
	while (*p && !err) {
		char c = *p++;

		if (c == '.')
			err = step_member(kt, path, &p, &f, d);
		else if (c == '[')
			err = step_index(kt, path, &p, &f, d);
		else
			err = diag_fail(d, -EINVAL, NULL,
					"%s: column %td: . or [ was expected",
					path, p - path);
	}
	if (!err)
		*out = f;
	return err;
}

s64 ktype_offset(const struct ktype *kt, const char *path)
{
	struct kfield f;
	int err = ktype_field(kt, path, &f, NULL);

	return err ? err : (s64)f.offset;
}

s64 ktype_size(const struct ktype *kt, const char *name)
{
	int id = ktype_find(kt, name);

	return id < 0 ? id : ktype_resolve_size(kt, (u32)id);
}

bool ktype_has(const struct ktype *kt, const char *path)
{
	struct kfield f;

	return !ktype_field(kt, path, &f, NULL);
}

bool ktype_enum_value(const struct ktype *kt, const struct btf_type *t,
		      unsigned int i, const char **name, s64 *value)
{
	if (i >= btf_vlen(t))
		return false;
	if (btf_is_enum(t)) {
		*name = ktype_str(kt, btf_enum(t)[i].name_off);
		*value = btf_enum(t)[i].val;
	} else {
		*name = ktype_str(kt, btf_enum64(t)[i].name_off);
		*value = (s64)btf_enum64_value(&btf_enum64(t)[i]);
	}
	return true;
}

static bool enum_has(const struct ktype *kt, const struct btf_type *t,
		     const char *value_name, s64 *out)
{
	const char *name;
	unsigned int i;
	s64 value;

	for (i = 0; ktype_enum_value(kt, t, i, &name, &value); i++)
		if (!strcmp(name, value_name)) {
			*out = value;
			return true;
		}
	return false;
}

int ktype_enum(const struct ktype *kt, const char *enum_name,
	       const char *value_name, s64 *out)
{
	u32 nr = ktype_end(kt), id;

	for (id = 1; id < nr; id++) {
		const struct btf_type *t = ktype_by_id(kt, id);

		if (!btf_is_any_enum(t) ||
		    (enum_name && strcmp(ktype_str(kt, t->name_off), enum_name)))
			continue;
		if (enum_has(kt, t, value_name, out))
			return 0;
	}
	return -ENOENT;
}

int ktype_enum_with(const struct ktype *kt, const char *value_name)
{
	u32 nr = ktype_end(kt), id;

	for (id = 1; id < nr; id++) {
		const struct btf_type *t = ktype_by_id(kt, id);

		if (btf_is_any_enum(t) &&
		    enum_has(kt, t, value_name, &(s64){ 0 }))
			return (int)id;
	}
	return -ENOENT;
}

const char *ktype_enum_name(const struct ktype *kt, u32 id, s64 value)
{
	const struct btf_type *t = ktype_strip(kt, &id);
	const char *name;
	unsigned int i;
	s64 v;

	if (!t || !btf_is_any_enum(t))
		return NULL;
	for (i = 0; ktype_enum_value(kt, t, i, &name, &v); i++)
		if (v == value)
			return name;
	return NULL;
}
