/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bucket: a token bucket, for limits per second. Plain data; the caller tells
 * the time, so that tests need no clock.
 */
#ifndef VMTAP_VIRTIO_BUCKET_H
#define VMTAP_VIRTIO_BUCKET_H

#include "vmm/base/util.h"

struct bucket {
	u64 rate;	/* tokens per second; 0: no limit */
	u64 burst;	/* most tokens that gather */
	s64 level;	/* tokens; below 0 after a cost above the burst */
	u64 last_ns;	/* when level was right */
};

/** bucket_init() - full; @burst 0: what @rate gives in 100 ms, at least 1 */
void bucket_init(struct bucket *b, u64 rate, u64 burst, u64 now_ns);

/**
 * bucket_wait_ns() - how long until @cost may be taken; 0: now
 *
 * A cost above the burst needs a full bucket and leaves a debt, so that the
 * rate holds and nothing waits for ever.
 */
u64 bucket_wait_ns(struct bucket *b, u64 cost, u64 now_ns);

/** bucket_take() - after bucket_wait_ns() returned 0 */
void bucket_take(struct bucket *b, u64 cost);

#endif
