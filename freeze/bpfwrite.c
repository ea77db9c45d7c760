// SPDX-License-Identifier: GPL-2.0-only
/* Writing into BPF array maps of a guest; see bpfwrite.h. */
#include "freeze/bpfwrite.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/bpf.h>
#include <string.h>

#include "vmm/base/diag.h"

static void store(void *dst, const void *src, u64 len)
{
	uintptr_t at = (uintptr_t)dst;
	u64 v64;
	u32 v32;

	if (len == 8 && !(at & 7)) {
		memcpy(&v64, src, 8);
		*(volatile u64 *)dst = v64;
	} else if (len == 4 && !(at & 3)) {
		memcpy(&v32, src, 4);
		*(volatile u32 *)dst = v32;
	} else {
		memcpy(dst, src, len);
	}
}

/* All of it must be there before any of it is written. */
static int write_guest(const struct vas *v, gva_t gva, const u8 *src, u64 len)
{
	gpa_t gpa[2];
	u64 left[2], n;
	void *p[2];
	int err;

	err = vas_translate(v, gva, &gpa[0], &left[0]);
	if (err)
		return err;
	n = min(len, left[0]);
	p[0] = mem_ptr(v->mem, gpa[0], n);
	if (!p[0])
		return -EFAULT;
	if (n < len) {
		err = vas_translate(v, gva + n, &gpa[1], &left[1]);
		if (err)
			return err;
		if (left[1] < len - n)
			return -ERANGE;
		p[1] = mem_ptr(v->mem, gpa[1], len - n);
		if (!p[1])
			return -EFAULT;
		memcpy(p[1], src + n, len - n);
	}
	store(p[0], src, n);
	return 0;
}

int bpfwrite_bytes(const struct kread *k, const struct bpfmap *m, u32 index,
		   u64 offset, const void *data, u64 len, struct diag *d)
{
	gva_t at;
	int err;

	if (offset > m->value_size || len > m->value_size - offset || !len ||
	    len > 4096)
		return diag_fail(d, -ERANGE, NULL,
				 "BPF map %s: %" PRIu64 " bytes at %" PRIu64
				 " do not fit a value of %u", m->name, len,
				 offset, m->value_size);
	if (m->type == BPF_MAP_TYPE_PERCPU_ARRAY)
		return diag_fail(d, -EOPNOTSUPP, NULL,
				 "BPF map %s is per CPU: not written", m->name);
	err = bpfmap_array_addr(k, m, index, 0, &at);
	if (!err && data)
		err = write_guest(&k->vas, at + offset, data, len);
	if (err)
		return diag_fail(d, err, NULL, "cannot write BPF map %s: %s",
				 m->name, strerror(-err));
	return 0;
}

static int find_field(const struct ktype *kt, u32 id, const char *field,
		      struct kfield *out)
{
	struct kfield f = { .type_id = id }, m;
	int err = 0;

	while (!err && *field) {
		size_t len = strcspn(field, ".");

		err = ktype_member(kt, f.type_id, field, len, &m);
		m.offset += f.offset;
		f = m;
		field += len + (field[len] == '.');
	}
	*out = f;
	return err;
}

int bpfwrite_place(const struct kread *k, const struct bpfmap *m,
		   const char *field, u64 value, u64 *offset, u64 *size,
		   struct diag *d)
{
	struct ktype_info info = { 0 };
	struct ktype *kt;
	struct kfield f = { 0 };
	int err = bpfmap_types(k, m, &kt, d);

	if (err)
		return err;
	err = find_field(kt, m->btf_value_type_id, field, &f);
	if (!err)
		err = ktype_info(kt, f.type_id, &info);
	ktype_close(kt);
	if (err)
		return diag_fail(d, -ENOENT, NULL, "BPF map %s has no %s",
				 m->name, field);
	if (f.bit_size || info.size > 8 || !info.size ||
	    (info.kind != KTYPE_INT && info.kind != KTYPE_BOOL &&
	     info.kind != KTYPE_CHAR && info.kind != KTYPE_ENUM))
		return diag_fail(d, -EINVAL, NULL,
				 "BPF map %s: %s is no plain integer", m->name,
				 field);
	/* Negative numbers come sign-extended. */
	if (info.size < 8 && value >> (info.size * 8) &&
	    value >> (info.size * 8 - 1) !=
		    UINT64_MAX >> (info.size * 8 - 1))
		return diag_fail(d, -ERANGE, NULL,
				 "BPF map %s: %s has %u bytes, too few for 0x%" PRIx64,
				 m->name, field, (unsigned int)info.size, value);
	*offset = f.offset;
	*size = info.size;
	return 0;
}

int bpfwrite_field(const struct kread *k, const struct bpfmap *m,
		   const char *field, u64 value, struct diag *d)
{
	u64 offset, size;
	int err = bpfwrite_place(k, m, field, value, &offset, &size, d);

	return err ? err : bpfwrite_bytes(k, m, 0, offset, &value, size, d);
}
