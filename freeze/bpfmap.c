// SPDX-License-Identifier: GPL-2.0-only
/* BPF maps and programs from guest memory; see bpfmap.h. */
#include "freeze/bpfmap.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/cleanup.h"
#include "vmm/base/diag.h"

#define BTF_MAX_SIZE MiB(64)
#define MAX_KEY_SIZE 65536
#define MAX_USED_MAPS 256	/* of one program; the verifier allows 64 */
#define HASH_WALK_MAX (1U << 20)

#define MAX_FIELDS 10

/* What an idr walk collects; @read fills the next element. */
struct collect {
	u8 *items;
	size_t size;	/* of one */
	size_t nr;
	size_t cap;
	/* What @read reads: looked up once, size 0 where there is none. */
	struct kfield fields[MAX_FIELDS];
	int (*read)(const struct kread *k, const struct kfield *fields,
		    gva_t obj, void *item);
};

static int collect_one(const struct kread *k, u64 id, u64 entry, void *arg)
{
	struct collect *c = arg;
	int err;

	(void)id;
	if (c->nr == c->cap) {
		size_t cap = c->cap ? c->cap * 2 : 32;
		void *p = realloc(c->items, cap * c->size);

		if (!p)
			return -ENOMEM;
		c->items = p;
		c->cap = cap;
	}
	err = c->read(k, c->fields, entry, c->items + c->nr * c->size);
	/* One that is going away must not hide the others. */
	if (err == -EFAULT)
		return 0;
	if (!err)
		c->nr++;
	return err;
}

static int collect_idr(const struct kread *k, const char *symbol,
		       const char *const *paths, size_t nr, struct collect *c,
		       struct diag *d)
{
	gva_t idr;
	size_t i;
	int ret = kread_symbol(k, symbol, &idr, d);

	if (ret)
		return ret;
	for (i = 0; i < nr && k->types; i++)
		ktype_field(k->types, paths[i], &c->fields[i], NULL);
	ret = kread_idr(k, idr, BPFMAP_MAX, collect_one, c);
	if (ret >= 0)
		return 0;
	free(c->items);
	return diag_fail(d, ret, NULL, "cannot walk %s: %s", symbol,
			 strerror(-ret));
}

static int read_u32s(const struct kread *k, gva_t obj,
		     const struct kfield *fields, u32 *const to[], size_t nr)
{
	size_t i;
	u64 v;
	int err;

	for (i = 0; i < nr; i++) {
		err = kread_field(k, obj, &fields[i], &v);
		if (err)
			return err;
		*to[i] = (u32)v;
	}
	return 0;
}

static int read_name(const struct kread *k, gva_t obj, const struct kfield *f,
		     char name[BPFMAP_NAME_SIZE + 1])
{
	if (f->size < BPFMAP_NAME_SIZE)
		return -ENOENT;
	return vas_read(&k->vas, obj + f->offset, name, BPFMAP_NAME_SIZE);
}

enum { MAP_U32S = 7, MAP_NAME = MAP_U32S, MAP_BTF, MAP_FROZEN };

static const char *const map_paths[] = {
	"bpf_map.id", "bpf_map.map_type", "bpf_map.key_size",
	"bpf_map.value_size", "bpf_map.max_entries", "bpf_map.map_flags",
	"bpf_map.btf_value_type_id",
	[MAP_NAME] = "bpf_map.name",
	[MAP_BTF] = "bpf_map.btf",
	[MAP_FROZEN] = "bpf_map.frozen",
};

static int read_map(const struct kread *k, const struct kfield *fields,
		    gva_t obj, void *item)
{
	struct bpfmap m = { .addr = obj };
	u64 frozen;
	u32 *const to[MAP_U32S] = {
		&m.id, &m.type, &m.key_size, &m.value_size, &m.max_entries,
		&m.flags, &m.btf_value_type_id,
	};
	int err = read_u32s(k, obj, fields, to, MAP_U32S);

	if (!err)
		err = read_name(k, obj, &fields[MAP_NAME], m.name);
	if (!err)
		err = kread_field(k, obj, &fields[MAP_BTF], &m.btf);
	if (err)
		return err;
	m.frozen = !kread_field(k, obj, &fields[MAP_FROZEN], &frozen) && frozen;
	memcpy(item, &m, sizeof(m));
	return 0;
}

int bpfmap_list(const struct kread *k, struct bpfmap **out, size_t *nr,
		struct diag *d)
{
	struct collect c = { .size = sizeof(**out), .read = read_map };
	int err = collect_idr(k, "map_idr", map_paths, ARRAY_SIZE(map_paths),
			      &c, d);

	if (err)
		return err;
	*out = (struct bpfmap *)c.items;
	*nr = c.nr;
	return 0;
}

static bool ends_in(const char *name, const char *suffix)
{
	size_t n = strlen(name), s = strlen(suffix);

	return s <= n && !strcmp(name + n - s, suffix);
}

int bpfmap_find(const struct kread *k, const char *suffix, struct bpfmap *out,
		struct diag *d)
{
	struct bpfmap *maps __free(cleanup_free) = NULL;
	const struct bpfmap *best = NULL;
	size_t nr, i;
	int err = bpfmap_list(k, &maps, &nr, d);

	if (err)
		return err;
	for (i = 0; i < nr; i++) {
		const struct bpfmap *m = &maps[i];
		bool exact = !strcmp(m->name, suffix);
		bool best_exact = best && !strcmp(best->name, suffix);

		if (!ends_in(m->name, suffix) || (best_exact && !exact))
			continue;
		if (!best || exact > best_exact || m->id > best->id)
			best = m;
	}
	if (!best)
		return diag_fail(d, -ENOENT, NULL,
				 "none of the guest's %zu BPF maps is called %s",
				 nr, suffix);
	*out = *best;
	return 0;
}

struct user_search {
	gva_t map;
	bool found;
};

static int uses_map(const struct kread *k, u64 id, u64 prog, void *arg)
{
	struct user_search *s = arg;
	u64 aux, maps, nr, i, at;
	int err = kread_member(k, prog, "bpf_prog.aux", &aux);

	(void)id;
	if (!err)
		err = kread_member(k, aux, "bpf_prog_aux.used_maps", &maps);
	if (!err)
		err = kread_member(k, aux, "bpf_prog_aux.used_map_cnt", &nr);
	for (i = 0; !err && i < min(nr, (u64)MAX_USED_MAPS); i++) {
		err = vas_read_u64(&k->vas, maps + i * 8, &at);
		s->found |= !err && at == s->map;
	}
	/* A program that is going away must not hide the others. */
	return err == -EFAULT ? 0 : err ? err : s->found;
}

int bpfmap_used(const struct kread *k, const struct bpfmap *m, struct diag *d)
{
	struct user_search s = { .map = m->addr };
	gva_t idr;
	int ret = kread_symbol(k, "prog_idr", &idr, d);

	if (ret)
		return ret;
	ret = kread_idr(k, idr, BPFMAP_MAX, uses_map, &s);
	if (ret < 0)
		return diag_fail(d, ret, NULL, "cannot walk prog_idr: %s",
				 strerror(-ret));
	return s.found;
}

int bpfmap_array_addr(const struct kread *k, const struct bpfmap *m, u32 index,
		      unsigned int cpu, gva_t *out)
{
	bool percpu = m->type == BPF_MAP_TYPE_PERCPU_ARRAY;
	struct kfield value;
	u64 elem_size, ptr;
	int err;

	if (!percpu && m->type != BPF_MAP_TYPE_ARRAY)
		return -EOPNOTSUPP;
	if (index >= m->max_entries)
		return -ERANGE;
	if (!k->types ||
	    ktype_field(k->types, percpu ? "bpf_array.pptrs" : "bpf_array.value",
			&value, NULL))
		return -ENOENT;
	if (!percpu) {
		err = kread_member(k, m->addr, "bpf_array.elem_size",
				   &elem_size);
		if (!err)
			*out = m->addr + value.offset + elem_size * index;
		return err;
	}
	err = vas_read_u64(&k->vas, m->addr + value.offset + index * 8ULL, &ptr);
	return err ? err : kread_percpu_ptr(k, ptr, cpu, out);
}

/* Layout of a hash map, by name. */
struct hash_walk {
	u64 bucket_size, first_off, next_off, key_off;
	u64 buckets, n_buckets;
	bool percpu;
};

static int hash_layout(const struct kread *k, const struct bpfmap *m,
		       struct hash_walk *w)
{
	struct kfield first, next, key;
	s64 size;
	int err;

	switch (m->type) {
	case BPF_MAP_TYPE_PERCPU_HASH:
	case BPF_MAP_TYPE_LRU_PERCPU_HASH:
		w->percpu = true;
		break;
	case BPF_MAP_TYPE_HASH:
	case BPF_MAP_TYPE_LRU_HASH:
		break;
	default:
		return -EOPNOTSUPP;
	}
	if (!k->types || ktype_field(k->types, "bucket.head.first", &first, NULL) ||
	    ktype_field(k->types, "htab_elem.hash_node.next", &next, NULL) ||
	    ktype_field(k->types, "htab_elem.key", &key, NULL))
		return -ENOENT;
	size = ktype_size(k->types, "struct bucket");
	err = kread_member(k, m->addr, "bpf_htab.buckets", &w->buckets);
	if (!err)
		err = kread_member(k, m->addr, "bpf_htab.n_buckets",
				   &w->n_buckets);
	if (err)
		return err;
	/* Buckets that RAM cannot hold are none: a walk must end soon. */
	if (size <= 0 || m->key_size > MAX_KEY_SIZE ||
	    w->n_buckets > k->vas.mem->size / (u64)size)
		return -EFAULT;
	w->bucket_size = (u64)size;
	w->first_off = first.offset;
	w->next_off = next.offset;
	w->key_off = key.offset;
	return 0;
}

/* Is @ptr a per-CPU pointer: does CPU 0 have a copy? */
static bool is_percpu_ptr(const struct kread *k, u64 ptr)
{
	gva_t copy;
	gpa_t gpa;

	return ptr && !(ptr & 7) && !kread_percpu_ptr(k, ptr, 0, &copy) &&
	       !vas_translate(&k->vas, copy, &gpa, NULL);
}

/*
 * The value follows the key, at 8 bytes' alignment. A per-CPU map has a
 * __percpu pointer there, which kernels until 6.14 did not align. What lies
 * between key and alignment tells: it is the pointer's low end, or nobody
 * writes it. It may be 0 there and hold anything here; so that is the one to
 * try first, and the one that cannot be followed is the other.
 */
static int value_of(const struct kread *k, const struct bpfmap *m,
		    const struct hash_walk *w, gva_t elem, gva_t *out)
{
	gva_t after = elem + w->key_off + m->key_size;
	u64 gap = round_up(m->key_size, 8U) - m->key_size, low = 0;
	bool aligned;
	int err, i;

	if (!w->percpu) {
		*out = after + gap;
		return 0;
	}
	err = vas_read(&k->vas, after, &low, gap);
	aligned = !low;
	for (i = 0; !err && i < 2; i++, aligned = !aligned) {
		u64 ptr;

		err = vas_read_u64(&k->vas, after + (aligned ? gap : 0), &ptr);
		if (!err && is_percpu_ptr(k, ptr)) {
			*out = ptr;
			return 0;
		}
	}
	return err ? err : -EFAULT;
}

int bpfmap_hash_walk(const struct kread *k, const struct bpfmap *m,
		     unsigned int max, bpfmap_hash_fn fn, void *arg)
{
	struct hash_walk w = { 0 };
	u8 *key __free(cleanup_free) = NULL;
	unsigned int seen = 0;
	u64 b, elem;
	int err = hash_layout(k, m, &w);

	if (err)
		return err;
	key = malloc(max(m->key_size, 1U));
	if (!key)
		return -ENOMEM;
	for (b = 0; !err && b < w.n_buckets; b++) {
		err = vas_read_u64(&k->vas, w.buckets + b * w.bucket_size +
						    w.first_off, &elem);
		/* An odd pointer ends a nulls list. */
		while (!err && elem && !(elem & 1)) {
			gva_t value;

			if (seen++ == max)
				return -ELOOP;
			err = vas_read(&k->vas, elem + w.key_off, key,
				       m->key_size);
			if (!err)
				err = value_of(k, m, &w, elem, &value);
			if (!err)
				err = fn(k, key, value, arg);
			if (!err)
				err = vas_read_u64(&k->vas, elem + w.next_off,
						   &elem);
		}
	}
	return err < 0 ? err : (int)seen;
}

struct key_search {
	const void *key;
	u32 size;
	bool found;
	gva_t value;
};

static int match_key(const struct kread *k, const void *key, gva_t value,
		     void *arg)
{
	struct key_search *s = arg;

	(void)k;
	if (memcmp(key, s->key, s->size))
		return 0;
	s->found = true;
	s->value = value;
	return 1;
}

/* A walk, not a look-up: the hash's seed is the guest kernel's business. */
int bpfmap_hash_addr(const struct kread *k, const struct bpfmap *m,
		     const void *key, unsigned int cpu, gva_t *out)
{
	struct key_search s = { .key = key, .size = m->key_size };
	int ret = bpfmap_hash_walk(k, m, HASH_WALK_MAX, match_key, &s);

	if (ret < 0)
		return ret;
	if (!s.found)
		return -ENOENT;
	if (m->type == BPF_MAP_TYPE_PERCPU_HASH ||
	    m->type == BPF_MAP_TYPE_LRU_PERCPU_HASH)
		return kread_percpu_ptr(k, s.value, cpu, out);
	*out = s.value;
	return 0;
}

static int read_btf(const struct kread *k, gva_t btf, const struct ktype *base,
		    struct ktype **out, struct diag *d)
{
	u8 *copy __free(cleanup_free) = NULL;
	u64 data, size;
	int err;

	err = kread_member(k, btf, "btf.data", &data);
	if (!err)
		err = kread_member(k, btf, "btf.data_size", &size);
	if (err)
		return diag_fail(d, err, NULL, "cannot read the map's struct btf");
	if (!size || size > BTF_MAX_SIZE)
		return diag_fail(d, -EINVAL, NULL,
				 "BTF of %llu bytes in the guest: not believed",
				 (unsigned long long)size);
	copy = malloc(size);
	if (!copy)
		return diag_fail(d, -ENOMEM, NULL, "no memory");
	err = vas_read(&k->vas, data, copy, size);
	if (err)
		return diag_fail(d, err, NULL, "cannot read the map's BTF");
	return ktype_open_data(copy, size, base, out, d);
}

int bpfmap_types(const struct kread *k, const struct bpfmap *m,
		 struct ktype **out, struct diag *d)
{
	u64 base;

	if (!m->btf || !m->btf_value_type_id)
		return diag_fail(d, -ENOENT, NULL, "BPF map %s has no BTF",
				 m->name);
	if (kread_member(k, m->btf, "btf.base_btf", &base))
		base = 0;
	/* A base is the kernel's own. */
	return read_btf(k, m->btf, base ? k->types : NULL, out, d);
}

static u64 stat_at(const struct kread *k, gva_t stats, const char *path)
{
	u64 v;

	/* u64_stats_t: a struct around one 64-bit counter. */
	return kread_member_bytes(k, stats, path, &v, sizeof(v)) ? 0 : v;
}

static void read_stats(const struct kread *k, gva_t prog, struct bpfprog *p)
{
	int cpu, nr = kread_nr_cpus(k);
	u64 ptr;
	gva_t at;

	if (kread_member(k, prog, "bpf_prog.stats", &ptr) || !ptr)
		return;
	for (cpu = 0; cpu < nr; cpu++) {
		if (kread_percpu_ptr(k, ptr, (unsigned int)cpu, &at))
			continue;
		p->run_cnt += stat_at(k, at, "bpf_prog_stats.cnt");
		p->run_time_ns += stat_at(k, at, "bpf_prog_stats.nsecs");
		p->recursion_misses += stat_at(k, at, "bpf_prog_stats.misses");
	}
}

enum { PROG_AUX, PROG_TYPE, PROG_JITED, PROG_ID, PROG_INSNS, PROG_NAME };

static const char *const prog_paths[] = {
	[PROG_AUX] = "bpf_prog.aux",
	[PROG_TYPE] = "bpf_prog.type",
	[PROG_JITED] = "bpf_prog.jited_len",
	[PROG_ID] = "bpf_prog_aux.id",
	[PROG_INSNS] = "bpf_prog_aux.verified_insns",
	[PROG_NAME] = "bpf_prog_aux.name",
};

static int read_prog(const struct kread *k, const struct kfield *fields,
		     gva_t obj, void *item)
{
	struct bpfprog p = { 0 };
	u32 *const prog_to[] = { &p.type, &p.jited_len };
	u32 *const aux_to[] = { &p.id, &p.verified_insns };
	u64 aux;
	int err = kread_field(k, obj, &fields[PROG_AUX], &aux);

	if (!err)
		err = read_u32s(k, aux, &fields[PROG_ID], aux_to, 2);
	if (!err)
		err = read_u32s(k, obj, &fields[PROG_TYPE], prog_to, 2);
	if (!err)
		err = read_name(k, aux, &fields[PROG_NAME], p.name);
	if (err)
		return err;
	read_stats(k, obj, &p);
	memcpy(item, &p, sizeof(p));
	return 0;
}

int bpfprog_list(const struct kread *k, struct bpfprog **out, size_t *nr,
		 struct diag *d)
{
	struct collect c = { .size = sizeof(**out), .read = read_prog };
	int err = collect_idr(k, "prog_idr", prog_paths,
			      ARRAY_SIZE(prog_paths), &c, d);

	if (err)
		return err;
	*out = (struct bpfprog *)c.items;
	*nr = c.nr;
	return 0;
}
