// SPDX-License-Identifier: GPL-2.0-only
/* `vmtap shell`: which machine, and where; see shell.h. */
#include "runner/shell.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "runner/onecase.h"
#include "runner/term.h"
#include "vmm/base/diag.h"

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

static const struct option longopts[] = {
	ONECASE_LONGOPTS,
	{ NULL, 0, NULL, 0 },
};

static int ready(struct onecase *o, struct diag *d)
{
	if (o->plan.paths.n > 1)
		return diag_fail(d, -EINVAL, NULL, "one scenario at a time");
	if (!o->plan.paths.n)
		o->plan.exec = "true";
	return 0;
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

static int nested(const struct onecase *o __maybe_unused,
		  const struct test_case *c,
		  const char *const *argv, struct diag *d)
{
	export_size();
	return shell_nested(argv, c->scenario->vm.memory, d);
}

static int local(const struct onecase *o __maybe_unused,
		 const struct test_case *c,
		 struct diag *d)
{
	return shell_local(c->scenario, c->seed, d);
}

int cmd_shell(int argc, char **argv)
{
	struct onecase o = {
		.verb = "shell", .usage = usage, .longopts = longopts,
		.hint = "Ctrl-A x leaves", .accel = ACCEL_AUTO,
		.ready = ready, .local = local, .nested = nested,
	};

	return onecase_main(&o, argc, argv);
}
