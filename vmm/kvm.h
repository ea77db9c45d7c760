/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kvm: opening /dev/kvm and making a VM, with every way in which that fails
 * told as what, why and remedy. What runs in the VM is vcpu's and machine's.
 */
#ifndef VMTAP_VMM_KVM_H
#define VMTAP_VMM_KVM_H

#include <stdbool.h>
#include <stddef.h>

#include "vmm/base/util.h"

struct diag;
struct mem;

/* fd and vm are -1 while closed. */
struct kvm {
	int fd;
	int vm;
	size_t run_size;	/* of a vCPU's mapping */
	unsigned int ring_page;	/* coalesced ring: page in that mapping; 0 none */
	bool coalesced_pio;
	bool readonly_mem;
	bool tsc_deadline;
	bool stats;		/* KVM_GET_STATS_FD, Linux 5.14 */
	unsigned int max_vcpus;
};

/**
 * kvm_open() - open @path (NULL: /dev/kvm) and check what we cannot do without
 *
 * Return: 0; -ENOENT no such device, -EACCES not permitted, -ENODEV opens but
 * has no driver or is no KVM, -EPROTO another API version, -EOPNOTSUPP a
 * capability is missing (named in @d); other -errno of open.
 */
int kvm_open(struct kvm *kvm, const char *path, struct diag *d);

/** kvm_create_vm() - a VM with in-kernel interrupt chips and no memory */
int kvm_create_vm(struct kvm *kvm, struct diag *d);

/** kvm_map_memory() - one memory slot per region of @mem, from slot 0 on */
int kvm_map_memory(const struct kvm *kvm, const struct mem *mem,
		   struct diag *d);

/** kvm_close() - close VM and device; safe on a zeroed-then-(-1) struct */
void kvm_close(struct kvm *kvm);

/**
 * kvm_ioctl() - an ioctl that is tried again when a signal comes in between
 * Return: the ioctl's result (>= 0) or -errno.
 */
int kvm_ioctl(int fd, unsigned long request, unsigned long arg);

/** kvm_ioctl_ptr() - the same with a pointer argument */
static inline int kvm_ioctl_ptr(int fd, unsigned long request, const void *arg)
{
	return kvm_ioctl(fd, request, (unsigned long)arg);
}

/** kvm_exit_name() - "KVM_EXIT_MMIO"; "KVM_EXIT_?" where unknown */
const char *kvm_exit_name(u32 reason);

#endif
