// SPDX-License-Identifier: GPL-2.0-only
/* What preflight says of images, configs and modules that cannot work. */
#include "runner/preflight.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runner/kernel.h"
#include "runner/modules.h"
#include "vmm/base/diag.h"
#include "vmm/base/io.h"

#include "kselftest_harness.h"

#define GOOD "CONFIG_BLK_DEV_INITRD=y\nCONFIG_BINFMT_ELF=y\nCONFIG_TTY=y\n"	\
	"CONFIG_SERIAL_8250=y\nCONFIG_SERIAL_8250_CONSOLE=y\n"		\
	"CONFIG_SERIAL_8250_RUNTIME_UARTS=4\nCONFIG_DEVTMPFS=y\n"	\
	"CONFIG_PROC_FS=y\nCONFIG_SYSFS=y\nCONFIG_ACPI=y\nCONFIG_SMP=y\n"	\
	"CONFIG_NR_CPUS=64\nCONFIG_VIRTIO_MMIO=y\nCONFIG_VIRTIO_CONSOLE=y\n"	\
	"CONFIG_VIRTIO_BLK=y\nCONFIG_VIRTIO_NET=y\n"

FIXTURE(preflight)
{
	char dir[64], image[96];
	u8 head[4096];
	struct kernel k;
	struct preflight p;
	struct diag d;
};

static void put_image(FIXTURE_DATA(preflight) *self)
{
	io_write_file(self->image, self->head, sizeof(self->head), NULL);
}

FIXTURE_SETUP(preflight)
{
	*self = (FIXTURE_DATA(preflight)){};
	strcpy(self->dir, "/tmp/vmtap-test-preflight.XXXXXX");
	ASSERT_NE(NULL, mkdtemp(self->dir));
	sprintf(self->image, "%s/bzImage", self->dir);
	memcpy(self->head + 0x1fe, "\x55\xaa\xeb\x66HdrS\x0f\x02", 10);
	self->head[0x236] = 1;
	memcpy(self->head + 0x260, "\0\0\0\x03", 4);	/* init_size: 48 MiB */
	put_image(self);
	self->k.image = self->image;
	self->k.config = GOOD;
	self->p = (struct preflight){
		.kernel = &self->k, .cpus = 4, .memory = MiB(512),
		.initramfs_size = MiB(4),
		.needs = PREFLIGHT_CONSOLE | PREFLIGHT_BLK | PREFLIGHT_NET,
	};
}

FIXTURE_TEARDOWN(preflight)
{
	diag_reset(&self->d);
	io_rmtree(self->dir, NULL);
}

static int check(FIXTURE_DATA(preflight) *self)
{
	diag_reset(&self->d);
	return preflight_check(&self->p, &self->d);
}

#define SAYS(text) EXPECT_NE(NULL, strstr(diag_text(&self->d), text))	\
	TH_LOG("%s", diag_text(&self->d))

/* GOOD with one line in place of another. */
static void config(FIXTURE_DATA(preflight) *self, const char *from, const char *to)
{
	static char text[2048];
	const char *at = strstr(GOOD, from);

	snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - GOOD), GOOD, to,
		 at + strlen(from));
	self->k.config = text;
}

TEST_F(preflight, a_good_kernel_passes)
{
	EXPECT_EQ(0, check(self)) TH_LOG("%s", diag_text(&self->d));
}

TEST_F(preflight, unknown_config_is_not_held_against_a_kernel)
{
	self->k.config = NULL;
	EXPECT_EQ(0, check(self)) TH_LOG("%s", diag_text(&self->d));
}

TEST_F(preflight, wrong_images_are_named)
{
	static const struct { size_t at; const char *bytes; size_t n; const char *says; } v[] = {
		{ 56, "ARM\x64", 4, "arm64" },
		{ 56, "RSC\x05", 4, "riscv" },
		{ 0, "\x1f\x8b\x08", 3, "gzip" },
		{ 0, "070701", 6, "initramfs" },
		{ 0, "\177ELF\2\1\1\0\0\0\0\0\0\0\0\0\2\0\xb7\0", 20, "arm64" },
		{ 0, "\177ELF\2\1\1\0\0\0\0\0\0\0\0\0\2\0\xf3\0", 20, "riscv" },
		{ 0, "\177ELF\1\1\1\0\0\0\0\0\0\0\0\0\2\0\3\0", 20, "32-bit" },
		{ 0, "\177ELF\2\1\1\0\0\0\0\0\0\0\0\0\1\0\x3e\0", 20, "module" },
		{ 0, "hello", 5, "no kernel image" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(v); i++) {
		memset(self->head, 0, sizeof(self->head));
		memcpy(self->head + v[i].at, v[i].bytes, v[i].n);
		put_image(self);
		EXPECT_EQ(-ENOEXEC, check(self));
		SAYS(v[i].says);
		SAYS(self->image);
	}
	io_write_file(self->image, "", 0, NULL);
	EXPECT_EQ(-ENOEXEC, check(self));
	SAYS("empty");
	unlink(self->image);
	EXPECT_EQ(-ENOENT, check(self));
	self->k.image = self->dir;
	EXPECT_EQ(-ENOEXEC, check(self));
}

TEST_F(preflight, old_and_32_bit_bzimages_are_named)
{
	self->head[0x236] = 0;
	put_image(self);
	EXPECT_EQ(-ENOEXEC, check(self));
	SAYS("32-bit");
	self->head[0x206] = 0x0b;
	put_image(self);
	EXPECT_EQ(-ENOEXEC, check(self));
	SAYS("2.12");
}

TEST_F(preflight, memory_must_hold_image_and_initramfs_twice)
{
	self->p.memory = MiB(48 + 2 * 4 + 24);
	EXPECT_EQ(0, check(self)) TH_LOG("%s", diag_text(&self->d));
	self->p.memory -= 4096;
	EXPECT_EQ(-ENOSPC, check(self));
	SAYS("80 MiB");
	self->p.memory = MiB(512);
	self->p.initramfs_size = MiB(400);
	EXPECT_EQ(-ENOSPC, check(self));
	self->p.initramfs_size = 0;
	self->p.image_size = MiB(500);
	EXPECT_EQ(-ENOSPC, check(self));
}

TEST_F(preflight, what_must_be_built_in)
{
	static const char *const v[] = {
		"BLK_DEV_INITRD", "BINFMT_ELF", "TTY", "SERIAL_8250",
		"SERIAL_8250_CONSOLE", "DEVTMPFS", "PROC_FS", "SYSFS", "ACPI",
	};
	char from[64], to[64], says[64];

	for (size_t i = 0; i < ARRAY_SIZE(v); i++) {
		sprintf(from, "CONFIG_%s=y\n", v[i]);
		sprintf(to, "# CONFIG_%s is not set\n", v[i]);
		sprintf(says, "CONFIG_%s is not set", v[i]);
		config(self, from, to);
		EXPECT_EQ(-ENOTSUP, check(self));
		SAYS(says);
		sprintf(to, "CONFIG_%s=m\n", v[i]);
		config(self, from, to);
		EXPECT_EQ(-ENOTSUP, check(self));
		SAYS("built in");
	}
	config(self, "CONFIG_ACPI=y\n", "");
	self->p.needs = 0;
	EXPECT_EQ(0, check(self)) TH_LOG("%s", diag_text(&self->d));
}

TEST_F(preflight, numbers)
{
	config(self, "UARTS=4", "UARTS=1");
	EXPECT_EQ(-ENOTSUP, check(self));
	SAYS("COM2");
	config(self, "NR_CPUS=64", "NR_CPUS=2");
	EXPECT_EQ(-ENOTSUP, check(self));
	SAYS("2 of 4");
	config(self, "CONFIG_SMP=y\n", "");
	EXPECT_EQ(-ENOTSUP, check(self));
	self->p.cpus = 1;
	EXPECT_EQ(0, check(self));
}

TEST_F(preflight, drivers_must_be_built_in_or_come_along)
{
	struct module mod = { .name = "virtio_console" };
	const struct module_set set = { .mods = &mod, .nr = 1 };

	config(self, "CONFIG_VIRTIO_CONSOLE=y", "CONFIG_VIRTIO_CONSOLE=m");
	EXPECT_EQ(-ENOTSUP, check(self));
	SAYS("virtio_console is a module and no modules directory");
	self->p.set = &set;
	EXPECT_EQ(0, check(self)) TH_LOG("%s", diag_text(&self->d));
	config(self, "CONFIG_VIRTIO_BLK=y\n", "");
	EXPECT_EQ(-ENOTSUP, check(self));
	SAYS("CONFIG_VIRTIO_BLK is not set: the disk would not appear");
	self->p.needs = PREFLIGHT_CONSOLE;
	EXPECT_EQ(0, check(self));
}

TEST_F(preflight, modules_directory_is_asked_where_it_is_known)
{
	char path[128];

	sprintf(path, "%s/modules.order", self->dir);
	io_write_file(path, "kernel/virtio_blk.ko\n", 21, NULL);
	sprintf(path, "%s/modules.builtin", self->dir);
	io_write_file(path, "kernel/virtio_net.ko\n", 21, NULL);
	ASSERT_EQ(0, modules_open(self->dir, self->dir, (struct modules **)&self->p.modules,
				  &self->d));
	config(self, "CONFIG_VIRTIO_BLK=y", "CONFIG_VIRTIO_BLK=m");
	EXPECT_EQ(-ENOTSUP, check(self));
	SAYS("virtio_blk is a module and is not in the initramfs");
	/* Without any config the directory alone tells. */
	self->k.config = NULL;
	EXPECT_EQ(-ENOTSUP, check(self));
	SAYS("virtio_blk is a module and is not in the initramfs");
	self->p.needs = PREFLIGHT_NET;
	EXPECT_EQ(0, check(self));
	modules_close((struct modules *)self->p.modules);
}

TEST_F(preflight, config_words)
{
	char reason[128];

	self->k.config = "CONFIG_A=y\nCONFIG_B=m\nCONFIG_S=\"text\"\nCONFIG_N=64\n# CONFIG_O is not set\n";
	EXPECT_EQ(1, preflight_config(&self->p, "CONFIG_A", reason, sizeof(reason)));
	EXPECT_EQ(1, preflight_config(&self->p, "B", reason, sizeof(reason)));
	EXPECT_EQ(1, preflight_config(&self->p, "CONFIG_B=m", reason, sizeof(reason)));
	EXPECT_EQ(1, preflight_config(&self->p, "CONFIG_S=text", reason, sizeof(reason)));
	EXPECT_EQ(1, preflight_config(&self->p, "CONFIG_N=64", reason, sizeof(reason)));
	EXPECT_EQ(1, preflight_config(&self->p, "CONFIG_O=n", reason, sizeof(reason)));
	EXPECT_EQ(0, preflight_config(&self->p, "CONFIG_B=y", reason, sizeof(reason)));
	EXPECT_STREQ("CONFIG_B is m", reason);
	EXPECT_EQ(0, preflight_config(&self->p, "O", reason, sizeof(reason)));
	EXPECT_STREQ("CONFIG_O is not set", reason);
	EXPECT_EQ(-EINVAL, preflight_config(&self->p, "", reason, sizeof(reason)));
	EXPECT_EQ(-EINVAL, preflight_config(&self->p, "=y", reason, sizeof(reason)));
	EXPECT_EQ(-EINVAL, preflight_config(&self->p, "CONFIG A", reason, sizeof(reason)));
	self->k.config = NULL;
	EXPECT_EQ(-ENODATA, preflight_config(&self->p, "CONFIG_A", reason, sizeof(reason)));
}

TEST_F(preflight, fetched_kernels_pass)
{
	struct kernel **list;
	struct diag d = {};
	size_t nr;

	if (kernel_list(&list, &nr, &d) || !nr)
		SKIP(return, "no kernel in the cache: vmtap kernel fetch");
	for (size_t i = 0; i < nr; i++) {
		const char *names[] = { "virtio_mmio", "virtio_console", "virtio_blk", "virtio_net", NULL };
		struct preflight p = self->p;
		struct module_set set = {};
		struct modules *m;

		p.kernel = list[i];
		ASSERT_EQ(0, modules_open(list[i]->modules_dir, self->dir, &m, &d));
		ASSERT_EQ(0, modules_close_over(m, names, NULL, &set, &d))
			TH_LOG("%s", diag_text(&d));
		p.modules = m;
		p.set = &set;
		EXPECT_EQ(0, preflight_check(&p, &d)) TH_LOG("%s", diag_text(&d));
		p.set = NULL;
		EXPECT_EQ(-ENOTSUP, preflight_check(&p, &d));
		module_set_free(&set);
		modules_close(m);
	}
	kernel_list_free(list, nr);
	diag_reset(&d);
}

TEST_HARNESS_MAIN
