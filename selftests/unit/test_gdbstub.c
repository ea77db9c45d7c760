// SPDX-License-Identifier: GPL-2.0-only
/* gdb's protocol, spoken in strings to a target of two CPUs. */
#include "runner/gdbstub.h"

#include <errno.h>
#include <string.h>

#include <kselftest_harness.h>

FIXTURE(stub) {
	struct gdbstub g;
	struct machine_regs regs[2];
	u8 memory[64];		/* at 0x1000 */
	struct { enum gdb_point kind; u64 addr; u32 len; bool on; } point;
	int err;		/* of what comes next */
	struct buf got;
};

static int get_regs(void *t, u32 cpu, struct machine_regs *regs)
{
	FIXTURE_DATA(stub) *self = t;

	*regs = self->regs[cpu];
	return self->err;
}

static int set_regs(void *t, u32 cpu, const struct machine_regs *regs)
{
	FIXTURE_DATA(stub) *self = t;

	self->regs[cpu] = *regs;
	return self->err;
}

static u8 *at(FIXTURE_DATA(stub) *self, u64 addr, size_t len)
{
	u64 off = addr - 0x1000;

	return off <= sizeof(self->memory) && len <= sizeof(self->memory) - off ?
	       self->memory + off : NULL;
}

static int read_mem(void *t, u32 cpu, u64 addr, void *data, size_t len)
{
	u8 *p = at(t, addr, len);

	(void)cpu;
	if (p)
		memcpy(data, p, len);
	return p ? 0 : -EFAULT;
}

static int write_mem(void *t, u32 cpu, u64 addr, const void *data, size_t len)
{
	u8 *p = at(t, addr, len);

	(void)cpu;
	if (p)
		memcpy(p, data, len);
	return p ? 0 : -EFAULT;
}

static int set_point(void *t, enum gdb_point kind, u64 addr, u32 len, bool on)
{
	FIXTURE_DATA(stub) *self = t;

	self->point.kind = kind;
	self->point.addr = addr;
	self->point.len = len;
	self->point.on = on;
	return self->err;
}

static void describe(void *t, u32 cpu, char *text, size_t size)
{
	(void)t;
	snprintf(text, size, "CPU %u", cpu);
}

static const struct gdb_ops ops = {
	get_regs, set_regs, read_mem, write_mem, set_point, describe,
};

FIXTURE_SETUP(stub)
{
	memset(self, 0, sizeof(*self));
	gdbstub_init(&self->g, &ops, self, 2);
	self->regs[0].rip = 0xffffffff81000010;
	self->regs[1].rax = 0x1122334455667788;
	strcpy((char *)self->memory, "hello");
}

FIXTURE_TEARDOWN(stub)
{
	gdbstub_deinit(&self->g);
	buf_reset(&self->got);
}

static enum gdb_want feed(FIXTURE_DATA(stub) *self, const void *data, size_t len)
{
	buf_add(&self->g.in, data, len);
	return gdbstub_take(&self->g);
}

static enum gdb_want say_bytes(FIXTURE_DATA(stub) *self, const char *text,
			       size_t len)
{
	struct buf packet = { 0 };
	enum gdb_want want;
	u8 sum = 0;
	size_t i;

	for (i = 0; i < len; i++)
		sum += (u8)text[i];
	buf_putc(&packet, '$');
	buf_add(&packet, text, len);
	buf_printf(&packet, "#%02x", sum);
	want = feed(self, packet.data, packet.len);
	buf_reset(&packet);
	return want;
}

static enum gdb_want say(FIXTURE_DATA(stub) *self, const char *text)
{
	return say_bytes(self, text, strlen(text));
}

/* What came since: the packet's content, without acks and sum. */
static const char *heard(FIXTURE_DATA(stub) *self)
{
	struct buf *o = &self->g.out;
	char *start = o->len ? memchr(o->data, '$', o->len) : NULL;
	char *end = start ? memchr(start, '#', o->len - (start - o->data)) : NULL;

	buf_reset(&self->got);
	if (end)
		buf_add(&self->got, start + 1, (size_t)(end - start - 1));
	buf_consume(o, o->len);
	return buf_str(&self->got);
}

static const char *ask(FIXTURE_DATA(stub) *self, const char *text)
{
	BUG_ON(say(self, text) != GDB_WANT_MORE);
	return heard(self);
}

TEST_F(stub, acks_and_sums)
{
	EXPECT_EQ(GDB_WANT_MORE, feed(self, "+$qC#b4", 7));
	EXPECT_STREQ("+$QC1#c5", buf_str(&self->g.out));
	buf_consume(&self->g.out, self->g.out.len);
	/* Not received: again. */
	feed(self, "-", 1);
	EXPECT_STREQ("$QC1#c5", buf_str(&self->g.out));
	buf_consume(&self->g.out, self->g.out.len);
	feed(self, "$qC#b5", 6);
	EXPECT_STREQ("-", buf_str(&self->g.out));
	buf_consume(&self->g.out, self->g.out.len);
	EXPECT_STREQ("OK", ask(self, "QStartNoAckMode"));
	say(self, "qC");
	EXPECT_STREQ("$QC1#c5", buf_str(&self->g.out));
}

TEST_F(stub, byte_by_byte)
{
	const char *text = "$m1000,5#8f";
	size_t i;

	for (i = 0; i < strlen(text); i++) {
		EXPECT_STREQ("", heard(self));
		feed(self, text + i, 1);
	}
	EXPECT_STREQ("68656c6c6f", heard(self));
}

TEST_F(stub, introduction)
{
	const char *features = ask(self, "qSupported:multiprocess+;swbreak+;hwbreak+");

	EXPECT_NE(NULL, strstr(features, "qXfer:features:read+"));
	EXPECT_NE(NULL, strstr(features, "QStartNoAckMode+"));
	EXPECT_STREQ("1", ask(self, "qAttached"));
	EXPECT_STREQ("", ask(self, "vMustReplyEmpty"));
	EXPECT_STREQ("", ask(self, "qTStatus"));
	EXPECT_STREQ("T05thread:1;", ask(self, "?"));
	EXPECT_STREQ("vCont;c;C;s;S", ask(self, "vCont?"));
}

TEST_F(stub, target_description_in_pieces)
{
	char command[64];
	struct buf xml = { 0 };
	const char *part;

	do {
		snprintf(command, sizeof(command),
			 "qXfer:features:read:target.xml:%zx,1f0", xml.len);
		part = ask(self, command);
		ASSERT_TRUE(*part == 'm' || *part == 'l');
		buf_puts(&xml, part + 1);
	} while (*part == 'm');
	EXPECT_NE(NULL, strstr(buf_str(&xml), "i386:x86-64"));
	EXPECT_NE(NULL, strstr(buf_str(&xml), "name=\"cr3\""));
	EXPECT_NE(NULL, strstr(buf_str(&xml), "</target>"));
	EXPECT_STREQ("l", ask(self, "qXfer:features:read:target.xml:ffffff,10"));
	buf_reset(&xml);
}

TEST_F(stub, registers)
{
	const char *all;

	EXPECT_STREQ("10000081ffffffff", ask(self, "p10"));
	EXPECT_STREQ("OK", ask(self, "Hg2"));
	all = ask(self, "g");
	EXPECT_EQ(0, strncmp(all, "8877665544332211", 16));
	/* rip at 16 * 8 bytes, then x87 that is not there. */
	EXPECT_EQ(0, strncmp(all + 256, "0000000000000000", 16));
	EXPECT_EQ(0, strncmp(all + 328, "xxxx", 4));
	EXPECT_STREQ("OK", ask(self, "P0=0100000000000000"));
	EXPECT_EQ(1, self->regs[1].rax);
	EXPECT_STREQ("OK", ask(self, "G0200000000000000"));
	EXPECT_EQ(2, self->regs[1].rax);
	/* Segments are not set, and are no error. */
	EXPECT_STREQ("OK", ask(self, "P12=33000000"));
	EXPECT_EQ(0, self->regs[1].cs);
	self->err = -EBUSY;
	EXPECT_EQ('E', *ask(self, "g"));
}

TEST_F(stub, bad_registers)
{
	static const char *const bad[] = {
		"p", "pff", "pzz", "P0", "P0=", "P0=12", "P0=zz00000000000000",
		"G00", "P=0000000000000000", "p10000000000000000",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		EXPECT_EQ('E', *ask(self, bad[i])) {
			TH_LOG("number %zu", i);
		}
}

TEST_F(stub, memory)
{
	EXPECT_STREQ("656c", ask(self, "m1001,2"));
	EXPECT_STREQ("OK", ask(self, "M1000,2:4a4b"));
	EXPECT_STREQ("4a4b6c", ask(self, "m1000,3"));
	EXPECT_STREQ("OK", ask(self, "X1000,0:"));
	/* } escapes: 0x7d 0x03 is '#'. */
	say_bytes(self, "X1000,3:a}\003c", 12);
	EXPECT_STREQ("OK", heard(self));
	EXPECT_EQ(0, memcmp(self->memory, "a#c", 3));
	EXPECT_EQ('E', *ask(self, "m2000,1"));
	EXPECT_EQ('E', *ask(self, "m103f,2"));
	EXPECT_EQ('E', *ask(self, "m1000"));
	EXPECT_EQ('E', *ask(self, "M1000,4:00"));
	EXPECT_EQ('E', *ask(self, "M1000,ffffffff:00"));
	EXPECT_EQ('E', *ask(self, "X1000,2:}"));
	EXPECT_EQ('E', *ask(self, "mffffffffffffffff,ffffffffffffffff"));
}

TEST_F(stub, threads)
{
	EXPECT_STREQ("m1,2", ask(self, "qfThreadInfo"));
	EXPECT_STREQ("l", ask(self, "qsThreadInfo"));
	EXPECT_STREQ("43505520" "31", ask(self, "qThreadExtraInfo,2"));
	EXPECT_STREQ("OK", ask(self, "T2"));
	EXPECT_EQ('E', *ask(self, "T3"));
	EXPECT_EQ('E', *ask(self, "Hg3"));
	EXPECT_EQ('E', *ask(self, "H"));
	EXPECT_STREQ("OK", ask(self, "Hc-1"));
	EXPECT_STREQ("OK", ask(self, "Hg0"));
}

/* It runs, and stops again before anything else is said. */
static enum gdb_want go(FIXTURE_DATA(stub) *self, const char *text)
{
	enum gdb_want want = say(self, text);

	gdbstub_stopped(&self->g, 0, GDB_STOP_INTERRUPT, GDB_BREAK_HW, 0);
	heard(self);
	return want;
}

TEST_F(stub, going_on)
{
	EXPECT_EQ(GDB_WANT_RUN, go(self, "vCont;c"));
	EXPECT_EQ(3, self->g.run);
	EXPECT_EQ(0, self->g.step);
	EXPECT_EQ(GDB_WANT_RUN, go(self, "vCont;s:2"));
	EXPECT_EQ(2, self->g.run);
	EXPECT_EQ(2, self->g.step);
	EXPECT_EQ(GDB_WANT_RUN, go(self, "vCont;S05:1;c"));
	EXPECT_EQ(3, self->g.run);
	EXPECT_EQ(1, self->g.step);
	EXPECT_EQ(GDB_WANT_RUN, go(self, "vCont;c:2;s:-1"));
	EXPECT_EQ(1, self->g.step);
	EXPECT_EQ('E', *ask(self, "vCont;x"));
	EXPECT_EQ('E', *ask(self, "vCont;c:9"));
	EXPECT_EQ('E', *ask(self, "vCont"));
	EXPECT_EQ(GDB_WANT_STOP, feed(self, "\003", 1));
	EXPECT_EQ(GDB_WANT_KILL, say(self, "k"));
	EXPECT_EQ(GDB_WANT_DETACH, say(self, "D"));
}

/* What moves or changes a target wants it to stand. */
TEST_F(stub, what_runs_can_only_be_stopped_or_killed)
{
	static const char *const early[] = {
		"c", "s", "vCont;c", "D", "g", "G00", "m1000,1", "M1000,1:00",
		"Z1,10,1", "P10=00", "?", "",
	};
	size_t i;

	EXPECT_EQ(GDB_WANT_RUN, say(self, "c"));
	heard(self);
	for (i = 0; i < ARRAY_SIZE(early); i++)
		EXPECT_STREQ("E10", ask(self, early[i]));
	EXPECT_EQ(GDB_WANT_STOP, feed(self, "\003", 1));
	EXPECT_EQ(GDB_WANT_KILL, say(self, "k"));
	EXPECT_EQ(GDB_WANT_KILL, say(self, "vKill;1"));
	gdbstub_stopped(&self->g, 0, GDB_STOP_INTERRUPT, GDB_BREAK_HW, 0);
	heard(self);
	EXPECT_STREQ("QC1", ask(self, "qC"));
	EXPECT_EQ('h', self->memory[0]);
}

TEST_F(stub, what_comes_behind_a_continue_waits)
{
	EXPECT_EQ(GDB_WANT_RUN, feed(self, "$vCont;c#a8\003$qC#b4", 18));
	EXPECT_EQ(GDB_WANT_STOP, gdbstub_take(&self->g));
	gdbstub_stopped(&self->g, 0, GDB_STOP_INTERRUPT, GDB_BREAK_HW, 0);
	heard(self);
	EXPECT_EQ(GDB_WANT_MORE, gdbstub_take(&self->g));
	EXPECT_STREQ("QC1", heard(self));
}

TEST_F(stub, stops)
{
	gdbstub_stopped(&self->g, 1, GDB_STOP_POINT, GDB_WATCH_WRITE, 0xffffffff82000000);
	EXPECT_STREQ("T05thread:2;watch:ffffffff82000000;", heard(self));
	EXPECT_STREQ("QC2", ask(self, "qC"));
	gdbstub_stopped(&self->g, 0, GDB_STOP_INTERRUPT, GDB_BREAK_HW, 0);
	EXPECT_STREQ("T02thread:1;", heard(self));
	gdbstub_stopped(&self->g, 0, GDB_STOP_POINT, GDB_BREAK_SW, 4);
	EXPECT_STREQ("T05thread:1;", heard(self));
	ask(self, "qSupported:swbreak+;hwbreak+");
	gdbstub_stopped(&self->g, 0, GDB_STOP_POINT, GDB_BREAK_SW, 4);
	EXPECT_STREQ("T05thread:1;swbreak:;", heard(self));
	gdbstub_exited(&self->g, 0);
	EXPECT_STREQ("W00", heard(self));
}

TEST_F(stub, points)
{
	EXPECT_STREQ("OK", ask(self, "Z2,ffffffff82000000,8"));
	EXPECT_EQ(GDB_WATCH_WRITE, self->point.kind);
	EXPECT_EQ(0xffffffff82000000, self->point.addr);
	EXPECT_EQ(8, self->point.len);
	EXPECT_TRUE(self->point.on);
	EXPECT_STREQ("OK", ask(self, "z1,10,1"));
	EXPECT_FALSE(self->point.on);
	EXPECT_STREQ("", ask(self, "Z9,10,1"));
	EXPECT_EQ('E', *ask(self, "Z1,10"));
	EXPECT_EQ('E', *ask(self, "Z1,10,100000000"));
	self->err = -ENOTSUP;
	EXPECT_STREQ("", ask(self, "Z3,10,1"));
	self->err = -ENOSPC;
	EXPECT_STREQ("E1c", ask(self, "Z1,10,1"));
}

TEST_F(stub, endless_packet_is_dropped)
{
	char a[GDBSTUB_MAX_PACKET];

	memset(a, 'a', sizeof(a));
	feed(self, "$", 1);
	feed(self, a, sizeof(a));
	EXPECT_EQ(0, self->g.in.len);
	EXPECT_STREQ("QC1", ask(self, "qC"));
}

TEST_HARNESS_MAIN
