// SPDX-License-Identifier: GPL-2.0-only
/*
 * libyaml events -> nodes. An explicit stack of open collections; every cap
 * acts before the node it would allow. Children are gathered on one growing
 * array and copied to the arena when their collection ends.
 */
#include "runner/yaml.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "runner/yamltext.h"

#define DEPTH_CAP 64u	/* of the stack itself; limits->depth is below */

struct frame {
	struct ynode *node;
	size_t first;		/* index of its first child in kids */
	s32 anchor;		/* index, -1: none */
	u32 weight_at;		/* builder's weight when it opened */
};

struct builder {
	struct ydoc *doc;
	struct problems *p;
	struct yaml_limits lim;
	yaml_parser_t parser;
	unsigned int events;
	u32 weight;		/* nodes so far, aliases expanded */
	u32 expanded;		/* those of them that aliases added */
	struct ynode **kids;
	size_t nr_kids;
	size_t cap_kids;
	struct frame stack[DEPTH_CAP];
	unsigned int depth;
	bool bad;		/* an error that leaves the tree usable */
};

static int error_at(struct builder *b, const struct ynode *n, const char *fmt,
		    const char *arg)
{
	struct loc loc = ynode_loc(b->doc, n);

	/* fmt is one of this file's own literals with at most one %s. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"
	return problem_add(b->p, PROBLEM_ERROR, &loc, &b->doc->src, fmt, arg);
#pragma GCC diagnostic pop
}

static int limit_error(struct builder *b, const yaml_mark_t *m,
		       const char *what, size_t limit)
{
	struct loc loc = { b->doc->file, (unsigned int)m->line + 1,
			   (unsigned int)m->column + 1 };

	return problem_add(b->p, PROBLEM_ERROR, &loc, &b->doc->src,
			   "%s, expected at most %zu", what, limit);
}

static struct ynode *node_new(struct builder *b, enum ynode_type type,
			      const yaml_mark_t *m)
{
	struct ynode *n = arena_alloc(&b->doc->arena, sizeof(*n));

	if (!n)
		return NULL;
	n->type = (u8)type;
	n->line = (u32)m->line + 1;
	n->col = (u32)m->column + 1;
	b->weight++;
	return n;
}

/* Hand a finished or just opened node to the collection that is open. */
static int kid_add(struct builder *b, struct ynode *n)
{
	if (b->nr_kids == b->cap_kids) {
		size_t cap = b->cap_kids ? 2 * b->cap_kids : 256;
		struct ynode **kids = realloc(b->kids, cap * sizeof(*kids));

		if (!kids)
			return -ENOMEM;
		b->kids = kids;
		b->cap_kids = cap;
	}
	b->kids[b->nr_kids++] = n;
	return 0;
}

static struct yanchor *anchor_find(struct ydoc *doc, const char *name)
{
	for (unsigned int i = 0; i < doc->nr_anchors; i++)
		if (!strcmp(doc->anchors[i].name, name))
			return &doc->anchors[i];
	return NULL;
}

/* Return: index, -1 without a name, or -errno below that. */
static int anchor_add(struct builder *b, const yaml_char_t *name,
		      struct ynode *n, bool open)
{
	struct ydoc *doc = b->doc;
	struct yanchor *a;

	if (!name)
		return -1;
	if (anchor_find(doc, (const char *)name)) {
		b->bad = true;
		error_at(b, n, "anchor '%s' stands twice, expected another name",
			 (const char *)name);
		return -1;
	}
	if (doc->nr_anchors == b->lim.anchors) {
		error_at(b, n, "too many anchors%s", "");
		return -EINVAL;
	}
	if (!doc->anchors)
		doc->anchors = arena_alloc(&doc->arena,
					   b->lim.anchors * sizeof(*a));
	if (!doc->anchors)
		return -ENOMEM;
	a = &doc->anchors[doc->nr_anchors];
	*a = (struct yanchor){ .node = n, .loc = ynode_loc(doc, n),
			       .weight = 1, .open = open,
			       .name = arena_str(&doc->arena, (const char *)name) };
	if (!a->name)
		return -ENOMEM;
	return (int)doc->nr_anchors++;
}

static int expand_add(struct builder *b, u32 weight, const struct ynode *at)
{
	if (check_add(b->expanded, weight, &b->expanded) ||
	    b->expanded > b->lim.expanded)
		return error_at(b, at,
			"aliases expand to too much, expected fewer or smaller ones%s", "");
	b->weight += weight;
	return 0;
}

static int refuse_tag(struct builder *b, const yaml_char_t *tag,
		      struct ynode *n)
{
	if (!tag || !tag[0])
		return 0;
	b->bad = true;
	if (tag[0] != '!') {
		error_at(b, n, "tag '%s', expected none: types come from the keys",
			 (const char *)tag);
		return 0;
	}
	error_at(b, n, "'%s' is a tag to YAML, expected quotes around a text that begins with '!'",
		 (const char *)tag);
	/* What it was meant to be is not known: nothing more about it. */
	if (n->type == YNODE_SCALAR && !n->n) {
		n->text = arena_str(&b->doc->arena, "true");
		n->n = 4;
	}
	return n->type == YNODE_SCALAR && !n->text ? -ENOMEM : 0;
}

static int on_scalar(struct builder *b, const yaml_event_t *e)
{
	struct ynode *n = node_new(b, YNODE_SCALAR, &e->start_mark);
	int rc;

	if (!n)
		return -ENOMEM;
	if (e->data.scalar.length > b->lim.scalar)
		return limit_error(b, &e->start_mark, "text too long (bytes)",
				   b->lim.scalar);
	n->plain = e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	n->text = arena_dup(&b->doc->arena, e->data.scalar.value,
			    e->data.scalar.length);
	n->n = (u32)e->data.scalar.length;
	if (!n->text)
		return -ENOMEM;
	if (strlen(n->text) != n->n) {
		b->bad = true;
		error_at(b, n, "NUL character in a text, expected none%s", "");
		n->n = (u32)strlen(n->text);
	}
	rc = refuse_tag(b, e->data.scalar.tag, n);
	rc = rc ?: anchor_add(b, e->data.scalar.anchor, n, false);
	return rc < -1 ? rc : kid_add(b, n);
}

static int on_alias(struct builder *b, const yaml_event_t *e)
{
	const char *name = (const char *)e->data.alias.anchor;
	struct yanchor *a = anchor_find(b->doc, name);
	struct ynode here = { .line = (u32)e->start_mark.line + 1,
			      .col = (u32)e->start_mark.column + 1 };

	if (!a)
		return error_at(b, &here,
			"alias of '%s', expected an anchor `&name` before it", name);
	a->used = true;
	if (a->open)
		return error_at(b, &here, "alias of '%s' inside itself, expected no loop", name);
	if (expand_add(b, a->weight, &here))
		return -EINVAL;
	return kid_add(b, a->node);
}

static int on_open(struct builder *b, const yaml_event_t *e)
{
	bool map = e->type == YAML_MAPPING_START_EVENT;
	const yaml_char_t *anchor = map ? e->data.mapping_start.anchor :
					  e->data.sequence_start.anchor;
	u32 weight_at = b->weight;
	struct frame *f;
	struct ynode *n;
	int rc;

	if (b->depth == min(b->lim.depth, DEPTH_CAP))
		return limit_error(b, &e->start_mark, "nested too deep (levels)",
				   b->lim.depth);
	n = node_new(b, map ? YNODE_MAP : YNODE_LIST, &e->start_mark);
	if (!n)
		return -ENOMEM;
	refuse_tag(b, map ? e->data.mapping_start.tag :
			    e->data.sequence_start.tag, n);
	rc = anchor_add(b, anchor, n, true);
	if (rc < -1)
		return rc;
	if (kid_add(b, n))
		return -ENOMEM;
	f = &b->stack[b->depth++];
	*f = (struct frame){ .node = n, .first = b->nr_kids, .anchor = rc,
			     .weight_at = weight_at };
	return 0;
}

static int cmp_keys(const void *a, const void *b)
{
	const struct ypair *const *pa = a, *const *pb = b;
	int c = strcmp((*pa)->key->text, (*pb)->key->text);

	/* Same text: by position, so that the second one is told. */
	return c ? c : (*pa < *pb ? -1 : *pa > *pb);
}

/* A pair by key; only among the first @n of a map. */
static struct ypair *pair_find(struct ypair *pairs, size_t n, const char *key)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(pairs[i].key->text, key))
			return &pairs[i];
	return NULL;
}

static void duplicate_error(struct builder *b, const struct ypair *first,
			    const struct ypair *second)
{
	struct loc loc = ynode_loc(b->doc, second->key);

	b->bad = true;
	problem_add(b->p, PROBLEM_ERROR, &loc, &b->doc->src,
		    "duplicate key '%s', expected it once: it stands in line %u",
		    second->key->text, first->key->line);
}

/* Duplicate keys: sorted, since guest.env and generated files may be long. */
static int refuse_duplicates(struct builder *b, struct ypair *pairs, size_t n)
{
	struct ypair **by_key;

	if (n < 2)
		return 0;
	by_key = malloc(n * sizeof(*by_key));
	if (!by_key)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		by_key[i] = &pairs[i];
	qsort(by_key, n, sizeof(*by_key), cmp_keys);
	for (size_t i = 1; i < n; i++)
		if (!strcmp(by_key[i - 1]->key->text, by_key[i]->key->text))
			duplicate_error(b, by_key[i - 1], by_key[i]);
	free(by_key);
	return 0;
}

/* Add the pairs of @from that @pairs (room is there) does not hold yet. */
static size_t merge_map(struct ypair *pairs, size_t n, const struct ynode *from)
{
	for (u32 i = 0; i < from->n; i++) {
		const struct ypair *add = &from->pairs[i];

		if (pair_find(pairs, n, add->key->text))
			continue;
		pairs[n++] = (struct ypair){ add->key, add->value, true };
	}
	return n;
}

static bool merge_value_ok(const struct ynode *v)
{
	if (v->type == YNODE_MAP)
		return true;
	if (v->type != YNODE_LIST || !v->n)
		return false;
	for (u32 i = 0; i < v->n; i++)
		if (v->items[i]->type != YNODE_MAP)
			return false;
	return true;
}

static size_t merge_count(const struct ynode *v)
{
	size_t n = v->n;

	if (v->type == YNODE_MAP)
		return n;
	n = 0;
	for (u32 i = 0; i < v->n; i++)
		n += v->items[i]->n;
	return n;
}

/* Replace the pair `<<: v` of @map by what v holds; earlier maps win. */
static int merge_expand(struct builder *b, struct ynode *map)
{
	struct ypair *m = pair_find(map->pairs, map->n, "<<"), *pairs;
	const struct ynode *v;
	size_t n = 0, more;

	if (!m || !m->key->plain)
		return 0;
	v = m->value;
	if (!merge_value_ok(v)) {
		b->bad = true;
		error_at(b, v, "%s after `<<`, expected an alias of a map or a list of such",
			 ynode_kind(v));
		*m = map->pairs[--map->n];
		return 0;
	}
	more = merge_count(v);
	if (map->n + more > b->lim.merge)
		return error_at(b, m->key,
			"`<<` makes this map too long, expected fewer keys%s", "");
	if (expand_add(b, (u32)more, m->key))
		return -EINVAL;
	pairs = arena_alloc(&b->doc->arena, (map->n + more) * sizeof(*pairs));
	if (!pairs)
		return -ENOMEM;
	for (u32 i = 0; i < map->n; i++)
		if (&map->pairs[i] != m)
			pairs[n++] = map->pairs[i];
	for (u32 i = 0; i < (v->type == YNODE_MAP ? 1 : v->n); i++)
		n = merge_map(pairs, n, v->type == YNODE_MAP ? v : v->items[i]);
	map->pairs = pairs;
	map->n = (u32)n;
	return 0;
}

/* Keys are plain scalars; a pair whose key is none is told and left out. */
static int close_map(struct builder *b, struct ynode *map,
		     struct ynode **kids, size_t n)
{
	struct ypair *pairs = arena_alloc(&b->doc->arena,
					  n / 2 * sizeof(*pairs));
	size_t k = 0;

	if (!pairs)
		return -ENOMEM;
	for (size_t i = 0; i + 1 < n; i += 2) {
		if (kids[i]->type != YNODE_SCALAR) {
			b->bad = true;
			error_at(b, kids[i], "%s as a key, expected a word",
				 ynode_kind(kids[i]));
			continue;
		}
		pairs[k++] = (struct ypair){ kids[i], kids[i + 1], false };
	}
	map->pairs = pairs;
	map->n = (u32)k;
	if (refuse_duplicates(b, pairs, k))
		return -ENOMEM;
	return merge_expand(b, map);
}

static int on_close(struct builder *b)
{
	struct frame *f = &b->stack[--b->depth];
	struct ynode **kids = b->kids + f->first;
	size_t n = b->nr_kids - f->first;
	int rc = 0;

	if (f->node->type == YNODE_MAP) {
		rc = close_map(b, f->node, kids, n);
	} else {
		f->node->items = (void *)arena_dup(&b->doc->arena, kids,
						n * sizeof(*kids));
		f->node->n = (u32)n;
		rc = f->node->items ? 0 : -ENOMEM;
	}
	b->nr_kids = f->first;
	if (f->anchor >= 0) {
		b->doc->anchors[f->anchor].open = false;
		b->doc->anchors[f->anchor].weight = b->weight - f->weight_at;
	}
	return rc;
}

static int refuse_second(struct builder *b, const yaml_event_t *e)
{
	struct ynode here = { .line = (u32)e->start_mark.line + 1,
			      .col = (u32)e->start_mark.column + 1 };

	return error_at(b, &here, "a second document, expected one scenario per file%s", "");
}

/* Return: 1 at the end of the document, 0 to go on, or -errno. */
static int on_event(struct builder *b, const yaml_event_t *e)
{
	if (++b->events > b->lim.events)
		return limit_error(b, &e->start_mark,
				   "too many items (parser events)", b->lim.events);
	switch (e->type) {
	case YAML_SCALAR_EVENT:
		return on_scalar(b, e);
	case YAML_ALIAS_EVENT:
		return on_alias(b, e);
	case YAML_SEQUENCE_START_EVENT:
	case YAML_MAPPING_START_EVENT:
		return on_open(b, e);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		return on_close(b);
	case YAML_DOCUMENT_START_EVENT:
		return b->nr_kids ? refuse_second(b, e) : 0;
	case YAML_STREAM_END_EVENT:
		return 1;
	default:
		return 0;
	}
}

static int run_events(struct builder *b)
{
	yaml_event_t e;
	int rc;

	do {
		if (!yaml_parser_parse(&b->parser, &e))
			return yamltext_syntax(&b->parser, b->doc->file,
					       &b->doc->src, b->p);
		rc = on_event(b, &e);
		yaml_event_delete(&e);
	} while (!rc);
	return rc < 0 ? rc : 0;
}

static int take_source(struct ydoc *doc, const char *data, size_t len,
		       const char *file)
{
	const char *copy = arena_dup(&doc->arena, data, len);

	doc->file = arena_str(&doc->arena, file);
	doc->src = (struct source_text){ copy, len };
	return copy && doc->file ? 0 : -ENOMEM;
}

static int build(struct builder *b)
{
	int rc;

	if (!yaml_parser_initialize(&b->parser))
		return -ENOMEM;
	yaml_parser_set_encoding(&b->parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&b->parser,
				     (const unsigned char *)b->doc->src.data,
				     b->doc->src.len);
	rc = run_events(b);
	yaml_parser_delete(&b->parser);
	if (rc < 0)
		return rc;
	if (!b->nr_kids) {
		struct loc loc = { b->doc->file, 1, 1 };

		return problem_add(b->p, PROBLEM_ERROR, &loc, NULL,
				   "empty file, expected `key: value` lines");
	}
	b->doc->root = b->kids[0];
	return b->bad ? -EINVAL : 0;
}

int yaml_parse(struct ydoc *doc, const char *data, size_t len,
	       const char *file, const struct yaml_limits *limits,
	       struct problems *p)
{
	struct builder *b;
	int rc;

	*doc = (struct ydoc){ 0 };
	b = calloc(1, sizeof(*b));
	if (!b)
		return -ENOMEM;
	b->doc = doc;
	b->p = p;
	b->lim = limits ? *limits : YAML_LIMITS_DEFAULT;
	if (len > b->lim.bytes) {
		struct loc loc = { file, 1, 1 };

		rc = problem_add(p, PROBLEM_ERROR, &loc, NULL,
				 "file of %zu bytes, expected at most %zu",
				 len, b->lim.bytes);
	} else {
		rc = yamltext_check(data, len, file, p);
	}
	if (!rc)
		rc = take_source(doc, data, len, file);
	if (!rc)
		rc = build(b);
	free(b->kids);
	free(b);
	return rc;
}

void ydoc_reset(struct ydoc *doc)
{
	arena_reset(&doc->arena);
	*doc = (struct ydoc){ 0 };
}

struct ynode *ynode_get(const struct ynode *map, const char *key)
{
	struct ypair *pair;

	if (!map || map->type != YNODE_MAP)
		return NULL;
	pair = pair_find(map->pairs, map->n, key);
	return pair ? pair->value : NULL;
}

struct loc ynode_loc(const struct ydoc *doc, const struct ynode *n)
{
	return (struct loc){ doc->file, n->line, n->col };
}

bool ynode_is_null(const struct ynode *n)
{
	return n->type == YNODE_SCALAR && n->plain &&
	       (!n->n || !strcmp(n->text, "~") || !strcmp(n->text, "null"));
}

const char *ynode_kind(const struct ynode *n)
{
	if (n->type == YNODE_MAP)
		return "a map";
	if (n->type == YNODE_LIST)
		return "a list";
	return ynode_is_null(n) ? "nothing" : "text";
}
