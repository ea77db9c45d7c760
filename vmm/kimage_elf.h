/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kimage_elf: the ELF half of kimage, private to it: segments and sections of
 * a vmlinux by libelf, each checked to lie within the file, and the extent of
 * the ELF file, behind which a bzImage's payload holds its relocation table.
 */
#ifndef VMTAP_VMM_KIMAGE_ELF_H
#define VMTAP_VMM_KIMAGE_ELF_H

#include "vmm/kimage.h"

#define KIMAGE_MAX_SEGMENTS 64
#define KIMAGE_MAX_SECTIONS 4096

struct kimage_elf {
	const u8 *data;
	size_t len;	/* of the ELF file proper */
	u64 entry;
	u64 link_phys;
	u64 link_virt;
	u64 image_size;
	struct kimage_segment *segments;
	unsigned int nr_segments;
	struct kimage_section *sections;
	unsigned int nr_sections;
};

/**
 * kimage_elf_init() - index @len bytes at @data, which outlive @e
 * Return: 0, -ENOEXEC no x86-64 vmlinux, -EINVAL damaged, -ENOMEM; on error @e
 * is empty.
 */
int kimage_elf_init(struct kimage_elf *e, const u8 *data, size_t len,
		    struct diag *d);
void kimage_elf_deinit(struct kimage_elf *e);

/** kimage_elf_identity() - hash of what tells one vmlinux, and its indexes, from another */
void kimage_elf_identity(const struct kimage_elf *e, char hex[33]);

/** kimage_elf_find() - first occurrence of @what in a segment's file bytes */
const u8 *kimage_elf_find(const struct kimage_elf *e, const void *what,
			  size_t len, size_t *left);

/**
 * kimage_relocs_check() - 0 where the table has a known layout, else -EINVAL
 * @table: what follows the ELF file in the payload
 */
int kimage_relocs_check(const u8 *table, size_t len);

/**
 * kimage_relocs_apply() - add @slide at each place that the table names
 * @image: image_size bytes, the first one linked at link_virt
 * Return: 0, -EINVAL layout, -ERANGE a place outside the image.
 */
int kimage_relocs_apply(const struct kimage_elf *e, const u8 *table,
			size_t len, u8 *image, u64 slide);

#endif
