// SPDX-License-Identifier: GPL-2.0-only
/* Where the kernel's image lay, by all that is known of it. */
#include "runner/collect.h"

#include "freeze/kaslr.h"
#include "freeze/ksym.h"
#include "runner/heard.h"
#include "runner/inside.h"
#include "runner/kernel.h"
#include "runner/value.h"
#include "vmm/base/diag.h"
#include "vmm/machine.h"

/* The link addresses come from the image's own symbols, cached by its hash. */
static void link_addresses(const struct kimage *image, struct kaslr_input *in)
{
	struct ksym *syms = NULL;
	struct diag d = { 0 };

	if (image && !ksym_open(image, &syms, &d)) {
		ksym_find(syms, "entry_SYSCALL_64", &in->entry_link);
		ksym_find(syms, "_text", &in->text_link);
	}
	diag_reset(&d);
	ksym_close(syms);
}

static enum kaslr_fact config_fact(const struct kernel *k, const char *name)
{
	switch (kernel_config(k, name, NULL)) {
	case KCONFIG_UNKNOWN:
		return KASLR_UNKNOWN;
	case KCONFIG_NO:
		return KASLR_NO;
	default:
		return KASLR_YES;
	}
}

static void guest_reported(const struct heard *h, struct kaslr_input *in)
{
	const struct wire_kern_addrs *a = &h->addrs;

	in->have_addrs = h->has_addrs;
	if (!h->has_addrs)
		return;
	in->text = a->valid & WIRE_KA_TEXT ? a->text : 0;
	in->have_phys_base = a->valid & WIRE_KA_PHYS_BASE;
	in->phys_base = a->phys_base;
	in->have_vmcoreinfo = a->valid & WIRE_KA_KASLR_OFFSET;
	in->vmcoreinfo_offset = a->kaslr_offset;
}

/* The kernel's own page tables, where it has come to have some. */
static void walked(struct inside *inside, struct kaslr_input *in)
{
	struct diag d = { 0 };
	struct kread k;

	in->have_walked = inside && !inside_kread(inside, 0, &k, &d);
	if (in->have_walked)
		in->walked_phys_base = k.phys_base;
	diag_reset(&d);
}

struct value *collect_kaslr(const struct collect_from *from)
{
	const struct machine_layout *l = machine_layout(from->machine);
	struct kaslr_input in = {
		.have_chosen = l->direct,
		.chosen = l->virt_offset,
		.console = from->log,
		.cmdline = from->cmdline,
		.requested = from->kaslr_off ? KASLR_NO : KASLR_YES,
		.randomize_base = config_fact(from->kernel, "RANDOMIZE_BASE"),
	};
	struct value *v = value_map();
	struct machine_regs regs;
	struct kaslr k;

	link_addresses(from->image, &in);
	guest_reported(from->heard, &in);
	walked(from->inside, &in);
	if (!machine_vcpu_regs(from->machine, 0, &regs)) {
		in.fred = kaslr_fred(regs.cr4);
		in.have_lstar = true;
		in.lstar = regs.lstar;
	}
	kaslr_derive(&in, &k);
	value_set(v, "state", value_str(kaslr_state_name(k.state)));
	if (k.have_offset) {
		value_set(v, "enabled", value_bool(k.offset != 0));
		value_set(v, "offset", value_addr(k.offset));
	}
	if (k.have_phys_base)
		value_set(v, "phys_base", value_addr(k.phys_base));
	if (l->direct && l->kaslr && !from->kaslr_off)
		value_set(v, "seed", value_addr(l->kaslr_seed));
	if (k.source[0])
		value_set(v, "source", value_str(k.source));
	if (k.reason[0])
		value_set(v, "reason", value_str(k.reason));
	return v;
}
