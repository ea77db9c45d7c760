// SPDX-License-Identifier: GPL-2.0-only
/* The same in a nested host: bytes between gdb and its far side; see debug.h. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runner/debug.h"
#include "runner/nested.h"
#include "vmm/base/diag.h"
#include "vmm/base/io.h"

struct relay {
	struct nested *n;
	int listener, gdb;	/* sockets; -1 */
	u16 port;
	bool end;
	int status;
};

/* Copy what is there; false at the stream's end. */
static bool copy(int from, int to)
{
	char data[16384];
	ssize_t n = recv(from, data, sizeof(data), MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	return n > 0 && !io_write_full(to, data, (size_t)n);
}

/* The first byte says that all is ready, and is not gdb's. */
static int on_out(struct relay *r, int fd, struct diag *d)
{
	char ready;

	if (r->gdb >= 0) {
		nested_copy(r->n, fd, r->gdb);
		return 0;
	}
	if (r->listener >= 0 || nested_recv(r->n, fd, &ready, 1) != 1)
		return 0;
	r->listener = debug_listen(r->port, d);
	return r->listener < 0 ? r->listener : 0;
}

static void on_knock(struct relay *r)
{
	int one = 1;

	r->gdb = accept4(r->listener, NULL, NULL, SOCK_CLOEXEC);
	if (r->gdb < 0)
		return;
	setsockopt(r->gdb, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	close(r->listener);
	r->listener = -1;
}

static void on_news(struct relay *r, struct diag *d)
{
	switch (nested_event(r->n, d)) {
	case NESTED_EXIT:
		r->end = true;
		r->status = nested_exit_status(r->n);
		break;
	case NESTED_LOST:
		r->end = true;
		r->status = d->err;
		break;
	default:
		break;
	}
}

static int relay(struct relay *r, struct diag *d)
{
	enum { NEWS, OUT, ERR, LISTEN, GDB, NR };
	struct pollfd p[NR] = {
		[NEWS] = { .fd = nested_ctl_fd(r->n), .events = POLLIN },
		[OUT] = { .fd = nested_out_fd(r->n), .events = POLLIN },
		[ERR] = { .fd = nested_err_fd(r->n), .events = POLLIN },
		[LISTEN] = { .events = POLLIN },
		[GDB] = { .events = POLLIN },
	};
	bool hung_up = false;
	int err = 0;

	while (!err && !r->end) {
		p[LISTEN].fd = r->listener;
		p[GDB].fd = hung_up ? -1 : r->gdb;
		if (poll(p, NR, -1) < 0)
			continue;
		if (p[OUT].revents)
			err = on_out(r, p[OUT].fd, d);
		if (p[ERR].revents && !nested_copy(r->n, p[ERR].fd, STDERR_FILENO))
			p[ERR].fd = -1;
		if (p[LISTEN].revents)
			on_knock(r);
		if (p[GDB].revents && p[GDB].fd >= 0 &&
		    !copy(p[GDB].fd, nested_in_fd(r->n))) {
			hung_up = true;
			nested_close_in(r->n);
		}
		if (p[NEWS].revents)
			on_news(r, d);
	}
	nested_copy_rest(r->n, r->gdb, STDERR_FILENO);
	return err ? err : r->status;
}

int debug_nested(const char *const *argv, u64 memory, u16 port, struct diag *d)
{
	struct nested_cfg cfg = { .guest_memory = memory, .argv = argv };
	struct relay r = { .listener = -1, .gdb = -1, .port = port };
	int status = nested_start(&cfg, &r.n, d);

	signal(SIGPIPE, SIG_IGN);
	if (!status)
		status = relay(&r, d);
	if (r.gdb >= 0)
		close(r.gdb);
	if (r.listener >= 0)
		close(r.listener);
	nested_destroy(r.n);
	return status;
}
