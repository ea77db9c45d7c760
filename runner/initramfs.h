/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * initramfs: the guest's root, a newc cpio archive. Entries are collected
 * first, then the size is known, then the archive is written once, straight
 * into guest memory: host files are read with pread() into their place.
 *
 * The same entries give the same bytes: sorted by path, no times, owner root,
 * inode numbers counted. The layout is /usr-merged: /bin, /sbin, /lib and
 * /lib64 are links, a destination below them goes below /usr.
 *
 * Two sources for one destination are an error that names both, unless their
 * bytes are the same. Spec: Documentation/driver-api/early-userspace/buffer-format.rst
 */
#ifndef VMTAP_RUNNER_INITRAMFS_H
#define VMTAP_RUNNER_INITRAMFS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "vmm/base/util.h"

struct diag;
struct initramfs;
struct module_set;

/** initramfs_create() - an empty archive with the base layout and /dev nodes */
int initramfs_create(struct initramfs **out, struct diag *d);
/** initramfs_destroy() - NULL is fine */
void initramfs_destroy(struct initramfs *fs);

/*
 * Each of these makes the parent directories. @dst is absolute in the guest;
 * "." and ".." are refused. @origin says in messages where the entry comes
 * from ("agent", "files[2]"). Return: 0; -EEXIST conflict; -EINVAL; -ENOMEM;
 * errno of the host file.
 */

/** initramfs_add_dir() - a directory; again is fine */
int initramfs_add_dir(struct initramfs *fs, const char *dst, mode_t mode,
		      const char *origin, struct diag *d);
/** initramfs_add_data() - a file from memory; @data is copied */
int initramfs_add_data(struct initramfs *fs, const char *dst, mode_t mode,
		       const void *data, size_t len, const char *origin,
		       struct diag *d);
/** initramfs_add_static() - as _add_data(), @data outlives the archive */
int initramfs_add_static(struct initramfs *fs, const char *dst, mode_t mode,
			 const void *data, size_t len, const char *origin,
			 struct diag *d);
/**
 * initramfs_add_file() - a host file; looked at now, read by initramfs_write()
 * @mode: permission bits; 0 takes the host file's
 */
int initramfs_add_file(struct initramfs *fs, const char *src, const char *dst,
		       mode_t mode, const char *origin, struct diag *d);
/** initramfs_add_symlink() - @target is not interpreted */
int initramfs_add_symlink(struct initramfs *fs, const char *dst,
			  const char *target, const char *origin,
			  struct diag *d);
int initramfs_add_node(struct initramfs *fs, const char *dst, mode_t mode,
		       unsigned int major, unsigned int minor,
		       const char *origin, struct diag *d);

/**
 * initramfs_add_program() - a host file with all that it needs to start
 * An ELF file brings its interpreter and DT_NEEDED closure; a script brings
 * nothing (busybox has its interpreter, or it is given in files). A directory
 * is added with what is below it, each file in this same way.
 * A library that is nowhere found is -ENOENT, naming who needs it.
 */
int initramfs_add_program(struct initramfs *fs, const char *src,
			  const char *dst, mode_t mode, const char *origin,
			  struct diag *d);

/**
 * initramfs_add_busybox() - a static busybox with a link for each applet
 * @path: NULL looks for one (busybox on PATH that is statically linked)
 * Links never conflict: what else is added under a link's name takes its place.
 * Return: also -ENOENT no busybox, -ENOEXEC not static.
 */
int initramfs_add_busybox(struct initramfs *fs, const char *path,
			  struct diag *d);

/** initramfs_add_agent() - /init and its other names, vmtap-snapshot and so on */
int initramfs_add_agent(struct initramfs *fs, const void *agent, size_t len,
			struct diag *d);

/** initramfs_add_modules() - the files of a closure, at their guest paths */
int initramfs_add_modules(struct initramfs *fs, const struct module_set *set,
			  struct diag *d);

/** initramfs_size() - bytes of the archive, a multiple of 512 */
u64 initramfs_size(struct initramfs *fs);

/**
 * initramfs_write() - write the archive to @dst
 * @dst: zeroed or not, @len bytes, @len >= initramfs_size()
 * Return: 0, -ENOSPC, -ESTALE a host file changed its size meanwhile, errno
 * of a read.
 */
int initramfs_write(struct initramfs *fs, void *dst, u64 len, struct diag *d);

#endif
