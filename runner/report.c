// SPDX-License-Identifier: GPL-2.0-only
/* Reports, their documents, and totals; see report.h. */
#include "runner/report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "runner/fields.h"
#include "runner/value.h"
#include "vmm/base/buf.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/diag.h"
#include "vmm/base/io.h"

/* A kept result with all its guest text stays far below this. */
#define REPORT_FILE_MAX MiB(256)

static const char *const outcome_names[OUTCOME_COUNT] = {
	[OUTCOME_PASS] = "pass",	[OUTCOME_FAIL] = "fail",
	[OUTCOME_SKIP] = "skip",	[OUTCOME_XFAIL] = "xfail",
	[OUTCOME_XPASS] = "xpass",	[OUTCOME_TIMEOUT] = "timeout",
	[OUTCOME_ERROR] = "error",
};

const char *outcome_name(enum outcome o)
{
	return outcome_names[o];
}

int outcome_parse(const char *name, enum outcome *out)
{
	int i;

	for (i = 0; i < OUTCOME_COUNT; i++) {
		if (!strcmp(name, outcome_names[i])) {
			*out = i;
			return 0;
		}
	}
	return -EINVAL;
}

bool outcome_is_ok(enum outcome o)
{
	return o == OUTCOME_PASS || o == OUTCOME_SKIP || o == OUTCOME_XFAIL ||
	       o == OUTCOME_XPASS;
}

struct report *report_create(const char *name, unsigned int index)
{
	struct report *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->name = strdup(name);
	r->outcome = OUTCOME_ERROR;
	r->index = index;
	r->block = value_map();
	if (!r->name || !r->block) {
		report_destroy(r);
		return NULL;
	}
	return r;
}

void report_destroy(struct report *r)
{
	if (!r)
		return;
	free(r->name);
	free(r->reason);
	value_free(r->block);
	value_free(r->result);
	free(r);
}

int report_set(struct report *r, enum outcome o, const char *reason)
{
	char *copy = NULL;

	if (reason) {
		copy = strdup(reason);
		if (!copy)
			return -ENOMEM;
	}
	free(r->reason);
	r->reason = copy;
	r->outcome = o;
	return 0;
}

/* The document around @result, which it takes. */
static struct value *document(const struct report *r, struct value *result)
{
	struct value *doc = value_map();

	if (!doc || !result || value_push(doc, "name", value_str(r->name)) ||
	    value_push(doc, "index", value_int(r->index)) ||
	    value_push(doc, "outcome", value_str(outcome_name(r->outcome))) ||
	    value_push(doc, "reason", value_str(r->reason)) ||
	    value_push(doc, "block", value_copy(r->block))) {
		value_free(result);
		goto fail;
	}
	if (value_push(doc, "result", result))
		goto fail;
	return doc;
fail:
	value_free(doc);
	return NULL;
}

struct value *report_to_value(const struct report *r)
{
	return document(r, fields_complete(r->result));
}

int report_encode(const struct report *r, struct buf *out)
{
	struct value *doc = document(r, value_copy(r->result));
	int err;

	if (!doc)
		return -ENOMEM;
	value_to_json(doc, 0, out);
	err = buf_putc(out, '\n');
	value_free(doc);
	return err;
}

int report_from_value(const struct value *doc, struct report **out,
		      struct diag *d)
{
	const char *name = value_as_str(value_get(doc, "name"), NULL);
	const char *outcome = value_as_str(value_get(doc, "outcome"), "");
	const char *reason = value_as_str(value_get(doc, "reason"), NULL);
	const struct value *block = value_get(doc, "block");
	const struct value *result = value_get(doc, "result");
	s64 index = value_as_int(value_get(doc, "index"), 0);
	enum outcome o;
	struct report *r;

	if (!name || outcome_parse(outcome, &o) || index < 0 ||
	    index > INT32_MAX || (block && block->type != VALUE_MAP) ||
	    (result && result->type != VALUE_MAP))
		return diag_fail(d, -EINVAL, NULL, "this is no report of a case");
	r = report_create(name, (unsigned int)index);
	if (!r || report_set(r, o, reason))
		goto fail;
	if (block) {
		value_free(r->block);
		r->block = value_copy(block);
		if (!r->block)
			goto fail;
	}
	if (result) {
		r->result = value_copy(result);
		if (!r->result)
			goto fail;
	}
	*out = r;
	return 0;
fail:
	report_destroy(r);
	return diag_fail(d, -ENOMEM, NULL, "no memory for a report");
}

int report_decode(const char *data, size_t len, struct report **out,
		  struct diag *d)
{
	struct value *doc = NULL;
	int err = value_from_json(data, len, &doc, d);

	if (!err)
		err = report_from_value(doc, out, d);
	value_free(doc);
	return err;
}

int report_save(const struct report *r, const char *path, struct diag *d)
{
	struct value *doc = report_to_value(r);
	struct buf text = { 0 };
	int err = -ENOMEM;

	if (doc && !value_to_json(doc, 1, &text) && !buf_putc(&text, '\n'))
		err = io_write_file(path, text.data, text.len, d);
	else
		diag_fail(d, err, NULL, "%s: no memory", path);
	buf_reset(&text);
	value_free(doc);
	return err;
}

int report_load(const char *path, struct report **out, struct diag *d)
{
	struct buf text = { 0 };
	int err = io_read_file(path, REPORT_FILE_MAX, &text, d);

	if (!err) {
		err = report_decode(buf_str(&text), text.len, out, d);
		if (err)
			diag_wrap(d, err, "%s", path);
	}
	buf_reset(&text);
	return err;
}

void totals_add(struct totals *t, enum outcome o)
{
	t->count[o]++;
}

unsigned int totals_sum(const struct totals *t)
{
	unsigned int i, sum = 0;

	for (i = 0; i < OUTCOME_COUNT; i++)
		sum += t->count[i];
	return sum;
}

int totals_print(const struct totals *t, struct buf *out)
{
	const unsigned int *n = t->count;

	return buf_printf(out,
			  "pass:%u fail:%u xfail:%u xpass:%u skip:%u error:%u",
			  n[OUTCOME_PASS], n[OUTCOME_FAIL] + n[OUTCOME_TIMEOUT],
			  n[OUTCOME_XFAIL], n[OUTCOME_XPASS], n[OUTCOME_SKIP],
			  n[OUTCOME_ERROR]);
}

int totals_exit_status(const struct totals *t, bool ktap)
{
	const unsigned int *n = t->count;
	unsigned int sum = totals_sum(t);

	if (n[OUTCOME_FAIL] || n[OUTCOME_TIMEOUT] || n[OUTCOME_ERROR])
		return EXIT_FAILED;
	if (ktap && sum && n[OUTCOME_SKIP] == sum)
		return EXIT_ALL_SKIP;
	return EXIT_ALL_OK;
}
