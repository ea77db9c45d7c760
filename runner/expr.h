/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * expr: the language of checks (DESIGN section 4). Parsed and type-checked
 * against the catalogue before anything boots; evaluated on a result tree.
 *
 *	expr    := unary { op unary }      || && (== != < <= > >= =~ !~) (+ -) (* / %)
 *	unary   := [ ! | - ] postfix
 *	postfix := primary { .name | .name(args) | [expr] | [] }
 *	primary := number | "string" | true | false | name | name(args) | (expr)
 *
 * x[].f is the list of f over all items of x; an operator between a list and
 * a scalar applies to each item, and all() or any() make one verdict of that.
 * Reading an absent value makes the whole expression absent, with the reason,
 * but for exists() and what && and || did not get to.
 */
#ifndef VMTAP_RUNNER_EXPR_H
#define VMTAP_RUNNER_EXPR_H

#include <stdbool.h>
#include <stddef.h>

struct expr;
struct value;

/* Bounds on what is parsed: text in bytes, and nesting. */
#define EXPR_MAX_LEN	(16 * 1024)
#define EXPR_MAX_DEPTH	64

/* What is wrong with a text, and where in it (bytes from its beginning). */
struct expr_error {
	size_t off;
	size_t len;
	char msg[400];	/* one line; names the nearest known name */
};

/**
 * expr_parse() - parse and type-check
 * Return: 0 and @out (expr_destroy()); -EINVAL and @err; -ENOMEM.
 */
int expr_parse(const char *text, struct expr **out, struct expr_error *err);

/** expr_parse_check() - as expr_parse(), and the type must be a boolean */
int expr_parse_check(const char *text, struct expr **out,
		     struct expr_error *err);

void expr_destroy(struct expr *e);

enum expr_status {
	EXPR_VALUE,	/* evaluated; value is set */
	EXPR_ABSENT,	/* a null was read; message says which and why */
	EXPR_ERROR,	/* overflow, division by zero, wrong type, bad index */
};

struct expr_result {
	enum expr_status status;
	struct value *value;	/* owned */
	char *message;		/* owned; for ABSENT and ERROR */
	size_t off, len;	/* the part of the text that message is about */
	struct value *names;	/* owned list of {name, value, note}: each name
				 * that was read, in the order of the text */
	struct value *found;	/* owned; left side of an outermost comparison */
	char *wanted;		/* owned; "== 3": the operator and right side */
};

/**
 * expr_eval() - evaluate on @result (a tree of the names of section 3)
 * Pure: touches no clock, file or VM. Return: 0 and @out
 * (expr_result_reset()), -ENOMEM.
 */
int expr_eval(const struct expr *e, const struct value *result,
	      struct expr_result *out);
void expr_result_reset(struct expr_result *r);

#endif
