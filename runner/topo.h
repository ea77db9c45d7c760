/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * topo: the topology of a scenario, three ways: presets by name, what the
 * machine is built from, and what a guest of it must see.
 */
#ifndef VMTAP_RUNNER_TOPO_H
#define VMTAP_RUNNER_TOPO_H

#include "runner/scenario.h"

struct buf;
struct machine_topology;
struct value;

struct topo_preset {
	const char *name;
	struct scen_topology t;
	const char *doc;	/* a phrase for the manual */
};

/** topo_presets - of all sizes and shapes; a name of NULL ends them */
extern const struct topo_preset topo_presets[];
/** topo_preset_find() - NULL where there is none of that name */
const struct topo_preset *topo_preset_find(const char *name);

/** topo_to_machine() - @to starts zeroed; @from was judged */
void topo_to_machine(struct machine_topology *to,
		     const struct scen_topology *from);

/**
 * topo_map() - what the guest must see, a line for each CPU and node:
 *
 *   cpu 3 core 2 llc 0 package 0 node 0
 *   node 0 cpus 0-3 memory 256M distance 10 20
 *   node 0 latency 80 bandwidth 20000
 *
 * A core, LLC, package goes by its lowest CPU. The third kind of line stands
 * where the scenario has both tables: nanoseconds and MB/s from the node's own
 * CPUs, or from those of the node that is nearest by latency.
 */
void topo_map(const struct scen_vm *vm, struct buf *out);
/** topo_result() - the topology group of the result; NULL without memory */
struct value *topo_result(const struct scen_vm *vm);

#endif
