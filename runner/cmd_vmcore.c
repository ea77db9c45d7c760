// SPDX-License-Identifier: GPL-2.0-only
/* `vmtap vmcore`: what a kept core holds, by our own reader. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "freeze/dmesg.h"
#include "freeze/tasks.h"
#include "freeze/vmcore.h"
#include "runner/kernel.h"
#include "runner/report.h"
#include "runner/text.h"
#include "runner/verbs.h"
#include "vmm/base/buf.h"
#include "vmm/base/diag.h"
#include "vmm/base/log.h"
#include "vmm/kimage.h"

static const char help[] =
"usage: vmtap vmcore [OPTION]... CORE\n"
"\n"
"Tell what a vmcore holds: the kernel, what each CPU ran, its log.\n"
"\n"
"  -k, --kernel K  the kernel that it is of (default: by its release)\n"
"      --log       the kernel's log, whole\n"
"      --tasks     all threads\n"
"  -h, --help      this text\n"
"\n"
"With the kernel's debug information (VMLINUX: of its tree, or of a\n"
"distribution's debug package) others tell more. SLIDE is what this prints as\n"
"kaslr; crash is to be 8.0.6 or newer; in gdb each CPU is a thread.\n"
"\n"
"Exit status: 0, 64 usage, 65 the core cannot be read.\n"
"\n"
"Examples:\n"
"  vmtap vmcore RUNDIR/verdict.panic/vmcore\n"
"  vmtap vmcore --log RUNDIR/verdict.panic/vmcore\n"
"  crash --kaslr=SLIDE VMLINUX vmcore\n"
"  drgn -c vmcore -s VMLINUX\n"
"  gdb -c vmcore -ex 'symbol-file VMLINUX -o SLIDE'\n";

struct options {
	const char *kernel;
	bool log, tasks;
};

/* A core with what its kernel's image tells of it. */
struct opened {
	struct vmcore core;
	struct kimage *image;
	struct ksym *sym;
	struct ktype *types;
	struct kread k;
};

static void opened_reset(struct opened *o)
{
	ktype_close(o->types);
	ksym_close(o->sym);
	kimage_close(o->image);
	vmcore_close(&o->core);
}

static int open_image(struct opened *o, const char *spec, struct diag *d)
{
	struct kernel *kernel;
	int err = kernel_find(spec, &kernel, d);

	if (err)
		return err;
	err = kimage_open(kernel->image, 0, &o->image, d);
	kernel_put(kernel);
	if (!err)
		err = ksym_open(o->image, &o->sym, d);
	if (!err)
		err = ktype_open(o->image, &o->types, d);
	return err;
}

/* The kernel's own page tables, by VMCOREINFO alone. */
static int find_tables(const struct vmcoreinfo *info, u64 *root, u64 *slide,
		       bool *la57, struct diag *d)
{
	s64 phys_base, levels = 0;
	u64 pgd;

	if (!vmcoreinfo_symbol(info, "swapper_pg_dir", &pgd) ||
	    !vmcoreinfo_number(info, "phys_base", &phys_base) ||
	    !vmcoreinfo_kernel_offset(info, slide))
		return diag_fail(d, -EINVAL, NULL,
				 "its VMCOREINFO names no page tables");
	*root = pgd - KIMAGE_START_KERNEL_MAP + (u64)phys_base;
	*la57 = vmcoreinfo_number(info, "pgtable_l5_enabled", &levels) && levels;
	return 0;
}

static int open_kernel(struct opened *o, const struct options *opt,
		       const char *release, struct diag *d)
{
	const struct vmcoreinfo *info = &o->core.info;
	u64 root = 0, slide = 0;
	bool la57 = false;
	int err = find_tables(info, &root, &slide, &la57, d);

	if (!err)
		err = open_image(o, opt->kernel ? opt->kernel : release, d);
	if (!err && strcmp(kimage_release(o->image), release))
		err = diag_fail(d, -EINVAL, NULL, "the core is of %s, not of %s",
				release, kimage_release(o->image));
	if (!err)
		err = kread_init(&o->k, &o->core.mem, root, la57, o->sym,
				 o->types, slide, d);
	return err;
}

/* --- printing ----------------------------------------------------------- */

static void put_text(const char *text, struct buf *out)
{
	text_visible(text, strlen(text), out);
}

/* A kernel's per-CPU symbols are small numbers, as a program's addresses are. */
static void put_place(const struct opened *o, const struct machine_regs *r,
		      struct buf *out)
{
	u64 offset;
	const char *name = NULL;

	if (o->sym && !r->cpl && r->rip >= o->k.slide)
		name = ksym_at(o->sym, r->rip - o->k.slide, &offset);
	if (name)
		buf_printf(out, "%s+0x%llx", name, (unsigned long long)offset);
	else
		buf_printf(out, "0x%llx", (unsigned long long)r->rip);
}

static void put_task(const struct task *t, struct buf *out)
{
	buf_printf(out, "pid %d ", t->pid);
	put_text(t->comm, out);
}

static void put_cpus(const struct opened *o, struct buf *out)
{
	struct task task;
	gva_t at;
	u32 i;

	for (i = 0; i < o->core.nr_cpus; i++) {
		const struct machine_regs *r = &o->core.regs[i];

		buf_printf(out, "cpu %u: ", i);
		if (o->sym && !tasks_current(&o->k, i, &at) &&
		    !task_read(&o->k, at, &task))
			put_task(&task, out);
		else
			buf_puts(out, "task unknown");
		buf_puts(out, r->cpl ? ", user mode at " : ", at ");
		put_place(o, r, out);
		buf_putc(out, '\n');
	}
}

static void put_tasks(const struct opened *o, struct buf *out)
{
	struct diag d = { 0 };
	struct tasks t = { 0 };
	size_t i;

	if (tasks_read(&o->k, &t, &d)) {
		buf_printf(out, "tasks: %s\n", diag_text(&d));
		diag_reset(&d);
		return;
	}
	for (i = 0; i < t.nr; i++) {
		buf_printf(out, "task: %c%s ", task_state_char(&t.tasks[i]),
			   t.tasks[i].on_cpu ? "*" : " ");
		put_task(&t.tasks[i], out);
		buf_putc(out, '\n');
	}
	tasks_reset(&t);
}

static void put_log(const struct opened *o, struct buf *out)
{
	struct dmesg log = { 0 };
	struct diag d = { 0 };

	if (dmesg_read_vmcoreinfo(&o->k.vas, &o->core.info, &log, &d) ||
	    dmesg_print(&log, out))
		buf_printf(out, "log: %s\n", diag_text(&d));
	diag_reset(&d);
	dmesg_reset(&log);
}

static void put_head(const struct opened *o, const char *release,
		     struct buf *out)
{
	u64 slide;

	if (*release) {
		buf_puts(out, "release: ");
		put_text(release, out);
		buf_putc(out, '\n');
	}
	if (o->core.has_info && vmcoreinfo_kernel_offset(&o->core.info, &slide))
		buf_printf(out, "kaslr: 0x%llx\n", (unsigned long long)slide);
	buf_printf(out, "memory: %llu KiB\n",
		   (unsigned long long)(o->core.mem.size >> 10));
}

static void print(struct opened *o, const struct options *opt)
{
	char release[256] = "";
	struct buf out = { 0 };
	struct diag d = { 0 };
	int err;

	if (o->core.has_info)
		vmcoreinfo_get(&o->core.info, "OSRELEASE", release, sizeof(release));
	put_head(o, release, &out);
	err = o->core.has_info ? open_kernel(o, opt, release, &d) :
	      diag_fail(&d, -ENOENT, NULL, "no VMCOREINFO in it");
	if (err) {
		log_warn("vmcore", "registers alone: %s", diag_text(&d));
		ksym_close(o->sym);
		o->sym = NULL;
	}
	put_cpus(o, &out);
	if (!err && opt->tasks)
		put_tasks(o, &out);
	if (!err && opt->log)
		put_log(o, &out);
	fputs(buf_str(&out), stdout);
	buf_reset(&out);
	diag_reset(&d);
}

int cmd_vmcore(int argc, char **argv)
{
	static const struct option opts[] = {
		{ "kernel", required_argument, NULL, 'k' },
		{ "log", no_argument, NULL, 'l' },
		{ "tasks", no_argument, NULL, 't' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct opened o = { .core.mem.fd = -1 };
	struct options opt = { 0 };
	struct diag d = { 0 };
	int c;

	while ((c = getopt_long(argc, argv, "k:h", opts, NULL)) != -1) {
		if (c == 'k')
			opt.kernel = optarg;
		else if (c == 'l')
			opt.log = true;
		else if (c == 't')
			opt.tasks = true;
		else if (c == 'h')
			return fputs(help, stdout) < 0 ? EXIT_OUR_FAULT :
			       EXIT_ALL_OK;
		else
			return EXIT_BAD_USAGE;
	}
	if (argc - optind != 1) {
		log_error("vmcore", "give one CORE; see vmtap vmcore --help");
		return EXIT_BAD_USAGE;
	}
	if (vmcore_open(argv[optind], &o.core, &d)) {
		log_error("vmcore", "%s", diag_text(&d));
		diag_reset(&d);
		return EXIT_BAD_FILE;
	}
	print(&o, &opt);
	opened_reset(&o);
	return EXIT_ALL_OK;
}
