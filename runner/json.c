// SPDX-License-Identifier: GPL-2.0-only
/* One JSON document per run, case by case; see json.h. */
#include "runner/json.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runner/value.h"
#include "runner/version.h"
#include "vmm/base/buf.h"
#include "vmm/base/diag.h"
#include "vmm/base/io.h"

struct json_report {
	struct io_file file;
	int err;	/* the first that ended writing: no document then */
	bool with_results;
	bool any;	/* a case was written */
};

/* An error is told once; what comes after it is dropped. */
static int put(struct json_report *j, struct buf *text, struct diag *d)
{
	if (!j->err) {
		j->err = text->failed ? -ENOMEM :
			 io_write_full(j->file.fd, text->data, text->len);
		if (j->err)
			diag_fail(d, j->err, NULL, "cannot write %s: %s",
				  j->file.path, strerror(-j->err));
	}
	buf_reset(text);
	return j->err;
}

int json_create(const char *path, const struct value *run, bool with_results,
		struct json_report **out, struct diag *d)
{
	struct json_report *j = calloc(1, sizeof(*j));
	struct buf text = { 0 };
	int err;

	if (!j)
		return diag_fail(d, -ENOMEM, NULL, "%s: no memory", path);
	j->with_results = with_results;
	err = io_file_open(&j->file, path, d);
	if (!err) {
		buf_puts(&text, "{\n\"vmtap\": \"" VMTAP_VERSION "\",\n"
			 "\"format\": 1,\n\"run\": ");
		value_to_json(run, 0, &text);
		buf_puts(&text, ",\n\"cases\": [");
		err = put(j, &text, d);
	}
	if (err) {
		json_destroy(j);
		return err;
	}
	*out = j;
	return 0;
}

int json_case(struct json_report *j, const struct report *r, const char *dir,
	      struct diag *d)
{
	struct value *doc = report_to_value(r);
	struct buf text = { 0 };

	if (!doc) {
		j->err = -ENOMEM;
		return diag_fail(d, -ENOMEM, NULL, "%s: no memory", j->file.path);
	}
	if (!j->with_results)
		value_unset(doc, "result");
	if (dir && value_set(doc, "dir", value_str(dir)))
		text.failed = true;
	buf_puts(&text, j->any ? ",\n" : "\n");
	value_to_json(doc, 0, &text);
	value_free(doc);
	j->any = true;
	return put(j, &text, d);
}

static void put_totals(const struct totals *t, struct buf *text)
{
	int i;

	buf_puts(text, "\n],\n\"totals\": {");
	for (i = 0; i < OUTCOME_COUNT; i++)
		buf_printf(text, "%s\"%s\": %u", i ? ", " : "",
			   outcome_name(i), t->count[i]);
	buf_puts(text, "},\n");
}

int json_finish(struct json_report *j, const struct totals *t, int exit_status,
		const char *bail_out, struct diag *d)
{
	struct value *why = value_str(bail_out);
	struct buf text = { 0 };
	int err;

	put_totals(t, &text);
	buf_printf(&text, "\"exit_status\": %d,\n\"bail_out\": ", exit_status);
	value_to_json(why, 0, &text);
	value_free(why);
	buf_puts(&text, "\n}\n");
	err = put(j, &text, d);
	return err ? err : io_file_commit(&j->file, d);
}

void json_destroy(struct json_report *j)
{
	if (!j)
		return;
	io_file_abort(&j->file);
	free(j);
}
