/* SPDX-License-Identifier: GPL-2.0-only */
/* nested_qemu: QEMU started as a process of its own session. */
#ifndef VMTAP_RUNNER_NESTED_QEMU_H
#define VMTAP_RUNNER_NESTED_QEMU_H

#include <sys/types.h>

struct diag;
struct nested_host;
struct nested_wiring;

/**
 * nested_qemu_spawn() - fork, and execute QEMU with what @w gives it
 * It is killed when the calling thread ends (PR_SET_PDEATHSIG).
 * Return: its pid, which the caller reaps; -errno told in @d.
 */
pid_t nested_qemu_spawn(const struct nested_host *h,
			const struct nested_wiring *w, struct diag *d);

#endif
