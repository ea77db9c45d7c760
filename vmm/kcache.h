/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kcache: files derived from a kernel image, kept by the image's content hash
 * in $XDG_CACHE_HOME/vmtap/kimage/<hash>/ and mapped read-only by later opens.
 * A file appears whole or not at all (temporary name + rename).
 *
 * An entry carries its size and a hash of its content. Hashing 60 MB would
 * cost each warm open more than all else, so the writer stamps the file's
 * modification time with a part of the hash: while the stamp stands nobody has
 * written to the file since, and only the header is checked; where it does not
 * (a changed or copied file) all of the content is hashed.
 *
 * The image itself is hashed once, too: kimage/.stat/<key> is a symbolic link
 * whose target is the hash of the file that had this device, inode, size and
 * times. A file that was written to within KCACHE_SETTLE_S is not remembered:
 * its next change might leave the times as they are.
 */
#ifndef VMTAP_VMM_KCACHE_H
#define VMTAP_VMM_KCACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "vmm/base/util.h"

#define KCACHE_HEADER_SIZE 4096
#define KCACHE_MAX_SIZE GiB(2)
#define KCACHE_SETTLE_S 2	/* the coarsest time stamps, those of FAT */
#define KCACHE_HASH_SIZE 33	/* 32 hex digits and a NUL */

struct kcache_map {
	const u8 *data;	/* page-aligned content */
	size_t len;
	void *map;
	size_t map_len;
};

/** kcache_hash() - XXH3-128 of @len bytes as 32 hex digits and a NUL */
void kcache_hash(const void *data, size_t len, char hex[KCACHE_HASH_SIZE]);

/**
 * kcache_dir() - the cache folder for the image with this @hash
 * Return: path, the caller frees; NULL where neither XDG_CACHE_HOME nor HOME
 * names an absolute path, or out of memory. The folder may not exist yet.
 */
char *kcache_dir(const char *hash);

/** kcache_recall() - the content hash of the file that @st tells of, if known */
bool kcache_recall(const struct stat *st, char hex[KCACHE_HASH_SIZE]);

/**
 * kcache_remember() - for kcache_recall(); what fails is forgotten
 * @st: as the file was before it was hashed
 * @now_s: CLOCK_REALTIME of then; a file that is younger is not remembered
 */
void kcache_remember(const struct stat *st, s64 now_s, const char *hex);

/**
 * kcache_load() - map entry @name
 * @version: format of the content; another one counts as stale
 *
 * Return: 0; -ENOENT none; -ESTALE another version; -EBADMSG corrupt; other
 * -errno. Whatever it is, kcache_store() may replace the entry.
 */
int kcache_load(const char *dir, const char *name, u32 version,
		struct kcache_map *out);

/** kcache_store() - write entry @name, making @dir; 0 or -errno, no trace left */
int kcache_store(const char *dir, const char *name, u32 version,
		 const struct iovec *iov, int nr);

/** kcache_unmap() - release; a zeroed map is fine */
void kcache_unmap(struct kcache_map *m);

#endif
