// SPDX-License-Identifier: GPL-2.0-only
/*
 * link: frames to the host. Sending is synchronous: nothing is queued here, so
 * a payload that writes faster than the host reads waits at its pipe.
 */
#include "tools/guest/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

/* A host that takes nothing for this long of the guest's time is gone. */
#define PORT_PATIENCE_MS 10000
#define DRAIN_PATIENCE_MS 1000
#define SLICE_MS 200

static int com2 = -1;
static int port = -1;
static bool have_ring;
static volatile bool sending;
static uint32_t seq;
static uint8_t frame[FRAME_MAX];
static uint8_t line[2 * FRAME_MAX + 2];

uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* In slices: a clock that jumped, where the machine stood still, costs one. */
int wait_fd(int fd, short events, int timeout_ms)
{
	struct pollfd p = { .fd = fd, .events = events };
	int n, slice;

	do {
		slice = timeout_ms > SLICE_MS ? SLICE_MS : timeout_ms;
		n = poll(&p, 1, slice);
		if (!n)
			timeout_ms -= slice;
	} while ((n < 0 && errno == EINTR) || (!n && timeout_ms > 0));
	return n > 0 ? p.revents : 0;
}

void link_open_com2(const char *path)
{
	struct termios t;

	com2 = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (com2 < 0 || tcgetattr(com2, &t))
		return;
	cfmakeraw(&t);
	t.c_cflag |= CLOCAL;
	t.c_cflag &= ~(tcflag_t)CRTSCTS;
	cfsetspeed(&t, B115200);
	tcsetattr(com2, TCSANOW, &t);
}

void link_use_port(int fd)
{
	port = fd;
}

int link_port(void)
{
	return port;
}

uint8_t *link_buffer(void)
{
	return frame + WIRE_HDR_SIZE;
}

static void write_com2(const void *data, size_t len)
{
	const uint8_t *p = data;

	while (com2 >= 0 && len) {
		ssize_t n = write(com2, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		p += n;
		len -= (size_t)n;
	}
}

/* Until the last byte is in the UART: tcdrain() would sleep whole jiffies. */
static void drain_com2(void)
{
	const struct timespec pause = { .tv_nsec = 200000 };
	int left = 0;

	for (int i = 0; i < DRAIN_PATIENCE_MS * 5; i++) {
		if (com2 < 0 || ioctl(com2, TIOCOUTQ, &left) || !left)
			return;
		nanosleep(&pause, NULL);
	}
}

static void send_line(const uint8_t *bytes, size_t len)
{
	size_t n;

	line[0] = WIRE_LINE_START;
	n = 1 + wire_line_encode(line + 1, bytes, len);
	line[n++] = '\n';
	write_com2(line, n);
}

/* 0, or -errno where the port is of no use any more. */
static int write_port(const uint8_t *p, size_t len)
{
	while (len) {
		ssize_t n = write(port, p, len);

		if (n > 0) {
			p += n;
			len -= (size_t)n;
		} else if (n < 0 && errno == EAGAIN) {
			int got = wait_fd(port, POLLOUT, PORT_PATIENCE_MS);

			if (!(got & POLLOUT))
				return got ? -EPIPE : -ETIMEDOUT;
		} else if (n == 0 || errno != EINTR) {
			return n ? -errno : -EIO;
		}
	}
	return 0;
}

static bool worth_keeping(uint16_t type)
{
	return type == WIRE_HELLO || type == WIRE_LIFECYCLE ||
	       type == WIRE_EXIT || type == WIRE_KERN_ADDRS ||
	       type == WIRE_SCHED_EXIT || type == WIRE_LOG;
}

/* The frame in frame[] leaves by port, else by COM2. */
static void send_frame(size_t len)
{
	int err;

	if (port < 0) {
		send_line(frame, len);
		return;
	}
	err = write_port(frame, len);
	if (!err)
		return;
	close(port);
	port = -1;
	/* The same frame again: the host drops it if it came after all. */
	send_line(frame, len);
	link_log("port 1 failed (%s): going on by COM2", strerror(-err));
}

static size_t build(uint16_t type, uint16_t flags, const void *payload, size_t len)
{
	if (len > CHUNK_MAX)
		len = CHUNK_MAX;
	if (payload != frame + WIRE_HDR_SIZE && len)
		memcpy(frame + WIRE_HDR_SIZE, payload, len);
	wire_header(frame, type, flags, seq++,
		    crc32_of(frame + WIRE_HDR_SIZE, len), (uint32_t)len);
	if (worth_keeping(type))
		ring_append(frame, WIRE_HDR_SIZE + len);
	return WIRE_HDR_SIZE + len;
}

void link_send(uint16_t type, uint16_t flags, const void *payload, size_t len)
{
	sending = true;
	send_frame(build(type, flags, payload, len));
	sending = false;
}

void link_raw(const void *bytes, size_t len)
{
	if (port >= 0)
		write_port(bytes, len);
	else
		write_com2(bytes, len);
}

void link_log(const char *fmt, ...)
{
	char text[1024];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n >= (int)sizeof(text))
		n = sizeof(text) - 1;
	link_send(WIRE_LOG, 0, text, (size_t)n);
}

void link_stage(enum wire_stage stage, const char *detail)
{
	uint8_t p[sizeof(struct wire_lifecycle) + 128] = {};
	size_t n = strlen(detail) < 128 ? strlen(detail) : 128;
	uint64_t now = now_ns();

	wire_put32(p, stage);
	wire_put32(p + 8, (uint32_t)now);
	wire_put32(p + 12, (uint32_t)(now >> 32));
	memcpy(p + sizeof(struct wire_lifecycle), detail, n);
	n += sizeof(struct wire_lifecycle);
	if (stage == WIRE_STAGE_INIT && have_ring)
		build(WIRE_LIFECYCLE, 0, p, n);	/* memory is free, COM2 is not */
	else
		link_send(WIRE_LIFECYCLE, 0, p, n);
}

void link_exit(int code, int signal)
{
	char text[32];
	uint8_t p[4];

	wire_put32(p, (uint32_t)code);
	link_send(WIRE_EXIT, (uint16_t)signal, p, sizeof(p));
	link_words(text, (size_t)snprintf(text, sizeof(text), WIRE_SENTINEL "%d\n",
					  code));
}

void link_words(const char *text, size_t len)
{
	write_com2(text, len);
	drain_com2();
}

void link_crash(const char *text, size_t len)
{
	static uint8_t last[4096];

	if (len > sizeof(last) - WIRE_HDR_SIZE)
		len = sizeof(last) - WIRE_HDR_SIZE;
	memcpy(last + WIRE_HDR_SIZE, text, len);
	wire_header(last, WIRE_CRASH, 0, seq++, wire_crc32(0, text, len),
		    (uint32_t)len);
	ring_append(last, WIRE_HDR_SIZE + len);
	/* In the middle of another frame the port's stream must not be cut. */
	if (port >= 0 && !sending && write(port, last, WIRE_HDR_SIZE + len) < 0)
		return;
}

void link_have_ring(bool yes)
{
	have_ring = yes;
}
