// SPDX-License-Identifier: GPL-2.0-only
/* The guest's kernel in memory; see inside.h. */
#include "runner/inside.h"

#include <errno.h>

#include "freeze/dmesg.h"
#include "vmm/base/buf.h"
#include "vmm/base/diag.h"
#include "vmm/kimage.h"
#include "vmm/machine.h"

#define CR4_LA57 (1ULL << 12)
/* vCPUs come at once, but for a host that is busy. */
#define PARK_NS NSEC_PER_SEC

/* LSTAR is set early and for good; a kernel that drew its own slide shows it. */
static int find_slide(const struct inside *in, struct machine *m,
		      const struct machine_regs *regs, u64 *slide)
{
	const struct machine_layout *l = machine_layout(m);
	u64 entry;

	if (l->direct) {
		*slide = l->virt_offset;
		return 0;
	}
	if (ksym_find(in->sym, "entry_SYSCALL_64", &entry) || !regs->lstar ||
	    regs->lstar < entry)
		return -ENXIO;
	*slide = regs->lstar - entry;
	return 0;
}

int inside_open(struct inside *in, struct machine *m,
		const struct kimage *image, struct diag *d)
{
	struct machine_regs regs;
	u64 slide;
	int err;

	*in = (struct inside){ 0 };
	if (!image)
		return diag_fail(d, -ENOENT, NULL, "the kernel image could not be unpacked");
	err = ksym_open(image, &in->sym, d);
	if (!err)
		err = machine_vcpu_regs(m, 0, &regs);
	if (!err)
		err = find_slide(in, m, &regs, &slide);
	if (err)
		return err;
	return kread_init(&in->k, machine_mem(m), regs.cr3,
			  regs.cr4 & CR4_LA57, in->sym, NULL, slide, d);
}

/* A kernel that was placed has its page tables where its symbols say. */
static int open_placed(struct inside *in, struct machine *m,
		       const struct kimage *image, struct diag *d)
{
	const struct machine_layout *l = machine_layout(m);
	u64 pgt;
	int err = ksym_open(image, &in->sym, d);

	if (!err && ksym_find(in->sym, "init_top_pgt", &pgt))
		err = diag_fail(d, -ENOENT, NULL, "no symbol init_top_pgt");
	if (err)
		return err;
	pgt = ksym_runtime(pgt, l->virt_offset) - KIMAGE_START_KERNEL_MAP +
	      l->phys_base;
	/* It was entered with four levels, and keeps them. */
	return kread_init(&in->k, machine_mem(m), pgt, false, in->sym, NULL,
			  l->virt_offset, d);
}

int inside_open_live(struct inside *in, struct machine *m,
		     const struct kimage *image, bool may_park, struct diag *d)
{
	int err;

	*in = (struct inside){ 0 };
	if (!image)
		return diag_fail(d, -ENOENT, NULL, "the kernel image could not be unpacked");
	if (machine_layout(m)->direct)
		return open_placed(in, m, image, d);
	if (!may_park)
		return -EBUSY;
	err = machine_park(m, PARK_NS, NULL);
	if (err == -ETIMEDOUT)
		return -EAGAIN;
	if (err)
		return err;
	err = inside_open(in, m, image, d);
	machine_resume(m);
	return err;
}

void inside_close(struct inside *in)
{
	ksym_close(in->sym);
	*in = (struct inside){ 0 };
}

int inside_dmesg(const struct inside *in, struct buf *out, struct diag *d)
{
	struct vmcoreinfo info;
	struct dmesg log;
	int err = vmcoreinfo_read(&in->k, &info);

	if (err)
		return diag_fail(d, err, NULL, "no VMCOREINFO in guest memory");
	err = dmesg_read_vmcoreinfo(&in->k.vas, &info, &log, d);
	if (err)
		return err;
	err = dmesg_print(&log, out);
	dmesg_reset(&log);
	return err;
}
