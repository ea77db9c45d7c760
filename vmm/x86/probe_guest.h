/* SPDX-License-Identifier: GPL-2.0-only */
/* probe_guest: the probe's machine code, and what it leaves in memory. */
#ifndef VMTAP_VMM_X86_PROBE_GUEST_H
#define VMTAP_VMM_X86_PROBE_GUEST_H

/* Bits of the word at PROBE_RESULT: this far it came. */
#define PROBE_DID_INT3 0x01
#define PROBE_DID_UD2 0x02
#define PROBE_DID_CMPXCHG16B 0x04
#define PROBE_DID_XSAVE 0x08
#define PROBE_DID_IPI 0x10
#define PROBE_DID_TIMER 0x20
#define PROBE_DID_ALL 0x3f

#define PROBE_PORT 0xf4		/* written at the end of each stage: */
#define PROBE_STAGE_TRAPS 1	/* all of the above; the loop begins */
#define PROBE_STAGE_LOOP 2	/* loop done; the watched write comes next */
#define PROBE_STAGE_WATCH 3

#define PROBE_LOOP 200000	/* two instructions each */
#define PROBE_VECTOR_IPI 0x40
#define PROBE_VECTOR_TIMER 0x41

/* Guest-physical places; identity-mapped. */
#define PROBE_IDT 0x2000
#define PROBE_RESULT 0x3000
#define PROBE_WATCHED 0x3080
#define PROBE_XSAVE 0x4000	/* a page; the legacy area and header suffice */
#define PROBE_CODE 0x10000

#ifndef __ASSEMBLER__
/* Position-independent; the entry is probe_code. */
extern const unsigned char probe_code[], probe_code_end[];
extern const unsigned char probe_on_int3[], probe_on_ud2[], probe_on_ipi[],
	probe_on_timer[];
#endif

#endif
