/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * blk: the virtio block device (virtio 1.2 5.2): one queue, one worker thread
 * with synchronous I/O straight between the backend and guest memory, and two
 * token buckets for iops and bandwidth.
 *
 * Order of calls: create, attach, start, (the machine runs), stop, counters,
 * destroy. stop comes after the vCPUs have joined; guest memory outlives it.
 */
#ifndef VMTAP_VIRTIO_BLK_H
#define VMTAP_VIRTIO_BLK_H

#include "vmm/base/util.h"

struct blkback;
struct device;
struct diag;
struct mem;
struct virtio;
struct virtio_blk;

/*
 * Cumulative over the device's life; a driver's reset clears none of them.
 * A request ends in at most one of completed and io_errors; what is answered
 * S_UNSUPP, GET_ID, DISCARD and WRITE_ZEROES end in none but on an error.
 */
struct virtio_blk_counters {
	u64 reads_completed;	/* T_IN answered S_OK */
	u64 writes_completed;	/* T_OUT answered S_OK */
	u64 flushes_completed;	/* T_FLUSH answered S_OK */
	u64 bytes_read;		/* by reads_completed */
	u64 bytes_written;	/* by writes_completed */
	u64 throttled_count;	/* stalls, not requests */
	u64 io_errors;		/* S_IOERR, malformed chains, lost buffers */
	u64 currently_throttled_gauge;	/* 0 or 1 */
	u64 invalid_avail_idx_count;
};

/* A rate of 0 is no limit. A burst of 0 is what the rate gives in 100 ms. */
struct virtio_blk_throttle {
	u64 iops;		/* requests per second; GET_ID is free */
	u64 iops_burst;		/* requests */
	u64 bandwidth;		/* bytes per second, of T_IN and T_OUT */
	u64 bandwidth_burst;	/* bytes */
};

struct virtio_blk_cfg {
	struct virtio_blk_throttle throttle;
	const char *serial;	/* at most 20 bytes; NULL: "vmtap" */
};

/**
 * virtio_blk_create() - a disk over @back
 * @back: taken over, also when this fails; its read_only makes the disk so
 * @mem: outlives the device; may be filled in until the machine starts
 * Return: 0, -EINVAL (serial too long), -ENOMEM, -errno.
 */
int virtio_blk_create(struct virtio_blk **ret, const struct mem *mem,
		      struct blkback *back, const struct virtio_blk_cfg *cfg,
		      struct diag *d);
/** virtio_blk_destroy() - also stops; NULL is fine */
void virtio_blk_destroy(struct virtio_blk *blk);
/** virtio_blk_attach() - describe the device to the machine; see mmio.h */
void virtio_blk_attach(struct virtio_blk *blk, struct device *dev);
/** virtio_blk_start() - start the worker; 0 or -errno */
int virtio_blk_start(struct virtio_blk *blk, struct diag *d);
/** virtio_blk_stop() - join the worker; a request in flight is finished */
void virtio_blk_stop(struct virtio_blk *blk);
/** virtio_blk_counters() - final after virtio_blk_stop() */
void virtio_blk_counters(struct virtio_blk *blk,
			 struct virtio_blk_counters *ret);
/** virtio_blk_core() - the common part: virtio_lock() for a freeze, tests */
struct virtio *virtio_blk_core(struct virtio_blk *blk);

#endif
