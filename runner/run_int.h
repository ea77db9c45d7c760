/* SPDX-License-Identifier: GPL-2.0-only */
/* run_int: one `vmtap run`, between its own files. */
#ifndef VMTAP_RUNNER_RUN_INT_H
#define VMTAP_RUNNER_RUN_INT_H

#include <stdbool.h>

#include "runner/accel.h"
#include "runner/exec.h"
#include "runner/plan.h"
#include "runner/report.h"
#include "vmm/event.h"

struct diag;
struct hosts;
struct outputs;
struct pool;
struct pool_ops;
struct progress;
struct replay;
struct run_opts;
struct rundir;
struct value;

enum case_state { CASE_WAITING, CASE_RUNNING, CASE_DONE };

struct run_case {
	enum case_state state;
	unsigned int attempts;		/* runs that ended */
	struct value *failed;		/* reasons of earlier attempts */
	unsigned int hosts_lost;	/* nested hosts that fell silent under it */
	struct report *report;
};

struct run {
	const struct run_opts *opts;
	int argc;
	char **argv;
	const struct replay *replay;	/* NULL: none */
	struct plan plan;
	struct accel_choice accel;
	struct exec_env env;
	struct rundir *dir;
	struct run_case *cases;
	size_t next;			/* first that was never started */
	size_t printed;			/* reports that left, in plan order */
	struct event_loop loop;
	struct event_source signals;
	struct pool *pool;
	struct hosts *hosts;
	struct progress *progress;
	struct outputs *out;
	int signal;			/* that ended the run; 0 */
	char bail[300];			/* why the run could not go on; "" */
	bool stopping;			/* --until-fail met a failure */
};

/* --- run_cases.c -------------------------------------------------------- */

/** run_pool_ops - what the pool asks; its context is a struct run */
extern const struct pool_ops run_pool_ops;

/** run_plain_report() - a case that never ran, and why; NULL without memory */
struct report *run_plain_report(const struct test_case *c, enum outcome o,
				const char *reason);
/** run_print() - hand a finished case's report to the outputs */
void run_print(struct run *run, size_t index);
/** run_settle() - end each case whose `requires` are not met; boots nothing */
void run_settle(struct run *run);

/* --- run_slots.c -------------------------------------------------------- */

/**
 * run_count_jobs() - cases at the same time: what was asked for, else cores,
 * and no more guests than the memory holds (a host costs some too)
 */
unsigned int run_count_jobs(const struct run *run);
/** run_start_slots() - local slots, or nested hosts that become some */
int run_start_slots(struct run *run, struct diag *d);

#endif
