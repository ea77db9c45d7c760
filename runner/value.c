// SPDX-License-Identifier: GPL-2.0-only
/* The value tree; see value.h. JSON is in value_json.c. */
#include "runner/value.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct value *value_new(enum value_type type)
{
	struct value *v = calloc(1, sizeof(*v));

	if (v)
		v->type = type;
	return v;
}

struct value *value_null(void)
{
	return value_new(VALUE_NULL);
}

struct value *value_bool(bool b)
{
	struct value *v = value_new(VALUE_BOOL);

	if (v)
		v->b = b;
	return v;
}

struct value *value_int(s64 i)
{
	struct value *v = value_new(VALUE_INT);

	if (v)
		v->i = i;
	return v;
}

struct value *value_addr(u64 addr)
{
	struct value *v = value_new(VALUE_ADDR);

	if (v)
		v->addr = addr;
	return v;
}

struct value *value_word(u64 bits, bool is_signed)
{
	return is_signed || bits <= INT64_MAX ? value_int((s64)bits) :
						value_addr(bits);
}

struct value *value_float(double f)
{
	struct value *v = value_new(VALUE_FLOAT);

	if (v)
		v->f = f;
	return v;
}

struct value *value_str(const char *s)
{
	return s ? value_bytes(s, strlen(s)) : value_null();
}

struct value *value_bytes(const void *data, size_t len)
{
	struct value *v = value_new(VALUE_STR);

	if (!v)
		return NULL;
	v->str.data = malloc(len + 1);
	if (!v->str.data) {
		free(v);
		return NULL;
	}
	if (len)
		memcpy(v->str.data, data, len);
	v->str.data[len] = '\0';
	v->str.len = len;
	return v;
}

struct value *value_list(void)
{
	return value_new(VALUE_LIST);
}

struct value *value_map(void)
{
	return value_new(VALUE_MAP);
}

void value_free(struct value *v)
{
	size_t i;

	if (!v)
		return;
	switch (v->type) {
	case VALUE_STR:
		free(v->str.data);
		break;
	case VALUE_LIST:
		for (i = 0; i < v->list.len; i++)
			value_free(v->list.items[i]);
		free(v->list.items);
		break;
	case VALUE_MAP:
		for (i = 0; i < v->map.len; i++) {
			free(v->map.keys[i]);
			value_free(v->map.items[i]);
		}
		free(v->map.keys);
		free(v->map.items);
		break;
	default:
		break;
	}
	free(v);
}

static struct value *copy_list(const struct value *v)
{
	struct value *copy = value_list();
	size_t i;

	for (i = 0; copy && i < v->list.len; i++) {
		if (value_append(copy, value_copy(v->list.items[i]))) {
			value_free(copy);
			return NULL;
		}
	}
	return copy;
}

static struct value *copy_map(const struct value *v)
{
	struct value *copy = value_map();
	size_t i;

	for (i = 0; copy && i < v->map.len; i++) {
		if (value_push(copy, v->map.keys[i],
			       value_copy(v->map.items[i]))) {
			value_free(copy);
			return NULL;
		}
	}
	return copy;
}

struct value *value_copy(const struct value *v)
{
	struct value *copy;

	if (!v)
		return value_null();
	switch (v->type) {
	case VALUE_STR:
		return value_bytes(v->str.data, v->str.len);
	case VALUE_LIST:
		return copy_list(v);
	case VALUE_MAP:
		return copy_map(v);
	default:
		copy = value_new(v->type);
		if (copy)
			*copy = *v;
		return copy;
	}
}

static ssize_t map_find(const struct value *map, const char *key, size_t len)
{
	size_t i;

	for (i = 0; i < map->map.len; i++) {
		const char *have = map->map.keys[i];

		if (!strncmp(have, key, len) && !have[len])
			return (ssize_t)i;
	}
	return -1;
}

static bool list_equal(const struct value *a, const struct value *b)
{
	size_t i;

	if (a->list.len != b->list.len)
		return false;
	for (i = 0; i < a->list.len; i++) {
		if (!value_equal(a->list.items[i], b->list.items[i]))
			return false;
	}
	return true;
}

/* The order of keys does not matter; each key stands once. */
static bool map_equal(const struct value *a, const struct value *b)
{
	size_t i;

	if (a->map.len != b->map.len)
		return false;
	for (i = 0; i < a->map.len; i++) {
		const char *key = a->map.keys[i];
		const struct value *other;

		if (!strcmp(key, b->map.keys[i])) {
			other = b->map.items[i];
		} else {
			ssize_t at = map_find(b, key, strlen(key));

			if (at < 0)
				return false;
			other = b->map.items[at];
		}
		if (!value_equal(a->map.items[i], other))
			return false;
	}
	return true;
}

bool value_equal(const struct value *a, const struct value *b)
{
	enum value_type ta = a ? a->type : VALUE_NULL;
	enum value_type tb = b ? b->type : VALUE_NULL;

	if (ta != tb)
		return false;
	switch (ta) {
	case VALUE_NULL:
		return true;
	case VALUE_BOOL:
		return a->b == b->b;
	case VALUE_INT:
		return a->i == b->i;
	case VALUE_ADDR:
		return a->addr == b->addr;
	case VALUE_FLOAT:
		return a->f == b->f;
	case VALUE_STR:
		return a->str.len == b->str.len &&
		       !memcmp(a->str.data, b->str.data, a->str.len);
	case VALUE_LIST:
		return list_equal(a, b);
	case VALUE_MAP:
		return map_equal(a, b);
	}
	return false;
}

static int map_grow(struct value *map)
{
	size_t cap = map->map.cap ? map->map.cap * 2 : 8;
	struct value **items;
	char **keys;

	if (map->map.len < map->map.cap)
		return 0;
	keys = reallocarray(map->map.keys, cap, sizeof(*keys));
	if (!keys)
		return -ENOMEM;
	map->map.keys = keys;
	items = reallocarray(map->map.items, cap, sizeof(*items));
	if (!items)
		return -ENOMEM;
	map->map.items = items;
	map->map.cap = cap;
	return 0;
}

int value_push(struct value *map, const char *key, struct value *item)
{
	char *copy;

	BUG_ON(map && map->type != VALUE_MAP);
	if (!map || !item || map_grow(map))
		goto fail;
	copy = strdup(key);
	if (!copy)
		goto fail;
	map->map.keys[map->map.len] = copy;
	map->map.items[map->map.len++] = item;
	return 0;
fail:
	value_free(item);
	return -ENOMEM;
}

int value_set(struct value *map, const char *key, struct value *item)
{
	ssize_t at;

	BUG_ON(map && map->type != VALUE_MAP);
	if (!map || !item) {
		value_free(item);
		return -ENOMEM;
	}
	at = map_find(map, key, strlen(key));
	if (at < 0)
		return value_push(map, key, item);
	value_free(map->map.items[at]);
	map->map.items[at] = item;
	return 0;
}

int value_set_int(struct value *map, const char *key, u64 v)
{
	return value_set(map, key, value_int((s64)v));
}

void value_unset(struct value *map, const char *key)
{
	ssize_t at = map_find(map, key, strlen(key));
	size_t rest;

	if (at < 0)
		return;
	free(map->map.keys[at]);
	value_free(map->map.items[at]);
	rest = map->map.len - (size_t)at - 1;
	memmove(map->map.keys + at, map->map.keys + at + 1,
		rest * sizeof(*map->map.keys));
	memmove(map->map.items + at, map->map.items + at + 1,
		rest * sizeof(*map->map.items));
	map->map.len--;
}

int value_append(struct value *list, struct value *item)
{
	struct value **items;
	size_t cap;

	BUG_ON(list && list->type != VALUE_LIST);
	if (!list || !item)
		goto fail;
	if (list->list.len == list->list.cap) {
		cap = list->list.cap ? list->list.cap * 2 : 8;
		items = reallocarray(list->list.items, cap, sizeof(*items));
		if (!items)
			goto fail;
		list->list.items = items;
		list->list.cap = cap;
	}
	list->list.items[list->list.len++] = item;
	return 0;
fail:
	value_free(item);
	return -ENOMEM;
}

static struct value *get_len(const struct value *map, const char *key,
			     size_t len)
{
	ssize_t at;

	if (!map || map->type != VALUE_MAP)
		return NULL;
	at = map_find(map, key, len);
	if (at < 0 || map->map.items[at]->type == VALUE_NULL)
		return NULL;
	return map->map.items[at];
}

struct value *value_get(const struct value *map, const char *key)
{
	return get_len(map, key, strlen(key));
}

bool value_has(const struct value *map, const char *key)
{
	return map && map->type == VALUE_MAP &&
	       map_find(map, key, strlen(key)) >= 0;
}

/* "[12]" at *@p on a list; moves *@p behind it. */
static struct value *get_index(const struct value *list, const char **p)
{
	char *end;
	unsigned long i = strtoul(*p + 1, &end, 10);

	if (end == *p + 1 || *end != ']') {
		*p += strlen(*p);
		return NULL;
	}
	*p = end + 1;
	if (!list || list->type != VALUE_LIST || i >= list->list.len)
		return NULL;
	return list->list.items[i];
}

struct value *value_path(const struct value *root, const char *path)
{
	struct value *v = (struct value *)root;
	const char *p = path;

	while (v && *p) {
		size_t n;

		if (*p == '[') {
			v = get_index(v, &p);
			continue;
		}
		if (*p == '.')
			p++;
		n = strcspn(p, ".[");
		v = get_len(v, p, n);
		p += n;
	}
	return v && v->type != VALUE_NULL ? v : NULL;
}

int value_set_path(struct value *root, const char *path, struct value *item)
{
	struct value *v = root;
	const char *p = path, *dot;

	while ((dot = strchr(p, '.'))) {
		struct value *next = get_len(v, p, (size_t)(dot - p));

		if (!next || next->type != VALUE_MAP) {
			char *key = strndup(p, (size_t)(dot - p));
			int err;

			next = value_map();
			err = key ? value_set(v, key, next) : -ENOMEM;
			if (!key)
				value_free(next);
			free(key);
			if (err) {
				value_free(item);
				return err;
			}
		}
		v = next;
		p = dot + 1;
	}
	return value_set(v, p, item);
}

s64 value_as_int(const struct value *v, s64 fallback)
{
	if (v && v->type == VALUE_INT)
		return v->i;
	if (v && v->type == VALUE_ADDR && v->addr <= INT64_MAX)
		return (s64)v->addr;
	return fallback;
}

bool value_as_bool(const struct value *v, bool fallback)
{
	return v && v->type == VALUE_BOOL ? v->b : fallback;
}

const char *value_as_str(const struct value *v, const char *fallback)
{
	return v && v->type == VALUE_STR ? v->str.data : fallback;
}
