// SPDX-License-Identifier: GPL-2.0-only
/* Token buckets; see bucket.h. */
#include "virtio/bucket.h"

typedef unsigned __int128 u128;

/* Beyond these a limit is none, and sums stay inside 64 bits. */
#define BUCKET_MAX (1ULL << 60)

void bucket_init(struct bucket *b, u64 rate, u64 burst, u64 now_ns)
{
	rate = min(rate, (u64)BUCKET_MAX);
	burst = min(burst, (u64)BUCKET_MAX);
	*b = (struct bucket){
		.rate = rate,
		.burst = burst ?: max(rate / 10, (u64)1),
		.last_ns = now_ns,
	};
	b->level = (s64)b->burst;
}

/* last_ns moves by what the whole tokens took: no fraction is lost. */
static void refill(struct bucket *b, u64 now_ns)
{
	u128 gain;

	if (now_ns <= b->last_ns)
		return;
	gain = (u128)(now_ns - b->last_ns) * b->rate / NSEC_PER_SEC;
	if (gain >= (u128)((s64)b->burst - b->level)) {
		b->level = (s64)b->burst;
		b->last_ns = now_ns;
		return;
	}
	b->level += (s64)gain;
	b->last_ns += (u64)(gain * NSEC_PER_SEC / b->rate);
}

u64 bucket_wait_ns(struct bucket *b, u64 cost, u64 now_ns)
{
	s64 need = (s64)min(cost, b->burst);
	u128 wait;

	if (!b->rate)
		return 0;
	refill(b, now_ns);
	if (b->level >= need)
		return 0;
	wait = (u128)(need - b->level) * NSEC_PER_SEC;
	wait = (wait + b->rate - 1) / b->rate;
	/* Part of it has passed since the last whole token. */
	wait -= min(wait - 1, (u128)(now_ns - b->last_ns));
	return (u64)min(wait, (u128)INT64_MAX);
}

void bucket_take(struct bucket *b, u64 cost)
{
	if (b->rate)
		b->level -= (s64)min(cost, (u64)BUCKET_MAX);
}
