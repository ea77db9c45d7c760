// SPDX-License-Identifier: GPL-2.0-only
/* The guest's kernel in memory; see inside.h. */
#include "runner/inside.h"

#include <errno.h>

#include "freeze/dmesg.h"
#include "vmm/base/buf.h"
#include "vmm/base/diag.h"
#include "vmm/machine.h"

#define CR4_LA57 (1ULL << 12)

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
