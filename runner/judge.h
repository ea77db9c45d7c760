/* SPDX-License-Identifier: GPL-2.0-only */
/* judge: what a run that is over means: result, checks, invariants, report. */
#ifndef VMTAP_RUNNER_JUDGE_H
#define VMTAP_RUNNER_JUDGE_H

struct check;
struct live;
struct report;
struct scenario;

struct judge {
	struct live *live;		/* stopped */
	const struct scenario *s;
	const struct check *checks;	/* s->checks.n of them */
	const char *accel;
};

/** judge_case() - fill @r: outcome, reason, block, result */
void judge_case(struct judge *x, struct report *r);
/** judge_not_run() - the machine could not be built or started: an error */
void judge_not_run(const struct scenario *s, struct report *r, const char *why);

#endif
