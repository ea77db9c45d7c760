/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * boot: what guest memory holds when the first vCPU starts: kernel, initrd,
 * command line, zero page with its memory map.
 *
 * Low memory, as this file lays it out (the kernel takes all of it later):
 *
 *	0x00500 GDT (BOOT_GDT)		0x07000 zero page
 *	0x08000 stack page		0x09000 page tables, six pages
 *	0x10000 setup_data		0x20000 command line, up to 64 KiB
 *	0xe0000 ACPI tables, and at 0xffff0 the reset vector: reserved
 *
 * From 1 MiB: kernel; at the top of low RAM the initrd, then the crash ring.
 * Spec: Documentation/arch/x86/boot.rst, 64-bit boot protocol.
 */
#ifndef VMTAP_VMM_BOOT_H
#define VMTAP_VMM_BOOT_H

#include "vmm/machine.h"

#define BOOT_GDT 0x500
#define BOOT_ZERO_PAGE 0x7000
#define BOOT_STACK_TOP 0x9000
#define BOOT_PAGE_TABLES 0x9000
#define BOOT_SETUP_DATA 0x10000
#define BOOT_CMDLINE 0x20000
#define BOOT_CMDLINE_MAX 0x10000
#define BOOT_EBDA 0x9fc00
#define BOOT_ACPI 0xe0000
#define BOOT_RESET_VECTOR 0xffff0
#define BOOT_ACPI_MAX (BOOT_RESET_VECTOR - BOOT_ACPI)
#define BOOT_MIN_MEMORY MiB(32)

struct boot_cfg {
	struct machine_kernel kernel;
	const char *cmdline;
	const struct machine_initrd *initrd;
	enum machine_kaslr kaslr;
	u64 kaslr_seed;
	u64 ring_size;
	gpa_t rsdp;
};

/* How vCPU 0 starts: 64-bit mode, identity-mapped, RSI = the zero page. */
struct boot_entry {
	gpa_t rip;
	gpa_t zero_page;
};

struct boot_e820 {
	u64 addr, size;
	u32 type;	/* 1 RAM, 2 reserved */
};

#define BOOT_MAX_E820 8

/**
 * boot_e820() - the memory map for @mem; @ring_size bytes at ring_gpa reserved
 * Return: entries written, sorted, without overlap.
 */
unsigned int boot_e820(const struct mem *mem, u64 ring_size,
		       struct boot_e820 map[BOOT_MAX_E820]);

/** boot_ring_gpa() - where a ring of @ring_size lies in @memory bytes of RAM */
gpa_t boot_ring_gpa(u64 memory, u64 ring_size);

/**
 * boot_load() - fill @mem, which is zeroed
 * @layout, @entry: written on success
 *
 * Return: 0; -EINVAL no kernel or a malformed one; -ENOSPC it does not fit
 * into the memory; -E2BIG command line; what kimage_load() or initrd.fill say.
 */
int boot_load(struct mem *mem, const struct boot_cfg *cfg,
	      struct machine_layout *layout, struct boot_entry *entry,
	      struct diag *d);

#endif
