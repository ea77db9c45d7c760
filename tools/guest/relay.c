// SPDX-License-Identifier: GPL-2.0-only
/*
 * relay: port 2 to the scheduler's stats socket and back. The host speaks the
 * scheduler's own protocol, lines of JSON; where nobody listens the agent
 * answers for it, so that no request stays open.
 */
#include "tools/guest/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define STATS_SOCKET "/var/run/scx/root/stats"
#define STATS_SOCKET_RUN "/run/scx/root/stats"
#define FIND_MS 2000		/* in slices, each a look */
#define PORT_MS 10000

#define LAST_ID 0xffffffffu	/* no helper's: nobody waits for the reply */

static int port = -1;
static int sock = -1;
static bool answered;

void relay_open(const struct job *job)
{
	if (!job->stats)
		return;
	port = setup_find_port(WIRE_PORT_STATS, -1, FIND_MS);
	if (port < 0)
		link_log("port " WIRE_PORT_STATS " did not come up");
}

static void to_port(const char *p, size_t len)
{
	while (len) {
		ssize_t n = write(port, p, len);

		if (n > 0) {
			p += n;
			len -= (size_t)n;
		} else if (n == 0 || (errno != EAGAIN && errno != EINTR) ||
			   !(wait_fd(port, POLLOUT, PORT_MS) & POLLOUT)) {
			return;		/* a host that is gone asks no more */
		}
	}
}

static void refuse(int err)
{
	char line[160];

	answered = true;
	to_port(line, (size_t)snprintf(line, sizeof(line),
		"{\"errno\":%d,\"args\":{\"resp\":\"stats socket: %s\"}}\n",
				       err, strerror(err)));
}

static int dial(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(addr.sun_path, path);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&addr, sizeof(addr))) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static bool reach(void)
{
	if (sock < 0)
		sock = dial(STATS_SOCKET);
	if (sock < 0)
		sock = dial(STATS_SOCKET_RUN);
	return sock >= 0;
}

bool relay_ready(void)
{
	return port < 0 || reach();
}

static void from_port(void)
{
	char buf[4096];
	ssize_t n = read(port, buf, sizeof(buf));

	if (n <= 0)
		return;
	if (!reach() || send(sock, buf, (size_t)n, MSG_NOSIGNAL) != n)
		refuse(errno);
}

static void from_sock(void)
{
	static char buf[8192];
	ssize_t n = recv(sock, buf, sizeof(buf), MSG_DONTWAIT);

	if (n > 0) {
		answered = buf[n - 1] == '\n';
		to_port(buf, (size_t)n);
	} else if (!n || (errno != EAGAIN && errno != EINTR)) {
		close(sock);
		sock = -1;
	}
}

size_t relay_poll(struct pollfd *p)
{
	size_t n = 0;

	if (port >= 0)
		p[n++] = (struct pollfd){ .fd = port, .events = POLLIN };
	if (sock >= 0)
		p[n++] = (struct pollfd){ .fd = sock, .events = POLLIN };
	return n;
}

void relay_handle(const struct pollfd *p, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		if (!p[i].revents)
			continue;
		if (p[i].fd == sock)
			from_sock();
		else if (p[i].revents & POLLIN)
			from_port();
	}
}

void relay_last(void)
{
	int left = PORT_MS;
	uint8_t ask[sizeof(struct wire_snapshot) + 3];
	struct pollfd p[2];

	if (port < 0)
		return;
	wire_put32(ask, LAST_ID);
	wire_put32(ask + 4, WIRE_SNAPSHOT_STATS);
	memcpy(ask + sizeof(struct wire_snapshot), "end", 3);
	answered = false;
	link_send(WIRE_SNAPSHOT_REQUEST, 0, ask, sizeof(ask));
	while (!answered && left > 0) {
		size_t n = relay_poll(p);
		bool any = poll(p, n, 100) > 0;

		if (any)
			relay_handle(p, n);
		left -= any ? 1 : 100;
	}
}
