/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kallsyms: the kernel's compressed symbol tables, found in the bytes of an
 * image (or of a dump) with no symbol to point at them.
 *
 * The anchor is the token table: 256 strings, among which the digits stand for
 * themselves, followed by its index. Layouts that are known, in memory order,
 * with 8-byte alignment but for the last:
 *
 *	<= 6.3	offsets, relative_base, num_syms, names, markers, [seqs,]
 *		token_table, token_index
 *	<= 6.x	num_syms, names, markers, token_table, token_index, offsets,
 *		relative_base, seqs
 *	7.x	num_syms, names, markers, token_table, token_index, offsets, seqs
 *		(4-byte alignment; each offset is relative to its own place)
 *
 * An offset with a relative_base is unsigned, or, where the image has symbols
 * of both kinds (KALLSYMS_ABSOLUTE_PERCPU), absolute when it is not negative
 * and relative_base - 1 - offset when it is.
 */
#ifndef VMTAP_FREEZE_KALLSYMS_H
#define VMTAP_FREEZE_KALLSYMS_H

#include <stddef.h>

#include "vmm/base/util.h"

#define KALLSYMS_MAX_NAME 1024
#define KALLSYMS_MAX_SYMS 8000000

/* Bytes that hold the tables, and the address that the first one has. */
struct kallsyms_span {
	const u8 *data;
	size_t len;
	u64 vaddr;
	u64 image_start;	/* every address that is not per-CPU or absolute */
	u64 image_end;		/* lies in [image_start, image_end] */
};

/* Where the tables are: offsets into the span. */
struct kallsyms {
	struct kallsyms_span span;
	u32 nr;
	size_t names;
	size_t token_table;
	size_t token_index;
	size_t offsets;
	u64 relative_base;
	enum kallsyms_form {
		KALLSYMS_RELATIVE,		/* base + u32 */
		KALLSYMS_ABSOLUTE_PERCPU,	/* sign tells, see above */
		KALLSYMS_PLACE_RELATIVE,	/* own address + s32 */
		KALLSYMS_ADDRESSES,		/* u64 each, no base */
	} form;
};

/**
 * kallsyms_find() - locate the tables
 * Bounded work on any input. Return: 0; -ENOENT no tables.
 */
int kallsyms_find(const struct kallsyms_span *span, struct kallsyms *out);

/**
 * kallsyms_each() - decode all symbols in table order
 * @fn: gets link address, nm type and NUL-terminated name (valid during the
 *	call); nonzero stops. Return: 0, or what @fn returned.
 */
int kallsyms_each(const struct kallsyms *ks,
		  int (*fn)(u64 addr, char type, const char *name, size_t len,
			    void *arg), void *arg);

#endif
