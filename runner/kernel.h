/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kernel: which kernel a case runs: its image with the modules, the config
 * and the release that belong to it. Kernels come from the cache
 * ($XDG_CACHE_HOME/vmtap/kernels/<release>/, filled by `vmtap kernel fetch`),
 * from a kernel tree, from /boot, or are an image file that the user names.
 * Decompressing and reading symbols is vmm/kimage's part, not this one's.
 *
 * Any thread; a struct kernel is immutable once found.
 */
#ifndef VMTAP_RUNNER_KERNEL_H
#define VMTAP_RUNNER_KERNEL_H

#include <stdbool.h>
#include <stddef.h>

struct diag;

enum kernel_source {
	KERNEL_CACHE,	/* fetched into the cache */
	KERNEL_TREE,	/* built in a kernel tree (or its O= folder) */
	KERNEL_SYSTEM,	/* installed below /boot */
	KERNEL_FILE,	/* an image that the user named */
};

/* All strings are owned by the struct and absolute paths where paths. */
struct kernel {
	char *release;		/* "6.12.95+deb12-cloud-amd64"; "" where unknown */
	char *image;		/* bzImage or ELF vmlinux */
	char *modules_dir;	/* .../lib/modules/<release> with modules.dep; NULL: none */
	char *config_path;	/* NULL: no file (the image may hold it built in) */
	enum kernel_source source;
	char *config;		/* text; NULL where unknown */
};

enum kconfig {
	KCONFIG_UNKNOWN,	/* nobody told this kernel's config */
	KCONFIG_NO,		/* not set, or not in the config at all */
	KCONFIG_MODULE,
	KCONFIG_YES,
	KCONFIG_VALUE,		/* a string (without its quotes) or a number */
};

/**
 * kernel_find() - resolve what `--kernel` and a scenario's `kernel:` say
 * @spec: a path (it has a '/', or no release matches and such a file is
 *	there) to a bzImage or vmlinux; else a release or a prefix of one that
 *	ends at a version part ("6.1" is not 6.12; "7.x" is any 7); NULL: the
 *	default, which is the kernel tree's own image where vmtap lies in one
 *	that is built (KBUILD_OUTPUT and O= builds too), else the newest kernel
 *	of the cache, else the newest one below /boot
 * @out: written on success; kernel_put() frees
 *
 * Of several matches the newest of the cache is taken, then of /boot.
 * Return: 0; -ENOENT nothing matches (the message lists what there is and how
 * to fetch more); -ENOEXEC the file is no x86 kernel image; other errno.
 */
int kernel_find(const char *spec, struct kernel **out, struct diag *d);

/** kernel_put() - free; NULL is fine */
void kernel_put(struct kernel *k);

/**
 * kernel_list() - the kernels of the cache, then those of /boot, newest first
 * @out: array of @nr, kernel_list_free() frees. An empty list is no error.
 */
int kernel_list(struct kernel ***out, size_t *nr, struct diag *d);
void kernel_list_free(struct kernel **list, size_t nr);

/**
 * kernel_config() - one symbol of the kernel's config
 * @name: with or without "CONFIG_"
 * @value: may be NULL; for KCONFIG_VALUE a string that the caller frees
 */
enum kconfig kernel_config(const struct kernel *k, const char *name,
			   char **value);

/** kernel_source_name() - "cache", "tree", "boot", "file" */
const char *kernel_source_name(enum kernel_source source);

/**
 * kernel_release_matches() - does @spec name @release, whole or by a prefix
 * that ends at a version part?
 */
bool kernel_release_matches(const char *release, const char *spec);

/** kernel_release_cmp() - version order: <0 where @a is older than @b */
int kernel_release_cmp(const char *a, const char *b);

/**
 * kernel_cache_dir() - $XDG_CACHE_HOME/vmtap or ~/.cache/vmtap, not created
 * Return: a string that the caller frees; NULL where neither is set (-ENOENT)
 */
char *kernel_cache_dir(struct diag *d);

/** kernel_verb() - `vmtap kernel fetch|list|info`; exit status */
int kernel_verb(int argc, char **argv);

#endif
