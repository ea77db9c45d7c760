// SPDX-License-Identifier: GPL-2.0-only
/* Topologies by name; see topo.h. */
#include <string.h>

#include "runner/topo.h"

#define TABLE(cells) { cells, ARRAY_SIZE(cells) }

static const u64 far[] = { 10, 31, 31, 10 };
static const u64 ring[] = {
	10, 16, 22, 16,
	16, 10, 16, 22,
	22, 16, 10, 16,
	16, 22, 16, 10,
};

/* The last node has no CPU. */
static const u64 tiered[] = { 10, 24, 24, 10 };
static const u64 tiered_ns[] = { 80, 240, 240, 240 };
static const u64 tiered_mb[] = { 100000, 20000, 20000, 20000 };

/* The last two have none; each is nearer to one of the others. */
static const u64 tiered2[] = {
	10, 20, 24, 32,
	20, 10, 32, 24,
	24, 32, 10, 40,
	32, 24, 40, 10,
};
static const u64 tiered2_ns[] = {
	80, 140, 240, 320,
	140, 80, 320, 240,
	240, 320, 240, 400,
	320, 240, 400, 240,
};
static const u64 tiered2_mb[] = {
	60000, 30000, 20000, 10000,
	30000, 60000, 10000, 20000,
	20000, 10000, 20000, 8000,
	10000, 20000, 8000, 20000,
};

#define SHAPE(n, l, c, t) .nodes = (n), .llcs = (l), .cores = (c), .threads = (t)

const struct topo_preset topo_presets[] = {
	{ "one", { SHAPE(1, 1, 1, 1) },
	  "one CPU" },
	{ "pair", { SHAPE(1, 1, 2, 1) },
	  "two cores" },
	{ "smt-pair", { SHAPE(1, 1, 1, 2) },
	  "one core of two threads" },
	{ "quad", { SHAPE(1, 1, 4, 1) },
	  "four cores" },
	{ "quad-smt", { SHAPE(1, 1, 2, 2) },
	  "two cores of two threads" },
	{ "tiny-2llc", { SHAPE(1, 2, 2, 1) },
	  "2 LLCs of 2 cores" },
	{ "smt-2llc", { SHAPE(1, 2, 2, 2) },
	  "2 LLCs of 2 cores of two threads" },
	{ "odd-3llc", { SHAPE(1, 3, 3, 1) },
	  "3 LLCs of 3 cores" },
	{ "smt-3llc", { SHAPE(1, 3, 2, 2) },
	  "3 LLCs of 2 cores of two threads" },
	{ "odd-5llc", { SHAPE(1, 5, 3, 1) },
	  "5 LLCs of 3 cores" },
	{ "odd-7llc", { SHAPE(1, 7, 1, 2) },
	  "7 LLCs of 1 core of two threads" },
	{ "wide", { SHAPE(1, 1, 16, 1) },
	  "16 cores behind one cache" },
	{ "wide-smt", { SHAPE(1, 1, 16, 2) },
	  "16 cores of two threads behind one cache" },
	{ "medium-4llc", { SHAPE(1, 4, 4, 1) },
	  "4 LLCs of 4 cores" },
	{ "medium-8llc", { SHAPE(1, 8, 2, 2) },
	  "8 LLCs of 2 cores of two threads" },
	{ "large-4llc", { SHAPE(1, 4, 8, 2) },
	  "4 LLCs of 8 cores of two threads" },
	{ "large-8llc", { SHAPE(1, 8, 8, 1) },
	  "8 LLCs of 8 cores" },
	{ "large-16llc", { SHAPE(1, 16, 2, 2) },
	  "16 LLCs of 2 cores of two threads" },
	{ "numa-2", { SHAPE(2, 2, 1, 1) },
	  "2 nodes, 2 LLCs of 1 core" },
	{ "numa-2-smt", { SHAPE(2, 2, 2, 2) },
	  "2 nodes, 2 LLCs of 2 cores of two threads" },
	{ "numa-2-4llc", { SHAPE(2, 4, 2, 1) },
	  "2 nodes, 4 LLCs of 2 cores" },
	{ "numa-2-far", { SHAPE(2, 2, 2, 1), .distances = TABLE(far) },
	  "two nodes, 31 apart" },
	{ "numa-3", { SHAPE(3, 3, 2, 1) },
	  "3 nodes, 3 LLCs of 2 cores" },
	{ "numa-4-ring", { SHAPE(4, 4, 2, 1), .distances = TABLE(ring) },
	  "four nodes in a ring" },
	{ "numa-4-8llc", { SHAPE(4, 8, 2, 2) },
	  "4 nodes, 8 LLCs of 2 cores of two threads" },
	{ "numa-8", { SHAPE(8, 8, 4, 2) },
	  "8 nodes, 8 LLCs of 4 cores of two threads" },
	{ "numa-16", { SHAPE(16, 16, 1, 1) },
	  "16 nodes, 16 LLCs of 1 core" },
	{ "tiered", { SHAPE(1, 1, 2, 1), .memory_nodes = 1, .distances = TABLE(tiered),
	  .latency_ns = TABLE(tiered_ns), .bandwidth_mb = TABLE(tiered_mb) },
	  "one node with CPUs, slower memory without (HMAT)" },
	{ "tiered-2", { SHAPE(2, 2, 2, 1), .memory_nodes = 2, .distances = TABLE(tiered2),
	  .latency_ns = TABLE(tiered2_ns), .bandwidth_mb = TABLE(tiered2_mb) },
	  "two nodes with CPUs, two without (HMAT)" },
	{ 0 },
};

const struct topo_preset *topo_preset_find(const char *name)
{
	const struct topo_preset *p;

	for (p = topo_presets; p->name; p++)
		if (!strcmp(p->name, name))
			return p;
	return NULL;
}
