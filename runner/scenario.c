// SPDX-License-Identifier: GPL-2.0-only
/* Loading a file: layers of defaults, its own keys, what they say together. */
#include "runner/scenario.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "runner/matrix.h"
#include "runner/plan_checks.h"
#include "runner/scenario_doc.h"
#include "vmm/base/buf.h"
#include "vmm/base/io.h"

#define LAYERS_MAX 8u	/* files of defaults, theirs counted */

static const char *folder_of(struct arena *a, const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return ".";
	return slash == path ? "/" : arena_dup(a, path, (size_t)(slash - path));
}

/* A whole text file; errors are problems of @path, or of @loc that named it. */
static int read_text(const char *path, const struct loc *loc,
		     const struct source_text *src, struct buf *out,
		     struct problems *p)
{
	struct loc here = { .file = path };
	struct diag d = { 0 };
	int rc = io_read_file(path, YAML_LIMITS_DEFAULT.bytes, out, &d);

	if (rc == -EFBIG)
		problem_add(p, PROBLEM_ERROR, loc ? loc : &here, src,
			    "'%s' is too long, expected at most %zu bytes", path,
			    YAML_LIMITS_DEFAULT.bytes);
	else if (rc)
		problem_add(p, PROBLEM_ERROR, loc ? loc : &here, src,
			    "cannot read '%s': %s", path, strerror(-rc));
	diag_reset(&d);
	return rc;
}

static int load_layer(struct scenario_doc *doc, struct problems *p,
		      const struct ydoc *from, const char *dir,
		      const struct ynode *n);

/* `defaults` of @map: the named files below it. */
static int load_layers(struct scenario_doc *doc, struct problems *p,
		       const struct ydoc *from, const char *dir,
		       const struct ynode *map)
{
	const struct ynode *n = ynode_get(map, "defaults");
	int rc = 0;

	if (!n)
		return 0;
	if (n->type != YNODE_LIST)
		return load_layer(doc, p, from, dir, n);
	for (u32 i = 0; i < n->n; i++)
		rc = load_layer(doc, p, from, dir, n->items[i]) ?: rc;
	return rc;
}

static int refuse_in_layer(struct parse_ctx *ctx, const struct ynode *root,
			   const char *key)
{
	const struct ynode *n = ynode_get(root, key);

	return n ? parse_error(ctx, n, "'%s' in a file of defaults, expected it in the scenario",
			       key) : 0;
}

static int apply_layer(struct scenario_doc *doc, struct problems *p,
		       struct ydoc *layer)
{
	struct parse_ctx ctx = {
		.arena = &doc->yaml.arena, .p = p, .file = layer->file,
		.dir = folder_of(&doc->yaml.arena, layer->file),
		.src = layer->src, .sc = &doc->base,
	};
	int rc;

	rc = load_layers(doc, p, layer, ctx.dir, layer->root);
	rc = refuse_in_layer(&ctx, layer->root, "name") ?: rc;
	rc = refuse_in_layer(&ctx, layer->root, "matrix") ?: rc;
	rc = parse_map(&ctx, &scenario_keys, layer->root, &doc->base) ?: rc;
	parse_ctx_reset(&ctx);
	return rc;
}

static int load_layer(struct scenario_doc *doc, struct problems *p,
		      const struct ydoc *from, const char *dir,
		      const struct ynode *n)
{
	struct parse_ctx ctx = { .arena = &doc->yaml.arena, .p = p,
				 .file = from->file, .dir = dir,
				 .src = from->src };
	struct loc loc = ynode_loc(from, n);
	struct buf text = { 0 };
	struct ydoc *layer;
	const char *path;
	int rc = parse_path(&ctx, n, &path);

	if (rc)
		return rc;
	if (doc->nr_layers == LAYERS_MAX)
		return parse_error(&ctx, n, "too many files of defaults, expected at most %u and no loop",
				   LAYERS_MAX);
	layer = &doc->layers[doc->nr_layers++];
	rc = read_text(path, &loc, &from->src, &text, p);
	if (!rc) {
		rc = yaml_parse(layer, buf_str(&text), text.len, path, NULL, p);
		if (layer->root)
			rc = apply_layer(doc, p, layer) ?: rc;
	}
	buf_reset(&text);
	/* Whatever ailed that file, it is this one that is wrong. */
	return rc && rc != -ENOMEM ? -EINVAL : rc;
}

/* The place of the first key, for "here is that scenario". */
static struct loc first_loc(const struct ydoc *doc)
{
	const struct ynode *n = doc->root;

	if (n->type == YNODE_MAP && n->n)
		n = n->pairs[0].key;
	return ynode_loc(doc, n);
}

struct parse_ctx scenario_doc_ctx(struct scenario_doc *doc, struct problems *p,
				  struct scenario *sc)
{
	return (struct parse_ctx){
		.arena = &doc->yaml.arena, .p = p, .file = doc->yaml.file,
		.dir = doc->base.dir, .src = doc->yaml.src, .sc = sc,
	};
}

/* The name that a file has by itself: without .yaml, made printable. */
static const char *default_name(struct arena *a, const char *path)
{
	size_t len = strlen(path);
	char *name;

	if (len > 5 && !strcmp(path + len - 5, ".yaml"))
		len -= 5;
	else if (len > 4 && !strcmp(path + len - 4, ".yml"))
		len -= 4;
	name = arena_dup(a, path, min(len, (size_t)200));
	for (char *c = name; c && *c; c++)
		if (!strchr(ALNUM_CHARS "_.+/:@%=~,-", *c))
			*c = '_';
	return name && *name ? name : "scenario";
}

static int parse_base(struct scenario_doc *doc, const char *name,
		      struct problems *p)
{
	const struct ynode *root = doc->yaml.root;
	struct scenario *sc = &doc->base;
	struct parse_ctx ctx;
	int rc;

	sc->file = doc->yaml.file;
	sc->dir = folder_of(&doc->yaml.arena, sc->file);
	sc->loc = first_loc(&doc->yaml);
	sc->name = default_name(&doc->yaml.arena, name ? name : sc->file);
	if (!sc->dir)
		return -ENOMEM;
	ctx = scenario_doc_ctx(doc, p, sc);
	rc = parse_defaults(&ctx, &scenario_keys, sc);
	rc = load_layers(doc, p, &doc->yaml, sc->dir, root) ?: rc;
	rc = parse_map(&ctx, &scenario_keys, root, sc) ?: rc;
	if (!rc)
		rc = scenario_judge(&ctx, root, sc);
	doc->matrix = ynode_get(root, "matrix");
	if (doc->matrix)
		doc->matrix_loc = ynode_loc(&doc->yaml, doc->matrix);
	parse_ctx_reset(&ctx);
	return rc;
}

int scenario_load_text(const char *text, size_t len, const char *file,
		       const char *name, struct problems *p,
		       struct scenario_doc **ret)
{
	struct scenario_doc *doc = calloc(1, sizeof(*doc));
	struct matrix matrix;
	int rc;

	if (!doc)
		return -ENOMEM;
	rc = yaml_parse(&doc->yaml, text, len, file, NULL, p);
	doc->layers = calloc(LAYERS_MAX, sizeof(*doc->layers));
	if (!doc->layers)
		rc = -ENOMEM;
	if (doc->yaml.root && rc != -ENOMEM)
		rc = parse_base(doc, name, p) ?: rc;
	if (rc) {
		/* The errors of these too, in the same go. */
		if (rc != -ENOMEM)
			plan_checks_judge(&doc->base, &doc->yaml.src, p);
		if (doc->matrix && rc != -ENOMEM)
			matrix_read(doc, p, &matrix);
		scenario_doc_free(doc);
		return rc;
	}
	*ret = doc;
	return 0;
}

int scenario_load(const char *path, const char *name, struct problems *p,
		  struct scenario_doc **ret)
{
	struct buf text = { 0 };
	int rc = read_text(path, NULL, NULL, &text, p);

	if (!rc)
		rc = scenario_load_text(buf_str(&text), text.len, path, name, p,
					ret);
	buf_reset(&text);
	return rc;
}

void scenario_doc_free(struct scenario_doc *doc)
{
	if (!doc)
		return;
	for (size_t i = 0; doc->layers && i < doc->nr_layers; i++)
		ydoc_reset(&doc->layers[i]);
	free(doc->layers);
	ydoc_reset(&doc->yaml);
	free(doc);
}

const struct scenario *scenario_doc_base(const struct scenario_doc *doc)
{
	return &doc->base;
}
