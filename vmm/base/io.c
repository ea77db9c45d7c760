// SPDX-License-Identifier: GPL-2.0-only
/* Whole reads and writes; see io.h. */
#include "vmm/base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
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

/* A directory is left to the rename, which tells it. */
static bool is_special(const char *path)
{
	struct stat st;

	return !stat(path, &st) && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode);
}

static int file_open(struct io_file *f)
{
	int err;

	if (is_special(f->path)) {
		f->fd = open(f->path, O_WRONLY | O_CLOEXEC);
		return f->fd < 0 ? -errno : 0;
	}
	if (asprintf(&f->tmp, "%s.XXXXXX", f->path) < 0) {
		f->tmp = NULL;
		return -ENOMEM;
	}
	f->fd = mkostemp(f->tmp, O_CLOEXEC);
	if (f->fd >= 0)
		return 0;
	err = -errno;
	free(f->tmp);
	f->tmp = NULL;
	return err;
}

int io_file_open(struct io_file *f, const char *path, struct diag *d)
{
	int err;

	*f = (struct io_file){ .fd = -1, .path = strdup(path) };
	err = f->path ? file_open(f) : -ENOMEM;
	if (err) {
		io_file_abort(f);
		return diag_fail(d, err, NULL, "cannot create %s: %s", path,
				 strerror(-err));
	}
	return 0;
}

int io_file_commit(struct io_file *f, struct diag *d)
{
	int err = 0;

	if (f->tmp && fchmod(f->fd, 0644) < 0)
		err = -errno;
	if (close(f->fd) < 0 && !err)
		err = -errno;
	f->fd = -1;
	if (!err && f->tmp && rename(f->tmp, f->path) < 0)
		err = -errno;
	if (err) {
		diag_fail(d, err, NULL, "cannot write %s: %s", f->path,
			  strerror(-err));
	} else {
		free(f->tmp);
		f->tmp = NULL;
	}
	io_file_abort(f);
	return err;
}

void io_file_abort(struct io_file *f)
{
	if (f->fd >= 0)
		close(f->fd);
	if (f->tmp)
		unlink(f->tmp);
	free(f->tmp);
	free(f->path);
	*f = (struct io_file){ .fd = -1 };
}

int io_write_file(const char *path, const void *data, size_t len,
		  struct diag *d)
{
	struct io_file f;
	int err = io_file_open(&f, path, d);

	if (err)
		return err;
	err = io_write_full(f.fd, data, len);
	if (!err)
		return io_file_commit(&f, d);
	io_file_abort(&f);
	return diag_fail(d, err, NULL, "cannot write %s: %s", path,
			 strerror(-err));
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
