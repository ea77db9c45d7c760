/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * preflight: says in one line, before a boot is spent, what would otherwise be
 * a silent hang. Looks only at what the image, its config and its modules
 * directory say; boots nothing.
 */
#ifndef VMTAP_RUNNER_PREFLIGHT_H
#define VMTAP_RUNNER_PREFLIGHT_H

#include <stdbool.h>

#include "vmm/base/util.h"

struct diag;
struct kernel;
struct modules;
struct module_set;

enum preflight_needs {
	PREFLIGHT_CONSOLE = 1 << 0,	/* virtio_console with port 1 */
	PREFLIGHT_BLK = 1 << 1,
	PREFLIGHT_NET = 1 << 2,
};

/* All pointers are the caller's; NULL where not known. */
struct preflight {
	const struct kernel *kernel;
	const struct modules *modules;
	const struct module_set *set;	/* what the initramfs carries */
	unsigned int needs;		/* enum preflight_needs */
	unsigned int cpus;
	u64 memory;			/* bytes */
	u64 image_size;			/* bytes of RAM the image takes; 0: from the header */
	u64 initramfs_size;		/* 0: not known yet */
};

/**
 * preflight_check() - the first reason why this boot cannot work
 * Return: 0 nothing found; -ENOENT the image is missing; -ENOEXEC no kernel
 * image, or for another machine; -ENOTSUP config or module; -ENOSPC memory.
 */
int preflight_check(const struct preflight *p, struct diag *d);

/**
 * preflight_config() - does "CONFIG_X", "CONFIG_X=y" or "X=value" hold
 * A bare name holds for y, m and any value. @reason (size @len) tells what was
 * found where it does not hold. Return: 1 holds, 0 does not, -ENODATA no
 * config known, -EINVAL not such a word.
 */
int preflight_config(const struct preflight *p, const char *want, char *reason,
		     size_t len);

#endif
