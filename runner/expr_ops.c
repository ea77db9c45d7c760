// SPDX-License-Identifier: GPL-2.0-only
/* Operators of checks on two values: checked arithmetic, order, patterns. */
#include "runner/expr_node.h"

#include <string.h>

static double to_float(const struct val *v)
{
	return v->kind == VAL_FLOAT ? v->f : (double)v->i;
}

static struct val in_range(struct eval *ev, const struct node *n, bool over,
			   s128 i)
{
	if (over || i < EXPR_INT_MIN || i > EXPR_INT_MAX)
		return val_error(ev, n, "the result does not fit in 64 bits");
	return val_int(i);
}

static struct val arithmetic_int(struct eval *ev, const struct node *n,
				 enum op op, s128 a, s128 b)
{
	s128 i = 0;
	bool over = false;

	if ((op == OP_DIV || op == OP_MOD) && !b)
		return val_error(ev, n, "division by zero");
	switch (op) {
	case OP_ADD:
		over = check_add(a, b, &i);
		break;
	case OP_SUB:
		over = __builtin_sub_overflow(a, b, &i);
		break;
	case OP_MUL:
		over = check_mul(a, b, &i);
		break;
	case OP_DIV:
		i = a / b;
		break;
	default:
		i = a % b;
	}
	return in_range(ev, n, over, i);
}

static struct val arithmetic_float(struct eval *ev, const struct node *n,
				   enum op op, double a, double b)
{
	struct val v = { .kind = VAL_FLOAT };

	if (op == OP_MOD)
		return val_error(ev, n, "%% needs whole numbers");
	if (op == OP_DIV && b == 0)
		return val_error(ev, n, "division by zero");
	v.f = op == OP_ADD ? a + b : op == OP_SUB ? a - b :
	      op == OP_MUL ? a * b : a / b;
	return v;
}

static bool compare_by(enum op op, int order)
{
	switch (op) {
	case OP_EQ:
		return order == 0;
	case OP_NE:
		return order != 0;
	case OP_LT:
		return order < 0;
	case OP_LE:
		return order <= 0;
	case OP_GT:
		return order > 0;
	default:
		return order >= 0;
	}
}

static struct val compare_numbers(enum op op, const struct val *a,
				  const struct val *b)
{
	double fa, fb;

	if (a->kind == VAL_INT && b->kind == VAL_INT)
		return val_bool(compare_by(op, (a->i > b->i) - (a->i < b->i)));
	fa = to_float(a);
	fb = to_float(b);
	if (fa != fa || fb != fb)	/* not a number: unequal to all */
		return val_bool(op == OP_NE);
	return val_bool(compare_by(op, (fa > fb) - (fa < fb)));
}

static struct val compare(struct eval *ev, const struct node *n, enum op op,
			  struct val a, struct val b)
{
	bool equality = op == OP_EQ || op == OP_NE;
	bool equal;

	if ((a.kind == VAL_INT || a.kind == VAL_FLOAT ||
	     b.kind == VAL_INT || b.kind == VAL_FLOAT || !equality) &&
	    val_number(&a) && val_number(&b))
		return compare_numbers(op, &a, &b);
	if (a.kind != b.kind || !equality ||
	    (a.kind != VAL_BOOL && a.kind != VAL_STR))
		return val_error(ev, n, "%s between a %s and a %s",
				 op_name(op), val_kind_name(&a),
				 val_kind_name(&b));
	if (a.kind == VAL_BOOL)
		equal = a.b == b.b;
	else
		equal = a.str.len == b.str.len &&
			!memcmp(a.str.data, b.str.data, a.str.len);
	return val_bool(equal == (op == OP_EQ));
}

/* Line by line: the memory that regexec() takes grows with its input. */
struct val val_match(struct eval *ev, const struct node *n, struct val a)
{
	size_t at = 0, end;
	bool found = false;

	if (a.kind != VAL_STR)
		return val_error(ev, n, "%s needs a string, and this is a %s",
				 op_name(n->op), val_kind_name(&a));
	while (!found && at <= a.str.len) {
		const char *nl = memchr(a.str.data + at, '\n', a.str.len - at);
		regmatch_t range;

		end = nl ? (size_t)(nl - a.str.data) : a.str.len;
		if (end - at > INT32_MAX / 2)
			return val_error(ev, n, "a line of %zu bytes is too long",
					 end - at);
		range.rm_so = 0;
		range.rm_eo = (regoff_t)(end - at);
		found = !regexec(n->re, a.str.data + at, 1, &range,
				 REG_STARTEND);
		at = end + 1;
		/* What follows a last newline is no line. */
		if (at == a.str.len && a.str.len)
			break;
	}
	return val_bool(found == (n->op == OP_MATCH));
}

struct val val_binary(struct eval *ev, const struct node *n, enum op op,
		      struct val a, struct val b)
{
	if (val_is_trouble(&a))
		return a;
	if (val_is_trouble(&b))
		return b;
	if (op_is_comparison(op))
		return compare(ev, n, op, a, b);
	if (!val_number(&a) || !val_number(&b))
		return val_error(ev, n, "%s between a %s and a %s", op_name(op),
				 val_kind_name(&a), val_kind_name(&b));
	if (a.kind == VAL_INT && b.kind == VAL_INT)
		return arithmetic_int(ev, n, op, a.i, b.i);
	return arithmetic_float(ev, n, op, to_float(&a), to_float(&b));
}
