// SPDX-License-Identifier: GPL-2.0-only
/* `vmtap list`: the cases that a run would have. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "runner/plan.h"
#include "runner/problem.h"
#include "runner/value.h"
#include "vmm/base/buf.h"
#include "vmm/base/diag.h"

static void print_help(void)
{
	printf("usage: vmtap list [OPTION]... [FILE|FOLDER]...\n"
	       "\n"
	       "Print the names of the cases, one a line, as `vmtap run` would number them.\n"
	       "\n"
	       "      --json            one JSON document: name, file, parameters, tags,\n"
	       "                        description, seed and skip of each case\n"
	       "  -h, --help            this text\n"
	       "\n%s"
	       "\n"
	       "Exit status: 0, 64 bad usage, 65 bad scenario, or no case fits.\n"
	       "\n"
	       "Examples:\n"
	       "  vmtap list scenarios\n"
	       "  vmtap list --tag blk --kernel 6.1 --kernel 6.12 scenarios\n"
	       "  vmtap list --filter 'blk/*cpus=4*' --json\n",
	       plan_opts_help());
}

static int add_params(struct value *c, const struct test_case *tc)
{
	struct value *map = value_map();
	int rc = value_set(c, "parameters", map);

	for (size_t i = 0; i < tc->nr_params && !rc; i++)
		rc = value_set(map, tc->params[i].key,
			       value_str(tc->params[i].value));
	return rc;
}

static int add_tags(struct value *c, const struct str_list *tags)
{
	struct value *list = value_list();
	int rc = value_set(c, "tags", list);

	for (size_t i = 0; i < tags->n && !rc; i++)
		rc = value_append(list, value_str(tags->items[i]));
	return rc;
}

static struct value *text_or_null(const char *s)
{
	return s ? value_str(s) : value_null();
}

static int add_case(struct value *cases, const struct test_case *tc)
{
	struct value *c = value_map();
	char seed[24];

	snprintf(seed, sizeof(seed), "%llu", (unsigned long long)tc->seed);
	return value_append(cases, c) ?:
	       value_set(c, "number", value_int(tc->number)) ?:
	       value_set(c, "name", value_str(tc->name)) ?:
	       value_set(c, "file", value_str(tc->scenario->file)) ?:
	       value_set(c, "description", text_or_null(tc->scenario->description)) ?:
	       add_tags(c, &tc->scenario->tags) ?:
	       add_params(c, tc) ?:
	       /* As text: a JSON number of 64 bits loses digits in many readers. */
	       value_set(c, "seed", value_str(seed)) ?:
	       value_set(c, "skip", text_or_null(tc->skip));
}

static int format_json(const struct plan *plan, struct buf *b)
{
	struct value *root = value_map(), *cases = value_list();
	char seed[24];
	int rc;

	snprintf(seed, sizeof(seed), "%llu", (unsigned long long)plan->seed);
	rc = value_set(root, "seed", value_str(seed)) ?:
	     value_set(root, "cases", cases);
	for (size_t i = 0; i < plan->n && !rc; i++)
		rc = add_case(cases, &plan->cases[i]);
	if (!rc)
		rc = value_to_json(root, 2, b);
	buf_putc(b, '\n');
	value_free(root);
	return rc;
}

static int print_plan(const struct plan *plan, bool json)
{
	struct buf b = { 0 };
	int rc = 0;

	if (json)
		rc = format_json(plan, &b);
	for (size_t i = 0; i < plan->n && !json; i++)
		buf_printf(&b, "%s\n", plan->cases[i].name);
	if (!rc && !b.failed &&
	    (fwrite(buf_str(&b), 1, b.len, stdout) != b.len || fflush(stdout)))
		rc = -EIO;
	rc = b.failed ? -ENOMEM : rc;
	buf_reset(&b);
	if (rc)
		fprintf(stderr, "vmtap: list: %s\n", strerror(-rc));
	return rc ? EX_SOFTWARE : EX_OK;
}

static int list_cases(const struct plan_opts *o, bool json)
{
	struct problems p = { 0 };
	struct plan plan;
	int rc = plan_make(o, &p, &plan), status;

	problems_print(&p, stderr);
	problems_reset(&p);
	if (rc)
		return rc == -ENOMEM ? EX_SOFTWARE : EX_DATAERR;
	status = print_plan(&plan, json);
	plan_destroy(&plan);
	return status;
}

enum { OPT_JSON = 1 };

/* Return: -1 to go on, else the exit status. */
static int read_options(int argc, char **argv, struct plan_opts *o, bool *json)
{
	static const struct option opts[] = {
		PLAN_LONGOPTS,
		{ "json", no_argument, NULL, OPT_JSON },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct diag d = { 0 };
	int c, rc;

	optind = 0;
	while ((c = getopt_long(argc, argv, PLAN_SHORTOPTS "h", opts, NULL)) != -1) {
		if (c == 'h') {
			print_help();
			return EX_OK;
		}
		if (c == OPT_JSON) {
			*json = true;
			continue;
		}
		rc = plan_opts_take(o, c, optarg, &d);
		if (rc < 0)
			fprintf(stderr, "vmtap: list: %s\n", diag_text(&d));
		diag_reset(&d);
		if (rc <= 0)
			return EX_USAGE;
	}
	for (; optind < argc; optind++)
		if (plan_opts_add_path(o, argv[optind]))
			return EX_SOFTWARE;
	return -1;
}

int cmd_list(int argc, char **argv)
{
	struct plan_opts o = { 0 };
	bool json = false;
	int status = read_options(argc, argv, &o, &json);

	if (status < 0)
		status = list_cases(&o, json);
	plan_opts_reset(&o);
	return status;
}
