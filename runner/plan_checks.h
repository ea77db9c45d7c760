/* SPDX-License-Identifier: GPL-2.0-only */
/* plan_checks: a scenario's checks, parsed and typed before anything boots. */
#ifndef VMTAP_RUNNER_PLAN_CHECKS_H
#define VMTAP_RUNNER_PLAN_CHECKS_H

#include "runner/problem.h"
#include "runner/scenario.h"

/**
 * plan_checks_judge() - tell what is wrong with each check, at its place
 * Return: 0, -EINVAL (in @p), -ENOMEM.
 */
int plan_checks_judge(const struct scenario *sc, const struct source_text *src,
		      struct problems *p);
/** plan_checks_lint() - warn of checks that ask nothing of the result */
void plan_checks_lint(const struct scenario *sc, const struct source_text *src,
		      struct problems *p);

#endif
