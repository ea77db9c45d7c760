// SPDX-License-Identifier: GPL-2.0-only
/*
 * `vmtap run`: plan the cases, choose where they run, hand them to the pool,
 * print the reports in plan order. See run.h.
 */
#include "runner/run.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/budget.h"
#include "runner/hosts.h"
#include "runner/kernel.h"
#include "runner/outputs.h"
#include "runner/pool.h"
#include "runner/problem.h"
#include "runner/progress.h"
#include "runner/replay.h"
#include "runner/run_int.h"
#include "runner/run_opts.h"
#include "runner/rundir.h"
#include "runner/tap.h"
#include "runner/value.h"
#include "runner/warm.h"
#include "vmm/base/buf.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/diag.h"
#include "vmm/base/log.h"
#include "vmm/event.h"

/* After a signal all must be over within a second; most of it is the reader's. */
#define SIGNAL_FLUSH_MS 600

/* --- signals and the end ------------------------------------------------ */

static void on_signal(struct event_source *src, u32 events)
{
	struct run *run = container_of(src, struct run, signals);
	struct signalfd_siginfo si;

	(void)events;
	if (read(src->fd, &si, sizeof(si)) != sizeof(si))
		return;
	run->signal = (int)si.ssi_signo;
	event_loop_stop(&run->loop);
}

static void handled_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGHUP);
}

static int watch_signals(struct run *run, struct diag *d)
{
	sigset_t set;

	handled_signals(&set);
	run->signals = (struct event_source){
		signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK), on_signal,
	};
	if (run->signals.fd < 0)
		return diag_fail(d, -errno, NULL, "signalfd: %m");
	return event_add(&run->loop, &run->signals, EPOLLIN, d);
}

/* From here on a second signal ends us at once. */
static void unblock_signals(void)
{
	sigset_t set;

	handled_signals(&set);
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

/*
 * What is done is printed, what ran fails with the reason, then Bail out!.
 * Where nothing ran, a host was still booting for the first that waits.
 */
static void end_early(struct run *run, const char *why)
{
	bool told = false;
	char reason[340];

	snprintf(reason, sizeof(reason), "interrupted: %s", why);
	while (run->printed < run->plan.n) {
		struct run_case *rc = &run->cases[run->printed];

		if (rc->state == CASE_WAITING && !rc->failed && told)
			break;
		if (rc->state != CASE_DONE) {
			rc->report = run_plain_report(&run->plan.cases[run->printed],
						  OUTCOME_FAIL, reason);
			if (!rc->report)
				break;
			told = true;
		}
		run_print(run, run->printed++);
	}
	tap_bail_out(outputs_tap(run->out), why);
}

static int exit_status(const struct run *run)
{
	if (run->signal)
		return 128 + run->signal;
	if (run->bail[0])
		return EXIT_OUR_FAULT;
	return totals_exit_status(tap_totals(outputs_tap(run->out)),
				  run->opts->format == TAP_KTAP);
}

static void closing_line(struct run *run)
{
	struct buf totals = { 0 }, line = { 0 };

	totals_print(tap_totals(outputs_tap(run->out)), &totals);
	buf_printf(&line, "vmtap: %s%s%s", buf_str(&totals),
		   run->env.run_dir ? ", kept in " : "",
		   run->env.run_dir ? run->env.run_dir : "");
	progress_end(run->progress, buf_str(&line));
	buf_reset(&totals);
	buf_reset(&line);
}

/* What was asked for and did not arrive is our fault, after any other. */
static int finish_outputs(struct run *run, int status, const char *bail,
			  int timeout_ms)
{
	int err = outputs_finish(run->out, status, bail, timeout_ms);

	return err && !status ? EXIT_OUR_FAULT : status;
}

static int finish(struct run *run)
{
	int status;

	progress_clear(run->progress);
	if (run->signal) {
		unblock_signals();
		pool_kill(run->pool);
		end_early(run, strsignal(run->signal));
	} else if (run->bail[0]) {
		end_early(run, run->bail);
	}
	status = exit_status(run);
	status = finish_outputs(run, status, run->signal ? strsignal(run->signal) :
				run->bail[0] ? run->bail : NULL,
				run->signal ? SIGNAL_FLUSH_MS : -1);
	closing_line(run);
	return status;
}

/* --- from options to the loop ------------------------------------------- */

static struct value *describe_run(const struct run *run)
{
	struct value *v = value_map(), *args = value_list();
	int i;

	for (i = 0; i < run->argc; i++)
		value_append(args, value_str(run->argv[i]));
	value_set(v, "arguments", args);
	value_set(v, "seed", value_addr(run->plan.seed));
	value_set(v, "accel", value_str(run->env.accel));
	if (run->accel.reason)
		value_set(v, "accel_reason", value_str(run->accel.reason));
	if (run->env.run_dir)
		replay_describe(v, &run->plan);
	return v;
}

static int open_outputs(struct run *run, const char *why_none, struct diag *d)
{
	struct value *what = describe_run(run);
	char *index __free(cleanup_free) = NULL;
	struct outputs_cfg cfg = {
		.format = run->opts->format,
		.count = (unsigned int)run->plan.n,
		.why_none = why_none,
		.junit = run->opts->junit, .json = run->opts->json,
		.what = what,
	};
	int err = 0;

	if (run->env.run_dir &&
	    asprintf(&index, "%s/run.json", run->env.run_dir) < 0)
		err = diag_fail(d, -ENOMEM, NULL, "no memory");
	cfg.index = index;
	if (!err)
		err = outputs_create(&cfg, &run->out, d);
	value_free(what);
	return err;
}

static int run_loop(struct run *run, struct diag *d)
{
	int err;

	run->cases = calloc(run->plan.n + 1, sizeof(*run->cases));
	err = run->cases ? event_loop_init(&run->loop, d) : -ENOMEM;
	if (!err)
		err = watch_signals(run, d);
	if (!err)
		err = open_outputs(run, NULL, d);
	if (err)
		return err;
	tap_comment(outputs_tap(run->out), "seed 0x%llx, accelerator %s",
		    (unsigned long long)run->plan.seed, run->env.accel);
	run->pool = pool_create(&run->loop, &run_pool_ops, run);
	run->progress = progress_create(&run->loop, run->plan.n,
					run->opts->quiet);
	if (!run->pool || !run->progress)
		return diag_fail(d, -ENOMEM, NULL, "no memory");
	/* What needs no machine is over before one is started. */
	run_settle(run);
	if (run->printed == run->plan.n)
		return 0;
	if (!warm_kernels(&run->plan, run->accel.accel == ACCEL_NESTED,
			  run->signals.fd))
		err = run_start_slots(run, d);
	if (err) {
		snprintf(run->bail, sizeof(run->bail), "%s", diag_text(d));
		diag_reset(d);
		return 0;
	}
	return event_loop_run(&run->loop);
}

static void run_destroy(struct run *run)
{
	size_t i;

	pool_destroy(run->pool);
	hosts_destroy(run->hosts);
	progress_destroy(run->progress);
	outputs_destroy(run->out);
	for (i = 0; run->cases && i < run->plan.n; i++) {
		report_destroy(run->cases[i].report);
		value_free(run->cases[i].failed);
	}
	free(run->cases);
	if (run->signals.fd >= 0)
		close(run->signals.fd);
	event_loop_deinit(&run->loop);
	rundir_close(run->dir);
	accel_choice_reset(&run->accel);
	plan_destroy(&run->plan);
}

/* Nothing can run here: each case is skipped with the reason, or told so. */
static int no_accelerator(struct run *run, const char *why, struct diag *d)
{
	bool bail = run->opts->require_kvm;
	size_t i;
	int status;

	if (open_outputs(run, why, d))
		return EXIT_OUR_FAULT;
	for (i = 0; i < run->plan.n && !bail; i++) {
		struct report *r = run_plain_report(&run->plan.cases[i],
						OUTCOME_SKIP, why);

		if (r)
			outputs_case(run->out, r, NULL);
		report_destroy(r);
	}
	if (bail)
		tap_bail_out(outputs_tap(run->out), why);
	status = bail ? EXIT_NO_HOST : exit_status(run);
	status = finish_outputs(run, status, bail ? why : NULL, -1);
	log_warn(NULL, "%s", why);
	return status;
}

static int empty_shard(struct run *run, struct diag *d)
{
	if (open_outputs(run, "no case in this shard", d))
		return EXIT_OUR_FAULT;
	return finish_outputs(run, EXIT_ALL_OK, NULL, -1);
}

static enum accel wanted_accel(const struct run *run)
{
	return run->opts->require_kvm ? ACCEL_KVM : run->opts->accel;
}

/* Of the plan what --budget keeps; the accelerator is chosen. */
static int keep_budget(struct run *run)
{
	return run->opts->budget_ms ?
	       budget_apply(&run->plan, run->opts->budget_ms,
			    run->accel.accel == ACCEL_NESTED,
			    run_count_jobs(run)) : 0;
}

/* With --budget those that a run here would not leave out. */
static int print_list(struct run *run, struct diag *d)
{
	size_t i;

	if (run->opts->budget_ms &&
	    accel_choose(wanted_accel(run), &run->accel, d))
		return EXIT_NO_HOST;
	if (keep_budget(run))
		return EXIT_OUR_FAULT;
	for (i = 0; i < run->plan.n; i++)
		if (!run->opts->budget_ms || !run->plan.cases[i].skip)
			printf("%s\n", run->plan.cases[i].name);
	return EXIT_ALL_OK;
}

static int choose_and_run(struct run *run, struct diag *d)
{
	struct diag why = { 0 };
	int status;

	if (!run->plan.n)
		return empty_shard(run, d);
	if (accel_choose(wanted_accel(run), &run->accel, &why)) {
		status = no_accelerator(run, diag_text(&why), d);
		diag_reset(&why);
		return status;
	}
	run->env.accel = accel_name(run->accel.accel);
	if (keep_budget(run))
		return EXIT_OUR_FAULT;
	if (rundir_open(run->opts->out, &run->dir, d))
		return EXIT_OUR_FAULT;
	run->env.run_dir = rundir_path(run->dir);
	run->env.dump = run->opts->dump;
	if (run_loop(run, d))
		return EXIT_OUR_FAULT;
	return finish(run);
}

/* No case can be run at all: told on stderr and in the stream. */
static int bail_out(const struct run_opts *opts, const char *none,
		    const char *why, int status)
{
	struct tap *tap = tap_create(STDOUT_FILENO, opts->format, 0, none);

	if (tap) {
		tap_bail_out(tap, why);
		tap_finish(tap, -1);
	}
	tap_destroy(tap);
	return status;
}

/* What --kernel names is there, or nothing is started for it. */
static int no_kernel(const struct run *run, struct diag *d)
{
	const struct str_list *asked = &run->opts->plan.kernels;
	size_t i;

	for (i = 0; i < asked->n; i++) {
		struct kernel *k;

		if (kernel_find(asked->items[i], &k, d))
			return bail_out(run->opts, "a kernel is missing",
					diag_text(d), EXIT_NO_HOST);
		kernel_put(k);
	}
	return 0;
}

static int bad_plan(const struct run_opts *opts, const struct problems *p,
		    int err)
{
	char why[1000];
	int status;

	problems_print(p, stderr);
	if (p->n)
		snprintf(why, sizeof(why), "%s%s", p->items[0].where ?: "",
			 p->items[0].msg);
	status = bail_out(opts, "the scenarios could not be read",
			  p->n ? why : strerror(-err), EXIT_BAD_FILE);
	return err == -ENOMEM ? EXIT_OUR_FAULT : status;
}

static int plan_and_run(struct run *run)
{
	const struct run_opts *opts = run->opts;
	struct problems problems = { 0 };
	struct diag d = { 0 };
	int err, status;

	err = plan_make(&opts->plan, &problems, &run->plan);
	if (err) {
		status = bad_plan(opts, &problems, err);
	} else if (opts->plan.list) {
		status = print_list(run, &d);
	} else {
		problems_print(&problems, stderr);
		if (run->replay && replay_check(run->replay, &run->plan, &d))
			status = bail_out(opts, "the run cannot be replayed",
					  diag_text(&d), EXIT_BAD_FILE);
		else
			status = no_kernel(run, &d) ?: choose_and_run(run, &d);
	}
	if (d.msg)
		log_error("run", "%s", diag_text(&d));
	diag_reset(&d);
	problems_reset(&problems);
	run_destroy(run);
	return status;
}

static int open_and_run(struct run_opts *o, int argc, char **argv)
{
	struct run run = {
		.opts = o, .argc = argc, .argv = argv,
		.env = { .accel = "none", .time_factor = 1 },
		.signals.fd = -1, .loop = { .epfd = -1, .stop_fd = -1 },
	};
	struct replay *replay = NULL;
	struct diag d = { 0 };
	int err = o->replay ? replay_open(o, &replay, &d) : 0, status;

	if (err) {
		log_error("run", "%s", diag_text(&d));
		diag_reset(&d);
		status = EXIT_BAD_USAGE;
	} else {
		run.replay = replay;
		if (replay)
			replay_args(replay, &run.argc, &run.argv);
		status = plan_and_run(&run);
	}
	run_opts_reset(o);
	replay_close(replay);
	return status;
}

int cmd_run(int argc, char **argv)
{
	struct run_opts o;
	sigset_t set;
	int status;

	status = run_opts_parse(&o, argc, argv);
	if (status >= 0) {
		run_opts_reset(&o);
		return status;
	}
	/* Before any thread exists, so that all of them inherit it. */
	handled_signals(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	return open_and_run(&o, argc, argv);
}
