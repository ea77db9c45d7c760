// SPDX-License-Identifier: GPL-2.0-only
/* AML encoding; see aml.h. */
#include "vmm/x86/aml.h"

#include <string.h>

#define AML_ZERO 0x00
#define AML_ONE 0x01
#define AML_NAME 0x08
#define AML_BYTE 0x0a
#define AML_WORD 0x0b
#define AML_DWORD 0x0c
#define AML_STRING 0x0d
#define AML_QWORD 0x0e

static void aml_le(struct buf *out, u64 v, unsigned int bytes)
{
	while (bytes--) {
		buf_putc(out, (char)v);
		v >>= 8;
	}
}

void aml_int(struct buf *out, u64 v)
{
	if (v <= 1) {
		buf_putc(out, v ? AML_ONE : AML_ZERO);
	} else if (v <= 0xff) {
		buf_putc(out, AML_BYTE);
		aml_le(out, v, 1);
	} else if (v <= 0xffff) {
		buf_putc(out, AML_WORD);
		aml_le(out, v, 2);
	} else if (v <= 0xffffffff) {
		buf_putc(out, AML_DWORD);
		aml_le(out, v, 4);
	} else {
		buf_putc(out, AML_QWORD);
		aml_le(out, v, 8);
	}
}

void aml_string(struct buf *out, const char *s)
{
	buf_putc(out, AML_STRING);
	buf_add(out, s, strlen(s) + 1);
}

static u32 hex_digit(char c)
{
	return c <= '9' ? c - '0' : c - 'A' + 10;
}

/* Three letters of five bits, four hex digits, the whole big-endian. */
void aml_eisaid(struct buf *out, const char *id)
{
	u32 v = (u32)(id[0] - '@') << 26 | (u32)(id[1] - '@') << 21 |
		(u32)(id[2] - '@') << 16 | hex_digit(id[3]) << 12 |
		hex_digit(id[4]) << 8 | hex_digit(id[5]) << 4 |
		hex_digit(id[6]);

	buf_putc(out, AML_DWORD);
	aml_le(out, __builtin_bswap32(v), 4);
}

void aml_name(struct buf *out, const char *name)
{
	buf_putc(out, AML_NAME);
	buf_add(out, name, 4);
}

/*
 * PkgLength counts itself. One byte up to 63; else the low nibble stands in
 * the first byte, whose top bits say how many bytes follow.
 */
static void aml_pkg_length(struct buf *out, size_t body)
{
	unsigned int more;
	size_t len;

	if (body + 1 <= 0x3f) {
		buf_putc(out, (char)(body + 1));
		return;
	}
	more = body + 2 <= 0xfff ? 1 : body + 3 <= 0xfffff ? 2 : 3;
	len = body + 1 + more;
	buf_putc(out, (char)(more << 6 | (len & 0xf)));
	aml_le(out, len >> 4, more);
}

/* Opcode, length, @head, @body; the body is consumed. */
static void aml_container(struct buf *out, const char *op, size_t op_len,
			  const void *head, size_t head_len, struct buf *body)
{
	buf_add(out, op, op_len);
	aml_pkg_length(out, head_len + body->len);
	buf_add(out, head, head_len);
	buf_add(out, body->data, body->len);
	out->failed |= body->failed;
	buf_reset(body);
}

/* @path is "\\" and one name of four characters. */
void aml_scope(struct buf *out, const char *path, struct buf *body)
{
	aml_container(out, "\x10", 1, path, strlen(path), body);
}

void aml_device(struct buf *out, const char *name, struct buf *body)
{
	aml_container(out, "\x5b\x82", 2, name, 4, body);
}

void aml_package(struct buf *out, u8 count, struct buf *body)
{
	aml_container(out, "\x12", 1, &count, 1, body);
}

void aml_resources(struct buf *out, struct buf *body)
{
	struct buf size = { 0 };

	buf_add(body, "\x79\x00", 2);	/* end tag; checksum 0 means unchecked */
	aml_int(&size, body->len);
	body->failed |= size.failed;
	aml_container(out, "\x11", 1, size.data, size.len, body);
	buf_reset(&size);
}

void aml_res_memory32(struct buf *out, u32 base, u32 size)
{
	buf_putc(out, (char)0x86);	/* 32-bit fixed memory range */
	aml_le(out, 9, 2);
	buf_putc(out, 1);		/* read-write */
	aml_le(out, base, 4);
	aml_le(out, size, 4);
}

void aml_res_io(struct buf *out, u16 port, u8 size)
{
	buf_putc(out, 0x47);	/* I/O port descriptor */
	buf_putc(out, 1);	/* decodes 16 bits */
	aml_le(out, port, 2);
	aml_le(out, port, 2);
	buf_putc(out, 1);	/* alignment */
	buf_putc(out, (char)size);
}

void aml_res_irq(struct buf *out, u32 gsi)
{
	buf_putc(out, (char)0x89);	/* extended interrupt */
	aml_le(out, 6, 2);
	buf_putc(out, 0x03);	/* consumer, edge, active high, exclusive */
	buf_putc(out, 1);
	aml_le(out, gsi, 4);
}
