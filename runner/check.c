// SPDX-License-Identifier: GPL-2.0-only
/* Checks of a scenario and what they found; see check.h. */
#include "runner/check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runner/expr.h"
#include "runner/value.h"
#include "vmm/base/buf.h"
#include "vmm/base/cleanup.h"

/* A value in a line of `values`. */
#define MAX_SHOWN 300

int check_compile(const char *text, const struct loc *at, struct check *out,
		  struct diag *d)
{
	struct check c = { .at = at ? *at : (struct loc){ 0 } };
	struct expr_error err;
	struct loc place;
	int rc = expr_parse_check(text, &c.expr, &err);

	if (rc == -ENOMEM)
		return diag_fail(d, rc, NULL, "no memory for a check");
	if (rc) {
		place = c.at;
		/* A text that begins at a column is one line from there on. */
		if (place.col)
			place.col += (unsigned int)err.off;
		return diag_fail(d, rc, at ? &place : NULL, "check `%s`: %s",
				 text, err.msg);
	}
	c.text = strdup(text);
	c.file = at && at->file ? strdup(at->file) : NULL;
	c.at.file = c.file;
	if (!c.text || (at && at->file && !c.file)) {
		check_deinit(&c);
		return diag_fail(d, -ENOMEM, NULL, "no memory for a check");
	}
	*out = c;
	return 0;
}

void check_deinit(struct check *c)
{
	free(c->text);
	free(c->file);
	expr_destroy(c->expr);
	*c = (struct check){ 0 };
}

static char *place_of(const struct check *c)
{
	char *text = NULL;
	int n = c->at.col ? asprintf(&text, "%s:%u:%u", c->file, c->at.line,
				     c->at.col) :
		c->at.line ? asprintf(&text, "%s:%u", c->file, c->at.line) :
		asprintf(&text, "%s", c->file);

	return n < 0 ? NULL : text;
}

static struct value *value_line(const struct value *name)
{
	const struct value *v = value_get(name, "value");
	const char *note = value_as_str(value_get(name, "note"), NULL);
	struct value *line = NULL;
	struct buf b = { 0 };
	size_t start;

	buf_printf(&b, "%s = ", value_as_str(value_get(name, "name"), "?"));
	start = b.len;
	value_to_json(v, 0, &b);
	if (b.len - start > MAX_SHOWN) {
		b.len = start + MAX_SHOWN;
		buf_puts(&b, "...");
	}
	if (note)
		buf_printf(&b, " (%s)", note);
	if (!b.failed)
		line = value_bytes(b.data, b.len);
	buf_reset(&b);
	return line;
}

static struct value *value_lines(const struct value *names)
{
	struct value *lines = value_list();
	size_t i;

	for (i = 0; lines && i < names->list.len; i++) {
		if (value_append(lines, value_line(names->list.items[i]))) {
			value_free(lines);
			return NULL;
		}
	}
	return lines;
}

static int add_message(struct value *map, const struct check *c,
		       const struct expr_result *r)
{
	char *text __free(cleanup_free) = NULL;
	size_t len = strlen(c->text);
	bool part = r->len && r->len < len;
	int n;

	if (r->message && part)
		n = asprintf(&text, "%s: `%.*s`: %s", c->text, (int)r->len,
			     c->text + r->off, r->message);
	else if (r->message)
		n = asprintf(&text, "%s: %s", c->text, r->message);
	else if (part)
		n = asprintf(&text, "%s: `%.*s` is not true", c->text,
			     (int)r->len, c->text + r->off);
	else
		n = asprintf(&text, "%s", c->text);
	if (n < 0) {
		text = NULL;
		return -ENOMEM;
	}
	return value_push(map, "message", value_str(text));
}

static int add_failure(struct value *map, const struct check *c,
		       struct expr_result *r)
{
	int err = add_message(map, c, r);

	if (!err && r->found) {
		err = value_push(map, "found", take_ptr(r->found));
		if (!err)
			err = value_push(map, "wanted", value_str(r->wanted));
	}
	if (!err && r->names->list.len)
		err = value_push(map, "values", value_lines(r->names));
	return err;
}

static bool is_true(const struct expr_result *r)
{
	return r->status == EXPR_VALUE && value_as_bool(r->value, false);
}

/* A value of unknown type turned out to be no boolean. */
static int refuse_type(struct expr_result *r)
{
	if (r->status != EXPR_VALUE || r->value->type == VALUE_BOOL)
		return 0;
	r->status = EXPR_ERROR;
	r->message = strdup("a check must be true or false, and this is neither");
	return r->message ? 0 : -ENOMEM;
}

static int eval_one(const struct check *c, const struct value *result,
		    struct value *map, bool *ok)
{
	char *place __free(cleanup_free) = c->file ? place_of(c) : NULL;
	struct expr_result r;
	int err = expr_eval(c->expr, result, &r);

	if (err)
		return err;
	err = refuse_type(&r);
	*ok = is_true(&r);
	if (!err)
		err = value_push(map, "check", value_str(c->text));
	if (!err)
		err = value_push(map, "outcome", value_str(*ok ? "pass" :
							   "fail"));
	if (!err && place)
		err = value_push(map, "at", value_str(place));
	if (!err && !*ok)
		err = add_failure(map, c, &r);
	expr_result_reset(&r);
	return err;
}

int checks_eval(const struct check *checks, size_t n,
		const struct value *result, struct value **out, size_t *failed)
{
	struct value *list = value_list(), *map;
	size_t i, bad = 0;
	bool ok = false;
	int err = list ? 0 : -ENOMEM;

	for (i = 0; !err && i < n; i++) {
		map = value_map();
		err = map ? eval_one(&checks[i], result, map, &ok) : -ENOMEM;
		if (err)
			value_free(map);
		else
			err = value_append(list, map);
		bad += !ok;
	}
	if (err) {
		value_free(list);
		return err;
	}
	*out = list;
	*failed = bad;
	return 0;
}

static int copy_entry(struct value *to, const char *key,
		      const struct value *from)
{
	const struct value *v = value_get(from, key);

	return v ? value_set(to, key, value_copy(v)) : 0;
}

static int explain_first(const struct value *first, struct value *block)
{
	static const char *const keys[] = { "message", "found", "wanted", "at" };
	size_t i;
	int err = 0;

	for (i = 0; !err && i < ARRAY_SIZE(keys); i++)
		err = copy_entry(block, keys[i], first);
	return err;
}

/* The same without what the list of failures need not repeat. */
static struct value *failure(const struct value *outcome)
{
	static const char *const keys[] = { "check", "at", "message", "values" };
	const char *message = value_as_str(value_get(outcome, "message"), "");
	const char *text = value_as_str(value_get(outcome, "check"), "");
	struct value *map = value_map();
	size_t i;

	for (i = 0; map && i < ARRAY_SIZE(keys); i++) {
		if (!strcmp(keys[i], "message") && !strcmp(message, text))
			continue;
		if (copy_entry(map, keys[i], outcome)) {
			value_free(map);
			return NULL;
		}
	}
	return map;
}

int checks_explain(const struct value *outcomes, struct value *block)
{
	struct value *list = value_list();
	const struct value *first = NULL;
	size_t i;
	int err = list ? 0 : -ENOMEM;

	for (i = 0; !err && i < outcomes->list.len; i++) {
		const struct value *o = outcomes->list.items[i];

		if (strcmp(value_as_str(value_get(o, "outcome"), ""), "fail"))
			continue;
		first = first ? first : o;
		err = value_append(list, failure(o));
	}
	if (!err && first && !value_get(block, "message"))
		err = explain_first(first, block);
	if (!err && first)
		return value_set(block, "checks", list);
	value_free(list);
	return err;
}
