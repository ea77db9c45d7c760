/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bpfwrite: the one place of this floor that writes guest memory: a value into
 * an element of a BPF array map (.bss, .data). Behind the guest's back, with
 * no lock of the guest's held: an aligned scalar is written in one access.
 */
#ifndef VMTAP_FREEZE_BPFWRITE_H
#define VMTAP_FREEZE_BPFWRITE_H

#include "freeze/bpfmap.h"

/**
 * bpfwrite_bytes() - write @len bytes at @offset of element @index
 * Return: 0; -ERANGE outside the value or map; -EOPNOTSUPP no array map;
 * -EFAULT the value is not in RAM.
 */
int bpfwrite_bytes(const struct kread *k, const struct bpfmap *m, u32 index,
		   u64 offset, const void *data, u64 len, struct diag *d);

/**
 * bpfwrite_field() - write integer @value to variable or member @field
 * @field: "counter", "obj.tag"; found by the map's BTF
 * Return: as bpfwrite_bytes(); -ENOENT no such field; -EINVAL no integer;
 * -ERANGE too large for it too.
 */
int bpfwrite_field(const struct kread *k, const struct bpfmap *m,
		   const char *field, u64 value, struct diag *d);

#endif
