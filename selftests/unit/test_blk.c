// SPDX-License-Identifier: GPL-2.0-only
/* The block device: requests, throttle and each counter alone. */
#include "virtio/blk.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include <semaphore.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <kselftest_harness.h>

#include "selftests/lib/vdrv.h"
#include "virtio/blkback.h"
#include "virtio/bucket.h"
#include "virtio/virtio.h"

#define RAM_END (VDRV_RAM_BASE + MiB(4))
#define DISK KiB(64)
#define NO_STATUS 0xee

/* A disk in memory that fails, waits and counts when told to. */
struct fake {
	struct blkback b;
	u8 data[DISK];
	int fail;	/* -errno of all that follow */
	int reads, writes, flushes, discards, zeroes;
	bool last_unmap;
	sem_t *enter, *leave;	/* where set, each read posts one, waits for the other */
};

static struct fake *to_fake(struct blkback *b)
{
	return container_of(b, struct fake, b);
}

static int fake_readv(struct blkback *b, struct iovec *iov, unsigned int n,
		      u64 off)
{
	struct fake *f = to_fake(b);
	unsigned int i;

	f->reads++;
	if (f->enter) {
		sem_post(f->enter);
		sem_wait(f->leave);
	}
	for (i = 0; !f->fail && i < n; off += iov[i++].iov_len)
		memcpy(iov[i].iov_base, f->data + off, iov[i].iov_len);
	return f->fail;
}

static int fake_writev(struct blkback *b, struct iovec *iov, unsigned int n,
		       u64 off)
{
	struct fake *f = to_fake(b);
	unsigned int i;

	f->writes++;
	for (i = 0; !f->fail && i < n; off += iov[i++].iov_len)
		memcpy(f->data + off, iov[i].iov_base, iov[i].iov_len);
	return f->fail;
}

static int fake_flush(struct blkback *b)
{
	to_fake(b)->flushes++;
	return to_fake(b)->fail;
}

static int fake_discard(struct blkback *b, u64 off, u64 len)
{
	memset(to_fake(b)->data + off, 0, len);
	to_fake(b)->discards++;
	return to_fake(b)->fail;
}

static int fake_zero(struct blkback *b, u64 off, u64 len, bool may_unmap)
{
	memset(to_fake(b)->data + off, 0, len);
	to_fake(b)->zeroes++;
	to_fake(b)->last_unmap = may_unmap;
	return to_fake(b)->fail;
}

static void fake_destroy(struct blkback *b)
{
	(void)b;
}

static const struct blkback_ops fake_ops = {
	fake_readv, fake_writev, fake_flush, fake_discard, fake_zero,
	fake_destroy,
};

FIXTURE(blk) {
	struct vguest g;
	struct vdrv d;
	struct virtio_blk *blk;
	struct fake *f;
	struct virtio_blk_counters want;
	gpa_t status;
};

static void open_disk(FIXTURE_DATA(blk) *self, bool read_only,
		      const struct virtio_blk_cfg *cfg)
{
	self->f->b = (struct blkback){ &fake_ops, DISK, read_only };
	BUG_ON(virtio_blk_create(&self->blk, &self->g.mem, &self->f->b, cfg,
				 NULL));
	virtio_blk_attach(self->blk, &self->d.dev);
	vdrv_start(&self->d, ~(1ULL << VIRTIO_RING_F_EVENT_IDX), 64);
}

static void reopen(FIXTURE_DATA(blk) *self, bool read_only,
		   const struct virtio_blk_cfg *cfg)
{
	virtio_blk_destroy(self->blk);
	open_disk(self, read_only, cfg);
}

FIXTURE_SETUP(blk)
{
	struct virtio_blk_cfg cfg = { .serial = "serial-0123" };
	unsigned int i;

	memset(self, 0, sizeof(*self));
	vguest_init(&self->g, MiB(4));
	self->d.g = &self->g;
	self->f = calloc(1, sizeof(*self->f));
	ASSERT_NE(NULL, self->f);
	for (i = 0; i < DISK; i++)
		self->f->data[i] = (u8)(i >> 9) + 1;
	open_disk(self, false, &cfg);
}

FIXTURE_TEARDOWN(blk)
{
	virtio_blk_destroy(self->blk);
	vguest_free(&self->g);
	free(self->f);
}

static void kick(FIXTURE_DATA(blk) *self)
{
	vdrv_kick(&self->d, 0);
	virtio_poll(virtio_blk_core(self->blk));
}

static gpa_t header(FIXTURE_DATA(blk) *self, u32 type, u64 sector)
{
	struct virtio_blk_outhdr hdr = {
		.type = htole32(type), .sector = htole64(sector),
	};

	return vguest_put(&self->g, &hdr, sizeof(hdr));
}

static u8 *status_ptr(FIXTURE_DATA(blk) *self)
{
	return vguest_ptr(&self->g, self->status, 1);
}

/* Post header, data (@len 0: none) and status. */
static void post(FIXTURE_DATA(blk) *self, u32 type, u64 sector, gpa_t data,
		 u32 len, bool write)
{
	struct vseg segs[3] = { { header(self, type, sector), 16, false } };
	unsigned int n = 1;

	if (len)
		segs[n++] = (struct vseg){ data, len, write };
	self->status = vguest_alloc(&self->g, 1, 1);
	*status_ptr(self) = NO_STATUS;
	segs[n++] = (struct vseg){ self->status, 1, true };
	vring_add(&self->d, 0, segs, n);
}

/* The same, done; its status. */
static u8 request(FIXTURE_DATA(blk) *self, u32 type, u64 sector, gpa_t data,
		  u32 len, bool write)
{
	post(self, type, sector, data, len, write);
	kick(self);
	return *status_ptr(self);
}

static gpa_t buffer(FIXTURE_DATA(blk) *self, u32 len)
{
	return vguest_alloc(&self->g, len, 16);
}

static u8 read_disk(FIXTURE_DATA(blk) *self, u64 sector, u32 len)
{
	return request(self, VIRTIO_BLK_T_IN, sector, buffer(self, len), len,
		       true);
}

static u8 write_disk(FIXTURE_DATA(blk) *self, u64 sector, u32 len)
{
	return request(self, VIRTIO_BLK_T_OUT, sector, buffer(self, len), len,
		       false);
}

/* All nine, so that nothing else moved. */
#define EXPECT_COUNTERS(self) do {					\
	struct virtio_blk_counters __c;					\
	virtio_blk_counters((self)->blk, &__c);				\
	EXPECT_EQ((self)->want.reads_completed, __c.reads_completed);	\
	EXPECT_EQ((self)->want.writes_completed, __c.writes_completed);	\
	EXPECT_EQ((self)->want.flushes_completed, __c.flushes_completed); \
	EXPECT_EQ((self)->want.bytes_read, __c.bytes_read);		\
	EXPECT_EQ((self)->want.bytes_written, __c.bytes_written);	\
	EXPECT_EQ((self)->want.throttled_count, __c.throttled_count);	\
	EXPECT_EQ((self)->want.io_errors, __c.io_errors);		\
	EXPECT_EQ((self)->want.currently_throttled_gauge,		\
		  __c.currently_throttled_gauge);			\
	EXPECT_EQ((self)->want.invalid_avail_idx_count,			\
		  __c.invalid_avail_idx_count);				\
} while (0)

TEST_F(blk, fresh_counters_are_zero)
{
	EXPECT_COUNTERS(self);
}

TEST_F(blk, config_tells_the_disk)
{
	struct virtio_blk_config cfg;
	u64 off;

	for (off = 0; off < sizeof(cfg); off++)
		self->d.dev.ops->read(self->d.dev.dev, VIRTIO_MMIO_CONFIG + off,
				      (u8 *)&cfg + off, 1);
	EXPECT_EQ(DISK / 512, le64toh(cfg.capacity));
	EXPECT_EQ(254, le32toh(cfg.seg_max));
	EXPECT_EQ(512, le32toh(cfg.blk_size));
	EXPECT_EQ(16, le32toh(cfg.max_discard_seg));
}

TEST_F(blk, a_read_moves_reads_and_bytes)
{
	gpa_t data = buffer(self, 1024);
	u32 len;

	EXPECT_EQ(0, request(self, VIRTIO_BLK_T_IN, 3, data, 1024, true));
	EXPECT_EQ(0, memcmp(vguest_ptr(&self->g, data, 1024),
			    self->f->data + 3 * 512, 1024));
	ASSERT_TRUE(vring_get_used(&self->d, 0, NULL, &len));
	EXPECT_EQ(1025, len);
	self->want.reads_completed = 1;
	self->want.bytes_read = 1024;
	EXPECT_COUNTERS(self);
	EXPECT_EQ(1, vdrv_irqs(&self->d));
}

TEST_F(blk, a_write_moves_writes_and_bytes)
{
	gpa_t data = buffer(self, 512);
	u32 len;

	memset(vguest_ptr(&self->g, data, 512), 0x77, 512);
	EXPECT_EQ(0, request(self, VIRTIO_BLK_T_OUT, 127, data, 512, false));
	EXPECT_EQ(0x77, self->f->data[DISK - 1]);
	EXPECT_EQ(127, self->f->data[DISK - 513]);
	EXPECT_EQ(0, self->f->flushes);
	ASSERT_TRUE(vring_get_used(&self->d, 0, NULL, &len));
	EXPECT_EQ(1, len);
	self->want.writes_completed = 1;
	self->want.bytes_written = 512;
	EXPECT_COUNTERS(self);
}

TEST_F(blk, a_flush_moves_flushes)
{
	EXPECT_EQ(0, request(self, VIRTIO_BLK_T_FLUSH, 0, 0, 0, false));
	EXPECT_EQ(1, self->f->flushes);
	self->want.flushes_completed = 1;
	EXPECT_COUNTERS(self);
}

TEST_F(blk, a_read_only_flush_is_counted_and_does_nothing)
{
	struct virtio_blk_cfg cfg = { .serial = NULL };

	reopen(self, true, &cfg);
	EXPECT_TRUE(self->d.features & 1ULL << VIRTIO_BLK_F_RO);
	EXPECT_EQ(0, request(self, VIRTIO_BLK_T_FLUSH, 0, 0, 0, false));
	EXPECT_EQ(0, self->f->flushes);
	self->want.flushes_completed = 1;
	EXPECT_COUNTERS(self);
}

TEST_F(blk, a_driver_without_flush_gets_stable_writes)
{
	vdrv_start(&self->d, ~(1ULL << VIRTIO_BLK_F_FLUSH), 64);
	EXPECT_EQ(0, write_disk(self, 0, 512));
	EXPECT_EQ(1, self->f->flushes);
	self->want.writes_completed = 1;
	self->want.bytes_written = 512;
	EXPECT_COUNTERS(self);
}

TEST_F(blk, header_data_and_status_may_be_cut_anywhere)
{
	gpa_t hdr = header(self, VIRTIO_BLK_T_IN, 1);
	gpa_t data = buffer(self, 1025);
	struct vseg segs[] = {
		{ hdr, 1, false }, { hdr + 1, 14, false },
		{ hdr + 15, 1, false },
		{ data, 100, true }, { data + 100, 925, true },
	};

	((u8 *)vguest_ptr(&self->g, data, 1025))[1024] = NO_STATUS;
	vring_add(&self->d, 0, segs, 5);
	kick(self);
	EXPECT_EQ(0, ((u8 *)vguest_ptr(&self->g, data, 1025))[1024]);
	EXPECT_EQ(0, memcmp(vguest_ptr(&self->g, data, 1024),
			    self->f->data + 512, 1024));
	self->want.reads_completed = 1;
	self->want.bytes_read = 1024;
	EXPECT_COUNTERS(self);
}

TEST_F(blk, get_id_is_no_read)
{
	gpa_t data = buffer(self, 20);

	EXPECT_EQ(0, request(self, VIRTIO_BLK_T_GET_ID, 0, data, 20, true));
	EXPECT_EQ(0, memcmp("serial-0123\0\0\0\0\0\0\0\0\0",
			    vguest_ptr(&self->g, data, 20), 20));
	EXPECT_COUNTERS(self);
	EXPECT_EQ(1, request(self, VIRTIO_BLK_T_GET_ID, 0, data, 19, true));
	self->want.io_errors = 1;
	EXPECT_COUNTERS(self);
}

TEST_F(blk, an_unknown_type_is_unsupported_and_no_error)
{
	EXPECT_EQ(2, request(self, 0x7f, 0, 0, 0, false));
	EXPECT_EQ(2, request(self, VIRTIO_BLK_T_SECURE_ERASE, 0, 0, 0, false));
	EXPECT_EQ(2, request(self, 0x80000000, 0, 0, 0, false));
	EXPECT_EQ(3, vring_used_pending(&self->d, 0));
	EXPECT_COUNTERS(self);
}

/* Each of these is one S_IOERR, and one only. */

#define EXPECT_IOERR(what) do {						\
	EXPECT_EQ(VIRTIO_BLK_S_IOERR, what);				\
	self->want.io_errors++;						\
	EXPECT_COUNTERS(self);						\
} while (0)

TEST_F(blk, errors_of_range_and_size)
{
	EXPECT_IOERR(read_disk(self, 128, 512));
	EXPECT_IOERR(read_disk(self, 127, 1024));
	EXPECT_IOERR(read_disk(self, ~0ULL, 512));
	EXPECT_IOERR(read_disk(self, 1ULL << 55, 512));
	EXPECT_IOERR(read_disk(self, 0, 511));
	EXPECT_IOERR(read_disk(self, 0, 513));
	EXPECT_IOERR(read_disk(self, 0, DISK + 512));
	EXPECT_IOERR(write_disk(self, 128, 512));
	EXPECT_IOERR(write_disk(self, 0, 100));
	/* Nothing to move, though it says so. */
	EXPECT_IOERR(request(self, VIRTIO_BLK_T_IN, 0, 0, 0, false));
	EXPECT_IOERR(request(self, VIRTIO_BLK_T_OUT, 0, 0, 0, false));
	EXPECT_EQ(0, self->f->reads + self->f->writes);
}

TEST_F(blk, errors_of_direction)
{
	gpa_t data = buffer(self, 512);

	EXPECT_IOERR(request(self, VIRTIO_BLK_T_IN, 0, data, 512, false));
	EXPECT_IOERR(request(self, VIRTIO_BLK_T_OUT, 0, data, 512, true));
	EXPECT_EQ(0, self->f->reads + self->f->writes);
}

/* Good data in the right direction does not make up for more in the wrong. */
static u8 both_ways(FIXTURE_DATA(blk) *self, u32 type)
{
	struct vseg segs[] = {
		{ header(self, type, 0), 16, false },
		{ buffer(self, 512), 512, false },
		{ buffer(self, 512), 512, true },
		{ vguest_put(&self->g, "\xee", 1), 1, true },
	};

	vring_add(&self->d, 0, segs, 4);
	kick(self);
	return *(u8 *)vguest_ptr(&self->g, segs[3].addr, 1);
}

TEST_F(blk, data_both_ways_is_an_error)
{
	EXPECT_IOERR(both_ways(self, VIRTIO_BLK_T_IN));
	EXPECT_IOERR(both_ways(self, VIRTIO_BLK_T_OUT));
	EXPECT_EQ(0, self->f->reads + self->f->writes);
}

TEST_F(blk, errors_of_the_backend)
{
	self->f->fail = -EIO;
	EXPECT_IOERR(read_disk(self, 0, 512));
	EXPECT_IOERR(write_disk(self, 0, 512));
	EXPECT_IOERR(request(self, VIRTIO_BLK_T_FLUSH, 0, 0, 0, false));
	self->f->fail = 0;
	EXPECT_EQ(0, read_disk(self, 0, 512));
}

TEST_F(blk, a_write_to_a_read_only_disk_changes_nothing)
{
	struct virtio_blk_cfg cfg = { .serial = NULL };

	reopen(self, true, &cfg);
	EXPECT_IOERR(write_disk(self, 0, 512));
	EXPECT_EQ(1, self->f->data[0]);
	EXPECT_EQ(0, self->f->writes);
}

TEST_F(blk, a_status_in_the_wrong_direction_is_an_error)
{
	struct vseg segs[] = {
		{ header(self, VIRTIO_BLK_T_FLUSH, 0), 16, false },
		{ vguest_put(&self->g, "\xee", 1), 1, false },
	};
	u32 len;

	vring_add(&self->d, 0, segs, 2);
	kick(self);
	self->want.io_errors = 1;
	EXPECT_COUNTERS(self);
	ASSERT_TRUE(vring_get_used(&self->d, 0, NULL, &len));
	EXPECT_EQ(0, len);
	EXPECT_EQ(NO_STATUS, *(u8 *)vguest_ptr(&self->g, segs[1].addr, 1));
	EXPECT_EQ(0, self->f->flushes);
}

TEST_F(blk, a_short_header_is_an_error_with_a_status)
{
	struct vseg segs[] = {
		{ header(self, VIRTIO_BLK_T_FLUSH, 0), 15, false },
		{ vguest_put(&self->g, "\xee", 1), 1, true },
	};

	vring_add(&self->d, 0, segs, 2);
	kick(self);
	EXPECT_IOERR(*(u8 *)vguest_ptr(&self->g, segs[1].addr, 1));
}

TEST_F(blk, data_outside_ram_is_an_error_with_a_status)
{
	EXPECT_IOERR(request(self, VIRTIO_BLK_T_IN, 0, RAM_END, 512, true));
	EXPECT_IOERR(request(self, VIRTIO_BLK_T_OUT, 0, RAM_END, 512, false));
	EXPECT_EQ(2, vring_used_pending(&self->d, 0));
}

TEST_F(blk, a_status_outside_ram_is_an_error_without_one)
{
	struct vseg segs[] = {
		{ header(self, VIRTIO_BLK_T_FLUSH, 0), 16, false },
		{ RAM_END, 1, true },
	};

	vring_add(&self->d, 0, segs, 2);
	kick(self);
	self->want.io_errors = 1;
	EXPECT_COUNTERS(self);
	EXPECT_EQ(0, self->f->flushes);
}

TEST_F(blk, an_answer_that_cannot_be_returned_is_an_error_and_no_completion)
{
	ASSERT_TRUE(vdrv_negotiate(&self->d, 1ULL << VIRTIO_BLK_F_FLUSH));
	vdrv_place_queue(&self->d, 0, 64);
	self->d.q[0].used = RAM_END;
	vdrv_tell_queue(&self->d, 0);
	ASSERT_TRUE(vdrv_ready_queue(&self->d, 0));
	vdrv_driver_ok(&self->d);
	EXPECT_EQ(0, read_disk(self, 0, 512));
	EXPECT_EQ(1, self->f->reads);
	self->want.io_errors = 1;
	EXPECT_COUNTERS(self);
	EXPECT_TRUE(vdrv_read(&self->d, VIRTIO_MMIO_STATUS) &
		    VIRTIO_CONFIG_S_NEEDS_RESET);
	/* An error that is lost as well is one error. */
	EXPECT_IOERR(read_disk(self, 999, 512));
}

/* DISCARD and WRITE_ZEROES. */

static u8 ranges(FIXTURE_DATA(blk) *self, u32 type, u64 sector, u32 n,
		 u32 flags)
{
	struct virtio_blk_discard_write_zeroes r = {
		.sector = htole64(sector), .num_sectors = htole32(n),
		.flags = htole32(flags),
	};

	return request(self, type, 0, vguest_put(&self->g, &r, sizeof(r)),
		       sizeof(r), false);
}

TEST_F(blk, discard_and_write_zeroes_move_no_counter)
{
	EXPECT_EQ(0, ranges(self, VIRTIO_BLK_T_DISCARD, 1, 2, 0));
	EXPECT_EQ(1, self->f->discards);
	EXPECT_EQ(1, self->f->data[511]);
	EXPECT_EQ(0, self->f->data[512]);
	EXPECT_EQ(0, self->f->data[1535]);
	EXPECT_EQ(4, self->f->data[1536]);
	EXPECT_EQ(0, ranges(self, VIRTIO_BLK_T_WRITE_ZEROES, 127, 1, 0));
	EXPECT_FALSE(self->f->last_unmap);
	EXPECT_EQ(0, ranges(self, VIRTIO_BLK_T_WRITE_ZEROES, 126, 1, 1));
	EXPECT_TRUE(self->f->last_unmap);
	EXPECT_EQ(0, self->f->data[DISK - 1]);
	EXPECT_COUNTERS(self);
}

TEST_F(blk, unknown_range_flags_are_unsupported)
{
	EXPECT_EQ(2, ranges(self, VIRTIO_BLK_T_DISCARD, 0, 1, 1));
	EXPECT_EQ(2, ranges(self, VIRTIO_BLK_T_DISCARD, 0, 1, 2));
	EXPECT_EQ(2, ranges(self, VIRTIO_BLK_T_WRITE_ZEROES, 0, 1, 2));
	EXPECT_EQ(0, self->f->discards + self->f->zeroes);
	EXPECT_COUNTERS(self);
}

TEST_F(blk, bad_ranges_are_errors_and_touch_nothing)
{
	struct virtio_blk_discard_write_zeroes two[] = {
		{ .sector = 0, .num_sectors = htole32(1) },
		{ .sector = htole64(200), .num_sectors = htole32(1) },
	};
	gpa_t many = buffer(self, 17 * 16);

	EXPECT_IOERR(ranges(self, VIRTIO_BLK_T_DISCARD, 128, 1, 0));
	EXPECT_IOERR(ranges(self, VIRTIO_BLK_T_DISCARD, 0, 0xffffffff, 0));
	EXPECT_IOERR(ranges(self, VIRTIO_BLK_T_WRITE_ZEROES, ~0ULL, 1, 0));
	EXPECT_IOERR(request(self, VIRTIO_BLK_T_DISCARD, 0,
			     vguest_put(&self->g, two, 32), 32, false));
	EXPECT_IOERR(request(self, VIRTIO_BLK_T_DISCARD, 0, many, 17 * 16,
			     false));
	EXPECT_IOERR(request(self, VIRTIO_BLK_T_DISCARD, 0, many, 15, false));
	EXPECT_IOERR(request(self, VIRTIO_BLK_T_DISCARD, 0, 0, 0, false));
	EXPECT_EQ(0, self->f->discards + self->f->zeroes);
	EXPECT_EQ(1, self->f->data[0]);
}

TEST_F(blk, a_range_is_no_longer_than_the_config_says)
{
	struct virtio_blk_cfg cfg = { .serial = NULL };
	struct blkback *big;

	virtio_blk_destroy(self->blk);
	ASSERT_EQ(0, blkback_open_scratch(&big, NULL, GiB(8), false, NULL));
	ASSERT_EQ(0, virtio_blk_create(&self->blk, &self->g.mem, big, &cfg,
				       NULL));
	virtio_blk_attach(self->blk, &self->d.dev);
	vdrv_start(&self->d, ~(1ULL << VIRTIO_RING_F_EVENT_IDX), 64);
	EXPECT_EQ(0, ranges(self, VIRTIO_BLK_T_DISCARD, 5, 0x3fffff, 0));
	EXPECT_IOERR(ranges(self, VIRTIO_BLK_T_DISCARD, 5, 0x400000, 0));
}

TEST_F(blk, ranges_that_were_not_negotiated_are_unsupported)
{
	vdrv_start(&self->d, 0, 64);
	EXPECT_EQ(2, ranges(self, VIRTIO_BLK_T_DISCARD, 0, 1, 0));
	EXPECT_EQ(2, ranges(self, VIRTIO_BLK_T_WRITE_ZEROES, 0, 1, 0));
	EXPECT_EQ(0, self->f->discards + self->f->zeroes);
	EXPECT_COUNTERS(self);
}

/* Poison and reset. */

TEST_F(blk, poison_counts_once_for_1000_kicks)
{
	int i;

	vring_set_avail_idx(&self->d, 0, 65);
	for (i = 0; i < 1000; i++)
		kick(self);
	self->want.invalid_avail_idx_count = 1;
	EXPECT_COUNTERS(self);
	vring_set_avail_idx(&self->d, 0, 0);
	EXPECT_EQ(NO_STATUS, read_disk(self, 0, 512));
	EXPECT_COUNTERS(self);
}

TEST_F(blk, reset_clears_poison_and_a_new_fault_counts_again)
{
	vring_set_avail_idx(&self->d, 0, 65);
	kick(self);
	vdrv_start(&self->d, ~0ULL, 64);
	EXPECT_EQ(0, read_disk(self, 0, 512));
	vring_set_avail_idx(&self->d, 0, 999);
	kick(self);
	self->want.reads_completed = 1;
	self->want.bytes_read = 512;
	self->want.invalid_avail_idx_count = 2;
	EXPECT_COUNTERS(self);
}

TEST_F(blk, counters_survive_reset)
{
	int i, round;

	for (round = 0; round < 2; round++) {
		for (i = 0; i < 10; i++)
			EXPECT_EQ(0, read_disk(self, 0, 512));
		vdrv_start(&self->d, ~0ULL, 64);
	}
	self->want.reads_completed = 20;
	self->want.bytes_read = 10240;
	EXPECT_COUNTERS(self);
}

/* Throttle. */

static void open_slow(FIXTURE_DATA(blk) *self, u64 iops, u64 burst)
{
	struct virtio_blk_cfg cfg = {
		.throttle = { .iops = iops, .iops_burst = burst },
	};

	reopen(self, false, &cfg);
}

TEST_F(blk, a_stall_is_counted_and_is_no_error)
{
	open_slow(self, 1, 1);
	EXPECT_EQ(0, read_disk(self, 0, 512));
	EXPECT_EQ(NO_STATUS, read_disk(self, 0, 512));
	EXPECT_EQ(1, vring_used_pending(&self->d, 0));
	self->want.reads_completed = 1;
	self->want.bytes_read = 512;
	self->want.throttled_count = 1;
	self->want.currently_throttled_gauge = 1;
	EXPECT_COUNTERS(self);
	/* Kicks change nothing: the timer decides. */
	kick(self);
	kick(self);
	EXPECT_COUNTERS(self);
}

TEST_F(blk, get_id_costs_no_operation)
{
	gpa_t data = buffer(self, 20);
	int i;

	open_slow(self, 1, 1);
	for (i = 0; i < 10; i++)
		EXPECT_EQ(0, request(self, VIRTIO_BLK_T_GET_ID, 0, data, 20,
				     true));
	EXPECT_EQ(0, read_disk(self, 0, 512));
	EXPECT_EQ(NO_STATUS, request(self, VIRTIO_BLK_T_FLUSH, 0, 0, 0, false));
}

TEST_F(blk, a_stalled_request_is_done_when_its_time_comes)
{
	u64 start;

	open_slow(self, 2, 1);
	EXPECT_EQ(0, read_disk(self, 0, 512));
	start = now_ns();
	EXPECT_EQ(NO_STATUS, read_disk(self, 0, 512));
	while (*status_ptr(self) == NO_STATUS && now_ns() - start < 25 * NSEC_PER_SEC)
		event_loop_step(&virtio_blk_core(self->blk)->loop, 100);
	EXPECT_LE(400 * NSEC_PER_MSEC, now_ns() - start);
	self->want.reads_completed = 2;
	self->want.bytes_read = 1024;
	self->want.throttled_count = 1;
	EXPECT_COUNTERS(self);
}

TEST_F(blk, a_reset_while_stalled_brings_the_gauge_down)
{
	open_slow(self, 1, 1);
	EXPECT_EQ(0, read_disk(self, 0, 512));
	EXPECT_EQ(NO_STATUS, read_disk(self, 0, 512));
	vdrv_reset(&self->d);
	self->want.reads_completed = 1;
	self->want.bytes_read = 512;
	self->want.throttled_count = 1;
	EXPECT_COUNTERS(self);
	/* One chain that stalls again is a second stall. */
	vdrv_start(&self->d, ~0ULL, 64);
	EXPECT_EQ(NO_STATUS, read_disk(self, 0, 512));
	self->want.throttled_count = 2;
	self->want.currently_throttled_gauge = 1;
	EXPECT_COUNTERS(self);
}

TEST_F(blk, a_timer_that_fires_into_a_reset_device_does_nothing)
{
	open_slow(self, 2, 1);
	EXPECT_EQ(0, read_disk(self, 0, 512));
	EXPECT_EQ(NO_STATUS, read_disk(self, 0, 512));
	vdrv_reset(&self->d);
	usleep(600000);
	virtio_poll(virtio_blk_core(self->blk));
	EXPECT_EQ(1, self->f->reads);
}

static void step_until_used(FIXTURE_DATA(blk) *self, unsigned int n)
{
	int i;

	for (i = 0; i < 50 && vring_used_pending(&self->d, 0) < n; i++)
		event_loop_step(&virtio_blk_core(self->blk)->loop, 100);
}

TEST_F(blk, one_chain_that_stalls_twice_counts_twice)
{
	struct virtio_blk_cfg cfg = {
		.throttle = { .bandwidth = 2048, .bandwidth_burst = 2048 },
	};
	u16 head;

	reopen(self, false, &cfg);
	EXPECT_EQ(0, read_disk(self, 0, 2048));
	head = self->d.q[0].next_free;
	post(self, VIRTIO_BLK_T_IN, 0, buffer(self, 2048), 512, true);
	kick(self);
	/* While it waits for 512 bytes' worth, it grows to 2048. */
	vring_desc_at(&self->d, 0, head + 1)->len = htole32(2048);
	step_until_used(self, 2);
	EXPECT_EQ(0, *status_ptr(self));
	self->want.reads_completed = 2;
	self->want.bytes_read = 4096;
	self->want.throttled_count = 2;
	EXPECT_COUNTERS(self);
}

TEST_F(blk, a_stalled_chain_that_turns_malformed_does_not_wedge_the_queue)
{
	u16 bad;

	open_slow(self, 2, 1);
	EXPECT_EQ(0, read_disk(self, 0, 512));
	bad = self->d.q[0].next_free;
	EXPECT_EQ(NO_STATUS, read_disk(self, 0, 512));
	vring_desc_at(&self->d, 0, bad)->next = htole16(bad);
	step_until_used(self, 2);
	self->want.reads_completed = 1;
	self->want.bytes_read = 512;
	self->want.throttled_count = 1;
	self->want.io_errors = 1;
	EXPECT_COUNTERS(self);
	usleep(600000);
	EXPECT_EQ(0, read_disk(self, 0, 512));
}

TEST_F(blk, bandwidth_counts_bytes_and_get_id_is_free)
{
	struct virtio_blk_cfg cfg = {
		.throttle = { .bandwidth = 512, .bandwidth_burst = 2048 },
	};
	gpa_t data = buffer(self, 20);
	int i;

	reopen(self, false, &cfg);
	EXPECT_EQ(0, read_disk(self, 0, 1024));
	EXPECT_EQ(0, write_disk(self, 0, 1024));
	for (i = 0; i < 10; i++)
		EXPECT_EQ(0, request(self, VIRTIO_BLK_T_GET_ID, 0, data, 20, true));
	EXPECT_EQ(NO_STATUS, write_disk(self, 0, 1024));
	self->want.reads_completed = self->want.writes_completed = 1;
	self->want.bytes_read = self->want.bytes_written = 1024;
	self->want.throttled_count = 1;
	self->want.currently_throttled_gauge = 1;
	EXPECT_COUNTERS(self);
}

/* Worker and reset, with a request that hangs in the backend. */

static void *reset_thread(void *arg)
{
	vdrv_reset(arg);
	return NULL;
}

TEST_F(blk, reset_waits_for_the_request_in_flight)
{
	pthread_t thread;
	sem_t enter, leave;
	gpa_t used;
	int i;

	sem_init(&enter, 0, 0);
	sem_init(&leave, 0, 0);
	self->f->enter = &enter;
	self->f->leave = &leave;
	ASSERT_EQ(0, virtio_blk_start(self->blk, NULL));
	for (i = 0; i < 3; i++)
		post(self, VIRTIO_BLK_T_IN, 0, buffer(self, 512), 512, true);
	vdrv_kick(&self->d, 0);
	sem_wait(&enter);
	ASSERT_EQ(0, pthread_create(&thread, NULL, reset_thread, &self->d));
	usleep(20000);
	/* What a guest does with each interrupt does not wait. */
	vdrv_read(&self->d, VIRTIO_MMIO_INTERRUPT_STATUS);
	vdrv_write(&self->d, VIRTIO_MMIO_INTERRUPT_ACK, 1);
	sem_post(&leave);
	pthread_join(thread, NULL);
	/* The first was finished, the reset came next, the rest is forgotten. */
	used = self->d.q[0].used;
	EXPECT_EQ(1, le16toh(*(u16 *)vguest_ptr(&self->g, used + 2, 2)));
	EXPECT_EQ(1, self->f->reads);
	virtio_blk_stop(self->blk);
	self->want.reads_completed = 1;
	self->want.bytes_read = 512;
	EXPECT_COUNTERS(self);
	sem_destroy(&enter);
	sem_destroy(&leave);
}

TEST_F(blk, stop_finishes_the_request_in_flight)
{
	sem_t enter, leave;

	sem_init(&enter, 0, 0);
	sem_init(&leave, 0, 1);
	self->f->enter = &enter;
	self->f->leave = &leave;
	ASSERT_EQ(0, virtio_blk_start(self->blk, NULL));
	post(self, VIRTIO_BLK_T_IN, 0, buffer(self, 512), 512, true);
	vdrv_kick(&self->d, 0);
	sem_wait(&enter);
	virtio_blk_stop(self->blk);
	EXPECT_EQ(0, *status_ptr(self));
	self->want.reads_completed = 1;
	self->want.bytes_read = 512;
	EXPECT_COUNTERS(self);
}

TEST_F(blk, a_worker_at_full_depth)
{
	gpa_t data[16], hdr = header(self, VIRTIO_BLK_T_IN, 5);
	gpa_t st = vguest_alloc(&self->g, 16, 16);
	u32 sent = 0, done = 0;
	int i;

	vdrv_start(&self->d, ~0ULL, 64);
	for (i = 0; i < 16; i++)
		data[i] = buffer(self, 4096);
	ASSERT_EQ(0, virtio_blk_start(self->blk, NULL));
	while (done < 20000) {
		while (sent < 20000 && sent - done < 16) {
			struct vseg segs[] = {
				{ hdr, 16, false },
				{ data[sent % 16], 4096, true },
				{ st + sent % 16, 1, true },
			};

			vring_add(&self->d, 0, segs, 3);
			sent++;
		}
		vdrv_kick(&self->d, 0);
		while (vring_get_used(&self->d, 0, NULL, NULL))
			done++;
		vring_write_used_event(&self->d, 0, self->d.q[0].last_used);
	}
	virtio_blk_stop(self->blk);
	self->want.reads_completed = 20000;
	self->want.bytes_read = 20000 * 4096ULL;
	EXPECT_COUNTERS(self);
}

TEST_F(blk, a_serial_too_long_is_refused)
{
	struct virtio_blk_cfg cfg = { .serial = "123456789012345678901" };
	struct virtio_blk *blk;

	EXPECT_EQ(-EINVAL, virtio_blk_create(&blk, &self->g.mem, &self->f->b,
					     &cfg, NULL));
	virtio_blk_destroy(NULL);
}

/* Token buckets, with a clock of the test's own. */

#define MS NSEC_PER_MSEC

TEST(bucket_without_a_rate_never_waits)
{
	struct bucket b;

	bucket_init(&b, 0, 0, 0);
	EXPECT_EQ(0, bucket_wait_ns(&b, ~0ULL, 0));
	bucket_take(&b, ~0ULL);
	EXPECT_EQ(0, bucket_wait_ns(&b, ~0ULL, 0));
}

TEST(bucket_holds_the_burst_and_then_the_rate)
{
	struct bucket b;
	u64 now = 1000, done = 0;

	bucket_init(&b, 200, 20, now);
	while (now < 10 * NSEC_PER_SEC) {
		u64 wait = bucket_wait_ns(&b, 1, now);

		now += wait;
		EXPECT_EQ(0, bucket_wait_ns(&b, 1, now));
		bucket_take(&b, 1);
		done++;
	}
	EXPECT_EQ(20 + 2000, done);
}

TEST(bucket_loses_no_fraction)
{
	struct bucket b;
	u64 now = 0, done = 0;

	bucket_init(&b, 3, 1, 0);
	for (; now < 100 * NSEC_PER_SEC; now += 7 * MS + 13) {
		if (bucket_wait_ns(&b, 1, now))
			continue;
		bucket_take(&b, 1);
		done++;
	}
	/* 300 and the burst; some are late by a step, none is lost. */
	EXPECT_LE(290, done);
	EXPECT_GE(301, done);
}

TEST(bucket_lets_a_cost_above_the_burst_run_up_a_debt)
{
	struct bucket b;

	bucket_init(&b, 1000, 100, 0);
	EXPECT_EQ(0, bucket_wait_ns(&b, 1000, 0));
	bucket_take(&b, 1000);
	EXPECT_EQ(901 * MS, bucket_wait_ns(&b, 1, 0));
	EXPECT_EQ(1 * MS, bucket_wait_ns(&b, 1, 900 * MS));
	EXPECT_EQ(0, bucket_wait_ns(&b, 1, 901 * MS));
}

TEST(bucket_defaults_to_a_tenth_of_a_second)
{
	struct bucket b;

	bucket_init(&b, 200, 0, 0);
	EXPECT_EQ(20, b.burst);
	bucket_init(&b, 3, 0, 0);
	EXPECT_EQ(1, b.burst);
}

TEST(bucket_survives_absurd_numbers)
{
	struct bucket b;

	bucket_init(&b, ~0ULL, ~0ULL, 0);
	EXPECT_EQ(0, bucket_wait_ns(&b, ~0ULL, ~0ULL));
	bucket_take(&b, ~0ULL);
	EXPECT_EQ(0, bucket_wait_ns(&b, 0, 0));
	bucket_init(&b, 1, ~0ULL, 0);
	bucket_take(&b, ~0ULL);
	bucket_take(&b, 1ULL << 40);
	EXPECT_LT(0, bucket_wait_ns(&b, ~0ULL, 0));
}

TEST_HARNESS_MAIN
