// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device's state is plain data: moved by a mere copy, in the middle of its
 * driver's business, into a second device over the same guest memory, it goes
 * on there as if nothing had been, and the first one may go.
 */
#include "virtio/virtio.h"

#include <endian.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>
#include <linux/virtio_console.h>
#include <linux/virtio_mmio.h>
#include <string.h>

#include "selftests/lib/vdrv.h"
#include "virtio/blk.h"
#include "virtio/blkback.h"
#include "virtio/console.h"
#include "virtio/net.h"
#include "vmm/base/buf.h"

#include <kselftest_harness.h>

FIXTURE(state) {
	struct vguest g;
	struct vdrv d;
};

FIXTURE_SETUP(state)
{
	memset(self, 0, sizeof(*self));
	vguest_init(&self->g, MiB(1));
	self->d.g = &self->g;
}

FIXTURE_TEARDOWN(state)
{
	vguest_free(&self->g);
}

/* What a restore will have to do: the bytes, and the page made of them. */
static void move_state(struct virtio *to, struct virtio *from)
{
	BUG_ON(to->state_len != from->state_len ||
	       to->state_len <= sizeof(struct virtio_state));
	memcpy(to->s, from->s, to->state_len);
	to->publish(to);
	virtio_ack(to, 0);
}

static void expect_running(FIXTURE_DATA(state) *self,
			   struct __test_metadata *_metadata)
{
	EXPECT_EQ(VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER |
		  VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK,
		  vdrv_read(&self->d, VIRTIO_MMIO_STATUS));
	EXPECT_EQ(VIRTIO_MMIO_INT_VRING,
		  vdrv_read(&self->d, VIRTIO_MMIO_INTERRUPT_STATUS));
}

static struct virtio_blk *open_disk(FIXTURE_DATA(state) *self, void *bytes)
{
	struct virtio_blk_cfg cfg = { .serial = "moved" };
	struct virtio_blk *blk;
	struct blkback *back;

	BUG_ON(blkback_from_buffer(&back, bytes, 4096, false));
	BUG_ON(virtio_blk_create(&blk, &self->g.mem, back, &cfg, NULL));
	virtio_blk_attach(blk, &self->d.dev);
	return blk;
}

/* Post a read of sector @sector; where its data will be. */
static gpa_t post_read(FIXTURE_DATA(state) *self, u64 sector)
{
	struct virtio_blk_outhdr hdr = {
		.type = htole32(VIRTIO_BLK_T_IN), .sector = htole64(sector),
	};
	struct vseg segs[] = {
		{ vguest_put(&self->g, &hdr, sizeof(hdr)), sizeof(hdr), false },
		{ vguest_alloc(&self->g, 512, 16), 512, true },
		{ vguest_put(&self->g, "\xee", 1), 1, true },
	};

	vring_add(&self->d, 0, segs, ARRAY_SIZE(segs));
	return segs[1].addr;
}

TEST_F(state, a_disk_moves_between_two_requests)
{
	u8 bytes[4096];
	struct virtio_blk *first = open_disk(self, bytes), *second;
	struct virtio_blk_counters c;
	gpa_t data;

	memset(bytes, 0x5a, sizeof(bytes));
	vdrv_start(&self->d, ~0ULL, 16);
	post_read(self, 0);
	vdrv_kick(&self->d, 0);
	virtio_poll(virtio_blk_core(first));
	data = post_read(self, 7);	/* is not looked at any more */
	second = open_disk(self, bytes);
	move_state(virtio_blk_core(second), virtio_blk_core(first));
	virtio_blk_destroy(first);

	expect_running(self, _metadata);
	vdrv_kick(&self->d, 0);
	virtio_poll(virtio_blk_core(second));
	EXPECT_EQ(2, vring_used_pending(&self->d, 0));
	EXPECT_EQ(0, memcmp(vguest_ptr(&self->g, data, 512), bytes, 512));
	virtio_blk_counters(second, &c);
	EXPECT_EQ(2, c.reads_completed);
	EXPECT_EQ(1024, c.bytes_read);
	EXPECT_EQ(0, c.io_errors);
	virtio_blk_destroy(second);
}

static struct virtio_net *open_card(FIXTURE_DATA(state) *self)
{
	struct virtio_net_cfg cfg = { .mtu = 1400 };
	struct virtio_net *net;

	BUG_ON(virtio_net_create(&net, &self->g.mem, &cfg, NULL));
	virtio_net_attach(net, &self->d.dev);
	return net;
}

static void send_frame(FIXTURE_DATA(state) *self, struct virtio_net *net)
{
	struct vseg rx = { vguest_alloc(&self->g, 1526, 16), 1526, true };
	struct vseg tx = { vguest_alloc(&self->g, 72, 16), 72, false };

	vring_add(&self->d, 0, &rx, 1);
	vring_add(&self->d, 1, &tx, 1);
	vdrv_kick(&self->d, 1);
	virtio_poll(virtio_net_core(net));
}

TEST_F(state, a_card_moves_between_two_frames)
{
	struct virtio_net *first = open_card(self), *second;
	struct virtio_net_counters c;

	vdrv_start(&self->d, ~0ULL, 16);
	send_frame(self, first);
	second = open_card(self);
	move_state(virtio_net_core(second), virtio_net_core(first));
	virtio_net_destroy(first);

	expect_running(self, _metadata);
	send_frame(self, second);
	EXPECT_EQ(2, vring_used_pending(&self->d, 0));
	EXPECT_EQ(2, vring_used_pending(&self->d, 1));
	virtio_net_counters(second, &c);
	EXPECT_EQ(2, c.tx_packets);
	EXPECT_EQ(2, c.rx_packets);
	EXPECT_EQ(120, c.rx_bytes);
	virtio_net_destroy(second);
}

#define CONTROL_TX 3
#define BULK_TX 5

struct sink {
	struct buf *got;
	size_t room;
};

static size_t sink_take(void *arg, const void *data, size_t len)
{
	struct sink *s = arg;
	size_t n = min(len, s->room);

	buf_add(s->got, data, n);
	s->room -= n;
	return n;
}

static struct virtio_console *open_console(FIXTURE_DATA(state) *self,
					   struct sink *sink)
{
	struct virtio_console_cfg cfg = {
		.sinks[VIRTIO_CONSOLE_PORT_BULK] = {
			.take = sink_take, .arg = sink,
		},
	};
	struct virtio_console *con;

	BUG_ON(virtio_console_create(&con, &self->g.mem, &cfg, NULL));
	virtio_console_attach(con, &self->d.dev);
	return con;
}

static void write_out(FIXTURE_DATA(state) *self, struct virtio_console *con,
		      unsigned int q, const void *data, u32 len)
{
	struct vseg s = { vguest_put(&self->g, data, len), len, false };

	vring_add(&self->d, q, &s, 1);
	vdrv_kick(&self->d, q);
	virtio_poll(virtio_console_core(con));
}

TEST_F(state, a_console_moves_in_the_middle_of_a_buffer)
{
	struct virtio_console_control ready = {
		.event = htole16(VIRTIO_CONSOLE_DEVICE_READY),
		.value = htole16(1),
	};
	struct buf got = { 0 };
	struct sink full = { &got, 3 }, roomy = { &got, SIZE_MAX };
	struct virtio_console *first = open_console(self, &full), *second;
	struct virtio_console_counters c;

	vdrv_start(&self->d, ~0ULL, 16);
	write_out(self, first, CONTROL_TX, &ready, sizeof(ready));
	write_out(self, first, BULK_TX, "abcdefgh", 8);
	EXPECT_EQ(3, got.len);
	EXPECT_EQ(0, virtio_console_send(first, VIRTIO_CONSOLE_PORT_BULK,
					 "unsent", 6));
	second = open_console(self, &roomy);
	move_state(virtio_console_core(second), virtio_console_core(first));
	virtio_console_destroy(first);

	expect_running(self, _metadata);
	EXPECT_EQ(6, virtio_console_unsent(second, VIRTIO_CONSOLE_PORT_BULK));
	virtio_console_resume(second, VIRTIO_CONSOLE_PORT_BULK);
	virtio_poll(virtio_console_core(second));
	ASSERT_EQ(8, got.len);
	EXPECT_EQ(0, memcmp("abcdefgh", got.data, 8));
	EXPECT_EQ(1, vring_used_pending(&self->d, BULK_TX));
	virtio_console_counters(second, &c);
	EXPECT_EQ(8, c.bytes_out[VIRTIO_CONSOLE_PORT_BULK]);
	virtio_console_destroy(second);
	buf_reset(&got);
}

TEST_HARNESS_MAIN
