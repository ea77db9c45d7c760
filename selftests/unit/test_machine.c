// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whole machines on the host's KVM, with flat guests of a few instructions in
 * place of a kernel: each proves one thing. Skipped where the probe says that
 * KVM does not run guests here.
 */
#include "vmm/machine.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include <kselftest_harness.h>

#include "vmm/base/buf.h"
#include "vmm/base/diag.h"
#include "vmm/device.h"
#include "vmm/event.h"
#include "vmm/probe.h"

/* A guest: 64-bit code, entered flat with interrupts off. */
#define GUEST(name, code)					\
	__asm__(".pushsection .rodata\n"			\
		".globl guest_" #name ", guest_" #name "_end\n"	\
		"guest_" #name ":\n" code "\n"			\
		"guest_" #name "_end:\n.popsection");		\
	extern const u8 guest_##name[], guest_##name##_end[]

#define OUTB(port, val) "mov $" #port ",%dx; mov $" #val ",%al; out %al,%dx;"
#define OFF OUTB(0x600, 0x34)

GUEST(poweroff, OFF "hlt");
GUEST(reset_acpi, OUTB(0x602, 1) "hlt");
GUEST(reset_kbd, OUTB(0x64, 0xfe) "hlt");
GUEST(reset_pci, OUTB(0xcf9, 0x0e) "hlt");
GUEST(triple, "ud2");
GUEST(spin, "mov $0x300000,%rdi; 1: incq (%rdi); jmp 1b");
GUEST(halt, "1: hlt; jmp 1b");
GUEST(say, OUTB(0x3f8, 0x68) OUTB(0x3f8, 0x69) OUTB(0x2f8, 0x32) OFF);
GUEST(say_and_spin, OUTB(0x3f8, 0x78) "1: jmp 1b");
GUEST(string, "lea 1f(%rip),%rsi; mov $5,%ecx; mov $0x3f8,%dx; rep outsb;" OFF
	      "1: .ascii \"outsb\"");
GUEST(nobody, "mov $0x1234,%dx; in %dx,%al; cmp $0xff,%al; jne 1f;"
	      "mov $0xd8000000,%esi; mov (%rsi),%eax; cmp $-1,%eax; jne 1f;"
	      "mov %eax,(%rsi);" OFF "1: ud2");
GUEST(device, "mov $0xd0000000,%esi; mov 8(%rsi),%eax; mov %eax,0x10(%rsi);"
	      "movl $7,0x50(%rsi); movl $8,0x50(%rsi);" OFF);
GUEST(page, "mov $0xcffff000,%esi; testb $0x20,5(%rsi); jz 1f;"
	    "movb $0x70,(%rsi); movb $0x67,(%rsi);" OFF "1: ud2");
GUEST(echo, "1: mov $0x3fd,%dx; in %dx,%al; test $1,%al; jz 1b;"
	    "mov $0x3f8,%dx; in %dx,%al; out %al,%dx; cmp $0x21,%al; jne 1b;" OFF);
GUEST(in_loop, "mov $0x300000,%rdi; 1: mov $0x3fd,%dx; in %dx,%al;"
	       "incq (%rdi); jmp 1b");

#define COUNTER 0x300000

FIXTURE(machine) {
	struct buf image;
	struct buf com[2];
	struct machine_cfg cfg;
	struct machine *m;
	struct diag d;
};

static void sink(void *arg, const void *data, size_t len)
{
	buf_add(arg, data, len);
}

static bool usable(char *why, size_t len)
{
	struct probe p;
	bool ok = !probe_run(NULL, &p, NULL) && p.usable;

	snprintf(why, len, "%s", p.reason);
	return ok;
}

FIXTURE_SETUP(machine)
{
	static char why[300];
	unsigned int i;

	memset(self, 0, sizeof(*self));
	if (!usable(why, sizeof(why)))
		SKIP(return, "%s", why);
	self->cfg.memory = MiB(64);
	for (i = 0; i < 2; i++)
		self->cfg.serial[i] = (struct machine_serial){ sink,
							       &self->com[i] };
}

FIXTURE_TEARDOWN(machine)
{
	machine_destroy(self->m);
	buf_reset(&self->image);
	buf_reset(&self->com[0]);
	buf_reset(&self->com[1]);
	diag_reset(&self->d);
}

/* A bzImage whose 64-bit entry is the guest. */
static void create(FIXTURE_DATA(machine) *self, const u8 *code, const u8 *end)
{
	static const char zeros[1024 + 512];
	struct buf *b = &self->image;

	machine_destroy(self->m);
	self->m = NULL;
	buf_reset(b);
	buf_add(b, zeros, sizeof(zeros));
	memcpy(b->data + 0x1fe, "\x55\xaaxxHdrS\x0f\x02", 10);
	b->data[0x1f1] = 1;
	b->data[0x236] = 1;	/* has a 64-bit entry */
	b->data[0x25b] = 1;	/* wants to lie at 16 MiB */
	b->data[0x239] = 1;
	buf_add(b, code, (size_t)(end - code));
	buf_add(b, zeros, 64);
	self->cfg.kernel = (struct machine_kernel){ .bzimage = b->data,
						    .bzimage_len = b->len };
	if (machine_create(&self->m, &self->cfg, &self->d)) {
		fprintf(stderr, "# %s\n", diag_text(&self->d));
		abort();
	}
}

#define CREATE(name) create(self, guest_##name, guest_##name##_end)

static bool ended(struct machine *m, int ms)
{
	struct pollfd p = { .fd = machine_end_fd(m), .events = POLLIN };

	return poll(&p, 1, ms) > 0;
}

static enum machine_stop_reason run(FIXTURE_DATA(machine) *self)
{
	BUG_ON(machine_start(self->m, &self->d));
	if (!ended(self->m, 5000))
		machine_kill(self->m);
	machine_join(self->m);
	return machine_stop(self->m).reason;
}

static u64 counter(struct machine *m)
{
	return __atomic_load_n((u64 *)mem_ptr(machine_mem(m), COUNTER, 8),
			       __ATOMIC_SEQ_CST);
}

static void wait_for_progress(struct machine *m)
{
	u64 before = counter(m);
	int i;

	for (i = 0; i < 20000 && counter(m) == before; i++)
		usleep(1000);
	BUG_ON(counter(m) == before);
}

TEST_F(machine, each_road_to_the_end)
{
	CREATE(poweroff);
	EXPECT_EQ(MACHINE_POWEROFF, run(self));
	CREATE(reset_acpi);
	EXPECT_EQ(MACHINE_RESET_ACPI, run(self));
	CREATE(reset_kbd);
	EXPECT_EQ(MACHINE_RESET_KBD, run(self));
	CREATE(reset_pci);
	EXPECT_EQ(MACHINE_RESET_PCI, run(self));
	CREATE(triple);
	EXPECT_EQ(MACHINE_TRIPLE_FAULT, run(self));
}

TEST_F(machine, serial_output_in_order_and_apart)
{
	CREATE(say);
	EXPECT_EQ(MACHINE_POWEROFF, run(self));
	EXPECT_STREQ("hi", buf_str(&self->com[0]));
	EXPECT_STREQ("2", buf_str(&self->com[1]));
}

TEST_F(machine, string_output)
{
	CREATE(string);
	EXPECT_EQ(MACHINE_POWEROFF, run(self));
	EXPECT_STREQ("outsb", buf_str(&self->com[0]));
}

/* The byte may lie in KVM's ring until somebody looks. */
TEST_F(machine, output_of_a_guest_that_spins_is_drained)
{
	int i;

	CREATE(say_and_spin);
	ASSERT_EQ(0, machine_start(self->m, &self->d));
	for (i = 0; i < 2000 && !self->com[0].len; i++) {
		usleep(10000);
		machine_drain(self->m);
	}
	EXPECT_STREQ("x", buf_str(&self->com[0]));
}

TEST_F(machine, the_console_page)
{
	CREATE(page);
	EXPECT_EQ(MACHINE_POWEROFF, run(self));
	EXPECT_STREQ("pg", buf_str(&self->com[0]));
}

TEST_F(machine, input_on_the_serial_port)
{
	CREATE(echo);
	EXPECT_EQ(3, machine_serial_input(self->m, 0, "ok!", 3));
	EXPECT_EQ(0, machine_serial_input(self->m, 2, "x", 1));
	EXPECT_EQ(MACHINE_POWEROFF, run(self));
	EXPECT_STREQ("ok!", buf_str(&self->com[0]));
}

TEST_F(machine, nobody_answers_with_all_ones_and_is_counted)
{
	struct bus *pio, *mmio;

	CREATE(nobody);
	EXPECT_EQ(MACHINE_POWEROFF, run(self));
	pio = machine_pio(self->m);
	mmio = machine_mmio(self->m);
	EXPECT_EQ(1, pio->unhandled_reads);
	EXPECT_EQ(0x1234, pio->unhandled[0].addr);
	EXPECT_EQ(1, mmio->unhandled_reads);
	EXPECT_EQ(1, mmio->unhandled_writes);
	EXPECT_EQ(0xd8000000, mmio->unhandled[0].addr);
}

struct echo_dev {
	u32 written;
	u64 at;
	unsigned int writes;
};

static void dev_read(void *dev, u64 off, void *data, u32 len)
{
	u32 v = 0xabcd0000 + (u32)off;

	(void)dev;
	memcpy(data, &v, min(len, 4U));
}

static void dev_write(void *dev, u64 off, const void *data, u32 len)
{
	struct echo_dev *e = dev;

	e->at = off;
	e->writes++;
	memcpy(&e->written, data, min(len, 4U));
}

TEST_F(machine, a_device_its_window_and_its_doorbell)
{
	static const struct bus_ops ops = { dev_read, dev_write };
	struct irq_line irq, bell;
	struct echo_dev e = { 0 };
	struct device dev = {
		.name = "echo", .acpi_hid = "LNRO0005", .size = 0x100,
		.ops = &ops, .dev = &e, .irq = &irq, .nr_doorbells = 1,
	}, *devs[] = { &dev };

	ASSERT_EQ(0, irq_line_init(&irq, NULL));
	ASSERT_EQ(0, irq_line_init(&bell, NULL));
	dev.doorbells[0] = (struct device_doorbell){ 0x50, 7, bell.fd };
	self->cfg.devices = devs;
	self->cfg.nr_devices = 1;
	CREATE(device);
	EXPECT_EQ(MACHINE_POWEROFF, run(self));
	/* 7 rang; 8 is not its value and came as a write. */
	EXPECT_EQ(1, event_drain(bell.fd));
	EXPECT_EQ(2, e.writes);
	EXPECT_EQ(0x50, e.at);
	EXPECT_EQ(8, e.written);
	machine_destroy(self->m);
	self->m = NULL;
	irq_line_deinit(&irq);
	irq_line_deinit(&bell);
}

TEST_F(machine, kill_a_guest_that_spins)
{
	CREATE(spin);
	ASSERT_EQ(0, machine_start(self->m, &self->d));
	wait_for_progress(self->m);
	EXPECT_FALSE(ended(self->m, 0));
	EXPECT_EQ(MACHINE_RUNNING, machine_stop(self->m).reason);
	machine_kill(self->m);
	EXPECT_TRUE(ended(self->m, 0));
	machine_join(self->m);
	EXPECT_EQ(MACHINE_KILLED, machine_stop(self->m).reason);
	EXPECT_LT(0, machine_vcpu_cpu_ns(self->m, 0));
}

/* vCPUs that wait inside of KVM: halted, and never started up. */
TEST_F(machine, kill_guests_that_wait)
{
	self->cfg.topology.cores = 4;
	CREATE(halt);
	ASSERT_EQ(0, machine_start(self->m, &self->d));
	usleep(20000);
	machine_kill(self->m);
	machine_join(self->m);
	EXPECT_EQ(MACHINE_KILLED, machine_stop(self->m).reason);
}

/* At every moment of a start; a lost kick would hang the join. */
TEST_F_TIMEOUT(machine, kill_at_any_moment, 240)
{
	unsigned int i;

	self->cfg.topology.cores = 2;
	for (i = 0; i < 60; i++) {
		CREATE(spin);
		ASSERT_EQ(0, machine_start(self->m, &self->d));
		usleep(i * 37);
		machine_kill(self->m);
		machine_join(self->m);
		ASSERT_EQ(MACHINE_KILLED, machine_stop(self->m).reason);
	}
}

TEST_F(machine, destroy_what_never_ran_and_what_runs)
{
	CREATE(spin);
	machine_destroy(self->m);
	self->m = NULL;
	CREATE(spin);
	machine_kill(self->m);
	ASSERT_EQ(0, machine_start(self->m, &self->d));
	machine_join(self->m);
	EXPECT_EQ(0, counter(self->m));
	CREATE(spin);
	ASSERT_EQ(0, machine_start(self->m, &self->d));
	machine_destroy(self->m);
	self->m = NULL;
	machine_destroy(NULL);
}

TEST_F(machine, parked_it_stands_still)
{
	struct machine_regs regs;
	u64 before, missing = 1, since;
	int i;

	self->cfg.topology.cores = 3;
	CREATE(spin);
	EXPECT_EQ(0, machine_stood_ns(self->m));
	since = now_ns();
	ASSERT_EQ(0, machine_start(self->m, &self->d));
	for (i = 0; i < 20; i++) {
		wait_for_progress(self->m);
		EXPECT_EQ(-EBUSY, machine_vcpu_regs(self->m, 0, &regs));
		ASSERT_EQ(0, machine_park(self->m, 25 * NSEC_PER_SEC, &missing));
		EXPECT_EQ(0, missing);
		before = counter(self->m);
		ASSERT_EQ(0, machine_vcpu_regs(self->m, 0, &regs));
		EXPECT_EQ(COUNTER, regs.rdi);
		EXPECT_EQ(0x9000, regs.cr3);
		EXPECT_EQ(-ERANGE, machine_vcpu_regs(self->m, 3, &regs));
		usleep(2000);
		EXPECT_EQ(before, counter(self->m));
		machine_resume(self->m);
	}
	EXPECT_LE(20 * 2 * NSEC_PER_MSEC, machine_stood_ns(self->m));
	EXPECT_GE(now_ns() - since, machine_stood_ns(self->m));
	machine_kill(self->m);
	machine_join(self->m);
	EXPECT_EQ(-ESHUTDOWN, machine_park(self->m, 25 * NSEC_PER_SEC, NULL));
	EXPECT_EQ(0, machine_vcpu_regs(self->m, 0, &regs));
}

struct still_dev {
	int err;
	int held;
	u64 until;
};

static int still_hold(void *dev, u64 until_ns)
{
	struct still_dev *s = dev;

	s->until = until_ns;
	s->held += !s->err;
	return s->err;
}

static void still_release(void *dev)
{
	struct still_dev *s = dev;

	s->held--;
}

/* All or nothing: where one device does not come the rest is let go again. */
TEST_F(machine, frozen_its_devices_stand_still)
{
	static const struct bus_ops ops = { dev_read, dev_write };
	struct still_dev s[2] = { 0 };
	struct device dev[2], *devs[] = { &dev[0], &dev[1] };
	struct irq_line irq[2];
	const char *busy = "";
	u64 before;
	int i;

	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, irq_line_init(&irq[i], NULL));
		dev[i] = (struct device){
			.name = i ? "slow" : "quick", .acpi_hid = "LNRO0005",
			.size = 0x100, .ops = &ops, .dev = &s[i],
			.irq = &irq[i], .hold = still_hold,
			.release = still_release,
		};
	}
	self->cfg.devices = devs;
	self->cfg.nr_devices = 2;
	CREATE(spin);
	ASSERT_EQ(0, machine_start(self->m, &self->d));
	wait_for_progress(self->m);
	ASSERT_EQ(0, machine_freeze(self->m, 25 * NSEC_PER_SEC, NULL, &busy));
	EXPECT_EQ(NULL, busy);
	EXPECT_EQ(1, s[0].held);
	EXPECT_EQ(1, s[1].held);
	before = counter(self->m);
	usleep(2000);
	EXPECT_EQ(before, counter(self->m));
	machine_thaw(self->m);
	EXPECT_EQ(0, s[0].held);
	EXPECT_EQ(0, s[1].held);
	wait_for_progress(self->m);

	s[1].err = -ETIMEDOUT;
	before = now_ns();
	EXPECT_EQ(-ETIMEDOUT,
		  machine_freeze(self->m, 25 * NSEC_PER_SEC, NULL, &busy));
	EXPECT_STREQ("slow", busy);
	EXPECT_LE(before + 25 * NSEC_PER_SEC, s[1].until);
	EXPECT_EQ(0, s[0].held);
	EXPECT_EQ(0, s[1].held);
	wait_for_progress(self->m);
	machine_destroy(self->m);
	self->m = NULL;
	for (i = 0; i < 2; i++)
		irq_line_deinit(&irq[i]);
}

/*
 * A vCPU that was caught between an exit and its completion must show the
 * state after the instruction: in %dx,%al is followed by the count.
 */
TEST_F(machine, registers_are_those_after_the_access)
{
	struct machine_regs regs;
	int i, before = 0, after = 0;
	u64 rip;

	CREATE(in_loop);
	ASSERT_EQ(0, machine_start(self->m, &self->d));
	for (i = 0; i < 100; i++) {
		ASSERT_EQ(0, machine_park(self->m, 25 * NSEC_PER_SEC, NULL));
		ASSERT_EQ(0, machine_vcpu_regs(self->m, 0, &regs));
		rip = regs.rip - (MiB(16) + 0x200);
		/* 7: mov to rdi, 4: mov to dx; at 11 is the in. */
		before += rip == 11;
		if (rip == 12) {
			EXPECT_EQ(0x60, regs.rax & 0xff);
			after++;
		}
		machine_resume(self->m);
		usleep(200);
	}
	/* Most of its time such a guest is in that exit. */
	EXPECT_LT(10, after);
	EXPECT_GT(5, before);
	machine_kill(self->m);
}

TEST_F(machine, statistics_after_the_end)
{
	const struct machine_stat *st;
	unsigned int n, i;
	u64 exits = 0;

	self->cfg.topology.cores = 2;
	CREATE(say);
	EXPECT_EQ(MACHINE_POWEROFF, run(self));
	n = machine_stats(self->m, 0, &st);
	if (!n)
		SKIP(return, "this host has no KVM_GET_STATS_FD (Linux 5.14)");
	for (i = 0; i < n; i++)
		if (!strcmp(st[i].name, "exits"))
			exits = st[i].value;
	EXPECT_LE(2, exits);
	EXPECT_EQ(0, machine_stats(self->m, 2, &st));
}

TEST_F(machine, two_in_one_process)
{
	struct machine *first;

	CREATE(spin);
	first = self->m;
	self->m = NULL;
	ASSERT_EQ(0, machine_start(first, &self->d));
	wait_for_progress(first);
	CREATE(say);
	EXPECT_EQ(MACHINE_POWEROFF, run(self));
	wait_for_progress(first);
	machine_destroy(first);
}

TEST_F(machine, memory_across_the_hole)
{
	self->cfg.memory = MiB(3500);
	self->cfg.ring_size = 4096;
	CREATE(poweroff);
	EXPECT_EQ(MEM_HOLE_START - 4096, machine_ring_gpa(&self->cfg));
	EXPECT_EQ(MEM_HOLE_START - 4096, machine_layout(self->m)->ring_start);
	EXPECT_EQ(MACHINE_POWEROFF, run(self));
}

TEST(command_line)
{
	struct machine_cfg cfg = { .memory = MiB(64) };
	struct buf line = { 0 };

	ASSERT_EQ(0, machine_default_cmdline(&cfg, &line));
	EXPECT_NE(NULL, strstr(buf_str(&line), "console=ttyS0"));
	EXPECT_NE(NULL, strstr(buf_str(&line), "panic=-1"));
	buf_reset(&line);
	cfg.console = MACHINE_CONSOLE_PAGE;
	ASSERT_EQ(0, machine_default_cmdline(&cfg, &line));
	EXPECT_NE(NULL, strstr(buf_str(&line), "mmio,0xcffff000"));
	EXPECT_EQ(NULL, strstr(buf_str(&line), "ttyS0"));
	buf_reset(&line);
}

/* --- traps -------------------------------------------------------------- */

struct seen {
	u64 writes, wrong;	/* atomic; of which not +1 */
	u64 steps;
	u64 dr6;	/* of the last one */
	struct machine *m;
};

static void on_wrote(void *arg, u32 vcpu, gpa_t gpa, const void *old, u32 len)
{
	struct seen *s = arg;
	u64 before;

	memcpy(&before, old, sizeof(before));
	if (vcpu || gpa != COUNTER || len != 8 || counter(s->m) != before + 1)
		s->wrong++;
	__atomic_add_fetch(&s->writes, 1, __ATOMIC_SEQ_CST);
}

static void on_debug(void *arg, u32 vcpu, const struct trap_debug *t)
{
	struct seen *s = arg;

	machine_hold(s->m, vcpu);
	s->dr6 = t->dr6;
	__atomic_add_fetch(&s->steps, 1, __ATOMIC_SEQ_CST);
}

static const struct trap_ops seen_ops = { on_debug, on_wrote };

static u64 wait_until(u64 *what, u64 at_least)
{
	int i;

	for (i = 0; i < 5000 &&
	     __atomic_load_n(what, __ATOMIC_SEQ_CST) < at_least; i++)
		usleep(1000);
	return __atomic_load_n(what, __ATOMIC_SEQ_CST);
}

TEST_F(machine, writes_to_a_guarded_page)
{
	gpa_t pages[] = { COUNTER, COUNTER, MiB(64) - 4096, 0 };
	gpa_t bad[] = { COUNTER + 8 };
	struct seen seen = { 0 };
	u64 n;

	CREATE(spin);
	seen.m = self->m;
	ASSERT_EQ(0, machine_listen(self->m, &seen_ops, &seen));
	ASSERT_EQ(0, machine_start(self->m, &self->d));
	wait_for_progress(self->m);
	EXPECT_EQ(-EBUSY, machine_guard(self->m, pages, 1, &self->d));
	ASSERT_EQ(0, machine_park(self->m, 25 * NSEC_PER_SEC, NULL));
	EXPECT_EQ(-EINVAL, machine_guard(self->m, bad, 1, &self->d));
	EXPECT_EQ(-EINVAL, machine_guard(self->m, pages, 5, &self->d));
	ASSERT_EQ(0, machine_guard(self->m, pages, 4, &self->d)) {
		TH_LOG("%s", diag_text(&self->d));
	}
	machine_resume(self->m);
	EXPECT_LE(100, wait_until(&seen.writes, 100));
	EXPECT_EQ(0, seen.wrong);
	/* Guarded by one page less, then by none: it runs on, unseen. */
	ASSERT_EQ(0, machine_park(self->m, 25 * NSEC_PER_SEC, NULL));
	ASSERT_EQ(0, machine_guard(self->m, pages + 2, 2, &self->d));
	n = seen.writes;
	machine_resume(self->m);
	wait_for_progress(self->m);
	ASSERT_EQ(0, machine_park(self->m, 25 * NSEC_PER_SEC, NULL));
	ASSERT_EQ(0, machine_guard(self->m, NULL, 0, &self->d));
	machine_resume(self->m);
	wait_for_progress(self->m);
	EXPECT_EQ(n, seen.writes);
	machine_kill(self->m);
	machine_join(self->m);
	machine_unlisten(self->m, &seen);
}

TEST_F(machine, single_steps)
{
	struct seen seen = { 0 };
	struct machine_regs regs;
	u64 before, i;

	CREATE(spin);
	seen.m = self->m;
	ASSERT_EQ(0, machine_listen(self->m, &seen_ops, &seen));
	ASSERT_EQ(0, machine_start(self->m, &self->d));
	wait_for_progress(self->m);
	ASSERT_EQ(0, machine_park(self->m, 25 * NSEC_PER_SEC, NULL));
	before = counter(self->m);
	ASSERT_EQ(0, machine_step(self->m, 0, true));
	/* incq and jmp by turns: two steps, one count. */
	for (i = 1; i <= 8; i++) {
		machine_resume(self->m);
		machine_release(self->m, 0);
		ASSERT_LE(i, wait_until(&seen.steps, i));
		ASSERT_EQ(0, machine_park(self->m, 25 * NSEC_PER_SEC, NULL));
	}
	EXPECT_EQ(8, seen.steps);
	EXPECT_EQ(before + 4, counter(self->m));
	/* Registers can be set: past the increment. */
	ASSERT_EQ(0, machine_vcpu_regs(self->m, 0, &regs));
	regs.rdi = COUNTER + 64;
	EXPECT_EQ(0, machine_set_vcpu_regs(self->m, 0, &regs));
	ASSERT_EQ(0, machine_step(self->m, 0, false));
	before = counter(self->m);
	machine_resume(self->m);
	machine_release(self->m, 0);
	EXPECT_LE(1, wait_until(mem_ptr(machine_mem(self->m), COUNTER + 64, 8), 1));
	EXPECT_EQ(before, counter(self->m));
	machine_kill(self->m);
	machine_join(self->m);
	machine_unlisten(self->m, &seen);
}

/* Whether they fire the probe says; here they do as it says. */
TEST_F(machine, debug_registers)
{
	u64 addr[TRAP_ADDRS] = { 0, COUNTER };
	struct seen seen = { 0 };
	struct machine_regs regs;
	struct probe probe;

	if (probe_run(NULL, &probe, NULL) || !probe.watchpoints_fire)
		SKIP(return, "debug registers do not fire");
	CREATE(spin);
	seen.m = self->m;
	ASSERT_EQ(0, machine_listen(self->m, &seen_ops, &seen));
	/* Register 1: writes of 8 bytes. */
	ASSERT_EQ(0, machine_debug_regs(self->m, addr, 0x900404));
	ASSERT_EQ(0, machine_start(self->m, &self->d));
	ASSERT_EQ(1, wait_until(&seen.steps, 1));
	EXPECT_EQ(2, seen.dr6 & 15);
	EXPECT_EQ(1, counter(self->m));
	ASSERT_EQ(0, machine_park(self->m, 25 * NSEC_PER_SEC, NULL));
	ASSERT_EQ(0, machine_vcpu_regs(self->m, 0, &regs));
	/* Register 0: where it is about to be executed, after one round. */
	addr[0] = regs.rip;
	ASSERT_EQ(0, machine_debug_regs(self->m, addr, 0x402));
	machine_resume(self->m);
	machine_release(self->m, 0);
	ASSERT_EQ(2, wait_until(&seen.steps, 2));
	EXPECT_EQ(1, seen.dr6 & 15);
	ASSERT_EQ(0, machine_park(self->m, 25 * NSEC_PER_SEC, NULL));
	ASSERT_EQ(0, machine_vcpu_regs(self->m, 0, &regs));
	EXPECT_EQ(addr[0], regs.rip);
	addr[0] = 0;
	ASSERT_EQ(0, machine_debug_regs(self->m, addr, 0));
	machine_resume(self->m);
	machine_release(self->m, 0);
	wait_for_progress(self->m);
	EXPECT_EQ(2, seen.steps);
	machine_kill(self->m);
	machine_join(self->m);
	machine_unlisten(self->m, &seen);
}

TEST(the_probe_says_something)
{
	struct probe p;
	struct diag d = { 0 };
	int ret = probe_run(NULL, &p, &d);

	EXPECT_EQ(p.usable, !p.reason[0]);
	EXPECT_GT(25 * NSEC_PER_SEC, p.took_ns);
	if (ret)
		EXPECT_FALSE(p.usable);
	EXPECT_EQ(-ENODEV, probe_run("/dev/null", &p, &d));
	EXPECT_EQ(-ENOENT, probe_run("/dev/no-such-kvm", &p, &d));
	EXPECT_NE(NULL, strstr(p.reason, "/dev/no-such-kvm"));
	diag_reset(&d);
}

TEST_HARNESS_MAIN
