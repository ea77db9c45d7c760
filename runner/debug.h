/* SPDX-License-Identifier: GPL-2.0-only */
/* debug: `vmtap debug`: a case's machine under gdb. */
#ifndef VMTAP_RUNNER_DEBUG_H
#define VMTAP_RUNNER_DEBUG_H

#include <stdbool.h>

#include "vmm/base/util.h"

struct diag;
struct scenario;

/** cmd_debug() - the verb; exit status */
int cmd_debug(int argc, char **argv);

/**
 * debug_local() - the machine in this process, with gdb at @in and @out
 * @in, @out: -1: listen on @port of loopback (0: a free one), tell it on stderr
 *	and wait; else gdb is at the other end, and is sent one `+` when all is
 *	ready for it
 * Return: 0 or -errno.
 */
int debug_local(const struct scenario *s, u64 seed, u16 port, int in, int out,
		struct diag *d);
/** debug_nested() - the same in a nested host, where @argv is run */
int debug_nested(const char *const *argv, u64 memory, u16 port, struct diag *d);

/** debug_listen() - a listening socket on loopback; -errno. Tells its port */
int debug_listen(u16 port, struct diag *d);

#endif
