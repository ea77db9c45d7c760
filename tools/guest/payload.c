// SPDX-License-Identifier: GPL-2.0-only
/*
 * payload: the scenario's guest part, its output streamed as it comes. The
 * agent reads a pipe only when the host has taken the frame before: memory
 * stays bounded, a flood waits at its own pipe.
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
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define COM2_CHUNK 2048		/* a cut frame on a slow line loses no more */
#define SOFT_KILL_MS 500	/* from SIGTERM to SIGKILL after WIRE_SHUTDOWN */
#define MAX_TOLD 16

enum { OUT, ERR, SIGS, PORT, FIXED_FDS };

static int pipes[2] = { -1, -1 };
static int sigs = -1;
static pid_t pid;
static bool reaped;
static int status;

static void child(const struct job *job, int out, int err)
{
	static char *script[] = { "/bin/busybox", "sh", NULL, NULL };
	char *const *argv = job->argc ? job->argv : script;
	sigset_t none;
	int null = open("/dev/null", O_RDONLY);

	script[2] = (char *)job->script;
	setsid();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	dup2(null, 0);
	dup2(out, 1);
	dup2(err, 2);
	clearenv();
	putenv("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	putenv("HOME=/root");
	putenv("USER=root");
	putenv("TERM=dumb");
	putenv("TMPDIR=/tmp");
	for (size_t i = 0; i < job->nr_env; i++)
		putenv(job->env[i]);
	if (chdir(job->cwd))
		dprintf(2, "vmtap: %s: %s\n", job->cwd, strerror(errno));
	else if (execvp(argv[0], argv))
		dprintf(2, "vmtap: %s: %s\n", argv[0], strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

static bool start(const struct job *job)
{
	int out[2], err[2];
	sigset_t chld;

	if (pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC))
		return false;
	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	sigprocmask(SIG_BLOCK, &chld, NULL);
	sigs = signalfd(-1, &chld, SFD_CLOEXEC | SFD_NONBLOCK);
	pid = fork();
	if (!pid)
		child(job, out[1], err[1]);
	close(out[1]);
	close(err[1]);
	pipes[OUT] = out[0];
	pipes[ERR] = err[0];
	fcntl(out[0], F_SETFL, O_NONBLOCK);
	fcntl(err[0], F_SETFL, O_NONBLOCK);
	return pid > 0 && sigs >= 0;
}

/* One read, one frame. False where nothing was there. */
static bool pump(int which)
{
	size_t max = link_port() < 0 ? COM2_CHUNK : CHUNK_MAX;
	ssize_t n;

	if (pipes[which] < 0)
		return false;
	n = read(pipes[which], link_buffer(), max);
	if (n > 0) {
		link_send(which == OUT ? WIRE_STDOUT : WIRE_STDERR, 0,
			  link_buffer(), (size_t)n);
		return true;
	}
	if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		close(pipes[which]);
		pipes[which] = -1;
	}
	return false;
}

/* What is there now: who was left behind may write for ever. */
static void drain(void)
{
	for (int which = OUT; which <= ERR; which++) {
		int rest = 0;

		if (pipes[which] >= 0)
			ioctl(pipes[which], FIONREAD, &rest);
		while (pump(which) && rest > 0)
			rest -= COM2_CHUNK;	/* at least, where there is so much */
	}
}

static void reap(void)
{
	struct signalfd_siginfo si;
	int st;
	pid_t p;

	while (sigs >= 0 && read(sigs, &si, sizeof(si)) > 0)
		;
	while ((p = waitpid(-1, &st, WNOHANG)) > 0) {
		if (p == pid) {
			reaped = true;
			status = st;
		}
		sched_reaped(p, st);
	}
}

/* "sh S do_wait": the process's name, state and where it sleeps. */
static bool describe(int p, char *out, size_t len)
{
	char path[64], stat[256] = "", wchan[64] = "?";
	char *open_paren, *close_paren;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", p);
	f = fopen(path, "re");
	if (!f)
		return false;
	if (!fgets(stat, sizeof(stat), f))
		stat[0] = 0;
	fclose(f);
	snprintf(path, sizeof(path), "/proc/%d/wchan", p);
	f = fopen(path, "re");
	if (f) {
		if (!fgets(wchan, sizeof(wchan), f))
			strcpy(wchan, "?");
		fclose(f);
	}
	open_paren = strchr(stat, '(');
	close_paren = strrchr(stat, ')');
	if (!open_paren || !close_paren || close_paren[1] != ' ')
		return false;
	*close_paren = 0;
	snprintf(out, len, "%d %s %c %s", p, open_paren + 1, close_paren[2], wchan);
	return true;
}

/* What was still running when the host's patience ended. */
static void tell_running(void)
{
	char text[100];
	int told = 0;

	for (int p = 2; p < 32768 && told < MAX_TOLD; p++) {
		if (getsid(p) != pid || !describe(p, text, sizeof(text)))
			continue;
		link_log("still running: %s", text);
		told++;
	}
}

static uint64_t begin_soft_end(const char *why)
{
	link_log("%s", why);
	tell_running();
	kill(-pid, SIGTERM);
	return now_ns() + SOFT_KILL_MS * 1000000ull;
}

static void look_for_ends(uint64_t *kill_at)
{
	reap();
	if (sched_left() && !*kill_at)
		*kill_at = begin_soft_end("the scheduler is gone: the payload ends with it");
}

/* Once around: wait for anything, serve it. */
static void turn(uint64_t *kill_at)
{
	struct pollfd p[FIXED_FDS + 48] = {
		[OUT] = { .fd = pipes[OUT], .events = POLLIN },
		[ERR] = { .fd = pipes[ERR], .events = POLLIN },
		[SIGS] = { .fd = sigs, .events = POLLIN },
		[PORT] = { .fd = link_port(), .events = POLLIN },
	};
	size_t asks = ask_poll(p + FIXED_FDS), scheds, relays;
	int timeout = -1;

	if (*kill_at) {
		uint64_t now = now_ns();

		timeout = now < *kill_at ? (int)((*kill_at - now) / 1000000) + 1 : 0;
	}
	scheds = sched_poll(p + FIXED_FDS + asks, &timeout);
	relays = relay_poll(p + FIXED_FDS + asks + scheds);
	if (poll(p, FIXED_FDS + asks + scheds + relays, timeout) < 0 &&
	    errno != EINTR)
		return;
	if (p[OUT].revents)
		pump(OUT);
	if (p[ERR].revents)
		pump(ERR);
	ask_handle(p + FIXED_FDS, asks);
	sched_handle(p + FIXED_FDS + asks, scheds);
	relay_handle(p + FIXED_FDS + asks + scheds, relays);
	if (p[PORT].revents & POLLIN && ask_from_host() && !*kill_at)
		*kill_at = begin_soft_end("the host asks to end");
	if (*kill_at && now_ns() >= *kill_at)
		kill(-pid, SIGKILL);
	look_for_ends(kill_at);
}

int payload_run(const struct job *job, int *signal)
{
	uint64_t kill_at = 0;
	int code;

	*signal = 0;
	if (!job->argc && !job->script)
		return 0;
	if (!start(job))
		crash_die("the payload cannot be started: %s", strerror(errno));
	/* The scheduler may have died before there was a signalfd to tell. */
	look_for_ends(&kill_at);
	while (!reaped)
		turn(&kill_at);
	drain();
	if (WIFSIGNALED(status)) {
		*signal = WTERMSIG(status);
		return 128 + *signal;
	}
	return ask_exit_code(&code) ? code : WEXITSTATUS(status);
}

/* Reap until no child is left or @ms have passed. */
static bool all_gone(long ms)
{
	uint64_t until = now_ns() + (uint64_t)ms * 1000000;

	for (;;) {
		uint64_t now = now_ns();

		reap();
		if (waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD)
			return true;
		if (now >= until)
			return false;
		wait_fd(sigs, POLLIN, (int)((until - now) / 1000000) + 1);
		drain();
	}
}

void payload_leftovers(const struct job *job)
{
	if (pid <= 0 || all_gone(0))
		return;
	kill(-pid, SIGTERM);
	if (!all_gone(job->kill_ms)) {
		/* PID 1 may: everybody but itself and kernel threads. */
		kill(getpid() == 1 ? -1 : -pid, SIGKILL);
		all_gone(job->kill_ms);
	}
	drain();
}
