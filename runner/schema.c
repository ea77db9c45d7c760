// SPDX-License-Identifier: GPL-2.0-only
/*
 * The key table as JSON Schema. Every key that has a dotted path is a
 * definition of that name, so that a matrix can have lists of the same.
 */
#include "runner/schema.h"

#include <errno.h>
#include <string.h>

#include "runner/keys.h"
#include "runner/topo.h"
#include "vmm/base/buf.h"

static void add_string(struct buf *b, const char *s)
{
	buf_putc(b, '"');
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			buf_putc(b, '\\');
		buf_putc(b, *s);
	}
	buf_putc(b, '"');
}

static void add_member(struct buf *b, const char *name, const char *text)
{
	buf_printf(b, ", \"%s\": ", name);
	add_string(b, text);
}

static bool is_json_scalar(const struct key *key)
{
	const char *s = key->dflt;

	if (key->kind == KEY_INT || key->kind == KEY_FLOAT || key->kind == KEY_BOOL)
		return true;
	if (key->kind == KEY_MAP || key->kind == KEY_CUSTOM)
		return !strcmp(s, "true") || !strcmp(s, "false") ||
		       strspn(s, "0123456789") == strlen(s);
	return false;
}

static void add_notes(struct buf *b, const struct key *key)
{
	buf_puts(b, ", \"description\": ");
	add_string(b, key->doc ? key->doc : key->name);
	if (!key->dflt)
		return;
	if (is_json_scalar(key))
		buf_printf(b, ", \"default\": %s", key->dflt);
	else
		add_member(b, "default", key->dflt);
}

/* A text: editors read 6.12 and true as other types than we do. */
static void add_text_type(struct buf *b, const struct key *key)
{
	buf_puts(b, "\"type\": [\"string\", \"number\", \"boolean\"]");
	if (key->pattern)
		add_member(b, "pattern", key->pattern);
}

static void add_range(struct buf *b, const struct key *key)
{
	if (key->min != INT64_MIN)
		buf_printf(b, ", \"minimum\": %lld", (long long)key->min);
	if (key->max && key->max != INT64_MAX)
		buf_printf(b, ", \"maximum\": %lld", (long long)key->max);
}

static void add_words(struct buf *b, const char *const *words)
{
	buf_puts(b, "\"enum\": [");
	for (size_t i = 0; words[i]; i++) {
		buf_puts(b, i ? ", " : "");
		add_string(b, words[i]);
	}
	buf_putc(b, ']');
}

#define SIZE_TYPE "\"type\": [\"integer\", \"string\"], \"minimum\": 0, \"pattern\": \"^(0x[0-9a-fA-F]+|[0-9]+)[KMG]?$\""

static void add_keyset(struct buf *b, const struct keyset *set, const char *path);
static void add_key(struct buf *b, const struct key *key, const char *path);

/* The value of @key, without its braces; @path NULL inside a list's items. */
static void add_type(struct buf *b, const struct key *key, const char *path)
{
	switch (key->kind) {
	case KEY_STR:
	case KEY_TEXT:
		add_text_type(b, key);
		break;
	case KEY_PATH:
		buf_puts(b, "\"type\": \"string\", \"minLength\": 1");
		break;
	case KEY_BOOL:
		buf_puts(b, "\"type\": \"boolean\"");
		break;
	case KEY_INT:
		buf_puts(b, "\"type\": \"integer\"");
		add_range(b, key);
		break;
	case KEY_OCTAL:
		buf_puts(b, "\"type\": [\"integer\", \"string\"], \"pattern\": \"^[0-7]{1,5}$\"");
		break;
	case KEY_FLOAT:
		buf_puts(b, "\"type\": \"number\", \"minimum\": 0");
		break;
	case KEY_SIZE:
		buf_puts(b, SIZE_TYPE);
		break;
	case KEY_DURATION:
		buf_puts(b, "\"type\": \"string\", \"pattern\": \"^(0x[0-9a-fA-F]+|[0-9]+)(ms|s|m)$\"");
		break;
	case KEY_ENUM:
		add_words(b, key->words);
		break;
	case KEY_STR_LIST:
	case KEY_CHECKS:
		buf_puts(b, "\"type\": \"array\", \"items\": {");
		add_text_type(b, key);
		buf_putc(b, '}');
		break;
	case KEY_STR_MAP:
		buf_puts(b, "\"type\": \"object\", \"propertyNames\": {\"pattern\": ");
		add_string(b, key->pattern ? key->pattern : "");
		buf_puts(b, "}, \"additionalProperties\": {\"type\": [\"string\", \"number\", \"boolean\"]}");
		break;
	case KEY_SIZE_LIST:
		buf_puts(b, "\"type\": \"array\", \"items\": {" SIZE_TYPE "}");
		break;
	case KEY_MAP:
		add_keyset(b, key->sub, path);
		break;
	case KEY_LIST:
		buf_puts(b, "\"type\": \"array\", \"items\": {");
		add_keyset(b, key->sub, NULL);
		buf_putc(b, '}');
		break;
	case KEY_CUSTOM:
	case KEY_META:
		buf_puts(b, key->custom->schema);
		break;
	}
}

static void add_key(struct buf *b, const struct key *key, const char *path)
{
	buf_putc(b, '{');
	add_type(b, key, path);
	add_notes(b, key);
	buf_putc(b, '}');
}

static void add_required(struct buf *b, const struct keyset *set)
{
	const char *sep = ", \"required\": [";

	for (size_t i = 0; i < set->n; i++) {
		if (!set->keys[i].required)
			continue;
		buf_puts(b, sep);
		add_string(b, set->keys[i].name);
		sep = ", ";
	}
	if (sep[2] == 0)
		buf_putc(b, ']');
}

/* No two of @words. */
static void add_one_of(struct buf *b, const char *const *words)
{
	const char *sep = ", \"allOf\": [";

	for (size_t i = 0; words[i]; i++) {
		for (size_t j = 0; j < i; j++, sep = ", ")
			buf_printf(b, "%s{\"not\": {\"type\": \"object\", \"required\": [\"%s\", \"%s\"]}}",
				   sep, words[j], words[i]);
	}
	buf_putc(b, ']');
}

static void add_properties(struct buf *b, const struct keyset *set,
			   const char *path)
{
	buf_puts(b, "\"additionalProperties\": false, \"properties\": {");
	for (size_t i = 0; i < set->n; i++) {
		const struct key *key = &set->keys[i];

		buf_printf(b, "%s\n\"%s\": ", i ? "," : "", key->name);
		if (path)
			buf_printf(b, "{\"$ref\": \"#/definitions/%s%s%s\"}", path,
				   *path ? "." : "", key->name);
		else
			add_key(b, key, NULL);
	}
	buf_putc(b, '}');
	add_required(b, set);
	if (set->one_of)
		add_one_of(b, set->one_of);
}

/* An '@' stands for the names of presets, as further alternatives. */
static void add_shorthand(struct buf *b, const struct key_custom *custom)
{
	const char *at = strchr(custom->schema, '@');
	const struct topo_preset *p;

	buf_puts(b, "\"anyOf\": [{");
	buf_add(b, custom->schema, at ? (size_t)(at - custom->schema) :
		strlen(custom->schema));
	for (p = topo_presets; at && p->name; p++)
		buf_printf(b, "|%s", p->name);
	buf_puts(b, at ? at + 1 : "");
	buf_puts(b, "}, {");
}

static void add_keyset(struct buf *b, const struct keyset *set, const char *path)
{
	if (set->shorthand)
		add_shorthand(b, set->shorthand);
	buf_puts(b, set->present_off < 0 ? "\"type\": \"object\", " :
					   "\"type\": [\"object\", \"null\"], ");
	add_properties(b, set, path);
	if (set->shorthand)
		buf_puts(b, "}]");
}

static int add_axis(void *arg, const char *path, const struct key *key)
{
	bool cpus = !strcmp(path, "vm.cpus");

	if (key->kind != KEY_META && !strstr(path, "[]") && strcmp(path, "name"))
		buf_printf(arg, ",\n\"%s\": {\"type\": %s, \"minItems\": 1, \"items\": {\"$ref\": \"#/definitions/%s\"}}",
			   path, cpus ? "[\"array\", \"string\"], \"pattern\": \"^presets$\"" :
				 "\"array\"", path);
	return 0;
}

static void add_matrix(struct buf *b, const struct key *key)
{
	buf_puts(b, "{\"type\": \"object\", \"minProperties\": 1, \"additionalProperties\": false, "
		 "\"patternProperties\": {\"^guest\\\\.env\\\\.\": {\"type\": \"array\", \"minItems\": 1}}, "
		 "\"properties\": {\n"
		 "\"exclude\": {\"type\": \"array\", \"items\": {\"type\": \"object\", \"minProperties\": 1}, "
		 "\"description\": \"Combinations to leave out: each item's keys all fit, a list fits any of its values.\"},\n"
		 "\"include\": {\"type\": \"array\", \"items\": {\"type\": \"object\", \"minProperties\": 1}, "
		 "\"description\": \"Combinations to add: dotted keys with one value each.\"},\n"
		 "\"constraints\": {\"type\": \"object\", \"additionalProperties\": false, "
		 "\"description\": \"Bounds on the resolved topology.\", \"properties\": {"
		 "\"min_cpus\": {\"type\": \"integer\"}, \"max_cpus\": {\"type\": \"integer\"}, "
		 "\"min_nodes\": {\"type\": \"integer\"}, \"max_nodes\": {\"type\": \"integer\"}, "
		 "\"min_llcs\": {\"type\": \"integer\"}, \"max_llcs\": {\"type\": \"integer\"}, "
		 "\"requires_smt\": {\"type\": \"boolean\"}}}");
	keys_walk(add_axis, b);
	buf_putc(b, '}');
	add_notes(b, key);
	buf_putc(b, '}');
}

struct definitions {
	struct buf *b;
	bool first;
};

static int add_definition(void *arg, const char *path, const struct key *key)
{
	struct definitions *d = arg;

	if (strstr(path, "[]"))
		return 0;
	buf_printf(d->b, "%s\n\"%s\": ", d->first ? "" : ",", path);
	d->first = false;
	if (key->kind == KEY_META && !key->custom->schema)
		add_matrix(d->b, key);
	else
		add_key(d->b, key, path);
	return 0;
}

int schema_json(struct buf *out)
{
	struct definitions d = { out, true };

	buf_puts(out, "{\"$schema\": \"http://json-schema.org/draft-07/schema#\",\n"
		 "\"title\": \"vmtap scenario\", \"type\": \"object\",\n"
		 "\"patternProperties\": {\"^x-\": {}},\n");
	add_properties(out, &scenario_keys, "");
	buf_puts(out, ",\n\"definitions\": {");
	keys_walk(add_definition, &d);
	buf_puts(out, "}}\n");
	return out->failed ? -ENOMEM : 0;
}
