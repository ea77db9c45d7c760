// SPDX-License-Identifier: GPL-2.0-only
/* Fuzzer input as a driver; see fuzzdrv.h. */
#include "selftests/lib/fuzzdrv.h"

#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include <string.h>

void fuzz_init(struct fuzz *f, struct virtio *v)
{
	f->v = v;
	f->d.g = &f->g;
	vguest_init(&f->g, FUZZ_RAM);
}

void fuzz_begin(struct fuzz *f, const u8 *data, size_t len)
{
	f->data = data;
	f->left = len;
	f->g.used = 0;
	vdrv_reset(&f->d);
	memset(f->d.q, 0, sizeof(f->d.q));
	memset(f->g.ram, 0, f->g.size);
}

static void take(struct fuzz *f, void *p, size_t n)
{
	size_t have = min(n, f->left);

	memset(p, 0, n);
	memcpy(p, f->data, have);
	f->data += have;
	f->left -= have;
}

#define TAKE(name, type)						\
type name(struct fuzz *f)						\
{									\
	type v;								\
									\
	take(f, &v, sizeof(v));						\
	return v;							\
}

TAKE(fuzz_u8, u8)
TAKE(fuzz_u16, u16)
TAKE(fuzz_u32, u32)
TAKE(fuzz_u64, u64)

gpa_t fuzz_gpa(struct fuzz *f)
{
	u8 how = fuzz_u8(f);

	switch (how) {
	case 0xff:
		return fuzz_u64(f);
	case 0xfe:
		return VDRV_RAM_BASE + FUZZ_RAM - fuzz_u8(f);
	case 0xfd:
		return VDRV_RAM_BASE - fuzz_u8(f);
	case 0xfc:
		return ~0ULL - fuzz_u8(f);
	default:
		return VDRV_RAM_BASE + fuzz_u16(f);
	}
}

static u32 fuzz_len(struct fuzz *f)
{
	u8 len = fuzz_u8(f);

	if (len < 0xf0)
		return len;
	return len < 0xfc ? (len & 15) * 512 : fuzz_u32(f);
}

void fuzz_serve(struct fuzz *f, unsigned int q)
{
	virtio_lock(f->v);
	virtio_round(f->v);
	if (virtio_running(f->v) && f->v->s->vq[q].ready)
		f->v->ops->kicked(f->v, q);
	virtio_unlock(f->v);
}

static void set_up(struct fuzz *f)
{
	u8 how = fuzz_u8(f);
	u16 size = 1 << (how & 7);
	unsigned int q;

	f->g.used = 0;
	if (!vdrv_negotiate(&f->d, fuzz_u64(f)))
		return;
	for (q = 0; q < f->d.dev.nr_doorbells; q++) {
		vdrv_place_queue(&f->d, q, size);
		/* Now and then somewhere else. */
		if (how & 0x80) {
			f->d.q[q].desc = fuzz_gpa(f);
			f->d.q[q].avail = fuzz_gpa(f);
			f->d.q[q].used = fuzz_gpa(f);
			vdrv_tell_queue(&f->d, q);
		}
		vdrv_ready_queue(&f->d, q);
	}
	vdrv_driver_ok(&f->d);
}

static void put16(struct fuzz *f, gpa_t gpa, u16 val)
{
	mem_write(&f->g.mem, gpa, &val, sizeof(val));
}

static void put_desc(struct fuzz *f, gpa_t at)
{
	struct vring_desc desc = {
		.addr = fuzz_gpa(f), .len = fuzz_len(f),
		.flags = fuzz_u8(f) & 7, .next = fuzz_u8(f),
	};

	mem_write(&f->g.mem, at, &desc, sizeof(desc));
}

static void post(struct fuzz *f, unsigned int q, u16 head)
{
	struct vring_drv *r = &f->d.q[q];

	if (!r->size)
		return;
	put16(f, r->avail + 4 + 2 * (r->avail_idx % r->size), head);
	put16(f, r->avail + 2, ++r->avail_idx);
}

/* A chain in good order, of the input's lengths. */
static void post_chain(struct fuzz *f, unsigned int q)
{
	struct vring_drv *r = &f->d.q[q];
	unsigned int n = 1 + (fuzz_u8(f) & 3), i, out = fuzz_u8(f);
	u16 head = r->next_free;

	for (i = 0; r->size && i < n; i++) {
		struct vring_desc desc = {
			.addr = fuzz_gpa(f), .len = fuzz_len(f),
			.flags = (out >> i & 1 ? VRING_DESC_F_WRITE : 0) |
				 (i + 1 < n ? VRING_DESC_F_NEXT : 0),
		};
		gpa_t at = r->desc + 16 * r->next_free;

		r->next_free = (u16)((r->next_free + 1) % r->size);
		desc.next = r->next_free;
		mem_write(&f->g.mem, at, &desc, sizeof(desc));
	}
	post(f, q, head);
}

static void put_bytes(struct fuzz *f)
{
	gpa_t gpa = fuzz_gpa(f);
	u8 bytes[64], n = fuzz_u8(f) % sizeof(bytes);

	take(f, bytes, n);
	mem_write(&f->g.mem, gpa, bytes, n);
}

static void touch_register(struct fuzz *f)
{
	static const u8 lens[] = { 4, 4, 4, 4, 4, 1, 2, 8 };
	u8 how = fuzz_u8(f);
	u64 off = fuzz_u16(f) & 0x1ff, val = fuzz_u64(f);
	u32 len = lens[how & 7];

	if (how & 0x40)
		off = round_down(off, 4);
	if (off + len > 0x200)
		return;
	if (how & 0x80)
		f->d.dev.ops->read(f->d.dev.dev, off, &val, len);
	else
		f->d.dev.ops->write(f->d.dev.dev, off, &val, len);
}

void fuzz_deed(struct fuzz *f)
{
	u8 op = fuzz_u8(f);
	unsigned int q = fuzz_u8(f) % f->d.dev.nr_doorbells;
	struct vring_drv *r = &f->d.q[q];

	switch (op & 15) {
	case 0:
		set_up(f);
		break;
	case 1:
		vdrv_reset(&f->d);
		break;
	case 2:
	case 3:
	case 4:
		post_chain(f, q);
		break;
	case 5:
		put_desc(f, r->desc + 16 * fuzz_u8(f));
		break;
	case 6:
		put_desc(f, VDRV_RAM_BASE + fuzz_u16(f));
		break;
	case 7:
		post(f, q, fuzz_u8(f));
		break;
	case 8:
		r->avail_idx = fuzz_u16(f);
		put16(f, r->avail + 2, r->avail_idx);
		break;
	case 9:
		put16(f, r->avail, fuzz_u8(f) & 1);
		put16(f, r->avail + 4 + 2 * r->size, fuzz_u16(f));
		break;
	case 10:
		put_bytes(f);
		break;
	case 11:
		touch_register(f);
		break;
	default:
		fuzz_serve(f, q);
		break;
	}
}

void fuzz_check_core(struct fuzz *f)
{
	const struct virtio_state *s = f->v->s;
	unsigned int q;

	FUZZ_CHECK(!(s->status & VIRTIO_CONFIG_S_FEATURES_OK) ||
		   !(s->accepted & ~s->offered));
	FUZZ_CHECK(!(s->status & VIRTIO_CONFIG_S_DRIVER_OK) ||
		   (s->status & VIRTIO_CONFIG_S_FEATURES_OK));
	for (q = 0; q < s->nr_queues; q++) {
		const struct virtq *vq = &s->vq[q];

		FUZZ_CHECK(!vq->ready || (vq->size && vq->size <= vq->max));
		FUZZ_CHECK(!vq->ready ||
			   (s->status & VIRTIO_CONFIG_S_FEATURES_OK));
	}
}
