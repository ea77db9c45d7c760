/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vectors: chains that a driver must not build, and odd ones that it may, each
 * under a name. X(name, what virtq_pop() says of it, features it needs).
 *
 * A vector is posted on a queue of VECTOR_QUEUE_SIZE entries that was set up
 * with INDIRECT_DESC where @indirect is true, on a guest of VECTOR_RAM bytes.
 */
#ifndef VMTAP_SELFTESTS_VECTORS_H
#define VMTAP_SELFTESTS_VECTORS_H

#include <errno.h>

#include "selftests/lib/vdrv.h"

#define VECTOR_QUEUE_SIZE 16
#define VECTOR_RAM MiB(64)

#define FINE 1

#define HOSTILE_VECTORS(X)						\
	/* Where the chain leads. */					\
	X(head_is_queue_size, -EINVAL, false)				\
	X(head_is_65535, -EINVAL, false)				\
	X(next_is_queue_size, -EINVAL, false)				\
	X(next_is_65535, -EINVAL, false)				\
	X(loop_of_one, -ELOOP, false)					\
	X(loop_of_two, -ELOOP, false)					\
	X(loop_at_the_tail, -ELOOP, false)				\
	X(loop_of_empty_segments, -ELOOP, false)			\
	X(loop_over_the_whole_table, -ELOOP, false)			\
	/* What a segment is. */					\
	X(readable_after_writable, -EINVAL, false)			\
	X(empty_readable_after_writable, -EINVAL, false)		\
	X(readable_between_writables, -EINVAL, false)			\
	X(address_wraps, -EINVAL, false)				\
	X(address_ends_at_2_to_64, -EINVAL, false)			\
	X(address_wraps_with_longest_length, -EINVAL, false)		\
	X(writable_address_wraps, -EINVAL, false)			\
	X(total_above_4_gib, -EINVAL, false)				\
	X(below_ram, -EFAULT, false)					\
	X(above_ram, -EFAULT, false)					\
	X(begins_before_ram, -EFAULT, false)				\
	X(ends_one_past_ram, -EFAULT, false)				\
	X(last_address_of_all, -EFAULT, false)				\
	X(longest_length, -EFAULT, false)				\
	X(writable_above_ram, -EFAULT, false)				\
	X(second_segment_outside_ram, -EFAULT, false)			\
	X(in_the_mmio_hole, -EFAULT, false)				\
	X(across_2_to_32, -EFAULT, false)				\
	/* Indirect tables. */						\
	X(indirect_not_negotiated, -EINVAL, false)			\
	X(indirect_in_indirect, -EINVAL, true)				\
	X(indirect_with_next, -EINVAL, true)				\
	X(indirect_second_of_two, -EINVAL, true)			\
	X(indirect_empty, -EINVAL, true)				\
	X(indirect_15_bytes, -EINVAL, true)				\
	X(indirect_17_bytes, -EINVAL, true)				\
	X(indirect_longest_length, -EINVAL, true)			\
	X(indirect_table_outside_ram, -EINVAL, true)			\
	X(indirect_table_wraps, -EINVAL, true)				\
	X(indirect_table_half_in_ram, -EINVAL, true)			\
	X(indirect_next_is_table_size, -EINVAL, true)			\
	X(indirect_loop, -ELOOP, true)					\
	X(indirect_longer_than_queue, -ELOOP, true)			\
	X(indirect_and_direct_longer_than_queue, -ELOOP, true)		\
	X(indirect_table_is_the_descriptor_table, -EINVAL, true)	\
	X(indirect_readable_after_writable, -EINVAL, true)		\
	X(indirect_readable_after_direct_writable, -EINVAL, true)	\
	X(indirect_segment_outside_ram, -EFAULT, true)			\
	/* Odd, but allowed. */						\
	X(empty_segment_outside_ram, FINE, false)			\
	X(only_empty_segments, FINE, false)				\
	X(empty_between_full, FINE, false)				\
	X(exactly_queue_size, FINE, false)				\
	X(ends_at_end_of_ram, FINE, false)				\
	X(one_byte, FINE, false)					\
	X(unknown_flags, FINE, false)					\
	X(next_ignored_without_flag, FINE, false)			\
	X(segment_is_the_ring_itself, FINE, false)			\
	X(segments_overlap, FINE, false)				\
	X(indirect_write_flag_ignored, FINE, true)			\
	X(indirect_next_ignored_without_flag, FINE, true)		\
	X(indirect_after_direct, FINE, true)				\
	X(indirect_exactly_queue_size, FINE, true)			\
	X(indirect_table_bigger_than_chain, FINE, true)			\
	X(indirect_unaligned_table, FINE, true)				\
	X(indirect_order_backwards, FINE, true)

struct hostile_vector {
	const char *name;
	int want;
	bool indirect;
	/* Writes descriptors and posts one head; no kick. */
	void (*build)(struct vdrv *d, unsigned int q);
};

#define VECTOR_DECLARE(name, want, indirect)				\
	extern const struct hostile_vector vec_##name;
HOSTILE_VECTORS(VECTOR_DECLARE)
#undef VECTOR_DECLARE

#endif
