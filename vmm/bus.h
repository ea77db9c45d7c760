/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bus: address ranges (port I/O or MMIO) and who answers them. What nobody
 * answers reads all-ones, is swallowed on write, and is counted.
 *
 * A machine has two: PIO and MMIO. Ranges are added before the vCPUs start
 * and not changed after, so that look-ups need no lock; a device does its own
 * locking, since any vCPU thread may call it at any time.
 */
#ifndef VMTAP_VMM_BUS_H
#define VMTAP_VMM_BUS_H

#include "vmm/base/util.h"

struct diag;

/* @off is relative to the range; @len is 1, 2, 4 or 8 and stays inside it. */
struct bus_ops {
	void (*read)(void *dev, u64 off, void *data, u32 len);
	void (*write)(void *dev, u64 off, const void *data, u32 len);
};

struct bus_range {
	u64 base;
	u64 size;
	const struct bus_ops *ops;
	void *dev;
	const char *name;	/* for diagnostics; outlives the bus */
};

#define BUS_MAX_RANGES 64
#define BUS_MAX_UNHANDLED 16

/* The first few addresses that nobody answered, for the result. */
struct bus_unhandled {
	u64 addr;
	u64 count;
};

struct bus {
	struct bus_range ranges[BUS_MAX_RANGES];	/* sorted by base */
	unsigned int nr_ranges;
	u64 unhandled_reads;
	u64 unhandled_writes;
	struct bus_unhandled unhandled[BUS_MAX_UNHANDLED];
	unsigned int nr_unhandled;
};

/**
 * bus_add() - attach a device before the machine starts
 * Return: 0, -EEXIST where it overlaps, -ENOSPC, -EINVAL (empty or wrapping).
 */
int bus_add(struct bus *bus, const struct bus_range *range, struct diag *d);

/**
 * bus_read() - dispatch; an access that nobody answers, or that runs over the
 * end of its range, reads all-ones and is counted
 * Context: any vCPU thread.
 */
void bus_read(struct bus *bus, u64 addr, void *data, u32 len);

/** bus_write() - as bus_read(); what nobody answers is dropped and counted */
void bus_write(struct bus *bus, u64 addr, const void *data, u32 len);

#endif
