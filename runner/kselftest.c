// SPDX-License-Identifier: GPL-2.0-only
/* Which kselftests, and how long each may take; see kselftest.h. */
#include "runner/kselftest.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runner/scenario.h"
#include "runner/value.h"
#include "vmm/base/buf.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/diag.h"
#include "vmm/base/io.h"

#define DEFAULT_TIMEOUT_S 45	/* as kselftest's runner.sh */
#define TEXT_MAX MiB(4)
#define NAMED_MAX 5		/* failures that the message names */

void kselftest_list_reset(struct ksft_list *list)
{
	size_t i;

	for (i = 0; i < list->n; i++) {
		free(list->items[i].collection);
		free(list->items[i].name);
	}
	free(list->items);
	*list = (struct ksft_list){ 0 };
}

/* "collection" or "collection:test", each with globs. */
static bool chosen(const struct scen_kselftest *k, const char *collection,
		   const char *name)
{
	size_t i;

	for (i = 0; i < k->tests.n; i++) {
		const char *want = k->tests.items[i], *colon = strchr(want, ':');
		char left[256];

		snprintf(left, sizeof(left), "%.*s",
			 colon ? (int)(colon - want) : (int)strlen(want), want);
		if (!fnmatch(left, collection, 0) &&
		    (!colon || !fnmatch(colon + 1, name, 0)))
			return true;
	}
	return !k->tests.n;
}

static int list_add(struct ksft_list *list, const char *collection,
		    const char *name)
{
	struct ksft_test *more, t = {
		.collection = strdup(collection), .name = strdup(name),
	};

	more = realloc(list->items, (list->n + 1) * sizeof(*more));
	if (more)
		list->items = more;
	if (!more || !t.collection || !t.name) {
		free(t.collection);
		free(t.name);
		return -ENOMEM;
	}
	list->items[list->n++] = t;
	return 0;
}

/* Lines "collection:test". */
static int take_list(const struct scen_kselftest *k, char *text,
		     struct ksft_list *list)
{
	char *line, *save = NULL;
	int err = 0;

	for (line = strtok_r(text, "\n", &save); line && !err;
	     line = strtok_r(NULL, "\n", &save)) {
		char *colon = strchr(line, ':');

		if (!colon || strstr(line, ".."))
			continue;
		*colon = '\0';
		if (chosen(k, line, colon + 1))
			err = list_add(list, line, colon + 1);
	}
	return err;
}

/* --- a Makefile --------------------------------------------------------- */

static bool names_tests(const char *line, const char **value)
{
	static const char *const keys[] = {
		"TEST_GEN_PROGS", "TEST_PROGS", "TEST_CUSTOM_PROGS",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(keys); i++) {
		size_t n = strlen(keys[i]);
		const char *p = line + n;

		if (strncmp(line, keys[i], n))
			continue;
		p += strspn(p, " \t");
		p += strspn(p, ":+?");
		if (*p != '=')
			continue;
		*value = p + 1;
		return true;
	}
	return false;
}

static void take_words(const char *p, struct buf *out)
{
	while (*(p += strspn(p, " \t"))) {
		size_t n = strcspn(p, " \t");
		const char *name = !strncmp(p, "$(OUTPUT)/", 10) ? p + 10 : p;
		size_t len = n - (size_t)(name - p);

		if (*p == '#')
			return;
		/* What make would have to work out is not known here. */
		if (!memchr(name, '$', len) && !memchr(name, '(', len) &&
		    !memchr(name, ')', len))
			buf_printf(out, "%.*s\n", (int)len, name);
		p += n;
	}
}

void kselftest_make_tests(const char *makefile, struct buf *out)
{
	struct buf line = { 0 };
	const char *p = makefile;

	while (*p) {
		size_t n = strcspn(p, "\n");
		const char *value;

		buf_add(&line, p, n);
		p += n + (p[n] == '\n');
		if (line.len && line.data[line.len - 1] == '\\' && *p) {
			line.data[line.len - 1] = ' ';
			continue;
		}
		if (line.len && names_tests(buf_str(&line), &value))
			take_words(value, out);
		buf_reset(&line);
	}
	buf_reset(&line);
}

static int list_folder(const struct scen_kselftest *k, struct ksft_list *list,
		       struct diag *d)
{
	struct buf makefile = { 0 }, names = { 0 };
	const char *base = strrchr(k->dir, '/');
	char *path __free(cleanup_free) = NULL, *name, *save = NULL;
	int err;

	base = base ? base + 1 : k->dir;
	if (asprintf(&path, "%s/Makefile", k->dir) < 0)
		return -ENOMEM;
	err = io_read_file(path, TEXT_MAX, &makefile, d);
	if (err) {
		diag_reset(d);
		return diag_fail(d, -ENOENT, NULL,
				 "guest.kselftest: %s is neither an installed kselftest tree (kselftest-list.txt) nor a folder with a Makefile",
				 k->dir);
	}
	kselftest_make_tests(buf_str(&makefile), &names);
	for (name = names.len ? strtok_r(names.data, "\n", &save) : NULL;
	     name && !err; name = strtok_r(NULL, "\n", &save)) {
		char *file __free(cleanup_free) = NULL;

		if (asprintf(&file, "%s/%s", k->dir, name) < 0)
			err = -ENOMEM;
		else if (!access(file, R_OK) && chosen(k, base, name))
			err = list_add(list, base, name);
	}
	buf_reset(&names);
	buf_reset(&makefile);
	return err;
}

/* --- the list ----------------------------------------------------------- */

/* `timeout=N` of the collection's settings file. */
static unsigned int settings_timeout(const char *dir)
{
	unsigned int timeout = DEFAULT_TIMEOUT_S, v;
	char *path __free(cleanup_free) = NULL, *line, *save = NULL;
	struct buf text = { 0 };
	struct diag d = { 0 };

	if (asprintf(&path, "%s/settings", dir) >= 0 &&
	    !io_read_file(path, TEXT_MAX, &text, &d) && text.len) {
		buf_putc(&text, '\0');
		for (line = strtok_r(text.data, "\n", &save); line;
		     line = strtok_r(NULL, "\n", &save))
			if (sscanf(line, "timeout=%u", &v) == 1)
				timeout = v;
	}
	diag_reset(&d);
	buf_reset(&text);
	return timeout;
}

/*
 * Kernels differ in what an exit status of 2 or 3 means to kselftest's runner:
 * a failure at first, XFAIL and XPASS since. The tree's own one tells.
 */
static bool runner_knows_xfail(const char *dir, bool installed)
{
	char *path __free(cleanup_free) = NULL;
	struct buf text = { 0 };
	struct diag d = { 0 };
	bool knows = false;

	if (asprintf(&path, "%s%s/kselftest/runner.sh", dir,
		     installed ? "" : "/..") >= 0 &&
	    !io_read_file(path, TEXT_MAX, &text, &d))
		knows = strcasestr(buf_str(&text), "xfail");
	diag_reset(&d);
	buf_reset(&text);
	return knows;
}

static int set_timeouts(const struct scen_kselftest *k, bool installed,
			struct ksft_list *list)
{
	bool knows_xfail = runner_knows_xfail(k->dir, installed);
	size_t i;

	for (i = 0; i < list->n; i++) {
		struct ksft_test *t = &list->items[i];
		char *dir __free(cleanup_free) = NULL;

		if (asprintf(&dir, "%s%s%s", k->dir, installed ? "/" : "",
			     installed ? t->collection : "") < 0)
			return -ENOMEM;
		t->knows_xfail = knows_xfail;
		t->timeout_s = k->timeout_ns ?
			(unsigned int)((k->timeout_ns + NSEC_PER_SEC - 1) / NSEC_PER_SEC) :
			settings_timeout(dir);
	}
	return 0;
}

int kselftest_list(const struct scen_kselftest *k, struct ksft_list *list,
		   struct diag *d)
{
	char *path __free(cleanup_free) = NULL;
	struct buf text = { 0 };
	bool installed;
	int err;

	*list = (struct ksft_list){ 0 };
	if (asprintf(&path, "%s/kselftest-list.txt", k->dir) < 0)
		return diag_fail(d, -ENOMEM, NULL, "no memory");
	installed = !access(path, R_OK);
	if (installed) {
		err = io_read_file(path, TEXT_MAX, &text, d);
		if (!err && text.len) {
			buf_putc(&text, '\0');
			err = take_list(k, text.data, list);
		}
	} else {
		err = list_folder(k, list, d);
	}
	err = err ?: set_timeouts(k, installed, list);
	buf_reset(&text);
	if (err == -ENOMEM)
		return diag_fail(d, err, NULL, "no memory for the list of kselftests");
	if (!err && !list->n)
		return diag_fail(d, -ENOENT, NULL,
				 "guest.kselftest: none of the tests that are meant is in %s%s",
				 k->dir, installed ? "" : ": are they built?");
	return err;
}

/* --- results ------------------------------------------------------------ */

static bool is_bad(const char *outcome)
{
	return !strcmp(outcome, "fail") || !strcmp(outcome, "timeout") ||
	       !strcmp(outcome, "error");
}

int kselftest_verdict(const struct value *subtests, char *text, size_t size)
{
	size_t i, total = 0, bad = 0, skipped = 0, at = 0;
	char names[300] = "";

	for (i = 0; subtests && subtests->type == VALUE_LIST &&
	     i < subtests->list.len; i++) {
		const struct value *v = subtests->list.items[i];
		const char *outcome = value_as_str(value_get(v, "outcome"), "");

		if (value_as_int(value_get(v, "level"), 0))
			continue;
		total++;
		skipped += !strcmp(outcome, "skip");
		if (!is_bad(outcome))
			continue;
		if (bad++ < NAMED_MAX && at < sizeof(names))
			at += (size_t)snprintf(names + at, sizeof(names) - at,
					       "%s%s (%s)", at ? ", " : "",
					       value_as_str(value_get(v, "name"), "?"),
					       strcmp(outcome, "fail") ? outcome :
					       value_as_str(value_get(v, "reason"), "fail"));
	}
	*text = '\0';
	if (bad)
		snprintf(text, size, "%zu of %zu kselftests failed: %s%s", bad,
			 total, names, bad > NAMED_MAX ? ", ..." : "");
	else if (!total)
		snprintf(text, size, "no kselftest gave a result");
	else if (total == skipped)
		snprintf(text, size, "each of %zu kselftests was skipped", total);
	return total && total == skipped;
}
