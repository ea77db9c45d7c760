// SPDX-License-Identifier: GPL-2.0-only
/* Topologies; see topo.h. */
#include "runner/topo.h"

#include "runner/value.h"
#include "vmm/base/buf.h"
#include "vmm/machine.h"

static void copy_cells(u32 (*to)[MACHINE_MAX_NODES],
		       const struct num_table *from, size_t n)
{
	size_t i;

	for (i = 0; i < from->n && from->n == n * n; i++)
		to[i / n][i % n] = (u32)from->cells[i];
}

void topo_to_machine(struct machine_topology *to,
		     const struct scen_topology *from)
{
	size_t n = from->nodes + from->memory_nodes, i;

	_Static_assert(SCEN_MAX_NODES <= MACHINE_MAX_NODES, "tables fit");
	to->nodes = from->nodes;
	to->llcs = from->llcs / from->nodes;
	to->cores = from->cores;
	to->threads = from->threads;
	to->memory_nodes = from->memory_nodes;
	for (i = 0; i < from->memory.n && i < n; i++)
		to->node_memory[i] = from->memory.items[i];
	for (i = 0; i < from->distances.n && from->distances.n == n * n; i++)
		to->distance[i / n][i % n] = (u8)from->distances.cells[i];
	copy_cells(to->latency_ns, &from->latency_ns, n);
	copy_cells(to->bandwidth_mb, &from->bandwidth_mb, n);
}

static void map_cpus(const struct scen_topology *t, struct buf *out)
{
	u32 cpus = topology_cpus(t), per_llc = t->cores * t->threads;
	u32 per_node = cpus / t->nodes, i;

	for (i = 0; i < cpus; i++)
		buf_printf(out, "cpu %u core %u llc %u package %u node %u\n", i,
			   round_down(i, t->threads), round_down(i, per_llc),
			   round_down(i, per_node), i / per_node);
}

static void map_node(const struct scen_vm *vm,
		     const struct machine_topology *mt, u32 node,
		     struct buf *out)
{
	const struct scen_topology *t = &vm->cpus;
	u32 n = t->nodes + t->memory_nodes, j;
	u32 per_node = topology_cpus(t) / t->nodes;
	u64 memory = machine_node_memory(mt, vm->memory, node);

	buf_printf(out, "node %u cpus ", node);
	if (node >= t->nodes)
		buf_puts(out, "none");
	else if (per_node == 1)
		buf_printf(out, "%u", node);
	else
		buf_printf(out, "%u-%u", node * per_node,
			   (node + 1) * per_node - 1);
	buf_printf(out, " memory %lluM distance",
		   (unsigned long long)(memory >> 20));
	for (j = 0; j < n; j++)
		buf_printf(out, " %u", mt->distance[node][j] ?
			   mt->distance[node][j] : node == j ? 10 : 20);
	buf_putc(out, '\n');
}

/*
 * From its own CPUs. Memory without any is seen from the node of the least
 * latency, and of several such from that of the most bandwidth, as Linux does.
 */
static void map_access(const struct scen_topology *t,
		       const struct machine_topology *mt, u32 node,
		       struct buf *out)
{
	u32 near = node < t->nodes ? node : 0, i;

	for (i = 1; i < t->nodes && node >= t->nodes; i++) {
		u32 latency = mt->latency_ns[i][node];
		u32 least = mt->latency_ns[near][node];

		if (latency < least ||
		    (latency == least && mt->bandwidth_mb[i][node] >
						 mt->bandwidth_mb[near][node]))
			near = i;
	}
	buf_printf(out, "node %u latency %u bandwidth %u\n", node,
		   mt->latency_ns[near][node], mt->bandwidth_mb[near][node]);
}

void topo_map(const struct scen_vm *vm, struct buf *out)
{
	const struct scen_topology *t = &vm->cpus;
	struct machine_topology mt = { 0 };
	u32 n = t->nodes + t->memory_nodes, i;

	topo_to_machine(&mt, t);
	map_cpus(t, out);
	for (i = 0; i < n; i++)
		map_node(vm, &mt, i, out);
	for (i = 0; i < n && t->latency_ns.n && t->bandwidth_mb.n; i++)
		map_access(t, &mt, i, out);
}

struct value *topo_result(const struct scen_vm *vm)
{
	const struct scen_topology *t = &vm->cpus;
	struct value *v = value_map();
	struct buf map = { 0 };

	topo_map(vm, &map);
	value_set(v, "cpus", value_int(topology_cpus(t)));
	value_set(v, "nodes", value_int(t->nodes));
	value_set(v, "memory_nodes", value_int(t->memory_nodes));
	value_set(v, "llcs", value_int(t->llcs));
	value_set(v, "cores", value_int(t->cores * t->llcs));
	value_set(v, "threads", value_int(t->threads));
	value_set(v, "map", value_bytes(map.data, map.len));
	buf_reset(&map);
	return v;
}
