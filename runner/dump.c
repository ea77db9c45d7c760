// SPDX-License-Identifier: GPL-2.0-only
/* A case's vmcore; see dump.h. */
#include "runner/dump.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "freeze/vmcore.h"
#include "runner/inside.h"
#include "runner/kernel.h"
#include "runner/text.h"
#include "runner/value.h"
#include "vmm/base/buf.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/diag.h"
#include "vmm/base/log.h"
#include "vmm/kimage.h"
#include "vmm/machine.h"

/* Room that is left for others on the disk. */
#define SPARE MiB(64)

static const char *const keep_names[] = {
	[DUMP_FAILED] = "failed", [DUMP_ALWAYS] = "always",
	[DUMP_NEVER] = "never",
};

const char *dump_keep_name(enum dump_keep keep)
{
	return keep_names[keep];
}

int dump_keep_parse(const char *text, enum dump_keep *out, struct diag *d)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(keep_names); i++)
		if (!strcmp(text, keep_names[i])) {
			*out = (enum dump_keep)i;
			return 0;
		}
	return diag_fail(d, -EINVAL, NULL,
			 "--keep-vmcore: '%s' is none of failed, always, never",
			 text);
}

int dump_limit_parse(const char *text, u64 *out, struct diag *d)
{
	static const char units[] = "KMGT";
	unsigned long long n;
	const char *unit;
	char *end;

	errno = 0;
	n = strtoull(text, &end, 10);
	unit = *end ? strchr(units, *end) : NULL;
	if (errno || *text < '0' || *text > '9' || !n ||
	    (*end && (!unit || end[1])) ||
	    check_mul(n, unit ? 1ULL << 10 * (unit - units + 1) : 1, &n))
		return diag_fail(d, -EINVAL, NULL,
				 "--vmcore-limit: '%s' is no size such as 512M",
				 text);
	*out = n;
	return 0;
}

/* --- what goes into it -------------------------------------------------- */

struct parts {
	struct vmcore_from from;
	struct machine_regs *regs;
	struct vmcore_map *maps;
	struct vmcoreinfo info;
	struct kread k;
	bool inside;		/* the kernel was found in memory: k */
};

static int take_regs(struct parts *p, struct machine *m, struct diag *d)
{
	u32 n = machine_nr_cpus(m), i;
	int err = 0;

	p->regs = calloc(n, sizeof(*p->regs));
	p->maps = calloc((size_t)n * VMCORE_STACK_MAPS, sizeof(*p->maps));
	if (!p->regs || !p->maps)
		return diag_fail(d, -ENOMEM, NULL, "no memory");
	for (i = 0; !err && i < n; i++)
		err = machine_vcpu_regs(m, i, &p->regs[i]);
	if (err)
		return diag_fail(d, err, NULL, "registers of vCPU %u: %s", i - 1,
				 strerror(-err));
	p->from.regs = p->regs;
	p->from.nr_cpus = n;
	return 0;
}

/* The image as the VMM placed it, or as VMCOREINFO and the symbols tell. */
static void find_image(struct parts *p, const struct machine *m)
{
	const struct machine_layout *l = machine_layout(m);
	struct vmcore_map *image = &p->from.image;
	gva_t start, end;

	if (p->inside && !kread_symbol(&p->k, "_stext", &start, NULL) &&
	    !kread_symbol(&p->k, "_end", &end, NULL) && start < end) {
		image->gva = round_down(start, 4096ULL);
		image->size = round_up(end - image->gva, 4096ULL);
		image->gpa = image->gva - KIMAGE_START_KERNEL_MAP +
			     p->k.phys_base;
	} else if (l->direct) {
		image->gpa = l->kernel_start;
		image->size = l->kernel_end - l->kernel_start;
		image->gva = l->kernel_start - l->phys_base +
			     KIMAGE_START_KERNEL_MAP;
	}
	if (!mem_ptr(p->from.mem, image->gpa, image->size))
		image->size = 0;
}

static void find_kernel(struct parts *p, struct machine *m,
			struct inside *inside)
{
	struct diag d = { 0 };
	gva_t at;
	u32 i;

	p->inside = !inside_kread(inside, 0, &p->k, &d);
	if (!p->inside)
		log_debug("dump", "%s", diag_text(&d));
	diag_reset(&d);
	if ((p->inside && !vmcoreinfo_read(&p->k, &p->info)) ||
	    !vmcoreinfo_scan(p->from.mem, &p->info))
		p->from.info = &p->info;
	find_image(p, m);
	if (!p->inside)
		return;
	if (kread_symbol(&p->k, "page_offset_base", &at, NULL) ||
	    vas_read_u64(&p->k.vas, at, &p->from.page_offset))
		p->from.page_offset = 0;
	p->from.maps = p->maps;
	for (i = 0; i < p->from.nr_cpus; i++)
		p->from.nr_maps += vmcore_stack(&p->k.vas, p->regs[i].rsp,
						p->maps + p->from.nr_maps);
}

static int gather(struct parts *p, struct machine *m, struct inside *inside,
		  struct diag *d)
{
	int err;

	*p = (struct parts){ .from.mem = machine_mem(m) };
	err = take_regs(p, m, d);
	if (!err)
		find_kernel(p, m, inside);
	return err;
}

static void parts_reset(struct parts *p)
{
	free(p->regs);
	free(p->maps);
}

/* --- writing it --------------------------------------------------------- */

/* What guest memory takes is what a core could; only if that is much, count. */
static int check_room(const struct dump *dump, const struct vmcore_from *from,
		      u64 limit, struct diag *d)
{
	struct statvfs vfs;
	struct stat st;
	u64 need, room;

	if (statvfs(dump->dir, &vfs) < 0 || fstat(from->mem->fd, &st) < 0)
		return 0;
	room = (u64)vfs.f_bavail * vfs.f_frsize;
	need = (u64)st.st_blocks * 512;
	if (need > limit || need + SPARE > room)
		need = vmcore_bytes(from);
	if (need > limit)
		return diag_fail(d, -EFBIG, NULL,
				 "it would take %llu MiB, --vmcore-limit is %llu MiB",
				 (unsigned long long)(need >> 20),
				 (unsigned long long)(limit >> 20));
	if (need + SPARE > room)
		return diag_fail(d, -ENOSPC, NULL,
				 "it would take %llu MiB, %llu MiB are free in %s",
				 (unsigned long long)(need >> 20),
				 (unsigned long long)(room >> 20), dump->dir);
	return 0;
}

static int write_core(struct dump *dump, const struct vmcore_from *from,
		      const char *tmp, const char *path, struct diag *d)
{
	u64 limit = dump->policy.limit ? dump->policy.limit : DUMP_LIMIT_DEFAULT;
	int err = check_room(dump, from, limit, d), fd;
	struct vmcore_told told;
	u64 begin = now_ns();

	if (err)
		return err;
	fd = open(tmp, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return diag_fail(d, -errno, NULL, "%s: %m", tmp);
	err = vmcore_write(fd, from, limit, &told, d);
	if (close(fd) < 0 && !err)
		err = diag_fail(d, -errno, NULL, "%s: %m", tmp);
	if (!err && rename(tmp, path) < 0)
		err = diag_fail(d, -errno, NULL, "%s: %m", path);
	if (err)
		unlink(tmp);
	else
		log_debug("dump", "%s: %llu KiB in %llu ms", path,
			  (unsigned long long)(told.written >> 10),
			  (unsigned long long)((now_ns() - begin) / NSEC_PER_MSEC));
	return err;
}

bool dump_wanted(const struct dump *dump, bool failed)
{
	return dump->dir && (dump->policy.keep == DUMP_ALWAYS ||
			     (failed && dump->policy.keep == DUMP_FAILED));
}

void dump_take(struct dump *dump, struct machine *m, struct inside *inside)
{
	char *path __free(cleanup_free) = NULL;
	char *tmp __free(cleanup_free) = NULL;
	struct diag d = { 0 };
	struct parts p;
	int err;

	if (!dump->dir || dump->path)
		return;
	if (asprintf(&path, "%s/vmcore", dump->dir) < 0)
		path = NULL;
	if (asprintf(&tmp, "%s/vmcore.tmp", dump->dir) < 0)
		tmp = NULL;
	if (!path || !tmp)
		return;
	err = gather(&p, m, inside, &d);
	if (!err)
		err = write_core(dump, &p.from, tmp, path, &d);
	dump->has_slide = p.inside;
	dump->slide = p.k.slide;
	parts_reset(&p);
	free(dump->why_not);
	dump->why_not = err ? strdup(diag_text(&d)) : NULL;
	if (!err)
		dump->path = take_ptr(path);
	diag_reset(&d);
}

/* --- telling it --------------------------------------------------------- */

/* A vmlinux with debug information, where one lies where it is installed. */
static void find_vmlinux(const struct kernel *k, char *out, size_t size)
{
	static const char *const places[] = {
		"/usr/lib/debug/boot/vmlinux-%s",
		"/usr/lib/debug/lib/modules/%s/vmlinux",
		"/lib/modules/%s/build/vmlinux",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(places); i++) {
		snprintf(out, size, places[i], k->release);
		if (!access(out, R_OK))
			return;
	}
	snprintf(out, size, "VMLINUX");
}

/* A command of @n words, for a shell. */
static void add_command(struct value *list, const char *const *words, size_t n)
{
	struct buf line __free(buf_reset) = { 0 };
	size_t i;

	for (i = 0; i < n; i++) {
		if (i)
			buf_putc(&line, ' ');
		text_quote(words[i], &line);
	}
	value_append(list, line.failed ? NULL : value_str(buf_str(&line)));
}

#define COMMAND(list, ...) \
	add_command(list, (const char *const []){ __VA_ARGS__ }, \
		    ARRAY_SIZE(((const char *const []){ __VA_ARGS__ })))

static struct value *commands(const struct dump *dump,
			      const struct kernel *kernel)
{
	char vmlinux[4096], symbols[4096 + 64], kaslr[40] = "--kaslr=auto";
	struct value *list = value_list();

	find_vmlinux(kernel, vmlinux, sizeof(vmlinux));
	/* crash does not find the slide of newer kernels by itself. */
	if (dump->has_slide)
		snprintf(kaslr, sizeof(kaslr), "--kaslr=0x%llx",
			 (unsigned long long)dump->slide);
	snprintf(symbols, sizeof(symbols), "symbol-file %s -o 0x%llx", vmlinux,
		 (unsigned long long)dump->slide);
	COMMAND(list, "vmtap", "vmcore", dump->path);
	COMMAND(list, "drgn", "-c", dump->path, "-s", vmlinux);
	COMMAND(list, "crash", kaslr, vmlinux, dump->path);
	if (dump->has_slide)
		COMMAND(list, "gdb", "-c", dump->path, "-ex", symbols);
	return list;
}

void dump_settle(struct dump *dump, bool keep, const struct kernel *kernel,
		 struct value *block)
{
	if (!keep && dump->path) {
		unlink(dump->path);
		return;
	}
	if (!keep)
		return;
	if (dump->path) {
		value_set(block, "vmcore", value_str(dump->path));
		value_set(block, "open_with", commands(dump, kernel));
	} else if (dump->why_not) {
		value_set(block, "vmcore_error", value_str(dump->why_not));
	}
}

void dump_deinit(struct dump *dump)
{
	free(dump->path);
	free(dump->why_not);
}
