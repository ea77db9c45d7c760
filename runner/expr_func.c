// SPDX-License-Identifier: GPL-2.0-only
/* The functions of checks: one table, their types, their values; expr.h. */
#include "runner/expr_node.h"

#include <string.h>

#include "runner/problem.h"
#include "runner/value.h"
#include "vmm/base/buf.h"

/*
 * x.f(y) is f(x, y). To add a function: a line in enum func, one here, its
 * case in func_check() and in func_eval(), and its tests.
 */
static const struct {
	const char *name;
	size_t least, most;
} funcs[FUNC_COUNT] = {
	[FUNC_LEN] = { "len", 1, 1 },
	[FUNC_SUM] = { "sum", 1, EXPR_MAX_ARGS },
	[FUNC_AVG] = { "avg", 1, EXPR_MAX_ARGS },
	[FUNC_MIN] = { "min", 1, EXPR_MAX_ARGS },
	[FUNC_MAX] = { "max", 1, EXPR_MAX_ARGS },
	[FUNC_ANY] = { "any", 1, 1 },
	[FUNC_ALL] = { "all", 1, 1 },
	[FUNC_ABS] = { "abs", 1, 1 },
	[FUNC_EXISTS] = { "exists", 1, 1 },
	[FUNC_FIRST] = { "first", 1, 1 },
	[FUNC_LAST] = { "last", 1, 1 },
	[FUNC_MONOTONIC] = { "monotonic", 1, 1 },
	/* captures, "path", optionally only those of a "phase" */
	[FUNC_SERIES] = { "series", 2, 3 },
	[FUNC_MAP] = { "map", 2, 2 },		/* capture, "BPF map" */
	[FUNC_RATE] = { "rate", 1, 1 },		/* series: change per second */
};

enum func func_find(const char *name, size_t len)
{
	enum func f;

	for (f = 0; f < FUNC_COUNT; f++) {
		if (strlen(funcs[f].name) == len &&
		    !memcmp(funcs[f].name, name, len))
			break;
	}
	return f;
}

static const char *func_candidate(void *arg, size_t i)
{
	(void)arg;
	return i < FUNC_COUNT ? funcs[i].name : NULL;
}

const char *func_nearest(const char *name)
{
	return nearest_word(name, func_candidate, NULL);
}

const char *func_name(enum func func)
{
	return funcs[func].name;
}

static int fail_arg(const struct expr *e, const struct node *n, size_t i,
		    const char *wanted, struct expr_error *err)
{
	const struct node *arg = n->args[i];

	return expr_fail(err, arg->off, arg->end,
			 "%s() needs %s, and `%.*s` is a %s",
			 funcs[n->func].name, wanted,
			 (int)min(arg->end - arg->off, (size_t)80),
			 e->text + arg->off, kind_name(arg->type.kind));
}

static bool may_be_number(enum kind k)
{
	return k == KIND_ANY || k == KIND_INT || k == KIND_FLOAT;
}

/* Of one list, or of two and more numbers in the same unit. */
static int check_fold(const struct expr *e, struct node *n,
		      struct expr_error *err)
{
	const struct type *first = &n->args[0]->type;
	enum kind kind = first->kind;
	size_t i;

	if (n->nargs == 1) {
		if (kind != KIND_LIST && kind != KIND_ANY)
			return fail_arg(e, n, 0, "a list", err);
		if (kind == KIND_LIST && !may_be_number(first->item))
			return expr_fail(err, n->args[0]->off, n->args[0]->end,
					 "%s() needs a list of numbers",
					 funcs[n->func].name);
		kind = kind == KIND_LIST ? first->item : KIND_ANY;
	}
	for (i = 0; n->nargs > 1 && i < n->nargs; i++) {
		const struct type *t = &n->args[i]->type;

		if (!may_be_number(t->kind))
			return fail_arg(e, n, i, "numbers", err);
		if (t->unit_ns != first->unit_ns)
			return expr_fail(err, n->args[i]->off, n->args[i]->end,
					 "%s() of different units",
					 funcs[n->func].name);
		if (t->kind != kind)
			kind = KIND_ANY;
	}
	n->type.kind = kind;
	n->type.unit_ns = first->unit_ns;
	n->type.is_literal_time = n->nargs > 1 && first->is_literal_time;
	return 0;
}

static int check_len(const struct expr *e, struct node *n,
		     struct expr_error *err)
{
	enum kind k = n->args[0]->type.kind;

	if (k != KIND_STR && k != KIND_LIST && k != KIND_MAP && k != KIND_ANY)
		return fail_arg(e, n, 0, "a string, list or group", err);
	n->type.kind = KIND_INT;
	return 0;
}

static int check_list(const struct expr *e, struct node *n, enum kind result,
		      struct expr_error *err)
{
	const struct type *t = &n->args[0]->type;
	bool logic = n->func == FUNC_ANY || n->func == FUNC_ALL;

	if (t->kind != KIND_LIST && t->kind != KIND_ANY)
		return fail_arg(e, n, 0, logic ? "a list of booleans" :
				"a list", err);
	if (logic && t->kind == KIND_LIST && t->item != KIND_BOOL &&
	    t->item != KIND_ANY)
		return expr_fail(err, n->args[0]->off, n->args[0]->end,
				 "%s() needs a list of booleans: compare the items, as in %s(x[].y > 0)",
				 funcs[n->func].name, funcs[n->func].name);
	n->type.kind = result;
	n->type.unit_ns = result == KIND_ANY ? t->unit_ns : 0;
	return 0;
}

/* x.series("path") and x.map("name"). */
static int check_named(const struct expr *e, struct node *n, enum kind result,
		       struct expr_error *err)
{
	enum kind k = n->args[0]->type.kind;
	size_t i;

	if (k != KIND_ANY && k != KIND_MAP && k != KIND_LIST)
		return fail_arg(e, n, 0, "captures", err);
	for (i = 1; i < n->nargs; i++)
		if (n->args[i]->kind != NODE_STR)
			return expr_fail(err, n->args[i]->off, n->args[i]->end,
					 "%s() needs a \"name\"",
					 funcs[n->func].name);
	n->type.kind = result;
	n->type.item = KIND_ANY;
	return 0;
}

int func_check(const struct expr *e, struct node *n, struct expr_error *err)
{
	if (n->nargs < funcs[n->func].least || n->nargs > funcs[n->func].most)
		return expr_fail(err, n->name_off, n->end,
				 "%s() takes %zu argument%s, not %zu",
				 funcs[n->func].name, funcs[n->func].least,
				 funcs[n->func].least == 1 ? "" : "s",
				 n->nargs);
	switch (n->func) {
	case FUNC_LEN:
		return check_len(e, n, err);
	case FUNC_SUM:
	case FUNC_AVG:
	case FUNC_MIN:
	case FUNC_MAX:
		return check_fold(e, n, err);
	case FUNC_ANY:
	case FUNC_ALL:
	case FUNC_MONOTONIC:
		return check_list(e, n, KIND_BOOL, err);
	case FUNC_FIRST:
	case FUNC_LAST:
		return check_list(e, n, KIND_ANY, err);
	case FUNC_ABS:
		if (!may_be_number(n->args[0]->type.kind))
			return fail_arg(e, n, 0, "a number", err);
		n->type = n->args[0]->type;
		n->type.field = NULL;
		return 0;
	case FUNC_EXISTS:
		if (!node_is_path(n->args[0]))
			return expr_fail(err, n->args[0]->off, n->args[0]->end,
					 "exists() needs a name");
		n->type.kind = KIND_BOOL;
		return 0;
	case FUNC_SERIES:
		return check_named(e, n, KIND_LIST, err);
	case FUNC_MAP:
		return check_named(e, n, KIND_ANY, err);
	case FUNC_RATE:
		return capture_rate_check(n, err);
	case FUNC_COUNT:
		break;
	}
	return 0;
}

/* All numbers of a fold as one list. */
static struct val fold_list(struct eval *ev, const struct node *n)
{
	struct val out = { .kind = VAL_LIST };
	struct val *items;
	size_t i;

	if (n->nargs == 1) {
		out = eval_node(ev, n->args[0]);
		if (!val_is_trouble(&out) && out.kind != VAL_LIST)
			return val_error(ev, n, "%s() of a %s",
					 funcs[n->func].name,
					 val_kind_name(&out));
		return out;
	}
	items = eval_alloc(ev, n->nargs * sizeof(*items));
	if (!items)
		return val_error(ev, n, "no memory");
	for (i = 0; i < n->nargs; i++) {
		items[i] = eval_node(ev, n->args[i]);
		if (val_is_trouble(&items[i]))
			return items[i];
	}
	out.list.items = items;
	out.list.n = n->nargs;
	return out;
}

static struct val absent_item(struct eval *ev, const struct node *n,
			      const struct val *item, size_t i)
{
	if (item->trouble.why)
		return *item;
	return val_absent(ev, n, "item %zu of %s() is null", i,
			  funcs[n->func].name);
}

static struct val fold(struct eval *ev, const struct node *n)
{
	struct val list = fold_list(ev, n), acc = val_int(0), item, less;
	bool pick = n->func == FUNC_MIN || n->func == FUNC_MAX;
	size_t i;

	if (val_is_trouble(&list))
		return list;
	if (!list.list.n && n->func != FUNC_SUM)
		return val_absent(ev, n, "%s() of an empty list",
				  funcs[n->func].name);
	for (i = 0; i < list.list.n; i++) {
		item = val_item(&list, i);
		if (val_is_trouble(&item))
			return absent_item(ev, n, &item, i);
		if (!val_number(&item))
			return val_error(ev, n, "item %zu of %s() is a %s", i,
					 funcs[n->func].name,
					 val_kind_name(&item));
		if (!pick) {
			acc = val_binary(ev, n, OP_ADD, acc, item);
		} else {
			less = val_binary(ev, n, n->func == FUNC_MIN ? OP_LT :
					  OP_GT, item, acc);
			if (!i || less.b)
				acc = item;
		}
		if (val_is_trouble(&acc))
			return acc;
	}
	if (n->func == FUNC_AVG)
		return val_binary(ev, n, OP_DIV, acc, val_int(list.list.n));
	return acc;
}

static struct val logic(struct eval *ev, const struct node *n,
			const struct val *list)
{
	bool any = n->func == FUNC_ANY;
	struct val item;
	size_t i;

	/* A check that looked at nothing must not pass. */
	if (!list->list.n && !any)
		return val_absent(ev, n, "all() of an empty list");
	for (i = 0; i < list->list.n; i++) {
		item = val_item(list, i);
		if (val_is_trouble(&item))
			return absent_item(ev, n, &item, i);
		if (item.kind != VAL_BOOL)
			return val_error(ev, n, "item %zu of %s() is a %s", i,
					 funcs[n->func].name,
					 val_kind_name(&item));
		if (item.b == any)
			return item;
	}
	return val_bool(!any);
}

static struct val monotonic(struct eval *ev, const struct node *n,
			    const struct val *list)
{
	struct val last = { 0 }, item, less;
	size_t i;

	if (!list->list.n)
		return val_absent(ev, n, "monotonic() of an empty list");
	for (i = 0; i < list->list.n; i++) {
		item = val_item(list, i);
		if (val_is_trouble(&item))
			return absent_item(ev, n, &item, i);
		if (!val_number(&item))
			return val_error(ev, n, "item %zu of monotonic() is a %s",
					 i, val_kind_name(&item));
		less = val_binary(ev, n, OP_LT, item, i ? last : item);
		if (less.b)
			return val_bool(false);
		last = item;
	}
	return val_bool(true);
}

static struct val of_list(struct eval *ev, const struct node *n)
{
	struct val list = eval_node(ev, n->args[0]);

	if (val_is_trouble(&list))
		return list;
	if (list.kind != VAL_LIST)
		return val_error(ev, n, "%s() of a %s", funcs[n->func].name,
				 val_kind_name(&list));
	if (n->func == FUNC_ANY || n->func == FUNC_ALL)
		return logic(ev, n, &list);
	if (n->func == FUNC_MONOTONIC)
		return monotonic(ev, n, &list);
	if (!list.list.n)
		return val_absent(ev, n, "%s() of an empty list",
				  funcs[n->func].name);
	list = val_item(&list, n->func == FUNC_FIRST ? 0 : list.list.n - 1);
	return val_is_trouble(&list) ? absent_item(ev, n, &list, 0) : list;
}

static struct val len(struct eval *ev, const struct node *n)
{
	struct val v = eval_node(ev, n->args[0]);

	switch (v.kind) {
	case VAL_STR:
		return val_int((s128)v.str.len);
	case VAL_LIST:
		return val_int((s128)v.list.n);
	case VAL_MAP:
		return val_int((s128)v.raw->map.len);
	case VAL_ABSENT:
	case VAL_ERROR:
		return v;
	default:
		return val_error(ev, n, "len() of a %s", val_kind_name(&v));
	}
}

static struct val absolute(struct eval *ev, const struct node *n)
{
	struct val v = eval_node(ev, n->args[0]);

	if (val_is_trouble(&v))
		return v;
	if (!val_number(&v))
		return val_error(ev, n, "abs() of a %s", val_kind_name(&v));
	if (v.kind == VAL_FLOAT)
		v.f = v.f < 0 ? -v.f : v.f;
	else
		v.i = v.i < 0 ? -v.i : v.i;
	return v;
}

static struct val exists(struct eval *ev, const struct node *n)
{
	struct value *names = ev->names;
	struct val v;

	ev->names = NULL;
	v = eval_node(ev, n->args[0]);
	ev->names = names;
	if (v.kind == VAL_ERROR)
		return v;
	return val_bool(v.kind != VAL_ABSENT);
}

struct val func_eval(struct eval *ev, const struct node *n)
{
	switch (n->func) {
	case FUNC_LEN:
		return len(ev, n);
	case FUNC_SUM:
	case FUNC_AVG:
	case FUNC_MIN:
	case FUNC_MAX:
		return fold(ev, n);
	case FUNC_ANY:
	case FUNC_ALL:
	case FUNC_MONOTONIC:
	case FUNC_FIRST:
	case FUNC_LAST:
		return of_list(ev, n);
	case FUNC_ABS:
		return absolute(ev, n);
	case FUNC_EXISTS:
		return exists(ev, n);
	case FUNC_SERIES:
		return capture_series(ev, n);
	case FUNC_MAP:
		return capture_map(ev, n);
	case FUNC_RATE:
		return capture_rate(ev, n);
	case FUNC_COUNT:
		break;
	}
	return val_error(ev, n, "unknown function");
}
