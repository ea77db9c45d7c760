// SPDX-License-Identifier: GPL-2.0-only
/*
 * Types by name: an index of the names, kept beside a kernel's image, and what
 * C's spellings of a type come to. See ktype.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "freeze/ktype_priv.h"

#define CACHE_NAME "types"
#define CACHE_VERSION 1		/* to be counted up with the format */

static u32 hash_name(const char *s)
{
	u32 h = 2166136261U;

	while (*s)
		h = (h ^ (u8)*s++) * 16777619U;
	return h;
}

static bool is_indexed(const struct btf_type *t)
{
	return t->name_off && !btf_is_func(t) && !btf_is_fwd(t) &&
	       btf_kind(t) != BTF_KIND_TYPE_TAG &&
	       btf_kind(t) != BTF_KIND_DECL_TAG;
}

/* Into memory of our own. */
static int build(struct ktype *kt)
{
	u32 first = kt->base ? btf__type_cnt(kt->base->btf) : 1;
	u32 nr = btf__type_cnt(kt->btf), id, named = 0, size = 16;
	u32 *slots;

	for (id = first; id < nr; id++)
		named += is_indexed(btf__type_by_id(kt->btf, id));
	while (size < named * 2)
		size *= 2;
	slots = calloc(size, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	kt->slots = kt->own_slots = slots;
	kt->mask = size - 1;
	for (id = first; id < nr; id++) {
		const struct btf_type *t = btf__type_by_id(kt->btf, id);
		u32 at;

		if (!is_indexed(t))
			continue;
		at = hash_name(ktype_type_name(kt, t));
		while (slots[at & kt->mask])
			at++;
		slots[at & kt->mask] = id;
	}
	return 0;
}

/* The file is the slots; how many types there are stands in the first. */
static bool load(struct ktype *kt, const char *cache_dir)
{
	size_t nr;

	if (kcache_load(cache_dir, CACHE_NAME, CACHE_VERSION, &kt->names))
		return false;
	nr = kt->names.len / sizeof(*kt->slots);
	if (nr > 1 && !((nr - 1) & (nr - 2)) && nr - 1 <= UINT32_MAX &&
	    kt->names.len % sizeof(*kt->slots) == 0 &&
	    *(const u32 *)kt->names.data == btf__type_cnt(kt->btf)) {
		kt->slots = (const u32 *)kt->names.data + 1;
		kt->mask = (u32)(nr - 2);
		return true;
	}
	kcache_unmap(&kt->names);
	return false;
}

int ktype_names_open(struct ktype *kt, const char *cache_dir)
{
	u32 nr = btf__type_cnt(kt->btf);
	struct iovec iov[] = { { &nr, sizeof(nr) }, { 0 } };
	int err;

	if (cache_dir && load(kt, cache_dir))
		return 0;
	err = build(kt);
	if (err || !cache_dir)
		return err;
	iov[1] = (struct iovec){ kt->own_slots,
				 ((size_t)kt->mask + 1) * sizeof(*kt->slots) };
	/* A cache that cannot be written costs the next one some time. */
	kcache_store(cache_dir, CACHE_NAME, CACHE_VERSION, iov, ARRAY_SIZE(iov));
	return 0;
}

void ktype_names_close(struct ktype *kt)
{
	free(kt->own_slots);
	kt->own_slots = NULL;
	kt->slots = NULL;
	kcache_unmap(&kt->names);
}

/* C's other spellings of BTF's integer names. */
static const char *int_alias(const char *name)
{
	static const char *const alias[][2] = {
		{ "unsigned", "unsigned int" },
		{ "long", "long int" },
		{ "unsigned long", "long unsigned int" },
		{ "unsigned long int", "long unsigned int" },
		{ "long long", "long long int" },
		{ "unsigned long long", "long long unsigned int" },
		{ "short", "short int" },
		{ "unsigned short", "short unsigned int" },
		{ "bool", "_Bool" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(alias); i++)
		if (!strcmp(alias[i][0], name))
			return alias[i][1];
	return name;
}

enum { WANT_ANY, WANT_STRUCT, WANT_UNION, WANT_ENUM, WANT_VAR };

/* How well a kind answers to a plain name; 0: not at all, 1 is best. */
static unsigned int kind_rank(const struct btf_type *t, int want)
{
	switch (btf_kind(t)) {
	case BTF_KIND_STRUCT:
		return want == WANT_ANY || want == WANT_STRUCT ? 1 : 0;
	case BTF_KIND_UNION:
		return want == WANT_ANY || want == WANT_UNION ? 2 : 0;
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		return want == WANT_ANY || want == WANT_ENUM ? 3 : 0;
	case BTF_KIND_TYPEDEF:
		return want == WANT_ANY ? 4 : 0;
	case BTF_KIND_INT:
	case BTF_KIND_FLOAT:
		return want == WANT_ANY ? 5 : 0;
	case BTF_KIND_VAR:
		return want == WANT_VAR ? 1 : 0;
	default:
		return 0;
	}
}

static int parse_tag(const char **name, size_t *len)
{
	static const char *const tags[] = { "struct ", "union ", "enum " };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(tags); i++) {
		size_t n = strlen(tags[i]);

		if (*len > n && !strncmp(*name, tags[i], n)) {
			*name += n;
			*len -= n;
			return WANT_STRUCT + (int)i;
		}
	}
	return WANT_ANY;
}

/* The best kind wins; of several of one kind the first that was built. */
static int find_indexed(const struct ktype *kt, const char *name, int want)
{
	u32 at = hash_name(name), tries, id;
	unsigned int best_rank = 99;
	int best = -ENOENT;

	/* A cached table is a file's content: bounded, each id checked. */
	for (tries = 0; tries <= kt->mask && (id = kt->slots[at & kt->mask]);
	     at++, tries++) {
		const struct btf_type *t = btf__type_by_id(kt->btf, id);
		unsigned int rank = t ? kind_rank(t, want) : 0;

		if (rank && rank < best_rank && !strcmp(ktype_type_name(kt, t), name)) {
			best = (int)id;
			best_rank = rank;
		}
	}
	if (best < 0 && kt->base)
		return find_indexed(kt->base, name, want);
	return best;
}

int ktype_find_named(const struct ktype *kt, const char *name, size_t len)
{
	int want = parse_tag(&name, &len);
	char plain[128];

	if (!len || len >= sizeof(plain))
		return -ENOENT;
	memcpy(plain, name, len);
	plain[len] = '\0';
	return find_indexed(kt, want == WANT_ANY ? int_alias(plain) : plain,
			    want);
}

int ktype_find(const struct ktype *kt, const char *name)
{
	return ktype_find_named(kt, name, strlen(name));
}

int ktype_find_var(const struct ktype *kt, const char *name)
{
	int id = find_indexed(kt, name, WANT_VAR);

	return id < 0 ? id : (int)btf__type_by_id(kt->btf, (u32)id)->type;
}
