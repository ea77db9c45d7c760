/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vcpu: one virtual CPU and its thread. The thread runs the guest, hands its
 * exits to the buses, stands still when park wants it and leaves when the
 * machine has met its end. What an exit means is exit.c's.
 */
#ifndef VMTAP_VMM_VCPU_H
#define VMTAP_VMM_VCPU_H

#include <pthread.h>

#include "vmm/coalesced.h"
#include "vmm/kvmstat.h"
#include "vmm/machine.h"
#include "vmm/park.h"
#include "vmm/trap.h"

struct kvm;
struct kvm_run;

/* What all vCPUs of a machine share. */
struct vcpu_env {
	struct bus *pio, *mmio;
	struct coalesced *ring;
	struct park *park;
	struct trap *trap;
	bool ended;	/* atomic; once set, nobody enters the guest again */
	/* Record an end; the first one wins. Context: any thread. */
	void (*end)(void *arg, const struct machine_stop *stop);
	void *arg;
};

struct vcpu {
	u32 index;
	int fd;			/* -1: not created */
	struct kvm_run *run;
	size_t run_size;
	struct vcpu_env *env;
	struct kvmstat stat;
	pthread_t thread;	/* for the joiner */
	pthread_t self;		/* for kicks; set before it joins the park */
	bool started;		/* thread exists and is not yet joined */
	bool io_pending;	/* the last exit is completed by the next entry */
	bool done;		/* atomic: thread left, cpu_ns is final */
	u64 cpu_ns;
};

/** vcpu_create() - @apic_id is its KVM id; 0 or -errno; see vcpu_destroy() */
int vcpu_create(struct vcpu *vcpu, const struct kvm *kvm, u32 index,
		u32 apic_id, struct vcpu_env *env, struct diag *d);

/** vcpu_start() - make the thread, named vmtap-vcpuN */
int vcpu_start(struct vcpu *vcpu, struct diag *d);

/**
 * vcpu_kick() - make it leave guest mode and look at its flags
 * Context: the park's kick, so only while the thread is a member.
 */
void vcpu_kick(struct vcpu *vcpu);

/**
 * vcpu_kick_signal() - the signal that kicks use, its empty handler installed
 * Context: any thread.
 */
int vcpu_kick_signal(void);

/** vcpu_join() - wait for the thread; fine where there is none */
void vcpu_join(struct vcpu *vcpu);

/** vcpu_cpu_ns() - host CPU time of the thread, live or final */
u64 vcpu_cpu_ns(const struct vcpu *vcpu);

/** vcpu_destroy() - after vcpu_join(); safe on a half-created one */
void vcpu_destroy(struct vcpu *vcpu);

#endif
