// SPDX-License-Identifier: GPL-2.0-only
/* wl_topo: the guest's topology as sysfs tells it, and sets of its CPUs. */
#include "tools/guest/wl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CPU_DIR "/sys/devices/system/cpu"
#define NODE_DIR "/sys/devices/system/node"

bool wl_list_parse(const char *list, uint64_t *mask)
{
	uint64_t m = 0;

	while (*list && *list != '\n') {
		char *end;
		unsigned long a = strtoul(list, &end, 10), b = a;

		if (end == list)
			return false;
		if (*end == '-') {
			list = end + 1;
			b = strtoul(list, &end, 10);
			if (end == list)
				return false;
		}
		if (b < a || b >= WL_MAX_CPUS)
			return false;
		for (; a <= b; a++)
			m |= 1ull << a;
		if (*end && *end != ',' && *end != '\n')
			return false;
		list = *end == ',' ? end + 1 : end;
	}
	*mask = m;
	return true;
}

const char *wl_list_print(uint64_t mask, char *out, size_t len)
{
	size_t n = 0;

	out[0] = 0;
	for (int i = 0; i < WL_MAX_CPUS && n < len; i++) {
		int from = i;

		if (!(mask >> i & 1))
			continue;
		while (i + 1 < WL_MAX_CPUS && mask >> (i + 1) & 1)
			i++;
		n += (size_t)snprintf(out + n, len - n, from == i ? "%s%d" : "%s%d-%d",
				      n ? "," : "", from, i);
	}
	return out;
}

static bool read_list(const char *path, uint64_t *mask)
{
	FILE *f = fopen(path, "re");
	char text[512];
	bool ok;

	if (!f)
		return false;
	ok = fgets(text, sizeof(text), f) && wl_list_parse(text, mask);
	fclose(f);
	return ok;
}

/* CPUs that share the last-level cache of @cpu; without one, its package. */
static uint64_t llc_of(int cpu, uint64_t online)
{
	char path[128];
	uint64_t mask;

	for (int index = 8; index >= 0; index--) {
		snprintf(path, sizeof(path),
			 CPU_DIR "/cpu%d/cache/index%d/shared_cpu_list", cpu, index);
		if (read_list(path, &mask) && index >= 2)
			return mask & online;
	}
	snprintf(path, sizeof(path), CPU_DIR "/cpu%d/topology/package_cpus_list",
		 cpu);
	return read_list(path, &mask) ? mask & online : online;
}

void wl_topo_read(struct wl_topo *topo)
{
	uint64_t done = 0, mask;
	char path[128];

	*topo = (struct wl_topo){ .cpus = 1 };
	if (read_list(CPU_DIR "/online", &mask) && mask)
		topo->cpus = mask;
	for (int i = 0; i < WL_MAX_CPUS; i++) {
		if (!((topo->cpus & ~done) >> i & 1))
			continue;
		mask = llc_of(i, topo->cpus) | 1ull << i;
		topo->llcs[topo->nr_llcs++] = mask;
		done |= mask;
	}
	for (unsigned int i = 0; i < WL_MAX_NODES; i++) {
		snprintf(path, sizeof(path), NODE_DIR "/node%u/cpulist", i);
		if (!read_list(path, &mask))
			continue;
		topo->nodes[i] = mask & topo->cpus;
		topo->nr_nodes = i + 1;
	}
	if (!topo->nr_nodes) {
		topo->nodes[0] = topo->cpus;
		topo->nr_nodes = 1;
	}
}

/* The online CPUs number @lo to below @hi, counted in order. */
static uint64_t slice(uint64_t cpus, unsigned int lo, unsigned int hi)
{
	unsigned int nr = 0;
	uint64_t mask = 0;

	for (int i = 0; i < WL_MAX_CPUS; i++) {
		if (!(cpus >> i & 1))
			continue;
		if (nr >= lo && nr < hi)
			mask |= 1ull << i;
		nr++;
	}
	return mask;
}

static unsigned int part_end(const struct wl_set *s, unsigned int nr,
			     unsigned int lo, unsigned int hi)
{
	unsigned int more;

	if (s->kind != CPU_SET_OVERLAP || hi == nr)
		return hi;
	more = (unsigned int)((double)(hi - lo) * s->overlap + 0.999);
	return hi + more < nr ? hi + more : nr;
}

const char *wl_set_resolve(const struct wl_topo *topo, const struct wl_set *s,
			   uint64_t *mask)
{
	unsigned int nr = (unsigned int)__builtin_popcountll(topo->cpus);
	unsigned int lo, hi;
	uint64_t m = 0;

	switch (s->kind) {
	case CPU_SET_INHERIT:
		return NULL;
	case CPU_SET_EXACT:
		if (!wl_list_parse(s->list, &m) || !m || m & ~topo->cpus)
			return "the guest has not all of these CPUs";
		break;
	case CPU_SET_LLC:
		if (s->index >= topo->nr_llcs)
			return "the guest has fewer LLCs";
		m = topo->llcs[s->index];
		break;
	case CPU_SET_NODE:
		if (s->index >= topo->nr_nodes || !topo->nodes[s->index])
			return "the guest has no such node, or none with CPUs";
		m = topo->nodes[s->index];
		break;
	case CPU_SET_RANGE:
		lo = (unsigned int)(s->from * nr + 0.5);
		hi = (unsigned int)(s->to * nr + 0.5);
		m = slice(topo->cpus, lo, hi);
		break;
	case CPU_SET_DISJOINT:
	case CPU_SET_OVERLAP:
		lo = s->of ? s->index * nr / s->of : 0;
		hi = s->of ? (s->index + 1) * nr / s->of : 0;
		m = hi > lo ? slice(topo->cpus, lo, part_end(s, nr, lo, hi)) : 0;
		break;
	}
	if (!m)
		return "the guest has too few CPUs: the part is empty";
	*mask = m;
	return NULL;
}
