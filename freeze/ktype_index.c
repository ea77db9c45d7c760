// SPDX-License-Identifier: GPL-2.0-only
/*
 * Types by id and by name: libbpf reads and judges BTF once; where each type
 * lies is kept beside a kernel's image, so that later opens read nothing but
 * what they are asked for. See ktype.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include <bpf/libbpf.h>

#include "freeze/ktype_priv.h"
#include "freeze/name_hash.h"
#include "vmm/base/diag.h"

#define CACHE_NAME "types"
#define CACHE_VERSION 2		/* to be counted up with the format */
#define POINTER_SIZE 8		/* of x86-64 and of BPF */

/*
 * What is built, cached and mapped: this, then
 *	u32 at[nr]		where each type lies among the types' bytes
 *	u32 slot[nr_slots]	by hash of the name, open addressing: id, or 0
 */
struct ktype_index {
	u32 btf_len;		/* bytes of the BTF that this is of */
	u32 nr;
	u32 nr_slots;		/* a power of two */
};

/* --- reading ------------------------------------------------------------ */

/* Bytes of @t with what follows it. */
static size_t type_len(const struct btf_type *t)
{
	size_t vlen = btf_vlen(t);

	switch (btf_kind(t)) {
	case BTF_KIND_INT:
		return sizeof(*t) + sizeof(u32);
	case BTF_KIND_ARRAY:
		return sizeof(*t) + sizeof(struct btf_array);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return sizeof(*t) + vlen * sizeof(struct btf_member);
	case BTF_KIND_ENUM:
		return sizeof(*t) + vlen * sizeof(struct btf_enum);
	case BTF_KIND_ENUM64:
		return sizeof(*t) + vlen * sizeof(struct btf_enum64);
	case BTF_KIND_FUNC_PROTO:
		return sizeof(*t) + vlen * sizeof(struct btf_param);
	case BTF_KIND_VAR:
		return sizeof(*t) + sizeof(struct btf_var);
	case BTF_KIND_DATASEC:
		return sizeof(*t) + vlen * sizeof(struct btf_var_secinfo);
	case BTF_KIND_DECL_TAG:
		return sizeof(*t) + sizeof(struct btf_decl_tag);
	default:
		return sizeof(*t);
	}
}

const struct btf_type *ktype_by_id(const struct ktype *kt, u32 id)
{
	static const struct btf_type nothing;
	const struct btf_type *t;
	u32 at;

	if (!id)
		return &nothing;
	while (kt->base && id < kt->first_id)
		kt = kt->base;
	if (id - kt->first_id >= kt->nr)
		return NULL;
	/* Places may be a file's content. */
	at = kt->at[id - kt->first_id];
	if (at % sizeof(u32) || kt->types_len < sizeof(*t) ||
	    at > kt->types_len - sizeof(*t))
		return NULL;
	t = (const struct btf_type *)(kt->types + at);
	return type_len(t) <= kt->types_len - at ? t : NULL;
}

const char *ktype_str(const struct ktype *kt, u32 off)
{
	while (kt->base && off < kt->first_str)
		kt = kt->base;
	off -= kt->first_str;
	return off < kt->strs_len ? kt->strs + off : "";
}

u32 ktype_end(const struct ktype *kt)
{
	return kt->first_id + kt->nr;
}

s64 ktype_resolve_size(const struct ktype *kt, u32 id)
{
	u64 nr = 1, size;
	unsigned int depth;

	for (depth = 0; id && depth < KTYPE_MAX_DEPTH; depth++) {
		const struct btf_type *t = ktype_by_id(kt, id);

		if (!t)
			return -EINVAL;
		if (btf_is_array(t)) {
			nr *= btf_array(t)->nelems;
			if (nr > UINT32_MAX)
				return -E2BIG;
			id = btf_array(t)->type;
		} else if (btf_is_mod(t) || btf_is_typedef(t) || btf_is_var(t) ||
			   btf_kind(t) == BTF_KIND_TYPE_TAG) {
			id = t->type;
		} else if (btf_is_ptr(t) || btf_is_int(t) || btf_is_float(t) ||
			   btf_is_datasec(t) || btf_is_composite(t) ||
			   btf_is_any_enum(t)) {
			size = nr * (btf_is_ptr(t) ? POINTER_SIZE : t->size);
			return size > UINT32_MAX ? -E2BIG : (s64)size;
		} else {
			return -EINVAL;
		}
	}
	return -EINVAL;
}

/* --- opening ------------------------------------------------------------ */

static int silent(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	(void)level;
	(void)fmt;
	(void)ap;
	return 0;
}

/* @base: NULL, or what split BTF refers to. Return: 0, -ENOMEM, -EINVAL. */
static int parse(const void *data, size_t len, struct btf *base,
		 struct btf **out)
{
	/* What libbpf would print belongs into the error, and is not specific. */
	libbpf_print_fn_t old = libbpf_set_print(silent);
	struct btf *btf;
	int err;

	btf = base ? btf__new_split(data, (u32)len, base) :
		     btf__new(data, (u32)len);
	err = -errno;
	libbpf_set_print(old);
	if (libbpf_get_error(btf))
		return err == -ENOMEM ? -ENOMEM : -EINVAL;
	*out = btf;
	return 0;
}

/*
 * As libbpf has it, which only split BTF asks for: of a kernel that was opened
 * by its cache it is read now.
 */
static int parsed(const struct ktype *kt, struct btf **out)
{
	struct ktype_parsed *p = kt->parsed;
	int err = 0;

	pthread_mutex_lock(&p->lock);
	if (!p->btf)
		err = parse(kt->data, kt->len, NULL, &p->btf);
	*out = p->btf;
	pthread_mutex_unlock(&p->lock);
	return err;
}

/* Where types and strings lie in @data; false where they do not. */
static bool find_sections(struct ktype *kt, const void *data, size_t len)
{
	const struct btf_header *h = data;
	u64 types, strs;

	if ((uintptr_t)data % sizeof(u32) || len < sizeof(*h) ||
	    len > UINT32_MAX || h->magic != BTF_MAGIC || h->hdr_len < sizeof(*h))
		return false;
	types = (u64)h->hdr_len + h->type_off;
	strs = (u64)h->hdr_len + h->str_off;
	if (types % sizeof(u32) || types + h->type_len > len ||
	    strs + h->str_len > len)
		return false;
	kt->types = (const u8 *)data + types;
	kt->types_len = h->type_len;
	kt->strs = (const char *)data + strs;
	kt->strs_len = h->str_len;
	return !h->str_len || !kt->strs[h->str_len - 1];
}

/* Is @c the index of @btf_len bytes, as long as it says of itself. */
static bool is_index(const struct kcache_map *c, size_t btf_len)
{
	const struct ktype_index *h = (const struct ktype_index *)c->data;

	return c->len >= sizeof(*h) && h->btf_len == btf_len &&
	       h->nr_slots && !(h->nr_slots & (h->nr_slots - 1)) &&
	       c->len == sizeof(*h) + ((u64)h->nr + h->nr_slots) * sizeof(u32);
}

static void use_index(struct ktype *kt, const struct ktype_index *h)
{
	kt->nr = h->nr;
	kt->at = (const u32 *)(h + 1);
	kt->slots = kt->at + h->nr;
	kt->mask = h->nr_slots - 1;
}

static bool load(struct ktype *kt, const char *cache_dir)
{
	if (!find_sections(kt, kt->data, kt->len) ||
	    kcache_load(cache_dir, CACHE_NAME, CACHE_VERSION, &kt->cache))
		return false;
	if (!is_index(&kt->cache, kt->len)) {
		kcache_unmap(&kt->cache);
		return false;
	}
	use_index(kt, (const struct ktype_index *)kt->cache.data);
	return true;
}

static bool is_found_by_name(const struct btf_type *t)
{
	return t->name_off && !btf_is_func(t) && !btf_is_fwd(t) &&
	       btf_kind(t) != BTF_KIND_TYPE_TAG &&
	       btf_kind(t) != BTF_KIND_DECL_TAG;
}

static u32 nr_slots(const struct ktype *kt, const struct btf *btf)
{
	u32 end = btf__type_cnt(btf), named = 0, nr = 16, id;

	for (id = kt->first_id; id < end; id++)
		named += is_found_by_name(btf__type_by_id(btf, id));
	while (nr < named * 2)
		nr *= 2;
	return nr;
}

static int build(struct ktype *kt, const struct btf *btf)
{
	u32 end = btf__type_cnt(btf), nr = end - kt->first_id, id;
	struct ktype_index h = { .btf_len = (u32)kt->len, .nr = nr,
			  .nr_slots = nr_slots(kt, btf) };
	u32 *at, *slots, mask = h.nr_slots - 1;

	kt->built = calloc(1, sizeof(h) +
			      ((size_t)nr + h.nr_slots) * sizeof(u32));
	if (!kt->built)
		return -ENOMEM;
	*kt->built = h;
	at = (u32 *)(kt->built + 1);
	slots = at + nr;
	for (id = kt->first_id; id < end; id++) {
		const struct btf_type *t = btf__type_by_id(btf, id);
		u32 slot;

		at[id - kt->first_id] = (u32)((const u8 *)t - kt->types);
		if (!is_found_by_name(t))
			continue;
		slot = name_hash(ktype_str(kt, t->name_off));
		while (slots[slot & mask])
			slot++;
		slots[slot & mask] = id;
	}
	use_index(kt, kt->built);
	return 0;
}

static int read_all(struct ktype *kt)
{
	struct btf *base = NULL;
	const void *raw;
	int err = 0;
	u32 len;

	if (kt->base)
		err = parsed(kt->base, &base);
	if (!err)
		err = parse(kt->data, kt->len, base, &kt->parsed->btf);
	if (err)
		return err;
	/* libbpf's copy is aligned, and in this machine's byte order. */
	raw = btf__raw_data(kt->parsed->btf, &len);
	if (!raw)
		return -ENOMEM;
	if (!find_sections(kt, raw, len))
		return -EINVAL;
	return build(kt, kt->parsed->btf);
}

static void store(const struct ktype *kt, const char *cache_dir)
{
	const struct ktype_index *h = kt->built;
	struct iovec iov = {
		kt->built,
		sizeof(*h) + ((size_t)h->nr + h->nr_slots) * sizeof(u32)
	};

	/* A cache that cannot be written costs the next one some time. */
	kcache_store(cache_dir, CACHE_NAME, CACHE_VERSION, &iov, 1);
}

int ktype_index_open(struct ktype *kt, const char *cache_dir)
{
	int err;

	kt->first_id = kt->base ? ktype_end(kt->base) : 1;
	kt->first_str = kt->base ? kt->base->first_str + kt->base->strs_len : 0;
	if (cache_dir && load(kt, cache_dir))
		return 0;
	err = read_all(kt);
	if (!err && cache_dir)
		store(kt, cache_dir);
	return err;
}

void ktype_index_close(struct ktype *kt)
{
	btf__free(kt->parsed->btf);
	kt->parsed->btf = NULL;
	free(kt->built);
	kt->built = NULL;
	kcache_unmap(&kt->cache);
}
