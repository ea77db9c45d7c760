// SPDX-License-Identifier: GPL-2.0-only
/* Block backends: files and memory; see blkback.h. */
#include "virtio/blkback.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "virtio/iov.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/diag.h"

#define SECTOR 512

struct file_back {
	struct blkback b;
	int fd;
};

struct mem_back {
	struct blkback b;
	u8 *data;
};

typedef ssize_t (*vec_fn)(int fd, const struct iovec *iov, int n, off_t off);

/* Go on after a short count; none at all before the end is a lost file. */
static int move_all(vec_fn fn, int fd, struct iovec *iov, unsigned int n,
		    u64 off)
{
	while (n) {
		ssize_t rc = fn(fd, iov, (int)n, (off_t)off);

		if (rc < 0 && errno == EINTR)
			continue;
		if (rc <= 0)
			return rc ? -errno : -EIO;
		off += (u64)rc;
		while (n && (size_t)rc >= iov->iov_len) {
			rc -= (ssize_t)iov->iov_len;
			iov++;
			n--;
		}
		if (n) {
			iov->iov_base = (u8 *)iov->iov_base + rc;
			iov->iov_len -= (size_t)rc;
		}
	}
	return 0;
}

static int file_readv(struct blkback *b, struct iovec *iov, unsigned int n,
		      u64 off)
{
	struct file_back *f = container_of(b, struct file_back, b);

	return move_all(preadv, f->fd, iov, n, off);
}

static int file_writev(struct blkback *b, struct iovec *iov, unsigned int n,
		       u64 off)
{
	struct file_back *f = container_of(b, struct file_back, b);

	return move_all(pwritev, f->fd, iov, n, off);
}

static int file_flush(struct blkback *b)
{
	struct file_back *f = container_of(b, struct file_back, b);

	return fdatasync(f->fd) < 0 ? -errno : 0;
}

static int punch(struct blkback *b, int mode, u64 off, u64 len)
{
	struct file_back *f = container_of(b, struct file_back, b);
	int rc;

	do
		rc = fallocate(f->fd, mode | FALLOC_FL_KEEP_SIZE, (off_t)off,
			       (off_t)len);
	while (rc < 0 && errno == EINTR);
	return rc < 0 ? -errno : 0;
}

/* A discard is advice: what the file system cannot do is no error. */
static int file_discard(struct blkback *b, u64 off, u64 len)
{
	int err = punch(b, FALLOC_FL_PUNCH_HOLE, off, len);

	return err == -EOPNOTSUPP ? 0 : err;
}

static int file_zero(struct blkback *b, u64 off, u64 len, bool may_unmap)
{
	static const u8 zeros[65536];
	int err = punch(b, may_unmap ? FALLOC_FL_PUNCH_HOLE :
			FALLOC_FL_ZERO_RANGE, off, len);

	if (err != -EOPNOTSUPP)
		return err;
	while (len) {
		struct iovec iov = { (void *)zeros, min(len, sizeof(zeros)) };
		u64 n = iov.iov_len;

		err = file_writev(b, &iov, 1, off);
		if (err)
			return err;
		off += n;
		len -= n;
	}
	return 0;
}

static void file_destroy(struct blkback *b)
{
	struct file_back *f = container_of(b, struct file_back, b);

	close(f->fd);
	free(f);
}

static const struct blkback_ops file_ops = {
	.readv = file_readv,
	.writev = file_writev,
	.flush = file_flush,
	.discard = file_discard,
	.zero = file_zero,
	.destroy = file_destroy,
};

static int file_create(struct blkback **ret, int fd, u64 size, bool read_only)
{
	struct file_back *f = calloc(1, sizeof(*f));

	if (!f)
		return -ENOMEM;
	*f = (struct file_back){ { &file_ops, size, read_only }, fd };
	*ret = &f->b;
	return 0;
}

static int file_size(int fd, const char *path, u64 *size, struct diag *d)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return diag_fail(d, -errno, NULL, "disk image %s: %m", path);
	if (S_ISREG(st.st_mode))
		*size = (u64)st.st_size;
	else if (!S_ISBLK(st.st_mode))
		return diag_fail(d, -EINVAL, NULL,
				 "disk image %s is neither a file nor a block device",
				 path);
	else if (ioctl(fd, BLKGETSIZE64, size) < 0)
		return diag_fail(d, -errno, NULL, "disk image %s: %m", path);
	*size = round_down(*size, SECTOR);
	if (!*size)
		return diag_fail(d, -EINVAL, NULL,
				 "disk image %s is smaller than a sector", path);
	return 0;
}

int blkback_open_image(struct blkback **ret, const char *path, bool read_only,
		       struct diag *d)
{
	/* Not to hang on a FIFO that somebody named by mistake. */
	int flags = O_CLOEXEC | O_NOCTTY | O_NONBLOCK |
		    (read_only ? O_RDONLY : O_RDWR);
	int fd __free(cleanup_close) = open(path, flags);
	u64 size;
	int err;

	if (fd < 0)
		return diag_fail(d, -errno, NULL, "cannot open disk image %s: %m",
				 path);
	err = file_size(fd, path, &size, d);
	if (err)
		return err;
	err = file_create(ret, fd, size, read_only);
	if (err)
		return diag_fail(d, err, NULL, "no memory for a disk");
	take_fd(fd);
	return 0;
}

/* Where a file system has no O_TMPFILE (9p, some overlays): named, briefly. */
static int scratch_named(const char *dir, u64 size)
{
	char path[PATH_MAX];
	int fd, err;

	if (snprintf(path, sizeof(path), "%s/.disk-XXXXXX", dir) >=
	    (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	/* Before its name goes: 9p sizes a file by its path. */
	err = ftruncate(fd, (off_t)size) < 0 ? -errno : 0;
	unlink(path);
	if (!err)
		return fd;
	close(fd);
	return err;
}

static int scratch_fd(const char *dir, u64 size)
{
	int fd = dir ? open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600) :
		       memfd_create("vmtap-disk", MFD_CLOEXEC);
	int err;

	if (fd < 0 && dir && (errno == EOPNOTSUPP || errno == EISDIR))
		return scratch_named(dir, size);
	if (fd < 0)
		return -errno;
	if (!ftruncate(fd, (off_t)size))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

int blkback_open_scratch(struct blkback **ret, const char *dir, u64 size,
			 bool read_only, struct diag *d)
{
	int fd, err;

	if (!size || size % SECTOR || size > INT64_MAX)
		return diag_fail(d, -EINVAL, NULL,
				 "disk of %llu bytes: not a multiple of 512",
				 (unsigned long long)size);
	fd = scratch_fd(dir, size);
	if (fd < 0)
		return diag_fail(d, fd, NULL,
				 "cannot make a scratch disk of %llu bytes in %s: %s",
				 (unsigned long long)size, dir ?: "memory",
				 strerror(-fd));
	err = file_create(ret, fd, size, read_only);
	if (err) {
		close(fd);
		return diag_fail(d, err, NULL, "no memory for a disk");
	}
	return 0;
}

static int mem_readv(struct blkback *b, struct iovec *iov, unsigned int n,
		     u64 off)
{
	struct mem_back *m = container_of(b, struct mem_back, b);
	struct iov it = iov_over(iov, n);

	iov_write(&it, m->data + off, b->size - off);
	return 0;
}

static int mem_writev(struct blkback *b, struct iovec *iov, unsigned int n,
		      u64 off)
{
	struct mem_back *m = container_of(b, struct mem_back, b);
	struct iov it = iov_over(iov, n);

	iov_read(&it, m->data + off, b->size - off);
	return 0;
}

static int mem_flush(struct blkback *b)
{
	(void)b;
	return 0;
}

static int mem_discard(struct blkback *b, u64 off, u64 len)
{
	struct mem_back *m = container_of(b, struct mem_back, b);

	memset(m->data + off, 0, len);
	return 0;
}

static int mem_zero(struct blkback *b, u64 off, u64 len, bool may_unmap)
{
	(void)may_unmap;
	return mem_discard(b, off, len);
}

static void mem_back_destroy(struct blkback *b)
{
	free(container_of(b, struct mem_back, b));
}

static const struct blkback_ops mem_ops = {
	.readv = mem_readv,
	.writev = mem_writev,
	.flush = mem_flush,
	.discard = mem_discard,
	.zero = mem_zero,
	.destroy = mem_back_destroy,
};

int blkback_from_buffer(struct blkback **ret, void *data, u64 size,
			bool read_only)
{
	struct mem_back *m = calloc(1, sizeof(*m));

	if (!m)
		return -ENOMEM;
	*m = (struct mem_back){ { &mem_ops, size, read_only }, data };
	*ret = &m->b;
	return 0;
}

void blkback_destroy(struct blkback *b)
{
	if (b)
		b->ops->destroy(b);
}
