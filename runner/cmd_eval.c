// SPDX-License-Identifier: GPL-2.0-only
/* `vmtap eval`: expressions on a kept result. */
#include <errno.h>
#include <fnmatch.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "runner/expr.h"
#include "runner/fields.h"
#include "runner/kept.h"
#include "runner/report.h"
#include "runner/text.h"
#include "runner/value.h"
#include "runner/verbs.h"
#include "vmm/base/buf.h"
#include "vmm/base/diag.h"
#include "vmm/base/log.h"

static const char help[] =
"usage: vmtap eval [--case GLOB] RESULT EXPRESSION...\n"
"       vmtap eval --names [PART]\n"
"\n"
"Evaluate expressions of the language of checks on a kept result: the\n"
"result.json of a case, a run directory, or a document of --json.\n"
"\n"
"      --case GLOB   only the cases whose name matches\n"
"      --names       list the names that a result has, those with PART in them\n"
"  -q, --quiet       print nothing; the exit status tells\n"
"  -h, --help        this text\n"
"\n"
"Exit status: 0 nothing was false, 1 false, null or an error, 64 usage or a\n"
"bad expression, 65 the result cannot be read.\n"
"\n"
"Examples:\n"
"  vmtap eval RUNDIR/blk-readback/result.json 'virtio_blk.reads_completed >= 256'\n"
"  vmtap eval RUNDIR 'kvm.exits' 'sum(kvm.vcpu[].exits)'\n"
"  vmtap eval --names virtio_blk\n";

struct options {
	const char *glob;
	bool names;
	bool quiet;
};

/* Print, unless quiet; false text makes the status 1. */
static int print_result(const char *text, const struct expr_result *r,
			const char *prefix, bool quiet)
{
	bool is_false = r->status != EXPR_VALUE ||
			(r->value->type == VALUE_BOOL && !r->value->b);
	struct buf out = { 0 };
	size_t i;

	buf_puts(&out, prefix);
	if (r->status == EXPR_VALUE)
		value_to_json(r->value, 0, &out);
	else
		buf_printf(&out, "%s: %s", r->status == EXPR_ABSENT ? "null" :
			   "error", r->message);
	buf_putc(&out, '\n');
	if (is_false && r->len && r->len < strlen(text))
		buf_printf(&out, "  at `%.*s`\n", (int)r->len, text + r->off);
	for (i = 0; is_false && i < r->names->list.len; i++) {
		const struct value *n = r->names->list.items[i];
		const char *note = value_as_str(value_get(n, "note"), NULL);

		buf_printf(&out, "  %s = ", value_as_str(value_get(n, "name"),
							 "?"));
		value_to_json(value_get(n, "value"), 0, &out);
		if (note)
			buf_printf(&out, " (%s)", note);
		buf_putc(&out, '\n');
	}
	if (!quiet)
		fputs(buf_str(&out), stdout);
	buf_reset(&out);
	return is_false ? EXIT_FAILED : EXIT_ALL_OK;
}

static int eval_one(const struct kept_case *c, const char *text,
		    const struct expr *e, bool many, bool quiet)
{
	struct value *empty = value_map();
	const struct value *result = c->report->result;
	struct expr_result r;
	struct buf prefix = { 0 };
	int status = EXIT_OUR_FAULT;

	if (many) {
		text_visible(c->report->name, strlen(c->report->name), &prefix);
		buf_puts(&prefix, ": ");
	}
	if (empty && !expr_eval(e, result ? result : empty, &r)) {
		status = print_result(text, &r, buf_str(&prefix), quiet);
		expr_result_reset(&r);
	}
	buf_reset(&prefix);
	value_free(empty);
	return status;
}

static int eval_text(const struct kept *k, const char *text,
		     const struct options *o)
{
	struct expr_error err;
	struct expr *e;
	int status = EXIT_ALL_OK, one;
	size_t i, found = 0;

	if (expr_parse(text, &e, &err)) {
		log_error("eval", "column %zu: %s", err.off + 1, err.msg);
		fprintf(stderr, "  %s\n  %*s^\n", text, (int)err.off, "");
		return EXIT_BAD_USAGE;
	}
	for (i = 0; i < k->n; i++) {
		if (o->glob && fnmatch(o->glob, k->cases[i].report->name, 0))
			continue;
		found++;
		one = eval_one(&k->cases[i], text, e, k->n > 1, o->quiet);
		status = max(status, one);
	}
	expr_destroy(e);
	if (!found) {
		log_error("eval", "no case matches %s", o->glob ? o->glob : "");
		return EXIT_BAD_USAGE;
	}
	return status;
}

static int print_names(const char *part)
{
	struct buf out = { 0 };
	int status = EXIT_ALL_OK;

	if (fields_reference(part, &out) || fputs(buf_str(&out), stdout) < 0)
		status = EXIT_OUR_FAULT;
	else if (!out.len) {
		log_error("eval", "no name has %s in it", part);
		status = EXIT_FAILED;
	}
	buf_reset(&out);
	return status;
}

/* Return: -1 to go on, else the exit status. */
static int read_options(int argc, char **argv, struct options *o)
{
	static const struct option opts[] = {
		{ "case", required_argument, NULL, 'c' },
		{ "names", no_argument, NULL, 'n' },
		{ "quiet", no_argument, NULL, 'q' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int c;

	optind = 0;
	/* "+": an expression may begin with a minus. */
	while ((c = getopt_long(argc, argv, "+qh", opts, NULL)) != -1) {
		switch (c) {
		case 'c':
			o->glob = optarg;
			break;
		case 'n':
			o->names = true;
			break;
		case 'q':
			o->quiet = true;
			break;
		case 'h':
			return fputs(help, stdout) < 0 ? EXIT_OUR_FAULT :
			       EXIT_ALL_OK;
		default:
			return EXIT_BAD_USAGE;
		}
	}
	if (o->names)
		return print_names(optind < argc ? argv[optind] : NULL);
	if (argc - optind < 2) {
		log_error("eval", "give a RESULT and an EXPRESSION; see vmtap eval --help");
		return EXIT_BAD_USAGE;
	}
	return -1;
}

int cmd_eval(int argc, char **argv)
{
	struct options o = { 0 };
	struct diag d = { 0 };
	struct kept k = { 0 };
	int status = read_options(argc, argv, &o), i, one;

	if (status >= 0)
		return status;
	if (kept_load(argv[optind], &k, &d)) {
		log_error("eval", "%s", diag_text(&d));
		diag_reset(&d);
		return EXIT_BAD_FILE;
	}
	status = EXIT_ALL_OK;
	for (i = optind + 1; i < argc; i++) {
		one = eval_text(&k, argv[i], &o);
		status = max(status, one);
	}
	kept_reset(&k);
	return status;
}
