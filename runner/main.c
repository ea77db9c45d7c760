// SPDX-License-Identifier: GPL-2.0-only
/* The program: verbs, and the only place that turns statuses into an exit. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runner/debug.h"
#include "runner/doctor.h"
#include "runner/kernel.h"
#include "runner/lint.h"
#include "runner/nested.h"
#include "runner/payloads.h"
#include "runner/plan.h"
#include "runner/report.h"
#include "runner/run.h"
#include "runner/schema.h"
#include "runner/shell.h"
#include "runner/verbs.h"
#include "runner/version.h"
#include "runner/worker.h"
#include "vmm/base/util.h"

struct verb {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;	/* NULL: not for people */
};

static const struct verb verbs[] = {
	{ "run", cmd_run, "boot scenarios, print TAP" },
	{ "shell", cmd_shell, "boot a scenario's VM with a shell in it" },
	{ "debug", cmd_debug, "run one case under gdb" },
	{ "list", cmd_list, "print the names of the cases that would run" },
	{ "lint", cmd_lint, "read scenarios without booting, tell every error" },
	{ "schema", cmd_schema, "print the scenario format as JSON Schema" },
	{ "kernel", kernel_verb, "fetch, list and look into kernels" },
	{ "doctor", doctor_verb, "tell what this host can do and what it lacks" },
	{ "eval", cmd_eval, "try a check on a kept result" },
	{ "show", cmd_show, "print a kept run for a person" },
	{ "vmcore", cmd_vmcore, "tell what a kept vmcore holds" },
	{ "compare", cmd_compare, "tell what changed between two runs" },
	{ "merge", cmd_merge, "make one TAP of the shards of a run" },
	{ "nested", nested_verb, "run a command in a nested host with KVM" },
	{ "worker", cmd_worker, NULL },
};

static void usage(FILE *out)
{
	size_t i;

	fputs("usage: vmtap VERB [OPTIONS] [ARGUMENTS]\n\n"
	      "A test runner for Linux kernels: boots YAML scenarios in its own\n"
	      "KVM virtual machine monitor and reports in TAP 13.\n\nVerbs:\n",
	      out);
	for (i = 0; i < ARRAY_SIZE(verbs); i++)
		if (verbs[i].help)
			fprintf(out, "  %-8s %s\n", verbs[i].name, verbs[i].help);
	fputs("\n`vmtap VERB --help` tells more; vmtap(1) and vmtap-scenario(5)\n"
	      "tell all. Exit statuses: 0 good, 1 a test failed, 64 bad usage,\n"
	      "65 bad scenario, 69 the host lacks something, 70 vmtap's fault.\n",
	      out);
}

/*
 * A closed stdin, stdout or stderr would hand its number to the next file that
 * is opened, and our output would go there.
 */
static int fill_std_fds(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
		if (fd < 0)
			return -1;
	} while (fd <= STDERR_FILENO);
	close(fd);
	return 0;
}

/* What a verb printed has to have arrived: a full disk is no success. */
static int finish(int status)
{
	if (!fflush(stdout) && !ferror(stdout))
		return status;
	fprintf(stderr, "vmtap: stdout: %s\n", strerror(errno));
	return status ? status : EXIT_OUR_FAULT;
}

int main(int argc, char **argv)
{
	size_t i;

	if (fill_std_fds())
		return EXIT_OUR_FAULT;
	if (argc < 2) {
		usage(stderr);
		return EXIT_BAD_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") ||
	    !strcmp(argv[1], "help")) {
		usage(stdout);
		return finish(EXIT_ALL_OK);
	}
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "version")) {
		puts("vmtap " VMTAP_VERSION);
		return finish(EXIT_ALL_OK);
	}
	/* A limit on files is an error of the write, as a full disk is. */
	signal(SIGXFSZ, SIG_IGN);
	payloads_export();
	for (i = 0; i < ARRAY_SIZE(verbs); i++)
		if (!strcmp(argv[1], verbs[i].name))
			return finish(verbs[i].run(argc - 1, argv + 1));
	fprintf(stderr, "vmtap: '%s' is no verb; `vmtap --help` lists them\n",
		argv[1]);
	return EXIT_BAD_USAGE;
}
