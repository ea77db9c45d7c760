// SPDX-License-Identifier: GPL-2.0-only
/* Guest RAM: the hole, the edges, what a hostile address may not reach. */
#include "vmm/mem.h"

#include <errno.h>
#include <string.h>

#include <kselftest_harness.h>

#include "vmm/base/diag.h"

#define ABOVE MiB(8)

FIXTURE(mem) {
	struct mem m;
};

/* 3 GiB + 8 MiB: untouched pages cost nothing. */
FIXTURE_SETUP(mem)
{
	ASSERT_EQ(0, mem_create(&self->m, MEM_HOLE_START + ABOVE, NULL));
}

FIXTURE_TEARDOWN(mem)
{
	mem_destroy(&self->m);
}

TEST_F(mem, two_regions_around_the_hole)
{
	ASSERT_EQ(2, self->m.nr_regions);
	EXPECT_EQ(0, self->m.regions[0].gpa);
	EXPECT_EQ(MEM_HOLE_START, self->m.regions[0].size);
	EXPECT_EQ(MEM_HOLE_END, self->m.regions[1].gpa);
	EXPECT_EQ(ABOVE, self->m.regions[1].size);
	EXPECT_EQ(MEM_HOLE_START, self->m.regions[1].file_off);
}

TEST_F(mem, edges_of_the_hole)
{
	EXPECT_NE(NULL, mem_ptr(&self->m, MEM_HOLE_START - 1, 1));
	EXPECT_EQ(NULL, mem_ptr(&self->m, MEM_HOLE_START - 1, 2));
	EXPECT_EQ(NULL, mem_ptr(&self->m, MEM_HOLE_START, 1));
	EXPECT_EQ(NULL, mem_ptr(&self->m, MEM_HOLE_END - 1, 1));
	EXPECT_EQ(NULL, mem_ptr(&self->m, MEM_HOLE_END - 1, 2));
	EXPECT_NE(NULL, mem_ptr(&self->m, MEM_HOLE_END, 1));
}

/* The bytes on both sides are neighbours on the host, never for the guest. */
TEST_F(mem, a_range_does_not_span_the_hole)
{
	u8 bytes[8];

	EXPECT_EQ(NULL, mem_ptr(&self->m, MEM_HOLE_START - 4,
				MEM_HOLE_END - MEM_HOLE_START + 8));
	EXPECT_EQ(-EFAULT, mem_read(&self->m, MEM_HOLE_START - 4, bytes, 8));
	EXPECT_EQ(-EFAULT, mem_write(&self->m, MEM_HOLE_START - 4, bytes, 8));
}

TEST_F(mem, the_end_of_ram)
{
	gpa_t end = MEM_HOLE_END + ABOVE;

	EXPECT_NE(NULL, mem_ptr(&self->m, MEM_HOLE_END, ABOVE));
	EXPECT_EQ(NULL, mem_ptr(&self->m, MEM_HOLE_END, ABOVE + 1));
	EXPECT_NE(NULL, mem_ptr(&self->m, end - 1, 1));
	EXPECT_EQ(NULL, mem_ptr(&self->m, end, 1));
}

TEST_F(mem, lengths_that_wrap_are_refused)
{
	EXPECT_EQ(NULL, mem_ptr(&self->m, 0, UINT64_MAX));
	EXPECT_EQ(NULL, mem_ptr(&self->m, 4096, UINT64_MAX - 4095));
	EXPECT_EQ(NULL, mem_ptr(&self->m, 4096, UINT64_MAX - 4096 + 2));
	EXPECT_EQ(NULL, mem_ptr(&self->m, UINT64_MAX, 1));
	EXPECT_EQ(NULL, mem_ptr(&self->m, UINT64_MAX, UINT64_MAX));
	EXPECT_EQ(NULL, mem_ptr(&self->m, MEM_HOLE_END, UINT64_MAX - 1));
}

TEST_F(mem, zero_length_is_valid_at_ram_only)
{
	EXPECT_NE(NULL, mem_ptr(&self->m, 0, 0));
	EXPECT_NE(NULL, mem_ptr(&self->m, MEM_HOLE_START - 1, 0));
	EXPECT_EQ(NULL, mem_ptr(&self->m, MEM_HOLE_START, 0));
	EXPECT_EQ(NULL, mem_ptr(&self->m, UINT64_MAX, 0));
}

TEST_F(mem, what_was_written_is_read)
{
	u8 in[16] = "fifteen letters", out[16] = { 0 };

	ASSERT_EQ(0, mem_write(&self->m, MEM_HOLE_END + 4095, in, 16));
	ASSERT_EQ(0, mem_read(&self->m, MEM_HOLE_END + 4095, out, 16));
	EXPECT_EQ(0, memcmp(in, out, 16));
	EXPECT_EQ(0, *(u8 *)mem_ptr(&self->m, 0, 1));
}

TEST_F(mem, the_mapping_suits_huge_pages)
{
	EXPECT_EQ(0, (uintptr_t)self->m.map % MiB(2));
}

TEST(small_memory_is_one_region)
{
	struct mem m;

	ASSERT_EQ(0, mem_create(&m, MiB(2) + 4096, NULL));
	EXPECT_EQ(1, m.nr_regions);
	EXPECT_NE(NULL, mem_ptr(&m, MiB(2), 4096));
	EXPECT_EQ(NULL, mem_ptr(&m, MiB(2), 4097));
	mem_destroy(&m);
	EXPECT_EQ(-1, m.fd);
	mem_destroy(&m);
}

TEST(sizes_that_are_no_memory)
{
	struct diag d = { 0 };
	struct mem m;

	EXPECT_EQ(-EINVAL, mem_create(&m, 0, &d));
	EXPECT_EQ(-EINVAL, mem_create(&m, 4095, &d));
	EXPECT_EQ(-EINVAL, mem_create(&m, 4097, &d));
	EXPECT_GT(0, mem_create(&m, UINT64_MAX & ~4095ULL, &d));
	diag_reset(&d);
}

TEST(over_a_plain_buffer)
{
	u8 bytes[32] = { [31] = 7 };
	struct mem m;

	mem_from_buffer(&m, 0x1000, bytes, sizeof(bytes));
	EXPECT_EQ(NULL, mem_ptr(&m, 0xfff, 1));
	EXPECT_EQ(&bytes[0], (u8 *)mem_ptr(&m, 0x1000, 32));
	EXPECT_EQ(NULL, mem_ptr(&m, 0x1000, 33));
	mem_destroy(&m);
	EXPECT_EQ(7, bytes[31]);
}

TEST_HARNESS_MAIN
