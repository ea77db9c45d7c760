// SPDX-License-Identifier: GPL-2.0-only
/* Names of a check on a result: steps, items, and why there is nothing. */
#include "runner/expr_node.h"

#include <string.h>

#include "runner/value.h"
#include "vmm/base/buf.h"

/* Why the value of a path's node is absent. */
static struct val absent_path(struct eval *ev, const struct node *n)
{
	struct field_step steps[EXPR_MAX_PATH];
	size_t count = node_steps(n, steps), at;

	if (!count)
		return val_absent(ev, n, "`%.*s` is null",
				  (int)min(n->end - n->off, (size_t)200),
				  ev->e->text + n->off);
	return val_absent(ev, n, "%.*s: %s",
			  (int)min(n->end - n->off, (size_t)200),
			  ev->e->text + n->off,
			  fields_why_absent(steps, count, ev->result, &at));
}

static struct val get_key(struct eval *ev, const struct node *n,
			  const struct val *base, const char *key)
{
	const struct field *f = n->type.field;
	struct val v;

	if (base->kind != VAL_MAP)
		return val_error(ev, n, "there is no `%.60s` in a %s%s", key,
				 val_kind_name(base),
				 base->kind == VAL_LIST ?
				 ": write [0] for one item, [] for all" : "");
	v = val_from(value_get(base->raw, key));
	if (v.kind == VAL_ABSENT && f && fields_reads_zero(f))
		return val_int(0);
	if (f && f->type == FIELD_ADDR)
		val_number(&v);
	return v.kind == VAL_ABSENT ? absent_path(ev, n) : v;
}

static struct val get_index(struct eval *ev, const struct node *n,
			    const struct val *base, s128 i)
{
	s128 count = (s128)base->list.n;
	struct val v;

	if (base->kind != VAL_LIST)
		return val_error(ev, n, "an index on a %s",
				 val_kind_name(base));
	if (i < 0)
		i += count;
	if (i < 0 || i >= count)
		return val_absent(ev, n, "%.*s: the list has %zu items",
				  (int)min(n->end - n->off, (size_t)200),
				  ev->e->text + n->off, base->list.n);
	v = val_item(base, (size_t)i);
	if (v.kind == VAL_ABSENT && !v.trouble.why)
		return absent_path(ev, n);
	return v;
}

static struct val all_items(struct eval *ev, const struct node *n,
			    const struct val *base)
{
	struct val out = { .kind = VAL_LIST };
	struct val *items;
	size_t i;

	if (base->kind == VAL_LIST)
		return *base;
	if (base->kind != VAL_MAP)
		return val_error(ev, n, "[] on a %s", val_kind_name(base));
	out.list.n = base->raw->map.len;
	items = eval_alloc(ev, out.list.n * sizeof(*items));
	if (!items)
		return val_error(ev, n, "no memory");
	for (i = 0; i < out.list.n; i++)
		items[i] = val_from(base->raw->map.items[i]);
	out.list.items = items;
	return out;
}

static struct val access_one(struct eval *ev, const struct node *n,
			     struct val base, const struct val *index)
{
	if (val_is_trouble(&base))
		return base.trouble.why ? base : absent_path(ev, n->args[0]);
	if (n->kind == NODE_EACH)
		return all_items(ev, n, &base);
	if (n->kind == NODE_FIELD)
		return get_key(ev, n, &base, n->text);
	if (index->kind == VAL_STR)
		return get_key(ev, n, &base, index->str.data);
	if (index->kind != VAL_INT)
		return val_error(ev, n->args[1], "a %s is no index",
				 val_kind_name(index));
	return get_index(ev, n, &base, index->i);
}

/* [] behind []: one flat list. */
static struct val flatten(struct eval *ev, const struct node *n,
			  const struct val *lists, size_t count)
{
	struct val out = { .kind = VAL_LIST };
	struct val *items;
	size_t i, k, at = 0;

	for (i = 0; i < count; i++) {
		if (lists[i].kind != VAL_LIST)
			return lists[i];
		out.list.n += lists[i].list.n;
	}
	items = eval_alloc(ev, out.list.n * sizeof(*items));
	if (!items)
		return val_error(ev, n, "no memory");
	for (i = 0; i < count; i++) {
		for (k = 0; k < lists[i].list.n; k++)
			items[at++] = val_item(&lists[i], k);
	}
	out.list.items = items;
	return out;
}

static struct val access_each(struct eval *ev, const struct node *n,
			      const struct val *base, const struct val *index)
{
	struct val out = { .kind = VAL_LIST };
	struct val *items;
	size_t i;

	out.list.n = base->list.n;
	items = eval_alloc(ev, out.list.n * sizeof(*items));
	if (!items)
		return val_error(ev, n, "no memory");
	for (i = 0; i < out.list.n; i++)
		items[i] = access_one(ev, n, val_item(base, i), index);
	if (n->kind == NODE_EACH)
		return flatten(ev, n, items, out.list.n);
	out.list.items = items;
	return out;
}

struct val eval_access(struct eval *ev, const struct node *n)
{
	struct value *names = ev->names;
	struct val base, index = { 0 };

	/* The longest name is recorded, not those on the way to it. */
	if (node_is_path(n))
		ev->names = NULL;
	base = eval_node(ev, n->args[0]);
	ev->names = names;
	if (val_is_trouble(&base))
		return base;
	if (n->kind == NODE_INDEX) {
		index = eval_node(ev, n->args[1]);
		if (val_is_trouble(&index))
			return index;
	}
	if (base.kind == VAL_LIST && node_has_each(n->args[0]))
		return access_each(ev, n, &base, &index);
	return access_one(ev, n, base, &index);
}

struct val eval_name(struct eval *ev, const struct node *n)
{
	struct val v = val_from(value_get(ev->result, n->text));

	if (n->type.field && n->type.field->type == FIELD_ADDR)
		val_number(&v);
	return v.kind == VAL_ABSENT ? absent_path(ev, n) : v;
}
