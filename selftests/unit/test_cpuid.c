// SPDX-License-Identifier: GPL-2.0-only
/* Topologies: APIC ids, and CPUID leaves that agree with them. */
#include "vmm/x86/cpuid.h"

#include <errno.h>
#include <string.h>

#include <kselftest_harness.h>

#include "vmm/base/diag.h"

#define TOPO(n, l, c, t)					\
	((struct machine_topology){ .nodes = (n), .llcs = (l),	\
				    .cores = (c), .threads = (t) })

TEST(counts)
{
	struct machine_topology t = TOPO(0, 0, 0, 0);

	EXPECT_EQ(1, machine_cpus(&t));
	t = TOPO(2, 2, 4, 2);
	EXPECT_EQ(32, machine_cpus(&t));
	t = TOPO(1, 1, 64, 1);
	EXPECT_EQ(64, machine_cpus(&t));
	t = TOPO(1, 1, 65, 1);
	EXPECT_EQ(0, machine_cpus(&t));
	t = TOPO(17, 1, 1, 1);
	EXPECT_EQ(0, machine_cpus(&t));
	t = TOPO(1, 0x10000, 0x10000, 1);
	EXPECT_EQ(0, machine_cpus(&t));
	t = TOPO(1, 2, UINT32_MAX, 2);
	EXPECT_EQ(0, machine_cpus(&t));
}

/* Each shape of up to 64 CPUs: ids are distinct, rising, and fit. */
TEST(apic_ids_of_every_shape)
{
	struct machine_topology t = { 0 };
	unsigned int shapes = 0;

	for (u32 shape = 0; shape < MACHINE_MAX_NODES * 64 * 64 * 64; shape++) {
		struct topology topo;
		u32 cpu;

		t.threads = 1 + shape % 64;
		t.cores = 1 + shape / 64 % 64;
		t.llcs = 1 + shape / 64 / 64 % 64;
		t.nodes = 1 + shape / 64 / 64 / 64;
		if (!machine_cpus(&t))
			continue;
		ASSERT_EQ(0, topology_init(&topo, &t, NULL));
		shapes++;
		for (cpu = 0; cpu < topo.cpus; cpu++) {
			u32 id = topology_apic_id(&topo, cpu);

			ASSERT_GT(255, id);
			if (cpu)
				ASSERT_LT(topology_apic_id(&topo, cpu - 1), id);
			ASSERT_EQ(topology_node(&topo, cpu),
				  id >> topo.node_shift);
		}
	}
	EXPECT_LT(500, shapes);
}

TEST(too_many_cpus_is_told)
{
	struct machine_topology t = TOPO(2, 2, 5, 4);
	struct diag d = { 0 };
	struct topology topo;

	EXPECT_EQ(-EINVAL, topology_init(&topo, &t, &d));
	EXPECT_NE(NULL, strstr(diag_text(&d), "64"));
	diag_reset(&d);
}

/* 2 nodes, 2 LLCs, 3 cores, 2 threads: id = node:1 llc:1 core:2 thread:1 */
FIXTURE(cpuid) {
	struct topology topo;
	struct cpuid c;
	struct cpuid_cfg cfg;
};

static void add(struct cpuid *c, u32 fn, u32 index, bool indexed, u32 eax,
		u32 ebx, u32 ecx, u32 edx)
{
	c->entries[c->head.nent++] = (struct kvm_cpuid_entry2){
		.function = fn, .index = index, .eax = eax, .ebx = ebx,
		.ecx = ecx, .edx = edx,
		.flags = indexed ? KVM_CPUID_FLAG_SIGNIFCANT_INDEX : 0,
	};
}

FIXTURE_SETUP(cpuid)
{
	struct machine_topology t = TOPO(2, 2, 3, 2);
	struct cpuid *c = &self->c;

	memset(self, 0, sizeof(*self));
	ASSERT_EQ(0, topology_init(&self->topo, &t, NULL));
	self->cfg = (struct cpuid_cfg){ .topo = &self->topo, .tsc_khz = 2500000,
					.tsc_deadline = true };
	add(c, 0, 0, false, 0x1f, 0x68747541, 0, 0);	/* AMD */
	add(c, 1, 0, false, 0x800f12, 0x00000800, 1 << 5, 1 << 28);
	add(c, 4, 0, true, 1 | 1 << 5, 0, 0, 0);	/* L1 data */
	add(c, 4, 1, true, 3 | 3 << 5, 0, 0, 0);	/* L3 */
	add(c, 4, 2, true, 0, 0, 0, 0);
	add(c, 0xa, 0, false, 0x07300403, 1, 2, 3);
	add(c, 0xb, 0, true, 9, 9, 9, 9);
	add(c, 0xb, 1, true, 9, 9, 9, 9);
	add(c, 0x40000000, 0, false, 0x40000001, 0, 0, 0);
	add(c, 0x80000000, 0, false, 0x80000008, 0, 0, 0);
	add(c, 0x80000001, 0, false, 0, 0, 1 << 22 | 1 << 2, 0);
	add(c, 0x80000008, 0, false, 0x3030, 0, 0xffff, 0);
	add(c, 0x8000001d, 0, true, 1 | 1 << 5, 0, 0, 0);
	add(c, 0x8000001d, 1, true, 3 | 3 << 5, 0, 0, 0);
	add(c, 0x8000001e, 0, false, 0, 0, 0, 0);
	add(c, 0x80000026, 0, true, 9, 9, 9, 9);
}

FIXTURE_TEARDOWN(cpuid)
{
}

static u32 id_of(FIXTURE_DATA(cpuid) *self, u32 cpu)
{
	return topology_apic_id(&self->topo, cpu);
}

TEST_F(cpuid, basic_leaf)
{
	struct kvm_cpuid_entry2 *e;

	ASSERT_EQ(0, cpuid_fill(&self->cfg, 17, &self->c, NULL));
	e = cpuid_find(&self->c, 1, 0);
	EXPECT_EQ(id_of(self, 17), e->ebx >> 24);
	EXPECT_EQ(0x0800, e->ebx & 0xffff);
	EXPECT_EQ(1U << 31, e->ecx & 1U << 31);	/* hypervisor */
	EXPECT_EQ(1U << 24, e->ecx & 1U << 24);	/* TSC deadline */
	EXPECT_EQ(0, e->ecx & 1 << 5);		/* no VMX */
	EXPECT_EQ(1 << 28, e->edx & 1 << 28);
}

TEST_F(cpuid, one_cpu_is_not_hyperthreaded)
{
	struct machine_topology t = TOPO(1, 1, 1, 1);

	ASSERT_EQ(0, topology_init(&self->topo, &t, NULL));
	ASSERT_EQ(0, cpuid_fill(&self->cfg, 0, &self->c, NULL));
	EXPECT_EQ(0, cpuid_find(&self->c, 1, 0)->edx & 1 << 28);
	EXPECT_EQ(0, cpuid_find(&self->c, 0x80000008, 0)->ecx & 0xff);
}

TEST_F(cpuid, no_deadline_timer_where_kvm_has_none)
{
	self->cfg.tsc_deadline = false;
	cpuid_find(&self->c, 1, 0)->ecx |= 1 << 24;
	ASSERT_EQ(0, cpuid_fill(&self->cfg, 0, &self->c, NULL));
	EXPECT_EQ(0, cpuid_find(&self->c, 1, 0)->ecx & 1 << 24);
}

/* What a kernel computes: shift the id, compare. */
TEST_F(cpuid, caches_are_shared_by_whom_they_should)
{
	static const u32 leaves[] = { 4, 0x8000001d };
	u32 i, a, b;

	ASSERT_EQ(0, cpuid_fill(&self->cfg, 0, &self->c, NULL));
	for (i = 0; i < 2; i++) {
		u32 l1 = cpuid_find(&self->c, leaves[i], 0)->eax >> 14 & 0xfff;
		u32 l3 = cpuid_find(&self->c, leaves[i], 1)->eax >> 14 & 0xfff;
		u32 l1_shift = __builtin_popcount(l1);
		u32 l3_shift = __builtin_popcount(l3);

		for (a = 0; a < self->topo.cpus; a++) {
			for (b = 0; b < self->topo.cpus; b++) {
				EXPECT_EQ(a / 2 == b / 2,
					  id_of(self, a) >> l1_shift ==
					  id_of(self, b) >> l1_shift);
				EXPECT_EQ(a / 6 == b / 6,
					  id_of(self, a) >> l3_shift ==
					  id_of(self, b) >> l3_shift);
			}
		}
	}
	/* The list of caches still ends. */
	EXPECT_EQ(0, cpuid_find(&self->c, 4, 2)->eax);
}

TEST_F(cpuid, level_leaves)
{
	static const struct { u32 leaf, type[4]; } want[] = {
		{ 0xb, { 1, 2, 0, 0 } }, { 0x1f, { 1, 2, 5, 0 } },
	};
	u32 i, level, last;

	ASSERT_EQ(0, cpuid_fill(&self->cfg, 13, &self->c, NULL));
	for (i = 0; i < 2; i++) {
		for (level = 0, last = 0; want[i].type[level]; level++) {
			struct kvm_cpuid_entry2 *e =
				cpuid_find(&self->c, want[i].leaf, level);

			ASSERT_NE(NULL, e);
			EXPECT_EQ(level, e->ecx & 0xff);
			EXPECT_EQ(want[i].type[level], e->ecx >> 8);
			EXPECT_EQ(id_of(self, 13), e->edx);
			EXPECT_LE(last, e->eax);
			EXPECT_GE(1U << e->eax, e->ebx);
			last = e->eax;
		}
		/* The last level reaches the package. */
		EXPECT_EQ(self->topo.node_shift, last);
		EXPECT_EQ(0, cpuid_find(&self->c, want[i].leaf, level)->eax);
	}
}

TEST_F(cpuid, amd_leaves)
{
	struct kvm_cpuid_entry2 *e;

	ASSERT_EQ(0, cpuid_fill(&self->cfg, 13, &self->c, NULL));
	e = cpuid_find(&self->c, 0x8000001e, 0);
	EXPECT_EQ(id_of(self, 13), e->eax);
	EXPECT_EQ(1, e->ebx >> 8);	/* threads - 1 */
	EXPECT_EQ(1, e->ecx & 0xff);	/* node */
	e = cpuid_find(&self->c, 0x80000008, 0);
	EXPECT_EQ(self->topo.node_shift, e->ecx >> 12);
	EXPECT_EQ(11, e->ecx & 0xff);
	EXPECT_EQ(0, cpuid_find(&self->c, 0x80000001, 0)->ecx & 1 << 2);
	EXPECT_EQ(NULL, cpuid_find(&self->c, 0x80000026, 0));
}

static void drop(struct cpuid *c, u32 fn)
{
	u32 i, n = 0;

	for (i = 0; i < c->head.nent; i++)
		if (c->entries[i].function != fn)
			c->entries[n++] = c->entries[i];
	c->head.nent = n;
}

/* An AMD CPU without the extension, as under software emulation. */
TEST_F(cpuid, amd_topology_is_made_up_where_it_is_missing)
{
	struct kvm_cpuid_entry2 *e;
	u32 i, levels = 0;

	drop(&self->c, 0x8000001d);
	drop(&self->c, 0x8000001e);
	cpuid_find(&self->c, 0x80000001, 0)->ecx = 0;
	ASSERT_EQ(0, cpuid_fill(&self->cfg, 13, &self->c, NULL));
	EXPECT_EQ(1 << 22, cpuid_find(&self->c, 0x80000001, 0)->ecx & 1 << 22);
	EXPECT_EQ(0x8000001e, cpuid_find(&self->c, 0x80000000, 0)->eax);
	for (i = 0; (e = cpuid_find(&self->c, 0x8000001d, i)) &&
		    (e->eax & 0x1f); i++) {
		levels |= 1 << (e->eax >> 5 & 7);
		EXPECT_EQ((e->eax >> 5 & 7) == 3 ? 7 : 1,
			  e->eax >> 14 & 0xfff);
	}
	EXPECT_EQ(4, i);
	EXPECT_EQ(0xe, levels);
	ASSERT_NE(NULL, e);	/* the list ends */
	e = cpuid_find(&self->c, 0x8000001e, 0);
	ASSERT_NE(NULL, e);
	EXPECT_EQ(id_of(self, 13), e->eax);
	EXPECT_EQ(1, e->ebx >> 8);
}

TEST_F(cpuid, zen1_whose_llc_is_not_eight_ids_wide_is_zen2)
{
	static const struct {
		struct machine_topology t;
		u32 eax, want;
	} cases[] = {
		{ TOPO(1, 2, 1, 1), 0x800f12, 0x830f10 },
		{ TOPO(2, 1, 1, 1), 0x800f12, 0x830f10 },
		{ TOPO(1, 1, 9, 1), 0x800f12, 0x830f10 },
		{ TOPO(1, 1, 8, 1), 0x800f12, 0x800f12 },
		{ TOPO(1, 1, 4, 2), 0x800f12, 0x800f12 },
		{ TOPO(2, 2, 1, 1), 0xa20f12, 0xa20f12 },	/* Zen 3 */
	};
	struct kvm_cpuid_entry2 *e = cpuid_find(&self->c, 1, 0);
	u32 i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		ASSERT_EQ(0, topology_init(&self->topo, &cases[i].t, NULL));
		e->eax = cases[i].eax;
		ASSERT_EQ(0, cpuid_fill(&self->cfg, 0, &self->c, NULL));
		EXPECT_EQ(cases[i].want, e->eax);
	}
}

TEST_F(cpuid, no_amd_leaves_on_intel)
{
	cpuid_find(&self->c, 0, 0)->ebx = 0x756e6547;
	cpuid_find(&self->c, 0x80000001, 0)->ecx = 0;
	ASSERT_EQ(0, cpuid_fill(&self->cfg, 0, &self->c, NULL));
	EXPECT_EQ(NULL, cpuid_find(&self->c, 0x8000001d, 0));
	EXPECT_EQ(NULL, cpuid_find(&self->c, 0x8000001e, 0));
	EXPECT_EQ(0, cpuid_find(&self->c, 0x80000001, 0)->ecx & 1 << 22);
}

TEST_F(cpuid, an_amd_host_can_pass_for_intel)
{
	struct kvm_cpuid_entry2 *e;

	cpuid_find(&self->c, 0, 0)->eax = 0x7;
	self->c.entries[2].eax = 0;	/* leaf 4, as AMD's KVM has it */
	self->cfg.vendor = MACHINE_VENDOR_INTEL;
	ASSERT_EQ(0, cpuid_fill(&self->cfg, 13, &self->c, NULL));
	e = cpuid_find(&self->c, 0, 0);
	EXPECT_EQ(0xb, e->eax);
	EXPECT_EQ(0, memcmp(&e->ebx, "Genu", 4));
	EXPECT_EQ(0, memcmp(&e->edx, "ineI", 4));
	EXPECT_EQ(0, memcmp(&e->ecx, "ntel", 4));
	EXPECT_EQ(0x0806f8, cpuid_find(&self->c, 1, 0)->eax);
	EXPECT_EQ(NULL, cpuid_find(&self->c, 0x8000001d, 0));
	EXPECT_EQ(NULL, cpuid_find(&self->c, 0x8000001e, 0));
	EXPECT_EQ(0, cpuid_find(&self->c, 0x80000001, 0)->ecx & 1 << 22);
	/* Four caches: L1 and L2 of a core's two threads, L3 of its LLC. */
	EXPECT_EQ(1, cpuid_find(&self->c, 4, 2)->eax >> 14 & 0xfff);
	EXPECT_EQ(3, cpuid_find(&self->c, 4, 3)->eax >> 5 & 7);
	EXPECT_EQ(7, cpuid_find(&self->c, 4, 3)->eax >> 14 & 0xfff);
	EXPECT_EQ(0, cpuid_find(&self->c, 4, 4)->eax & 0x1f);
	EXPECT_EQ(id_of(self, 13), cpuid_find(&self->c, 0xb, 0)->edx);
}

TEST_F(cpuid, an_intel_host_can_pass_for_amd)
{
	cpuid_find(&self->c, 0, 0)->ebx = 0x756e6547;
	cpuid_find(&self->c, 0x8000001d, 0)->eax = 0;
	self->cfg.vendor = MACHINE_VENDOR_AMD;
	ASSERT_EQ(0, cpuid_fill(&self->cfg, 13, &self->c, NULL));
	EXPECT_EQ(0, memcmp(&cpuid_find(&self->c, 0, 0)->ecx, "cAMD", 4));
	EXPECT_EQ(0xa20f12, cpuid_find(&self->c, 1, 0)->eax);
	EXPECT_NE(0, cpuid_find(&self->c, 0x80000001, 0)->ecx & 1 << 22);
	EXPECT_EQ(7, cpuid_find(&self->c, 0x8000001d, 3)->eax >> 14 & 0xfff);
	EXPECT_EQ(id_of(self, 13), cpuid_find(&self->c, 0x8000001e, 0)->eax);
}

TEST_F(cpuid, timing_leaf)
{
	struct kvm_cpuid_entry2 *e;

	ASSERT_EQ(0, cpuid_fill(&self->cfg, 0, &self->c, NULL));
	EXPECT_EQ(0x40000010, cpuid_find(&self->c, 0x40000000, 0)->eax);
	e = cpuid_find(&self->c, 0x40000010, 0);
	ASSERT_NE(NULL, e);
	EXPECT_EQ(2500000, e->eax);
}

TEST_F(cpuid, no_timing_leaf_without_a_frequency)
{
	self->cfg.tsc_khz = 0;
	ASSERT_EQ(0, cpuid_fill(&self->cfg, 0, &self->c, NULL));
	EXPECT_EQ(NULL, cpuid_find(&self->c, 0x40000010, 0));
	EXPECT_EQ(0x40000001, cpuid_find(&self->c, 0x40000000, 0)->eax);
}

TEST_F(cpuid, the_pmu_is_gone)
{
	ASSERT_EQ(0, cpuid_fill(&self->cfg, 0, &self->c, NULL));
	EXPECT_EQ(0, cpuid_find(&self->c, 0xa, 0)->eax);
}

TEST_F(cpuid, a_full_list_is_an_error)
{
	struct diag d = { 0 };

	while (self->c.head.nent < CPUID_MAX_ENTRIES)
		add(&self->c, 0x100 + self->c.head.nent, 0, false, 0, 0, 0, 0);
	EXPECT_EQ(-ENOSPC, cpuid_fill(&self->cfg, 0, &self->c, &d));
	diag_reset(&d);
}

TEST_HARNESS_MAIN
