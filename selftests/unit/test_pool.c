// SPDX-License-Identifier: GPL-2.0-only
#include "runner/pool.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vmm/base/buf.h"
#include "vmm/base/util.h"

#include "kselftest_harness.h"

enum act { ACT_REPORT, ACT_CRASH, ACT_SILENT, ACT_HANG, ACT_BIG };

#define NR_MAX 16

struct fake {
	struct event_loop loop;
	struct pool *pool;
	enum act acts[NR_MAX];
	size_t n, next, done;
	char *reports[NR_MAX];
	size_t lens[NR_MAX];
	char why[NR_MAX][200];
	unsigned int phases[NR_MAX];
	unsigned int busy_max;
	bool lost, silent;
	unsigned int asked_again;
};

static void fake_run(void *ctx, size_t index, int fd, struct buf *out)
{
	struct rlimit no_core = { 0, 0 };
	struct fake *f = ctx;

	setrlimit(RLIMIT_CORE, &no_core);
	pool_send_phase(fd, index, "boot");
	switch (f->acts[index]) {
	case ACT_REPORT:
		buf_printf(out, "{\"n\":%zu}\n", index);
		break;
	case ACT_CRASH:
		raise(SIGKILL);
		break;
	case ACT_SILENT:
		break;
	case ACT_HANG:
		pause();
		break;
	case ACT_BIG:
		buf_reserve(out, MiB(8));
		while (out->len < MiB(8))
			buf_puts(out, "0123456789abcdef");
		break;
	}
}

static void fake_phase(void *ctx, size_t index, const char *phase)
{
	struct fake *f = ctx;

	if (!strcmp(phase, "boot"))
		f->phases[index]++;
	f->busy_max = max(f->busy_max, pool_busy(f->pool));
}

static void fake_done(void *ctx, size_t index, const char *report, size_t len,
		      const char *why)
{
	struct fake *f = ctx;

	f->reports[index] = report ? strndup(report, len) : NULL;
	f->lens[index] = len;
	snprintf(f->why[index], sizeof(f->why[index]), "%s", why ? why : "");
	if (++f->done == f->n)
		event_loop_stop(&f->loop);
}

static ssize_t fake_next(void *ctx)
{
	struct fake *f = ctx;

	return f->next < f->n ? (ssize_t)f->next++ : -1;
}

static u64 fake_limit(void *ctx, size_t index)
{
	struct fake *f = ctx;

	return f->acts[index] == ACT_HANG ? 200 * NSEC_PER_MSEC : 0;
}

static bool fake_silent(void *ctx, size_t index)
{
	struct fake *f = ctx;

	f->next = index;
	return !f->asked_again++;
}

static const struct pool_ops fake_ops = {
	.run = fake_run, .phase = fake_phase, .done = fake_done,
	.next = fake_next, .limit_ns = fake_limit,
	.silent = fake_silent,
};

FIXTURE(pool) {
	struct fake f;
};

FIXTURE_SETUP(pool)
{
	signal(SIGPIPE, SIG_IGN);
	memset(&self->f, 0, sizeof(self->f));
	ASSERT_EQ(0, event_loop_init(&self->f.loop, NULL));
	self->f.pool = pool_create(&self->f.loop, &fake_ops, &self->f);
	ASSERT_NE(NULL, self->f.pool);
}

FIXTURE_TEARDOWN(pool)
{
	size_t i;

	pool_destroy(self->f.pool);
	event_loop_deinit(&self->f.loop);
	for (i = 0; i < NR_MAX; i++)
		free(self->f.reports[i]);
	EXPECT_EQ(-1, waitpid(-1, NULL, WNOHANG));
	EXPECT_EQ(ECHILD, errno);
}

TEST_F(pool, reports_come_back_from_two_at_a_time)
{
	char want[32];
	size_t i;

	self->f.n = 6;
	ASSERT_EQ(0, pool_add_local(self->f.pool, NULL));
	ASSERT_EQ(0, pool_add_local(self->f.pool, NULL));
	pool_fill(self->f.pool);
	ASSERT_EQ(0, event_loop_run(&self->f.loop));
	for (i = 0; i < 6; i++) {
		snprintf(want, sizeof(want), "{\"n\":%zu}", i);
		EXPECT_STREQ(want, self->f.reports[i]);
		EXPECT_EQ(1, self->f.phases[i]);
	}
	EXPECT_LE(self->f.busy_max, 2);
	EXPECT_EQ(0, pool_busy(self->f.pool));
}

TEST_F(pool, a_crash_takes_down_its_case_alone)
{
	self->f.n = 3;
	self->f.acts[0] = ACT_CRASH;
	self->f.acts[1] = ACT_SILENT;
	ASSERT_EQ(0, pool_add_local(self->f.pool, NULL));
	pool_fill(self->f.pool);
	ASSERT_EQ(0, event_loop_run(&self->f.loop));
	EXPECT_EQ(NULL, self->f.reports[0]);
	EXPECT_NE(NULL, strstr(self->f.why[0], "signal 9"));
	EXPECT_EQ(NULL, self->f.reports[1]);
	EXPECT_NE(NULL, strstr(self->f.why[1], "no report"));
	EXPECT_STREQ("{\"n\":2}", self->f.reports[2]);
}

TEST_F(pool, a_hang_ends_at_its_limit)
{
	self->f.n = 2;
	self->f.acts[0] = ACT_HANG;
	ASSERT_EQ(0, pool_add_local(self->f.pool, NULL));
	pool_fill(self->f.pool);
	ASSERT_EQ(0, event_loop_run(&self->f.loop));
	EXPECT_EQ(NULL, self->f.reports[0]);
	EXPECT_NE('\0', self->f.why[0][0]);
	EXPECT_STREQ("{\"n\":1}", self->f.reports[1]);
}

TEST_F(pool, a_report_of_many_reads_is_whole)
{
	self->f.n = 1;
	self->f.acts[0] = ACT_BIG;
	ASSERT_EQ(0, pool_add_local(self->f.pool, NULL));
	pool_fill(self->f.pool);
	ASSERT_EQ(0, event_loop_run(&self->f.loop));
	ASSERT_NE(NULL, self->f.reports[0]);
	EXPECT_EQ(MiB(8), self->f.lens[0]);
	EXPECT_EQ(0, memcmp(self->f.reports[0] + MiB(8) - 4, "cdef", 4));
}

TEST_F(pool, destroy_leaves_no_child)
{
	self->f.n = 2;
	self->f.acts[0] = self->f.acts[1] = ACT_HANG;
	ASSERT_EQ(0, pool_add_local(self->f.pool, NULL));
	ASSERT_EQ(0, pool_add_local(self->f.pool, NULL));
	pool_fill(self->f.pool);
	EXPECT_EQ(2, pool_busy(self->f.pool));
	EXPECT_TRUE(pool_running(self->f.pool, 1));
}

/* The far end of a remote slot: answers each request, in @chunk byte writes. */
static void worker_main(int fd, unsigned int answers)
{
	char line[64], out[256];
	FILE *in = fdopen(dup(fd), "r");
	unsigned int n = 0;

	while (n < answers && fgets(line, sizeof(line), in)) {
		unsigned int index = 0, i;
		int len;

		if (sscanf(line, "case %u", &index) != 1)
			_exit(2);
		len = snprintf(out, sizeof(out),
			       "noise\nphase %u boot\nreport 99 {}\nreport %u {\"r\":%u}\n",
			       index, index, index);
		for (i = 0; i < (unsigned int)len; i++)
			if (write(fd, out + i, 1) != 1)
				_exit(3);
		n++;
	}
	_exit(0);
}

static int worker_start(unsigned int answers, pid_t *pid)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds))
		return -1;
	*pid = fork();
	if (!*pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(fds[0]);
		worker_main(fds[1], answers);
	}
	close(fds[1]);
	return fds[0];
}

static void fake_lost(void *ctx, bool silent)
{
	struct fake *f = ctx;

	f->lost = true;
	f->silent = silent;
	if (silent || f->next >= f->n || f->done == f->next)
		event_loop_stop(&f->loop);
}

TEST_F(pool, a_remote_worker_serves_case_after_case)
{
	pid_t pid;
	int fd = worker_start(3, &pid);

	self->f.n = 3;
	ASSERT_EQ(0, pool_add_remote(self->f.pool, fd, fd, fake_lost,
				     &self->f, NULL));
	pool_fill(self->f.pool);
	ASSERT_EQ(0, event_loop_run(&self->f.loop));
	EXPECT_STREQ("{\"r\":0}", self->f.reports[0]);
	EXPECT_STREQ("{\"r\":2}", self->f.reports[2]);
	EXPECT_EQ(1, self->f.phases[1]);
	waitpid(pid, NULL, 0);
}

TEST_F(pool, a_lost_worker_is_told_and_gets_no_more)
{
	pid_t pid;
	int fd = worker_start(1, &pid);

	self->f.n = 3;
	ASSERT_EQ(0, pool_add_remote(self->f.pool, fd, fd, fake_lost,
				     &self->f, NULL));
	pool_fill(self->f.pool);
	ASSERT_EQ(0, event_loop_run(&self->f.loop));
	EXPECT_TRUE(self->f.lost);
	EXPECT_STREQ("{\"r\":0}", self->f.reports[0]);
	EXPECT_EQ(NULL, self->f.reports[1]);
	EXPECT_NE('\0', self->f.why[1][0]);
	EXPECT_EQ(2, self->f.next);
	waitpid(pid, NULL, 0);
}

/* A worker that takes one case and tells nothing; @pongs: but that it lives. */
static int mute_start(unsigned int pongs, pid_t *pid)
{
	char line[64];
	int fds[2];
	FILE *in;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds))
		return -1;
	*pid = fork();
	if (!*pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(fds[0]);
		in = fdopen(dup(fds[1]), "r");
		while (fgets(line, sizeof(line), in)) {
			if (strcmp(line, "ping\n") || !pongs)
				continue;
			dprintf(fds[1], "%s", --pongs ? "pong\n" : "report 0 {}\n");
		}
		_exit(0);
	}
	close(fds[1]);
	return fds[0];
}

TEST_F(pool, a_silent_worker_is_given_up_and_its_case_runs_once_more)
{
	pid_t pids[2];
	int i;

	self->f.n = 1;
	pool_set_patience(self->f.pool, 10 * NSEC_PER_MSEC, 200 * NSEC_PER_MSEC);
	for (i = 0; i < 2; i++) {
		int fd = mute_start(0, &pids[i]);

		ASSERT_EQ(0, pool_add_remote(self->f.pool, fd, fd, fake_lost,
					     &self->f, NULL));
		self->f.lost = false;
		pool_fill(self->f.pool);
		EXPECT_EQ(1, pool_busy(self->f.pool));
		ASSERT_EQ(0, event_loop_run(&self->f.loop));
		EXPECT_TRUE(self->f.lost);
		EXPECT_TRUE(self->f.silent);
		EXPECT_EQ(i, self->f.done);
		EXPECT_EQ(i + 1, self->f.asked_again);
		close(fd);
		waitpid(pids[i], NULL, 0);
	}
	EXPECT_STREQ("the worker answers no more", self->f.why[0]);
}

TEST_F(pool, a_worker_that_answers_may_take_its_time)
{
	pid_t pid;
	/* In all longer than the patience, which a busy machine must not try. */
	int fd = mute_start(110, &pid);

	self->f.n = 1;
	pool_set_patience(self->f.pool, 30 * NSEC_PER_MSEC, 3 * NSEC_PER_SEC);
	ASSERT_EQ(0, pool_add_remote(self->f.pool, fd, fd, fake_lost, &self->f,
				     NULL));
	pool_fill(self->f.pool);
	ASSERT_EQ(0, event_loop_run(&self->f.loop));
	EXPECT_FALSE(self->f.lost);
	EXPECT_STREQ("{}", self->f.reports[0]);
	EXPECT_EQ(0, self->f.asked_again);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

TEST_HARNESS_MAIN
