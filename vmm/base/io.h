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
/**
 * io_write_file() - write to a temporary name beside @path, then rename, so
 * that no half-written file stands under the final name
 */
int io_write_file(const char *path, const void *data, size_t len,
		  struct diag *d);
/** io_mkdirs() - mkdir -p */
int io_mkdirs(const char *path, struct diag *d);
/** io_rmtree() - remove a directory with all below it; a missing one is fine */
int io_rmtree(const char *path, struct diag *d);

#endif
