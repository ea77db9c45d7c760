/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * stops: how long a guest's vCPUs took to stop, and how long they stood, over
 * a scenario's `snapshots.stops`: freezes in which nothing is read.
 */
#ifndef VMTAP_RUNNER_STOPS_H
#define VMTAP_RUNNER_STOPS_H

#include "vmm/base/util.h"

struct coordinator_clock_stats;
struct freeze_outcome;
struct value;

struct stops {
	u32 *park_us, *frozen_us;	/* of those that were in time */
	u32 n, room;
};

/** stops_init() - room for @target of them; 0 or -ENOMEM */
int stops_init(struct stops *s, u32 target);
void stops_deinit(struct stops *s);
/** stops_add() - one more; those that were late have no times */
void stops_add(struct stops *s, const struct freeze_outcome *out);

/**
 * stops_value() - result.stops; sorts. NULL without memory
 * @unstarted: why there are fewer than asked for where the clock never ran
 */
struct value *stops_value(struct stops *s,
			  const struct coordinator_clock_stats *clock,
			  const char *unstarted);

#endif
