// SPDX-License-Identifier: GPL-2.0-only
/* Cases in processes of their own; see pool.h. */
#include "runner/pool.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vmm/base/buf.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/diag.h"
#include "vmm/base/io.h"
#include "vmm/base/log.h"

/* A report holds at most a few MiB of guest text; beyond is a lost stream. */
#define POOL_MAX_LINE MiB(64)

struct slot {
	struct event_source src;	/* the message stream; fd -1 when none */
	struct event_source timer;	/* the case's limit */
	struct event_source ping;	/* a remote's: look for signs of life */
	u64 heard_ns;			/* when the last byte came */
	struct pool *pool;
	struct slot *next;
	pid_t pid;			/* local child; 0 when none */
	int to_fd;			/* a remote's requests; -1 for a local one */
	bool remote;
	bool dead;			/* a remote whose far end went away */
	ssize_t index;			/* case in flight, -1 when idle */
	char *report;
	size_t report_len;
	struct buf in;
	size_t scanned;			/* bytes of @in known to hold no newline */
	void (*lost)(void *arg, bool silent);
	void *lost_arg;
};

struct pool {
	struct event_loop *loop;
	const struct pool_ops *ops;
	void *ctx;
	struct slot *slots;
	bool killed;
	u64 ping_ns, silent_ns;
};

struct pool *pool_create(struct event_loop *loop, const struct pool_ops *ops,
			 void *ctx)
{
	struct pool *pool = calloc(1, sizeof(*pool));

	if (!pool)
		return NULL;
	pool->loop = loop;
	pool->ops = ops;
	pool->ctx = ctx;
	pool_set_patience(pool, POOL_PING_NS, POOL_SILENT_NS);
	return pool;
}

void pool_set_patience(struct pool *pool, u64 ping_ns, u64 silent_ns)
{
	pool->ping_ns = ping_ns;
	pool->silent_ns = silent_ns;
}

static void slot_close(struct slot *s)
{
	if (s->src.fd < 0)
		return;
	event_del(s->pool->loop, &s->src);
	if (!s->remote)
		close(s->src.fd);
	s->src.fd = -1;
	if (s->ping.fd >= 0) {
		event_del(s->pool->loop, &s->ping);
		close(s->ping.fd);
		s->ping.fd = -1;
	}
	buf_reset(&s->in);
	s->scanned = 0;
}

void pool_destroy(struct pool *pool)
{
	struct slot *s, *next;

	if (!pool)
		return;
	pool_kill(pool);
	for (s = pool->slots; s; s = next) {
		next = s->next;
		if (s->pid)
			waitpid(s->pid, NULL, 0);
		slot_close(s);
		event_del(pool->loop, &s->timer);
		close(s->timer.fd);
		free(s->report);
		free(s);
	}
	free(pool);
}

static void slot_finish(struct slot *s, const char *why)
{
	char *report __free(cleanup_free) = take_ptr(s->report);
	ssize_t index = s->index;

	event_timer_arm(s->timer.fd, 0, 0);
	s->index = -1;
	if (index >= 0)
		s->pool->ops->done(s->pool->ctx, (size_t)index, report,
				   s->report_len, report ? NULL : why);
}

/* The child's end, in words, where it left no report. */
static void describe_exit(int status, char *why, size_t size)
{
	if (WIFSIGNALED(status))
		snprintf(why, size, "the case's process died of signal %d (%s)",
			 WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		snprintf(why, size,
			 "the case's process ended with status %d and no report",
			 WEXITSTATUS(status));
}

static void slot_ended(struct slot *s)
{
	char why[160] = "";
	int status = 0;

	slot_close(s);
	while (waitpid(s->pid, &status, 0) < 0 && errno == EINTR)
		;
	s->pid = 0;
	describe_exit(status, why, sizeof(why));
	slot_finish(s, s->report ? NULL : why);
	pool_fill(s->pool);
}

/* @again: what went wrong is no fault of the case in flight. */
static void slot_lost(struct slot *s, const char *why, bool silent, bool again)
{
	const struct pool_ops *ops = s->pool->ops;

	slot_close(s);
	s->dead = true;
	if (again && s->index >= 0 && ops->silent &&
	    ops->silent(s->pool->ctx, (size_t)s->index))
		s->index = -1;
	slot_finish(s, why);
	s->lost(s->lost_arg, silent);
	pool_fill(s->pool);
}

/* Take "WORD INDEX " off the line where the index is the case in flight. */
static const char *message_body(const struct slot *s, const char *line,
				const char *word)
{
	size_t n = strlen(word);
	char *end;

	if (strncmp(line, word, n) || s->index < 0 ||
	    strtoll(line + n, &end, 10) != s->index || *end != ' ')
		return NULL;
	return end + 1;
}

static void slot_message(struct slot *s, char *line, size_t len)
{
	const char *body;

	line[len] = '\0';
	body = message_body(s, line, "phase ");
	if (body) {
		s->pool->ops->phase(s->pool->ctx, (size_t)s->index, body);
		return;
	}
	body = message_body(s, line, "report ");
	if (!body || s->report) {
		if (strcmp(line, "pong"))
			log_debug("pool", "a line that is no message: %.80s", line);
		return;
	}
	s->report_len = len - (size_t)(body - line);
	s->report = malloc(s->report_len + 1);
	if (s->report)
		memcpy(s->report, body, s->report_len + 1);
}

static void slot_ready(struct event_source *src, u32 events)
{
	struct slot *s = container_of(src, struct slot, src);
	size_t start = 0;
	ssize_t n;
	char *nl;

	(void)events;
	if (buf_reserve(&s->in, 65536) || s->in.len > POOL_MAX_LINE)
		goto lost;
	n = read(src->fd, s->in.data + s->in.len, 65536);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0)
		goto lost;
	s->heard_ns = now_ns();
	s->in.len += (size_t)n;
	while ((nl = memchr(s->in.data + s->scanned, '\n',
			    s->in.len - s->scanned))) {
		size_t end = (size_t)(nl - s->in.data);

		slot_message(s, s->in.data + start, end - start);
		start = end + 1;
		s->scanned = start;
	}
	buf_consume(&s->in, start);
	s->scanned = s->in.len;
	/* A local child closes its end; a worker lives on for the next case. */
	if (s->remote && s->report) {
		slot_finish(s, NULL);
		pool_fill(s->pool);
	}
	return;
lost:
	if (s->remote) {
		slot_lost(s, "the worker went away", false, false);
		return;
	}
	kill(s->pid, SIGKILL);
	slot_ended(s);
}

static void slot_expired(struct event_source *src, u32 events)
{
	struct slot *s = container_of(src, struct slot, timer);

	(void)events;
	if (!event_drain(src->fd) || s->index < 0)
		return;
	if (s->pid)
		kill(s->pid, SIGKILL);	/* its stream ends: slot_ended() */
	else
		slot_lost(s, "the worker did not end the case in time", true, false);
}

/*
 * A nested host can stop for good: its CPU sleeps and no timer wakes it. What
 * comes in does wake it, in some of these cases.
 */
static void slot_ping(struct event_source *src, u32 events)
{
	struct slot *s = container_of(src, struct slot, ping);
	static const char line[] = "ping\n";

	(void)events;
	if (!event_drain(src->fd))
		return;
	if (now_ns() - s->heard_ns >= s->pool->silent_ns)
		slot_lost(s, "the worker answers no more", true, true);
	else
		io_write_full(s->to_fd, line, sizeof(line) - 1);
}

static struct slot *slot_create(struct pool *pool, struct diag *d)
{
	struct slot *s = calloc(1, sizeof(*s));
	int err;

	if (!s) {
		diag_fail(d, -ENOMEM, NULL, "no memory for a job slot");
		return NULL;
	}
	s->pool = pool;
	s->index = -1;
	s->to_fd = -1;
	s->src = (struct event_source){ -1, slot_ready };
	s->ping = (struct event_source){ -1, slot_ping };
	s->timer = (struct event_source){ event_timer_create(), slot_expired };
	if (s->timer.fd < 0) {
		diag_fail(d, s->timer.fd, NULL, "timerfd: %s",
			  strerror(-s->timer.fd));
		free(s);
		return NULL;
	}
	err = event_add(pool->loop, &s->timer, EPOLLIN, d);
	if (err) {
		close(s->timer.fd);
		free(s);
		return NULL;
	}
	s->next = pool->slots;
	pool->slots = s;
	return s;
}

int pool_add_local(struct pool *pool, struct diag *d)
{
	return slot_create(pool, d) ? 0 : -ENOMEM;
}

int pool_add_remote(struct pool *pool, int from_fd, int to_fd,
		    void (*lost)(void *arg, bool silent), void *arg,
		    struct diag *d)
{
	struct slot *s = slot_create(pool, d);
	int err;

	if (!s)
		return -ENOMEM;
	s->remote = true;
	s->lost = lost;
	s->lost_arg = arg;
	s->src.fd = from_fd;
	s->to_fd = to_fd;
	s->heard_ns = now_ns();
	s->ping.fd = event_timer_create();
	if (s->ping.fd < 0)
		return diag_fail(d, s->ping.fd, NULL, "timerfd: %s",
				 strerror(-s->ping.fd));
	event_timer_arm(s->ping.fd, pool->ping_ns, pool->ping_ns);
	err = event_add(pool->loop, &s->ping, EPOLLIN, d);
	return err ? err : event_add(pool->loop, &s->src, EPOLLIN, d);
}

static void child_main(struct pool *pool, size_t index, int fd, pid_t parent)
{
	struct buf report = { 0 };
	sigset_t none;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	/* Out of the terminal's group: Ctrl-C is the parent's to handle. */
	setpgid(0, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_IGN);

	pool->ops->run(pool->ctx, index, fd, &report);
	_exit(report.failed || !report.len ||
	      pool_send_report(fd, index, report.data, report.len));
}

static int slot_fork(struct slot *s, size_t index)
{
	pid_t parent = getpid();
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		return -errno;
	s->pid = fork();
	if (s->pid < 0) {
		int err = -errno;

		s->pid = 0;
		close(fds[0]);
		close(fds[1]);
		return err;
	}
	if (!s->pid) {
		close(fds[0]);
		child_main(s->pool, index, fds[1], parent);
	}
	close(fds[1]);
	s->src.fd = fds[0];
	return event_add(s->pool->loop, &s->src, EPOLLIN, NULL);
}

static int slot_request(struct slot *s, size_t index)
{
	char line[64];
	int n = snprintf(line, sizeof(line), "case %zu\n", index);

	return io_write_full(s->to_fd, line, (size_t)n);
}

static void slot_start(struct slot *s, size_t index)
{
	u64 limit = s->pool->ops->limit_ns(s->pool->ctx, index);
	char why[160];
	int err;

	s->index = (ssize_t)index;
	if (limit)
		event_timer_arm(s->timer.fd, limit, 0);
	err = s->remote ? slot_request(s, index) : slot_fork(s, index);
	if (!err)
		return;
	s->dead = s->remote;	/* its end of file tells the rest */
	snprintf(why, sizeof(why), "cannot start a process for the case: %s",
		 strerror(-err));
	slot_finish(s, why);
}

void pool_fill(struct pool *pool)
{
	struct slot *s;

	for (s = pool->slots; s && !pool->killed; s = s->next) {
		while (s->index < 0 && !s->dead) {
			ssize_t index = pool->ops->next(pool->ctx);

			if (index < 0)
				return;
			slot_start(s, (size_t)index);
		}
	}
}

unsigned int pool_busy(const struct pool *pool)
{
	const struct slot *s;
	unsigned int n = 0;

	for (s = pool->slots; s; s = s->next)
		n += s->index >= 0;
	return n;
}

bool pool_running(const struct pool *pool, size_t index)
{
	const struct slot *s;

	for (s = pool->slots; s; s = s->next)
		if (s->index == (ssize_t)index)
			return true;
	return false;
}

void pool_kill(struct pool *pool)
{
	struct slot *s;

	pool->killed = true;
	for (s = pool->slots; s; s = s->next)
		if (s->pid)
			kill(s->pid, SIGKILL);
}

void pool_send_phase(int fd, size_t index, const char *phase)
{
	char line[128];
	int n = snprintf(line, sizeof(line), "phase %zu %.60s\n", index, phase);

	io_write_full(fd, line, (size_t)n);
}

int pool_send_report(int fd, size_t index, const char *report, size_t len)
{
	char head[64];
	int n = snprintf(head, sizeof(head), "report %zu ", index);
	int err;

	if (len && report[len - 1] == '\n')
		len--;
	err = io_write_full(fd, head, (size_t)n);
	if (!err)
		err = io_write_full(fd, report, len);
	return err ? err : io_write_full(fd, "\n", 1);
}
