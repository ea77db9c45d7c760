// SPDX-License-Identifier: GPL-2.0-only
/* What lies in guest memory before the first instruction. */
#include "vmm/boot.h"

#include <asm/bootparam.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <kselftest_harness.h>

#include "selftests/lib/kmake.h"
#include "vmm/base/diag.h"
#include "vmm/kimage.h"

#define RING 5000	/* no whole number of pages */

FIXTURE(boot) {
	struct buf elf, image;
	struct kimage *ki;
	struct mem mem;
	struct machine_initrd initrd;
	struct boot_cfg cfg;
	struct machine_layout l;
	struct boot_entry e;
	struct diag d;
};

static char initrd_bytes[3 * 4096 + 7];

FIXTURE_SETUP(boot)
{
	memset(self, 0, sizeof(*self));
	memset(initrd_bytes, 'i', sizeof(initrd_bytes));
	kmake_elf(&self->elf, "rodata", 6);
	kmake_relocs(&self->elf, false);
	kmake_bzimage(&self->image, "gzip", self->elf.data, self->elf.len);
	ASSERT_EQ(0, kimage_open_buffer(self->image.data, self->image.len,
					&self->ki, NULL));
	ASSERT_EQ(0, mem_create(&self->mem, MiB(256), NULL));
	self->initrd = (struct machine_initrd){ .size = sizeof(initrd_bytes),
						.data = initrd_bytes };
	self->cfg = (struct boot_cfg){
		.kernel.kimage = self->ki, .cmdline = "console=ttyS0",
		.initrd = &self->initrd, .kaslr = MACHINE_KASLR_OFF,
		.ring_size = RING, .rsdp = BOOT_ACPI,
	};
}

FIXTURE_TEARDOWN(boot)
{
	kimage_close(self->ki);
	mem_destroy(&self->mem);
	buf_reset(&self->elf);
	buf_reset(&self->image);
	diag_reset(&self->d);
}

static int load(FIXTURE_DATA(boot) *self)
{
	mem_destroy(&self->mem);
	BUG_ON(mem_create(&self->mem, MiB(256), NULL));
	return boot_load(&self->mem, &self->cfg, &self->l, &self->e, &self->d);
}

static struct boot_params *zero_page(FIXTURE_DATA(boot) *self)
{
	return mem_ptr(&self->mem, self->e.zero_page, 4096);
}

static const char *cmdline(FIXTURE_DATA(boot) *self)
{
	return mem_ptr(&self->mem, zero_page(self)->hdr.cmd_line_ptr, 4096);
}

TEST_F(boot, without_kaslr_it_lies_as_linked)
{
	ASSERT_EQ(0, load(self));
	EXPECT_TRUE(self->l.direct);
	EXPECT_FALSE(self->l.kaslr);
	EXPECT_EQ(0, self->l.virt_offset);
	EXPECT_EQ(0, self->l.phys_base);
	EXPECT_EQ(KMAKE_PHYS, self->l.kernel_start);
	EXPECT_EQ(KMAKE_PHYS, self->e.rip);
	EXPECT_STREQ("console=ttyS0 nokaslr", cmdline(self));
	EXPECT_EQ(0, zero_page(self)->hdr.loadflags & KASLR_FLAG);
	EXPECT_EQ(0, memcmp(mem_ptr(&self->mem, self->e.rip, 3),
			    "\xf4\xeb\xfd", 3));
}

TEST_F(boot, the_same_seed_gives_the_same_layout)
{
	struct machine_layout first;

	self->cfg.kaslr = MACHINE_KASLR_SEED;
	self->cfg.kaslr_seed = 42;
	ASSERT_EQ(0, load(self));
	first = self->l;
	ASSERT_EQ(0, load(self));
	EXPECT_EQ(first.virt_offset, self->l.virt_offset);
	EXPECT_EQ(first.kernel_start, self->l.kernel_start);
	EXPECT_EQ(42, self->l.kaslr_seed);
	self->cfg.kaslr_seed = 43;
	ASSERT_EQ(0, load(self));
	EXPECT_TRUE(first.virt_offset != self->l.virt_offset ||
		    first.kernel_start != self->l.kernel_start);
}

/* The window, the alignment, never 0; and relocations follow the slide. */
TEST_F(boot, every_seed_stays_within_its_bounds)
{
	const struct kimage_boot *b = kimage_boot(self->ki);
	u64 seen = 0, last = 0, seed;

	self->cfg.kaslr = MACHINE_KASLR_SEED;
	for (seed = 0; seed < 200; seed++) {
		struct machine_layout *l = &self->l;
		u64 v;

		self->cfg.kaslr_seed = seed;
		ASSERT_EQ(0, load(self));
		EXPECT_EQ(0, l->virt_offset % MiB(2));
		EXPECT_NE(0, l->virt_offset);
		EXPECT_GE(KIMAGE_START_KERNEL_MAP + KIMAGE_MAP_SIZE_KASLR,
			  b->link_virt + l->virt_offset + b->image_size);
		EXPECT_EQ(0, l->kernel_start % MiB(2));
		EXPECT_LE(MiB(16), l->kernel_start);
		EXPECT_GE(l->initrd_start, l->kernel_end);
		EXPECT_EQ(l->kernel_start + b->image_size, l->kernel_end);
		EXPECT_EQ(l->kernel_start, self->e.rip);
		/* physical = virtual - map + phys_base, as the kernel says */
		EXPECT_EQ(l->kernel_start,
			  b->link_virt + l->virt_offset -
				  KIMAGE_START_KERNEL_MAP + l->phys_base);
		ASSERT_EQ(0, mem_read(&self->mem,
				      l->kernel_start + KMAKE_REL64, &v, 8));
		EXPECT_EQ(l->virt_offset,
			  v - *(u64 *)kimage_at(self->ki,
						KMAKE_TEXT + KMAKE_REL64, 8));
		EXPECT_EQ(KASLR_FLAG,
			  zero_page(self)->hdr.loadflags & KASLR_FLAG);
		seen += l->virt_offset != last;
		last = l->virt_offset;
	}
	EXPECT_LT(190, seen);
	EXPECT_STREQ("console=ttyS0", cmdline(self));
}

TEST_F(boot, random_seeds_differ_and_are_told)
{
	struct machine_layout first;

	self->cfg.kaslr = MACHINE_KASLR_RANDOM;
	ASSERT_EQ(0, load(self));
	first = self->l;
	ASSERT_EQ(0, load(self));
	EXPECT_NE(first.kaslr_seed, self->l.kaslr_seed);
	/* A told seed brings the layout back. */
	self->cfg.kaslr = MACHINE_KASLR_SEED;
	self->cfg.kaslr_seed = first.kaslr_seed;
	ASSERT_EQ(0, load(self));
	EXPECT_EQ(first.virt_offset, self->l.virt_offset);
	EXPECT_EQ(first.kernel_start, self->l.kernel_start);
}

TEST_F(boot, without_relocations_nothing_slides_and_it_says_why)
{
	struct kimage *plain;
	struct buf elf = { 0 };

	kmake_elf(&elf, "rodata", 6);
	ASSERT_EQ(0, kimage_open_buffer(elf.data, elf.len, &plain, NULL));
	self->cfg.kernel.kimage = plain;
	self->cfg.kaslr = MACHINE_KASLR_RANDOM;
	ASSERT_EQ(0, load(self));
	EXPECT_EQ(0, self->l.virt_offset);
	EXPECT_NE(NULL, self->l.no_slide);
	/* An ELF file has no setup header: the fields that matter are made. */
	EXPECT_EQ(0x53726448, zero_page(self)->hdr.header);
	EXPECT_EQ(0xaa55, zero_page(self)->hdr.boot_flag);
	kimage_close(plain);
	buf_reset(&elf);
}

TEST_F(boot, initrd_and_ring)
{
	struct boot_params *bp;

	ASSERT_EQ(0, load(self));
	bp = zero_page(self);
	EXPECT_EQ(MiB(256) - 8192, self->l.ring_start);
	EXPECT_EQ(MiB(256), self->l.ring_end);
	EXPECT_EQ(boot_ring_gpa(MiB(256), RING), self->l.ring_start);
	EXPECT_EQ(0, self->l.initrd_start % 4096);
	EXPECT_GE(self->l.ring_start, self->l.initrd_end);
	EXPECT_EQ(self->l.initrd_start, bp->hdr.ramdisk_image);
	EXPECT_EQ(sizeof(initrd_bytes), bp->hdr.ramdisk_size);
	EXPECT_EQ(0, memcmp(mem_ptr(&self->mem, self->l.initrd_start,
				    sizeof(initrd_bytes)),
			    initrd_bytes, sizeof(initrd_bytes)));
}

static int fill_refuses(void *arg, void *dst, u64 size, struct diag *d)
{
	(void)dst;
	*(u64 *)arg = size;
	return diag_fail(d, -EIO, NULL, "no bytes");
}

TEST_F(boot, initrd_by_callback_and_by_file)
{
	char name[] = "/tmp/test_boot.XXXXXX";
	int fd = mkstemp(name);
	u64 size = 0;

	unlink(name);
	ASSERT_EQ(6, write(fd, "a file", 6));
	self->initrd = (struct machine_initrd){ .size = 6, .fd = fd };
	ASSERT_EQ(0, load(self));
	EXPECT_EQ(0, memcmp(mem_ptr(&self->mem, self->l.initrd_start, 6),
			    "a file", 6));
	self->initrd.size = 7;
	EXPECT_EQ(-ENODATA, load(self));
	close(fd);
	self->initrd = (struct machine_initrd){ .size = 99,
						.fill = fill_refuses,
						.arg = &size };
	EXPECT_EQ(-EIO, load(self));
	EXPECT_EQ(99, size);
}

TEST_F(boot, what_does_not_fit)
{
	self->initrd.size = MiB(241);
	EXPECT_EQ(-ENOSPC, load(self));
	EXPECT_NE(NULL, strstr(diag_text(&self->d), "vm.memory"));
	self->initrd.size = UINT64_MAX;
	EXPECT_EQ(-ENOSPC, load(self));
	self->initrd.size = 0;
	self->cfg.ring_size = MiB(65);
	EXPECT_EQ(-EINVAL, load(self));
	self->cfg.ring_size = UINT64_MAX;
	EXPECT_EQ(-EINVAL, load(self));
	self->cfg.ring_size = 0;
	ASSERT_EQ(0, load(self));
	EXPECT_EQ(self->l.ring_end, self->l.ring_start);
	EXPECT_EQ(0, zero_page(self)->hdr.ramdisk_size);
}

TEST_F(boot, a_long_command_line_is_refused)
{
	u32 limit = kimage_boot(self->ki)->cmdline_size;
	char *line = calloc(1, limit + 2);

	memset(line, 'x', limit + 1);
	self->cfg.cmdline = line;
	self->cfg.kaslr = MACHINE_KASLR_SEED;
	EXPECT_EQ(-E2BIG, load(self));
	line[limit] = '\0';
	EXPECT_EQ(0, load(self));
	/* " nokaslr" must still fit. */
	self->cfg.kaslr = MACHINE_KASLR_OFF;
	EXPECT_EQ(-E2BIG, load(self));
	free(line);
}

TEST_F(boot, zero_page_and_setup_data)
{
	struct boot_params *bp;
	struct setup_data *sd;
	u8 zero[32] = { 0 };

	ASSERT_EQ(0, load(self));
	bp = zero_page(self);
	EXPECT_EQ(BOOT_ACPI, bp->acpi_rsdp_addr);
	EXPECT_EQ(0xff, bp->hdr.type_of_loader);
	EXPECT_EQ(0x20f, bp->hdr.version);
	sd = mem_ptr(&self->mem, bp->hdr.setup_data, sizeof(*sd) + 32);
	EXPECT_EQ(9, sd->type);
	EXPECT_EQ(32, sd->len);
	EXPECT_EQ(0, sd->next);
	EXPECT_NE(0, memcmp(sd->data, zero, 32));
	/* mov dx: the reset vector does something */
	EXPECT_EQ(0xba, *(u8 *)mem_ptr(&self->mem, BOOT_RESET_VECTOR, 1));
}

static void check_map(struct __test_metadata *_metadata, const struct mem *mem,
		      u64 ring)
{
	struct boot_e820 map[BOOT_MAX_E820];
	unsigned int n = boot_e820(mem, ring, map), i;
	u64 ram = 0;

	for (i = 0; i < n; i++) {
		EXPECT_LT(0, map[i].size);
		if (i)
			EXPECT_LE(map[i - 1].addr + map[i - 1].size,
				  map[i].addr);
		if (map[i].type == 1) {
			ram += map[i].size;
			EXPECT_NE(NULL, mem_ptr(mem, map[i].addr,
						map[i].size));
			EXPECT_TRUE(map[i].addr + map[i].size <= BOOT_EBDA ||
				    map[i].addr >= MiB(1));
		}
	}
	EXPECT_EQ(mem->size - (MiB(1) - BOOT_EBDA) - round_up(ring, 4096ULL),
		  ram);
}

TEST(memory_maps)
{
	static const u64 sizes[] = { MiB(32), MiB(512), MEM_HOLE_START,
				     MEM_HOLE_START + 4096, MiB(3500),
				     GiB(64) };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		u64 low = min(sizes[i], (u64)MEM_HOLE_START);
		struct mem mem = {
			.regions = { { 0, low, (u8 *)4096, 0 },
				     { MEM_HOLE_END, sizes[i] - low,
				       (u8 *)4096 + low, low } },
			.nr_regions = sizes[i] > low ? 2 : 1,
			.size = sizes[i],
		};

		check_map(_metadata, &mem, 0);
		check_map(_metadata, &mem, 1);
		check_map(_metadata, &mem, 65536);
	}
}

/* A bzImage with code enough for an entry; the kimage borrows self->image. */
static struct setup_header *make_bzimage(FIXTURE_DATA(boot) *self,
					 struct buf *bz)
{
	static const char code[4096];
	struct setup_header *h;

	buf_add(bz, self->image.data, self->image.len);
	buf_add(bz, code, sizeof(code));
	h = (void *)(bz->data + 0x1f1);
	h->pref_address = MiB(16);
	h->xloadflags |= XLF_KERNEL_64;
	self->cfg.kernel = (struct machine_kernel){
		.bzimage = bz->data, .bzimage_len = bz->len,
	};
	return h;
}

TEST_F(boot, bzimage_at_its_own_entry)
{
	struct buf bz = { 0 };
	size_t setup = (make_bzimage(self, &bz)->setup_sects + 1) * 512;

	ASSERT_EQ(0, load(self)) {
		TH_LOG("%s", diag_text(&self->d));
	}
	EXPECT_FALSE(self->l.direct);
	EXPECT_EQ(MiB(16) + 0x200, self->e.rip);
	EXPECT_EQ(0, memcmp(mem_ptr(&self->mem, MiB(16), 64),
			    bz.data + setup, 64));
	/* It draws for itself, and sets the flag by itself. */
	EXPECT_EQ(0, zero_page(self)->hdr.loadflags & KASLR_FLAG);
	buf_reset(&bz);
}

TEST_F(boot, damaged_bzimages_are_refused)
{
	struct buf bz = { 0 };
	struct setup_header *h = make_bzimage(self, &bz), good = *h;
	unsigned int i;
	size_t len;

	for (i = 0; i < 8; i++) {
		*h = good;
		len = bz.len;
		switch (i) {
		case 0: len = 0x1f1; break;
		case 1: len = (good.setup_sects + 1) * 512; break;
		case 2: h->boot_flag = 0; break;
		case 3: h->header = 0; break;
		case 4: h->version = 0x20b; break;
		case 5: h->xloadflags = 0; break;
		case 6: h->pref_address = 0; break;
		case 7: h->pref_address = UINT64_MAX - 4095; break;
		}
		self->cfg.kernel.bzimage_len = len;
		EXPECT_GT(0, load(self)) {
			TH_LOG("case %u", i);
		}
	}
	self->cfg.kernel = (struct machine_kernel){ 0 };
	EXPECT_EQ(-EINVAL, load(self));
	buf_reset(&bz);
}

TEST_HARNESS_MAIN
