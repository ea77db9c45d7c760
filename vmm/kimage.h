/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kimage: a kernel image, opened once. A bzImage's payload is decompressed to
 * the ELF vmlinux inside, with the relocation table that follows it; an ELF
 * vmlinux is taken as it is. The decompressed image is kept by content hash in
 * $XDG_CACHE_HOME/vmtap/kimage/<hash>/ and mapped by later opens.
 *
 * Any thread; a kimage is immutable after the open and may be shared, also
 * across fork(). The image file is untrusted: every offset is checked.
 */
#ifndef VMTAP_VMM_KIMAGE_H
#define VMTAP_VMM_KIMAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "vmm/base/util.h"

struct diag;
struct kimage;

/* x86 links the kernel here; KASLR's virtual slide is relative to it. */
#define KIMAGE_START_KERNEL_MAP 0xffffffff80000000ULL
/* The slide keeps the image below this size above the map (KASLR on). */
#define KIMAGE_MAP_SIZE_KASLR GiB(1)

enum kimage_format { KIMAGE_BZIMAGE, KIMAGE_ELF };

/* One PT_LOAD; @data points to @filesz bytes, the rest up to @memsz is zero. */
struct kimage_segment {
	u64 vaddr;	/* link address; 0 for the per-CPU segment of old kernels */
	u64 paddr;	/* link-time physical address */
	u64 filesz;
	u64 memsz;
	u32 flags;	/* PF_R, PF_W, PF_X */
	const u8 *data;
};

/* A section of the ELF image; @data is NULL for SHT_NOBITS. */
struct kimage_section {
	const char *name;
	u64 addr;	/* link address, 0 where not allocated */
	u64 size;
	u32 type;	/* SHT_* */
	u64 flags;	/* SHF_* */
	const u8 *data;
};

/*
 * What the boot protocol says about the image (Documentation/arch/x86/boot),
 * host byte order. For an ELF vmlinux all but the fields marked (ELF) are 0.
 */
struct kimage_boot {
	const u8 *setup;	/* first @setup_len bytes of the bzImage: boot
				 * sector and setup code; the setup header lies
				 * at 0x1f1 and is zero-page material */
	size_t setup_len;
	size_t setup_header_end;	/* offset after the header's last field */
	u16 version;		/* protocol, 0x020f = 2.15 */
	u8 loadflags;
	u16 xloadflags;
	bool relocatable;
	u32 kernel_alignment;
	u64 pref_address;
	u32 init_size;		/* memory that the bzImage needs to unpack */
	u32 cmdline_size;	/* longest command line without the NUL; (ELF) 2047 */
	u32 initrd_addr_max;
	u64 entry_phys;		/* (ELF) physical entry point as linked */
	u64 link_phys;		/* (ELF) lowest PT_LOAD p_paddr, usually 16 MiB */
	u64 link_virt;		/* (ELF) link address of that byte: _text */
	u64 image_size;		/* (ELF) bytes from link_phys to the last memsz */
};

enum kimage_flags {
	KIMAGE_NO_CACHE = 1 << 0,	/* neither read nor write the cache */
};

/**
 * kimage_open() - open and index a kernel image
 * @path: bzImage or ELF vmlinux; kept (copied) for messages
 * @out: written on success; kimage_close() frees
 *
 * An unreadable, stale or corrupt cache entry is rebuilt; a cache that cannot
 * be written is no error. Return: 0; -ENOENT and other errno of open(2);
 * -ENOEXEC no kernel image, -EINVAL damaged, -EOPNOTSUPP payload compressed by
 * a method that is not supported (bzip2, lzma), -ENOMEM.
 */
int kimage_open(const char *path, unsigned int flags, struct kimage **out,
		struct diag *d);

/**
 * kimage_open_buffer() - as kimage_open() from memory, never cached
 * @data: stays the caller's and must outlive the kimage
 */
int kimage_open_buffer(const void *data, size_t len, struct kimage **out,
		       struct diag *d);

/** kimage_close() - unmap and free; NULL is fine */
void kimage_close(struct kimage *ki);

enum kimage_format kimage_format(const struct kimage *ki);
const char *kimage_path(const struct kimage *ki);

/** kimage_release() - "6.12.95+deb12-cloud-amd64"; "" where not found */
const char *kimage_release(const struct kimage *ki);

/** kimage_banner() - release with builder and build number; "" where not found */
const char *kimage_banner(const struct kimage *ki);

/** kimage_compression() - "zstd", "lz4", "xz", "gzip", "lzo"; "none" for ELF */
const char *kimage_compression(const struct kimage *ki);

/** kimage_hash() - 32 hex digits over the image's content */
const char *kimage_hash(const struct kimage *ki);

/** kimage_cached() - the open was served by the cache (nothing unpacked) */
bool kimage_cached(const struct kimage *ki);

/** kimage_cache_dir() - where indexes of this image are kept, NULL: nowhere */
const char *kimage_cache_dir(const struct kimage *ki);

const struct kimage_boot *kimage_boot(const struct kimage *ki);

/** kimage_elf() - the ELF vmlinux, read-only bytes that live as long as @ki */
const u8 *kimage_elf(const struct kimage *ki, size_t *len);

unsigned int kimage_nr_segments(const struct kimage *ki);
const struct kimage_segment *kimage_segment(const struct kimage *ki,
					    unsigned int i);

unsigned int kimage_nr_sections(const struct kimage *ki);
const struct kimage_section *kimage_section(const struct kimage *ki,
					    unsigned int i);
/** kimage_section_by_name() - NULL where there is none */
const struct kimage_section *kimage_section_by_name(const struct kimage *ki,
						    const char *name);

/**
 * kimage_at() - image bytes at link address @vaddr
 * Return: pointer to @len readable bytes; NULL where not all of it is file
 * content of one segment (so never for .bss).
 */
const void *kimage_at(const struct kimage *ki, u64 vaddr, u64 len);

/** kimage_has_relocs() - a virtual slide can be applied by kimage_load() */
bool kimage_has_relocs(const struct kimage *ki);

/**
 * kimage_load() - place the ELF image into guest RAM, slid by @slide
 * @dst: host pointer for the image's first byte (kimage_boot.link_phys as
 *	linked); must read as zero where the image has no file bytes (fresh RAM)
 * @len: room at @dst, at least kimage_boot.image_size
 * @slide: virtual slide (KASLR), 0 for none; a multiple of 2 MiB so that the
 *	image stays within KIMAGE_MAP_SIZE_KASLR of the kernel map
 *
 * The caller enters at the load address + (entry_phys - link_phys), 64-bit
 * mode, identity mapped; the kernel finds its physical load offset itself. A
 * kernel that shall also randomise its memory regions wants KASLR_FLAG (bit 1)
 * in the zero page's loadflags, which the skipped unpacker would have set.
 * Return: 0; -ENOTSUP @slide without a relocation table; -EINVAL bad slide or
 * a relocation outside the image; -ENOSPC @len too small.
 */
int kimage_load(const struct kimage *ki, void *dst, u64 len, u64 slide,
		struct diag *d);

/**
 * kimage_ikconfig() - the .config text, where CONFIG_IKCONFIG=y built it in
 * @out: NUL-terminated, the caller frees. Return: 0, -ENOENT, -EINVAL.
 */
int kimage_ikconfig(const struct kimage *ki, char **out, size_t *len);

#endif
