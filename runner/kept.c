// SPDX-License-Identifier: GPL-2.0-only
/* Kept runs, read back; see kept.h. */
#include "runner/kept.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/report.h"
#include "runner/value.h"
#include "vmm/base/buf.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/diag.h"
#include "vmm/base/io.h"

#define MAX_FILE MiB(1024)

static char *join(const char *dir, const char *name)
{
	char *path;

	return asprintf(&path, "%s/%s", dir, name) < 0 ? NULL : path;
}

static int no_memory(struct diag *d)
{
	return diag_fail(d, -ENOMEM, NULL, "no memory for a kept run");
}

/* Takes @report and @dir. */
static int add_case(struct kept *k, struct report *report, char *dir,
		    struct diag *d)
{
	struct kept_case *cases;

	cases = reallocarray(k->cases, k->n + 1, sizeof(*cases));
	if (!cases) {
		report_destroy(report);
		free(dir);
		return no_memory(d);
	}
	k->cases = cases;
	cases[k->n++] = (struct kept_case){ .report = report, .dir = dir };
	return 0;
}

static int load_doc(const char *path, struct value **out, struct diag *d)
{
	struct buf text = { 0 };
	int err = io_read_file(path, MAX_FILE, &text, d);

	if (!err) {
		err = value_from_json(buf_str(&text), text.len, out, d);
		if (err)
			diag_wrap(d, err, "%s", path);
	}
	buf_reset(&text);
	return err;
}

/* A folder below the run directory, and no way out of it. */
static bool is_inside(const char *dir)
{
	return *dir && *dir != '/' && strcmp(dir, "..") &&
	       strncmp(dir, "../", 3) && !strstr(dir, "/../") &&
	       (strlen(dir) < 3 || strcmp(dir + strlen(dir) - 3, "/.."));
}

/* run.json leaves results out: they stand in the case's folder. */
static int load_case(struct kept *k, const struct value *doc,
		     const char *rundir, struct diag *d)
{
	const char *sub = value_as_str(value_get(doc, "dir"), NULL);
	char *dir = NULL, *file = NULL;
	struct report *r = NULL;
	int err;

	if (sub && rundir && is_inside(sub)) {
		dir = join(rundir, sub);
		file = dir ? join(dir, "result.json") : NULL;
		if (!file) {
			free(dir);
			return no_memory(d);
		}
	}
	if (file && !value_get(doc, "result") && !access(file, R_OK))
		err = report_load(file, &r, d);
	else
		err = report_from_value(doc, &r, d);
	free(file);
	if (err) {
		free(dir);
		return err;
	}
	return add_case(k, r, dir, d);
}

static int load_cases(struct kept *k, struct value *doc, const char *rundir,
		      struct diag *d)
{
	struct value *cases = value_get(doc, "cases");
	size_t i;
	int err = 0;

	if (!cases)
		return load_case(k, doc, NULL, d);
	if (cases->type != VALUE_LIST)
		return diag_fail(d, -EINVAL, NULL, "this is no kept run");
	for (i = 0; !err && i < cases->list.len; i++)
		err = load_case(k, cases->list.items[i], rundir, d);
	return err;
}

/* A tree of plain names of section 3, as tests and people write by hand. */
static int load_bare(struct kept *k, const struct value *doc, struct diag *d)
{
	struct report *r = report_create("result", 1);

	if (!r)
		return no_memory(d);
	r->outcome = value_as_bool(value_get(doc, "success"), false) ?
		     OUTCOME_PASS : OUTCOME_FAIL;
	r->result = value_copy(doc);
	if (!r->result) {
		report_destroy(r);
		return no_memory(d);
	}
	return add_case(k, r, NULL, d);
}

static int load_file(struct kept *k, const char *path, const char *rundir,
		     struct diag *d)
{
	struct value *doc = NULL;
	int err = load_doc(path, &doc, d);

	if (err)
		return err;
	if (doc->type != VALUE_MAP)
		err = diag_fail(d, -EINVAL, NULL, "%s: this is no result", path);
	else if (!value_has(doc, "cases") && !value_has(doc, "outcome"))
		err = load_bare(k, doc, d);
	else
		err = load_cases(k, doc, rundir, d);
	if (err && err != -ENOMEM && doc->type == VALUE_MAP)
		diag_wrap(d, err, "%s", path);
	value_unset(doc, "cases");
	k->doc = doc;
	return err;
}

static int by_index(const void *a, const void *b)
{
	const struct report *ra = ((const struct kept_case *)a)->report;
	const struct report *rb = ((const struct kept_case *)b)->report;

	return (ra->index > rb->index) - (ra->index < rb->index);
}

/* Without run.json: every folder that holds a result.json. */
static int scan_folder(struct kept *k, const char *path, unsigned int depth,
		       struct diag *d)
{
	struct dirent *entry;
	DIR *dir = opendir(path);
	int err = 0;

	if (!dir)
		return diag_fail(d, -errno, NULL, "cannot open %s: %m", path);
	while (!err && (entry = readdir(dir))) {
		char *sub, *file;
		struct report *r;
		struct stat st;

		if (entry->d_name[0] == '.')
			continue;
		sub = join(path, entry->d_name);
		file = sub ? join(sub, "result.json") : NULL;
		if (!file) {
			err = no_memory(d);
		} else if (lstat(sub, &st) || !S_ISDIR(st.st_mode)) {
			err = 0;
		} else if (!access(file, R_OK)) {
			err = report_load(file, &r, d);
			if (!err)
				err = add_case(k, r, take_ptr(sub), d);
		} else if (depth) {
			err = scan_folder(k, sub, depth - 1, d);
		}
		free(file);
		free(sub);
	}
	closedir(dir);
	return err;
}

static int load_folder(struct kept *k, const char *path, struct diag *d)
{
	char *run __free(cleanup_free) = join(path, "run.json");
	char *one __free(cleanup_free) = join(path, "result.json");
	int err;

	if (!run || !one)
		return no_memory(d);
	if (!access(run, F_OK))
		return load_file(k, run, path, d);
	if (!access(one, F_OK)) {
		err = load_file(k, one, NULL, d);
		if (!err && k->n == 1)
			k->cases[0].dir = strdup(path);
		return err;
	}
	err = scan_folder(k, path, 6, d);
	if (!err && !k->n)
		return diag_fail(d, -ENOENT, NULL,
				 "%s holds no run: neither run.json nor a result.json below it",
				 path);
	if (!err)
		qsort(k->cases, k->n, sizeof(*k->cases), by_index);
	return err;
}

int kept_load(const char *path, struct kept *out, struct diag *d)
{
	struct kept k = { 0 };
	struct stat st;
	int err;

	if (stat(path, &st))
		return diag_fail(d, -errno, NULL, "cannot open %s: %m", path);
	err = S_ISDIR(st.st_mode) ? load_folder(&k, path, d) :
	      load_file(&k, path, NULL, d);
	if (err)
		kept_reset(&k);
	else
		*out = k;
	return err;
}

void kept_reset(struct kept *k)
{
	size_t i;

	for (i = 0; i < k->n; i++) {
		report_destroy(k->cases[i].report);
		free(k->cases[i].dir);
	}
	free(k->cases);
	value_free(k->doc);
	*k = (struct kept){ 0 };
}
