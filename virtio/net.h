/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * net: a virtio network device (virtio 1.2 5.1) whose wire is a loop: each
 * frame sent comes back on the receive queue. No host network is involved.
 *
 * Frames move in a worker thread and not in the vCPU's, though the copy is
 * short: only a doorbell that is an eventfd costs the guest no exit to user
 * space.
 *
 * Order of calls: create, attach, start, (the machine runs), stop, counters,
 * destroy. stop comes after the vCPUs have joined; guest memory outlives it.
 */
#ifndef VMTAP_VIRTIO_NET_H
#define VMTAP_VIRTIO_NET_H

#include "vmm/base/util.h"

struct device;
struct diag;
struct mem;
struct virtio;
struct virtio_net;

/*
 * Cumulative over the device's life; a driver's reset clears none of them.
 * While nothing is malformed, rx_packets == tx_packets - tx_dropped_no_rx_buffer.
 * Bytes are the frame's, without the 12 bytes of virtio header.
 */
struct virtio_net_counters {
	u64 tx_packets;		/* well-formed, returned to the driver */
	u64 tx_bytes;
	u64 rx_packets;		/* written and returned to the driver */
	u64 rx_bytes;
	u64 tx_dropped_no_rx_buffer;	/* sent, but nothing was posted */
	u64 tx_chain_invalid;	/* malformed, or outside RAM */
	u64 rx_chain_invalid;	/* malformed, or too short for the frame */
	u64 rx_write_failed;	/* well-formed, but outside RAM */
	u64 tx_add_used_failures;	/* used ring unreachable */
	u64 rx_add_used_failures;
	u64 invalid_avail_idx_count;	/* both queues */
};

struct virtio_net_cfg {
	u8 mac[6];	/* all zero: 52:54:00:76:74:01 */
	u16 mtu;	/* 68 to 65535; 0: none offered, 1500 by default */
};

/**
 * virtio_net_create() - a loopback card
 * @mem: outlives the device; may be filled in until the machine starts
 * Return: 0, -EINVAL (mtu too small, multicast mac), -ENOMEM, -errno.
 */
int virtio_net_create(struct virtio_net **ret, const struct mem *mem,
		      const struct virtio_net_cfg *cfg, struct diag *d);
/** virtio_net_destroy() - also stops; NULL is fine */
void virtio_net_destroy(struct virtio_net *net);
/** virtio_net_attach() - describe the device to the machine; see mmio.h */
void virtio_net_attach(struct virtio_net *net, struct device *dev);
/** virtio_net_start() - start the worker; 0 or -errno */
int virtio_net_start(struct virtio_net *net, struct diag *d);
/** virtio_net_stop() - join the worker */
void virtio_net_stop(struct virtio_net *net);
/** virtio_net_counters() - final after virtio_net_stop() */
void virtio_net_counters(struct virtio_net *net,
			 struct virtio_net_counters *ret);
/** virtio_net_core() - the common part: virtio_lock() for a freeze, tests */
struct virtio *virtio_net_core(struct virtio_net *net);

#endif
