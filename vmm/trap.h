/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * trap: what a watchpoint or a debugger wants to be told of the vCPUs: debug
 * registers and single steps (KVM_SET_GUEST_DEBUG), and writes to
 * guarded pages of RAM.
 *
 * A guarded page is a memory slot of its own with KVM_MEM_READONLY: reads go
 * on at full speed, a write leaves the guest as MMIO with the bytes decoded by
 * KVM, and is carried out here, one at a time. What that costs and cannot do:
 *
 * - Each write to the page is an exit, whichever variable on it is meant.
 * - KVM has to know the instruction; it ends the guest where it does not
 *   (AVX stores, cmpxchg16b), so what is guarded should be plain data.
 * - A locked read-modify-write becomes a read and a write: of two that meet on
 *   one word at the same moment one can be lost. A guarded page should hold
 *   no lock that CPUs contend for.
 * - The CPU itself cannot write to it: accessed and dirty bits of page tables,
 *   descriptors. A page that holds those must not be guarded.
 */
#ifndef VMTAP_VMM_TRAP_H
#define VMTAP_VMM_TRAP_H

#include <pthread.h>
#include <stdbool.h>

#include "vmm/mem.h"

struct diag;
struct kvm;
struct vcpu;

#define TRAP_ADDRS 4		/* debug registers of an x86 CPU */
#define TRAP_MAX_PAGES 4
#define TRAP_MAX_USERS 3	/* two backends of watchpoints, a debugger */
#define TRAP_PAGE 4096

/*
 * A debug exit; nothing of it was told to the guest. There is none for int3:
 * software that emulates SVM does not give the host a guest's int3.
 */
struct trap_debug {
	u64 pc;		/* of a breakpoint; after the instruction of a data
			 * watchpoint or step */
	u64 dr6;	/* bits 0 to 3: debug registers, bit 14: single step */
};

/* Who listens. All are called in the thread of that vCPU, in exit handling. */
struct trap_ops {
	/** may be NULL */
	void (*debug)(void *arg, u32 vcpu, const struct trap_debug *t);
	/**
	 * a write to a guarded page was carried out; calls are serialised
	 * @old: the @len bytes that were there. May be NULL.
	 */
	void (*wrote)(void *arg, u32 vcpu, gpa_t gpa, const void *old, u32 len);
};

struct trap {
	pthread_mutex_t lock;	/* listeners against their calls; writes */
	const struct kvm *kvm;
	const struct mem *mem;
	struct {
		const struct trap_ops *ops;
		void *arg;
	} users[TRAP_MAX_USERS];
	gpa_t pages[TRAP_MAX_PAGES];	/* sorted; changed while vCPUs stand */
	unsigned int nr_pages;
	/* Of all vCPUs, and of each; changed while they stand. */
	u64 addr[TRAP_ADDRS], dr7;
	u64 step;	/* mask of vCPUs */
};

void trap_init(struct trap *trap, const struct kvm *kvm, const struct mem *mem);
void trap_deinit(struct trap *trap);

/** trap_listen() - 0, -EBUSY all places are taken. Any thread but a vCPU's */
int trap_listen(struct trap *trap, const struct trap_ops *ops, void *arg);
/** trap_unlisten() - once it has returned nobody calls @arg's ops any more */
void trap_unlisten(struct trap *trap, void *arg);

/**
 * trap_guard() - these pages, and no others, are guarded from now on
 * @pages: page-aligned, in RAM; 0 of them takes all guards off
 * Return: 0; -EINVAL; -ENOTSUP no KVM_CAP_READONLY_MEM; -errno of KVM, then
 * none is guarded. Context: all vCPUs stand.
 */
int trap_guard(struct trap *trap, const gpa_t *pages, unsigned int nr,
	       struct diag *d);

/**
 * trap_vcpu() - bring one vCPU's KVM state up to addr, dr7, step
 * Return: 0 or -errno. Context: it stands.
 */
int trap_vcpu(struct trap *trap, const struct vcpu *vcpu);

/** trap_wrote() - an MMIO write; true: it was to a guarded page, and is done */
bool trap_wrote(struct trap *trap, u32 vcpu, gpa_t gpa, const void *data,
		u32 len);
/** trap_exit() - a KVM_EXIT_DEBUG */
void trap_exit(struct trap *trap, u32 vcpu, const struct trap_debug *t);

#endif
