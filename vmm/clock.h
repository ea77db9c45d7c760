/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * clock: the guest's time stands still while its vCPUs do. kvm-clock is set
 * back to where it was, and each TSC by what went by, so that whichever of the
 * two a kernel keeps time with, it sees no jump. Where KVM cannot move the TSC
 * (before Linux 5.16) the guest is told that it was stopped, as after a
 * suspend, so that its lockup detectors look away.
 */
#ifndef VMTAP_VMM_CLOCK_H
#define VMTAP_VMM_CLOCK_H

#include <stdbool.h>

#include "vmm/base/util.h"

struct vcpu;

struct clock {
	bool stopped;
	u64 kvm_ns;	/* kvm-clock when it was stopped; 0: KVM has none */
	u64 tsc;	/* the host's then */
};

/** clock_stop() - @vm: fd. Context: all vCPUs stand */
void clock_stop(struct clock *c, int vm);
/** clock_go() - go on from there. Context: all vCPUs still stand */
void clock_go(struct clock *c, int vm, struct vcpu *vcpus, unsigned int n);

#endif
