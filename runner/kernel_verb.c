// SPDX-License-Identifier: GPL-2.0-only
/* `vmtap kernel fetch|list|info|symbols`: what a person asks about kernels. */
#include <stdio.h>
#include <string.h>

#include "freeze/ksym.h"
#include "runner/fetch.h"
#include "runner/kernel.h"
#include "runner/kernel_info.h"
#include "vmm/base/diag.h"
#include "vmm/base/log.h"
#include "vmm/base/util.h"
#include "vmm/kimage.h"

#define EXIT_USAGE 64
#define EXIT_UNAVAILABLE 69

static const char usage_text[] =
"usage: vmtap kernel fetch [-n] [SPEC...]\n"
"       vmtap kernel list\n"
"       vmtap kernel info [--json] [--symbol NAME] [--type NAME] [IMAGE|RELEASE]...\n"
"       vmtap kernel symbols [IMAGE|RELEASE]\n"
"\n"
"fetch unpacks stock Debian cloud kernels with their modules below the cache\n"
"(~/.cache/vmtap/kernels), installing nothing; SPEC is 6.1, 6.12, 7.x, ...\n"
"(default: these three). list shows the kernels that `--kernel` and\n"
"`kernel: release:` can name, the one first that a run without either takes\n"
"outside of a kernel tree. info shows what is known of an image (default: of\n"
"the kernel that a run without --kernel takes): release, config, how many\n"
"symbols and types. symbols prints those that the image itself holds, as a\n"
"System.map does. Addresses are those that the kernel was linked for.\n"
"\n"
"  -n             fetch: look for newer ones than are there\n"
"      --symbol NAME  info: only this symbol; may be repeated\n"
"      --type NAME    info: only this type, with what a struct or enum holds\n"
"      --json         info: as JSON\n"
"  -h, --help     this text\n"
"\n"
"Exit status: 0, 64 bad usage, 69 there is no such kernel.\n"
"\n"
"Examples:\n"
"  vmtap kernel fetch 6.12\n"
"  vmtap kernel list\n"
"  vmtap kernel info --type task_struct 6.12\n"
"  vmtap kernel info arch/x86/boot/bzImage\n";

static int verb_fetch(int argc, char **argv)
{
	const char *args[16] = { "kernel" };
	struct diag d = {};
	int n = 1, status;

	for (int i = 1; i < argc; i++) {
		if (n == ARRAY_SIZE(args) - 1) {
			log_error("kernel", "too many kernels at once");
			return EXIT_USAGE;
		}
		args[n++] = argv[i];
	}
	status = fetch_run(args, &d);
	if (status < 0)
		log_error("kernel", "%s", diag_text(&d));
	diag_reset(&d);
	if (!status || status == EXIT_USAGE)
		return status;
	return EXIT_UNAVAILABLE;
}

static bool config_yes(const struct kernel *k, const char *name)
{
	return kernel_config(k, name, NULL) == KCONFIG_YES;
}

static int verb_list(void)
{
	struct kernel **list;
	struct diag d = {};
	size_t nr;

	if (kernel_list(&list, &nr, &d)) {
		log_error("kernel", "%s", diag_text(&d));
		diag_reset(&d);
		return EXIT_UNAVAILABLE;
	}
	for (size_t i = 0; i < nr; i++)
		printf("%-34s %-6s %s%s%s\n", list[i]->release,
		       kernel_source_name(list[i]->source), list[i]->image,
		       config_yes(list[i], "DEBUG_INFO_BTF") ? " btf" : "",
		       config_yes(list[i], "SCHED_CLASS_EXT") ?
		       " sched_ext" : "");
	if (!nr)
		log_info("kernel",
			 "none here; `vmtap kernel fetch` gets stock ones");
	kernel_list_free(list, nr);
	return 0;
}

static int verb_symbols(const char *spec)
{
	struct kernel *k = NULL;
	struct kimage *ki = NULL;
	struct ksym *sym = NULL;
	struct ksym_entry e;
	struct diag d = {};
	int err = kernel_find(spec, &k, &d);

	if (!err)
		err = kimage_open(k->image, 0, &ki, &d);
	if (!err)
		err = ksym_open(ki, &sym, &d);
	for (size_t i = 0; !err && ksym_get(sym, i, &e); i++)
		printf("%016llx %c %s\n", (unsigned long long)e.addr, e.type,
		       e.name);
	if (err)
		log_error("kernel", "%s", diag_text(&d));
	diag_reset(&d);
	ksym_close(sym);
	kimage_close(ki);
	kernel_put(k);
	return err ? EXIT_UNAVAILABLE : 0;
}

int kernel_verb(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "";

	for (int i = 1; i < argc; i++)
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) {
			fputs(usage_text, stdout);
			return 0;
		}
	if (!strcmp(verb, "fetch"))
		return verb_fetch(argc - 1, argv + 1);
	if (!strcmp(verb, "list") && argc == 2)
		return verb_list();
	if (!strcmp(verb, "info"))
		return kernel_info(argc - 1, argv + 1);
	if (!strcmp(verb, "symbols") && argc <= 3)
		return verb_symbols(argc > 2 ? argv[2] : NULL);
	fputs(usage_text, stderr);
	return EXIT_USAGE;
}
