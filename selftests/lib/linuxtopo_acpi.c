// SPDX-License-Identifier: GPL-2.0-only
/* What Linux makes of MADT, SRAT, SLIT, HMAT (ACPI 6.4, chapter 5) and e820. */
#include "selftests/lib/linuxtopo_priv.h"

#include <errno.h>
#include <string.h>

#include "vmm/base/buf.h"

#define TABLE_MAX 0x10000
/* The zero page, of Linux's boot protocol. */
#define ZERO_RSDP 0x70
#define ZERO_E820_ENTRIES 0x1e8
#define ZERO_E820 0x2d0

static u64 le(const void *p, unsigned int bytes)
{
	u64 v = 0;

	memcpy(&v, p, bytes);
	return v;
}

static u8 sum(const u8 *p, u64 len)
{
	u8 s = 0;

	while (len--)
		s += *p++;
	return s;
}

static u32 length(const u8 *table)
{
	return (u32)le(table + 4, 4);
}

static const u8 *table_at(const struct mem *mem, u64 gpa)
{
	const u8 *t = mem_ptr(mem, gpa, 36);

	if (!t || length(t) < 36 || length(t) > TABLE_MAX ||
	    !mem_ptr(mem, gpa, length(t)) || sum(t, length(t)))
		return NULL;
	return t;
}

int linuxtopo_find(const struct linuxtopo_machine *m,
		   struct linuxtopo_tables *t, struct buf *out)
{
	const u8 *zero = mem_ptr(m->mem, m->zero_page, 4096);
	const u8 *rsdp = zero ? mem_ptr(m->mem, le(zero + ZERO_RSDP, 8), 36) : NULL;
	const u8 *xsdt, *entry;
	u32 i;

	memset(t, 0, sizeof(*t));
	if (!rsdp || memcmp(rsdp, "RSD PTR ", 8) || sum(rsdp, 20) || sum(rsdp, 36))
		return linuxtopo_bad(out, "no RSDP where the zero page has it");
	xsdt = table_at(m->mem, le(rsdp + 24, 8));
	if (!xsdt || memcmp(xsdt, "XSDT", 4))
		return linuxtopo_bad(out, "no XSDT");
	for (i = 36; i + 8 <= length(xsdt); i += 8) {
		entry = table_at(m->mem, le(xsdt + i, 8));
		if (!entry)
			return linuxtopo_bad(out, "a table without its sum");
		if (!memcmp(entry, "APIC", 4))
			t->madt = entry;
		else if (!memcmp(entry, "SRAT", 4))
			t->srat = entry;
		else if (!memcmp(entry, "SLIT", 4))
			t->slit = entry;
		else if (!memcmp(entry, "HMAT", 4))
			t->hmat = entry;
	}
	return t->madt ? 0 : linuxtopo_bad(out, "no MADT");
}

/* The entry after @e in @table, the first one at @start; NULL at its end. */
static const u8 *next_entry(const u8 *table, u32 start, const u8 *e)
{
	const u8 *end = table + length(table);

	e = e ? e + e[1] : table + start;
	return end - e < 2 || e[1] < 2 || e[1] > end - e ? NULL : e;
}

int linuxtopo_madt(const struct linuxtopo_tables *t, struct linuxtopo_cpu *cpus,
		   struct buf *out)
{
	const u8 *e = NULL;
	int n = 0;

	while ((e = next_entry(t->madt, 44, e))) {
		if (e[0] || !(e[4] & 1))
			continue;
		if (n == LINUXTOPO_MAX)
			return linuxtopo_bad(out, "too many CPUs in the MADT");
		cpus[n++].apic_madt = e[3];
	}
	return n;
}

/* Numbers are given in the order in which the SRAT names domains. */
static u32 node_of(struct linuxtopo_tables *t, u32 pxm)
{
	u32 i;

	for (i = 0; i < t->nr_nodes; i++)
		if (t->pxm[i] == pxm)
			return i;
	if (t->nr_nodes == MACHINE_MAX_NODES)
		return UINT32_MAX;
	t->pxm[t->nr_nodes++] = pxm;
	return i;
}

static u32 cpu_domain(const u8 *e)
{
	return e[2] | (u32)le(e + 9, 3) << 8;
}

int linuxtopo_nodes(struct linuxtopo_tables *t, struct linuxtopo_cpu *cpus,
		    u32 nr_cpus, struct buf *out)
{
	const u8 *e = NULL;
	u32 placed = 0, i;

	t->nr_nodes = 0;
	if (!t->srat) {
		t->nr_nodes = 1;
		return 0;
	}
	while ((e = next_entry(t->srat, 48, e))) {
		if (e[0] == 1 && le(e + 28, 4) & 1)
			node_of(t, (u32)le(e + 2, 4));
		if (e[0] || !(le(e + 4, 4) & 1))
			continue;
		for (i = 0; i < nr_cpus && cpus[i].apic_madt != e[3]; i++)
			;
		if (i == nr_cpus)
			return linuxtopo_bad(out, "SRAT: no CPU %u", e[3]);
		cpus[i].node = node_of(t, cpu_domain(e));
		placed++;
	}
	return placed == nr_cpus ? 0 :
	       linuxtopo_bad(out, "SRAT: %u of %u CPUs", placed, nr_cpus);
}

/* Bytes of RAM in a range, as the memory map has it. */
static u64 ram(const struct linuxtopo_machine *m, u64 start, u64 size)
{
	const u8 *zero = mem_ptr(m->mem, m->zero_page, 4096);
	u64 all = 0;
	u32 i;

	for (i = 0; i < zero[ZERO_E820_ENTRIES]; i++) {
		const u8 *e = zero + ZERO_E820 + (size_t)20 * i;
		u64 from = max(le(e, 8), start);
		u64 to = min(le(e, 8) + le(e + 8, 8), start + size);

		if (le(e + 16, 4) == 1 && from < to)
			all += to - from;
	}
	return all;
}

static u64 node_ram(const struct linuxtopo_machine *m,
		    const struct linuxtopo_tables *t, u32 node)
{
	const u8 *e = NULL;
	u64 all = 0;

	if (!t->srat)
		return ram(m, 0, 1ULL << 46);
	while ((e = next_entry(t->srat, 48, e)))
		if (e[0] == 1 && le(e + 28, 4) & 1 &&
		    le(e + 2, 4) == t->pxm[node])
			all += ram(m, le(e + 8, 8), le(e + 16, 8));
	return all;
}

static void map_cpulist(const struct linuxtopo_cpu *cpus, u32 n, u32 node,
			struct buf *out)
{
	const char *sep = "";
	u32 i, last;

	for (i = 0; i < n; i++) {
		if (cpus[i].node != node)
			continue;
		for (last = i; last + 1 < n && cpus[last + 1].node == node; last++)
			;
		buf_printf(out, last > i ? "%s%u-%u" : "%s%u", sep, i, last);
		sep = ",";
		i = last;
	}
	if (!*sep)
		buf_puts(out, "none");
}

static u32 distance(const struct linuxtopo_tables *t, u32 from, u32 to)
{
	u32 n = t->slit ? (u32)le(t->slit + 36, 8) : 0;
	u32 a = t->pxm[from], b = t->pxm[to];

	return a < n && b < n && length(t->slit) >= 44 + n * n ?
		       t->slit[44 + a * n + b] : from == to ? 10 : 20;
}

/* HMAT's locality structure of a kind; NULL where it has none. */
static const u8 *locality(const struct linuxtopo_tables *t, u8 kind)
{
	const u8 *e = t->hmat + 40, *end = t->hmat + length(t->hmat);

	for (; e + 8 <= end && le(e + 4, 4); e += le(e + 4, 4))
		if (le(e, 2) == 1 && e[9] == kind)
			return e;
	return NULL;
}

/* In the unit of /sys (ns, MB/s); 0: not told. */
static u64 cell(const u8 *loc, u32 from, u32 to)
{
	u32 rows = (u32)le(loc + 12, 4), n = (u32)le(loc + 16, 4), i, j;
	const u8 *from_list = loc + 32, *to_list = from_list + (size_t)4 * rows;
	u64 v;

	for (i = 0; i < rows && le(from_list + (size_t)4 * i, 4) != from; i++)
		;
	for (j = 0; j < n && le(to_list + (size_t)4 * j, 4) != to; j++)
		;
	if (i == rows || j == n)
		return 0;
	v = le(to_list + (size_t)4 * n + (size_t)2 * (i * n + j), 2);
	if (v == 0xffff || !v)
		return 0;
	v *= le(loc + 24, 8);
	return loc[9] <= 2 ? (v + 999) / 1000 : v;	/* picoseconds */
}

/* The domain whose CPUs it belongs to; UINT32_MAX: it has none. */
static u32 initiator_of(const struct linuxtopo_tables *t, u32 pxm)
{
	const u8 *e = t->hmat + 40, *end = t->hmat + length(t->hmat);

	for (; e + 8 <= end && le(e + 4, 4); e += le(e + 4, 4))
		if (!le(e, 2) && le(e + 8, 2) & 1 && le(e + 16, 4) == pxm)
			return (u32)le(e + 12, 4);
	return UINT32_MAX;
}

/*
 * The best of the nodes with CPUs that are still candidates; the others are
 * none any more. So latency decides, bandwidth only among equals.
 */
static u64 best(const struct linuxtopo_tables *t, const u8 *loc, u32 node,
		u32 *candidates)
{
	u64 found = 0, v;
	u32 i;

	for (i = 0; i < t->nr_nodes; i++) {
		v = cell(loc, t->pxm[i], t->pxm[node]);
		if (*candidates & 1U << i && v &&
		    (!found || (loc[9] <= 2 ? v < found : v > found)))
			found = v;
	}
	for (i = 0; i < t->nr_nodes; i++)
		if (cell(loc, t->pxm[i], t->pxm[node]) != found)
			*candidates &= ~(1U << i);
	return found;
}

static void map_access(const struct linuxtopo_tables *t,
		       const struct linuxtopo_cpu *cpus, u32 nr_cpus,
		       struct buf *out)
{
	const u8 *latency = locality(t, 0), *bandwidth = locality(t, 3);
	u32 i, j;

	for (i = 0; latency && bandwidth && i < t->nr_nodes; i++) {
		u32 near = initiator_of(t, t->pxm[i]), candidates = 0;
		u64 ns, mb;

		for (j = 0; j < nr_cpus; j++)
			candidates |= 1U << cpus[j].node;
		if (near != UINT32_MAX) {
			ns = cell(latency, near, t->pxm[i]);
			mb = cell(bandwidth, near, t->pxm[i]);
		} else {
			ns = best(t, latency, i, &candidates);
			mb = best(t, bandwidth, i, &candidates);
		}
		buf_printf(out, "node %u latency %llu bandwidth %llu\n", i,
			   (unsigned long long)ns, (unsigned long long)mb);
	}
}

int linuxtopo_map_nodes(const struct linuxtopo_machine *m,
			const struct linuxtopo_tables *t,
			const struct linuxtopo_cpu *cpus, u32 nr_cpus,
			struct buf *out)
{
	u32 i, j;

	for (i = 0; i < t->nr_nodes; i++) {
		buf_printf(out, "node %u cpus ", i);
		map_cpulist(cpus, nr_cpus, i, out);
		/* What the firmware keeps is less than the step of 2 MiB. */
		buf_printf(out, " memory %lluM distance",
			   (unsigned long long)(round_up(node_ram(m, t, i),
							 (u64)MiB(2)) >> 20));
		for (j = 0; j < t->nr_nodes; j++)
			buf_printf(out, " %u", distance(t, i, j));
		buf_putc(out, '\n');
	}
	if (t->hmat)
		map_access(t, cpus, nr_cpus, out);
	return 0;
}
