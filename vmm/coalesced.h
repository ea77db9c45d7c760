/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * coalesced: guest writes that KVM keeps in a shared ring instead of leaving
 * guest mode's kernel side for each (KVM_CAP_COALESCED_PIO). Used for the
 * serial transmitters, whose writes have no effect that the guest could miss
 * before its next exit.
 */
#ifndef VMTAP_VMM_COALESCED_H
#define VMTAP_VMM_COALESCED_H

#include <pthread.h>

#include "vmm/bus.h"

struct kvm;
struct kvm_coalesced_mmio_ring;

struct coalesced {
	struct kvm_coalesced_mmio_ring *ring;	/* NULL: the host has none */
	u32 max;		/* entries in the ring */
	pthread_mutex_t lock;	/* one consumer at a time; PI */
	struct bus *pio, *mmio;
};

void coalesced_init(struct coalesced *c, struct bus *pio, struct bus *mmio);
void coalesced_deinit(struct coalesced *c);

/** coalesced_bind() - @ring is a page of a vCPU's mapping; zones come after */
void coalesced_bind(struct coalesced *c, void *ring);

/** coalesced_add_port() - keep writes to @port; 0, also where KVM cannot */
int coalesced_add_port(const struct coalesced *c, const struct kvm *kvm,
		       u16 port, struct diag *d);

/** coalesced_add_mmio() - keep writes to [@addr, @addr + @size) */
int coalesced_add_mmio(const struct coalesced *c, const struct kvm *kvm,
		       u64 addr, u32 size, struct diag *d);

/**
 * coalesced_drain() - hand on what lies in the ring, in order
 * Context: any thread; before each exit is handled, so that order is kept.
 */
void coalesced_drain(struct coalesced *c);

#endif
