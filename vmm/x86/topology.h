/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * topology: vCPU numbers and APIC ids. An id is, from the low bits on: thread,
 * core, LLC, node, each field wide enough for its count, as CPUID describes it.
 */
#ifndef VMTAP_VMM_X86_TOPOLOGY_H
#define VMTAP_VMM_X86_TOPOLOGY_H

#include "vmm/machine.h"

struct topology {
	u32 nodes, llcs, cores, threads;	/* each at least 1 */
	u32 memory_nodes;	/* further ones, without a CPU */
	u32 cpus;
	/* Bits below the core, LLC, node field of an APIC id. */
	u32 core_shift, llc_shift, node_shift;
};

/**
 * topology_init() - from what the user asked for
 * Return: 0; -EINVAL no CPU, more than 64, more than 16 nodes, or more APIC
 * ids than 255.
 */
int topology_init(struct topology *topo, const struct machine_topology *t,
		  struct diag *d);

/** topology_apic_id() - of vCPU @cpu; ids rise with the vCPU number */
u32 topology_apic_id(const struct topology *topo, u32 cpu);
/** topology_node() - the node of vCPU @cpu */
u32 topology_node(const struct topology *topo, u32 cpu);

/** topology_all_nodes() - nodes with CPUs and those after them without */
static inline u32 topology_all_nodes(const struct topology *topo)
{
	return topo->nodes + topo->memory_nodes;
}

#endif
