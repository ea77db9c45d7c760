// SPDX-License-Identifier: GPL-2.0-only
/* The driver's side of virtio for tests; see vdrv.h. */
#include "selftests/lib/vdrv.h"

#include <endian.h>
#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include <string.h>
#include <sys/mman.h>

#include "vmm/event.h"

void vguest_init(struct vguest *g, u64 size)
{
	g->ram = mmap(NULL, size, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	BUG_ON(g->ram == MAP_FAILED);
	g->size = size;
	g->used = 0;
	mem_from_buffer(&g->mem, VDRV_RAM_BASE, g->ram, size);
}

void vguest_free(struct vguest *g)
{
	munmap(g->ram, g->size);
}

gpa_t vguest_alloc(struct vguest *g, u64 len, u64 align)
{
	u64 at = round_up(g->used, align);

	BUG_ON(at + len > g->size);
	g->used = at + len;
	return VDRV_RAM_BASE + at;
}

void *vguest_ptr(struct vguest *g, gpa_t gpa, u64 len)
{
	void *p = mem_ptr(&g->mem, gpa, len);

	BUG_ON(!p);
	return p;
}

gpa_t vguest_put(struct vguest *g, const void *data, u64 len)
{
	gpa_t gpa = vguest_alloc(g, len, 16);

	memcpy(vguest_ptr(g, gpa, len), data, len);
	return gpa;
}

u32 vdrv_read(struct vdrv *d, u64 off)
{
	u32 val;

	d->dev.ops->read(d->dev.dev, off, &val, sizeof(val));
	return le32toh(val);
}

void vdrv_write(struct vdrv *d, u64 off, u32 val)
{
	val = htole32(val);
	d->dev.ops->write(d->dev.dev, off, &val, sizeof(val));
}

void vdrv_reset(struct vdrv *d)
{
	vdrv_write(d, VIRTIO_MMIO_STATUS, 0);
}

bool vdrv_negotiate(struct vdrv *d, u64 want)
{
	u64 offered;

	vdrv_reset(d);
	vdrv_write(d, VIRTIO_MMIO_STATUS, VIRTIO_CONFIG_S_ACKNOWLEDGE);
	vdrv_write(d, VIRTIO_MMIO_STATUS, VIRTIO_CONFIG_S_ACKNOWLEDGE |
					  VIRTIO_CONFIG_S_DRIVER);
	vdrv_write(d, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 1);
	offered = (u64)vdrv_read(d, VIRTIO_MMIO_DEVICE_FEATURES) << 32;
	vdrv_write(d, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 0);
	offered |= vdrv_read(d, VIRTIO_MMIO_DEVICE_FEATURES);
	d->features = offered & (want | 1ULL << VIRTIO_F_VERSION_1);
	vdrv_write(d, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 0);
	vdrv_write(d, VIRTIO_MMIO_DRIVER_FEATURES, (u32)d->features);
	vdrv_write(d, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
	vdrv_write(d, VIRTIO_MMIO_DRIVER_FEATURES, (u32)(d->features >> 32));
	vdrv_write(d, VIRTIO_MMIO_STATUS,
		   vdrv_read(d, VIRTIO_MMIO_STATUS) |
		   VIRTIO_CONFIG_S_FEATURES_OK);
	return vdrv_read(d, VIRTIO_MMIO_STATUS) & VIRTIO_CONFIG_S_FEATURES_OK;
}

void vdrv_tell_queue(struct vdrv *d, unsigned int q)
{
	const struct vring_drv *r = &d->q[q];

	vdrv_write(d, VIRTIO_MMIO_QUEUE_SEL, q);
	vdrv_write(d, VIRTIO_MMIO_QUEUE_NUM, r->size);
	vdrv_write(d, VIRTIO_MMIO_QUEUE_DESC_LOW, (u32)r->desc);
	vdrv_write(d, VIRTIO_MMIO_QUEUE_DESC_HIGH, (u32)(r->desc >> 32));
	vdrv_write(d, VIRTIO_MMIO_QUEUE_AVAIL_LOW, (u32)r->avail);
	vdrv_write(d, VIRTIO_MMIO_QUEUE_AVAIL_HIGH, (u32)(r->avail >> 32));
	vdrv_write(d, VIRTIO_MMIO_QUEUE_USED_LOW, (u32)r->used);
	vdrv_write(d, VIRTIO_MMIO_QUEUE_USED_HIGH, (u32)(r->used >> 32));
}

void vdrv_place_queue(struct vdrv *d, unsigned int q, u16 size)
{
	struct vguest *g = d->g;
	struct vring_drv *r = &d->q[q];

	*r = (struct vring_drv){
		.size = size,
		.desc = vguest_alloc(g, 16 * size, 16),
		.avail = vguest_alloc(g, 6 + 2 * size, 4),
		.used = vguest_alloc(g, 6 + 8 * size, 4),
	};
	memset(vguest_ptr(g, r->desc, 16 * size), 0, 16 * size);
	memset(vguest_ptr(g, r->avail, 6 + 2 * size), 0, 6 + 2 * size);
	memset(vguest_ptr(g, r->used, 6 + 8 * size), 0, 6 + 8 * size);
	vdrv_tell_queue(d, q);
}

bool vdrv_ready_queue(struct vdrv *d, unsigned int q)
{
	vdrv_write(d, VIRTIO_MMIO_QUEUE_SEL, q);
	vdrv_write(d, VIRTIO_MMIO_QUEUE_READY, 1);
	return vdrv_read(d, VIRTIO_MMIO_QUEUE_READY);
}

void vdrv_driver_ok(struct vdrv *d)
{
	vdrv_write(d, VIRTIO_MMIO_STATUS, vdrv_read(d, VIRTIO_MMIO_STATUS) |
					  VIRTIO_CONFIG_S_DRIVER_OK);
}

void vdrv_start(struct vdrv *d, u64 want, u16 size)
{
	unsigned int q;

	BUG_ON(!vdrv_negotiate(d, want));
	for (q = 0; q < d->dev.nr_doorbells; q++) {
		u32 max;

		vdrv_write(d, VIRTIO_MMIO_QUEUE_SEL, q);
		max = vdrv_read(d, VIRTIO_MMIO_QUEUE_NUM_MAX);
		vdrv_place_queue(d, q, min((u32)size, max));
		BUG_ON(!vdrv_ready_queue(d, q));
	}
	vdrv_driver_ok(d);
}

struct vring_desc *vring_desc_at(struct vdrv *d, unsigned int q, u16 i)
{
	return vguest_ptr(d->g, d->q[q].desc + 16 * i, 16);
}

void vring_set_desc(struct vdrv *d, unsigned int q, u16 i, gpa_t addr, u32 len,
		    u16 flags, u16 next)
{
	*vring_desc_at(d, q, i) = (struct vring_desc){
		.addr = htole64(addr), .len = htole32(len),
		.flags = htole16(flags), .next = htole16(next),
	};
}

static u16 *ring16(struct vdrv *d, gpa_t gpa)
{
	return vguest_ptr(d->g, gpa, 2);
}

void vring_set_avail_idx(struct vdrv *d, unsigned int q, u16 idx)
{
	d->q[q].avail_idx = idx;
	__atomic_store_n(ring16(d, d->q[q].avail + 2), htole16(idx),
			 __ATOMIC_RELEASE);
}

void vring_set_avail_flags(struct vdrv *d, unsigned int q, u16 flags)
{
	__atomic_store_n(ring16(d, d->q[q].avail), htole16(flags),
			 __ATOMIC_RELAXED);
}

void vring_write_used_event(struct vdrv *d, unsigned int q, u16 idx)
{
	__atomic_store_n(ring16(d, d->q[q].avail + 4 + 2 * d->q[q].size),
			 htole16(idx), __ATOMIC_RELAXED);
}

u16 vring_used_flags(struct vdrv *d, unsigned int q)
{
	return le16toh(__atomic_load_n(ring16(d, d->q[q].used),
				       __ATOMIC_RELAXED));
}

u16 vring_read_avail_event(struct vdrv *d, unsigned int q)
{
	return le16toh(__atomic_load_n(ring16(d, d->q[q].used + 4 +
						 8 * d->q[q].size),
				       __ATOMIC_RELAXED));
}

void vring_post(struct vdrv *d, unsigned int q, u16 head)
{
	struct vring_drv *r = &d->q[q];

	__atomic_store_n(ring16(d, r->avail + 4 + 2 * (r->avail_idx % r->size)),
			 htole16(head), __ATOMIC_RELAXED);
	vring_set_avail_idx(d, q, r->avail_idx + 1);
}

u16 vring_add(struct vdrv *d, unsigned int q, const struct vseg *segs,
	      unsigned int n)
{
	struct vring_drv *r = &d->q[q];
	u16 head = r->next_free;
	unsigned int i;

	for (i = 0; i < n; i++) {
		u16 at = r->next_free;

		r->next_free = (u16)((at + 1) % r->size);
		vring_set_desc(d, q, at, segs[i].addr, segs[i].len,
			       (segs[i].write ? VRING_DESC_F_WRITE : 0) |
			       (i + 1 < n ? VRING_DESC_F_NEXT : 0),
			       r->next_free);
	}
	vring_post(d, q, head);
	return head;
}

void vdrv_kick(struct vdrv *d, unsigned int q)
{
	vdrv_write(d, VIRTIO_MMIO_QUEUE_NOTIFY, q);
}

static u16 used_idx(struct vdrv *d, unsigned int q)
{
	return le16toh(__atomic_load_n(ring16(d, d->q[q].used + 2),
				       __ATOMIC_ACQUIRE));
}

unsigned int vring_used_pending(struct vdrv *d, unsigned int q)
{
	return (u16)(used_idx(d, q) - d->q[q].last_used);
}

bool vring_get_used(struct vdrv *d, unsigned int q, u32 *id, u32 *len)
{
	struct vring_drv *r = &d->q[q];
	u32 *elem;

	if (!vring_used_pending(d, q))
		return false;
	elem = vguest_ptr(d->g, r->used + 4 + 8 * (r->last_used % r->size), 8);
	if (id)
		*id = le32toh(__atomic_load_n(&elem[0], __ATOMIC_RELAXED));
	if (len)
		*len = le32toh(__atomic_load_n(&elem[1], __ATOMIC_RELAXED));
	r->last_used++;
	return true;
}

u64 vdrv_irqs(struct vdrv *d)
{
	return event_drain(d->dev.irq->fd);
}
