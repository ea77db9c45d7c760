/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * linuxtopo: what Linux makes of a machine's CPUID leaves, ACPI tables and
 * memory map, by the rules that its sources follow: those of 6.1, and those of
 * the rewrite in 6.9. It shares no code with what writes the leaves.
 */
#ifndef VMTAP_SELFTESTS_LINUXTOPO_H
#define VMTAP_SELFTESTS_LINUXTOPO_H

#include "vmm/mem.h"
#include "vmm/x86/cpuid.h"

struct buf;

#define LINUXTOPO_MAX 64

enum linuxtopo_rules { LINUXTOPO_6_1, LINUXTOPO_6_9 };

struct linuxtopo_machine {
	const struct mem *mem;
	gpa_t zero_page;
	/* What the vCPU with this APIC id answers; NULL: there is none. */
	const struct cpuid *cpuid[256];
};

/**
 * linuxtopo_map() - the guest's view, in the words of topo_map()
 * @out: the view; after an error a sentence about it
 *
 * Return: 0, or -EINVAL where a kernel would complain: of tables without their
 * sum, of APIC ids that differ, of caches that threads of one core don't share.
 */
int linuxtopo_map(const struct linuxtopo_machine *m,
		  enum linuxtopo_rules rules, struct buf *out);

#endif
