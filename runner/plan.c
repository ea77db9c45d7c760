// SPDX-License-Identifier: GPL-2.0-only
/* All files -> a numbered, seeded, sharded list of unique cases. */
#include "runner/plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "runner/plan_int.h"
#include "vmm/base/fnv.h"

static u64 mix(u64 x)
{
	/* The finaliser of splitmix64. */
	x += 0x9e3779b97f4a7c15ULL;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}

u64 plan_case_seed(u64 run_seed, const char *name)
{
	return mix(fnv1a(FNV1A_START, name) ^ mix(run_seed));
}

int plan_keep_doc(struct plan_store *st, struct scenario_doc *doc)
{
	void *docs = realloc(st->docs, (st->nr_docs + 1) * sizeof(*st->docs));

	if (!docs) {
		scenario_doc_free(doc);
		return -ENOMEM;
	}
	st->docs = docs;
	st->docs[st->nr_docs++] = doc;
	return 0;
}

static int add_doc(struct plan_store *st, const struct plan_opts *o,
		   struct scenario_doc *doc, struct problems *p)
{
	return plan_keep_doc(st, doc) ?: plan_expand(st, o, doc, p);
}

static int load_files(struct plan_store *st, const struct plan_opts *o,
		      struct problems *p)
{
	struct found_files files;
	struct scenario_doc *doc;
	int worst = discover(&o->paths, &st->arena, p, &files), rc;

	for (size_t i = 0; i < files.n; i++) {
		rc = scenario_load(files.items[i].path, files.items[i].name, p,
				   &doc);
		if (!rc)
			rc = add_doc(st, o, doc, p);
		if (rc == -ENOMEM) {
			worst = rc;
			break;
		}
		worst = worst ? worst : rc;
	}
	found_files_reset(&files);
	return worst;
}

static int load_exec(struct plan_store *st, const struct plan_opts *o,
		     struct problems *p)
{
	static const char text[] = "guest: {}\n";
	struct scenario_doc *doc;
	int rc;

	if (o->paths.n)
		return problem_add(p, PROBLEM_ERROR, NULL, NULL,
				   "--exec beside scenario files, expected one or the other");
	rc = scenario_load_text(text, strlen(text), "--exec", "exec", p, &doc);
	if (rc)
		return rc;
	doc->base.file = "";
	doc->base.guest.run = arena_str(&doc->yaml.arena, o->exec);
	return doc->base.guest.run ? add_doc(st, o, doc, p) : -ENOMEM;
}

static int by_case_name(const void *a, const void *b)
{
	const struct test_case *const *x = a, *const *y = b;
	int c = strcmp((*x)->name, (*y)->name);

	return c ? c : (*x < *y ? -1 : *x > *y);
}

int plan_refuse_same_names(const struct plan_store *st, struct problems *p)
{
	const struct test_case **sorted = calloc(st->n + 1, sizeof(*sorted));
	int rc = 0;

	if (!sorted)
		return -ENOMEM;
	for (size_t i = 0; i < st->n; i++)
		sorted[i] = &st->cases[i];
	qsort(sorted, st->n, sizeof(*sorted), by_case_name);
	for (size_t i = 1; i < st->n; i++) {
		const struct scenario *sc = sorted[i]->scenario;

		if (strcmp(sorted[i - 1]->name, sorted[i]->name))
			continue;
		rc = problem_add(p, PROBLEM_ERROR, &sc->loc, NULL,
				 "a second case '%s', expected another name than in %s",
				 sorted[i]->name, sorted[i - 1]->scenario->file);
	}
	free(sorted);
	return rc;
}

static int refuse_nothing(const struct plan_store *st, const struct plan_opts *o,
			  struct problems *p)
{
	if (st->n)
		return 0;
	if (o->filters.n || o->excludes.n || o->tags.n)
		return problem_add(p, PROBLEM_ERROR, NULL, NULL,
				   "no case fits --filter, --exclude and --tag, expected one of %zu: `vmtap list` names them",
				   st->seen);
	return problem_add(p, PROBLEM_ERROR, NULL, NULL,
			   "no case is left, expected one: see exclude and constraints of the matrix");
}

/* `name[..,run=2]`: all cases once, then all of them again. */
static int repeat_cases(struct plan_store *st, unsigned int times)
{
	size_t n = st->n;

	for (unsigned int r = 1; r <= times; r++) {
		for (size_t i = 0; i < n; i++) {
			struct test_case c = st->cases[i];
			size_t len = strlen(c.name);
			bool params = len && c.name[len - 1] == ']';

			c.repeat = r;
			c.name = arena_printf(&st->arena, "%.*s%srun=%u]",
					      (int)(len - params), c.name,
					      params ? "," : "[", r);
			if (!c.name || plan_push(st, &c))
				return -ENOMEM;
		}
	}
	if (times) {
		st->n -= n;
		memmove(st->cases, st->cases + n, st->n * sizeof(*st->cases));
	}
	return 0;
}

static void shuffle_cases(struct plan_store *st, u64 seed)
{
	for (size_t i = st->n; i > 1; i--) {
		size_t j = (seed = mix(seed)) % i;
		struct test_case c = st->cases[i - 1];

		st->cases[i - 1] = st->cases[j];
		st->cases[j] = c;
	}
}

static void number_cases(struct plan_store *st, const struct plan_opts *o,
			 struct plan *plan)
{
	size_t k = 0;

	plan->total = st->n;
	for (size_t i = 0; i < st->n; i++) {
		struct test_case c = st->cases[i];

		if (o->shards && i % o->shards != o->shard - 1)
			continue;
		c.index = (unsigned int)i + 1;
		c.number = (unsigned int)k + 1;
		c.seed = plan_case_seed(plan->seed, c.name);
		st->cases[k++] = c;
	}
	st->n = k;
	plan->cases = st->cases;
	plan->n = k;
}

static u64 draw_seed(const struct plan_opts *o)
{
	u32 seed = 0;

	if (o->has_seed)
		return o->seed;
	/* Short enough to be typed again. */
	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		seed = (u32)now_ns();
	return seed;
}

int plan_make(const struct plan_opts *o, struct problems *p, struct plan *ret)
{
	struct plan plan = { .seed = draw_seed(o) };
	int rc;

	plan.store = calloc(1, sizeof(*plan.store));
	if (!plan.store)
		return -ENOMEM;
	rc = o->exec ? load_exec(plan.store, o, p) : load_files(plan.store, o, p);
	if (!rc)
		rc = plan_refuse_same_names(plan.store, p);
	if (!rc)
		rc = refuse_nothing(plan.store, o, p);
	if (!rc)
		rc = repeat_cases(plan.store, o->repeat);
	if (rc) {
		plan_destroy(&plan);
		return rc;
	}
	if (o->shuffle)
		shuffle_cases(plan.store, plan.seed);
	number_cases(plan.store, o, &plan);
	*ret = plan;
	return 0;
}

void plan_destroy(struct plan *plan)
{
	struct plan_store *st = plan->store;

	if (!st)
		return;
	for (size_t i = 0; i < st->nr_docs; i++)
		scenario_doc_free(st->docs[i]);
	free(st->docs);
	free(st->cases);
	arena_reset(&st->arena);
	free(st);
	*plan = (struct plan){ 0 };
}
