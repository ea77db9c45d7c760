// SPDX-License-Identifier: GPL-2.0-only
/* Debug exits and guarded pages; see trap.h. */
#include "vmm/trap.h"

#include <errno.h>
#include <linux/kvm.h>
#include <string.h>

#include "vmm/base/diag.h"
#include "vmm/kvm.h"
#include "vmm/vcpu.h"

/* Behind those of the RAM regions and of the console's page. */
#define SLOT_BASE 8

/* A step is one of the code at hand, not into an interrupt; Linux 5.15. */
#define STEP_BLOCKIRQ 0x100000U

void trap_init(struct trap *trap, const struct kvm *kvm, const struct mem *mem)
{
	pthread_mutexattr_t attr;

	*trap = (struct trap){ .kvm = kvm, .mem = mem };
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
	pthread_mutex_init(&trap->lock, &attr);
	pthread_mutexattr_destroy(&attr);
}

void trap_deinit(struct trap *trap)
{
	pthread_mutex_destroy(&trap->lock);
}

int trap_listen(struct trap *trap, const struct trap_ops *ops, void *arg)
{
	size_t i;
	int err = -EBUSY;

	pthread_mutex_lock(&trap->lock);
	for (i = 0; err && i < ARRAY_SIZE(trap->users); i++) {
		if (trap->users[i].ops)
			continue;
		trap->users[i].ops = ops;
		trap->users[i].arg = arg;
		err = 0;
	}
	pthread_mutex_unlock(&trap->lock);
	return err;
}

void trap_unlisten(struct trap *trap, void *arg)
{
	size_t i;

	pthread_mutex_lock(&trap->lock);
	for (i = 0; i < ARRAY_SIZE(trap->users); i++)
		if (trap->users[i].arg == arg)
			trap->users[i].ops = NULL;
	pthread_mutex_unlock(&trap->lock);
}

/* --- guarded pages ------------------------------------------------------ */

static int set_slot(struct trap *trap, u32 slot, const struct mem_region *r,
		    gpa_t start, u64 size, u32 flags)
{
	struct kvm_userspace_memory_region s = {
		.slot = slot, .flags = flags, .guest_phys_addr = start,
		.memory_size = size,
		.userspace_addr = (unsigned long)(r->hva + (start - r->gpa)),
	};

	return kvm_ioctl_ptr(trap->kvm->vm, KVM_SET_USER_MEMORY_REGION, &s);
}

static bool is_in(const struct mem_region *r, gpa_t page)
{
	return page >= r->gpa && page - r->gpa < r->size;
}

/* Slots of a region: its own, then one for each page and what follows it. */
static int slice_region(struct trap *trap, unsigned int nr, bool guard)
{
	const struct mem_region *r = &trap->mem->regions[nr];
	gpa_t at = r->gpa, end = r->gpa + r->size;
	u32 slot = nr;
	unsigned int i;
	int err = 0;

	for (i = 0; guard && !err && i < trap->nr_pages; i++) {
		gpa_t page = trap->pages[i];

		if (!is_in(r, page))
			continue;
		if (at < page)
			err = set_slot(trap, slot, r, at, page - at, 0);
		if (!err)
			err = set_slot(trap, SLOT_BASE + 2 * i, r, page,
				       TRAP_PAGE, KVM_MEM_READONLY);
		at = page + TRAP_PAGE;
		slot = SLOT_BASE + 2 * i + 1;
	}
	return !err && at < end ? set_slot(trap, slot, r, at, end - at, 0) : err;
}

static void remove_slots(struct trap *trap)
{
	unsigned int i, j;

	for (i = 0; i < trap->mem->nr_regions; i++) {
		const struct mem_region *r = &trap->mem->regions[i];
		bool sliced = false;

		for (j = 0; j < trap->nr_pages; j++)
			sliced |= is_in(r, trap->pages[j]);
		if (sliced)
			set_slot(trap, i, r, r->gpa, 0, 0);
	}
	for (i = 0; i < 2 * trap->nr_pages; i++)
		set_slot(trap, SLOT_BASE + i, &trap->mem->regions[0], 0, 0, 0);
}

static int set_slots(struct trap *trap, bool guard)
{
	unsigned int i, j;
	int err = 0;

	for (i = 0; !err && i < trap->mem->nr_regions; i++) {
		bool sliced = false;

		for (j = 0; j < trap->nr_pages; j++)
			sliced |= is_in(&trap->mem->regions[i], trap->pages[j]);
		if (sliced)
			err = slice_region(trap, i, guard);
	}
	return err;
}

static int by_address(const void *a, const void *b)
{
	const gpa_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static int check_pages(const struct trap *trap, const gpa_t *pages,
		       unsigned int nr, struct diag *d)
{
	unsigned int i;

	if (nr > TRAP_MAX_PAGES)
		return diag_fail(d, -EINVAL, NULL, "%u pages to guard, at most %u",
				 nr, TRAP_MAX_PAGES);
	for (i = 0; i < nr; i++)
		if (pages[i] % TRAP_PAGE ||
		    !mem_ptr(trap->mem, pages[i], TRAP_PAGE))
			return diag_fail(d, -EINVAL, NULL,
					 "0x%llx is no page of the guest's memory",
					 (unsigned long long)pages[i]);
	if (nr && !trap->kvm->readonly_mem)
		return diag_fail(d, -ENOTSUP, NULL,
				 "this KVM has no KVM_CAP_READONLY_MEM");
	return 0;
}

/* Each page once, in order of address. */
static void take_pages(struct trap *trap, const gpa_t *pages, unsigned int nr)
{
	unsigned int i, n = 0;
	gpa_t sorted[TRAP_MAX_PAGES];

	memcpy(sorted, pages, nr * sizeof(*pages));
	qsort(sorted, nr, sizeof(*sorted), by_address);
	for (i = 0; i < nr; i++)
		if (!n || trap->pages[n - 1] != sorted[i])
			trap->pages[n++] = sorted[i];
	trap->nr_pages = n;
}

int trap_guard(struct trap *trap, const gpa_t *pages, unsigned int nr,
	       struct diag *d)
{
	int err = check_pages(trap, pages, nr, d);

	if (err)
		return err;
	/* A slot cannot change its size: all go, then come anew. */
	if (trap->nr_pages) {
		remove_slots(trap);
		err = set_slots(trap, false);
		trap->nr_pages = 0;
	}
	if (!err && nr) {
		take_pages(trap, pages, nr);
		remove_slots(trap);
		err = set_slots(trap, true);
	}
	if (err && trap->nr_pages) {
		remove_slots(trap);
		set_slots(trap, false);
		trap->nr_pages = 0;
	}
	return err ? diag_fail(d, err, NULL, "KVM_SET_USER_MEMORY_REGION: %s",
			       strerror(-err)) : 0;
}

static bool is_guarded(const struct trap *trap, gpa_t gpa)
{
	unsigned int i;

	for (i = 0; i < trap->nr_pages; i++)
		if (gpa - trap->pages[i] < TRAP_PAGE)
			return true;
	return false;
}

bool trap_wrote(struct trap *trap, u32 vcpu, gpa_t gpa, const void *data, u32 len)
{
	u8 old[8], *p;
	size_t i;

	if (!trap->nr_pages || len > sizeof(old) || !is_guarded(trap, gpa))
		return false;
	p = mem_ptr(trap->mem, gpa, len);
	if (!p)
		return false;
	pthread_mutex_lock(&trap->lock);
	memcpy(old, p, len);
	memcpy(p, data, len);
	for (i = 0; i < ARRAY_SIZE(trap->users); i++)
		if (trap->users[i].ops && trap->users[i].ops->wrote)
			trap->users[i].ops->wrote(trap->users[i].arg, vcpu, gpa,
						  old, len);
	pthread_mutex_unlock(&trap->lock);
	return true;
}

/* --- debug registers ---------------------------------------------------- */

int trap_vcpu(struct trap *trap, const struct vcpu *vcpu)
{
	u64 bit = 1ULL << vcpu->index;
	struct kvm_guest_debug dbg = { 0 };
	unsigned int i;
	int err;

	if (trap->dr7)
		dbg.control |= KVM_GUESTDBG_USE_HW_BP;
	if (trap->step & bit)
		dbg.control |= KVM_GUESTDBG_SINGLESTEP | STEP_BLOCKIRQ;
	if (dbg.control)
		dbg.control |= KVM_GUESTDBG_ENABLE;
	for (i = 0; i < TRAP_ADDRS; i++)
		dbg.arch.debugreg[i] = trap->addr[i];
	dbg.arch.debugreg[7] = trap->dr7;
	err = kvm_ioctl_ptr(vcpu->fd, KVM_SET_GUEST_DEBUG, &dbg);
	if (err == -EINVAL && dbg.control & STEP_BLOCKIRQ) {
		dbg.control &= ~STEP_BLOCKIRQ;
		err = kvm_ioctl_ptr(vcpu->fd, KVM_SET_GUEST_DEBUG, &dbg);
	}
	return err;
}

void trap_exit(struct trap *trap, u32 vcpu, const struct trap_debug *t)
{
	size_t i;

	pthread_mutex_lock(&trap->lock);
	for (i = 0; i < ARRAY_SIZE(trap->users); i++)
		if (trap->users[i].ops && trap->users[i].ops->debug)
			trap->users[i].ops->debug(trap->users[i].arg, vcpu, t);
	pthread_mutex_unlock(&trap->lock);
}
