// SPDX-License-Identifier: GPL-2.0-only
/* The loopback card: frames, config and each counter alone. */
#include "virtio/net.h"

#include <endian.h>
#include <errno.h>
#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include <linux/virtio_net.h>
#include <string.h>

#include <kselftest_harness.h>

#include "selftests/lib/vdrv.h"
#include "virtio/virtio.h"

#define RX 0
#define TX 1
#define HDR 12
#define RAM_END (VDRV_RAM_BASE + MiB(1))

FIXTURE(net) {
	struct vguest g;
	struct vdrv d;
	struct virtio_net *net;
	struct virtio_net_counters want;
};

FIXTURE_SETUP(net)
{
	struct virtio_net_cfg cfg = { .mtu = 0 };

	memset(self, 0, sizeof(*self));
	vguest_init(&self->g, MiB(1));
	self->d.g = &self->g;
	ASSERT_EQ(0, virtio_net_create(&self->net, &self->g.mem, &cfg, NULL));
	virtio_net_attach(self->net, &self->d.dev);
	vdrv_start(&self->d, 1ULL << VIRTIO_RING_F_INDIRECT_DESC, 64);
}

FIXTURE_TEARDOWN(net)
{
	virtio_net_destroy(self->net);
	vguest_free(&self->g);
}

static void kick(FIXTURE_DATA(net) *self, unsigned int q)
{
	vdrv_kick(&self->d, q);
	virtio_poll(virtio_net_core(self->net));
}

static void post_rx(FIXTURE_DATA(net) *self, int n, u32 len)
{
	while (n--) {
		struct vseg s = { vguest_alloc(&self->g, len, 16), len, true };

		vring_add(&self->d, RX, &s, 1);
	}
}

/* A frame of @len bytes, each @fill, with its header in front. */
static void post_tx(FIXTURE_DATA(net) *self, u32 len, u8 fill)
{
	gpa_t gpa = vguest_alloc(&self->g, HDR + len, 16);
	struct vseg s = { gpa, HDR + len, false };

	memset(vguest_ptr(&self->g, gpa, HDR), 0, HDR);
	memset((u8 *)vguest_ptr(&self->g, gpa, HDR + len) + HDR, fill, len);
	vring_add(&self->d, TX, &s, 1);
}

static void send_frames(FIXTURE_DATA(net) *self, int n, u32 len)
{
	while (n--)
		post_tx(self, len, (u8)n);
	kick(self, TX);
}

/* @n frames of @bytes in all went out and came back. */
static void both(FIXTURE_DATA(net) *self, u64 n, u64 bytes)
{
	self->want.tx_packets = self->want.rx_packets = n;
	self->want.tx_bytes = self->want.rx_bytes = bytes;
}

/* All eleven, so that nothing else moved. */
#define EXPECT_COUNTERS(self) do {					\
	struct virtio_net_counters __c;					\
	virtio_net_counters((self)->net, &__c);				\
	EXPECT_EQ((self)->want.tx_packets, __c.tx_packets);		\
	EXPECT_EQ((self)->want.tx_bytes, __c.tx_bytes);			\
	EXPECT_EQ((self)->want.rx_packets, __c.rx_packets);		\
	EXPECT_EQ((self)->want.rx_bytes, __c.rx_bytes);			\
	EXPECT_EQ((self)->want.tx_dropped_no_rx_buffer,			\
		  __c.tx_dropped_no_rx_buffer);				\
	EXPECT_EQ((self)->want.tx_chain_invalid, __c.tx_chain_invalid);	\
	EXPECT_EQ((self)->want.rx_chain_invalid, __c.rx_chain_invalid);	\
	EXPECT_EQ((self)->want.rx_write_failed, __c.rx_write_failed);	\
	EXPECT_EQ((self)->want.tx_add_used_failures,			\
		  __c.tx_add_used_failures);				\
	EXPECT_EQ((self)->want.rx_add_used_failures,			\
		  __c.rx_add_used_failures);				\
	EXPECT_EQ((self)->want.invalid_avail_idx_count,			\
		  __c.invalid_avail_idx_count);				\
} while (0)

TEST_F(net, fresh_counters_are_zero)
{
	EXPECT_COUNTERS(self);
}

TEST_F(net, a_frame_comes_back_as_it_went)
{
	struct virtio_net_hdr_v1 hdr;
	u8 frame[60];
	u32 id, len;
	u8 *p;

	post_rx(self, 1, 1526);
	post_tx(self, 60, 0xa5);
	kick(self, TX);
	ASSERT_TRUE(vring_get_used(&self->d, RX, &id, &len));
	EXPECT_EQ(HDR + 60, len);
	p = vguest_ptr(&self->g, le64toh(vring_desc_at(&self->d, RX, id)->addr),
		       len);
	memcpy(&hdr, p, HDR);
	EXPECT_EQ(1, le16toh(hdr.num_buffers));
	EXPECT_EQ(0, hdr.flags);
	EXPECT_EQ(0, hdr.gso_type);
	memset(frame, 0xa5, sizeof(frame));
	EXPECT_EQ(0, memcmp(p + HDR, frame, sizeof(frame)));
	ASSERT_TRUE(vring_get_used(&self->d, TX, &id, &len));
	EXPECT_EQ(0, len);
	both(self, 1, 60);
	EXPECT_COUNTERS(self);
	EXPECT_EQ(2, vdrv_irqs(&self->d));	/* one a queue */
}

TEST_F(net, header_and_frame_may_be_cut_anywhere)
{
	struct vseg rx[] = {
		{ vguest_alloc(&self->g, 5, 1), 5, true },
		{ vguest_alloc(&self->g, 10, 1), 10, true },
		{ vguest_alloc(&self->g, 100, 1), 100, true },
	};
	struct vseg tx[] = {
		{ vguest_put(&self->g, "\0\0\0\0\0\0\0", 7), 7, false },
		{ vguest_put(&self->g, "\0\0\0\0\0AB", 7), 7, false },
		{ vguest_put(&self->g, "CDEFGH", 6), 6, false },
	};
	u32 len;

	vring_add(&self->d, RX, rx, 3);
	vring_add(&self->d, TX, tx, 3);
	kick(self, TX);
	ASSERT_TRUE(vring_get_used(&self->d, RX, NULL, &len));
	EXPECT_EQ(20, len);
	EXPECT_EQ(0, memcmp("ABC", (u8 *)vguest_ptr(&self->g, rx[1].addr, 10) + 7, 3));
	EXPECT_EQ(0, memcmp("DEFGH", vguest_ptr(&self->g, rx[2].addr, 5), 5));
}

TEST_F(net, counts_l2_bytes_without_the_header)
{
	post_rx(self, 10, 1526);
	send_frames(self, 10, 60);
	both(self, 10, 600);
	EXPECT_COUNTERS(self);
}

TEST_F(net, no_receive_buffer_drops_and_still_sends)
{
	post_rx(self, 4, 1526);
	send_frames(self, 10, 60);
	self->want = (struct virtio_net_counters){
		.tx_packets = 10, .tx_bytes = 600, .rx_packets = 4,
		.rx_bytes = 240, .tx_dropped_no_rx_buffer = 6,
	};
	EXPECT_COUNTERS(self);
	EXPECT_EQ(10, vring_used_pending(&self->d, TX));
}

TEST_F(net, a_short_header_is_an_invalid_tx_chain)
{
	struct vseg s = { vguest_put(&self->g, "12345678901", 11), 11, false };
	u32 len;

	post_rx(self, 1, 1526);
	vring_add(&self->d, TX, &s, 1);
	kick(self, TX);
	self->want.tx_chain_invalid = 1;
	EXPECT_COUNTERS(self);
	ASSERT_TRUE(vring_get_used(&self->d, TX, NULL, &len));
	EXPECT_EQ(0, len);
	EXPECT_EQ(0, vring_used_pending(&self->d, RX));
}

TEST_F(net, a_header_without_a_frame_is_an_invalid_tx_chain)
{
	struct vseg s = { vguest_alloc(&self->g, 12, 16), 12, false };

	vring_add(&self->d, TX, &s, 1);
	kick(self, TX);
	self->want.tx_chain_invalid = 1;
	EXPECT_COUNTERS(self);
}

TEST_F(net, a_writable_tx_segment_is_an_invalid_tx_chain)
{
	struct vseg segs[] = {
		{ vguest_alloc(&self->g, 72, 16), 72, false },
		{ vguest_alloc(&self->g, 8, 16), 8, true },
	};

	vring_add(&self->d, TX, segs, 2);
	kick(self, TX);
	self->want.tx_chain_invalid = 1;
	EXPECT_COUNTERS(self);
}

TEST_F(net, a_tx_buffer_outside_ram_is_an_invalid_tx_chain)
{
	struct vseg s = { RAM_END, 72, false };

	vring_add(&self->d, TX, &s, 1);
	kick(self, TX);
	self->want.tx_chain_invalid = 1;
	EXPECT_COUNTERS(self);
}

TEST_F(net, a_frame_above_the_largest_mtu_is_an_invalid_tx_chain)
{
	post_rx(self, 2, 70000);
	post_tx(self, 65551, 1);
	kick(self, TX);
	self->want.tx_chain_invalid = 1;
	EXPECT_COUNTERS(self);
	post_tx(self, 65550, 1);
	kick(self, TX);
	self->want.tx_packets = self->want.rx_packets = 1;
	self->want.tx_bytes = self->want.rx_bytes = 65550;
	EXPECT_COUNTERS(self);
}

/* A bad receive buffer costs the frame, not the sender. */
static void sent_one(FIXTURE_DATA(net) *self)
{
	send_frames(self, 1, 60);
	self->want.tx_packets++;
	self->want.tx_bytes += 60;
}

TEST_F(net, a_readable_rx_segment_is_an_invalid_rx_chain)
{
	struct vseg s = { vguest_alloc(&self->g, 1526, 16), 1526, false };

	vring_add(&self->d, RX, &s, 1);
	sent_one(self);
	self->want.rx_chain_invalid = 1;
	EXPECT_COUNTERS(self);
	EXPECT_EQ(1, vring_used_pending(&self->d, RX));
}

TEST_F(net, a_readable_segment_before_a_good_rx_buffer_is_an_invalid_rx_chain)
{
	struct vseg segs[] = {
		{ vguest_alloc(&self->g, 16, 16), 16, false },
		{ vguest_alloc(&self->g, 1526, 16), 1526, true },
	};

	vring_add(&self->d, RX, segs, 2);
	sent_one(self);
	self->want.rx_chain_invalid = 1;
	EXPECT_COUNTERS(self);
}

TEST_F(net, an_rx_address_that_wraps_is_an_invalid_rx_chain)
{
	struct vseg s = { ~0ULL - 5, 1526, true };

	vring_add(&self->d, RX, &s, 1);
	sent_one(self);
	self->want.rx_chain_invalid = 1;
	EXPECT_COUNTERS(self);
}

TEST_F(net, an_rx_buffer_too_short_is_an_invalid_rx_chain)
{
	post_rx(self, 1, HDR + 59);
	sent_one(self);
	self->want.rx_chain_invalid = 1;
	EXPECT_COUNTERS(self);
	post_rx(self, 1, HDR + 60);
	sent_one(self);
	self->want.rx_packets = 1;
	self->want.rx_bytes = 60;
	EXPECT_COUNTERS(self);
}

TEST_F(net, an_rx_buffer_outside_ram_is_a_failed_write)
{
	struct vseg s = { RAM_END, 1526, true };
	u32 len;

	vring_add(&self->d, RX, &s, 1);
	sent_one(self);
	self->want.rx_write_failed = 1;
	EXPECT_COUNTERS(self);
	ASSERT_TRUE(vring_get_used(&self->d, RX, NULL, &len));
	EXPECT_EQ(0, len);
}

TEST_F(net, wrong_shape_outside_ram_is_counted_as_shape_alone)
{
	struct vseg s = { RAM_END, 1526, false };

	vring_add(&self->d, RX, &s, 1);
	sent_one(self);
	self->want.rx_chain_invalid = 1;
	EXPECT_COUNTERS(self);
}

/* Set up again with the used ring of @q outside RAM. */
static void lose_used(FIXTURE_DATA(net) *self, unsigned int q)
{
	unsigned int i;

	vdrv_negotiate(&self->d, 0);
	for (i = 0; i < 2; i++) {
		vdrv_place_queue(&self->d, i, 64);
		if (i == q) {
			self->d.q[i].used = RAM_END + 4096;
			vdrv_tell_queue(&self->d, i);
		}
		BUG_ON(!vdrv_ready_queue(&self->d, i));
	}
	vdrv_driver_ok(&self->d);
}

TEST_F(net, tx_used_ring_outside_ram)
{
	lose_used(self, TX);
	post_rx(self, 5, 1526);
	send_frames(self, 3, 60);
	self->want.tx_add_used_failures = 3;
	EXPECT_COUNTERS(self);
	EXPECT_TRUE(vdrv_read(&self->d, VIRTIO_MMIO_STATUS) &
		    VIRTIO_CONFIG_S_NEEDS_RESET);
}

TEST_F(net, rx_used_ring_outside_ram)
{
	lose_used(self, RX);
	post_rx(self, 5, 1526);
	send_frames(self, 3, 60);
	self->want.tx_packets = 3;
	self->want.tx_bytes = 180;
	self->want.rx_add_used_failures = 3;
	EXPECT_COUNTERS(self);
}

TEST_F(net, tx_poison_counts_once_for_1000_kicks_and_leaves_rx_alone)
{
	int i;

	post_rx(self, 4, 1526);
	vring_set_avail_idx(&self->d, TX, 65);
	for (i = 0; i < 1000; i++)
		kick(self, TX);
	self->want.invalid_avail_idx_count = 1;
	EXPECT_COUNTERS(self);
	EXPECT_FALSE(virtio_net_core(self->net)->s->vq[RX].poisoned);
	EXPECT_TRUE(vdrv_read(&self->d, VIRTIO_MMIO_STATUS) &
		    VIRTIO_CONFIG_S_NEEDS_RESET);
	/* Refilling RX is legal still. */
	post_rx(self, 4, 1526);
	kick(self, RX);
	EXPECT_COUNTERS(self);
}

TEST_F(net, rx_poison_leaves_tx_alone)
{
	vring_set_avail_idx(&self->d, RX, 1000);
	send_frames(self, 5, 60);
	self->want = (struct virtio_net_counters){
		.tx_packets = 5, .tx_bytes = 300,
		.tx_dropped_no_rx_buffer = 5, .invalid_avail_idx_count = 1,
	};
	EXPECT_COUNTERS(self);
}

TEST_F(net, each_queue_is_poisoned_for_itself)
{
	vring_set_avail_idx(&self->d, RX, 1000);
	send_frames(self, 1, 60);
	vring_set_avail_idx(&self->d, TX, 1000);
	kick(self, TX);
	self->want = (struct virtio_net_counters){
		.tx_packets = 1, .tx_bytes = 60, .tx_dropped_no_rx_buffer = 1,
		.invalid_avail_idx_count = 2,
	};
	EXPECT_COUNTERS(self);
}

TEST_F(net, reset_clears_poison_and_keeps_counters)
{
	post_rx(self, 1, 1526);
	send_frames(self, 1, 60);
	vring_set_avail_idx(&self->d, TX, 2000);
	kick(self, TX);
	vdrv_start(&self->d, ~0ULL, 32);
	post_rx(self, 2, 1526);
	send_frames(self, 2, 60);
	both(self, 3, 180);
	self->want.invalid_avail_idx_count = 1;
	EXPECT_COUNTERS(self);
	vring_set_avail_idx(&self->d, TX, 2000);
	kick(self, TX);
	self->want.invalid_avail_idx_count = 2;
	EXPECT_COUNTERS(self);
}

TEST_F(net, a_worker_serves_a_driver_with_event_idx)
{
	u32 sent = 0, back = 0, got = 0;
	struct vseg rx = { 0, 1526, true }, tx;
	gpa_t rx_ram, tx_ram;
	u32 id;

	vdrv_start(&self->d, ~0ULL, 64);
	rx_ram = vguest_alloc(&self->g, 64 * 1536, 16);
	tx_ram = vguest_alloc(&self->g, 1526, 16);
	tx = (struct vseg){ tx_ram, 112, false };
	for (id = 0; id < 64; id++) {
		rx.addr = rx_ram + id * 1536;
		vring_add(&self->d, RX, &rx, 1);
	}
	ASSERT_EQ(0, virtio_net_start(self->net, NULL));
	while (got < 50000) {
		while (sent - back < 32 && sent - got < 64 && sent < 50000) {
			vring_add(&self->d, TX, &tx, 1);
			sent++;
		}
		vdrv_kick(&self->d, TX);
		while (vring_get_used(&self->d, TX, NULL, NULL))
			back++;
		while (vring_get_used(&self->d, RX, &id, NULL)) {
			got++;
			vring_post(&self->d, RX, (u16)id);
		}
		vring_write_used_event(&self->d, RX, self->d.q[RX].last_used);
		vring_write_used_event(&self->d, TX, self->d.q[TX].last_used);
	}
	virtio_net_stop(self->net);
	both(self, 50000, 5000000);
	EXPECT_COUNTERS(self);
}

TEST_F(net, config_is_checked)
{
	struct virtio_net_cfg cfg = { .mtu = 67 };
	struct virtio_net *net;

	EXPECT_EQ(-EINVAL, virtio_net_create(&net, &self->g.mem, &cfg, NULL));
	cfg = (struct virtio_net_cfg){ .mac = { 1, 0, 0, 0, 0, 1 } };
	EXPECT_EQ(-EINVAL, virtio_net_create(&net, &self->g.mem, &cfg, NULL));
	virtio_net_destroy(NULL);
}

TEST_F(net, mtu_is_offered_only_where_it_is_set)
{
	u8 mac[6];

	vdrv_write(&self->d, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 0);
	EXPECT_FALSE(vdrv_read(&self->d, VIRTIO_MMIO_DEVICE_FEATURES) &
		     1U << VIRTIO_NET_F_MTU);
	self->d.dev.ops->read(self->d.dev.dev, VIRTIO_MMIO_CONFIG, mac, 4);
	EXPECT_EQ(0x52, mac[0]);
}

TEST_HARNESS_MAIN
