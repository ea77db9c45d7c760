// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rings laid over each other so that a queue never looks empty: the device's
 * own write of used.flags is the available index. The worker must still stop,
 * and let a reset through.
 */
#include "virtio/virtio.h"

#include <linux/virtio_mmio.h>
#include <linux/virtio_ring.h>
#include <string.h>

#include <kselftest_harness.h>

#include "selftests/lib/vdrv.h"
#include "virtio/net.h"

#define TX 1

FIXTURE(endless) {
	struct vguest g;
	struct vdrv d;
	struct virtio_net *net;
};

FIXTURE_SETUP(endless)
{
	struct virtio_net_cfg cfg = { .mtu = 0 };
	struct vseg s = { 0, 72, false };

	memset(self, 0, sizeof(*self));
	vguest_init(&self->g, MiB(1));
	self->d.g = &self->g;
	ASSERT_EQ(0, virtio_net_create(&self->net, &self->g.mem, &cfg, NULL));
	virtio_net_attach(self->net, &self->d.dev);
	ASSERT_TRUE(vdrv_negotiate(&self->d, 0));
	vdrv_place_queue(&self->d, TX, 16);
	/* avail.idx and used.flags are the same two bytes. */
	self->d.q[TX].used = self->d.q[TX].avail + 4;
	self->d.q[TX].avail += 2;
	vdrv_tell_queue(&self->d, TX);
	ASSERT_TRUE(vdrv_ready_queue(&self->d, TX));
	s.addr = vguest_alloc(&self->g, 72, 16);
	vring_add(&self->d, TX, &s, 1);
}

FIXTURE_TEARDOWN(endless)
{
	virtio_net_destroy(self->net);
	vguest_free(&self->g);
}

/* Premise: the queue does say so for ever. */
TEST_F(endless, it_is)
{
	struct virtio *v = virtio_net_core(self->net);
	int i;

	vdrv_driver_ok(&self->d);
	for (i = 0; i < 100; i++)
		EXPECT_EQ(1, event_loop_step(&v->loop, 0));
}

TEST_F(endless, the_worker_stops)
{
	ASSERT_EQ(0, virtio_net_start(self->net, NULL));
	vdrv_driver_ok(&self->d);
	usleep(50000);
	virtio_net_stop(self->net);
}

TEST_F(endless, a_reset_gets_through_and_ends_it)
{
	struct virtio *v = virtio_net_core(self->net);
	u32 i;

	ASSERT_EQ(0, virtio_net_start(self->net, NULL));
	vdrv_driver_ok(&self->d);
	usleep(50000);
	for (i = 0; i < 100; i++)
		vdrv_read(&self->d, VIRTIO_MMIO_STATUS);
	vdrv_reset(&self->d);
	virtio_net_stop(self->net);
	virtio_poll(v);
	EXPECT_EQ(0, event_loop_step(&v->loop, 0));
}

TEST_HARNESS_MAIN
