// SPDX-License-Identifier: GPL-2.0-only
/* Tokens of a check. */
#include "runner/expr_node.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

int op_strength(enum op op)
{
	return ops[op].strength;
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
				 "this string has no closing %c (to YAML ` #` begins a comment: quote the check)",
				 quote);
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
int expr_lex(struct parser *p)
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
