// SPDX-License-Identifier: GPL-2.0-only
/* A make-believe guest kernel; see kguest.h. */
#include "selftests/lib/kguest.h"

#include <string.h>

#include <bpf/btf.h>

#include "vmm/base/diag.h"

static u64 take(struct kguest *g, u64 size, u64 align)
{
	u64 at = round_up(g->next, align);

	BUG_ON(at + size > KGUEST_SIZE);
	g->next = at + size;
	return at;
}

static u64 *entry_of(struct kguest *g, gpa_t table, u64 index)
{
	return (u64 *)(g->ram + table) + index;
}

void kguest_map(struct kguest *g, gpa_t root, unsigned int levels, gva_t gva,
		gpa_t gpa, u64 size)
{
	unsigned int level = levels, last = 1;
	gpa_t table = root;

	if (size == MiB(2))
		last = 2;
	else if (size == GiB(1))
		last = 3;
	for (; level > last; level--) {
		u64 *e = entry_of(g, table, gva >> (12 + 9 * (level - 1)) & 511);

		if (!*e)
			*e = take(g, 4096, 4096) | 3;
		table = *e & ~0xfffULL;
	}
	*entry_of(g, table, gva >> (12 + 9 * (last - 1)) & 511) =
		gpa | 3 | (last > 1 ? 0x80 : 0) | 1ULL << 63;
}

void kguest_init(struct kguest *g)
{
	u64 at;

	memset(g, 0, sizeof(*g));
	g->ram = calloc(1, KGUEST_SIZE);
	BUG_ON(!g->ram);
	mem_from_buffer(&g->mem, 0, g->ram, KGUEST_SIZE);
	g->next = 4096;
	g->root = take(g, 4096, 4096);
	for (at = 0; at < KGUEST_SIZE; at += 4096)
		kguest_map(g, g->root, 4, KGUEST_VIRT + at, at, 4096);
	kguest_symbol(g, "_text", KGUEST_VIRT);
}

void kguest_free(struct kguest *g)
{
	ksym_close(g->sym);
	ktype_close(g->types);
	free(g->ram);
}

gva_t kguest_alloc(struct kguest *g, u64 size, u64 align)
{
	return KGUEST_VIRT + take(g, size, align);
}

void *kguest_ptr(struct kguest *g, gva_t gva)
{
	BUG_ON(gva < KGUEST_VIRT || gva >= KGUEST_VIRT + KGUEST_SIZE);
	return g->ram + (gva - KGUEST_VIRT);
}

void kguest_put(struct kguest *g, gva_t gva, u64 value, size_t size)
{
	memcpy(kguest_ptr(g, gva), &value, size);
}

void kguest_symbol(struct kguest *g, const char *name, gva_t gva)
{
	BUG_ON(g->nr_syms == KGUEST_MAX_SYMS);
	g->syms[g->nr_syms++] = (struct ksym_entry){ gva, name, 'D' };
}

void kguest_ready(struct kguest *g)
{
	struct diag d = { 0 };
	void *btf;
	u32 len;

	btf = kguest_btf(&len);
	BUG_ON(ktype_open_data(btf, len, NULL, &g->types, &d));
	free(btf);
	BUG_ON(ksym_from_entries(g->syms, g->nr_syms, &g->sym, &d));
	BUG_ON(kread_init(&g->k, &g->mem, g->root, false, g->sym, g->types, 0,
			  &d));
}

u64 kguest_offset(struct kguest *g, const char *path)
{
	s64 off = ktype_offset(g->types, path);

	BUG_ON(off < 0);
	return (u64)off;
}

void kguest_set(struct kguest *g, gva_t obj, const char *path, u64 value)
{
	struct kfield f;

	BUG_ON(ktype_field(g->types, path, &f, NULL) || f.bit_size);
	kguest_put(g, obj + f.offset, value, min(f.size, (u64)8));
}

/* Members: name, type, byte offset, array length (0: none). */
struct member {
	const char *name;
	const char *type;
	u32 offset;
	u32 nr;
};

static const struct {
	const char *name;
	u32 size;
	struct member members[12];
} structs[] = {
	{ "list_head", 16, { { "next", "ptr", 0, 0 }, { "prev", "ptr", 8, 0 } } },
	{ "xarray", 16, { { "xa_flags", "u32", 4, 0 }, { "xa_head", "ptr", 8, 0 } } },
	{ "xa_node", 168, { { "shift", "u8", 0, 0 }, { "slots", "ptr", 40, 16 } } },
	{ "idr", 24, { { "idr_rt", "xarray", 0, 0 }, { "idr_base", "u32", 16, 0 } } },
	{ "signal_struct", 32, { { "thread_head", "list_head", 16, 0 } } },
	{ "task_struct", 128, { { "__state", "u32", 8, 0 }, { "flags", "u32", 12, 0 },
				{ "pid", "int", 16, 0 }, { "tgid", "int", 20, 0 },
				{ "comm", "char", 24, 16 },
				{ "tasks", "list_head", 40, 0 },
				{ "thread_node", "list_head", 56, 0 },
				{ "signal", "ptr", 72, 0 },
				{ "bpf_storage", "ptr", 88, 0 },
				{ "on_cpu", "int", 80, 0 } } },
	{ "rq", 64, { { "nr_running", "u32", 4, 0 }, { "clock", "u64", 8, 0 },
		      { "curr", "ptr", 16, 0 }, { "idle", "ptr", 24, 0 } } },
	{ "prb_data_blk_lpos", 16, { { "begin", "u64", 0, 0 }, { "next", "u64", 8, 0 } } },
	{ "prb_desc", 24, { { "state_var", "u64", 0, 0 },
			    { "text_blk_lpos", "prb_data_blk_lpos", 8, 0 } } },
	{ "printk_info", 32, { { "seq", "u64", 0, 0 }, { "ts_nsec", "u64", 8, 0 },
			       { "text_len", "u16", 16, 0 },
			       { "facility", "u8", 18, 0 },
			       { "level", "u8", 19, 0 },
			       { "caller_id", "u32", 20, 0 } } },
	{ "prb_desc_ring", 40, { { "count_bits", "u32", 0, 0 },
				 { "descs", "ptr", 8, 0 }, { "infos", "ptr", 16, 0 },
				 { "head_id", "u64", 24, 0 },
				 { "tail_id", "u64", 32, 0 } } },
	{ "prb_data_ring", 16, { { "size_bits", "u32", 0, 0 }, { "data", "ptr", 8, 0 } } },
	{ "printk_ringbuffer", 64, { { "desc_ring", "prb_desc_ring", 0, 0 },
				     { "text_data_ring", "prb_data_ring", 40, 0 } } },
	{ "btf", 24, { { "data", "ptr", 0, 0 }, { "data_size", "u32", 8, 0 },
		       { "base_btf", "ptr", 16, 0 } } },
	{ "bpf_map", 64, { { "id", "u32", 0, 0 }, { "map_type", "u32", 4, 0 },
			   { "key_size", "u32", 8, 0 }, { "value_size", "u32", 12, 0 },
			   { "max_entries", "u32", 16, 0 },
			   { "map_flags", "u32", 20, 0 },
			   { "btf_value_type_id", "u32", 24, 0 },
			   { "name", "char", 28, 16 }, { "btf", "ptr", 48, 0 },
			   { "frozen", "u8", 56, 0 } } },
	{ "bpf_prog", 16, { { "aux", "ptr", 8, 0 } } },
	{ "bpf_prog_aux", 24, { { "used_maps", "ptr", 8, 0 },
				{ "used_map_cnt", "u32", 16, 0 } } },
	{ "hlist_head", 8, { { "first", "ptr", 0, 0 } } },
	{ "hlist_node", 16, { { "next", "ptr", 0, 0 } } },
	{ "bpf_local_storage", 16, { { "list", "hlist_head", 8, 0 } } },
	{ "bpf_local_storage_data", 16, { { "smap", "ptr", 0, 0 },
					  { "data", "u8", 8, 0 } } },
	{ "bpf_local_storage_elem", 48, { { "snode", "hlist_node", 16, 0 },
					  { "sdata", "bpf_local_storage_data", 32, 0 } } },
	{ "bpf_array", 80, { { "elem_size", "u32", 64, 0 }, { "value", "char", 72, 0 },
			     { "pptrs", "ptr", 72, 0 } } },
	{ "bpf_htab", 96, { { "buckets", "ptr", 64, 0 }, { "n_buckets", "u32", 72, 0 } } },
	{ "hlist_nulls_head", 8, { { "first", "ptr", 0, 0 } } },
	{ "hlist_nulls_node", 16, { { "next", "ptr", 0, 0 } } },
	{ "bucket", 16, { { "head", "hlist_nulls_head", 0, 0 } } },
	{ "htab_elem", 48, { { "hash_node", "hlist_nulls_node", 0, 0 },
			     { "key", "char", 48, 0 } } },
};

static int type_id(struct btf *btf, const char *name)
{
	static const struct {
		const char *name;
		int size;
		int encoding;
	} ints[] = {
		{ "char", 1, BTF_INT_SIGNED }, { "u8", 1, 0 }, { "u16", 2, 0 },
		{ "u32", 4, 0 }, { "u64", 8, 0 }, { "int", 4, BTF_INT_SIGNED },
	};
	int id;
	size_t i;

	if (!strcmp(name, "ptr"))
		return btf__add_ptr(btf, 0);
	id = btf__find_by_name(btf, name);
	if (id > 0)
		return id;
	for (i = 0; i < ARRAY_SIZE(ints); i++)
		if (!strcmp(name, ints[i].name))
			return btf__add_int(btf, name, (size_t)ints[i].size,
					    ints[i].encoding);
	return -1;
}

static void add_struct(struct btf *btf, size_t n, int index)
{
	int ids[12];
	size_t i;

	/* Types first: a struct's members must follow it at once. */
	for (i = 0; i < 12 && structs[n].members[i].name; i++) {
		const struct member *m = &structs[n].members[i];
		bool flexible = !strcmp(m->name, "value") ||
				!strcmp(m->name, "key") ||
				!strcmp(m->name, "pptrs");

		ids[i] = type_id(btf, m->type);
		BUG_ON(ids[i] <= 0);
		if (m->nr || flexible)
			ids[i] = btf__add_array(btf, index, ids[i], m->nr);
	}
	BUG_ON(btf__add_struct(btf, structs[n].name, structs[n].size) < 0);
	for (i = 0; i < 12 && structs[n].members[i].name; i++)
		BUG_ON(btf__add_field(btf, structs[n].members[i].name, ids[i],
				      structs[n].members[i].offset * 8, 0));
}

void *kguest_btf(u32 *len)
{
	struct btf *btf = btf__new_empty();
	const void *raw;
	void *copy;
	size_t i;
	int index;

	BUG_ON(!btf);
	index = type_id(btf, "u32");
	BUG_ON(btf__add_int(btf, "long unsigned int", 8, 0) < 0);
	for (i = 0; i < ARRAY_SIZE(structs); i++)
		add_struct(btf, i, index);
	/* A per-CPU variable, as pahole records them. */
	/* A part of the flags of scheduling domains, without a name as there. */
	BUG_ON(btf__add_enum(btf, NULL, 4) < 0 ||
	       btf__add_enum_value(btf, "SD_BALANCE_NEWIDLE", 1) ||
	       btf__add_enum_value(btf, "SD_NUMA", 8));
	BUG_ON(btf__add_var(btf, "runqueues", BTF_VAR_GLOBAL_ALLOCATED,
			    btf__find_by_name(btf, "rq")) < 0);
	raw = btf__raw_data(btf, len);
	copy = malloc(*len);
	memcpy(copy, raw, *len);
	btf__free(btf);
	return copy;
}
