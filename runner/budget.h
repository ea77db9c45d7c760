/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * budget: the cases of a plan that fit into a time and together cover most.
 * What counts as covered: each scenario, each parameter's value, each pair of
 * these in one case, and the traits of a topology (its CPUs, LLCs, nodes,
 * threads).
 */
#ifndef VMTAP_RUNNER_BUDGET_H
#define VMTAP_RUNNER_BUDGET_H

#include "runner/plan.h"

struct diag;

/** budget_parse() - "300s", "5m", "2h", "800ms"; 0 or -EINVAL */
int budget_parse(const char *text, u64 *ret_ms, struct diag *d);

/**
 * budget_case_ms() - what a case is expected to take: a boot, more with each
 * CPU, and its workload's time
 * @nested: guests run under software emulation
 */
u64 budget_case_ms(const struct test_case *c, bool nested);

/**
 * budget_apply() - skip, with the reason, what does not fit
 * @plan: cases that are skipped already cost nothing
 * @jobs: cases at the same time
 *
 * Greedy by what is newly covered for the time; once all is covered the rest
 * follows in order as long as it fits. One case always runs.
 * Return: 0 or -ENOMEM.
 */
int budget_apply(struct plan *plan, u64 budget_ms, bool nested,
		 unsigned int jobs);

#endif
