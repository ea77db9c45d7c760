// SPDX-License-Identifier: GPL-2.0-only
/* `vmtap shell`: which machine, and where; see shell.h. */
#include "runner/shell.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <unistd.h>

#include "runner/accel.h"
#include "runner/kernel.h"
#include "runner/plan.h"
#include "runner/problem.h"
#include "runner/report.h"
#include "runner/term.h"
#include "vmm/base/diag.h"
#include "vmm/base/log.h"
#include "vmm/kimage.h"

static const char usage[] =
"usage: vmtap shell [OPTIONS] [SCENARIO.yaml]\n"
"\n"
"Boot the VM that the scenario would get (without one: a plain VM) with an\n"
"interactive shell on its console instead of the scenario's payload; guest.setup\n"
"runs first. Ctrl-A x leaves at once, Ctrl-A Ctrl-A is one Ctrl-A; `exit` ends\n"
"the VM with the shell's exit status. Input that is no terminal is run as a\n"
"script by the guest's shell.\n"
"\n"
"  -k, --kernel K        an image (with a '/') or a release\n"
"  -f, --filter GLOB     which case, of a scenario that has several\n"
"      --set KEY=VALUE   over the scenario, such as vm.memory=1G\n"
"      --seed N          as of the run whose machine is wanted\n"
"      --accel auto|kvm|nested  where the guest runs (auto: kvm where it works)\n"
"  -v, --verbose         debug messages on stderr\n"
"  -h, --help            this text\n"
"\n"
"Examples:\n"
"  vmtap shell --kernel 6.12\n"
"  vmtap shell --kernel arch/x86/boot/bzImage --set vm.cpus=4 my.yaml\n"
"  echo 'uname -a; cat /proc/cmdline' | vmtap shell\n"
"\n"
"Exit status: 0 left, else the guest shell's; 1 the guest died, 64 bad usage,\n"
"65 bad scenario, 69 no usable accelerator, 70 vmtap's own fault.\n";

struct shell_opts {
	struct plan_opts plan;
	enum accel accel;
};

static int take(struct shell_opts *o, int opt, const char *arg, struct diag *d)
{
	switch (opt) {
	case 'a':
		return accel_parse(arg, &o->accel, d);
	case 'v':
		log_set_level(LOG_LEVEL_DEBUG);
		return 0;
	case '?':
		return diag_fail(d, -EINVAL, NULL, "see `vmtap shell --help`");
	default:
		opt = plan_opts_take(&o->plan, opt, arg, d);
		return opt < 0 ? opt : 0;
	}
}

/* Return: -1 to go on, else the exit status. */
static int parse(struct shell_opts *o, int argc, char **argv)
{
	static const struct option longopts[] = {
		{ "kernel", required_argument, NULL, 'k' },
		{ "filter", required_argument, NULL, 'f' },
		{ "set", required_argument, NULL, PLAN_OPT_SET },
		{ "seed", required_argument, NULL, PLAN_OPT_SEED },
		{ "accel", required_argument, NULL, 'a' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct diag d = { 0 };
	int opt, err = 0;

	while (!err && (opt = getopt_long(argc, argv, "k:f:a:vh", longopts,
					  NULL)) != -1) {
		if (opt == 'h') {
			fputs(usage, stdout);
			return EXIT_ALL_OK;
		}
		err = take(o, opt, optarg, &d);
	}
	if (!err && argc - optind > 1)
		err = diag_fail(&d, -EINVAL, NULL, "one scenario at a time");
	if (!err && optind < argc)
		err = plan_opts_add_path(&o->plan, argv[optind]);
	else
		o->plan.exec = "true";
	if (!err)
		return -1;
	log_error("shell", "%s", diag_text(&d));
	diag_reset(&d);
	return EXIT_BAD_USAGE;
}

/* The program inside sees no terminal: it is told the size by these. */
static void export_size(void)
{
	u16 cols, rows;
	char text[8];

	unsetenv(SHELL_RELAYED);
	if (!isatty(STDIN_FILENO))
		return;
	setenv(SHELL_RELAYED, "1", 1);
	term_size(&cols, &rows);
	snprintf(text, sizeof(text), "%u", cols);
	setenv("COLUMNS", text, 1);
	snprintf(text, sizeof(text), "%u", rows);
	setenv("LINES", text, 1);
}

/* The same choice once more, for the program inside the host. */
static int go_nested(const struct shell_opts *o, const struct plan *plan,
		     struct diag *d)
{
	const struct scenario *s = plan->cases[0].scenario;
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
	argv[n++] = "shell";
	argv[n++] = "--accel";
	argv[n++] = "kvm";
	argv[n++] = "--seed";
	argv[n++] = seed;
	for (i = 0; i < ARRAY_SIZE(lists); i++) {
		for (j = 0; j < items[i]->n; j++) {
			if (n > ARRAY_SIZE(argv) - 8)
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
	export_size();
	return shell_nested(argv, s->vm.memory, d);
}

/* Unpacked here, outside a nested host: it is many times faster. */
static int warm(const struct scenario *s, struct diag *d)
{
	const struct scen_kernel *k = &s->kernel;
	struct kernel *kernel;
	struct kimage *image;
	int err = kernel_find(k->image ? k->image : k->release, &kernel, d);

	if (err)
		return err;
	if (term_size(&(u16){ 0 }, &(u16){ 0 }))
		log_info(NULL, "booting %s; Ctrl-A x leaves",
			 *kernel->release ? kernel->release : kernel->image);
	if (!kimage_open(kernel->image, 0, &image, NULL))
		kimage_close(image);
	kernel_put(kernel);
	return 0;
}

static int one_case(const struct plan *plan, struct diag *d)
{
	if (plan->n == 1 && !plan->cases[0].skip)
		return 0;
	if (plan->n == 1)
		return diag_fail(d, -EINVAL, NULL, "%s", plan->cases[0].skip);
	return diag_fail(d, -EINVAL, NULL,
			 "the scenario has %zu cases such as %s; choose one with --filter",
			 plan->n, plan->cases[0].name);
}

static int choose_and_go(const struct shell_opts *o, const struct plan *plan,
			 struct diag *d)
{
	struct accel_choice accel = { 0 };
	int status;

	if (one_case(plan, d))
		return EXIT_BAD_USAGE;
	if (accel_choose(o->accel, &accel, d))
		return EXIT_NO_HOST;
	status = warm(plan->cases[0].scenario, d);
	if (!status && accel.accel == ACCEL_NESTED)
		status = go_nested(o, plan, d);
	else if (!status)
		status = shell_local(plan->cases[0].scenario,
				     plan->cases[0].seed, d);
	accel_choice_reset(&accel);
	return status < 0 ? EXIT_OUR_FAULT : status;
}

int cmd_shell(int argc, char **argv)
{
	struct shell_opts o = { .accel = ACCEL_AUTO };
	struct problems problems = { 0 };
	struct plan plan = { 0 };
	struct diag d = { 0 };
	int status = parse(&o, argc, argv);

	if (status >= 0)
		goto out;
	if (plan_make(&o.plan, &problems, &plan)) {
		problems_print(&problems, stderr);
		status = EXIT_BAD_FILE;
		goto out;
	}
	problems_print(&problems, stderr);
	status = choose_and_go(&o, &plan, &d);
	if (d.msg)
		log_error("shell", "%s", diag_text(&d));
out:
	diag_reset(&d);
	plan_destroy(&plan);
	problems_reset(&problems);
	plan_opts_reset(&o.plan);
	return status;
}
