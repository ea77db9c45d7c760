/* SPDX-License-Identifier: GPL-2.0-only */
/* ktype_priv: what the files of ktype share; for nobody else. */
#ifndef VMTAP_FREEZE_KTYPE_PRIV_H
#define VMTAP_FREEZE_KTYPE_PRIV_H

#include <pthread.h>

#include <bpf/btf.h>

#include "freeze/ktype.h"
#include "vmm/kcache.h"

#define KTYPE_MAX_DEPTH 32	/* of typedef chains, nesting, declarators */

struct ktype {
	const struct ktype *base;	/* of split BTF */
	const void *data;		/* the BTF that was opened, of @len bytes */
	size_t len;
	const u8 *types;		/* types and strings within it, or in */
	const char *strs;		/* libbpf's copy */
	u32 types_len, strs_len;
	u32 first_id, first_str;	/* those below are @base's */
	u32 nr;				/* types, those of @base not included */
	const u32 *at;			/* by id: where in @types */
	const u32 *slots;		/* by hash of the name: id, or 0 */
	u32 mask;
	struct ktype_index *built;	/* the two tables, where not @cache's */
	struct kcache_map cache;
	struct ktype_parsed {
		pthread_mutex_t lock;
		struct btf *btf;	/* NULL: nobody needed it yet */
	} *parsed;
};

/**
 * ktype_index_open() - fill @kt, of which base, data, len and parsed are set
 * @cache_dir: NULL keeps no index. Return: 0, -EINVAL damaged, -ENOMEM; what is
 * there then is ktype_index_close()'s.
 */
int ktype_index_open(struct ktype *kt, const char *cache_dir);
void ktype_index_close(struct ktype *kt);

/** ktype_by_id() - NULL where there is none or it is not whole; void for 0 */
const struct btf_type *ktype_by_id(const struct ktype *kt, u32 id);
/** ktype_end() - the first id past the last type's */
u32 ktype_end(const struct ktype *kt);
/** ktype_str() - the string at @off, "" where there is none */
const char *ktype_str(const struct ktype *kt, u32 off);
/** ktype_resolve_size() - bytes of type @id; -EINVAL it has no size, -E2BIG */
s64 ktype_resolve_size(const struct ktype *kt, u32 id);

/** ktype_find_named() - ktype_find() of @len bytes of @name */
int ktype_find_named(const struct ktype *kt, const char *name, size_t len);

/**
 * ktype_strip() - through typedefs and qualifiers
 * @id: becomes the underlying type's. Return: NULL for void and bad ids.
 */
const struct btf_type *ktype_strip(const struct ktype *kt, u32 *id);

/** ktype_enum_value() - the @i-th enumerator; false past the last one */
bool ktype_enum_value(const struct ktype *kt, const struct btf_type *t,
		      unsigned int i, const char **name, s64 *value);

#endif
