// SPDX-License-Identifier: GPL-2.0-only
/* Maps, lists and members by the key table. */
#include "runner/parse.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/buf.h"

#define MATCH_MAX 4096u	/* bytes that a pattern is tried on */

int parse_error(struct parse_ctx *ctx, const struct ynode *n,
		const char *fmt, ...)
{
	struct loc loc = { ctx->file, n->line, n->col };
	char *msg = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&msg, fmt, ap) < 0)
		msg = NULL;
	va_end(ap);
	problem_add(ctx->p, PROBLEM_ERROR, &loc, &ctx->src, "%s%s",
		    msg ? msg : "out of memory", ctx->note ? ctx->note : "");
	free(msg);
	return -EINVAL;
}

void parse_ctx_reset(struct parse_ctx *ctx)
{
	for (size_t i = 0; i < PARSE_PATTERNS; i++) {
		if (ctx->patterns[i].text)
			regfree(&ctx->patterns[i].regex);
		ctx->patterns[i].text = NULL;
	}
}

static const regex_t *compiled(struct parse_ctx *ctx, const char *pattern)
{
	struct parse_pattern *p;

	for (size_t i = 0; i < PARSE_PATTERNS; i++)
		if (ctx->patterns[i].text == pattern)
			return &ctx->patterns[i].regex;
	p = &ctx->patterns[ctx->next_pattern++ % PARSE_PATTERNS];
	if (p->text)
		regfree(&p->regex);
	p->text = NULL;
	if (regcomp(&p->regex, pattern, REG_EXTENDED | REG_NOSUB))
		return NULL;
	p->text = pattern;
	return &p->regex;
}

static bool pattern_matches(struct parse_ctx *ctx, const char *pattern,
			    const char *text)
{
	const regex_t *regex;

	if (strnlen(text, MATCH_MAX) == MATCH_MAX)
		return false;
	regex = compiled(ctx, pattern);
	return regex && !regexec(regex, text, 0, NULL, 0);
}

static int text_by_key(struct parse_ctx *ctx, const struct key *key,
		       const struct ynode *n, const char **ret)
{
	const char *text;
	int rc = parse_text(ctx, n, &text);

	if (rc)
		return rc;
	if (key->kind != KEY_TEXT && strchr(text, '\n'))
		return parse_error(ctx, n, "%s has more than one line, expected one",
				   key->name);
	if (key->pattern && !pattern_matches(ctx, key->pattern, text))
		return parse_error(ctx, n, "'%.60s%s', expected %s", text,
				   strlen(text) > 60 ? "..." : "", key->form);
	*ret = text;
	return 0;
}

/* Items of @size bytes for list @n; a scalar stands for a list of one. */
static void *list_room(struct parse_ctx *ctx, const struct ynode *n, size_t size)
{
	return arena_alloc(ctx->arena, max((size_t)n->n, (size_t)1) * size);
}

static int want_list(struct parse_ctx *ctx, const struct key *key,
		     const struct ynode *n)
{
	if (n->type == YNODE_LIST)
		return 0;
	return parse_error(ctx, n, "%s for %s, expected a list", ynode_kind(n),
			   key->name);
}

int parse_str_list(struct parse_ctx *ctx, const struct key *key,
		   const struct ynode *n, struct str_list *ret)
{
	const char **items;
	int rc, worst = 0;

	if (want_list(ctx, key, n))
		return -EINVAL;
	items = list_room(ctx, n, sizeof(*items));
	if (!items)
		return -ENOMEM;
	for (u32 i = 0; i < n->n; i++) {
		rc = text_by_key(ctx, key, n->items[i], &items[i]);
		worst = rc ? rc : worst;
	}
	if (worst)
		return worst;
	*ret = (struct str_list){ n->n ? items : NULL, n->n };
	return 0;
}

static int parse_size_list(struct parse_ctx *ctx, const struct key *key,
			   const struct ynode *n, void *out)
{
	LIST_OF(u64) list = { NULL, n->n };
	u64 *items;
	int rc, worst = 0;

	if (want_list(ctx, key, n))
		return -EINVAL;
	items = list_room(ctx, n, sizeof(*items));
	if (!items)
		return -ENOMEM;
	for (u32 i = 0; i < n->n; i++) {
		rc = parse_size(ctx, n->items[i], key->min, key->max, &items[i]);
		worst = rc ? rc : worst;
	}
	if (worst)
		return worst;
	list.items = n->n ? items : NULL;
	memcpy(out, &list, sizeof(list));
	return 0;
}

static int parse_checks(struct parse_ctx *ctx, const struct key *key,
			const struct ynode *n, void *out)
{
	LIST_OF(struct located_text) list = { NULL, n->n };
	struct located_text *items;
	int rc, worst = 0;

	if (want_list(ctx, key, n))
		return -EINVAL;
	items = list_room(ctx, n, sizeof(*items));
	if (!items)
		return -ENOMEM;
	for (u32 i = 0; i < n->n; i++) {
		/* Behind an opening quote: where the text itself begins. */
		items[i].loc = (struct loc){ ctx->file, n->items[i]->line,
					     n->items[i]->col + !n->items[i]->plain };
		rc = n->items[i]->type == YNODE_SCALAR ?
		     text_by_key(ctx, key, n->items[i], &items[i].text) :
		     parse_error(ctx, n->items[i], "%s, expected a check: quote one that begins with a bracket or holds ': '",
				 ynode_kind(n->items[i]));
		worst = rc ? rc : worst;
	}
	if (worst)
		return worst;
	list.items = n->n ? items : NULL;
	memcpy(out, &list, sizeof(list));
	return 0;
}

/* Entries over those that are there: a layer adds to and replaces env. */
static int parse_str_map(struct parse_ctx *ctx, const struct key *key,
			 const struct ynode *n, struct str_map *map)
{
	struct str_pair *items;
	size_t k = 0;
	int rc = 0;

	if (n->type != YNODE_MAP)
		return parse_error(ctx, n, "%s for %s, expected a map",
				   ynode_kind(n), key->name);
	items = arena_alloc(ctx->arena, (map->n + n->n + 1) * sizeof(*items));
	if (!items)
		return -ENOMEM;
	for (size_t i = 0; i < map->n; i++)
		if (!ynode_get(n, map->items[i].key))
			items[k++] = map->items[i];
	for (u32 i = 0; i < n->n; i++) {
		items[k].key = n->pairs[i].key->text;
		if (key->pattern && !pattern_matches(ctx, key->pattern, items[k].key))
			rc = parse_error(ctx, n->pairs[i].key, "'%.60s', expected %s",
					 items[k].key, key->form);
		if (parse_text(ctx, n->pairs[i].value, &items[k].value))
			rc = -EINVAL;
		k++;
	}
	if (!rc)
		*map = (struct str_map){ k ? items : NULL, k };
	return rc;
}

static int parse_items(struct parse_ctx *ctx, const struct key *key,
		       const struct ynode *n, void *out)
{
	const struct keyset *set = key->sub;
	LIST_OF(char) list = { NULL, n->n };
	int rc, worst = 0;
	char *items;

	if (want_list(ctx, key, n))
		return -EINVAL;
	items = list_room(ctx, n, set->size);
	if (!items)
		return -ENOMEM;
	for (u32 i = 0; i < n->n; i++) {
		void *item = items + i * set->size;

		rc = parse_defaults(ctx, set, item);
		if (!rc)
			rc = parse_map(ctx, set, n->items[i], item);
		worst = rc ? rc : worst;
	}
	if (worst)
		return worst;
	list.items = n->n ? items : NULL;
	memcpy(out, &list, sizeof(list));
	return 0;
}

static void store_int(void *out, u8 width, s64 v)
{
	switch (width) {
	case 4:
		*(s32 *)out = (s32)v;
		break;
	case 8:
		*(s64 *)out = v;
		break;
	default:
		BUG_ON(true);
	}
}

static int parse_octal(struct parse_ctx *ctx, const struct ynode *n, s32 *ret)
{
	const char *text = n->type == YNODE_SCALAR ? n->text : "";
	char *end;
	unsigned long v = strtoul(text, &end, 8);

	if (!*text || *end || strspn(text, "01234567") != n->n || v > 07777)
		return parse_error(ctx, n, "%s, expected permission bits such as 0755",
				   n->type == YNODE_SCALAR ? text : ynode_kind(n));
	*ret = (s32)v;
	return 0;
}

static int parse_submap(struct parse_ctx *ctx, const struct key *key,
			const struct ynode *n, void *out)
{
	const struct keyset *set = key->sub;
	int rc = 0;

	/* `disk: null` takes away what a lower layer or the base had. */
	if (set->present_off >= 0 && n->n && ynode_is_null(n)) {
		memset(out, 0, set->size);
		return parse_defaults(ctx, set, out);
	}
	if (set->whole) {
		memset(out, 0, set->size);
		rc = parse_defaults(ctx, set, out);
	}
	if (rc)
		return rc;
	if (set->shorthand && n->type == YNODE_SCALAR && !ynode_is_null(n))
		rc = set->shorthand->parse(ctx, n, out);
	else
		rc = parse_map(ctx, set, n, out);
	if (set->present_off >= 0)
		*((bool *)out + set->present_off) = true;
	return rc;
}

static int parse_number(struct parse_ctx *ctx, const struct key *key,
			const struct ynode *n, void *out)
{
	s64 v;
	int rc = parse_int(ctx, n, key->min, key->max, &v);

	if (!rc)
		store_int(out, key->width, v);
	return rc;
}

int parse_value(struct parse_ctx *ctx, const struct keyset *set,
		const struct key *key, const struct ynode *n, void *base)
{
	void *out = (char *)base + key->off;

	(void)set;
	switch (key->kind) {
	case KEY_STR:
	case KEY_TEXT:	return text_by_key(ctx, key, n, out);
	case KEY_PATH:	return parse_path(ctx, n, out);
	case KEY_BOOL:	return parse_bool(ctx, n, out);
	case KEY_INT:	return parse_number(ctx, key, n, out);
	case KEY_OCTAL:	return parse_octal(ctx, n, out);
	case KEY_FLOAT:	return parse_float(ctx, n, out);
	case KEY_SIZE:	return parse_size(ctx, n, key->min, key->max, out);
	case KEY_DURATION: return parse_duration(ctx, n, key->min, key->max, out);
	case KEY_ENUM:	return parse_enum(ctx, n, key->words, out);
	case KEY_STR_LIST: return parse_str_list(ctx, key, n, out);
	case KEY_STR_MAP: return parse_str_map(ctx, key, n, out);
	case KEY_SIZE_LIST: return parse_size_list(ctx, key, n, out);
	case KEY_CHECKS: return parse_checks(ctx, key, n, out);
	case KEY_MAP:	return parse_submap(ctx, key, n, out);
	case KEY_LIST:	return parse_items(ctx, key, n, out);
	case KEY_CUSTOM: return key->custom->parse(ctx, n, out);
	case KEY_META:	return 0;
	}
	return 0;
}

/* Where else in the table a key of this name stands. */
struct elsewhere {
	const char *name;
	char *path;
};

static int find_elsewhere(void *arg, const char *path, const struct key *key)
{
	struct elsewhere *e = arg;

	if (strcmp(key->name, e->name) || strstr(path, "[]"))
		return 0;
	e->path = strdup(path);
	return 1;
}

static const char *next_key_name(void *arg, size_t i)
{
	const struct keyset *set = arg;

	return i < set->n ? set->keys[i].name : NULL;
}

static int unknown_key(struct parse_ctx *ctx, const struct keyset *set,
		       const struct ynode *k)
{
	const char *near;
	struct elsewhere e = { .name = k->text };
	struct buf b = { 0 };
	int rc;

	/* Nobody reads on; searching for each of 100,000 would take its time. */
	if (ctx->p->n == PROBLEMS_MAX)
		return parse_error(ctx, k, "unknown key");
	near = nearest_word(k->text, next_key_name, (void *)set);
	if (!near)
		keys_walk(find_elsewhere, &e);
	if (near || e.path) {
		rc = parse_error(ctx, k, "unknown key '%.60s', expected a key of %s (did you mean '%s'?)",
				 k->text, set->what, near ? near : e.path);
		free(e.path);
		return rc;
	}
	for (size_t i = 0; i < set->n; i++)
		buf_printf(&b, "%s%s", i ? ", " : "", set->keys[i].name);
	rc = parse_error(ctx, k, "unknown key '%.60s', expected one of %s's keys: %s",
			 k->text, set->what, buf_str(&b));
	buf_reset(&b);
	return rc;
}

/* Put one member back to what the table says. */
static int reset_member(struct parse_ctx *ctx, const struct keyset *set,
			const struct key *key, void *base)
{
	static const size_t sizes[] = {
		[KEY_STR] = sizeof(char *), [KEY_TEXT] = sizeof(char *),
		[KEY_PATH] = sizeof(char *), [KEY_SIZE] = sizeof(u64),
		[KEY_STR_LIST] = sizeof(struct str_list),
	};
	size_t size = key->kind == KEY_MAP ? key->sub->size :
		      key->kind < ARRAY_SIZE(sizes) ? sizes[key->kind] : 0;

	(void)set;
	BUG_ON(!size);
	memset((char *)base + key->off, 0, size);
	return key->kind == KEY_MAP ?
	       parse_defaults(ctx, key->sub, (char *)base + key->off) : 0;
}

static bool in_words(const char *const *words, const char *word)
{
	for (; words && *words; words++)
		if (!strcmp(*words, word))
			return true;
	return false;
}

/* Clear what @name excludes. */
static int choose_one(struct parse_ctx *ctx, const struct keyset *set,
		      const char *name, void *base)
{
	int rc = 0;

	if (!in_words(set->one_of, name))
		return 0;
	for (const char *const *w = set->one_of; *w && !rc; w++)
		if (strcmp(*w, name))
			rc = reset_member(ctx, set, keyset_find(set, *w), base);
	return rc;
}

/* A pair written here beats one that came by `<<`; two of a kind are told. */
static int refuse_two(struct parse_ctx *ctx, const struct keyset *set,
		      const struct ynode *n, const struct ypair **chosen)
{
	*chosen = NULL;
	for (u32 i = 0; i < n->n; i++) {
		const struct ypair *pair = &n->pairs[i];

		if (!in_words(set->one_of, pair->key->text))
			continue;
		if (*chosen && (*chosen)->merged == pair->merged)
			return parse_error(ctx, pair->key,
					   "'%s' beside '%s', expected only one of them",
					   pair->key->text, (*chosen)->key->text);
		if (!*chosen || (*chosen)->merged)
			*chosen = pair;
	}
	return 0;
}

static int refuse_missing(struct parse_ctx *ctx, const struct keyset *set,
			  const struct ynode *n)
{
	int rc = 0;

	for (size_t i = 0; i < set->n; i++)
		if (set->keys[i].required && !ynode_get(n, set->keys[i].name))
			rc = parse_error(ctx, n, "no '%s' in %s, expected it",
					 set->keys[i].name, set->what);
	return rc;
}

/* Keys that begin with `x-` at the top hold anchors and notes. */
static bool is_note(const struct keyset *set, const struct ynode *k)
{
	return set == &scenario_keys && !strncmp(k->text, "x-", 2);
}

static int parse_pairs(struct parse_ctx *ctx, const struct keyset *set,
		       const struct ynode *n, const struct ypair *chosen,
		       void *base)
{
	int rc, worst = 0;

	for (u32 i = 0; i < n->n; i++) {
		const struct ypair *pair = &n->pairs[i];
		const struct key *key = keyset_find(set, pair->key->text);

		if (is_note(set, pair->key))
			continue;
		if (!key) {
			worst = unknown_key(ctx, set, pair->key);
			continue;
		}
		if (in_words(set->one_of, key->name) && pair != chosen)
			continue;
		rc = parse_value(ctx, set, key, pair->value, base);
		worst = rc ? rc : worst;
	}
	return worst;
}

int parse_map(struct parse_ctx *ctx, const struct keyset *set,
	      const struct ynode *n, void *base)
{
	const struct ypair *chosen;
	int rc, worst = 0;

	if (n->type != YNODE_MAP)
		return parse_error(ctx, n, "%s for %s, expected %s%s",
				   ynode_kind(n), set->what,
				   set->shorthand ? set->shorthand->form : "a map",
				   set->shorthand ? " or a map" :
				   set->present_off >= 0 ? " ({} takes the defaults)" : "");
	if (set->loc_off >= 0)
		*(struct loc *)((char *)base + set->loc_off) =
			(struct loc){ ctx->file, n->line, n->col };
	worst = refuse_two(ctx, set, n, &chosen);
	if (chosen) {
		rc = choose_one(ctx, set, chosen->key->text, base);
		worst = rc ? rc : worst;
	}
	rc = parse_pairs(ctx, set, n, chosen, base);
	worst = rc ? rc : worst;
	rc = refuse_missing(ctx, set, n);
	worst = rc ? rc : worst;
	if (!worst && set->judge)
		worst = set->judge(ctx, n, base);
	return worst;
}

static int parse_default(struct parse_ctx *ctx, const struct keyset *set,
			 const struct key *key, void *base)
{
	struct ynode n = { .type = YNODE_SCALAR, .text = key->dflt,
			   .n = (u32)strlen(key->dflt),
			   .plain = key->kind != KEY_STR };

	if (key->kind == KEY_MAP)
		return key->sub->shorthand->parse(ctx, &n, (char *)base + key->off);
	return parse_value(ctx, set, key, &n, base);
}

int parse_defaults(struct parse_ctx *ctx, const struct keyset *set, void *base)
{
	int rc = 0;

	for (size_t i = 0; i < set->n && !rc; i++) {
		const struct key *key = &set->keys[i];

		if (key->kind == KEY_MAP)
			rc = parse_defaults(ctx, key->sub, (char *)base + key->off);
		if (!rc && key->dflt)
			rc = parse_default(ctx, set, key, base);
	}
	return rc;
}

int parse_ref(struct parse_ctx *ctx, const struct key_ref *ref,
	      const struct ynode *n)
{
	char *parent = (char *)ctx->sc + ref->parent_off;
	struct ynode key = { .type = YNODE_SCALAR, .text = ref->entry };
	struct ypair pair = { .key = &key, .value = (struct ynode *)n };
	struct ynode map = { .type = YNODE_MAP, .n = 1, .pairs = &pair,
			     .line = n->line, .col = n->col };
	int rc;

	if (ref->entry)
		return parse_value(ctx, ref->parent, ref->key, &map, parent);
	rc = choose_one(ctx, ref->parent, ref->key->name, parent);
	if (!rc)
		rc = parse_value(ctx, ref->parent, ref->key, n, parent);
	if (!rc && ref->parent->present_off >= 0)
		*((bool *)parent + ref->parent->present_off) = true;
	return rc;
}
