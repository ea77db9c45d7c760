// SPDX-License-Identifier: GPL-2.0-only
/* Address ranges, and what nobody answers. */
#include "vmm/bus.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include <kselftest_harness.h>

struct probe_dev {
	u64 off;
	u32 len;
	u64 value;
};

static void dev_read(void *dev, u64 off, void *data, u32 len)
{
	struct probe_dev *p = dev;

	p->off = off;
	p->len = len;
	memset(data, 0x5a, len);
}

static void dev_write(void *dev, u64 off, const void *data, u32 len)
{
	struct probe_dev *p = dev;

	p->off = off;
	p->len = len;
	p->value = 0;
	memcpy(&p->value, data, len);
}

static const struct bus_ops ops = { dev_read, dev_write };

FIXTURE(bus) {
	struct bus bus;
	struct probe_dev a, b;
};

FIXTURE_SETUP(bus)
{
	struct bus_range a = { 0x100, 0x10, &ops, &self->a, "a" };
	struct bus_range b = { 0x110, 0x08, &ops, &self->b, "b" };

	memset(self, 0, sizeof(*self));
	ASSERT_EQ(0, bus_add(&self->bus, &b, NULL));
	ASSERT_EQ(0, bus_add(&self->bus, &a, NULL));
}

FIXTURE_TEARDOWN(bus)
{
}

TEST_F(bus, neighbours_are_told_apart)
{
	u32 v = 0;

	bus_write(&self->bus, 0x10f, "\x11", 1);
	bus_write(&self->bus, 0x110, "\x22", 1);
	EXPECT_EQ(0xf, self->a.off);
	EXPECT_EQ(0x11, self->a.value);
	EXPECT_EQ(0, self->b.off);
	EXPECT_EQ(0x22, self->b.value);
	bus_read(&self->bus, 0x114, &v, 4);
	EXPECT_EQ(0x5a5a5a5a, v);
	EXPECT_EQ(4, self->b.len);
	EXPECT_EQ(0, self->bus.unhandled_reads + self->bus.unhandled_writes);
}

TEST_F(bus, nobody_reads_all_ones_and_is_counted)
{
	u64 v = 0;

	bus_read(&self->bus, 0xff, &v, 1);
	EXPECT_EQ(0xff, v);
	v = 0;
	bus_read(&self->bus, 0x118, &v, 8);
	EXPECT_EQ(UINT64_MAX, v);
	bus_write(&self->bus, 0x118, &v, 8);
	EXPECT_EQ(2, self->bus.unhandled_reads);
	EXPECT_EQ(1, self->bus.unhandled_writes);
	ASSERT_EQ(2, self->bus.nr_unhandled);
	EXPECT_EQ(0xff, self->bus.unhandled[0].addr);
	EXPECT_EQ(1, self->bus.unhandled[0].count);
	EXPECT_EQ(0x118, self->bus.unhandled[1].addr);
	EXPECT_EQ(2, self->bus.unhandled[1].count);
}

/* The device never sees an access that leaves its window. */
TEST_F(bus, an_access_over_the_end_is_nobodys)
{
	u32 v = 0;

	self->b.len = 99;
	bus_read(&self->bus, 0x116, &v, 4);
	EXPECT_EQ(0xffffffff, v);
	bus_write(&self->bus, 0x10e, &v, 4);
	EXPECT_EQ(99, self->b.len);
	EXPECT_EQ(0, self->a.len);
	EXPECT_EQ(1, self->bus.unhandled_reads);
	EXPECT_EQ(1, self->bus.unhandled_writes);
}

TEST_F(bus, overlaps_are_refused)
{
	static const struct { u64 base, size; int ret; } tries[] = {
		{ 0x0ff, 2, -EEXIST }, { 0x100, 1, -EEXIST },
		{ 0x10f, 2, -EEXIST }, { 0x117, 1, -EEXIST },
		{ 0x000, 0x1000, -EEXIST }, { 0x0ff, 1, 0 }, { 0x118, 1, 0 },
		{ 0x200, 0, -EINVAL }, { UINT64_MAX, 2, -EINVAL },
		{ UINT64_MAX, 1, 0 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(tries); i++) {
		struct bus_range r = { tries[i].base, tries[i].size, &ops,
				       &self->a, "try" };

		EXPECT_EQ(tries[i].ret, bus_add(&self->bus, &r, NULL)) {
			TH_LOG("case %u", i);
		}
	}
}

TEST_F(bus, the_table_has_an_end)
{
	int ret = 0;
	u64 i;

	for (i = 0; !ret && i < 1000; i++) {
		struct bus_range r = { 0x1000 + i, 1, &ops, &self->a, "n" };

		ret = bus_add(&self->bus, &r, NULL);
	}
	EXPECT_EQ(-ENOSPC, ret);
	EXPECT_EQ(BUS_MAX_RANGES, self->bus.nr_ranges);
}

TEST_F(bus, more_addresses_than_slots_lose_no_count)
{
	u64 i;
	u8 v;

	for (i = 0; i < 100; i++)
		bus_read(&self->bus, 0x5000 + i, &v, 1);
	EXPECT_EQ(100, self->bus.unhandled_reads);
	EXPECT_EQ(BUS_MAX_UNHANDLED, self->bus.nr_unhandled);
}

static void *hammer(void *arg)
{
	u64 i;
	u8 v;

	for (i = 0; i < 20000; i++)
		bus_read(arg, 0x5000 + i % 4, &v, 1);
	return NULL;
}

TEST_F(bus, counting_from_many_threads)
{
	pthread_t t[4];
	unsigned int i;

	for (i = 0; i < 4; i++)
		ASSERT_EQ(0, pthread_create(&t[i], NULL, hammer, &self->bus));
	for (i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	EXPECT_EQ(80000, self->bus.unhandled_reads);
}

TEST_HARNESS_MAIN
