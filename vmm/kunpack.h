/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kunpack: decompression of a bzImage's payload by each method's own library,
 * in the containers that the kernel's build writes: gzip, xz (with the x86
 * BCJ filter), lzma-alone, the legacy lz4 frame, lzop's file format, zstd.
 * Input is untrusted; the output size is bounded by the caller's buffer.
 */
#ifndef VMTAP_VMM_KUNPACK_H
#define VMTAP_VMM_KUNPACK_H

#include <stddef.h>

#include "vmm/base/util.h"

struct diag;

struct kunpack_method {
	const char *name;
	u8 magic[9];
	u8 magic_len;
	/*
	 * 0; -EINVAL damaged or short input, -ENOSPC more than @dst_len bytes,
	 * -ENOMEM. *@out is the number of bytes written, also after -EINVAL.
	 * NULL where the method is known but not supported.
	 */
	int (*unpack)(const u8 *src, size_t len, u8 *dst, size_t dst_len,
		      size_t *out);
};

/** kunpack_probe() - the method whose magic @src begins with, or NULL */
const struct kunpack_method *kunpack_probe(const u8 *src, size_t len);

#endif
