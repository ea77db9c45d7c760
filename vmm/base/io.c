// SPDX-License-Identifier: GPL-2.0-only
/* Whole reads and writes; see io.h. */
#include "vmm/base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm/base/buf.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/diag.h"

int io_write_full(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

int io_read_full(int fd, void *data, size_t len)
{
	char *p = data;

	while (len) {
		ssize_t n = read(fd, p, len);

		if (n < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		if (!n)
			return -ENODATA;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

int io_pread_full(int fd, void *data, size_t len, off_t off)
{
	char *p = data;

	while (len) {
		ssize_t n = pread(fd, p, len, off);

		if (n < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		if (!n)
			return -ENODATA;
		p += n;
		off += n;
		len -= (size_t)n;
	}
	return 0;
}

int io_read_file(const char *path, size_t max, struct buf *out, struct diag *d)
{
	int fd __free(cleanup_close) = open(path, O_RDONLY | O_CLOEXEC);
	size_t start = out->len;
	ssize_t n;

	if (fd < 0)
		return diag_fail(d, -errno, NULL, "cannot open %s: %m", path);
	do {
		if (buf_reserve(out, 65536))
			return diag_fail(d, -ENOMEM, NULL, "%s: no memory", path);
		n = read(fd, out->data + out->len, 65536);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return diag_fail(d, -errno, NULL, "cannot read %s: %m",
					 path);
		out->len += (size_t)n;
		out->data[out->len] = '\0';
		if (out->len - start > max)
			return diag_fail(d, -EFBIG, NULL,
					 "%s is larger than %zu bytes", path,
					 max);
	} while (n);
	return 0;
}

int io_write_file(const char *path, const void *data, size_t len,
		  struct diag *d)
{
	char *tmp __free(cleanup_free) = NULL;
	int fd, err;

	if (asprintf(&tmp, "%s.XXXXXX", path) < 0)
		return diag_fail(d, -ENOMEM, NULL, "%s: no memory", path);
	fd = mkostemp(tmp, O_CLOEXEC);
	if (fd < 0)
		return diag_fail(d, -errno, NULL, "cannot create %s: %m", path);
	err = io_write_full(fd, data, len);
	if (!err && fchmod(fd, 0644) < 0)
		err = -errno;
	if (close(fd) < 0 && !err)
		err = -errno;
	if (!err && rename(tmp, path) < 0)
		err = -errno;
	if (err) {
		unlink(tmp);
		return diag_fail(d, err, NULL, "cannot write %s: %s", path,
				 strerror(-err));
	}
	return 0;
}

int io_mkdirs(const char *path, struct diag *d)
{
	char *copy __free(cleanup_free) = strdup(path);
	char *p;

	if (!copy)
		return diag_fail(d, -ENOMEM, NULL, "%s: no memory", path);
	for (p = copy + 1; ; p++) {
		char c = *p;

		if (c && c != '/')
			continue;
		*p = '\0';
		if (mkdir(copy, 0777) < 0 && errno != EEXIST)
			return diag_fail(d, -errno, NULL,
					 "cannot create folder %s: %m", copy);
		if (!c)
			return 0;
		*p = c;
	}
}

static int rm_entry(const char *path, const struct stat *st, int type,
		    struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

int io_rmtree(const char *path, struct diag *d)
{
	if (nftw(path, rm_entry, 32, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) < 0 &&
	    errno != ENOENT)
		return diag_fail(d, -errno, NULL, "cannot remove %s: %m", path);
	return 0;
}
