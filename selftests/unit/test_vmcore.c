// SPDX-License-Identifier: GPL-2.0-only
/* A core written and read back; holes; and cores that lie. */
#include "freeze/vmcore.h"

#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <kselftest_harness.h>

#include "freeze/vas.h"
#include "selftests/lib/kguest.h"
#include "vmm/base/buf.h"
#include "vmm/base/diag.h"

#define STEXT 0xffffffff9a000000ULL
#define TEXT "OSRELEASE=6.12.0-test\nSYMBOL(swapper_pg_dir)=ffffffff9b000000\n"

FIXTURE(core) {
	struct mem mem;
	struct machine_regs regs[2];
	struct vmcoreinfo info;
	struct vmcore_from from;
	struct vmcore_told told;
	struct diag d;
	int fd;
	char path[64];
};

FIXTURE_SETUP(core)
{
	memset(&self->d, 0, sizeof(self->d));
	ASSERT_EQ(0, mem_create(&self->mem, MiB(64), &self->d));
	ASSERT_EQ(0, vmcoreinfo_parse(TEXT, sizeof(TEXT), &self->info));
	self->regs[0] = (struct machine_regs){ .rip = STEXT + 0x10, .rsp = 0x1234,
					       .r15 = 15, .cs = 0x10 };
	self->regs[1] = (struct machine_regs){ .rip = 2, .rax = 7, .cs = 0x33,
					       .fs_base = 0x7f00, .rflags = 0x202 };
	self->from = (struct vmcore_from){
		.mem = &self->mem, .regs = self->regs, .nr_cpus = 2,
		.info = &self->info, .page_offset = 0xffff888000000000ULL,
		.image = { STEXT, MiB(16), MiB(4) },
	};
	self->fd = memfd_create("core", 0);
	ASSERT_LE(0, self->fd);
	snprintf(self->path, sizeof(self->path), "/proc/self/fd/%d", self->fd);
}

FIXTURE_TEARDOWN(core)
{
	mem_destroy(&self->mem);
	close(self->fd);
	diag_reset(&self->d);
}

TEST_F(core, comes_back_as_it_was)
{
	struct vmcore core;
	char text[64];
	u64 v = 0;

	ASSERT_EQ(0, mem_write(&self->mem, 0x500, "low", 4));
	ASSERT_EQ(0, mem_write(&self->mem, MiB(17), "image", 6));
	ASSERT_EQ(0, mem_write(&self->mem, MiB(64) - 4, "end", 4));
	ASSERT_EQ(0, vmcore_write(self->fd, &self->from, 0, &self->told, &self->d));
	ASSERT_EQ(0, vmcore_open(self->path, &core, &self->d)) {
		TH_LOG("%s", diag_text(&self->d));
	}
	ASSERT_EQ(2, core.nr_cpus);
	EXPECT_EQ(1, core.pids[0]);
	EXPECT_EQ(2, core.pids[1]);
	EXPECT_EQ(STEXT + 0x10, core.regs[0].rip);
	EXPECT_EQ(15, core.regs[0].r15);
	EXPECT_EQ(0, core.regs[0].cpl);
	EXPECT_EQ(7, core.regs[1].rax);
	EXPECT_EQ(0x7f00, core.regs[1].fs_base);
	EXPECT_EQ(0x202, core.regs[1].rflags);
	EXPECT_EQ(3, core.regs[1].cpl);
	ASSERT_TRUE(core.has_info);
	EXPECT_STREQ(TEXT, core.info.text);
	EXPECT_EQ(0, mem_read(&core.mem, 0x500, text, 4));
	EXPECT_STREQ("low", text);
	EXPECT_EQ(0, mem_read(&core.mem, MiB(17), text, 6));
	EXPECT_STREQ("image", text);
	EXPECT_EQ(0, mem_read(&core.mem, MiB(64) - 4, text, 4));
	EXPECT_STREQ("end", text);
	EXPECT_EQ(0, mem_read(&core.mem, MiB(32), &v, 8));
	EXPECT_EQ(0, v);
	EXPECT_EQ(NULL, mem_ptr(&core.mem, 0xa0000, 1));
	EXPECT_EQ(NULL, mem_ptr(&core.mem, MiB(64), 1));
	vmcore_close(&core);
}

TEST_F(core, kernel_image_comes_first_and_shares_bytes)
{
	Elf64_Phdr ph[4];

	ASSERT_EQ(0, vmcore_write(self->fd, &self->from, 0, &self->told, &self->d));
	ASSERT_EQ(sizeof(ph), pread(self->fd, ph, sizeof(ph), sizeof(Elf64_Ehdr)));
	EXPECT_EQ(PT_NOTE, ph[0].p_type);
	EXPECT_EQ(PT_LOAD, ph[1].p_type);
	EXPECT_EQ(STEXT, ph[1].p_vaddr);
	EXPECT_EQ(MiB(16), ph[1].p_paddr);
	EXPECT_EQ(0, ph[2].p_paddr);
	EXPECT_EQ(0xa0000, ph[2].p_filesz);
	EXPECT_EQ(0xffff888000000000ULL, ph[2].p_vaddr);
	EXPECT_EQ(0x100000, ph[3].p_paddr);
	EXPECT_EQ(MiB(63), ph[3].p_filesz);
	EXPECT_EQ(ph[3].p_offset + MiB(15), ph[1].p_offset);
	EXPECT_EQ(0, ph[1].p_offset % 4096);
}

TEST_F(core, zeros_are_holes)
{
	struct stat st;
	u64 i;

	/* Touched and zero, touched and not: only the latter are written. */
	memset(mem_ptr(&self->mem, MiB(8), MiB(4)), 0, MiB(4));
	for (i = 0; i < MiB(2); i += 4096)
		*(u8 *)mem_ptr(&self->mem, MiB(20) + i + 4095, 1) = 1;
	EXPECT_EQ(MiB(2), vmcore_bytes(&self->from));
	ASSERT_EQ(0, vmcore_write(self->fd, &self->from, 0, &self->told, &self->d));
	ASSERT_EQ(0, fstat(self->fd, &st));
	EXPECT_EQ(self->told.size, st.st_size);
	EXPECT_LT(MiB(64), st.st_size);
	EXPECT_GE(MiB(2) + KiB(16), self->told.written);
	EXPECT_GE(MiB(4), (u64)st.st_blocks * 512);
}

TEST_F(core, untouched_memory_stays_so)
{
	struct stat st;

	ASSERT_EQ(0, mem_write(&self->mem, MiB(40), "x", 1));
	ASSERT_EQ(0, vmcore_write(self->fd, &self->from, 0, &self->told, &self->d));
	ASSERT_EQ(0, fstat(self->mem.fd, &st));
	EXPECT_GE(MiB(2), (u64)st.st_blocks * 512);
}

TEST_F(core, needs_little_memory)
{
	struct rusage before, after;

	memset(mem_ptr(&self->mem, 0, MiB(64)), 0x5a, MiB(64));
	getrusage(RUSAGE_SELF, &before);
	ASSERT_EQ(0, vmcore_write(self->fd, &self->from, 0, &self->told, &self->d));
	getrusage(RUSAGE_SELF, &after);
	/* In KiB. The guest's memory was mapped before, ours is the headers. */
	EXPECT_GE(1024, after.ru_maxrss - before.ru_maxrss);
}

TEST_F(core, over_the_limit)
{
	memset(mem_ptr(&self->mem, MiB(8), MiB(4)), 1, MiB(4));
	EXPECT_EQ(-EFBIG, vmcore_write(self->fd, &self->from, MiB(3), &self->told,
				       &self->d));
	EXPECT_NE(NULL, strstr(diag_text(&self->d), "3 MiB"));
}

TEST_F(core, without_vmcoreinfo)
{
	struct vmcore core;

	self->from.info = NULL;
	self->from.image.size = 0;
	self->from.page_offset = 0;
	ASSERT_EQ(0, vmcore_write(self->fd, &self->from, 0, &self->told, &self->d));
	ASSERT_EQ(0, vmcore_open(self->path, &core, &self->d));
	EXPECT_FALSE(core.has_info);
	EXPECT_EQ(2, core.nr_cpus);
	vmcore_close(&core);
}

TEST_F(core, map_outside_of_memory)
{
	struct vmcore_map map = { 0xffffc90000000000ULL, MiB(64) - 4096, 8192 };

	self->from.maps = &map;
	self->from.nr_maps = 1;
	EXPECT_EQ(-EINVAL, vmcore_write(self->fd, &self->from, 0, &self->told,
					&self->d));
}

TEST(memory_above_the_hole)
{
	struct machine_regs regs = { 0 };
	struct vmcore_from from = { .regs = &regs, .nr_cpus = 1 };
	struct vmcore_told told;
	struct diag d = { 0 };
	struct vmcore core;
	struct mem mem;
	char path[64], text[8];
	int fd = memfd_create("core", 0);

	ASSERT_EQ(0, mem_create(&mem, GiB(4), &d));
	from.mem = &mem;
	ASSERT_EQ(0, mem_write(&mem, MEM_HOLE_END + MiB(1), "high", 5));
	ASSERT_EQ(0, vmcore_write(fd, &from, 0, &told, &d));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	ASSERT_EQ(0, vmcore_open(path, &core, &d));
	EXPECT_EQ(3, core.mem.nr_regions);
	EXPECT_EQ(0, mem_read(&core.mem, MEM_HOLE_END + MiB(1), text, 5));
	EXPECT_STREQ("high", text);
	EXPECT_EQ(NULL, mem_ptr(&core.mem, MEM_HOLE_START, 1));
	vmcore_close(&core);
	mem_destroy(&mem);
	close(fd);
}

TEST(pages_of_a_stack)
{
	struct vmcore_map maps[VMCORE_STACK_MAPS];
	struct kguest g;
	gva_t stack;

	kguest_init(&g);
	stack = kguest_alloc(&g, KiB(16), KiB(16));
	kguest_symbol(&g, "_stack", stack);
	kguest_ready(&g);
	EXPECT_EQ(3, vmcore_stack(&g.k.vas, stack + 0x1008, maps));
	EXPECT_EQ(stack + 0x1000, maps[0].gva);
	EXPECT_EQ(4096, maps[0].size);
	EXPECT_EQ(kguest_ptr(&g, stack + 0x1000), mem_ptr(&g.mem, maps[0].gpa, 4096));
	EXPECT_EQ(0, vmcore_stack(&g.k.vas, 0x7ffc00001000, maps));
	EXPECT_EQ(0, vmcore_stack(&g.k.vas, ~0ULL, maps));
	kguest_free(&g);
}

/* --- cores that lie ----------------------------------------------------- */

FIXTURE(liar) {
	u8 *file;
	size_t len;
	Elf64_Ehdr *eh;
	Elf64_Phdr *ph;
	struct vmcore core;
	struct diag d;
};

FIXTURE_SETUP(liar)
{
	static u8 ram[MiB(1) + 8192];
	struct machine_regs regs = { 0 };
	struct vmcore_from from = { .regs = &regs, .nr_cpus = 1 };
	struct vmcore_told told;
	struct mem mem;
	int fd = memfd_create("core", 0);

	memset(&self->d, 0, sizeof(self->d));
	mem_from_buffer(&mem, 0, ram, sizeof(ram));
	from.mem = &mem;
	ASSERT_EQ(0, vmcore_write(fd, &from, 0, &told, &self->d));
	self->len = told.size;
	self->file = malloc(self->len);
	ASSERT_NE(NULL, self->file);
	ASSERT_EQ(self->len, pread(fd, self->file, self->len, 0));
	close(fd);
	self->eh = (void *)self->file;
	self->ph = (void *)(self->file + self->eh->e_phoff);
}

FIXTURE_TEARDOWN(liar)
{
	diag_reset(&self->d);
	free(self->file);
}

static int open_it(FIXTURE_DATA(liar) *self)
{
	int err = vmcore_open_buffer(self->file, self->len, &self->core, &self->d);

	if (!err)
		vmcore_close(&self->core);
	return err;
}

TEST_F(liar, tells_the_truth_at_first)
{
	EXPECT_EQ(0, open_it(self));
}

TEST_F(liar, no_elf)
{
	self->file[0] = 'x';
	EXPECT_EQ(-ENOEXEC, open_it(self));
}

TEST_F(liar, no_core)
{
	self->eh->e_type = ET_EXEC;
	EXPECT_EQ(-ENOEXEC, open_it(self));
}

TEST_F(liar, cut_anywhere)
{
	size_t whole = self->len, n;

	for (n = 0; n < 4096; n += 7) {
		self->len = n;
		EXPECT_NE(0, open_it(self));
	}
	self->len = whole - 1;
	EXPECT_EQ(-EINVAL, open_it(self));
}

TEST_F(liar, headers_outside)
{
	self->eh->e_phoff = ~0ULL - 8;
	EXPECT_EQ(-EINVAL, open_it(self));
}

TEST_F(liar, notes_outside)
{
	self->ph[0].p_filesz = ~0ULL;
	EXPECT_EQ(-EINVAL, open_it(self));
}

TEST_F(liar, note_longer_than_notes)
{
	Elf64_Nhdr *nh = (void *)(self->file + self->ph[0].p_offset);

	nh->n_descsz = 0xffffffff;
	EXPECT_EQ(-EINVAL, open_it(self));
	nh->n_descsz = 8;
	EXPECT_EQ(-EINVAL, open_it(self));
}

TEST_F(liar, segment_outside)
{
	self->ph[1].p_offset = self->len;
	EXPECT_EQ(-EINVAL, open_it(self));
}

TEST_F(liar, segment_wraps)
{
	self->ph[1].p_paddr = ~0ULL - 4096;
	EXPECT_EQ(-EINVAL, open_it(self));
}

TEST_HARNESS_MAIN
