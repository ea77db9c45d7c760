/* SPDX-License-Identifier: GPL-2.0-only */
/* starve: whether threads that had work waited for a CPU of this host. */
#ifndef VMTAP_RUNNER_STARVE_H
#define VMTAP_RUNNER_STARVE_H

#include <stdbool.h>
#include <sys/types.h>

#include "vmm/base/util.h"

/* Of one thread: on a CPU, and runnable without one. */
struct starve {
	u64 ran_ns;
	u64 waited_ns;
};

/**
 * starve_read() - of @pid's threads whose names begin with @name, the one that
 * waited most; all 0 where there is none, or a kernel that does not count it
 */
struct starve starve_read(pid_t pid, const char *name);

/**
 * starve_judge() - was it the host? True where the thread waited for more than
 * half of the time that it had work, and had work for a good part of @wall_ns.
 */
bool starve_judge(const struct starve *s, u64 wall_ns);

#endif
