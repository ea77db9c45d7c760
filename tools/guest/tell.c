// SPDX-License-Identifier: GPL-2.0-only
/* tell: frames through PID 1, for the longer-lived programs beside it. */
#include "tools/guest/agent.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

static int agent_fd(void)
{
	static int fd = -1;
	struct sockaddr_un addr = { .sun_family = AF_UNIX, .sun_path = AGENT_SOCKET };

	if (fd >= 0)
		return fd;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&addr, sizeof(addr))) {
		close(fd);
		fd = -1;
	}
	return fd;
}

int tell_agent(uint16_t type, uint16_t flags, const void *payload, size_t len,
	       char *text, size_t size)
{
	struct ask_head head = { type, flags };
	struct iovec iov[] = {
		{ &head, sizeof(head) }, { (void *)payload, len },
	};
	const struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };
	int fd = agent_fd();
	uint8_t reply[1024];
	ssize_t n;

	if (fd < 0)
		return -ENOTCONN;
	if (sendmsg(fd, &msg, MSG_NOSIGNAL) < 0)
		return -errno;
	do
		n = recv(fd, reply, sizeof(reply), 0);
	while (n < 0 && errno == EINTR);
	if (text && size)
		snprintf(text, size, "%.*s", n > 4 ? (int)n - 4 : 0,
			 (char *)reply + 4);
	return n < 4 ? -EPIPE : (int)(int32_t)wire_get32(reply);
}
