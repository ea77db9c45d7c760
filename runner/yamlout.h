/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * yamlout: values as the subset of YAML that every consumer of a TAP block
 * reads alike (Perl's YAMLish, PyYAML, the node parsers) and in which
 * kunit.py sees no test. Any bytes in; one value may be shortened, never
 * malformed.
 *
 * - block-style maps and lists, keys plain, from a letter on, never `ok...`;
 * - strings plain where they are one safe word, else 'quoted'; in lists
 *   "quoted", since Perl reads `- 'a: b'` as a map: there the colon is \x3a;
 * - text of several lines is a list of "| line"; what is not printable shows
 *   as <1b>; a cut in the middle tells the full length;
 * - integers bare below 2^53, else and for addresses quoted hex.
 */
#ifndef VMTAP_RUNNER_YAMLOUT_H
#define VMTAP_RUNNER_YAMLOUT_H

#include <stdbool.h>
#include <stddef.h>

struct buf;
struct value;

/* What one text may take in the block. */
struct yamlout_limit {
	size_t lines;
	size_t bytes;	/* of output */
};

/**
 * yamlout_entry() - append `key: value` lines
 * @key: any bytes; what cannot stand in a key is replaced
 * @indent: spaces before the key
 * A null value appends nothing. Return: 0, -ENOMEM.
 */
int yamlout_entry(const char *key, const struct value *v, unsigned int indent,
		  const struct yamlout_limit *limit, struct buf *out);

/** yamlout_text() - append guest text as `key:` and a list of "| line" */
int yamlout_text(const char *key, const char *data, size_t len,
		 unsigned int indent, const struct yamlout_limit *limit,
		 struct buf *out);

/**
 * yamlout_line() - append text as one plain line of printable ASCII, without
 * `#`, `\` and the phrases that end kunit.py's reading: for names and reasons
 * @max: bytes; longer is cut in the middle
 */
int yamlout_line(const char *text, size_t len, size_t max, struct buf *out);

#endif
