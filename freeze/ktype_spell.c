// SPDX-License-Identifier: GPL-2.0-only
/* Types in C's own spelling; see ktype.h. Values are ktype_print.c's. */
#include "freeze/ktype.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "freeze/ktype_priv.h"
#include "vmm/base/buf.h"
#include "vmm/base/cleanup.h"

static const char *tag_of(const struct btf_type *t)
{
	switch (btf_kind(t)) {
	case BTF_KIND_STRUCT:
		return "struct ";
	case BTF_KIND_UNION:
		return "union ";
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		return "enum ";
	case BTF_KIND_FWD:
		return btf_kflag(t) ? "union " : "struct ";
	default:
		return "";
	}
}

/* Put @mod around the declarator: pointers in front, the rest behind. */
static int declare(char **decl, const char *before, const char *after)
{
	bool paren = *after && **decl == '*';
	char *s;

	if (asprintf(&s, "%s%s%s%s%s", before, paren ? "(" : "", *decl,
		     paren ? ")" : "", after) < 0)
		return -ENOMEM;
	free(*decl);
	*decl = s;
	return 0;
}

/* C reads from the inside out, so the declarator grows around the name. */
static int spell(const struct ktype *kt, u32 id, const char *name,
		 struct buf *out)
{
	char *decl __free(cleanup_free) = strdup(name);
	const struct btf_type *t = NULL;
	const char *base = "void", *qual = "";
	unsigned int depth;
	char dim[32];
	int err = 0;

	for (depth = 0; decl && !err && id; depth++) {
		t = ktype_by_id(kt, id);
		if (!t || depth == KTYPE_MAX_DEPTH)
			return -EINVAL;
		if (btf_is_ptr(t)) {
			err = declare(&decl, "*", "");
		} else if (btf_is_array(t)) {
			snprintf(dim, sizeof(dim), "[%u]", btf_array(t)->nelems);
			err = declare(&decl, "", dim);
			id = btf_array(t)->type;
			continue;
		} else if (btf_is_func_proto(t)) {
			err = declare(&decl, "", "()");
		} else if (btf_is_const(t)) {
			qual = *decl == '*' || *decl == '(' || !*qual ?
				       "const " : qual;
		} else if (!btf_is_mod(t) && btf_kind(t) != BTF_KIND_TYPE_TAG) {
			base = ktype_str(kt, t->name_off);
			break;
		}
		id = t->type;
	}
	if (!decl || err)
		return -ENOMEM;
	buf_printf(out, "%s%s%s", qual, id && t ? tag_of(t) : "",
		   *base ? base : "{...}");
	if (*decl)
		buf_printf(out, "%s%s", *decl == '[' ? "" : " ", decl);
	return out->failed ? -ENOMEM : 0;
}

int ktype_name(const struct ktype *kt, u32 id, struct buf *out)
{
	return spell(kt, id, "", out);
}

static int layout_member(const struct ktype *kt, const struct btf_type *t,
			 unsigned int i, u64 base, unsigned int depth,
			 struct buf *out);

static int layout_body(const struct ktype *kt, const struct btf_type *t,
		       u64 base, unsigned int depth, struct buf *out)
{
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < btf_vlen(t); i++)
		err = layout_member(kt, t, i, base, depth, out);
	return err;
}

static int layout_member(const struct ktype *kt, const struct btf_type *t,
			 unsigned int i, u64 base, unsigned int depth,
			 struct buf *out)
{
	const struct btf_member *m = &btf_members(t)[i];
	const char *name = ktype_str(kt, m->name_off);
	u64 bits = base + btf_member_bit_offset(t, i);
	u32 width = btf_member_bitfield_size(t, i);
	u32 id = m->type;
	const struct btf_type *mt = ktype_strip(kt, &id);
	s64 size = ktype_resolve_size(kt, m->type);
	int err;

	if (depth >= 8)
		return buf_puts(out, "...\n");
	buf_printf(out, "%*s", (int)depth * 8, "");
	if (mt && btf_is_composite(mt) && !mt->name_off &&
	    id == m->type) {
		buf_printf(out, "%s{\n", tag_of(mt));
		err = layout_body(kt, mt, bits, depth + 1, out);
		buf_printf(out, "%*s}%s%s;", (int)depth * 8, "",
			   *name ? " " : "", name);
	} else {
		err = spell(kt, m->type, name, out);
		if (width)
			buf_printf(out, ":%u", width);
		buf_putc(out, ';');
	}
	if (err)
		return err;
	if (width)
		return buf_printf(out, "\t/* %" PRIu64 ":%u */\n", bits / 8,
				  (unsigned int)(bits % 8));
	return buf_printf(out, "\t/* %" PRIu64 " %" PRId64 " */\n", bits / 8,
			  size > 0 ? size : 0);
}

static int layout_enum(const struct ktype *kt, const struct btf_type *t,
		       struct buf *out)
{
	const char *name;
	unsigned int i;
	s64 value;

	for (i = 0; ktype_enum_value(kt, t, i, &name, &value); i++)
		buf_printf(out, "        %s = %" PRId64 ",\n", name, value);
	return out->failed ? -ENOMEM : 0;
}

int ktype_layout(const struct ktype *kt, u32 id, struct buf *out)
{
	const struct btf_type *t;
	s64 size = ktype_resolve_size(kt, id);
	u32 base = id;
	int err;

	t = ktype_strip(kt, &base);
	if (!t || (!btf_is_composite(t) && !btf_is_any_enum(t)))
		return spell(kt, t ? base : id, "", out);
	buf_printf(out, "%s%s {\n", tag_of(t), ktype_str(kt, t->name_off));
	if (btf_is_composite(t))
		err = layout_body(kt, t, 0, 1, out);
	else
		err = layout_enum(kt, t, out);
	buf_printf(out, "};\t/* size %" PRId64 " */\n", size > 0 ? size : 0);
	return err ? err : out->failed ? -ENOMEM : 0;
}
