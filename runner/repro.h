/* SPDX-License-Identifier: GPL-2.0-only */
/* repro: the one command that runs a case again. */
#ifndef VMTAP_RUNNER_REPRO_H
#define VMTAP_RUNNER_REPRO_H

#include "vmm/base/util.h"

struct plan_opts;

/**
 * repro_command() - same kernel, seed and parameters, quoted for a shell
 * @name: of the case
 * Return: owned by the caller; NULL without memory.
 */
char *repro_command(const struct plan_opts *o, u64 seed, const char *accel,
		    const char *name);

#endif
