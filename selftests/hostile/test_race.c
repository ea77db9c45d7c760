// SPDX-License-Identifier: GPL-2.0-only
/*
 * A driver that rewrites its rings while the device's worker walks them, kicks
 * all the time and resets in between. Nothing may be read out of bounds, hang,
 * or leave counters that contradict each other. VMTAP_STRESS_MS says how long
 * each runs (default 500).
 */
#include "virtio/virtio.h"

#include <endian.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <kselftest_harness.h>

#include "selftests/lib/vdrv.h"
#include "virtio/blk.h"
#include "virtio/blkback.h"
#include "virtio/console.h"
#include "virtio/net.h"

#define QUEUE_SIZE 16
#define RAM MiB(1)

FIXTURE(race) {
	struct vguest g;
	struct vdrv d;
	struct virtio_blk *blk;
	struct virtio_net *net;
	struct virtio_console *con;
	struct virtio *v;
	bool stop;	/* atomic */
	u64 rounds;
	u64 seed;
};

FIXTURE_VARIANT(race) {
	void (*open)(FIXTURE_DATA(race) *self);
};

static void open_blk(FIXTURE_DATA(race) *self)
{
	struct virtio_blk_cfg cfg = {
		.throttle = { .iops = 50000, .iops_burst = 20 },
	};
	struct blkback *b;

	BUG_ON(blkback_open_scratch(&b, NULL, MiB(1), false, NULL));
	BUG_ON(virtio_blk_create(&self->blk, &self->g.mem, b, &cfg, NULL));
	virtio_blk_attach(self->blk, &self->d.dev);
	self->v = virtio_blk_core(self->blk);
}

static void open_net(FIXTURE_DATA(race) *self)
{
	struct virtio_net_cfg cfg = { .mtu = 0 };

	BUG_ON(virtio_net_create(&self->net, &self->g.mem, &cfg, NULL));
	virtio_net_attach(self->net, &self->d.dev);
	self->v = virtio_net_core(self->net);
}

static size_t stutter(void *arg, const void *data, size_t len)
{
	u32 *n = arg;

	(void)data;
	return ++*n % 8 ? len : len / 2;
}

static void open_con(FIXTURE_DATA(race) *self)
{
	static u32 calls[3];
	struct virtio_console_cfg cfg = {
		.sinks = { { .take = stutter, .arg = &calls[0] },
			   { .take = stutter, .arg = &calls[1] },
			   { .take = stutter, .arg = &calls[2] } },
	};

	BUG_ON(virtio_console_create(&self->con, &self->g.mem, &cfg, NULL));
	virtio_console_attach(self->con, &self->d.dev);
	self->v = virtio_console_core(self->con);
}

FIXTURE_SETUP(race)
{
	const char *seed = getenv("VMTAP_SEED");

	memset(self, 0, sizeof(*self));
	vguest_init(&self->g, RAM);
	self->d.g = &self->g;
	self->seed = seed ? strtoull(seed, NULL, 0) : 0x9e3779b97f4a7c15ULL;
	variant->open(self);
}

FIXTURE_TEARDOWN(race)
{
	virtio_blk_destroy(self->blk);
	virtio_net_destroy(self->net);
	virtio_console_destroy(self->con);
	vguest_free(&self->g);
}

static u64 rnd(FIXTURE_DATA(race) *self)
{
	self->seed ^= self->seed << 13;
	self->seed ^= self->seed >> 7;
	self->seed ^= self->seed << 17;
	return self->seed;
}

/* Atomic, as the guest's CPU would: what races is memory, not the compiler. */
static void scribble(FIXTURE_DATA(race) *self, gpa_t gpa, u64 val)
{
	__atomic_store_n((u64 *)vguest_ptr(&self->g, gpa, 8), val,
			 __ATOMIC_RELAXED);
}

/*
 * RAM is rings, then payload that reads as block requests, then indirect
 * tables. Under ThreadSanitizer they stay apart: that the device's plain
 * copies of payload race with a guest's stores is no news.
 */
#ifdef __SANITIZE_THREAD__
#define APART true
#else
#define APART false
#endif
#define PAYLOAD (VDRV_RAM_BASE + RAM / 2)
#define TABLES (PAYLOAD + RAM / 4)
#define AREA (RAM / 4)

static void fill_payload(FIXTURE_DATA(race) *self)
{
	static const u32 types[] = { 0, 0, 1, 1, 4, 8, 11, 13, 0x7f };
	gpa_t at;

	for (at = PAYLOAD; at < TABLES; at += 16) {
		scribble(self, at, types[rnd(self) % ARRAY_SIZE(types)]);
		scribble(self, at + 8, rnd(self) % 2050);
	}
}

/* Mostly plausible: small indices, addresses in RAM, sensible lengths. */
static void random_desc(FIXTURE_DATA(race) *self, gpa_t at)
{
	static const u64 lens[] = { 1, 16, 512, 1536 };
	u64 r = rnd(self), s = rnd(self);
	u64 flags = s & 3, next = s >> 4 & 0xf;
	u64 addr = PAYLOAD + round_down(r % (AREA - 4096), 16);
	u64 len = lens[s >> 8 & 3];

	u64 i = at / 16 % QUEUE_SIZE;
	bool indirect = (s >> 16 & 7) == 0;

	/* A torn descriptor must not lead from one area to the other. */
	if (APART)
		indirect = i == 3 && at < PAYLOAD;
	if (self->blk && s >> 63 && !indirect) {
		/* Header in the lower half, data above, status at the end. */
		flags = i < 8 ? 1 : i < 15 ? 3 : 2;
		next = i < 8 ? 8 + (next & 7) : 15;
		len = i < 8 ? 16 : i < 15 ? 512 : 1;
	} else if (indirect) {
		flags = 4;
		len = 16 * (1 + (s >> 20 & 15));
		addr += AREA;
	}
	if ((s >> 24 & 31) == 0)
		addr = APART ? VDRV_RAM_BASE + RAM : rnd(self) >> (s >> 32 & 63);
	if ((s >> 40 & 31) == 0)
		len = APART ? len : rnd(self) & 0xffffffff;
	if ((s >> 48 & 31) == 0)
		next = s >> 32 & 0xffff;
	scribble(self, at, htole64(addr));
	scribble(self, at + 8, htole64(len | flags << 32 | next << 48));
}

static void mess_about(FIXTURE_DATA(race) *self)
{
	unsigned int q = rnd(self) % self->d.dev.nr_doorbells, i;

	for (i = 0; i < 20; i++)
		random_desc(self, self->d.q[q].desc +
				  16 * (rnd(self) % QUEUE_SIZE));
	for (i = 0; i < 20; i++)
		random_desc(self, TABLES + round_down(rnd(self) % AREA, 16));
	for (i = 0; i < rnd(self) % 4; i++)
		vring_post(&self->d, q, rnd(self) % (QUEUE_SIZE + 1));
	if (rnd(self) % 4096 == 0)
		vring_set_avail_idx(&self->d, q, (u16)rnd(self));
	vdrv_kick(&self->d, q);
}

static void *driver(void *arg)
{
	FIXTURE_DATA(race) *self = arg;

	while (!__atomic_load_n(&self->stop, __ATOMIC_RELAXED)) {
		unsigned int i;

		self->g.used = 0;
		vdrv_start(&self->d, rnd(self), QUEUE_SIZE);
		for (i = 0; i < 200; i++) {
			mess_about(self);
			if (self->con && i % 16 == 0)
				virtio_console_resume(self->con, i / 16 % 3);
		}
		self->rounds++;
	}
	vdrv_reset(&self->d);
	return NULL;
}

static void check_blk(struct __test_metadata *_metadata,
		      FIXTURE_DATA(race) *self)
{
	struct virtio_blk_counters c;

	virtio_blk_counters(self->blk, &c);
	TH_LOG("%llu rounds: %llu reads, %llu errors, %llu stalls, %llu lies",
	       (unsigned long long)self->rounds,
	       (unsigned long long)c.reads_completed,
	       (unsigned long long)c.io_errors,
	       (unsigned long long)c.throttled_count,
	       (unsigned long long)c.invalid_avail_idx_count);
	EXPECT_EQ(!c.reads_completed, !c.bytes_read);
	EXPECT_EQ(!c.writes_completed, !c.bytes_written);
	EXPECT_EQ(0, c.bytes_read % 512);
	EXPECT_EQ(0, c.bytes_written % 512);
	EXPECT_EQ(0, c.currently_throttled_gauge);
	EXPECT_LT(0, c.io_errors);
}

static void check_net(struct __test_metadata *_metadata,
		      FIXTURE_DATA(race) *self)
{
	struct virtio_net_counters c;

	virtio_net_counters(self->net, &c);
	TH_LOG("%llu rounds: %llu tx, %llu rx, %llu+%llu+%llu bad, %llu lies",
	       (unsigned long long)self->rounds,
	       (unsigned long long)c.tx_packets,
	       (unsigned long long)c.rx_packets,
	       (unsigned long long)c.tx_chain_invalid,
	       (unsigned long long)c.rx_chain_invalid,
	       (unsigned long long)c.rx_write_failed,
	       (unsigned long long)c.invalid_avail_idx_count);
	EXPECT_EQ(c.tx_packets, c.rx_packets + c.tx_dropped_no_rx_buffer +
				c.rx_chain_invalid + c.rx_write_failed +
				c.rx_add_used_failures);
	EXPECT_LT(0, c.tx_chain_invalid);
}

TEST_F_TIMEOUT(race, driver_against_worker, 300)
{
	const char *ms = getenv("VMTAP_STRESS_MS");
	pthread_t thread;

	fill_payload(self);
	ASSERT_EQ(0, virtio_start(self->v, NULL));
	ASSERT_EQ(0, pthread_create(&thread, NULL, driver, self));
	usleep((ms ? atoi(ms) : 500) * 1000);
	__atomic_store_n(&self->stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	virtio_stop(self->v);
	EXPECT_LT(0, self->rounds);
	if (self->blk)
		check_blk(_metadata, self);
	if (self->net)
		check_net(_metadata, self);
}

FIXTURE_VARIANT_ADD(race, blk) { .open = open_blk };
FIXTURE_VARIANT_ADD(race, net) { .open = open_net };
FIXTURE_VARIANT_ADD(race, console) { .open = open_con };

TEST_HARNESS_MAIN
