// SPDX-License-Identifier: GPL-2.0-only
/* One file -> its cases: --set, --kernel, matrix, filters, names. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "runner/plan_checks.h"
#include "runner/plan_int.h"
#include "runner/text.h"
#include "vmm/base/buf.h"

struct expand {
	struct plan_store *st;
	const struct plan_opts *o;
	struct scenario_doc *doc;
	struct matrix matrix;
	struct parse_ctx ctx;
	const char *kernel;	/* --kernel for this round; NULL: none */
	const char *kernel_text;	/* the same as it stands in names */
	struct buf name;	/* of the combination at hand */
	bool left;	/* a combination that the matrix lets pass */
};

int plan_push(struct plan_store *st, const struct test_case *c)
{
	if (st->n == st->cap) {
		size_t cap = st->cap ? 2 * st->cap : 64;
		void *cases = realloc(st->cases, cap * sizeof(*st->cases));

		if (!cases)
			return -ENOMEM;
		st->cases = cases;
		st->cap = cap;
	}
	st->cases[st->n++] = *c;
	return 0;
}

/* One `key=value` of the command line onto the file's own scenario. */
static int apply_set(struct expand *e, struct problems *p, const char *what,
		     const char *key, const char *value)
{
	struct parse_ctx ctx = scenario_doc_ctx(e->doc, p, &e->doc->base);
	struct ydoc y = { 0 }, *layers;
	struct key_ref ref;
	struct loc loc = { .file = what };
	int rc;

	if (!keys_resolve(key, &ref))
		return problem_add(p, PROBLEM_ERROR, &loc, NULL,
				   "unknown key '%s', expected a dotted key of the scenario such as vm.memory",
				   key);
	/* `key=` is the empty string; to YAML it is no document at all. */
	if (!*value)
		value = "\"\"";
	rc = yaml_parse(&y, value, strlen(value), what, NULL, p);
	ctx.file = what;
	ctx.dir = ".";
	ctx.src = y.src;
	if (!rc)
		rc = parse_ref(&ctx, &ref, y.root);
	parse_ctx_reset(&ctx);
	/* The scenario may point into y's arena: hand it to a layer's place. */
	layers = realloc(e->doc->layers, (e->doc->nr_layers + 1) * sizeof(*layers));
	if (!layers) {
		ydoc_reset(&y);
		return -ENOMEM;
	}
	e->doc->layers = layers;
	layers[e->doc->nr_layers++] = y;
	return rc;
}

static int apply_sets(struct expand *e, struct problems *p)
{
	int rc = 0;

	for (size_t i = 0; i < e->o->sets.n; i++) {
		const char *set = e->o->sets.items[i], *eq = strchr(set, '=');
		char *key = strndup(set, (size_t)(eq - set));

		if (!key)
			return -ENOMEM;
		rc = apply_set(e, p, "--set", key, eq + 1) ?: rc;
		free(key);
	}
	if (e->o->timeout)
		rc = apply_set(e, p, "--timeout", "vm.timeout", e->o->timeout) ?: rc;
	return rc;
}

/* "[kernel=6.12,cpus=4]" behind the base name. */
static void format_name(struct expand *e, const struct matrix_pick *picks,
			size_t n)
{
	struct buf *b = &e->name;
	const char *sep = "[";

	b->len = 0;
	buf_puts(b, e->doc->base.name);
	if (e->kernel) {
		buf_printf(b, "[kernel=%s", e->kernel_text);
		sep = ",";
	}
	for (size_t i = 0; i < n; i++, sep = ",")
		buf_printf(b, "%s%s=%s", sep, picks[i].axis->label,
			   picks[i].axis->values[picks[i].value].text);
	if (e->kernel || n)
		buf_putc(b, ']');
}

static bool any_glob(const struct str_list *globs, const char *name,
		     const char *base)
{
	for (size_t i = 0; i < globs->n; i++)
		if (text_glob(globs->items[i], name) ||
		    text_glob(globs->items[i], base))
			return true;
	return false;
}

static bool has_tag(const struct scenario *sc, const char *tag)
{
	for (size_t i = 0; i < sc->tags.n; i++)
		if (!strcmp(sc->tags.items[i], tag))
			return true;
	return false;
}

static bool tags_choose(const struct str_list *tags, const struct scenario *sc)
{
	bool wanted = false, found = false;

	for (size_t i = 0; i < tags->n; i++) {
		const char *tag = tags->items[i];

		if (tag[0] == '!') {
			if (has_tag(sc, tag + 1))
				return false;
			continue;
		}
		wanted = true;
		found |= has_tag(sc, tag);
	}
	return !wanted || found;
}

static bool name_chosen(const struct expand *e)
{
	const char *name = buf_str(&e->name), *base = e->doc->base.name;

	if (e->o->filters.n && !any_glob(&e->o->filters, name, base))
		return false;
	return !any_glob(&e->o->excludes, name, base);
}

static int set_kernel(struct expand *e, struct scenario *sc)
{
	struct ynode n = { .type = YNODE_SCALAR, .text = e->kernel,
			   .n = (u32)strlen(e->kernel) };
	const char *dir = e->ctx.dir, *file = e->ctx.file;
	int rc;

	e->ctx.dir = ".";
	e->ctx.file = "--kernel";
	rc = custom_kernel.parse(&e->ctx, &n, &sc->kernel);
	e->ctx.dir = dir;
	e->ctx.file = file;
	return rc;
}

static int resolve(struct expand *e, const struct matrix_pick *picks, size_t n,
		   struct scenario *sc)
{
	size_t errors = e->ctx.p->errors;
	int rc = 0;

	*sc = e->doc->base;
	e->ctx.sc = sc;
	if (e->kernel)
		rc = set_kernel(e, sc);
	for (size_t i = 0; i < n && !rc; i++)
		rc = parse_ref(&e->ctx, &picks[i].axis->ref,
			       picks[i].axis->values[picks[i].value].node);
	if (!rc && n) {
		/* What fits one value may not fit another: say which case. */
		e->ctx.note = arena_printf(&e->st->arena, " (in %s)", buf_str(&e->name));
		rc = scenario_judge(&e->ctx, e->doc->yaml.root, sc);
		e->ctx.note = NULL;
	}
	/* A matrix may have brought other checks than the file's own. */
	if (!rc && sc->checks.items != e->doc->base.checks.items)
		rc = plan_checks_judge(sc, &e->ctx.src, e->ctx.p);
	BUG_ON(rc == -EINVAL && e->ctx.p->errors == errors);
	return rc;
}

static int take_params(struct expand *e, const struct matrix_pick *picks,
		       size_t n, struct test_case *c)
{
	size_t extra = e->kernel ? 1 : 0;
	struct case_param *params;

	c->nr_params = n + extra;
	if (!c->nr_params)
		return 0;
	params = arena_alloc(&e->st->arena, c->nr_params * sizeof(*params));
	if (!params)
		return -ENOMEM;
	if (extra)
		params[0] = (struct case_param){ "kernel", "kernel",
						  e->kernel_text };
	for (size_t i = 0; i < n; i++)
		params[i + extra] = (struct case_param){
			picks[i].axis->key, picks[i].axis->label,
			picks[i].axis->values[picks[i].value].text };
	c->params = params;
	return 0;
}

/* Return: 0 also where the combination is not chosen. */
static int take_combination(void *arg, const struct matrix_pick *picks, size_t n)
{
	struct expand *e = arg;
	struct test_case c = { .base = e->doc->base.name };
	struct scenario *sc;
	int rc;

	e->st->seen++;
	format_name(e, picks, n);
	if (e->name.failed)
		return -ENOMEM;
	if (!name_chosen(e)) {
		e->left = true;
		return 0;
	}
	/* Telling the same hundred times helps nobody. */
	if (e->ctx.p->n == PROBLEMS_MAX)
		return -EINVAL;
	sc = arena_alloc(&e->st->arena, sizeof(*sc));
	c.name = arena_str(&e->st->arena, buf_str(&e->name));
	if (!sc || !c.name)
		return -ENOMEM;
	rc = resolve(e, picks, n, sc);
	if (rc)
		return rc == -EINVAL ? 0 : rc;
	if (!matrix_allows(&e->matrix, sc))
		return 0;
	e->left = true;
	if (!tags_choose(&e->o->tags, sc))
		return 0;
	c.scenario = sc;
	rc = take_params(e, picks, n, &c);
	return rc ? rc : plan_push(e->st, &c);
}

static bool names_kernel(const struct expand *e)
{
	return e->doc->base.kernel.image || e->doc->base.kernel.release ||
	       matrix_names_kernel(&e->matrix);
}

static int each_kernel(struct expand *e)
{
	int rc = 0;

	if (!e->o->kernels.n || names_kernel(e))
		return matrix_each(&e->matrix, take_combination, e);
	for (size_t i = 0; i < e->o->kernels.n && !rc; i++) {
		e->kernel = e->o->kernels.items[i];
		e->kernel_text = matrix_name_text(&e->st->arena, e->kernel);
		if (!e->kernel_text)
			return -ENOMEM;
		rc = matrix_each(&e->matrix, take_combination, e);
	}
	return rc;
}

int plan_expand(struct plan_store *st, const struct plan_opts *o,
		struct scenario_doc *doc, struct problems *p)
{
	struct expand e = { .st = st, .o = o, .doc = doc };
	size_t errors = p->errors;
	int rc = apply_sets(&e, p);

	if (!rc && (o->sets.n || o->timeout)) {
		e.ctx = scenario_doc_ctx(doc, p, &doc->base);
		rc = scenario_judge(&e.ctx, doc->yaml.root, &doc->base);
	}
	rc = plan_checks_judge(&doc->base, &doc->yaml.src, p) ?: rc;
	rc = rc == -ENOMEM ? rc : matrix_read(doc, p, &e.matrix) ?: rc;
	if (rc)
		return rc;
	e.ctx = scenario_doc_ctx(doc, p, NULL);
	rc = each_kernel(&e);
	/* A file that makes no case would pass unnoticed beside others. */
	if (!rc && p->errors == errors && !e.left && !o->sets.n)
		rc = problem_add(p, PROBLEM_ERROR, &doc->base.loc, &doc->yaml.src,
				 "no combination of the matrix is left, expected one: see its exclude and constraints");
	parse_ctx_reset(&e.ctx);
	buf_reset(&e.name);
	return !rc && p->errors > errors ? -EINVAL : rc;
}
