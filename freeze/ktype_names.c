// SPDX-License-Identifier: GPL-2.0-only
/* Types by name, and what C's spellings of one come to; see ktype.h. */
#include <errno.h>
#include <string.h>

#include "freeze/ktype_priv.h"
#include "freeze/name_hash.h"

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
	u32 at = name_hash(name), tries, id;
	unsigned int best_rank = 99;
	int best = -ENOENT;

	/* A cached table is a file's content: bounded, each id checked. */
	for (tries = 0; tries <= kt->mask && (id = kt->slots[at & kt->mask]);
	     at++, tries++) {
		const struct btf_type *t = ktype_by_id(kt, id);
		unsigned int rank = t ? kind_rank(t, want) : 0;

		if (rank && rank < best_rank && !strcmp(ktype_str(kt, t->name_off), name)) {
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

	return id < 0 ? id : (int)ktype_by_id(kt, (u32)id)->type;
}
