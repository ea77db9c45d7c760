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

#include "runner/accel.h"
#include "runner/exec.h"
#include "runner/hosts.h"
#include "runner/kernel.h"
#include "runner/outputs.h"
#include "runner/plan.h"
#include "runner/pool.h"
#include "runner/problem.h"
#include "runner/progress.h"
#include "runner/report.h"
#include "runner/repro.h"
#include "runner/run_opts.h"
#include "runner/rundir.h"
#include "runner/tap.h"
#include "runner/value.h"
#include "runner/worker.h"
#include "vmm/base/buf.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/diag.h"
#include "vmm/base/log.h"
#include "vmm/event.h"
#include "vmm/kimage.h"

/* After a signal all must be over within a second; most of it is the reader's. */
#define SIGNAL_FLUSH_MS 600

enum case_state { CASE_WAITING, CASE_RUNNING, CASE_DONE };

struct run_case {
	enum case_state state;
	unsigned int attempts;		/* runs that ended */
	struct value *failed;		/* reasons of earlier attempts */
	struct report *report;
};

struct run {
	const struct run_opts *opts;
	int argc;
	char **argv;
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

/* --- reports ------------------------------------------------------------ */

static void add_repro(const struct run *run, size_t index, struct report *r)
{
	char *cmd __free(cleanup_free) =
		repro_command(&run->opts->plan, run->plan.seed, run->env.accel,
			      run->plan.cases[index].name);

	if (cmd)
		value_set(r->block, "repro", value_str(cmd));
}

static void print_report(struct run *run, size_t index)
{
	struct report *r = run->cases[index].report;
	char *dir __free(cleanup_free) =
		exec_case_dir("", run->plan.cases[index].name);

	outputs_case(run->out, r, dir ? dir + 1 : NULL);
	report_destroy(r);
	run->cases[index].report = NULL;
}

static void print_ready(struct run *run)
{
	while (run->printed < run->plan.n &&
	       run->cases[run->printed].state == CASE_DONE)
		print_report(run, run->printed++);
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
	rc->report = r;
	rc->state = CASE_DONE;
	if (is_failure(r) && run->opts->until_fail)
		run->stopping = true;
	print_ready(run);
	if (run->printed == run->plan.n)
		event_loop_stop(&run->loop);
}

static struct report *plain_report(const struct test_case *c, enum outcome o,
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
	struct report *r = plain_report(&run->plan.cases[index], o, reason);

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
	rc->state = CASE_WAITING;
	run->next = min(run->next, index);
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
	progress_done(run->progress, index);
	if (line && report_decode(line, len, &r, &d))
		why = diag_text(&d);
	if (!r)
		r = plain_report(&run->plan.cases[index], OUTCOME_ERROR, why);
	diag_reset(&d);
	if (!r) {
		event_loop_stop(&run->loop);
		return;
	}
	if (try_again(run, index, r)) {
		report_destroy(r);
		return;
	}
	finish_case(run, index, r);
}

static ssize_t on_next(void *ctx)
{
	struct run *run = ctx;

	while (run->next < run->plan.n) {
		size_t index = run->next++;
		char *unmet __free(cleanup_free) = NULL;

		if (run->cases[index].state != CASE_WAITING)
			continue;
		if (run->stopping) {
			end_case(run, index, OUTCOME_SKIP,
				 "not run: --until-fail ended the run at an earlier failure");
			continue;
		}
		unmet = exec_unmet(&run->env, &run->plan.cases[index]);
		if (unmet) {
			end_case(run, index, OUTCOME_SKIP, unmet);
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

static const struct pool_ops run_pool_ops = {
	.run = on_run, .phase = on_phase, .done = on_done, .next = on_next,
	.limit_ns = on_limit,
};

/* --- where it runs ------------------------------------------------------ */

static void on_host_up(void *ctx, u64 boot_ms, double factor)
{
	struct run *run = ctx;
	char note[160];

	snprintf(note, sizeof(note),
		 "nested host up after %llu ms, guest timeouts times %.1f",
		 (unsigned long long)boot_ms, factor);
	progress_note(run->progress, note);
	tap_comment(outputs_tap(run->out), "%s", note);
}

static void on_no_host(void *ctx, const char *why)
{
	struct run *run = ctx;

	snprintf(run->bail, sizeof(run->bail), "no nested host: %s", why);
	event_loop_stop(&run->loop);
}

static u64 largest_memory(const struct run *run)
{
	u64 most = MiB(256);
	size_t i;

	for (i = 0; i < run->plan.n; i++)
		most = max(most, run->plan.cases[i].scenario->vm.memory);
	return most;
}

static u64 memory_available(void)
{
	FILE *f = fopen("/proc/meminfo", "re");
	unsigned long long kib = 0;
	char line[128];

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "MemAvailable: %llu", &kib) == 1)
			break;
	if (f)
		fclose(f);
	return kib ? KiB(kib) : GiB(1);
}

/* Cores, and no more guests than the memory holds (a host costs some too). */
static unsigned int count_jobs(const struct run *run)
{
	bool nested = run->accel.accel == ACCEL_NESTED;
	u64 each = largest_memory(run) + (nested ? MiB(768) : MiB(64));
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	u64 fit = memory_available() * 3 / 4 / each;
	u64 jobs = run->opts->jobs;

	if (!jobs)
		jobs = min((u64)max(cores, 1L), fit);
	jobs = min(jobs, (u64)run->plan.n);
	return (unsigned int)max(jobs, (u64)1);
}

static int start_slots(struct run *run, struct diag *d)
{
	static char self[4096], seed[32];
	unsigned int jobs = count_jobs(run), i;
	struct hosts_cfg cfg = {
		.loop = &run->loop, .pool = run->pool, .count = jobs,
		.guest_memory = largest_memory(run),
		.up = on_host_up, .none = on_no_host, .ctx = run,
	};
	ssize_t n;
	int err = 0;

	if (run->accel.accel == ACCEL_KVM) {
		for (i = 0; i < jobs && !err; i++)
			err = pool_add_local(run->pool, d);
		if (!err)
			pool_fill(run->pool);
		return err;
	}
	n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (n < 0)
		return diag_fail(d, -errno, NULL, "/proc/self/exe: %m");
	self[n] = '\0';
	snprintf(seed, sizeof(seed), "0x%llx", (unsigned long long)run->plan.seed);
	cfg.argv = worker_command(self, &run->opts->plan, seed,
				  run->env.run_dir);
	if (!cfg.argv)
		return diag_fail(d, -ENOMEM, NULL, "no memory");
	progress_note(run->progress, "booting a nested host");
	return hosts_start(&cfg, &run->hosts, d);
}

/*
 * Unpack each kernel here, natively, where it is not in the cache yet: a
 * nested host would take many times longer. What fails is told by the cases.
 */
static void warm_kernels(const struct run *run)
{
	size_t i, j;

	for (i = 0; i < run->plan.n; i++) {
		const struct scen_kernel *k = &run->plan.cases[i].scenario->kernel;
		const char *spec = k->image ? k->image : k->release;
		struct kernel *kernel = NULL;
		struct kimage *image = NULL;

		for (j = 0; j < i; j++) {
			const struct scen_kernel *o =
				&run->plan.cases[j].scenario->kernel;
			const char *other = o->image ? o->image : o->release;

			if (spec == other || (spec && other && !strcmp(spec, other)))
				break;
		}
		if (j < i || kernel_find(spec, &kernel, NULL))
			continue;
		if (!kimage_open(kernel->image, 0, &image, NULL))
			kimage_close(image);
		kernel_put(kernel);
	}
}

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

/* What is done is printed, what ran fails with the reason, then Bail out!. */
static void end_early(struct run *run, const char *why)
{
	char reason[340];

	snprintf(reason, sizeof(reason), "interrupted: %s", why);
	while (run->printed < run->plan.n) {
		struct run_case *rc = &run->cases[run->printed];

		if (rc->state == CASE_WAITING && !rc->failed)
			break;
		if (rc->state != CASE_DONE) {
			rc->report = plain_report(&run->plan.cases[run->printed],
						  OUTCOME_FAIL, reason);
			if (!rc->report)
				break;
		}
		print_report(run, run->printed++);
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

static int finish(struct run *run)
{
	int status;

	if (run->signal) {
		unblock_signals();
		pool_kill(run->pool);
		end_early(run, strsignal(run->signal));
	} else if (run->bail[0]) {
		end_early(run, run->bail);
	}
	status = exit_status(run);
	outputs_finish(run->out, status, run->signal ? strsignal(run->signal) :
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
	warm_kernels(run);
	/* What needs no machine is over before one is started. */
	err = start_slots(run, d);
	if (err) {
		snprintf(run->bail, sizeof(run->bail), "%s", diag_text(d));
		diag_reset(d);
		return 0;
	}
	if (run->printed < run->plan.n)
		err = event_loop_run(&run->loop);
	return err;
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
		struct report *r = plain_report(&run->plan.cases[i],
						OUTCOME_SKIP, why);

		if (r)
			outputs_case(run->out, r, NULL);
		report_destroy(r);
	}
	if (bail)
		tap_bail_out(outputs_tap(run->out), why);
	status = bail ? EXIT_NO_HOST : exit_status(run);
	outputs_finish(run->out, status, bail ? why : NULL, -1);
	log_warn(NULL, "%s", why);
	return status;
}

static int empty_shard(struct run *run, struct diag *d)
{
	if (open_outputs(run, "no case in this shard", d))
		return EXIT_OUR_FAULT;
	outputs_finish(run->out, EXIT_ALL_OK, NULL, -1);
	return EXIT_ALL_OK;
}

static int choose_and_run(struct run *run, struct diag *d)
{
	enum accel want = run->opts->require_kvm ? ACCEL_KVM : run->opts->accel;
	struct diag why = { 0 };
	int status;

	if (!run->plan.n)
		return empty_shard(run, d);
	if (accel_choose(want, &run->accel, &why)) {
		status = no_accelerator(run, diag_text(&why), d);
		diag_reset(&why);
		return status;
	}
	run->env.accel = accel_name(run->accel.accel);
	if (rundir_open(run->opts->out, &run->dir, d))
		return EXIT_OUR_FAULT;
	run->env.run_dir = rundir_path(run->dir);
	if (run_loop(run, d))
		return EXIT_OUR_FAULT;
	return finish(run);
}

static int bad_plan(const struct run_opts *opts, const struct problems *p,
		    int err)
{
	struct tap *tap = tap_create(STDOUT_FILENO, opts->format, 0,
				     "the scenarios could not be read");

	problems_print(p, stderr);
	if (tap) {
		tap_bail_out(tap, p->n ? p->items[0].msg : strerror(-err));
		tap_finish(tap, -1);
	}
	tap_destroy(tap);
	return err == -ENOMEM ? EXIT_OUR_FAULT : EXIT_BAD_FILE;
}

static int plan_and_run(const struct run_opts *opts, int argc, char **argv)
{
	struct problems problems = { 0 };
	struct diag d = { 0 };
	struct run run = {
		.opts = opts, .argc = argc, .argv = argv,
		.env = { .accel = "none", .time_factor = 1 },
		.signals.fd = -1, .loop = { .epfd = -1, .stop_fd = -1 },
	};
	int err, status;
	size_t i;

	err = plan_make(&opts->plan, &problems, &run.plan);
	if (err) {
		status = bad_plan(opts, &problems, err);
	} else if (opts->plan.list) {
		for (i = 0; i < run.plan.n; i++)
			printf("%s\n", run.plan.cases[i].name);
		status = EXIT_ALL_OK;
	} else {
		problems_print(&problems, stderr);
		status = choose_and_run(&run, &d);
		if (d.msg)
			log_error("run", "%s", diag_text(&d));
		diag_reset(&d);
	}
	problems_reset(&problems);
	run_destroy(&run);
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
	status = plan_and_run(&o, argc, argv);
	run_opts_reset(&o);
	return status;
}
