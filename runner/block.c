// SPDX-License-Identifier: GPL-2.0-only
/* What a report tells, chosen and ordered; see block.h. */
#include "runner/block.h"

#include <errno.h>
#include <string.h>

#include "runner/fields.h"
#include "runner/report.h"
#include "runner/tap.h"
#include "runner/value.h"
#include "runner/yamlout.h"
#include "vmm/base/buf.h"

/* Kept free for `truncated`, `dir` and `repro`, one line each. */
#define RESERVE (3 * TAP_MAX_LINE)
#define MAX_PATH_STEPS 16

static const struct yamlout_limit limit_ok = { .lines = 20, .bytes = 4096 };
static const struct yamlout_limit limit_bad = { .lines = 120, .bytes = 12288 };

struct writer {
	const struct report *report;
	const struct yamlout_limit *limit;
	bool failing;
	unsigned int indent;
	struct buf *out;
	size_t start;		/* of the block in @out */
	struct buf left_out;	/* names, for `truncated` */
};

static bool fits(const struct writer *w, const struct buf *piece)
{
	size_t used = w->out->len - w->start;

	return used + piece->len + RESERVE <= TAP_MAX_BLOCK;
}

static void add_piece(struct writer *w, const char *key, struct buf *piece)
{
	if (piece->failed || fits(w, piece)) {
		buf_add(w->out, piece->data, piece->len);
		w->out->failed |= piece->failed;
	} else if (w->left_out.len < 1024) {
		buf_printf(&w->left_out, "%s%.64s",
			   w->left_out.len ? ", " : "", key);
	}
	buf_reset(piece);
}

static void add_entry(struct writer *w, const char *key, const struct value *v)
{
	struct buf piece = { 0 };

	yamlout_entry(key, v, w->indent, w->limit, &piece);
	add_piece(w, key, &piece);
}

static void add_text(struct writer *w, const char *key, const struct value *v)
{
	struct buf piece = { 0 };

	yamlout_text(key, v->str.data, v->str.len, w->indent, w->limit, &piece);
	add_piece(w, key, &piece);
}

/* One line, whatever @text holds: reporters want these as plain strings. */
static void add_str(struct writer *w, const char *key, const char *text)
{
	struct value *v = value_str(text);
	size_t i;

	if (!v)
		w->out->failed = true;
	for (i = 0; v && v->type == VALUE_STR && i < v->str.len; i++) {
		if (v->str.data[i] == '\n')
			v->str.data[i] = ' ';
	}
	add_entry(w, key, v);
	value_free(v);
}

static bool is_shown(const struct writer *w, const struct field *f)
{
	return f->show == SHOW_ALWAYS || (f->show == SHOW_FAIL && w->failing);
}

struct path {
	struct field_step steps[MAX_PATH_STEPS];
	size_t n;
};

static struct value *choose(const struct writer *w, const struct value *v,
			    struct path *path);

static int choose_child(const struct writer *w, struct value *to,
			const char *key, const struct value *item,
			struct path *path)
{
	const struct field *f;
	struct value *chosen;
	size_t good;
	bool any;

	path->steps[path->n++] = (struct field_step){
		.key = key, .len = key ? strlen(key) : 0,
	};
	f = fields_find(path->steps, path->n, &good, &any);
	if (f && !is_shown(w, f)) {
		path->n--;
		return 0;
	}
	chosen = !f || any || path->n == MAX_PATH_STEPS ?
		 value_copy(item) : choose(w, item, path);
	path->n--;
	return key ? value_push(to, key, chosen) : value_append(to, chosen);
}

/* A copy of @v without the names that this block does not show. */
static struct value *choose(const struct writer *w, const struct value *v,
			    struct path *path)
{
	bool is_map = v->type == VALUE_MAP;
	struct value *to;
	size_t i, n;
	int err = 0;

	if (!is_map && v->type != VALUE_LIST)
		return value_copy(v);
	to = is_map ? value_map() : value_list();
	n = is_map ? v->map.len : v->list.len;
	for (i = 0; to && !err && i < n; i++)
		err = choose_child(w, to, is_map ? v->map.keys[i] : NULL,
				   is_map ? v->map.items[i] : v->list.items[i],
				   path);
	if (err) {
		value_free(to);
		return NULL;
	}
	return to;
}

static void add_result(struct writer *w, const char *key,
		       const struct field *f)
{
	const struct value *v = value_get(w->report->result, key);
	struct path path = { .n = 1 };
	struct value *chosen;

	if (!v || (f && !is_shown(w, f)))
		return;
	if (f && f->type == FIELD_TEXT && v->type == VALUE_STR) {
		add_text(w, key, v);
		return;
	}
	path.steps[0] = (struct field_step){ .key = key, .len = strlen(key) };
	chosen = f ? choose(w, v, &path) : value_copy(v);
	if (!chosen)
		w->out->failed = true;
	else if (chosen->type != VALUE_MAP || chosen->map.len)
		add_entry(w, key, chosen);
	value_free(chosen);
}

static const struct field *root_field(const char *key)
{
	struct field_step step = { .key = key, .len = strlen(key) };
	size_t good;
	bool any;

	return fields_find(&step, 1, &good, &any);
}

/* Names in the catalogue's order, then those that it does not know. */
static void add_results(struct writer *w)
{
	const struct value *result = w->report->result;
	size_t i;

	for (i = 0; i < fields_count; i++) {
		if (!strpbrk(fields[i].name, ".[") &&
		    strcmp(fields[i].name, "duration_ms"))
			add_result(w, fields[i].name, &fields[i]);
	}
	for (i = 0; i < result->map.len; i++) {
		if (!root_field(result->map.keys[i]))
			add_result(w, result->map.keys[i], NULL);
	}
}

static const char *const head_keys[] = {
	"message", "severity", "found", "wanted", "at",
};
static const char *const tail_keys[] = { "dir", "repro" };

static bool is_placed(const char *key)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(head_keys); i++) {
		if (!strcmp(key, head_keys[i]))
			return true;
	}
	for (i = 0; i < ARRAY_SIZE(tail_keys); i++) {
		if (!strcmp(key, tail_keys[i]))
			return true;
	}
	return !strcmp(key, "name") || !strcmp(key, "index");
}

/* Node's reporters crash where `at` is no string; message must be one too. */
static bool is_text_key(const char *key)
{
	return strcmp(key, "found") && strcmp(key, "wanted");
}

/* What the test line says already is not said again. */
static bool adds_to_line(const struct report *r)
{
	struct buf line = { 0 };
	bool differs;

	if (!r->reason || !*r->reason || r->outcome == OUTCOME_PASS)
		return r->reason && *r->reason;
	yamlout_line(r->reason, strlen(r->reason), TAP_MAX_LINE, &line);
	differs = strcmp(buf_str(&line), r->reason);
	buf_reset(&line);
	return differs;
}

static void add_head(struct writer *w)
{
	const struct report *r = w->report;
	const struct value *v;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(head_keys); i++) {
		const char *key = head_keys[i];

		v = value_get(r->block, key);
		if (v && !is_text_key(key))
			add_entry(w, key, v);
		else if (v && v->type == VALUE_STR)
			add_str(w, key, v->str.data);
		else if (!strcmp(key, "message") &&
			 (w->failing || adds_to_line(r)))
			add_str(w, key, r->reason && *r->reason ? r->reason :
					outcome_name(r->outcome));
		else if (!strcmp(key, "severity") && w->failing)
			add_str(w, key, r->outcome == OUTCOME_ERROR ? "error" :
					"fail");
	}
	v = value_get(r->result, "duration_ms");
	if (v)
		add_entry(w, "duration_ms", v);
}

static void add_tail(struct writer *w)
{
	size_t i;

	/* The reserve is for these: no more asking whether they fit. */
	w->start = w->out->len;
	if (w->left_out.len)
		add_str(w, "truncated", buf_str(&w->left_out));
	for (i = 0; i < ARRAY_SIZE(tail_keys); i++)
		add_entry(w, tail_keys[i],
			  value_get(w->report->block, tail_keys[i]));
}

int block_print(const struct report *r, unsigned int number, bool exact_name,
		unsigned int indent, struct buf *out)
{
	struct writer w = {
		.report = r,
		.failing = !outcome_is_ok(r->outcome),
		.indent = indent,
		.out = out,
		.start = out->len,
	};
	struct value *index;
	size_t i;

	w.limit = w.failing ? &limit_bad : &limit_ok;
	add_head(&w);
	if (exact_name)
		add_str(&w, "name", r->name);
	if (number && r->index && r->index != number) {
		index = value_int(r->index);
		add_entry(&w, "index", index);
		value_free(index);
	}
	for (i = 0; i < r->block->map.len; i++) {
		if (!is_placed(r->block->map.keys[i]))
			add_entry(&w, r->block->map.keys[i],
				  r->block->map.items[i]);
	}
	if (r->result)
		add_results(&w);
	add_tail(&w);
	buf_reset(&w.left_out);
	return out->failed ? -ENOMEM : 0;
}
