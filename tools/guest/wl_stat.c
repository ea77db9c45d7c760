// SPDX-License-Identifier: GPL-2.0-only
/* wl_stat: reservoirs and percentiles; pure. */
#include "tools/guest/wl.h"

#include <stdlib.h>

uint64_t wl_random(uint64_t *rng)
{
	uint64_t x = *rng ? *rng : 88172645463325252ull;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	*rng = x;
	return x;
}

void wl_reservoir_add(struct wl_reservoir *r, uint64_t value, uint64_t *rng)
{
	uint64_t at = r->seen++;

	if (at >= r->room)
		at = wl_random(rng) % r->seen;
	if (at < r->room)
		r->v[at] = value;
}

static int by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

bool wl_reservoir_rank(struct wl_reservoir *r, unsigned int percent,
		       uint64_t *value)
{
	uint64_t n = r->seen < r->room ? r->seen : r->room, rank;

	if (!n)
		return false;
	qsort(r->v, n, sizeof(r->v[0]), by_size);
	rank = (n * percent + 99) / 100;
	*value = r->v[rank ? rank - 1 : 0];
	return true;
}
