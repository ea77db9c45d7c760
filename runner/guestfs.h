/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * guestfs: from a scenario and a kernel to the guest's root: which modules it
 * needs, which files, what the agent shall do.
 */
#ifndef VMTAP_RUNNER_GUESTFS_H
#define VMTAP_RUNNER_GUESTFS_H

#include "runner/modules.h"

struct diag;
struct initramfs;
struct kernel;
struct scenario;
struct str_list;

struct guestfs {
	struct initramfs *fs;
	struct modules *modules;
	struct module_set set;
	const char **argv;	/* of the agent's job */
	const char **sched;	/* argv of its scheduler; NULL: none */
	size_t nr_sched;
	char *sched_path;
};

/**
 * guestfs_build() - collect the initramfs of one case
 * @probes: symbols for kprobes while a scheduler runs; NULL: none
 * @time_factor: of the time limits that the guest itself keeps, >= 1
 * Return: 0; -ENOENT a missing module, file or library (the message names who
 * wants it); -EINVAL; -ENOMEM. guestfs_deinit() in every case.
 */
int guestfs_build(struct guestfs *g, const struct scenario *s,
		  const struct kernel *k, const struct str_list *probes,
		  double time_factor, struct diag *d);
void guestfs_deinit(struct guestfs *g);

#endif
