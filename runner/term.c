// SPDX-License-Identifier: GPL-2.0-only
/* The terminal of an interactive console; see term.h. */
#include "runner/term.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "vmm/base/diag.h"
#include "vmm/base/util.h"

static struct termios before;
static volatile sig_atomic_t raw;
static pid_t guard;
static int guard_fd = -1;	/* its closing is what the guard waits for */

static const int deadly[] = {
	SIGHUP, SIGINT, SIGQUIT, SIGILL, SIGABRT, SIGBUS, SIGFPE, SIGSEGV,
	SIGTERM, SIGPIPE,
};

bool term_is_raw(void)
{
	return raw;
}

/* Async-signal-safe. */
static void put_back(void)
{
	if (raw)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
	raw = 0;
}

static void on_deadly(int sig)
{
	put_back();
	signal(sig, SIG_DFL);
	raise(sig);
}

/*
 * In a session of its own: no signal of the terminal ends it, and it may set
 * the terminal though it is in no foreground group.
 */
static _Noreturn void guard_main(int fd)
{
	sigset_t all;
	char c;

	setsid();
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	/* Whoever waits for the end of our streams must not wait for this. */
	dup2(fd, STDOUT_FILENO);
	close_range(STDERR_FILENO, ~0U, 0);
	while (read(STDOUT_FILENO, &c, 1) < 0 && errno == EINTR)
		;
	tcsetattr(STDIN_FILENO, TCSANOW, &before);
	_exit(0);
}

static int start_guard(struct diag *d)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC))
		return diag_fail(d, -errno, NULL, "pipe: %m");
	guard = fork();
	if (!guard) {
		close(ends[1]);
		guard_main(ends[0]);
	}
	close(ends[0]);
	guard_fd = ends[1];
	if (guard > 0)
		return 0;
	close(guard_fd);
	guard_fd = -1;
	return diag_fail(d, -errno, NULL, "fork: %m");
}

int term_raw(struct diag *d)
{
	struct sigaction sa = { .sa_handler = on_deadly };
	struct termios t;
	size_t i;
	int err;

	if (tcgetattr(STDIN_FILENO, &before))
		return 0;
	err = start_guard(d);
	if (err)
		return err;
	atexit(term_restore);
	for (i = 0; i < ARRAY_SIZE(deadly); i++)
		sigaction(deadly[i], &sa, NULL);
	t = before;
	cfmakeraw(&t);
	raw = 1;
	if (!tcsetattr(STDIN_FILENO, TCSADRAIN, &t))
		return 0;
	err = diag_fail(d, -errno, NULL, "the terminal cannot be made raw: %m");
	term_restore();
	return err;
}

void term_restore(void)
{
	put_back();
	if (guard <= 0)
		return;
	close(guard_fd);
	while (waitpid(guard, NULL, 0) < 0 && errno == EINTR)
		;
	guard = 0;
}

static u16 from_env(const char *name, u16 otherwise)
{
	const char *text = getenv(name);
	int n = text ? atoi(text) : 0;

	return n > 0 && n <= UINT16_MAX ? (u16)n : otherwise;
}

bool term_size(u16 *cols, u16 *rows)
{
	struct winsize w;

	*cols = from_env("COLUMNS", 80);
	*rows = from_env("LINES", 25);
	if (ioctl(STDIN_FILENO, TIOCGWINSZ, &w) || !w.ws_col || !w.ws_row)
		return false;
	*cols = w.ws_col;
	*rows = w.ws_row;
	return true;
}

size_t term_keys(struct term_keys *k, const char *in, size_t len, char *out,
		 bool *leave)
{
	size_t n = 0, i;

	for (i = 0; i < len; i++) {
		if (!k->escaped) {
			k->escaped = in[i] == TERM_ESCAPE;
			if (!k->escaped)
				out[n++] = in[i];
			continue;
		}
		k->escaped = false;
		if (in[i] == 'x') {
			*leave = true;
			break;
		}
		out[n++] = TERM_ESCAPE;
		if (in[i] != TERM_ESCAPE)
			out[n++] = in[i];
	}
	return n;
}

size_t term_pack(const char *in, size_t len, char *out)
{
	size_t i, n = 0;

	for (i = 0; i < len; i++) {
		out[n++] = in[i];
		if (in[i] == TERM_ESCAPE)
			out[n++] = TERM_ESCAPE;
	}
	return n;
}

size_t term_pack_size(u16 cols, u16 rows, char *out)
{
	return (size_t)snprintf(out, 16, "%cw%u,%u;", TERM_ESCAPE, cols, rows);
}

static bool take_size(struct term_unpack *u)
{
	unsigned int cols, rows;

	u->pending[u->len] = '\0';
	if (sscanf(u->pending, "\001w%u,%u;", &cols, &rows) != 2 ||
	    cols > UINT16_MAX || rows > UINT16_MAX)
		return false;
	u->cols = (u16)cols;
	u->rows = (u16)rows;
	return true;
}

size_t term_unpack(struct term_unpack *u, const char *in, size_t len,
		   char *out, bool *resized)
{
	size_t i, n = 0;

	for (i = 0; i < len; i++) {
		if (!u->len && in[i] != TERM_ESCAPE) {
			out[n++] = in[i];
			continue;
		}
		u->pending[u->len++] = in[i];
		if (u->len == 1)
			continue;
		if (u->pending[1] == 'w' && in[i] != ';' &&
		    u->len < sizeof(u->pending) - 1)
			continue;
		if (u->pending[1] == TERM_ESCAPE)
			out[n++] = TERM_ESCAPE;
		else if (take_size(u))
			*resized = true;
		u->len = 0;
	}
	return n;
}
