// SPDX-License-Identifier: GPL-2.0-only
/* `vmtap merge`: the TAP of shards as one. */
#include <errno.h>
#include <getopt.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runner/report.h"
#include "runner/tapread.h"
#include "runner/verbs.h"
#include "runner/yamlout.h"
#include "vmm/base/buf.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/diag.h"
#include "vmm/base/io.h"
#include "vmm/base/log.h"
#include "vmm/base/util.h"

static const char help[] =
"usage: vmtap merge A.tap B.tap...\n"
"\n"
"Make one TAP of several, as runs with --shard print them, in the order of the\n"
"whole plan. A shard that ended early makes a failing point for each case that\n"
"it did not get to, so that nothing is lost silently.\n"
"\n"
"  -h, --help   this text\n"
"\n"
"Exit status: as of the run: 0 all passed or skipped, 1 a failure; 64 usage,\n"
"65 a file that is no TAP of vmtap.\n"
"\n"
"Examples:\n"
"  vmtap run --shard 1/2 scenarios > 1.tap     # here\n"
"  vmtap run --shard 2/2 scenarios > 2.tap     # elsewhere\n"
"  vmtap merge 1.tap 2.tap\n"
"  parallel 'vmtap run --shard {}/4 scenarios > {}.tap' ::: 1 2 3 4\n";

#define MAX_FILE MiB(256)

struct merged {
	const struct tap_doc_point *point;
	size_t order;		/* as read, for equal indexes */
};

struct merge {
	struct tap_doc *docs;
	char **files;
	size_t ndocs;
	struct merged *points;
	size_t npoints;
	bool indexed;
	unsigned int lost;	/* planned and never reported */
	struct totals totals;
	void *names;		/* tsearch(3) tree, owned strings */
	struct buf out;
};

static int read_doc(const char *file, struct tap_doc *doc, struct diag *d)
{
	struct buf text = { 0 };
	int err = io_read_file(file, MAX_FILE, &text, d);

	if (!err)
		err = tap_doc_parse(buf_str(&text), text.len, file, doc, d);
	buf_reset(&text);
	return err;
}

static int by_order(const void *a, const void *b)
{
	const struct merged *ma = a, *mb = b;

	return (ma->order > mb->order) - (ma->order < mb->order);
}

static int by_index(const void *a, const void *b)
{
	const struct merged *ma = a, *mb = b;

	if (ma->point->index != mb->point->index)
		return ma->point->index > mb->point->index ? 1 : -1;
	return by_order(a, b);
}

static int collect(struct merge *m)
{
	size_t i, k, all = 0, at = 0;

	for (i = 0; i < m->ndocs; i++) {
		all += m->docs[i].n;
		m->lost += m->docs[i].plan - (unsigned int)m->docs[i].n;
		m->indexed |= m->docs[i].indexed;
	}
	m->points = calloc(all + 1, sizeof(*m->points));
	if (!m->points)
		return -ENOMEM;
	for (i = 0; i < m->ndocs; i++) {
		for (k = 0; k < m->docs[i].n; k++, at++)
			m->points[at] = (struct merged){
				.point = &m->docs[i].points[k], .order = at,
			};
	}
	m->npoints = all;
	/* Shards tell their places; else the files stand one after another. */
	if (m->indexed)
		qsort(m->points, all, sizeof(*m->points), by_index);
	return 0;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* Same names in two files: told apart as tap.c does. */
static int put_text(struct merge *m, const char *text)
{
	const char *directive = strstr(text, " # ");
	size_t len = directive ? (size_t)(directive - text) : strlen(text);
	unsigned int n = 1;
	char *name = NULL;
	void *node;

	for (;;) {
		free(name);
		if (n == 1)
			name = strndup(text, len);
		else if (asprintf(&name, "%.*s (%u)", (int)len, text, n) < 0)
			name = NULL;
		if (!name)
			return -ENOMEM;
		node = tsearch(name, &m->names, compare_names);
		if (!node) {
			free(name);
			return -ENOMEM;
		}
		if (*(char **)node == name)
			break;
		n++;
	}
	buf_puts(&m->out, name);
	return buf_printf(&m->out, "%s\n", text + len);
}

static int put_point(struct merge *m, unsigned int number,
		     const struct tap_doc_point *p)
{
	totals_add(&m->totals, p->outcome);
	buf_printf(&m->out, "%s %u - ", outcome_is_ok(p->outcome) ? "ok" :
		   "not ok", number);
	if (put_text(m, p->text))
		return -ENOMEM;
	if (*p->block)
		buf_printf(&m->out, "  ---\n%s  ...\n", p->block);
	return m->out.failed ? -ENOMEM : 0;
}

static int put_lost(struct merge *m, unsigned int *number,
		    const struct tap_doc *doc, const char *file)
{
	char *text __free(cleanup_free) = NULL;
	struct buf where = { 0 }, why = { 0 };
	struct tap_doc_point p = { .outcome = OUTCOME_ERROR };
	size_t i;
	int err = 0;

	yamlout_line(file, strlen(file), 200, &where);
	if (doc->bail_out)
		yamlout_line(doc->bail_out, strlen(doc->bail_out), 400, &why);
	for (i = doc->n; !err && i < doc->plan; i++) {
		free(text);
		if (asprintf(&text, "point %zu of %s # ERROR never reported%s%s",
			     i + 1, buf_str(&where), why.len ? ": " : "",
			     buf_str(&why)) < 0)
			text = NULL;
		p.text = text;
		p.block = (char *)"";
		err = text ? put_point(m, (*number)++, &p) : -ENOMEM;
	}
	buf_reset(&where);
	buf_reset(&why);
	return err;
}

static int put_all(struct merge *m)
{
	unsigned int number = 1;
	size_t i;
	int err = 0;

	buf_printf(&m->out, "TAP version 13\n1..%zu%s\n", m->npoints + m->lost,
		   m->npoints + m->lost ? "" : " # SKIP nothing to run");
	/* What all shards say alike (the seed) is said once. */
	for (i = 0; i < m->ndocs; i++) {
		if (!i || strcmp(m->docs[i].comments, m->docs[0].comments))
			buf_puts(&m->out, m->docs[i].comments);
	}
	for (i = 0; !err && i < m->npoints; i++)
		err = put_point(m, number++, m->points[i].point);
	for (i = 0; !err && i < m->ndocs; i++)
		err = put_lost(m, &number, &m->docs[i], m->files[i]);
	buf_puts(&m->out, "# Totals: ");
	totals_print(&m->totals, &m->out);
	buf_putc(&m->out, '\n');
	return m->out.failed ? -ENOMEM : err;
}

static void merge_reset(struct merge *m)
{
	size_t i;

	for (i = 0; i < m->ndocs; i++)
		tap_doc_reset(&m->docs[i]);
	free(m->docs);
	free(m->points);
	tdestroy(m->names, free);
	buf_reset(&m->out);
}

static int merge_files(struct merge *m, int n, char **files, struct diag *d)
{
	int i, err;

	m->files = files;
	m->docs = calloc((size_t)n, sizeof(*m->docs));
	if (!m->docs)
		return -ENOMEM;
	for (i = 0; i < n; i++) {
		err = read_doc(files[i], &m->docs[i], d);
		if (err)
			return err;
		m->ndocs++;
	}
	err = collect(m);
	return err ? err : put_all(m);
}

/* Return: -1 to go on, else the exit status. */
static int read_options(int argc, char **argv)
{
	static const struct option opts[] = {
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int c;

	optind = 0;
	while ((c = getopt_long(argc, argv, "h", opts, NULL)) != -1) {
		if (c == 'h')
			return fputs(help, stdout) < 0 ? EXIT_OUR_FAULT :
			       EXIT_ALL_OK;
		return EXIT_BAD_USAGE;
	}
	if (optind == argc) {
		log_error("merge", "give the files to merge; see vmtap merge --help");
		return EXIT_BAD_USAGE;
	}
	return -1;
}

int cmd_merge(int argc, char **argv)
{
	struct merge m = { 0 };
	struct diag d = { 0 };
	int status = read_options(argc, argv), err;

	if (status >= 0)
		return status;
	err = merge_files(&m, argc - optind, argv + optind, &d);
	if (err && err != -ENOMEM) {
		log_error("merge", "%s", diag_text(&d));
		status = EXIT_BAD_FILE;
	} else if (err || io_write_full(1, m.out.data, m.out.len)) {
		log_error("merge", err ? "no memory" : "cannot write the result");
		status = EXIT_OUR_FAULT;
	} else {
		status = totals_exit_status(&m.totals, false);
	}
	diag_reset(&d);
	merge_reset(&m);
	return status;
}
