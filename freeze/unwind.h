/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * unwind: the call chain of a CPU that stands still, by the kernel's own ORC
 * tables (.orc_unwind), which stock kernels use and which need no frame
 * pointers. The tables are taken from the image, whose entries no guest can
 * change; the stack is the guest's, so every step is bounded.
 *
 * Code that has no ORC entry here (modules, BPF) is taken to keep a frame
 * pointer; where that leads nowhere, the rest of the stack is searched for
 * return addresses. Either way what follows is a guess and is marked so.
 */
#ifndef VMTAP_FREEZE_UNWIND_H
#define VMTAP_FREEZE_UNWIND_H

#include "freeze/kread.h"

struct buf;
struct kimage;
struct machine_regs;

#define UNWIND_MAX 32

struct unwind {
	const struct kread *k;
	const struct kimage *image;
	u64 ips, entries;	/* link addresses of the two tables */
	u64 nr;			/* 0: no tables; then all is guessed */
	u64 text, etext;	/* link addresses */
	bool old;		/* before Linux 6.4: the types are numbered otherwise */
	bool renumbered;	/* the registers are, as in Linux 7.3 */
	u16 end_bit, signal_bit;	/* in the flags; old only, 0: none */
};

struct unwind_frame {
	u64 ip;			/* return address; of the first frame: where it is */
	const char *name;	/* lives as long as the ksym; NULL: not known */
	u64 offset;		/* of @ip in it */
	bool guess;
};

/** unwind_init() - @k and @image outlive it; never fails, see nr */
void unwind_init(struct unwind *u, const struct kread *k,
		 const struct kimage *image);

/**
 * unwind_stack() - from @regs to the entry into the kernel, innermost first
 * Return: how many frames, at most @max; of a CPU in user mode 0.
 */
unsigned int unwind_stack(const struct unwind *u,
			  const struct machine_regs *regs,
			  struct unwind_frame *out, unsigned int max);

/** unwind_print() - append "? name+0x12", or the bare address */
int unwind_print(const struct unwind_frame *f, struct buf *out);

#endif
