// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stack unwinding by ORC tables; see unwind.h. The tables' meaning is told in
 * the kernel's Documentation/arch/x86/orc-unwinder.rst and its
 * arch/x86/include/asm/orc_types.h.
 */
#include "freeze/unwind.h"

#include <string.h>

#include "vmm/base/buf.h"
#include "vmm/kimage.h"
#include "vmm/machine.h"

#define ENTRY_SIZE 6
#define STACK_SIZE KiB(16)
#define SCAN_MAX 256		/* words */
/* Modules and BPF programs. */
#define MODULES_START 0xffffffffc0000000ULL
#define MODULES_END 0xffffffffff000000ULL

/* Registers by the numbers of the tables (ORC_REG_*) until Linux 7.3. */
enum { REG_UNDEFINED, REG_PREV_SP, REG_DX, REG_DI, REG_BP, REG_SP, REG_R10,
       REG_R13, REG_BP_INDIRECT, REG_SP_INDIRECT };
#define SP_SINCE_7_3 3

enum type { TYPE_UNDEFINED, TYPE_END, TYPE_CALL, TYPE_REGS, TYPE_REGS_PARTIAL };

struct orc {
	int16_t sp_offset, bp_offset;
	u8 sp_reg, bp_reg;
	enum type type;
};

/* struct pt_regs */
#define PT_R13 16
#define PT_BP 32
#define PT_R10 56
#define PT_DX 96
#define PT_DI 112
#define PT_IP 128
#define PT_CS 136
#define PT_SP 152
#define IRET_CS 8
#define IRET_SP 24

struct state {
	const struct unwind *u;
	u64 ip, sp, bp;
	u64 dx, di, r10, r13;
	bool full;		/* the last four are known */
	bool signal;		/* ip is where it stood, no return address */
	bool guess;
};

static u16 bit_of(const struct kfield *f)
{
	return f->offset >= 4 && f->bit_size == 1 ?
	       (u16)((f->offset - 4) * 8 + f->bit_offset) : 0;
}

static void learn_format(struct unwind *u)
{
	struct kfield f;

	if (!u->k->types)
		return;
	u->old = !ktype_field(u->k->types, "orc_entry.end", &f, NULL);
	if (!u->old)
		return;
	u->end_bit = bit_of(&f);
	if (!ktype_field(u->k->types, "orc_entry.signal", &f, NULL))
		u->signal_bit = bit_of(&f);
}

/*
 * Nothing tells how registers are numbered, and it has changed. But most
 * frames are found from the stack pointer: it is the number that comes most.
 */
static void learn_registers(struct unwind *u)
{
	const u8 *e = kimage_at(u->image, u->entries, u->nr * ENTRY_SIZE);
	u64 step = max(u->nr / 4096, (u64)1), count[16] = { 0 }, i;
	unsigned int r, most = 1;

	for (i = 0; i < u->nr; i += step)
		count[e[i * ENTRY_SIZE + 4] & 15]++;
	for (r = 1; r < 16; r++)
		if (count[r] > count[most])
			most = r;
	u->renumbered = most == SP_SINCE_7_3;
	if (most != SP_SINCE_7_3 && most != REG_SP)
		u->nr = 0;
}

/* DI had no user left to tell its number. */
static u8 register_of(const struct unwind *u, u8 number)
{
	static const u8 since_7_3[16] = {
		[2] = REG_DX, [SP_SINCE_7_3] = REG_SP, [4] = REG_BP,
		[6] = REG_R10, [7] = REG_R13, [8] = REG_PREV_SP,
		[9] = REG_SP_INDIRECT, [10] = REG_BP_INDIRECT,
	};

	return u->renumbered ? since_7_3[number] : number;
}

void unwind_init(struct unwind *u, const struct kread *k,
		 const struct kimage *image)
{
	const struct ksym *s = k->sym;
	u64 stop, tables_end;

	*u = (struct unwind){ .k = k, .image = image };
	if (ksym_find(s, "_text", &u->text) || ksym_find(s, "_etext", &u->etext))
		return;
	learn_format(u);
	if (ksym_find(s, "__start_orc_unwind_ip", &u->ips) ||
	    ksym_find(s, "__stop_orc_unwind_ip", &stop) ||
	    ksym_find(s, "__start_orc_unwind", &u->entries) ||
	    ksym_find(s, "__stop_orc_unwind", &tables_end) ||
	    stop <= u->ips || tables_end <= u->entries)
		return;
	u->nr = min((stop - u->ips) / 4, (tables_end - u->entries) / ENTRY_SIZE);
	if (!kimage_at(image, u->ips, u->nr * 4) ||
	    !kimage_at(image, u->entries, u->nr * ENTRY_SIZE))
		u->nr = 0;
	else
		learn_registers(u);
}

static bool is_text(const struct unwind *u, u64 ip)
{
	u64 link = ip - u->k->slide;

	return (link >= u->text && link < u->etext) ||
	       (ip >= MODULES_START && ip < MODULES_END);
}

/* The last entry that begins at or before @link; both tables are sorted. */
static bool find(const struct unwind *u, u64 link, struct orc *out)
{
	const u8 *ips = u->nr ? kimage_at(u->image, u->ips, u->nr * 4) : NULL;
	u64 lo = 0, hi = u->nr;
	const u8 *e;
	u16 flags;

	if (!ips || link < u->text || link >= u->etext)
		return false;
	while (lo < hi) {
		u64 mid = lo + (hi - lo) / 2;
		s32 rel;

		memcpy(&rel, ips + mid * 4, sizeof(rel));
		if (u->ips + mid * 4 + (u64)(s64)rel <= link)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!lo)
		return false;
	e = (const u8 *)kimage_at(u->image, u->entries, u->nr * ENTRY_SIZE) +
	    (lo - 1) * ENTRY_SIZE;
	memcpy(&out->sp_offset, e, 2);
	memcpy(&out->bp_offset, e + 2, 2);
	memcpy(&flags, e + 4, 2);
	out->sp_reg = register_of(u, flags & 15);
	out->bp_reg = register_of(u, flags >> 4 & 15);
	if (!u->old)
		out->type = flags >> 8 & 7;
	else if (u->end_bit && flags >> u->end_bit & 1)
		out->type = TYPE_END;
	else
		out->type = TYPE_CALL + (flags >> 8 & 3);
	return true;
}

static bool load(const struct state *s, u64 at, u64 *out)
{
	return !vas_read_u64(&s->u->k->vas, at, out);
}

/* The stack pointer before this frame was made. */
static bool previous_sp(const struct state *s, const struct orc *o, u64 *sp)
{
	u64 off = (u64)(s64)o->sp_offset;

	switch (o->sp_reg) {
	case REG_SP:
		*sp = s->sp + off;
		return true;
	case REG_BP:
		*sp = s->bp + off;
		return true;
	case REG_SP_INDIRECT:
		if (!load(s, s->sp, sp))
			return false;
		*sp += off;
		return true;
	case REG_BP_INDIRECT:
		return load(s, s->bp + off, sp);
	case REG_R10:
		*sp = s->r10;
		return s->full;
	case REG_R13:
		*sp = s->r13;
		return s->full;
	case REG_DI:
		*sp = s->di;
		return s->full;
	case REG_DX:
		*sp = s->dx;
		return s->full;
	default:
		return false;
	}
}

static bool load_regs(struct state *s, u64 regs)
{
	u64 cs;

	s->full = load(s, regs + PT_CS, &cs) && !(cs & 3) &&
		  load(s, regs + PT_IP, &s->ip) && load(s, regs + PT_SP, &s->sp) &&
		  load(s, regs + PT_BP, &s->bp) && load(s, regs + PT_DX, &s->dx) &&
		  load(s, regs + PT_DI, &s->di) &&
		  load(s, regs + PT_R10, &s->r10) &&
		  load(s, regs + PT_R13, &s->r13);
	s->signal = true;
	return s->full;
}

static bool step_orc(struct state *s, const struct orc *o)
{
	u64 sp, old_bp = s->bp, cs;

	if (!previous_sp(s, o, &sp))
		return false;
	switch (o->type) {
	case TYPE_CALL:
		if (!load(s, sp - 8, &s->ip))
			return false;
		s->sp = sp;
		s->full = s->signal = false;
		break;
	case TYPE_REGS:
		return load_regs(s, sp);
	case TYPE_REGS_PARTIAL:
		if (!load(s, sp + IRET_CS, &cs) || cs & 3 ||
		    !load(s, sp, &s->ip) || !load(s, sp + IRET_SP, &s->sp))
			return false;
		s->full = false;
		s->signal = true;
		break;
	default:
		return false;
	}
	if (o->bp_reg == REG_PREV_SP)
		return load(s, sp + (u64)(s64)o->bp_offset, &s->bp);
	if (o->bp_reg == REG_BP)
		return load(s, old_bp + (u64)(s64)o->bp_offset, &s->bp);
	return o->bp_reg == REG_UNDEFINED;
}

/* push %rbp; mov %rsp, %rbp: what code without tables mostly does. */
static bool step_frame_pointer(struct state *s)
{
	u64 bp, ip, at = s->bp;

	if (at < s->sp || at - s->sp > STACK_SIZE || !load(s, at, &bp) ||
	    !load(s, at + 8, &ip) || !is_text(s->u, ip))
		return false;
	s->ip = ip;
	s->bp = bp;
	s->sp = at + 16;
	s->full = s->signal = false;
	s->guess = true;
	return true;
}

/* The next word of the stack that could be a return address. */
static bool step_scan(struct state *s)
{
	u64 end = (s->sp | (STACK_SIZE - 1)) + 1, at, word;
	unsigned int i;

	for (at = s->sp & ~7ULL, i = 0; i < SCAN_MAX && at < end; i++, at += 8) {
		if (!load(s, at, &word) || !is_text(s->u, word))
			continue;
		s->ip = word;
		s->sp = at + 8;
		s->full = s->signal = false;
		s->guess = true;
		return true;
	}
	return false;
}

static bool step(struct state *s)
{
	u64 link = s->ip - s->u->k->slide - (s->signal ? 0 : 1);
	struct orc o;

	if (find(s->u, link, &o)) {
		if (o.type == TYPE_END)
			return false;
		if (o.type != TYPE_UNDEFINED)
			return step_orc(s, &o) && is_text(s->u, s->ip);
	} else if (step_frame_pointer(s)) {
		return true;
	}
	return step_scan(s);
}

static void name_frame(const struct state *s, struct unwind_frame *f)
{
	u64 link = s->ip - s->u->k->slide;

	*f = (struct unwind_frame){ .ip = s->ip, .guess = s->guess };
	if (link < s->u->text || link >= s->u->etext)
		return;
	/* A call at a function's very end returns past it. */
	f->name = ksym_at(s->u->k->sym, link - (s->signal ? 0 : 1), &f->offset);
	if (f->name && !s->signal)
		f->offset++;
}

unsigned int unwind_stack(const struct unwind *u,
			  const struct machine_regs *regs,
			  struct unwind_frame *out, unsigned int max)
{
	struct state s = {
		.u = u, .ip = regs->rip, .sp = regs->rsp, .bp = regs->rbp,
		.dx = regs->rdx, .di = regs->rdi, .r10 = regs->r10,
		.r13 = regs->r13, .full = true, .signal = true,
	};
	unsigned int n = 0;

	if (regs->cpl || !is_text(u, s.ip))
		return 0;
	do {
		if (n == max)
			return n;
		name_frame(&s, &out[n++]);
	} while (step(&s));
	return n;
}

int unwind_print(const struct unwind_frame *f, struct buf *out)
{
	const char *mark = f->guess ? "? " : "";

	if (f->name)
		return buf_printf(out, "%s%s+0x%llx", mark, f->name,
				  (unsigned long long)f->offset);
	return buf_printf(out, "%s0x%llx", mark, (unsigned long long)f->ip);
}
