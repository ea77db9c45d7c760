// SPDX-License-Identifier: GPL-2.0-only
/* Values in the YAML that all consumers read alike; see yamlout.h. */
#include "runner/yamlout.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "runner/text.h"
#include "runner/value.h"
#include "vmm/base/buf.h"

/* One quoted string; a line stays below TAP_MAX_LINE with all around it. */
#define MAX_STRING 6000
#define MAX_DEPTH 12
#define MAX_KEY 200

/* kunit.py takes a line with one of these as the end of all tests. */
static const char *const killers[] = {
	"reboot: System halted",
	"Kernel panic - not syncing: VFS:",
	"List of all partitions:",
};

/* At the last colon of one of the killers, which is what gets broken. */
static bool at_killer_colon(const char *text, size_t at, size_t len)
{
	size_t i;

	if (text[at] != ':')
		return false;
	for (i = 0; i < ARRAY_SIZE(killers); i++) {
		size_t pre = (size_t)(strchr(killers[i], ':') - killers[i]);
		size_t whole = strlen(killers[i]);

		if (at >= pre && len - at >= whole - pre &&
		    !memcmp(text + at - pre, killers[i], whole))
			return true;
	}
	return false;
}

static bool has_killer(const char *text, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (at_killer_colon(text, i, len))
			return true;
	}
	return false;
}

enum quote { QUOTE_SINGLE, QUOTE_DOUBLE };

/* How one unit of text_unit() looks between quotes. */
static size_t quoted_unit(const char *unit, size_t len, enum quote q,
			  bool hide_colon, char out[16])
{
	char c = unit[0];

	if (len == 1 && q == QUOTE_SINGLE && c == '\'')
		return (size_t)sprintf(out, "''");
	if (len == 1 && q == QUOTE_DOUBLE && (c == '"' || c == '\\'))
		return (size_t)sprintf(out, "\\%c", c);
	if (len == 1 && hide_colon && c == ':')
		return (size_t)sprintf(out, "\\x3a");
	memcpy(out, unit, len + 1);
	return len;
}

/*
 * Walks text and appends its quoted form, up to @max bytes of output.
 * @guard: inside a list item, where Perl's YAMLish takes `word: ` at the
 * beginning for a key: colons are hidden until that cannot be any more
 */
struct quoter {
	enum quote quote;
	bool guard;
};

static size_t put_quoted(struct quoter *q, const char *text, size_t from,
			 size_t to, size_t len, size_t max, struct buf *out)
{
	size_t at = from, used = 0, n, unit_len;
	char unit[8], shown[16];
	bool spaced = false;

	while (at < to) {
		n = text_unit(text + at, to - at, unit, &unit_len);
		unit_len = quoted_unit(unit, unit_len, q->quote,
				       q->guard || at_killer_colon(text, at, len),
				       shown);
		if (used + unit_len > max)
			break;
		/* Perl counts some of what is not ASCII as space. */
		if (text[at] == ' ' || (u8)text[at] >= 0x80)
			spaced = true;
		else if (spaced && text[at] != ':')
			q->guard = false;
		buf_add(out, shown, unit_len);
		used += unit_len;
		at += n;
	}
	return at;
}

static size_t quoted_length(const char *text, size_t from, size_t to,
			    enum quote quote, size_t enough)
{
	size_t at = from, used = 0, n, unit_len;
	char unit[8], shown[16];

	while (at < to && used <= enough) {
		n = text_unit(text + at, to - at, unit, &unit_len);
		used += quoted_unit(unit, unit_len, quote, true, shown);
		at += n;
	}
	return used;
}

/* Where the last piece of text begins that takes at most @max when quoted. */
static size_t tail_start(const char *text, size_t len, enum quote quote,
			 size_t max)
{
	size_t at = len > max ? len - max : 0;

	while (at < len) {
		/* Not in the middle of a character. */
		if (((u8)text[at] & 0xc0) != 0x80 &&
		    quoted_length(text, at, len, quote, max) <= max)
			break;
		at += len - at > 64 ? 16 : 1;
	}
	while (at < len && ((u8)text[at] & 0xc0) == 0x80)
		at++;
	return at;
}

/* The text between the quotes, cut in the middle where it is long. */
static void put_string_body(const char *text, size_t len, struct quoter q,
			    struct buf *out)
{
	size_t head, tail;

	if (quoted_length(text, 0, len, q.quote, MAX_STRING) <= MAX_STRING) {
		put_quoted(&q, text, 0, len, len, MAX_STRING * 2, out);
		return;
	}
	head = put_quoted(&q, text, 0, len, len, MAX_STRING / 2, out);
	tail = max(head, tail_start(text, len, q.quote, MAX_STRING / 2));
	buf_printf(out, "<cut: %zu of %zu bytes>", tail - head, len);
	put_quoted(&q, text, tail, len, len, MAX_STRING, out);
}

/* YAML 1.1 has its own mind about these, as values and as keys. */
static bool is_taken(const char *s)
{
	static const char *const taken[] = {
		"y", "n", "yes", "no", "on", "off", "true", "false", "null",
		"nan", "inf", "infinity",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(taken); i++) {
		if (!strcasecmp(taken[i], s))
			return true;
	}
	return false;
}

static bool is_plain_word(const char *s, size_t len)
{
	size_t i;

	if (!len || len > 64 || !isalpha((u8)s[0]))
		return false;
	for (i = 1; i < len; i++) {
		if (!isalnum((u8)s[i]) && s[i] != '_' && s[i] != '-')
			return false;
	}
	return !is_taken(s);
}

static void put_string(const char *s, size_t len, bool in_list,
		       struct buf *out)
{
	struct quoter q = { .quote = QUOTE_SINGLE, .guard = in_list };

	if (is_plain_word(s, len)) {
		buf_add(out, s, len);
		return;
	}
	if (in_list || has_killer(s, len))
		q.quote = QUOTE_DOUBLE;
	buf_putc(out, q.quote == QUOTE_DOUBLE ? '"' : '\'');
	put_string_body(s, len, q, out);
	buf_putc(out, q.quote == QUOTE_DOUBLE ? '"' : '\'');
}

/* Never with an exponent: YAML 1.1 and 1.2 differ about it. */
static void put_float(double f, struct buf *out)
{
	char text[64];
	size_t len;

	if (!isfinite(f)) {
		buf_puts(out, isnan(f) ? "'nan'" : f < 0 ? "'-inf'" : "'inf'");
		return;
	}
	if (fabs(f) >= 1e15 || (f && fabs(f) < 1e-6)) {
		buf_printf(out, "'%.15g'", f);
		return;
	}
	len = (size_t)snprintf(text, sizeof(text), "%.9f", f);
	while (text[len - 1] == '0' && text[len - 2] != '.')
		len--;
	buf_add(out, text, len);
}

static void put_int(s64 i, struct buf *out)
{
	const s64 exact = 1LL << 53;

	if (i >= exact)
		buf_printf(out, "'0x%llx'", (unsigned long long)i);
	else if (i <= -exact)
		buf_printf(out, "'%lld'", (long long)i);
	else
		buf_printf(out, "%lld", (long long)i);
}

static void put_scalar(const struct value *v, bool in_list, struct buf *out)
{
	switch (v->type) {
	case VALUE_NULL:
		buf_putc(out, '~');
		break;
	case VALUE_BOOL:
		buf_puts(out, v->b ? "true" : "false");
		break;
	case VALUE_INT:
		put_int(v->i, out);
		break;
	case VALUE_ADDR:
		buf_printf(out, "'0x%llx'", (unsigned long long)v->addr);
		break;
	case VALUE_FLOAT:
		put_float(v->f, out);
		break;
	case VALUE_STR:
		put_string(v->str.data, v->str.len, in_list, out);
		break;
	case VALUE_LIST:
		buf_puts(out, "[]");
		break;
	case VALUE_MAP:
		buf_puts(out, "{}");
		break;
	}
}

static void put_indent(unsigned int indent, struct buf *out)
{
	while (indent--)
		buf_putc(out, ' ');
}

/*
 * Plain, from a letter on, and no `ok` in front: parsers that strip the
 * indentation look for test lines everywhere.
 */
static void put_key(const char *key, struct buf *out)
{
	size_t len = strlen(key), i;

	if (!isalpha((u8)key[0]) || !strncasecmp(key, "ok", 2) ||
	    is_taken(key))
		buf_puts(out, "k_");
	for (i = 0; i < len && i < MAX_KEY; i++) {
		bool safe = isalnum((u8)key[i]) || strchr("_-.", key[i]);

		buf_putc(out, safe ? key[i] : '_');
	}
}

struct ctx {
	const struct yamlout_limit *limit;
	struct buf *out;
};

static void put_entry(const struct ctx *c, const char *key,
		      const struct value *v, unsigned int indent,
		      unsigned int depth);

/* Where text is cut: lines [0, head) and from tail on stay. */
struct cut {
	size_t head;	/* end of the last line of the beginning */
	size_t tail;	/* start of the first line of the end */
	size_t lines;	/* left out between the two */
	size_t all;	/* lines in all */
};

static size_t line_cost(const char *text, size_t from, size_t to)
{
	size_t n = quoted_length(text, from, to, QUOTE_DOUBLE, MAX_STRING);

	return min(n, (size_t)MAX_STRING) + 16;
}

/* Text without its last newline: from the end of a line to its start. */
static size_t line_start(const char *text, size_t end)
{
	const char *nl = memrchr(text, '\n', end);

	return nl ? (size_t)(nl - text) + 1 : 0;
}

static size_t line_end(const char *text, size_t start, size_t len)
{
	const char *nl = memchr(text + start, '\n', len - start);

	return nl ? (size_t)(nl - text) : len;
}

static size_t count_lines(const char *text, size_t from, size_t to)
{
	size_t n = 0;

	for (; from <= to; n++)
		from = line_end(text, from, to) + 1;
	return n;
}

static struct cut find_cut(const char *text, size_t len,
			   const struct yamlout_limit *limit)
{
	struct cut cut = { .all = count_lines(text, 0, len) };
	size_t cost = 0, lines = 0, end, start;
	bool whole = cut.all <= limit->lines;
	size_t max_lines = whole ? limit->lines : limit->lines / 4;

	/* Forward, for as long as all may fit; else only a quarter stays. */
	for (start = 0; start <= len; start = end + 1) {
		end = line_end(text, start, len);
		cost += line_cost(text, start, end);
		if (lines && (lines >= max_lines || cost > limit->bytes / 4))
			break;
		cut.head = end;
		lines++;
	}
	if (start > len) {
		cut.tail = len + 1;
		return cut;
	}
	cost = 0;
	cut.tail = len + 1;
	max_lines = limit->lines - limit->lines / 4;
	for (lines = 0; cut.tail > cut.head + 1; lines++) {
		start = line_start(text, cut.tail - 1);
		cost += line_cost(text, start, cut.tail - 1);
		if (lines && (lines >= max_lines ||
			      cost > limit->bytes - limit->bytes / 4))
			break;
		cut.tail = start;
	}
	if (cut.tail > cut.head + 1)
		cut.lines = count_lines(text, cut.head + 1, cut.tail - 1);
	return cut;
}

static void put_lines(const char *text, size_t from, size_t to,
		      unsigned int indent, struct buf *out)
{
	size_t end;

	for (; from <= to; from = end + 1) {
		/* The first word is the quote and the bar. */
		struct quoter q = { .quote = QUOTE_DOUBLE, .guard = true };

		end = line_end(text, from, to);
		put_indent(indent, out);
		buf_puts(out, "- \"| ");
		if (end > from && text[from] != ' ' && text[from] != ':' &&
		    (u8)text[from] < 0x80)
			q.guard = false;
		put_string_body(text + from, end - from, q, out);
		buf_puts(out, "\"\n");
	}
}

int yamlout_text(const char *key, const char *data, size_t len,
		 unsigned int indent, const struct yamlout_limit *limit,
		 struct buf *out)
{
	size_t body = len && data[len - 1] == '\n' ? len - 1 : len;
	struct cut cut;

	if (!len)
		return out->failed ? -ENOMEM : 0;
	put_indent(indent, out);
	put_key(key, out);
	buf_puts(out, ":\n");
	cut = find_cut(data, body, limit);
	put_lines(data, 0, cut.head, indent + 2, out);
	if (cut.lines) {
		put_indent(indent + 2, out);
		buf_printf(out, "- \"(cut, %zu of %zu lines, %zu of %zu bytes)\"\n",
			   cut.lines, cut.all, cut.tail - cut.head - 2, len);
	}
	if (cut.tail <= body)
		put_lines(data, cut.tail, body, indent + 2, out);
	return out->failed ? -ENOMEM : 0;
}

static bool is_lines(const struct value *v)
{
	return v->type == VALUE_STR && memchr(v->str.data, '\n', v->str.len);
}

static bool is_nested(const struct value *v)
{
	return (v->type == VALUE_LIST && v->list.len) ||
	       (v->type == VALUE_MAP && v->map.len);
}

static void put_map(const struct ctx *c, const struct value *map,
		    unsigned int indent, unsigned int depth)
{
	size_t i;

	for (i = 0; i < map->map.len; i++)
		put_entry(c, map->map.keys[i], map->map.items[i], indent,
			  depth);
}

/* A map of nulls only prints nothing, and nothing is no YAML. */
static bool prints(const struct value *v)
{
	size_t i;

	if (v->type != VALUE_MAP || !v->map.len)
		return v->type != VALUE_NULL;
	for (i = 0; i < v->map.len; i++) {
		if (prints(v->map.items[i]))
			return true;
	}
	return false;
}

static void put_list(const struct ctx *c, const struct value *list,
		     unsigned int indent, unsigned int depth);

static void put_item(const struct ctx *c, const struct value *v,
		     unsigned int indent, unsigned int depth)
{
	size_t start = c->out->len;

	if (v->type == VALUE_MAP && prints(v) && v->map.len &&
	    depth < MAX_DEPTH) {
		put_map(c, v, indent + 2, depth + 1);
		if (!c->out->failed)
			c->out->data[start + indent] = '-';
		return;
	}
	put_indent(indent, c->out);
	if (!is_nested(v)) {
		buf_puts(c->out, "- ");
		put_scalar(v, true, c->out);
		buf_putc(c->out, '\n');
	} else if (!prints(v)) {
		buf_puts(c->out, "- {}\n");
	} else if (depth >= MAX_DEPTH) {
		buf_puts(c->out, "- \"(deeper levels left out)\"\n");
	} else {
		buf_puts(c->out, "-\n");
		put_list(c, v, indent + 2, depth + 1);
	}
}

static void put_list(const struct ctx *c, const struct value *list,
		     unsigned int indent, unsigned int depth)
{
	size_t i;

	for (i = 0; i < list->list.len; i++)
		put_item(c, list->list.items[i], indent, depth);
}

static void put_entry(const struct ctx *c, const char *key,
		      const struct value *v, unsigned int indent,
		      unsigned int depth)
{
	if (!prints(v))
		return;
	if (is_lines(v)) {
		yamlout_text(key, v->str.data, v->str.len, indent, c->limit,
			     c->out);
		return;
	}
	put_indent(indent, c->out);
	put_key(key, c->out);
	if (!is_nested(v)) {
		buf_puts(c->out, ": ");
		put_scalar(v, false, c->out);
		buf_putc(c->out, '\n');
	} else if (depth >= MAX_DEPTH) {
		buf_puts(c->out, ": '(deeper levels left out)'\n");
	} else {
		buf_puts(c->out, ":\n");
		if (v->type == VALUE_MAP)
			put_map(c, v, indent + 2, depth + 1);
		else
			put_list(c, v, indent + 2, depth + 1);
	}
}

int yamlout_entry(const char *key, const struct value *v, unsigned int indent,
		  const struct yamlout_limit *limit, struct buf *out)
{
	struct ctx c = { .limit = limit, .out = out };

	if (v)
		put_entry(&c, key, v, indent, 0);
	return out->failed ? -ENOMEM : 0;
}

/* One unit for a plain line; what cannot be quoted there is replaced. */
static size_t line_unit(const char *text, size_t at, size_t len, char out[8])
{
	size_t n = 1, out_len;

	if (at_killer_colon(text, at, len)) {
		strcpy(out, ";");
	} else if ((u8)text[at] >= 0x80) {
		sprintf(out, "<%02x>", (u8)text[at]);
	} else {
		n = text_unit(text + at, len - at, out, &out_len);
		if (out[0] == '#')
			out[0] = '_';
		else if (out[0] == '\\')
			out[0] = '/';
	}
	return n;
}

int yamlout_line(const char *text, size_t len, size_t max, struct buf *out)
{
	struct buf all = { 0 };
	size_t at = 0, half = max / 2 - 16;
	char unit[8];

	/* Beyond this nothing can show but in the tail. */
	if (len > 4 * max) {
		yamlout_line(text, 2 * max, max, out);
		return out->failed ? -ENOMEM : 0;
	}
	while (at < len) {
		at += line_unit(text, at, len, unit);
		buf_puts(&all, unit);
	}
	if (all.len <= max) {
		buf_puts(out, buf_str(&all));
	} else {
		buf_add(out, all.data, half);
		buf_puts(out, " ... ");
		buf_puts(out, all.data + all.len - half);
	}
	if (all.failed)
		out->failed = true;
	buf_reset(&all);
	return out->failed ? -ENOMEM : 0;
}
