// SPDX-License-Identifier: GPL-2.0-only
/*
 * Typed paths, BPF maps, programs and task lists of a guest whose kernel's
 * structures the input wrote: pointers into RAM, out of it and in circles.
 * The path is the input's too.
 */
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>

#include "freeze/bpfmap.h"
#include "freeze/bpfwrite.h"
#include "freeze/kpath.h"
#include "freeze/sched.h"
#include "freeze/tasks.h"
#include "runner/reads.h"
#include "runner/value.h"
#include "selftests/lib/kguest.h"
#include "vmm/base/diag.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t len);

#define AREA 40960		/* the rest of the 64 KiB that pointers lead to */
#define MAX_PATH 128

static u64 word(const u8 *data, size_t len, size_t at)
{
	u64 v = 0, how;

	memcpy(&v, data + at % len, min(len - at % len, sizeof(v)));
	how = v & 15;
	/* Mostly small numbers and pointers that lead somewhere. */
	if (how < 8)
		return KGUEST_VIRT + ((v >> 4) & 0xfff8) + (how == 7 ? 2 : 0);
	return how < 12 ? (v >> 4) & 0xffff : v;
}

/*
 * One guest for all runs: its symbols and types are no input. What a run wrote
 * may have hit anything, its page tables too.
 */
static struct kguest *make_guest(bool fresh_ram, gva_t *area)
{
	static struct kguest g;
	static gva_t at;
	static const char *const symbols[] = {
		"map_idr", "prog_idr", "init_task", "nr_cpu_ids",
		"__per_cpu_offset", "__per_cpu_start", "runqueues",
		"__per_cpu_end", "current_task",
	};
	static u8 *fresh;
	size_t i;

	if (!fresh) {
		kguest_init(&g);
		at = kguest_alloc(&g, AREA, 4096);
		BUG_ON(at + AREA > KGUEST_VIRT + 65536);
		for (i = 0; i < ARRAY_SIZE(symbols); i++)
			kguest_symbol(&g, symbols[i], at + i * 256);
		kguest_ready(&g);
		fresh = malloc(KGUEST_SIZE);
		memcpy(fresh, g.ram, KGUEST_SIZE);
	}
	if (fresh_ram)
		memcpy(g.ram, fresh, KGUEST_SIZE);
	*area = at;
	return &g;
}

static void lay_out(struct kguest *g, gva_t area, const u8 *data, size_t len)
{
	u64 *to = kguest_ptr(g, area);
	size_t i;

	for (i = 0; i < AREA / sizeof(*to); i++)
		to[i] = word(data, len, i * 24);
}

static int nothing(const struct kread *k, const void *key, gva_t value,
		   void *arg)
{
	(void)k;
	(void)key;
	(void)value;
	(void)arg;
	return 0;
}

/* True where it wrote into the guest. */
static bool look_at(const struct kread *k, const struct bpfmap *m)
{
	struct diag d = { 0 };
	struct ktype *kt;
	u64 key = 1;
	bool wrote;
	gva_t at;

	bpfmap_array_addr(k, m, 1, 1, &at);
	bpfmap_hash_walk(k, m, 1000, nothing, NULL);
	if (m->key_size <= sizeof(key))
		bpfmap_hash_addr(k, m, &key, 0, &at);
	bpfmap_task_addr(k, m, 1, &at);
	bpfmap_used(k, m, NULL);
	if (!bpfmap_types(k, m, &kt, &d))
		ktype_close(kt);
	wrote = !bpfwrite_field(k, m, "a.b", 1, &d);
	diag_reset(&d);
	wrote |= !bpfwrite_bytes(k, m, 0, 0, &key, sizeof(key), &d);
	diag_reset(&d);
	return wrote;
}

static void sample(const struct kread *k)
{
	struct sched_domain_info domains[SCHED_MAX_DOMAINS];
	struct sched_cpu cpu;
	struct sched s;
	unsigned int i;

	if (sched_init(&s, k, NULL))
		return;
	for (i = 0; i < 3; i++) {
		sched_cpu_read(&s, i, &cpu);
		sched_domains(&s, i, domains, ARRAY_SIZE(domains));
	}
	sched_schedstats_enabled(&s);
	sched_deinit(&s);
}

static bool walk_all(const struct kread *k)
{
	struct bpfprog *progs;
	struct bpfmap *maps;
	struct tasks tasks;
	bool wrote = false;
	size_t nr, i;
	gva_t at;

	if (!bpfmap_list(k, &maps, &nr, NULL)) {
		for (i = 0; i < min(nr, (size_t)4); i++)
			wrote |= look_at(k, &maps[i]);
		free(maps);
	}
	if (!bpfprog_list(k, &progs, &nr, NULL))
		free(progs);
	if (!tasks_read(k, &tasks, NULL))
		tasks_reset(&tasks);
	tasks_current(k, 0, &at);
	sample(k);
	return wrote;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t len)
{
	static bool wrote;
	char path[MAX_PATH + 1] = "";
	struct diag d = { 0 };
	struct kguest *g;
	gva_t area;
	size_t n;

	if (len < 8)
		return 0;
	n = min(min(len - 1, (size_t)data[0]), (size_t)MAX_PATH);
	memcpy(path, data + 1, n);
	g = make_guest(wrote, &area);
	lay_out(g, area, data, len);
	kpath_check(g->sym, g->types, path, &d);
	value_free(reads_path(&g->k, path));
	value_free(reads_path(&g->k, "init_task.tasks.next"));
	value_free(reads_path(&g->k, "runqueues[cpu=0].curr.x"));
	value_free(reads_path(&g->k, "map(\"s\")[1]"));
	wrote = walk_all(&g->k);
	diag_reset(&d);
	return 0;
}
