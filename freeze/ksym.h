/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ksym: every symbol of a kernel image, by name and by address. An unstripped
 * vmlinux gives its .symtab; from a stock image the kernel's own kallsyms
 * tables are found without any symbol and decoded (see kallsyms.h). The sorted
 * index is cached beside the image and mapped by later opens.
 *
 * Addresses are link addresses; ksym_runtime() tells where a slid kernel has
 * them. Immutable after the open; any thread.
 */
#ifndef VMTAP_FREEZE_KSYM_H
#define VMTAP_FREEZE_KSYM_H

#include <stdbool.h>
#include <stddef.h>

#include "vmm/base/util.h"

struct diag;
struct kimage;
struct ksym;

struct ksym_entry {
	u64 addr;
	const char *name;	/* lives as long as the ksym */
	char type;		/* as nm(1) tells it; upper case is global */
};

/**
 * ksym_open() - index the symbols of @ki, which may be closed afterwards
 * @out: ksym_close() frees
 * Return: 0; -ENOENT the image has neither .symtab nor kallsyms; -EINVAL
 * damaged; -ENOMEM.
 */
int ksym_open(const struct kimage *ki, struct ksym **out, struct diag *d);

/**
 * ksym_from_entries() - index the caller's list (tests, kallsyms of a guest)
 * @entries: copied
 */
int ksym_from_entries(const struct ksym_entry *entries, size_t nr,
		      struct ksym **out, struct diag *d);

/** ksym_close() - NULL is fine */
void ksym_close(struct ksym *ks);

/** ksym_nr() - how many symbols */
size_t ksym_nr(const struct ksym *ks);

/** ksym_source() - "symtab", "kallsyms", "cache" or "entries" */
const char *ksym_source(const struct ksym *ks);

/** ksym_get() - the @i-th symbol in address order; false past the end */
bool ksym_get(const struct ksym *ks, size_t i, struct ksym_entry *out);

/**
 * ksym_find() - link address of @name
 * Of several symbols with one name a global one is taken, else the lowest.
 * Return: 0, -ENOENT.
 */
int ksym_find(const struct ksym *ks, const char *name, u64 *addr);

/** ksym_nr_named() - how many symbols are called @name */
size_t ksym_nr_named(const struct ksym *ks, const char *name);

/**
 * ksym_at() - symbol that covers link address @addr, as name + offset
 * Return: name, owned by @ks; NULL below the first symbol and past the image.
 */
const char *ksym_at(const struct ksym *ks, u64 addr, u64 *offset);

/**
 * ksym_runtime() - address in a kernel slid by @slide
 * Addresses below the kernel map (zero-based per-CPU symbols of kernels before
 * 6.15, absolute ones) do not slide.
 */
u64 ksym_runtime(u64 addr, u64 slide);

#endif
