// SPDX-License-Identifier: GPL-2.0-only
/* Between gdb's bytes and the machine's events; see gdbserver.h. */
#include "runner/gdbserver.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "runner/gdb_target.h"
#include "vmm/base/diag.h"
#include "vmm/base/io.h"
#include "vmm/event.h"

struct server {
	struct gdbstub stub;
	struct gdb_target target;
	int in, out;
	bool running;	/* else the machine is parked by us */
	bool over;	/* gdb is gone, or the machine */
};

static void send_out(struct server *s)
{
	if (s->stub.out.len &&
	    io_write_full(s->out, s->stub.out.data, s->stub.out.len))
		s->over = true;
	buf_consume(&s->stub.out, s->stub.out.len);
}

static void tell_exit(struct server *s)
{
	gdbstub_exited(&s->stub, 0);
	s->running = false;
	s->over = true;
}

/* It was a false alarm. */
static void resume(struct server *s)
{
	machine_resume(s->target.m);
	s->running = true;
}

/* Something happened while it ran, or gdb wants it to stand. */
static void stop(struct server *s, bool asked)
{
	enum gdb_point kind = GDB_BREAK_HW;
	enum gdb_stop why;
	u64 addr = 0;
	u32 cpu;

	if (!s->running)
		return;
	if (gdb_target_park(&s->target)) {
		tell_exit(s);
		return;
	}
	s->running = false;
	if (gdb_target_event(&s->target, &cpu, &why, &kind, &addr))
		gdbstub_stopped(&s->stub, cpu, why, kind, addr);
	else if (asked)
		gdbstub_stopped(&s->stub, 0, GDB_STOP_INTERRUPT, kind, 0);
	else
		resume(s);
}

static void let_go(struct server *s)
{
	if (!s->running)
		gdb_target_forget(&s->target);
	s->running = false;
	s->over = true;
}

static void serve(struct server *s)
{
	enum gdb_want want;

	do {
		want = gdbstub_take(&s->stub);
		switch (want) {
		case GDB_WANT_RUN:
			gdb_target_run(&s->target, s->stub.run, s->stub.step);
			s->running = true;
			break;
		case GDB_WANT_STOP:
			stop(s, true);
			break;
		case GDB_WANT_DETACH:
			let_go(s);
			break;
		case GDB_WANT_KILL:
			machine_kill(s->target.m);
			s->over = true;
			break;
		default:
			break;
		}
	} while (want != GDB_WANT_MORE && !s->over);
	send_out(s);
}

static void take_in(struct server *s)
{
	char data[4096];
	ssize_t n = read(s->in, data, sizeof(data));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		machine_kill(s->target.m);
		s->over = true;
		return;
	}
	buf_add(&s->stub.in, data, (size_t)n);
	serve(s);
}

int gdbserver_run(struct machine *m, int in, int out, struct diag *d)
{
	enum { IN, WAKE, END, NR };
	struct server s = { .in = in, .out = out };
	struct pollfd p[NR] = {
		[IN] = { .fd = in, .events = POLLIN },
		[END] = { .fd = machine_end_fd(m), .events = POLLIN },
	};
	int err = gdb_target_init(&s.target, m, d);

	gdbstub_init(&s.stub, &gdb_target_ops, &s.target, machine_nr_cpus(m));
	p[WAKE] = (struct pollfd){ .fd = s.target.wake_fd, .events = POLLIN };
	while (!err && !s.over) {
		if (poll(p, NR, -1) < 0)
			continue;
		if (p[WAKE].revents && event_drain(s.target.wake_fd))
			stop(&s, false);
		if (p[IN].revents && !s.over)
			take_in(&s);
		if (p[END].revents && !s.over)
			tell_exit(&s);
		send_out(&s);
	}
	/* Whoever is still parked at a kill leaves by it. */
	gdbstub_deinit(&s.stub);
	gdb_target_deinit(&s.target);
	return err;
}
