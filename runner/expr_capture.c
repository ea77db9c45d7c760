// SPDX-License-Identifier: GPL-2.0-only
/* Functions of checks over captures: series(), map(), rate(); expr.h. */
#include "runner/expr_node.h"

#include <string.h>

#include "runner/value.h"

/* The map of this name, or the last one whose name ends so (".bss"). */
static const struct value *find_map(const struct value *capture,
				    const char *name, size_t len)
{
	const struct value *maps = value_get(capture, "maps");
	const struct value *found = NULL;
	size_t i;

	for (i = 0; maps && maps->type == VALUE_MAP && i < maps->map.len; i++) {
		const char *key = maps->map.keys[i];
		size_t klen = strlen(key);

		if (klen < len || memcmp(key + klen - len, name, len))
			continue;
		found = maps->map.items[i];
		if (klen == len)
			break;
	}
	return found;
}

struct val capture_map(struct eval *ev, const struct node *n)
{
	struct val base = eval_node(ev, n->args[0]), found;
	const char *name = n->args[1]->text;

	if (val_is_trouble(&base))
		return base;
	if (base.kind != VAL_MAP)
		return val_error(ev, n, "map() of a %s", val_kind_name(&base));
	found = val_from(find_map(base.raw, name, strlen(name)));
	if (found.kind == VAL_ABSENT)
		return val_absent(ev, n, "this capture has no BPF map `%.100s`",
				  name);
	return found;
}

/* "cpu.[1].rq.nr_running", "map(.bss).hits", "map(\"cells\").[3].hits" */
static const struct value *look(const struct value *capture, const char *path)
{
	const struct value *v;
	const char *name, *end;
	size_t len;

	/* A path that was read has dots and brackets of its own. */
	if (!strncmp(path, "reads.", 6)) {
		v = value_get(value_get(capture, "reads"), path + 6);
		return v ? v : value_path(capture, path);
	}
	if (strncmp(path, "map(", 4))
		return value_path(capture, path);
	name = path + 4;
	end = strchr(name, ')');
	if (!end)
		return NULL;
	len = (size_t)(end - name);
	if (len >= 2 && *name == '"' && end[-1] == '"') {
		name++;
		len -= 2;
	}
	v = find_map(capture, name, len);
	return !end[1] || strchr(".[", end[1]) ? value_path(v, end + 1) : NULL;
}

/* The captures of @n's first argument, as a raw list. */
static struct val captures(struct eval *ev, const struct node *n)
{
	struct val base = eval_node(ev, n->args[0]);

	if (val_is_trouble(&base))
		return base;
	if (base.kind == VAL_MAP)
		base = val_from(value_get(base.raw, "captures"));
	if (base.kind == VAL_ABSENT)
		return val_absent(ev, n, "there are no captures");
	if (base.kind != VAL_LIST || base.list.items)
		return val_error(ev, n, "series() of a %s",
				 val_kind_name(&base));
	return base;
}

/* Placeholders hold nothing; with a phase only its captures count. */
static bool counts(const struct node *n, const struct value *capture)
{
	const char *phase = n->nargs > 2 ? n->args[2]->text : NULL;

	return !value_as_bool(value_get(capture, "placeholder"), false) &&
	       (!phase ||
		!strcmp(value_as_str(value_get(capture, "phase"), ""), phase));
}

struct val capture_series(struct eval *ev, const struct node *n)
{
	struct val base = captures(ev, n), out = { .kind = VAL_LIST };
	const char *path = n->args[1]->text;
	struct val *items;
	size_t i;

	if (val_is_trouble(&base))
		return base;
	items = eval_alloc(ev, base.list.n * sizeof(*items));
	if (!items && base.list.n)
		return val_error(ev, n, "no memory");
	for (i = 0; i < base.list.n; i++) {
		const struct value *c = base.raw->list.items[i];
		struct val item = val_from(look(c, path));

		if (!counts(n, c))
			continue;
		if (item.kind == VAL_ABSENT)
			item = val_absent(ev, n, "capture %zu has no `%.200s`",
					  i, path);
		items[out.list.n++] = item;
	}
	if (!out.list.n)
		return val_absent(ev, n, n->nargs > 2 ?
				  "no capture was made in phase `%.60s`" :
				  "there are no captures%.0s",
				  n->nargs > 2 ? n->args[2]->text : "");
	out.list.items = items;
	return out;
}

int capture_rate_check(struct node *n, struct expr_error *err)
{
	const struct node *arg = n->args[0];

	if (arg->kind != NODE_CALL || arg->func != FUNC_SERIES)
		return expr_fail(err, arg->off, arg->end,
				 "rate() needs a series(), which knows its times");
	n->type = (struct type){ .kind = KIND_FLOAT };
	return 0;
}

/* In guest time where every capture has it, else in the host's; seconds. */
static bool span(const struct value *a, const struct value *b, double *s)
{
	const struct value *ga = value_get(a, "guest_ns");
	const struct value *gb = value_get(b, "guest_ns");

	if (ga && gb)
		*s = (double)(value_as_int(gb, 0) - value_as_int(ga, 0)) / 1e9;
	else
		*s = (double)(value_as_int(value_get(b, "time_ms"), 0) -
			      value_as_int(value_get(a, "time_ms"), 0)) / 1e3;
	return *s > 0;
}

/* Change per second between the first and the last capture of the series. */
struct val capture_rate(struct eval *ev, const struct node *n)
{
	const struct node *arg = n->args[0];
	struct val list = eval_node(ev, arg), base, first, last;
	const struct value *a = NULL, *b = NULL;
	double s;
	size_t i;

	if (val_is_trouble(&list))
		return list;
	base = captures(ev, arg);
	for (i = 0; i < base.list.n; i++) {
		const struct value *c = base.raw->list.items[i];

		if (!counts(arg, c))
			continue;
		a = a ? a : c;
		b = c;
	}
	if (list.list.n < 2 || !span(a, b, &s))
		return val_absent(ev, n, "rate() needs two captures at different times");
	first = val_item(&list, 0);
	last = val_item(&list, list.list.n - 1);
	if (val_is_trouble(&first) || val_is_trouble(&last))
		return val_is_trouble(&first) ? first : last;
	if (!val_number(&first) || !val_number(&last))
		return val_error(ev, n, "rate() of a %s", val_kind_name(&first));
	last = val_binary(ev, n, OP_SUB, last, first);
	if (val_is_trouble(&last))
		return last;
	return (struct val){ .kind = VAL_FLOAT,
			     .f = (last.kind == VAL_FLOAT ? last.f :
				   (double)last.i) / s };
}
