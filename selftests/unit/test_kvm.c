// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every way in which /dev/kvm fails, by an ioctl(2) and an open(2) of our own
 * in front of libc's: each must be an error with the right words, never more.
 */
#include "vmm/kvm.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <kselftest_harness.h>

#include "selftests/lib/kvmioctl.h"
#include "vmm/base/buf.h"
#include "vmm/base/diag.h"
#include "vmm/machine.h"

#define FAKE "/dev/kvm-of-the-test"

/* What the fake device answers; err < 0 fails with it. */
static struct {
	int open_err;
	int api;
	int missing_cap;
	unsigned long failing;	/* this ioctl fails with err */
	int err;
	int mmap_size;
	int interrupts;		/* EINTR this often first */
} fake;

int open(const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;

	va_start(ap, flags);
	if (flags & (O_CREAT | O_TMPFILE))
		mode = va_arg(ap, mode_t);
	va_end(ap);
	if (strcmp(path, FAKE))
		return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
	if (fake.open_err) {
		errno = fake.open_err;
		return -1;
	}
	return (int)syscall(SYS_openat, AT_FDCWD, "/dev/null", O_RDWR, 0);
}

static int fake_ioctl(unsigned long request, long arg)
{
	int fd;

	if (fake.interrupts-- > 0) {
		errno = EINTR;
		return -1;
	}
	if (request == fake.failing) {
		errno = fake.err;
		return -1;
	}
	switch (request) {
	case KVM_GET_API_VERSION:
		return fake.api;
	case KVM_CHECK_EXTENSION:
		return arg == fake.missing_cap ? 0 :
		       arg == KVM_CAP_COALESCED_MMIO ? 2 : 1;
	case KVM_GET_VCPU_MMAP_SIZE:
		return fake.mmap_size;
	case KVM_GET_STATS_FD:
		errno = ENOTTY;
		return -1;
	case KVM_CREATE_VCPU:
		fd = memfd_create("vcpu", MFD_CLOEXEC);
		return fd < 0 || ftruncate(fd, fake.mmap_size) ? -1 : fd;
	case KVM_CREATE_VM:
		return (int)syscall(SYS_openat, AT_FDCWD, "/dev/null", O_RDWR, 0);
	default:
		return 0;
	}
}

FIXTURE(kvm) {
	struct kvm kvm;
	struct diag d;
};

FIXTURE_SETUP(kvm)
{
	memset(self, 0, sizeof(*self));
	memset(&fake, 0, sizeof(fake));
	fake.api = KVM_API_VERSION;
	fake.mmap_size = 3 * 4096;
	fake.missing_cap = -1;
}

FIXTURE_TEARDOWN(kvm)
{
	kvm_close(&self->kvm);
	diag_reset(&self->d);
}

#define SAYS(text) EXPECT_NE(NULL, strstr(diag_text(&self->d), text)) { \
	TH_LOG("%s", diag_text(&self->d)); }

TEST_F(kvm, opens)
{
	ASSERT_EQ(0, kvm_open(&self->kvm, FAKE, &self->d));
	EXPECT_EQ(2, self->kvm.ring_page);
	EXPECT_TRUE(self->kvm.coalesced_pio);
	EXPECT_TRUE(self->kvm.stats);
	EXPECT_EQ(0, kvm_create_vm(&self->kvm, &self->d));
}

TEST_F(kvm, is_missing)
{
	fake.open_err = ENOENT;
	EXPECT_EQ(-ENOENT, kvm_open(&self->kvm, FAKE, &self->d));
	SAYS(FAKE);
	SAYS("does not exist");
	SAYS("--accel nested");
	EXPECT_EQ(-1, self->kvm.fd);
}

TEST_F(kvm, may_not_be_opened)
{
	fake.open_err = EACCES;
	EXPECT_EQ(-EACCES, kvm_open(&self->kvm, FAKE, &self->d));
	SAYS("group");
	fake.open_err = EPERM;
	EXPECT_EQ(-EACCES, kvm_open(&self->kvm, FAKE, &self->d));
}

TEST_F(kvm, has_no_driver)
{
	fake.open_err = ENODEV;
	EXPECT_EQ(-ENODEV, kvm_open(&self->kvm, FAKE, &self->d));
	SAYS("kvm_amd");
	fake.open_err = ENXIO;
	EXPECT_EQ(-ENODEV, kvm_open(&self->kvm, FAKE, &self->d));
	fake.open_err = EIO;
	EXPECT_EQ(-EIO, kvm_open(&self->kvm, FAKE, &self->d));
}

TEST_F(kvm, is_something_else)
{
	fake.failing = KVM_GET_API_VERSION;
	fake.err = ENOTTY;
	EXPECT_EQ(-ENODEV, kvm_open(&self->kvm, FAKE, &self->d));
	SAYS("not a KVM device");
	fake.err = EIO;
	EXPECT_EQ(-EIO, kvm_open(&self->kvm, FAKE, &self->d));
}

TEST_F(kvm, speaks_another_version)
{
	fake.api = 11;
	EXPECT_EQ(-EPROTO, kvm_open(&self->kvm, FAKE, &self->d));
	SAYS("11");
	fake.api = 0;
	EXPECT_EQ(-EPROTO, kvm_open(&self->kvm, FAKE, &self->d));
}

TEST_F(kvm, lacks_a_capability)
{
	static const struct { int cap; const char *name; } caps[] = {
		{ KVM_CAP_USER_MEMORY, "KVM_CAP_USER_MEMORY" },
		{ KVM_CAP_IRQCHIP, "KVM_CAP_IRQCHIP" },
		{ KVM_CAP_IRQFD, "KVM_CAP_IRQFD" },
		{ KVM_CAP_IMMEDIATE_EXIT, "KVM_CAP_IMMEDIATE_EXIT" },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(caps); i++) {
		fake.missing_cap = caps[i].cap;
		EXPECT_EQ(-EOPNOTSUPP, kvm_open(&self->kvm, FAKE, &self->d));
		SAYS(caps[i].name);
	}
}

TEST_F(kvm, does_without_what_only_makes_it_faster)
{
	static const int caps[] = { KVM_CAP_COALESCED_MMIO,
				    KVM_CAP_COALESCED_PIO,
				    KVM_CAP_READONLY_MEM,
				    KVM_CAP_BINARY_STATS_FD,
				    KVM_CAP_TSC_DEADLINE_TIMER };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(caps); i++) {
		fake.missing_cap = caps[i];
		EXPECT_EQ(0, kvm_open(&self->kvm, FAKE, &self->d));
		kvm_close(&self->kvm);
	}
}

/* A ring page outside of the mapping would be a wild pointer. */
TEST_F(kvm, mapping_sizes_are_checked)
{
	fake.mmap_size = 2 * 4096;	/* the ring would be page 2 */
	ASSERT_EQ(0, kvm_open(&self->kvm, FAKE, &self->d));
	EXPECT_EQ(0, self->kvm.ring_page);
	EXPECT_FALSE(self->kvm.coalesced_pio);
	kvm_close(&self->kvm);
	fake.mmap_size = 16;
	EXPECT_EQ(-EPROTO, kvm_open(&self->kvm, FAKE, &self->d));
}

TEST_F(kvm, signals_do_not_fail_it)
{
	fake.interrupts = 5;
	EXPECT_EQ(0, kvm_open(&self->kvm, FAKE, &self->d));
	fake.interrupts = 5;
	EXPECT_EQ(0, kvm_create_vm(&self->kvm, &self->d));
}

TEST_F(kvm, no_memory_for_a_vm)
{
	static const unsigned long calls[] = { KVM_CREATE_VM,
					       KVM_SET_TSS_ADDR,
					       KVM_SET_IDENTITY_MAP_ADDR,
					       KVM_CREATE_IRQCHIP };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		ASSERT_EQ(0, kvm_open(&self->kvm, FAKE, &self->d));
		fake.failing = calls[i];
		fake.err = ENOMEM;
		EXPECT_EQ(-ENOMEM, kvm_create_vm(&self->kvm, &self->d));
		SAYS("out of memory");
		kvm_close(&self->kvm);
	}
	ASSERT_EQ(0, kvm_open(&self->kvm, FAKE, &self->d));
	fake.failing = KVM_CREATE_VM;
	fake.err = EMFILE;
	EXPECT_EQ(-EMFILE, kvm_create_vm(&self->kvm, &self->d));
	SAYS("ulimit");
}

/* Enough of a bzImage for the loader: what it holds is never run. */
static void make_kernel(struct buf *image)
{
	static const char zeros[4096];

	buf_add(image, zeros, sizeof(zeros));
	memcpy(image->data + 0x1fe, "\x55\xaaxxHdrS", 8);
	image->data[0x1f1] = 1;
	image->data[0x207] = 2;		/* version 2.15 */
	image->data[0x206] = 15;
	image->data[0x236] = 1;		/* has a 64-bit entry */
	image->data[0x25b] = 1;		/* preferred address 16 MiB */
	image->data[0x239] = 7;		/* command line of 0x700 */
}

static int open_fds(void)
{
	int fd, n = 0;

	for (fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/*
 * Each ioctl that a machine makes fails in turn: an error with words, the
 * machine gone, no descriptor left behind.
 */
TEST_F(kvm, each_step_of_a_machine_may_fail)
{
	static const unsigned long calls[] = {
		KVM_GET_API_VERSION, KVM_CREATE_VM, KVM_SET_TSS_ADDR,
		KVM_CREATE_IRQCHIP, KVM_SET_GSI_ROUTING, KVM_IRQFD,
		KVM_SET_USER_MEMORY_REGION, KVM_CREATE_VCPU,
		KVM_GET_SUPPORTED_CPUID, KVM_SET_CPUID2, KVM_SET_MSRS,
		KVM_GET_SREGS, KVM_SET_SREGS, KVM_SET_REGS,
		KVM_REGISTER_COALESCED_MMIO,
	};
	struct buf image = { 0 };
	struct machine_cfg cfg = { .kvm_path = FAKE, .memory = MiB(64) };
	unsigned int i;
	int before;

	make_kernel(&image);
	cfg.kernel.bzimage = image.data;
	cfg.kernel.bzimage_len = image.len;
	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		struct machine *m = NULL;

		diag_reset(&self->d);
		fake.failing = calls[i];
		fake.err = ENOSPC;
		before = open_fds();
		EXPECT_EQ(-ENOSPC, machine_create(&m, &cfg, &self->d)) {
			TH_LOG("call %u: %s", i, diag_text(&self->d));
		}
		EXPECT_EQ(NULL, m);
		EXPECT_NE(NULL, self->d.msg);
		EXPECT_EQ(before, open_fds());
	}
	buf_reset(&image);
}

TEST_F(kvm, descriptions_that_are_no_machine)
{
	struct machine_cfg cfg = { .kvm_path = FAKE, .memory = MiB(64) };
	struct buf image = { 0 };
	struct machine *m;

	EXPECT_EQ(-EINVAL, machine_create(&m, &cfg, &self->d));
	SAYS("no kernel");
	make_kernel(&image);
	cfg.kernel.bzimage = image.data;
	cfg.kernel.bzimage_len = image.len;
	cfg.memory = MiB(31);
	EXPECT_EQ(-EINVAL, machine_create(&m, &cfg, &self->d));
	SAYS("32M");
	cfg.memory = MiB(64) + 1;
	EXPECT_EQ(-EINVAL, machine_create(&m, &cfg, &self->d));
	cfg.memory = MiB(64);
	cfg.topology.cores = 65;
	EXPECT_EQ(-EINVAL, machine_create(&m, &cfg, &self->d));
	cfg.topology.cores = 2;	/* the fake device allows one */
	EXPECT_EQ(-EINVAL, machine_create(&m, &cfg, &self->d));
	SAYS("allows 1");
	cfg.topology.cores = 1;
	cfg.nr_devices = MACHINE_MAX_DEVICES + 1;
	EXPECT_EQ(-EINVAL, machine_create(&m, &cfg, &self->d));
	buf_reset(&image);
}

TEST(names_of_exits)
{
	EXPECT_STREQ("KVM_EXIT_IO", kvm_exit_name(KVM_EXIT_IO));
	EXPECT_STREQ("KVM_EXIT_INTERNAL_ERROR",
		     kvm_exit_name(KVM_EXIT_INTERNAL_ERROR));
	EXPECT_STREQ("KVM_EXIT_?", kvm_exit_name(13));
	EXPECT_STREQ("KVM_EXIT_?", kvm_exit_name(UINT32_MAX));
}

TEST_HARNESS_MAIN
