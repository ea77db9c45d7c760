// SPDX-License-Identifier: GPL-2.0-only
/* The cases of a run, from waiting to printed, as the pool works on them. */
#include <errno.h>
#include <string.h>

#include "runner/hosts.h"
#include "runner/outputs.h"
#include "runner/pool.h"
#include "runner/progress.h"
#include "runner/repro.h"
#include "runner/run_int.h"
#include "runner/run_opts.h"
#include "runner/value.h"
#include "runner/worker.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/diag.h"
#include "vmm/base/log.h"

/* --- reports ------------------------------------------------------------ */

static void add_repro(const struct run *run, size_t index, struct report *r)
{
	char *cmd __free(cleanup_free) =
		repro_command(&run->opts->plan, run->plan.seed, run->env.accel,
			      run->plan.cases[index].name);

	if (cmd)
		value_set(r->block, "repro", value_str(cmd));
}

void run_print(struct run *run, size_t index)
{
	struct report *r = run->cases[index].report;
	char *dir __free(cleanup_free) =
		exec_case_dir("", run->plan.cases[index].name);
	bool shown = progress_clear(run->progress);

	outputs_case(run->out, r, dir ? dir + 1 : NULL);
	/* The lines come back below the point, if that is on the same screen. */
	if (shown)
		tap_flush(outputs_tap(run->out), 200);
	report_destroy(r);
	run->cases[index].report = NULL;
}

static void print_ready(struct run *run)
{
	while (run->printed < run->plan.n &&
	       run->cases[run->printed].state == CASE_DONE)
		run_print(run, run->printed++);
}

static bool is_failure(const struct report *r)
{
	return r->outcome == OUTCOME_FAIL || r->outcome == OUTCOME_TIMEOUT ||
	       r->outcome == OUTCOME_ERROR;
}

static void finish_case(struct run *run, size_t index, struct report *r)
{
	struct run_case *rc = &run->cases[index];

	if (is_failure(r))
		add_repro(run, index, r);
	if (rc->failed) {
		value_set(r->block, "flaky", value_bool(!is_failure(r)));
		value_set(r->block, "attempts",
			  value_int(rc->attempts + 1));
		value_set(r->block, "failed_attempts", rc->failed);
		rc->failed = NULL;
	}
	if (rc->hosts_lost)
		value_set(r->block, "hosts_lost", value_int(rc->hosts_lost));
	rc->report = r;
	rc->state = CASE_DONE;
	progress_done(run->progress);
	if (is_failure(r) && run->opts->until_fail)
		run->stopping = true;
	print_ready(run);
	if (run->printed == run->plan.n)
		event_loop_stop(&run->loop);
}

struct report *run_plain_report(const struct test_case *c, enum outcome o,
				   const char *reason)
{
	struct report *r = report_create(c->name, c->index);

	if (!r || report_set(r, o, reason)) {
		report_destroy(r);
		return NULL;
	}
	if (o != OUTCOME_SKIP) {
		value_set(r->block, "message", value_str(reason));
		value_set(r->block, "severity", value_str("fail"));
	}
	return r;
}

static void end_case(struct run *run, size_t index, enum outcome o,
		     const char *reason)
{
	struct report *r = run_plain_report(&run->plan.cases[index], o, reason);

	if (r)
		finish_case(run, index, r);
	else
		event_loop_stop(&run->loop);
}

/* --- the pool's questions ----------------------------------------------- */

static void on_run(void *ctx, size_t index, int fd, struct buf *out)
{
	struct run *run = ctx;

	run_one(&run->env, &run->plan, index, fd, out);
}

static void on_phase(void *ctx, size_t index, const char *phase)
{
	struct run *run = ctx;

	progress_phase(run->progress, index, run->plan.cases[index].name, phase);
}

static void wait_again(struct run *run, size_t index)
{
	run->cases[index].state = CASE_WAITING;
	run->next = min(run->next, index);
}

/* A failed attempt is kept in words and the case goes back to the queue. */
static bool try_again(struct run *run, size_t index, struct report *r)
{
	struct run_case *rc = &run->cases[index];
	const char *why = r->reason;

	if (!is_failure(r) || rc->attempts >= run->opts->retry || run->signal)
		return false;
	if (!rc->failed)
		rc->failed = value_list();
	if (!rc->failed)
		return false;
	if (!why)
		why = value_as_str(value_get(r->block, "message"), "failed");
	value_append(rc->failed, value_str(why));
	rc->attempts++;
	wait_again(run, index);
	return true;
}

static void on_done(void *ctx, size_t index, const char *line, size_t len,
		    const char *why)
{
	struct run *run = ctx;
	struct report *r = NULL;
	struct diag d = { 0 };

	if (run->cases[index].state != CASE_RUNNING)
		return;
	if (line && report_decode(line, len, &r, &d))
		why = diag_text(&d);
	if (!r)
		r = run_plain_report(&run->plan.cases[index], OUTCOME_ERROR, why);
	diag_reset(&d);
	if (!r) {
		event_loop_stop(&run->loop);
		return;
	}
	progress_leave(run->progress, index);
	if (try_again(run, index, r)) {
		report_destroy(r);
		return;
	}
	finish_case(run, index, r);
}

static bool end_unmet(struct run *run, size_t index)
{
	char *unmet __free(cleanup_free) =
		exec_unmet(&run->env, &run->plan.cases[index]);

	if (unmet)
		end_case(run, index, OUTCOME_SKIP, unmet);
	return unmet;
}

void run_settle(struct run *run)
{
	size_t i;

	for (i = 0; i < run->plan.n; i++)
		end_unmet(run, i);
}

static ssize_t on_next(void *ctx)
{
	struct run *run = ctx;

	while (run->next < run->plan.n) {
		size_t index = run->next++;

		if (run->cases[index].state != CASE_WAITING)
			continue;
		if (run->stopping) {
			end_case(run, index, OUTCOME_SKIP,
				 "not run: --until-fail ended the run at an earlier failure");
			continue;
		}
		run->cases[index].state = CASE_RUNNING;
		progress_phase(run->progress, index,
			       run->plan.cases[index].name, "start");
		return (ssize_t)index;
	}
	return -1;
}

static u64 on_limit(void *ctx, size_t index)
{
	struct run *run = ctx;
	double factor = run->hosts ? hosts_factor(run->hosts) : 1;

	/* A worker has its own limit; this one is for a worker that hangs. */
	return exec_limit_ns(&run->plan.cases[index], factor) +
	       (run->hosts ? 30 * NSEC_PER_SEC : 0);
}

/* No fault of the case's: once more, and the block says so. */
static bool on_silent(void *ctx, size_t index)
{
	struct run *run = ctx;
	struct run_case *rc = &run->cases[index];

	if (rc->hosts_lost++ || run->signal)
		return false;
	log_warn("nested", "%s runs again: its host answered no more",
		 run->plan.cases[index].name);
	progress_leave(run->progress, index);
	wait_again(run, index);
	return true;
}

const struct pool_ops run_pool_ops = {
	.run = on_run, .phase = on_phase, .done = on_done, .next = on_next,
	.limit_ns = on_limit, .silent = on_silent,
};
