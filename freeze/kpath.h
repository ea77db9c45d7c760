/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kpath: what a scenario's `read:` names, as a typed value.
 *
 *	init_task.comm				symbol and members
 *	runqueues[cpu=1].nr_running		per-CPU symbol, one CPU's copy
 *	init_task.mm->pgd, init_task.parent.pid	. looks through pointers, as ->
 *	__per_cpu_offset[2]			array element
 *	(struct task_struct)init_task.pid	with a type where BTF gives none
 *	map(".bss").counter			value of a BPF array map, by name suffix
 *	map("hits")[3]				element 3, key 3 of a hash, or thread
 *						3 of task storage; then [cpu=1] of a
 *						per-CPU map
 *
 * BTF of stock kernels types per-CPU variables only; for other globals a short
 * table of well-known ones helps, and the cast for the rest.
 */
#ifndef VMTAP_FREEZE_KPATH_H
#define VMTAP_FREEZE_KPATH_H

#include "freeze/kread.h"

#define KPATH_MAX_VALUE 65536

/* A value read from the guest; kvalue_reset() frees. */
struct kvalue {
	gva_t addr;
	struct kfield field;	/* offset is 0: relative to data */
	u8 *data;		/* field.size bytes, owned */
	char *type_name;	/* C spelling, owned */
	const struct ktype *types;	/* that field.type_id refers to */
	struct ktype *own_types;	/* a map's BTF; owned, may be NULL */
};

/**
 * kpath_read() - evaluate @path against the guest as it is now
 * @out: zeroed or reset before; filled on success
 * Return: 0; -EINVAL syntax (@d with a column); -ENOENT no such symbol, type,
 * member or map; -EFAULT unreadable; -ERANGE index or CPU; -ENOMEM.
 */
int kpath_read(const struct kread *k, const char *path, struct kvalue *out,
	       struct diag *d);

/**
 * kpath_check() - is @path well-formed, and do its symbols, types and members
 * exist, as far as that is known without a guest (a map's content is not)
 */
int kpath_check(const struct ksym *sym, const struct ktype *types,
		const char *path, struct diag *d);

/** kvalue_print() - append the value as C writes it */
int kvalue_print(const struct kvalue *v, struct buf *out);
/** kvalue_int() - as 64 bits, for checks; -EINVAL for structs and strings */
int kvalue_int(const struct kvalue *v, u64 *out, bool *is_signed);
/** kvalue_str() - a char array's text up to its NUL (strdup'ed); NULL otherwise */
char *kvalue_str(const struct kvalue *v);
void kvalue_reset(struct kvalue *v);

#endif
