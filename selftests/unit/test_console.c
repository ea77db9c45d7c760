// SPDX-License-Identifier: GPL-2.0-only
/* The console device against a driver on plain memory. */
#include "virtio/console.h"

#include <endian.h>
#include <errno.h>
#include <linux/virtio_console.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_mmio.h>
#include <linux/virtio_ring.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include <kselftest_harness.h>

#include "selftests/lib/vdrv.h"
#include "virtio/virtio.h"
#include "vmm/base/buf.h"

#define MULTIPORT (1ULL << VIRTIO_CONSOLE_F_MULTIPORT)
#define CTRL_RX 2
#define CTRL_TX 3
#define TX(port) ((port) ? 3 + 2 * (port) : 1)
#define RX(port) ((port) ? 2 + 2 * (port) : 0)

struct sink {
	struct buf got;
	size_t room;	/* takes no more than this */
	int opened, closed;
};

static size_t sink_take(void *arg, const void *data, size_t len)
{
	struct sink *s = arg;
	size_t n = min(len, s->room);

	buf_add(&s->got, data, n);
	s->room -= n;
	return n;
}

static void sink_opened(void *arg, bool open)
{
	struct sink *s = arg;

	open ? s->opened++ : s->closed++;
}

FIXTURE(console) {
	struct vguest g;
	struct vdrv d;
	struct virtio_console *con;
	struct sink sinks[VIRTIO_CONSOLE_NR_PORTS];
};

FIXTURE_SETUP(console)
{
	struct virtio_console_cfg cfg = { .cols = 132, .rows = 50 };
	int i;

	memset(self->sinks, 0, sizeof(self->sinks));
	for (i = 0; i < VIRTIO_CONSOLE_NR_PORTS; i++) {
		self->sinks[i].room = SIZE_MAX;
		cfg.sinks[i] = (struct virtio_console_sink){
			.take = sink_take, .opened = sink_opened,
			.arg = &self->sinks[i],
		};
	}
	vguest_init(&self->g, MiB(4));
	memset(&self->d, 0, sizeof(self->d));
	self->d.g = &self->g;
	ASSERT_EQ(0, virtio_console_create(&self->con, &self->g.mem, &cfg, NULL));
	virtio_console_attach(self->con, &self->d.dev);
}

FIXTURE_TEARDOWN(console)
{
	int i;

	virtio_console_destroy(self->con);
	for (i = 0; i < VIRTIO_CONSOLE_NR_PORTS; i++)
		buf_reset(&self->sinks[i].got);
	vguest_free(&self->g);
}

static void poll_now(FIXTURE_DATA(console) *self)
{
	virtio_poll(virtio_console_core(self->con));
}

static struct virtio_console_counters counters(FIXTURE_DATA(console) *self)
{
	struct virtio_console_counters c;

	virtio_console_counters(self->con, &c);
	return c;
}

/* Post writable buffers of @len bytes. */
static void post_in(FIXTURE_DATA(console) *self, unsigned int q, int n, u32 len)
{
	while (n--) {
		struct vseg s = { vguest_alloc(&self->g, len, 16), len, true };

		vring_add(&self->d, q, &s, 1);
	}
	vdrv_kick(&self->d, q);
}

static void write_out(FIXTURE_DATA(console) *self, unsigned int q,
		      const void *data, u32 len)
{
	struct vseg s = { vguest_put(&self->g, data, len), len, false };

	vring_add(&self->d, q, &s, 1);
	vdrv_kick(&self->d, q);
	poll_now(self);
}

static void control(FIXTURE_DATA(console) *self, u32 id, u16 event, u16 value)
{
	struct virtio_console_control msg = {
		.id = htole32(id), .event = htole16(event),
		.value = htole16(value),
	};

	write_out(self, CTRL_TX, &msg, sizeof(msg));
}

/* Fetch one control message; its length, 0 where none came. */
static u32 get_control(FIXTURE_DATA(console) *self,
		       struct virtio_console_control *msg, char *rest)
{
	u32 id, len;
	u8 *p;

	if (!vring_get_used(&self->d, CTRL_RX, &id, &len))
		return 0;
	p = vguest_ptr(&self->g,
		       le64toh(vring_desc_at(&self->d, CTRL_RX, id)->addr), len);
	memcpy(msg, p, sizeof(*msg));
	memcpy(rest, p + sizeof(*msg), len - sizeof(*msg));
	rest[len - sizeof(*msg)] = '\0';
	return len;
}

static void boot(FIXTURE_DATA(console) *self)
{
	struct virtio_console_control msg;
	char rest[64];
	u32 port;

	vdrv_start(&self->d, ~0ULL, 64);
	post_in(self, CTRL_RX, 32, 128);
	control(self, ~0U, VIRTIO_CONSOLE_DEVICE_READY, 1);
	for (port = 0; port < VIRTIO_CONSOLE_NR_PORTS; port++)
		control(self, port, VIRTIO_CONSOLE_PORT_READY, 1);
	for (port = 0; port < VIRTIO_CONSOLE_NR_PORTS; port++)
		control(self, port, VIRTIO_CONSOLE_PORT_OPEN, 1);
	while (get_control(self, &msg, rest))
		;
}

TEST_F(console, config_space_tells_size_and_ports)
{
	struct virtio_console_config cfg;

	self->d.dev.ops->read(self->d.dev.dev, VIRTIO_MMIO_CONFIG, &cfg, 4);
	self->d.dev.ops->read(self->d.dev.dev, VIRTIO_MMIO_CONFIG + 4,
			      &cfg.max_nr_ports, 4);
	EXPECT_EQ(132, le16toh(cfg.cols));
	EXPECT_EQ(50, le16toh(cfg.rows));
	EXPECT_EQ(3, le32toh(cfg.max_nr_ports));
	EXPECT_EQ(VIRTIO_ID_CONSOLE,
		  vdrv_read(&self->d, VIRTIO_MMIO_DEVICE_ID));
}

TEST_F(console, handshake_names_three_ports)
{
	static const char * const names[] = {
		"vmtap.console", "vmtap.bulk", "vmtap.stats",
	};
	struct virtio_console_control msg;
	char rest[64];
	u32 port;

	vdrv_start(&self->d, ~0ULL, 64);
	post_in(self, CTRL_RX, 32, 128);
	control(self, ~0U, VIRTIO_CONSOLE_DEVICE_READY, 1);
	for (port = 0; port < 3; port++) {
		ASSERT_EQ(8, get_control(self, &msg, rest));
		EXPECT_EQ(VIRTIO_CONSOLE_PORT_ADD, le16toh(msg.event));
		EXPECT_EQ(port, le32toh(msg.id));
	}
	EXPECT_EQ(0, get_control(self, &msg, rest));
	for (port = 0; port < 3; port++) {
		control(self, port, VIRTIO_CONSOLE_PORT_READY, 1);
		if (!port) {
			ASSERT_EQ(8, get_control(self, &msg, rest));
			EXPECT_EQ(VIRTIO_CONSOLE_CONSOLE_PORT, msg.event);
			EXPECT_EQ(1, msg.value);
		}
		ASSERT_EQ(8 + strlen(names[port]),
			  get_control(self, &msg, rest));
		EXPECT_EQ(VIRTIO_CONSOLE_PORT_NAME, msg.event);
		EXPECT_STREQ(names[port], rest);
		if (!port) {
			ASSERT_EQ(12, get_control(self, &msg, rest));
			EXPECT_EQ(VIRTIO_CONSOLE_RESIZE, msg.event);
			EXPECT_EQ(132, (u8)rest[0]);
			EXPECT_EQ(50, (u8)rest[2]);
		}
		ASSERT_EQ(8, get_control(self, &msg, rest));
		EXPECT_EQ(VIRTIO_CONSOLE_PORT_OPEN, msg.event);
		EXPECT_EQ(1, msg.value);
		EXPECT_EQ(port, msg.id);
		EXPECT_EQ(0, get_control(self, &msg, rest));
	}
	EXPECT_EQ(0, counters(self).control_invalid);
}

TEST_F(console, a_port_is_added_once_however_often_ready_is_told)
{
	struct virtio_console_control msg;
	char rest[64];
	int n = 0;

	vdrv_start(&self->d, ~0ULL, 64);
	post_in(self, CTRL_RX, 32, 128);
	control(self, 0, VIRTIO_CONSOLE_DEVICE_READY, 1);
	control(self, 0, VIRTIO_CONSOLE_DEVICE_READY, 1);
	while (get_control(self, &msg, rest))
		n++;
	EXPECT_EQ(3, n);
}

TEST_F(console, control_messages_wait_for_buffers)
{
	struct virtio_console_control msg;
	char rest[64];
	int i;

	vdrv_start(&self->d, ~0ULL, 64);
	control(self, 0, VIRTIO_CONSOLE_DEVICE_READY, 1);
	for (i = 0; i < 20; i++)
		control(self, 1, VIRTIO_CONSOLE_PORT_READY, 1);
	EXPECT_EQ(0, get_control(self, &msg, rest));
	post_in(self, CTRL_RX, 32, 128);
	poll_now(self);
	/* 3 PORT_ADD, then NAME and OPEN of port 1, each once. */
	for (i = 0; get_control(self, &msg, rest); i++)
		;
	EXPECT_EQ(5, i);
}

TEST_F(console, a_control_buffer_too_small_is_refused_and_the_message_kept)
{
	struct virtio_console_control msg;
	u32 id, len;
	char rest[64];

	vdrv_start(&self->d, ~0ULL, 64);
	post_in(self, CTRL_RX, 1, 7);
	control(self, 0, VIRTIO_CONSOLE_DEVICE_READY, 1);
	ASSERT_TRUE(vring_get_used(&self->d, CTRL_RX, &id, &len));
	EXPECT_EQ(0, len);
	EXPECT_EQ(1, counters(self).chain_invalid);
	post_in(self, CTRL_RX, 3, 8);
	poll_now(self);
	ASSERT_EQ(8, get_control(self, &msg, rest));
	EXPECT_EQ(VIRTIO_CONSOLE_PORT_ADD, msg.event);
	EXPECT_EQ(0, msg.id);
}

TEST_F(console, senseless_control_messages_are_counted)
{
	boot(self);
	control(self, 3, VIRTIO_CONSOLE_PORT_READY, 1);
	control(self, 0xffffffff, VIRTIO_CONSOLE_PORT_OPEN, 1);
	control(self, 0, VIRTIO_CONSOLE_PORT_NAME, 1);
	control(self, 0, 999, 1);
	write_out(self, CTRL_TX, "short", 5);
	EXPECT_EQ(5, counters(self).control_invalid);
	EXPECT_EQ(0, counters(self).chain_invalid);
}

TEST_F(console, ports_are_ignored_before_they_were_added)
{
	vdrv_start(&self->d, ~0ULL, 64);
	control(self, 1, VIRTIO_CONSOLE_PORT_OPEN, 1);
	EXPECT_FALSE(virtio_console_is_open(self->con, 1));
	EXPECT_EQ(1, counters(self).control_invalid);
}

TEST_F(console, each_port_writes_to_its_own_sink)
{
	boot(self);
	write_out(self, TX(0), "tty", 3);
	write_out(self, TX(1), "bulk!", 5);
	write_out(self, TX(2), "stats..", 7);
	EXPECT_STREQ("tty", buf_str(&self->sinks[0].got));
	EXPECT_STREQ("bulk!", buf_str(&self->sinks[1].got));
	EXPECT_STREQ("stats..", buf_str(&self->sinks[2].got));
	EXPECT_EQ(5, counters(self).bytes_out[1]);
	EXPECT_EQ(1, vring_used_pending(&self->d, TX(1)));
}

/* Wait, at most ten seconds, until there was an interrupt. */
static bool interrupted(FIXTURE_DATA(console) *self)
{
	int i;

	for (i = 0; i < 10000; i++) {
		poll_now(self);
		if (vdrv_irqs(&self->d))
			return true;
		usleep(1000);
	}
	return false;
}

/* A driver that asks for a kick and an interrupt whenever anything moves. */
TEST_F(console, a_flow_is_looked_at_by_the_clock_and_interrupts_at_its_end)
{
	unsigned int q = TX(1);
	u16 asked;
	int i;

	boot(self);
	EXPECT_TRUE(interrupted(self));
	asked = vring_read_avail_event(&self->d, q);
	vring_write_used_event(&self->d, q, self->d.q[q].last_used);
	write_out(self, q, "one", 3);
	EXPECT_EQ(1, vring_used_pending(&self->d, q));
	EXPECT_EQ(0, vdrv_irqs(&self->d));
	EXPECT_EQ(asked, vring_read_avail_event(&self->d, q));
	EXPECT_TRUE(interrupted(self));
	for (i = 0; i < 10000 && vring_read_avail_event(&self->d, q) == asked; i++) {
		usleep(1000);
		poll_now(self);
	}
	EXPECT_EQ(asked + 1, vring_read_avail_event(&self->d, q));
}

TEST_F(console, half_a_queue_that_came_back_interrupts_at_once)
{
	struct vseg s = { 0, 16, false };
	unsigned int q = TX(1), i;

	boot(self);
	EXPECT_TRUE(interrupted(self));
	s.addr = vguest_alloc(&self->g, 16, 16);
	vring_write_used_event(&self->d, q, self->d.q[q].last_used);
	for (i = 0; i < 32; i++)
		vring_add(&self->d, q, &s, 1);
	vdrv_kick(&self->d, q);
	poll_now(self);
	EXPECT_EQ(32, vring_used_pending(&self->d, q));
	EXPECT_NE(0, vdrv_irqs(&self->d));
}

TEST_F(console, the_terminal_is_kicked_for_each_time)
{
	u16 asked;

	boot(self);
	asked = vring_read_avail_event(&self->d, TX(0));
	write_out(self, TX(0), "one", 3);
	EXPECT_EQ((u16)(asked + 1), vring_read_avail_event(&self->d, TX(0)));
	EXPECT_TRUE(interrupted(self));
}

TEST_F(console, scattered_output_keeps_its_order)
{
	struct vseg segs[] = {
		{ vguest_put(&self->g, "one ", 4), 4, false },
		{ vguest_put(&self->g, "two ", 4), 4, false },
		{ vguest_put(&self->g, "three", 5), 5, false },
	};

	boot(self);
	vring_add(&self->d, TX(1), segs, 3);
	vdrv_kick(&self->d, TX(1));
	poll_now(self);
	EXPECT_STREQ("one two three", buf_str(&self->sinks[1].got));
}

TEST_F(console, without_multiport_there_is_only_port_0)
{
	vdrv_start(&self->d, ~MULTIPORT, 64);
	EXPECT_TRUE(virtio_console_is_open(self->con, 0));
	EXPECT_EQ(1, self->sinks[0].opened);
	write_out(self, TX(0), "hi", 2);
	write_out(self, TX(1), "no", 2);
	control(self, 0, VIRTIO_CONSOLE_DEVICE_READY, 1);
	EXPECT_EQ(2, self->sinks[0].got.len);
	EXPECT_EQ(0, self->sinks[1].got.len);
	EXPECT_EQ(0, vring_used_pending(&self->d, TX(1)));
	EXPECT_EQ(0, vring_used_pending(&self->d, CTRL_TX));
}

TEST_F(console, a_sink_that_takes_less_stops_its_port_and_no_other)
{
	boot(self);
	self->sinks[1].room = 4;
	write_out(self, TX(1), "abcdefgh", 8);
	write_out(self, TX(1), "ijkl", 4);
	EXPECT_STREQ("abcd", buf_str(&self->sinks[1].got));
	EXPECT_EQ(0, vring_used_pending(&self->d, TX(1)));
	EXPECT_EQ(1, counters(self).stalls[1]);
	write_out(self, TX(2), "free", 4);
	EXPECT_STREQ("free", buf_str(&self->sinks[2].got));

	/* A kick alone does not wake it. */
	self->sinks[1].room = 2;
	vdrv_kick(&self->d, TX(1));
	poll_now(self);
	EXPECT_STREQ("abcd", buf_str(&self->sinks[1].got));
	virtio_console_resume(self->con, 1);
	poll_now(self);
	EXPECT_STREQ("abcdef", buf_str(&self->sinks[1].got));
	EXPECT_EQ(2, counters(self).stalls[1]);
	self->sinks[1].room = SIZE_MAX;
	virtio_console_resume(self->con, 1);
	poll_now(self);
	EXPECT_STREQ("abcdefghijkl", buf_str(&self->sinks[1].got));
	EXPECT_EQ(2, vring_used_pending(&self->d, TX(1)));
	EXPECT_EQ(12, counters(self).bytes_out[1]);
}

TEST_F(console, a_stalled_buffer_that_shrinks_meanwhile_is_no_over_read)
{
	boot(self);
	self->sinks[1].room = 6;
	write_out(self, TX(1), "abcdefgh", 8);
	vring_desc_at(&self->d, TX(1), 0)->len = htole32(3);
	self->sinks[1].room = SIZE_MAX;
	virtio_console_resume(self->con, 1);
	poll_now(self);
	EXPECT_STREQ("abcdef", buf_str(&self->sinks[1].got));
	EXPECT_EQ(1, vring_used_pending(&self->d, TX(1)));
}

TEST_F(console, flush_hands_over_what_was_never_kicked)
{
	struct vseg s = { vguest_put(&self->g, "last words", 10), 10, false };

	boot(self);
	vring_add(&self->d, TX(1), &s, 1);
	EXPECT_EQ(0, self->sinks[1].got.len);
	EXPECT_EQ(0, virtio_console_flush(self->con));
	EXPECT_STREQ("last words", buf_str(&self->sinks[1].got));
	EXPECT_EQ(0, virtio_console_flush(self->con));
	EXPECT_EQ(10, self->sinks[1].got.len);
}

TEST_F(console, flush_says_when_a_sink_has_had_enough)
{
	boot(self);
	self->sinks[1].room = 1;
	write_out(self, TX(1), "xyz", 3);
	self->sinks[1].room = 1;
	EXPECT_EQ(-EAGAIN, virtio_console_flush(self->con));
	self->sinks[1].room = 9;
	EXPECT_EQ(0, virtio_console_flush(self->con));
	EXPECT_STREQ("xyz", buf_str(&self->sinks[1].got));
}

TEST_F(console, a_reset_does_not_lose_what_was_posted)
{
	struct vseg s = { vguest_put(&self->g, "before", 6), 6, false };

	boot(self);
	vring_add(&self->d, TX(1), &s, 1);
	vdrv_reset(&self->d);
	EXPECT_STREQ("before", buf_str(&self->sinks[1].got));
	EXPECT_EQ(1, self->sinks[1].opened);
	EXPECT_EQ(1, self->sinks[1].closed);
	EXPECT_FALSE(virtio_console_is_open(self->con, 1));
}

TEST_F(console, a_reset_ends_a_stall)
{
	boot(self);
	self->sinks[1].room = 2;
	write_out(self, TX(1), "abcd", 4);
	boot(self);
	self->sinks[1].room = SIZE_MAX;
	write_out(self, TX(1), "new", 3);
	EXPECT_STREQ("abnew", buf_str(&self->sinks[1].got));
}

static bool make_room(void *arg)
{
	struct sink *s = arg;

	s->room = 3;
	return true;
}

/* Linux 7 resets its devices before it reboots. */
TEST_F(console, a_reset_waits_for_a_sink_that_has_had_enough)
{
	struct virtio_console_cfg cfg = { .cols = 0 };
	struct vseg s = { 0, 10, false };

	cfg.sinks[1] = (struct virtio_console_sink){
		sink_take, sink_opened, &self->sinks[1], make_room,
	};
	virtio_console_destroy(self->con);
	ASSERT_EQ(0, virtio_console_create(&self->con, &self->g.mem, &cfg, NULL));
	virtio_console_attach(self->con, &self->d.dev);
	boot(self);
	self->sinks[1].room = 4;
	write_out(self, TX(1), "0123456789", 10);
	s.addr = vguest_put(&self->g, "abcdefghij", 10);
	vring_add(&self->d, TX(1), &s, 1);
	EXPECT_STREQ("0123", buf_str(&self->sinks[1].got));
	vdrv_reset(&self->d);
	EXPECT_STREQ("0123456789abcdefghij", buf_str(&self->sinks[1].got));
	EXPECT_EQ(20, counters(self).bytes_out[1]);
}

static void read_in(FIXTURE_DATA(console) *self, unsigned int q, struct buf *b)
{
	u32 id, len;

	while (vring_get_used(&self->d, q, &id, &len))
		buf_add(b, vguest_ptr(&self->g,
				      le64toh(vring_desc_at(&self->d, q, id)->addr),
				      len), len);
}

TEST_F(console, what_the_host_sends_waits_for_open_and_for_buffers)
{
	struct buf b = { 0 };

	vdrv_start(&self->d, ~0ULL, 64);
	ASSERT_EQ(0, virtio_console_send(self->con, 1, "request", 7));
	post_in(self, RX(1), 4, 4);
	poll_now(self);
	EXPECT_EQ(0, vring_used_pending(&self->d, RX(1)));
	EXPECT_EQ(7, virtio_console_unsent(self->con, 1));
	post_in(self, CTRL_RX, 32, 128);
	control(self, 0, VIRTIO_CONSOLE_DEVICE_READY, 1);
	control(self, 1, VIRTIO_CONSOLE_PORT_READY, 1);
	control(self, 1, VIRTIO_CONSOLE_PORT_OPEN, 1);
	EXPECT_TRUE(virtio_console_is_open(self->con, 1));
	EXPECT_EQ(1, self->sinks[1].opened);
	read_in(self, RX(1), &b);
	EXPECT_STREQ("request", buf_str(&b));
	EXPECT_EQ(0, virtio_console_unsent(self->con, 1));
	EXPECT_EQ(7, counters(self).bytes_in[1]);

	/* Two buffers are left, 8 bytes; the rest waits. */
	ASSERT_EQ(0, virtio_console_send(self->con, 1, "0123456789", 10));
	poll_now(self);
	EXPECT_EQ(2, virtio_console_unsent(self->con, 1));
	post_in(self, RX(1), 1, 64);
	poll_now(self);
	read_in(self, RX(1), &b);
	EXPECT_STREQ("request0123456789", buf_str(&b));
	buf_reset(&b);
}

TEST_F(console, the_send_queue_is_bounded_and_takes_all_or_nothing)
{
	static u8 big[VIRTIO_CONSOLE_SEND_MAX + 1];

	EXPECT_EQ(-EMSGSIZE, virtio_console_send(self->con, 1, big, sizeof(big)));
	EXPECT_EQ(0, virtio_console_send(self->con, 1, big, sizeof(big) - 2));
	EXPECT_EQ(-EAGAIN, virtio_console_send(self->con, 1, big, 2));
	EXPECT_EQ(0, virtio_console_send(self->con, 1, big, 1));
	EXPECT_EQ(sizeof(big) - 1, virtio_console_unsent(self->con, 1));
	EXPECT_EQ(0, virtio_console_send(self->con, 2, big, 1));
}

TEST_F(console, the_send_queue_wraps)
{
	static u8 data[40000], back[200000];
	struct buf b = { 0 };
	size_t i, off = 0;
	int round;

	boot(self);
	for (round = 0; round < 5; round++) {
		for (i = 0; i < sizeof(data); i++)
			data[i] = (u8)((off + i) * 7 >> 3);
		memcpy(back + off, data, sizeof(data));
		ASSERT_EQ(0, virtio_console_send(self->con, 2, data,
						 sizeof(data)));
		post_in(self, RX(2), 10, 4096);
		poll_now(self);
		read_in(self, RX(2), &b);
		off += sizeof(data);
	}
	ASSERT_EQ(sizeof(back), b.len);
	EXPECT_EQ(0, memcmp(back, b.data, b.len));
	buf_reset(&b);
}

TEST_F(console, a_reset_drops_a_half_read_stream_but_not_an_unopened_one)
{
	boot(self);
	ASSERT_EQ(0, virtio_console_send(self->con, 1, "half", 4));
	poll_now(self);
	vdrv_reset(&self->d);
	EXPECT_EQ(0, virtio_console_unsent(self->con, 1));
	ASSERT_EQ(0, virtio_console_send(self->con, 1, "kept", 4));
	vdrv_reset(&self->d);
	EXPECT_EQ(4, virtio_console_unsent(self->con, 1));
}

TEST_F(console, resize_changes_config_and_tells_the_port)
{
	struct virtio_console_control msg;
	u16 cols;
	char rest[64];
	u32 gen;

	boot(self);
	gen = vdrv_read(&self->d, VIRTIO_MMIO_CONFIG_GENERATION);
	vdrv_irqs(&self->d);
	virtio_console_resize(self->con, 200, 60);
	poll_now(self);
	EXPECT_NE(gen, vdrv_read(&self->d, VIRTIO_MMIO_CONFIG_GENERATION));
	EXPECT_NE(0, vdrv_irqs(&self->d));
	EXPECT_TRUE(vdrv_read(&self->d, VIRTIO_MMIO_INTERRUPT_STATUS) &
		    VIRTIO_MMIO_INT_CONFIG);
	self->d.dev.ops->read(self->d.dev.dev, VIRTIO_MMIO_CONFIG, &cols, 2);
	EXPECT_EQ(200, le16toh(cols));
	ASSERT_EQ(12, get_control(self, &msg, rest));
	EXPECT_EQ(VIRTIO_CONSOLE_RESIZE, msg.event);
	EXPECT_EQ(200, (u8)rest[0]);
}

TEST_F(console, wrong_direction_is_refused_on_either_side)
{
	struct vseg in = { vguest_alloc(&self->g, 16, 16), 16, true };
	struct vseg out = { vguest_put(&self->g, "x", 1), 1, false };

	boot(self);
	vring_add(&self->d, TX(1), &in, 1);
	vdrv_kick(&self->d, TX(1));
	poll_now(self);
	EXPECT_EQ(1, counters(self).chain_invalid);
	EXPECT_EQ(1, vring_used_pending(&self->d, TX(1)));
	vring_add(&self->d, RX(1), &out, 1);
	post_in(self, RX(1), 1, 16);
	ASSERT_EQ(0, virtio_console_send(self->con, 1, "data", 4));
	poll_now(self);
	EXPECT_EQ(2, counters(self).chain_invalid);
	EXPECT_EQ(4, counters(self).bytes_in[1]);
}

TEST_F(console, a_message_above_16_mib_is_refused)
{
	struct vseg segs[5];
	int i;

	for (i = 0; i < 5; i++)
		segs[i] = (struct vseg){ VDRV_RAM_BASE, MiB(4), false };
	boot(self);
	vring_add(&self->d, TX(1), segs, 5);
	vdrv_kick(&self->d, TX(1));
	poll_now(self);
	EXPECT_EQ(1, counters(self).chain_invalid);
	EXPECT_EQ(0, self->sinks[1].got.len);
	vring_add(&self->d, TX(1), segs, 4);
	vdrv_kick(&self->d, TX(1));
	poll_now(self);
	EXPECT_EQ(MiB(16), self->sinks[1].got.len);
}

/* 64 MiB through port 1 while its sink stutters: all there, in order. */

#define FLOOD MiB(64)

struct flood {
	struct virtio_console *con;
	pthread_mutex_t lock;
	u64 seen;
	u64 wrong;
	u64 calls;
	bool hungry;
};

static size_t flood_take(void *arg, const void *data, size_t len)
{
	struct flood *f = arg;
	const u32 *p = data;
	size_t i, n = len;

	pthread_mutex_lock(&f->lock);
	if (++f->calls % 7 == 0) {
		n = len / 2 & ~3UL;
		f->hungry = true;
	}
	for (i = 0; i < n / 4; i++)
		if (p[i] != (u32)(f->seen / 4 + i))
			f->wrong++;
	f->seen += n;
	pthread_mutex_unlock(&f->lock);
	return n;
}

static void *flood_feed(void *arg)
{
	struct flood *f = arg;
	bool done = false;

	while (!done) {
		bool resume;

		pthread_mutex_lock(&f->lock);
		resume = f->hungry;
		f->hungry = false;
		done = f->seen == FLOOD;
		pthread_mutex_unlock(&f->lock);
		if (resume)
			virtio_console_resume(f->con, 1);
		usleep(20);
	}
	return NULL;
}

static long rss_kib(void)
{
	long pages = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	BUG_ON(!f || fscanf(f, "%*d %ld", &pages) != 1);
	fclose(f);
	return pages * 4;
}

TEST_F_TIMEOUT(console, flood_through_port_1_loses_nothing, 120)
{
	struct flood f = { .lock = PTHREAD_MUTEX_INITIALIZER };
	struct virtio_console_cfg cfg = {
		.sinks[1] = { .take = flood_take, .arg = &f },
	};
	const u32 chunk = 32768;
	unsigned int in_flight = 0, slot = 0;
	pthread_t feeder;
	long before;
	u64 off = 0;
	gpa_t ram;

	virtio_console_destroy(self->con);
	ASSERT_EQ(0, virtio_console_create(&self->con, &self->g.mem, &cfg, NULL));
	virtio_console_attach(self->con, &self->d.dev);
	f.con = self->con;
	boot(self);
	ram = vguest_alloc(&self->g, 32 * chunk, 4096);
	ASSERT_EQ(0, virtio_console_start(self->con, NULL));
	ASSERT_EQ(0, pthread_create(&feeder, NULL, flood_feed, &f));
	before = rss_kib();
	while (off < FLOOD || in_flight) {
		while (vring_get_used(&self->d, TX(1), NULL, NULL))
			in_flight--;
		if (off == FLOOD || in_flight == 32) {
			usleep(10);
			continue;
		}
		{
			struct vseg s = { ram + (slot++ % 32) * chunk,
					  chunk, false };
			u32 *p = vguest_ptr(&self->g, s.addr, chunk), i;

			for (i = 0; i < chunk / 4; i++)
				p[i] = (u32)(off / 4 + i);
			vring_add(&self->d, TX(1), &s, 1);
		}
		in_flight++;
		off += chunk;
		vdrv_kick(&self->d, TX(1));
	}
	pthread_join(feeder, NULL);
	TH_LOG("%llu calls, %ld KiB more resident", (unsigned long long)f.calls,
	       rss_kib() - before);
	virtio_console_stop(self->con);
	EXPECT_EQ(FLOOD, f.seen);
	EXPECT_EQ(0, f.wrong);
	EXPECT_EQ(FLOOD, counters(self).bytes_out[1]);
	EXPECT_LT(0, counters(self).stalls[1]);
	/* 1 MiB of it is the guest's own buffers. */
	EXPECT_GT(8192, rss_kib() - before);
}

TEST_HARNESS_MAIN
