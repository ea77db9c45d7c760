// SPDX-License-Identifier: GPL-2.0-only
/* What this host can do; see doctor.h. */
#include "runner/doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "runner/initramfs.h"
#include "runner/kernel.h"
#include "runner/nested_host.h"
#include "runner/report.h"
#include "vmm/base/buf.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/diag.h"
#include "vmm/base/io.h"
#include "vmm/base/util.h"
#include "vmm/kvm.h"
#include "vmm/probe.h"

/* Two or three kernels with their modules, and what is unpacked of them. */
#define CACHE_WANTED GiB(2)
/* A guest of the default size in a nested host. */
#define MEMORY_WANTED GiB(1)

static __printf(1, 2) char *text(const char *fmt, ...)
{
	va_list ap;
	char *s;

	va_start(ap, fmt);
	if (vasprintf(&s, fmt, ap) < 0)
		s = NULL;
	va_end(ap);
	return s;
}

/* Takes @found and @remedy over; the latter NULL: nothing to do. */
static int add(struct doctor *doc, enum doctor_state state, const char *what,
	       char *found, char *remedy)
{
	struct doctor_line *line =
		realloc(doc->line, (doc->nr + 1) * sizeof(*line));

	if (line)
		doc->line = line;
	if (!line || !found) {
		free(found);
		free(remedy);
		return -ENOMEM;
	}
	line[doc->nr++] = (struct doctor_line){ state, what, found, remedy };
	return 0;
}

/* --- KVM ---------------------------------------------------------------- */

static char *device_remedy(int err)
{
	switch (err) {
	case -ENOENT:
	case -ENODEV:
	case -ENXIO:
		return text("load kvm_intel or kvm_amd; enable virtualization in the firmware, or nesting in the VM's host");
	case -EACCES:
	case -EPERM:
		return text("add yourself to the group kvm: usermod -aG kvm $USER, then log in again");
	case -EPROTO:
	case -EOPNOTSUPP:
		return text("use Linux 5.10 or newer on this host");
	default:
		return NULL;
	}
}

static int look_at_device(struct doctor *doc, bool *opens)
{
	struct kvm kvm = { .fd = -1, .vm = -1 };
	struct diag d = { 0 };
	int err = kvm_open(&kvm, NULL, &d), rc;

	*opens = !err;
	if (err) {
		rc = add(doc, DOCTOR_NOTE, "/dev/kvm", text("%s", diag_text(&d)),
			 device_remedy(err));
	} else {
		rc = add(doc, DOCTOR_OK, "/dev/kvm",
			 text("opens, API version %d, up to %u vCPUs",
			      KVM_API_VERSION, kvm.max_vcpus), NULL);
		if (!rc && kvm.stats)
			rc = add(doc, DOCTOR_OK, "KVM statistics",
				 text("readable"), NULL);
		else if (!rc)
			rc = add(doc, DOCTOR_NOTE, "KVM statistics",
				 text("none: kvm.* counters of KVM's own are null"),
				 text("use Linux 5.14 or newer on this host"));
	}
	kvm_close(&kvm);
	diag_reset(&d);
	return rc;
}

static int look_at_probe(struct doctor *doc, bool *usable)
{
	static const char what[] = "a probe guest";
	struct diag d = { 0 };
	struct probe p;
	int err = probe_run(NULL, &p, &d), rc;

	*usable = !err && p.usable;
	if (*usable) {
		rc = add(doc, DOCTOR_OK, what,
			 text("runs as on hardware, in %llu ms",
			      (unsigned long long)(p.took_ns / NSEC_PER_MSEC)),
			 NULL);
		if (!rc && p.watchpoints_fire)
			rc = add(doc, DOCTOR_OK, "watchpoints",
				 text("fire on a data write"), NULL);
		else if (!rc)
			rc = add(doc, DOCTOR_NOTE, "watchpoints",
				 text("do not fire: watched pages are write-protected"),
				 NULL);
	} else {
		rc = add(doc, DOCTOR_NOTE, what,
			 text("does not run: %s", err ? diag_text(&d) : p.reason),
			 text("use a host with hardware virtualization, or --accel nested"));
	}
	diag_reset(&d);
	return rc;
}

static int look_at_nested(struct doctor *doc, bool kvm, bool *usable)
{
	static const char what[] = "a nested host";
	struct nested_host h;
	struct diag d = { 0 };
	int err = nested_host_find(&h, &d), rc;

	*usable = !err;
	if (!err)
		rc = add(doc, DOCTOR_OK, what,
			 text("can run %s, by %s", h.release, h.qemu), NULL);
	else
		rc = add(doc, kvm ? DOCTOR_NOTE : DOCTOR_MISSING, what,
			 text("%s", diag_text(&d)), text("vmtap nested --fetch"));
	if (!err)
		nested_host_reset(&h);
	diag_reset(&d);
	return rc;
}

/* A machine's memory is what bounds how many guests run at once. */
static int look_at_machine(struct doctor *doc)
{
	static const char what[] = "this machine";
	struct buf info __free(buf_reset) = { 0 };
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	const char *at = NULL;
	unsigned long long kib;

	if (!io_read_file("/proc/meminfo", MiB(1), &info, NULL))
		at = strstr(buf_str(&info), "MemAvailable:");
	if (!at || sscanf(at, "MemAvailable: %llu kB", &kib) != 1)
		return add(doc, DOCTOR_NOTE, what, text("%ld CPUs", cpus), NULL);
	if (KiB(kib) < MEMORY_WANTED)
		return add(doc, DOCTOR_NOTE, what,
			   text("%ld CPUs, only %llu MiB of memory available",
				cpus, kib >> 10),
			   text("give scenarios less (vm.memory), or run one at a time (-j 1)"));
	return add(doc, DOCTOR_OK, what,
		   text("%ld CPUs, %llu MiB of memory available", cpus,
			kib >> 10), NULL);
}

/* --- what goes into a guest --------------------------------------------- */

/* Said only of kernels whose config is known. */
static const char *without(const struct kernel *k, const char *symbol,
			   const char *words)
{
	return kernel_config(k, symbol, NULL) == KCONFIG_NO ? words : "";
}

static int look_at_kernels(struct doctor *doc)
{
	static const char what[] = "kernels";
	struct buf names = { 0 };
	struct kernel **list = NULL;
	struct diag d = { 0 };
	size_t nr = 0, i;
	int err = kernel_list(&list, &nr, &d), rc;

	for (i = 0; i < nr && !err; i++)
		buf_printf(&names, "%s%s%s%s", i ? ", " : "", list[i]->release,
			   without(list[i], "DEBUG_INFO_BTF", " (no BTF)"),
			   without(list[i], "SCHED_CLASS_EXT", " (no sched_ext)"));
	if (nr && !err)
		rc = add(doc, DOCTOR_OK, what, text("%s", buf_str(&names)), NULL);
	else
		rc = add(doc, DOCTOR_MISSING, what,
			 text("%s", err ? diag_text(&d) :
			      "neither in the cache nor below /boot"),
			 text("vmtap kernel fetch, or name an image with --kernel"));
	kernel_list_free(list, nr);
	buf_reset(&names);
	diag_reset(&d);
	return rc;
}

/* The cache itself, or the nearest folder above that is there. */
static int free_space(const char *dir, u64 *bytes)
{
	char *path __free(cleanup_free) = strdup(dir);
	struct statvfs fs;
	char *slash;

	while (path && *path && statvfs(path, &fs)) {
		slash = strrchr(path, '/');
		if (!slash || errno != ENOENT)
			return -1;
		slash[slash == path] = '\0';
	}
	if (!path || !*path)
		return -1;
	*bytes = (u64)fs.f_bavail * fs.f_frsize;
	return 0;
}

static int look_at_cache(struct doctor *doc)
{
	static const char what[] = "cache folder";
	char *dir __free(cleanup_free) = kernel_cache_dir(NULL);
	u64 room;

	if (!dir)
		return add(doc, DOCTOR_NOTE, what, text("none"),
			   text("set HOME or XDG_CACHE_HOME"));
	if (free_space(dir, &room))
		return add(doc, DOCTOR_NOTE, what,
			   text("%s: %s", dir, strerror(errno)), NULL);
	if (!access(dir, F_OK) && access(dir, W_OK))
		return add(doc, DOCTOR_NOTE, what,
			   text("%s cannot be written: %s", dir, strerror(errno)),
			   text("chown it, or set XDG_CACHE_HOME"));
	if (room < CACHE_WANTED)
		return add(doc, DOCTOR_NOTE, what,
			   text("%s has only %llu MiB left", dir,
				(unsigned long long)(room / MiB(1))),
			   text("make room, or set XDG_CACHE_HOME"));
	return add(doc, DOCTOR_OK, what,
		   text("%s, %llu GiB free", dir,
			(unsigned long long)(room / GiB(1))), NULL);
}

static int look_at_busybox(struct doctor *doc, bool *there)
{
	static const char what[] = "static busybox";
	struct initramfs *fs = NULL;
	struct diag d = { 0 };
	int err = initramfs_create(&fs, &d), rc;

	if (!err)
		err = initramfs_add_busybox(fs, NULL, &d);
	*there = !err;
	if (!err)
		rc = add(doc, DOCTOR_OK, what, text("found on PATH"), NULL);
	else
		rc = add(doc, DOCTOR_MISSING, what, text("%s", diag_text(&d)),
			 text("apt-get install busybox-static"));
	initramfs_destroy(fs);
	diag_reset(&d);
	return rc;
}

/* --- all of it ---------------------------------------------------------- */

int doctor_examine(struct doctor *doc)
{
	bool opens = false, kvm = false, nested = false, busybox = false;
	int rc;

	*doc = (struct doctor){ 0 };
	rc = look_at_machine(doc);
	if (!rc)
		rc = look_at_device(doc, &opens);
	if (!rc && opens)
		rc = look_at_probe(doc, &kvm);
	if (!rc)
		rc = look_at_nested(doc, kvm, &nested);
	if (!rc)
		rc = look_at_kernels(doc);
	if (!rc)
		rc = look_at_cache(doc);
	if (!rc)
		rc = look_at_busybox(doc, &busybox);
	doc->usable = !rc && (kvm || nested) && busybox;
	return rc;
}

void doctor_reset(struct doctor *doc)
{
	size_t i;

	for (i = 0; i < doc->nr; i++) {
		free(doc->line[i].found);
		free(doc->line[i].remedy);
	}
	free(doc->line);
	*doc = (struct doctor){ 0 };
}

void doctor_print(const struct doctor *doc, struct buf *out)
{
	static const char *const marks[] = {
		[DOCTOR_OK] = "ok", [DOCTOR_NOTE] = "note",
		[DOCTOR_MISSING] = "missing",
	};
	size_t i;

	for (i = 0; i < doc->nr; i++) {
		const struct doctor_line *l = &doc->line[i];

		buf_printf(out, "%-7s  %s: %s\n", marks[l->state], l->what,
			   l->found);
		if (l->remedy)
			buf_printf(out, "         -> %s\n", l->remedy);
	}
	buf_puts(out, doc->usable ? "Scenarios can run here.\n" :
		 "No scenario can run here.\n");
}

static const char usage[] =
"usage: vmtap doctor\n"
"\n"
"Tell what this host can do, why not more, and what to install or enable:\n"
"/dev/kvm and whether it runs a kernel's code, statistics, watchpoints, nested\n"
"hosts, kernels, the cache, busybox. Boots nothing but a probe guest of some\n"
"milliseconds.\n"
"\n"
"Examples:\n"
"  vmtap doctor\n"
"  vmtap doctor && vmtap run\n"
"\n"
"Exit status: 0 scenarios can run here, 64 bad usage, 69 they cannot.\n";

int doctor_verb(int argc, char **argv)
{
	struct doctor doc;
	struct buf out = { 0 };
	int err, usable;

	if (argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
		fputs(usage, stdout);
		return EXIT_ALL_OK;
	}
	if (argc > 1) {
		fputs(usage, stderr);
		return EXIT_BAD_USAGE;
	}
	err = doctor_examine(&doc);
	usable = doc.usable;
	if (!err)
		doctor_print(&doc, &out);
	if (!err && !out.failed)
		fputs(buf_str(&out), stdout);
	else
		err = -ENOMEM;
	doctor_reset(&doc);
	buf_reset(&out);
	if (err) {
		fputs("vmtap doctor: no memory\n", stderr);
		return EXIT_OUR_FAULT;
	}
	return usable ? EXIT_ALL_OK : EXIT_NO_HOST;
}
