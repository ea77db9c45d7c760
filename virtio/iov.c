// SPDX-License-Identifier: GPL-2.0-only
/* A cursor over scattered bytes; see iov.h. */
#include "virtio/iov.h"

#include <string.h>

struct iov iov_over(struct iovec *v, unsigned int n)
{
	struct iov it = { v, n, 0 };
	unsigned int i;

	for (i = 0; i < n; i++)
		it.len += v[i].iov_len;
	return it;
}

/* The stretch at the cursor, at most @len bytes; 0 at the end. */
static u64 iov_here(struct iov *it, u64 len)
{
	while (it->n && !it->v->iov_len) {
		it->v++;
		it->n--;
	}
	return it->n ? min(len, (u64)it->v->iov_len) : 0;
}

static void iov_step(struct iov *it, u64 len)
{
	it->v->iov_base = (u8 *)it->v->iov_base + len;
	it->v->iov_len -= len;
	it->len -= len;
}

u64 iov_read(struct iov *it, void *dst, u64 len)
{
	u64 done = 0, n;

	while (done < len && (n = iov_here(it, len - done))) {
		memcpy((u8 *)dst + done, it->v->iov_base, n);
		iov_step(it, n);
		done += n;
	}
	return done;
}

u64 iov_write(struct iov *it, const void *src, u64 len)
{
	u64 done = 0, n;

	while (done < len && (n = iov_here(it, len - done))) {
		memcpy(it->v->iov_base, (const u8 *)src + done, n);
		iov_step(it, n);
		done += n;
	}
	return done;
}

u64 iov_copy(struct iov *dst, struct iov *src)
{
	u64 done = 0, n;

	while ((n = iov_here(src, UINT64_MAX)) && (n = iov_here(dst, n))) {
		/* The driver may have posted one page for both. */
		memmove(dst->v->iov_base, src->v->iov_base, n);
		iov_step(src, n);
		iov_step(dst, n);
		done += n;
	}
	return done;
}

u64 iov_skip(struct iov *it, u64 len)
{
	u64 done = 0, n;

	while (done < len && (n = iov_here(it, len - done))) {
		iov_step(it, n);
		done += n;
	}
	return done;
}

u8 *iov_take_last(struct iov *it)
{
	struct iovec *v;

	while (it->n && !it->v[it->n - 1].iov_len)
		it->n--;
	if (!it->n)
		return NULL;
	v = &it->v[it->n - 1];
	v->iov_len--;
	it->len--;
	return (u8 *)v->iov_base + v->iov_len;
}
