/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * blkback: where a disk's bytes are. A file (image or scratch) or memory.
 * Context: the disk's worker thread, one call at a time.
 */
#ifndef VMTAP_VIRTIO_BLKBACK_H
#define VMTAP_VIRTIO_BLKBACK_H

#include <sys/uio.h>

#include "vmm/base/util.h"

struct blkback;
struct diag;

/*
 * Offsets and lengths are bytes inside [0, size); all return 0 or -errno, and
 * move everything or fail (-EIO at an unexpected end of the file). The iovec
 * array may be changed.
 */
struct blkback_ops {
	int (*readv)(struct blkback *b, struct iovec *iov, unsigned int n, u64 off);
	int (*writev)(struct blkback *b, struct iovec *iov, unsigned int n, u64 off);
	int (*flush)(struct blkback *b);	/* to stable storage */
	int (*discard)(struct blkback *b, u64 off, u64 len);
	int (*zero)(struct blkback *b, u64 off, u64 len, bool may_unmap);
	void (*destroy)(struct blkback *b);
};

struct blkback {
	const struct blkback_ops *ops;
	u64 size;	/* bytes, a multiple of 512 */
	bool read_only;
};

/**
 * blkback_open_image() - a given image file or block device
 *
 * Opened O_CLOEXEC, O_RDONLY where @read_only. A tail of less than a sector is
 * not shown. Return: 0 or -errno (-EINVAL: empty, or not a file).
 */
int blkback_open_image(struct blkback **ret, const char *path, bool read_only,
		       struct diag *d);

/**
 * blkback_open_scratch() - a sparse zeroed disk that goes away with the fd
 * @dir: where an unnamed file is made; NULL: in memory (memfd)
 * @size: bytes, a multiple of 512
 */
int blkback_open_scratch(struct blkback **ret, const char *dir, u64 size,
			 bool read_only, struct diag *d);

/** blkback_from_buffer() - over the caller's bytes (tests, fuzzers) */
int blkback_from_buffer(struct blkback **ret, void *data, u64 size,
			bool read_only);

/** blkback_destroy() - close; NULL is fine */
void blkback_destroy(struct blkback *b);

#endif
