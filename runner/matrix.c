// SPDX-License-Identifier: GPL-2.0-only
/* Axes, exclude, include and constraints; the product as an odometer. */
#include "runner/matrix.h"

#include <errno.h>
#include <string.h>

#include "runner/keyrow.h"
#include "runner/topo.h"
#include "vmm/base/buf.h"

#define VALUE_TEXT_MAX 64u

static const struct key constraint_rows[] = {
	{ "min_cpus", INT_AT(matrix_constraints, min_cpus), .max = SCEN_MAX_CPUS },
	{ "max_cpus", INT_AT(matrix_constraints, max_cpus), .max = SCEN_MAX_CPUS },
	{ "min_nodes", INT_AT(matrix_constraints, min_nodes), .max = SCEN_MAX_NODES },
	{ "max_nodes", INT_AT(matrix_constraints, max_nodes), .max = SCEN_MAX_NODES },
	{ "min_llcs", INT_AT(matrix_constraints, min_llcs), .max = SCEN_MAX_CPUS },
	{ "max_llcs", INT_AT(matrix_constraints, max_llcs), .max = SCEN_MAX_CPUS },
	{ "requires_smt", KEY_BOOL, AT(matrix_constraints, requires_smt) },
};

static const struct keyset constraint_keys = {
	KEYSET("matrix.constraints", constraint_rows, matrix_constraints),
};

struct reader {
	struct scenario_doc *doc;
	struct matrix *m;
	struct parse_ctx ctx;
	struct scenario scratch;	/* values are tried on it */
};

/* A value as text: a scalar's own, else its scalars joined by '+'. */
static void add_text(const struct ynode *n, struct buf *b)
{
	if (b->len > VALUE_TEXT_MAX)
		return;
	if (n->type == YNODE_SCALAR) {
		buf_puts(b, ynode_is_null(n) ? "none" : n->text);
		return;
	}
	for (u32 i = 0; i < n->n && b->len <= VALUE_TEXT_MAX; i++) {
		buf_puts(b, i ? "+" : "");
		if (n->type == YNODE_MAP)
			buf_printf(b, "%s:", n->pairs[i].key->text);
		add_text(n->type == YNODE_MAP ? n->pairs[i].value : n->items[i], b);
	}
}

static const char *raw_text(struct arena *a, const struct ynode *n)
{
	struct buf b = { 0 };
	const char *s;

	add_text(n, &b);
	s = b.failed ? NULL : arena_str(a, buf_str(&b));
	buf_reset(&b);
	return s;
}

const char *matrix_name_text(struct arena *a, const char *raw)
{
	char *s = arena_dup(a, raw, strnlen(raw, VALUE_TEXT_MAX));

	for (char *c = s; c && *c; c++)
		if (!strchr(ALNUM_CHARS "_.:/+@%~^-", *c))
			*c = '_';
	return s && !*s ? "empty" : s;
}

static bool text_taken(const struct axis *axis, u32 n, const char *text)
{
	for (u32 i = 0; i < n; i++)
		if (!strcmp(axis->values[i].text, text))
			return true;
	return false;
}

static int read_value(struct reader *r, struct axis *axis, u32 i,
		      const struct ynode *n)
{
	struct axis_value *v = &axis->values[i];
	struct arena *a = r->ctx.arena;
	const char *plain;

	v->node = n;
	v->raw = raw_text(a, n);
	if (!v->raw)
		return -ENOMEM;
	for (u32 j = 0; j < i && n->type == YNODE_SCALAR; j++)
		if (axis->values[j].node->type == YNODE_SCALAR &&
		    !strcmp(axis->values[j].raw, v->raw))
			return parse_error(&r->ctx, n,
				"'%.60s' stands in the list twice, expected each value once",
					   v->raw);
	plain = v->text = matrix_name_text(a, v->raw);
	for (u32 k = 2; v->text && text_taken(axis, i, v->text); k++)
		v->text = arena_printf(a, "%s~%u", plain, k);
	if (!v->text)
		return -ENOMEM;
	r->scratch = r->doc->base;
	r->ctx.sc = &r->scratch;
	return parse_ref(&r->ctx, &axis->ref, n);
}

struct near_path {
	const char *paths[160];
	size_t n;
};

static int collect_path(void *arg, const char *path, const struct key *key)
{
	struct near_path *np = arg;

	if (key->kind != KEY_META && !strstr(path, "[]") &&
	    np->n < ARRAY_SIZE(np->paths) - 1)
		np->paths[np->n++] = strdup(path);
	return 0;
}

static const char *next_path(void *arg, size_t i)
{
	struct near_path *np = arg;

	return i < np->n ? np->paths[i] : NULL;
}

static int unknown_path(struct reader *r, const struct ynode *key)
{
	struct near_path np = { .n = 0 };
	const char *near;
	int rc;

	keys_walk(collect_path, &np);
	near = nearest_word(key->text, next_path, &np);
	rc = parse_error(&r->ctx, key,
		"unknown parameter '%.60s', expected a dotted key of the scenario%s%s%s",
			 key->text, near ? " (did you mean '" : " such as vm.cpus",
			 near ? near : "", near ? "'?)" : "");
	for (size_t i = 0; i < np.n; i++)
		free((char *)np.paths[i]);
	return rc;
}

static bool is_special(const char *key)
{
	return !strcmp(key, "exclude") || !strcmp(key, "include") ||
	       !strcmp(key, "constraints");
}

/* An axis without its values. */
static int open_axis(struct reader *r, const struct ynode *key,
		     struct axis *axis, u32 values)
{
	const char *dot = strrchr(key->text, '.');

	*axis = (struct axis){ .key = key->text, .at = key };
	if (!keys_resolve(key->text, &axis->ref) ||
	    (axis->ref.entry && (!*axis->ref.entry || strchr(axis->ref.entry, '.'))))
		return unknown_path(r, key);
	if (axis->ref.key == keyset_find(&scenario_keys, "name"))
		return parse_error(&r->ctx, key,
			"the name as a parameter, expected another key: cases get their own names");
	axis->label = axis->ref.key->label && !axis->ref.entry ?
		      axis->ref.key->label : dot ? dot + 1 : key->text;
	axis->values = arena_alloc(r->ctx.arena, (values + 1) * sizeof(*axis->values));
	return axis->values ? 0 : -ENOMEM;
}

/* `vm.cpus: presets` is the list of them all. */
static const struct ynode *preset_list(struct reader *r,
				       const struct ypair *pair)
{
	const struct ynode *v = pair->value;
	struct ynode *list, **items;
	u32 n = 0, i;

	if (v->type != YNODE_SCALAR || strcmp(v->text, "presets") ||
	    strcmp(pair->key->text, "vm.cpus"))
		return v;
	while (topo_presets[n].name)
		n++;
	list = arena_alloc(r->ctx.arena, (n + 1) * sizeof(*list));
	items = arena_alloc(r->ctx.arena, n * sizeof(*items));
	if (!list || !items)
		return NULL;
	for (i = 0; i <= n; i++)
		list[i] = *v;
	list->type = YNODE_LIST;
	list->items = items;
	list->n = n;
	for (i = 0; i < n; i++) {
		items[i] = &list[i + 1];
		items[i]->plain = true;
		items[i]->text = topo_presets[i].name;
		items[i]->n = (u32)strlen(topo_presets[i].name);
	}
	return list;
}

static int read_axis(struct reader *r, const struct ypair *pair,
		     struct axis *axis)
{
	const struct ynode *v = preset_list(r, pair);
	int rc, worst;

	if (!v)
		return -ENOMEM;
	if (v->type != YNODE_LIST || !v->n)
		return parse_error(&r->ctx, v, "%s for '%s', expected a list of values",
				   v->type == YNODE_LIST ? "an empty list" : ynode_kind(v),
				   pair->key->text);
	if (v->n > MATRIX_MAX_VALUES)
		return parse_error(&r->ctx, v, "%u values, expected at most %u",
				   v->n, MATRIX_MAX_VALUES);
	worst = open_axis(r, pair->key, axis, v->n);
	if (worst)
		return worst;
	for (u32 i = 0; i < v->n; i++) {
		rc = read_value(r, axis, i, v->items[i]);
		worst = rc ? rc : worst;
		if (!axis->values[i].text)
			return worst;
		axis->n++;
	}
	return worst;
}

/* Two axes of one label go by their dotted keys. */
static void settle_labels(struct matrix *m)
{
	for (size_t i = 0; i < m->nr_axes; i++)
		for (size_t j = 0; j < i; j++)
			if (!strcmp(m->axes[i].label, m->axes[j].label)) {
				m->axes[i].label = m->axes[i].key;
				m->axes[j].label = m->axes[j].key;
			}
}

static int read_axes(struct reader *r, const struct ynode *n)
{
	struct matrix *m = r->m;
	u64 total = 1;
	int rc, worst = 0;

	m->axes = arena_alloc(r->ctx.arena, (n->n + 1) * sizeof(*m->axes));
	if (!m->axes)
		return -ENOMEM;
	for (u32 i = 0; i < n->n; i++) {
		if (is_special(n->pairs[i].key->text))
			continue;
		if (m->nr_axes == MATRIX_MAX_AXES)
			return parse_error(&r->ctx, n->pairs[i].key,
				"too many parameters, expected at most %u",
					   MATRIX_MAX_AXES);
		rc = read_axis(r, &n->pairs[i], &m->axes[m->nr_axes]);
		worst = rc ? rc : worst;
		if (rc)
			continue;
		total *= m->axes[m->nr_axes++].n;
		if (total > MATRIX_MAX_CASES)
			return parse_error(&r->ctx, n, "more than %u combinations, expected fewer",
					   MATRIX_MAX_CASES);
	}
	settle_labels(m);
	return worst;
}

static const struct axis *find_axis(const struct matrix *m, const char *key)
{
	for (size_t i = 0; i < m->nr_axes; i++)
		if (!strcmp(m->axes[i].key, key) || !strcmp(m->axes[i].label, key))
			return &m->axes[i];
	return NULL;
}

static bool hit_value(const struct axis *axis, bool *hit, const char *raw)
{
	for (u32 i = 0; raw && i < axis->n; i++)
		if (!strcmp(axis->values[i].raw, raw))
			return hit[i] = true;
	return false;
}

/* One `key: value` or `key: [values]` of an exclude entry. */
static int read_term(struct reader *r, const struct ypair *pair,
		     struct exclude_term *term)
{
	const struct ynode *v = pair->value;
	bool many = v->type == YNODE_LIST;

	term->axis = find_axis(r->m, pair->key->text);
	if (!term->axis)
		return parse_error(&r->ctx, pair->key,
			"'%.60s' is no parameter of this matrix, expected one of its keys",
				   pair->key->text);
	term->hit = arena_alloc(r->ctx.arena, term->axis->n * sizeof(bool));
	if (!term->hit)
		return -ENOMEM;
	for (u32 i = 0; i < (many ? v->n : 1); i++) {
		const struct ynode *one = many ? v->items[i] : v;

		if (!hit_value(term->axis, term->hit, raw_text(r->ctx.arena, one)))
			return parse_error(&r->ctx, one,
				"not a value of '%s', expected one of its list",
					   term->axis->key);
	}
	return 0;
}

static int read_exclude(struct reader *r, const struct ynode *n,
			struct matrix_exclude *ex)
{
	int worst = 0;

	if (n->type != YNODE_MAP || !n->n)
		return parse_error(&r->ctx, n, "%s in exclude, expected {key: value, ...}",
				   ynode_kind(n));
	ex->terms = arena_alloc(r->ctx.arena, n->n * sizeof(*ex->terms));
	if (!ex->terms)
		return -ENOMEM;
	ex->n = n->n;
	for (u32 i = 0; i < n->n; i++)
		worst = read_term(r, &n->pairs[i], &ex->terms[i]) ?: worst;
	return worst;
}

/* An included combination: each of its keys is an axis of one value. */
static int read_include(struct reader *r, const struct ynode *n,
			struct matrix_combo *combo)
{
	struct matrix_pick *picks;
	struct axis *axes;
	int rc, worst = 0;

	if (n->type != YNODE_MAP || !n->n || n->n > MATRIX_MAX_AXES)
		return parse_error(&r->ctx, n, "%s in include, expected {key: value, ...}",
				   ynode_kind(n));
	axes = arena_alloc(r->ctx.arena, n->n * sizeof(*axes));
	picks = arena_alloc(r->ctx.arena, n->n * sizeof(*picks));
	if (!axes || !picks)
		return -ENOMEM;
	for (u32 i = 0; i < n->n; i++) {
		rc = open_axis(r, n->pairs[i].key, &axes[i], 1);
		if (!rc)
			rc = read_value(r, &axes[i], 0, n->pairs[i].value);
		axes[i].n = 1;
		picks[i].axis = &axes[i];
		worst = rc ? rc : worst;
	}
	if (!worst)
		*combo = (struct matrix_combo){ picks, n->n };
	return worst;
}

static int want_entries(struct reader *r, const struct ynode *n, const char *key)
{
	if (n->type == YNODE_LIST && n->n <= MATRIX_MAX_ENTRIES)
		return 0;
	return parse_error(&r->ctx, n, "%s for %s, expected a list of maps",
			   ynode_kind(n), key);
}

static int read_excludes(struct reader *r, const struct ynode *n)
{
	struct matrix *m = r->m;
	int worst = 0;

	if (!n)
		return 0;
	if (want_entries(r, n, "exclude"))
		return -EINVAL;
	m->excludes = arena_alloc(r->ctx.arena, (n->n + 1) * sizeof(*m->excludes));
	if (!m->excludes)
		return -ENOMEM;
	m->nr_excludes = n->n;
	for (u32 i = 0; i < n->n; i++)
		worst = read_exclude(r, n->items[i], &m->excludes[i]) ?: worst;
	return worst;
}

static int read_includes(struct reader *r, const struct ynode *n)
{
	struct matrix *m = r->m;
	int worst = 0;

	if (!n)
		return 0;
	if (want_entries(r, n, "include"))
		return -EINVAL;
	m->includes = arena_alloc(r->ctx.arena, (n->n + 1) * sizeof(*m->includes));
	if (!m->includes)
		return -ENOMEM;
	m->nr_includes = n->n;
	for (u32 i = 0; i < n->n; i++)
		worst = read_include(r, n->items[i], &m->includes[i]) ?: worst;
	return worst;
}

int matrix_read(struct scenario_doc *doc, struct problems *p,
		struct matrix *ret)
{
	struct matrix m = { 0 };
	struct reader r = { .doc = doc, .m = &m };
	const struct ynode *n = doc->matrix, *constraints;
	int rc;

	*ret = m;
	if (!n)
		return 0;
	r.ctx = scenario_doc_ctx(doc, p, NULL);
	if (n->type != YNODE_MAP || !n->n)
		return parse_error(&r.ctx, n,
			"%s for matrix, expected a map of keys with lists of values",
				   n->type == YNODE_MAP ? "an empty map" : ynode_kind(n));
	rc = read_axes(&r, n);
	/* Terms of an axis that failed would only repeat its error. */
	if (!rc)
		rc = read_excludes(&r, ynode_get(n, "exclude"));
	rc = read_includes(&r, ynode_get(n, "include")) ?: rc;
	constraints = ynode_get(n, "constraints");
	if (constraints)
		rc = parse_map(&r.ctx, &constraint_keys, constraints,
			       &m.constraints) ?: rc;
	parse_ctx_reset(&r.ctx);
	if (!rc)
		*ret = m;
	return rc;
}

static bool axis_names_kernel(const struct axis *axis)
{
	return !strcmp(axis->key, "kernel") ||
	       !strcmp(axis->key, "kernel.image") ||
	       !strcmp(axis->key, "kernel.release");
}

bool matrix_names_kernel(const struct matrix *m)
{
	for (size_t i = 0; i < m->nr_axes; i++)
		if (axis_names_kernel(&m->axes[i]))
			return true;
	for (size_t i = 0; i < m->nr_includes; i++)
		for (size_t j = 0; j < m->includes[i].n; j++)
			if (axis_names_kernel(m->includes[i].picks[j].axis))
				return true;
	return false;
}

static bool excluded(const struct matrix *m, const struct matrix_pick *picks)
{
	for (size_t i = 0; i < m->nr_excludes; i++) {
		const struct matrix_exclude *ex = &m->excludes[i];
		size_t t = 0;

		for (; t < ex->n; t++)
			if (!ex->terms[t].hit[picks[ex->terms[t].axis - m->axes].value])
				break;
		if (t == ex->n)
			return true;
	}
	return false;
}

/* The next combination; false behind the last one. */
static bool advance(const struct matrix *m, struct matrix_pick *picks)
{
	for (size_t i = m->nr_axes; i-- > 0;) {
		if (++picks[i].value < m->axes[i].n)
			return true;
		picks[i].value = 0;
	}
	return false;
}

int matrix_each(const struct matrix *m,
		int (*fn)(void *arg, const struct matrix_pick *picks, size_t n),
		void *arg)
{
	struct matrix_pick picks[MATRIX_MAX_AXES] = { 0 };
	int rc = 0;

	for (size_t i = 0; i < m->nr_axes; i++)
		picks[i].axis = &m->axes[i];
	if (m->nr_axes || !m->nr_includes) {
		do {
			if (!excluded(m, picks))
				rc = fn(arg, picks, m->nr_axes);
		} while (!rc && advance(m, picks));
	}
	for (size_t i = 0; i < m->nr_includes && !rc; i++)
		rc = fn(arg, m->includes[i].picks, m->includes[i].n);
	return rc;
}

static bool within(u32 v, u32 low, u32 high)
{
	return v >= low && (!high || v <= high);
}

bool matrix_allows(const struct matrix *m, const struct scenario *sc)
{
	const struct matrix_constraints *c = &m->constraints;
	const struct scen_topology *t = &sc->vm.cpus;

	return within(topology_cpus(t), c->min_cpus, c->max_cpus) &&
	       within(t->nodes, c->min_nodes, c->max_nodes) &&
	       within(t->llcs, c->min_llcs, c->max_llcs) &&
	       (!c->requires_smt || t->threads > 1);
}
