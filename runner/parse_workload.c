// SPDX-License-Identifier: GPL-2.0-only
/* Grammars of the workload: sets of CPUs, operations, holds. */
#include "runner/parse.h"

#include <errno.h>
#include <string.h>

/* "0-3,5": numbers and rising ranges. */
static bool is_cpu_list(const char *s)
{
	unsigned int a, b;
	int n;

	for (;;) {
		if (*s < '0' || *s > '9' || sscanf(s, "%5u%n", &a, &n) != 1)
			return false;
		s += n;
		if (*s == '-') {
			if (s[1] < '0' || s[1] > '9' ||
			    sscanf(s + 1, "%5u%n", &b, &n) != 1 || b < a)
				return false;
			s += n + 1;
		}
		if (!*s)
			return true;
		if (*s++ != ',')
			return false;
	}
}

static int parse_index(struct parse_ctx *ctx, const struct ynode *n, u32 *ret)
{
	s64 v;
	int rc = parse_int(ctx, n, 0, SCEN_MAX_CPUS, &v);

	if (!rc)
		*ret = (u32)v;
	return rc;
}

static int parse_fraction(struct parse_ctx *ctx, const struct ynode *n,
			  double *ret)
{
	double v;

	if (parse_float(ctx, n, &v))
		return -EINVAL;
	if (v > 1)
		return parse_error(ctx, n, "%s is out of range, expected 0 to 1",
				   n->text);
	*ret = v;
	return 0;
}

static int parse_range(struct parse_ctx *ctx, const struct ynode *n,
		       struct cpu_set_want *w)
{
	w->kind = CPU_SET_RANGE;
	if (n->type != YNODE_LIST || n->n != 2)
		return parse_error(ctx, n, "%s, expected two fractions [from, to]",
				   ynode_kind(n));
	if (parse_fraction(ctx, n->items[0], &w->from) ||
	    parse_fraction(ctx, n->items[1], &w->to))
		return -EINVAL;
	if (w->from >= w->to)
		return parse_error(ctx, n, "an empty range, expected from < to");
	return 0;
}

/* {part: I, of: N} and, for overlap, {by: fraction}. */
static int parse_part(struct parse_ctx *ctx, const struct ynode *n,
		      struct cpu_set_want *w, bool overlap)
{
	int rc = 0;

	w->kind = overlap ? CPU_SET_OVERLAP : CPU_SET_DISJOINT;
	w->overlap = overlap ? 0.5 : 0;
	if (!ynode_get(n, "part") || !ynode_get(n, "of"))
		return parse_error(ctx, n, "%s without part and of, expected {part: I, of: N}",
				   ynode_kind(n));
	for (u32 i = 0; i < n->n && !rc; i++) {
		const char *key = n->pairs[i].key->text;
		const struct ynode *v = n->pairs[i].value;

		if (!strcmp(key, "part"))
			rc = parse_index(ctx, v, &w->index);
		else if (!strcmp(key, "of"))
			rc = parse_index(ctx, v, &w->of);
		else if (overlap && !strcmp(key, "by"))
			rc = parse_fraction(ctx, v, &w->overlap);
		else
			rc = parse_error(ctx, n->pairs[i].key,
				"unknown key '%.60s', expected part, of%s",
					 key, overlap ? " or by" : "");
	}
	if (!rc && w->index >= w->of)
		rc = parse_error(ctx, n,
			"part %u of %u, expected it to be below: parts count from 0",
				 w->index, w->of);
	return rc;
}

static int parse_cpu_set(struct parse_ctx *ctx, const struct ynode *n, void *out)
{
	struct cpu_set_want w = { 0 };
	const struct ynode *v;
	const char *word;
	int rc = 0;

	if (n->type == YNODE_SCALAR && is_cpu_list(n->text)) {
		w = (struct cpu_set_want){ .kind = CPU_SET_EXACT, .list = n->text };
		*(struct cpu_set_want *)out = w;
		return 0;
	}
	if (n->type != YNODE_MAP || n->n != 1)
		return parse_error(ctx, n,
			"%s, expected CPUs such as \"0-3,5\" or one of {llc: I}, {node: I}, {range: [0, 0.5]}, {disjoint: {part: I, of: N}}, {overlap: {part: I, of: N, by: 0.5}}",
				   n->type == YNODE_SCALAR ? n->text : ynode_kind(n));
	word = n->pairs[0].key->text;
	v = n->pairs[0].value;
	if (!strcmp(word, "llc") || !strcmp(word, "node")) {
		w.kind = word[0] == 'l' ? CPU_SET_LLC : CPU_SET_NODE;
		rc = parse_index(ctx, v, &w.index);
	} else if (!strcmp(word, "range")) {
		rc = parse_range(ctx, v, &w);
	} else if (!strcmp(word, "disjoint") || !strcmp(word, "overlap")) {
		rc = parse_part(ctx, v, &w, word[0] == 'o');
	} else {
		rc = parse_error(ctx, n->pairs[0].key,
			"unknown set of CPUs '%.60s', expected llc, node, range, disjoint or overlap",
				 word);
	}
	if (!rc)
		*(struct cpu_set_want *)out = w;
	return rc;
}

const struct key_custom custom_cpu_set = {
	.parse = parse_cpu_set,
	.form = "CPUs such as \"0-3,5\", or one of {llc: I}, {node: I}, {range: [0, 0.5]}, "
		"{disjoint: {part: I, of: N}}, {overlap: {part: I, of: N, by: 0.5}}",
	.schema = "\"type\": [\"string\", \"integer\", \"object\"], \"minProperties\": 1, "
		  "\"maxProperties\": 1, \"additionalProperties\": false, \"properties\": {"
		  "\"llc\": {\"type\": \"integer\"}, \"node\": {\"type\": \"integer\"}, "
		  "\"range\": {\"type\": \"array\", \"minItems\": 2, \"maxItems\": 2}, "
		  "\"disjoint\": {\"type\": \"object\", \"required\": [\"part\", \"of\"], "
		  "\"properties\": {\"part\": {}, \"of\": {}}, \"additionalProperties\": false}, "
		  "\"overlap\": {\"type\": \"object\"}}",
};

/* What stands behind the name of an operation. */
enum op_form {
	FORM_TARGET,	/* a name */
	FORM_CGROUP,	/* a map as in cgroups */
	FORM_WORKER,	/* a map as in workers */
	FORM_CPUS,	/* {target: NAME, cpus: SET} */
	FORM_PAIR,	/* [NAME, NAME] */
	FORM_MOVE,	/* {from: NAME, to: NAME} */
	FORM_RUN,	/* a script */
	FORM_START,	/* {name: NAME, run: SCRIPT} */
};

static const struct op_row {
	const char *name;
	enum wl_op_kind kind;
	enum op_form form;
} op_rows[] = {
	{ "add_cgroup", OP_ADD_CGROUP, FORM_CGROUP },
	{ "remove_cgroup", OP_REMOVE_CGROUP, FORM_TARGET },
	{ "set_cpuset", OP_SET_CPUSET, FORM_CPUS },
	{ "clear_cpuset", OP_CLEAR_CPUSET, FORM_TARGET },
	{ "swap_cpusets", OP_SWAP_CPUSETS, FORM_PAIR },
	{ "spawn", OP_SPAWN, FORM_WORKER },
	{ "spawn_host", OP_SPAWN_HOST, FORM_WORKER },
	{ "stop", OP_STOP, FORM_TARGET },
	{ "set_affinity", OP_SET_AFFINITY, FORM_CPUS },
	{ "move", OP_MOVE, FORM_MOVE },
	{ "freeze", OP_FREEZE, FORM_TARGET },
	{ "unfreeze", OP_UNFREEZE, FORM_TARGET },
	{ "run", OP_RUN, FORM_RUN },
	{ "start", OP_START, FORM_START },
	{ "wait", OP_WAIT, FORM_TARGET },
	{ "kill", OP_KILL, FORM_TARGET },
	{ "snapshot", OP_SNAPSHOT, FORM_TARGET },
};

/* A map with exactly the two keys @a and @b. */
static int two_values(struct parse_ctx *ctx, const struct ynode *n,
		      const char *a, const char *b, const struct ynode **va,
		      const struct ynode **vb)
{
	*va = ynode_get(n, a);
	*vb = ynode_get(n, b);
	if (*va && *vb && n->n == 2)
		return 0;
	return parse_error(ctx, n, "%s, expected {%s: ..., %s: ...}",
			   ynode_kind(n), a, b);
}

static int op_by_map(struct parse_ctx *ctx, const struct op_row *row,
		     const struct ynode *v, struct wl_op *op)
{
	const struct ynode *a, *b;

	switch (row->form) {
	case FORM_CPUS:
		if (two_values(ctx, v, "target", "cpus", &a, &b))
			return -EINVAL;
		return parse_text(ctx, a, &op->target) ?:
		       parse_cpu_set(ctx, b, &op->cpus);
	case FORM_MOVE:
		if (two_values(ctx, v, "from", "to", &a, &b))
			return -EINVAL;
		return parse_text(ctx, a, &op->target) ?:
		       parse_text(ctx, b, &op->to);
	default:
		if (two_values(ctx, v, "name", "run", &a, &b))
			return -EINVAL;
		return parse_text(ctx, a, &op->target) ?:
		       parse_text(ctx, b, &op->text);
	}
}

static int parse_item(struct parse_ctx *ctx, const struct keyset *set,
		      const struct ynode *v, void *out)
{
	return parse_defaults(ctx, set, out) ?: parse_map(ctx, set, v, out);
}

static int op_value(struct parse_ctx *ctx, const struct op_row *row,
		    const struct ynode *v, struct wl_op *op)
{
	op->kind = row->kind;
	switch (row->form) {
	case FORM_TARGET:
		return parse_text(ctx, v, &op->target);
	case FORM_RUN:
		return parse_text(ctx, v, &op->text);
	case FORM_CGROUP:
		return parse_item(ctx, &wl_cgroup_keys, v, &op->cgroup);
	case FORM_WORKER:
		return parse_item(ctx, &wl_worker_keys, v, &op->worker);
	case FORM_PAIR:
		if (v->type != YNODE_LIST || v->n != 2)
			return parse_error(ctx, v, "%s, expected two cgroups [a, b]",
					   ynode_kind(v));
		return parse_text(ctx, v->items[0], &op->target) ?:
		       parse_text(ctx, v->items[1], &op->to);
	default:
		return op_by_map(ctx, row, v, op);
	}
}

static const char *next_op(void *arg, size_t i)
{
	(void)arg;
	return i < ARRAY_SIZE(op_rows) ? op_rows[i].name : NULL;
}

static int parse_op(struct parse_ctx *ctx, const struct ynode *n,
		    struct wl_op *op)
{
	const char *word, *near;

	if (n->type != YNODE_MAP || n->n != 1)
		return parse_error(ctx, n, "%s, expected one operation such as `- stop: NAME`",
				   n->type == YNODE_MAP ? "several keys" : ynode_kind(n));
	word = n->pairs[0].key->text;
	op->loc = (struct loc){ ctx->file, n->line, n->col };
	for (size_t i = 0; i < ARRAY_SIZE(op_rows); i++)
		if (!strcmp(word, op_rows[i].name))
			return op_value(ctx, &op_rows[i], n->pairs[0].value, op);
	near = nearest_word(word, next_op, NULL);
	return parse_error(ctx, n->pairs[0].key,
		"unknown operation '%.60s', expected one of the workload's%s%s%s",
			   word, near ? " (did you mean '" : "",
			   near ? near : "", near ? "'?)" : "");
}

static int parse_ops(struct parse_ctx *ctx, const struct ynode *n, void *out)
{
	LIST_OF(struct wl_op) list = { NULL, n->n };
	struct wl_op *ops;
	int worst = 0;

	if (n->type != YNODE_LIST)
		return parse_error(ctx, n, "%s for ops, expected a list",
				   ynode_kind(n));
	ops = arena_alloc(ctx->arena, (n->n + 1) * sizeof(*ops));
	if (!ops)
		return -ENOMEM;
	for (u32 i = 0; i < n->n; i++)
		worst = parse_op(ctx, n->items[i], &ops[i]) ?: worst;
	list.items = n->n ? ops : NULL;
	if (!worst)
		memcpy(out, &list, sizeof(list));
	return worst;
}

const struct key_custom custom_ops = {
	.parse = parse_ops,
	.form = "a list of operations, each a map of one key: add_cgroup, remove_cgroup, "
		"set_cpuset, clear_cpuset, swap_cpusets, spawn, spawn_host, stop, "
		"set_affinity, move, freeze, unfreeze, run, start, wait, kill, snapshot",
	.schema = "\"type\": \"array\", \"items\": {\"type\": \"object\", "
		  "\"minProperties\": 1, \"maxProperties\": 1, \"propertyNames\": {\"enum\": ["
		  "\"add_cgroup\", \"remove_cgroup\", \"set_cpuset\", \"clear_cpuset\", "
		  "\"swap_cpusets\", \"spawn\", \"spawn_host\", \"stop\", \"set_affinity\", "
		  "\"move\", \"freeze\", \"unfreeze\", \"run\", \"start\", \"wait\", \"kill\", "
		  "\"snapshot\"]}}",
};

static int parse_percent(struct parse_ctx *ctx, const struct ynode *n,
			 struct wl_hold *hold)
{
	unsigned int v;
	int end = 0;

	if (sscanf(n->text, "%4u%%%n", &v, &end) != 1 || end != (int)n->n ||
	    v < 1 || v > 100)
		return parse_error(ctx, n,
			"'%.60s', expected 1%% to 100%% of the workload's duration",
				   n->text);
	*hold = (struct wl_hold){ HOLD_FRACTION, 0, v / 100.0 };
	return 0;
}

static int parse_hold(struct parse_ctx *ctx, const struct ynode *n, void *out)
{
	struct wl_hold *hold = out;
	u64 ns;

	if (n->type == YNODE_MAP) {
		const struct ynode *loop = ynode_get(n, "loop");

		if (!loop || n->n != 1)
			return parse_error(ctx, n,
				"a map without loop alone, expected {loop: 100ms}");
		if (parse_duration(ctx, loop, NSEC_PER_MSEC, INT64_MAX, &ns))
			return -EINVAL;
		*hold = (struct wl_hold){ HOLD_LOOP, ns, 0 };
		return 0;
	}
	if (n->type == YNODE_SCALAR && n->n && n->text[n->n - 1] == '%')
		return parse_percent(ctx, n, hold);
	if (parse_duration(ctx, n, 0, 0, &ns))
		return -EINVAL;
	*hold = (struct wl_hold){ HOLD_FIXED, ns, 0 };
	return 0;
}

const struct key_custom custom_hold = {
	.parse = parse_hold,
	.form = "a duration, a part of the workload's duration such as 50%, or {loop: 100ms}",
	.schema = "\"type\": [\"string\", \"object\"], "
		  "\"pattern\": \"^([0-9]+(ms|s|m)|[0-9]+%)$\", "
		  "\"properties\": {\"loop\": {\"type\": \"string\"}}, "
		  "\"additionalProperties\": false",
};
