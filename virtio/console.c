// SPDX-License-Identifier: GPL-2.0-only
/* The virtio console; see console.h. Section numbers are virtio 1.2's. */
#include "virtio/console.h"

#include <endian.h>
#include <errno.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_ring.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "virtio/console_priv.h"
#include "virtio/mmio.h"
#include "vmm/base/diag.h"

#define NR_QUEUES (2 + 2 * NR_PORTS)
#define OUT_SIZE 128	/* entries of a queue that the guest writes into */
#define IN_SIZE 32	/* Linux fills these with pages: small boots faster */
/* One message of a driver; far above what any sends, and soon copied. */
#define CHAIN_MAX MiB(16)

static struct virtio_console *to_console(struct virtio *v)
{
	return container_of(v, struct virtio_console, v);
}

struct iov console_out(struct virtio_console *con)
{
	struct virtq_chain *c = &con->chain;

	return (struct iov){ c->iov, c->nr_out, c->out_len };
}

struct iov console_in(struct virtio_console *con)
{
	struct virtq_chain *c = &con->chain;

	return (struct iov){ c->iov + c->nr_out, c->nr_in, c->in_len };
}

void console_give_back(struct virtio_console *con, unsigned int q, u32 len)
{
	if (virtio_push(&con->v, q, &con->chain, len))
		con->s.c.add_used_failures++;
}

void console_refuse(struct virtio_console *con, unsigned int q)
{
	con->s.c.chain_invalid++;
	console_give_back(con, q, 0);
}

/*
 * Take the next good chain of queue @q; those that are malformed, or run in
 * the wrong direction (5.3.6.1), are refused on the way.
 */
bool console_take(struct virtio_console *con, unsigned int q, bool readable)
{
	const struct virtq_chain *c = &con->chain;
	int rc;

	while ((rc = virtio_pop(&con->v, q, &con->chain))) {
		if (rc > 0 && !(readable ? c->in_len : c->out_len) &&
		    c->out_len <= CHAIN_MAX)
			return true;
		console_refuse(con, q);
	}
	return false;
}

void console_set_open(struct virtio_console *con, unsigned int port, bool open)
{
	struct port_state *p = &con->s.ports[port];
	const struct virtio_console_sink *sink = &con->sinks[port];

	if (p->guest_open == open)
		return;
	__atomic_store_n(&p->guest_open, open, __ATOMIC_RELEASE);
	if (sink->opened)
		sink->opened(sink->arg, open);
}

/* Host to guest: what was queued, into the buffers that the guest posted. */

static u32 send_some(struct virtio_console *con, struct port_state *p)
{
	struct iov in = console_in(con);
	u32 done = 0;

	pthread_mutex_lock(&con->send_lock);
	while (p->send_len && in.len) {
		u32 n = min(p->send_len, (u32)sizeof(p->send) - p->send_head);

		n = iov_write(&in, p->send + p->send_head, n);
		p->send_head = (p->send_head + n) % sizeof(p->send);
		p->send_len -= n;
		done += n;
	}
	pthread_mutex_unlock(&con->send_lock);
	return done;
}

static bool has_unsent(struct virtio_console *con, struct port_state *p)
{
	bool ret;

	pthread_mutex_lock(&con->send_lock);
	ret = p->send_len;
	pthread_mutex_unlock(&con->send_lock);
	return ret;
}

void console_pump_in(struct virtio_console *con, unsigned int port)
{
	struct port_state *p = &con->s.ports[port];
	unsigned int q = console_rx_queue(port);
	struct virtq *vq = &con->s.core.vq[q];

	if (!p->guest_open || !vq->ready)
		return;
	do {
		virtq_kicks_off(vq, con->v.mem);
		while (has_unsent(con, p) && console_take(con, q, false)) {
			u32 n = send_some(con, p);

			con->s.c.bytes_in[port] += n;
			console_give_back(con, q, n);
		}
		/* With nothing to send, a kick for a fresh buffer is noise. */
	} while (has_unsent(con, p) && virtio_kicks_on(&con->v, q));
	virtio_notify(&con->v, q);
}

/* Device operations. */

static void console_kicked(struct virtio *v, unsigned int q)
{
	struct virtio_console *con = to_console(v);
	unsigned int port = q < 2 ? 0 : q / 2 - 1;

	if (q >= 2 && !console_multiport(con))
		return;
	if (q == CONTROL_RX)
		console_pump_control(con);
	else if (q == CONTROL_TX)
		console_control_kicked(con);
	else if (q % 2)
		console_out_kicked(con, port);
	else
		console_pump_in(con, port);
}

static void console_driver_ok(struct virtio *v)
{
	struct virtio_console *con = to_console(v);

	if (!console_multiport(con))
		console_set_open(con, VIRTIO_CONSOLE_PORT_TTY, true);
}

static void take_the_rest(struct virtio_console *con, unsigned int port)
{
	const struct virtio_console_sink *sink = &con->sinks[port];
	struct port_state *p = &con->s.ports[port];

	do {
		/* It may have room by now. */
		p->stalled = false;
		virtio_round(&con->v);
		console_pump_out(con, port, false);
	} while (p->stalled && sink->wait && sink->wait(sink->arg));
}

/* The guest thinks that what it posted is on its way: take it before it goes. */
static void console_queue_stopped(struct virtio *v, unsigned int q)
{
	struct virtio_console *con = to_console(v);
	unsigned int port = q < 2 ? 0 : q / 2 - 1;

	if (q == CONTROL_RX || q == CONTROL_TX || !(q % 2))
		return;
	if (virtio_running(v) && (q < 2 || console_multiport(con)))
		take_the_rest(con, port);
	con->s.ports[port].stalled = false;
	con->s.ports[port].polled = false;
	con->s.ports[port].out_done = 0;
}

static void console_reset(struct virtio *v)
{
	struct virtio_console *con = to_console(v);
	unsigned int i;

	for (i = 0; i < NR_PORTS; i++) {
		struct port_state *p = &con->s.ports[i];

		p->announced = false;
		p->owed = 0;
		if (!p->guest_open)
			continue;
		/* The new driver must not begin in the middle of a stream. */
		pthread_mutex_lock(&con->send_lock);
		p->send_len = 0;
		pthread_mutex_unlock(&con->send_lock);
		console_set_open(con, i, false);
	}
}

static const struct virtio_ops console_ops = {
	.name = "virtio_console",
	.id = VIRTIO_ID_CONSOLE,
	.kicked = console_kicked,
	.driver_ok = console_driver_ok,
	.queue_stopped = console_queue_stopped,
	.reset = console_reset,
};

/* Something on the host's side changed: look at all ports. */
static void console_woken(struct event_source *src, u32 events)
{
	struct virtio_console *con = container_of(src, struct virtio_console, wake);
	u32 resumed;
	unsigned int i;

	(void)events;
	event_drain(src->fd);
	resumed = __atomic_exchange_n(&con->resumed, 0, __ATOMIC_ACQ_REL);
	for (i = 0; i < NR_PORTS; i++) {
		virtio_lock(&con->v);
		virtio_round(&con->v);
		if (resumed & (1U << i))
			con->s.ports[i].stalled = false;
		if (virtio_running(&con->v) && (!i || console_multiport(con))) {
			console_pump_in(con, i);
			console_out_kicked(con, i);
		}
		virtio_unlock(&con->v);
	}
}

int virtio_console_send(struct virtio_console *con,
			enum virtio_console_port port, const void *data,
			size_t len)
{
	struct port_state *p = &con->s.ports[port];
	size_t at, first;

	if (len > sizeof(p->send))
		return -EMSGSIZE;
	pthread_mutex_lock(&con->send_lock);
	if (len > sizeof(p->send) - p->send_len) {
		pthread_mutex_unlock(&con->send_lock);
		return -EAGAIN;
	}
	at = (p->send_head + p->send_len) % sizeof(p->send);
	first = min(len, sizeof(p->send) - at);
	memcpy(p->send + at, data, first);
	memcpy(p->send, (const u8 *)data + first, len - first);
	p->send_len += len;
	pthread_mutex_unlock(&con->send_lock);
	eventfd_write(con->wake.fd, 1);
	return 0;
}

size_t virtio_console_unsent(struct virtio_console *con,
			     enum virtio_console_port port)
{
	size_t ret;

	pthread_mutex_lock(&con->send_lock);
	ret = con->s.ports[port].send_len;
	pthread_mutex_unlock(&con->send_lock);
	return ret;
}

bool virtio_console_is_open(struct virtio_console *con,
			    enum virtio_console_port port)
{
	return __atomic_load_n(&con->s.ports[port].guest_open, __ATOMIC_ACQUIRE);
}

void virtio_console_resume(struct virtio_console *con,
			   enum virtio_console_port port)
{
	__atomic_or_fetch(&con->resumed, 1U << port, __ATOMIC_ACQ_REL);
	eventfd_write(con->wake.fd, 1);
}

void virtio_console_resize(struct virtio_console *con, u16 cols, u16 rows)
{
	virtio_lock(&con->v);
	con->s.config.cols = htole16(cols);
	con->s.config.rows = htole16(rows);
	virtio_config_changed(&con->v);
	console_owe_resize(con);
	virtio_unlock(&con->v);
	virtio_kick(&con->v, CONTROL_RX);
}

int virtio_console_flush(struct virtio_console *con)
{
	bool stalled = false;
	unsigned int i;

	virtio_lock(&con->v);
	for (i = 0; i < NR_PORTS; i++) {
		if (!virtio_running(&con->v) || (i && !console_multiport(con)))
			continue;
		con->s.ports[i].stalled = false;
		virtio_round(&con->v);
		console_pump_out(con, i, false);
		stalled |= con->s.ports[i].stalled;
	}
	virtio_unlock(&con->v);
	return stalled ? -EAGAIN : 0;
}

void virtio_console_counters(struct virtio_console *con,
			     struct virtio_console_counters *ret)
{
	virtio_lock(&con->v);
	*ret = con->s.c;
	ret->invalid_avail_idx_count = virtio_invalid_avail_idx(&con->v);
	virtio_unlock(&con->v);
}

static void init_state(struct console_state *s,
		       const struct virtio_console_cfg *cfg)
{
	unsigned int q;

	s->core.offered = 1ULL << VIRTIO_F_VERSION_1 |
			  1ULL << VIRTIO_RING_F_INDIRECT_DESC |
			  1ULL << VIRTIO_RING_F_EVENT_IDX |
			  1ULL << VIRTIO_CONSOLE_F_SIZE |
			  1ULL << VIRTIO_CONSOLE_F_MULTIPORT;
	s->core.nr_queues = NR_QUEUES;
	for (q = 0; q < NR_QUEUES; q++)
		virtq_init(&s->core.vq[q], q % 2 ? OUT_SIZE : IN_SIZE);
	s->config.cols = htole16(cfg->cols ?: 80);
	s->config.rows = htole16(cfg->rows ?: 25);
	s->config.max_nr_ports = htole32(NR_PORTS);
}

int virtio_console_create(struct virtio_console **ret, const struct mem *mem,
			  const struct virtio_console_cfg *cfg,
			  struct diag *d)
{
	struct virtio_console *con = calloc(1, sizeof(*con));
	int err;

	if (!con)
		return diag_fail(d, -ENOMEM, NULL, "no memory for a console");
	pthread_mutex_init(&con->send_lock, NULL);
	memcpy(con->sinks, cfg->sinks, sizeof(con->sinks));
	init_state(&con->s, cfg);
	con->wake.ready = console_woken;
	con->v.ops = &console_ops;
	con->v.mem = mem;
	con->v.s = &con->s.core;
	con->v.state_len = sizeof(con->s);
	con->v.config = &con->s.config;
	con->v.config_len = sizeof(con->s.config);
	con->wake.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (con->wake.fd < 0) {
		err = diag_fail(d, -errno, NULL, "eventfd: %m");
		goto fail;
	}
	con->clock = (struct event_source){ event_timer_create(), console_tick };
	if (con->clock.fd < 0) {
		err = diag_fail(d, con->clock.fd, NULL, "cannot create a timer");
		goto fail_wake;
	}
	err = virtio_init(&con->v, d);
	if (err)
		goto fail_clock;
	err = event_add(&con->v.loop, &con->wake, EPOLLIN, d);
	if (!err)
		err = event_add(&con->v.loop, &con->clock, EPOLLIN, d);
	if (err)
		goto fail_core;
	*ret = con;
	return 0;
fail_core:
	virtio_deinit(&con->v);
fail_clock:
	close(con->clock.fd);
fail_wake:
	close(con->wake.fd);
fail:
	pthread_mutex_destroy(&con->send_lock);
	free(con);
	return err;
}

void virtio_console_destroy(struct virtio_console *con)
{
	if (!con)
		return;
	virtio_deinit(&con->v);
	close(con->clock.fd);
	close(con->wake.fd);
	pthread_mutex_destroy(&con->send_lock);
	free(con);
}

void virtio_console_attach(struct virtio_console *con, struct device *dev)
{
	mmio_describe(&con->v, dev);
}

int virtio_console_start(struct virtio_console *con, struct diag *d)
{
	return virtio_start(&con->v, d);
}

void virtio_console_stop(struct virtio_console *con)
{
	virtio_stop(&con->v);
}

struct virtio *virtio_console_core(struct virtio_console *con)
{
	return &con->v;
}
