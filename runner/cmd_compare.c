// SPDX-License-Identifier: GPL-2.0-only
/* `vmtap compare`: what changed between two kept runs. */
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
"usage: vmtap compare [OPTION]... BEFORE AFTER\n"
"\n"
"Tell what changed between two kept runs (run directories or documents of\n"
"--json): outcomes, and figures that moved by more than the threshold. A case\n"
"that is gone, or whose outcome got worse, is a regression, and so is a figure\n"
"that has a better direction and went the other way. Of counters of errors any\n"
"rise is one.\n"
"\n"
"      --threshold PERCENT   how far a figure may move (default 10)\n"
"      --min N               moves below N count for nothing (default 10)\n"
"      --all                 figures too that have no better direction\n"
"      --outcomes            outcomes only\n"
"  -h, --help                this text\n"
"\n"
"Exit status: 0 no regression, 1 a regression, 64 usage, 65 a run cannot be read.\n"
"\n"
"Examples:\n"
"  vmtap compare RUNDIR-6.12 RUNDIR-6.13\n"
"  vmtap compare --threshold 25 --min 1000 before.json after.json\n";

#define MAX_STEPS 16

struct compare {
	double threshold;	/* as a part of 1 */
	double least;
	bool all;
	bool outcomes;
	unsigned int regressions;
	unsigned int improvements;
	unsigned int same;	/* cases without a change */
	const char *name;	/* of the case at hand */
	bool changed;		/* the case at hand */
	struct field_step steps[MAX_STEPS];
	size_t n;
	struct buf out;
};

static void put_line(struct compare *c, const char *what)
{
	buf_printf(&c->out, "%-11s ", what);
	text_visible(c->name, strlen(c->name), &c->out);
	c->changed = true;
}

/* From good to bad; between equals nothing got worse. */
static int badness(enum outcome o)
{
	switch (o) {
	case OUTCOME_PASS:
	case OUTCOME_XPASS:
		return 0;
	case OUTCOME_XFAIL:
		return 1;
	case OUTCOME_SKIP:
		return 2;
	default:
		return 3;
	}
}

static void compare_outcomes(struct compare *c, const struct report *a,
			     const struct report *b)
{
	int worse = badness(b->outcome) - badness(a->outcome);

	if (a->outcome == b->outcome)
		return;
	put_line(c, worse > 0 ? "REGRESSION" : worse < 0 ? "better" :
		 "changed");
	buf_printf(&c->out, ": %s -> %s", outcome_name(a->outcome),
		   outcome_name(b->outcome));
	if (b->reason && *b->reason) {
		buf_puts(&c->out, "  (");
		text_visible(b->reason, strlen(b->reason), &c->out);
		buf_putc(&c->out, ')');
	}
	buf_putc(&c->out, '\n');
	c->regressions += worse > 0;
	c->improvements += worse < 0;
}

static bool to_number(const struct value *v, double *out)
{
	if (!v || (v->type != VALUE_INT && v->type != VALUE_FLOAT &&
		   v->type != VALUE_BOOL))
		return false;
	*out = v->type == VALUE_INT ? (double)v->i :
	       v->type == VALUE_FLOAT ? v->f : v->b;
	return true;
}

static void compare_figure(struct compare *c, const struct field *f, double a,
			   double b, bool is_bool)
{
	double move = fabs(b - a), part = a ? move / fabs(a) : INFINITY;
	bool worse = f->better == BETTER_HIGHER ? b < a :
		     f->better == BETTER_NONE ? false : b > a;
	bool small = move < c->least || part <= c->threshold;

	if (is_bool || (worse && f->better == BETTER_ZERO))
		small = false;
	if (a == b || small || (f->better == BETTER_NONE && !c->all))
		return;
	put_line(c, worse ? "REGRESSION" : f->better == BETTER_NONE ?
		 "changed" : "better");
	buf_puts(&c->out, ": ");
	fields_dotted(c->steps, c->n, &c->out);
	if (is_bool)
		buf_printf(&c->out, " %s -> %s\n", a ? "true" : "false",
			   b ? "true" : "false");
	else if (a)
		buf_printf(&c->out, " %.15g -> %.15g (%+.0f%%)\n", a, b,
			   (b - a) / fabs(a) * 100);
	else
		buf_printf(&c->out, " %.15g -> %.15g\n", a, b);
	c->regressions += worse;
	c->improvements += !worse && f->better != BETTER_NONE;
}

/* Maps and single figures; a list has no items that could be told apart. */
static void compare_trees(struct compare *c, const struct value *a,
			  const struct value *b)
{
	const struct field *f;
	double na, nb;
	size_t i, good;
	bool any;

	if (a && b && a->type == VALUE_MAP && b->type == VALUE_MAP) {
		for (i = 0; c->n < MAX_STEPS && i < a->map.len; i++) {
			const char *key = a->map.keys[i];

			c->steps[c->n++] = (struct field_step){
				.key = key, .len = strlen(key),
			};
			compare_trees(c, a->map.items[i], value_get(b, key));
			c->n--;
		}
		return;
	}
	if (!c->n || !to_number(a, &na) || !to_number(b, &nb))
		return;
	f = fields_find(c->steps, c->n, &good, &any);
	/* The outcome says it already. */
	if (f && strcmp(f->name, "success"))
		compare_figure(c, f, na, nb, a->type == VALUE_BOOL);
}

static const struct report *find(const struct kept *k, const char *name,
				 size_t hint)
{
	size_t i;

	/* Two runs of one plan have their cases at the same place. */
	if (hint < k->n && !strcmp(k->cases[hint].report->name, name))
		return k->cases[hint].report;
	for (i = 0; i < k->n; i++) {
		if (!strcmp(k->cases[i].report->name, name))
			return k->cases[i].report;
	}
	return NULL;
}

static void compare_case(struct compare *c, const struct report *a,
			 const struct report *b)
{
	c->name = a->name;
	c->changed = false;
	if (!b) {
		put_line(c, "REGRESSION");
		buf_printf(&c->out, ": %s -> gone\n", outcome_name(a->outcome));
		c->regressions++;
		return;
	}
	compare_outcomes(c, a, b);
	/* The figures of a failed run tell nothing about the next. */
	if (!c->outcomes && outcome_is_ok(a->outcome) &&
	    outcome_is_ok(b->outcome))
		compare_trees(c, a->result, b->result);
	c->same += !c->changed;
}

static void compare_runs(struct compare *c, const struct kept *a,
			 const struct kept *b)
{
	size_t i;

	for (i = 0; i < a->n; i++)
		compare_case(c, a->cases[i].report,
			     find(b, a->cases[i].report->name, i));
	for (i = 0; i < b->n; i++) {
		const struct report *r = b->cases[i].report;
		bool bad = !outcome_is_ok(r->outcome);

		if (find(a, r->name, i))
			continue;
		c->name = r->name;
		put_line(c, bad ? "REGRESSION" : "new");
		buf_printf(&c->out, ": new, %s\n", outcome_name(r->outcome));
		c->regressions += bad;
	}
	buf_printf(&c->out, "%u regression%s, %u better, %u case%s without a change\n",
		   c->regressions, c->regressions == 1 ? "" : "s",
		   c->improvements, c->same, c->same == 1 ? "" : "s");
}

static int read_number(const char *text, double *out)
{
	char *end;

	*out = strtod(text, &end);
	return end == text || *end || !isfinite(*out) || *out < 0 ? -EINVAL : 0;
}

/* Return: -1 to go on, else the exit status. */
static int read_options(int argc, char **argv, struct compare *c)
{
	static const struct option opts[] = {
		{ "threshold", required_argument, NULL, 't' },
		{ "min", required_argument, NULL, 'm' },
		{ "all", no_argument, NULL, 'a' },
		{ "outcomes", no_argument, NULL, 'o' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int opt;

	optind = 0;
	while ((opt = getopt_long(argc, argv, "h", opts, NULL)) != -1) {
		switch (opt) {
		case 't':
		case 'm':
			if (!read_number(optarg, opt == 't' ? &c->threshold :
					 &c->least))
				break;
			log_error("compare", "%s is no number", optarg);
			return EXIT_BAD_USAGE;
		case 'a':
			c->all = true;
			break;
		case 'o':
			c->outcomes = true;
			break;
		case 'h':
			return fputs(help, stdout) < 0 ? EXIT_OUR_FAULT :
			       EXIT_ALL_OK;
		default:
			return EXIT_BAD_USAGE;
		}
	}
	if (argc - optind != 2) {
		log_error("compare", "give two runs; see vmtap compare --help");
		return EXIT_BAD_USAGE;
	}
	return -1;
}

int cmd_compare(int argc, char **argv)
{
	struct compare c = { .threshold = 10, .least = 10 };
	struct kept a = { 0 }, b = { 0 };
	struct diag d = { 0 };
	int status = read_options(argc, argv, &c);

	if (status >= 0)
		return status;
	c.threshold /= 100;
	if (kept_load(argv[optind], &a, &d) ||
	    kept_load(argv[optind + 1], &b, &d)) {
		log_error("compare", "%s", diag_text(&d));
		diag_reset(&d);
		status = EXIT_BAD_FILE;
	} else {
		compare_runs(&c, &a, &b);
		status = c.regressions ? EXIT_FAILED : EXIT_ALL_OK;
		if (c.out.failed || fputs(buf_str(&c.out), stdout) < 0)
			status = EXIT_OUR_FAULT;
	}
	buf_reset(&c.out);
	kept_reset(&a);
	kept_reset(&b);
	return status;
}
