// SPDX-License-Identifier: GPL-2.0-only
/* `vmtap lint`: every file is read, whatever the others hold. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "runner/lint.h"
#include "runner/plan_int.h"
#include "runner/problem.h"

static const char help[] =
"usage: vmtap lint [--strict] [FILE|FOLDER]...\n"
"\n"
"Read scenarios, expand their matrices and check their checks; boot nothing.\n"
"Errors and warnings go to stderr as file:line:column: what, expected what.\n"
"\n"
"      --strict   warnings fail too\n"
"  -q, --quiet    no closing line\n"
"  -h, --help     this text\n"
"\n"
"Exit status: 0 clean, 64 usage, 65 something is wrong with a scenario.\n"
"\n"
"Examples:\n"
"  vmtap lint scenarios\n"
"  vmtap lint --strict my-test.yaml\n";

struct lint_opts {
	struct plan_opts plan;
	bool strict;
	bool quiet;
};

static int lint_file(struct plan_store *st, const struct plan_opts *o,
		     const struct found_file *file, struct problems *p)
{
	struct scenario_doc *doc;
	int rc = scenario_load(file->path, file->name, p, &doc);

	if (rc)
		return rc;
	rc = plan_keep_doc(st, doc);
	if (rc)
		return rc;
	rc = plan_expand(st, o, doc, p);
	lint_doc(doc, p);
	return rc;
}

static int lint_files(struct plan_store *st, const struct plan_opts *o,
		      struct problems *p, size_t *nr_files)
{
	struct found_files files;
	int worst = discover(&o->paths, &st->arena, p, &files), rc;

	*nr_files = files.n;
	for (size_t i = 0; i < files.n; i++) {
		rc = lint_file(st, o, &files.items[i], p);
		worst = worst ? worst : rc;
	}
	found_files_reset(&files);
	return plan_refuse_same_names(st, p) ?: worst;
}

static int lint_run(const struct lint_opts *o)
{
	struct plan plan = { .store = calloc(1, sizeof(*plan.store)) };
	struct problems p = { 0 };
	size_t files = 0;
	int rc = plan.store ? lint_files(plan.store, &o->plan, &p, &files) : -ENOMEM;
	int status = rc == -ENOMEM ? EX_SOFTWARE :
		     rc || p.errors || (o->strict && p.warnings) ? EX_DATAERR : EX_OK;

	problems_print(&p, stderr);
	if (!o->quiet && rc != -ENOMEM)
		fprintf(stderr, "vmtap: lint: %zu file%s, %zu case%s, %zu error%s, %zu warning%s\n",
			files, files == 1 ? "" : "s",
			plan.store->n, plan.store->n == 1 ? "" : "s",
			p.errors, p.errors == 1 ? "" : "s",
			p.warnings, p.warnings == 1 ? "" : "s");
	problems_reset(&p);
	plan_destroy(&plan);
	return status;
}

/* Return: -1 to go on, else the exit status. */
static int read_options(int argc, char **argv, struct lint_opts *o)
{
	static const struct option opts[] = {
		{ "strict", no_argument, NULL, 's' },
		{ "quiet", no_argument, NULL, 'q' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int c;

	optind = 0;
	while ((c = getopt_long(argc, argv, "qh", opts, NULL)) != -1) {
		switch (c) {
		case 's':
			o->strict = true;
			break;
		case 'q':
			o->quiet = true;
			break;
		case 'h':
			return fputs(help, stdout) == EOF ? EX_SOFTWARE : EX_OK;
		default:
			return EX_USAGE;
		}
	}
	for (; optind < argc; optind++)
		if (plan_opts_add_path(&o->plan, argv[optind]))
			return EX_SOFTWARE;
	return -1;
}

int cmd_lint(int argc, char **argv)
{
	struct lint_opts o = { 0 };
	int status = read_options(argc, argv, &o);

	if (status < 0)
		status = lint_run(&o);
	plan_opts_reset(&o.plan);
	return status;
}
