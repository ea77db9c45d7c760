// SPDX-License-Identifier: GPL-2.0-only
/*
 * nested_host: QEMU and the kernel come from the cache, where `vmtap nested
 * --fetch` (tools/fetch-deb.sh) puts them, or are the system's own QEMU when
 * that is new enough.
 */
#include "runner/nested_host.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "runner/embed.h"
#include "runner/initramfs.h"
#include "runner/kernel.h"
#include "runner/modules.h"
#include "runner/nested_wire.h"
#include "vmm/base/buf.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/diag.h"
#include "vmm/base/io.h"
#include "vmm/kimage.h"

#define QEMU_NAME "qemu-system-x86_64"
#define REMEDY "`vmtap nested --fetch` (or make deps) gets it"

static const char *const host_modules[] = {
	"virtio_pci", "virtio_console", "9pnet_virtio", "9p", "kvm_amd", NULL,
};

void nested_host_reset(struct nested_host *h)
{
	free(h->qemu);
	free(h->unpacked);
	free(h->release);
	free(h->image);
	free(h->modules_dir);
	memset(h, 0, sizeof(*h));
}

unsigned int nested_qemu_major(const char *text)
{
	static const char head[] = "QEMU emulator version ";

	if (strncmp(text, head, sizeof(head) - 1))
		return 0;
	return (unsigned int)strtoul(text + sizeof(head) - 1, NULL, 10);
}

static __printf(1, 2) char *format(const char *fmt, ...)
{
	va_list ap;
	char *s;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	return n < 0 ? NULL : s;
}

/* --- QEMU ----------------------------------------------------------------- */

static char *on_path(const char *name)
{
	const char *path = getenv("PATH") ?: "/usr/bin:/bin";

	while (*path) {
		size_t len = strcspn(path, ":");
		char *full = format("%.*s/%s", (int)len, path, name);

		if (full && len && !access(full, X_OK))
			return full;
		free(full);
		path += len + (path[len] == ':');
	}
	return NULL;
}

static int check_version(const char *qemu, struct diag *d)
{
	char *cmd __free(cleanup_free) =
		format("exec '%s' --version 2>/dev/null", qemu);
	char text[256] = "";
	unsigned int major;
	FILE *f = cmd && !strchr(qemu, '\'') ? popen(cmd, "re") : NULL;

	if (f) {
		if (!fgets(text, sizeof(text), f))
			text[0] = 0;
		pclose(f);
	}
	major = nested_qemu_major(text);
	if (!major)
		return diag_fail(d, -ENOTSUP, NULL, "%s does not tell its version",
				 qemu);
	if (major < NESTED_QEMU_MIN)
		return diag_fail(d, -ENOTSUP, NULL,
				 "QEMU %u (%s) cannot be a nested host: guests in it crash at random; %u or newer is needed; %s",
				 major, qemu, NESTED_QEMU_MIN, REMEDY);
	return 0;
}

static int find_qemu(struct nested_host *h, const char *cache, struct diag *d)
{
	h->unpacked = format("%s/deps/qemu", cache);
	h->qemu = format("%s/usr/bin/" QEMU_NAME, h->unpacked);
	if (!h->unpacked || !h->qemu)
		return -ENOMEM;
	if (!access(h->qemu, X_OK))
		return 0;
	free(h->unpacked);
	free(h->qemu);
	h->unpacked = NULL;
	h->qemu = on_path(QEMU_NAME);
	if (!h->qemu)
		return diag_fail(d, -ENOENT, NULL,
				 "no " QEMU_NAME " for a nested host; " REMEDY);
	return check_version(h->qemu, d);
}

/* --- the host's kernel ---------------------------------------------------- */

static char *newest_release(const char *top)
{
	DIR *dir = opendir(top);
	char *best = NULL;
	struct dirent *e;

	while (dir && (e = readdir(dir))) {
		char *stamp __free(cleanup_free) =
			format("%s/%s/.complete", top, e->d_name);

		if (!stamp || access(stamp, F_OK) || strstr(e->d_name, ".tmp."))
			continue;
		if (best && kernel_release_cmp(best, e->d_name) > 0)
			continue;
		free(best);
		best = strdup(e->d_name);
	}
	if (dir)
		closedir(dir);
	return best;
}

static int find_kernel(struct nested_host *h, const char *cache,
		       struct diag *d)
{
	char *top __free(cleanup_free) = format("%s/nested", cache);

	h->release = top ? newest_release(top) : NULL;
	if (!h->release)
		return diag_fail(d, -ENOENT, NULL,
				 "no kernel for a nested host in %s/nested; " REMEDY,
				 cache);
	h->image = format("%s/%s/boot/vmlinuz-%s", top, h->release, h->release);
	h->modules_dir = format("%s/%s/lib/modules/%s", top, h->release,
				h->release);
	return h->image && h->modules_dir ? 0 : -ENOMEM;
}

int nested_host_find(struct nested_host *h, struct diag *d)
{
	char *cache __free(cleanup_free) = kernel_cache_dir(d);
	int err = cache ? 0 : -ENOENT;

	memset(h, 0, sizeof(*h));
	if (!err)
		err = find_qemu(h, cache, d);
	if (!err)
		err = find_kernel(h, cache, d);
	if (err == -ENOMEM)
		diag_fail(d, err, NULL, "out of memory");
	if (err)
		nested_host_reset(h);
	return err;
}

/* --- files that live in memory alone -------------------------------------- */

static int new_memfd(const char *name, u64 size, struct diag *d)
{
	int fd = memfd_create(name, MFD_CLOEXEC);

	if (fd >= 0 && ftruncate(fd, (off_t)size)) {
		int err = -errno;

		close(fd);
		return diag_fail(d, err, NULL, "memfd of %llu bytes: %s",
				 (unsigned long long)size, strerror(-err));
	}
	if (fd < 0)
		return diag_fail(d, -errno, NULL, "memfd_create: %s",
				 strerror(errno));
	return fd;
}

int nested_host_kernel_fd(const struct nested_host *h, struct diag *d)
{
	struct kimage *ki;
	const u8 *elf;
	size_t len;
	int fd, err = kimage_open(h->image, 0, &ki, d);

	if (err)
		return diag_wrap(d, err, "nested host");
	elf = kimage_elf(ki, &len);
	fd = new_memfd("vmtap-host-kernel", 0, d);
	err = fd < 0 ? fd : io_write_full(fd, elf, len);
	kimage_close(ki);
	if (fd >= 0 && err) {
		close(fd);
		return diag_fail(d, err, NULL, "memfd: %s", strerror(-err));
	}
	return fd;
}

/* The list that init reads: a path and parameters per line. */
static int add_module_list(struct initramfs *fs, const struct module_set *set,
			   struct diag *d)
{
	struct buf list __free(buf_reset) = {};

	for (size_t i = 0; i < set->nr; i++) {
		const char *params = "";

		if (!strcmp(set->mods[i].name, "kvm_amd"))
			params = " nested=0 avic=0";
		buf_printf(&list, "%s%s\n", set->mods[i].guest, params);
	}
	return initramfs_add_data(fs, "/vmtap-modules", 0444, buf_str(&list),
				  list.len, "nested host", d);
}

static int fill_initramfs(struct initramfs *fs, const struct nested_host *h,
			  struct diag *d)
{
	struct module_set set = {};
	struct modules *m;
	int err = modules_open(h->modules_dir, NULL, &m, d);

	if (err)
		return err;
	err = modules_close_over(m, host_modules, NULL, &set, d);
	if (!err)
		err = initramfs_add_static(fs, "/init", 0755, embed_nested_init,
					   embed_nested_init_end - embed_nested_init,
					   "nested host", d);
	if (!err)
		err = initramfs_add_modules(fs, &set, d);
	if (!err)
		err = add_module_list(fs, &set, d);
	module_set_free(&set);
	modules_close(m);
	return err;
}

static int write_initramfs(struct initramfs *fs, struct diag *d)
{
	u64 len = initramfs_size(fs);
	int fd = new_memfd("vmtap-host-initrd", len, d), err;
	void *map;

	if (fd < 0)
		return fd;
	map = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	err = map == MAP_FAILED ?
	      diag_fail(d, -errno, NULL, "mmap: %s", strerror(errno)) :
	      initramfs_write(fs, map, len, d);
	if (map != MAP_FAILED)
		munmap(map, len);
	if (!err)
		return fd;
	close(fd);
	return err;
}

int nested_host_initrd_fd(const struct nested_host *h, struct diag *d)
{
	struct initramfs *fs;
	int err = initramfs_create(&fs, d);

	if (err)
		return err;
	err = fill_initramfs(fs, h, d);
	if (!err)
		err = write_initramfs(fs, d);
	initramfs_destroy(fs);
	return err < 0 ? diag_wrap(d, err, "nested host") : err;
}

/* --- the command line ----------------------------------------------------- */

/*
 * EPYC without what the emulation lacks (it would warn about each) and without
 * fast short string moves, which it runs byte by byte.
 */
#define CPU "EPYC,+svm,+npt,-fxsr-opt,-misalignsse,-osvw,-topoext,-nrip-save," \
	"-xsavec,-xsaves,-perfctr-core,-clzero,-ibpb"

/*
 * Quiet, and without what costs seconds under emulation and serves nobody
 * here: self-tests, zeroed allocations, security modules, audit, and the start
 * of parts that are slow to start (initcall_blacklist).
 */
#define CMDLINE "console=ttyS0 quiet loglevel=3 panic=-1 mitigations=off " \
	"nokaslr nogbpages tsc=reliable random.trust_cpu=on cryptomgr.notests " \
	"init_on_alloc=0 rodata=off audit=0 lsm= nowatchdog " \
	"initcall_blacklist=crypto_kdf108_init,init_kprobe_trace," \
	"cubictcp_register,load_system_certificate_list"

static __printf(2, 3) void arg(struct nested_args *args, const char *fmt, ...)
{
	va_list ap;
	char *s;

	va_start(ap, fmt);
	if (vasprintf(&s, fmt, ap) < 0)
		s = NULL;
	va_end(ap);
	if (s && args->nr < NESTED_MAX_ARGS) {
		args->argv[args->nr++] = s;
	} else {
		free(s);
		args->failed = true;
	}
}

void nested_args_reset(struct nested_args *args)
{
	for (size_t i = 0; i < args->nr; i++)
		free(args->argv[i]);
	memset(args, 0, sizeof(*args));
}

static void args_machine(const struct nested_host *h,
			 const struct nested_wiring *w,
			 struct nested_args *args)
{
	arg(args, "%s", h->qemu);
	if (h->unpacked) {
		arg(args, "-L");
		arg(args, "%s/usr/share/qemu", h->unpacked);
		arg(args, "-L");
		arg(args, "%s/usr/share/seabios", h->unpacked);
	}
	arg(args, "-nodefaults");
	arg(args, "-no-user-config");
	arg(args, "-no-reboot");
	arg(args, "-display");
	arg(args, "none");
	arg(args, "-machine");
	arg(args, "q35,smbus=off,sata=off,usb=off");
	arg(args, "-accel");
	arg(args, "tcg,thread=multi");
	arg(args, "-smp");
	arg(args, "1");
	arg(args, "-cpu");
	arg(args, CPU);
	arg(args, "-m");
	arg(args, "%llu", (unsigned long long)(w->memory >> 20));
}

static void args_boot(const struct nested_wiring *w, struct nested_args *args)
{
	arg(args, "-kernel");
	arg(args, "/proc/self/fd/%d", w->kernel_fd);
	arg(args, "-initrd");
	arg(args, "/proc/self/fd/%d", w->initrd_fd);
	arg(args, "-append");
	/*
	 * The emulation passes the machine's own TSC on. Calibrating it against
	 * an emulated timer goes wrong where other work delays that.
	 */
	if (w->tsc_khz)
		arg(args, CMDLINE " tsc_early_khz=%llu",
		    (unsigned long long)w->tsc_khz);
	else
		arg(args, CMDLINE);
}

/*
 * Memory comes with the state. The option ROM is what -kernel would have added:
 * QEMU wants the same list of memory regions.
 */
static void args_resume(int state_fd, struct nested_args *args)
{
	arg(args, "-option-rom");
	arg(args, "pvh.bin");
	arg(args, "-incoming");
	arg(args, "file:/proc/self/fd/%d", state_fd);
}

static void args_console(int fd, struct nested_args *args)
{
	arg(args, "-chardev");
	arg(args, "file,id=console,path=/proc/self/fd/%d", fd);
	arg(args, "-serial");
	arg(args, "chardev:console");
}

/* The same root twice: see NESTED_TAG_* */
static void args_root(const char *tag, struct nested_args *args)
{
	arg(args, "-fsdev");
	arg(args, "local,id=%s,path=/,security_model=none,multidevs=remap", tag);
	arg(args, "-device");
	arg(args, "virtio-9p-pci,fsdev=%s,mount_tag=%s", tag, tag);
}

static void args_ports(const int *fd, struct nested_args *args)
{
	static const char *const name[] = {
		NESTED_PORT_CTL, NESTED_PORT_IN, NESTED_PORT_OUT, NESTED_PORT_ERR,
	};

	arg(args, "-device");
	arg(args, "virtio-serial-pci");
	for (size_t i = 0; i < ARRAY_SIZE(name); i++) {
		arg(args, "-chardev");
		arg(args, "socket,id=port%zu,fd=%d", i, fd[i]);
		arg(args, "-device");
		arg(args, "virtserialport,chardev=port%zu,name=%s,nr=%zu", i,
		    name[i], i + 1);
	}
}

void nested_host_args(const struct nested_host *h,
		      const struct nested_wiring *w, struct nested_args *args)
{
	memset(args, 0, sizeof(*args));
	args_machine(h, w, args);
	if (w->state_fd)
		args_resume(w->state_fd, args);
	else
		args_boot(w, args);
	args_console(w->console_fd, args);
	args_root(NESTED_TAG_ROOT, args);
	args_root(NESTED_TAG_CACHED, args);
	args_ports(w->port_fd, args);
	if (w->qmp_fd) {
		arg(args, "-chardev");
		arg(args, "socket,id=qmp,fd=%d", w->qmp_fd);
		arg(args, "-mon");
		arg(args, "chardev=qmp,mode=control");
	}
}
