/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * modules: which kernel modules a guest needs, with all that they depend on,
 * in the order of insertion. Reads a modules directory as a distribution
 * package or modules_install leaves it (modules.order, modules.builtin), or a
 * built kernel tree; needs no depmod. Compressed modules are unpacked once and
 * kept by content in the cache.
 */
#ifndef VMTAP_RUNNER_MODULES_H
#define VMTAP_RUNNER_MODULES_H

#include <stdbool.h>
#include <stddef.h>

struct diag;
struct modules;

enum module_state {
	MODULE_MISSING,	/* neither a file nor built in */
	MODULE_BUILTIN,
	MODULE_FILE,
};

/* A module to insert. */
struct module {
	char *name;	/* underscores, no suffix: virtio_blk */
	char *file;	/* host path of the plain .ko (in the cache if unpacked) */
	char *guest;	/* where it goes: /lib/vmtap/virtio_blk.ko */
	char *origin;	/* host path as found, for messages */
};

/* The closure, dependencies first. */
struct module_set {
	struct module *mods;
	size_t nr;
	char **builtin;	/* names that were asked for and are built in */
	size_t nr_builtin;
};

/**
 * modules_open() - index a modules directory
 * @dir: .../lib/modules/<release>, or the top of a built kernel tree; NULL or
 *	a missing one is a kernel without modules (all are missing)
 * @cache: directory for unpacked modules, made when needed; NULL: modules/ in
 *	$XDG_CACHE_HOME/vmtap or ~/.cache/vmtap
 * Return: 0, -ENOMEM, -EIO and other errno.
 */
int modules_open(const char *dir, const char *cache, struct modules **out,
		 struct diag *d);
/** modules_close() - NULL is fine */
void modules_close(struct modules *m);

/** modules_state() - is @name (with - or _) a file, built in or missing */
enum module_state modules_state(const struct modules *m, const char *name);

/**
 * modules_close_over() - @names and what they depend on (depends, softdep pre)
 * @optional: names that may be missing, NULL-terminated; NULL for none
 * @out: module_set_free() frees
 * Return: 0; -ENOENT where a name or a hard dependency is neither a file nor
 * built in (the message names both); -ELOOP; -EBADMSG damaged module;
 * -EOPNOTSUPP compression; -ENOMEM.
 */
int modules_close_over(struct modules *m, const char *const *names,
		       const char *const *optional, struct module_set *out,
		       struct diag *d);
void module_set_free(struct module_set *set);

/* Needed by every guest; by its disk; by its network. NULL-terminated. */
extern const char *const modules_for_console[];
extern const char *const modules_for_blk[];
extern const char *const modules_for_net[];

#endif
