// SPDX-License-Identifier: GPL-2.0-only
/* The writer of stdout: TAP 13, and KTAP 1 for kselftest; see tap.h. */
#include "runner/tap.h"

#include <errno.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runner/block.h"
#include "runner/sink.h"
#include "runner/value.h"
#include "runner/yamlout.h"
#include "vmm/base/buf.h"
#include "vmm/base/cleanup.h"

#define MAX_NAME 400
#define MAX_REASON 1000

struct tap {
	struct sink *sink;
	enum tap_format format;
	unsigned int number;	/* of the last point */
	struct totals totals;
	void *names;		/* tsearch(3) tree of the names so far, owned */
};

static const char *directive(enum outcome o)
{
	switch (o) {
	case OUTCOME_SKIP:
		return "SKIP";
	case OUTCOME_XFAIL:
		return "XFAIL";
	case OUTCOME_XPASS:
		return "XPASS";
	case OUTCOME_TIMEOUT:
		return "TIMEOUT";
	case OUTCOME_ERROR:
		return "ERROR";
	default:
		return NULL;
	}
}

/*
 * In front of the line: consumers strip "- " and spaces. At its end: a brace
 * opens a buffered subtest to the node parsers.
 */
int tap_sanitize_name(const char *name, struct buf *out)
{
	size_t start = out->len;

	while (*name == ' ')
		name++;
	yamlout_line(name, strlen(name), MAX_NAME, out);
	if (out->failed)
		return -ENOMEM;
	while (out->len > start && out->data[out->len - 1] == ' ')
		out->data[--out->len] = '\0';
	if (out->len == start)
		return buf_puts(out, "unnamed");
	if (out->data[start] == '-')
		out->data[start] = '_';
	if (out->data[out->len - 1] == '{')
		out->data[out->len - 1] = '(';
	return 0;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* A name that no point had yet: with " (2)" and so on where needed. */
static int unique_name(struct tap *t, const char *name, struct buf *out)
{
	struct buf plain = { 0 };
	unsigned int n = 1;
	char *copy = NULL;
	void *node;
	int err = tap_sanitize_name(name, &plain);

	while (!err) {
		free(copy);
		if (n == 1)
			copy = strdup(buf_str(&plain));
		else if (asprintf(&copy, "%s (%u)", buf_str(&plain), n) < 0)
			copy = NULL;
		node = copy ? tsearch(copy, &t->names, compare_names) : NULL;
		if (!node)
			err = -ENOMEM;
		else if (*(char **)node == copy)
			break;
		n++;
	}
	if (!err)
		err = buf_puts(out, copy);
	else
		free(copy);
	buf_reset(&plain);
	return err;
}

static void put_result_line(const char *indent, enum outcome o,
			    unsigned int number, const char *name,
			    const char *reason, s64 time_ms, struct buf *out)
{
	const char *word = directive(o);

	buf_printf(out, "%s%s %u - %s", indent, outcome_is_ok(o) ? "ok" :
		   "not ok", number, name);
	if (word) {
		buf_printf(out, " # %s ", word);
		if (!reason || !*reason)
			reason = "no reason given";
		yamlout_line(reason, strlen(reason), MAX_REASON, out);
	} else if (time_ms >= 0) {
		buf_printf(out, " # time=%lldms", (long long)time_ms);
	}
	while (out->len && out->data[out->len - 1] == ' ')
		out->len--;
	buf_putc(out, '\n');
}

static int point_tap13(struct tap *t, const struct report *r, const char *name,
		       struct buf *out)
{
	struct buf block = { 0 };
	bool renamed = strcmp(name, r->name);
	int err;

	put_result_line("", r->outcome, t->number, name, r->reason, -1, out);
	err = block_print(r, t->number, renamed, 2, &block);
	if (!err && block.len) {
		buf_puts(out, "  ---\n");
		buf_add(out, block.data, block.len);
		buf_puts(out, "  ...\n");
	}
	buf_reset(&block);
	return err ? err : out->failed ? -ENOMEM : 0;
}

static void put_subtest(const struct value *sub, unsigned int number,
			struct buf *out)
{
	const char *name = value_as_str(value_get(sub, "name"), "");
	const char *what = value_as_str(value_get(sub, "outcome"), "");
	enum outcome o = OUTCOME_ERROR;
	struct buf plain = { 0 };

	outcome_parse(what, &o);
	tap_sanitize_name(name, &plain);
	put_result_line("  ", o, number, buf_str(&plain),
			value_as_str(value_get(sub, "reason"), NULL),
			value_as_int(value_get(sub, "duration_ms"), -1), out);
	buf_reset(&plain);
}

static void put_subtests(const struct report *r, const char *name,
			 struct buf *out)
{
	const struct value *list = value_get(r->result, "subtests");
	size_t i;

	if (!list || list->type != VALUE_LIST || !list->list.len)
		return;
	buf_printf(out, "  KTAP version 1\n  # Subtest: %s\n  1..%zu\n", name,
		   list->list.len);
	for (i = 0; i < list->list.len; i++)
		put_subtest(list->list.items[i], (unsigned int)i + 1, out);
}

/* KTAP wants what there is to say before the result, as comments. */
static int point_ktap(struct tap *t, const struct report *r, const char *name,
		      struct buf *out)
{
	s64 time_ms = value_as_int(value_get(r->result, "duration_ms"), -1);
	struct buf block = { 0 };
	bool renamed = strcmp(name, r->name);
	const char *p, *nl;
	int err = block_print(r, t->number, renamed, 0, &block);

	for (p = buf_str(&block); (nl = strchr(p, '\n')); p = nl + 1)
		buf_printf(out, "# %.*s\n", (int)(nl - p), p);
	put_subtests(r, name, out);
	put_result_line("", r->outcome, t->number, name, r->reason, time_ms,
			out);
	buf_reset(&block);
	return err ? err : out->failed ? -ENOMEM : 0;
}

static int send(struct tap *t, struct buf *out)
{
	int err = out->failed ? -ENOMEM : sink_write(t->sink, out->data,
						     out->len);

	buf_reset(out);
	return err;
}

int tap_point(struct tap *t, const struct report *r)
{
	struct buf name = { 0 }, out = { 0 };
	int err;

	t->number++;
	totals_add(&t->totals, r->outcome);
	err = unique_name(t, r->name, &name);
	if (!err)
		err = t->format == TAP_KTAP ?
		      point_ktap(t, r, buf_str(&name), &out) :
		      point_tap13(t, r, buf_str(&name), &out);
	buf_reset(&name);
	if (err) {
		buf_reset(&out);
		return err;
	}
	return send(t, &out);
}

/* @prefix and one line of plain text. */
static int send_line(struct tap *t, const char *prefix, const char *text)
{
	struct buf out = { 0 };

	buf_puts(&out, prefix);
	yamlout_line(text, strlen(text), MAX_REASON, &out);
	buf_putc(&out, '\n');
	return send(t, &out);
}

int tap_comment(struct tap *t, const char *fmt, ...)
{
	char *text __free(cleanup_free) = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0) {
		text = NULL;
		return -ENOMEM;
	}
	return send_line(t, "# ", text);
}

int tap_bail_out(struct tap *t, const char *why)
{
	return send_line(t, "Bail out! ", why);
}

int tap_flush(struct tap *t, int timeout_ms)
{
	return sink_flush(t->sink, timeout_ms);
}

int tap_finish(struct tap *t, int timeout_ms)
{
	struct buf out = { 0 };
	int err;

	buf_puts(&out, "# Totals: ");
	totals_print(&t->totals, &out);
	buf_putc(&out, '\n');
	err = send(t, &out);
	return err ? err : tap_flush(t, timeout_ms);
}

/*
 * KTAP allows this version line too, all kselftests print it, and what reads
 * their nested results looks for it. Subtests begin with KTAP's own.
 */
#define VERSION_LINE "TAP version 13\n"

static void put_plan(struct tap *t, unsigned int count, const char *why,
		     struct buf *out)
{
	bool bare = t->format == TAP_KTAP && getenv("KSFT_TAP_LEVEL");

	if (!bare)
		buf_puts(out, VERSION_LINE);
	buf_printf(out, "1..%u", count);
	if (!count) {
		buf_puts(out, " # SKIP ");
		if (!why || !*why)
			why = "nothing to run";
		yamlout_line(why, strlen(why), MAX_REASON, out);
	}
	buf_putc(out, '\n');
}

struct tap *tap_create(int fd, enum tap_format format, unsigned int count,
		       const char *why)
{
	struct tap *t = calloc(1, sizeof(*t));
	struct buf out = { 0 };

	if (!t)
		return NULL;
	t->format = format;
	t->sink = sink_create(fd);
	if (!t->sink)
		goto fail;
	put_plan(t, count, why, &out);
	/* A reader that is gone already is told by the first point. */
	if (send(t, &out) == -ENOMEM)
		goto fail;
	return t;
fail:
	tap_destroy(t);
	return NULL;
}

void tap_destroy(struct tap *t)
{
	if (!t)
		return;
	sink_destroy(t->sink);
	tdestroy(t->names, free);
	free(t);
}

const struct totals *tap_totals(const struct tap *t)
{
	return &t->totals;
}
