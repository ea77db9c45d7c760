/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dmesg: the kernel's log straight from its ring buffer in guest memory, while
 * the guest runs or after it died. Offsets come from BTF or from VMCOREINFO.
 * A record that is being written, was overwritten or lies is left out and
 * counted.
 */
#ifndef VMTAP_FREEZE_DMESG_H
#define VMTAP_FREEZE_DMESG_H

#include "freeze/kread.h"
#include "freeze/vmcoreinfo.h"

struct dmesg_record {
	u64 seq;
	u64 ts_ns;	/* guest's local clock since boot */
	u8 level;	/* 0 emergency .. 7 debug */
	u8 facility;
	u32 caller_id;	/* 0x80000000 | cpu, or the task's pid */
	u32 text_off;	/* into dmesg.text, NUL-terminated */
	u32 text_len;
};

/* dmesg_reset() frees. */
struct dmesg {
	struct dmesg_record *records;	/* oldest first */
	size_t nr;
	char *text;
	u64 skipped;	/* records seen in the ring that could not be read */
};

/**
 * dmesg_read() - by symbol `prb` and BTF
 * Return: 0, -ENOENT no such symbol or types, -EFAULT, -EINVAL absurd ring,
 * -ENOMEM.
 */
int dmesg_read(const struct kread *k, struct dmesg *out, struct diag *d);

/** dmesg_read_vmcoreinfo() - by VMCOREINFO alone: neither symbols nor BTF */
int dmesg_read_vmcoreinfo(const struct vas *vas, const struct vmcoreinfo *v,
			  struct dmesg *out, struct diag *d);

/** dmesg_print() - append as dmesg(1) prints it: "[    0.000000] text" lines */
int dmesg_print(const struct dmesg *m, struct buf *out);

void dmesg_reset(struct dmesg *m);

#endif
