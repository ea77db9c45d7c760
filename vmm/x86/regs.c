// SPDX-License-Identifier: GPL-2.0-only
/* vCPU registers; see regs.h. */
#include "vmm/x86/regs.h"

#include <errno.h>
#include <linux/kvm.h>
#include <string.h>

#include "vmm/base/diag.h"
#include "vmm/boot.h"
#include "vmm/kvm.h"

#define CR0_PE (1ULL << 0)
#define CR0_ET (1ULL << 4)
#define CR0_NE (1ULL << 5)
#define CR0_PG (1ULL << 31)
#define CR4_PAE (1ULL << 5)
#define EFER_LME (1ULL << 8)
#define EFER_LMA (1ULL << 10)

#define PTE_TABLE 0x03ULL	/* present, writable */
#define PTE_HUGE 0x83ULL	/* and a 2 MiB page */

#define BOOT_CS 0x10
#define BOOT_DS 0x18

#define MSR_MTRR_DEF_TYPE 0x2ff
#define MTRR_ENABLE_WB (1ULL << 11 | 6)
#define MSR_MISC_ENABLE 0x1a0
#define MISC_ENABLE_FAST_STRING 1ULL
#define MSR_LSTAR 0xc0000082
#define MSR_KERNEL_GS_BASE 0xc0000102

/* Access byte and flag nibble, as in the descriptors below. */
static struct kvm_segment flat_segment(u16 selector, u8 type, bool code)
{
	return (struct kvm_segment){
		.selector = selector, .limit = 0xffffffff, .type = type,
		.present = 1, .s = 1, .g = 1, .l = code, .db = !code,
	};
}

void regs_long_mode(struct mem *mem, struct kvm_sregs *sregs)
{
	static const u64 gdt[] = {
		0, 0,
		0x00af9b000000ffffULL,	/* BOOT_CS: 64-bit code */
		0x00cf93000000ffffULL,	/* BOOT_DS: data */
	};
	u64 *tables = mem_ptr(mem, BOOT_PAGE_TABLES, 6 * 4096);
	unsigned int i;

	BUG_ON(!tables || mem_write(mem, BOOT_GDT, gdt, sizeof(gdt)));
	tables[0] = (BOOT_PAGE_TABLES + 4096) | PTE_TABLE;
	for (i = 0; i < 4; i++)
		tables[512 + i] = (BOOT_PAGE_TABLES + (2 + i) * 4096ULL) |
				  PTE_TABLE;
	for (i = 0; i < 4 * 512; i++)
		tables[1024 + i] = MiB(2) * i | PTE_HUGE;

	sregs->cs = flat_segment(BOOT_CS, 11, true);
	sregs->ds = flat_segment(BOOT_DS, 3, false);
	sregs->es = sregs->fs = sregs->gs = sregs->ss = sregs->ds;
	sregs->gdt.base = BOOT_GDT;
	sregs->gdt.limit = sizeof(gdt) - 1;
	sregs->idt.base = 0;
	sregs->idt.limit = 0;
	sregs->cr3 = BOOT_PAGE_TABLES;
	sregs->cr4 |= CR4_PAE;
	sregs->cr0 = CR0_PE | CR0_ET | CR0_NE | CR0_PG;
	sregs->efer |= EFER_LME | EFER_LMA;
}

static int regs_failed(int err, struct diag *d, const char *what)
{
	return diag_fail(d, err, NULL, "%s: %s", what, strerror(-err));
}

int regs_boot(int fd, struct mem *mem, u64 rip, u64 rsi, struct diag *d)
{
	struct kvm_regs regs = { .rip = rip, .rsi = rsi, .rflags = 2,
				 .rsp = BOOT_STACK_TOP };
	struct kvm_sregs sregs = { 0 };
	int ret;

	ret = kvm_ioctl_ptr(fd, KVM_GET_SREGS, &sregs);
	if (ret < 0)
		return regs_failed(ret, d, "KVM_GET_SREGS");
	regs_long_mode(mem, &sregs);
	ret = kvm_ioctl_ptr(fd, KVM_SET_SREGS, &sregs);
	if (ret < 0)
		return regs_failed(ret, d, "KVM_SET_SREGS");
	ret = kvm_ioctl_ptr(fd, KVM_SET_REGS, &regs);
	if (ret < 0)
		return regs_failed(ret, d, "KVM_SET_REGS");
	return 0;
}

struct msr_list {
	struct kvm_msrs head;
	struct kvm_msr_entry entries[4];
};

int regs_msrs(int fd, struct diag *d)
{
	static const struct kvm_msr_entry wanted[] = {
		{ .index = MSR_MTRR_DEF_TYPE, .data = MTRR_ENABLE_WB },
		{ .index = MSR_MISC_ENABLE, .data = MISC_ENABLE_FAST_STRING },
	};
	unsigned int i;
	int ret;

	/* One by one: a host that does not know one of them is no failure. */
	for (i = 0; i < ARRAY_SIZE(wanted); i++) {
		struct msr_list one = { .head.nmsrs = 1 };

		one.entries[0] = wanted[i];
		ret = kvm_ioctl_ptr(fd, KVM_SET_MSRS, &one);
		if (ret < 0)
			return regs_failed(ret, d, "KVM_SET_MSRS");
	}
	return 0;
}

static void regs_get_msrs(int fd, struct machine_regs *out)
{
	struct msr_list list = {
		.head.nmsrs = 2,
		.entries = { { .index = MSR_LSTAR },
			     { .index = MSR_KERNEL_GS_BASE } },
	};
	int n = kvm_ioctl_ptr(fd, KVM_GET_MSRS, &list);

	if (n > 0)
		out->lstar = list.entries[0].data;
	if (n > 1)
		out->kernel_gs_base = list.entries[1].data;
}

int regs_set(int fd, const struct machine_regs *regs)
{
	struct kvm_regs r = {
		.rax = regs->rax, .rbx = regs->rbx, .rcx = regs->rcx,
		.rdx = regs->rdx, .rsi = regs->rsi, .rdi = regs->rdi,
		.rsp = regs->rsp, .rbp = regs->rbp, .r8 = regs->r8,
		.r9 = regs->r9, .r10 = regs->r10, .r11 = regs->r11,
		.r12 = regs->r12, .r13 = regs->r13, .r14 = regs->r14,
		.r15 = regs->r15, .rip = regs->rip, .rflags = regs->rflags,
	};

	return kvm_ioctl_ptr(fd, KVM_SET_REGS, &r);
}

int regs_get(int fd, struct machine_regs *out)
{
	struct kvm_regs r = { 0 };
	struct kvm_sregs s = { 0 };
	int ret;

	ret = kvm_ioctl_ptr(fd, KVM_GET_REGS, &r);
	if (ret < 0)
		return ret;
	ret = kvm_ioctl_ptr(fd, KVM_GET_SREGS, &s);
	if (ret < 0)
		return ret;
	*out = (struct machine_regs){
		.rax = r.rax, .rbx = r.rbx, .rcx = r.rcx, .rdx = r.rdx,
		.rsi = r.rsi, .rdi = r.rdi, .rsp = r.rsp, .rbp = r.rbp,
		.r8 = r.r8, .r9 = r.r9, .r10 = r.r10, .r11 = r.r11,
		.r12 = r.r12, .r13 = r.r13, .r14 = r.r14, .r15 = r.r15,
		.rip = r.rip, .rflags = r.rflags,
		.cr0 = s.cr0, .cr2 = s.cr2, .cr3 = s.cr3, .cr4 = s.cr4,
		.efer = s.efer, .fs_base = s.fs.base, .gs_base = s.gs.base,
		.cs = s.cs.selector, .ss = s.ss.selector,
		.ds = s.ds.selector, .es = s.es.selector,
		.fs = s.fs.selector, .gs = s.gs.selector,
		.cpl = s.cs.selector & 3,
	};
	regs_get_msrs(fd, out);
	return 0;
}
