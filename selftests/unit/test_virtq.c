// SPDX-License-Identifier: GPL-2.0-only
/* The split virtqueue itself, on plain memory; hostile chains are elsewhere. */
#include "virtio/virtq.h"

#include <endian.h>
#include <errno.h>
#include <linux/virtio_ring.h>
#include <string.h>

#include <kselftest_harness.h>

#include "selftests/lib/vdrv.h"
#include "virtio/iov.h"

#define SIZE 16

FIXTURE(virtq) {
	struct vguest g;
	struct vdrv d;
	struct virtq vq;
	struct virtq_chain c;
};

/* The rings are placed by hand: no device stands between. */
FIXTURE_SETUP(virtq)
{
	struct vring_drv *r = &self->d.q[0];

	memset(&self->d, 0, sizeof(self->d));
	vguest_init(&self->g, MiB(1));
	self->d.g = &self->g;
	r->size = SIZE;
	r->desc = vguest_alloc(&self->g, 16 * SIZE, 16);
	r->avail = vguest_alloc(&self->g, 6 + 2 * SIZE, 2);
	r->used = vguest_alloc(&self->g, 6 + 8 * SIZE, 4);
	virtq_init(&self->vq, 256);
	self->vq.size = SIZE;
	self->vq.desc = r->desc;
	self->vq.avail = r->avail;
	self->vq.used = r->used;
	ASSERT_EQ(0, virtq_enable(&self->vq, &self->g.mem));
}

FIXTURE_TEARDOWN(virtq)
{
	vguest_free(&self->g);
}

static int pop(FIXTURE_DATA(virtq) *self)
{
	return virtq_pop(&self->vq, &self->g.mem, &self->c);
}

static int push(FIXTURE_DATA(virtq) *self, u16 head, u32 len)
{
	return virtq_push(&self->vq, &self->g.mem, head, len);
}

static u16 add_one(FIXTURE_DATA(virtq) *self)
{
	struct vseg s = { VDRV_RAM_BASE + 0x1000, 8, false };

	return vring_add(&self->d, 0, &s, 1);
}

TEST_F(virtq, empty_has_nothing)
{
	EXPECT_EQ(0, pop(self));
	EXPECT_FALSE(virtq_has_avail(&self->vq, &self->g.mem));
}

TEST_F(virtq, a_chain_comes_as_it_was_built)
{
	struct vseg segs[] = {
		{ VDRV_RAM_BASE + 0x1000, 16, false },
		{ VDRV_RAM_BASE + 0x2000, 512, true },
		{ VDRV_RAM_BASE + 0x3000, 1, true },
	};
	u16 head = vring_add(&self->d, 0, segs, 3);

	ASSERT_EQ(1, pop(self));
	EXPECT_EQ(head, self->c.head);
	EXPECT_TRUE(self->c.returnable);
	EXPECT_EQ(1, self->c.nr_out);
	EXPECT_EQ(2, self->c.nr_in);
	EXPECT_EQ(16, self->c.out_len);
	EXPECT_EQ(513, self->c.in_len);
	EXPECT_EQ(self->g.ram + 0x1000, self->c.iov[0].iov_base);
	EXPECT_EQ(self->g.ram + 0x3000, self->c.iov[2].iov_base);
	EXPECT_EQ(512, self->c.iov[1].iov_len);
	EXPECT_EQ(0, pop(self));
}

TEST_F(virtq, used_elements_come_in_order_over_the_wrap)
{
	u32 id, len, i;

	for (i = 0; i < 70000; i++) {
		u16 head = add_one(self);

		ASSERT_EQ(1, pop(self));
		ASSERT_EQ(head, self->c.head);
		ASSERT_EQ(0, push(self, head, i));
		ASSERT_TRUE(vring_get_used(&self->d, 0, &id, &len));
		ASSERT_EQ(head, id);
		ASSERT_EQ(i, len);
	}
	EXPECT_EQ(0, self->vq.invalid_avail_idx);
}

TEST_F(virtq, a_full_ring_is_no_lie)
{
	int i;

	for (i = 0; i < SIZE; i++)
		add_one(self);
	for (i = 0; i < SIZE; i++)
		EXPECT_EQ(1, pop(self));
	EXPECT_EQ(0, pop(self));
	EXPECT_FALSE(self->vq.poisoned);
}

TEST_F(virtq, unpop_gives_the_same_chain_again)
{
	u16 first = add_one(self), second = add_one(self);

	ASSERT_EQ(1, pop(self));
	virtq_unpop(&self->vq);
	EXPECT_TRUE(virtq_has_avail(&self->vq, &self->g.mem));
	ASSERT_EQ(1, pop(self));
	EXPECT_EQ(first, self->c.head);
	ASSERT_EQ(1, pop(self));
	EXPECT_EQ(second, self->c.head);
}

static void expect_poison(struct __test_metadata *_metadata,
			  FIXTURE_DATA(virtq) *self, u16 idx)
{
	int i;

	vring_set_avail_idx(&self->d, 0, idx);
	EXPECT_EQ(-EPROTO, pop(self));
	EXPECT_TRUE(self->vq.poisoned);
	for (i = 0; i < 1000; i++)
		EXPECT_EQ(0, pop(self));
	EXPECT_EQ(1, self->vq.invalid_avail_idx);
	EXPECT_FALSE(virtq_has_avail(&self->vq, &self->g.mem));
	EXPECT_FALSE(virtq_kicks_on(&self->vq, &self->g.mem));
}

TEST_F(virtq, avail_idx_one_too_far_poisons_once)
{
	expect_poison(_metadata, self, SIZE + 1);
}

TEST_F(virtq, avail_idx_half_way_round_poisons_once)
{
	expect_poison(_metadata, self, 0x8000);
}

TEST_F(virtq, avail_idx_going_back_poisons_once)
{
	add_one(self);
	ASSERT_EQ(1, pop(self));
	expect_poison(_metadata, self, 0);
}

TEST_F(virtq, poison_survives_a_repaired_index_and_ends_with_reset)
{
	expect_poison(_metadata, self, 0x1234);
	vring_set_avail_idx(&self->d, 0, 1);
	EXPECT_EQ(0, pop(self));
	self->vq.ready = false;
	EXPECT_EQ(-EPERM, virtq_enable(&self->vq, &self->g.mem));
	virtq_reset(&self->vq);
	EXPECT_EQ(1, self->vq.invalid_avail_idx);
	EXPECT_EQ(256, self->vq.max);
	self->vq.size = SIZE;
	self->vq.desc = self->d.q[0].desc;
	self->vq.avail = self->d.q[0].avail;
	self->vq.used = self->d.q[0].used;
	ASSERT_EQ(0, virtq_enable(&self->vq, &self->g.mem));
	EXPECT_EQ(1, pop(self));
	vring_set_avail_idx(&self->d, 0, 0x4321);
	EXPECT_EQ(-EPROTO, pop(self));
	EXPECT_EQ(2, self->vq.invalid_avail_idx);
}

TEST_F(virtq, push_refuses_what_is_no_descriptor)
{
	EXPECT_EQ(-EINVAL, push(self, SIZE, 0));
	EXPECT_EQ(-EINVAL, push(self, 0xffff, 0));
	EXPECT_EQ(0, vring_used_pending(&self->d, 0));
}

TEST_F(virtq, push_fails_where_the_used_ring_is_not_ram)
{
	self->vq.used = VDRV_RAM_BASE + MiB(1) - 4;
	EXPECT_FALSE(virtq_used_reachable(&self->vq, &self->g.mem));
	EXPECT_EQ(-EFAULT, push(self, 0, 0));
	EXPECT_EQ(0, self->vq.next_used);
	/* Neither of these may touch it. */
	virtq_kicks_off(&self->vq, &self->g.mem);
	virtq_kicks_on(&self->vq, &self->g.mem);
}

TEST_F(virtq, rings_that_vanish_end_the_queue_uncounted)
{
	add_one(self);
	self->vq.avail = 0;
	EXPECT_EQ(-ENXIO, pop(self));
	EXPECT_EQ(0, pop(self));
	EXPECT_EQ(0, self->vq.invalid_avail_idx);
	EXPECT_FALSE(virtq_should_notify(&self->vq, &self->g.mem));
}

TEST_F(virtq, used_ring_over_descriptors_is_the_drivers_loss)
{
	int i;

	self->vq.used = self->vq.desc;
	for (i = 0; i < 40; i++) {
		int rc;

		vring_set_desc(&self->d, 0, 0, VDRV_RAM_BASE, 8, 0, 0);
		vring_post(&self->d, 0, 0);
		rc = pop(self);
		ASSERT_TRUE(rc != 0);
		ASSERT_EQ(0, push(self, 0, 0));
	}
}

/* Layouts that virtq_enable() judges. */

FIXTURE(layout) {
	struct vguest g;
};

FIXTURE_VARIANT(layout) {
	u16 size;
	gpa_t desc, avail, used;	/* from the start of RAM, MiB(1) long */
	int want;
};

#define LAYOUT(name, ...) \
	FIXTURE_VARIANT_ADD(layout, name) { __VA_ARGS__ }

LAYOUT(plain, 16, 0, 0x1000, 0x2000, 0);
LAYOUT(size_1, 1, 0, 0x1000, 0x2000, 0);
LAYOUT(size_max, 256, 0, 0x1000, 0x2000, 0);
LAYOUT(size_0, 0, 0, 0x1000, 0x2000, -EINVAL);
LAYOUT(size_3, 3, 0, 0x1000, 0x2000, -EINVAL);
LAYOUT(size_too_big, 512, 0, 0x1000, 0x2000, -EINVAL);
LAYOUT(size_32768, 32768, 0, 0x1000, 0x2000, -EINVAL);
LAYOUT(desc_unaligned, 16, 8, 0x1000, 0x2000, -EINVAL);
LAYOUT(avail_unaligned, 16, 0, 0x1001, 0x2000, -EINVAL);
LAYOUT(used_unaligned, 16, 0, 0x1000, 0x2002, -EINVAL);
LAYOUT(desc_below_ram, 16, -0x1000, 0x1000, 0x2000, -EFAULT);
LAYOUT(desc_past_ram, 16, MiB(1) - 240, 0x1000, 0x2000, -EFAULT);
LAYOUT(desc_last_fit, 16, MiB(1) - 256, 0x1000, 0x2000, 0);
LAYOUT(desc_wraps, 16, -VDRV_RAM_BASE - 16, 0x1000, 0x2000, -EFAULT);
LAYOUT(avail_past_ram, 16, 0, MiB(1) - 36, 0x2000, -EFAULT);
LAYOUT(avail_last_fit, 16, 0, MiB(1) - 38, 0x2000, 0);
LAYOUT(avail_wraps, 16, 0, -VDRV_RAM_BASE - 2, 0x2000, -EFAULT);
LAYOUT(used_past_ram, 16, 0, 0x1000, MiB(1), 0);
LAYOUT(used_wraps, 16, 0, 0x1000, -VDRV_RAM_BASE - 4, -EINVAL);
LAYOUT(all_overlap, 16, 0, 0, 0, 0);

FIXTURE_SETUP(layout)
{
	vguest_init(&self->g, MiB(1));
}

FIXTURE_TEARDOWN(layout)
{
	vguest_free(&self->g);
}

TEST_F(layout, enable)
{
	struct virtq_chain c;
	struct virtq vq;

	virtq_init(&vq, 256);
	vq.size = variant->size;
	vq.desc = VDRV_RAM_BASE + variant->desc;
	vq.avail = VDRV_RAM_BASE + variant->avail;
	vq.used = VDRV_RAM_BASE + variant->used;
	EXPECT_EQ(variant->want, virtq_enable(&vq, &self->g.mem));
	EXPECT_EQ(!variant->want, vq.ready);
	EXPECT_EQ(0, virtq_pop(&vq, &self->g.mem, &c));
}

/* Who wants to be told. */

static bool notify(FIXTURE_DATA(virtq) *self)
{
	return virtq_should_notify(&self->vq, &self->g.mem);
}

static void complete(FIXTURE_DATA(virtq) *self, int n)
{
	while (n--) {
		add_one(self);
		pop(self);
		push(self, self->c.head, 0);
	}
}

TEST_F(virtq, notifies_unless_the_driver_says_no)
{
	EXPECT_FALSE(notify(self));
	complete(self, 1);
	EXPECT_TRUE(notify(self));
	EXPECT_FALSE(notify(self));
	vring_set_avail_flags(&self->d, 0, VRING_AVAIL_F_NO_INTERRUPT);
	complete(self, 1);
	EXPECT_FALSE(notify(self));
	/* used_event means nothing without the feature. */
	vring_set_avail_flags(&self->d, 0, 0);
	vring_write_used_event(&self->d, 0, 100);
	complete(self, 1);
	EXPECT_TRUE(notify(self));
}

TEST_F(virtq, event_idx_notifies_when_the_mark_is_passed)
{
	self->vq.event_idx = true;
	vring_set_avail_flags(&self->d, 0, VRING_AVAIL_F_NO_INTERRUPT);
	vring_write_used_event(&self->d, 0, 2);
	complete(self, 2);
	EXPECT_FALSE(notify(self));
	complete(self, 1);
	EXPECT_TRUE(notify(self));
	complete(self, 5);
	EXPECT_FALSE(notify(self));
	vring_write_used_event(&self->d, 0, 9);
	complete(self, 4);
	EXPECT_TRUE(notify(self));
}

TEST_F(virtq, event_idx_holds_over_the_wrap)
{
	int i, n = 0;

	self->vq.event_idx = true;
	for (i = 0; i < 70000; i++) {
		vring_write_used_event(&self->d, 0, (u16)(i | 7));
		complete(self, 1);
		n += notify(self);
	}
	EXPECT_EQ(70000 / 8, n);
}

TEST_F(virtq, kicks_are_turned_off_and_on)
{
	virtq_kicks_off(&self->vq, &self->g.mem);
	EXPECT_EQ(VRING_USED_F_NO_NOTIFY, vring_used_flags(&self->d, 0));
	EXPECT_FALSE(virtq_kicks_on(&self->vq, &self->g.mem));
	EXPECT_EQ(0, vring_used_flags(&self->d, 0));
	add_one(self);
	EXPECT_TRUE(virtq_kicks_on(&self->vq, &self->g.mem));
}

TEST_F(virtq, event_idx_asks_for_the_next_kick)
{
	self->vq.event_idx = true;
	complete(self, 3);
	virtq_kicks_off(&self->vq, &self->g.mem);
	EXPECT_EQ(0, vring_used_flags(&self->d, 0));
	EXPECT_EQ(0, vring_read_avail_event(&self->d, 0));
	EXPECT_FALSE(virtq_kicks_on(&self->vq, &self->g.mem));
	EXPECT_EQ(3, vring_read_avail_event(&self->d, 0));
}

TEST_F(virtq, exactly_4_gib_is_allowed_and_a_byte_more_is_not)
{
	struct vseg segs[16];
	struct vguest big;
	int i;

	vguest_init(&big, MiB(512));
	self->d.g = &big;
	memset(big.ram, 0, 4096);
	for (i = 0; i < 8; i++)
		segs[i] = (struct vseg){ VDRV_RAM_BASE, MiB(512), true };
	segs[8] = (struct vseg){ VDRV_RAM_BASE, 1, true };
	vring_add(&self->d, 0, segs, 8);
	ASSERT_EQ(1, virtq_pop(&self->vq, &big.mem, &self->c));
	EXPECT_EQ(VIRTQ_MAX_CHAIN_BYTES, self->c.in_len);
	vring_add(&self->d, 0, segs, 9);
	EXPECT_EQ(-EINVAL, virtq_pop(&self->vq, &big.mem, &self->c));
	EXPECT_TRUE(self->c.returnable);
	EXPECT_EQ(0, self->c.nr_in);
	vguest_free(&big);
}

/* Scattered bytes. */

TEST(iov_walks_over_empty_and_ends_where_the_bytes_end)
{
	char a[4] = "abcd", b[1] = "x", c[5] = "efghi", out[32];
	struct iovec v[] = { { a, 4 }, { b, 0 }, { c, 5 } };
	struct iov it = iov_over(v, 3);

	EXPECT_EQ(9, it.len);
	EXPECT_EQ(2, iov_read(&it, out, 2));
	EXPECT_EQ(3, iov_skip(&it, 3));
	EXPECT_EQ(4, iov_read(&it, out + 2, 30));
	EXPECT_EQ(0, memcmp(out, "abfghi", 6));
	EXPECT_EQ(0, it.len);
	EXPECT_EQ(0, iov_read(&it, out, 1));
	EXPECT_EQ(0, iov_write(&it, out, 1));
}

TEST(iov_take_last_finds_the_last_byte)
{
	char a[2] = "ab", b[1] = "c";
	struct iovec v[] = { { a, 2 }, { b, 1 }, { NULL, 0 } };
	struct iov it = iov_over(v, 3);

	EXPECT_EQ((u8 *)b, iov_take_last(&it));
	EXPECT_EQ((u8 *)a + 1, iov_take_last(&it));
	EXPECT_EQ(1, it.len);
	EXPECT_EQ((u8 *)a, iov_take_last(&it));
	EXPECT_EQ(NULL, iov_take_last(&it));
}

TEST(iov_copy_between_different_cuts)
{
	char src[] = "0123456789", dst[11] = "..........";
	struct iovec s[] = { { src, 3 }, { src + 3, 7 } };
	struct iovec t[] = { { dst, 1 }, { dst + 1, 5 }, { dst + 6, 2 } };
	struct iov from = iov_over(s, 2), to = iov_over(t, 3);

	EXPECT_EQ(8, iov_copy(&to, &from));
	EXPECT_STREQ("01234567..", dst);
	EXPECT_EQ(2, from.len);
}

TEST_HARNESS_MAIN
