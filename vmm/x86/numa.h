/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * numa: which RAM belongs to which node, and how far nodes are from another,
 * as the ACPI tables tell it. Nodes take RAM in order of address.
 */
#ifndef VMTAP_VMM_X86_NUMA_H
#define VMTAP_VMM_X86_NUMA_H

#include "vmm/x86/acpi.h"

struct mem;

/**
 * numa_describe() - fill memory ranges, distances, latencies, bandwidths
 * @topo: of @t; both are borrowed for the life of @acpi
 *
 * A share that meets the hole below 4 GiB becomes two ranges.
 * Return: 0; -EINVAL where the shares are not the machine's memory, or one is
 * empty.
 */
int numa_describe(const struct mem *mem, const struct topology *topo,
		  const struct machine_topology *t, struct acpi_cfg *acpi,
		  struct diag *d);

#endif
