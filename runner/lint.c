// SPDX-License-Identifier: GPL-2.0-only
/* Warnings, one function each. A new one: a function and a line in rules[]. */
#include "runner/lint.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "runner/plan_checks.h"
#include "runner/scenario_doc.h"

struct linter {
	struct scenario_doc *doc;
	const struct scenario *sc;
	const struct ynode *root;
	struct problems *p;
};

static void warn_at(struct linter *l, const struct ynode *n, const char *fmt,
		    const char *arg)
{
	struct loc loc = ynode_loc(&l->doc->yaml, n);

	/* fmt is one of this file's own literals with at most one %s. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	problem_add(l->p, PROBLEM_WARNING, &loc, &l->doc->yaml.src, fmt, arg);
#pragma GCC diagnostic pop
}

static void warn_no_description(struct linter *l)
{
	if (!l->sc->description)
		warn_at(l, l->root,
			"no description, expected one line that says what this guards%s", "");
}

static void warn_unused_anchors(struct linter *l)
{
	for (unsigned int i = 0; i < l->doc->yaml.nr_anchors; i++) {
		const struct yanchor *a = &l->doc->yaml.anchors[i];

		if (!a->used)
			warn_at(l, a->node, "anchor '%s' is never used, expected an alias of it",
				a->name);
	}
}

/* 6.10 is the text "6.10" to us and the number 6.1 to every other reader. */
static void warn_bare_release(struct linter *l, const struct ynode *n)
{
	if (n && n->type == YNODE_SCALAR && n->plain && n->n &&
	    strspn(n->text, "0123456789.") == n->n)
		warn_at(l, n,
			"release %s without quotes, expected quotes: elsewhere it reads as a number",
			n->text);
}

static void warn_bare_releases(struct linter *l)
{
	static const char *const keys[] = { "kernel", "kernel.release" };
	const struct ynode *kernel = ynode_get(l->root, "kernel"), *list;

	warn_bare_release(l, kernel && kernel->type == YNODE_MAP ?
			     ynode_get(kernel, "release") : kernel);
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		list = ynode_get(l->doc->matrix, keys[i]);
		for (u32 j = 0; list && list->type == YNODE_LIST && j < list->n; j++)
			warn_bare_release(l, list->items[j]);
	}
}

/* `#!` and the executable bit come together or not at all. */
static void warn_mode(struct linter *l)
{
	const struct source_text *src = &l->doc->yaml.src;
	bool hashbang = src->len > 2 && !memcmp(src->data, "#!", 2);
	struct stat st;

	if (stat(l->sc->file, &st) || !S_ISREG(st.st_mode))
		return;
	if (hashbang && !(st.st_mode & 0111))
		warn_at(l, l->root,
			"begins with #! and is not executable, expected chmod +x%s", "");
	if (!hashbang && (st.st_mode & 0111))
		warn_at(l, l->root,
			"executable without a #! line, expected `#!/usr/bin/env -S vmtap run`%s", "");
}

/* Does the matrix touch @key or something below it? */
static bool in_matrix(const struct linter *l, const char *key)
{
	size_t len = strlen(key);
	const struct ynode *m = l->doc->matrix;

	for (u32 i = 0; m && m->type == YNODE_MAP && i < m->n; i++) {
		const char *k = m->pairs[i].key->text;

		if (!strcmp(k, "include") ||
		    (!strncmp(k, key, len) && (!k[len] || k[len] == '.')))
			return true;
	}
	return false;
}

/* Is @name a name in the expression, neither a part of another nor in a string? */
static bool mentions(const char *text, const char *name)
{
	size_t len = strlen(name);
	char before = ' ', quote = '\0';

	for (const char *s = text; *s; before = *s++) {
		if (quote && *s == '\\' && s[1]) {
			s++;
		} else if (*s == '"' || *s == '\'') {
			quote = !quote ? *s : *s == quote ? '\0' : quote;
		} else if (!quote && !strncmp(s, name, len) &&
			   !isalnum((unsigned char)before) && before != '_' &&
			   before != '.' && !isalnum((unsigned char)s[len]) &&
			   s[len] != '_') {
			return true;
		}
	}
	return false;
}

/* A check of something that the scenario does not have cannot hold. */
static void warn_impossible_checks(struct linter *l)
{
	const struct { const char *name, *key; bool there; } needs[] = {
		{ "virtio_blk", "disk", l->sc->disk.present },
		{ "virtio_net", "net", l->sc->net.present },
		{ "monitor", "monitor", l->sc->monitor.present },
		{ "stats", "scheduler", l->sc->scheduler.present },
		{ "subtests", "guest.kselftest", l->sc->guest.kselftest.present },
	};

	for (size_t i = 0; i < l->sc->checks.n; i++) {
		const struct located_text *c = &l->sc->checks.items[i];

		for (size_t j = 0; j < ARRAY_SIZE(needs); j++)
			if (!needs[j].there && !in_matrix(l, needs[j].key) &&
			    mentions(c->text, needs[j].name) &&
			    !strstr(c->text, "exists("))
				problem_add(l->p, PROBLEM_WARNING, &c->loc,
					    &l->doc->yaml.src,
					    "%s without '%s' in the scenario, expected it: this can never hold",
					    needs[j].name, needs[j].key);
	}
}

/* Nor can an end that only comes of what it does not have. */
static void warn_impossible_expect(struct linter *l)
{
	const struct ynode *n = ynode_get(l->doc->yaml.root, "expect");
	enum expect_kind kind = l->sc->expect.kind;
	const char *key = kind == EXPECT_MONITOR && !l->sc->monitor.present ?
			  "monitor" :
			  kind == EXPECT_SCHED_EXIT && !l->sc->scheduler.present ?
			  "scheduler" : NULL;
	struct loc loc;

	if (!n || !key || in_matrix(l, key))
		return;
	loc = ynode_loc(&l->doc->yaml, n);
	problem_add(l->p, PROBLEM_WARNING, &loc, &l->doc->yaml.src,
		    "expect: %s without '%s' in the scenario, expected it: this can never hold",
		    n->text, key);
}

static int by_text(const void *a, const void *b)
{
	const struct located_text *const *x = a, *const *y = b;
	int c = strcmp((*x)->text, (*y)->text);

	return c ? c : (*x < *y ? -1 : *x > *y);
}

static void warn_same_checks(struct linter *l)
{
	size_t n = l->sc->checks.n;
	const struct located_text **sorted = calloc(n + 1, sizeof(*sorted));

	for (size_t i = 0; sorted && i < n; i++)
		sorted[i] = &l->sc->checks.items[i];
	if (sorted)
		qsort(sorted, n, sizeof(*sorted), by_text);
	for (size_t i = 1; sorted && i < n; i++)
		if (!strcmp(sorted[i - 1]->text, sorted[i]->text))
			problem_add(l->p, PROBLEM_WARNING, &sorted[i]->loc,
				    &l->doc->yaml.src,
				    "the same check as in line %u, expected each once",
				    sorted[i - 1]->loc.line);
	free(sorted);
}

static void warn_constant_checks(struct linter *l)
{
	plan_checks_lint(l->sc, &l->doc->yaml.src, l->p);
}

static void warn_matrix(struct linter *l)
{
	const struct ynode *m = l->doc->matrix;

	for (u32 i = 0; m && m->type == YNODE_MAP && i < m->n; i++) {
		const struct ynode *v = m->pairs[i].value;

		if (v->type == YNODE_LIST && v->n == 1 && !ynode_get(m, "include") &&
		    strcmp(m->pairs[i].key->text, "exclude"))
			warn_at(l, m->pairs[i].key,
				"one value for '%s', expected several: a single one belongs into the scenario",
				m->pairs[i].key->text);
	}
}

static void warn_short_timeout(struct linter *l)
{
	if (l->sc->workload.present && !in_matrix(l, "vm") &&
	    l->sc->workload.duration_ns >= l->sc->vm.timeout_ns)
		warn_at(l, ynode_get(l->root, "workload") ?: l->root,
			"a workload as long as vm.timeout, expected a longer timeout for the boot%s",
			"");
}

static void warn_shared_image(struct linter *l)
{
	if (l->sc->disk.rw && l->doc->matrix)
		warn_at(l, ynode_get(l->root, "disk") ?: l->root,
			"several cases write to the same image, expected rw: false or no matrix%s", "");
}

static void (*const rules[])(struct linter *l) = {
	warn_no_description, warn_unused_anchors, warn_bare_releases, warn_mode,
	warn_impossible_checks, warn_impossible_expect, warn_same_checks,
	warn_constant_checks, warn_matrix,
	warn_short_timeout, warn_shared_image,
};

void lint_doc(struct scenario_doc *doc, struct problems *p)
{
	struct linter l = { doc, &doc->base, doc->yaml.root, p };

	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		rules[i](&l);
}
