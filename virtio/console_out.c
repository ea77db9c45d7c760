// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the guest writes to the console's ports, and how seldom it is disturbed
 * over it. A driver wants an interrupt for each buffer that comes back, but
 * waits for one only when it has none left: so they are sent when half of the
 * queue has come back, or nothing more comes. While bytes flow on a port that
 * is not the terminal, kicks stay off and the queue is looked at by a clock.
 * The terminal's kicks stay on: Linux spins until its buffer comes back.
 */
#include "virtio/console_priv.h"

#include "vmm/base/util.h"

#define FLOW_NS (NSEC_PER_MSEC)		/* between two looks at a flow */
#define REST_NS (10 * NSEC_PER_MSEC)	/* to an interrupt that nobody waits for */

/* Returns false where the sink has had enough for now. */
static bool deliver(struct virtio_console *con, unsigned int port)
{
	const struct virtio_console_sink *sink = &con->sinks[port];
	struct port_state *p = &con->s.ports[port];
	struct iov out = console_out(con);
	size_t n, took;

	iov_skip(&out, p->out_done);
	while ((n = iov_read(&out, con->chunk, sizeof(con->chunk)))) {
		took = sink->take ? sink->take(sink->arg, con->chunk, n) : n;
		BUG_ON(took > n);
		p->out_done += took;
		con->s.c.bytes_out[port] += took;
		if (took < n)
			return false;
	}
	p->out_done = 0;
	return true;
}

/* Returns true where anything was taken. */
static bool drain_out(struct virtio_console *con, unsigned int port,
		      bool breathe)
{
	struct port_state *p = &con->s.ports[port];
	unsigned int q = console_rx_queue(port) + 1;
	bool any = false;

	while (!p->stalled && console_take(con, q, true)) {
		if (!deliver(con, port)) {
			p->stalled = true;
			con->s.c.stalls[port]++;
			virtq_unpop(&con->s.core.vq[q]);
			break;
		}
		any = true;
		console_give_back(con, q, 0);
		if (breathe)
			virtio_breathe(&con->v);
	}
	return any;
}

void console_pump_out(struct virtio_console *con, unsigned int port,
		      bool breathe)
{
	struct port_state *p = &con->s.ports[port];
	unsigned int q = console_rx_queue(port) + 1;
	struct virtq *vq = &con->s.core.vq[q];

	if (!vq->ready || p->stalled)
		return;
	do {
		virtq_kicks_off(vq, con->v.mem);
		drain_out(con, port, breathe);
	} while (!p->stalled && virtio_kicks_on(&con->v, q));
	virtio_notify(&con->v, q);
}

static void arm(struct virtio_console *con, u64 ns)
{
	if (con->tick_ns && con->tick_ns <= ns)
		return;
	con->tick_ns = ns;
	event_timer_arm(con->clock.fd, ns, 0);
}

/* Interrupt now where the driver may be out of buffers, else by the clock. */
static void notify_soon(struct virtio_console *con, unsigned int q, u64 ns)
{
	const struct virtq *vq = &con->s.core.vq[q];

	if (virtq_unsignalled(vq) >= vq->size / 2)
		virtio_notify(&con->v, q);
	arm(con, ns);
}

void console_out_kicked(struct virtio_console *con, unsigned int port)
{
	struct port_state *p = &con->s.ports[port];
	unsigned int q = console_rx_queue(port) + 1;
	struct virtq *vq = &con->s.core.vq[q];

	if (!vq->ready || p->stalled)
		return;
	do {
		virtq_kicks_off(vq, con->v.mem);
		drain_out(con, port, true);
	} while (!port && !p->stalled && virtio_kicks_on(&con->v, q));
	p->polled = port && !p->stalled;
	notify_soon(con, q, p->polled ? FLOW_NS : REST_NS);
}

/* A port where nothing was said since the last look is kicked for again. */
static void tick_port(struct virtio_console *con, unsigned int port)
{
	struct port_state *p = &con->s.ports[port];
	unsigned int q = console_rx_queue(port) + 1;

	if (p->polled && drain_out(con, port, true) && !p->stalled) {
		notify_soon(con, q, FLOW_NS);
		return;
	}
	if (p->polled)
		console_pump_out(con, port, true);
	p->polled = false;
	virtio_notify(&con->v, q);
}

void console_tick(struct event_source *src, u32 events)
{
	struct virtio_console *con = container_of(src, struct virtio_console, clock);
	unsigned int i;

	(void)events;
	event_drain(src->fd);
	virtio_lock(&con->v);
	con->tick_ns = 0;
	for (i = 0; i < NR_PORTS; i++) {
		virtio_round(&con->v);
		if (virtio_running(&con->v) && (!i || console_multiport(con)) &&
		    con->s.core.vq[console_rx_queue(i) + 1].ready)
			tick_port(con, i);
		virtio_breathe(&con->v);
	}
	virtio_unlock(&con->v);
}
