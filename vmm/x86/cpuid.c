// SPDX-License-Identifier: GPL-2.0-only
/* CPUID leaves; see cpuid.h. Bit names as in the SDM and the APM. */
#include "vmm/x86/cpuid.h"

#include <cpuid.h>
#include <errno.h>
#include <string.h>

#include "vmm/base/diag.h"
#include "vmm/kvm.h"

#define LEAF1_ECX_VMX (1U << 5)
#define LEAF1_ECX_X2APIC (1U << 21)
#define LEAF1_ECX_TSC_DEADLINE (1U << 24)
#define LEAF1_ECX_HYPERVISOR (1U << 31)
#define LEAF1_EDX_HTT (1U << 28)
#define EXT1_ECX_CMP_LEGACY (1U << 1)
#define EXT1_ECX_SVM (1U << 2)
#define EXT1_ECX_TOPOEXT (1U << 22)
#define HYPERVISOR_LEAF 0x40000000
#define KVM_LEAF_TIMING 0x40000010
/* Leaf 0x80000006, EDX: 16 MiB, 16 ways, lines of 64 bytes, one per tag. */
#define AMD_L3_SIZE (32U << 18 | 8U << 12 | 1U << 8 | 64U)

/* Level types of leaves 0xb and 0x1f. */
enum { LEVEL_NONE, LEVEL_SMT, LEVEL_CORE, LEVEL_DIE = 5 };

bool cpuid_host_emulated(void)
{
	u32 eax, ecx, edx, name[3];

	__cpuid(1, eax, name[0], ecx, edx);
	if (!(ecx & LEAF1_ECX_HYPERVISOR))
		return false;
	__cpuid(HYPERVISOR_LEAF, eax, name[0], name[1], name[2]);
	return !memcmp(name, "TCGTCGTCGTCG", sizeof(name));
}

int cpuid_supported(int kvm_fd, struct cpuid *out, struct diag *d)
{
	int ret;

	memset(out, 0, sizeof(*out));
	out->head.nent = CPUID_MAX_ENTRIES;
	ret = kvm_ioctl_ptr(kvm_fd, KVM_GET_SUPPORTED_CPUID, out);
	if (ret < 0)
		return diag_fail(d, ret, NULL, "KVM_GET_SUPPORTED_CPUID: %s",
				 strerror(-ret));
	return 0;
}

struct kvm_cpuid_entry2 *cpuid_find(struct cpuid *c, u32 function, u32 index)
{
	u32 i;

	for (i = 0; i < c->head.nent; i++) {
		struct kvm_cpuid_entry2 *e = &c->entries[i];

		if (e->function == function &&
		    (e->index == index ||
		     !(e->flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX)))
			return e;
	}
	return NULL;
}

static void cpuid_drop(struct cpuid *c, u32 function)
{
	u32 i, n = 0;

	for (i = 0; i < c->head.nent; i++)
		if (c->entries[i].function != function)
			c->entries[n++] = c->entries[i];
	c->head.nent = n;
}

static struct kvm_cpuid_entry2 *cpuid_add(struct cpuid *c, u32 function,
					  u32 index, bool indexed)
{
	struct kvm_cpuid_entry2 *e;

	if (c->head.nent == CPUID_MAX_ENTRIES)
		return NULL;
	e = &c->entries[c->head.nent++];
	*e = (struct kvm_cpuid_entry2){
		.function = function, .index = index,
		.flags = indexed ? KVM_CPUID_FLAG_SIGNIFCANT_INDEX : 0,
	};
	return e;
}

static bool is_amd(struct cpuid *c)
{
	const struct kvm_cpuid_entry2 *e = cpuid_find(c, 0, 0);

	/* "Auth"enticAMD, "Hygo"nGenuine */
	return e && (e->ebx == 0x68747541 || e->ebx == 0x6f677948);
}

static bool is_intel(struct cpuid *c)
{
	const struct kvm_cpuid_entry2 *e = cpuid_find(c, 0, 0);

	return e && e->ebx == 0x756e6547;
}

/*
 * Another vendor's name, and one of its CPUs whose topology Linux reads from
 * the leaves alone: Zen 3, Sapphire Rapids. Features stay those of the host.
 */
static void set_vendor(enum machine_vendor vendor, struct cpuid *c)
{
	static const struct { u32 ebx, ecx, edx, signature; } ids[] = {
		[MACHINE_VENDOR_AMD] = { 0x68747541, 0x444d4163, 0x69746e65,
					 0x00a20f12 },
		[MACHINE_VENDOR_INTEL] = { 0x756e6547, 0x6c65746e, 0x49656e69,
					   0x000806f8 },
	};
	struct kvm_cpuid_entry2 *e = cpuid_find(c, 0, 0);

	if (!e || vendor == MACHINE_VENDOR_HOST || e->ebx == ids[vendor].ebx)
		return;
	e->eax = max(e->eax, 0xbU);
	e->ebx = ids[vendor].ebx;
	e->ecx = ids[vendor].ecx;
	e->edx = ids[vendor].edx;
	e = cpuid_find(c, 1, 0);
	if (e)
		e->eax = ids[vendor].signature;
	e = cpuid_find(c, 0x80000000, 0);
	if (e)
		e->ebx = e->ecx = e->edx = 0;
}

/*
 * Of Zen 1 (family 0x17, models below 0x20) Linux believes that an LLC is
 * eight APIC ids wide, whatever CPUID says; of Zen 2 it reads the leaves. So
 * where that is wrong a Zen 1 calls itself Zen 2.
 */
static void hide_zen1(const struct topology *t, struct cpuid *c,
		      struct kvm_cpuid_entry2 *leaf1)
{
	bool as_zen1 = t->llcs == 1 && t->nodes == 1 && t->llc_shift <= 3;

	if (!as_zen1 && is_amd(c) &&
	    (leaf1->eax & 0x0ff00f00) == 0x00800f00 &&
	    (leaf1->eax >> 16 & 0xf) < 2)
		leaf1->eax = 0x00830f10;
}

static void fill_leaf1(const struct cpuid_cfg *cfg, u32 cpu, struct cpuid *c)
{
	struct kvm_cpuid_entry2 *e = cpuid_find(c, 1, 0);
	const struct topology *t = cfg->topo;

	if (!e)
		return;
	hide_zen1(t, c, e);
	e->ebx = (e->ebx & 0xffff) | topology_apic_id(t, cpu) << 24 |
		 (min(1U << t->node_shift, 255U) << 16);
	e->ecx |= LEAF1_ECX_HYPERVISOR | LEAF1_ECX_X2APIC;
	e->ecx &= ~(LEAF1_ECX_VMX | LEAF1_ECX_TSC_DEADLINE);
	if (cfg->tsc_deadline)
		e->ecx |= LEAF1_ECX_TSC_DEADLINE;
	e->edx &= ~LEAF1_EDX_HTT;
	if (t->node_shift)
		e->edx |= LEAF1_EDX_HTT;
}

/*
 * Leaves 4 (Intel) and 0x8000001d (AMD): who shares a cache. Levels 1 and 2
 * belong to a core, deeper ones to an LLC.
 */
static void fill_caches(const struct topology *t, u32 function, struct cpuid *c)
{
	u32 i;

	for (i = 0; i < c->head.nent; i++) {
		struct kvm_cpuid_entry2 *e = &c->entries[i];
		u32 level = e->eax >> 5 & 7;
		u32 shift = level <= 2 ? t->core_shift : t->llc_shift;

		if (e->function != function || !(e->eax & 0x1f))
			continue;
		e->eax = (e->eax & 0x3fff) | ((1U << shift) - 1) << 14;
		if (function == 4)
			e->eax |= ((1U << (t->node_shift - t->core_shift)) - 1) << 26;
	}
}

static int fill_levels(const struct topology *t, u32 function, u32 apic_id,
		       bool die, struct cpuid *c)
{
	const struct {
		u32 type, shift, count;
	} levels[] = {
		{ LEVEL_SMT, t->core_shift, t->threads },
		{ LEVEL_CORE, die ? t->llc_shift : t->node_shift,
		  t->threads * t->cores * (die ? 1 : t->llcs) },
		{ LEVEL_DIE, t->node_shift, t->threads * t->cores * t->llcs },
	};
	u32 n = die ? 3 : 2, i;

	cpuid_drop(c, function);
	for (i = 0; i <= n; i++) {
		struct kvm_cpuid_entry2 *e = cpuid_add(c, function, i, true);

		if (!e)
			return -ENOSPC;
		e->ecx = i;
		e->edx = apic_id;
		if (i == n)
			break;
		e->eax = levels[i].shift;
		e->ebx = levels[i].count;
		e->ecx |= levels[i].type << 8;
	}
	return 0;
}

static bool has_l3(struct cpuid *c, u32 function)
{
	const struct kvm_cpuid_entry2 *e;
	u32 i;

	for (i = 0; (e = cpuid_find(c, function, i)) && e->eax & 0x1f; i++)
		if ((e->eax >> 5 & 7) == 3)
			return true;
	return false;
}

/* Leaves 4 and 0x8000001d differ in who shares alone. The sizes are Zen's. */
static int add_caches(struct cpuid *c, u32 function)
{
	static const struct {
		u32 type, level, ways, sets;
	} caches[] = {
		{ 1, 1, 8, 64 }, { 2, 1, 8, 64 }, { 3, 2, 8, 1024 },
		{ 3, 3, 16, 16384 }, { 0, 0, 1, 1 },
	};
	struct kvm_cpuid_entry2 *e;
	u32 i;

	cpuid_drop(c, function);
	for (i = 0; i < ARRAY_SIZE(caches); i++) {
		e = cpuid_add(c, function, i, true);
		if (!e)
			return -ENOSPC;
		if (!caches[i].type)
			break;
		e->eax = caches[i].type | caches[i].level << 5 | 1 << 8;
		e->ebx = 63 | (caches[i].ways - 1) << 22;
		e->ecx = caches[i].sets - 1;
	}
	return 0;
}

/* An AMD host's leaf 4 is empty; without an L3 no guest has LLCs. */
static int fill_intel(struct cpuid *c)
{
	return !is_intel(c) || has_l3(c, 4) ? 0 : add_caches(c, 4);
}

/*
 * Leaves 0x8000001d and 0x8000001e are data without hardware behind them, and
 * without them a guest before Linux 6.9 sees no threads, and no guest LLCs.
 * So they are made up where the host's CPU has none.
 */
static int add_amd_topology(struct cpuid *c)
{
	struct kvm_cpuid_entry2 *e;

	if (has_l3(c, 0x8000001d) && cpuid_find(c, 0x8000001e, 0))
		return 0;
	cpuid_drop(c, 0x8000001e);
	if (add_caches(c, 0x8000001d))
		return -ENOSPC;
	if (!cpuid_add(c, 0x8000001e, 0, false))
		return -ENOSPC;
	e = cpuid_find(c, 0x80000000, 0);
	if (e)
		e->eax = max(e->eax, 0x8000001eU);
	return 0;
}

/* Linux looks for LLCs only where this older leaf has an L3, too. */
static int add_amd_l3_size(struct cpuid *c)
{
	struct kvm_cpuid_entry2 *e = cpuid_find(c, 0x80000006, 0);

	if (!e)
		e = cpuid_add(c, 0x80000006, 0, false);
	if (!e)
		return -ENOSPC;
	if (!e->edx)
		e->edx = AMD_L3_SIZE;
	return 0;
}

/* AMD: sizes, core and node numbers. */
static int fill_amd(const struct topology *t, u32 cpu, u32 apic_id,
		    struct cpuid *c)
{
	struct kvm_cpuid_entry2 *e = cpuid_find(c, 0x80000001, 0);
	int ret = 0;

	if (e && is_amd(c)) {
		e->ecx |= EXT1_ECX_TOPOEXT;
		ret = add_amd_topology(c);
		if (!ret)
			ret = add_amd_l3_size(c);
	} else {
		cpuid_drop(c, 0x8000001d);
		cpuid_drop(c, 0x8000001e);
	}
	if (ret < 0)
		return ret;
	e = cpuid_find(c, 0x80000001, 0);
	if (e) {
		e->ecx &= ~(EXT1_ECX_SVM | EXT1_ECX_CMP_LEGACY);
		if (!is_amd(c))
			e->ecx &= ~EXT1_ECX_TOPOEXT;
		if (t->node_shift)
			e->ecx |= EXT1_ECX_CMP_LEGACY;
	}
	cpuid_drop(c, 0x80000026);
	e = cpuid_find(c, 0x80000008, 0);
	if (e)
		e->ecx = t->node_shift << 12 |
			 (t->threads * t->cores * t->llcs - 1);
	fill_caches(t, 0x8000001d, c);
	e = cpuid_find(c, 0x8000001e, 0);
	if (e) {
		e->eax = apic_id;
		e->ebx = (t->threads - 1) << 8 |
			 ((apic_id >> t->core_shift) & 0xff);
		e->ecx = topology_node(t, cpu);
		e->edx = 0;
	}
	return 0;
}

/*
 * KVM's own leaves come as they are. The timing leaf tells the frequencies, so
 * that nobody has to measure them against a timer that is not there.
 */
static int fill_kvm(const struct cpuid_cfg *cfg, struct cpuid *c)
{
	struct kvm_cpuid_entry2 *e = cpuid_find(c, HYPERVISOR_LEAF, 0);

	if (!cfg->tsc_khz || !e)
		return 0;
	e->eax = max(e->eax, (u32)KVM_LEAF_TIMING);
	cpuid_drop(c, KVM_LEAF_TIMING);
	e = cpuid_add(c, KVM_LEAF_TIMING, 0, false);
	if (!e)
		return -ENOSPC;
	e->eax = cfg->tsc_khz;
	e->ebx = 1000000;	/* KVM's local APIC counts nanoseconds */
	return 0;
}

/*
 * A virtual PMU is probed with dozens of MSR exits, and then the hard lockup
 * detector reprograms it for ever; under another VM it does not count right.
 */
static void drop_pmu(struct cpuid *c)
{
	struct kvm_cpuid_entry2 *e = cpuid_find(c, 0xa, 0);

	if (e)
		e->eax = e->ebx = e->ecx = e->edx = 0;
	cpuid_drop(c, 0x80000022);
}

int cpuid_fill(const struct cpuid_cfg *cfg, u32 cpu, struct cpuid *out,
	       struct diag *d)
{
	const struct topology *t = cfg->topo;
	u32 apic_id = topology_apic_id(t, cpu);
	struct kvm_cpuid_entry2 *leaf0;
	u32 max_leaf;
	int ret;

	set_vendor(cfg->vendor, out);
	leaf0 = cpuid_find(out, 0, 0);
	max_leaf = leaf0 ? leaf0->eax : 0;
	fill_leaf1(cfg, cpu, out);
	ret = fill_intel(out);
	fill_caches(t, 4, out);
	if (!ret)
		ret = fill_amd(t, cpu, apic_id, out);
	drop_pmu(out);
	if (!ret && max_leaf >= 0xb)
		ret = fill_levels(t, 0xb, apic_id, false, out);
	if (!ret && max_leaf >= 0x1f)
		ret = fill_levels(t, 0x1f, apic_id, true, out);
	if (!ret)
		ret = fill_kvm(cfg, out);
	if (ret < 0)
		return diag_fail(d, ret, NULL,
				 "CPUID: more than %u leaves", CPUID_MAX_ENTRIES);
	return 0;
}
