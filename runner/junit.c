// SPDX-License-Identifier: GPL-2.0-only
/* JUnit XML from any bytes; see junit.h. */
#include "runner/junit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "runner/block.h"
#include "runner/report.h"
#include "runner/text.h"
#include "runner/value.h"
#include "runner/yamlout.h"
#include "vmm/base/buf.h"
#include "vmm/base/diag.h"
#include "vmm/base/io.h"

#define MAX_MESSAGE 4096

struct junit {
	char *suite;
	struct buf cases;	/* finished <testcase> elements */
	struct totals totals;
	s64 time_ms;
};

/* For attributes: one line, what XML 1.0 forbids made visible. */
static void put_attr(const char *name, const char *text, size_t len,
		     struct buf *out)
{
	char unit[8];
	size_t n, unit_len;

	buf_printf(out, " %s=\"", name);
	while (len) {
		n = text_unit(text, len, unit, &unit_len);
		text += n;
		len -= n;
		for (n = 0; n < unit_len; n++) {
			if (unit[n] == '<')
				buf_puts(out, "&lt;");
			else if (unit[n] == '>')
				buf_puts(out, "&gt;");
			else if (unit[n] == '&')
				buf_puts(out, "&amp;");
			else if (unit[n] == '"')
				buf_puts(out, "&quot;");
			else
				buf_putc(out, unit[n]);
		}
	}
	buf_putc(out, '"');
}

static void put_attr_str(const char *name, const char *text, struct buf *out)
{
	put_attr(name, text, strlen(text), out);
}

/* The block is legal already: yamlout makes all else visible. */
static void put_cdata(const char *text, struct buf *out)
{
	const char *end;

	buf_puts(out, "<![CDATA[");
	while ((end = strstr(text, "]]>"))) {
		buf_add(out, text, (size_t)(end - text) + 2);
		buf_puts(out, "]]><![CDATA[");
		text = end + 2;
	}
	buf_puts(out, text);
	buf_puts(out, "]]>");
}

static void put_seconds(const char *name, s64 ms, struct buf *out)
{
	ms = max(ms, (s64)0);
	buf_printf(out, " %s=\"%lld.%03lld\"", name, (long long)ms / 1000,
		   (long long)ms % 1000);
}

static void put_names(const struct junit *j, const struct report *r,
		      struct buf *out)
{
	const char *slash = strrchr(r->name, '/');
	const char *bracket = strchr(r->name, '[');

	/* Slashes in a matrix value separate nothing. */
	if (bracket && slash > bracket)
		slash = memrchr(r->name, '/', (size_t)(bracket - r->name));
	if (slash)
		put_attr("classname", r->name, (size_t)(slash - r->name), out);
	else
		put_attr_str("classname", j->suite, out);
	put_attr_str("name", *r->name ? r->name : "unnamed", out);
}

static const char *message(const struct report *r)
{
	const char *text = value_as_str(value_get(r->block, "message"), NULL);

	if (text)
		return text;
	return r->reason ? r->reason : outcome_name(r->outcome);
}

static void put_trouble(const char *element, const struct report *r,
			const char *body, struct buf *out)
{
	const char *text = message(r);
	struct buf line = { 0 };

	/* Parsers have bounds; the block below has its own. */
	if (strlen(text) > MAX_MESSAGE) {
		yamlout_line(text, strlen(text), MAX_MESSAGE, &line);
		text = buf_str(&line);
	}
	buf_printf(out, "      <%s", element);
	put_attr_str("type", outcome_name(r->outcome), out);
	put_attr_str("message", text, out);
	out->failed |= line.failed;
	buf_reset(&line);
	buf_putc(out, '>');
	put_cdata(body, out);
	buf_printf(out, "</%s>\n", element);
}

static void put_outcome(const struct report *r, const char *body,
			struct buf *out)
{
	switch (r->outcome) {
	case OUTCOME_SKIP:
		buf_puts(out, "      <skipped");
		put_attr_str("message", r->reason ? r->reason : "", out);
		buf_puts(out, "/>\n");
		break;
	case OUTCOME_FAIL:
	case OUTCOME_TIMEOUT:
		put_trouble("failure", r, body, out);
		break;
	case OUTCOME_ERROR:
		put_trouble("error", r, body, out);
		break;
	default:
		if (!*body)
			break;
		buf_puts(out, "      <system-out>");
		put_cdata(body, out);
		buf_puts(out, "</system-out>\n");
	}
}

static int put_case(struct junit *j, const struct report *r, struct buf *out)
{
	s64 ms = value_as_int(value_get(r->result, "duration_ms"), 0);
	struct buf body = { 0 };
	int err;

	if (r->outcome == OUTCOME_XFAIL || r->outcome == OUTCOME_XPASS)
		buf_printf(&body, "%s: ", outcome_name(r->outcome));
	if (body.len) {
		text_visible(r->reason ? r->reason : "",
			     r->reason ? strlen(r->reason) : 0, &body);
		buf_putc(&body, '\n');
	}
	err = block_print(r, 0, false, 0, &body);
	buf_puts(out, "    <testcase");
	put_names(j, r, out);
	put_seconds("time", ms, out);
	buf_puts(out, ">\n");
	put_outcome(r, buf_str(&body), out);
	buf_puts(out, "    </testcase>\n");
	buf_reset(&body);
	j->time_ms += max(ms, (s64)0);
	return err ? err : out->failed ? -ENOMEM : 0;
}

int junit_case(struct junit *j, const struct report *r)
{
	totals_add(&j->totals, r->outcome);
	return put_case(j, r, &j->cases);
}

static void put_counts(const struct junit *j, struct buf *out)
{
	const unsigned int *n = j->totals.count;

	buf_printf(out, " tests=\"%u\" failures=\"%u\" errors=\"%u\"",
		   totals_sum(&j->totals), n[OUTCOME_FAIL] + n[OUTCOME_TIMEOUT],
		   n[OUTCOME_ERROR]);
}

int junit_save(struct junit *j, const char *path, struct diag *d)
{
	struct buf out = { 0 };
	int err;

	buf_puts(&out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites");
	put_counts(j, &out);
	put_seconds("time", j->time_ms, &out);
	buf_puts(&out, ">\n  <testsuite");
	put_attr_str("name", j->suite, &out);
	put_counts(j, &out);
	buf_printf(&out, " skipped=\"%u\"", j->totals.count[OUTCOME_SKIP]);
	put_seconds("time", j->time_ms, &out);
	buf_puts(&out, ">\n");
	buf_add(&out, j->cases.data, j->cases.len);
	buf_puts(&out, "  </testsuite>\n</testsuites>\n");
	if (out.failed || j->cases.failed)
		err = diag_fail(d, -ENOMEM, NULL, "%s: no memory", path);
	else
		err = io_write_file(path, out.data, out.len, d);
	buf_reset(&out);
	return err;
}

struct junit *junit_create(const char *suite)
{
	struct junit *j = calloc(1, sizeof(*j));

	if (j)
		j->suite = strdup(suite);
	if (j && !j->suite) {
		free(j);
		return NULL;
	}
	return j;
}

void junit_destroy(struct junit *j)
{
	if (!j)
		return;
	free(j->suite);
	buf_reset(&j->cases);
	free(j);
}
