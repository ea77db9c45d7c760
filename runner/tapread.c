// SPDX-License-Identifier: GPL-2.0-only
/* TAP 13 of our own writing, read back; see tapread.h. */
#include "runner/tapread.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/buf.h"
#include "vmm/base/diag.h"
#include "vmm/base/util.h"

struct reader {
	const char *p, *end;	/* what is left */
	const char *line;	/* the line at hand, without its newline */
	size_t len;
	struct loc at;
	struct tap_doc *doc;
	struct buf comments;
	struct diag *d;
};

/* A last line without newline was cut short and does not count. */
static bool next_line(struct reader *r)
{
	const char *nl = memchr(r->p, '\n', (size_t)(r->end - r->p));

	if (!nl)
		return false;
	r->line = r->p;
	r->len = (size_t)(nl - r->p);
	r->p = nl + 1;
	r->at.line++;
	return true;
}

static bool starts_with(const struct reader *r, const char *prefix)
{
	size_t len = strlen(prefix);

	return r->len >= len && !memcmp(r->line, prefix, len);
}

static bool line_is(const struct reader *r, const char *text)
{
	return r->len == strlen(text) && starts_with(r, text);
}

static int fail(struct reader *r, const char *what)
{
	return diag_fail(r->d, -EINVAL, &r->at, "%s: `%.*s`", what,
			 (int)min(r->len, (size_t)80), r->line);
}

static int no_memory(struct reader *r)
{
	return diag_fail(r->d, -ENOMEM, NULL, "%s: no memory", r->at.file);
}

/* Digits at @s; how many of them, 0 where there is no sound number. */
static size_t read_number(const char *s, size_t len, unsigned int *out)
{
	u64 n = 0;
	size_t i;

	for (i = 0; i < len && isdigit((u8)s[i]); i++) {
		n = n * 10 + (u64)(s[i] - '0');
		if (n > INT_MAX)
			return 0;
	}
	*out = (unsigned int)n;
	return i;
}

static enum outcome read_outcome(bool ok, const char *text)
{
	static const struct {
		const char *word;
		bool ok;
		enum outcome outcome;
	} words[] = {
		{ " # SKIP", true, OUTCOME_SKIP },
		{ " # XFAIL", true, OUTCOME_XFAIL },
		{ " # XPASS", true, OUTCOME_XPASS },
		{ " # TIMEOUT", false, OUTCOME_TIMEOUT },
		{ " # ERROR", false, OUTCOME_ERROR },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(words); i++) {
		if (words[i].ok == ok && strstr(text, words[i].word))
			return words[i].outcome;
	}
	return ok ? OUTCOME_PASS : OUTCOME_FAIL;
}

static int add_point(struct reader *r, struct tap_doc_point *point)
{
	struct tap_doc *doc = r->doc;
	struct tap_doc_point *points;

	points = reallocarray(doc->points, doc->n + 1, sizeof(*points));
	if (!points) {
		free(point->text);
		free(point->block);
		return no_memory(r);
	}
	doc->points = points;
	points[doc->n++] = *point;
	return 0;
}

static int read_point(struct reader *r)
{
	bool ok = starts_with(r, "ok ");
	size_t off = ok ? 3 : 7, n;
	struct tap_doc_point point = { 0 };
	unsigned int number;

	n = read_number(r->line + off, r->len - off, &number);
	off += n;
	if (!n || number != r->doc->n + 1)
		return fail(r, "points are not numbered from 1");
	if (r->len - off < 3 || memcmp(r->line + off, " - ", 3))
		return fail(r, "a point without a name");
	if (number > r->doc->plan)
		return fail(r, "more points than planned");
	off += 3;
	point.index = number;
	point.text = strndup(r->line + off, r->len - off);
	point.block = strdup("");
	if (!point.text || !point.block) {
		free(point.text);
		free(point.block);
		return no_memory(r);
	}
	point.outcome = read_outcome(ok, point.text);
	return add_point(r, &point);
}

/* Behind `  ---`. A block that does not end is left out. */
static int read_block(struct reader *r)
{
	struct tap_doc_point *point;
	struct buf block = { 0 };
	bool whole = false;
	unsigned int index;

	if (!r->doc->n || *r->doc->points[r->doc->n - 1].block)
		return fail(r, "a block without a point");
	point = &r->doc->points[r->doc->n - 1];
	while (!whole && next_line(r)) {
		if (!starts_with(r, "  ")) {
			buf_reset(&block);
			return fail(r, "a block that does not end");
		}
		whole = line_is(r, "  ...");
		if (whole)
			break;
		if (starts_with(r, "  index: ") &&
		    read_number(r->line + 9, r->len - 9, &index) ==
		    r->len - 9 && r->len > 9) {
			point->index = index;
			r->doc->indexed = true;
			continue;
		}
		buf_add(&block, r->line, r->len);
		buf_putc(&block, '\n');
	}
	if (block.failed)
		return no_memory(r);
	if (whole && block.len) {
		free(point->block);
		point->block = buf_steal(&block);
	}
	buf_reset(&block);
	return point->block ? 0 : no_memory(r);
}

static int read_plan(struct reader *r)
{
	size_t n = read_number(r->line + 3, r->len - 3, &r->doc->plan);
	bool skip_all = !r->doc->plan && r->len > 3 + n;

	if (!n || (r->len > 3 + n && !skip_all))
		return fail(r, "a bad plan");
	return 0;
}

static int read_bail_out(struct reader *r)
{
	size_t off = min(strlen("Bail out! "), r->len);

	free(r->doc->bail_out);
	r->doc->bail_out = strndup(r->line + off, r->len - off);
	return r->doc->bail_out ? 0 : no_memory(r);
}

static int read_line(struct reader *r)
{
	if (starts_with(r, "ok ") || starts_with(r, "not ok "))
		return read_point(r);
	if (line_is(r, "  ---"))
		return read_block(r);
	if (starts_with(r, "Bail out!"))
		return read_bail_out(r);
	if (!starts_with(r, "#"))
		return fail(r, "this is no TAP of vmtap");
	if (starts_with(r, "# Totals:"))
		return 0;
	buf_add(&r->comments, r->line, r->len);
	buf_putc(&r->comments, '\n');
	return 0;
}

int tap_doc_parse(const char *data, size_t len, const char *file,
		  struct tap_doc *out, struct diag *d)
{
	struct tap_doc doc = { 0 };
	struct reader r = {
		.p = data, .end = data + len, .at = { .file = file },
		.doc = &doc, .d = d,
	};
	int err = 0;

	if (!next_line(&r) || !line_is(&r, "TAP version 13"))
		return fail(&r, "this does not begin with `TAP version 13`");
	if (!next_line(&r) || !starts_with(&r, "1.."))
		return fail(&r, "the plan is missing");
	err = read_plan(&r);
	while (!err && next_line(&r))
		err = read_line(&r);
	if (!err && buf_puts(&r.comments, ""))
		err = no_memory(&r);
	if (!err) {
		doc.comments = buf_steal(&r.comments);
		err = doc.comments ? 0 : no_memory(&r);
	}
	buf_reset(&r.comments);
	if (err)
		tap_doc_reset(&doc);
	else
		*out = doc;
	return err;
}

void tap_doc_reset(struct tap_doc *doc)
{
	size_t i;

	for (i = 0; i < doc->n; i++) {
		free(doc->points[i].text);
		free(doc->points[i].block);
	}
	free(doc->points);
	free(doc->bail_out);
	free(doc->comments);
	*doc = (struct tap_doc){ 0 };
}
