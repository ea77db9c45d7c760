/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * expr_node: the syntax tree of a check, shared by its parser (expr_parse.c),
 * type check (expr_type.c) and evaluation (expr_eval.c, expr_func.c). Nobody
 * else includes this.
 */
#ifndef VMTAP_RUNNER_EXPR_NODE_H
#define VMTAP_RUNNER_EXPR_NODE_H

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>

#include "runner/arena.h"
#include "runner/expr.h"
#include "runner/fields.h"
#include "vmm/base/util.h"

/* Holds every s64 and u64; results beyond those two ranges are overflows. */
typedef __int128 s128;
#define EXPR_INT_MIN ((s128)INT64_MIN)
#define EXPR_INT_MAX ((s128)UINT64_MAX)

#define EXPR_MAX_PATH 16	/* steps of a name */
#define EXPR_MAX_ARGS 16
#define EXPR_MAX_HEIGHT 200	/* of the tree: bounds all recursion */

enum node_kind {
	NODE_INT,
	NODE_FLOAT,
	NODE_STR,
	NODE_BOOL,
	NODE_NAME,	/* root of a path; text */
	NODE_FIELD,	/* args[0].text */
	NODE_INDEX,	/* args[0][args[1]] */
	NODE_EACH,	/* args[0][] */
	NODE_CALL,	/* func(args...), also in the form args[0].func(...) */
	NODE_NOT,
	NODE_NEG,
	NODE_BINARY,
};

enum op {
	OP_OR, OP_AND,
	OP_EQ, OP_NE, OP_LT, OP_LE, OP_GT, OP_GE, OP_MATCH, OP_NO_MATCH,
	OP_ADD, OP_SUB, OP_MUL, OP_DIV, OP_MOD,
	OP_COUNT,
};

enum func {
	FUNC_LEN, FUNC_SUM, FUNC_AVG, FUNC_MIN, FUNC_MAX, FUNC_ANY, FUNC_ALL,
	FUNC_ABS, FUNC_EXISTS, FUNC_FIRST, FUNC_LAST, FUNC_MONOTONIC,
	FUNC_SERIES, FUNC_MAP, FUNC_RATE,
	FUNC_COUNT,
};

enum kind {
	KIND_ANY,	/* not known before the run */
	KIND_BOOL,
	KIND_INT,
	KIND_FLOAT,
	KIND_STR,
	KIND_LIST,
	KIND_MAP,
};

struct type {
	enum kind kind;
	enum kind item;		/* of a list */
	u64 unit_ns;		/* one of it in ns: 1, 1000, ...; 0 no time */
	bool is_literal_time;	/* 5s: may only meet another time */
	const struct field *field;	/* of a name, for enumerations */
};

struct node {
	enum node_kind kind;
	size_t off, end;	/* span in the text */
	size_t name_off;	/* of the last step of a path */
	unsigned int height;
	struct node *args[EXPR_MAX_ARGS];
	size_t nargs;
	char *text;		/* name or string, owned */
	size_t text_len;
	s128 i;			/* also booleans */
	double f;
	u64 time_unit_ns;	/* of a literal such as 5s, which is in ns */
	enum op op;
	enum func func;
	regex_t *re;		/* of =~ and !~, owned */
	u64 scale[2];		/* each side of an operator, to one time unit */
	struct type type;
	struct node *next;	/* all nodes, for freeing */
};

struct expr {
	char *text;
	struct node *root;
	struct node *all;
};

/** expr_fail() - fill @err; returns -EINVAL */
int expr_fail(struct expr_error *err, size_t off, size_t end,
	      const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/** expr_check_types() - names, types and units of the whole tree */
int expr_check_types(struct expr *e, struct expr_error *err);

/** func_check() - the type of a call whose arguments are typed (expr_func.c) */
int func_check(const struct expr *e, struct node *n, struct expr_error *err);
/** func_find() - FUNC_COUNT where there is none */
enum func func_find(const char *name, size_t len);
const char *func_nearest(const char *name);
const char *func_name(enum func func);

const char *kind_name(enum kind kind);
const char *op_name(enum op op);
static inline bool op_is_comparison(enum op op)
{
	return op >= OP_EQ && op <= OP_NO_MATCH;
}

/* A path: a name with fields, indexes and [] only. */
static inline bool node_is_path(const struct node *n)
{
	while (n->kind == NODE_FIELD || n->kind == NODE_INDEX ||
	       n->kind == NODE_EACH)
		n = n->args[0];
	return n->kind == NODE_NAME;
}

static inline bool node_has_each(const struct node *n)
{
	while (n->kind == NODE_FIELD || n->kind == NODE_INDEX ||
	       n->kind == NODE_EACH) {
		if (n->kind == NODE_EACH)
			return true;
		n = n->args[0];
	}
	return false;
}

/** node_steps() - a path as catalogue steps; how many, 0 for other nodes */
size_t node_steps(const struct node *n,
		  struct field_step steps[EXPR_MAX_PATH]);

/* Evaluation. */

enum val_kind {
	VAL_ABSENT,
	VAL_ERROR,
	VAL_BOOL,
	VAL_INT,
	VAL_FLOAT,
	VAL_STR,
	VAL_LIST,	/* items, or raw */
	VAL_MAP,	/* raw */
};

struct val {
	enum val_kind kind;
	bool hex;	/* an integer that is shown as an address */
	union {
		bool b;
		s128 i;
		double f;
		struct {
			const char *data;
			size_t len;
		} str;
		struct {
			const struct val *items;	/* NULL: raw */
			size_t n;
		} list;
		struct {
			const char *why;
			size_t off, end;
		} trouble;	/* of ABSENT and ERROR */
	};
	const struct value *raw;
};

struct eval {
	const struct expr *e;
	const struct value *result;
	struct arena arena;
	bool failed;		/* out of memory */
	struct value *names;	/* what was read; NULL: do not record */
};

/** eval_alloc() - memory for as long as the evaluation; NULL and ev->failed */
void *eval_alloc(struct eval *ev, size_t size);
struct val eval_node(struct eval *ev, const struct node *n);
struct val func_eval(struct eval *ev, const struct node *n);
struct val val_error(struct eval *ev, const struct node *n, const char *fmt,
		     ...) __attribute__((format(printf, 3, 4)));
struct val val_absent(struct eval *ev, const struct node *n, const char *fmt,
		      ...) __attribute__((format(printf, 3, 4)));
struct val val_from(const struct value *v);
struct val val_int(s128 i);
struct val val_bool(bool b);
struct val val_item(const struct val *list, size_t i);
static inline bool val_is_trouble(const struct val *v)
{
	return v->kind == VAL_ABSENT || v->kind == VAL_ERROR;
}
/** val_number() - make a number of hex text from a kept result; false: none */
bool val_number(struct val *v);
/** expr_value() - an owned copy for people, long ones cut; NULL: no memory */
struct value *expr_value(const struct val *v);
const char *val_kind_name(const struct val *v);
/** val_binary() - one operator on two scalars; troubles come through */
struct val val_binary(struct eval *ev, const struct node *n, enum op op,
		      struct val a, struct val b);
/** val_match() - =~ or !~ of @n, line by line */
struct val val_match(struct eval *ev, const struct node *n, struct val a);
/*
 * Captures (expr_capture.c): series(), map() and rate().
 * capture_rate_check() - rate() is of a series(), which knows its times
 */
struct val capture_series(struct eval *ev, const struct node *n);
struct val capture_map(struct eval *ev, const struct node *n);
struct val capture_rate(struct eval *ev, const struct node *n);
int capture_rate_check(struct node *n, struct expr_error *err);
/** eval_name(), eval_access() - the nodes of a path (expr_path.c) */
struct val eval_name(struct eval *ev, const struct node *n);
struct val eval_access(struct eval *ev, const struct node *n);

/* Tokens (expr_lex.c). */

enum token_kind {
	TOKEN_END, TOKEN_INT, TOKEN_FLOAT, TOKEN_STR, TOKEN_IDENT, TOKEN_OP,
	TOKEN_NOT, TOKEN_OPEN, TOKEN_CLOSE, TOKEN_OPEN_INDEX,
	TOKEN_CLOSE_INDEX, TOKEN_DOT, TOKEN_COMMA,
};

struct token {
	enum token_kind kind;
	size_t off, end;
	enum op op;
	s128 i;
	double f;
	u64 unit_ns;
};

struct parser {
	struct expr *e;
	const char *text;
	struct token tok;	/* the next one */
	unsigned int depth;
	struct expr_error *err;
};

/** expr_lex() - read the next token into p->tok; 0 or -EINVAL */
int expr_lex(struct parser *p);
/** op_strength() - how tight an operator binds, from 1 */
int op_strength(enum op op);

#endif
