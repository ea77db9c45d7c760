// SPDX-License-Identifier: GPL-2.0-only
/*
 * preflight: image, memory, config, modules, in the order in which a boot
 * would stumble over them.
 */
#include "runner/preflight.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/kernel.h"
#include "runner/modules.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/diag.h"

#define HEAD_SIZE 4096
/* What a kernel wants beside its image: page structs, slabs, per-CPU areas. */
#define MEMORY_SLACK MiB(24)

/* Offsets of the x86 boot protocol. */
#define BOOT_FLAG 0x1fe
#define BOOT_MAGIC 0x202
#define BOOT_VERSION 0x206
#define BOOT_XLOADFLAGS 0x236
#define BOOT_INIT_SIZE 0x260
#define XLF_KERNEL_64 1

static u64 le(const u8 *p, int bytes)
{
	u64 v = 0;

	while (bytes--)
		v = v << 8 | p[bytes];
	return v;
}

static const char *elf_machine(u64 machine)
{
	switch (machine) {
	case EM_386: return "32-bit x86";
	case EM_AARCH64: return "arm64";
	case EM_ARM: return "arm";
	case EM_RISCV: return "riscv";
	case EM_S390: return "s390";
	case EM_PPC64: return "ppc64";
	default: return "another machine";
	}
}

static int bad_image(const struct preflight *p, const char *what, struct diag *d)
{
	return diag_fail(d, -ENOEXEC, NULL,
			 "kernel image %s %s; an x86-64 bzImage or vmlinux is needed",
			 p->kernel->image, what);
}

static int check_elf(const struct preflight *p, const u8 *h, struct diag *d)
{
	char what[64];

	if (le(h + offsetof(Elf64_Ehdr, e_machine), 2) != EM_X86_64) {
		snprintf(what, sizeof(what), "is for %s",
			 elf_machine(le(h + offsetof(Elf64_Ehdr, e_machine), 2)));
		return bad_image(p, what, d);
	}
	if (h[EI_CLASS] != ELFCLASS64)
		return bad_image(p, "is a 32-bit ELF file", d);
	if (le(h + offsetof(Elf64_Ehdr, e_type), 2) == ET_REL)
		return bad_image(p, "is an object file or a module", d);
	return 0;
}

/* Images of other machines by their magic: better than "not a kernel". */
static const char *foreign(const u8 *h)
{
	static const struct { size_t at; const char *magic; const char *what; } v[] = {
		{ 56, "ARM\x64", "is for arm64" },
		{ 36, "\x18\x28\x6f\x01", "is for arm" },
		{ 56, "RSC\x05", "is for riscv" },
		{ 0, "\x1f\x8b", "is a gzip file" },
		{ 0, "\xfd" "7zXZ", "is an xz file" },
		{ 0, "\x28\xb5\x2f\xfd", "is a zstd file" },
		{ 0, "!<arch>\n", "is an archive or a package" },
		{ 0, "070701", "is an initramfs" },
		{ 0, "#!", "is a script" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(v); i++) {
		if (!memcmp(h + v[i].at, v[i].magic, strlen(v[i].magic)))
			return v[i].what;
	}
	return "is no kernel image";
}

/* *size is the memory that the image asks for, 0 where it does not tell. */
static int check_image(const struct preflight *p, u64 *size, struct diag *d)
{
	const char *path = p->kernel->image;
	int fd __free(cleanup_close) = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	u8 h[HEAD_SIZE] = {};
	ssize_t n;

	*size = 0;
	n = fd < 0 ? -1 : pread(fd, h, sizeof(h), 0);
	if (n < 0)
		return diag_fail(d, errno == EISDIR ? -ENOEXEC : -errno, NULL,
				 "kernel image %s: %s", path, strerror(errno));
	if (!memcmp(h, ELFMAG, SELFMAG))
		return check_elf(p, h, d);
	if (le(h + BOOT_FLAG, 2) != 0xaa55 || memcmp(h + BOOT_MAGIC, "HdrS", 4))
		return bad_image(p, n ? foreign(h) : "is empty", d);
	if (le(h + BOOT_VERSION, 2) < 0x20c)
		return bad_image(p, "is older than Linux 3.8 (boot protocol before 2.12)", d);
	if (!(le(h + BOOT_XLOADFLAGS, 2) & XLF_KERNEL_64))
		return bad_image(p, "is a 32-bit x86 kernel", d);
	*size = le(h + BOOT_INIT_SIZE, 4);
	return 0;
}

static int check_memory(const struct preflight *p, u64 image, struct diag *d)
{
	/* The archive and what is unpacked from it are there at one time. */
	u64 need = (p->image_size ? p->image_size : image) +
		   2 * p->initramfs_size + MEMORY_SLACK;

	if (!p->memory || p->memory >= need)
		return 0;
	return diag_fail(d, -ENOSPC, NULL,
			 "vm.memory is %llu MiB, but kernel image and initramfs (%llu MiB) need at least %llu MiB",
			 (unsigned long long)(p->memory >> 20),
			 (unsigned long long)(p->initramfs_size >> 20),
			 (unsigned long long)(round_up(need, MiB(1)) >> 20));
}

static int config_error(const char *symbol, const char *state, const char *what,
			struct diag *d)
{
	return diag_fail(d, -ENOTSUP, NULL, "CONFIG_%s is %s: %s", symbol, state, what);
}

/* What must be built in, and what it would look like if it were not. */
static int check_builtins(const struct preflight *p, struct diag *d)
{
	static const struct { const char *symbol, *what; bool acpi; } v[] = {
		{ "BLK_DEV_INITRD",
		  "the kernel would not unpack the initramfs and panic without a root", false },
		{ "BINFMT_ELF", "the kernel could not start /init", false },
		{ "TTY", "there would be no console and no COM2", false },
		{ "SERIAL_8250", "the serial ports would be dead", false },
		{ "SERIAL_8250_CONSOLE",
		  "the kernel would boot without a word on the console", false },
		{ "DEVTMPFS", "the guest agent would find no /dev/ttyS1", false },
		{ "PROC_FS", "the guest agent needs /proc", false },
		{ "SYSFS", "the guest agent needs /sys", false },
		{ "ACPI",
		  "virtio devices are announced through ACPI and would not be found", true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(v); i++) {
		enum kconfig c = kernel_config(p->kernel, v[i].symbol, NULL);

		if (v[i].acpi && !p->needs)
			continue;
		if (c == KCONFIG_NO)
			return config_error(v[i].symbol, "not set", v[i].what, d);
		if (c == KCONFIG_MODULE)
			return config_error(v[i].symbol, "a module, where it must be built in",
					    v[i].what, d);
	}
	return 0;
}

static int number(const struct preflight *p, const char *symbol, unsigned long *out)
{
	char *text __free(cleanup_free) = NULL;

	if (kernel_config(p->kernel, symbol, &text) != KCONFIG_VALUE || !text)
		return -ENODATA;
	*out = strtoul(text, NULL, 0);
	return 0;
}

static int check_numbers(const struct preflight *p, struct diag *d)
{
	unsigned long n;

	if (!number(p, "SERIAL_8250_RUNTIME_UARTS", &n) && n < 2)
		return diag_fail(d, -ENOTSUP, NULL,
				 "CONFIG_SERIAL_8250_RUNTIME_UARTS is %lu: COM2 would not be there; set 2 or boot with 8250.nr_uarts=2",
				 n);
	if (p->cpus > 1 && kernel_config(p->kernel, "SMP", NULL) == KCONFIG_NO)
		return diag_fail(d, -ENOTSUP, NULL,
				 "CONFIG_SMP is not set: the kernel would use 1 of %u vCPUs",
				 p->cpus);
	if (!number(p, "NR_CPUS", &n) && p->cpus > n)
		return diag_fail(d, -ENOTSUP, NULL,
				 "CONFIG_NR_CPUS is %lu: the kernel would use %lu of %u vCPUs",
				 n, n, p->cpus);
	return 0;
}

static bool carried(const struct module_set *set, const char *name)
{
	for (size_t i = 0; set && i < set->nr; i++) {
		if (!strcmp(set->mods[i].name, name))
			return true;
	}
	return false;
}

/* A driver must be built in or among the modules that come along. */
static int check_driver(const struct preflight *p, const char *symbol,
			const char *module, const char *what, struct diag *d)
{
	enum kconfig c = kernel_config(p->kernel, symbol, NULL);
	enum module_state state = p->modules ?
		modules_state(p->modules, module) : MODULE_MISSING;

	if (c == KCONFIG_YES || state == MODULE_BUILTIN || carried(p->set, module))
		return 0;
	if (c == KCONFIG_NO)
		return diag_fail(d, -ENOTSUP, NULL,
				 "CONFIG_%s is not set: %s", symbol, what);
	if (state == MODULE_FILE)
		return diag_fail(d, -ENOTSUP, NULL,
				 "%s is a module and is not in the initramfs: %s",
				 module, what);
	if (c == KCONFIG_MODULE)
		return diag_fail(d, -ENOTSUP, NULL,
				 "%s is a module and no modules directory%s%s holds it: %s",
				 module, p->kernel->modules_dir ? " " : "",
				 p->kernel->modules_dir ? p->kernel->modules_dir : "",
				 what);
	return 0;	/* nobody knows: let the boot tell */
}

static int check_drivers(const struct preflight *p, struct diag *d)
{
	static const struct {
		unsigned int need;
		const char *symbol, *module, *what;
	} v[] = {
		{ ~0u, "VIRTIO_MMIO", "virtio_mmio", "no virtio device would be found" },
		{ PREFLIGHT_CONSOLE, "VIRTIO_CONSOLE", "virtio_console",
		  "the guest agent would have COM2 alone" },
		{ PREFLIGHT_BLK, "VIRTIO_BLK", "virtio_blk", "the disk would not appear" },
		{ PREFLIGHT_NET, "VIRTIO_NET", "virtio_net", "the network would not appear" },
	};
	int err = 0;

	for (size_t i = 0; i < ARRAY_SIZE(v) && !err; i++) {
		if (p->needs & v[i].need)
			err = check_driver(p, v[i].symbol, v[i].module, v[i].what, d);
	}
	return err;
}

int preflight_check(const struct preflight *p, struct diag *d)
{
	u64 image;
	int err = check_image(p, &image, d);

	if (!err)
		err = check_memory(p, image, d);
	if (!err)
		err = check_builtins(p, d);
	if (!err)
		err = check_numbers(p, d);
	if (!err)
		err = check_drivers(p, d);
	return err;
}

static const char *kconfig_text(enum kconfig c, const char *value)
{
	switch (c) {
	case KCONFIG_YES: return "y";
	case KCONFIG_MODULE: return "m";
	case KCONFIG_VALUE: return value ? value : "";
	default: return "n";
	}
}

#define SYMBOL_CHARS	"ABCDEFGHIJKLMNOPQRSTUVWXYZ" \
			"abcdefghijklmnopqrstuvwxyz0123456789_"

int preflight_config(const struct preflight *p, const char *want, char *reason,
		     size_t len)
{
	size_t n = strcspn(want, "=");
	char *symbol __free(cleanup_free) = strndup(want, n);
	char *value __free(cleanup_free) = NULL;
	const char *have;
	enum kconfig c;
	bool holds;

	if (!symbol || !n || strspn(symbol, SYMBOL_CHARS) != n)
		return -EINVAL;
	c = kernel_config(p->kernel, symbol, &value);
	if (c == KCONFIG_UNKNOWN)
		return -ENODATA;
	have = kconfig_text(c, value);
	holds = want[n] ? !strcmp(have, want + n + 1) : c != KCONFIG_NO;
	if (!holds && len)
		snprintf(reason, len, "%s%s is %s", strncmp(symbol, "CONFIG_", 7) ?
			 "CONFIG_" : "", symbol, c == KCONFIG_NO ? "not set" : have);
	return holds;
}
