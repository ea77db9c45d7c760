// SPDX-License-Identifier: GPL-2.0-only
/*
 * The console's control queues: ports are announced, named and opened here.
 * Section numbers are virtio 1.2's.
 */
#include "virtio/console_priv.h"

#include <endian.h>
#include <string.h>

#define CONTROL_MSG_MAX 64

static const char * const port_names[NR_PORTS] = {
	[VIRTIO_CONSOLE_PORT_TTY] = "vmtap.console",
	[VIRTIO_CONSOLE_PORT_BULK] = "vmtap.bulk",
	[VIRTIO_CONSOLE_PORT_STATS] = "vmtap.stats",
};

#define OWED(event) (1U << (event))

/* Control messages owed to the driver, a bit each, sent in this order. */
static const u16 owed_events[] = {
	VIRTIO_CONSOLE_PORT_ADD, VIRTIO_CONSOLE_CONSOLE_PORT,
	VIRTIO_CONSOLE_PORT_NAME, VIRTIO_CONSOLE_RESIZE,
	VIRTIO_CONSOLE_PORT_OPEN,
};

static size_t build_control(struct virtio_console *con, unsigned int port,
			    u16 event, u8 *buf)
{
	struct virtio_console_control msg = {
		.id = htole32(port),
		.event = htole16(event),
		.value = htole16(event == VIRTIO_CONSOLE_PORT_OPEN ||
				 event == VIRTIO_CONSOLE_CONSOLE_PORT),
	};
	size_t len = sizeof(msg);

	memcpy(buf, &msg, len);
	if (event == VIRTIO_CONSOLE_PORT_NAME) {
		memcpy(buf + len, port_names[port], strlen(port_names[port]));
		len += strlen(port_names[port]);
	} else if (event == VIRTIO_CONSOLE_RESIZE) {
		memcpy(buf + len, &con->s.config.cols, 2);
		memcpy(buf + len + 2, &con->s.config.rows, 2);
		len += 4;
	}
	return len;
}

static bool next_owed(const struct virtio_console *con, unsigned int *port,
		      u16 *event)
{
	unsigned int i;

	for (*port = 0; *port < NR_PORTS; (*port)++) {
		for (i = 0; i < ARRAY_SIZE(owed_events); i++) {
			*event = owed_events[i];
			if (con->s.ports[*port].owed & OWED(*event))
				return true;
		}
	}
	return false;
}

static void send_owed(struct virtio_console *con)
{
	u8 buf[CONTROL_MSG_MAX];
	unsigned int port;
	u16 event;

	while (next_owed(con, &port, &event) && console_take(con, CONTROL_RX, false)) {
		struct iov in = console_in(con);
		size_t len = build_control(con, port, event, buf);

		if (in.len < len) {
			console_refuse(con, CONTROL_RX);
			continue;
		}
		iov_write(&in, buf, len);
		con->s.ports[port].owed &= ~OWED(event);
		console_give_back(con, CONTROL_RX, len);
	}
}

static bool owes(const struct virtio_console *con)
{
	unsigned int port;
	u16 event;

	return next_owed(con, &port, &event);
}

void console_pump_control(struct virtio_console *con)
{
	struct virtq *vq = &con->s.core.vq[CONTROL_RX];

	if (!vq->ready)
		return;
	do {
		virtq_kicks_off(vq, con->v.mem);
		send_owed(con);
	} while (owes(con) && virtio_kicks_on(&con->v, CONTROL_RX));
	virtio_notify(&con->v, CONTROL_RX);
}

static void announce(struct virtio_console *con)
{
	unsigned int i;

	for (i = 0; i < NR_PORTS; i++) {
		/* A port that exists must not be added again (5.3.6.2.1). */
		if (!con->s.ports[i].announced)
			con->s.ports[i].owed |= OWED(VIRTIO_CONSOLE_PORT_ADD);
		con->s.ports[i].announced = true;
	}
}

static void port_ready(struct virtio_console *con, unsigned int port)
{
	con->s.ports[port].owed |= OWED(VIRTIO_CONSOLE_PORT_NAME) |
				   OWED(VIRTIO_CONSOLE_PORT_OPEN);
	if (port == VIRTIO_CONSOLE_PORT_TTY)
		con->s.ports[port].owed |= OWED(VIRTIO_CONSOLE_CONSOLE_PORT) |
					   OWED(VIRTIO_CONSOLE_RESIZE);
}

/* Returns false for what makes no sense. */
static bool handle_control(struct virtio_console *con, u32 port, u16 event,
			   u16 value)
{
	if (event == VIRTIO_CONSOLE_DEVICE_READY) {
		if (value)
			announce(con);
		return true;
	}
	if (port >= NR_PORTS || !con->s.ports[port].announced)
		return false;
	switch (event) {
	case VIRTIO_CONSOLE_PORT_READY:
		if (value)
			port_ready(con, port);
		return true;
	case VIRTIO_CONSOLE_PORT_OPEN:
		console_set_open(con, port, value);
		console_pump_in(con, port);
		return true;
	default:
		return false;
	}
}

void console_control_kicked(struct virtio_console *con)
{
	struct virtq *vq = &con->s.core.vq[CONTROL_TX];
	struct virtio_console_control msg;

	do {
		virtq_kicks_off(vq, con->v.mem);
		while (console_take(con, CONTROL_TX, true)) {
			struct iov out = console_out(con);
			bool whole = iov_read(&out, &msg, sizeof(msg)) ==
				     sizeof(msg);

			/* Answers need the chain: give this one back first. */
			console_give_back(con, CONTROL_TX, 0);
			if (!whole || !handle_control(con, le32toh(msg.id),
						      le16toh(msg.event),
						      le16toh(msg.value)))
				con->s.c.control_invalid++;
		}
	} while (virtio_kicks_on(&con->v, CONTROL_TX));
	virtio_notify(&con->v, CONTROL_TX);
	console_pump_control(con);
}

void console_owe_resize(struct virtio_console *con)
{
	struct port_state *p = &con->s.ports[VIRTIO_CONSOLE_PORT_TTY];

	if (p->announced)
		p->owed |= OWED(VIRTIO_CONSOLE_RESIZE);
}
