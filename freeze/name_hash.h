/* SPDX-License-Identifier: GPL-2.0-only */
/* name_hash: FNV-1a, by which the cached indexes find symbols and types. */
#ifndef VMTAP_FREEZE_NAME_HASH_H
#define VMTAP_FREEZE_NAME_HASH_H

#include "vmm/base/util.h"

/** name_hash() - of a string; a part of the format of both caches */
static inline u32 name_hash(const char *name)
{
	u32 h = 2166136261U;

	while (*name)
		h = (h ^ (u8)*name++) * 16777619U;
	return h;
}

#endif
