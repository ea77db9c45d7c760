/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * conpage: a serial port for output only that costs the guest one light exit
 * per character. Its registers are a page of memory that the guest may read
 * (no exit: the line status always says "empty") but not write; writes to the
 * transmitter are kept in KVM's coalesced ring. A stock kernel drives it with
 * earlycon=uart8250,mmio,CONPAGE_GPA from its first message on.
 */
#ifndef VMTAP_VMM_HW_CONPAGE_H
#define VMTAP_VMM_HW_CONPAGE_H

#include "vmm/bus.h"

struct coalesced;
struct kvm;

#define CONPAGE_GPA 0xcffff000ULL	/* in the hole below 4 GiB */
#define CONPAGE_SIZE 4096

struct conpage {
	u8 *page;	/* what the guest reads; NULL: absent */
	void (*out)(void *arg, const void *data, size_t len);
	void *arg;
};

/**
 * conpage_attach() - map the page as memory slot @slot and put it on @mmio
 * @out: takes each byte; may come from any vCPU thread, serialised by the ring
 */
int conpage_attach(struct conpage *con, const struct kvm *kvm, u32 slot,
		   struct bus *mmio, const struct coalesced *ring,
		   struct diag *d);

/** conpage_detach() - free the page. Context: after the VM is closed */
void conpage_detach(struct conpage *con);

#endif
