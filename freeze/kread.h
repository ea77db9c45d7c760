/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kread: typed reads of one guest kernel: symbols, members by name, per-CPU
 * copies, linked lists, xarrays and idrs. Every walk has a bound, and what the
 * bound cut off is told. Plain struct: everything that it points to is the
 * caller's and must outlive it.
 */
#ifndef VMTAP_FREEZE_KREAD_H
#define VMTAP_FREEZE_KREAD_H

#include "freeze/ksym.h"
#include "freeze/ktype.h"
#include "freeze/vas.h"

#define KREAD_MAX_CPUS 8192

struct kread {
	struct vas vas;
	const struct ksym *sym;
	const struct ktype *types;
	u64 slide;		/* KASLR's virtual slide of the kernel image */
	u64 phys_base;		/* of the image: physical - (virtual - map) */
};

/**
 * kread_init() - bind to a guest whose image slide is known
 * @cr3: of any vCPU, @la57 its CR4.LA57. The page tables are the kernel's own
 *	(init_top_pgt) as soon as these map the image, else the ones of @cr3; of
 *	a CR3 that page table isolation made for user mode the kernel's twin.
 * @types: may be NULL: then only what needs no type works
 * Return: 0; -ENXIO no page tables, or none that map the kernel at @slide (too
 * early, or a wrong slide); -ENOENT no symbol _text.
 */
int kread_init(struct kread *k, const struct mem *mem, u64 cr3, bool la57,
	       const struct ksym *sym, const struct ktype *types, u64 slide,
	       struct diag *d);

/** kread_symbol() - runtime address of @name; 0, -ENOENT */
int kread_symbol(const struct kread *k, const char *name, gva_t *out,
		 struct diag *d);

/** kread_percpu_base() - __per_cpu_offset[@cpu]; -ENOENT, -EFAULT, -ERANGE */
int kread_percpu_base(const struct kread *k, unsigned int cpu, u64 *out);
/** kread_percpu() - address of @cpu's copy of per-CPU symbol @name */
int kread_percpu(const struct kread *k, const char *name, unsigned int cpu,
		 gva_t *out, struct diag *d);
/** kread_percpu_ptr() - @cpu's copy of what a __percpu pointer names */
int kread_percpu_ptr(const struct kread *k, u64 ptr, unsigned int cpu,
		     gva_t *out);
/** kread_nr_cpus() - nr_cpu_ids, at most KREAD_MAX_CPUS; -errno when unknown */
int kread_nr_cpus(const struct kread *k);

/**
 * kread_member() - integer member @path ("task_struct.pid") of the object at
 * @obj: up to 8 bytes, sign-extended where signed, bitfields too
 * Return: 0, -ENOENT no such member, -EFAULT.
 */
int kread_member(const struct kread *k, gva_t obj, const char *path, u64 *out);
/** kread_field() - as kread_member() with the member looked up before */
int kread_field(const struct kread *k, gva_t obj, const struct kfield *f,
		u64 *out);
/** kread_member_bytes() - copy member @path whole, which must be @len bytes or more */
int kread_member_bytes(const struct kread *k, gva_t obj, const char *path,
		       void *dst, size_t len);
/** kread_member_addr() - address of member @path of the object at @obj */
int kread_member_addr(const struct kread *k, gva_t obj, const char *path,
		      gva_t *out);

/*
 * Called per element with the containing object's address (lists) or index and
 * entry (xarray). Return 0 to go on, 1 to stop, -errno to stop with an error.
 */
typedef int (*kread_list_fn)(const struct kread *k, gva_t obj, void *arg);
typedef int (*kread_xa_fn)(const struct kread *k, u64 index, u64 entry,
			   void *arg);

/**
 * kread_list() - walk a struct list_head
 * @head: address of the head, which is no element itself
 * @offset: of the list_head within each element
 * @max: elements at most
 * Return: elements seen; -EFAULT broken pointer, -ELOOP more than @max or a
 * cycle that misses the head (seen after no more than a few times its
 * length), or what @fn returned.
 */
int kread_list(const struct kread *k, gva_t head, u64 offset, unsigned int max,
	       kread_list_fn fn, void *arg);

/** kread_xarray() - walk a struct xarray at @xa in index order; as kread_list() */
int kread_xarray(const struct kread *k, gva_t xa, unsigned int max,
		 kread_xa_fn fn, void *arg);
/** kread_idr() - walk a struct idr at @idr: kread_xarray() on its root, based */
int kread_idr(const struct kread *k, gva_t idr, unsigned int max,
	      kread_xa_fn fn, void *arg);

#endif
