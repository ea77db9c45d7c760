/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * elfdeps: which files a dynamic ELF program needs to start, found the way
 * ld.so(8) does: DT_RPATH, DT_RUNPATH, $ORIGIN, the directories of
 * /etc/ld.so.conf, the default directories. For threads that end, also what
 * glibc loads then.
 */
#ifndef VMTAP_RUNNER_ELFDEPS_H
#define VMTAP_RUNNER_ELFDEPS_H

#include <stdbool.h>
#include <stddef.h>

struct diag;

/* One needed file. */
struct elfdep {
	char *src;	/* host path */
	char *dst;	/* guest path: as src, or relative to $ORIGIN's guest side */
	char *needed_by;	/* host path of the file that names it */
	bool from_conf;	/* found only through ld.so.conf */
};

struct elfdeps {
	struct elfdep *deps;
	size_t nr;
	bool is_elf;
	bool is_static;
};

/**
 * elfdeps_scan() - the closure of @src, interpreter first
 * @src: host path; anything but ELF gives an empty closure
 * @dst: where @src goes in the guest, for $ORIGIN
 * @sysroot: prefix of all absolute look-ups, "" for the host
 * Return: 0; -ENOENT a library is nowhere (the message names who needs it and
 * where was looked); -ENOEXEC for another machine than x86-64; -EBADMSG
 * damaged ELF; -ENOMEM.
 */
int elfdeps_scan(const char *src, const char *dst, const char *sysroot,
		 struct elfdeps *out, struct diag *d);
void elfdeps_free(struct elfdeps *deps);

#endif
