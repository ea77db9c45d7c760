// SPDX-License-Identifier: GPL-2.0-only
/* Choosing cases for a time; see budget.h. */
#include "runner/budget.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "runner/plan_int.h"
#include "vmm/base/diag.h"
#include "vmm/base/fnv.h"

#define MAX_WORDS 40u	/* scenario, parameters, traits */

int budget_parse(const char *text, u64 *ret_ms, struct diag *d)
{
	static const struct { const char *unit; u64 ms; } units[] = {
		{ "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 },
	};
	unsigned long long n;
	char *end;

	errno = 0;
	n = strtoull(text, &end, 10);
	for (size_t i = 0; i < ARRAY_SIZE(units) && !errno; i++)
		if (!strcmp(end, units[i].unit) && *text >= '0' &&
		    *text <= '9' && n && n <= 1000000000) {
			*ret_ms = n * units[i].ms;
			return 0;
		}
	return diag_fail(d, -EINVAL, NULL,
			 "--budget '%s', expected a time such as 300s", text);
}

u64 budget_case_ms(const struct test_case *c, bool nested)
{
	u64 cpus = topology_cpus(&c->scenario->vm.cpus);
	u64 ms = nested ? 8000 + 1000 * cpus : 1000 + 100 * cpus;

	if (c->scenario->workload.present)
		ms += c->scenario->workload.duration_ns / NSEC_PER_MSEC;
	return ms;
}

/* What one case covers, as hashes; equal ones are one. */
struct cover {
	u64 *items;
	size_t n;
};

struct chosen {
	u64 *slots;		/* what is covered so far; 0: free */
	size_t size;		/* a power of two, never more than half full */
};

struct entry {
	size_t index;
	u64 gain;		/* as it was when last looked at */
	u64 ms;
};

struct heap {
	struct entry *items;
	size_t n;
};

static u64 hash_pair(const char *key, const char *value)
{
	return fnv1a(fnv1a(fnv1a(FNV1A_START, key), "="), value) | 1;
}

static u64 hash_trait(const char *key, u32 v)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", v);
	return hash_pair(key, text);
}

static size_t case_words(const struct test_case *c, u64 *words)
{
	const struct scen_topology *t = &c->scenario->vm.cpus;
	size_t n = 0;

	words[n++] = hash_pair("scenario", c->base);
	words[n++] = hash_trait("cpus", topology_cpus(t));
	words[n++] = hash_trait("llcs", t->llcs);
	words[n++] = hash_trait("nodes", t->nodes + 100 * t->memory_nodes);
	words[n++] = hash_trait("threads", t->threads);
	for (size_t i = 0; i < c->nr_params && n < MAX_WORDS; i++)
		words[n++] = hash_pair(c->params[i].key, c->params[i].value);
	return n;
}

static int case_cover(const struct test_case *c, struct cover *ret)
{
	u64 words[MAX_WORDS];
	size_t n = case_words(c, words), k = 0;
	u64 *items = calloc(n + n * (n - 1) / 2, sizeof(*items));

	if (!items)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		items[k++] = words[i];
		for (size_t j = 0; j < i; j++)
			items[k++] = (words[i] * 31 + words[j]) | 1;
	}
	*ret = (struct cover){ items, k };
	return 0;
}

/* Where @item is, or would be. */
static u64 *slot(const struct chosen *set, u64 item)
{
	size_t i = (item >> 7) & (set->size - 1);

	while (set->slots[i] && set->slots[i] != item)
		i = (i + 1) & (set->size - 1);
	return &set->slots[i];
}

static u64 cover_gain(const struct chosen *set, const struct cover *c)
{
	u64 gain = 0;

	for (size_t i = 0; i < c->n; i++)
		gain += !*slot(set, c->items[i]);
	return gain;
}

static void cover_take(struct chosen *set, const struct cover *c)
{
	for (size_t i = 0; i < c->n; i++)
		*slot(set, c->items[i]) = c->items[i];
}

/* More per time, then the earlier one. */
static bool better(const struct entry *a, const struct entry *b)
{
	u64 x = a->gain * b->ms, y = b->gain * a->ms;

	return x != y ? x > y : a->index < b->index;
}

static void sift(struct heap *h, size_t i)
{
	for (;;) {
		size_t best = i, l = 2 * i + 1, r = l + 1;
		struct entry e;

		if (l < h->n && better(&h->items[l], &h->items[best]))
			best = l;
		if (r < h->n && better(&h->items[r], &h->items[best]))
			best = r;
		if (best == i)
			return;
		e = h->items[i];
		h->items[i] = h->items[best];
		h->items[best] = e;
		i = best;
	}
}

struct budget {
	struct test_case *cases;
	size_t n;
	u64 left_ms;
	bool any;
	const char *reason;	/* for what is left out */
	struct cover *covers;
	struct chosen set;
	struct heap heap;
};

static void take(struct budget *b, struct entry *e)
{
	bool fits = e->ms <= b->left_ms || !b->any;

	if (fits) {
		b->any = true;
		b->left_ms -= min(b->left_ms, e->ms);
		cover_take(&b->set, &b->covers[e->index]);
	} else {
		b->cases[e->index].skip = b->reason;
	}
	*e = b->heap.items[--b->heap.n];
	sift(&b->heap, 0);
}

/*
 * What a case adds only shrinks as others are taken, so the top is the best
 * one as soon as its own figure is fresh.
 */
static void choose(struct budget *b)
{
	struct heap *h = &b->heap;

	while (h->n) {
		struct entry *top = &h->items[0];
		u64 gain = cover_gain(&b->set, &b->covers[top->index]);

		if (gain == top->gain) {
			take(b, top);
		} else {
			top->gain = gain;
			sift(h, 0);
		}
	}
}

static int fill(struct budget *b, bool nested)
{
	size_t items = 0, size = 64;

	b->covers = calloc(b->n + 1, sizeof(*b->covers));
	b->heap.items = calloc(b->n + 1, sizeof(*b->heap.items));
	if (!b->covers || !b->heap.items)
		return -ENOMEM;
	for (size_t i = 0; i < b->n; i++) {
		if (b->cases[i].skip)
			continue;
		if (case_cover(&b->cases[i], &b->covers[i]))
			return -ENOMEM;
		items += b->covers[i].n;
		b->heap.items[b->heap.n++] = (struct entry){
			.index = i, .gain = b->covers[i].n,
			.ms = budget_case_ms(&b->cases[i], nested),
		};
	}
	while (size < 2 * items)
		size *= 2;
	b->set = (struct chosen){ calloc(size, sizeof(u64)), size };
	for (size_t i = b->heap.n / 2 + 1; i-- > 0;)
		sift(&b->heap, i);
	return b->set.slots ? 0 : -ENOMEM;
}

int budget_apply(struct plan *plan, u64 budget_ms, bool nested,
		 unsigned int jobs)
{
	struct budget b = {
		.cases = plan->store->cases, .n = plan->n,
		.left_ms = budget_ms * max(jobs, 1U),
	};
	int err;

	b.reason = arena_printf(&plan->store->arena,
				"left out: the budget of %llu s covers more with others",
				(unsigned long long)(budget_ms + 999) / 1000);
	err = b.reason ? fill(&b, nested) : -ENOMEM;
	if (!err)
		choose(&b);
	for (size_t i = 0; b.covers && i < b.n; i++)
		free(b.covers[i].items);
	free(b.covers);
	free(b.heap.items);
	free(b.set.slots);
	return err;
}
