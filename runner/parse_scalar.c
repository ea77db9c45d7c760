// SPDX-License-Identifier: GPL-2.0-only
/* Scalars: numbers with and without units, words, texts, paths. */
#include "runner/parse.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/buf.h"

struct unit {
	const char *suffix;
	u64 factor;
};

static const struct unit size_units[] = {
	{ "", 1 }, { "K", KiB(1) }, { "M", MiB(1) }, { "G", GiB(1) }, { 0 },
};

static const struct unit duration_units[] = {
	{ "ms", NSEC_PER_MSEC }, { "s", NSEC_PER_SEC },
	{ "m", 60 * NSEC_PER_SEC }, { 0 },
};

/* What stands there, for a message: `'text'` or "a map". */
static const char *found(struct parse_ctx *ctx, const struct ynode *n)
{
	const char *s;

	if (n->type != YNODE_SCALAR || ynode_is_null(n))
		return ynode_kind(n);
	s = n->n > 60 ? arena_printf(ctx->arena, "'%.57s...'", n->text) :
			arena_printf(ctx->arena, "'%s'", n->text);
	return s ? s : "text";
}

/* The same where quotes make the difference: they make a text of "4". */
static const char *found_plain(struct parse_ctx *ctx, const struct ynode *n)
{
	const char *s = found(ctx, n);

	if (n->type != YNODE_SCALAR || n->plain)
		return s;
	s = arena_printf(ctx->arena, "the quoted text %s", s);
	return s ? s : "text";
}

static bool is_scalar(const struct ynode *n)
{
	return n->type == YNODE_SCALAR && !ynode_is_null(n);
}

/* Digits, decimal or 0x; *end behind them. -EINVAL none, -ERANGE too many. */
static int scan_number(const char *s, u64 *ret, const char **end)
{
	unsigned int base = 10, digit;
	const char *p = s;
	u64 v = 0;

	if (p[0] == '0' && (p[1] == 'x' || p[1] == 'X')) {
		base = 16;
		p += 2;
	}
	s = p;
	for (; isxdigit((unsigned char)*p); p++) {
		digit = isdigit((unsigned char)*p) ? (unsigned int)(*p - '0') :
			(unsigned int)(tolower(*p) - 'a') + 10;
		if (digit >= base)
			break;
		if (check_mul(v, base, &v) || check_add(v, digit, &v))
			return -ERANGE;
	}
	if (p == s)
		return -EINVAL;
	*ret = v;
	*end = p;
	return 0;
}

static int in_range(s64 v, s64 min, s64 max)
{
	if (!min && !max)
		return v >= 0;
	return v >= min && v <= max;
}

int parse_int(struct parse_ctx *ctx, const struct ynode *n, s64 min, s64 max,
	      s64 *ret)
{
	const char *s = n->text, *end;
	bool negative = is_scalar(n) && s[0] == '-';
	int rc = -EINVAL;
	s64 v = 0;
	u64 u;

	if (is_scalar(n) && n->plain)
		rc = scan_number(s + negative, &u, &end);
	if (rc == -EINVAL || (!rc && *end))
		return parse_error(ctx, n, "%s, expected an integer", found_plain(ctx, n));
	if (!rc && u <= (u64)INT64_MAX)
		v = negative ? -(s64)u : (s64)u;
	else
		rc = -ERANGE;
	if (rc || !in_range(v, min, max)) {
		if (!min && (!max || max == INT64_MAX))
			return parse_error(ctx, n,
					   "%s is out of range, expected 0 or more, below 2^63",
					   s);
		return parse_error(ctx, n, "%s is out of range, expected %lld to %lld",
				   found(ctx, n), (long long)min, (long long)max);
	}
	*ret = v;
	return 0;
}

int parse_float(struct parse_ctx *ctx, const struct ynode *n, double *ret)
{
	const char *s = n->text;
	char *end = NULL;
	double v = 0;

	if (is_scalar(n) && n->plain && strspn(s, "0123456789.") == n->n &&
	    n->n < 32)
		v = strtod(s, &end);
	if (!end || end == s || *end)
		return parse_error(ctx, n, "%s, expected a number, 0 or more, such as 2.5",
				   found_plain(ctx, n));
	*ret = v;
	return 0;
}

static int with_unit(const struct ynode *n, const struct unit *units, u64 *ret)
{
	const char *end;
	int rc;

	if (!is_scalar(n))
		return -EINVAL;
	rc = scan_number(n->text, ret, &end);
	if (rc)
		return rc;
	for (; units->suffix; units++)
		if (!strcmp(end, units->suffix))
			return check_mul(*ret, units->factor, ret) ||
			       *ret > (u64)INT64_MAX ? -ERANGE : 0;
	return -EINVAL;
}

/* The largest unit that divides: bounds in messages as one would write them. */
static const char *show(struct parse_ctx *ctx, const struct unit *units, s64 v)
{
	const struct unit *best = units;
	const char *s;

	for (; units->suffix; units++)
		if ((u64)v % units->factor == 0 && units->factor > best->factor)
			best = units;
	s = arena_printf(ctx->arena, "%llu%s",
			 (unsigned long long)((u64)v / best->factor), best->suffix);
	return s ? s : "?";
}

static int parse_unit(struct parse_ctx *ctx, const struct ynode *n, s64 min,
		      s64 max, const struct unit *units, const char *form,
		      u64 *ret)
{
	u64 v;
	int rc = with_unit(n, units, &v);

	if (rc == -EINVAL)
		return parse_error(ctx, n, "%s, expected %s", found(ctx, n), form);
	if (rc || !in_range((s64)v, min, max))
		return parse_error(ctx, n, "%s is out of range, expected %s to %s",
				   n->text, show(ctx, units, min),
				   show(ctx, units, max ? max : INT64_MAX));
	*ret = v;
	return 0;
}

int parse_size(struct parse_ctx *ctx, const struct ynode *n, s64 min, s64 max,
	       u64 *ret)
{
	return parse_unit(ctx, n, min, max, size_units,
			  "a size such as 64M (K, M, G are powers of two)", ret);
}

int parse_duration(struct parse_ctx *ctx, const struct ynode *n, s64 min,
		   s64 max, u64 *ret)
{
	return parse_unit(ctx, n, min, max, duration_units,
			  "a duration with a unit, such as 100ms, 60s or 2m", ret);
}

bool scan_bool(const struct ynode *n, bool *ret)
{
	static const char *const words[] = {
		"false", "true", "no", "yes", "off", "on",
	};

	for (size_t i = 0; is_scalar(n) && n->plain && i < ARRAY_SIZE(words); i++) {
		if (!strcasecmp(n->text, words[i])) {
			*ret = i & 1;
			return true;
		}
	}
	return false;
}

int parse_bool(struct parse_ctx *ctx, const struct ynode *n, bool *ret)
{
	if (scan_bool(n, ret))
		return 0;
	return parse_error(ctx, n, "%s, expected true or false",
			   found_plain(ctx, n));
}

int parse_text(struct parse_ctx *ctx, const struct ynode *n, const char **ret)
{
	if (!is_scalar(n))
		return parse_error(ctx, n, "%s, expected text", found(ctx, n));
	*ret = n->text;
	return 0;
}

/*
 * ${NAME} and ${NAME:-default} from the environment: build folders are not
 * where the scenarios are.
 */
static int expand_one(struct parse_ctx *ctx, const struct ynode *n,
		      const char **p, struct buf *out)
{
	size_t len = strcspn(*p + 2, "}");
	const char *end = *p + 2 + len, *value, *dash;
	char *name;

	if (!*end)
		return parse_error(ctx, n, "'${' without '}', expected ${NAME} or ${NAME:-default}");
	name = arena_dup(ctx->arena, *p + 2, len);
	if (!name)
		return -ENOMEM;
	dash = strstr(name, ":-");
	if (dash)
		name[dash - name] = 0;
	value = getenv(name);
	if ((!value || !*value) && dash)
		value = dash + 2;
	if (!value)
		return parse_error(ctx, n, "the environment has no '%s', expected it set or ${%s:-default}",
				   name, name);
	*p = end + 1;
	return buf_puts(out, value);
}

static int expand_env(struct parse_ctx *ctx, const struct ynode *n,
		      const char **ret)
{
	struct buf b = { 0 };
	const char *p = n->text;
	int rc = 0;

	while (*p && !rc) {
		if (p[0] == '$' && p[1] == '{')
			rc = expand_one(ctx, n, &p, &b);
		else
			rc = buf_putc(&b, *p++);
	}
	if (!rc) {
		*ret = arena_str(ctx->arena, buf_str(&b));
		rc = *ret ? 0 : -ENOMEM;
	}
	buf_reset(&b);
	return rc;
}

int parse_path(struct parse_ctx *ctx, const struct ynode *n, const char **ret)
{
	const char *path;
	int rc;

	if (!is_scalar(n) || !n->n)
		return parse_error(ctx, n, "%s, expected a path", found(ctx, n));
	if (strchr(n->text, '\n'))
		return parse_error(ctx, n, "line break in a path, expected none");
	rc = expand_env(ctx, n, &path);
	if (rc)
		return rc;
	if (path[0] != '/' && strcmp(ctx->dir, "."))
		path = arena_printf(ctx->arena, "%s/%s", ctx->dir, path);
	if (!path)
		return -ENOMEM;
	*ret = path;
	return 0;
}

static const char *next_enum_word(void *arg, size_t i)
{
	return ((const char *const *)arg)[i];
}

static const char *list_words(struct parse_ctx *ctx, const char *const *words)
{
	struct buf b = { 0 };
	const char *s;

	for (size_t i = 0; words[i]; i++)
		buf_printf(&b, "%s%s", !i ? "" : words[i + 1] ? ", " : " or ",
			   words[i]);
	s = arena_str(ctx->arena, buf_str(&b));
	buf_reset(&b);
	return s ? s : "one of its words";
}

int parse_enum(struct parse_ctx *ctx, const struct ynode *n,
	       const char *const *words, u32 *ret)
{
	const char *near = NULL, *list = list_words(ctx, words);

	for (u32 i = 0; is_scalar(n) && words[i]; i++) {
		if (!strcmp(n->text, words[i])) {
			*ret = i;
			return 0;
		}
	}
	if (is_scalar(n))
		near = nearest_word(n->text, next_enum_word, (void *)words);
	if (near)
		return parse_error(ctx, n, "%s, expected %s (did you mean '%s'?)",
				   found(ctx, n), list, near);
	return parse_error(ctx, n, "%s, expected %s", found(ctx, n), list);
}
