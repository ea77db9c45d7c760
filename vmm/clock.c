// SPDX-License-Identifier: GPL-2.0-only
/* Guest time over a freeze; see clock.h. */
#include "vmm/clock.h"

#include <linux/kvm.h>
#include <x86intrin.h>

#include "vmm/kvm.h"
#include "vmm/vcpu.h"

/* Since Linux 5.16, so perhaps not in the headers. */
#ifndef KVM_VCPU_TSC_CTRL
#define KVM_VCPU_TSC_CTRL 0
#define KVM_VCPU_TSC_OFFSET 0
#endif

void clock_stop(struct clock *c, int vm)
{
	struct kvm_clock_data data = { 0 };

	*c = (struct clock){ .stopped = true };
	if (!kvm_ioctl_ptr(vm, KVM_GET_CLOCK, &data))
		c->kvm_ns = data.clock;
	c->tsc = __rdtsc();
}

/* The guest's TSC runs at the host's rate: nobody asks KVM for another. */
static bool move_tsc(int fd, u64 back)
{
	u64 offset;
	struct kvm_device_attr attr = {
		.group = KVM_VCPU_TSC_CTRL, .attr = KVM_VCPU_TSC_OFFSET,
		.addr = (u64)(uintptr_t)&offset,
	};

	if (kvm_ioctl_ptr(fd, KVM_GET_DEVICE_ATTR, &attr))
		return false;
	offset -= back;
	return !kvm_ioctl_ptr(fd, KVM_SET_DEVICE_ATTR, &attr);
}

void clock_go(struct clock *c, int vm, struct vcpu *vcpus, unsigned int n)
{
	struct kvm_clock_data data = { .clock = c->kvm_ns };
	u64 back = __rdtsc() - c->tsc;
	unsigned int i;

	if (!c->stopped)
		return;
	c->stopped = false;
	/* All by the same amount, or they would drift apart. */
	for (i = 0; i < n; i++)
		if (!move_tsc(vcpus[i].fd, back))
			kvm_ioctl(vcpus[i].fd, KVM_KVMCLOCK_CTRL, 0);
	if (c->kvm_ns)
		kvm_ioctl_ptr(vm, KVM_SET_CLOCK, &data);
}
