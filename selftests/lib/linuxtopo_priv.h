/* SPDX-License-Identifier: GPL-2.0-only */
/* linuxtopo_priv: what the CPUID and the ACPI half of linuxtopo share. */
#ifndef VMTAP_SELFTESTS_LINUXTOPO_PRIV_H
#define VMTAP_SELFTESTS_LINUXTOPO_PRIV_H

#include "selftests/lib/linuxtopo.h"

struct linuxtopo_cpu {
	const struct cpuid *cpuid;
	u32 apic_madt;		/* the MADT's, and what CPUID says */
	u32 apic_leaf;
	bool amd;
	u32 family, model, max_leaf, max_ext;
	u32 threads;		/* in a core */
	u32 smt_shift, die_shift, pkg_shift;
	u32 core_id, die_id, package_id, llc, amd_node;
	u32 node;
	u32 first_llc;		/* the lowest CPU behind the same L3 */
};

/* Tables; NULL where there is none. */
struct linuxtopo_tables {
	const u8 *madt, *srat, *slit, *hmat;
	u32 pxm[MACHINE_MAX_NODES];	/* of each node */
	u32 nr_nodes;
};

/** linuxtopo_bad() - @out becomes the sentence; Return: -EINVAL */
__attribute__((format(printf, 2, 3)))
int linuxtopo_bad(struct buf *out, const char *fmt, ...);

/** linuxtopo_find() - the tables, as the zero page's RSDP leads to them */
int linuxtopo_find(const struct linuxtopo_machine *m,
		   struct linuxtopo_tables *t, struct buf *out);
/** linuxtopo_madt() - APIC ids in the order of CPU numbers; how many, < 0 */
int linuxtopo_madt(const struct linuxtopo_tables *t, struct linuxtopo_cpu *cpus,
		   struct buf *out);
/** linuxtopo_nodes() - number the nodes, and put CPUs into them */
int linuxtopo_nodes(struct linuxtopo_tables *t, struct linuxtopo_cpu *cpus,
		    u32 nr_cpus, struct buf *out);
/** linuxtopo_map_nodes() - append their lines */
int linuxtopo_map_nodes(const struct linuxtopo_machine *m,
			const struct linuxtopo_tables *t,
			const struct linuxtopo_cpu *cpus, u32 nr_cpus,
			struct buf *out);
/** linuxtopo_cpu() - its ids; cpuid and apic_madt are set */
int linuxtopo_cpu(struct linuxtopo_cpu *c, enum linuxtopo_rules rules,
		  struct buf *out);

#endif
