// SPDX-License-Identifier: GPL-2.0-only
/* A check's tree on a result: values, absence, troubles; see expr.h. */
#include "runner/expr_node.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runner/value.h"
#include "vmm/base/buf.h"

void *eval_alloc(struct eval *ev, size_t size)
{
	void *p = arena_alloc(&ev->arena, size);

	if (!p)
		ev->failed = true;
	return p;
}

static const char *say(struct eval *ev, const char *fmt, va_list ap)
{
	char text[600];
	char *copy;

	vsnprintf(text, sizeof(text), fmt, ap);
	copy = arena_str(&ev->arena, text);
	if (!copy)
		ev->failed = true;
	return copy;
}

struct val val_error(struct eval *ev, const struct node *n, const char *fmt,
		     ...)
{
	struct val v = { .kind = VAL_ERROR };
	va_list ap;

	va_start(ap, fmt);
	v.trouble.why = say(ev, fmt, ap);
	va_end(ap);
	v.trouble.off = n->off;
	v.trouble.end = n->end;
	return v;
}

struct val val_absent(struct eval *ev, const struct node *n, const char *fmt,
		      ...)
{
	struct val v = { .kind = VAL_ABSENT };
	va_list ap;

	va_start(ap, fmt);
	v.trouble.why = say(ev, fmt, ap);
	va_end(ap);
	v.trouble.off = n->off;
	v.trouble.end = n->end;
	return v;
}

struct val val_int(s128 i)
{
	return (struct val){ .kind = VAL_INT, .i = i };
}

struct val val_bool(bool b)
{
	return (struct val){ .kind = VAL_BOOL, .b = b };
}

/* Absent as such: who reads it knows the name and why. */
struct val val_from(const struct value *v)
{
	struct val out = { .kind = VAL_ABSENT, .raw = v };

	switch (v ? v->type : VALUE_NULL) {
	case VALUE_NULL:
		break;
	case VALUE_BOOL:
		out.kind = VAL_BOOL;
		out.b = v->b;
		break;
	case VALUE_INT:
		out.kind = VAL_INT;
		out.i = v->i;
		break;
	case VALUE_ADDR:
		out.kind = VAL_INT;
		out.hex = true;
		out.i = v->addr;
		break;
	case VALUE_FLOAT:
		out.kind = VAL_FLOAT;
		out.f = v->f;
		break;
	case VALUE_STR:
		out.kind = VAL_STR;
		out.str.data = v->str.data;
		out.str.len = v->str.len;
		break;
	case VALUE_LIST:
		out.kind = VAL_LIST;
		out.list.n = v->list.len;
		break;
	case VALUE_MAP:
		out.kind = VAL_MAP;
		break;
	}
	return out;
}

struct val val_item(const struct val *list, size_t i)
{
	return list->list.items ? list->list.items[i] :
	       val_from(list->raw->list.items[i]);
}

const char *val_kind_name(const struct val *v)
{
	static const char *const names[] = {
		[VAL_ABSENT] = "null",	[VAL_ERROR] = "error",
		[VAL_BOOL] = "boolean",	[VAL_INT] = "number",
		[VAL_FLOAT] = "number",	[VAL_STR] = "string",
		[VAL_LIST] = "list",	[VAL_MAP] = "group",
	};

	return names[v->kind];
}

/* A kept result holds addresses as text. */
bool val_number(struct val *v)
{
	u64 number = 0;
	size_t i;

	if (v->kind == VAL_INT || v->kind == VAL_FLOAT)
		return true;
	if (v->kind != VAL_STR || v->str.len < 3 || v->str.len > 18 ||
	    memcmp(v->str.data, "0x", 2))
		return false;
	for (i = 2; i < v->str.len; i++) {
		int c = v->str.data[i];

		if (!isdigit(c) && (c < 'a' || c > 'f'))
			return false;
		number = number << 4 | (u64)(isdigit(c) ? c - '0' :
					     c - 'a' + 10);
	}
	*v = val_int(number);
	v->hex = true;
	return true;
}

/* To the unit that both sides share. */
static struct val scaled(struct eval *ev, const struct node *n, struct val v,
			 u64 scale)
{
	if (scale == 1 || val_is_trouble(&v) || !val_number(&v))
		return v;
	return val_binary(ev, n, OP_MUL, v, val_int(scale));
}

static struct val apply(struct eval *ev, const struct node *n, struct val a,
			struct val b)
{
	if (n->re)
		return val_is_trouble(&a) ? a : val_match(ev, n, a);
	return val_binary(ev, n, n->op, scaled(ev, n, a, n->scale[0]),
			  scaled(ev, n, b, n->scale[1]));
}

static struct val apply_items(struct eval *ev, const struct node *n,
			      struct val a, struct val b)
{
	struct val out = { .kind = VAL_LIST };
	bool la = a.kind == VAL_LIST, lb = b.kind == VAL_LIST;
	struct val *items;
	size_t i;

	if (la && lb && a.list.n != b.list.n)
		return val_error(ev, n, "lists of %zu and %zu items",
				 a.list.n, b.list.n);
	out.list.n = la ? a.list.n : b.list.n;
	items = eval_alloc(ev, out.list.n * sizeof(*items));
	if (!items)
		return val_error(ev, n, "no memory");
	for (i = 0; i < out.list.n; i++)
		items[i] = apply(ev, n, la ? val_item(&a, i) : a,
				 lb ? val_item(&b, i) : b);
	out.list.items = items;
	return out;
}

/*
 * Left to right, and what the left side decides is not read. What was read
 * and is absent makes the whole absent, whatever the other side says.
 */
static struct val eval_logic(struct eval *ev, const struct node *n)
{
	struct val v = { 0 };
	size_t i;

	for (i = 0; i < 2; i++) {
		v = eval_node(ev, n->args[i]);
		if (val_is_trouble(&v))
			return v;
		if (v.kind != VAL_BOOL)
			return val_error(ev, n->args[i],
					 "%s needs booleans, and this is a %s",
					 op_name(n->op), val_kind_name(&v));
		if (v.b == (n->op == OP_OR))
			return v;
	}
	return v;
}

static struct val eval_binary(struct eval *ev, const struct node *n)
{
	struct val a, b;

	if (n->op == OP_AND || n->op == OP_OR)
		return eval_logic(ev, n);
	a = eval_node(ev, n->args[0]);
	if (val_is_trouble(&a))
		return a;
	b = eval_node(ev, n->args[1]);
	if (val_is_trouble(&b))
		return b;
	if (a.kind == VAL_LIST || b.kind == VAL_LIST)
		return apply_items(ev, n, a, b);
	return apply(ev, n, a, b);
}

static struct val eval_not(struct eval *ev, const struct node *n)
{
	struct val v = eval_node(ev, n->args[0]);

	if (val_is_trouble(&v))
		return v;
	if (v.kind != VAL_BOOL)
		return val_error(ev, n, "! needs a boolean, and this is a %s",
				 val_kind_name(&v));
	return val_bool(!v.b);
}

static struct val eval_neg(struct eval *ev, const struct node *n)
{
	struct val v = eval_node(ev, n->args[0]);

	if (val_is_trouble(&v))
		return v;
	if (!val_number(&v))
		return val_error(ev, n, "- needs a number, and this is a %s",
				 val_kind_name(&v));
	return val_binary(ev, n, OP_SUB, val_int(0), v);
}

static bool is_zero_by_rule(const struct eval *ev, const struct node *n)
{
	const struct field *f = n->type.field;
	struct field_step steps[EXPR_MAX_PATH];
	struct buf name = { 0 };
	size_t count = node_steps(n, steps);
	bool zero;

	if (!f || !fields_reads_zero(f) ||
	    fields_dotted(steps, count, &name))
		return false;
	zero = !value_path(ev->result, buf_str(&name));
	buf_reset(&name);
	return zero;
}

static void record(struct eval *ev, const struct node *n,
		   const struct val *v)
{
	char *span = strndup(ev->e->text + n->off, n->end - n->off);
	struct value *entry = value_map();
	size_t i;
	int err = !span || !entry;

	for (i = 0; !err && i < ev->names->list.len; i++) {
		if (!strcmp(value_as_str(value_get(ev->names->list.items[i],
						   "name"), ""), span))
			goto out;
	}
	if (!err)
		err = value_push(entry, "name", value_str(span)) ||
		      value_push(entry, "value", expr_value(v));
	if (!err && v->kind == VAL_INT && is_zero_by_rule(ev, n))
		err = value_push(entry, "note",
				 value_str("this host's KVM does not publish it"));
	if (!err) {
		err = value_append(ev->names, entry);
		entry = NULL;
	}
	if (err)
		ev->failed = true;
out:
	free(span);
	value_free(entry);
}

static struct val eval_any(struct eval *ev, const struct node *n)
{
	struct val v;

	switch (n->kind) {
	case NODE_INT:
		return val_int(n->i);
	case NODE_FLOAT:
		return (struct val){ .kind = VAL_FLOAT, .f = n->f };
	case NODE_BOOL:
		return val_bool(n->i);
	case NODE_STR:
		v = (struct val){ .kind = VAL_STR };
		v.str.data = n->text;
		v.str.len = n->text_len;
		return v;
	case NODE_NAME:
		return eval_name(ev, n);
	case NODE_FIELD:
	case NODE_INDEX:
	case NODE_EACH:
		return eval_access(ev, n);
	case NODE_CALL:
		return func_eval(ev, n);
	case NODE_NOT:
		return eval_not(ev, n);
	case NODE_NEG:
		return eval_neg(ev, n);
	case NODE_BINARY:
		return eval_binary(ev, n);
	}
	return val_error(ev, n, "unknown expression");
}

struct val eval_node(struct eval *ev, const struct node *n)
{
	struct val v = eval_any(ev, n);

	if (ev->names && node_is_path(n))
		record(ev, n, &v);
	return v;
}

/* Own the value; long text and long lists are cut, they are for people. */
#define SHOWN_ITEMS 64
#define SHOWN_BYTES 400

static struct value *list_value(const struct val *v)
{
	struct value *list = value_list();
	size_t i, n = min(v->list.n, (size_t)SHOWN_ITEMS);
	int err = !list;

	for (i = 0; !err && i < n; i++) {
		struct val item = val_item(v, i);

		err = value_append(list, expr_value(&item));
	}
	if (!err && n < v->list.n)
		err = value_append(list, value_str("..."));
	if (err) {
		value_free(list);
		return NULL;
	}
	return list;
}

struct value *expr_value(const struct val *v)
{
	switch (v->kind) {
	case VAL_BOOL:
		return value_bool(v->b);
	case VAL_INT:
		if (v->hex || v->i > INT64_MAX)
			return value_addr((u64)v->i);
		return value_int((s64)v->i);
	case VAL_FLOAT:
		return value_float(v->f);
	case VAL_STR:
		return value_bytes(v->str.data,
				   min(v->str.len, (size_t)SHOWN_BYTES));
	case VAL_LIST:
		return list_value(v);
	case VAL_MAP:
		return v->raw->map.len <= SHOWN_ITEMS ? value_copy(v->raw) :
		       value_str("(large)");
	default:
		return value_null();
	}
}

/* The part of && that was not true: what a person wants to see. */
static const struct node *blame(struct eval *ev, const struct node *n)
{
	struct val v;

	while (n->kind == NODE_BINARY && n->op == OP_AND) {
		v = eval_node(ev, n->args[0]);
		n = n->args[v.kind == VAL_BOOL && v.b];
	}
	return n;
}

static int explain(struct eval *ev, struct expr_result *out)
{
	const struct node *n = blame(ev, ev->e->root);
	const struct node *right;
	struct val v;

	out->off = n->off;
	out->len = n->end - n->off;
	if (n->kind != NODE_BINARY || !op_is_comparison(n->op))
		return 0;
	v = eval_node(ev, n->args[0]);
	right = n->args[1];
	out->found = expr_value(&v);
	if (asprintf(&out->wanted, "%s %.*s", op_name(n->op),
		     (int)(right->end - right->off),
		     ev->e->text + right->off) < 0)
		out->wanted = NULL;
	return out->found && out->wanted ? 0 : -ENOMEM;
}

static int trouble(const struct val *v, struct expr_result *out)
{
	out->status = v->kind == VAL_ABSENT ? EXPR_ABSENT : EXPR_ERROR;
	out->off = v->trouble.off;
	out->len = v->trouble.end - v->trouble.off;
	out->message = strdup(v->trouble.why ? v->trouble.why : "null");
	return out->message ? 0 : -ENOMEM;
}

int expr_eval(const struct expr *e, const struct value *result,
	      struct expr_result *out)
{
	struct eval ev = { .e = e, .result = result };
	struct value *names = value_list();
	struct val v;
	int err = -ENOMEM;

	*out = (struct expr_result){ 0 };
	if (!names)
		return -ENOMEM;
	ev.names = names;
	v = eval_node(&ev, e->root);
	ev.names = NULL;
	if (val_is_trouble(&v)) {
		err = trouble(&v, out);
	} else {
		out->value = expr_value(&v);
		err = out->value ? explain(&ev, out) : -ENOMEM;
	}
	out->names = names;
	if (ev.failed)
		err = -ENOMEM;
	arena_reset(&ev.arena);
	if (err)
		expr_result_reset(out);
	return err;
}

void expr_result_reset(struct expr_result *r)
{
	value_free(r->value);
	free(r->message);
	value_free(r->names);
	value_free(r->found);
	free(r->wanted);
	*r = (struct expr_result){ 0 };
}
