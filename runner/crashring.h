/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * crashring: the host's side of struct wire_ring (runner/wire.h), a small
 * reserved piece of guest memory that holds the agent's last words when both
 * serial line and virtio are dead. The reader believes nothing in it.
 *
 * Context: crashring_init() before the guest runs, crashring_read() after it
 * stopped (or is parked).
 */
#ifndef VMTAP_RUNNER_CRASHRING_H
#define VMTAP_RUNNER_CRASHRING_H

#include <stdbool.h>
#include <stddef.h>

#include "vmm/base/util.h"

struct buf;

#define CRASHRING_SIZE KiB(64)	/* what the runner reserves */

/**
 * crashring_init() - write the header of an empty ring
 * @area: host pointer to @size bytes of guest memory, 8-byte aligned
 * Return: 0, -EINVAL where @size leaves no room for data.
 */
int crashring_init(void *area, size_t size);

struct crashring_info {
	bool valid;	/* header as this host wrote it, positions in range */
	const char *why;	/* static text, where not valid */
	u64 written;	/* bytes ever, head */
	u32 drops;	/* frames the guest could not fit */
};

/**
 * crashring_read() - append the unread bytes of the ring to @out
 * @size: as given to crashring_init(); the ring's own word for its capacity
 *	must agree with it
 *
 * The bytes are a stream for an assembler (WIRE_VIA_RING), whose CRCs decide
 * what is believed. Each header field is read once. An invalid header yields
 * no bytes and is no error. Return: 0, -ENOMEM.
 */
int crashring_read(const void *area, size_t size, struct buf *out,
		   struct crashring_info *info);

#endif
