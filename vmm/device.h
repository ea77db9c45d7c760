/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * device: all that the machine needs to know of an MMIO device in order to
 * place it, wire its interrupt and doorbells, and announce it through ACPI.
 * Devices live in higher floors; the machine never looks inside.
 */
#ifndef VMTAP_VMM_DEVICE_H
#define VMTAP_VMM_DEVICE_H

#include "vmm/bus.h"
#include "vmm/irq.h"

#define DEVICE_MAX_DOORBELLS 16

/* A guest write of @value (4 bytes) at @off signals @fd, without an exit. */
struct device_doorbell {
	u64 off;
	u32 value;
	int fd;		/* eventfd */
};

struct device {
	const char *name;	/* "virtio_blk": bus range and diagnostics */
	const char *acpi_hid;	/* "LNRO0005" for virtio-mmio */
	u64 size;		/* of the MMIO window; the machine picks the base */
	const struct bus_ops *ops;
	/*
	 * A page that reads as the first one of the MMIO window does: reads
	 * then cost no exit. NULL: they all go to @ops, as they do where the
	 * host has no read-only slots.
	 */
	u8 *window;
	void *dev;
	struct irq_line *irq;
	/*
	 * Stand still: until release() the device does not touch guest memory.
	 * 0, or -ETIMEDOUT past @until_ns (now_ns()). NULL: all that it does
	 * is done in vCPUs' threads. Context: any other thread.
	 */
	int (*hold)(void *dev, u64 until_ns);
	void (*release)(void *dev);
	struct device_doorbell doorbells[DEVICE_MAX_DOORBELLS];
	unsigned int nr_doorbells;
};

#endif
