/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * probe: does this host's KVM run kernels? A device that opens proves little:
 * where no hardware virtualization is under it, privileged guest code is
 * emulated instruction by instruction, and stock kernels die at the first
 * int3 or xsave. So a small 64-bit guest does what a kernel does early: traps
 * and interrupts through its IDT, cmpxchg16b, xsave, a plain loop against the
 * clock; and it writes to a watched word.
 */
#ifndef VMTAP_VMM_PROBE_H
#define VMTAP_VMM_PROBE_H

#include <stdbool.h>

#include "vmm/base/util.h"

struct diag;

struct probe {
	bool usable;
	bool watchpoints_fire;	/* KVM_GUESTDBG_USE_HW_BP on a data write */
	char reason[256];	/* why not usable; "" where it is */
	u64 took_ns;
};

/**
 * probe_run() - a few milliseconds; at most two seconds on a host that hangs
 * @kvm_path: NULL: /dev/kvm
 * @out: always written
 *
 * Return: 0 the guest ran and @out tells what came of it; what kvm_open() and
 * kvm_create_vm() return where it could not even begin.
 * Context: any thread; SIGRTMIN is used in it meanwhile.
 */
int probe_run(const char *kvm_path, struct probe *out, struct diag *d);

#endif
