// SPDX-License-Identifier: GPL-2.0-only
/* Cases on request, inside a nested host; see worker.h. */
#include "runner/worker.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "runner/exec.h"
#include "runner/plan.h"
#include "runner/pool.h"
#include "runner/problem.h"
#include "runner/report.h"
#include "vmm/base/buf.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/diag.h"
#include "vmm/base/io.h"
#include "vmm/base/log.h"
#include "vmm/event.h"

struct told {
	int fd;
	size_t index;
};

static void tell_phase(void *ctx, const char *name)
{
	struct told *t = ctx;

	pool_send_phase(t->fd, t->index, name);
}

void run_one(const struct exec_env *env, const struct plan *plan, size_t index,
	     int fd, struct buf *out)
{
	struct told t = { fd, index };
	struct exec_env own = *env;
	struct report *r;

	own.phase = tell_phase;
	own.ctx = &t;
	r = exec_case(&own, &plan->cases[index]);
	if (r)
		report_encode(r, out);
	report_destroy(r);
}

struct worker {
	struct event_loop loop;
	struct event_source in;
	struct pool *pool;
	struct plan plan;
	struct exec_env env;
	struct buf line;
	ssize_t asked;
};

static void worker_run(void *ctx, size_t index, int fd, struct buf *out)
{
	struct worker *w = ctx;

	run_one(&w->env, &w->plan, index, fd, out);
}

static void worker_phase(void *ctx, size_t index, const char *phase)
{
	(void)ctx;
	pool_send_phase(STDOUT_FILENO, index, phase);
}

/* The case's process died: the report that it could not write. */
static void worker_done(void *ctx, size_t index, const char *report, size_t len,
			const char *why)
{
	struct worker *w = ctx;
	struct buf line = { 0 };
	struct report *r;

	if (report) {
		pool_send_report(STDOUT_FILENO, index, report, len);
		return;
	}
	r = report_create(w->plan.cases[index].name,
			  w->plan.cases[index].index);
	if (r && !report_set(r, OUTCOME_ERROR, why) &&
	    !report_encode(r, &line))
		pool_send_report(STDOUT_FILENO, index, line.data, line.len);
	report_destroy(r);
	buf_reset(&line);
}

static ssize_t worker_next(void *ctx)
{
	struct worker *w = ctx;
	ssize_t index = w->asked;

	w->asked = -1;
	return index;
}

static u64 worker_limit(void *ctx, size_t index)
{
	struct worker *w = ctx;

	return exec_limit_ns(&w->plan.cases[index], w->env.time_factor);
}

static const struct pool_ops worker_ops = {
	.run = worker_run, .phase = worker_phase, .done = worker_done,
	.next = worker_next, .limit_ns = worker_limit,
};

static void worker_line(struct worker *w, const char *line)
{
	size_t index;

	if (sscanf(line, "factor %lf", &w->env.time_factor) == 1)
		return;
	if (!strcmp(line, "ping")) {
		io_write_full(STDOUT_FILENO, "pong\n", 5);
		return;
	}
	if (sscanf(line, "case %zu", &index) != 1 || index >= w->plan.n) {
		log_error("worker", "a line that is no request: %.80s", line);
		return;
	}
	w->asked = (ssize_t)index;
	pool_fill(w->pool);
}

static void worker_ready(struct event_source *src, u32 events)
{
	struct worker *w = container_of(src, struct worker, in);
	ssize_t n;
	char *nl;

	(void)events;
	if (buf_reserve(&w->line, 4096))
		goto end;
	n = read(src->fd, w->line.data + w->line.len, 4096);
	if (n < 0 && errno == EINTR)
		return;
	if (n <= 0)
		goto end;
	w->line.len += (size_t)n;
	while ((nl = memchr(w->line.data, '\n', w->line.len))) {
		*nl = '\0';
		worker_line(w, w->line.data);
		buf_consume(&w->line, (size_t)(nl - w->line.data) + 1);
	}
	return;
end:
	event_loop_stop(&w->loop);
}

static int worker_loop(struct worker *w, struct diag *d)
{
	int err = event_loop_init(&w->loop, d);

	if (err)
		return err;
	w->pool = pool_create(&w->loop, &worker_ops, w);
	if (!w->pool)
		return diag_fail(d, -ENOMEM, NULL, "no memory");
	w->in = (struct event_source){ STDIN_FILENO, worker_ready };
	err = pool_add_local(w->pool, d);
	if (!err)
		err = event_add(&w->loop, &w->in, EPOLLIN, d);
	if (!err)
		err = event_loop_run(&w->loop);
	pool_destroy(w->pool);
	event_loop_deinit(&w->loop);
	return err;
}

int cmd_worker(int argc, char **argv)
{
	static const struct option longopts[] = {
		PLAN_LONGOPTS,
		{ "out", required_argument, NULL, 'o' },
		{ "accel", required_argument, NULL, 'a' },
		{ "keep-vmcore", required_argument, NULL, 'c' },
		{ "vmcore-limit", required_argument, NULL, 'L' },
		{ NULL, 0, NULL, 0 },
	};
	struct worker w = {
		.env = { .accel = "nested", .time_factor = 1 }, .asked = -1,
	};
	struct problems problems = { 0 };
	struct plan_opts opts = { 0 };
	struct diag d = { 0 };
	int opt, err = 0;

	signal(SIGPIPE, SIG_IGN);
	while (!err && (opt = getopt_long(argc, argv, PLAN_SHORTOPTS "o:a:",
					  longopts, NULL)) != -1) {
		if (opt == 'o')
			w.env.run_dir = optarg;
		else if (opt == 'a')
			w.env.accel = optarg;
		else if (opt == 'c')
			err = dump_keep_parse(optarg, &w.env.dump.keep, &d);
		else if (opt == 'L')
			err = dump_limit_parse(optarg, &w.env.dump.limit, &d);
		else if (plan_opts_take(&opts, opt, optarg, &d) != 1)
			err = -EINVAL;
	}
	for (; optind < argc && !err; optind++)
		err = plan_opts_add_path(&opts, argv[optind]);
	if (!err && plan_make(&opts, &problems, &w.plan)) {
		problems_print(&problems, stderr);
		err = -EINVAL;
	} else if (!err) {
		err = worker_loop(&w, &d);
		plan_destroy(&w.plan);
	}
	if (err && d.msg)
		log_error("worker", "%s", diag_text(&d));
	diag_reset(&d);
	problems_reset(&problems);
	plan_opts_reset(&opts);
	buf_reset(&w.line);
	return err ? EXIT_OUR_FAULT : EXIT_ALL_OK;
}

const char **worker_command(const char *self, const struct plan_opts *o,
			    const char *seed, const struct dump_policy *dump,
			    const char *run_dir)
{
	size_t n = 0, i, most = 28 + 2 * (o->paths.n + o->kernels.n +
		o->filters.n + o->excludes.n + o->tags.n + o->sets.n);
	const char **argv = calloc(most, sizeof(*argv));
	static char repeat[16], shard[32], limit[32];

	if (!argv)
		return NULL;
	argv[n++] = self;
	argv[n++] = "worker";
	argv[n++] = "--accel";
	argv[n++] = "nested";
	argv[n++] = "--seed";
	argv[n++] = seed;
	argv[n++] = "--keep-vmcore";
	argv[n++] = dump_keep_name(dump->keep);
	if (dump->limit) {
		snprintf(limit, sizeof(limit), "%llu",
			 (unsigned long long)dump->limit);
		argv[n++] = "--vmcore-limit";
		argv[n++] = limit;
	}
	if (run_dir) {
		argv[n++] = "--out";
		argv[n++] = run_dir;
	}
#define WORDS(list, word)						\
	for (i = 0; i < (list).n; i++) {				\
		argv[n++] = word;					\
		argv[n++] = (list).items[i];				\
	}
	WORDS(o->kernels, "--kernel");
	WORDS(o->filters, "--filter");
	WORDS(o->excludes, "--exclude");
	WORDS(o->tags, "--tag");
	WORDS(o->sets, "--set");
#undef WORDS
	if (o->repeat) {
		snprintf(repeat, sizeof(repeat), "%u", o->repeat);
		argv[n++] = "--repeat";
		argv[n++] = repeat;
	}
	if (o->shard) {
		snprintf(shard, sizeof(shard), "%u/%u", o->shard, o->shards);
		argv[n++] = "--shard";
		argv[n++] = shard;
	}
	if (o->timeout) {
		argv[n++] = "--timeout";
		argv[n++] = o->timeout;
	}
	if (o->shuffle)
		argv[n++] = "--shuffle";
	if (o->exec) {
		argv[n++] = "--exec";
		argv[n++] = o->exec;
	}
	argv[n++] = "--";
	for (i = 0; i < o->paths.n; i++)
		argv[n++] = o->paths.items[i];
	return argv;
}
