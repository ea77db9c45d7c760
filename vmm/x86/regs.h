/* SPDX-License-Identifier: GPL-2.0-only */
/* regs: a vCPU's registers: how the first one starts, and reading them. */
#ifndef VMTAP_VMM_X86_REGS_H
#define VMTAP_VMM_X86_REGS_H

#include "vmm/machine.h"

struct kvm_sregs;

/**
 * regs_long_mode() - GDT and identity page tables (4 GiB) into @mem at the
 * places that boot.h names, and @sregs set to flat 64-bit mode on them
 */
void regs_long_mode(struct mem *mem, struct kvm_sregs *sregs);

/**
 * regs_boot() - make vCPU @fd start at @rip in 64-bit mode, interrupts off
 * @rsi: the zero page
 */
int regs_boot(int fd, struct mem *mem, u64 rip, u64 rsi, struct diag *d);

/** regs_msrs() - reset values that firmware would have set; every vCPU */
int regs_msrs(int fd, struct diag *d);

/** regs_set() - general registers, rip, rflags; as regs_get() */
int regs_set(int fd, const struct machine_regs *regs);
/** regs_get() - read them. Context: the vCPU does not run. 0 or -errno */
int regs_get(int fd, struct machine_regs *out);

#endif
