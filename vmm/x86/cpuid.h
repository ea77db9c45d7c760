/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cpuid: what the guest sees of its CPU: what KVM supports, with our topology
 * and without what would only cost exits.
 */
#ifndef VMTAP_VMM_X86_CPUID_H
#define VMTAP_VMM_X86_CPUID_H

#include <linux/kvm.h>

#include "vmm/base/util.h"
#include "vmm/x86/topology.h"

#define CPUID_MAX_ENTRIES 256

/* A kvm_cpuid2 with room. */
struct cpuid {
	struct kvm_cpuid2 head;
	struct kvm_cpuid_entry2 entries[CPUID_MAX_ENTRIES];
};

struct cpuid_cfg {
	const struct topology *topo;
	enum machine_vendor vendor;
	u32 tsc_khz;		/* 0: unknown, then no timing leaf */
	bool tsc_deadline;	/* KVM can; the supported list does not say it */
};

/** cpuid_supported() - KVM_GET_SUPPORTED_CPUID of @kvm_fd; 0 or -errno */
int cpuid_supported(int kvm_fd, struct cpuid *out, struct diag *d);

/**
 * cpuid_fill() - from the supported list to what vCPU @cpu shows
 * @out: starts as a copy of the supported list
 *
 * Return: 0, or -ENOSPC where leaves do not fit.
 */
int cpuid_fill(const struct cpuid_cfg *cfg, u32 cpu, struct cpuid *out,
	       struct diag *d);

/** cpuid_host_emulated() - is the CPU that we run on QEMU's emulation? */
bool cpuid_host_emulated(void);

/** cpuid_find() - the entry of a leaf, NULL where there is none */
struct kvm_cpuid_entry2 *cpuid_find(struct cpuid *c, u32 function, u32 index);

#endif
