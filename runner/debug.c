// SPDX-License-Identifier: GPL-2.0-only
/* `vmtap debug`: which machine, and where; see debug.h. */
#include "runner/debug.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <unistd.h>

#include "runner/accel.h"
#include "runner/kernel.h"
#include "runner/plan.h"
#include "runner/problem.h"
#include "runner/report.h"
#include "vmm/base/diag.h"
#include "vmm/base/log.h"
#include "vmm/kimage.h"

static const char usage[] =
"usage: vmtap debug [OPTIONS] [SCENARIO.yaml]\n"
"\n"
"Run one case under gdb: the VM waits, before its first instruction, for a gdb\n"
"on loopback. Its threads are the CPUs. Breakpoints and watchpoints take one of\n"
"four debug registers each; the guest's code is not changed. KASLR is off, so\n"
"that a vmlinux fits as it is. gdb's `detach` lets the guest go on to its end,\n"
"`kill` or a lost connection ends it. There is no timeout.\n"
"\n"
"  -k, --kernel K        an image (with a '/') or a release\n"
"  -f, --filter GLOB     which case, of a scenario that has several\n"
"      --set KEY=VALUE   over the scenario; kernel.kaslr=true as in the run\n"
"      --seed N          as of the run whose machine is wanted\n"
"      --exec COMMAND    one command for the guest's shell, without a file\n"
"      --port N          to listen on (a free one, which is told)\n"
"      --accel auto|kvm|nested  where the guest runs (auto: kvm where it works)\n"
"  -v, --verbose         debug messages on stderr\n"
"  -h, --help            this text\n"
"\n"
"Example:\n"
"  vmtap debug --kernel arch/x86/boot/bzImage --port 1234 my.yaml &\n"
"  gdb vmlinux -ex 'target remote :1234' -ex 'hbreak panic' -ex continue\n"
"\n"
"Exit status: 0, 64 bad usage, 65 bad scenario, 69 no usable accelerator,\n"
"70 vmtap's own fault.\n";

struct debug_opts {
	struct plan_opts plan;
	enum accel accel;
	u16 port;
	bool stdio;		/* in a nested host: gdb is at stdin and stdout */
};

enum { OPT_PORT = 0x2000, OPT_STDIO };

static int take_port(const char *arg, u16 *port, struct diag *d)
{
	char *end;
	unsigned long n = strtoul(arg, &end, 10);

	if (*arg < '0' || *arg > '9' || *end || n > 65535)
		return diag_fail(d, -EINVAL, NULL, "--port: '%s' is no port", arg);
	*port = (u16)n;
	return 0;
}

static int take(struct debug_opts *o, int opt, const char *arg, struct diag *d)
{
	switch (opt) {
	case 'a':
		return accel_parse(arg, &o->accel, d);
	case OPT_PORT:
		return take_port(arg, &o->port, d);
	case OPT_STDIO:
		o->stdio = true;
		return 0;
	case 'v':
		log_set_level(LOG_LEVEL_DEBUG);
		return 0;
	case '?':
		return diag_fail(d, -EINVAL, NULL, "see `vmtap debug --help`");
	default:
		opt = plan_opts_take(&o->plan, opt, arg, d);
		return opt < 0 ? opt : 0;
	}
}

/* Return: -1 to go on, else the exit status. A later --set wins: the user's. */
static int parse(struct debug_opts *o, int argc, char **argv)
{
	static const struct option longopts[] = {
		{ "kernel", required_argument, NULL, 'k' },
		{ "filter", required_argument, NULL, 'f' },
		{ "set", required_argument, NULL, PLAN_OPT_SET },
		{ "seed", required_argument, NULL, PLAN_OPT_SEED },
		{ "exec", required_argument, NULL, PLAN_OPT_EXEC },
		{ "port", required_argument, NULL, OPT_PORT },
		{ "stdio", no_argument, NULL, OPT_STDIO },
		{ "accel", required_argument, NULL, 'a' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct diag d = { 0 };
	int opt, err = 0;

	if (plan_opts_take(&o->plan, PLAN_OPT_SET, "kernel.kaslr=false", &d) < 0)
		err = -ENOMEM;
	while (!err && (opt = getopt_long(argc, argv, "k:f:a:vh", longopts,
					  NULL)) != -1) {
		if (opt == 'h') {
			fputs(usage, stdout);
			return EXIT_ALL_OK;
		}
		err = take(o, opt, optarg, &d);
	}
	for (; !err && optind < argc; optind++)
		err = plan_opts_add_path(&o->plan, argv[optind]);
	if (!err && !o->plan.paths.n && !o->plan.exec)
		err = diag_fail(&d, -EINVAL, NULL,
				"give a scenario or --exec; see `vmtap debug --help`");
	if (!err)
		return -1;
	log_error("debug", "%s", diag_text(&d));
	diag_reset(&d);
	return EXIT_BAD_USAGE;
}

/* The same choice once more, for the program inside the host. */
static int go_nested(const struct debug_opts *o, const struct plan *plan,
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
	argv[n++] = "debug";
	argv[n++] = "--stdio";
	argv[n++] = "--accel";
	argv[n++] = "kvm";
	argv[n++] = "--seed";
	argv[n++] = seed;
	if (p->exec) {
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
	return debug_nested(argv, plan->cases[0].scenario->vm.memory, o->port, d);
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
	if (!kimage_open(kernel->image, 0, &image, NULL))
		kimage_close(image);
	kernel_put(kernel);
	return 0;
}

static int one_case(const struct plan *plan, struct diag *d)
{
	const char *missing = plan->cases[0].scenario->missing_engine;

	if (plan->n == 1 && !plan->cases[0].skip && !missing)
		return 0;
	if (plan->n == 1)
		return diag_fail(d, -EINVAL, NULL, "%s",
				 missing ? missing : plan->cases[0].skip);
	return diag_fail(d, -EINVAL, NULL,
			 "there are %zu cases such as %s; choose one with --filter",
			 plan->n, plan->cases[0].name);
}

static int choose_and_go(const struct debug_opts *o, const struct plan *plan,
			 struct diag *d)
{
	const struct test_case *c = &plan->cases[0];
	struct accel_choice accel = { 0 };
	int fd = o->stdio ? STDIN_FILENO : -1;
	int status;

	if (one_case(plan, d))
		return EXIT_BAD_USAGE;
	if (accel_choose(o->accel, &accel, d))
		return EXIT_NO_HOST;
	status = warm(c->scenario, d);
	if (!status && accel.accel == ACCEL_NESTED)
		status = go_nested(o, plan, d);
	else if (!status)
		status = debug_local(c->scenario, c->seed, o->port, fd,
				     fd < 0 ? -1 : STDOUT_FILENO, d);
	accel_choice_reset(&accel);
	return status < 0 ? EXIT_OUR_FAULT : status;
}

int cmd_debug(int argc, char **argv)
{
	struct debug_opts o = { .accel = ACCEL_AUTO };
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
		log_error("debug", "%s", diag_text(&d));
out:
	diag_reset(&d);
	plan_destroy(&plan);
	problems_reset(&problems);
	plan_opts_reset(&o.plan);
	return status;
}
