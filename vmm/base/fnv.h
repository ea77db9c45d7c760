/* SPDX-License-Identifier: GPL-2.0-only */
/* fnv: FNV-1a, 64 bits: for short names, where nobody chooses them to collide. */
#ifndef VMTAP_BASE_FNV_H
#define VMTAP_BASE_FNV_H

#include "vmm/base/util.h"

#define FNV1A_START 0xcbf29ce484222325ULL

/** fnv1a() - @h, or FNV1A_START, continued by the bytes of @s */
static inline u64 fnv1a(u64 h, const char *s)
{
	while (*s)
		h = (h ^ (u8)*s++) * 0x100000001b3ULL;
	return h;
}

#endif
