/* SPDX-License-Identifier: GPL-2.0-only */
/* appraise: what a run that is over means: result, checks, invariants, report. */
#ifndef VMTAP_RUNNER_APPRAISE_H
#define VMTAP_RUNNER_APPRAISE_H

#include <stdbool.h>

struct check;
struct live;
struct report;
struct scenario;
struct value;

struct appraisal {
	struct live *live;		/* stopped */
	const struct scenario *s;
	const struct check *checks;	/* s->checks.n of them */
	const char *accel;
	const struct value *probes;	/* scheduler.probes of a second run, or NULL */
	/* filled on the way */
	bool all_skipped;		/* each kselftest was */
	char skip_reason[360];
};

/** appraise_case() - fill @r: outcome, reason, block, result */
void appraise_case(struct appraisal *x, struct report *r);
/** appraise_not_run() - the machine could not be built or started: an error */
void appraise_not_run(const struct scenario *s, struct report *r, const char *why);

#endif
