/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * mmio: the virtio-mmio transport, version 2 (virtio 1.2 4.2), as a table of
 * registers over a struct virtio.
 */
#ifndef VMTAP_VIRTIO_MMIO_H
#define VMTAP_VIRTIO_MMIO_H

#include "virtio/virtio.h"
#include "vmm/device.h"

#define MMIO_WINDOW_SIZE VIRTIO_WINDOW_SIZE
#define MMIO_VENDOR_ID 0x50415456	/* "VTAP" */

/**
 * mmio_describe() - fill in @dev for the machine: window, interrupt, and one
 * doorbell a queue at QueueNotify
 *
 * @dev borrows from @v and is good as long as @v lives. Where the machine does
 * not bind the doorbells, a write of QueueNotify rings them all the same.
 */
void mmio_describe(struct virtio *v, struct device *dev);

/* The operations behind struct device, with @dev a struct virtio. */
extern const struct bus_ops mmio_bus_ops;

#endif
