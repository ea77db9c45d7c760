/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kguest: a make-believe guest kernel for the readers of freeze/: a megabyte
 * of RAM mapped at KGUEST_VIRT by page tables of its own, symbols, and BTF of
 * a few structs with members at made-up places. What a test does not lay out
 * reads as zero.
 */
#ifndef VMTAP_SELFTESTS_KGUEST_H
#define VMTAP_SELFTESTS_KGUEST_H

#include "freeze/kread.h"

#define KGUEST_VIRT 0xffffffff81000000ULL
#define KGUEST_SIZE MiB(1)
#define KGUEST_MAX_SYMS 16

struct kguest {
	struct mem mem;
	u8 *ram;
	u64 next;	/* next free byte of RAM */
	gpa_t root;	/* of the page tables */
	struct ksym_entry syms[KGUEST_MAX_SYMS];
	size_t nr_syms;
	struct ksym *sym;
	struct ktype *types;
	struct kread k;	/* after kguest_ready() */
};

void kguest_init(struct kguest *g);
void kguest_free(struct kguest *g);

/** kguest_alloc() - zeroed guest memory; its virtual address */
gva_t kguest_alloc(struct kguest *g, u64 size, u64 align);
/** kguest_ptr() - host pointer for a kguest_alloc()ed address */
void *kguest_ptr(struct kguest *g, gva_t gva);
void kguest_put(struct kguest *g, gva_t gva, u64 value, size_t size);

/** kguest_symbol() - @name is at @gva; before kguest_ready() */
void kguest_symbol(struct kguest *g, const char *name, gva_t gva);
/** kguest_ready() - make symbol index, types and reader */
void kguest_ready(struct kguest *g);

/** kguest_offset() - of member @path; ends the test program where there is none */
u64 kguest_offset(struct kguest *g, const char *path);
/** kguest_set() - store into member @path of the object at @obj */
void kguest_set(struct kguest *g, gva_t obj, const char *path, u64 value);

/** kguest_map() - map one page of @size (4K, 2M, 1G); @levels 4 or 5 */
void kguest_map(struct kguest *g, gpa_t root, unsigned int levels, gva_t gva,
		gpa_t gpa, u64 size);

/** kguest_btf() - raw BTF of the make-believe kernel; the caller frees */
void *kguest_btf(u32 *len);

#endif
