// SPDX-License-Identifier: GPL-2.0-only
/*
 * Scenario files from hostile bytes: YAML, the key table, matrix and cases.
 * Besides what the sanitizers see: an error is always told, an error's place
 * lies in the text, and what is accepted makes cases with fit names.
 */
#include <errno.h>
#include <string.h>

#include "runner/lint.h"
#include "runner/plan_int.h"
#include "runner/problem.h"
#include "vmm/base/buf.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t len);

static void judge_cases(const struct plan_store *st)
{
	for (size_t i = 0; i < st->n && i < 100; i++) {
		const char *name = st->cases[i].name;
		const struct scen_topology *t = &st->cases[i].scenario->vm.cpus;

		BUG_ON(!*name);
		for (const char *c = name; *c; c++)
			BUG_ON(*c < ' ' || *c > '~' || strchr("#*?\\", *c));
		BUG_ON(!topology_cpus(t) || topology_cpus(t) > SCEN_MAX_CPUS);
		BUG_ON(st->cases[i].scenario->vm.memory < MiB(64));
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t len)
{
	struct plan plan = { .store = calloc(1, sizeof(*plan.store)) };
	struct plan_opts o = { 0 };
	struct problems p = { 0 };
	struct scenario_doc *doc;
	struct buf text = { 0 };
	int rc;

	if (!plan.store)
		return 0;
	rc = scenario_load_text((const char *)data, len, "fuzz/in.yaml", NULL,
				&p, &doc);
	BUG_ON(rc && rc != -ENOMEM && !p.errors);
	BUG_ON(!rc && p.errors);
	if (!rc) {
		lint_doc(doc, &p);
		BUG_ON(plan_keep_doc(plan.store, doc));
		rc = plan_expand(plan.store, &o, doc, &p);
		BUG_ON(rc == -EINVAL && !p.errors);
		judge_cases(plan.store);
	}
	problems_format(&p, &text);
	buf_reset(&text);
	problems_reset(&p);
	plan_destroy(&plan);
	return 0;
}
