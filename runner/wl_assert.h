/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * wl_assert: the thresholds of `workload.assert`, and of single cgroups and
 * steps, against what the workers reported. Pure: result in, result out.
 *
 * Each threshold is judged per group of workers (those of a cgroup; those of
 * none together). A cgroup's own assert holds for that cgroup in place of the
 * workload's, a step's own for its phase.
 */
#ifndef VMTAP_RUNNER_WL_ASSERT_H
#define VMTAP_RUNNER_WL_ASSERT_H

#include "runner/workload.h"

struct value;
struct wl_scope;

/**
 * wl_assert_scope() - the thresholds of @a over one group in one phase
 * @out: a list; each threshold that is given adds what was judged
 * Return: thresholds that did not hold, or -ENOMEM.
 */
int wl_assert_scope(const struct wl_assert *a, const struct wl_scope *s,
		    struct value *out);

/**
 * wl_assert_all() - all of a scenario; sets workload.assertions in @result
 * Fills the groups' figures, too. Nothing happens without a workload.
 * Return: thresholds that did not hold, or -ENOMEM.
 */
int wl_assert_all(const struct scen_workload *wl, struct value *result);

/** wl_assert_first() - the message of the first that did not hold, or NULL */
const char *wl_assert_first(const struct value *result);

#endif
