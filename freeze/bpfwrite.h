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
 * @data: NULL only checks that it could be done
 * Return: 0; -ERANGE outside the value or map; -EOPNOTSUPP no array map;
 * -EFAULT the value is not in RAM.
 */
int bpfwrite_bytes(const struct kread *k, const struct bpfmap *m, u32 index,
		   u64 offset, const void *data, u64 len, struct diag *d);

/**
 * bpfwrite_place() - where variable or member @field of the map's value lies
 * @field: "counter", "obj.tag"; found by the map's BTF
 * @value: what is to be written there: a signed or unsigned integer
 * Return: 0; -ENOENT no such field; -EINVAL no integer; -ERANGE too large for it.
 */
int bpfwrite_place(const struct kread *k, const struct bpfmap *m,
		   const char *field, u64 value, u64 *offset, u64 *size,
		   struct diag *d);

/** bpfwrite_field() - bpfwrite_bytes() to bpfwrite_place() of element 0 */
int bpfwrite_field(const struct kread *k, const struct bpfmap *m,
		   const char *field, u64 value, struct diag *d);

#endif
