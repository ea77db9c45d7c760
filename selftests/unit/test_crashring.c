// SPDX-License-Identifier: GPL-2.0-only
/* The crash ring as the guest left it, also where it lies. */
#include "runner/crashring.h"
#include "runner/wire.h"
#include "vmm/base/buf.h"

#include "kselftest_harness.h"

#define SIZE 256
#define CAP (SIZE - WIRE_RING_DATA)

FIXTURE(ring)
{
	union { struct wire_ring h; u8 bytes[SIZE]; } *area;
	struct buf out;
	struct crashring_info info;
};

FIXTURE_SETUP(ring)
{
	*self = (FIXTURE_DATA(ring)){ .area = malloc(SIZE) };
	memset(self->area, 0xa5, SIZE);
	ASSERT_EQ(0, crashring_init(self->area, SIZE));
	for (int i = 0; i < CAP; i++)
		self->area->bytes[WIRE_RING_DATA + i] = (u8)i;
}

FIXTURE_TEARDOWN(ring)
{
	free(self->area);
	buf_reset(&self->out);
}

static int read_it(FIXTURE_DATA(ring) *self)
{
	return crashring_read(self->area, SIZE, &self->out, &self->info);
}

TEST_F(ring, fresh_is_valid_and_empty)
{
	ASSERT_EQ(0, read_it(self));
	EXPECT_TRUE(self->info.valid);
	EXPECT_EQ(0, self->out.len);
	EXPECT_EQ(0, self->info.drops);
}

TEST_F(ring, unread_bytes_come_out_in_order_over_the_edge)
{
	self->area->h.tail = CAP - 10 + 7ull * CAP;
	self->area->h.head = self->area->h.tail + 30;
	self->area->h.drops = UINT32_MAX;
	ASSERT_EQ(0, read_it(self));
	ASSERT_TRUE(self->info.valid);
	ASSERT_EQ(30, self->out.len);
	for (int i = 0; i < 30; i++)
		EXPECT_EQ((CAP - 10 + i) % CAP, (u8)self->out.data[i]);
	EXPECT_EQ(UINT32_MAX, self->info.drops);
	EXPECT_EQ(self->area->h.head, self->info.written);
}

TEST_F(ring, full_ring_is_read_whole)
{
	self->area->h.head = CAP;
	ASSERT_EQ(0, read_it(self));
	EXPECT_EQ(CAP, self->out.len);
}

#define REFUSED(name, ...)					\
TEST_F(ring, refuses_##name)					\
{								\
	struct wire_ring *h = &self->area->h;			\
	__VA_ARGS__;						\
	EXPECT_EQ(0, read_it(self));				\
	EXPECT_FALSE(self->info.valid);				\
	EXPECT_NE(NULL, (void *)self->info.why);		\
	EXPECT_EQ(0, self->out.len);				\
}

REFUSED(wrong_magic, h->magic ^= 1)
REFUSED(unknown_version, h->version++)
REFUSED(capacity_one, h->capacity = 1; h->head = 1)
REFUSED(capacity_zero, h->capacity = 0)
REFUSED(capacity_beyond_the_area, h->capacity = 0xffffffff; h->head = 0xffffffff)
REFUSED(head_before_tail, h->tail = 5; h->head = 4)
REFUSED(more_than_it_holds, h->head = CAP + 1)
REFUSED(head_far_away, h->head = UINT64_MAX)

TEST_F(ring, area_without_room_is_refused)
{
	EXPECT_NE(0, crashring_init(self->area, WIRE_RING_DATA));
	ASSERT_EQ(0, crashring_read(self->area, WIRE_RING_DATA, &self->out,
				    &self->info));
	EXPECT_FALSE(self->info.valid);
	ASSERT_EQ(0, crashring_read(self->area, 3, &self->out, &self->info));
	EXPECT_FALSE(self->info.valid);
}

TEST_HARNESS_MAIN
