// SPDX-License-Identifier: GPL-2.0-only
/* vCPU numbering; see topology.h. */
#include "vmm/x86/topology.h"

#include <errno.h>

#include "vmm/base/diag.h"

static u32 bits_for(u32 count)
{
	return count > 1 ? 32 - __builtin_clz(count - 1) : 0;
}

u32 machine_cpus(const struct machine_topology *t)
{
	u32 dims[] = { t->nodes, t->llcs, t->cores, t->threads };
	u32 n = 1, i;

	for (i = 0; i < ARRAY_SIZE(dims); i++) {
		u32 dim = dims[i] ? dims[i] : 1;

		if (dim > MACHINE_MAX_CPUS || n * dim > MACHINE_MAX_CPUS)
			return 0;
		n *= dim;
	}
	if (t->memory_nodes >= MACHINE_MAX_NODES ||
	    max(t->nodes, 1U) + t->memory_nodes > MACHINE_MAX_NODES)
		return 0;
	return n;
}

int topology_init(struct topology *topo, const struct machine_topology *t,
		  struct diag *d)
{
	u32 cpus = machine_cpus(t);
	struct topology res;

	if (!cpus)
		return diag_fail(d, -EINVAL, NULL,
				 "topology of %u nodes, %u LLCs, %u cores, %u threads: more than %u CPUs or %u nodes",
				 t->nodes, t->llcs, t->cores, t->threads,
				 MACHINE_MAX_CPUS, MACHINE_MAX_NODES);
	res = (struct topology){
		.nodes = max(t->nodes, 1U), .llcs = max(t->llcs, 1U),
		.cores = max(t->cores, 1U), .threads = max(t->threads, 1U),
		.memory_nodes = t->memory_nodes,
		.cpus = cpus,
	};
	res.core_shift = bits_for(res.threads);
	res.llc_shift = res.core_shift + bits_for(res.cores);
	res.node_shift = res.llc_shift + bits_for(res.llcs);
	/* 255 is the broadcast id while APICs are not in x2APIC mode. */
	if (topology_apic_id(&res, cpus - 1) >= 255)
		return diag_fail(d, -EINVAL, NULL,
				 "topology of %u nodes, %u LLCs, %u cores, %u threads needs APIC ids beyond 254",
				 res.nodes, res.llcs, res.cores, res.threads);
	*topo = res;
	return 0;
}

u32 topology_apic_id(const struct topology *topo, u32 cpu)
{
	u32 thread = cpu % topo->threads;
	u32 core = cpu / topo->threads % topo->cores;
	u32 llc = cpu / topo->threads / topo->cores % topo->llcs;

	return thread | core << topo->core_shift | llc << topo->llc_shift |
	       topology_node(topo, cpu) << topo->node_shift;
}

u32 topology_node(const struct topology *topo, u32 cpu)
{
	return cpu / topo->threads / topo->cores / topo->llcs;
}
