/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * value: the tree that a result is made of. The same tree is written as JSON,
 * printed in the TAP block, read by checks, and read back from a kept run.
 * Maps keep the order of insertion. NULL is "absent", as is VALUE_NULL: absent
 * is not zero.
 */
#ifndef VMTAP_RUNNER_VALUE_H
#define VMTAP_RUNNER_VALUE_H

#include <stdbool.h>
#include <stddef.h>

#include "vmm/base/util.h"

struct buf;
struct diag;

enum value_type {
	VALUE_NULL,
	VALUE_BOOL,
	VALUE_INT,	/* s64 */
	VALUE_ADDR,	/* u64 shown as hex: addresses, bit patterns */
	VALUE_FLOAT,
	VALUE_STR,	/* bytes, any; may hold NUL */
	VALUE_LIST,
	VALUE_MAP,
};

struct value {
	enum value_type type;
	union {
		bool b;
		s64 i;
		u64 addr;
		double f;
		struct {
			char *data;	/* NUL-terminated beyond len */
			size_t len;
		} str;
		struct {
			struct value **items;
			size_t len;
			size_t cap;
		} list;
		struct {
			char **keys;
			struct value **items;
			size_t len;
			size_t cap;
		} map;
	};
};

/*
 * Constructors: NULL when out of memory. A value has one owner: the list or
 * map that it was put into, else the caller (value_free()).
 */
struct value *value_null(void);
struct value *value_bool(bool b);
struct value *value_int(s64 i);
struct value *value_addr(u64 addr);
/** value_word() - 64 bits of a guest's variable; shown as hex past INT64_MAX */
struct value *value_word(u64 bits, bool is_signed);
struct value *value_float(double f);
struct value *value_str(const char *s);
struct value *value_bytes(const void *data, size_t len);
struct value *value_list(void);
struct value *value_map(void);
void value_free(struct value *v);
struct value *value_copy(const struct value *v);
bool value_equal(const struct value *a, const struct value *b);

/**
 * value_set() - put @item under @key, replacing (in place) what was there
 * Takes @item in every case; a NULL @item (out of memory) is an error.
 * Return: 0, -ENOMEM.
 */
int value_set(struct value *map, const char *key, struct value *item);
/** value_set_int() - value_set() of a counter; above 2^63 it would be negative */
int value_set_int(struct value *map, const char *key, u64 v);
/** value_push() - as value_set() for a key that is known to be new: no search */
int value_push(struct value *map, const char *key, struct value *item);
/** value_unset() - drop @key and what stands under it */
void value_unset(struct value *map, const char *key);
/** value_append() - as value_set(), at the end of a list */
int value_append(struct value *list, struct value *item);
/** value_get() - the item under @key; NULL where absent, null, or @map is no map */
struct value *value_get(const struct value *map, const char *key);
/** value_has() - whether @key stands in @map, be it null */
bool value_has(const struct value *map, const char *key);
/** value_path() - value_get() along "kvm.avg.exits"; a list takes "[2]" */
struct value *value_path(const struct value *root, const char *path);
/** value_set_path() - value_set() along a dotted path, making maps */
int value_set_path(struct value *root, const char *path, struct value *item);

/* Scalars with a fallback for absent or of another type. */
s64 value_as_int(const struct value *v, s64 fallback);
bool value_as_bool(const struct value *v, bool fallback);
const char *value_as_str(const struct value *v, const char *fallback);

/**
 * value_to_json() - append JSON; @indent 0 is one line
 * VALUE_ADDR is written as the string "0x...", a float that is no number as
 * null. Any bytes give valid JSON and come back as they were: a byte that is
 * not UTF-8 is written as the code point U+10FF00 + byte.
 */
int value_to_json(const struct value *v, unsigned int indent, struct buf *out);
/**
 * value_from_json() - parse; @d tells line and column on -EINVAL
 * Addresses come back as strings. Of a key that stands twice the last counts.
 */
int value_from_json(const char *data, size_t len, struct value **out,
		    struct diag *d);

#endif
