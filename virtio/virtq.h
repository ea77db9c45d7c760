/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * virtq: the device's side of a split virtqueue. Knows rings and guest memory;
 * knows no device, no transport and no VM.
 *
 *   desc:  | addr len flags next | ... size entries      written by the driver
 *   avail: | flags idx ring[size] used_event |           written by the driver
 *   used:  | flags idx ring[size]{id len} avail_event |  written by the device
 *
 * Both idx run freely over 16 bits; an entry's slot is idx modulo size. What
 * lies between next_avail and avail.idx is the device's to take.
 *
 * All of it is hostile: an index, a descriptor or a table is copied once, the
 * copy is checked, the copy is used. Every walk is bounded by the queue size.
 *
 * Context: one thread at a time; the device's lock (virtio.h) sees to that.
 */
#ifndef VMTAP_VIRTIO_VIRTQ_H
#define VMTAP_VIRTIO_VIRTQ_H

#include <sys/uio.h>

#include "vmm/mem.h"

#define VIRTQ_MAX_SIZE 256		/* entries; a power of two */
#define VIRTQ_MAX_CHAIN_BYTES (1ULL << 32)	/* virtio 1.2 2.7.5 */

/* Plain data: all that a save or a restore needs. */
struct virtq {
	u16 max;	/* what the device offers; 0: no such queue */
	u16 size;	/* what the driver chose: a power of two up to max */
	bool ready;
	bool indirect;	/* VIRTIO_F_INDIRECT_DESC was negotiated */
	bool event_idx;	/* VIRTIO_F_EVENT_IDX was negotiated */
	bool poisoned;	/* avail.idx lied; nothing is taken until reset */
	u16 next_avail;	/* free running */
	u16 next_used;	/* free running: the device's own used.idx */
	u16 signalled_used;	/* next_used at the last notification */
	gpa_t desc;
	gpa_t avail;
	gpa_t used;
	u64 invalid_avail_idx;	/* events over the device's life; kept by reset */
};

/*
 * A chain that was taken: readable segments first, writable after, no empty
 * ones. A segment outside RAM (-EFAULT) has a NULL base. Valid until the
 * driver gets the buffer back.
 */
struct virtq_chain {
	u16 head;
	bool returnable;	/* head names a descriptor: it can be pushed */
	unsigned int nr_out;	/* readable: iov[0 .. nr_out) */
	unsigned int nr_in;	/* writable: iov[nr_out .. nr_out + nr_in) */
	u64 out_len;	/* bytes */
	u64 in_len;	/* bytes */
	struct iovec iov[VIRTQ_MAX_SIZE];
};

/** virtq_init() - no queue memory yet, all counts zero; @max is a power of two */
void virtq_init(struct virtq *vq, u16 max);

/** virtq_reset() - forget addresses, indices and poison; counts stay */
void virtq_reset(struct virtq *vq);

/**
 * virtq_enable() - check the layout that the driver set and make it ready
 *
 * The used ring may lie outside RAM: then each virtq_push() fails, so that
 * every lost buffer is counted.
 * Return: 0; -EINVAL (size, alignment, wrap); -EFAULT where the descriptor
 * table or available ring is not RAM; -EPERM while poisoned. Spec: 2.7, 2.7.1
 */
int virtq_enable(struct virtq *vq, const struct mem *mem);

/**
 * virtq_pop() - take the next available chain
 * @chain: filled as far as the walk came
 *
 * Return: 1 taken; 0 nothing available, not ready, or poisoned already;
 * -EPROTO avail.idx more than the queue size ahead: poisoned now, once;
 * -EINVAL or -ELOOP malformed, -EFAULT well-formed with a segment outside RAM:
 * the buffer is consumed, to be pushed with length 0 if @chain->returnable;
 * -ENXIO the rings themselves are no longer RAM. Spec: 2.7.5, 2.7.13.3
 */
int virtq_pop(struct virtq *vq, const struct mem *mem,
	      struct virtq_chain *chain);

/** virtq_unpop() - put the chain taken last back, to be taken again later */
void virtq_unpop(struct virtq *vq);

/** virtq_has_avail() - would virtq_pop() find something? never fails */
bool virtq_has_avail(const struct virtq *vq, const struct mem *mem);

/**
 * virtq_push() - return a buffer to the driver
 * @len: bytes written into its writable part
 *
 * Return: 0; -EINVAL for a @head that is no descriptor; -EFAULT where the used
 * ring is not RAM: the buffer is lost to the driver. Spec: 2.7.8
 */
int virtq_push(struct virtq *vq, const struct mem *mem, u16 head, u32 len);

/** virtq_used_reachable() - can virtq_push() succeed? */
bool virtq_used_reachable(const struct virtq *vq, const struct mem *mem);

/**
 * virtq_should_notify() - does the driver want an interrupt for what was
 * pushed since the last one? Spec: 2.7.7
 */
bool virtq_should_notify(struct virtq *vq, const struct mem *mem);

/** virtq_unsignalled() - buffers returned since virtq_should_notify() was asked */
u16 virtq_unsignalled(const struct virtq *vq);

/** virtq_kicks_off() - tell the driver not to kick while we look anyway */
void virtq_kicks_off(struct virtq *vq, const struct mem *mem);

/**
 * virtq_kicks_on() - ask for kicks again. Spec: 2.7.10
 * Return: true where something became available meanwhile: look once more.
 */
bool virtq_kicks_on(struct virtq *vq, const struct mem *mem);

#endif
