// SPDX-License-Identifier: GPL-2.0-only
/*
 * The split virtqueue; see virtq.h. Section numbers are virtio 1.2's.
 *
 * Barriers, each with its other half in the driver:
 *   A  avail.idx is loaded with acquire; pairs with the driver's release of
 *      avail.idx after it wrote descriptors and the ring slot.
 *   B  used.idx is stored with release, after the slot; pairs with the
 *      driver's acquire of used.idx before it reads the slot.
 *   C  full fence between our store of used.idx and our load of used_event or
 *      avail.flags; pairs with the driver's fence between asking for
 *      interrupts and looking at used.idx again.
 *   D  full fence between our store of avail_event or used.flags and our load
 *      of avail.idx; pairs with the driver's fence between its store of
 *      avail.idx and its look at whether we want a kick.
 */
#include "virtio/virtq.h"

#include <endian.h>
#include <errno.h>
#include <linux/virtio_ring.h>
#include <string.h>

#define AVAIL_BYTES(n) (6 + 2 * (u64)(n))
#define USED_BYTES(n) (6 + 8 * (u64)(n))
#define DESC_BYTES(n) (16 * (u64)(n))

struct rings {
	u8 *desc;
	u8 *avail;
};

static u16 load16(const u8 *p, int order)
{
	return le16toh(__atomic_load_n((const u16 *)p, order));
}

static void store16(u8 *p, u16 val, int order)
{
	__atomic_store_n((u16 *)p, htole16(val), order);
}

static u8 *avail_ring(const struct virtq *vq, const struct mem *mem)
{
	return mem_ptr(mem, vq->avail, AVAIL_BYTES(vq->size));
}

static u8 *used_ring(const struct virtq *vq, const struct mem *mem)
{
	return mem_ptr(mem, vq->used, USED_BYTES(vq->size));
}

void virtq_init(struct virtq *vq, u16 max)
{
	*vq = (struct virtq){ .max = max };
}

void virtq_reset(struct virtq *vq)
{
	*vq = (struct virtq){
		.max = vq->max,
		.invalid_avail_idx = vq->invalid_avail_idx,
	};
}

static bool wraps(gpa_t gpa, u64 len)
{
	gpa_t end;

	return check_add(gpa, len, &end);
}

int virtq_enable(struct virtq *vq, const struct mem *mem)
{
	if (vq->poisoned)
		return -EPERM;
	if (!vq->size || vq->size > vq->max || (vq->size & (vq->size - 1)))
		return -EINVAL;
	if (vq->desc % 16 || vq->avail % 2 || vq->used % 4 ||
	    wraps(vq->used, USED_BYTES(vq->size)))
		return -EINVAL;
	if (!mem_ptr(mem, vq->desc, DESC_BYTES(vq->size)) ||
	    !avail_ring(vq, mem))
		return -EFAULT;
	vq->next_avail = 0;
	vq->next_used = 0;
	vq->signalled_used = 0;
	vq->ready = true;
	return 0;
}

/*
 * What the guest may rewrite under us is read exactly once, here: an atomic
 * load is never repeated. Only an indirect table may lie at any address.
 */
static struct vring_desc desc_copy(const u8 *p)
{
	union {
		struct vring_desc d;
		u64 words[2];
		u8 bytes[16];
	} c;
	unsigned int i;

	if ((uintptr_t)p % sizeof(u64)) {
		for (i = 0; i < sizeof(c.bytes); i++)
			c.bytes[i] = __atomic_load_n(p + i, __ATOMIC_RELAXED);
	} else {
		for (i = 0; i < 2; i++)
			c.words[i] = __atomic_load_n((const u64 *)p + i,
						     __ATOMIC_RELAXED);
	}
	return (struct vring_desc){
		.addr = le64toh(c.d.addr), .len = le32toh(c.d.len),
		.flags = le16toh(c.d.flags), .next = le16toh(c.d.next),
	};
}

/* Returns 1 where the segment is well-formed but not RAM. */
static int chain_add(struct virtq_chain *chain, const struct mem *mem,
		     const struct vring_desc *d)
{
	bool in = d->flags & VRING_DESC_F_WRITE;
	struct iovec *iov = &chain->iov[chain->nr_out + chain->nr_in];

	if (!in && chain->nr_in)
		return -EINVAL;
	if (wraps(d->addr, d->len))
		return -EINVAL;
	if (chain->out_len + chain->in_len + d->len > VIRTQ_MAX_CHAIN_BYTES)
		return -EINVAL;
	/* Elements may be empty (2.7.12); nobody needs to see those. */
	if (!d->len)
		return 0;
	iov->iov_base = mem_ptr(mem, d->addr, d->len);
	iov->iov_len = d->len;
	if (in) {
		chain->nr_in++;
		chain->in_len += d->len;
	} else {
		chain->nr_out++;
		chain->out_len += d->len;
	}
	return iov->iov_base ? 0 : 1;
}

static int check_indirect(const struct virtq *vq, const struct vring_desc *d,
			  bool nested)
{
	if (!vq->indirect || nested || (d->flags & VRING_DESC_F_NEXT))
		return -EINVAL;
	/* An empty table is refused for having no first entry. */
	if (d->len % sizeof(struct vring_desc) || wraps(d->addr, d->len))
		return -EINVAL;
	return 0;
}

/*
 * At most one step per queue entry: a longer chain loops, or is longer than
 * 2.7.5.3.1 allows. The step into an indirect table is free; there is but one.
 */
static int walk(struct virtq *vq, const struct mem *mem, const u8 *table,
		struct virtq_chain *chain)
{
	u32 entries = vq->size, idx = chain->head, left = vq->size;
	bool nested = false, fault = false;

	for (;;) {
		struct vring_desc d;
		int err;

		if (idx >= entries)
			return -EINVAL;
		d = desc_copy(table + DESC_BYTES(idx));
		if (d.flags & VRING_DESC_F_INDIRECT) {
			err = check_indirect(vq, &d, nested);
			if (err)
				return err;
			table = mem_ptr(mem, d.addr, d.len);
			if (!table)
				return -EINVAL;
			entries = d.len / sizeof(struct vring_desc);
			idx = 0;
			nested = true;
			continue;
		}
		if (!left--)
			return -ELOOP;
		err = chain_add(chain, mem, &d);
		if (err < 0)
			return err;
		fault |= err;
		if (!(d.flags & VRING_DESC_F_NEXT))
			return fault ? -EFAULT : 0;
		idx = d.next;
	}
}

static void chain_clear(struct virtq_chain *chain)
{
	chain->nr_out = 0;
	chain->nr_in = 0;
	chain->out_len = 0;
	chain->in_len = 0;
}

/* Returns how many chains are available, or -errno. */
static int available(struct virtq *vq, const struct mem *mem, struct rings *r)
{
	u16 ahead;

	if (!vq->ready || vq->poisoned)
		return 0;
	r->avail = avail_ring(vq, mem);
	r->desc = mem_ptr(mem, vq->desc, DESC_BYTES(vq->size));
	if (!r->avail || !r->desc) {
		vq->poisoned = true;
		return -ENXIO;
	}
	ahead = load16(r->avail + 2, __ATOMIC_ACQUIRE) - vq->next_avail; /* A */
	if (ahead > vq->size) {
		vq->poisoned = true;
		vq->invalid_avail_idx++;
		return -EPROTO;
	}
	return ahead;
}

int virtq_pop(struct virtq *vq, const struct mem *mem,
	      struct virtq_chain *chain)
{
	struct rings r;
	int err;

	chain_clear(chain);
	chain->returnable = false;
	err = available(vq, mem, &r);
	if (err <= 0)
		return err;
	chain->head = load16(r.avail + 4 + 2 * (vq->next_avail % vq->size),
			     __ATOMIC_RELAXED);
	vq->next_avail++;
	if (chain->head >= vq->size)
		return -EINVAL;
	chain->returnable = true;
	err = walk(vq, mem, r.desc, chain);
	if (err && err != -EFAULT)
		chain_clear(chain);
	return err ?: 1;
}

void virtq_unpop(struct virtq *vq)
{
	vq->next_avail--;
}

bool virtq_has_avail(const struct virtq *vq, const struct mem *mem)
{
	const u8 *avail;

	if (!vq->ready || vq->poisoned)
		return false;
	avail = avail_ring(vq, mem);
	return avail && load16(avail + 2, __ATOMIC_ACQUIRE) != vq->next_avail;
}

bool virtq_used_reachable(const struct virtq *vq, const struct mem *mem)
{
	return used_ring(vq, mem);
}

int virtq_push(struct virtq *vq, const struct mem *mem, u16 head, u32 len)
{
	u8 *used = used_ring(vq, mem);
	u32 *elem;

	if (head >= vq->size)
		return -EINVAL;
	if (!used)
		return -EFAULT;
	elem = (u32 *)(used + 4 + 8 * (vq->next_used % vq->size));
	__atomic_store_n(&elem[0], htole32(head), __ATOMIC_RELAXED);
	__atomic_store_n(&elem[1], htole32(len), __ATOMIC_RELAXED);
	vq->next_used++;
	store16(used + 2, vq->next_used, __ATOMIC_RELEASE);	/* B */
	return 0;
}

bool virtq_should_notify(struct virtq *vq, const struct mem *mem)
{
	const u8 *avail = avail_ring(vq, mem);
	u16 old = vq->signalled_used, event;

	if (!vq->ready || !avail || old == vq->next_used)
		return false;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);	/* C */
	vq->signalled_used = vq->next_used;
	if (!vq->event_idx)
		return !(load16(avail, __ATOMIC_RELAXED) &
			 VRING_AVAIL_F_NO_INTERRUPT);
	event = load16(avail + AVAIL_BYTES(vq->size) - 2, __ATOMIC_RELAXED);
	return vring_need_event(event, vq->next_used, old);
}

u16 virtq_unsignalled(const struct virtq *vq)
{
	return vq->next_used - vq->signalled_used;
}

void virtq_kicks_off(struct virtq *vq, const struct mem *mem)
{
	u8 *used = used_ring(vq, mem);

	/* With event_idx, avail_event stays behind: that is enough. */
	if (vq->ready && used && !vq->event_idx)
		store16(used, VRING_USED_F_NO_NOTIFY, __ATOMIC_RELAXED);
}

bool virtq_kicks_on(struct virtq *vq, const struct mem *mem)
{
	u8 *used = used_ring(vq, mem);

	if (!vq->ready || vq->poisoned)
		return false;
	if (used && vq->event_idx)
		store16(used + USED_BYTES(vq->size) - 2, vq->next_avail,
			__ATOMIC_RELAXED);
	else if (used)
		store16(used, 0, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);	/* D */
	return virtq_has_avail(vq, mem);
}
