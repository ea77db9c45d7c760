/* SPDX-License-Identifier: GPL-2.0-only */
/* plan_int: what plan.c, its expansion and lint share about a plan. */
#ifndef VMTAP_RUNNER_PLAN_INT_H
#define VMTAP_RUNNER_PLAN_INT_H

#include "runner/discover.h"
#include "runner/matrix.h"
#include "runner/plan.h"

/* Owns everything that a plan points to. */
struct plan_store {
	struct arena arena;		/* names, parameters, scenarios */
	struct scenario_doc **docs;
	size_t nr_docs;
	struct test_case *cases;
	size_t n;
	size_t cap;
	size_t seen;			/* combinations, whether chosen or not */
};

/**
 * plan_expand() - append the chosen cases of one loaded file
 * Return: 0, -EINVAL (in @p), -ENOMEM.
 */
int plan_expand(struct plan_store *st, const struct plan_opts *o,
		struct scenario_doc *doc, struct problems *p);
/** plan_keep_doc() - hand a loaded file over, in every case; 0 or -ENOMEM */
int plan_keep_doc(struct plan_store *st, struct scenario_doc *doc);
/** plan_refuse_same_names() - 0, -EINVAL (in @p), -ENOMEM */
int plan_refuse_same_names(const struct plan_store *st, struct problems *p);
/** plan_push() - append one case */
int plan_push(struct plan_store *st, const struct test_case *c);

#endif
