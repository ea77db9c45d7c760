/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fuzzdrv: a fuzzer's input as a driver's deeds. The bytes are read as a
 * program: registers, memory, descriptors, kicks; when they run out, zeros.
 */
#ifndef VMTAP_SELFTESTS_FUZZDRV_H
#define VMTAP_SELFTESTS_FUZZDRV_H

#include "selftests/lib/vdrv.h"
#include "virtio/virtio.h"

#define FUZZ_RAM KiB(64)
#define FUZZ_OPS_MAX 256	/* of one input */

struct fuzz {
	const u8 *data;
	size_t left;
	struct vguest g;
	struct vdrv d;
	struct virtio *v;
};

/* Fail loudly, in every build. */
#define FUZZ_CHECK(cond) BUG_ON(!(cond))

/* @f->d.dev is attached already. */
void fuzz_init(struct fuzz *f, struct virtio *v);
/* Begin an input: reset device, RAM all zero. */
void fuzz_begin(struct fuzz *f, const u8 *data, size_t len);

u8 fuzz_u8(struct fuzz *f);
u16 fuzz_u16(struct fuzz *f);
u32 fuzz_u32(struct fuzz *f);
u64 fuzz_u64(struct fuzz *f);

/* An address: mostly in RAM, sometimes at its edges, sometimes anything. */
gpa_t fuzz_gpa(struct fuzz *f);
/* Serve queue @q as the worker would after a kick. */
void fuzz_serve(struct fuzz *f, unsigned int q);
/*
 * One deed that all devices have in common, chosen by the input: set up,
 * reset, post a chain, write memory, descriptors, indices, kick, registers.
 */
void fuzz_deed(struct fuzz *f);
/* What holds at any moment. */
void fuzz_check_core(struct fuzz *f);

#endif
