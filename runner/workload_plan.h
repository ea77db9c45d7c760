/* SPDX-License-Identifier: GPL-2.0-only */
/* workload_plan: the workload of a scenario as the file that the guest reads. */
#ifndef VMTAP_RUNNER_WORKLOAD_PLAN_H
#define VMTAP_RUNNER_WORKLOAD_PLAN_H

#include "runner/workload.h"

struct buf;
struct diag;

/** workload_type_word() - "spin" ... "custom" */
const char *workload_type_word(enum work_type type);

/**
 * workload_plan_encode() - append the plan's bytes, see runner/workload_wire.h
 * Return: 0, -ENOMEM.
 */
int workload_plan_encode(const struct scen_workload *wl, struct buf *out,
			 struct diag *d);

#endif
