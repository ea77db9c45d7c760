// SPDX-License-Identifier: GPL-2.0-only
/* What a run means; see appraise.h. */
#include "runner/appraise.h"

#include <errno.h>
#include <string.h>

#include "runner/check.h"
#include "runner/collect.h"
#include "runner/invariant.h"
#include "runner/kselftest.h"
#include "runner/live.h"
#include "runner/report.h"
#include "runner/scenario.h"
#include "runner/schedstats.h"
#include "runner/splat.h"
#include "runner/value.h"
#include "runner/wl_assert.h"
#include "vmm/base/buf.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/diag.h"
#include "vmm/machine.h"

static enum ending ending_of(enum machine_stop_reason reason)
{
	switch (reason) {
	case MACHINE_POWEROFF:
		return ENDING_POWEROFF;
	case MACHINE_RESET_KBD:
	case MACHINE_RESET_ACPI:
	case MACHINE_RESET_PCI:
	case MACHINE_RESET_BIOS:
		return ENDING_RESET;
	case MACHINE_TRIPLE_FAULT:
		return ENDING_TRIPLE_FAULT;
	case MACHINE_KILLED:
		return ENDING_KILLED;
	default:
		return ENDING_VMM_ERROR;
	}
}

/* First complaint that is not allowed and no crash: those are told apart. */
static const char *first_complaint(const struct splat_list *list)
{
	size_t i;

	for (i = 0; i < list->len; i++)
		if (!list->items[i].allowed &&
		    list->items[i].kind != SPLAT_PANIC &&
		    list->items[i].kind != SPLAT_OOPS)
			return list->items[i].text;
	return NULL;
}

static int scan_console(struct appraisal *x, struct splat_list *splats,
			struct diag *d)
{
	if (!x->live->log)
		return diag_fail(d, -ENOMEM, NULL, "no memory");
	return splat_scan(x->live->log, x->live->log_len, x->s->splats.allow.items,
			  x->s->splats.allow.n, splats) ?
	       diag_fail(d, -ENOMEM, NULL, "no memory") : 0;
}

static void decide(struct appraisal *x, const struct splat_list *splats,
		   struct verdict *v)
{
	struct machine_stop stop = machine_stop(x->live->m);
	const struct splat *panic = splat_first(splats, SPLAT_PANIC);
	const struct splat *oops = splat_first(splats, SPLAT_OOPS);
	const struct com2_words *words = &x->live->heard.com2.words;
	struct verdict_facts f = {
		.expect = x->s->expect,
		.stage = x->live->heard.stage,
		.ending = ending_of(stop.reason),
		.timed_out = x->live->timed_out,
		.timeout_ms = x->live->timeout_ns / NSEC_PER_MSEC,
		.starved = x->live->starved[0] ? x->live->starved : NULL,
		.panic = panic ? panic->text : NULL,
		.oops = oops ? oops->text : NULL,
		.splat = first_complaint(splats),
		.sched_exit = x->live->heard.sched_exit,
		.monitor = peek_failure(&x->live->peek),
		.map_write = mapwrite_failure(&x->live->mapwrite),
	};
	const struct heard_exit *e = heard_exit(&x->live->heard, &f.via);
	char *line __free(cleanup_free) = NULL;
	struct buf text = { 0 };

	f.exit_code = e->code;
	f.exit_signal = (int)e->signal;
	if (words->has_panic || x->live->heard.crash.len) {
		line = strdup(words->has_panic ? buf_str(&words->panic) :
			      buf_str(&x->live->heard.crash));
		if (line)
			line[strcspn(line, "\n")] = '\0';
		f.agent_panic = line;
	}
	if (f.ending == ENDING_VMM_ERROR)
		machine_stop_text(&stop, &text);
	f.ending_text = text.len ? text.data : NULL;
	verdict_decide(&f, v);
	buf_reset(&text);
}

static struct value *make_result(struct appraisal *x, const struct splat_list *splats,
				 const struct verdict *v)
{
	struct value *stats = schedstats_result(&x->live->stats), *ret;
	struct collect_from from = {
		.heard = &x->live->heard, .machine = x->live->m, .blk = x->live->blk,
		.vm = &x->s->vm, .net = x->live->net, .peek = &x->live->peek,
		.inside = &x->live->inside,
		.snapshots = &x->live->snapshots,
		.mapwrite = &x->live->mapwrite, .reads = x->live->reads,
		.watchpoints = &x->live->watchpoints,
		.log = x->live->log, .log_len = x->live->log_len, .splats = splats, .verdict = v,
		.kernel = x->live->cfg.kernel,
		.image = x->live->cfg.image, .cmdline = buf_str(&x->live->cmdline),
		.accel = x->accel,
		.has_scheduler = x->s->scheduler.present,
		.probes = x->probes, .stats = stats,
		.kaslr_off = x->s->kernel.kaslr.mode == KASLR_OFF,
		.timed_out = x->live->timed_out,
		.timeout_cause = !x->live->timed_out ? NULL :
				 x->live->starved[0] ? "host_starved" : "guest_hung",
	};

	from.entry_ms = (x->live->heard.start_ns - x->live->begin_ns) / NSEC_PER_MSEC;
	from.duration_ms = (now_ns() - x->live->begin_ns) / NSEC_PER_MSEC;
	from.cleanup_ms = (now_ns() - x->live->end_ns) / NSEC_PER_MSEC;
	ret = collect_result(&from);
	value_free(stats);
	return ret;
}

/* --- the report --------------------------------------------------------- */

static void set_place(const struct scenario *s, struct report *r)
{
	char place[4200];

	if (!s->file || !*s->file)
		return;
	snprintf(place, sizeof(place), "%s:%u", s->file, s->loc.line);
	value_set(r->block, "at", value_str(place));
}

static void set_message(struct report *r, const char *message)
{
	value_set(r->block, "message", value_str(message));
	value_set(r->block, "severity", value_str("fail"));
}

/* An expected failure is a pass of another kind; an error is never expected. */
static void set_outcome(struct appraisal *x, struct report *r, enum outcome o,
			const char *reason)
{
	if (x->s->xfail && o == OUTCOME_PASS) {
		report_set(r, OUTCOME_XPASS, x->s->xfail);
		return;
	}
	if (x->s->xfail && (o == OUTCOME_FAIL || o == OUTCOME_TIMEOUT)) {
		report_set(r, OUTCOME_XFAIL, x->s->xfail);
		return;
	}
	report_set(r, o, reason);
}

static void weigh_checks(struct appraisal *x, struct report *r,
			 const struct verdict *v)
{
	struct value *outcomes = NULL, *first;
	const char *unmet = wl_assert_first(r->result);
	size_t failed = 0;

	if (checks_eval(x->checks, x->s->checks.n, r->result, &outcomes,
			&failed)) {
		report_set(r, OUTCOME_ERROR, "no memory for the checks");
		return;
	}
	if (failed)
		checks_explain(outcomes, r->block);
	else if (unmet && v->success)
		set_message(r, unmet);
	first = value_get(r->block, "message");
	if (!v->success)
		set_outcome(x, r, v->timeout ? OUTCOME_TIMEOUT : OUTCOME_FAIL,
			    v->reason);
	else if (failed)
		set_outcome(x, r, OUTCOME_FAIL,
			    value_as_str(first, "a check failed"));
	else if (unmet)
		set_outcome(x, r, OUTCOME_FAIL, unmet);
	else if (x->all_skipped)
		report_set(r, OUTCOME_SKIP, x->skip_reason);
	else
		set_outcome(x, r, OUTCOME_PASS, NULL);
	value_free(outcomes);
}

static void weigh_invariants(struct report *r)
{
	struct value *breaches = NULL;

	if (invariants_check(r->result, &breaches) || !breaches->list.len) {
		value_free(breaches);
		return;
	}
	report_set(r, OUTCOME_ERROR,
		   value_as_str(breaches->list.items[0], "an invariant broke"));
	set_message(r, r->reason);
	value_set(r->block, "invariants", breaches);
}

/*
 * Their runner's exit status is the verdict; this says it by name. Where each
 * one was skipped the case is.
 */
static void weigh_kselftests(struct appraisal *x, const struct report *r,
			     struct verdict *v)
{
	char text[360];

	if (!x->s->guest.kselftest.present || v->error || v->timeout)
		return;
	x->all_skipped = kselftest_verdict(value_get(r->result, "subtests"),
					   text, sizeof(text)) && v->success;
	if (x->all_skipped) {
		snprintf(x->skip_reason, sizeof(x->skip_reason), "%s", text);
	} else if (text[0] && x->s->expect.kind == EXPECT_PASS &&
		 value_as_int(value_get(r->result, "exit_code"), -1) <= 1) {
		v->success = false;
		value_set(r->result, "success", value_bool(false));
		snprintf(v->reason, sizeof(v->reason), "%s", text);
	}
}

void appraise_case(struct appraisal *x, struct report *r)
{
	struct splat_list splats = { 0 };
	struct diag d = { 0 };
	struct verdict v;

	if (scan_console(x, &splats, &d)) {
		report_set(r, OUTCOME_ERROR, diag_text(&d));
		diag_reset(&d);
		return;
	}
	decide(x, &splats, &v);
	r->result = make_result(x, &splats, &v);
	splat_list_reset(&splats);
	if (!r->result) {
		report_set(r, OUTCOME_ERROR, "no memory for the result");
		return;
	}
	if (wl_assert_all(&x->s->workload, r->result) < 0) {
		report_set(r, OUTCOME_ERROR, "no memory for the assertions");
		return;
	}
	weigh_kselftests(x, r, &v);
	if (!v.success)
		set_message(r, v.reason);
	set_place(x->s, r);
	if (v.error)
		report_set(r, OUTCOME_ERROR, v.reason);
	else
		weigh_checks(x, r, &v);
	if (x->live->timed_out && x->live->cfg.time_factor > 1)
		value_set(r->block, "timeout_scaled_by",
			  value_float(x->live->cfg.time_factor));
	weigh_invariants(r);
}

void appraise_not_run(const struct scenario *s, struct report *r, const char *why)
{
	report_set(r, OUTCOME_ERROR, why);
	set_message(r, why);
	set_place(s, r);
}
