// SPDX-License-Identifier: GPL-2.0-only
/* What Linux makes of CPUID; the tables are linuxtopo_acpi.c's. */
#include "selftests/lib/linuxtopo_priv.h"

#include <errno.h>
#include <stdarg.h>

#include "vmm/base/buf.h"

#define NO_LLC UINT32_MAX

int linuxtopo_bad(struct buf *out, const char *fmt, ...)
{
	char text[200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	buf_reset(out);
	buf_puts(out, text);
	return -EINVAL;
}

static u32 count_order(u32 n)
{
	u32 order = 0;

	while (1U << order < n)
		order++;
	return order;
}

/* As the instruction: zeroes where there is no such leaf. */
static struct kvm_cpuid_entry2 leaf(const struct linuxtopo_cpu *c, u32 function,
				    u32 index)
{
	const struct kvm_cpuid_entry2 *e = c->cpuid->entries;
	u32 i;

	for (i = 0; i < c->cpuid->head.nent; i++)
		if (e[i].function == function &&
		    (!(e[i].flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX) ||
		     e[i].index == index))
			return e[i];
	return (struct kvm_cpuid_entry2){ 0 };
}

static bool topoext(const struct linuxtopo_cpu *c)
{
	return leaf(c, 0x80000001, 0).ecx >> 22 & 1;
}

static void identify(struct linuxtopo_cpu *c)
{
	struct kvm_cpuid_entry2 id = leaf(c, 0, 0), sig = leaf(c, 1, 0);

	c->amd = id.ebx == 0x68747541;
	c->max_leaf = id.eax;
	c->max_ext = leaf(c, 0x80000000, 0).eax;
	c->family = sig.eax >> 8 & 0xf;
	if (c->family == 0xf)
		c->family += sig.eax >> 20 & 0xff;
	c->model = (sig.eax >> 4 & 0xf) | (sig.eax >> 12 & 0xf0);
	c->threads = 1;
	c->llc = NO_LLC;
}

/* Levels of leaf @function; false where its first one says nothing. */
static bool levels(struct linuxtopo_cpu *c, u32 function)
{
	struct kvm_cpuid_entry2 e = leaf(c, function, 0);
	u32 i, type;

	if (!(e.ebx & 0xffff) || (e.ecx >> 8 & 0xff) != 1)
		return false;
	c->apic_leaf = e.edx;
	c->threads = e.ebx & 0xffff;
	c->smt_shift = e.eax & 0x1f;
	c->die_shift = c->pkg_shift = c->smt_shift;
	for (i = 1; (e = leaf(c, function, i)).ebx & 0xffff; i++) {
		type = e.ecx >> 8 & 0xff;
		if (!type)
			break;
		c->pkg_shift = e.eax & 0x1f;
		/* Without dies a package is one. */
		if (type < 5)
			c->die_shift = c->pkg_shift;
	}
	return true;
}

static bool extended(struct linuxtopo_cpu *c, enum linuxtopo_rules rules)
{
	if (c->max_leaf >= 0x1f && levels(c, 0x1f))
		return true;
	if (rules == LINUXTOPO_6_9 && c->max_ext >= 0x80000026 &&
	    levels(c, 0x80000026))
		return true;
	return c->max_leaf >= 0xb && levels(c, 0xb);
}

static void set_ids(struct linuxtopo_cpu *c)
{
	c->package_id = c->apic_leaf >> c->pkg_shift;
	c->die_id = c->apic_leaf >> c->die_shift;
	c->core_id = c->apic_leaf >> c->smt_shift;
}

/* amd.c: leaf 0x80000008, then 0x8000001e, then 0xb where it is there. */
static void amd_6_1(struct linuxtopo_cpu *c)
{
	struct kvm_cpuid_entry2 size = leaf(c, 0x80000008, 0);
	u32 bits = size.ecx >> 12 & 0xf, cores = (size.ecx & 0xff) + 1;
	struct kvm_cpuid_entry2 e;

	if (!bits)
		bits = count_order(cores);
	c->apic_leaf = leaf(c, 1, 0).ebx >> 24;
	c->package_id = c->die_id = c->llc = c->apic_leaf >> bits;
	c->core_id = c->apic_leaf & ((1U << bits) - 1);
	if (!topoext(c))
		return;
	e = leaf(c, 0x8000001e, 0);
	if (c->family >= 0x17)
		c->core_id = e.ebx & 0xff;
	if (extended(c, LINUXTOPO_6_1))
		set_ids(c);
	c->threads = max(c->threads, (e.ebx >> 8 & 0xff) + 1);
	/* The node's number is the die's where leaf 0xb has none. */
	c->die_id = e.ecx & 0xff;
}

static void amd_6_9(struct linuxtopo_cpu *c)
{
	struct kvm_cpuid_entry2 e = leaf(c, 0x80000008, 0);
	bool levels_known = topoext(c) && extended(c, LINUXTOPO_6_9);

	c->apic_leaf = levels_known ? c->apic_leaf : leaf(c, 1, 0).ebx >> 24;
	if (!levels_known) {
		c->pkg_shift = e.ecx >> 12 & 0xf;
		if (!c->pkg_shift)
			c->pkg_shift = count_order((e.ecx & 0xff) + 1);
		c->die_shift = c->pkg_shift;
		if (topoext(c))
			c->threads = (leaf(c, 0x8000001e, 0).ebx >> 8 & 0xff) + 1;
		c->smt_shift = count_order(c->threads);
	}
	set_ids(c);
	if (topoext(c))
		c->amd_node = leaf(c, 0x8000001e, 0).ecx & 0xff;
	c->llc = c->apic_leaf >> c->pkg_shift;
}

/* Which CPUs share the last cache, where there is one of level 3. */
static void amd_llc(struct linuxtopo_cpu *c)
{
	u32 n = 0, sharing;

	if (!topoext(c) || !leaf(c, 0x80000006, 0).edx)
		return;
	if (c->family == 0x17 && c->model <= 0x1f) {
		c->llc = c->apic_leaf >> 3;
		return;
	}
	if (c->family < 0x17)
		return;
	while (leaf(c, 0x8000001d, n).eax & 0x1f)
		n++;
	sharing = n ? (leaf(c, 0x8000001d, n - 1).eax >> 14 & 0xfff) + 1 : 1;
	c->llc = c->apic_leaf >> count_order(sharing);
}

static int intel(struct linuxtopo_cpu *c, enum linuxtopo_rules rules,
		 struct buf *out)
{
	struct kvm_cpuid_entry2 e;
	u32 i;

	if (!extended(c, rules))
		return linuxtopo_bad(out, "no levels in leaves 0xb and 0x1f");
	set_ids(c);
	for (i = 0; (e = leaf(c, 4, i)).eax & 0x1f; i++)
		if ((e.eax >> 5 & 7) >= 2)
			c->llc = c->apic_leaf >>
				 count_order((e.eax >> 14 & 0xfff) + 1);
	return 0;
}

int linuxtopo_cpu(struct linuxtopo_cpu *c, enum linuxtopo_rules rules,
		  struct buf *out)
{
	int err = 0;

	identify(c);
	if (c->amd && rules == LINUXTOPO_6_1)
		amd_6_1(c);
	else if (c->amd)
		amd_6_9(c);
	else
		err = intel(c, rules, out);
	if (c->amd)
		amd_llc(c);
	if (!err && (c->apic_leaf != c->apic_madt ||
		     leaf(c, 1, 0).ebx >> 24 != c->apic_madt ||
		     (topoext(c) && leaf(c, 0x8000001e, 0).eax != c->apic_madt)))
		err = linuxtopo_bad(out, "APIC id %u has another in CPUID: %u",
				    c->apic_madt, c->apic_leaf);
	return err;
}

/* smpboot.c's matches. */
static bool same_core(const struct linuxtopo_cpu *a,
		      const struct linuxtopo_cpu *b)
{
	if (a->threads == 1)
		return a == b;
	return a->package_id == b->package_id && a->die_id == b->die_id &&
	       a->core_id == b->core_id &&
	       (!topoext(a) ||
		(a->llc == b->llc && a->amd_node == b->amd_node));
}

/* cacheinfo.c: of AMD's third cache the ids that match_llc() compares. */
static bool same_cache(const struct linuxtopo_cpu *a,
		       const struct linuxtopo_cpu *b, u32 index)
{
	struct kvm_cpuid_entry2 e = leaf(a, a->amd ? 0x8000001d : 4, index);
	u32 n = (e.eax >> 14 & 0xfff) + 1;

	if (a->amd && index == 3)
		return a == b || (a->llc != NO_LLC && a->llc == b->llc);
	if (a->amd)
		return a->apic_leaf / n == b->apic_leaf / n;
	return a->apic_leaf >> count_order(n) == b->apic_leaf >> count_order(n);
}

static int caches(struct linuxtopo_cpu *cpus, u32 n, u32 i, struct buf *out)
{
	struct linuxtopo_cpu *c = &cpus[i];
	struct kvm_cpuid_entry2 e;
	u32 index, level, j;

	c->first_llc = UINT32_MAX;
	for (index = 0; (e = leaf(c, c->amd ? 0x8000001d : 4, index)).eax & 0x1f;
	     index++) {
		level = e.eax >> 5 & 7;
		for (j = 0; j < n; j++) {
			bool same = same_cache(c, &cpus[j], index);

			if (level <= 2 && same != same_core(c, &cpus[j]))
				return linuxtopo_bad(out,
						     "a level %u cache of CPU %u and CPU %u is not as their cores",
						     level, i, j);
			if (level == 3 && same)
				c->first_llc = min(c->first_llc, j);
		}
	}
	return c->first_llc == UINT32_MAX ?
		       linuxtopo_bad(out, "CPU %u has no L3 cache", i) : 0;
}

/* Where the scheduler and /sys would differ in who shares the last cache. */
static int scheduler_agrees(const struct linuxtopo_cpu *cpus, u32 n,
			    struct buf *out)
{
	u32 i, j;

	for (i = 0; i < n; i++)
		for (j = 0; j < n; j++)
			if ((cpus[i].llc == cpus[j].llc) !=
			    (cpus[i].first_llc == cpus[j].first_llc))
				return linuxtopo_bad(out,
						     "LLC ids of CPU %u and CPU %u are not as their caches",
						     i, j);
	return 0;
}

static int map_cpus(struct linuxtopo_cpu *cpus, u32 n, struct buf *out)
{
	u32 i, core, package;
	int err;

	for (i = 0; i < n; i++) {
		err = caches(cpus, n, i, out);
		if (err)
			return err;
		for (core = 0; !same_core(&cpus[core], &cpus[i]); core++)
			;
		for (package = 0;
		     cpus[package].package_id != cpus[i].package_id; package++)
			;
		buf_printf(out, "cpu %u core %u llc %u package %u node %u\n", i,
			   core, cpus[i].first_llc, package, cpus[i].node);
	}
	return scheduler_agrees(cpus, n, out);
}

int linuxtopo_map(const struct linuxtopo_machine *m, enum linuxtopo_rules rules,
		  struct buf *out)
{
	struct linuxtopo_cpu cpus[LINUXTOPO_MAX] = { 0 };
	struct linuxtopo_tables t;
	int err = linuxtopo_find(m, &t, out), n;
	u32 i;

	n = err ? err : linuxtopo_madt(&t, cpus, out);
	for (i = 0; n > 0 && i < (u32)n; i++) {
		cpus[i].cpuid = m->cpuid[cpus[i].apic_madt];
		if (!cpus[i].cpuid)
			return linuxtopo_bad(out, "no vCPU has APIC id %u",
					     cpus[i].apic_madt);
		err = linuxtopo_cpu(&cpus[i], rules, out);
		if (err)
			return err;
	}
	if (n <= 0)
		return n < 0 ? n : linuxtopo_bad(out, "no CPU in the MADT");
	err = linuxtopo_nodes(&t, cpus, (u32)n, out);
	if (!err)
		err = map_cpus(cpus, (u32)n, out);
	return err ? err : linuxtopo_map_nodes(m, &t, cpus, (u32)n, out);
}
