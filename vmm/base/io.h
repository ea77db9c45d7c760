/* SPDX-License-Identifier: GPL-2.0-only */
/* io: whole reads and writes, files that appear whole or not at all. */
#ifndef VMTAP_BASE_IO_H
#define VMTAP_BASE_IO_H

#include <stddef.h>
#include <sys/types.h>

struct buf;
struct diag;

/** io_write_full() - write all of @len bytes, through EINTR; 0 or -errno */
int io_write_full(int fd, const void *data, size_t len);
/** io_read_full() - read @len bytes; 0, -ENODATA at an early end, or -errno */
int io_read_full(int fd, void *data, size_t len);
/** io_pread_full() - as io_read_full() from offset @off */
int io_pread_full(int fd, void *data, size_t len, off_t off);
/** io_read_file() - append a whole file of at most @max bytes; -EFBIG beyond */
int io_read_file(const char *path, size_t max, struct buf *out, struct diag *d);
/*
 * A file that appears whole under its name or not at all: written beside it,
 * renamed at the end. What is there already and no regular file (a pipe, a
 * device, /dev/fd/9) is written to as it stands and never replaced.
 */
struct io_file {
	int fd;
	char *path;
	char *tmp;	/* NULL: fd is @path itself */
};

/** io_file_open() - begin; 0 or -errno, then there is nothing to end */
int io_file_open(struct io_file *f, const char *path, struct diag *d);
/** io_file_commit() - the final name; ends @f in any case */
int io_file_commit(struct io_file *f, struct diag *d);
/** io_file_abort() - remove what was written; nothing where @f is ended */
void io_file_abort(struct io_file *f);

/** io_write_file() - a whole io_file at once */
int io_write_file(const char *path, const void *data, size_t len,
		  struct diag *d);
/** io_mkdirs() - mkdir -p */
int io_mkdirs(const char *path, struct diag *d);
/** io_rmtree() - remove a directory with all below it; a missing one is fine */
int io_rmtree(const char *path, struct diag *d);

#endif
