// SPDX-License-Identifier: GPL-2.0-only
/* The same in a nested host: bytes to and fro; see shell.h. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runner/nested.h"
#include "runner/shell.h"
#include "runner/term.h"
#include "vmm/base/diag.h"
#include "vmm/base/io.h"

struct relay {
	struct nested *n;
	struct term_keys keys;
	bool in_open;
	bool left;		/* Ctrl-A x */
	int winch_fd;		/* -1: no terminal */
	char in[2 * (4096 + 1) + 16];	/* typed, not yet taken by the host */
	size_t in_len, in_at;
};

static void close_in(struct relay *r)
{
	r->in_open = false;
	nested_close_in(r->n);
}

static void typed(struct relay *r)
{
	char in[4096], keys[sizeof(in) + 1];
	ssize_t n = read(STDIN_FILENO, in, sizeof(in));
	size_t len;

	if (n < 0 && errno == EINTR)
		return;
	r->in_at = r->in_len = 0;
	if (n <= 0) {
		close_in(r);
	} else if (term_is_raw()) {
		len = term_keys(&r->keys, in, (size_t)n, keys, &r->left);
		r->in_len = term_pack(keys, len, r->in);
	} else {
		r->in_len = (size_t)n;
		memcpy(r->in, in, (size_t)n);
	}
}

/* Behind what is not yet taken, for which there is always room. */
static void resized(struct relay *r)
{
	struct signalfd_siginfo si;
	u16 cols, rows;

	if (read(r->winch_fd, &si, sizeof(si)) != sizeof(si) ||
	    !term_size(&cols, &rows))
		return;
	if (r->in_at == r->in_len)
		r->in_at = r->in_len = 0;
	if (r->in_len + 16 <= sizeof(r->in))
		r->in_len += term_pack_size(cols, rows, r->in + r->in_len);
}

static void send_in(struct relay *r)
{
	ssize_t n = send(nested_in_fd(r->n), r->in + r->in_at,
			 r->in_len - r->in_at, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n > 0)
		r->in_at += (size_t)n;
	else if (errno != EAGAIN && errno != EINTR)
		r->in_open = false;
}

/* @end: set when the host has no more to say. */
static int take_news(struct relay *r, bool *end, struct diag *d)
{
	switch (nested_event(r->n, d)) {
	case NESTED_EXIT:
		*end = true;
		return nested_exit_status(r->n);
	case NESTED_LOST:
		*end = true;
		return d->err;
	default:
		return 0;
	}
}

static int relay(struct relay *r, struct diag *d)
{
	enum { NEWS, OUT, ERR, IN, TO_IN, WINCH, NR };
	struct pollfd p[NR] = {
		[NEWS] = { .fd = nested_ctl_fd(r->n), .events = POLLIN },
		[OUT] = { .fd = nested_out_fd(r->n), .events = POLLIN },
		[ERR] = { .fd = nested_err_fd(r->n), .events = POLLIN },
		[IN] = { .events = POLLIN },
		[TO_IN] = { .events = POLLOUT },
		[WINCH] = { .fd = r->winch_fd, .events = POLLIN },
	};
	bool end = false;
	int status = 0;

	while (!end && !r->left) {
		bool waiting = r->in_at < r->in_len;

		p[IN].fd = r->in_open && !waiting ? STDIN_FILENO : -1;
		p[TO_IN].fd = r->in_open && waiting ? nested_in_fd(r->n) : -1;
		if (poll(p, NR, -1) < 0)
			continue;
		if (p[OUT].revents && !nested_copy(r->n, p[OUT].fd, STDOUT_FILENO))
			p[OUT].fd = -1;
		if (p[ERR].revents && !nested_copy(r->n, p[ERR].fd, STDERR_FILENO))
			p[ERR].fd = -1;
		if (p[IN].revents)
			typed(r);
		if (p[TO_IN].revents)
			send_in(r);
		if (p[WINCH].revents)
			resized(r);
		if (p[NEWS].revents)
			status = take_news(r, &end, d);
	}
	if (end)
		nested_copy_rest(r->n, STDOUT_FILENO, STDERR_FILENO);
	return status;
}

static int open_winch(struct relay *r, struct diag *d)
{
	sigset_t set;

	if (!term_is_raw())
		return 0;
	sigemptyset(&set);
	sigaddset(&set, SIGWINCH);
	sigprocmask(SIG_BLOCK, &set, NULL);
	r->winch_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return r->winch_fd < 0 ? diag_fail(d, -errno, NULL, "signalfd: %m") : 0;
}

int shell_nested(const char *const *argv, u64 memory, struct diag *d)
{
	struct nested_cfg cfg = { .guest_memory = memory, .argv = argv };
	struct relay r = { .in_open = true, .winch_fd = -1 };
	int status = term_raw(d);

	if (!status)
		status = open_winch(&r, d);
	if (!status)
		status = nested_start(&cfg, &r.n, d);
	if (!status)
		status = relay(&r, d);
	nested_destroy(r.n);
	if (r.winch_fd >= 0)
		close(r.winch_fd);
	term_restore();
	return status;
}
