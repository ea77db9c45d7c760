/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vdrv: the driver's side of virtio-mmio over plain memory: a guest's RAM, a
 * ring that can be built right or wrong, and the registers of one device.
 */
#ifndef VMTAP_SELFTESTS_VDRV_H
#define VMTAP_SELFTESTS_VDRV_H

#include <linux/virtio_ring.h>

#include "vmm/device.h"
#include "vmm/mem.h"

#define VDRV_MAX_QUEUES 8
#define VDRV_RAM_BASE 0x100000ULL	/* below it is nothing */

struct vguest {
	struct mem mem;
	u8 *ram;
	u64 size;
	u64 used;	/* of the bump allocator */
};

/* A driver's view of one queue; all indices run freely. */
struct vring_drv {
	u16 size;
	gpa_t desc, avail, used;
	u16 avail_idx;
	u16 last_used;
	u16 next_free;	/* descriptors are handed out round and round */
};

struct vdrv {
	struct vguest *g;
	struct device dev;
	struct vring_drv q[VDRV_MAX_QUEUES];
	u64 features;
};

struct vseg {
	gpa_t addr;
	u32 len;
	bool write;
};

/* All of these abort on a failure of the test's own. */
void vguest_init(struct vguest *g, u64 size);
void vguest_free(struct vguest *g);
gpa_t vguest_alloc(struct vguest *g, u64 len, u64 align);
gpa_t vguest_put(struct vguest *g, const void *data, u64 len);
/* Host pointer to guest bytes of the test's own; never NULL. */
void *vguest_ptr(struct vguest *g, gpa_t gpa, u64 len);

u32 vdrv_read(struct vdrv *d, u64 off);
void vdrv_write(struct vdrv *d, u64 off, u32 val);

void vdrv_reset(struct vdrv *d);
/* Reset, ACKNOWLEDGE, DRIVER, features (those of @want that are offered). */
bool vdrv_negotiate(struct vdrv *d, u64 want);
/* Fresh zeroed rings for queue @q, told to the device but not ready yet. */
void vdrv_place_queue(struct vdrv *d, unsigned int q, u16 size);
/* Tell the device where d->q[q] is. */
void vdrv_tell_queue(struct vdrv *d, unsigned int q);
bool vdrv_ready_queue(struct vdrv *d, unsigned int q);
void vdrv_driver_ok(struct vdrv *d);
/* All of the above for every queue, of @size entries or what it has at most. */
void vdrv_start(struct vdrv *d, u64 want, u16 size);

struct vring_desc *vring_desc_at(struct vdrv *d, unsigned int q, u16 i);
void vring_set_desc(struct vdrv *d, unsigned int q, u16 i, gpa_t addr, u32 len,
		    u16 flags, u16 next);
/* Make @head available, without a kick. */
void vring_post(struct vdrv *d, unsigned int q, u16 head);
/* Write avail.idx itself. */
void vring_set_avail_idx(struct vdrv *d, unsigned int q, u16 idx);
void vring_set_avail_flags(struct vdrv *d, unsigned int q, u16 flags);
void vring_write_used_event(struct vdrv *d, unsigned int q, u16 idx);
u16 vring_used_flags(struct vdrv *d, unsigned int q);
u16 vring_read_avail_event(struct vdrv *d, unsigned int q);
/* Build a chain of segments and post it; its head. */
u16 vring_add(struct vdrv *d, unsigned int q, const struct vseg *segs,
	      unsigned int n);
void vdrv_kick(struct vdrv *d, unsigned int q);
/* Next used element; false where there is none. */
bool vring_get_used(struct vdrv *d, unsigned int q, u32 *id, u32 *len);
/* How many used elements were not fetched yet. */
unsigned int vring_used_pending(struct vdrv *d, unsigned int q);
/* Interrupts since the last call. */
u64 vdrv_irqs(struct vdrv *d);

#endif
