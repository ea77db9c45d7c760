// SPDX-License-Identifier: GPL-2.0-only
/* The probe's guest code; see probe_guest.h and vmm/probe.h. */
#include "vmm/x86/probe_guest.h"

#define STR_(x) #x
#define STR(x) STR_(x)

/* wrmsr of a 32-bit value */
#define WRMSR(msr, val) \
	"mov $" STR(msr) ", %ecx; mov $" STR(val) ", %eax; xor %edx, %edx; wrmsr\n"
/* Wait for a bit of the result; the host gives up, not the guest. */
#define WAIT(bit) "1: pause; testl $" STR(bit) ", (%rdi); jz 1b\n"
#define DID(bit) "orl $" STR(bit) ", (%rdi)\n"
#define STAGE(n) "mov $" STR(n) ", %al; out %al, $" STR(PROBE_PORT) "\n"
#define EOI_AND_RETURN						\
	"push %rax; push %rcx; push %rdx\n"			\
	WRMSR(0x80b, 0)						\
	"pop %rdx; pop %rcx; pop %rax; iretq\n"

__asm__(
".pushsection .rodata\n"
".balign 16\n"
".globl probe_code, probe_code_end\n"
".globl probe_on_int3, probe_on_ud2, probe_on_ipi, probe_on_timer\n"
"probe_code:\n"
"	mov $" STR(PROBE_RESULT) ", %edi\n"
"	int3\n"
"	ud2\n"
"	mov $1, %eax; cpuid; mov %ecx, %r8d\n"
"	bt $13, %r8d; jnc 2f\n"
"	xor %eax, %eax; xor %edx, %edx; xor %ebx, %ebx; xor %ecx, %ecx\n"
"	lock cmpxchg16b 0x40(%rdi)\n"
"2:\n"	DID(PROBE_DID_CMPXCHG16B)
"	bt $26, %r8d; jnc 3f\n"
"	mov %cr4, %rax; or $0x40000, %eax; mov %rax, %cr4\n"	/* OSXSAVE */
"	xor %ecx, %ecx; xor %edx, %edx; mov $3, %eax; xsetbv\n"
"	mov $" STR(PROBE_XSAVE) ", %esi; xsave (%rsi)\n"
"3:\n"	DID(PROBE_DID_XSAVE)
"	mov $0x1b, %ecx; rdmsr; or $0xc00, %eax; wrmsr\n"	/* x2APIC on */
	WRMSR(0x80f, 0x1ff)
"	sti\n"
	WRMSR(0x83f, PROBE_VECTOR_IPI)
	WAIT(PROBE_DID_IPI)
	WRMSR(0x83e, 0xb)
	WRMSR(0x832, PROBE_VECTOR_TIMER)
	WRMSR(0x838, 1000)
	WAIT(PROBE_DID_TIMER)
"	cli\n"
	STAGE(PROBE_STAGE_TRAPS)
"	mov $" STR(PROBE_LOOP) ", %ecx\n"
"4:	dec %ecx; jnz 4b\n"
	STAGE(PROBE_STAGE_LOOP)
"	movq $1, (" STR(PROBE_WATCHED) "-" STR(PROBE_RESULT) ")(%rdi)\n"
"	nop; nop\n"
	STAGE(PROBE_STAGE_WATCH)
"5:	hlt; jmp 5b\n"
"probe_on_int3:\n"
	DID(PROBE_DID_INT3)
"	iretq\n"
"probe_on_ud2:\n"
	DID(PROBE_DID_UD2)
"	addq $2, (%rsp); iretq\n"
"probe_on_ipi:\n"
	DID(PROBE_DID_IPI)
	EOI_AND_RETURN
"probe_on_timer:\n"
	DID(PROBE_DID_TIMER)
	EOI_AND_RETURN
"probe_code_end:\n"
".popsection\n");
