// SPDX-License-Identifier: GPL-2.0-only
/* Growing bytes; see buf.h. */
#include "vmm/base/buf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/util.h"

int buf_reserve(struct buf *b, size_t more)
{
	size_t want, cap;
	char *data;

	if (b->failed)
		return -ENOMEM;
	if (check_add(b->len, more, &want) || check_add(want, (size_t)1, &want))
		goto fail;
	if (want <= b->cap)
		return 0;
	cap = b->cap ? b->cap : 64;
	while (cap < want) {
		if (check_mul(cap, (size_t)2, &cap))
			goto fail;
	}
	data = realloc(b->data, cap);
	if (!data)
		goto fail;
	b->data = data;
	b->cap = cap;
	return 0;
fail:
	b->failed = true;
	return -ENOMEM;
}

int buf_add(struct buf *b, const void *data, size_t len)
{
	if (buf_reserve(b, len))
		return -ENOMEM;
	if (len)
		memcpy(b->data + b->len, data, len);
	b->len += len;
	b->data[b->len] = '\0';
	return 0;
}

int buf_puts(struct buf *b, const char *s)
{
	return buf_add(b, s, strlen(s));
}

int buf_putc(struct buf *b, char c)
{
	return buf_add(b, &c, 1);
}

int buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0 || buf_reserve(b, (size_t)n)) {
		b->failed = true;
		return -ENOMEM;
	}
	va_start(ap, fmt);
	vsnprintf(b->data + b->len, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)n;
	return 0;
}

int buf_pad(struct buf *b, size_t align)
{
	size_t more = round_up(b->len, align) - b->len;

	if (buf_reserve(b, more))
		return -ENOMEM;
	memset(b->data + b->len, 0, more + 1);
	b->len += more;
	return 0;
}

void buf_consume(struct buf *b, size_t n)
{
	BUG_ON(n > b->len);
	if (!n)
		return;
	memmove(b->data, b->data + n, b->len - n);
	b->len -= n;
	b->data[b->len] = '\0';
}

const char *buf_str(const struct buf *b)
{
	return b->data ? b->data : "";
}

char *buf_steal(struct buf *b)
{
	char *data = NULL;

	if (!b->failed && !buf_reserve(b, 0)) {
		data = b->data;
		data[b->len] = '\0';
		b->data = NULL;
	}
	buf_reset(b);
	return data;
}

void buf_reset(struct buf *b)
{
	free(b->data);
	*b = (struct buf){ 0 };
}
