/* SPDX-License-Identifier: GPL-2.0-only */
/* exit: what each KVM_EXIT_* means for the machine. */
#ifndef VMTAP_VMM_EXIT_H
#define VMTAP_VMM_EXIT_H

#include "vmm/vcpu.h"

/**
 * exit_handle() - serve the exit that KVM_RUN just reported
 * An exit that ends the machine is recorded through env->end.
 * Context: the vCPU's thread.
 */
void exit_handle(struct vcpu *vcpu);

/** exit_failed() - KVM_RUN itself returned @err: the end, as data */
void exit_failed(struct vcpu *vcpu, int err);

#endif
