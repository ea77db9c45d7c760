// SPDX-License-Identifier: GPL-2.0-only
/* Packets, registers, threads, memory; see gdbstub.h. */
#include "runner/gdbstub.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "vmm/base/cleanup.h"

#define MAX_MEMORY 2048		/* bytes of one m or M */
#define SIGINT_GDB 2
#define SIGTRAP_GDB 5

/* --- registers ---------------------------------------------------------- */

/* In the order of `g`. @size is of gdb's idea, @from of struct machine_regs. */
static const struct reg {
	const char *name, *type;
	size_t off;
	u8 size, from;		/* from 0: not told */
	bool set;
} regs[] = {
#define R(name, type, field, size, set)					\
	{ name, type, offsetof(struct machine_regs, field), size,	\
	  sizeof(((struct machine_regs *)NULL)->field), set }
#define G(reg) R(#reg, "int64", reg, 8, true)
#define C(reg) R(#reg, "int64", reg, 8, false)
#define S(reg) R(#reg, "int32", reg, 4, false)
#define X(name, type, size) { name, type, 0, size, 0, false }
	G(rax), G(rbx), G(rcx), G(rdx), G(rsi), G(rdi),
	R("rbp", "data_ptr", rbp, 8, true), R("rsp", "data_ptr", rsp, 8, true),
	G(r8), G(r9), G(r10), G(r11), G(r12), G(r13), G(r14), G(r15),
	R("rip", "code_ptr", rip, 8, true), R("eflags", "int32", rflags, 4, true),
	S(cs), S(ss), S(ds), S(es), S(fs), S(gs),
	/* gdb wants an x87 unit of each x86; KVM is not asked for it. */
	X("st0", "i387_ext", 10), X("st1", "i387_ext", 10),
	X("st2", "i387_ext", 10), X("st3", "i387_ext", 10),
	X("st4", "i387_ext", 10), X("st5", "i387_ext", 10),
	X("st6", "i387_ext", 10), X("st7", "i387_ext", 10),
	X("fctrl", "int", 4), X("fstat", "int", 4), X("ftag", "int", 4),
	X("fiseg", "int", 4), X("fioff", "int", 4), X("foseg", "int", 4),
	X("fooff", "int", 4), X("fop", "int", 4),
	C(fs_base), C(gs_base),
	R("k_gs_base", "int64", kernel_gs_base, 8, false),
	C(cr0), C(cr2), C(cr3), C(cr4), C(efer),
#undef R
#undef G
#undef C
#undef S
#undef X
};

#define NR_CORE 40	/* of org.gnu.gdb.i386.core; then segment bases */
#define NR_SEGMENTS 2

static void put_hex(struct buf *out, const void *data, size_t len)
{
	const u8 *p = data;

	while (len--)
		buf_printf(out, "%02x", *p++);
}

static int nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 32;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Exactly @len bytes of hex; false where it is no hex or too short. */
static bool get_hex(const char **p, const char *end, void *data, size_t len)
{
	u8 *to = data;

	for (; len; len--, *p += 2) {
		int hi, lo;

		if (end - *p < 2)
			return false;
		hi = nibble((*p)[0]);
		lo = nibble((*p)[1]);
		if (hi < 0 || lo < 0)
			return false;
		*to++ = (u8)(hi << 4 | lo);
	}
	return true;
}

/* A number in hex, at least one digit; false where there is none. */
static bool get_number(const char **p, const char *end, u64 *out)
{
	const char *start = *p;

	*out = 0;
	while (*p < end && nibble(**p) >= 0)
		*out = *out << 4 | (u64)nibble(*(*p)++);
	return *p > start && *p - start <= 16;
}

static bool get_char(const char **p, const char *end, char c)
{
	return *p < end && *(*p)++ == c;
}

static void put_reg(struct buf *out, const struct reg *r,
		    const struct machine_regs *m)
{
	u8 wide[16] = { 0 };
	u8 i;

	if (!r->from) {
		for (i = 0; i < r->size; i++)
			buf_puts(out, "xx");
		return;
	}
	memcpy(wide, (const u8 *)m + r->off, r->from);
	put_hex(out, wide, r->size);
}

/* What cannot be set is taken and dropped: gdb writes all of them back. */
static bool take_reg(const char **p, const char *end, const struct reg *r,
		     struct machine_regs *m)
{
	u8 wide[16] = { 0 };

	if (end - *p >= 2 * r->size && !memcmp(*p, "xx", 2)) {
		*p += 2 * r->size;
		return true;
	}
	if (!get_hex(p, end, wide, r->size))
		return false;
	if (r->set)
		memcpy((u8 *)m + r->off, wide, min(r->size, r->from));
	return true;
}

static void put_target_xml(struct buf *out)
{
	size_t i;

	buf_puts(out, "<?xml version=\"1.0\"?><!DOCTYPE target SYSTEM \"gdb-target.dtd\">"
		 "<target><architecture>i386:x86-64</architecture>"
		 "<feature name=\"org.gnu.gdb.i386.core\">");
	for (i = 0; i < ARRAY_SIZE(regs); i++) {
		if (i == NR_CORE)
			buf_puts(out, "</feature><feature name=\"org.gnu.gdb.i386.segments\">");
		if (i == NR_CORE + NR_SEGMENTS)
			buf_puts(out, "</feature><feature name=\"vmtap.control\">");
		buf_printf(out, "<reg name=\"%s\" bitsize=\"%u\" type=\"%s\"/>",
			   regs[i].name, regs[i].size * 8, regs[i].type);
	}
	buf_puts(out, "</feature></target>");
}

/* --- packets out -------------------------------------------------------- */

static void send_packet(struct gdbstub *g, const char *data, size_t len)
{
	u8 sum = 0;
	size_t i;

	buf_reset(&g->last);
	buf_putc(&g->last, '$');
	for (i = 0; i < len; i++) {
		char c = data[i];

		if (strchr("$#}*", c) && c) {
			buf_putc(&g->last, '}');
			sum += '}';
			c ^= 0x20;
		}
		buf_putc(&g->last, c);
		sum += (u8)c;
	}
	buf_printf(&g->last, "#%02x", sum);
	buf_add(&g->out, g->last.data, g->last.len);
}

static void reply(struct gdbstub *g, const char *text)
{
	send_packet(g, text, strlen(text));
}

static void reply_status(struct gdbstub *g, int err)
{
	char text[8];

	if (err == -ENOTSUP)
		return reply(g, "");
	snprintf(text, sizeof(text), "E%02x", -err & 0xff);
	reply(g, err ? text : "OK");
}

static void reply_stop(struct gdbstub *g)
{
	reply(g, g->reason);
}

void gdbstub_stopped(struct gdbstub *g, u32 cpu, enum gdb_stop stop,
		     enum gdb_point kind, u64 addr)
{
	static const char *const words[] = {
		[GDB_BREAK_SW] = "swbreak", [GDB_BREAK_HW] = "hwbreak",
		[GDB_WATCH_WRITE] = "watch", [GDB_WATCH_READ] = "rwatch",
		[GDB_WATCH_ACCESS] = "awatch",
	};
	int n = snprintf(g->reason, sizeof(g->reason), "T%02xthread:%x;",
			 stop == GDB_STOP_INTERRUPT ? SIGINT_GDB : SIGTRAP_GDB,
			 cpu + 1);

	if (stop == GDB_STOP_POINT && kind >= GDB_WATCH_WRITE)
		snprintf(g->reason + n, sizeof(g->reason) - n, "%s:%llx;",
			 words[kind], (unsigned long long)addr);
	else if (stop == GDB_STOP_POINT && g->says_break)
		snprintf(g->reason + n, sizeof(g->reason) - n, "%s:;", words[kind]);
	g->cpu = g->stopped = cpu;
	g->runs = false;
	reply_stop(g);
}

void gdbstub_exited(struct gdbstub *g, u8 status)
{
	char text[8];

	snprintf(text, sizeof(text), "W%02x", status);
	reply(g, text);
}

/* --- commands ----------------------------------------------------------- */

static void on_read_regs(struct gdbstub *g)
{
	struct machine_regs m = { 0 };
	struct buf out = { 0 };
	int err = g->ops->get_regs(g->target, g->cpu, &m);
	size_t i;

	for (i = 0; !err && i < ARRAY_SIZE(regs); i++)
		put_reg(&out, &regs[i], &m);
	if (err)
		reply_status(g, err);
	else
		send_packet(g, out.data, out.len);
	buf_reset(&out);
}

static void on_write_regs(struct gdbstub *g, const char *p, const char *end)
{
	struct machine_regs m = { 0 };
	int err = g->ops->get_regs(g->target, g->cpu, &m);
	size_t i;

	for (i = 0; !err && i < ARRAY_SIZE(regs) && p < end; i++)
		if (!take_reg(&p, end, &regs[i], &m))
			err = -EINVAL;
	if (!err)
		err = g->ops->set_regs(g->target, g->cpu, &m);
	reply_status(g, err);
}

static void on_one_reg(struct gdbstub *g, const char *p, const char *end,
		       bool set)
{
	struct machine_regs m = { 0 };
	struct buf out = { 0 };
	u64 n;
	int err;

	if (!get_number(&p, end, &n) || n >= ARRAY_SIZE(regs))
		return reply_status(g, -EINVAL);
	err = g->ops->get_regs(g->target, g->cpu, &m);
	if (!err && set) {
		if (!get_char(&p, end, '=') || !take_reg(&p, end, &regs[n], &m))
			err = -EINVAL;
		else
			err = g->ops->set_regs(g->target, g->cpu, &m);
	}
	if (err || set)
		return reply_status(g, err);
	put_reg(&out, &regs[n], &m);
	send_packet(g, out.data, out.len);
	buf_reset(&out);
}

static void on_read_memory(struct gdbstub *g, const char *p, const char *end)
{
	u8 data[MAX_MEMORY];
	struct buf out = { 0 };
	u64 addr, len;
	int err;

	if (!get_number(&p, end, &addr) || !get_char(&p, end, ',') ||
	    !get_number(&p, end, &len))
		return reply_status(g, -EINVAL);
	/* Less than was asked for is an answer, too. */
	len = min(len, (u64)MAX_MEMORY);
	err = g->ops->read(g->target, g->cpu, addr, data, len);
	if (err)
		return reply_status(g, err);
	put_hex(&out, data, len);
	send_packet(g, buf_str(&out), out.len);
	buf_reset(&out);
}

static void on_write_memory(struct gdbstub *g, const char *p, const char *end,
			    bool binary)
{
	u8 data[MAX_MEMORY];
	u64 addr, len, i;

	if (!get_number(&p, end, &addr) || !get_char(&p, end, ',') ||
	    !get_number(&p, end, &len) || !get_char(&p, end, ':') ||
	    len > sizeof(data))
		return reply_status(g, -EINVAL);
	for (i = 0; binary && i < len; i++) {
		if (p < end && *p == '}')
			p++;
		else if (p < end) {
			data[i] = (u8)*p++;
			continue;
		}
		if (p == end)
			return reply_status(g, -EINVAL);
		data[i] = (u8)(*p++ ^ 0x20);
	}
	if (!binary && !get_hex(&p, end, data, len))
		return reply_status(g, -EINVAL);
	reply_status(g, len ? g->ops->write(g->target, g->cpu, addr, data, len) :
		     0);
}

static void on_point(struct gdbstub *g, const char *p, const char *end, bool on)
{
	u64 kind, addr, len;

	if (!get_number(&p, end, &kind) || !get_char(&p, end, ',') ||
	    !get_number(&p, end, &addr) || !get_char(&p, end, ',') ||
	    !get_number(&p, end, &len) || len > 8)
		return reply_status(g, -EINVAL);
	if (kind > GDB_WATCH_ACCESS)
		return reply(g, "");
	reply_status(g, g->ops->point(g->target, (enum gdb_point)kind, addr,
				      (u32)len, on));
}

/* A thread's number; 0 and -1 stand for any. */
static bool get_thread(const struct gdbstub *g, const char **p, const char *end,
		       u32 *cpu)
{
	u64 n;

	if (end - *p >= 2 && !memcmp(*p, "-1", 2)) {
		*p += 2;
		*cpu = g->stopped;
		return true;
	}
	if (!get_number(p, end, &n) || n > g->nr_cpus)
		return false;
	*cpu = n ? (u32)n - 1 : g->stopped;
	return true;
}

static void on_thread(struct gdbstub *g, const char *p, const char *end)
{
	bool general = p < end && *p == 'g';
	u32 cpu;

	p++;
	if (p > end || !get_thread(g, &p, end, &cpu))
		return reply_status(g, -EINVAL);
	if (general)
		g->cpu = cpu;
	reply(g, "OK");
}

static void on_thread_info(struct gdbstub *g)
{
	struct buf out = { 0 };
	u32 i;

	for (i = 0; i < g->nr_cpus; i++)
		buf_printf(&out, "%s%x", i ? "," : "m", i + 1);
	send_packet(g, out.data, out.len);
	buf_reset(&out);
}

static void on_thread_extra(struct gdbstub *g, const char *p, const char *end)
{
	char text[160] = "";
	struct buf out = { 0 };
	u32 cpu;

	if (!get_thread(g, &p, end, &cpu))
		return reply_status(g, -EINVAL);
	g->ops->describe(g->target, cpu, text, sizeof(text));
	put_hex(&out, text, strlen(text));
	send_packet(g, buf_str(&out), out.len);
	buf_reset(&out);
}

static void on_features(struct gdbstub *g, const char *p, const char *end)
{
	struct buf xml = { 0 }, out = { 0 };
	u64 off, len;

	if (!get_number(&p, end, &off) || !get_char(&p, end, ',') ||
	    !get_number(&p, end, &len))
		return reply_status(g, -EINVAL);
	put_target_xml(&xml);
	off = min(off, (u64)xml.len);
	len = min(min(len, (u64)MAX_MEMORY), xml.len - off);
	buf_putc(&out, off + len < xml.len ? 'm' : 'l');
	buf_add(&out, xml.data + off, len);
	send_packet(g, out.data, out.len);
	buf_reset(&xml);
	buf_reset(&out);
}

static bool begins(const char **p, const char *end, const char *word)
{
	size_t len = strlen(word);

	if ((size_t)(end - *p) < len || memcmp(*p, word, len))
		return false;
	*p += len;
	return true;
}

static void on_query(struct gdbstub *g, const char *p, const char *end)
{
	char text[120];

	if (begins(&p, end, "Supported")) {
		g->says_break = memmem(p, (size_t)(end - p), "swbreak+", 8);
		snprintf(text, sizeof(text),
			 "PacketSize=%x;qXfer:features:read+;QStartNoAckMode+;"
			 "vContSupported+;swbreak+;hwbreak+", GDBSTUB_MAX_PACKET / 2);
		reply(g, text);
	} else if (begins(&p, end, "Xfer:features:read:target.xml:")) {
		on_features(g, p, end);
	} else if (begins(&p, end, "fThreadInfo")) {
		on_thread_info(g);
	} else if (begins(&p, end, "sThreadInfo")) {
		reply(g, "l");
	} else if (begins(&p, end, "ThreadExtraInfo,")) {
		on_thread_extra(g, p, end);
	} else if (begins(&p, end, "Attached")) {
		reply(g, "1");
	} else if (p < end && *p == 'C' && end - p == 1) {
		snprintf(text, sizeof(text), "QC%x", g->cpu + 1);
		reply(g, text);
	} else {
		reply(g, "");
	}
}

/* --- going on ----------------------------------------------------------- */

static u64 all_cpus(const struct gdbstub *g)
{
	return g->nr_cpus == 64 ? ~0ULL : (1ULL << g->nr_cpus) - 1;
}

/* vCont;s:1;c - for each CPU the first action that names it, or names none. */
static bool take_actions(struct gdbstub *g, const char *p, const char *end)
{
	u64 left = all_cpus(g), signal;

	g->run = g->step = 0;
	while (p < end) {
		u64 these = left;
		bool step;
		u32 cpu;

		if (!get_char(&p, end, ';') || p == end || !strchr("csCS", *p))
			return false;
		step = (*p | 32) == 's';
		if ((*p == 'C' || *p == 'S') &&
		    (p++, !get_number(&p, end, &signal)))
			return false;
		else if (p < end && (*p == 'c' || *p == 's'))
			p++;
		if (p < end && *p == ':') {
			p++;
			if (begins(&p, end, "-1")) {
				these = left;
			} else {
				if (!get_thread(g, &p, end, &cpu))
					return false;
				these = left & 1ULL << cpu;
			}
		}
		g->run |= these;
		if (step)
			g->step |= these;
		left &= ~these;
	}
	return g->run;
}

static enum gdb_want on_v(struct gdbstub *g, const char *p, const char *end)
{
	if (begins(&p, end, "Cont?")) {
		reply(g, "vCont;c;C;s;S");
	} else if (begins(&p, end, "Cont")) {
		if (take_actions(g, p, end))
			return GDB_WANT_RUN;
		reply_status(g, -EINVAL);
	} else if (begins(&p, end, "Kill")) {
		reply(g, "OK");
		return GDB_WANT_KILL;
	} else {
		reply(g, "");
	}
	return GDB_WANT_MORE;
}

/* While it runs there is nothing but a Ctrl-C, which is no packet, and an end. */
static bool is_early(const struct gdbstub *g, const char *p, const char *end)
{
	return g->runs && !(p < end && *p == 'k') && !begins(&p, end, "vKill");
}

static enum gdb_want on_packet(struct gdbstub *g, const char *p, const char *end)
{
	char c;

	if (is_early(g, p, end)) {
		reply_status(g, -EBUSY);
		return GDB_WANT_MORE;
	}
	c = p < end ? *p++ : 0;
	switch (c) {
	case '?':
		reply_stop(g);
		break;
	case 'g':
		on_read_regs(g);
		break;
	case 'G':
		on_write_regs(g, p, end);
		break;
	case 'p':
	case 'P':
		on_one_reg(g, p, end, c == 'P');
		break;
	case 'm':
		on_read_memory(g, p, end);
		break;
	case 'M':
	case 'X':
		on_write_memory(g, p, end, c == 'X');
		break;
	case 'z':
	case 'Z':
		on_point(g, p, end, c == 'Z');
		break;
	case 'H':
		on_thread(g, p, end);
		break;
	case 'T':
		reply_status(g, get_thread(g, &p, end, &(u32){ 0 }) ? 0 : -EINVAL);
		break;
	case 'q':
		on_query(g, p, end);
		break;
	case 'Q':
		if (!begins(&p, end, "StartNoAckMode"))
			goto unknown;
		reply(g, "OK");
		g->no_ack = true;
		break;
	case 'v':
		return on_v(g, p, end);
	case 'c':
	case 's':
		g->run = all_cpus(g);
		g->step = c == 's' ? 1ULL << g->cpu : 0;
		return GDB_WANT_RUN;
	case 'D':
		reply(g, "OK");
		return GDB_WANT_DETACH;
	case 'k':
		return GDB_WANT_KILL;
	default:
unknown:
		reply(g, "");
	}
	return GDB_WANT_MORE;
}

/* --- packets in --------------------------------------------------------- */

/* "$...#cc" at the beginning of @in; false where more has to come. */
static bool whole_packet(const struct gdbstub *g, size_t *len)
{
	const char *hash = memchr(g->in.data, '#', g->in.len);

	if (!hash || (size_t)(hash - g->in.data) + 3 > g->in.len)
		return false;
	*len = (size_t)(hash - g->in.data);
	return true;
}

static bool sum_is_right(const struct gdbstub *g, size_t len)
{
	const char *p = g->in.data + len + 1;
	u8 sum = 0, want;
	size_t i;

	for (i = 1; i < len; i++)
		sum += (u8)g->in.data[i];
	return get_hex(&p, p + 2, &want, 1) && want == sum;
}

static enum gdb_want take_packet(struct gdbstub *g, size_t len)
{
	enum gdb_want want = GDB_WANT_MORE;
	char packet[GDBSTUB_MAX_PACKET];
	bool good = sum_is_right(g, len) && len <= sizeof(packet);

	if (!g->no_ack)
		buf_putc(&g->out, good ? '+' : '-');
	if (good)
		memcpy(packet, g->in.data + 1, len - 1);
	buf_consume(&g->in, len + 3);
	if (good)
		want = on_packet(g, packet, packet + len - 1);
	g->runs |= want == GDB_WANT_RUN;
	return want;
}

enum gdb_want gdbstub_take(struct gdbstub *g)
{
	enum gdb_want want = GDB_WANT_MORE;
	size_t len;

	while (want == GDB_WANT_MORE && g->in.len) {
		char c = g->in.data[0];

		if (c == '$') {
			if (whole_packet(g, &len)) {
				want = take_packet(g, len);
				continue;
			}
			/* One that never ends is no packet. */
			if (g->in.len > GDBSTUB_MAX_PACKET)
				buf_consume(&g->in, g->in.len);
			break;
		}
		buf_consume(&g->in, 1);
		if (c == GDBSTUB_INTERRUPT)
			want = GDB_WANT_STOP;
		else if (c == '-' && !g->no_ack)
			buf_add(&g->out, g->last.data, g->last.len);
	}
	return want;
}

void gdbstub_init(struct gdbstub *g, const struct gdb_ops *ops, void *target,
		  u32 nr_cpus)
{
	*g = (struct gdbstub){ .ops = ops, .target = target, .nr_cpus = nr_cpus };
	snprintf(g->reason, sizeof(g->reason), "T%02xthread:1;", SIGTRAP_GDB);
}

void gdbstub_deinit(struct gdbstub *g)
{
	buf_reset(&g->in);
	buf_reset(&g->out);
	buf_reset(&g->last);
}
