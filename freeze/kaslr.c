// SPDX-License-Identifier: GPL-2.0-only
/* The image's slide and the evidence for it; see kaslr.h. */
#include "freeze/kaslr.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLIDE_ALIGN MiB(2)	/* the least CONFIG_PHYSICAL_ALIGN */
#define SLIDE_MAX GiB(1)
#define CR4_FRED (1ULL << 32)

/* What one derivation came to. */
struct evidence {
	const char *name;
	bool given;	/* it has a plausible value */
	u64 slide;
};

enum { BY_VMM, BY_LSTAR, BY_ADDRS, BY_VMCOREINFO, BY_CONSOLE, NR_EVIDENCE };

static __printf(3, 4) void append(char *text, size_t size, const char *fmt, ...)
{
	size_t len = strlen(text);
	va_list ap;

	if (len + 1 >= size)
		return;
	va_start(ap, fmt);
	vsnprintf(text + len, size - len, fmt, ap);
	va_end(ap);
}

#define add_reason(out, ...)						\
	do {								\
		if ((out)->reason[0])					\
			append((out)->reason, sizeof((out)->reason), "; "); \
		append((out)->reason, sizeof((out)->reason), __VA_ARGS__); \
	} while (0)

static bool plausible(u64 slide)
{
	return slide % SLIDE_ALIGN == 0 && slide < SLIDE_MAX;
}

bool kaslr_console_offset(const char *console, u64 *offset)
{
	static const char key[] = "Kernel Offset: ";
	const char *p = console, *last = NULL;
	char *end;
	u64 v;

	while (p && (p = strstr(p, key))) {
		p += sizeof(key) - 1;
		last = p;
	}
	if (!last)
		return false;
	if (!strncmp(last, "disabled", 8)) {
		*offset = 0;
		return true;
	}
	v = strtoull(last, &end, 16);
	if (end == last)
		return false;
	*offset = v;
	return true;
}

static bool word_in(const char *cmdline, const char *word)
{
	size_t len = strlen(word);
	const char *p = cmdline;

	while (p && (p = strstr(p, word))) {
		if ((p == cmdline || p[-1] == ' ') &&
		    (!p[len] || p[len] == ' ' || p[len] == '\n'))
			return true;
		p += len;
	}
	return false;
}

static void from_lstar(const struct kaslr_input *in, struct evidence *e,
		       struct kaslr *out)
{
	if (in->fred == KASLR_YES) {
		add_reason(out, "the CPU takes system calls by FRED and LSTAR is unused");
	} else if (!in->have_lstar) {
		add_reason(out, "LSTAR was not read");
	} else if (!in->lstar) {
		add_reason(out, "the boot CPU never set LSTAR (too early, or an early crash)");
	} else if (!in->entry_link) {
		add_reason(out, "the image has no symbol entry_SYSCALL_64");
	} else if (!plausible(in->lstar - in->entry_link)) {
		add_reason(out, "LSTAR 0x%" PRIx64 " is not entry_SYSCALL_64 of a slid kernel",
			   in->lstar);
	} else {
		e->given = true;
		e->slide = in->lstar - in->entry_link;
	}
}

static void from_addrs(const struct kaslr_input *in, struct evidence *e,
		       struct kaslr *out)
{
	if (!in->have_addrs) {
		add_reason(out, "the guest sent no KERN_ADDRS");
	} else if (!in->text) {
		add_reason(out, "the guest's kallsyms is masked (kptr_restrict)");
	} else if (!in->text_link) {
		add_reason(out, "the image has no symbol _text");
	} else if (!plausible(in->text - in->text_link)) {
		add_reason(out, "KERN_ADDRS has _text at 0x%" PRIx64 ", where no kernel can be",
			   in->text);
	} else {
		e->given = true;
		e->slide = in->text - in->text_link;
	}
}

static void take_plain(struct evidence *e, bool given, u64 slide)
{
	e->given = given && plausible(slide);
	e->slide = slide;
}

static void gather(const struct kaslr_input *in, struct evidence *e,
		   struct kaslr *out)
{
	u64 slide = 0;
	bool console = kaslr_console_offset(in->console, &slide);

	take_plain(&e[BY_VMM], in->have_chosen, in->chosen);
	from_lstar(in, &e[BY_LSTAR], out);
	from_addrs(in, &e[BY_ADDRS], out);
	take_plain(&e[BY_VMCOREINFO], in->have_vmcoreinfo,
		   in->vmcoreinfo_offset);
	take_plain(&e[BY_CONSOLE], console, slide);
}

/* Why the kernel cannot have been slid; NULL where nothing says so. */
static const char *off_because(const struct kaslr_input *in)
{
	if (in->requested == KASLR_NO)
		return "request";
	if (in->cmdline && word_in(in->cmdline, "nokaslr"))
		return "nokaslr";
	if (in->randomize_base == KASLR_NO)
		return "config";
	return NULL;
}

static void judge(const struct kaslr_input *in, const struct evidence *e,
		  struct kaslr *out)
{
	const struct evidence *first = NULL;
	unsigned int i;

	for (i = 0; i < NR_EVIDENCE; i++) {
		if (!e[i].given)
			continue;
		if (!first) {
			first = &e[i];
			/* Whatever was missing for others no longer matters. */
			out->reason[0] = '\0';
		}
		if (e[i].slide != first->slide) {
			out->disagree = true;
			add_reason(out, "%s says 0x%" PRIx64 ", %s says 0x%" PRIx64,
				   first->name, first->slide, e[i].name,
				   e[i].slide);
			continue;
		}
		append(out->source, sizeof(out->source), "%s%s",
		       out->source[0] ? "," : "", e[i].name);
	}
	if (!first)
		return;
	if (in->fred == KASLR_YES)
		append(out->source, sizeof(out->source), " (FRED: LSTAR unused)");
	out->have_offset = !out->disagree;
	out->offset = out->disagree ? 0 : first->slide;
}

static void judge_state(const struct kaslr_input *in, struct kaslr *out)
{
	const char *off = off_because(in);

	if (out->disagree) {
		out->state = KASLR_STATE_UNKNOWN;
	} else if (!out->have_offset) {
		if (!off)
			return;
		/* Nothing contradicts what was asked for. */
		out->state = KASLR_STATE_OFF;
		out->have_offset = true;
		append(out->source, sizeof(out->source), "%s", off);
		out->reason[0] = '\0';
	} else if (out->offset) {
		out->state = KASLR_STATE_ON;
		if (off) {
			out->disagree = true;
			add_reason(out, "off by %s, yet the kernel is slid by 0x%" PRIx64,
				   off, out->offset);
		}
	} else if (off || in->requested != KASLR_YES) {
		out->state = KASLR_STATE_OFF;
		if (off)
			append(out->source, sizeof(out->source), ",%s", off);
	} else {
		out->state = KASLR_STATE_ON;
		add_reason(out, "asked for, and the slide came out as 0");
	}
}

static void judge_phys(const struct kaslr_input *in, struct kaslr *out)
{
	if (!in->have_walked && !in->have_phys_base)
		return;
	if (in->have_walked && in->have_phys_base &&
	    in->walked_phys_base != in->phys_base) {
		out->disagree = true;
		add_reason(out, "page tables say phys_base 0x%" PRIx64 ", the guest 0x%" PRIx64,
			   in->walked_phys_base, in->phys_base);
		return;
	}
	out->have_phys_base = true;
	out->phys_base = in->have_walked ? in->walked_phys_base : in->phys_base;
}

enum kaslr_fact kaslr_fred(u64 cr4)
{
	return cr4 & CR4_FRED ? KASLR_YES : KASLR_NO;
}

void kaslr_derive(const struct kaslr_input *in, struct kaslr *out)
{
	struct evidence e[NR_EVIDENCE] = {
		[BY_VMM] = { .name = "vmm" },
		[BY_LSTAR] = { .name = "lstar" },
		[BY_ADDRS] = { .name = "kern_addrs" },
		[BY_VMCOREINFO] = { .name = "vmcoreinfo" },
		[BY_CONSOLE] = { .name = "console" },
	};

	*out = (struct kaslr){ .state = KASLR_STATE_UNKNOWN };
	gather(in, e, out);
	judge(in, e, out);
	judge_state(in, out);
	judge_phys(in, out);
}

const char *kaslr_state_name(enum kaslr_state state)
{
	switch (state) {
	case KASLR_STATE_OFF:
		return "off";
	case KASLR_STATE_ON:
		return "on";
	default:
		return "unknown";
	}
}
