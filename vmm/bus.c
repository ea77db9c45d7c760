// SPDX-License-Identifier: GPL-2.0-only
/* Address ranges and their devices; see bus.h. */
#include "vmm/bus.h"

#include <errno.h>
#include <string.h>

#include "vmm/base/diag.h"

int bus_add(struct bus *bus, const struct bus_range *range, struct diag *d)
{
	unsigned int i, at;
	u64 last;

	if (!range->size || check_add(range->base, range->size - 1, &last))
		return diag_fail(d, -EINVAL, NULL, "bus range %s is malformed",
				 range->name);
	if (bus->nr_ranges == BUS_MAX_RANGES)
		return diag_fail(d, -ENOSPC, NULL, "no bus range left for %s",
				 range->name);
	for (at = 0; at < bus->nr_ranges; at++)
		if (bus->ranges[at].base > range->base)
			break;
	for (i = at ? at - 1 : 0; i < bus->nr_ranges && i <= at; i++) {
		const struct bus_range *r = &bus->ranges[i];

		if (r->base <= last && range->base <= r->base + (r->size - 1))
			return diag_fail(d, -EEXIST, NULL,
					 "bus range %s overlaps %s",
					 range->name, r->name);
	}
	memmove(&bus->ranges[at + 1], &bus->ranges[at],
		(bus->nr_ranges - at) * sizeof(bus->ranges[0]));
	bus->ranges[at] = *range;
	bus->nr_ranges++;
	return 0;
}

static const struct bus_range *bus_find(const struct bus *bus, u64 addr,
					u32 len)
{
	unsigned int lo = 0, hi = bus->nr_ranges;

	while (lo < hi) {
		unsigned int mid = (lo + hi) / 2;
		const struct bus_range *r = &bus->ranges[mid];

		if (addr < r->base)
			hi = mid;
		else if (addr - r->base >= r->size)
			lo = mid + 1;
		else
			return len <= r->size - (addr - r->base) ? r : NULL;
	}
	return NULL;
}

/* vCPU threads race here: the slot list may miss an address, never a count. */
static void bus_note_unhandled(struct bus *bus, u64 addr, u64 *total)
{
	unsigned int i, n = __atomic_load_n(&bus->nr_unhandled, __ATOMIC_ACQUIRE);

	__atomic_add_fetch(total, 1, __ATOMIC_RELAXED);
	for (i = 0; i < n; i++) {
		if (__atomic_load_n(&bus->unhandled[i].addr, __ATOMIC_RELAXED) != addr)
			continue;
		__atomic_add_fetch(&bus->unhandled[i].count, 1, __ATOMIC_RELAXED);
		return;
	}
	do {
		if (n == BUS_MAX_UNHANDLED)
			return;
	} while (!__atomic_compare_exchange_n(&bus->nr_unhandled, &n, n + 1,
					      false, __ATOMIC_ACQ_REL,
					      __ATOMIC_ACQUIRE));
	__atomic_store_n(&bus->unhandled[n].addr, addr, __ATOMIC_RELAXED);
	__atomic_add_fetch(&bus->unhandled[n].count, 1, __ATOMIC_RELAXED);
}

void bus_read(struct bus *bus, u64 addr, void *data, u32 len)
{
	const struct bus_range *r = bus_find(bus, addr, len);

	memset(data, 0xff, len);
	if (!r) {
		bus_note_unhandled(bus, addr, &bus->unhandled_reads);
		return;
	}
	r->ops->read(r->dev, addr - r->base, data, len);
}

void bus_write(struct bus *bus, u64 addr, const void *data, u32 len)
{
	const struct bus_range *r = bus_find(bus, addr, len);

	if (!r) {
		bus_note_unhandled(bus, addr, &bus->unhandled_writes);
		return;
	}
	r->ops->write(r->dev, addr - r->base, data, len);
}
