// SPDX-License-Identifier: GPL-2.0-only
/* The times of a guest's stops; see stops.h. */
#include "runner/stops.h"

#include <errno.h>
#include <stdlib.h>

#include "freeze/coordinator.h"
#include "runner/value.h"

int stops_init(struct stops *s, u32 target)
{
	*s = (struct stops){ .room = target };
	if (!target)
		return 0;
	s->park_us = calloc(target, sizeof(*s->park_us));
	s->frozen_us = calloc(target, sizeof(*s->frozen_us));
	return s->park_us && s->frozen_us ? 0 : -ENOMEM;
}

void stops_deinit(struct stops *s)
{
	free(s->park_us);
	free(s->frozen_us);
	*s = (struct stops){ 0 };
}

static u32 to_us(u64 ns)
{
	return (u32)min(ns / 1000, (u64)UINT32_MAX);
}

void stops_add(struct stops *s, const struct freeze_outcome *out)
{
	if (out->err || s->n == s->room)
		return;
	s->park_us[s->n] = to_us(out->park_ns);
	s->frozen_us[s->n++] = to_us(out->frozen_ns);
}

static int by_size(const void *a, const void *b)
{
	u32 x = *(const u32 *)a, y = *(const u32 *)b;

	return (x > y) - (x < y);
}

/* The smallest time that so many hundredths of them did not exceed. */
static u32 percentile(const u32 *sorted, u32 n, unsigned int hundredths)
{
	return sorted[((u64)n * hundredths + 99) / 100 - 1];
}

static struct value *times(u32 *us, u32 n)
{
	struct value *v = value_map();

	qsort(us, n, sizeof(*us), by_size);
	value_set(v, "p50", value_int(percentile(us, n, 50)));
	value_set(v, "p99", value_int(percentile(us, n, 99)));
	value_set(v, "max", value_int(us[n - 1]));
	return v;
}

struct value *stops_value(struct stops *s,
			  const struct coordinator_clock_stats *clock,
			  const char *unstarted)
{
	struct value *v = value_map();

	value_set(v, "target", value_int(s->room));
	value_set(v, "fired", value_int(clock->fired));
	value_set(v, "late", value_int(clock->placeholders));
	if (clock->reason[0])
		value_set(v, "reason", value_str(clock->reason));
	else if (clock->fired < s->room)
		value_set(v, "reason", value_str(unstarted));
	if (!s->n)
		return v;
	value_set(v, "park_us", times(s->park_us, s->n));
	value_set(v, "frozen_us", times(s->frozen_us, s->n));
	return v;
}
