// SPDX-License-Identifier: GPL-2.0-only
/*
 * ask: programs in the guest that want to tell the host something do it
 * through PID 1, so that one writer owns sequence numbers and transport. A
 * SOCK_SEQPACKET message is one frame to send; a snapshot waits for its reply.
 */
#include "tools/guest/agent.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define MAX_CLIENTS 32

struct client {
	int fd;
	bool waits;	/* for the reply to snapshot @id */
	uint32_t id;
	bool waits_maps;	/* for the host's word on bpf_map_write */
};

/* The host's word, once it came. */
static struct {
	bool came;
	int32_t status;
	char text[300];
	size_t len;
} maps;

static int listener = -1;
static struct client clients[MAX_CLIENTS];
static size_t nr_clients;
static uint32_t next_id;
static bool host_ends, host_goes_on;
static bool has_code;
static int32_t code;

void ask_open(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	strcpy(addr.sun_path, AGENT_SOCKET);
	unlink(AGENT_SOCKET);
	listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (listener < 0 || bind(listener, (struct sockaddr *)&addr, sizeof(addr)) ||
	    listen(listener, MAX_CLIENTS)) {
		link_log("helpers cannot reach the agent: %s", strerror(errno));
		if (listener >= 0)
			close(listener);
		listener = -1;
	}
}

size_t ask_poll(struct pollfd *p)
{
	size_t n = 0;

	if (listener >= 0 && nr_clients < MAX_CLIENTS)
		p[n++] = (struct pollfd){ .fd = listener, .events = POLLIN };
	for (size_t i = 0; i < nr_clients; i++)
		p[n++] = (struct pollfd){ .fd = clients[i].fd, .events = POLLIN };
	return n;
}

static void reply(struct client *c, int32_t status, const char *text, size_t len)
{
	uint8_t msg[512];

	if (len > sizeof(msg) - 4)
		len = sizeof(msg) - 4;
	wire_put32(msg, (uint32_t)status);
	memcpy(msg + 4, text, len);
	/* A helper that is gone or does not read has itself to blame. */
	if (send(c->fd, msg, 4 + len, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		return;
}

static void reply_str(struct client *c, int32_t status, const char *text)
{
	reply(c, status, text, strlen(text));
}

static void snapshot(struct client *c, uint8_t *payload, size_t len)
{
	static const char no_port[] = "sent over COM2, which carries no reply";

	if (len < sizeof(struct wire_snapshot)) {
		reply_str(c, -EINVAL, "short request");
		return;
	}
	c->id = ++next_id;
	c->waits = link_port() >= 0;
	wire_put32(payload, c->id);
	link_send(WIRE_SNAPSHOT_REQUEST, 0, payload, len);
	if (link_port() < 0) {
		c->waits = false;
		reply_str(c, -ENOTCONN, no_port);
	}
}

static void await_maps(struct client *c)
{
	if (maps.came)
		reply(c, maps.status, maps.text, maps.len);
	else if (link_port() < 0)
		reply_str(c, -ENOTCONN, "COM2 does not carry the host's word");
	else
		c->waits_maps = true;
}

static void serve(struct client *c, uint8_t *msg, size_t len)
{
	struct ask_head head;
	uint8_t *payload = msg + sizeof(head);

	if (len < sizeof(head)) {
		reply_str(c, -EINVAL, "short message");
		return;
	}
	memcpy(&head, msg, sizeof(head));
	len -= sizeof(head);
	if (head.type == WIRE_SNAPSHOT_REQUEST) {
		snapshot(c, payload, len);
		return;
	}
	if (head.type == ASK_MAP_WRITTEN) {
		await_maps(c);
		return;
	}
	if (head.type == ASK_EXIT_CODE && len == sizeof(code)) {
		memcpy(&code, payload, sizeof(code));
		has_code = true;
	} else if (head.type == ASK_RAW) {
		link_raw(payload, len);
	} else {
		link_send(head.type, head.flags, payload, len);
	}
	reply_str(c, 0, "");
}

static bool receive(struct client *c)
{
	static uint8_t msg[ASK_MAX];
	ssize_t n = recv(c->fd, msg, sizeof(msg), MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	if (!n)
		return false;
	serve(c, msg, (size_t)n);
	return true;
}

static void drop(size_t i)
{
	close(clients[i].fd);
	clients[i] = clients[--nr_clients];
}

void ask_handle(const struct pollfd *p, size_t nr)
{
	size_t first = listener >= 0 && nr && p[0].fd == listener;
	int fd;

	/* From the end: a dropped one is replaced by the last. */
	for (size_t i = nr; i > first; i--) {
		size_t c = i - 1 - first;

		if (p[i - 1].revents && !receive(&clients[c]))
			drop(c);
	}
	if (!first || !(p[0].revents & POLLIN))
		return;
	while (nr_clients < MAX_CLIENTS &&
	       (fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) >= 0)
		clients[nr_clients++] = (struct client){ .fd = fd };
}

static void snapshot_reply(const uint8_t *payload, size_t len)
{
	if (len < sizeof(struct wire_snapshot_reply))
		return;
	for (size_t i = 0; i < nr_clients; i++) {
		if (!clients[i].waits || clients[i].id != wire_get32(payload))
			continue;
		clients[i].waits = false;
		reply(&clients[i], (int32_t)wire_get32(payload + 4),
		      (const char *)payload + 8, len - 8);
	}
}

static void maps_written(const uint8_t *payload, size_t len)
{
	if (len < sizeof(struct wire_map_write_done) || maps.came)
		return;
	maps.came = true;
	maps.status = (int32_t)wire_get32(payload);
	maps.len = len - 4 < sizeof(maps.text) ? len - 4 : sizeof(maps.text);
	memcpy(maps.text, payload + 4, maps.len);
	for (size_t i = 0; i < nr_clients; i++) {
		if (clients[i].waits_maps)
			reply(&clients[i], maps.status, maps.text, maps.len);
		clients[i].waits_maps = false;
	}
}

static void obey(uint16_t type, const uint8_t *payload, size_t len)
{
	switch (type) {
	case WIRE_SHUTDOWN:
		host_ends = true;
		break;
	case WIRE_GO_ON:
		host_goes_on = true;
		break;
	case WIRE_SNAPSHOT_REPLY:
		snapshot_reply(payload, len);
		break;
	case WIRE_MAP_WRITE_DONE:
		maps_written(payload, len);
		break;
	}
}

/* One whole frame at @p: bytes used, 0 not whole yet, -1 not a frame. */
static ssize_t host_frame(const uint8_t *p, size_t len, size_t max)
{
	uint32_t n;

	if (len < WIRE_HDR_SIZE)
		return 0;
	n = wire_get32(p + 8);
	if (wire_get32(p) != WIRE_MAGIC || n > max - WIRE_HDR_SIZE ||
	    wire_get32(p + 20) != wire_crc32(0, p, 20))
		return -1;
	if (len < WIRE_HDR_SIZE + n)
		return 0;
	if (crc32_of(p + WIRE_HDR_SIZE, n) == wire_get32(p + 16))
		obey(wire_get16(p + 4), p + WIRE_HDR_SIZE, n);
	return (ssize_t)(WIRE_HDR_SIZE + n);
}

bool ask_from_host(void)
{
	static uint8_t buf[8192];
	static size_t have;
	ssize_t n = read(link_port(), buf + have, sizeof(buf) - have);
	size_t at = 0;

	if (n <= 0)
		return false;
	have += (size_t)n;
	while (at < have) {
		n = host_frame(buf + at, have - at, sizeof(buf));
		if (!n)
			break;
		at += n > 0 ? (size_t)n : 1;
	}
	have -= at;
	memmove(buf, buf + at, have);
	return host_ends;
}

void ask_hold(long ms)
{
	while (link_port() >= 0 && !host_goes_on && !host_ends) {
		if (ms-- <= 0 || !wait_fd(link_port(), POLLIN, (int)ms)) {
			link_log("the host did not say that it had seen enough");
			return;
		}
		ask_from_host();
	}
	host_goes_on = false;
}

bool ask_exit_code(int *out)
{
	*out = code;
	return has_code;
}
