/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kmake: small kernel images for tests: an ELF vmlinux with kallsyms tables in
 * one of the known layouts, a relocation table, and a bzImage around them.
 */
#ifndef VMTAP_SELFTESTS_KMAKE_H
#define VMTAP_SELFTESTS_KMAKE_H

#include "vmm/base/buf.h"
#include "vmm/base/util.h"

#define KMAKE_TEXT 0xffffffff81000000ULL	/* link address of the image */
#define KMAKE_PHYS 0x1000000ULL
/* The places that kmake_relocs() names, as offsets into the image. */
#define KMAKE_REL64 0x40
#define KMAKE_REL32 0x48
#define KMAKE_INV32 0x4c
#define KMAKE_BSS 0x10000	/* memory behind the file's bytes */

struct kmake_sym {
	u64 addr;
	const char *name;	/* type first: "Tstart_kernel" */
};

enum kmake_layout { KMAKE_OLD, KMAKE_NEW, KMAKE_PLACE, KMAKE_ADDRESSES };

/**
 * kmake_kallsyms() - append tables whose first byte has address @vaddr
 * Symbols in ascending order. With KMAKE_OLD and KMAKE_NEW an address below
 * KMAKE_TEXT makes the table one of the ABSOLUTE_PERCPU kind.
 */
void kmake_kallsyms(struct buf *out, u64 vaddr, const struct kmake_sym *syms,
		    size_t nr, enum kmake_layout layout);

/** kmake_elf() - a vmlinux of one segment that holds @rodata at offset 0x1000 */
void kmake_elf(struct buf *out, const void *rodata, size_t len);

/** kmake_elf_symtab() - a vmlinux with .symtab; types T, t, W and A */
void kmake_elf_symtab(struct buf *out, const struct kmake_sym *syms, size_t nr);

/** kmake_relocs() - append a table; @inverse as kernels before 6.15 have it */
void kmake_relocs(struct buf *out, bool inverse);

/**
 * kmake_bzimage() - @payload, compressed by @method, behind a setup header
 * @method: "gzip", "xz", "lzma", "lz4", "lzo", "zstd", "none", "bzip2" (a
 *	magic only)
 */
void kmake_bzimage(struct buf *out, const char *method, const void *payload,
		   size_t len);

/** kmake_payload_offset() - where in a bzImage the compressed bytes begin */
size_t kmake_payload_offset(void);

#endif
