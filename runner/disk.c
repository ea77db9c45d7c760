// SPDX-License-Identifier: GPL-2.0-only
/* A scenario's disk; see disk.h. */
#include "runner/disk.h"

#include <errno.h>
#include <string.h>

#include "runner/scenario.h"
#include "virtio/blkback.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/diag.h"

#define COPY_CHUNK KiB(256)

static bool all_zero(const u8 *p, size_t len)
{
	return !len || (!p[0] && !memcmp(p, p + 1, len - 1));
}

/* Zeros are not written: the copy stays as sparse as the image. */
static int copy_disk(struct blkback *to, struct blkback *from)
{
	u8 *chunk __free(cleanup_free) = malloc(COPY_CHUNK);
	u64 off;

	if (!chunk)
		return -ENOMEM;
	for (off = 0; off < from->size; off += COPY_CHUNK) {
		size_t len = (size_t)min((u64)COPY_CHUNK, from->size - off);
		struct iovec iov = { chunk, len };
		int err = from->ops->readv(from, &iov, 1, off);

		if (err)
			return err;
		iov = (struct iovec){ chunk, len };
		if (!all_zero(chunk, len))
			err = to->ops->writev(to, &iov, 1, off);
		if (err)
			return err;
	}
	return 0;
}

static int open_private(struct blkback **ret, const char *image,
			const char *dir, struct diag *d)
{
	struct blkback *from, *to;
	int err = blkback_open_image(&from, image, true, d);

	if (err)
		return err;
	err = blkback_open_scratch(&to, dir, from->size, false, d);
	if (!err) {
		err = copy_disk(to, from);
		if (err)
			diag_fail(d, err, NULL, "cannot copy disk image %s: %s",
				  image, strerror(-err));
		if (err)
			blkback_destroy(to);
		else
			*ret = to;
	}
	blkback_destroy(from);
	return err;
}

int disk_open(struct blkback **ret, const struct scen_disk *disk,
	      const char *dir, struct diag *d)
{
	if (!disk->image)
		return blkback_open_scratch(ret, dir, disk->size,
					    disk->read_only, d);
	if (disk->read_only || disk->rw)
		return blkback_open_image(ret, disk->image, disk->read_only, d);
	return open_private(ret, disk->image, dir, d);
}
