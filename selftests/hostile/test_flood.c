// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest that floods all ports and both serial lines at full speed into logs
 * that somebody reads slowly or not at all: no vCPU waits for a reader, memory
 * is bounded, what port 1 said is there to the byte, and what the others lost
 * is counted.
 */
#include "virtio/console.h"

#include <fcntl.h>
#include <linux/virtio_console.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <kselftest_harness.h>

#include "runner/heard.h"
#include "runner/logfile.h"
#include "runner/wire.h"
#include "selftests/lib/vdrv.h"
#include "virtio/virtio.h"

#define CTRL_RX 2
#define CTRL_TX 3
#define TX(port) ((port) ? 3 + 2 * (port) : 1)
#define FLOOD MiB(48)	/* bytes of each port, at least */
#define CHUNK KiB(16)
/* For the ends of three logs that are kept and what waits for their files. */
#define RSS_MAX MiB(8)
#ifndef __has_feature	/* gcc's word is __SANITIZE_ADDRESS__ */
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

static const char *const log_names[] = { "console.log", "stdout", "stderr" };

struct reader {
	int fd;
	pthread_t thread;
	u64 bytes, wrong;
};

FIXTURE(flood) {
	char dir[64];
	int fds[3];	/* readers' ends; a pipe holds 64 KiB */
	struct heard heard;
	struct vguest g;
	struct vdrv d;
	struct virtio_console *con;
	struct reader reader;
};

/*
 * Port 1's bytes count up above 0x80, so that each one tells where it belongs;
 * COM2's text and what tells of dropped bytes are ASCII.
 */
static u8 nth_byte(u64 n)
{
	return (u8)(0x80 | n % 127);
}

static void *read_slowly(void *arg)
{
	struct reader *r = arg;
	u8 data[KiB(32)];

	while (r->bytes < FLOOD) {
		ssize_t n = read(r->fd, data, sizeof(data)), i;

		BUG_ON(n <= 0);
		for (i = 0; i < n; i++)
			if (data[i] & 0x80)
				r->wrong += data[i] != nth_byte(r->bytes++);
		if (r->bytes % MiB(1) < sizeof(data))
			usleep(1000);
	}
	return NULL;
}

static void port1_room(void *ctx)
{
	virtio_console_resume(ctx, VIRTIO_CONSOLE_PORT_BULK);
}

static void open_logs(FIXTURE_DATA(flood) *self)
{
	char path[96];
	int i;

	strcpy(self->dir, "/tmp/flood.XXXXXX");
	BUG_ON(!mkdtemp(self->dir));
	for (i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/%s", self->dir, log_names[i]);
		BUG_ON(mkfifo(path, 0600));
		self->fds[i] = open(path, O_RDWR | O_CLOEXEC);
		BUG_ON(self->fds[i] < 0);
	}
	BUG_ON(heard_init(&self->heard, self->dir, NULL));
	self->reader = (struct reader){ .fd = self->fds[1] };
}

static void wait_used(struct vdrv *d, unsigned int q, unsigned int n)
{
	while (vring_used_pending(d, q) < n)
		sched_yield();
}

static void control(FIXTURE_DATA(flood) *self, u32 id, u16 event)
{
	struct virtio_console_control msg = { id, event, 1 };
	struct vseg s = { vguest_put(&self->g, &msg, sizeof(msg)), sizeof(msg),
			  false };
	u32 used, len;

	vring_add(&self->d, CTRL_TX, &s, 1);
	vdrv_kick(&self->d, CTRL_TX);
	wait_used(&self->d, CTRL_TX, 1);
	vring_get_used(&self->d, CTRL_TX, &used, &len);
}

FIXTURE_SETUP(flood)
{
	struct virtio_console_cfg cfg = {
		.sinks = {
			[VIRTIO_CONSOLE_PORT_TTY] = { .take = heard_hvc0, .arg = &self->heard },
			[VIRTIO_CONSOLE_PORT_BULK] = { heard_port1, NULL, &self->heard,
						       heard_wait_room },
		},
	};
	u32 i;

	memset(self, 0, sizeof(*self));
	open_logs(self);
	vguest_init(&self->g, MiB(8));
	/* All of it is there before the first look at how much is. */
	memset(self->g.ram, 0, self->g.size);
	self->d.g = &self->g;
	ASSERT_EQ(0, virtio_console_create(&self->con, &self->g.mem, &cfg, NULL));
	self->heard.port1_room = port1_room;
	self->heard.room_ctx = self->con;
	virtio_console_attach(self->con, &self->d.dev);
	ASSERT_EQ(0, virtio_console_start(self->con, NULL));
	vdrv_start(&self->d, ~0ULL, 64);
	control(self, ~0U, VIRTIO_CONSOLE_DEVICE_READY);
	for (i = 0; i < VIRTIO_CONSOLE_NR_PORTS; i++)
		control(self, i, VIRTIO_CONSOLE_PORT_READY);
	for (i = 0; i < VIRTIO_CONSOLE_NR_PORTS; i++)
		control(self, i, VIRTIO_CONSOLE_PORT_OPEN);
	ASSERT_EQ(0, pthread_create(&self->reader.thread, NULL, read_slowly,
				    &self->reader));
}

FIXTURE_TEARDOWN(flood)
{
	char path[96];
	int i;

	virtio_console_destroy(self->con);
	/* The end of a stuck file must not be waited for here. */
	for (i = 0; i < 3; i++)
		close(self->fds[i]);
	heard_deinit(&self->heard);
	for (i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/%s", self->dir, log_names[i]);
		unlink(path);
	}
	rmdir(self->dir);
	vguest_free(&self->g);
}

static u64 rss(void)
{
	unsigned long long pages = 0;
	FILE *f = fopen("/proc/self/statm", "re");

	BUG_ON(!f || fscanf(f, "%*u %llu", &pages) != 1);
	fclose(f);
	return pages * (u64)sysconf(_SC_PAGESIZE);
}

/* One port's flood: a ring of buffers that is refilled as fast as it empties. */
struct source {
	unsigned int port;
	gpa_t bufs[16];
	bool busy[16];
	u64 said;	/* bytes handed to the device */
	struct buf frame;	/* port 1: what is left of the last frame */
	u32 seq;
};

/* The next bytes of port 1: frames of stdout, counting up. */
static u32 next_frames(struct source *s, u8 *to)
{
	static u8 text[KiB(60)];
	size_t i, n;

	if (!s->frame.len && s->said < FLOOD) {
		n = min(sizeof(text), (size_t)(FLOOD - s->said));
		for (i = 0; i < n; i++)
			text[i] = nth_byte(s->said + i);
		BUG_ON(wire_encode(&s->frame, WIRE_STDOUT, 0, s->seq++, text, n));
		s->said += n;
	}
	n = min((size_t)CHUNK, s->frame.len);
	memcpy(to, s->frame.data, n);
	buf_consume(&s->frame, n);
	return (u32)n;
}

static u32 next_noise(struct source *s, u8 *to)
{
	if (s->said >= FLOOD)
		return 0;
	memset(to, 'x', CHUNK);
	s->said += CHUNK;
	return CHUNK;
}

/* Post what there is room for; false when all was said and taken. */
static bool flood(FIXTURE_DATA(flood) *self, struct source *s)
{
	unsigned int q = TX(s->port), i;
	bool busy = false, posted = false;
	u32 id, len;

	while (vring_get_used(&self->d, q, &id, &len))
		for (i = 0; i < ARRAY_SIZE(s->bufs); i++)
			if (s->bufs[i] == vring_desc_at(&self->d, q, (u16)id)->addr)
				s->busy[i] = false;
	for (i = 0; i < ARRAY_SIZE(s->bufs); i++) {
		struct vseg seg = { s->bufs[i], 0, false };
		u8 *p = vguest_ptr(&self->g, s->bufs[i], CHUNK);

		if (!s->busy[i])
			seg.len = s->port == 1 ? next_frames(s, p) :
						 next_noise(s, p);
		if (seg.len) {
			vring_add(&self->d, q, &seg, 1);
			posted = s->busy[i] = true;
		}
		busy |= s->busy[i];
	}
	if (posted)
		vdrv_kick(&self->d, q);
	return busy;
}

/* What a vCPU does on the serial lines; how long the longest call took. */
static u64 flood_serial(FIXTURE_DATA(flood) *self)
{
	static char line[1024];
	u64 begun = now_ns();

	memset(line, 'y', sizeof(line));
	heard_com1(&self->heard, line, sizeof(line));
	heard_com2(&self->heard, line, sizeof(line));
	return now_ns() - begun;
}

TEST_F_TIMEOUT(flood, memory_is_bounded_and_port_1_loses_nothing, 120)
{
	struct source sources[VIRTIO_CONSOLE_NR_PORTS] = { 0 };
	u64 before = 0, peak = 0, longest = 0, console;
	struct virtio_console_counters c;
	unsigned int i, j, n = 0;
	bool more = true;

	for (i = 0; i < ARRAY_SIZE(sources); i++) {
		sources[i].port = i;
		for (j = 0; j < ARRAY_SIZE(sources[i].bufs); j++)
			sources[i].bufs[j] = vguest_alloc(&self->g, CHUNK, 16);
	}
	before = rss();
	while (more) {
		more = false;
		for (i = 0; i < ARRAY_SIZE(sources); i++)
			more |= flood(self, &sources[i]);
		longest = max(longest, flood_serial(self));
		if (!(n++ % 64))
			peak = max(peak, rss());
		sched_yield();
	}
	pthread_join(self->reader.thread, NULL);
	virtio_console_stop(self->con);
	virtio_console_counters(self->con, &c);
	for (i = 0; i < ARRAY_SIZE(sources); i++)
		EXPECT_GE(c.bytes_out[i], FLOOD);
	EXPECT_GE(c.stalls[1], 1);	/* it was told to wait, and did */
	EXPECT_EQ(0, c.stalls[0] + c.stalls[2]);
	EXPECT_EQ(FLOOD, self->reader.bytes);
	EXPECT_EQ(0, self->reader.wrong);
	EXPECT_EQ(0, wire_seen_missing(&self->heard.seen));
	EXPECT_EQ(0, self->heard.port1.stats.crc_errors);
	console = self->heard.console.bytes;
	EXPECT_GE(console, FLOOD);
	EXPECT_GE(logfile_stats(self->heard.console.file).dropped,
		  console - LOGFILE_ROOM - KiB(192));
	EXPECT_LE(longest, 20 * NSEC_PER_SEC);
	TH_LOG("memory grew by %llu KiB",
	       (unsigned long long)(peak - min(before, peak)) >> 10);
	/* The sanitizer keeps what was freed. */
	EXPECT_LE(peak - min(before, peak), SANITIZED ? MiB(512) : RSS_MAX);
	buf_reset(&sources[1].frame);
}

TEST_HARNESS_MAIN
