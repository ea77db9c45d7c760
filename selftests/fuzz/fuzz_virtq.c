// SPDX-License-Identifier: GPL-2.0-only
/* The queue alone: any memory, any indices, any order of calls. */
#include "virtio/virtq.h"

#include <errno.h>
#include <string.h>

#include "selftests/lib/fuzzdrv.h"

static u8 ram[KiB(16)] __attribute__((aligned(4096)));
static u8 shadow[sizeof(ram)];

static void check_chain(const struct virtq *vq, const struct virtq_chain *c,
			int rc)
{
	u64 sum[2] = { 0, 0 };
	unsigned int i;

	FUZZ_CHECK(c->nr_out + c->nr_in <= vq->size);
	for (i = 0; i < c->nr_out + c->nr_in; i++) {
		const u8 *p = c->iov[i].iov_base;

		FUZZ_CHECK(c->iov[i].iov_len);
		FUZZ_CHECK(p || rc == -EFAULT);
		FUZZ_CHECK(!p || (p >= ram && c->iov[i].iov_len <=
				  (size_t)(ram + sizeof(ram) - p)));
		sum[i >= c->nr_out] += c->iov[i].iov_len;
	}
	FUZZ_CHECK(sum[0] == c->out_len && sum[1] == c->in_len);
	FUZZ_CHECK(sum[0] + sum[1] <= VIRTQ_MAX_CHAIN_BYTES);
	FUZZ_CHECK(rc < 0 || c->returnable);
	FUZZ_CHECK(!c->returnable || c->head < vq->size);
}

/* Taking and putting back changes no memory, and gives the same again. */
static void check_unpop(struct virtq *vq, const struct mem *mem,
			const struct virtq_chain *c, int rc)
{
	static struct virtq_chain again;

	memcpy(shadow, ram, sizeof(ram));
	virtq_unpop(vq);
	FUZZ_CHECK(virtq_has_avail(vq, mem));
	FUZZ_CHECK(virtq_pop(vq, mem, &again) == rc);
	FUZZ_CHECK(again.head == c->head && again.out_len == c->out_len &&
		   again.in_len == c->in_len && again.nr_in == c->nr_in);
	FUZZ_CHECK(!memcmp(shadow, ram, sizeof(ram)));
}

static void step(struct virtq *vq, struct mem *mem, struct fuzz *f)
{
	static struct virtq_chain c;
	u64 lies = vq->invalid_avail_idx;
	bool poisoned = vq->poisoned;
	u8 op = fuzz_u8(f);
	u16 idx;
	int rc;

	switch (op & 7) {
	case 0:
	case 1:
		rc = virtq_pop(vq, mem, &c);
		FUZZ_CHECK(vq->invalid_avail_idx == lies + (rc == -EPROTO));
		FUZZ_CHECK(!poisoned || !rc);
		FUZZ_CHECK(rc != -EPROTO || vq->poisoned);
		if (!rc || rc == -EPROTO || rc == -ENXIO)
			break;
		check_chain(vq, &c, rc);
		if (op & 8)
			check_unpop(vq, mem, &c, rc);
		if (c.returnable)
			FUZZ_CHECK(virtq_push(vq, mem, c.head, op) ==
				   (virtq_used_reachable(vq, mem) ? 0 : -EFAULT));
		break;
	case 2:
		virtq_push(vq, mem, fuzz_u16(f), fuzz_u32(f));
		break;
	case 3:
		virtq_should_notify(vq, mem);
		break;
	case 4:
		virtq_kicks_off(vq, mem);
		break;
	case 5:
		virtq_kicks_on(vq, mem);
		break;
	case 6:
		idx = fuzz_u16(f);
		mem_write(mem, vq->avail + 2, &idx, 2);
		break;
	default:
		if (op & 8)
			idx = fuzz_u16(f);
		else
			idx = vq->next_avail + fuzz_u8(f) % 20;
		mem_write(mem, vq->avail + 2, &idx, 2);
		break;
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t len);

int LLVMFuzzerTestOneInput(const u8 *data, size_t len)
{
	struct fuzz f = { .data = data, .left = len };
	struct virtq vq;
	struct mem mem;
	unsigned int n, i;
	u8 how = fuzz_u8(&f);

	memset(ram, 0, sizeof(ram));
	mem_from_buffer(&mem, VDRV_RAM_BASE, ram, sizeof(ram));
	virtq_init(&vq, VIRTQ_MAX_SIZE);
	vq.size = how & 0x80 ? fuzz_u16(&f) : 1 << (how & 7);
	vq.indirect = how & 0x10;
	vq.event_idx = how & 0x20;
	vq.desc = VDRV_RAM_BASE;
	vq.avail = VDRV_RAM_BASE + 0x1000;
	vq.used = VDRV_RAM_BASE + 0x2000;
	if (how & 0x40) {
		vq.desc = fuzz_gpa(&f);
		vq.avail = fuzz_gpa(&f);
		vq.used = fuzz_gpa(&f);
	}
	if (virtq_enable(&vq, &mem)) {
		FUZZ_CHECK(!vq.ready);
		return 0;
	}
	/* Descriptors, ring and the rest of memory, as far as input goes. */
	n = fuzz_u8(&f) % 32;
	for (i = 0; i < n; i++) {
		struct vring_desc d = {
			.addr = fuzz_gpa(&f), .len = fuzz_u16(&f),
			.flags = fuzz_u8(&f) & 7, .next = fuzz_u8(&f) % 40,
		};

		mem_write(&mem, (i & 1 ? VDRV_RAM_BASE + 0x3000 : vq.desc) +
				16 * (i / 2), &d, sizeof(d));
	}
	n = fuzz_u8(&f) % 32;
	for (i = 0; i < n; i++) {
		u16 head = fuzz_u8(&f);

		mem_write(&mem, vq.avail + 4 + 2 * i, &head, 2);
	}
	for (i = 0; f.left && i < FUZZ_OPS_MAX; i++)
		step(&vq, &mem, &f);
	return 0;
}
