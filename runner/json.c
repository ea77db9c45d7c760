// SPDX-License-Identifier: GPL-2.0-only
/* One JSON document per run, case by case; see json.h. */
#include "runner/json.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/value.h"
#include "runner/version.h"
#include "vmm/base/buf.h"
#include "vmm/base/diag.h"
#include "vmm/base/io.h"

struct json_report {
	char *path;
	char *tmp;	/* NULL once renamed */
	int fd;
	bool with_results;
	bool any;	/* a case was written */
};

static int put(struct json_report *j, struct buf *text, struct diag *d)
{
	int err = text->failed ? -ENOMEM :
		  io_write_full(j->fd, text->data, text->len);

	buf_reset(text);
	if (err)
		diag_fail(d, err, NULL, "cannot write %s: %s", j->path,
			  strerror(-err));
	return err;
}

static int open_tmp(struct json_report *j, struct diag *d)
{
	if (asprintf(&j->tmp, "%s.XXXXXX", j->path) < 0) {
		j->tmp = NULL;
		return diag_fail(d, -ENOMEM, NULL, "%s: no memory", j->path);
	}
	j->fd = mkostemp(j->tmp, O_CLOEXEC);
	if (j->fd < 0) {
		free(j->tmp);
		j->tmp = NULL;
		return diag_fail(d, -errno, NULL, "cannot create %s: %m",
				 j->path);
	}
	return 0;
}

int json_create(const char *path, const struct value *run, bool with_results,
		struct json_report **out, struct diag *d)
{
	struct json_report *j = calloc(1, sizeof(*j));
	struct buf text = { 0 };
	int err;

	if (!j)
		return diag_fail(d, -ENOMEM, NULL, "%s: no memory", path);
	j->fd = -1;
	j->with_results = with_results;
	j->path = strdup(path);
	err = j->path ? open_tmp(j, d) : -ENOMEM;
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

	if (!doc)
		return diag_fail(d, -ENOMEM, NULL, "%s: no memory", j->path);
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

static int close_tmp(struct json_report *j)
{
	int err = 0;

	if (fchmod(j->fd, 0644) < 0)
		err = -errno;
	if (close(j->fd) < 0 && !err)
		err = -errno;
	j->fd = -1;
	if (!err && rename(j->tmp, j->path) < 0)
		err = -errno;
	if (!err) {
		free(j->tmp);
		j->tmp = NULL;
	}
	return err;
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
	if (!err) {
		err = close_tmp(j);
		if (err)
			diag_fail(d, err, NULL, "cannot write %s: %s", j->path,
				  strerror(-err));
	}
	return err;
}

void json_destroy(struct json_report *j)
{
	if (!j)
		return;
	if (j->fd >= 0)
		close(j->fd);
	if (j->tmp) {
		unlink(j->tmp);
		free(j->tmp);
	}
	free(j->path);
	free(j);
}
