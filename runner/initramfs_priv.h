/* SPDX-License-Identifier: GPL-2.0-only */
/* initramfs_priv: what initramfs.c and initramfs_add.c share. */
#ifndef VMTAP_RUNNER_INITRAMFS_PRIV_H
#define VMTAP_RUNNER_INITRAMFS_PRIV_H

#include "runner/initramfs.h"

#define INITRAMFS_PATH_MAX 1024

struct entry {
	char *path;	/* without the leading slash, /usr-merged */
	char *origin;
	mode_t mode;	/* with the type */
	u64 size;
	char *src;	/* host file; NULL: data */
	const void *data;	/* bytes of a file or target of a link */
	void *owned;	/* data, where it is ours to free */
	u64 rdev;	/* major << 20 | minor */
	bool soft;	/* gives way to another entry at this path */
};

/* Sorted by path, so that a directory precedes what it holds. */
struct initramfs {
	struct entry **entries;
	size_t nr;
};

/** entry_new() - NULL when out of memory */
struct entry *entry_new(const char *path, mode_t mode, const char *origin);
/** initramfs_insert() - takes @e in every case; NULL is -ENOMEM */
int initramfs_insert(struct initramfs *fs, struct entry *e, struct diag *d);
/** initramfs_find() - the entry at a canonical path, or NULL */
struct entry *initramfs_find(const struct initramfs *fs, const char *path);
/** initramfs_path() - canonical path of @dst to @out[INITRAMFS_PATH_MAX] */
int initramfs_path(const char *dst, char *out, const char *origin,
		   struct diag *d);

#endif
