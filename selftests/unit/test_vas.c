// SPDX-License-Identifier: GPL-2.0-only
/* Page walks over sane, looping and lying tables. */
#include "freeze/vas.h"

#include <errno.h>
#include <string.h>

#include <kselftest_harness.h>

#include "selftests/lib/kguest.h"

FIXTURE(vas) {
	struct kguest g;
	struct vas v;
};

FIXTURE_SETUP(vas)
{
	kguest_init(&self->g);
	vas_init(&self->v, &self->g.mem, self->g.root, false);
}

FIXTURE_TEARDOWN(vas)
{
	kguest_free(&self->g);
}

/* A fresh top-level table. */
static gpa_t new_root(FIXTURE_DATA(vas) *self, bool la57)
{
	gpa_t root = kguest_alloc(&self->g, 4096, 4096) - KGUEST_VIRT;

	vas_init(&self->v, &self->g.mem, root, la57);
	return root;
}

TEST_F(vas, scalars_and_strings)
{
	gva_t at = kguest_alloc(&self->g, 64, 64);
	char text[16];
	u64 v64;
	u32 v32;
	u16 v16;
	u8 v8;

	kguest_put(&self->g, at, 0x1122334455667788, 8);
	EXPECT_EQ(0, vas_read_u64(&self->v, at, &v64));
	EXPECT_EQ(0x1122334455667788, v64);
	EXPECT_EQ(0, vas_read_u32(&self->v, at + 4, &v32));
	EXPECT_EQ(0x11223344, v32);
	EXPECT_EQ(0, vas_read_u16(&self->v, at + 1, &v16));
	EXPECT_EQ(0x6677, v16);
	EXPECT_EQ(0, vas_read_u8(&self->v, at, &v8));
	EXPECT_EQ(0x88, v8);
	strcpy(kguest_ptr(&self->g, at), "hello");
	EXPECT_EQ(5, vas_read_string(&self->v, at, text, sizeof(text)));
	EXPECT_STREQ("hello", text);
	EXPECT_EQ(3, vas_read_string(&self->v, at, text, 4));
	EXPECT_STREQ("hel", text);
	EXPECT_EQ(-EINVAL, vas_read_string(&self->v, at, text, 0));
}

TEST_F(vas, pcid_and_flags_of_cr3_are_masked)
{
	u64 v;

	vas_init(&self->v, &self->g.mem, self->g.root | 0xfff | 1ULL << 63,
		 false);
	EXPECT_EQ(0, vas_read_u64(&self->v, KGUEST_VIRT, &v));
}

TEST_F(vas, no_page_tables_yet)
{
	u64 v;

	vas_init(&self->v, &self->g.mem, 0, false);
	EXPECT_EQ(-ENXIO, vas_read_u64(&self->v, KGUEST_VIRT, &v));
}

TEST_F(vas, page_sizes)
{
	gpa_t root = new_root(self, false), gpa;
	u64 left;

	kguest_map(&self->g, root, 4, 0x200000, 0, MiB(2));
	kguest_map(&self->g, root, 4, 0x40000000, 0, GiB(1));
	kguest_map(&self->g, root, 4, 0x1000, 0x3000, 4096);
	EXPECT_EQ(0, vas_translate(&self->v, 0x1234, &gpa, &left));
	EXPECT_EQ(0x3234, gpa);
	EXPECT_EQ(4096 - 0x234, left);
	EXPECT_EQ(0, vas_translate(&self->v, 0x212345, &gpa, &left));
	EXPECT_EQ(0x12345, gpa);
	EXPECT_EQ(MiB(2) - 0x12345, left);
	EXPECT_EQ(0, vas_translate(&self->v, 0x40012345, &gpa, &left));
	EXPECT_EQ(0x12345, gpa);
	EXPECT_EQ(GiB(1) - 0x12345, left);
	EXPECT_EQ(-EFAULT, vas_translate(&self->v, 0x2000, &gpa, &left));
}

TEST_F(vas, five_levels)
{
	gpa_t root = new_root(self, true), gpa;
	gva_t at = 0xff11000000003000;	/* canonical with 57 bits only */

	kguest_map(&self->g, root, 5, at, 0x5000, 4096);
	EXPECT_EQ(0, vas_translate(&self->v, at + 8, &gpa, NULL));
	EXPECT_EQ(0x5008, gpa);
	self->v.la57 = false;
	EXPECT_EQ(-EINVAL, vas_translate(&self->v, at + 8, &gpa, NULL));
}

TEST_F(vas, not_canonical)
{
	gpa_t gpa;

	EXPECT_EQ(-EINVAL, vas_translate(&self->v, 0x0000800000000000, &gpa,
					 NULL));
	EXPECT_EQ(-EINVAL, vas_translate(&self->v, 0xffff7fffffffffff, &gpa,
					 NULL));
}

TEST_F(vas, read_across_pages_that_are_apart)
{
	gpa_t root = new_root(self, false);
	char got[8];

	kguest_map(&self->g, root, 4, 0x1000, 0x80000, 4096);
	kguest_map(&self->g, root, 4, 0x2000, 0x90000, 4096);
	memcpy(self->g.ram + 0x80ffc, "abcd", 4);
	memcpy(self->g.ram + 0x90000, "efgh", 4);
	EXPECT_EQ(0, vas_read(&self->v, 0x1ffc, got, 8));
	EXPECT_EQ(0, memcmp(got, "abcdefgh", 8));
	EXPECT_EQ(-EFAULT, vas_read(&self->v, 0x2ffc, got, 8));
	/* A string that runs into a page that is not there is cut. */
	memset(self->g.ram + 0x90ffc, 'x', 4);
	EXPECT_EQ(4, vas_read_string(&self->v, 0x2ffc, got, 8));
	EXPECT_STREQ("xxxx", got);
	EXPECT_EQ(-EFAULT, vas_read_string(&self->v, 0x3000, got, 8));
}

TEST_F(vas, table_that_names_itself)
{
	gpa_t root = new_root(self, false), gpa;
	u64 *e = (u64 *)(self->g.ram + root);
	unsigned int i;
	u64 v;

	for (i = 0; i < 512; i++)
		e[i] = root | 3;
	/* Ends after four levels, in the table itself. */
	EXPECT_EQ(0, vas_translate(&self->v, 0, &gpa, NULL));
	EXPECT_EQ(root, gpa);
	EXPECT_EQ(0, vas_read_u64(&self->v, 0x8, &v));
	EXPECT_EQ(root | 3, v);
}

TEST_F(vas, tables_and_pages_outside_ram)
{
	gpa_t root = new_root(self, false), gpa;
	u64 *e = (u64 *)(self->g.ram + root), v;

	e[0] = KGUEST_SIZE | 3;
	EXPECT_EQ(-EFAULT, vas_translate(&self->v, 0, &gpa, NULL));
	e[0] = 0x000ffffffffff000 | 3;
	EXPECT_EQ(-EFAULT, vas_translate(&self->v, 0, &gpa, NULL));
	e[0] = 0;
	kguest_map(&self->g, root, 4, 0x1000, KGUEST_SIZE, 4096);
	EXPECT_EQ(0, vas_translate(&self->v, 0x1000, &gpa, NULL));
	EXPECT_EQ(-EFAULT, vas_read_u64(&self->v, 0x1000, &v));
	vas_init(&self->v, &self->g.mem, KGUEST_SIZE, false);
	EXPECT_EQ(-EFAULT, vas_translate(&self->v, 0, &gpa, NULL));
}

/* 2M of virtual space, of which only the first half is RAM. */
TEST_F(vas, large_page_beyond_ram)
{
	gpa_t root = new_root(self, false);
	char got[16];
	u64 v;

	kguest_map(&self->g, root, 4, 0x200000, 0, MiB(2));
	EXPECT_EQ(0, vas_read(&self->v, 0x200000 + KGUEST_SIZE - 16, got, 16));
	EXPECT_EQ(-EFAULT, vas_read(&self->v, 0x200000 + KGUEST_SIZE - 8, got,
				    16));
	EXPECT_EQ(-EFAULT, vas_read_u64(&self->v, 0x200000 + KGUEST_SIZE, &v));
}

TEST_F(vas, end_of_the_address_space)
{
	gpa_t root = new_root(self, false);
	char got[32];

	kguest_map(&self->g, root, 4, 0xfffffffffffff000, 0x80000, 4096);
	EXPECT_EQ(0, vas_read(&self->v, 0xfffffffffffffff0, got, 16));
	EXPECT_NE(0, vas_read(&self->v, 0xfffffffffffffff0, got, 32));
	EXPECT_NE(0, vas_read(&self->v, 0xfffffffffffffff0, got, 17));
}

/* Whatever lies in the tables: each walk ends and stays within RAM. */
TEST_F(vas, random_tables)
{
	unsigned int i, seed = 4711;
	size_t at;
	char got[64];

	for (i = 0; i < 50; i++) {
		for (at = 0; at < KGUEST_SIZE; at += 8) {
			u64 e = ((u64)rand_r(&seed) << 20) % (2 * KGUEST_SIZE);

			e = (e & ~0xfffULL) | (rand_r(&seed) & 0x81);
			memcpy(self->g.ram + at, &e, 8);
		}
		for (at = 0; at < 500; at++) {
			u64 gva = ((u64)rand_r(&seed) << 33) ^
				  ((u64)rand_r(&seed) << 2);

			vas_init(&self->v, &self->g.mem,
				 (u64)rand_r(&seed) % KGUEST_SIZE, at & 1);
			vas_read(&self->v, gva, got, 1 + at % 64);
			vas_read_string(&self->v, gva, got, sizeof(got));
		}
	}
}

TEST_HARNESS_MAIN
