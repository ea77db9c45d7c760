// SPDX-License-Identifier: GPL-2.0-only
/*
 * sched: the scheduler under test, from before the payload to after it. It is
 * a program that attaches to sched_ext and stays. Its output goes to the host;
 * its early end, whatever the cause, is told and ends the payload.
 */
#include "tools/guest/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define ATTACH_MS 60000		/* a verifier may be slow, and a guest slower */
#define LOOK_MS 200		/* should the uevent get lost */
#define SERVE_MS 10000		/* from attached to a stats socket, if it has one */
#define DUMP_MS 15000		/* from sched_ext's disable to the program's exit, dump told */
#define STOP_MS 5000

static const char *state_path;
static pid_t pid;
static int out = -1;
static int events = -1;		/* the kernel's uevents: sched_ext tells of root */
static bool left;
static bool asked;		/* to end: what follows is not early */
static uint64_t disabled_ns;	/* sched_ext let go of a program that lives on */
static char last[400], partial[400];
static size_t partial_len;

static bool enabled(void)
{
	char word[32] = "";
	int fd = open(state_path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, word, sizeof(word) - 1);

	if (fd >= 0)
		close(fd);
	return n > 0 && !strncmp(word, "enabled", 7);
}

/* The line to quote: EXIT: of the common helpers, else the last one. */
static void keep_line(void)
{
	partial[partial_len] = 0;
	if (partial_len && strncmp(last, "EXIT:", 5))
		memcpy(last, partial, partial_len + 1);
	partial_len = 0;
}

static void keep_lines(const char *p, size_t len)
{
	for (; len--; p++) {
		if (*p == '\n')
			keep_line();
		else if (partial_len < sizeof(partial) - 1)
			partial[partial_len++] = *p;
	}
}

/* One read, one frame. False where nothing was there. */
static bool pump(void)
{
	size_t max = link_port() < 0 ? 2048 : CHUNK_MAX;
	ssize_t n;

	if (out < 0)
		return false;
	n = read(out, link_buffer(), max);
	if (n > 0) {
		keep_lines((const char *)link_buffer(), (size_t)n);
		link_send(WIRE_SCHED_OUT, 0, link_buffer(), (size_t)n);
		return true;
	}
	if (!n || (errno != EAGAIN && errno != EINTR)) {
		close(out);
		out = -1;
	}
	return false;
}

/* What it said up to now: one that says more and more is not waited for. */
static void pump_rest(void)
{
	int rest = 0;

	if (out >= 0)
		ioctl(out, FIONREAD, &rest);
	while (pump() && rest > 0)
		rest -= 2048;	/* at least, where there is so much */
}

static void tell_exit(int32_t code, uint32_t signal, const char *text)
{
	uint8_t p[sizeof(struct wire_sched_exit) + sizeof(last)];
	size_t n = strlen(text);

	pump_rest();
	keep_line();
	if (!*text)
		text = last, n = strlen(last);
	wire_put32(p, (uint32_t)code);
	wire_put32(p + 4, signal);
	memcpy(p + sizeof(struct wire_sched_exit), text, n);
	link_send(WIRE_SCHED_EXIT, 0, p, sizeof(struct wire_sched_exit) + n);
	left = true;
	probes_tell();
}

bool sched_reaped(pid_t p, int status)
{
	if (!pid || p != pid)
		return false;
	pid = 0;
	if (asked || left)
		return true;
	tell_exit(WIFSIGNALED(status) ? 0 : WEXITSTATUS(status),
		  WIFSIGNALED(status) ? (uint32_t)WTERMSIG(status) : 0, "");
	return true;
}

bool sched_left(void)
{
	return left;
}

static void child(const struct job *job, int fd)
{
	sigset_t none;
	int null = open("/dev/null", O_RDONLY);

	setsid();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	dup2(null, 0);
	dup2(fd, 1);
	dup2(fd, 2);
	clearenv();
	putenv("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	putenv("HOME=/root");
	execvp(job->sched[0], job->sched);
	dprintf(2, "vmtap: %s: %s\n", job->sched[0], strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

static bool start(const struct job *job)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC))
		return false;
	pid = fork();
	if (!pid)
		child(job, fds[1]);
	close(fds[1]);
	out = fds[0];
	fcntl(out, F_SETFL, O_NONBLOCK);
	return pid > 0;
}

static void drop_events(void)
{
	char junk[4096];

	while (events >= 0 && recv(events, junk, sizeof(junk), MSG_DONTWAIT) > 0)
		;
}

/* Schedulers attach first and serve then: the host's first question may be early. */
static void await_socket(void)
{
	uint64_t until = now_ns() + SERVE_MS * 1000000ull;

	while (!relay_ready() && now_ns() < until)
		if (!pump())
			wait_fd(out, POLLIN, 20);
}

bool sched_start(const struct job *job, const char *state)
{
	uint64_t deadline = now_ns() + ATTACH_MS * 1000000ull;
	int status;

	if (!job->nr_sched)
		return true;
	state_path = state;
	events = setup_watch_ports();
	if (access(state, F_OK)) {
		tell_exit(-1, 0, "this kernel has no sched_ext");
		return false;
	}
	if (!start(job))
		crash_die("the scheduler cannot be started: %s", strerror(errno));
	while (!enabled()) {
		struct pollfd p[2] = { { out, POLLIN, 0 }, { events, POLLIN, 0 } };

		if (waitpid(pid, &status, WNOHANG) == pid) {
			sched_reaped(pid, status);
			return false;
		}
		if (now_ns() > deadline) {
			tell_exit(-1, 0, "it did not attach within 60 s");
			return false;
		}
		poll(p, 2, LOOK_MS);
		pump();
		drop_events();
	}
	await_socket();
	link_send(WIRE_SCHED_ON, 0, NULL, 0);
	return true;
}

size_t sched_poll(struct pollfd *p, int *timeout_ms)
{
	size_t n = 0;

	if (out >= 0)
		p[n++] = (struct pollfd){ .fd = out, .events = POLLIN };
	if (pid && events >= 0)
		p[n++] = (struct pollfd){ .fd = events, .events = POLLIN };
	if (disabled_ns && (*timeout_ms < 0 || *timeout_ms > LOOK_MS))
		*timeout_ms = LOOK_MS;
	return n;
}

/*
 * A scheduler that sched_ext threw out prints its dump and ends; one that
 * restarts is enabled again. One that does neither is told after a moment.
 */
void sched_handle(const struct pollfd *p, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		if (p[i].fd == out && p[i].revents)
			pump();
		else if (p[i].fd == events && p[i].revents)
			disabled_ns = disabled_ns ? disabled_ns : now_ns();
	drop_events();
	if (!disabled_ns || !pid || left)
		return;
	if (enabled())
		disabled_ns = 0;
	else if (now_ns() - disabled_ns > DUMP_MS * 1000000ull)
		tell_exit(-1, 0, "sched_ext disabled it, the program lives on");
}

void sched_settle(void)
{
	uint64_t until = now_ns() + DUMP_MS * 1000000ull;
	int status;

	if (pid <= 0 || left || enabled())
		return;
	while (pid > 0 && now_ns() < until) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			sched_reaped(pid, status);
		else if (!pump())
			wait_fd(out, POLLIN, 20);
	}
	if (pid > 0)
		tell_exit(-1, 0, "sched_ext disabled it, the program lives on");
}

void sched_stop(void)
{
	uint64_t until = now_ns() + STOP_MS * 1000000ull;
	int status;

	asked = true;
	if (pid > 0)
		kill(pid, SIGTERM);
	while (pid > 0 && now_ns() < until) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			pid = 0;
		else if (!pump())
			wait_fd(out, POLLIN, 20);
	}
	if (pid > 0)
		kill(pid, SIGKILL);
	pump_rest();
}
