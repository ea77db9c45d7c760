/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * watch: data watchpoints on a guest's kernel, by one of two backends:
 *
 * hardware	the CPUs' debug registers. Full speed between hits; the address
 *		is virtual, and the old value is the one that was last seen.
 * write_protect	the page is guarded (vmm/trap.h, which tells what that
 *		cannot do). The address is physical: writes by any mapping of
 *		the page count, and each of them costs an exit.
 *
 * A hit comes after the write. Writes by devices are seen by neither.
 *
 * A watch reads guest memory at each hit, so it must be disarmed before that
 * memory goes; a hit that comes later, of a vCPU that was on its way, touches
 * nothing.
 */
#ifndef VMTAP_FREEZE_WATCH_H
#define VMTAP_FREEZE_WATCH_H

#include <stdbool.h>

#include "vmm/trap.h"

struct machine;
struct watch;

#define WATCH_MAX TRAP_ADDRS

struct watch_place {
	gva_t gva;
	gpa_t gpa;
	u32 size;	/* 1, 2, 4 or 8; the place is aligned to it */
	bool is_signed;	/* its values are */
	bool change;	/* only writes that change the value */
	u32 limit;	/* hits that count, 0: any number */
};

struct watch_hit {
	unsigned int index;	/* of the place */
	u32 vcpu;
	u64 value, old;		/* extended to 64 bits, as the place is signed */
	bool is_signed;
	u64 at_ns;		/* now_ns() */
};

/* What a backend does to the VM; &watch_machine_vm, or a fake in tests. */
struct watch_vm {
	int (*listen)(void *vm, const struct trap_ops *ops, void *arg);
	void (*unlisten)(void *vm, void *arg);
	int (*guard)(void *vm, const gpa_t *pages, unsigned int nr,
		     struct diag *d);
	int (*debug_regs)(void *vm, const u64 addr[TRAP_ADDRS], u64 dr7);
};

/** watch_machine_vm - @vm is a struct machine */
extern const struct watch_vm watch_machine_vm;

struct watch_cfg {
	const struct watch_vm *ops;
	void *vm;
	const struct mem *mem;
	bool hardware;		/* the probe says that debug registers fire */
	/**
	 * One hit; true: it counts. Context: the thread of that vCPU, a lock
	 * held: no call of watch_*() from here.
	 */
	bool (*hit)(void *arg, const struct watch_hit *hit);
	void *arg;
};

/** watch_create() - nothing is watched yet; 0, -ENOMEM, -EBUSY */
int watch_create(const struct watch_cfg *cfg, struct watch **out,
		 struct diag *d);
/**
 * watch_arm() - watch these places, and no others
 * Hits of a place that was watched before go on counting.
 * Return: 0; -EINVAL too many, unaligned, outside of RAM; what the VM returned,
 * then nothing is watched. Context: all vCPUs stand.
 */
int watch_arm(struct watch *w, const struct watch_place *places,
	      unsigned int nr, struct diag *d);
/** watch_disarm() - nothing any more; again is fine. All vCPUs stand or are gone */
void watch_disarm(struct watch *w);
/** watch_destroy() - disarm and free; NULL is fine. As watch_disarm() */
void watch_destroy(struct watch *w);

/** watch_backend_name() - "hardware", "write_protect" */
const char *watch_backend_name(const struct watch *w);
/** watch_hits() - that counted. Any thread */
u64 watch_hits(struct watch *w, unsigned int index);
/** watch_is_spent() - every place has reached its limit. Any thread */
bool watch_is_spent(struct watch *w);

#endif
