// SPDX-License-Identifier: GPL-2.0-only
/* What happened and what it means; see verdict.h. */
#include "runner/verdict.h"

#include <stdarg.h>
#include <string.h>

const char *stage_name(enum stage stage)
{
	static const char *const names[] = {
		[STAGE_NONE] = "none", [STAGE_ENTRY] = "entry",
		[STAGE_KERNEL] = "kernel", [STAGE_INIT] = "init",
		[STAGE_AGENT] = "agent", [STAGE_PAYLOAD] = "payload",
		[STAGE_VERDICT] = "verdict",
	};

	return names[stage];
}

const char *verdict_via_name(enum verdict_via via)
{
	static const char *const names[] = {
		[VIA_NONE] = "none", [VIA_PORT1] = "port1",
		[VIA_COM2] = "com2", [VIA_RING] = "ring",
	};

	return names[via];
}

const char *ending_name(enum ending ending)
{
	static const char *const names[] = {
		[ENDING_NONE] = "none", [ENDING_POWEROFF] = "poweroff",
		[ENDING_RESET] = "reset",
		[ENDING_TRIPLE_FAULT] = "triple_fault",
		[ENDING_KILLED] = "killed", [ENDING_VMM_ERROR] = "vmm_error",
	};

	return names[ending];
}

/* Where the guest was, as a clause. */
static const char *stage_clause(enum stage stage)
{
	static const char *const words[] = {
		[STAGE_NONE] = "before the machine was built",
		[STAGE_ENTRY] = "before the kernel printed anything",
		[STAGE_KERNEL] = "while the kernel booted, before the guest agent started",
		[STAGE_INIT] = "while the guest agent set itself up",
		[STAGE_AGENT] = "before the payload started",
		[STAGE_PAYLOAD] = "while the payload ran",
		[STAGE_VERDICT] = "after the verdict had arrived",
	};

	return words[stage];
}

static void __printf(2, 3) say(struct verdict *v, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(v->reason, sizeof(v->reason), fmt, ap);
	va_end(ap);
}

/* The crash that ended or broke the run, in the order of their weight. */
static const char *crash_text(const struct verdict_facts *f)
{
	if (f->panic)
		return f->panic;
	if (f->oops)
		return f->oops;
	return f->agent_panic;
}

/* After the verdict a triple fault is the reboot's last resort, not a crash. */
static bool crashed(const struct verdict_facts *f)
{
	if (f->panic || f->oops || f->agent_panic)
		return true;
	return f->ending == ENDING_TRIPLE_FAULT && f->via == VIA_NONE;
}

static void say_crash(const struct verdict_facts *f, struct verdict *v)
{
	const char *text = crash_text(f);

	if (f->via != VIA_NONE && text)
		say(v, "the payload ended with exit status %d, but the guest crashed: %s",
		    f->exit_code, text);
	else if (text)
		say(v, "%s (%s)", text, stage_clause(f->stage));
	else
		say(v, "triple fault %s", stage_clause(f->stage));
}

static void say_timeout(const struct verdict_facts *f, struct verdict *v)
{
	const char *text = crash_text(f);

	if (f->via != VIA_NONE)
		say(v, "the payload ended with exit status %d, but the guest did not go down within %llu ms",
		    f->exit_code, (unsigned long long)f->timeout_ms);
	else if (text)
		say(v, "timeout after %llu ms %s; before that: %s",
		    (unsigned long long)f->timeout_ms, stage_clause(f->stage),
		    text);
	else
		say(v, "timeout after %llu ms %s%s%s",
		    (unsigned long long)f->timeout_ms, stage_clause(f->stage),
		    f->starved ? ": " : "", f->starved ? f->starved : "");
}

static void say_no_verdict(const struct verdict_facts *f, struct verdict *v)
{
	static const char *const how[] = {
		[ENDING_NONE] = "ended",
		[ENDING_POWEROFF] = "powered off",
		[ENDING_RESET] = "rebooted",
		[ENDING_TRIPLE_FAULT] = "triple-faulted",
		[ENDING_KILLED] = "was stopped",
		[ENDING_VMM_ERROR] = "failed",
	};

	say(v, "no verdict: the guest %s %s", how[f->ending],
	    stage_clause(f->stage));
}

static void say_exit(const struct verdict_facts *f, struct verdict *v,
		     const char *wanted)
{
	if (f->exit_signal)
		say(v, "the payload was killed by signal %d (%s), %s was expected",
		    f->exit_signal, strsignal(f->exit_signal), wanted);
	else
		say(v, "the payload ended with exit status %d, %s was expected",
		    f->exit_code, wanted);
}

static bool exit_fits(const struct verdict_facts *f, struct verdict *v)
{
	char wanted[32] = "0";
	bool fits;

	switch (f->expect.kind) {
	case EXPECT_FAIL:
		fits = f->exit_code != 0;
		strcpy(wanted, "a failure");
		break;
	case EXPECT_EXIT:
		fits = f->exit_code == f->expect.exit_code;
		snprintf(wanted, sizeof(wanted), "%d", f->expect.exit_code);
		break;
	default:
		fits = f->exit_code == 0;
		break;
	}
	if (!fits)
		say_exit(f, v, wanted);
	return fits;
}

static void decide_sched_exit(const struct verdict_facts *f, struct verdict *v)
{
	v->timeout = f->timed_out;
	if (f->timed_out)
		say_timeout(f, v);
	else if (crashed(f))
		say_crash(f, v);
	else if (!f->sched_exit)
		say(v, "the scheduler was expected to leave, but stayed to the end");
	else if (f->splat)
		say(v, "the kernel complained: %s", f->splat);
	else
		v->success = true;
}

static void decide(const struct verdict_facts *f, struct verdict *v)
{
	if (f->ending == ENDING_NONE || f->ending == ENDING_VMM_ERROR) {
		v->error = true;
		say(v, "%s (%s)", f->ending_text ? f->ending_text :
		    "the machine could not run", stage_clause(f->stage));
		return;
	}
	switch (f->expect.kind) {
	case EXPECT_PANIC:
		v->success = crashed(f) && !f->timed_out;
		if (!v->success && f->timed_out)
			say_timeout(f, v);
		else if (!v->success)
			say(v, "a panic was expected, but the guest ended without one");
		v->timeout = f->timed_out;
		return;
	case EXPECT_TIMEOUT:
		v->success = f->timed_out && !crashed(f);
		if (v->success)
			return;
		if (crashed(f))
			say_crash(f, v);
		else
			say(v, "a timeout was expected, but the guest ended before it");
		return;
	case EXPECT_SCHED_EXIT:
		decide_sched_exit(f, v);
		return;
	default:
		break;
	}
	if (f->timed_out) {
		v->timeout = true;
		say_timeout(f, v);
	} else if (f->sched_exit) {
		say(v, "%s", f->sched_exit);
	} else if (crashed(f)) {
		say_crash(f, v);
	} else if (f->via == VIA_NONE) {
		say_no_verdict(f, v);
	} else if (!exit_fits(f, v)) {
		return;
	} else if (f->splat) {
		say(v, "the kernel complained: %s", f->splat);
	} else if (f->monitor && f->expect.kind != EXPECT_MONITOR) {
		say(v, "%s", f->monitor);
	} else if (!f->monitor && f->expect.kind == EXPECT_MONITOR) {
		say(v, "the monitor was expected to find something, but found nothing");
	} else {
		v->success = true;
	}
}

void verdict_decide(const struct verdict_facts *f, struct verdict *v)
{
	*v = (struct verdict){ 0 };
	decide(f, v);
	/* A guest that was not changed as asked has not been tested. */
	if (v->success && f->map_write) {
		v->success = false;
		say(v, "%s", f->map_write);
	}
}
