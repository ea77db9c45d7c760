// SPDX-License-Identifier: GPL-2.0-only
/* `vmtap show`: a kept run for a person. */
#include <errno.h>
#include <fnmatch.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runner/block.h"
#include "runner/kept.h"
#include "runner/report.h"
#include "runner/text.h"
#include "runner/value.h"
#include "runner/verbs.h"
#include "vmm/base/buf.h"
#include "vmm/base/diag.h"
#include "vmm/base/log.h"

static const char help[] =
"usage: vmtap show [OPTION]... RUN\n"
"\n"
"Print a kept run: a run directory, a document of --json, or one result.json.\n"
"\n"
"      --case GLOB    only the cases whose name matches\n"
"      --failed       only the cases that failed\n"
"      --all          the values of passed cases too\n"
"      --color WHEN   auto (default), always, never\n"
"  -h, --help         this text\n"
"\n"
"Exit status: 0, 64 usage, 65 the run cannot be read.\n"
"\n"
"Examples:\n"
"  vmtap show ~/.local/state/vmtap/runs/latest\n"
"  vmtap show --failed RUNDIR\n"
"  vmtap show --case 'blk/*' --all RUNDIR\n";

struct options {
	const char *glob;
	bool failed;
	bool all;
	bool color;
};

static const struct {
	const char *word;
	const char *color;	/* SGR parameters */
} looks[OUTCOME_COUNT] = {
	[OUTCOME_PASS] = { "pass", "32" },
	[OUTCOME_FAIL] = { "FAIL", "31;1" },
	[OUTCOME_SKIP] = { "skip", "33" },
	[OUTCOME_XFAIL] = { "xfail", "33" },
	[OUTCOME_XPASS] = { "xpass", "35" },
	[OUTCOME_TIMEOUT] = { "TIMEOUT", "31;1" },
	[OUTCOME_ERROR] = { "ERROR", "31;1" },
};

static void put_head(const struct report *r, const struct options *o,
		     struct buf *out)
{
	const struct value *ms = value_get(r->result, "duration_ms");
	const char *color = looks[r->outcome].color;

	if (o->color)
		buf_printf(out, "\x1b[%sm", color);
	buf_printf(out, "%-7s ", looks[r->outcome].word);
	if (o->color)
		buf_puts(out, "\x1b[0m");
	text_visible(r->name, strlen(r->name), out);
	if (ms)
		buf_printf(out, "  %.1f s", (double)value_as_int(ms, 0) / 1000);
	if (r->reason && *r->reason) {
		buf_puts(out, "  (");
		text_visible(r->reason, strlen(r->reason), out);
		buf_putc(out, ')');
	}
	buf_putc(out, '\n');
}

static void put_files(const struct kept_case *c, struct buf *out)
{
	static const char *const names[] = {
		"console.log", "stdout", "stderr", "vmcore",
	};
	char *path;
	size_t i;

	for (i = 0; c->dir && i < ARRAY_SIZE(names); i++) {
		if (asprintf(&path, "%s/%s", c->dir, names[i]) < 0)
			return;
		if (!access(path, R_OK)) {
			buf_puts(out, "        ");
			text_visible(path, strlen(path), out);
			buf_putc(out, '\n');
		}
		free(path);
	}
}

static int show_case(const struct kept_case *c, const struct options *o)
{
	const struct report *r = c->report;
	bool failed = !outcome_is_ok(r->outcome);
	struct buf out = { 0 };
	int err;

	if ((o->failed && !failed) ||
	    (o->glob && fnmatch(o->glob, r->name, 0)))
		return 0;
	put_head(r, o, &out);
	if (failed || o->all) {
		block_print(r, 0, false, 8, &out);
		put_files(c, &out);
	}
	err = out.failed ? -ENOMEM : 0;
	if (fputs(buf_str(&out), stdout) < 0)
		err = -EIO;
	buf_reset(&out);
	return err;
}

static int show_run(const struct kept *k, const struct options *o)
{
	const char *why = value_as_str(value_get(k->doc, "bail_out"), NULL);
	struct totals totals = { 0 };
	struct buf out = { 0 };
	size_t i;
	int err = 0;

	for (i = 0; !err && i < k->n; i++) {
		totals_add(&totals, k->cases[i].report->outcome);
		err = show_case(&k->cases[i], o);
	}
	if (k->n > 1)
		totals_print(&totals, &out);
	if (out.len)
		buf_putc(&out, '\n');
	if (why) {
		buf_puts(&out, "The run ended early: ");
		text_visible(why, strlen(why), &out);
		buf_putc(&out, '\n');
	}
	if (!err && (out.failed || fputs(buf_str(&out), stdout) < 0))
		err = -EIO;
	buf_reset(&out);
	return err;
}

static bool wants_color(void)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(1) && !(no && *no) && term && strcmp(term, "dumb");
}

static int set_color(struct options *o, const char *when)
{
	if (!strcmp(when, "always"))
		o->color = true;
	else if (!strcmp(when, "never"))
		o->color = false;
	else if (strcmp(when, "auto"))
		return EXIT_BAD_USAGE;
	return -1;
}

/* Return: -1 to go on, else the exit status. */
static int read_options(int argc, char **argv, struct options *o)
{
	static const struct option opts[] = {
		{ "case", required_argument, NULL, 'c' },
		{ "failed", no_argument, NULL, 'f' },
		{ "all", no_argument, NULL, 'a' },
		{ "color", required_argument, NULL, 'C' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int c, rc;

	optind = 0;
	while ((c = getopt_long(argc, argv, "h", opts, NULL)) != -1) {
		switch (c) {
		case 'c':
			o->glob = optarg;
			break;
		case 'f':
			o->failed = true;
			break;
		case 'a':
			o->all = true;
			break;
		case 'C':
			rc = set_color(o, optarg);
			if (rc < 0)
				break;
			log_error("show", "--color takes auto, always or never");
			return rc;
		case 'h':
			return fputs(help, stdout) < 0 ? EXIT_OUR_FAULT :
			       EXIT_ALL_OK;
		default:
			return EXIT_BAD_USAGE;
		}
	}
	if (argc - optind != 1) {
		log_error("show", "give one RUN; see vmtap show --help");
		return EXIT_BAD_USAGE;
	}
	return -1;
}

int cmd_show(int argc, char **argv)
{
	struct options o = { .color = wants_color() };
	struct diag d = { 0 };
	struct kept k = { 0 };
	int status = read_options(argc, argv, &o);

	if (status >= 0)
		return status;
	if (kept_load(argv[optind], &k, &d)) {
		log_error("show", "%s", diag_text(&d));
		diag_reset(&d);
		return EXIT_BAD_FILE;
	}
	status = show_run(&k, &o) ? EXIT_OUR_FAULT : EXIT_ALL_OK;
	kept_reset(&k);
	return status;
}
