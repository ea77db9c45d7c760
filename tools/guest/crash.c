// SPDX-License-Identifier: GPL-2.0-only
/*
 * crash: the agent's own death. The handler uses no allocation, no stdio and
 * no lock; COM2 first, since it is synchronous and reaches a human.
 */
#include "tools/guest/agent.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#define MAX_FRAMES 24
#define MIN_FRAMES 3	/* fewer: the walk found nothing */
#define MAX_SCAN 512	/* words */
#define STACK_SIZE (64 * 1024)

static char text[4096];
static size_t used;
static char stack[STACK_SIZE];
static uint64_t stack_top;	/* all frames lie below it */

static void add(const char *s)
{
	while (*s && used < sizeof(text) - 1)
		text[used++] = *s++;
}

static void add_hex(uint64_t v)
{
	char hex[19];
	int i = sizeof(hex) - 1;

	hex[i] = 0;
	do {
		hex[--i] = "0123456789abcdef"[v & 15];
		v >>= 4;
	} while (v);
	hex[--i] = 'x';
	hex[--i] = '0';
	add(hex + i);
}

static void add_num(unsigned int v)
{
	char num[12];
	int i = sizeof(num) - 1;

	num[i] = 0;
	do {
		num[--i] = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	add(num + i);
}

static void add_frame(unsigned int n, const char *mark, uint64_t ip)
{
	add("  #");
	add_num(n);
	add(mark);
	add_hex(ip);
	add("\n");
}

/* By frame pointers; each must lie above the last, below argv. */
static unsigned int walk_frames(uint64_t bp, uint64_t sp)
{
	unsigned int n = 1;

	for (; n < MAX_FRAMES; n++) {
		const uint64_t *f = (const uint64_t *)bp;

		if (bp <= sp || bp > stack_top - 16 || bp % 8 || !f[1])
			break;
		add_frame(n, " ", f[1]);
		sp = bp;
		bp = f[0];
	}
	return n;
}

/*
 * The C library keeps no frame pointers: a fault inside it may end the walk at
 * once. Then whatever on the stack points into the program is told, marked.
 */
static void scan_stack(uint64_t sp, unsigned int n)
{
	extern const char __executable_start[], etext[];
	const uint64_t *w = (const uint64_t *)((sp + 7) & ~7ull);

	if (sp < stack_top - MAX_SCAN * 8 * 64ull)
		return;		/* not on the main stack */
	for (int i = 0; i < MAX_SCAN && n < MAX_FRAMES; i++, w++) {
		if ((uint64_t)w > stack_top - 8)
			return;
		if (*w > (uint64_t)__executable_start && *w < (uint64_t)etext)
			add_frame(n++, " ? ", *w);
	}
}

static void backtrace_from(uint64_t ip, uint64_t bp, uint64_t sp)
{
	unsigned int n;

	add_frame(0, " ", ip);
	n = walk_frames(bp, sp);
	if (n < MIN_FRAMES && sp < stack_top)
		scan_stack(sp, n);
}

static const char *signal_name(int sig)
{
	switch (sig) {
	case SIGSEGV: return "SIGSEGV";
	case SIGBUS: return "SIGBUS";
	case SIGILL: return "SIGILL";
	case SIGFPE: return "SIGFPE";
	default: return "SIGABRT";
	}
}

/* Newline first: COM2 may be in the middle of a line or of a frame. */
static void tell(void)
{
	const size_t head = sizeof(WIRE_PANIC);	/* with the space */

	link_words("\n", 1);
	link_words(text, used);
	link_crash(text + head, used - head);
}

static void on_fault(int sig, siginfo_t *si, void *ctx)
{
	const greg_t *r = ((ucontext_t *)ctx)->uc_mcontext.gregs;

	signal(sig, SIG_DFL);
	used = 0;
	add(WIRE_PANIC " agent: ");
	add(signal_name(sig));
	add(" at ");
	add_hex((uint64_t)si->si_addr);
	add(", ip ");
	add_hex((uint64_t)r[REG_RIP]);
	add("\n");
	backtrace_from((uint64_t)r[REG_RIP], (uint64_t)r[REG_RBP],
		       (uint64_t)r[REG_RSP]);
	tell();
	_exit(128 + sig);
}

void crash_arm(const void *top)
{
	static const int sigs[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT };
	const stack_t alt = { .ss_sp = stack, .ss_size = sizeof(stack) };
	struct sigaction sa = {
		.sa_sigaction = on_fault,
		.sa_flags = SA_SIGINFO | SA_ONSTACK,
	};

	stack_top = (uint64_t)top;
	sigaltstack(&alt, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(sigs); i++)
		sigaction(sigs[i], &sa, NULL);
}

void crash_die(const char *fmt, ...)
{
	va_list ap;

	used = 0;
	add(WIRE_PANIC " agent: ");
	va_start(ap, fmt);
	used += (size_t)vsnprintf(text + used, 1024, fmt, ap);
	va_end(ap);
	add("\n");
	tell();
	end_machine(getpid() == 1 ? END_REBOOT : END_EXIT);
}
