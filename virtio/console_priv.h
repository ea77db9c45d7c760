/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * console_priv: what the parts of the console share: the ports and what the
 * host sends (console.c), what the guest writes (console_out.c), and the
 * control protocol (console_control.c).
 */
#ifndef VMTAP_VIRTIO_CONSOLE_PRIV_H
#define VMTAP_VIRTIO_CONSOLE_PRIV_H

#include <linux/virtio_console.h>

#include "virtio/console.h"
#include "virtio/iov.h"
#include "virtio/virtio.h"

#define NR_PORTS VIRTIO_CONSOLE_NR_PORTS
#define CONTROL_RX 2
#define CONTROL_TX 3

/* Plain data, as all of struct console_state. */
struct port_state {
	bool announced;	/* PORT_ADD went out or is owed */
	bool guest_open;	/* atomic reads outside the lock */
	bool stalled;	/* the sink took less; waits for resume */
	bool polled;	/* output is looked for by the clock, kicks are off */
	u32 owed;
	u64 out_done;	/* bytes of the next chain that the sink has already */
	u32 send_head;	/* under send_lock: the first byte in send */
	u32 send_len;
	u8 send[VIRTIO_CONSOLE_SEND_MAX];
};

struct console_state {
	struct virtio_state core;
	struct virtio_console_config config;
	struct virtio_console_counters c;
	struct port_state ports[NR_PORTS];
};

struct virtio_console {
	struct virtio v;
	struct console_state s;
	struct virtio_console_sink sinks[NR_PORTS];
	pthread_mutex_t send_lock;	/* innermost */
	struct event_source wake;	/* eventfd: send, resume or resize */
	u32 resumed;	/* atomic: a bit for each port */
	struct event_source clock;	/* timerfd: ports to look at, interrupts owed */
	u64 tick_ns;	/* when it was armed for; 0: it is not; lock held */
	struct virtq_chain chain;	/* the one in hand */
	u8 chunk[VIRTIO_CONSOLE_CHUNK];
};

/* All of these: lock held. */

/*
 * Take the next good chain of queue @q; those that are malformed, or run in
 * the wrong direction (virtio 1.2 5.3.6.1), are refused on the way.
 */
bool console_take(struct virtio_console *con, unsigned int q, bool readable);
/* Return the chain in hand, counting a failure. */
void console_give_back(struct virtio_console *con, unsigned int q, u32 len);
/* Return the chain in hand as malformed. */
void console_refuse(struct virtio_console *con, unsigned int q);
/* The chain in hand, its readable or its writable part. */
struct iov console_out(struct virtio_console *con);
struct iov console_in(struct virtio_console *con);

/* The guest opened or closed a port. */
void console_set_open(struct virtio_console *con, unsigned int port, bool open);
/* Send what is queued for the guest. */
void console_pump_in(struct virtio_console *con, unsigned int port);

/* The queue that the guest receives from; the one it sends on is the next. */
static inline unsigned int console_rx_queue(unsigned int port)
{
	return port ? 2 + 2 * port : 0;
}

static inline bool console_multiport(const struct virtio_console *con)
{
	return virtio_has(&con->v, VIRTIO_CONSOLE_F_MULTIPORT);
}

/* Take what the guest wrote, now and until there is no more (console_out.c). */
void console_pump_out(struct virtio_console *con, unsigned int port,
		      bool breathe);
/* The same in the worker, with fewer kicks and interrupts. */
void console_out_kicked(struct virtio_console *con, unsigned int port);
/* The clock's callback; takes the lock. */
void console_tick(struct event_source *src, u32 events);

/* Serve the control queues: what the driver says, and what is owed to it. */
void console_control_kicked(struct virtio_console *con);
void console_pump_control(struct virtio_console *con);
/* Tell the driver the size, if it knows the port. */
void console_owe_resize(struct virtio_console *con);

#endif
