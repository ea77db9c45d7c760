// SPDX-License-Identifier: GPL-2.0-only
/* The log ring and VMCOREINFO in guest memory, honest and hostile. */
#include "freeze/dmesg.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include <kselftest_harness.h>

#include "selftests/lib/kguest.h"
#include "vmm/base/buf.h"
#include "vmm/base/diag.h"

#define COUNT_BITS 3
#define SIZE_BITS 8
#define FINAL (2ULL << 62)

FIXTURE(dmesg) {
	struct kguest g;
	struct diag d;
	struct dmesg m;
	struct buf text;
	gva_t rb, descs, infos, data;
	u64 seq;
};

FIXTURE_SETUP(dmesg)
{
	struct kguest *g = &self->g;
	gva_t prb;

	memset(self, 0, sizeof(*self));
	kguest_init(g);
	prb = kguest_alloc(g, 8, 8);
	self->rb = kguest_alloc(g, 64, 8);
	self->descs = kguest_alloc(g, 24 << COUNT_BITS, 8);
	self->infos = kguest_alloc(g, 32 << COUNT_BITS, 8);
	self->data = kguest_alloc(g, 1 << SIZE_BITS, 8);
	kguest_put(g, prb, self->rb, 8);
	kguest_symbol(g, "prb", prb);
	kguest_ready(g);
	kguest_set(g, self->rb, "prb_desc_ring.count_bits", COUNT_BITS);
	kguest_set(g, self->rb, "prb_desc_ring.descs", self->descs);
	kguest_set(g, self->rb, "prb_desc_ring.infos", self->infos);
	kguest_set(g, self->rb + 40, "prb_data_ring.size_bits", SIZE_BITS);
	kguest_set(g, self->rb + 40, "prb_data_ring.data", self->data);
}

FIXTURE_TEARDOWN(dmesg)
{
	dmesg_reset(&self->m);
	buf_reset(&self->text);
	diag_reset(&self->d);
	kguest_free(&self->g);
}

static gva_t desc_of(FIXTURE_DATA(dmesg) *self, u64 id)
{
	return self->descs + (id & ((1 << COUNT_BITS) - 1)) * 24;
}

static gva_t info_of(FIXTURE_DATA(dmesg) *self, u64 id)
{
	return self->infos + (id & ((1 << COUNT_BITS) - 1)) * 32;
}

/* A record whose block lies at logical [begin, next), its text at @off. */
static void put(FIXTURE_DATA(dmesg) *self, u64 id, u64 begin, u64 next, u64 off,
		const char *text)
{
	struct kguest *g = &self->g;
	gva_t desc = desc_of(self, id), info = info_of(self, id);

	kguest_set(g, desc, "prb_desc.state_var", id | FINAL);
	kguest_put(g, desc + 8, begin, 8);
	kguest_put(g, desc + 16, next, 8);
	kguest_set(g, info, "printk_info.seq", self->seq++);
	kguest_set(g, info, "printk_info.ts_nsec", 1234567000ULL + id);
	kguest_set(g, info, "printk_info.text_len", strlen(text));
	kguest_set(g, info, "printk_info.facility", 0);
	kguest_set(g, info, "printk_info.level", 6 << 5);
	kguest_put(g, self->data + off, id, 8);
	memcpy(kguest_ptr(g, self->data + off + 8), text, strlen(text));
}

static void ring(FIXTURE_DATA(dmesg) *self, u64 tail, u64 head)
{
	kguest_set(&self->g, self->rb, "prb_desc_ring.tail_id", tail);
	kguest_set(&self->g, self->rb, "prb_desc_ring.head_id", head);
}

static int read_log(FIXTURE_DATA(dmesg) *self)
{
	int err;

	dmesg_reset(&self->m);
	buf_reset(&self->text);
	err = dmesg_read(&self->g.k, &self->m, &self->d);
	if (!err)
		dmesg_print(&self->m, &self->text);
	return err;
}

TEST_F(dmesg, records_in_order)
{
	put(self, 8, 0, 24, 0, "first");
	put(self, 9, 24, 64, 24, "second\nline two");
	ring(self, 8, 9);
	ASSERT_EQ(0, read_log(self));
	ASSERT_EQ(2, self->m.nr);
	EXPECT_EQ(0, self->m.skipped);
	EXPECT_EQ(6, self->m.records[0].level);
	EXPECT_EQ(1, self->m.records[1].seq);
	EXPECT_STREQ("[    1.234567] first\n"
		     "[    1.234567] second\n"
		     "[    1.234567] line two\n", buf_str(&self->text));
}

TEST_F(dmesg, block_that_wraps_lies_at_the_start)
{
	put(self, 8, 232, 256 + 24, 0, "wrapped");
	ring(self, 8, 8);
	ASSERT_EQ(0, read_log(self));
	EXPECT_STREQ("[    1.234567] wrapped\n", buf_str(&self->text));
}

TEST_F(dmesg, block_that_ends_with_the_ring)
{
	put(self, 8, 232, 256, 232, "last");
	ring(self, 8, 8);
	ASSERT_EQ(0, read_log(self));
	EXPECT_STREQ("[    1.234567] last\n", buf_str(&self->text));
}

TEST_F(dmesg, empty_and_unfinished_records)
{
	put(self, 8, 0, 24, 0, "whole");
	put(self, 9, 24, 48, 24, "being written");
	put(self, 10, 3, 3, 0, "");
	put(self, 11, 48, 72, 48, "another id");
	kguest_set(&self->g, desc_of(self, 9), "prb_desc.state_var", 9);
	kguest_set(&self->g, desc_of(self, 11), "prb_desc.state_var",
		   (11 + 8) | FINAL);
	ring(self, 8, 11);
	ASSERT_EQ(0, read_log(self));
	EXPECT_EQ(2, self->m.nr);
	EXPECT_EQ(2, self->m.skipped);
	EXPECT_STREQ("[    1.234567] whole\n[    1.234567] \n",
		     buf_str(&self->text));
}

TEST_F(dmesg, ring_that_never_was_used)
{
	kguest_set(&self->g, desc_of(self, 8), "prb_desc.state_var",
		   8 | 3ULL << 62);
	ring(self, 8, 8);
	ASSERT_EQ(0, read_log(self));
	EXPECT_EQ(0, self->m.nr);
	EXPECT_EQ(0, self->m.skipped);
}

/* Blocks that point anywhere: no text then, and nothing read outside. */
TEST_F(dmesg, blocks_that_lie)
{
	static const u64 lies[][2] = {
		{ 0, UINT64_MAX }, { UINT64_MAX - 1, 0 }, { 0, 0 }, { 64, 8 },
		{ 0, 4 }, { 0, 1 << 20 }, { 256, 24 }, { 250, 256 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(lies); i++) {
		put(self, 8, lies[i][0], lies[i][1], 0, "text");
		ring(self, 8, 8);
		ASSERT_EQ(0, read_log(self));
		ASSERT_EQ(1, self->m.nr);
		EXPECT_EQ(0, self->m.records[0].text_len) {
			TH_LOG("lie %zu", i);
		}
	}
}

TEST_F(dmesg, text_length_is_bounded_by_the_block)
{
	put(self, 8, 0, 16, 0, "12345678");
	kguest_set(&self->g, info_of(self, 8), "printk_info.text_len", 65535);
	ring(self, 8, 8);
	ASSERT_EQ(0, read_log(self));
	EXPECT_STREQ("[    1.234567] 12345678\n", buf_str(&self->text));
}

TEST_F(dmesg, head_that_is_never_reached)
{
	unsigned int i;

	for (i = 0; i < 8; i++)
		put(self, 8 + i, 0, 24, 0, "x");
	ring(self, 8, UINT64_MAX);
	ASSERT_EQ(0, read_log(self));
	EXPECT_EQ(8, self->m.nr);
}

TEST_F(dmesg, absurd_rings)
{
	struct kguest *g = &self->g;

	kguest_set(g, self->rb, "prb_desc_ring.count_bits", 40);
	EXPECT_EQ(-EINVAL, read_log(self));
	kguest_set(g, self->rb, "prb_desc_ring.count_bits", 0);
	EXPECT_EQ(-EINVAL, read_log(self));
	kguest_set(g, self->rb, "prb_desc_ring.count_bits", COUNT_BITS);
	kguest_set(g, self->rb + 40, "prb_data_ring.size_bits", 63);
	EXPECT_EQ(-EINVAL, read_log(self));
	kguest_set(g, self->rb + 40, "prb_data_ring.size_bits", SIZE_BITS);
	kguest_set(g, self->rb, "prb_desc_ring.descs", 0x1000);
	ASSERT_EQ(0, read_log(self));
	EXPECT_EQ(0, self->m.nr);
	EXPECT_LT(0, self->m.skipped);
}

static const char info[] =
	"OSRELEASE=6.99.0-test\nBUILD-ID=00\nPAGESIZE=4096\n"
	"SYMBOL(swapper_pg_dir)=ffffffff82a10000\n"
	"SYMBOL(prb)=%llx\n"
	"SIZE(printk_ringbuffer)=64\n"
	"OFFSET(printk_ringbuffer.desc_ring)=0\n"
	"OFFSET(printk_ringbuffer.text_data_ring)=40\n"
	"OFFSET(prb_desc_ring.count_bits)=0\nOFFSET(prb_desc_ring.descs)=8\n"
	"OFFSET(prb_desc_ring.infos)=16\nOFFSET(prb_desc_ring.head_id)=24\n"
	"OFFSET(prb_desc_ring.tail_id)=32\nSIZE(prb_desc)=24\n"
	"OFFSET(prb_desc.state_var)=0\nOFFSET(prb_desc.text_blk_lpos)=8\n"
	"OFFSET(prb_data_blk_lpos.begin)=0\nOFFSET(prb_data_blk_lpos.next)=8\n"
	"SIZE(printk_info)=32\nOFFSET(printk_info.seq)=0\n"
	"OFFSET(printk_info.ts_nsec)=8\nOFFSET(printk_info.text_len)=16\n"
	"OFFSET(printk_info.caller_id)=20\n"
	"OFFSET(prb_data_ring.size_bits)=0\nOFFSET(prb_data_ring.data)=8\n"
	"NUMBER(phys_base)=-23068672\nKERNELOFFSET=1a200000\n";

static void fill_info(FIXTURE_DATA(dmesg) *self, struct vmcoreinfo *v)
{
	char text[VMCOREINFO_MAX];
	u64 prb;

	ksym_find(self->g.sym, "prb", &prb);
	snprintf(text, sizeof(text), info, (unsigned long long)prb);
	vmcoreinfo_parse(text, strlen(text), v);
}

TEST_F(dmesg, by_vmcoreinfo_alone)
{
	struct vmcoreinfo v;
	char *cut;

	put(self, 8, 0, 24, 0, "first");
	ring(self, 8, 8);
	fill_info(self, &v);
	ASSERT_EQ(0, dmesg_read_vmcoreinfo(&self->g.k.vas, &v, &self->m,
					   &self->d)) {
		TH_LOG("%s", diag_text(&self->d));
	}
	ASSERT_EQ(1, self->m.nr);
	dmesg_print(&self->m, &self->text);
	EXPECT_STREQ("[    1.234567] first\n", buf_str(&self->text));
	cut = strstr(v.text, "OFFSET(prb_desc.state_var)");
	*cut = 'X';
	EXPECT_EQ(-ENOENT, dmesg_read_vmcoreinfo(&self->g.k.vas, &v, &self->m,
						 &self->d));
	EXPECT_NE(NULL, strstr(diag_text(&self->d), "prb_desc.state_var"));
}

TEST_F(dmesg, vmcoreinfo_offsets_are_not_believed_blindly)
{
	struct vmcoreinfo v;

	fill_info(self, &v);
	memcpy(strstr(v.text, "SIZE(prb_desc)=24"), "SIZE(prb_desc)=9999999999",
	       25);
	EXPECT_NE(0, dmesg_read_vmcoreinfo(&self->g.k.vas, &v, &self->m,
					   &self->d));
}

TEST_F(dmesg, vmcoreinfo_values)
{
	struct vmcoreinfo v;
	char text[64];
	u64 u;
	s64 s;

	fill_info(self, &v);
	EXPECT_TRUE(vmcoreinfo_get(&v, "OSRELEASE", text, sizeof(text)));
	EXPECT_STREQ("6.99.0-test", text);
	EXPECT_TRUE(vmcoreinfo_get(&v, "OSRELEASE", text, 5));
	EXPECT_STREQ("6.99", text);
	EXPECT_FALSE(vmcoreinfo_get(&v, "RELEASE", text, sizeof(text)));
	EXPECT_TRUE(vmcoreinfo_number(&v, "phys_base", &s));
	EXPECT_EQ(-23068672, s);
	EXPECT_TRUE(vmcoreinfo_kernel_offset(&v, &u));
	EXPECT_EQ(0x1a200000, u);
	EXPECT_TRUE(vmcoreinfo_size(&v, "prb_desc", &u));
	EXPECT_EQ(24, u);
	EXPECT_FALSE(vmcoreinfo_symbol(&v, "nope", &u));
	EXPECT_EQ(-EINVAL, vmcoreinfo_parse("OSREL", 5, &v));
	EXPECT_EQ(-EINVAL, vmcoreinfo_parse("\0\0\0\0\0\0\0\0\0\0\0", 11, &v));
}

TEST_F(dmesg, vmcoreinfo_is_found_in_ram)
{
	gva_t page = kguest_alloc(&self->g, 4096, 4096);
	gva_t decoy = kguest_alloc(&self->g, 4096, 4096);
	struct vmcoreinfo want, v;

	EXPECT_EQ(-ENOENT, vmcoreinfo_scan(&self->g.mem, &v));
	fill_info(self, &want);
	strcpy(kguest_ptr(&self->g, decoy), "OSRELEASE=a file that quotes it\n");
	EXPECT_EQ(-ENOENT, vmcoreinfo_scan(&self->g.mem, &v));
	strcpy(kguest_ptr(&self->g, page + 0x18), want.text);
	ASSERT_EQ(0, vmcoreinfo_scan(&self->g.mem, &v));
	EXPECT_STREQ(want.text, v.text);
	EXPECT_EQ(page + 0x18 - KGUEST_VIRT, v.gpa);
	EXPECT_EQ(-ENOENT, vmcoreinfo_read(&self->g.k, &v));
}

/* The pages of a memfd that were never touched stay so. */
TEST(scan_fills_no_holes)
{
	struct vmcoreinfo v;
	struct mem mem;
	unsigned char core[256];

	ASSERT_EQ(0, mem_create(&mem, MiB(64), NULL));
	strcpy(mem_ptr(&mem, MiB(32), 4096),
	       "OSRELEASE=x\nSYMBOL(swapper_pg_dir)=1\n");
	EXPECT_EQ(0, vmcoreinfo_scan(&mem, &v));
	EXPECT_EQ(MiB(32), v.gpa);
	ASSERT_EQ(0, mincore(mem_ptr(&mem, 0, 4096), MiB(1), core));
	EXPECT_EQ(0, core[0] & 1);
	mem_destroy(&mem);
}

TEST_HARNESS_MAIN
