// SPDX-License-Identifier: GPL-2.0-only
/* Text of a check to a tree: tokens and a Pratt parser; see expr.h. */
#include "runner/expr_node.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/buf.h"

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

/* From loose to tight; operators of the same strength group to the left. */
static const struct {
	const char *name;
	int strength;
} ops[OP_COUNT] = {
	[OP_OR] = { "||", 1 },		[OP_AND] = { "&&", 2 },
	[OP_EQ] = { "==", 3 },		[OP_NE] = { "!=", 3 },
	[OP_LE] = { "<=", 3 },		[OP_GE] = { ">=", 3 },
	[OP_LT] = { "<", 3 },		[OP_GT] = { ">", 3 },
	[OP_MATCH] = { "=~", 3 },	[OP_NO_MATCH] = { "!~", 3 },
	[OP_ADD] = { "+", 4 },		[OP_SUB] = { "-", 4 },
	[OP_MUL] = { "*", 5 },		[OP_DIV] = { "/", 5 },
	[OP_MOD] = { "%", 5 },
};

const char *op_name(enum op op)
{
	return ops[op].name;
}

int expr_fail(struct expr_error *err, size_t off, size_t end,
	      const char *fmt, ...)
{
	va_list ap;

	err->off = off;
	err->len = end > off ? end - off : 0;
	va_start(ap, fmt);
	vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
	va_end(ap);
	return -EINVAL;
}

static const struct {
	const char *name;
	u64 factor;
	bool is_time;
} suffixes[] = {
	{ "K", KiB(1), false },		{ "M", MiB(1), false },
	{ "G", GiB(1), false },		{ "ns", 1, true },
	{ "us", 1000, true },		{ "ms", NSEC_PER_MSEC, true },
	{ "s", NSEC_PER_SEC, true },	{ "m", 60 * NSEC_PER_SEC, true },
};

static int apply_suffix(struct parser *p, struct token *t, const char *s,
			size_t len)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(suffixes); i++) {
		if (strlen(suffixes[i].name) == len &&
		    !memcmp(suffixes[i].name, s, len))
			break;
	}
	if (i == ARRAY_SIZE(suffixes) || t->kind == TOKEN_FLOAT)
		return expr_fail(p->err, t->off, t->end,
				 "`%.*s` is no number; sizes end in K, M or G, times in ns, us, ms, s or m",
				 (int)min(t->end - t->off, (size_t)80),
				 p->text + t->off);
	t->i *= suffixes[i].factor;
	t->unit_ns = suffixes[i].is_time ? 1 : 0;
	return 0;
}

static int lex_number(struct parser *p, struct token *t)
{
	const char *s = p->text + t->off;
	bool hex = s[0] == '0' && (s[1] == 'x' || s[1] == 'X');
	size_t n = hex ? 2 : 0, first = n, digits;

	t->kind = TOKEN_INT;
	for (; hex ? isxdigit((u8)s[n]) : isdigit((u8)s[n]); n++) {
		int c = tolower((u8)s[n]);

		t->i = t->i * (hex ? 16 : 10) +
		       (isdigit(c) ? c - '0' : c - 'a' + 10);
		if (t->i > EXPR_INT_MAX)
			t->i = EXPR_INT_MAX + 1;
	}
	digits = n - first;
	if (!hex && s[n] == '.' && isdigit((u8)s[n + 1])) {
		t->kind = TOKEN_FLOAT;
		t->f = strtod(s, NULL);
		for (n++; isdigit((u8)s[n]); n++)
			;
	}
	first = n;
	while (isalnum((u8)s[n]) || s[n] == '_')
		n++;
	t->end = t->off + n;
	if (!digits || (!hex && digits > 1 && s[0] == '0'))
		return expr_fail(p->err, t->off, t->end,
				 "`%.*s` is no number: decimal without leading zeros, or 0x and hex digits",
				 (int)min(n, (size_t)80), s);
	if (n > first && apply_suffix(p, t, s + first, n - first))
		return -EINVAL;
	if (t->i > EXPR_INT_MAX)
		return expr_fail(p->err, t->off, t->end,
				 "this number does not fit in 64 bits");
	return 0;
}

static int lex_string(struct parser *p, struct token *t)
{
	char quote = p->text[t->off];
	size_t i = t->off + 1;

	while (p->text[i] && p->text[i] != quote) {
		if (quote == '"' && p->text[i] == '\\' && p->text[i + 1])
			i++;
		i++;
	}
	t->kind = TOKEN_STR;
	t->end = i + 1;
	if (!p->text[i]) {
		t->end = i;
		return expr_fail(p->err, t->off, i,
				 "this string has no closing %c", quote);
	}
	return 0;
}

static const struct {
	char c;
	enum token_kind kind;
} marks[] = {
	{ '(', TOKEN_OPEN },		{ ')', TOKEN_CLOSE },
	{ '[', TOKEN_OPEN_INDEX },	{ ']', TOKEN_CLOSE_INDEX },
	{ '.', TOKEN_DOT },		{ ',', TOKEN_COMMA },
};

static int lex_mark(struct parser *p, struct token *t)
{
	const char *s = p->text + t->off;
	size_t i;

	/* Two-character operators come before their first character. */
	for (i = 0; i < OP_COUNT; i++) {
		size_t len = strlen(ops[i].name);
		bool longer = len == 1 && s[1] == '=' &&
			      (s[0] == '<' || s[0] == '>');

		if (strncmp(s, ops[i].name, len) || longer)
			continue;
		t->kind = TOKEN_OP;
		t->op = i;
		t->end = t->off + len;
		return 0;
	}
	t->end = t->off + 1;
	if (*s == '!') {
		t->kind = TOKEN_NOT;
		return 0;
	}
	for (i = 0; i < ARRAY_SIZE(marks); i++) {
		if (*s == marks[i].c) {
			t->kind = marks[i].kind;
			return 0;
		}
	}
	if (*s == '=' || *s == '&' || *s == '|')
		return expr_fail(p->err, t->off, t->end,
				 "`%c` is no operator (did you mean `%c%c`?)",
				 *s, *s, *s);
	return expr_fail(p->err, t->off, t->end,
			 isprint((u8)*s) ? "unexpected `%c`" :
			 "unexpected byte 0x%02x", (u8)*s);
}

/* Read the next token into p->tok. */
static int lex(struct parser *p)
{
	struct token t = { .off = p->tok.end };
	char c;

	while (isspace((u8)p->text[t.off]))
		t.off++;
	t.end = t.off;
	c = p->text[t.off];
	p->tok = t;
	if (!c)
		return 0;
	if (isdigit((u8)c))
		return lex_number(p, &p->tok);
	if (c == '"' || c == '\'')
		return lex_string(p, &p->tok);
	if (!isalpha((u8)c) && c != '_')
		return lex_mark(p, &p->tok);
	p->tok.kind = TOKEN_IDENT;
	while (isalnum((u8)p->text[p->tok.end]) || p->text[p->tok.end] == '_')
		p->tok.end++;
	return 0;
}

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
	return lex(p);
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
		err = more ? lex(p) : 0;
		if (err)
			return err;
	}
	call->end = p->tok.end;
	return lex(p);
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
		err = lex(p);
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
	int err = lex(p);

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
		err = lex(p);
		if (!err)
			err = parse_expr(p, 0, out);
		if (err)
			return err;
		if (p->tok.kind != TOKEN_CLOSE)
			return unexpected(p, "`)`");
		(*out)->off = off;
		(*out)->end = p->tok.end;
		return lex(p);
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
	err = lex(p);
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
	return lex(p);
}

static int parse_postfix(struct parser *p, struct node **out)
{
	int err = parse_primary(p, out);

	while (!err) {
		bool dot = p->tok.kind == TOKEN_DOT;

		if (!dot && p->tok.kind != TOKEN_OPEN_INDEX)
			return 0;
		err = lex(p);
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
	err = lex(p);
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
		    ops[p->tok.op].strength <= strength)
			break;
		op = p->tok.op;
		err = lex(p);
		if (!err)
			err = parse_expr(p, ops[op].strength, &right);
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
	rc = e->text ? lex(&p) : no_memory(&p);
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
