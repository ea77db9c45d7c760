// SPDX-License-Identifier: GPL-2.0-only
#include "runner/nested_host.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/nested_wire.h"
#include "vmm/base/diag.h"
#include "vmm/base/io.h"

#include "kselftest_harness.h"

TEST(qemu_tells_its_major_version)
{
	EXPECT_EQ(10, nested_qemu_major("QEMU emulator version 10.0.2 (Debian 1:10.0.2+ds-2)\n"));
	EXPECT_EQ(7, nested_qemu_major("QEMU emulator version 7.2.19\n"));
	EXPECT_EQ(0, nested_qemu_major("qemu-system-x86_64: error\n"));
	EXPECT_EQ(0, nested_qemu_major("QEMU emulator version x\n"));
	EXPECT_EQ(0, nested_qemu_major(""));
}

TEST(the_work_takes_time)
{
	EXPECT_LT(0, nested_work_ns());
}

/* A cache, a PATH with a QEMU of our own, both empty at first. */
FIXTURE(find) {
	char dir[64];
	struct nested_host h;
	struct diag d;
};

FIXTURE_SETUP(find)
{
	char path[128];

	strcpy(self->dir, "/tmp/test_nested.XXXXXX");
	ASSERT_NE(NULL, mkdtemp(self->dir));
	setenv("XDG_CACHE_HOME", self->dir, 1);
	snprintf(path, sizeof(path), "%s/bin", self->dir);
	ASSERT_EQ(0, mkdir(path, 0755));
	setenv("PATH", path, 1);
}

FIXTURE_TEARDOWN(find)
{
	nested_host_reset(&self->h);
	diag_reset(&self->d);
	io_rmtree(self->dir, NULL);
}

static void put(const char *dir, const char *path, const char *text)
{
	char full[256];

	snprintf(full, sizeof(full), "%s/%s", dir, path);
	*strrchr(full, '/') = 0;
	if (io_mkdirs(full, NULL))
		abort();
	full[strlen(full)] = '/';
	if (io_write_file(full, text, strlen(text), NULL) ||
	    chmod(full, 0755))
		abort();
}

static void put_qemu(const char *dir, const char *path, const char *version)
{
	char text[128];

	snprintf(text, sizeof(text),
		 "#!/bin/sh\necho 'QEMU emulator version %s'\n", version);
	put(dir, path, text);
}

static bool says(const struct diag *d, const char *text)
{
	return strstr(diag_text(d), text);
}

TEST_F(find, without_qemu_the_remedy_is_told)
{
	EXPECT_EQ(-ENOENT, nested_host_find(&self->h, &self->d));
	EXPECT_TRUE(says(&self->d, "nested --fetch"));
}

TEST_F(find, qemu_7_is_refused)
{
	put_qemu(self->dir, "bin/qemu-system-x86_64", "7.2.19 (Debian)");
	EXPECT_EQ(-ENOTSUP, nested_host_find(&self->h, &self->d));
	EXPECT_TRUE(says(&self->d, "QEMU 7"));
	EXPECT_TRUE(says(&self->d, "nested --fetch"));
}

TEST_F(find, a_qemu_that_says_nothing_is_refused)
{
	put(self->dir, "bin/qemu-system-x86_64", "#!/bin/sh\nexit 1\n");
	EXPECT_EQ(-ENOTSUP, nested_host_find(&self->h, &self->d));
}

TEST_F(find, without_a_kernel_the_remedy_is_told)
{
	put_qemu(self->dir, "bin/qemu-system-x86_64", "10.0.2");
	put(self->dir, "vmtap/nested/6.1.0-1-amd64.tmp.7/.complete", "");
	put(self->dir, "vmtap/nested/6.1.0-2-amd64/boot/half", "");
	EXPECT_EQ(-ENOENT, nested_host_find(&self->h, &self->d));
	EXPECT_TRUE(says(&self->d, "no kernel for a nested host"));
	EXPECT_TRUE(says(&self->d, "nested --fetch"));
}

TEST_F(find, the_newest_kernel_and_the_systems_qemu)
{
	put_qemu(self->dir, "bin/qemu-system-x86_64", "10.0.2");
	put(self->dir, "vmtap/nested/6.1.0-9-amd64/.complete", "");
	put(self->dir, "vmtap/nested/6.1.0-50-amd64/.complete", "");
	ASSERT_EQ(0, nested_host_find(&self->h, &self->d)) {
		TH_LOG("%s", diag_text(&self->d));
	}
	EXPECT_STREQ("6.1.0-50-amd64", self->h.release);
	EXPECT_EQ(NULL, self->h.unpacked);
	EXPECT_NE(NULL, strstr(self->h.image, "/boot/vmlinuz-6.1.0-50-amd64"));
}

TEST_F(find, the_unpacked_qemu_comes_first)
{
	put_qemu(self->dir, "bin/qemu-system-x86_64", "7.2.19");
	put_qemu(self->dir, "vmtap/deps/qemu/usr/bin/qemu-system-x86_64", "10");
	put(self->dir, "vmtap/nested/6.1.0-50-amd64/.complete", "");
	ASSERT_EQ(0, nested_host_find(&self->h, &self->d));
	EXPECT_NE(NULL, self->h.unpacked);
	EXPECT_NE(NULL, strstr(self->h.qemu, "/vmtap/deps/qemu/usr/bin/"));
}

static bool has(const struct nested_args *args, const char *want)
{
	for (size_t i = 0; i < args->nr; i++)
		if (strstr(args->argv[i], want))
			return true;
	return false;
}

TEST(the_command_line_names_what_it_was_given)
{
	struct nested_host h = { .qemu = (char *)"/q/qemu" };
	struct nested_wiring w = {
		.kernel_fd = 31, .initrd_fd = 32, .console_fd = 33,
		.port_fd = { 41, 42, 43, 44 }, .memory = MiB(960),
		.tsc_khz = 2596000,
	};
	struct nested_args args;

	nested_host_args(&h, &w, &args);
	ASSERT_FALSE(args.failed);
	EXPECT_STREQ("/q/qemu", args.argv[0]);
	EXPECT_EQ(NULL, args.argv[args.nr]);
	EXPECT_TRUE(has(&args, "960"));
	EXPECT_TRUE(has(&args, "/proc/self/fd/31"));
	EXPECT_TRUE(has(&args, "/proc/self/fd/32"));
	EXPECT_TRUE(has(&args, "/proc/self/fd/33"));
	EXPECT_TRUE(has(&args, "id=port3,fd=44"));
	EXPECT_TRUE(has(&args, "name=" NESTED_PORT_CTL));
	EXPECT_TRUE(has(&args, "tsc_early_khz=2596000"));
	EXPECT_TRUE(has(&args, "mount_tag=" NESTED_TAG_CACHED));
	EXPECT_FALSE(has(&args, "seabios"));
	nested_args_reset(&args);
	w.tsc_khz = 0;
	h.unpacked = (char *)"/u";
	nested_host_args(&h, &w, &args);
	EXPECT_FALSE(has(&args, "tsc_early_khz"));
	EXPECT_TRUE(has(&args, "/u/usr/share/seabios"));
	nested_args_reset(&args);
}

TEST_HARNESS_MAIN
