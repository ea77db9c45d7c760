// SPDX-License-Identifier: GPL-2.0-only
/* Values as JSON, out and in; see value.h. */
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runner/text.h"
#include "runner/value.h"
#include "vmm/base/buf.h"
#include "vmm/base/diag.h"

/*
 * A byte that is not UTF-8 travels as the code point BYTE_BASE + byte. A true
 * code point of that range travels as its four bytes, so that it comes back.
 */
#define BYTE_BASE 0x10ff00

static void put_byte(u8 byte, struct buf *out)
{
	char utf8[4] = { (char)0xf4, (char)0x8f, (char)(0xbc | byte >> 6),
			 (char)(0x80 | (byte & 0x3f)) };

	buf_add(out, utf8, 4);
}

static void put_cp(const char *p, size_t n, u32 cp, struct buf *out)
{
	switch (cp) {
	case '"':
	case '\\':
		buf_putc(out, '\\');
		buf_putc(out, (char)cp);
		return;
	case '\n':
		buf_puts(out, "\\n");
		return;
	case '\t':
		buf_puts(out, "\\t");
		return;
	default:
		if (cp < 0x20 || cp == 0x7f)
			buf_printf(out, "\\u%04x", cp);
		else
			buf_add(out, p, n);
	}
}

static void put_str(const char *p, size_t len, struct buf *out)
{
	size_t n, run = 0;
	u32 cp;

	buf_putc(out, '"');
	while (len) {
		u8 c = (u8)p[run];

		/* Most bytes are plain: copy them in runs. */
		if (run < len && c >= 0x20 && c < 0x7f && c != '"' &&
		    c != '\\') {
			run++;
			continue;
		}
		buf_add(out, p, run);
		p += run;
		len -= run;
		run = 0;
		if (!len)
			break;
		n = text_utf8(p, len, &cp);
		if (n && cp < BYTE_BASE) {
			put_cp(p, n, cp, out);
		} else {
			n = 1;
			put_byte((u8)*p, out);
		}
		p += n;
		len -= n;
	}
	buf_putc(out, '"');
}

/* The shortest form that reads back the same, and reads as a float. */
static void put_float(double f, struct buf *out)
{
	char text[40];
	int digits;

	if (!isfinite(f)) {
		buf_puts(out, "null");
		return;
	}
	for (digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, f);
		if (strtod(text, NULL) == f)
			break;
	}
	buf_puts(out, text);
	if (!strpbrk(text, ".e"))
		buf_puts(out, ".0");
}

static void new_line(unsigned int indent, unsigned int depth, struct buf *out)
{
	if (!indent)
		return;
	buf_putc(out, '\n');
	for (depth *= indent; depth; depth--)
		buf_putc(out, ' ');
}

static void put_value(const struct value *v, unsigned int indent,
		      unsigned int depth, struct buf *out)
{
	size_t i;

	switch (v ? v->type : VALUE_NULL) {
	case VALUE_NULL:
		buf_puts(out, "null");
		break;
	case VALUE_BOOL:
		buf_puts(out, v->b ? "true" : "false");
		break;
	case VALUE_INT:
		buf_printf(out, "%lld", (long long)v->i);
		break;
	case VALUE_ADDR:
		buf_printf(out, "\"0x%llx\"", (unsigned long long)v->addr);
		break;
	case VALUE_FLOAT:
		put_float(v->f, out);
		break;
	case VALUE_STR:
		put_str(v->str.data, v->str.len, out);
		break;
	case VALUE_LIST:
		buf_putc(out, '[');
		for (i = 0; i < v->list.len; i++) {
			if (i)
				buf_putc(out, ',');
			new_line(indent, depth + 1, out);
			put_value(v->list.items[i], indent, depth + 1, out);
		}
		if (i)
			new_line(indent, depth, out);
		buf_putc(out, ']');
		break;
	case VALUE_MAP:
		buf_putc(out, '{');
		for (i = 0; i < v->map.len; i++) {
			if (i)
				buf_putc(out, ',');
			new_line(indent, depth + 1, out);
			put_str(v->map.keys[i], strlen(v->map.keys[i]), out);
			buf_puts(out, indent ? ": " : ":");
			put_value(v->map.items[i], indent, depth + 1, out);
		}
		if (i)
			new_line(indent, depth, out);
		buf_putc(out, '}');
		break;
	}
}

int value_to_json(const struct value *v, unsigned int indent, struct buf *out)
{
	put_value(v, indent, 0, out);
	return out->failed ? -ENOMEM : 0;
}

/* Undo put_byte() in place; returns the new length. */
static size_t take_bytes(char *s, size_t len)
{
	size_t from = 0, to = 0;

	while (from < len) {
		const u8 *p = (const u8 *)s + from;

		if (len - from >= 4 && p[0] == 0xf4 && p[1] == 0x8f &&
		    p[2] >= 0xbc) {
			s[to++] = (char)((p[2] & 3) << 6 | (p[3] & 0x3f));
			from += 4;
		} else {
			s[to++] = s[from++];
		}
	}
	s[to] = '\0';
	return to;
}

static struct value *from_str(const json_t *j)
{
	struct value *v = value_bytes(json_string_value(j),
				      json_string_length(j));

	if (v)
		v->str.len = take_bytes(v->str.data, v->str.len);
	return v;
}

static struct value *from_json(const json_t *j);

static struct value *from_list(const json_t *j)
{
	struct value *list = value_list();
	size_t i;

	for (i = 0; list && i < json_array_size(j); i++) {
		if (value_append(list, from_json(json_array_get(j, i)))) {
			value_free(list);
			return NULL;
		}
	}
	return list;
}

static struct value *from_map(json_t *j)
{
	struct value *map = value_map();
	const char *key;
	json_t *item;

	json_object_foreach(j, key, item) {
		char *copy = strdup(key);
		int err = -ENOMEM;

		if (copy) {
			take_bytes(copy, strlen(copy));
			err = value_push(map, copy, from_json(item));
		}
		free(copy);
		if (err) {
			value_free(map);
			return NULL;
		}
	}
	return map;
}

/* Depth: jansson refuses text that nests deeper than 2048. */
static struct value *from_json(const json_t *j)
{
	switch (json_typeof(j)) {
	case JSON_OBJECT:
		return from_map((json_t *)j);
	case JSON_ARRAY:
		return from_list(j);
	case JSON_STRING:
		return from_str(j);
	case JSON_INTEGER:
		return value_int(json_integer_value(j));
	case JSON_REAL:
		return value_float(json_real_value(j));
	case JSON_TRUE:
	case JSON_FALSE:
		return value_bool(json_is_true(j));
	case JSON_NULL:
		break;
	}
	return value_null();
}

int value_from_json(const char *data, size_t len, struct value **out,
		    struct diag *d)
{
	json_error_t error;
	struct value *v;
	json_t *j;

	j = json_loadb(data, len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
	if (!j)
		return diag_fail(d, -EINVAL, NULL, "line %d, column %d: %s",
				 error.line, error.column, error.text);
	v = from_json(j);
	json_decref(j);
	if (!v)
		return diag_fail(d, -ENOMEM, NULL, "no memory for JSON");
	*out = v;
	return 0;
}
