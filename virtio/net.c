// SPDX-License-Identifier: GPL-2.0-only
/* The loopback network device; see net.h. Section numbers are virtio 1.2's. */
#include "virtio/net.h"

#include <endian.h>
#include <errno.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_net.h>
#include <linux/virtio_ring.h>
#include <string.h>

#include "virtio/iov.h"
#include "virtio/mmio.h"
#include "virtio/virtio.h"
#include "vmm/base/diag.h"

#define RX 0
#define TX 1
#define NR_QUEUES 2
#define QUEUE_SIZE VIRTQ_MAX_SIZE
#define FRAME_MAX 65550	/* the largest MTU and an Ethernet header */
#define HDR_LEN sizeof(struct virtio_net_hdr_v1)
#define MTU_MIN 68
#define BATCH 16	/* frames that may wait for one interrupt */

/* Plain data, as all of struct net_state. */
struct net_state {
	struct virtio_state core;
	struct virtio_net_config config;
	struct virtio_net_counters c;
};

struct virtio_net {
	struct virtio v;
	struct net_state s;
	struct virtq_chain tx;	/* the frame in hand */
	struct virtq_chain rx;	/* where it goes */
};

static struct virtio_net *to_net(struct virtio *v)
{
	return container_of(v, struct virtio_net, v);
}

/*
 * Length of the frame in the TX chain; 0 where it is malformed: something to
 * write in it, no header, no frame or too long a one (5.1.6.2).
 */
static u32 tx_frame_len(const struct virtq_chain *tx)
{
	if (tx->in_len || tx->out_len < HDR_LEN ||
	    tx->out_len - HDR_LEN > FRAME_MAX)
		return 0;
	return (u32)(tx->out_len - HDR_LEN);
}

/* Has the RX chain the shape to take a frame of @len bytes (5.1.6.3.1)? */
static bool rx_fits(const struct virtq_chain *rx, u32 len)
{
	return !rx->out_len && rx->in_len >= HDR_LEN + len;
}

static void rx_fill(struct virtio_net *net)
{
	struct virtio_net_hdr_v1 hdr = { .num_buffers = htole16(1) };
	struct virtq_chain *rx = &net->rx, *tx = &net->tx;
	struct iov in = { rx->iov, rx->nr_in, rx->in_len };
	struct iov out = { tx->iov, tx->nr_out, tx->out_len };

	iov_write(&in, &hdr, HDR_LEN);
	iov_skip(&out, HDR_LEN);
	iov_copy(&in, &out);
}

/* Offer the frame in the TX chain to the receive queue. */
static void deliver(struct virtio_net *net, u32 len)
{
	struct virtio_net_counters *c = &net->s.c;
	int rc = virtio_pop(&net->v, RX, &net->rx);

	if (!rc) {
		c->tx_dropped_no_rx_buffer++;
	} else if ((rc < 0 && rc != -EFAULT) || !rx_fits(&net->rx, len)) {
		c->rx_chain_invalid++;
		virtio_push(&net->v, RX, &net->rx, 0);
	} else if (rc == -EFAULT) {
		c->rx_write_failed++;
		virtio_push(&net->v, RX, &net->rx, 0);
	} else {
		rx_fill(net);
		if (virtio_push(&net->v, RX, &net->rx, HDR_LEN + len)) {
			c->rx_add_used_failures++;
		} else {
			c->rx_packets++;
			c->rx_bytes += len;
		}
	}
}

/* Return: true where something was taken. */
static bool send_one(struct virtio_net *net)
{
	struct virtio_net_counters *c = &net->s.c;
	int rc = virtio_pop(&net->v, TX, &net->tx);
	u32 len;

	if (!rc)
		return false;
	len = rc > 0 ? tx_frame_len(&net->tx) : 0;
	if (!len) {
		c->tx_chain_invalid++;
		virtio_push(&net->v, TX, &net->tx, 0);
		return true;
	}
	/* What the driver cannot get back was not sent, so it is not looped. */
	if (virtq_used_reachable(&net->s.core.vq[TX], net->v.mem))
		deliver(net, len);
	if (virtio_push(&net->v, TX, &net->tx, 0)) {
		c->tx_add_used_failures++;
	} else {
		c->tx_packets++;
		c->tx_bytes += len;
	}
	return true;
}

static void net_kicked(struct virtio *v, unsigned int q)
{
	struct virtio_net *net = to_net(v);
	struct virtq *tx = &net->s.core.vq[TX];
	unsigned int n = 0;

	/* A receive buffer is waited for by nobody: frames are not kept. */
	if (q == RX) {
		virtq_kicks_off(&net->s.core.vq[RX], v->mem);
		return;
	}
	do {
		virtq_kicks_off(tx, v->mem);
		while (send_one(net)) {
			if (!(++n % BATCH)) {
				virtio_notify(v, TX);
				virtio_notify(v, RX);
			}
			virtio_breathe(v);
		}
	} while (virtio_kicks_on(v, TX));
	virtio_notify(v, TX);
	virtio_notify(v, RX);
}

static const struct virtio_ops net_ops = {
	.name = "virtio_net",
	.id = VIRTIO_ID_NET,
	.kicked = net_kicked,
};

static void init_state(struct net_state *s, const struct virtio_net_cfg *cfg)
{
	static const u8 no_mac[6], default_mac[6] = {
		0x52, 0x54, 0x00, 0x76, 0x74, 0x01
	};
	bool given = memcmp(cfg->mac, no_mac, sizeof(no_mac));

	s->core.offered = 1ULL << VIRTIO_F_VERSION_1 |
			  1ULL << VIRTIO_RING_F_INDIRECT_DESC |
			  1ULL << VIRTIO_RING_F_EVENT_IDX |
			  1ULL << VIRTIO_NET_F_MAC;
	if (cfg->mtu)
		s->core.offered |= 1ULL << VIRTIO_NET_F_MTU;
	s->core.nr_queues = NR_QUEUES;
	virtq_init(&s->core.vq[RX], QUEUE_SIZE);
	virtq_init(&s->core.vq[TX], QUEUE_SIZE);
	memcpy(s->config.mac, given ? cfg->mac : default_mac, 6);
	s->config.mtu = htole16(cfg->mtu);
}

static int check_cfg(const struct virtio_net_cfg *cfg, struct diag *d)
{
	if (cfg->mtu && cfg->mtu < MTU_MIN)
		return diag_fail(d, -EINVAL, NULL,
				 "mtu %u: the smallest is %u", cfg->mtu,
				 MTU_MIN);
	if (cfg->mac[0] & 1)
		return diag_fail(d, -EINVAL, NULL,
				 "mac %02x:%02x:%02x:%02x:%02x:%02x is a group's",
				 cfg->mac[0], cfg->mac[1], cfg->mac[2],
				 cfg->mac[3], cfg->mac[4], cfg->mac[5]);
	return 0;
}

int virtio_net_create(struct virtio_net **ret, const struct mem *mem,
		      const struct virtio_net_cfg *cfg, struct diag *d)
{
	struct virtio_net *net;
	int err = check_cfg(cfg, d);

	if (err)
		return err;
	net = calloc(1, sizeof(*net));
	if (!net)
		return diag_fail(d, -ENOMEM, NULL, "no memory for a network card");
	init_state(&net->s, cfg);
	net->v.ops = &net_ops;
	net->v.mem = mem;
	net->v.s = &net->s.core;
	net->v.state_len = sizeof(net->s);
	net->v.config = &net->s.config;
	net->v.config_len = sizeof(net->s.config);
	err = virtio_init(&net->v, d);
	if (err) {
		free(net);
		return err;
	}
	*ret = net;
	return 0;
}

void virtio_net_destroy(struct virtio_net *net)
{
	if (!net)
		return;
	virtio_deinit(&net->v);
	free(net);
}

void virtio_net_attach(struct virtio_net *net, struct device *dev)
{
	mmio_describe(&net->v, dev);
}

int virtio_net_start(struct virtio_net *net, struct diag *d)
{
	return virtio_start(&net->v, d);
}

void virtio_net_stop(struct virtio_net *net)
{
	virtio_stop(&net->v);
}

void virtio_net_counters(struct virtio_net *net,
			 struct virtio_net_counters *ret)
{
	virtio_lock(&net->v);
	*ret = net->s.c;
	ret->invalid_avail_idx_count = virtio_invalid_avail_idx(&net->v);
	virtio_unlock(&net->v);
}

struct virtio *virtio_net_core(struct virtio_net *net)
{
	return &net->v;
}
