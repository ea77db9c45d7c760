/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * buf: growing bytes. An allocation failure makes the buffer sticky-failed,
 * so that a writer may append freely and ask once at the end.
 */
#ifndef VMTAP_BASE_BUF_H
#define VMTAP_BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

/* Zero-initialised is empty. data[len] is always 0 once anything was added. */
struct buf {
	char *data;
	size_t len;
	size_t cap;
	bool failed;
};

/** buf_add() - append @len bytes; 0 or -ENOMEM (sticky) */
int buf_add(struct buf *b, const void *data, size_t len);
/** buf_puts() - append a string */
int buf_puts(struct buf *b, const char *s);
/** buf_putc() - append one byte */
int buf_putc(struct buf *b, char c);
/** buf_printf() - append formatted text */
int buf_printf(struct buf *b, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/** buf_reserve() - make room for @more bytes beyond len */
int buf_reserve(struct buf *b, size_t more);
/** buf_pad() - append zeros until len is a multiple of @align */
int buf_pad(struct buf *b, size_t align);
/** buf_consume() - drop the first @n bytes (@n <= len) */
void buf_consume(struct buf *b, size_t n);
/** buf_str() - the bytes as a string, "" where empty; owned by @b */
const char *buf_str(const struct buf *b);
/** buf_steal() - hand the bytes to the caller, who frees; NULL when failed */
char *buf_steal(struct buf *b);
/** buf_reset() - free and empty */
void buf_reset(struct buf *b);

#endif
