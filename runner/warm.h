/* SPDX-License-Identifier: GPL-2.0-only */
/* warm: a plan's kernels are in the cache before the first machine starts. */
#ifndef VMTAP_RUNNER_WARM_H
#define VMTAP_RUNNER_WARM_H

#include <stdbool.h>

struct plan;

/**
 * warm_kernels() - unpack the plan's kernels into the cache
 * @nested: the nested host's kernel and modules too
 * @signal_fd: when it can be read the work ends at once; it is not read here
 *
 * Done in this process's own surroundings, since a nested host would take many
 * times longer. What fails is told by the cases that want that kernel.
 * Return: true when @signal_fd ended it.
 */
bool warm_kernels(const struct plan *plan, bool nested, int signal_fd);

#endif
