// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every hostile chain against the queue and against every device that would
 * meet it: the right refusal, the right counter by one, no other counter, and
 * a device that goes on.
 */
#include "virtio/virtio.h"

#include <endian.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_console.h>
#include <linux/virtio_ring.h>
#include <string.h>

#include <kselftest_harness.h>

#include "selftests/lib/vectors.h"
#include "virtio/blk.h"
#include "virtio/blkback.h"
#include "virtio/console.h"
#include "virtio/net.h"

#define DISK KiB(64)
#define INDIRECT_BIT (1ULL << VIRTIO_RING_F_INDIRECT_DESC)

/* The queue alone. */

FIXTURE(queue) {
	struct vguest g;
	struct vdrv d;
	struct virtq vq;
	struct virtq_chain c;
};

FIXTURE_VARIANT(queue) {
	const struct hostile_vector *v;
};

FIXTURE_SETUP(queue)
{
	struct vring_drv *r = &self->d.q[0];

	memset(&self->d, 0, sizeof(self->d));
	vguest_init(&self->g, VECTOR_RAM);
	self->d.g = &self->g;
	r->size = VECTOR_QUEUE_SIZE;
	r->desc = vguest_alloc(&self->g, 4096, 16);
	r->avail = vguest_alloc(&self->g, 4096, 16);
	r->used = vguest_alloc(&self->g, 4096, 16);
	virtq_init(&self->vq, VIRTQ_MAX_SIZE);
	self->vq.size = VECTOR_QUEUE_SIZE;
	self->vq.desc = r->desc;
	self->vq.avail = r->avail;
	self->vq.used = r->used;
	self->vq.indirect = variant->v->indirect;
	ASSERT_EQ(0, virtq_enable(&self->vq, &self->g.mem));
}

FIXTURE_TEARDOWN(queue)
{
	vguest_free(&self->g);
}

static bool in_ram(struct vguest *g, const struct iovec *v)
{
	u8 *p = v->iov_base;

	return p >= g->ram && p + v->iov_len <= g->ram + g->size;
}

TEST_F(queue, pop)
{
	struct virtq_chain *c = &self->c;
	u64 out = 0, in = 0;
	unsigned int i;
	bool fault = false;

	variant->v->build(&self->d, 0);
	EXPECT_EQ(variant->v->want,
		  virtq_pop(&self->vq, &self->g.mem, c));
	EXPECT_EQ(strncmp(variant->v->name, "head_", 5) != 0, c->returnable);
	ASSERT_GE(VECTOR_QUEUE_SIZE, c->nr_out + c->nr_in);
	for (i = 0; i < c->nr_out + c->nr_in; i++) {
		*(i < c->nr_out ? &out : &in) += c->iov[i].iov_len;
		EXPECT_LT(0, c->iov[i].iov_len);
		fault |= !c->iov[i].iov_base;
		EXPECT_TRUE(!c->iov[i].iov_base ||
			    in_ram(&self->g, &c->iov[i]));
	}
	EXPECT_EQ(variant->v->want == -EFAULT, fault);
	EXPECT_EQ(c->out_len, out);
	EXPECT_EQ(c->in_len, in);
	EXPECT_FALSE(self->vq.poisoned);
	/* It was consumed, and the next one is not disturbed. */
	EXPECT_EQ(0, virtq_pop(&self->vq, &self->g.mem, c));
	vring_set_desc(&self->d, 0, 0, VDRV_RAM_BASE, 64, 0, 0);
	vring_post(&self->d, 0, 0);
	EXPECT_EQ(1, virtq_pop(&self->vq, &self->g.mem, c));
}

/* Devices: what they share, and how each tells whether it still works. */

FIXTURE(device) {
	struct vguest g;
	struct vdrv d;
	struct virtio_blk *blk;
	struct virtio_net *net;
	struct virtio_console *con;
	struct virtio *v;
	unsigned int q;
	u8 *disk;
};

FIXTURE_VARIANT(device) {
	const struct hostile_vector *v;
	void (*open)(FIXTURE_DATA(device) *self);
	unsigned int q;
	/* Sum of the counters that a refusal may move; all others in @others. */
	u64 (*refused)(FIXTURE_DATA(device) *self, u64 *others);
	/* One good request; did it arrive? */
	bool (*works)(FIXTURE_DATA(device) *self);
};

FIXTURE_SETUP(device)
{
	memset(self, 0, sizeof(*self));
	vguest_init(&self->g, VECTOR_RAM);
	self->d.g = &self->g;
	self->q = variant->q;
	variant->open(self);
	vdrv_start(&self->d, (variant->v->indirect ? INDIRECT_BIT : 0) |
		   1ULL << VIRTIO_CONSOLE_F_MULTIPORT, VECTOR_QUEUE_SIZE);
	virtio_poll(self->v);
}

FIXTURE_TEARDOWN(device)
{
	virtio_blk_destroy(self->blk);
	virtio_net_destroy(self->net);
	virtio_console_destroy(self->con);
	free(self->disk);
	vguest_free(&self->g);
}

static void kick(FIXTURE_DATA(device) *self, unsigned int q)
{
	vdrv_kick(&self->d, q);
	virtio_poll(self->v);
}

static void open_blk(FIXTURE_DATA(device) *self)
{
	struct virtio_blk_cfg cfg = { .serial = NULL };
	struct blkback *b;

	self->disk = calloc(1, DISK);
	BUG_ON(blkback_from_buffer(&b, self->disk, DISK, false));
	BUG_ON(virtio_blk_create(&self->blk, &self->g.mem, b, &cfg, NULL));
	virtio_blk_attach(self->blk, &self->d.dev);
	self->v = virtio_blk_core(self->blk);
}

static u64 blk_refused(FIXTURE_DATA(device) *self, u64 *others)
{
	struct virtio_blk_counters c;

	virtio_blk_counters(self->blk, &c);
	*others = c.reads_completed + c.writes_completed + c.flushes_completed +
		  c.bytes_read + c.bytes_written + c.throttled_count +
		  c.currently_throttled_gauge + c.invalid_avail_idx_count;
	return c.io_errors;
}

static bool blk_works(FIXTURE_DATA(device) *self)
{
	struct virtio_blk_outhdr hdr = { .type = htole32(VIRTIO_BLK_T_IN) };
	struct vseg segs[] = {
		{ vguest_put(&self->g, &hdr, sizeof(hdr)), 16, false },
		{ vguest_alloc(&self->g, 512, 16), 512, true },
		{ vguest_put(&self->g, "\xee", 1), 1, true },
	};

	vring_add(&self->d, 0, segs, 3);
	kick(self, 0);
	return !*(u8 *)vguest_ptr(&self->g, segs[2].addr, 1);
}

static void open_net(FIXTURE_DATA(device) *self)
{
	struct virtio_net_cfg cfg = { .mtu = 0 };

	BUG_ON(virtio_net_create(&self->net, &self->g.mem, &cfg, NULL));
	virtio_net_attach(self->net, &self->d.dev);
	self->v = virtio_net_core(self->net);
}

static u64 net_others(const struct virtio_net_counters *c)
{
	return c->tx_add_used_failures + c->rx_add_used_failures +
	       c->rx_packets + c->rx_bytes + c->tx_dropped_no_rx_buffer +
	       c->invalid_avail_idx_count;
}

static u64 net_tx_refused(FIXTURE_DATA(device) *self, u64 *others)
{
	struct virtio_net_counters c;

	virtio_net_counters(self->net, &c);
	*others = net_others(&c) + c.tx_packets + c.tx_bytes +
		  c.rx_chain_invalid + c.rx_write_failed;
	return c.tx_chain_invalid;
}

static void send_frame(FIXTURE_DATA(device) *self)
{
	struct vseg s = { vguest_alloc(&self->g, 72, 16), 72, false };

	vring_add(&self->d, 1, &s, 1);
	kick(self, 1);
}

/* The frame that finds the bad buffer is sent, and is not what is judged. */
static u64 net_rx_refused(FIXTURE_DATA(device) *self, u64 *others)
{
	struct virtio_net_counters c;

	send_frame(self);
	virtio_net_counters(self->net, &c);
	*others = net_others(&c) + c.tx_chain_invalid + (c.tx_packets - 1) +
		  (c.tx_bytes - 60);
	return c.rx_chain_invalid + c.rx_write_failed;
}

static bool net_works(FIXTURE_DATA(device) *self)
{
	struct virtio_net_counters before, after;
	struct vseg s = { vguest_alloc(&self->g, 1526, 16), 1526, true };

	vring_add(&self->d, 0, &s, 1);
	virtio_net_counters(self->net, &before);
	send_frame(self);
	virtio_net_counters(self->net, &after);
	return after.rx_packets == before.rx_packets + 1;
}

static void open_con(FIXTURE_DATA(device) *self)
{
	struct virtio_console_cfg cfg = { .cols = 0 };

	BUG_ON(virtio_console_create(&self->con, &self->g.mem, &cfg, NULL));
	virtio_console_attach(self->con, &self->d.dev);
	self->v = virtio_console_core(self->con);
}

static u64 con_refused(FIXTURE_DATA(device) *self, u64 *others)
{
	struct virtio_console_counters c;

	virtio_console_counters(self->con, &c);
	*others = c.bytes_out[0] + c.bytes_out[1] + c.bytes_out[2] +
		  c.add_used_failures + c.invalid_avail_idx_count +
		  c.control_invalid;
	return c.chain_invalid;
}

static bool con_works(FIXTURE_DATA(device) *self)
{
	struct virtio_console_control msg = { .event = htole16(999) };
	struct virtio_console_counters before, after;
	struct vseg s = { vguest_put(&self->g, &msg, 8), 8, false };

	virtio_console_counters(self->con, &before);
	vring_add(&self->d, self->q, &s, 1);
	kick(self, self->q);
	virtio_console_counters(self->con, &after);
	return self->q == 3 ?
		after.control_invalid == before.control_invalid + 1 :
		after.bytes_out[1] == before.bytes_out[1] + 8;
}

TEST_F(device, refuses_and_goes_on)
{
	const struct hostile_vector *v = variant->v;
	u64 others = 0, refused;

	v->build(&self->d, self->q);
	kick(self, self->q);
	refused = variant->refused(self, &others);
	if (v->want != FINE) {
		EXPECT_EQ(1, refused);
		EXPECT_EQ(0, others);
		/* Back with the driver, or lost where it has no name. */
		EXPECT_EQ(strncmp(v->name, "head_", 5) != 0,
			  vring_used_pending(&self->d, self->q));
	} else {
		EXPECT_GE(1, refused);
	}
	/* The ring may have been its own buffer; that one is the driver's. */
	if (v != &vec_segment_is_the_ring_itself) {
		self->d.q[self->q].next_free = 0;
		EXPECT_TRUE(variant->works(self));
	}
}

#define ADD(n, want, indirect)						\
	FIXTURE_VARIANT_ADD(queue, n) { .v = &vec_##n };		\
	FIXTURE_VARIANT_ADD(device, blk_##n) {				\
		.v = &vec_##n, .open = open_blk, .q = 0,		\
		.refused = blk_refused, .works = blk_works,		\
	};								\
	FIXTURE_VARIANT_ADD(device, net_tx_##n) {			\
		.v = &vec_##n, .open = open_net, .q = 1,		\
		.refused = net_tx_refused, .works = net_works,		\
	};								\
	FIXTURE_VARIANT_ADD(device, net_rx_##n) {			\
		.v = &vec_##n, .open = open_net, .q = 0,		\
		.refused = net_rx_refused, .works = net_works,		\
	};								\
	FIXTURE_VARIANT_ADD(device, console_control_##n) {		\
		.v = &vec_##n, .open = open_con, .q = 3,		\
		.refused = con_refused, .works = con_works,		\
	};								\
	FIXTURE_VARIANT_ADD(device, console_bulk_##n) {			\
		.v = &vec_##n, .open = open_con, .q = 5,		\
		.refused = con_refused, .works = con_works,		\
	};
HOSTILE_VECTORS(ADD)

TEST_HARNESS_MAIN
