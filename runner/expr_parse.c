// SPDX-License-Identifier: GPL-2.0-only
/* Text of a check to a tree: a Pratt parser; see expr.h. */
#include "runner/expr_node.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int unexpected(struct parser *p, const char *wanted)
{
	const struct token *t = &p->tok;

	if (t->kind == TOKEN_END)
		return expr_fail(p->err, t->off, t->end,
				 "the check ends where %s is expected", wanted);
	return expr_fail(p->err, t->off, t->end,
			 "unexpected `%.*s` where %s is expected",
			 (int)min(t->end - t->off, (size_t)80),
			 p->text + t->off, wanted);
}

static int no_memory(struct parser *p)
{
	expr_fail(p->err, 0, 0, "no memory");
	return -ENOMEM;
}

static struct node *node_new(struct parser *p, enum node_kind kind,
			     size_t off, size_t end)
{
	struct node *n = calloc(1, sizeof(*n));

	if (!n) {
		no_memory(p);
		return NULL;
	}
	n->kind = kind;
	n->off = n->name_off = off;
	n->end = end;
	n->height = 1;
	n->scale[0] = n->scale[1] = 1;
	n->next = p->e->all;
	p->e->all = n;
	return n;
}

static int node_add(struct parser *p, struct node *n, struct node *arg)
{
	if (n->nargs == EXPR_MAX_ARGS)
		return expr_fail(p->err, arg->off, arg->end,
				 "more than %d arguments", EXPR_MAX_ARGS);
	n->args[n->nargs++] = arg;
	if (arg->height >= n->height)
		n->height = arg->height + 1;
	if (n->height > EXPR_MAX_HEIGHT)
		return expr_fail(p->err, n->off, n->end,
				 "this check is too long; make several of it");
	return 0;
}

static int node_set_text(struct parser *p, struct node *n, size_t off,
			 size_t len)
{
	n->text = strndup(p->text + off, len);
	n->text_len = len;
	return n->text ? 0 : no_memory(p);
}

static int parse_expr(struct parser *p, int strength, struct node **out);

/* Unknown escapes stay as they are, which is what patterns want. */
static void unescape(struct node *n)
{
	size_t from = 0, to = 0;

	while (from < n->text_len) {
		char c = n->text[from++];

		if (c == '\\' && from < n->text_len) {
			char next = n->text[from];

			if (next == 'n' || next == 't') {
				c = next == 'n' ? '\n' : '\t';
				from++;
			} else if (next == '"' || next == '\\') {
				c = next;
				from++;
			}
		}
		n->text[to++] = c;
	}
	n->text[to] = '\0';
	n->text_len = to;
}

static int parse_literal(struct parser *p, struct node **out)
{
	struct token t = p->tok;
	struct node *n = node_new(p, NODE_INT, t.off, t.end);
	int err;

	if (!n)
		return -ENOMEM;
	if (t.kind == TOKEN_STR) {
		n->kind = NODE_STR;
		err = node_set_text(p, n, t.off + 1, t.end - t.off - 2);
		if (err)
			return err;
		if (p->text[t.off] == '"')
			unescape(n);
	} else if (t.kind == TOKEN_FLOAT) {
		n->kind = NODE_FLOAT;
		n->f = t.f;
	} else {
		n->i = t.i;
		n->time_unit_ns = t.unit_ns;
	}
	*out = n;
	return expr_lex(p);
}

static int parse_args(struct parser *p, struct node *call)
{
	struct node *arg;
	bool more = p->tok.kind != TOKEN_CLOSE;
	int err;

	while (more) {
		err = parse_expr(p, 0, &arg);
		if (!err)
			err = node_add(p, call, arg);
		if (err)
			return err;
		more = p->tok.kind == TOKEN_COMMA;
		if (!more && p->tok.kind != TOKEN_CLOSE)
			return unexpected(p, "`,` or `)`");
		err = more ? expr_lex(p) : 0;
		if (err)
			return err;
	}
	call->end = p->tok.end;
	return expr_lex(p);
}

/* At the `(` of a call; @self is what stands before the dot, or NULL. */
static int parse_call(struct parser *p, struct token name, struct node *self,
		      struct node **out)
{
	const char *s = p->text + name.off;
	size_t len = name.end - name.off;
	enum func func = func_find(s, len);
	struct node *call;
	int err;

	call = node_new(p, NODE_CALL, self ? self->off : name.off, name.end);
	if (!call)
		return -ENOMEM;
	call->name_off = name.off;
	err = node_set_text(p, call, name.off, len);
	if (err)
		return err;
	if (func == FUNC_COUNT) {
		const char *near = func_nearest(call->text);

		return expr_fail(p->err, name.off, name.end,
				 "there is no function `%.80s`%s%s%s",
				 call->text, near ? " (did you mean `" : "",
				 near ? near : "", near ? "`?)" : "");
	}
	call->func = func;
	if (self)
		err = node_add(p, call, self);
	if (!err)
		err = expr_lex(p);
	if (err)
		return err;
	*out = call;
	return parse_args(p, call);
}

static int parse_word(struct parser *p, struct node **out)
{
	struct token t = p->tok;
	const char *s = p->text + t.off;
	size_t len = t.end - t.off;
	struct node *n;
	int err = expr_lex(p);

	if (err)
		return err;
	if (p->tok.kind == TOKEN_OPEN)
		return parse_call(p, t, NULL, out);
	n = node_new(p, NODE_NAME, t.off, t.end);
	if (!n)
		return -ENOMEM;
	if ((len == 4 && !memcmp(s, "true", 4)) ||
	    (len == 5 && !memcmp(s, "false", 5))) {
		n->kind = NODE_BOOL;
		n->i = *s == 't';
	}
	*out = n;
	return node_set_text(p, n, t.off, len);
}

static int parse_primary(struct parser *p, struct node **out)
{
	size_t off = p->tok.off;
	int err;

	switch (p->tok.kind) {
	case TOKEN_INT:
	case TOKEN_FLOAT:
	case TOKEN_STR:
		return parse_literal(p, out);
	case TOKEN_IDENT:
		return parse_word(p, out);
	case TOKEN_OPEN:
		err = expr_lex(p);
		if (!err)
			err = parse_expr(p, 0, out);
		if (err)
			return err;
		if (p->tok.kind != TOKEN_CLOSE)
			return unexpected(p, "`)`");
		(*out)->off = off;
		(*out)->end = p->tok.end;
		return expr_lex(p);
	default:
		return unexpected(p, "a name or a value");
	}
}

/* Behind the dot. */
static int parse_member(struct parser *p, struct node **n)
{
	struct node *base = *n, *field;
	struct token t = p->tok;
	int err;

	if (t.kind != TOKEN_IDENT)
		return unexpected(p, "a name");
	err = expr_lex(p);
	if (err)
		return err;
	if (p->tok.kind == TOKEN_OPEN)
		return parse_call(p, t, base, n);
	field = node_new(p, NODE_FIELD, base->off, t.end);
	if (!field)
		return -ENOMEM;
	field->name_off = t.off;
	*n = field;
	err = node_add(p, field, base);
	return err ? err : node_set_text(p, field, t.off, t.end - t.off);
}

/* Behind the bracket. */
static int parse_index(struct parser *p, struct node **n)
{
	struct node *base = *n, *index, *arg;
	size_t off = p->tok.off;
	int err;

	index = node_new(p, NODE_EACH, base->off, off);
	if (!index)
		return -ENOMEM;
	index->name_off = off;
	*n = index;
	err = node_add(p, index, base);
	if (!err && p->tok.kind != TOKEN_CLOSE_INDEX) {
		index->kind = NODE_INDEX;
		err = parse_expr(p, 0, &arg);
		if (!err)
			err = node_add(p, index, arg);
	}
	if (err)
		return err;
	if (p->tok.kind != TOKEN_CLOSE_INDEX)
		return unexpected(p, "`]`");
	index->end = p->tok.end;
	return expr_lex(p);
}

static int parse_postfix(struct parser *p, struct node **out)
{
	int err = parse_primary(p, out);

	while (!err) {
		bool dot = p->tok.kind == TOKEN_DOT;

		if (!dot && p->tok.kind != TOKEN_OPEN_INDEX)
			return 0;
		err = expr_lex(p);
		if (!err)
			err = dot ? parse_member(p, out) : parse_index(p, out);
	}
	return err;
}

static int parse_unary(struct parser *p, struct node **out)
{
	struct token t = p->tok;
	bool neg = t.kind == TOKEN_OP && t.op == OP_SUB;
	struct node *n, *arg;
	int err;

	if (++p->depth > EXPR_MAX_DEPTH)
		return expr_fail(p->err, t.off, t.end,
				 "nested deeper than %d levels",
				 EXPR_MAX_DEPTH);
	if (t.kind != TOKEN_NOT && !neg) {
		err = parse_postfix(p, out);
		p->depth--;
		return err;
	}
	n = node_new(p, neg ? NODE_NEG : NODE_NOT, t.off, t.end);
	if (!n)
		return -ENOMEM;
	err = expr_lex(p);
	if (!err)
		err = parse_unary(p, &arg);
	if (!err)
		err = node_add(p, n, arg);
	if (err)
		return err;
	n->end = arg->end;
	*out = n;
	p->depth--;
	return 0;
}

/* Words of other languages, and comparisons that would chain. */
static int check_operator(struct parser *p, const struct node *left)
{
	static const char *const words[][2] = {
		{ "and", "&&" }, { "or", "||" }, { "is", "==" },
		{ "matches", "=~" },
	};
	const struct token *t = &p->tok;
	size_t i;

	if (t->kind == TOKEN_OP && op_is_comparison(t->op) &&
	    left->kind == NODE_BINARY && op_is_comparison(left->op) &&
	    left->off == left->args[0]->off)
		return expr_fail(p->err, t->off, t->end,
				 "comparisons do not chain: write a %s b && b %s c",
				 op_name(left->op), op_name(t->op));
	for (i = 0; t->kind == TOKEN_IDENT && i < ARRAY_SIZE(words); i++) {
		if (strlen(words[i][0]) == t->end - t->off &&
		    !memcmp(words[i][0], p->text + t->off, t->end - t->off))
			return expr_fail(p->err, t->off, t->end,
					 "unexpected `%s` (did you mean `%s`?)",
					 words[i][0], words[i][1]);
	}
	return 0;
}

static int parse_expr(struct parser *p, int strength, struct node **out)
{
	struct node *left, *right, *n;
	enum op op;
	int err = parse_unary(p, &left);

	while (!err) {
		err = check_operator(p, left);
		if (err || p->tok.kind != TOKEN_OP ||
		    op_strength(p->tok.op) <= strength)
			break;
		op = p->tok.op;
		err = expr_lex(p);
		if (!err)
			err = parse_expr(p, op_strength(op), &right);
		if (err)
			break;
		n = node_new(p, NODE_BINARY, left->off, right->end);
		if (!n)
			return -ENOMEM;
		n->op = op;
		err = node_add(p, n, left);
		if (!err)
			err = node_add(p, n, right);
		left = n;
	}
	*out = left;
	return err;
}

int expr_parse(const char *text, struct expr **out, struct expr_error *err)
{
	struct expr *e = calloc(1, sizeof(*e));
	struct parser p = { .e = e, .text = text, .err = err };
	int rc;

	*err = (struct expr_error){ 0 };
	if (!e)
		return no_memory(&p);
	if (strlen(text) > EXPR_MAX_LEN) {
		expr_destroy(e);
		return expr_fail(err, 0, 0, "a check of more than %d bytes",
				 EXPR_MAX_LEN);
	}
	e->text = strdup(text);
	rc = e->text ? expr_lex(&p) : no_memory(&p);
	if (!rc)
		rc = parse_expr(&p, 0, &e->root);
	if (!rc && p.tok.kind != TOKEN_END)
		rc = unexpected(&p, "an operator");
	if (!rc)
		rc = expr_check_types(e, err);
	if (rc)
		expr_destroy(e);
	else
		*out = e;
	return rc;
}

int expr_parse_check(const char *text, struct expr **out,
		     struct expr_error *err)
{
	struct expr *e;
	const struct type *t;
	int rc = expr_parse(text, &e, err);

	if (rc)
		return rc;
	t = &e->root->type;
	if (t->kind != KIND_BOOL && t->kind != KIND_ANY) {
		bool list = t->kind == KIND_LIST;

		expr_fail(err, e->root->off, e->root->end,
			  "a check must be true or false, and this is a %s%s",
			  kind_name(t->kind),
			  list ? ": use all() or any()" : "");
		expr_destroy(e);
		return -EINVAL;
	}
	*out = e;
	return 0;
}

void expr_destroy(struct expr *e)
{
	struct node *n, *next;

	if (!e)
		return;
	for (n = e->all; n; n = next) {
		next = n->next;
		if (n->re) {
			regfree(n->re);
			free(n->re);
		}
		free(n->text);
		free(n);
	}
	free(e->text);
	free(e);
}
