/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * iov: a cursor over scattered guest bytes. Nothing here assumes how a driver
 * split its message (virtio 1.2 2.7.4); every length is clamped to what is
 * there.
 */
#ifndef VMTAP_VIRTIO_IOV_H
#define VMTAP_VIRTIO_IOV_H

#include <sys/uio.h>

#include "vmm/base/util.h"

/* Consumes a caller's iovec array in place; the array is the caller's. */
struct iov {
	struct iovec *v;
	unsigned int n;
	u64 len;	/* bytes left */
};

/** iov_over() - a cursor at the start of @n segments */
struct iov iov_over(struct iovec *v, unsigned int n);
/** iov_read() - copy out up to @len bytes and step over them; bytes copied */
u64 iov_read(struct iov *it, void *dst, u64 len);
/** iov_write() - copy in up to @len bytes and step over them; bytes copied */
u64 iov_write(struct iov *it, const void *src, u64 len);
/** iov_copy() - from @src to @dst until one ends; bytes copied. May overlap. */
u64 iov_copy(struct iov *dst, struct iov *src);
/** iov_skip() - step over up to @len bytes; bytes skipped */
u64 iov_skip(struct iov *it, u64 len);
/**
 * iov_take_last() - cut the last byte off @it
 * Return: where it is, NULL where @it is empty.
 */
u8 *iov_take_last(struct iov *it);

#endif
