// SPDX-License-Identifier: GPL-2.0-only
/* /dev/kvm and VM creation; see kvm.h. */
#include "vmm/kvm.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "vmm/base/diag.h"
#include "vmm/mem.h"

/* Three pages for VMX real mode, just below the top of 4 GiB; never RAM. */
#define KVM_TSS_ADDR 0xfffbd000UL
#define KVM_IDENTITY_MAP_ADDR 0xfffbc000ULL

static const struct {
	int cap;
	const char *name;
} required_caps[] = {
	{ KVM_CAP_USER_MEMORY, "KVM_CAP_USER_MEMORY" },
	{ KVM_CAP_IRQCHIP, "KVM_CAP_IRQCHIP" },
	{ KVM_CAP_SET_TSS_ADDR, "KVM_CAP_SET_TSS_ADDR" },
	{ KVM_CAP_EXT_CPUID, "KVM_CAP_EXT_CPUID" },
	{ KVM_CAP_SET_IDENTITY_MAP_ADDR, "KVM_CAP_SET_IDENTITY_MAP_ADDR" },
	{ KVM_CAP_IRQ_ROUTING, "KVM_CAP_IRQ_ROUTING" },
	{ KVM_CAP_IRQFD, "KVM_CAP_IRQFD" },
	{ KVM_CAP_IOEVENTFD, "KVM_CAP_IOEVENTFD" },
	{ KVM_CAP_MP_STATE, "KVM_CAP_MP_STATE" },
	{ KVM_CAP_IMMEDIATE_EXIT, "KVM_CAP_IMMEDIATE_EXIT" },
};

int kvm_ioctl(int fd, unsigned long request, unsigned long arg)
{
	int ret;

	do {
		ret = ioctl(fd, request, arg);
	} while (ret < 0 && errno == EINTR);
	return ret < 0 ? -errno : ret;
}

static int open_failed(const char *path, int err, struct diag *d)
{
	switch (err) {
	case -ENOENT:
		return diag_fail(d, err, NULL,
				 "%s does not exist: this host has no KVM; load kvm_intel or kvm_amd, enable virtualization in the firmware (in a VM: nested virtualization), or run with --accel nested",
				 path);
	case -EACCES:
	case -EPERM:
		return diag_fail(d, -EACCES, NULL,
				 "%s may not be opened by this user: join the group that owns it (usually kvm) or run as root",
				 path);
	case -ENODEV:
	case -ENXIO:
		return diag_fail(d, -ENODEV, NULL,
				 "%s has no driver behind it: load kvm_intel or kvm_amd (the kernel log tells why it refused), or run with --accel nested",
				 path);
	default:
		return diag_fail(d, err, NULL, "cannot open %s: %s", path,
				 strerror(-err));
	}
}

static int kvm_check_api(struct kvm *kvm, const char *path, struct diag *d)
{
	int ret = kvm_ioctl(kvm->fd, KVM_GET_API_VERSION, 0);
	unsigned int i;

	if (ret == -ENOTTY)
		return diag_fail(d, -ENODEV, NULL,
				 "%s is not a KVM device: it does not know KVM_GET_API_VERSION",
				 path);
	if (ret < 0)
		return diag_fail(d, ret, NULL, "%s: KVM_GET_API_VERSION: %s",
				 path, strerror(-ret));
	if (ret != KVM_API_VERSION)
		return diag_fail(d, -EPROTO, NULL,
				 "%s speaks KVM API version %d, this program needs %d: the host's kernel is too old or not Linux",
				 path, ret, KVM_API_VERSION);
	for (i = 0; i < ARRAY_SIZE(required_caps); i++)
		if (kvm_ioctl(kvm->fd, KVM_CHECK_EXTENSION,
			      required_caps[i].cap) <= 0)
			return diag_fail(d, -EOPNOTSUPP, NULL,
					 "%s lacks %s: the host's kernel is too old or its KVM is restricted",
					 path, required_caps[i].name);
	return 0;
}

int kvm_open(struct kvm *kvm, const char *path, struct diag *d)
{
	int ret;

	*kvm = (struct kvm){ .fd = -1, .vm = -1 };
	if (!path)
		path = "/dev/kvm";
	kvm->fd = open(path, O_RDWR | O_CLOEXEC);
	if (kvm->fd < 0)
		return open_failed(path, -errno, d);
	ret = kvm_check_api(kvm, path, d);
	if (ret < 0)
		goto fail;
	ret = kvm_ioctl(kvm->fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (ret < (int)sizeof(struct kvm_run)) {
		ret = diag_fail(d, ret < 0 ? ret : -EPROTO, NULL,
				"%s: KVM_GET_VCPU_MMAP_SIZE says %d", path, ret);
		goto fail;
	}
	kvm->run_size = ret;
	ret = kvm_ioctl(kvm->fd, KVM_CHECK_EXTENSION, KVM_CAP_COALESCED_MMIO);
	if (ret > 0 && (size_t)(ret + 1) * 4096 <= kvm->run_size)
		kvm->ring_page = ret;
	kvm->coalesced_pio = kvm->ring_page &&
			     kvm_ioctl(kvm->fd, KVM_CHECK_EXTENSION,
				       KVM_CAP_COALESCED_PIO) > 0;
	kvm->readonly_mem = kvm_ioctl(kvm->fd, KVM_CHECK_EXTENSION,
				      KVM_CAP_READONLY_MEM) > 0;
	kvm->tsc_deadline = kvm_ioctl(kvm->fd, KVM_CHECK_EXTENSION,
				      KVM_CAP_TSC_DEADLINE_TIMER) > 0;
	kvm->stats = kvm_ioctl(kvm->fd, KVM_CHECK_EXTENSION,
			       KVM_CAP_BINARY_STATS_FD) > 0;
	ret = kvm_ioctl(kvm->fd, KVM_CHECK_EXTENSION, KVM_CAP_MAX_VCPUS);
	kvm->max_vcpus = ret > 0 ? ret : 4;	/* what the API text says */
	return 0;
fail:
	kvm_close(kvm);
	return ret;
}

static int vm_failed(int err, struct diag *d, const char *what)
{
	if (err == -ENOMEM)
		return diag_fail(d, err, NULL,
				 "%s: out of memory: free memory on the host or run fewer VMs at once (--jobs)",
				 what);
	if (err == -EMFILE || err == -ENFILE)
		return diag_fail(d, err, NULL,
				 "%s: too many open files: raise the limit (ulimit -n)",
				 what);
	return diag_fail(d, err, NULL, "%s: %s", what, strerror(-err));
}

int kvm_create_vm(struct kvm *kvm, struct diag *d)
{
	u64 identity = KVM_IDENTITY_MAP_ADDR;
	int ret;

	kvm->vm = kvm_ioctl(kvm->fd, KVM_CREATE_VM, 0);
	if (kvm->vm < 0)
		return vm_failed(kvm->vm, d, "KVM_CREATE_VM");
	ret = kvm_ioctl(kvm->vm, KVM_SET_TSS_ADDR, KVM_TSS_ADDR);
	if (ret < 0)
		return vm_failed(ret, d, "KVM_SET_TSS_ADDR");
	ret = kvm_ioctl_ptr(kvm->vm, KVM_SET_IDENTITY_MAP_ADDR, &identity);
	if (ret < 0)
		return vm_failed(ret, d, "KVM_SET_IDENTITY_MAP_ADDR");
	ret = kvm_ioctl(kvm->vm, KVM_CREATE_IRQCHIP, 0);
	if (ret < 0)
		return vm_failed(ret, d, "KVM_CREATE_IRQCHIP");
	return 0;
}

int kvm_map_memory(const struct kvm *kvm, const struct mem *mem, struct diag *d)
{
	unsigned int i;

	for (i = 0; i < mem->nr_regions; i++) {
		struct kvm_userspace_memory_region slot = {
			.slot = i,
			.guest_phys_addr = mem->regions[i].gpa,
			.memory_size = mem->regions[i].size,
			.userspace_addr = (unsigned long)mem->regions[i].hva,
		};
		int ret = kvm_ioctl_ptr(kvm->vm, KVM_SET_USER_MEMORY_REGION,
					&slot);

		if (ret < 0)
			return vm_failed(ret, d, "KVM_SET_USER_MEMORY_REGION");
	}
	return 0;
}

void kvm_close(struct kvm *kvm)
{
	if (kvm->vm >= 0)
		close(kvm->vm);
	if (kvm->fd >= 0)
		close(kvm->fd);
	kvm->vm = -1;
	kvm->fd = -1;
}

#define EXIT_NAME(x) [KVM_EXIT_##x] = "KVM_EXIT_" #x

static const char *const exit_names[] = {
	EXIT_NAME(UNKNOWN),	    EXIT_NAME(EXCEPTION),
	EXIT_NAME(IO),		    EXIT_NAME(HYPERCALL),
	EXIT_NAME(DEBUG),	    EXIT_NAME(HLT),
	EXIT_NAME(MMIO),	    EXIT_NAME(IRQ_WINDOW_OPEN),
	EXIT_NAME(SHUTDOWN),	    EXIT_NAME(FAIL_ENTRY),
	EXIT_NAME(INTR),	    EXIT_NAME(SET_TPR),
	EXIT_NAME(TPR_ACCESS),	    EXIT_NAME(NMI),
	EXIT_NAME(INTERNAL_ERROR),  EXIT_NAME(SYSTEM_EVENT),
	EXIT_NAME(IOAPIC_EOI),	    EXIT_NAME(HYPERV),
	EXIT_NAME(X86_RDMSR),	    EXIT_NAME(X86_WRMSR),
	EXIT_NAME(DIRTY_RING_FULL), EXIT_NAME(AP_RESET_HOLD),
	EXIT_NAME(X86_BUS_LOCK),    EXIT_NAME(XEN),
	EXIT_NAME(NOTIFY),
};

const char *kvm_exit_name(u32 reason)
{
	if (reason < ARRAY_SIZE(exit_names) && exit_names[reason])
		return exit_names[reason];
	return "KVM_EXIT_?";
}
