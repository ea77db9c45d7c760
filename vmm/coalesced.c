// SPDX-License-Identifier: GPL-2.0-only
/* The coalesced write ring; see coalesced.h. */
#include "vmm/coalesced.h"

#include <linux/kvm.h>
#include <string.h>

#include "vmm/base/diag.h"
#include "vmm/kvm.h"

void coalesced_init(struct coalesced *c, struct bus *pio, struct bus *mmio)
{
	pthread_mutexattr_t attr;

	*c = (struct coalesced){ .pio = pio, .mmio = mmio };
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
	pthread_mutex_init(&c->lock, &attr);
	pthread_mutexattr_destroy(&attr);
}

void coalesced_deinit(struct coalesced *c)
{
	pthread_mutex_destroy(&c->lock);
}

void coalesced_bind(struct coalesced *c, void *ring)
{
	c->ring = ring;
	c->max = (4096 - sizeof(struct kvm_coalesced_mmio_ring)) /
		 sizeof(struct kvm_coalesced_mmio);
}

static int coalesced_add(const struct kvm *kvm,
			 const struct kvm_coalesced_mmio_zone *zone,
			 struct diag *d)
{
	int ret = kvm_ioctl_ptr(kvm->vm, KVM_REGISTER_COALESCED_MMIO, zone);

	if (ret < 0)
		return diag_fail(d, ret, NULL, "KVM_REGISTER_COALESCED_MMIO: %s",
				 strerror(-ret));
	return 0;
}

int coalesced_add_port(const struct coalesced *c, const struct kvm *kvm,
		       u16 port, struct diag *d)
{
	struct kvm_coalesced_mmio_zone zone = { .addr = port, .size = 1,
						.pio = 1 };

	return c->ring && kvm->coalesced_pio ? coalesced_add(kvm, &zone, d) : 0;
}

int coalesced_add_mmio(const struct coalesced *c, const struct kvm *kvm,
		       u64 addr, u32 size, struct diag *d)
{
	struct kvm_coalesced_mmio_zone zone = { .addr = addr, .size = size };

	return c->ring ? coalesced_add(kvm, &zone, d) : 0;
}

static bool coalesced_empty(const struct coalesced *c)
{
	return c->ring->first == __atomic_load_n(&c->ring->last,
						 __ATOMIC_ACQUIRE);
}

void coalesced_drain(struct coalesced *c)
{
	if (!c->ring || coalesced_empty(c))
		return;
	pthread_mutex_lock(&c->lock);
	while (!coalesced_empty(c)) {
		u32 first = c->ring->first;
		struct kvm_coalesced_mmio e = c->ring->coalesced_mmio[first];

		if (e.len <= sizeof(e.data))
			bus_write(e.pio ? c->pio : c->mmio, e.phys_addr, e.data,
				  e.len);
		/* KVM's side reads it before it overwrites an entry. */
		__atomic_store_n(&c->ring->first, (first + 1) % c->max,
				 __ATOMIC_RELEASE);
	}
	pthread_mutex_unlock(&c->lock);
}
