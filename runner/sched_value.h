/* SPDX-License-Identifier: GPL-2.0-only */
/* sched_value: what is read of the guest's scheduler, as the result tells it. */
#ifndef VMTAP_RUNNER_SCHED_VALUE_H
#define VMTAP_RUNNER_SCHED_VALUE_H

#include "freeze/sched.h"

struct value;

/** sched_cpu_value() - one CPU's runqueue: a map, the caller's; NULL: no memory */
struct value *sched_cpu_value(const struct sched_cpu *rq);

/** sched_schedstat_value() - its counters, or their growth */
struct value *sched_schedstat_value(const struct sched_schedstat *s);

/** sched_domain_value() - one of the @nr domains of a CPU */
struct value *sched_domain_value(const struct sched *s,
				 const struct sched_domain_info *d);

#endif
