// SPDX-License-Identifier: GPL-2.0-only
/* Collected errors with their place, the line and a caret. */
#include "runner/problem.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/buf.h"
#include "vmm/base/util.h"

#define EXCERPT_MAX 120u	/* bytes of a long line that are shown */

/* The bytes of line number @line (from 1), without its end. */
static bool find_line(const struct source_text *src, unsigned int line,
		      const char **start, size_t *len)
{
	const char *p = src->data, *end = src->data + src->len, *nl;

	for (; line > 1; line--) {
		nl = memchr(p, '\n', (size_t)(end - p));
		if (!nl)
			return false;
		p = nl + 1;
	}
	nl = memchr(p, '\n', (size_t)(end - p));
	*start = p;
	*len = (size_t)((nl ? nl : end) - p);
	if (*len && p[*len - 1] == '\r')
		(*len)--;
	return true;
}

/* Column @col counts characters from 1; the offset of its first byte. */
static size_t column_bytes(const char *s, size_t len, unsigned int col)
{
	size_t i = 0;

	for (; col > 1 && i < len; col--) {
		i++;
		while (i < len && ((unsigned char)s[i] & 0xc0) == 0x80)
			i++;
	}
	return i;
}

/* A terminal gets no control character out of somebody's file. */
static void visible(char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (((unsigned char)s[i] < 0x20 && s[i] != '\t') || s[i] == 0x7f)
			s[i] = '?';
}

static void take_excerpt(struct problem *pr, const struct loc *loc,
			 const struct source_text *src)
{
	size_t len, at, from = 0;
	const char *line;

	if (!src || !src->data || !loc || !loc->line ||
	    !find_line(src, loc->line, &line, &len))
		return;
	at = column_bytes(line, len, loc->col);
	if (at > EXCERPT_MAX * 3 / 4) {
		from = at - EXCERPT_MAX / 2;
		while (from < at && ((unsigned char)line[from] & 0xc0) == 0x80)
			from++;
	}
	len = min(len - from, (size_t)EXCERPT_MAX);
	pr->line = strndup(line + from, len);
	if (!pr->line)
		return;
	visible(pr->line, strlen(pr->line));
	pr->caret = (unsigned int)min(at - from, strlen(pr->line));
}

static char *format_where(const struct loc *loc)
{
	char *s = NULL;
	int n;

	if (!loc || !loc->file)
		return strdup("");
	if (!loc->line)
		n = asprintf(&s, "%s: ", loc->file);
	else
		n = asprintf(&s, "%s:%u:%u: ", loc->file, loc->line, loc->col);
	return n < 0 ? NULL : s;
}

static struct problem *problem_room(struct problems *p)
{
	struct problem *items;

	if (p->n == PROBLEMS_MAX)
		return NULL;
	/* Doubling from 1: at a power of two the room is full. */
	if (!(p->n & (p->n - 1))) {
		items = realloc(p->items, (p->n ? 2 * p->n : 1) * sizeof(*items));
		if (!items)
			return NULL;
		p->items = items;
	}
	return &p->items[p->n];
}

int problem_add(struct problems *p, enum problem_level level,
		const struct loc *loc, const struct source_text *src,
		const char *fmt, ...)
{
	struct problem *pr = problem_room(p);
	char *msg = NULL;
	va_list ap;
	int n;

	if (level == PROBLEM_ERROR)
		p->errors++;
	else
		p->warnings++;
	if (!pr)
		return -EINVAL;
	va_start(ap, fmt);
	n = vasprintf(&msg, fmt, ap);
	va_end(ap);
	*pr = (struct problem){ .level = level, .where = format_where(loc),
				.msg = n < 0 ? NULL : msg };
	take_excerpt(pr, loc, src);
	p->n++;
	return -EINVAL;
}

/* Tabs before the caret stay tabs, so that it stands right at any tab width. */
static void format_caret(const struct problem *pr, struct buf *out)
{
	buf_printf(out, "  %s\n  ", pr->line);
	for (unsigned int i = 0; i < pr->caret; i++) {
		unsigned char c = (unsigned char)pr->line[i];

		if ((c & 0xc0) != 0x80)
			buf_putc(out, c == '\t' ? '\t' : ' ');
	}
	buf_puts(out, "^\n");
}

void problems_format(const struct problems *p, struct buf *out)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct problem *pr = &p->items[i];

		buf_printf(out, "%s%s: %s\n", pr->where ? pr->where : "",
			   pr->level == PROBLEM_ERROR ? "error" : "warning",
			   pr->msg ? pr->msg : "out of memory");
		if (pr->line)
			format_caret(pr, out);
	}
	if (p->errors + p->warnings > p->n)
		buf_printf(out, "and %zu more\n",
			   p->errors + p->warnings - p->n);
}

void problems_print(const struct problems *p, FILE *out)
{
	struct buf b = { 0 };

	problems_format(p, &b);
	fwrite(buf_str(&b), 1, b.len, out);
	buf_reset(&b);
}

void problems_reset(struct problems *p)
{
	for (size_t i = 0; i < p->n; i++) {
		free(p->items[i].where);
		free(p->items[i].msg);
		free(p->items[i].line);
	}
	free(p->items);
	*p = (struct problems){ 0 };
}

#define WORD_MAX 48u

/*
 * Edit distance with neighbours swapped counted as one (optimal string
 * alignment), on three rows.
 */
static unsigned int word_distance(const char *a, const char *b)
{
	unsigned int rows[3][WORD_MAX + 1];
	size_t la = strlen(a), lb = strlen(b);

	if (la > WORD_MAX || lb > WORD_MAX)
		return WORD_MAX;
	for (size_t j = 0; j <= lb; j++)
		rows[0][j] = (unsigned int)j;
	for (size_t i = 1; i <= la; i++) {
		unsigned int *now = rows[i % 3], *up = rows[(i - 1) % 3];
		unsigned int *up2 = rows[(i + 1) % 3];

		now[0] = (unsigned int)i;
		for (size_t j = 1; j <= lb; j++) {
			now[j] = up[j - 1] + (a[i - 1] != b[j - 1]);
			now[j] = min(now[j], up[j] + 1);
			now[j] = min(now[j], now[j - 1] + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1])
				now[j] = min(now[j], up2[j - 2] + 1);
		}
	}
	return rows[la % 3][lb];
}

const char *nearest_word(const char *word,
			 const char *(*next)(void *arg, size_t i), void *arg)
{
	unsigned int best = (unsigned int)(strlen(word) / 3 + 1), d;
	const char *found = NULL, *c;

	for (size_t i = 0; (c = next(arg, i)); i++) {
		d = word_distance(word, c);
		if (d <= best && d < strlen(c) && (d < best || !found)) {
			best = d;
			found = c;
		}
	}
	return found;
}
