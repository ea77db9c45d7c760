// SPDX-License-Identifier: GPL-2.0-only
/* The command line of `vmtap run`; see run_opts.h. */
#include "runner/run_opts.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runner/budget.h"
#include "vmm/base/diag.h"
#include "vmm/base/log.h"

enum {
	OPT_REQUIRE_KVM = 0x2000, OPT_JUNIT, OPT_JSON, OPT_RETRY,
	OPT_UNTIL_FAIL, OPT_FORMAT, OPT_REPLAY, OPT_KEEP_VMCORE,
	OPT_VMCORE_LIMIT, OPT_BUDGET,
};

static const char run_usage[] =
"usage: vmtap run [OPTIONS] [SCENARIO.yaml | FOLDER]...\n"
"       vmtap run [OPTIONS] --exec 'COMMAND'\n"
"       vmtap run [OPTIONS] --replay RUNDIR\n"
"\n"
"Boot each scenario's VM, check what happened, print TAP 13 on stdout.\n"
"Without a path the shipped scenarios run.\n"
"\n";

static const char run_options[] =
"\n"
"Where and how:\n"
"      --accel auto|kvm|nested  where guests run (auto: kvm where it works)\n"
"      --require-kvm      fail (69) where /dev/kvm can't run a guest\n"
"  -j, --jobs N           cases at the same time (from cores and memory)\n"
"      --budget TIME      the cases that cover most in about this time, such as\n"
"                         300s; the others are skipped (with --list:\n"
"                         not printed)\n"
"      --retry N          run a failed case up to N times more; a pass is\n"
"                         then marked flaky\n"
"      --until-fail       with --repeat: stop at the first failure\n"
"      --replay RUNDIR    the failed cases of a kept run (all where none failed)\n"
"                         with its seed and parameters; refused (65) where the\n"
"                         kernel, a scenario or a file in it has changed\n"
"\n"
"Output:\n"
"      --format tap13|ktap  ktap: as kselftest wants it, 4 where all skipped\n"
"      --junit FILE       JUnit XML besides\n"
"      --json FILE        one JSON document besides\n"
"  -o, --out DIR          keep results here (a folder below\n"
"                         $XDG_STATE_HOME/vmtap)\n"
"      --keep-vmcore failed|always|never  of which cases the guest's memory is\n"
"                         kept as an ELF core (failed: panics, hangs)\n"
"      --vmcore-limit SIZE  no larger ones (2G)\n"
"  -q, --quiet            no progress, no closing line\n"
"  -v, --verbose          debug messages on stderr\n"
"  -h, --help             this text\n"
"\n"
"Examples:\n"
"  vmtap run --kernel 6.12 scenarios/boot\n"
"  vmtap run --kernel arch/x86/boot/bzImage my.yaml\n"
"  vmtap run --exec 'uname -r; ls /proc' --kernel 6.1\n"
"  vmtap run --replay ~/.local/state/vmtap/runs/latest\n"
"  prove -e 'vmtap run' scenarios/boot/*.yaml\n"
"\n"
"Exit status: 0 all passed or skipped, 1 a failure, 4 all skipped with\n"
"--format ktap, 64 bad usage, 65 bad scenario, 69 no usable accelerator,\n"
"70 vmtap's own fault, 128+n ended by signal n.\n";

static int parse_count(const char *text, unsigned int *out)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (!*text || *end || n > 100000)
		return -EINVAL;
	*out = (unsigned int)n;
	return 0;
}

static int take_option(struct run_opts *o, int opt, const char *arg,
		       struct diag *d)
{
	int rc;

	switch (opt) {
	case 'a':
		return accel_parse(arg, &o->accel, d);
	case OPT_REQUIRE_KVM:
		o->require_kvm = true;
		return 0;
	case 'j':
		rc = parse_count(arg, &o->jobs);
		return rc ? diag_fail(d, rc, NULL, "--jobs: '%s' is no count", arg) : 0;
	case OPT_RETRY:
		rc = parse_count(arg, &o->retry);
		return rc ? diag_fail(d, rc, NULL, "--retry: '%s' is no count", arg) : 0;
	case OPT_BUDGET:
		return budget_parse(arg, &o->budget_ms, d);
	case OPT_UNTIL_FAIL:
		o->until_fail = true;
		return 0;
	case OPT_REPLAY:
		o->replay = arg;
		return 0;
	case OPT_FORMAT:
		if (!strcmp(arg, "ktap"))
			o->format = TAP_KTAP;
		else if (strcmp(arg, "tap13"))
			return diag_fail(d, -EINVAL, NULL,
					 "--format: '%s' is neither tap13 nor ktap",
					 arg);
		return 0;
	case OPT_KEEP_VMCORE:
		return dump_keep_parse(arg, &o->dump.keep, d);
	case OPT_VMCORE_LIMIT:
		return dump_limit_parse(arg, &o->dump.limit, d);
	case OPT_JUNIT:
		o->junit = arg;
		return 0;
	case OPT_JSON:
		o->json = arg;
		return 0;
	case 'o':
		o->out = arg;
		return 0;
	case 'q':
		o->quiet = true;
		return 0;
	case 'v':
		log_set_level(LOG_LEVEL_DEBUG);
		return 0;
	case '?':
		return diag_fail(d, -EINVAL, NULL, "see `vmtap run --help`");
	default:
		rc = plan_opts_take(&o->plan, opt, arg, d);
		return rc < 0 ? rc : 0;
	}
}

int run_opts_parse(struct run_opts *o, int argc, char **argv)
{
	static const struct option longopts[] = {
		PLAN_LONGOPTS,
		{ "accel", required_argument, NULL, 'a' },
		{ "require-kvm", no_argument, NULL, OPT_REQUIRE_KVM },
		{ "jobs", required_argument, NULL, 'j' },
		{ "budget", required_argument, NULL, OPT_BUDGET },
		{ "retry", required_argument, NULL, OPT_RETRY },
		{ "until-fail", no_argument, NULL, OPT_UNTIL_FAIL },
		{ "replay", required_argument, NULL, OPT_REPLAY },
		{ "format", required_argument, NULL, OPT_FORMAT },
		{ "keep-vmcore", required_argument, NULL, OPT_KEEP_VMCORE },
		{ "vmcore-limit", required_argument, NULL, OPT_VMCORE_LIMIT },
		{ "junit", required_argument, NULL, OPT_JUNIT },
		{ "json", required_argument, NULL, OPT_JSON },
		{ "out", required_argument, NULL, 'o' },
		{ "quiet", no_argument, NULL, 'q' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct diag d = { 0 };
	int opt, err = 0;

	*o = (struct run_opts){ .accel = ACCEL_AUTO };
	while (!err && (opt = getopt_long(argc, argv,
					  PLAN_SHORTOPTS "a:j:o:qvh",
					  longopts, NULL)) != -1) {
		if (opt == 'h') {
			printf("%s%s%s", run_usage, plan_opts_help(),
			       run_options);
			return EXIT_ALL_OK;
		}
		err = take_option(o, opt, optarg, &d);
	}
	for (; optind < argc && !err; optind++)
		err = plan_opts_add_path(&o->plan, argv[optind]);
	if (!err)
		return -1;
	log_error("run", "%s", diag_text(&d));
	diag_reset(&d);
	return EXIT_BAD_USAGE;
}

void run_opts_reset(struct run_opts *o)
{
	plan_opts_reset(&o->plan);
}
