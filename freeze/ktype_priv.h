/* SPDX-License-Identifier: GPL-2.0-only */
/* ktype_priv: what the files of ktype share; for nobody else. */
#ifndef VMTAP_FREEZE_KTYPE_PRIV_H
#define VMTAP_FREEZE_KTYPE_PRIV_H

#include <bpf/btf.h>

#include "freeze/ktype.h"
#include "vmm/kcache.h"

#define KTYPE_MAX_DEPTH 32	/* of typedef chains, nesting, declarators */

struct ktype {
	struct btf *btf;
	const struct ktype *base;	/* of split BTF */
	/*
	 * Named types by hash of the name, open addressing: id, or 0. The
	 * readers ask by name thousands of times.
	 */
	const u32 *slots;
	u32 mask;
	u32 *own_slots;			/* built here; else NULL */
	struct kcache_map names;	/* of a kernel image's cache */
};

/**
 * ktype_names_open() - the index of names, from @cache_dir or for it
 * @cache_dir: NULL keeps none. Return: 0, -ENOMEM.
 */
int ktype_names_open(struct ktype *kt, const char *cache_dir);
void ktype_names_close(struct ktype *kt);

/** ktype_find_named() - ktype_find() of @len bytes of @name */
int ktype_find_named(const struct ktype *kt, const char *name, size_t len);

/** ktype_type_name() - of @t, "" where it has none */
const char *ktype_type_name(const struct ktype *kt, const struct btf_type *t);

/**
 * ktype_strip() - through typedefs and qualifiers
 * @id: becomes the underlying type's. Return: NULL for void and bad ids.
 */
const struct btf_type *ktype_strip(const struct ktype *kt, u32 *id);

/** ktype_enum_value() - the @i-th enumerator; false past the last one */
bool ktype_enum_value(const struct ktype *kt, const struct btf_type *t,
		      unsigned int i, const char **name, s64 *value);

#endif
