// SPDX-License-Identifier: GPL-2.0-only
/*
 * The devices in a real machine, against a guest that is no Linux: bare.c is
 * booted by the same code as any kernel and drives them through trapped
 * registers, ioeventfd and irqfd. Each counter is told exactly, and is what the
 * guest itself saw of buffers, answers and bytes.
 *
 * Where KVM cannot run kernels (privileged code is merely emulated) the guest
 * goes without an IDT: iret is not emulated in long mode. Then an interrupt is
 * seen in the local APIC's IRR; the delivery to a handler is what is missing.
 */
#include "selftests/guest/bare.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include <linux/virtio_mmio.h>

#include "virtio/blk.h"
#include "virtio/blkback.h"
#include "virtio/console.h"
#include "virtio/mmio.h"
#include "virtio/net.h"
#include "runner/assembler.h"
#include "vmm/base/diag.h"
#include "vmm/machine.h"
#include "vmm/probe.h"

#include <kselftest_harness.h>

#define MEMORY MiB(32)
#define DISK MiB(1)
#define DEADLINE_MS 20000
#define SERIAL "bare"

__asm__(
".pushsection .rodata\n"
"bare_image: .incbin \"" BARE_IMAGE "\"\n"
"bare_image_end:\n"
".popsection\n");
extern const char bare_image[], bare_image_end[];

/* A device's registers, with each access that reaches user space counted. */
struct trapped {
	struct device dev;
	void *inner;
	u64 accesses, doorbells;
};

static void trapped_read(void *dev, u64 off, void *data, u32 len)
{
	struct trapped *t = dev;

	t->accesses++;
	mmio_bus_ops.read(t->inner, off, data, len);
}

static void trapped_write(void *dev, u64 off, const void *data, u32 len)
{
	struct trapped *t = dev;

	t->accesses++;
	t->doorbells += off == VIRTIO_MMIO_QUEUE_NOTIFY;
	mmio_bus_ops.write(t->inner, off, data, len);
}

static const struct bus_ops trapped_ops = { trapped_read, trapped_write };

static void trap(struct trapped *t)
{
	t->inner = t->dev.dev;
	t->dev.dev = t;
	t->dev.ops = &trapped_ops;
}

FIXTURE(bare) {
	struct diag d;
	struct probe probe;
	struct mem mem;
	struct machine *m;
	struct virtio_blk *blk;
	struct virtio_net *net;
	struct virtio_console *con;
	struct trapped tblk, tnet, tcon;
	struct assembler bulk;	/* of what comes out of port 1 */
	u64 frames_len;		/* bytes that the assembler delivered */
	struct virtio_blk_cfg blk_cfg;
	struct bare_job job;
	struct buf sent;	/* to BARE_FRAMES_AT */
	bool read_only;
	bool unbound;		/* doorbells are not bound to KVM */
	struct bare_report report;
	struct virtio_blk_counters b;
	struct virtio_net_counters n;
	u64 ran_ns;
};

FIXTURE_SETUP(bare)
{
	struct diag d = { 0 };
	int err = probe_run(NULL, &self->probe, &d);

	if (err == -ENOENT || err == -EACCES || err == -ENODEV)
		SKIP(return, "no usable /dev/kvm: %s", self->probe.reason);
	ASSERT_EQ(0, err) TH_LOG("%s", self->probe.reason);
	self->blk_cfg.serial = SERIAL;
}

FIXTURE_TEARDOWN(bare)
{
	machine_destroy(self->m);
	virtio_blk_destroy(self->blk);
	virtio_net_destroy(self->net);
	virtio_console_destroy(self->con);
	assembler_deinit(&self->bulk);
}

static size_t bulk_take(void *arg, const void *data, size_t len)
{
	assembler_feed(arg, data, len);
	return len;
}

static void bulk_frame(void *ctx, const struct wire_frame *f)
{
	*(u64 *)ctx += f->len;
}

static const struct assembler_ops bulk_ops = { .frame = bulk_frame };

static int build(FIXTURE_DATA(bare) *self)
{
	struct device *devs[] = {
		&self->tnet.dev, &self->tblk.dev, &self->tcon.dev,
	};
	struct virtio_net_cfg net_cfg = { 0 };
	struct virtio_console_cfg con_cfg = {
		.sinks[VIRTIO_CONSOLE_PORT_BULK] = {
			.take = bulk_take, .arg = &self->bulk,
		},
	};
	struct machine_cfg cfg = {
		.memory = MEMORY, .cmdline = "", .kaslr = MACHINE_KASLR_OFF,
		.kernel.bzimage = bare_image,
		.kernel.bzimage_len = (size_t)(bare_image_end - bare_image),
		.devices = devs, .nr_devices = ARRAY_SIZE(devs),
	};
	struct blkback *back;
	int err;

	err = blkback_open_scratch(&back, NULL, DISK, self->read_only,
				   &self->d);
	if (!err)
		err = virtio_blk_create(&self->blk, &self->mem, back,
					&self->blk_cfg, &self->d);
	if (!err)
		err = virtio_net_create(&self->net, &self->mem, &net_cfg,
					&self->d);
	assembler_init(&self->bulk, WIRE_VIA_PORT1, &bulk_ops,
		       &self->frames_len, NULL);
	if (!err)
		err = virtio_console_create(&self->con, &self->mem, &con_cfg,
					    &self->d);
	if (err)
		return err;
	virtio_blk_attach(self->blk, &self->tblk.dev);
	virtio_net_attach(self->net, &self->tnet.dev);
	trap(&self->tblk);
	trap(&self->tnet);
	virtio_console_attach(self->con, &self->tcon.dev);
	trap(&self->tcon);
	if (self->unbound)
		self->tblk.dev.nr_doorbells = self->tnet.dev.nr_doorbells = 0;
	err = machine_create(&self->m, &cfg, &self->d);
	if (!err)
		self->mem = *machine_mem(self->m);
	return err;
}

/* Run @program to its end, whichever; then all the figures are final. */
static int run(FIXTURE_DATA(bare) *self, enum bare_program program)
{
	struct bare_job job = self->job;
	struct pollfd end;
	int err = build(self);

	job.program = program;
	job.polled = !self->probe.usable;
	if (!err)
		err = mem_write(&self->mem, BARE_JOB, &job, sizeof(job));
	if (!err && self->sent.len)
		err = mem_write(&self->mem, BARE_FRAMES_AT, self->sent.data,
				self->sent.len);
	if (!err)
		err = virtio_blk_start(self->blk, &self->d);
	if (!err)
		err = virtio_net_start(self->net, &self->d);
	if (!err)
		err = virtio_console_start(self->con, &self->d);
	self->ran_ns = now_ns();
	if (!err)
		err = machine_start(self->m, &self->d);
	if (err)
		return err;
	end = (struct pollfd){ machine_end_fd(self->m), POLLIN, 0 };
	if (poll(&end, 1, DEADLINE_MS) <= 0)
		machine_kill(self->m);
	machine_join(self->m);
	self->ran_ns = now_ns() - self->ran_ns;
	virtio_blk_stop(self->blk);
	virtio_net_stop(self->net);
	virtio_console_stop(self->con);
	virtio_console_flush(self->con);
	assembler_finish(&self->bulk);
	virtio_blk_counters(self->blk, &self->b);
	virtio_net_counters(self->net, &self->n);
	return mem_read(&self->mem, BARE_REPORT, &self->report,
			sizeof(self->report));
}

static u64 stat_of(struct machine *m, const char *name)
{
	const struct machine_stat *stats;
	unsigned int n = machine_stats(m, 0, &stats), i;

	for (i = 0; i < n; i++)
		if (!strcmp(stats[i].name, name))
			return stats[i].value;
	return UINT64_MAX;
}

static u64 trapped(FIXTURE_DATA(bare) *self)
{
	return self->tblk.accesses + self->tnet.accesses + self->tcon.accesses +
	       machine_mmio(self->m)->unhandled_reads;
}

/*
 * The program came to its end and no doorbell went through user space; where
 * KVM counts, it counted the same exits to user space as we.
 */
#define RUN(program, nr_kicks) do {					\
	u64 mmio_exits;							\
	struct machine_stop stop;					\
									\
	ASSERT_EQ(0, run(self, program)) TH_LOG("%s", diag_text(&self->d)); \
	stop = machine_stop(self->m);					\
	mmio_exits = stat_of(self->m, "mmio_exits");			\
	TH_LOG("%llu us, %llu trapped accesses (KVM says %lld), %u doorbells, %u interrupts%s", \
	       (unsigned long long)self->ran_ns / 1000,			\
	       (unsigned long long)trapped(self), (long long)mmio_exits, \
	       self->report.kicks, self->report.irqs,			\
	       self->probe.usable ? "" : ", emulated");			\
	ASSERT_EQ(1, self->report.done)					\
		TH_LOG("bare.c:%u saw 0x%llx, %s", self->report.line,	\
		       (unsigned long long)self->report.saw,		\
		       machine_stop_name(stop.reason));			\
	EXPECT_EQ(MACHINE_RESET_KBD, stop.reason);			\
	EXPECT_EQ(nr_kicks, self->report.kicks);			\
	EXPECT_EQ(self->unbound ? nr_kicks : 0,				\
		  self->tblk.doorbells + self->tnet.doorbells +		\
		  self->tcon.doorbells);				\
	EXPECT_EQ(0, machine_mmio(self->m)->unhandled_writes);		\
	if (mmio_exits != UINT64_MAX)					\
		EXPECT_EQ(mmio_exits, trapped(self));			\
} while (0)

/* What the device counted is what the guest itself saw. */
#define EXPECT_GUEST_SAW_BLK() do {					\
	const struct bare_report *r = &self->report;			\
									\
	EXPECT_EQ(r->returned[0], self->b.reads_completed +		\
		  self->b.writes_completed + self->b.flushes_completed + \
		  self->b.io_errors + r->ids);				\
	EXPECT_EQ(r->bytes, self->b.bytes_read + r->ids * 20);		\
	EXPECT_EQ(r->refused, self->b.io_errors);			\
	EXPECT_EQ(r->lies, self->b.invalid_avail_idx_count);		\
} while (0)

/* A frame that comes back neither empty nor filled was lost on the way. */
#define EXPECT_GUEST_SAW_NET() do {					\
	const struct bare_report *r = &self->report;			\
									\
	EXPECT_EQ(r->returned[1], self->n.tx_packets +			\
		  self->n.tx_chain_invalid);				\
	EXPECT_EQ(r->broken, self->n.tx_chain_invalid);			\
	EXPECT_EQ(r->posted[1] - r->returned[1],			\
		  self->n.tx_add_used_failures);			\
	EXPECT_EQ(r->returned[0] - r->empty[0], self->n.rx_packets);	\
	EXPECT_EQ(r->bytes, self->n.rx_bytes);				\
	EXPECT_EQ(r->empty[0], self->n.rx_chain_invalid +		\
		  self->n.rx_write_failed);				\
	EXPECT_EQ(r->starved, self->n.tx_dropped_no_rx_buffer);		\
	EXPECT_EQ(r->returned[1] - r->broken - r->starved -		\
		  r->returned[0], self->n.rx_add_used_failures);	\
	EXPECT_EQ(r->lies, self->n.invalid_avail_idx_count);		\
} while (0)

#define EXPECT_BLK(...) do {						\
	struct virtio_blk_counters want = { __VA_ARGS__ };		\
									\
	EXPECT_EQ(want.reads_completed, self->b.reads_completed);	\
	EXPECT_EQ(want.writes_completed, self->b.writes_completed);	\
	EXPECT_EQ(want.flushes_completed, self->b.flushes_completed);	\
	EXPECT_EQ(want.bytes_read, self->b.bytes_read);			\
	EXPECT_EQ(want.bytes_written, self->b.bytes_written);		\
	EXPECT_EQ(want.throttled_count, self->b.throttled_count);	\
	EXPECT_EQ(want.io_errors, self->b.io_errors);			\
	EXPECT_EQ(0, self->b.currently_throttled_gauge);		\
	EXPECT_EQ(want.invalid_avail_idx_count,				\
		  self->b.invalid_avail_idx_count);			\
	EXPECT_GUEST_SAW_BLK();						\
} while (0)

#define EXPECT_NET(...) do {						\
	struct virtio_net_counters want = { __VA_ARGS__ };		\
									\
	want.tx_bytes = want.tx_packets * BARE_FRAME_LEN;		\
	want.rx_bytes = want.rx_packets * BARE_FRAME_LEN;		\
	EXPECT_EQ(want.tx_packets, self->n.tx_packets);			\
	EXPECT_EQ(want.tx_bytes, self->n.tx_bytes);			\
	EXPECT_EQ(want.rx_packets, self->n.rx_packets);			\
	EXPECT_EQ(want.rx_bytes, self->n.rx_bytes);			\
	EXPECT_EQ(want.tx_dropped_no_rx_buffer,				\
		  self->n.tx_dropped_no_rx_buffer);			\
	EXPECT_EQ(want.tx_chain_invalid, self->n.tx_chain_invalid);	\
	EXPECT_EQ(want.rx_chain_invalid, self->n.rx_chain_invalid);	\
	EXPECT_EQ(want.rx_write_failed, self->n.rx_write_failed);	\
	EXPECT_EQ(want.tx_add_used_failures,				\
		  self->n.tx_add_used_failures);			\
	EXPECT_EQ(want.rx_add_used_failures,				\
		  self->n.rx_add_used_failures);			\
	EXPECT_EQ(want.invalid_avail_idx_count,				\
		  self->n.invalid_avail_idx_count);			\
	EXPECT_GUEST_SAW_NET();						\
} while (0)

TEST_F(bare, disk_reads_what_it_wrote_and_interrupts)
{
	RUN(BARE_BLK_IO, 9);
	EXPECT_BLK(.reads_completed = 4, .writes_completed = 4,
		   .flushes_completed = 1, .bytes_read = 4 * BARE_IO_BYTES,
		   .bytes_written = 4 * BARE_IO_BYTES);
	EXPECT_EQ(9, self->report.irqs);
}

TEST_F(bare, disk_counts_a_skipped_avail_idx_once_over_1000_kicks)
{
	RUN(BARE_BLK_SKIP, 1 + BARE_KICKS + 1);
	EXPECT_BLK(.invalid_avail_idx_count = 1, .reads_completed = 1,
		   .bytes_read = 512);
	EXPECT_EQ(1, self->report.needs_reset);
}

TEST_F(bare, disk_counts_each_broken_chain_as_an_error)
{
	self->read_only = true;
	RUN(BARE_BLK_WRONG, 9);
	EXPECT_BLK(.io_errors = 8, .reads_completed = 1, .bytes_read = 512);
	EXPECT_EQ(0, self->report.needs_reset);
}

TEST_F(bare, disk_reset_forgets_what_waits_for_tokens)
{
	/* Four reads at once, the next one after eight minutes. */
	self->blk_cfg.throttle.bandwidth = 1;
	self->blk_cfg.throttle.bandwidth_burst = 4 * 512;
	RUN(BARE_BLK_STALLED, 2);
	EXPECT_BLK(.reads_completed = 4, .bytes_read = 4 * 512,
		   .throttled_count = 1);
}

TEST_F(bare, disk_reset_in_flight_leaves_memory_alone)
{
	u64 posted = BARE_RESETS * (BARE_QUEUE_SIZE - 1);

	RUN(BARE_BLK_RESETS, BARE_RESETS + 1);
	/* How many were done before each reset is a race; the rest is not. */
	EXPECT_GE(posted, self->b.reads_completed);
	EXPECT_BLK(.flushes_completed = 1,
		   .reads_completed = self->b.reads_completed,
		   .bytes_read = 512 * self->b.reads_completed);
}

TEST_F(bare, net_frames_come_back_and_interrupt)
{
	RUN(BARE_NET_LOOP, 2 * BARE_FRAMES + 1);
	EXPECT_NET(.tx_packets = BARE_FRAMES + 1, .rx_packets = BARE_FRAMES,
		   .tx_dropped_no_rx_buffer = 1);
	EXPECT_EQ(BARE_FRAMES, self->report.irqs);
}

TEST_F(bare, net_counts_each_broken_chain_where_it_belongs)
{
	RUN(BARE_NET_WRONG, 6);
	EXPECT_NET(.tx_packets = 4, .rx_packets = 1, .rx_write_failed = 1,
		   .rx_chain_invalid = 2, .tx_chain_invalid = 2);
}

TEST_F(bare, net_counts_lost_buffers_and_a_skipped_avail_idx)
{
	RUN(BARE_NET_LOST, 1 + 1 + 1 + BARE_KICKS + 1);
	/* A frame whose buffer cannot come back is not looped. */
	EXPECT_NET(.tx_packets = 2, .rx_packets = 1, .tx_add_used_failures = 1,
		   .rx_add_used_failures = 1, .invalid_avail_idx_count = 1);
	EXPECT_EQ(3, self->report.needs_reset);
}

/* Port 1 ends in the middle of a frame: counted, and nothing is made of it. */
TEST_F(bare, console_counts_a_frame_that_the_end_cut)
{
	static const u8 text[1000];
	struct virtio_console_counters c;
	u32 i;

	for (i = 0; i < 3; i++)
		ASSERT_EQ(0, wire_encode(&self->sent, WIRE_STDOUT, 0, i, text,
					 sizeof(text)));
	self->job.frames = 2;
	self->job.frame_len = (u32)self->sent.len / 3;
	self->job.cut_len = self->job.frame_len / 2;
	RUN(BARE_CONSOLE_CUT, 2 + 2);
	EXPECT_EQ(2, self->bulk.stats.frames);
	EXPECT_EQ(2 * sizeof(text), self->frames_len);
	EXPECT_EQ(1, self->bulk.stats.truncated);
	EXPECT_EQ(self->job.cut_len, self->bulk.stats.garbage_bytes);
	virtio_console_counters(self->con, &c);
	EXPECT_EQ(2 * self->job.frame_len + self->job.cut_len,
		  c.bytes_out[VIRTIO_CONSOLE_PORT_BULK]);
	buf_reset(&self->sent);
}

/* The other way round: without ioeventfd each of them is an exit. */
TEST_F(bare, doorbells_that_are_not_bound_trap)
{
	self->unbound = true;
	RUN(BARE_NET_LOOP, 2 * BARE_FRAMES + 1);
	EXPECT_NET(.tx_packets = BARE_FRAMES + 1, .rx_packets = BARE_FRAMES,
		   .tx_dropped_no_rx_buffer = 1);
}

TEST_HARNESS_MAIN
