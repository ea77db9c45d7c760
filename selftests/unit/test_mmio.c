// SPDX-License-Identifier: GPL-2.0-only
/* The virtio-mmio registers and the device core, over a network card. */
#include "virtio/mmio.h"

#include <endian.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_mmio.h>
#include <linux/virtio_net.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include <kselftest_harness.h>

#include "selftests/lib/vdrv.h"
#include "virtio/net.h"

#define ACK VIRTIO_CONFIG_S_ACKNOWLEDGE
#define DRIVER VIRTIO_CONFIG_S_DRIVER
#define FEATURES_OK VIRTIO_CONFIG_S_FEATURES_OK
#define DRIVER_OK VIRTIO_CONFIG_S_DRIVER_OK
#define NEEDS_RESET VIRTIO_CONFIG_S_NEEDS_RESET
#define FAILED VIRTIO_CONFIG_S_FAILED

FIXTURE(mmio) {
	struct vguest g;
	struct vdrv d;
	struct virtio_net *net;
};

FIXTURE_SETUP(mmio)
{
	struct virtio_net_cfg cfg = {
		.mac = { 2, 3, 4, 5, 6, 7 }, .mtu = 1400,
	};

	vguest_init(&self->g, MiB(1));
	memset(&self->d, 0, sizeof(self->d));
	self->d.g = &self->g;
	ASSERT_EQ(0, virtio_net_create(&self->net, &self->g.mem, &cfg, NULL));
	virtio_net_attach(self->net, &self->d.dev);
}

FIXTURE_TEARDOWN(mmio)
{
	virtio_net_destroy(self->net);
	vguest_free(&self->g);
}

static u32 rd(FIXTURE_DATA(mmio) *self, u64 off)
{
	return vdrv_read(&self->d, off);
}

static void wr(FIXTURE_DATA(mmio) *self, u64 off, u32 val)
{
	vdrv_write(&self->d, off, val);
}

static void status(FIXTURE_DATA(mmio) *self, u32 val)
{
	wr(self, VIRTIO_MMIO_STATUS, val);
}

TEST_F(mmio, identifies_itself)
{
	EXPECT_EQ(0x74726976, rd(self, VIRTIO_MMIO_MAGIC_VALUE));
	EXPECT_EQ(2, rd(self, VIRTIO_MMIO_VERSION));
	EXPECT_EQ(VIRTIO_ID_NET, rd(self, VIRTIO_MMIO_DEVICE_ID));
	EXPECT_EQ(MMIO_VENDOR_ID, rd(self, VIRTIO_MMIO_VENDOR_ID));
}

TEST_F(mmio, describes_itself_to_the_machine)
{
	const struct device *dev = &self->d.dev;
	unsigned int q;

	EXPECT_STREQ("LNRO0005", dev->acpi_hid);
	EXPECT_STREQ("virtio_net", dev->name);
	EXPECT_EQ(0x1000, dev->size);
	EXPECT_LE(0, dev->irq->fd);
	ASSERT_EQ(2, dev->nr_doorbells);
	for (q = 0; q < 2; q++) {
		EXPECT_EQ(VIRTIO_MMIO_QUEUE_NOTIFY, dev->doorbells[q].off);
		EXPECT_EQ(q, dev->doorbells[q].value);
		EXPECT_LE(0, dev->doorbells[q].fd);
	}
}

TEST_F(mmio, features_come_in_two_halves_and_no_third)
{
	wr(self, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 1);
	EXPECT_EQ(1, rd(self, VIRTIO_MMIO_DEVICE_FEATURES));	/* VERSION_1 */
	wr(self, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 0);
	EXPECT_EQ(1U << VIRTIO_NET_F_MAC | 1U << VIRTIO_NET_F_MTU |
		  1U << VIRTIO_RING_F_INDIRECT_DESC |
		  1U << VIRTIO_RING_F_EVENT_IDX,
		  rd(self, VIRTIO_MMIO_DEVICE_FEATURES));
	wr(self, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 2);
	EXPECT_EQ(0, rd(self, VIRTIO_MMIO_DEVICE_FEATURES));
	wr(self, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 0xffffffff);
	EXPECT_EQ(0, rd(self, VIRTIO_MMIO_DEVICE_FEATURES));
}

TEST_F(mmio, features_ok_needs_version_1)
{
	status(self, ACK);
	status(self, ACK | DRIVER);
	status(self, ACK | DRIVER | FEATURES_OK);
	EXPECT_EQ(ACK | DRIVER, rd(self, VIRTIO_MMIO_STATUS));
}

TEST_F(mmio, features_ok_is_refused_for_what_was_not_offered)
{
	status(self, ACK);
	status(self, ACK | DRIVER);
	wr(self, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
	wr(self, VIRTIO_MMIO_DRIVER_FEATURES, 1);
	wr(self, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 0);
	wr(self, VIRTIO_MMIO_DRIVER_FEATURES, 1U << VIRTIO_NET_F_CSUM);
	status(self, ACK | DRIVER | FEATURES_OK);
	EXPECT_EQ(ACK | DRIVER, rd(self, VIRTIO_MMIO_STATUS));
	wr(self, VIRTIO_MMIO_DRIVER_FEATURES, 0);
	status(self, ACK | DRIVER | FEATURES_OK);
	EXPECT_EQ(ACK | DRIVER | FEATURES_OK, rd(self, VIRTIO_MMIO_STATUS));
}

TEST_F(mmio, features_are_fixed_by_features_ok)
{
	ASSERT_TRUE(vdrv_negotiate(&self->d, 0));
	wr(self, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 0);
	wr(self, VIRTIO_MMIO_DRIVER_FEATURES, 0xffffffff);
	wr(self, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 7);
	wr(self, VIRTIO_MMIO_DRIVER_FEATURES, 0xffffffff);
	EXPECT_EQ(1ULL << VIRTIO_F_VERSION_1,
		  virtio_net_core(self->net)->s->accepted);
}

TEST_F(mmio, status_bits_come_in_order_and_only_go_by_reset)
{
	status(self, DRIVER);
	EXPECT_EQ(0, rd(self, VIRTIO_MMIO_STATUS));
	status(self, ACK | DRIVER_OK);
	EXPECT_EQ(ACK, rd(self, VIRTIO_MMIO_STATUS));
	status(self, FEATURES_OK);
	EXPECT_EQ(ACK, rd(self, VIRTIO_MMIO_STATUS));
	status(self, NEEDS_RESET | 0xffffff00);
	EXPECT_EQ(ACK, rd(self, VIRTIO_MMIO_STATUS));
	status(self, FAILED);
	EXPECT_EQ(ACK | FAILED, rd(self, VIRTIO_MMIO_STATUS));
	status(self, 0);
	EXPECT_EQ(0, rd(self, VIRTIO_MMIO_STATUS));
}

TEST_F(mmio, absent_queues_read_as_none)
{
	ASSERT_TRUE(vdrv_negotiate(&self->d, 0));
	wr(self, VIRTIO_MMIO_QUEUE_SEL, 1);
	EXPECT_EQ(256, rd(self, VIRTIO_MMIO_QUEUE_NUM_MAX));
	wr(self, VIRTIO_MMIO_QUEUE_SEL, 2);
	EXPECT_EQ(0, rd(self, VIRTIO_MMIO_QUEUE_NUM_MAX));
	wr(self, VIRTIO_MMIO_QUEUE_NUM, 8);
	wr(self, VIRTIO_MMIO_QUEUE_READY, 1);
	EXPECT_EQ(0, rd(self, VIRTIO_MMIO_QUEUE_READY));
	wr(self, VIRTIO_MMIO_QUEUE_SEL, 0xffffffff);
	EXPECT_EQ(0, rd(self, VIRTIO_MMIO_QUEUE_NUM_MAX));
	wr(self, VIRTIO_MMIO_QUEUE_DESC_HIGH, 1);
	wr(self, VIRTIO_MMIO_QUEUE_NOTIFY, 2);
	wr(self, VIRTIO_MMIO_QUEUE_NOTIFY, 0xffffffff);
	EXPECT_EQ(0, rd(self, VIRTIO_MMIO_STATUS) & NEEDS_RESET);
}

TEST_F(mmio, a_queue_is_not_ready_before_features_ok)
{
	vdrv_place_queue(&self->d, 0, 8);
	EXPECT_FALSE(vdrv_ready_queue(&self->d, 0));
}

TEST_F(mmio, a_bad_queue_stays_unready_and_asks_for_reset)
{
	ASSERT_TRUE(vdrv_negotiate(&self->d, 0));
	vdrv_place_queue(&self->d, 0, 8);
	self->d.q[0].desc = 0x10;
	vdrv_tell_queue(&self->d, 0);
	EXPECT_FALSE(vdrv_ready_queue(&self->d, 0));
	EXPECT_TRUE(rd(self, VIRTIO_MMIO_STATUS) & NEEDS_RESET);
	/* Not running yet, so not a word. */
	EXPECT_EQ(0, vdrv_irqs(&self->d));
	vdrv_reset(&self->d);
	EXPECT_EQ(0, rd(self, VIRTIO_MMIO_STATUS));
}

TEST_F(mmio, sizes_that_are_none_are_refused)
{
	static const u32 sizes[] = {
		0, 3, 257, 512, 0x10000, 0x10008, 0x80000000, 0xffffffff,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		ASSERT_TRUE(vdrv_negotiate(&self->d, 0));
		vdrv_place_queue(&self->d, 0, 8);
		wr(self, VIRTIO_MMIO_QUEUE_NUM, sizes[i]);
		EXPECT_FALSE(vdrv_ready_queue(&self->d, 0)) {
			TH_LOG("size %u", sizes[i]);
		}
	}
}

TEST_F(mmio, a_ready_queue_cannot_be_moved)
{
	struct virtq *vq = &virtio_net_core(self->net)->s->vq[0];
	gpa_t desc;

	vdrv_start(&self->d, 0, 8);
	desc = vq->desc;
	self->d.q[0] = (struct vring_drv){ .size = 4, .desc = 0, .used = 8 };
	vdrv_tell_queue(&self->d, 0);
	EXPECT_EQ(desc, vq->desc);
	EXPECT_EQ(8, vq->size);
}

TEST_F(mmio, queue_ready_0_takes_the_queue_away)
{
	vdrv_start(&self->d, 0, 8);
	wr(self, VIRTIO_MMIO_QUEUE_SEL, 0);
	wr(self, VIRTIO_MMIO_QUEUE_READY, 0);
	EXPECT_EQ(0, rd(self, VIRTIO_MMIO_QUEUE_READY));
	vdrv_place_queue(&self->d, 0, 4);
	EXPECT_TRUE(vdrv_ready_queue(&self->d, 0));
}

TEST_F(mmio, reset_clears_everything_of_the_driver)
{
	struct virtio_state *s = virtio_net_core(self->net)->s;
	unsigned int q;

	vdrv_start(&self->d, ~0ULL, 8);
	virtio_needs_reset(virtio_net_core(self->net));
	EXPECT_EQ(VIRTIO_MMIO_INT_CONFIG,
		  rd(self, VIRTIO_MMIO_INTERRUPT_STATUS));
	wr(self, VIRTIO_MMIO_QUEUE_SEL, 1);
	status(self, 0);
	EXPECT_EQ(0, rd(self, VIRTIO_MMIO_INTERRUPT_STATUS));
	EXPECT_EQ(0, rd(self, VIRTIO_MMIO_STATUS));
	EXPECT_EQ(0, s->accepted);
	EXPECT_EQ(0, s->queue_sel);
	for (q = 0; q < 2; q++) {
		EXPECT_FALSE(s->vq[q].ready);
		EXPECT_EQ(0, s->vq[q].desc);
		EXPECT_EQ(256, s->vq[q].max);
	}
}

TEST_F(mmio, needs_reset_interrupts_once)
{
	struct virtio *v = virtio_net_core(self->net);

	vdrv_start(&self->d, 0, 8);
	vdrv_irqs(&self->d);
	virtio_needs_reset(v);
	virtio_needs_reset(v);
	EXPECT_EQ(1, vdrv_irqs(&self->d));
}

TEST_F(mmio, ack_clears_only_its_bits)
{
	struct virtio *v = virtio_net_core(self->net);

	v->s->isr = 3;
	wr(self, VIRTIO_MMIO_INTERRUPT_ACK, 2);
	EXPECT_EQ(1, rd(self, VIRTIO_MMIO_INTERRUPT_STATUS));
	wr(self, VIRTIO_MMIO_INTERRUPT_ACK, 0xfffffff0);
	EXPECT_EQ(1, rd(self, VIRTIO_MMIO_INTERRUPT_STATUS));
	wr(self, VIRTIO_MMIO_INTERRUPT_ACK, 1);
	EXPECT_EQ(0, rd(self, VIRTIO_MMIO_INTERRUPT_STATUS));
}

TEST_F(mmio, no_shared_memory_region_exists)
{
	wr(self, VIRTIO_MMIO_SHM_SEL, 0);
	EXPECT_EQ(0xffffffff, rd(self, VIRTIO_MMIO_SHM_LEN_LOW));
	EXPECT_EQ(0xffffffff, rd(self, VIRTIO_MMIO_SHM_LEN_HIGH));
	EXPECT_EQ(0xffffffff, rd(self, VIRTIO_MMIO_SHM_BASE_LOW));
	EXPECT_EQ(0xffffffff, rd(self, VIRTIO_MMIO_SHM_BASE_HIGH));
}

TEST_F(mmio, wrong_widths_and_offsets_do_nothing)
{
	struct virtio_state before = *virtio_net_core(self->net)->s;
	static const u32 lens[] = { 1, 2, 8 };
	u8 data[8];
	u64 off;
	int i;

	vdrv_negotiate(&self->d, 0);
	before = *virtio_net_core(self->net)->s;
	for (i = 0; i < 3; i++) {
		for (off = 0; off + lens[i] <= VIRTIO_MMIO_CONFIG; off++) {
			memset(data, 0xff, 8);
			self->d.dev.ops->write(self->d.dev.dev, off, data, lens[i]);
			self->d.dev.ops->read(self->d.dev.dev, off, data, lens[i]);
			EXPECT_EQ(0, data[0]);
		}
	}
	for (off = 1; off < VIRTIO_MMIO_CONFIG - 4; off++) {
		if (off % 4 == 0)
			continue;
		memset(data, 0xff, 8);
		self->d.dev.ops->write(self->d.dev.dev, off, data, 4);
	}
	EXPECT_EQ(0, memcmp(&before, virtio_net_core(self->net)->s,
			    sizeof(before)));
}

TEST_F(mmio, unknown_registers_read_zero)
{
	static const u64 offs[] = {
		0x00c + 0x1c, 0x03c, 0x040, 0x048, 0x0ac, 0x0c0, 0x0f8,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(offs); i++) {
		wr(self, offs[i], 0xffffffff);
		EXPECT_EQ(0, rd(self, offs[i]));
	}
}

TEST_F(mmio, config_reads_at_any_width_and_ends)
{
	const struct bus_ops *ops = self->d.dev.ops;
	struct vseg s = { vguest_alloc(&self->g, 72, 16), 72, false };
	u64 base = VIRTIO_MMIO_CONFIG, val, off;
	u8 mac[6];
	u16 mtu;
	int i;

	for (i = 0; i < 6; i++)
		ops->read(self->d.dev.dev, base + i, &mac[i], 1);
	EXPECT_EQ(0, memcmp(mac, "\2\3\4\5\6\7", 6));
	ops->read(self->d.dev.dev,
		  base + offsetof(struct virtio_net_config, mtu), &mtu, 2);
	EXPECT_EQ(1400, le16toh(mtu));
	ops->read(self->d.dev.dev, base, &val, 8);
	EXPECT_EQ(0x0000070605040302ULL, val);
	/* Across the end, and far beyond. */
	val = ~0ULL;
	ops->read(self->d.dev.dev, base + sizeof(struct virtio_net_config) - 1,
		  &val, 8);
	EXPECT_EQ(0, val);
	/* What lies behind it in the host is the counters. */
	vdrv_start(&self->d, 0, 8);
	vring_add(&self->d, 1, &s, 1);
	vdrv_kick(&self->d, 1);
	virtio_poll(virtio_net_core(self->net));
	for (off = sizeof(struct virtio_net_config); base + off < 0x1000;
	     off++) {
		u8 byte = 0xff;

		ops->read(self->d.dev.dev, base + off, &byte, 1);
		EXPECT_EQ(0, byte);
	}
	val = ~0ULL;
	ops->write(self->d.dev.dev, base, &val, 8);
	ops->read(self->d.dev.dev, base, mac, 1);
	EXPECT_EQ(2, mac[0]);
}

TEST_F(mmio, a_kick_before_driver_ok_is_not_lost)
{
	struct virtio_net_counters c;
	struct vseg s = { vguest_alloc(&self->g, 72, 16), 72, false };
	struct virtq_chain chain;
	unsigned int q;

	ASSERT_TRUE(vdrv_negotiate(&self->d, 0));
	for (q = 0; q < 2; q++) {
		vdrv_place_queue(&self->d, q, 8);
		ASSERT_TRUE(vdrv_ready_queue(&self->d, q));
	}
	vring_add(&self->d, 1, &s, 1);
	vdrv_kick(&self->d, 1);
	virtio_poll(virtio_net_core(self->net));
	EXPECT_EQ(0, virtio_pop(virtio_net_core(self->net), 1, &chain));
	EXPECT_EQ(0, vring_used_pending(&self->d, 1));
	vdrv_driver_ok(&self->d);
	virtio_poll(virtio_net_core(self->net));
	EXPECT_EQ(1, vring_used_pending(&self->d, 1));
	virtio_net_counters(self->net, &c);
	EXPECT_EQ(1, c.tx_packets);
}

TEST_F(mmio, a_failed_driver_gets_nothing_done)
{
	struct vseg s = { vguest_alloc(&self->g, 72, 16), 72, false };

	vdrv_start(&self->d, 0, 8);
	status(self, FAILED);
	vring_add(&self->d, 1, &s, 1);
	vdrv_kick(&self->d, 1);
	virtio_poll(virtio_net_core(self->net));
	EXPECT_EQ(0, vring_used_pending(&self->d, 1));
}

/*
 * Reset, set up and send from one thread while the worker serves, and read
 * registers from another: nothing hangs, and after each reset the worker
 * touches nothing of the old rings.
 */
static void *reader(void *arg)
{
	struct vdrv *d = arg;
	u32 i;

	for (i = 0; i < 20000; i++) {
		vdrv_read(d, VIRTIO_MMIO_INTERRUPT_STATUS);
		vdrv_read(d, VIRTIO_MMIO_STATUS);
		vdrv_read(d, VIRTIO_MMIO_CONFIG);
		vdrv_write(d, VIRTIO_MMIO_INTERRUPT_ACK, 3);
	}
	return NULL;
}

TEST_F(mmio, resets_while_the_worker_runs)
{
	struct vseg s = { vguest_alloc(&self->g, 72, 16), 72, false };
	u64 mark = self->g.used;
	pthread_t thread;
	int round, i;

	ASSERT_EQ(0, virtio_net_start(self->net, NULL));
	ASSERT_EQ(0, pthread_create(&thread, NULL, reader, &self->d));
	for (round = 0; round < 300; round++) {
		self->g.used = mark;
		vdrv_start(&self->d, ~0ULL, 64);
		for (i = 0; i < 60; i++) {
			vring_add(&self->d, 1, &s, 1);
			vdrv_kick(&self->d, 1);
		}
		vdrv_reset(&self->d);
		memset(vguest_ptr(&self->g, self->d.q[1].used, 512), 0x5a, 512);
		sched_yield();
		for (i = 0; i < 512; i++)
			ASSERT_EQ(0x5a, ((u8 *)vguest_ptr(&self->g,
					self->d.q[1].used, 512))[i]);
	}
	pthread_join(thread, NULL);
	virtio_net_stop(self->net);
}

/*
 * A freeze: what is kicked meanwhile is served after it, and by nobody in it.
 * A device that somebody else holds does not come, and that is told in time.
 */
TEST_F(mmio, held_it_touches_no_memory)
{
	struct vseg s = { vguest_alloc(&self->g, 64, 16), 64, false };
	struct virtio *v = virtio_net_core(self->net);
	const struct device *dev = &self->d.dev;
	u64 before;
	int i;

	vdrv_start(&self->d, 1ULL << VIRTIO_F_VERSION_1, 16);
	ASSERT_EQ(0, virtio_net_start(self->net, NULL));
	ASSERT_EQ(0, dev->hold(dev->dev, now_ns() + 25 * NSEC_PER_SEC));
	before = now_ns();
	EXPECT_EQ(-ETIMEDOUT, dev->hold(dev->dev, before + NSEC_PER_MSEC));
	EXPECT_LE(before + NSEC_PER_MSEC, now_ns());
	vring_add(&self->d, 1, &s, 1);
	virtio_kick(v, 1);
	usleep(50000);
	EXPECT_EQ(0, vring_used_pending(&self->d, 1));
	dev->release(dev->dev);
	for (i = 0; i < 20000 && !vring_used_pending(&self->d, 1); i++)
		usleep(1000);
	EXPECT_EQ(1, vring_used_pending(&self->d, 1));
	virtio_net_stop(self->net);
}

TEST_HARNESS_MAIN
