// SPDX-License-Identifier: GPL-2.0-only
/* `vmtap debug`: which machine, and where; see debug.h. */
#include "runner/debug.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <unistd.h>

#include "runner/onecase.h"
#include "runner/report.h"
#include "vmm/base/diag.h"

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
	struct onecase one;
	u16 port;
	bool stdio;		/* in a nested host: gdb is at stdin and stdout */
};

enum { OPT_PORT = ONECASE_OPT_OWN, OPT_STDIO };

static const struct option longopts[] = {
	ONECASE_LONGOPTS,
	{ "exec", required_argument, NULL, PLAN_OPT_EXEC },
	{ "port", required_argument, NULL, OPT_PORT },
	{ "stdio", no_argument, NULL, OPT_STDIO },
	{ NULL, 0, NULL, 0 },
};

static int take_port(const char *arg, u16 *port, struct diag *d)
{
	char *end;
	unsigned long n = strtoul(arg, &end, 10);

	if (*arg < '0' || *arg > '9' || *end || n > 65535)
		return diag_fail(d, -EINVAL, NULL, "--port: '%s' is no port", arg);
	*port = (u16)n;
	return 0;
}

static int take(struct onecase *one, int opt, const char *arg, struct diag *d)
{
	struct debug_opts *o = container_of(one, struct debug_opts, one);

	if (opt == OPT_PORT)
		return take_port(arg, &o->port, d);
	o->stdio = true;
	return 0;
}

static int ready(struct onecase *o, struct diag *d)
{
	if (o->plan.paths.n || o->plan.exec)
		return 0;
	return diag_fail(d, -EINVAL, NULL,
			 "give a scenario or --exec; see `vmtap debug --help`");
}

static int nested(const struct onecase *one, const struct test_case *c,
		  const char *const *argv, struct diag *d)
{
	const struct debug_opts *o = container_of(one, struct debug_opts, one);

	return debug_nested(argv, c->scenario->vm.memory, o->port, d);
}

static int local(const struct onecase *one, const struct test_case *c,
		 struct diag *d)
{
	const struct debug_opts *o = container_of(one, struct debug_opts, one);

	return debug_local(c->scenario, c->seed, o->port,
			   o->stdio ? STDIN_FILENO : -1,
			   o->stdio ? STDOUT_FILENO : -1, d);
}

int cmd_debug(int argc, char **argv)
{
	struct debug_opts o = { .one = {
		.verb = "debug", .usage = usage, .longopts = longopts,
		.inner = "--stdio", .whole = true, .accel = ACCEL_AUTO,
		.take = take, .ready = ready, .local = local, .nested = nested,
	} };

	/* A later --set wins: the user's. */
	if (plan_opts_take(&o.one.plan, PLAN_OPT_SET, "kernel.kaslr=false",
			   NULL) < 0)
		return EXIT_OUR_FAULT;
	return onecase_main(&o.one, argc, argv);
}
