/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vas: the guest kernel's virtual address space over guest RAM. Walks the page
 * tables that CR3 names, 4 or 5 levels, pages of 4K, 2M and 1G. The guest may
 * be running and may be lying: each table entry is read once, each address
 * goes through mem_ptr(), and no input can make the host fault or loop.
 *
 * Any thread. Reads do not stop the guest: a scalar that is aligned is read in
 * one access, anything longer may be torn.
 */
#ifndef VMTAP_FREEZE_VAS_H
#define VMTAP_FREEZE_VAS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "vmm/mem.h"

struct vas {
	const struct mem *mem;
	gpa_t root;	/* of the top-level table; 0 = no page tables yet */
	bool la57;
	u64 page_mask;	/* physical address bits that a table entry may use */
};

/**
 * vas_init() - an address space
 * @cr3: as the CPU has it; PCID and flag bits are masked off. 0 means that the
 *	CPU had no page tables yet: then every read fails with -ENXIO.
 * @la57: CR4.LA57
 */
void vas_init(struct vas *v, const struct mem *mem, u64 cr3, bool la57);

/**
 * vas_translate() - guest-virtual to guest-physical
 * @left: bytes from @gva to the end of its page; may be NULL
 * Return: 0; -ENXIO no page tables; -EINVAL not canonical; -EFAULT not present
 * or a table outside RAM. The result need not be RAM.
 */
int vas_translate(const struct vas *v, gva_t gva, gpa_t *gpa, u64 *left);

/** vas_read() - copy out @len bytes; 0 or as vas_translate(), -EFAULT no RAM */
int vas_read(const struct vas *v, gva_t gva, void *dst, u64 len);
int vas_read_u8(const struct vas *v, gva_t gva, u8 *out);
int vas_read_u16(const struct vas *v, gva_t gva, u16 *out);
int vas_read_u32(const struct vas *v, gva_t gva, u32 *out);
int vas_read_u64(const struct vas *v, gva_t gva, u64 *out);

/**
 * vas_read_string() - up to the NUL or @size - 1 bytes, always terminated
 * Return: length, or -errno where not even the first byte can be read.
 */
ssize_t vas_read_string(const struct vas *v, gva_t gva, char *dst, size_t size);

#endif
