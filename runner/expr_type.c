// SPDX-License-Identifier: GPL-2.0-only
/* Names, types and units of a check, before anything boots; see expr.h. */
#include "runner/expr_node.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/buf.h"

#define MAX_PATTERN 1024
#define MAX_REPEAT 1000

const char *kind_name(enum kind kind)
{
	static const char *const names[] = {
		[KIND_ANY] = "value",	[KIND_BOOL] = "boolean",
		[KIND_INT] = "number",	[KIND_FLOAT] = "number",
		[KIND_STR] = "string",	[KIND_LIST] = "list",
		[KIND_MAP] = "group",
	};

	return names[kind];
}

static enum kind field_kind(const struct field *f)
{
	static const enum kind kinds[] = {
		[FIELD_BOOL] = KIND_BOOL,	[FIELD_INT] = KIND_INT,
		[FIELD_ADDR] = KIND_INT,	[FIELD_FLOAT] = KIND_FLOAT,
		[FIELD_STR] = KIND_STR,		[FIELD_TEXT] = KIND_STR,
		[FIELD_LIST] = KIND_LIST,	[FIELD_MAP] = KIND_MAP,
		[FIELD_ANY] = KIND_ANY,
	};

	return kinds[f->type];
}

static void own_step(const struct node *n, struct field_step *step)
{
	const struct node *key = n->kind == NODE_INDEX ? n->args[1] : NULL;

	*step = (struct field_step){ 0 };
	if (n->kind == NODE_NAME || n->kind == NODE_FIELD) {
		step->key = n->text;
		step->len = n->text_len;
	} else if (key && key->kind == NODE_STR) {
		step->key = key->text;
		step->len = key->text_len;
	}
}

size_t node_steps(const struct node *n, struct field_step steps[EXPR_MAX_PATH])
{
	const struct node *at;
	size_t count = 1, i;

	if (!node_is_path(n))
		return 0;
	for (at = n; at->kind != NODE_NAME; at = at->args[0])
		count++;
	if (count > EXPR_MAX_PATH)
		return 0;
	for (at = n, i = count; i--; at = i ? at->args[0] : at)
		own_step(at, &steps[i]);
	return count;
}

/* The unit that a name's own ending tells: halt_wait_ns, duration_ms. */
static u64 name_unit_ns(const struct field_step *last)
{
	static const struct {
		const char *ending;
		u64 ns;
	} units[] = {
		{ "_ns", 1 }, { "_us", 1000 }, { "_ms", NSEC_PER_MSEC },
	};
	size_t i;

	for (i = 0; last->key && i < ARRAY_SIZE(units); i++) {
		if (last->len > 3 &&
		    !memcmp(last->key + last->len - 3, units[i].ending, 3))
			return units[i].ns;
	}
	return 0;
}

/* A step that nobody knows: with the name that was meant, if one is near. */
static int fail_name(const struct node *n, const struct field_step *steps,
		     size_t count, struct expr_error *err)
{
	struct buf name = { 0 }, group = { 0 }, pool = { 0 };
	const struct field *parent = NULL;
	const char *near;
	size_t good;
	bool any;
	int rc;

	fields_dotted(steps, count, &name);
	fields_dotted(steps, count - 1, &group);
	if (count > 1)
		parent = fields_find(steps, count - 1, &good, &any);
	near = fields_nearest(steps, count, &pool);
	if (parent && parent->type == FIELD_LIST && steps[count - 1].key)
		rc = expr_fail(err, n->name_off, n->end,
			       "%s is a list: write %s[0].%.60s for one item or %s[].%.60s for all",
			       buf_str(&group), buf_str(&group),
			       steps[count - 1].key, buf_str(&group),
			       steps[count - 1].key);
	else if (parent && parent->type != FIELD_MAP &&
		 parent->type != FIELD_LIST)
		rc = expr_fail(err, n->name_off, n->end,
			       "%s is a %s and has nothing below it",
			       buf_str(&group), kind_name(field_kind(parent)));
	else if (parent && !steps[count - 1].key)
		rc = expr_fail(err, n->name_off, n->end,
			       "%s is a group, not a list; its names follow a dot",
			       buf_str(&group));
	else if (near)
		rc = expr_fail(err, n->name_off, n->end,
			       "there is no name `%.100s` (did you mean `%s%s%.*s`?)",
			       buf_str(&name),
			       strchr(near, '.') ? "" : buf_str(&group),
			       strchr(near, '.') || !group.len ? "" : ".",
			       (int)strcspn(near, strchr(near, '.') ? "" : ".["),
			       near);
	else
		rc = expr_fail(err, n->name_off, n->end,
			       "there is no name `%.100s`", buf_str(&name));
	buf_reset(&name);
	buf_reset(&group);
	buf_reset(&pool);
	return rc;
}

static int check_index(struct node *n, struct expr_error *err)
{
	const struct node *index = n->args[1];
	enum kind kind = index->type.kind;

	if (index->kind == NODE_STR || kind == KIND_INT || kind == KIND_ANY)
		return 0;
	return expr_fail(err, index->off, index->end,
			 "an index is a number or a \"key\", not a %s",
			 kind_name(kind));
}

static int check_path(struct node *n, struct expr_error *err)
{
	struct field_step steps[EXPR_MAX_PATH];
	size_t count = node_steps(n, steps), good;
	const struct field *f;
	bool any;

	if (!count)
		return expr_fail(err, n->off, n->end, "a name of more than %d steps",
				 EXPR_MAX_PATH);
	if (n->kind == NODE_INDEX && check_index(n, err))
		return -EINVAL;
	f = fields_find(steps, count, &good, &any);
	if (!f)
		return fail_name(n, steps, count, err);
	n->type.field = any ? NULL : f;
	n->type.kind = any ? KIND_ANY : field_kind(f);
	n->type.unit_ns = name_unit_ns(&steps[count - 1]);
	if (node_has_each(n)) {
		n->type.item = n->type.kind;
		n->type.kind = KIND_LIST;
	} else if (n->type.kind == KIND_LIST && count < EXPR_MAX_PATH) {
		steps[count] = (struct field_step){ 0 };
		f = fields_find(steps, count + 1, &good, &any);
		n->type.item = f && !any ? field_kind(f) : KIND_ANY;
	}
	return 0;
}

/* `.name`, `[i]` and `[]` behind a call: nothing is known of what is there. */
static int check_access(struct node *n, struct expr_error *err)
{
	const struct type *base = &n->args[0]->type;

	if (n->kind == NODE_INDEX && check_index(n, err))
		return -EINVAL;
	if (base->kind != KIND_ANY && base->kind != KIND_LIST &&
	    base->kind != KIND_MAP)
		return expr_fail(err, n->name_off, n->end,
				 "a %s has nothing below it",
				 kind_name(base->kind));
	n->type.kind = n->kind == NODE_EACH ? KIND_LIST : KIND_ANY;
	n->type.item = KIND_ANY;
	if (n->kind == NODE_FIELD) {
		struct field_step step;

		own_step(n, &step);
		n->type.unit_ns = name_unit_ns(&step);
	}
	return 0;
}

static bool is_number(enum kind kind)
{
	return kind == KIND_INT || kind == KIND_FLOAT || kind == KIND_ANY;
}

static int fail_operand(const struct expr *e, const struct node *n,
			const char *op, const char *wanted,
			struct expr_error *err)
{
	return expr_fail(err, n->off, n->end, "%s needs %s, and `%.*s` is a %s",
			 op, wanted, (int)min(n->end - n->off, (size_t)80),
			 e->text + n->off, kind_name(n->type.kind));
}

/* One scale for both sides, where each is a time. */
static int check_units(const struct expr *e, struct node *n,
		       struct expr_error *err)
{
	struct node *a = n->args[0], *b = n->args[1];
	u64 ua = a->type.unit_ns, ub = b->type.unit_ns;
	const struct node *bare = !ua ? a : b, *timed = !ua ? b : a;

	if (!ua && !ub)
		return 0;
	if (ua && ub) {
		n->scale[0] = ua > ub ? ua / ub : 1;
		n->scale[1] = ub > ua ? ub / ua : 1;
		n->type.unit_ns = min(ua, ub);
		n->type.is_literal_time = a->type.is_literal_time &&
					  b->type.is_literal_time;
		return 0;
	}
	if (timed->type.is_literal_time)
		return expr_fail(err, timed->off, timed->end,
				 "`%.*s` is a time and `%.*s` is not: write a plain number",
				 (int)min(timed->end - timed->off, (size_t)80),
				 e->text + timed->off,
				 (int)min(bare->end - bare->off, (size_t)80),
				 e->text + bare->off);
	n->type.unit_ns = timed->type.unit_ns;
	return 0;
}

static int check_enum(const struct node *name, const struct node *literal,
		      struct expr_error *err)
{
	const struct field *f = name->type.field;
	const char *p;

	if (!f || literal->kind != NODE_STR || !strchr(f->unit, '|'))
		return 0;
	for (p = f->unit; p; p = strchr(p, '|')) {
		p += *p == '|';
		if (!strncmp(p, literal->text, literal->text_len) &&
		    strchr("|", p[literal->text_len]))
			return 0;
	}
	return expr_fail(err, literal->off, literal->end,
			 "%s is never \"%.60s\"; it is one of %s", f->name,
			 literal->text, f->unit);
}

static int check_comparison(const struct expr *e, struct node *n,
			    enum kind ka, enum kind kb, struct expr_error *err)
{
	struct node *a = n->args[0], *b = n->args[1];
	bool any = ka == KIND_ANY || kb == KIND_ANY;
	bool same = any || ka == kb || (is_number(ka) && is_number(kb));

	if (n->op == OP_EQ || n->op == OP_NE) {
		if (ka == KIND_MAP || kb == KIND_MAP || ka == KIND_LIST ||
		    kb == KIND_LIST)
			return fail_operand(e, ka == KIND_MAP || ka == KIND_LIST ?
					    a : b, op_name(n->op),
					    "two single values", err);
		if (!same)
			return expr_fail(err, n->off, n->end,
					 "a %s is never equal to a %s",
					 kind_name(ka), kind_name(kb));
		if (check_enum(a, b, err) || check_enum(b, a, err))
			return -EINVAL;
	} else {
		if (!is_number(ka))
			return fail_operand(e, a, op_name(n->op), "numbers",
					    err);
		if (!is_number(kb))
			return fail_operand(e, b, op_name(n->op), "numbers",
					    err);
	}
	if (is_number(ka) && is_number(kb) && check_units(e, n, err))
		return -EINVAL;
	n->type = (struct type){ .kind = KIND_BOOL };
	return 0;
}

static int check_arithmetic(const struct expr *e, struct node *n,
			    enum kind ka, enum kind kb, struct expr_error *err)
{
	struct type *ta = &n->args[0]->type, *tb = &n->args[1]->type;

	if (!is_number(ka))
		return fail_operand(e, n->args[0], op_name(n->op), "numbers",
				    err);
	if (!is_number(kb))
		return fail_operand(e, n->args[1], op_name(n->op), "numbers",
				    err);
	if (n->op == OP_MOD && (ka == KIND_FLOAT || kb == KIND_FLOAT))
		return expr_fail(err, n->off, n->end,
				 "%% needs whole numbers");
	n->type.kind = ka == KIND_FLOAT || kb == KIND_FLOAT ? KIND_FLOAT :
		       ka == KIND_ANY || kb == KIND_ANY ? KIND_ANY : KIND_INT;
	if (n->op == OP_ADD || n->op == OP_SUB || n->op == OP_MOD)
		return check_units(e, n, err);
	if (n->op == OP_DIV && ta->unit_ns && tb->unit_ns) {
		int rc = check_units(e, n, err);

		n->type.unit_ns = 0;
		return rc;
	}
	if (tb->unit_ns && (n->op == OP_DIV || ta->unit_ns))
		return expr_fail(err, n->off, n->end,
				 "this is no time and no plain number");
	n->type.unit_ns = ta->unit_ns | tb->unit_ns;
	n->type.is_literal_time = ta->is_literal_time || tb->is_literal_time;
	return 0;
}

/*
 * Patterns are an author's, the text is a guest's. Back references would make
 * matching exponential; large counts make compiling it so.
 */
static int check_pattern(const struct node *n, struct expr_error *err)
{
	const char *s = n->text;
	unsigned long product = 1, count;

	if (n->text_len > MAX_PATTERN)
		return expr_fail(err, n->off, n->end,
				 "a pattern of more than %d bytes", MAX_PATTERN);
	if (strlen(s) != n->text_len || strchr(s, '\n'))
		return expr_fail(err, n->off, n->end,
				 "patterns match within one line: no \\n here");
	for (; *s; s++) {
		if (*s == '\\' && s[1]) {
			s++;
			if (isdigit((u8)*s))
				return expr_fail(err, n->off, n->end,
						 "back references are not supported");
		} else if (*s == '{') {
			const char *p = s + 1;

			for (count = 1; *p && *p != '}'; p++) {
				if (isdigit((u8)*p) &&
				    (p[-1] == '{' || p[-1] == ','))
					count = max(count, strtoul(p, NULL, 10));
			}
			product = count > MAX_REPEAT ? MAX_REPEAT + 1 :
				  product * count;
			if (product > MAX_REPEAT)
				return expr_fail(err, n->off, n->end,
						 "the counts in this pattern multiply to more than %d",
						 MAX_REPEAT);
		}
	}
	return 0;
}

static int check_match(const struct expr *e, struct node *n, enum kind ka,
		       struct expr_error *err)
{
	struct node *a = n->args[0], *b = n->args[1];
	char why[120];
	int rc;

	if (ka != KIND_STR && ka != KIND_ANY)
		return fail_operand(e, a, op_name(n->op), "a string", err);
	if (b->kind != NODE_STR)
		return expr_fail(err, b->off, b->end,
				 "the right side of %s is a \"pattern\" (POSIX extended regular expression)",
				 op_name(n->op));
	if (check_pattern(b, err))
		return -EINVAL;
	n->re = calloc(1, sizeof(*n->re));
	if (!n->re)
		return -ENOMEM;
	rc = regcomp(n->re, b->text, REG_EXTENDED | REG_NOSUB | REG_NEWLINE);
	if (rc) {
		regerror(rc, n->re, why, sizeof(why));
		free(n->re);
		n->re = NULL;
		return expr_fail(err, b->off, b->end, "bad pattern: %s", why);
	}
	n->type = (struct type){ .kind = KIND_BOOL };
	return 0;
}

static int check_logic(const struct expr *e, struct node *n,
		       struct expr_error *err)
{
	size_t i;

	for (i = 0; i < n->nargs; i++) {
		enum kind kind = n->args[i]->type.kind;
		const char *op = n->kind == NODE_NOT ? "!" : op_name(n->op);

		if (kind != KIND_BOOL && kind != KIND_ANY)
			return fail_operand(e, n->args[i], op, "booleans", err);
	}
	n->type.kind = KIND_BOOL;
	return 0;
}

/* An operator with a list applies to its items; the result is a list again. */
static int check_binary(const struct expr *e, struct node *n,
			struct expr_error *err)
{
	const struct type *ta = &n->args[0]->type, *tb = &n->args[1]->type;
	bool la = ta->kind == KIND_LIST, lb = tb->kind == KIND_LIST;
	enum kind ka = la ? ta->item : ta->kind;
	enum kind kb = lb ? tb->item : tb->kind;
	int rc;

	if (n->op == OP_AND || n->op == OP_OR)
		return check_logic(e, n, err);
	if (n->op == OP_MATCH || n->op == OP_NO_MATCH)
		rc = check_match(e, n, ka, err);
	else if (op_is_comparison(n->op))
		rc = check_comparison(e, n, ka, kb, err);
	else
		rc = check_arithmetic(e, n, ka, kb, err);
	if (!rc && (la || lb)) {
		n->type.item = n->type.kind;
		n->type.kind = KIND_LIST;
	}
	return rc;
}

static int check_neg(const struct expr *e, struct node *n,
		     struct expr_error *err)
{
	if (!is_number(n->args[0]->type.kind))
		return fail_operand(e, n->args[0], "-", "a number", err);
	n->type = n->args[0]->type;
	n->type.field = NULL;
	return 0;
}

static int check_node(const struct expr *e, struct node *n,
		      struct expr_error *err)
{
	switch (n->kind) {
	case NODE_INT:
		n->type.kind = KIND_INT;
		n->type.unit_ns = n->time_unit_ns;
		n->type.is_literal_time = n->time_unit_ns;
		return 0;
	case NODE_FLOAT:
		n->type.kind = KIND_FLOAT;
		return 0;
	case NODE_STR:
		n->type.kind = KIND_STR;
		return 0;
	case NODE_BOOL:
		n->type.kind = KIND_BOOL;
		return 0;
	case NODE_NAME:
	case NODE_FIELD:
	case NODE_INDEX:
	case NODE_EACH:
		return node_is_path(n) ? check_path(n, err) :
		       check_access(n, err);
	case NODE_CALL:
		return func_check(e, n, err);
	case NODE_NOT:
		return check_logic(e, n, err);
	case NODE_NEG:
		return check_neg(e, n, err);
	case NODE_BINARY:
		return check_binary(e, n, err);
	}
	return 0;
}

/* Arguments first; the height of the tree bounds the recursion. */
static int check_tree(const struct expr *e, struct node *n,
		      struct expr_error *err)
{
	size_t i;
	int rc;

	for (i = 0; i < n->nargs; i++) {
		rc = check_tree(e, n->args[i], err);
		if (rc)
			return rc;
	}
	return check_node(e, n, err);
}

int expr_check_types(struct expr *e, struct expr_error *err)
{
	return check_tree(e, e->root, err);
}
