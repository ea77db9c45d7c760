// SPDX-License-Identifier: GPL-2.0-only
/* The catalogue as documents: the complete result, the reference; fields.h. */
#include <errno.h>
#include <string.h>

#include "runner/fields.h"
#include "runner/value.h"
#include "vmm/base/buf.h"
#include "vmm/base/cleanup.h"

/* The key of @name below @prefix; NULL unless it is one plain key. */
static const char *child_key(const char *name, const char *prefix)
{
	size_t len = strlen(prefix);

	if (strncmp(name, prefix, len))
		return NULL;
	name += len;
	if (len) {
		if (*name != '.')
			return NULL;
		name++;
	}
	return *name && !strpbrk(name, ".[<") ? name : NULL;
}

static bool has_children(const char *prefix)
{
	size_t i;

	for (i = 0; i < fields_count; i++) {
		if (child_key(fields[i].name, prefix))
			return true;
	}
	return false;
}

static struct value *complete(const struct value *v, const char *prefix);

static int complete_child(struct value *map, const char *key,
			  const struct value *item, const char *prefix)
{
	char *name __free(cleanup_free) = NULL;

	if (asprintf(&name, "%s%s%s", prefix, *prefix ? "." : "", key) < 0) {
		name = NULL;
		return -ENOMEM;
	}
	return value_push(map, key, complete(item, name));
}

static struct value *complete_map(const struct value *v, const char *prefix)
{
	struct value *map = value_map();
	const char *key;
	size_t i;
	int err = map ? 0 : -ENOMEM;

	for (i = 0; !err && i < fields_count; i++) {
		key = child_key(fields[i].name, prefix);
		if (key)
			err = complete_child(map, key, value_get(v, key),
					     prefix);
	}
	for (i = 0; !err && v && i < v->map.len; i++) {
		key = v->map.keys[i];
		if (!value_has(map, key))
			err = complete_child(map, key, v->map.items[i], prefix);
	}
	if (err) {
		value_free(map);
		return NULL;
	}
	return map;
}

static struct value *complete_list(const struct value *v, const char *prefix)
{
	char *name __free(cleanup_free) = NULL;
	struct value *list;
	size_t i;

	if (asprintf(&name, "%s[]", prefix) < 0) {
		name = NULL;
		return NULL;
	}
	if (!has_children(name))
		return value_copy(v);
	list = value_list();
	for (i = 0; list && i < v->list.len; i++) {
		if (value_append(list, complete(v->list.items[i], name))) {
			value_free(list);
			return NULL;
		}
	}
	return list;
}

static struct value *complete(const struct value *v, const char *prefix)
{
	if (v && v->type == VALUE_MAP && has_children(prefix))
		return complete_map(v, prefix);
	if (v && v->type == VALUE_LIST)
		return complete_list(v, prefix);
	return value_copy(v);
}

struct value *fields_complete(const struct value *result)
{
	BUG_ON(result && result->type != VALUE_MAP);
	return complete_map(result, "");
}

static const char *const type_names[] = {
	[FIELD_BOOL] = "boolean",	[FIELD_INT] = "integer",
	[FIELD_ADDR] = "address",	[FIELD_FLOAT] = "number",
	[FIELD_STR] = "string",		[FIELD_TEXT] = "text",
	[FIELD_LIST] = "list",		[FIELD_MAP] = "group",
	[FIELD_ANY] = "any",
};

static void put_type(const struct field *f, struct buf *out)
{
	const char *p;

	if (!strchr(f->unit, '|')) {
		buf_printf(out, "%s%s%s", type_names[f->type],
			   *f->unit ? ", " : "", f->unit);
		return;
	}
	for (p = f->unit; *p; p++) {
		if (*p == '|')
			buf_puts(out, ", ");
		else
			buf_putc(out, *p);
	}
}

static void put_field_text(const struct field *f, struct buf *out)
{
	buf_printf(out, "%s (", f->name);
	put_type(f, out);
	buf_printf(out, ")\n    %s\n", f->doc);
	if (f->absent)
		buf_printf(out, "    null where: %s\n", f->absent);
}

int fields_reference(const char *part, struct buf *out)
{
	size_t i;

	for (i = 0; i < fields_count; i++) {
		if (!part || strstr(fields[i].name, part))
			put_field_text(&fields[i], out);
	}
	return out->failed ? -ENOMEM : 0;
}
