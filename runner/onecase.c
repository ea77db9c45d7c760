// SPDX-License-Identifier: GPL-2.0-only
/* onecase: options, the choice of a case, and where it runs; see onecase.h. */
#include "runner/onecase.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "runner/kernel.h"
#include "runner/problem.h"
#include "runner/report.h"
#include "runner/term.h"
#include "vmm/base/diag.h"
#include "vmm/base/log.h"
#include "vmm/kimage.h"

#define SHORTOPTS "k:f:a:vh"

static int take(struct onecase *o, int opt, const char *arg, struct diag *d)
{
	switch (opt) {
	case 'a':
		return accel_parse(arg, &o->accel, d);
	case 'v':
		log_set_level(LOG_LEVEL_DEBUG);
		return 0;
	case '?':
		return diag_fail(d, -EINVAL, NULL, "see `vmtap %s --help`",
				 o->verb);
	default:
		if (o->take && opt >= ONECASE_OPT_OWN)
			return o->take(o, opt, arg, d);
		opt = plan_opts_take(&o->plan, opt, arg, d);
		return opt < 0 ? opt : 0;
	}
}

/* Return: -1 to go on, else the exit status. */
static int parse(struct onecase *o, int argc, char **argv)
{
	struct diag d = { 0 };
	int opt, err = 0;

	while (!err && (opt = getopt_long(argc, argv, SHORTOPTS, o->longopts,
					  NULL)) != -1) {
		if (opt == 'h') {
			fputs(o->usage, stdout);
			return EXIT_ALL_OK;
		}
		err = take(o, opt, optarg, &d);
	}
	for (; !err && optind < argc; optind++)
		err = plan_opts_add_path(&o->plan, argv[optind]);
	if (!err)
		err = o->ready(o, &d);
	if (!err)
		return -1;
	log_error(o->verb, "%s", diag_text(&d));
	diag_reset(&d);
	return EXIT_BAD_USAGE;
}

/* The same choice once more, for the program inside the host. */
static int go_nested(const struct onecase *o, const struct plan *plan,
		     struct diag *d)
{
	const struct plan_opts *p = &o->plan;
	const char *argv[64], *lists[] = { "--kernel", "--filter", "--set" };
	const struct str_list *items[] = { &p->kernels, &p->filters, &p->sets };
	char self[4096], seed[32];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	size_t n = 0, i, j;

	if (len < 0)
		return diag_fail(d, -errno, NULL, "/proc/self/exe: %m");
	self[len] = '\0';
	snprintf(seed, sizeof(seed), "0x%llx", (unsigned long long)plan->seed);
	argv[n++] = self;
	argv[n++] = o->verb;
	if (o->inner)
		argv[n++] = o->inner;
	argv[n++] = "--accel";
	argv[n++] = "kvm";
	argv[n++] = "--seed";
	argv[n++] = seed;
	if (o->whole && p->exec) {
		argv[n++] = "--exec";
		argv[n++] = p->exec;
	}
	for (i = 0; i < ARRAY_SIZE(lists); i++) {
		for (j = 0; j < items[i]->n; j++) {
			if (n + p->paths.n > ARRAY_SIZE(argv) - 8)
				return diag_fail(d, -E2BIG, NULL,
						 "too many options");
			argv[n++] = lists[i];
			argv[n++] = items[i]->items[j];
		}
	}
	argv[n++] = "--";
	for (i = 0; i < p->paths.n; i++)
		argv[n++] = p->paths.items[i];
	argv[n] = NULL;
	return o->nested(o, &plan->cases[0], argv, d);
}

/* Unpacked here, outside a nested host: it is many times faster. */
static int warm(const struct onecase *o, const struct scenario *s,
		struct diag *d)
{
	const struct scen_kernel *k = &s->kernel;
	struct kernel *kernel;
	struct kimage *image;
	int err = kernel_find(k->image ? k->image : k->release, &kernel, d);

	if (err)
		return err;
	if (o->hint && term_size(&(u16){ 0 }, &(u16){ 0 }))
		log_info(NULL, "booting %s; %s",
			 *kernel->release ? kernel->release : kernel->image,
			 o->hint);
	if (!kimage_open(kernel->image, 0, &image, NULL))
		kimage_close(image);
	kernel_put(kernel);
	return 0;
}

static int one_case(const struct plan *plan, struct diag *d)
{
	const char *why = plan->cases[0].skip;

	if (plan->n > 1)
		return diag_fail(d, -EINVAL, NULL,
				 "there are %zu cases such as %s; choose one with --filter",
				 plan->n, plan->cases[0].name);
	return why ? diag_fail(d, -EINVAL, NULL, "%s", why) : 0;
}

static int choose_and_go(const struct onecase *o, const struct plan *plan,
			 struct diag *d)
{
	struct accel_choice accel = { 0 };
	int status;

	if (one_case(plan, d))
		return EXIT_BAD_USAGE;
	if (accel_choose(o->accel, &accel, d))
		return EXIT_NO_HOST;
	status = warm(o, plan->cases[0].scenario, d);
	if (!status && accel.accel == ACCEL_NESTED)
		status = go_nested(o, plan, d);
	else if (!status)
		status = o->local(o, &plan->cases[0], d);
	accel_choice_reset(&accel);
	return status < 0 ? EXIT_OUR_FAULT : status;
}

int onecase_main(struct onecase *o, int argc, char **argv)
{
	struct problems problems = { 0 };
	struct plan plan = { 0 };
	struct diag d = { 0 };
	int status = parse(o, argc, argv);

	if (status >= 0)
		goto out;
	status = plan_make(&o->plan, &problems, &plan) ? EXIT_BAD_FILE : 0;
	problems_print(&problems, stderr);
	if (!status)
		status = choose_and_go(o, &plan, &d);
	if (d.msg)
		log_error(o->verb, "%s", diag_text(&d));
out:
	diag_reset(&d);
	plan_destroy(&plan);
	problems_reset(&problems);
	plan_opts_reset(&o->plan);
	return status;
}
