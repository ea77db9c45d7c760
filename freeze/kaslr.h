/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kaslr: where the kernel image is, derived from all that is known. Pure: no
 * VM, no clock, no file. The slide is believed when at least one derivation
 * gives a plausible value and no other contradicts it.
 */
#ifndef VMTAP_FREEZE_KASLR_H
#define VMTAP_FREEZE_KASLR_H

#include <stdbool.h>

#include "vmm/base/util.h"

enum kaslr_fact { KASLR_UNKNOWN, KASLR_NO, KASLR_YES };

/* Inputs; a zeroed field is "not known". Guest-reported ones may be lies. */
struct kaslr_input {
	bool have_chosen;	/* the VMM itself placed the kernel: */
	u64 chosen;		/* its virtual slide */
	bool have_lstar;	/* MSR_LSTAR of the boot CPU */
	u64 lstar;		/* 0: not set up yet */
	u64 entry_link;		/* link address of entry_SYSCALL_64 */
	u64 text_link;		/* link address of _text */
	bool have_addrs;	/* a KERN_ADDRS frame came */
	u64 text;		/* its _text; 0: masked (kptr_restrict) */
	bool have_phys_base;	/* it told phys_base */
	u64 phys_base;
	bool have_walked;	/* page tables told phys_base (kread_init()) */
	u64 walked_phys_base;
	bool have_vmcoreinfo;
	u64 vmcoreinfo_offset;	/* KERNELOFFSET */
	const char *console;	/* kernel log; NULL: none */
	const char *cmdline;	/* the kernel's; NULL: unknown */
	enum kaslr_fact requested;	/* the scenario asked for it (kaslr:) */
	enum kaslr_fact randomize_base;	/* CONFIG_RANDOMIZE_BASE */
	enum kaslr_fact fred;	/* the CPU delivers system calls by FRED */
};

enum kaslr_state { KASLR_STATE_UNKNOWN, KASLR_STATE_OFF, KASLR_STATE_ON };

struct kaslr {
	enum kaslr_state state;
	bool have_offset;
	u64 offset;		/* virtual slide */
	bool have_phys_base;
	u64 phys_base;
	bool disagree;		/* derivations contradict each other: reason */
	char source[96];	/* "vmm,lstar,kern_addrs": those that agreed */
	char reason[256];	/* why nothing was published, or what disagreed */
};

/** kaslr_fred() - whether a CPU with this CR4 delivers system calls by FRED */
enum kaslr_fact kaslr_fred(u64 cr4);

/** kaslr_derive() - fill @out; always succeeds */
void kaslr_derive(const struct kaslr_input *in, struct kaslr *out);

/** kaslr_state_name() - "off", "on", "unknown" */
const char *kaslr_state_name(enum kaslr_state state);

/**
 * kaslr_console_offset() - the last "Kernel Offset:" line of a kernel log
 * Return: true and the slide (0 for "disabled").
 */
bool kaslr_console_offset(const char *console, u64 *offset);

#endif
