/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ktype: the kernel's types from BTF, through libbpf. Nothing is known per
 * version: callers ask for members by name and take "not there" as an answer.
 *
 * A kernel's types are read and judged by libbpf once; where each one lies is
 * kept in the image's cache. Immutable after the open: any thread.
 */
#ifndef VMTAP_FREEZE_KTYPE_H
#define VMTAP_FREEZE_KTYPE_H

#include <stdbool.h>
#include <stddef.h>

#include "vmm/base/util.h"

struct buf;
struct diag;
struct kimage;
struct ktype;

/* Where a member lies and what it is. */
struct kfield {
	u64 offset;		/* bytes from the start of the outer type */
	u64 size;		/* bytes; of the storage unit for a bitfield */
	u32 type_id;		/* as declared, typedefs and all */
	u32 bit_offset;		/* within the bytes at offset; bitfields only */
	u32 bit_size;		/* 0: no bitfield */
};

enum ktype_kind {
	KTYPE_VOID, KTYPE_INT, KTYPE_BOOL, KTYPE_CHAR, KTYPE_FLOAT, KTYPE_ENUM,
	KTYPE_PTR, KTYPE_ARRAY, KTYPE_STRUCT, KTYPE_UNION, KTYPE_FUNC,
	KTYPE_OTHER,
};

/* A type with typedefs, const and the like looked through. */
struct ktype_info {
	enum ktype_kind kind;
	u32 id;			/* of the underlying type */
	u64 size;
	bool is_signed;		/* ints and enums */
	u32 elem_id;		/* KTYPE_ARRAY element, KTYPE_PTR target */
	u64 nr_elems;		/* KTYPE_ARRAY */
};

/**
 * ktype_open() - BTF of a kernel image
 * @ki: must outlive the ktype. With an index in its cache nothing is parsed.
 * Return: 0; -ENOENT no .BTF section (CONFIG_DEBUG_INFO_BTF is off); -EINVAL
 * damaged; -ENOMEM.
 */
int ktype_open(const struct kimage *ki, struct ktype **out, struct diag *d);

/**
 * ktype_open_data() - BTF from bytes: a module's, a BPF program's, a test's
 * @base: NULL, or what this split BTF refers to; must outlive the new one
 */
int ktype_open_data(const void *data, size_t len, const struct ktype *base,
		    struct ktype **out, struct diag *d);

void ktype_close(struct ktype *kt);

/** ktype_nr() - how many types, those of the base included */
u32 ktype_nr(const struct ktype *kt);

/**
 * ktype_find() - type id by name
 * @name: "task_struct", "struct task_struct", "u64", "enum system_states";
 *	structs, unions and enums come before typedefs of the same name
 * Return: id > 0, -ENOENT.
 */
int ktype_find(const struct ktype *kt, const char *name);

/** ktype_find_var() - type id of the global variable @name (per-CPU ones at least) */
int ktype_find_var(const struct ktype *kt, const char *name);

/** ktype_info() - look through typedefs; 0, -ENOENT for a bad id, -EINVAL */
int ktype_info(const struct ktype *kt, u32 id, struct ktype_info *out);

/**
 * ktype_field() - resolve "task_struct.comm", "rq.scx.local_dsq.nr", "a.b[3]"
 * Members of anonymous structs and unions are found as C finds them; those of
 * a BPF object's section (.bss) are its variables. An array
 * index is checked unless the array is flexible.
 * Return: 0, -ENOENT no such type or member (@d tells which), -EINVAL syntax.
 */
int ktype_field(const struct ktype *kt, const char *path, struct kfield *out,
		struct diag *d);

/**
 * ktype_member() - one step from type @id to member @name
 * @len: of @name, which need not be NUL-terminated
 * Return: 0, -ENOENT, -EINVAL where @id is no struct or union.
 */
int ktype_member(const struct ktype *kt, u32 id, const char *name, size_t len,
		 struct kfield *out);

/**
 * ktype_each_member() - direct members of struct or union @id, in order
 * @fn: anonymous ones have the name ""; nonzero stops
 * Return: 0, -EINVAL no struct or union, or what @fn returned.
 */
int ktype_each_member(const struct ktype *kt, u32 id,
		      int (*fn)(const char *name, const struct kfield *f,
				void *arg), void *arg);

/** ktype_offset() - byte offset of @path, -ENOENT or -EINVAL; for the readers */
s64 ktype_offset(const struct ktype *kt, const char *path);
/** ktype_size() - size in bytes of the type called @name; -ENOENT */
s64 ktype_size(const struct ktype *kt, const char *name);
/** ktype_has() - is there such a path */
bool ktype_has(const struct ktype *kt, const char *path);

/**
 * ktype_enum() - value of enumerator @value_name
 * @enum_name: NULL searches all enums. Return: 0, -ENOENT.
 */
int ktype_enum(const struct ktype *kt, const char *enum_name,
	       const char *value_name, s64 *out);
/** ktype_enum_with() - id of the enum, named or not, that has @value_name; -ENOENT */
int ktype_enum_with(const struct ktype *kt, const char *value_name);
/** ktype_enum_name() - enumerator of enum type @id with @value, or NULL */
const char *ktype_enum_name(const struct ktype *kt, u32 id, s64 value);

/** ktype_name() - append the C spelling: "struct task_struct *", "char[16]" */
int ktype_name(const struct ktype *kt, u32 id, struct buf *out);

/** ktype_layout() - append a struct as C with offsets, for people */
int ktype_layout(const struct ktype *kt, u32 id, struct buf *out);

/**
 * ktype_print() - append the value in @data as C would write it
 * Scalars plain, enums by name, char arrays as strings, structs as
 * {.a = 1, ...}; depth and length are bounded. @bit_offset and @bit_size are 0
 * but for bitfields. Return: 0, -EINVAL @len too short, -ENOENT.
 */
int ktype_print(const struct ktype *kt, const struct kfield *f,
		const void *data, size_t len, struct buf *out);

/**
 * ktype_int() - an integer, enum, pointer or bitfield as 64 bits
 * @is_signed: out, may be NULL. Return: 0, -EINVAL where it is none of these.
 */
int ktype_int(const struct ktype *kt, const struct kfield *f, const void *data,
	      size_t len, u64 *out, bool *is_signed);

#endif
