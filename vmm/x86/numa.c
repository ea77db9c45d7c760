// SPDX-License-Identifier: GPL-2.0-only
/* The nodes of a machine; see numa.h. */
#include "vmm/x86/numa.h"

#include <errno.h>

#include "vmm/base/diag.h"
#include "vmm/mem.h"

static u32 all_nodes(const struct machine_topology *t)
{
	return max(t->nodes, 1U) + t->memory_nodes;
}

static u64 chosen_memory(const struct machine_topology *t)
{
	u64 sum = 0;
	u32 node;

	for (node = 0; node < all_nodes(t); node++)
		sum += t->node_memory[node];
	return sum;
}

u64 machine_node_memory(const struct machine_topology *t, u64 memory, u32 node)
{
	u32 n = all_nodes(t);
	u64 share = round_down(memory / n, MiB(2));

	if (n > 1 && chosen_memory(t))
		return t->node_memory[node];
	return node == n - 1 ? memory - share * (n - 1) : share;
}

static void add_ranges(const struct mem *mem, u32 node, u64 off, u64 size,
		       struct acpi_cfg *acpi)
{
	unsigned int i;

	for (i = 0; i < mem->nr_regions && size; i++) {
		const struct mem_region *r = &mem->regions[i];
		u64 n;

		if (off >= r->size) {
			off -= r->size;
			continue;
		}
		n = min(size, r->size - off);
		acpi->memory[acpi->nr_memory++] = (struct acpi_memory){
			.base = r->gpa + off, .size = n, .node = node,
		};
		off = 0;
		size -= n;
	}
}

static bool any_cell(const u32 cells[MACHINE_MAX_NODES][MACHINE_MAX_NODES])
{
	u32 i, j;

	for (i = 0; i < MACHINE_MAX_NODES; i++)
		for (j = 0; j < MACHINE_MAX_NODES; j++)
			if (cells[i][j])
				return true;
	return false;
}

int numa_describe(const struct mem *mem, const struct topology *topo,
		  const struct machine_topology *t, struct acpi_cfg *acpi,
		  struct diag *d)
{
	u32 n = topology_all_nodes(topo), i, j;
	u64 sum = n > 1 ? chosen_memory(t) : 0, off = 0;

	if (sum && sum != mem->size)
		return diag_fail(d, -EINVAL, NULL,
				 "the nodes' memory adds up to %llu bytes, the machine has %llu",
				 (unsigned long long)sum,
				 (unsigned long long)mem->size);
	for (i = 0; i < n; i++) {
		u64 size = machine_node_memory(t, mem->size, i);

		if (!size)
			return diag_fail(d, -EINVAL, NULL,
					 "node %u is left without memory", i);
		add_ranges(mem, i, off, size, acpi);
		off += size;
		for (j = 0; j < n; j++)
			acpi->distance[i][j] =
				t->distance[i][j] ? t->distance[i][j] :
				i == j ? 10 : 20;
	}
	if (any_cell(t->latency_ns))
		acpi->latency_ns = t->latency_ns[0];
	if (any_cell(t->bandwidth_mb))
		acpi->bandwidth_mb = t->bandwidth_mb[0];
	return 0;
}
