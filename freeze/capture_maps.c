// SPDX-License-Identifier: GPL-2.0-only
/* A capture's BPF maps: values copied, types kept from one to the next. */
#include "freeze/capture_priv.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>

#define PERCPU_ENTRIES 16	/* of a per-CPU map; each has a value per CPU */

/* The BTF of maps that were seen before: parsing it is the dear part. */
struct capture_types {
	size_t nr;
	struct {
		u32 id;
		gva_t btf;
		struct ktype *types;	/* NULL: it has none */
	} maps[CAPTURE_MAX_MAPS];
};

void capture_types_free(struct capture_types *t)
{
	size_t i;

	for (i = 0; t && i < t->nr; i++)
		ktype_close(t->maps[i].types);
	free(t);
}

static const struct ktype *types_of(struct capture_from *from,
				    const struct bpfmap *m)
{
	struct capture_types *t = from->types;
	size_t i;

	if (!m->btf || !m->btf_value_type_id)
		return NULL;
	for (i = 0; i < t->nr; i++)
		if (t->maps[i].id == m->id && t->maps[i].btf == m->btf)
			return t->maps[i].types;
	if (t->nr == ARRAY_SIZE(t->maps))
		return NULL;
	t->maps[t->nr].id = m->id;
	t->maps[t->nr].btf = m->btf;
	t->maps[t->nr].types = NULL;
	if (bpfmap_types(from->k, m, &t->maps[t->nr].types, NULL))
		t->maps[t->nr].types = NULL;
	return t->maps[t->nr++].types;
}

struct copying {
	struct capture_from *from;
	struct capture_map *to;
	const struct ktype *types;
	u64 bytes;
	int err;
};

static bool is_percpu(u32 type)
{
	return type == BPF_MAP_TYPE_PERCPU_ARRAY ||
	       type == BPF_MAP_TYPE_PERCPU_HASH ||
	       type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
}

/* Copy one value; false ends the map. */
static bool copy_value(struct copying *c, const void *key, s32 cpu, gva_t at)
{
	struct capture_map *to = c->to;
	const struct bpfmap *m = &to->map;
	struct capture_entry *grown, e = { .cpu = cpu };

	if (to->nr >= CAPTURE_MAX_ENTRIES ||
	    c->bytes + m->value_size > CAPTURE_MAX_MAP_BYTES) {
		to->cut = true;
		return false;
	}
	grown = realloc(to->entries, (to->nr + 1) * sizeof(*grown));
	if (grown)
		to->entries = grown;
	e.value = (struct kvalue){
		.addr = at, .types = c->types, .data = malloc(max(m->value_size, 1U)),
		.field = { .size = m->value_size,
			   .type_id = m->btf_value_type_id },
	};
	e.key = key ? malloc(max(m->key_size, 1U)) : NULL;
	if (!grown || !e.value.data || (key && !e.key)) {
		free(e.value.data);
		free(e.key);
		c->err = -ENOMEM;
		return false;
	}
	if (key)
		memcpy(e.key, key, m->key_size);
	if (vas_read(&c->from->k->vas, at, e.value.data, m->value_size)) {
		free(e.value.data);
		free(e.key);
		to->failed = true;
		return false;
	}
	to->entries[to->nr++] = e;
	c->bytes += m->value_size;
	return true;
}

static int copy_hashed(const struct kread *k, const void *key, gva_t value,
		       void *arg)
{
	struct copying *c = arg;
	u32 cpus = machine_nr_cpus(c->from->m), i;
	gva_t at;

	if (!is_percpu(c->to->map.type))
		return !copy_value(c, key, -1, value);
	for (i = 0; i < cpus; i++)
		if (kread_percpu_ptr(k, value, i, &at) ||
		    !copy_value(c, key, (s32)i, at))
			return 1;
	return 0;
}

static void copy_array(struct copying *c)
{
	const struct bpfmap *m = &c->to->map;
	bool percpu = is_percpu(m->type);
	u32 cpus = percpu ? machine_nr_cpus(c->from->m) : 1, i, cpu;
	gva_t at;

	for (i = 0; i < m->max_entries; i++) {
		if (percpu && i == PERCPU_ENTRIES) {
			c->to->cut = true;
			return;
		}
		for (cpu = 0; cpu < cpus; cpu++) {
			if (bpfmap_array_addr(c->from->k, m, i, cpu, &at)) {
				c->to->failed = true;
				return;
			}
			if (!copy_value(c, NULL, percpu ? (s32)cpu : -1, at))
				return;
		}
	}
}

static int copy_map(struct capture_from *from, struct capture_map *to)
{
	struct copying c = { .from = from, .to = to,
			     .types = types_of(from, &to->map) };
	int ret;

	if (to->map.type == BPF_MAP_TYPE_ARRAY ||
	    to->map.type == BPF_MAP_TYPE_PERCPU_ARRAY) {
		copy_array(&c);
		return c.err;
	}
	ret = bpfmap_hash_walk(from->k, &to->map, CAPTURE_MAX_ENTRIES,
			       copy_hashed, &c);
	to->cut |= ret == -ELOOP;
	to->failed |= ret < 0 && ret != -ELOOP;
	return c.err;
}

/* No map, no BTF to parse: an empty idr holds no kernel pointer. */
static bool no_maps(const struct kread *k)
{
	u64 idr[3], i;
	gva_t at;

	if (kread_symbol(k, "map_idr", &at, NULL) ||
	    vas_read(&k->vas, at, idr, sizeof(idr)))
		return true;
	for (i = 0; i < ARRAY_SIZE(idr); i++)
		if (idr[i] >> 63)
			return false;
	return true;
}

int capture_maps(struct capture_from *from, struct capture *out)
{
	struct bpfmap *list = NULL;
	size_t nr = 0, i;
	int err = 0;

	if (!from->types)
		from->types = calloc(1, sizeof(*from->types));
	if (!from->types)
		return -ENOMEM;
	if (no_maps(from->k)) {
		out->maps_read = true;
		return 0;
	}
	if (from->types->nr == ARRAY_SIZE(from->types->maps)) {
		capture_types_free(from->types);
		from->types = calloc(1, sizeof(*from->types));
		if (!from->types)
			return -ENOMEM;
	}
	if (!from->k->types || bpfmap_list(from->k, &list, &nr, NULL)) {
		free(list);
		return 0;
	}
	out->maps_read = true;
	nr = min(nr, (size_t)CAPTURE_MAX_MAPS);
	out->maps = calloc(max(nr, (size_t)1), sizeof(*out->maps));
	if (!out->maps)
		err = -ENOMEM;
	for (i = 0; i < nr && !err; i++) {
		out->maps[i].map = list[i];
		out->nr_maps = i + 1;
		err = copy_map(from, &out->maps[i]);
	}
	free(list);
	return err;
}

void capture_maps_reset(struct capture *c)
{
	size_t i, j;

	for (i = 0; i < c->nr_maps; i++) {
		for (j = 0; j < c->maps[i].nr; j++) {
			kvalue_reset(&c->maps[i].entries[j].value);
			free(c->maps[i].entries[j].key);
		}
		free(c->maps[i].entries);
	}
	free(c->maps);
}
