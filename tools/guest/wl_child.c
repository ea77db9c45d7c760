// SPDX-License-Identifier: GPL-2.0-only
/*
 * wl_child: waiting, which is where children are reaped and signals served;
 * and the children that are no workers: scripts of operations, the payload.
 */
#include "tools/guest/wl_run.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

int wl_complain(struct wl_run *run, const char *fmt, ...)
{
	va_list ap;

	run->broken = true;
	fputs("vmtap-workload: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return -1;
}

static void reap(struct wl_run *run)
{
	struct rusage use;
	int status;
	pid_t pid;

	while ((pid = wait4(-1, &status, WNOHANG, &use)) > 0) {
		if (wl_teams_ended(run, pid, status, &use))
			continue;
		for (size_t i = 0; i < run->nr_children; i++) {
			if (run->children[i].pid != pid)
				continue;
			run->children[i].pid = 0;
			run->children[i].status = status;
		}
	}
}

static void wait_once(struct wl_run *run, uint64_t until)
{
	struct pollfd p = { .fd = run->signals, .events = POLLIN };
	uint64_t now = wl_now(), left = until > now ? until - now : 0;
	const struct timespec ts = {
		.tv_sec = (time_t)(left / 1000000000),
		.tv_nsec = (long)(left % 1000000000),
	};
	struct signalfd_siginfo si;

	if (ppoll(&p, 1, until == UINT64_MAX ? NULL : &ts, NULL) < 0)
		return;
	while (read(run->signals, &si, sizeof(si)) == sizeof(si))
		if (si.ssi_signo == SIGTERM)
			run->asked_to_end = true;
	reap(run);
}

void wl_wait_until(struct wl_run *run, uint64_t until)
{
	do
		wait_once(run, until);
	while (wl_now() < until);
}

bool wl_hold(struct wl_run *run, uint64_t until)
{
	while (!run->asked_to_end && wl_now() < until)
		wait_once(run, until);
	return !run->asked_to_end;
}

static void be_child(const char *name, const char *script, char *const *argv)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (name) {
		setpgid(0, 0);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	}
	if (argv)
		execvp(argv[0], argv);
	else if (execl("/bin/busybox", "sh", "-c", script, NULL))
		execl("/bin/sh", "sh", "-c", script, NULL);
	fprintf(stderr, "vmtap-workload: %s: %s\n", argv ? argv[0] : "sh",
		strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

struct wl_child *wl_child_start(struct wl_run *run, const char *name,
				const char *script, char *const *argv)
{
	struct wl_child *c;

	if (run->nr_children == run->max_children) {
		wl_complain(run, "%s: too many scripts", name ? name : "run");
		return NULL;
	}
	c = &run->children[run->nr_children];
	*c = (struct wl_child){ .name = name };
	c->pid = fork();
	if (!c->pid)
		be_child(name, script, argv);
	if (c->pid < 0) {
		wl_complain(run, "fork: %s", strerror(errno));
		return NULL;
	}
	run->nr_children++;
	return c;
}

int wl_child_wait(struct wl_run *run, struct wl_child *c)
{
	while (c->pid && !run->asked_to_end)
		wait_once(run, UINT64_MAX);
	if (c->pid)
		return 128 + SIGTERM;
	return WIFSIGNALED(c->status) ? 128 + WTERMSIG(c->status) :
					WEXITSTATUS(c->status);
}

/* The last one of this name; what ended stays known. */
struct wl_child *wl_child_find(struct wl_run *run, const char *name)
{
	for (size_t i = run->nr_children; i > 0; i--) {
		struct wl_child *c = &run->children[i - 1];

		if (c->name && !strcmp(c->name, name))
			return c;
	}
	return NULL;
}

void wl_children_kill(struct wl_run *run)
{
	for (size_t i = 0; i < run->nr_children; i++)
		if (run->children[i].name && run->children[i].pid > 0)
			kill(-run->children[i].pid, SIGKILL);
}
