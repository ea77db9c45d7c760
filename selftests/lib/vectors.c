// SPDX-License-Identifier: GPL-2.0-only
/* Hostile descriptor chains; see vectors.h. */
#include "selftests/lib/vectors.h"

#include <endian.h>

#include "virtio/virtq.h"

#define N VECTOR_QUEUE_SIZE
#define NEXT VRING_DESC_F_NEXT
#define WRITE VRING_DESC_F_WRITE
#define INDIRECT VRING_DESC_F_INDIRECT
#define RAM_END (VDRV_RAM_BASE + VECTOR_RAM)

static gpa_t some(struct vdrv *d, u64 len)
{
	return vguest_alloc(d->g, len, 16);
}

/* One descriptor, posted. */
static void single(struct vdrv *d, unsigned int q, gpa_t addr, u32 len,
		   u16 flags)
{
	vring_set_desc(d, q, 0, addr, len, flags, 0);
	vring_post(d, q, 0);
}

/* @n segments of 64 bytes from @first on, chained in order, not posted. */
static void chain(struct vdrv *d, unsigned int q, u16 first, u16 n, u16 flags)
{
	u16 i;

	for (i = first; i < first + n; i++)
		vring_set_desc(d, q, i, some(d, 64), 64,
			       flags | (i + 1 < first + n ? NEXT : 0), i + 1);
}

static struct vring_desc *table_of(struct vdrv *d, gpa_t table, u16 n)
{
	return vguest_ptr(d->g, table, sizeof(struct vring_desc) * n);
}

static void set(struct vring_desc *t, gpa_t addr, u32 len, u16 flags, u16 next)
{
	*t = (struct vring_desc){ htole64(addr), htole32(len), htole16(flags),
				  htole16(next) };
}

/* A table of @n segments of 64 bytes, chained in order. */
static gpa_t table(struct vdrv *d, u16 n)
{
	gpa_t gpa = some(d, 16 * n);
	struct vring_desc *t = table_of(d, gpa, n);
	u16 i;

	for (i = 0; i < n; i++)
		set(&t[i], some(d, 64), 64, i + 1 < n ? NEXT : 0, i + 1);
	return gpa;
}

static void build_head_is_queue_size(struct vdrv *d, unsigned int q)
{
	chain(d, q, 0, 1, 0);
	vring_post(d, q, N);
}

static void build_head_is_65535(struct vdrv *d, unsigned int q)
{
	chain(d, q, 0, 1, 0);
	vring_post(d, q, 0xffff);
}

static void build_next_is_queue_size(struct vdrv *d, unsigned int q)
{
	vring_set_desc(d, q, 0, some(d, 64), 64, NEXT, N);
	vring_post(d, q, 0);
}

static void build_next_is_65535(struct vdrv *d, unsigned int q)
{
	vring_set_desc(d, q, 0, some(d, 64), 64, NEXT, 0xffff);
	vring_post(d, q, 0);
}

static void build_loop_of_one(struct vdrv *d, unsigned int q)
{
	vring_set_desc(d, q, 0, some(d, 64), 64, NEXT, 0);
	vring_post(d, q, 0);
}

static void build_loop_of_two(struct vdrv *d, unsigned int q)
{
	vring_set_desc(d, q, 0, some(d, 64), 64, NEXT, 1);
	vring_set_desc(d, q, 1, some(d, 64), 64, NEXT, 0);
	vring_post(d, q, 0);
}

static void build_loop_at_the_tail(struct vdrv *d, unsigned int q)
{
	chain(d, q, 0, 5, 0);
	vring_set_desc(d, q, 4, some(d, 64), 64, NEXT, 3);
	vring_post(d, q, 0);
}

static void build_loop_of_empty_segments(struct vdrv *d, unsigned int q)
{
	vring_set_desc(d, q, 0, some(d, 64), 0, NEXT, 1);
	vring_set_desc(d, q, 1, some(d, 64), 0, NEXT, 0);
	vring_post(d, q, 0);
}

static void build_loop_over_the_whole_table(struct vdrv *d, unsigned int q)
{
	chain(d, q, 0, N, WRITE);
	vring_set_desc(d, q, N - 1, some(d, 64), 64, NEXT | WRITE, 0);
	vring_post(d, q, 0);
}

static void build_readable_after_writable(struct vdrv *d, unsigned int q)
{
	vring_set_desc(d, q, 0, some(d, 64), 64, NEXT | WRITE, 1);
	vring_set_desc(d, q, 1, some(d, 64), 64, 0, 0);
	vring_post(d, q, 0);
}

static void build_empty_readable_after_writable(struct vdrv *d, unsigned int q)
{
	vring_set_desc(d, q, 0, some(d, 64), 64, NEXT | WRITE, 1);
	vring_set_desc(d, q, 1, some(d, 64), 0, 0, 0);
	vring_post(d, q, 0);
}

static void build_readable_between_writables(struct vdrv *d, unsigned int q)
{
	chain(d, q, 0, 4, WRITE);
	vring_set_desc(d, q, 2, some(d, 64), 64, NEXT, 3);
	vring_post(d, q, 0);
}

static void build_address_wraps(struct vdrv *d, unsigned int q)
{
	single(d, q, ~0ULL - 10, 64, 0);
}

static void build_address_ends_at_2_to_64(struct vdrv *d, unsigned int q)
{
	single(d, q, ~0ULL - 63, 64, 0);
}

static void build_address_wraps_with_longest_length(struct vdrv *d,
						    unsigned int q)
{
	single(d, q, ~0ULL - 0xfffffff0ULL, 0xffffffff, 0);
}

static void build_writable_address_wraps(struct vdrv *d, unsigned int q)
{
	vring_set_desc(d, q, 0, some(d, 64), 64, NEXT, 1);
	vring_set_desc(d, q, 1, ~0ULL - 10, 64, WRITE, 0);
	vring_post(d, q, 0);
}

static void build_total_above_4_gib(struct vdrv *d, unsigned int q)
{
	vring_set_desc(d, q, 0, VDRV_RAM_BASE, 0xffffffff, NEXT, 1);
	vring_set_desc(d, q, 1, some(d, 64), 2, 0, 0);
	vring_post(d, q, 0);
}

static void build_below_ram(struct vdrv *d, unsigned int q)
{
	single(d, q, 0, 64, 0);
}

static void build_above_ram(struct vdrv *d, unsigned int q)
{
	single(d, q, RAM_END, 64, 0);
}

static void build_begins_before_ram(struct vdrv *d, unsigned int q)
{
	single(d, q, VDRV_RAM_BASE - 1, 64, 0);
}

static void build_ends_one_past_ram(struct vdrv *d, unsigned int q)
{
	single(d, q, RAM_END - 63, 64, 0);
}

static void build_last_address_of_all(struct vdrv *d, unsigned int q)
{
	single(d, q, ~0ULL - 1, 1, 0);
}

static void build_longest_length(struct vdrv *d, unsigned int q)
{
	single(d, q, VDRV_RAM_BASE, 0xffffffff, 0);
}

static void build_writable_above_ram(struct vdrv *d, unsigned int q)
{
	single(d, q, RAM_END, 64, WRITE);
}

static void build_second_segment_outside_ram(struct vdrv *d, unsigned int q)
{
	vring_set_desc(d, q, 0, some(d, 64), 64, NEXT, 1);
	vring_set_desc(d, q, 1, RAM_END, 64, 0, 0);
	vring_post(d, q, 0);
}

static void build_in_the_mmio_hole(struct vdrv *d, unsigned int q)
{
	single(d, q, MEM_HOLE_START, 64, 0);
}

static void build_across_2_to_32(struct vdrv *d, unsigned int q)
{
	single(d, q, 0xffffffe0ULL, 64, 0);
}

static void build_indirect_not_negotiated(struct vdrv *d, unsigned int q)
{
	single(d, q, table(d, 2), 32, INDIRECT);
}

static void build_indirect_in_indirect(struct vdrv *d, unsigned int q)
{
	gpa_t t = table(d, 2);

	set(&table_of(d, t, 2)[1], table(d, 2), 32, INDIRECT, 0);
	single(d, q, t, 32, INDIRECT);
}

static void build_indirect_with_next(struct vdrv *d, unsigned int q)
{
	chain(d, q, 1, 1, 0);
	vring_set_desc(d, q, 0, table(d, 2), 32, INDIRECT | NEXT, 1);
	vring_post(d, q, 0);
}

static void build_indirect_second_of_two(struct vdrv *d, unsigned int q)
{
	vring_set_desc(d, q, 0, table(d, 2), 32, INDIRECT | NEXT, 1);
	vring_set_desc(d, q, 1, table(d, 2), 32, INDIRECT, 0);
	vring_post(d, q, 0);
}

static void build_indirect_empty(struct vdrv *d, unsigned int q)
{
	single(d, q, table(d, 2), 0, INDIRECT);
}

static void build_indirect_15_bytes(struct vdrv *d, unsigned int q)
{
	single(d, q, table(d, 2), 15, INDIRECT);
}

static void build_indirect_17_bytes(struct vdrv *d, unsigned int q)
{
	single(d, q, table(d, 1), 17, INDIRECT);
}

static void build_indirect_longest_length(struct vdrv *d, unsigned int q)
{
	single(d, q, table(d, 2), 0xfffffff0, INDIRECT);
}

static void build_indirect_table_outside_ram(struct vdrv *d, unsigned int q)
{
	single(d, q, RAM_END, 32, INDIRECT);
}

static void build_indirect_table_wraps(struct vdrv *d, unsigned int q)
{
	single(d, q, ~0ULL - 15, 32, INDIRECT);
}

static void build_indirect_table_half_in_ram(struct vdrv *d, unsigned int q)
{
	single(d, q, RAM_END - 16, 32, INDIRECT);
}

static void build_indirect_next_is_table_size(struct vdrv *d, unsigned int q)
{
	gpa_t t = table(d, 3);

	set(&table_of(d, t, 3)[1], some(d, 64), 64, NEXT, 3);
	single(d, q, t, 48, INDIRECT);
}

static void build_indirect_loop(struct vdrv *d, unsigned int q)
{
	gpa_t t = table(d, 3);

	set(&table_of(d, t, 3)[2], some(d, 64), 64, NEXT, 0);
	single(d, q, t, 48, INDIRECT);
}

static void build_indirect_longer_than_queue(struct vdrv *d, unsigned int q)
{
	single(d, q, table(d, N + 1), 16 * (N + 1), INDIRECT);
}

static void build_indirect_and_direct_longer_than_queue(struct vdrv *d,
							unsigned int q)
{
	chain(d, q, 0, 2, 0);
	vring_set_desc(d, q, 1, table(d, N), 16 * N, INDIRECT, 0);
	vring_post(d, q, 0);
}

/* It finds itself as its own first entry: indirect within indirect. */
static void build_indirect_table_is_the_descriptor_table(struct vdrv *d,
							 unsigned int q)
{
	single(d, q, d->q[q].desc, 16 * N, INDIRECT);
}

static void build_indirect_readable_after_writable(struct vdrv *d,
						   unsigned int q)
{
	gpa_t t = table(d, 3);

	set(&table_of(d, t, 3)[0], some(d, 64), 64, NEXT | WRITE, 1);
	single(d, q, t, 48, INDIRECT);
}

static void build_indirect_readable_after_direct_writable(struct vdrv *d,
							  unsigned int q)
{
	chain(d, q, 0, 2, WRITE);
	vring_set_desc(d, q, 1, table(d, 1), 16, INDIRECT, 0);
	vring_post(d, q, 0);
}

static void build_indirect_segment_outside_ram(struct vdrv *d, unsigned int q)
{
	gpa_t t = table(d, 3);

	set(&table_of(d, t, 3)[1], RAM_END, 64, NEXT, 2);
	single(d, q, t, 48, INDIRECT);
}

static void build_empty_segment_outside_ram(struct vdrv *d, unsigned int q)
{
	chain(d, q, 0, 2, 0);
	vring_set_desc(d, q, 0, ~0ULL, 0, NEXT, 1);
	vring_post(d, q, 0);
}

static void build_only_empty_segments(struct vdrv *d, unsigned int q)
{
	vring_set_desc(d, q, 0, some(d, 64), 0, NEXT, 1);
	vring_set_desc(d, q, 1, some(d, 64), 0, WRITE, 0);
	vring_post(d, q, 0);
}

static void build_empty_between_full(struct vdrv *d, unsigned int q)
{
	chain(d, q, 0, 3, 0);
	vring_set_desc(d, q, 1, 0, 0, NEXT, 2);
	vring_post(d, q, 0);
}

static void build_exactly_queue_size(struct vdrv *d, unsigned int q)
{
	chain(d, q, 0, N, 0);
	vring_post(d, q, 0);
}

static void build_ends_at_end_of_ram(struct vdrv *d, unsigned int q)
{
	single(d, q, RAM_END - 64, 64, 0);
}

static void build_one_byte(struct vdrv *d, unsigned int q)
{
	single(d, q, RAM_END - 1, 1, 0);
}

static void build_unknown_flags(struct vdrv *d, unsigned int q)
{
	single(d, q, some(d, 64), 64, 0xfff8);
}

static void build_next_ignored_without_flag(struct vdrv *d, unsigned int q)
{
	vring_set_desc(d, q, 0, some(d, 64), 64, 0, 0xffff);
	vring_post(d, q, 0);
}

static void build_segment_is_the_ring_itself(struct vdrv *d, unsigned int q)
{
	single(d, q, d->q[q].used, 4 + 8 * N, WRITE);
}

static void build_segments_overlap(struct vdrv *d, unsigned int q)
{
	gpa_t gpa = some(d, 64);

	vring_set_desc(d, q, 0, gpa, 64, NEXT, 1);
	vring_set_desc(d, q, 1, gpa + 1, 63, NEXT | WRITE, 2);
	vring_set_desc(d, q, 2, gpa, 64, WRITE, 0);
	vring_post(d, q, 0);
}

static void build_indirect_write_flag_ignored(struct vdrv *d, unsigned int q)
{
	single(d, q, table(d, 3), 48, INDIRECT | WRITE);
}

static void build_indirect_next_ignored_without_flag(struct vdrv *d,
						     unsigned int q)
{
	gpa_t t = table(d, 1);

	set(table_of(d, t, 1), some(d, 64), 64, 0, 0xffff);
	single(d, q, t, 16, INDIRECT);
}

static void build_indirect_after_direct(struct vdrv *d, unsigned int q)
{
	chain(d, q, 0, 3, 0);
	vring_set_desc(d, q, 2, table(d, 3), 48, INDIRECT, 0);
	vring_post(d, q, 0);
}

static void build_indirect_exactly_queue_size(struct vdrv *d, unsigned int q)
{
	single(d, q, table(d, N), 16 * N, INDIRECT);
}

static void build_indirect_table_bigger_than_chain(struct vdrv *d,
						   unsigned int q)
{
	gpa_t t = some(d, MiB(1));

	set(table_of(d, t, 1), some(d, 64), 64, 0, 0);
	single(d, q, t, MiB(1), INDIRECT);
}

static void build_indirect_unaligned_table(struct vdrv *d, unsigned int q)
{
	struct vring_desc desc;
	gpa_t t = some(d, 64) + 3;

	set(&desc, some(d, 64), 64, 0, 0);
	mem_write(&d->g->mem, t, &desc, sizeof(desc));
	single(d, q, t, 16, INDIRECT);
}

static void build_indirect_order_backwards(struct vdrv *d, unsigned int q)
{
	gpa_t t = table(d, 4);
	struct vring_desc *e = table_of(d, t, 4);

	set(&e[0], some(d, 64), 64, NEXT, 3);
	set(&e[3], some(d, 64), 64, NEXT, 2);
	set(&e[2], some(d, 64), 64, NEXT, 1);
	set(&e[1], some(d, 64), 64, 0, 0);
	single(d, q, t, 64, INDIRECT);
}

#define VECTOR_DEFINE(n, w, i)						\
	const struct hostile_vector vec_##n = {				\
		.name = #n, .want = (w), .indirect = (i),		\
		.build = build_##n,					\
	};
HOSTILE_VECTORS(VECTOR_DEFINE)
