/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * text: hostile bytes on their way into a text format: UTF-8, visibility; words
 * for a shell; globs.
 */
#ifndef VMTAP_RUNNER_TEXT_H
#define VMTAP_RUNNER_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "vmm/base/util.h"

struct buf;

/**
 * text_utf8() - decode the code point at @p
 * @cp: set where one was decoded
 * Return: its length in bytes (1 to 4), or 0: not UTF-8 (overlong forms,
 * surrogates and cut sequences included). @len is at least 1.
 */
size_t text_utf8(const char *p, size_t len, u32 *cp);

/**
 * text_is_visible() - whether a code point can be shown as it is
 * Not: control characters, the line and paragraph separators, directional
 * overrides, the byte order mark, noncharacters, and what is beyond U+FFFF.
 */
bool text_is_visible(u32 cp);

/**
 * text_unit() - the next piece of @p as visible text
 * A visible code point as it is; any other byte as `<1b>`; and a `<` that
 * would read as such a byte as `<3c>`, so that the bytes can be told back.
 * @out: at least 5 bytes; NUL-terminated
 * @out_len: length of @out
 * Return: how many bytes of @p it stands for.
 */
size_t text_unit(const char *p, size_t len, char out[8], size_t *out_len);

/** text_visible() - append all of @p as text_unit() shows it; 0, -ENOMEM */
int text_visible(const char *p, size_t len, struct buf *out);

/** text_quote() - append @word as a shell takes it for one; 0, -ENOMEM */
int text_quote(const char *word, struct buf *out);

/** text_glob() - '*' and '?' as in a shell but over '/' too; all else literal */
bool text_glob(const char *glob, const char *text);

#endif
