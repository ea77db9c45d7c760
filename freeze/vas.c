// SPDX-License-Identifier: GPL-2.0-only
/* Page walks and bounded reads of guest-virtual memory; see vas.h. */
#include "freeze/vas.h"

#include <errno.h>
#include <string.h>

#define PTE_PRESENT (1ULL << 0)
#define PTE_LARGE (1ULL << 7)
#define PTE_ADDR 0x000ffffffffff000ULL
#define PAGE_SHIFT 12
#define LEVEL_BITS 9

void vas_init(struct vas *v, const struct mem *mem, u64 cr3, bool la57)
{
	*v = (struct vas){ .mem = mem, .root = cr3 & PTE_ADDR, .la57 = la57,
			   .page_mask = PTE_ADDR };
}

/* One access for an aligned scalar, so that a running guest cannot tear it. */
static void copy_out(void *dst, const void *src, u64 len)
{
	uintptr_t at = (uintptr_t)src;

	if (len == 8 && !(at & 7)) {
		u64 x = *(const volatile u64 *)src;

		memcpy(dst, &x, sizeof(x));
	} else if (len == 4 && !(at & 3)) {
		u32 x = *(const volatile u32 *)src;

		memcpy(dst, &x, sizeof(x));
	} else {
		memcpy(dst, src, len);
	}
}

static bool canonical(const struct vas *v, gva_t gva)
{
	unsigned int bits = v->la57 ? 57 : 48;
	s64 top = (s64)gva >> (bits - 1);

	return top == 0 || top == -1;
}

int vas_translate(const struct vas *v, gva_t gva, gpa_t *gpa, u64 *left)
{
	unsigned int level = v->la57 ? 5 : 4;
	gpa_t table = v->root;

	if (!v->root)
		return -ENXIO;
	if (!canonical(v, gva))
		return -EINVAL;
	for (; level; level--) {
		unsigned int shift = PAGE_SHIFT + (level - 1) * LEVEL_BITS;
		u64 index = (gva >> shift) & ((1 << LEVEL_BITS) - 1);
		u64 size = 1ULL << shift, entry;
		const void *p = mem_ptr(v->mem, table + index * 8, 8);

		if (!p)
			return -EFAULT;
		copy_out(&entry, p, 8);
		if (!(entry & PTE_PRESENT))
			return -EFAULT;
		if (level == 1 || (level <= 3 && (entry & PTE_LARGE))) {
			u64 off = gva & (size - 1);

			*gpa = (entry & v->page_mask & ~(size - 1)) + off;
			if (left)
				*left = size - off;
			return 0;
		}
		table = entry & v->page_mask;
	}
	return -EFAULT;
}

int vas_read(const struct vas *v, gva_t gva, void *dst, u64 len)
{
	u8 *out = dst;

	while (len) {
		u64 left, n;
		const void *p;
		gpa_t gpa;
		int err = vas_translate(v, gva, &gpa, &left);

		if (err)
			return err;
		n = min(len, left);
		p = mem_ptr(v->mem, gpa, n);
		if (!p) {
			/* A large page may reach beyond RAM, or span its hole. */
			n = min(n, 4096 - (gpa & 4095));
			p = mem_ptr(v->mem, gpa, n);
		}
		if (!p)
			return -EFAULT;
		copy_out(out, p, n);
		out += n;
		len -= n;
		if (len && check_add(gva, n, &gva))
			return -EFAULT;
	}
	return 0;
}

int vas_read_u8(const struct vas *v, gva_t gva, u8 *out)
{
	return vas_read(v, gva, out, sizeof(*out));
}

int vas_read_u16(const struct vas *v, gva_t gva, u16 *out)
{
	return vas_read(v, gva, out, sizeof(*out));
}

int vas_read_u32(const struct vas *v, gva_t gva, u32 *out)
{
	return vas_read(v, gva, out, sizeof(*out));
}

int vas_read_u64(const struct vas *v, gva_t gva, u64 *out)
{
	return vas_read(v, gva, out, sizeof(*out));
}

ssize_t vas_read_string(const struct vas *v, gva_t gva, char *dst, size_t size)
{
	size_t len = 0;
	int err = -EFAULT;

	if (!size)
		return -EINVAL;
	while (len < size - 1) {
		size_t n = min(size - 1 - len,
			       (size_t)(4096 - ((gva + len) & 4095)));
		char *nul;

		err = vas_read(v, gva + len, dst + len, n);
		if (err)
			break;
		nul = memchr(dst + len, 0, n);
		if (nul)
			return nul - dst;
		len += n;
	}
	dst[len] = '\0';
	return len || size == 1 ? (ssize_t)len : err;
}
