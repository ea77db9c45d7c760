// SPDX-License-Identifier: GPL-2.0-only
/* The guest's kernel in memory; see inside.h. */
#include "runner/inside.h"

#include <errno.h>
#include <string.h>

#include "freeze/dmesg.h"
#include "vmm/base/buf.h"
#include "vmm/base/diag.h"
#include "vmm/kimage.h"
#include "vmm/machine.h"

#define CR4_LA57 (1ULL << 12)

void inside_init(struct inside *in, struct machine *m,
		 const struct kimage *image)
{
	*in = (struct inside){ .m = m, .image = image };
	pthread_mutex_init(&in->lock, NULL);
}

void inside_deinit(struct inside *in)
{
	if (!in->m)
		return;
	ktype_close(in->types);
	ksym_close(in->sym);
	pthread_mutex_destroy(&in->lock);
	*in = (struct inside){ 0 };
}

/* A kernel that was placed has its page tables where its symbols say. */
static int open_placed(struct inside *in, struct diag *d)
{
	const struct machine_layout *l = machine_layout(in->m);
	u64 pgt;

	if (ksym_find(in->sym, "init_top_pgt", &pgt))
		return diag_fail(d, -ENOENT, NULL, "no symbol init_top_pgt");
	pgt = ksym_runtime(pgt, l->virt_offset) - KIMAGE_START_KERNEL_MAP +
	      l->phys_base;
	/* It was entered with four levels, and keeps them. */
	return kread_init(&in->k, machine_mem(in->m), pgt, false, in->sym,
			  NULL, l->virt_offset, d);
}

/* LSTAR is set early and for good; a kernel that drew its own slide shows it. */
static int open_drawn(struct inside *in, struct diag *d)
{
	struct machine_regs regs;
	u64 entry;
	int err = machine_vcpu_regs(in->m, 0, &regs);

	if (err)
		return diag_fail(d, err, NULL, "the boot CPU's registers: %s",
				 strerror(-err));
	if (ksym_find(in->sym, "entry_SYSCALL_64", &entry) ||
	    regs.lstar < entry)
		return diag_fail(d, -ENXIO, NULL,
				 "the boot CPU has no system call entry yet");
	return kread_init(&in->k, machine_mem(in->m), regs.cr3,
			  regs.cr4 & CR4_LA57, in->sym, NULL,
			  regs.lstar - entry, d);
}

static int open_locked(struct inside *in, struct diag *d)
{
	int err = 0;

	if (in->open)
		return 0;
	if (!in->image)
		return diag_fail(d, -ENOENT, NULL,
				 "the kernel image could not be unpacked");
	if (!in->sym)
		err = ksym_open(in->image, &in->sym, d);
	if (!err)
		err = machine_layout(in->m)->direct ? open_placed(in, d) :
						      open_drawn(in, d);
	in->open = !err;
	return err;
}

static int types_locked(struct inside *in, struct diag *d)
{
	if (in->types)
		return 0;
	if (!in->no_types && !ktype_open(in->image, &in->types, d))
		return 0;
	if (in->no_types)
		return diag_fail(d, -ENOENT, NULL, "the kernel image has no BTF");
	in->no_types = true;
	return -ENOENT;
}

static int get(struct inside *in, unsigned int want, struct kread *k,
	       struct diag *d)
{
	int err;

	pthread_mutex_lock(&in->lock);
	err = open_locked(in, d);
	if (!err && want & INSIDE_TYPES)
		err = types_locked(in, d);
	if (!err) {
		*k = in->k;
		k->types = in->types;
	}
	pthread_mutex_unlock(&in->lock);
	return err;
}

/*
 * Parked without the lock held: who has parked the machine may want it. The
 * types are parsed only after the guest runs again.
 */
int inside_kread(struct inside *in, unsigned int want, struct kread *k,
		 struct diag *d)
{
	int err;

	if (!in->m)
		return diag_fail(d, -ENOENT, NULL, "there is no machine");
	err = get(in, want, k, d);
	if (err != -EBUSY || !(want & INSIDE_PARK))
		return err;
	diag_reset(d);
	err = machine_park(in->m, INSIDE_PARK_NS, NULL);
	if (err)
		return diag_fail(d, err == -ETIMEDOUT ? -EAGAIN : err, NULL,
				 "the vCPUs could not be stopped: %s",
				 strerror(-err));
	err = get(in, 0, k, d);
	machine_resume(in->m);
	return err ? err : get(in, want, k, d);
}

int inside_dmesg(const struct kread *k, struct buf *out, struct diag *d)
{
	struct vmcoreinfo info;
	struct dmesg log;
	int err = vmcoreinfo_read(k, &info);

	/* It comes late in the boot: a kernel that died before has none. */
	if (err && k->types)
		err = dmesg_read(k, &log, d);
	else if (err)
		return diag_fail(d, err, NULL, "no VMCOREINFO in guest memory");
	else
		err = dmesg_read_vmcoreinfo(&k->vas, &info, &log, d);
	if (err)
		return err;
	err = dmesg_print(&log, out);
	dmesg_reset(&log);
	return err;
}
