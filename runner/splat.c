// SPDX-License-Identifier: GPL-2.0-only
/* Complaints in a kernel log; see splat.h. */
#include "runner/splat.h"

#include <errno.h>
#include <regex.h>
#include <string.h>

#include "vmm/base/buf.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/diag.h"
#include "vmm/base/util.h"

struct splat_rule {
	enum splat_kind kind;
	bool anywhere;		/* else at the line's beginning */
	const char *text;
};

/* The first rule that fits wins: the narrower stand before the wider. */
static const struct splat_rule splat_rules[] = {
	{ SPLAT_PANIC, false, "Kernel panic - not syncing" },
	{ SPLAT_KASAN, false, "BUG: KASAN:" },
	{ SPLAT_KASAN, false, "BUG: KFENCE:" },
	{ SPLAT_KASAN, false, "BUG: KCSAN:" },
	{ SPLAT_KASAN, false, "BUG: KMSAN:" },
	{ SPLAT_SOFT_LOCKUP, true, "BUG: soft lockup" },
	{ SPLAT_HARD_LOCKUP, true, "Watchdog detected hard LOCKUP" },
	{ SPLAT_LOCKDEP, false, "BUG: sleeping function called from invalid context" },
	{ SPLAT_LOCKDEP, false, "BUG: Invalid wait context" },
	{ SPLAT_LOCKDEP, false, "[ BUG: Invalid wait context ]" },
	{ SPLAT_OOPS, false, "BUG: unable to handle" },
	{ SPLAT_OOPS, false, "BUG: kernel NULL pointer dereference" },
	{ SPLAT_OOPS, false, "BUG: stack guard page was hit" },
	{ SPLAT_OOPS, false, "kernel BUG at " },
	{ SPLAT_OOPS, false, "Oops: " },
	{ SPLAT_OOPS, false, "Internal error: " },
	{ SPLAT_OOPS, false, "general protection fault" },
	{ SPLAT_OOPS, false, "invalid opcode: " },
	{ SPLAT_OOPS, false, "divide error: " },
	{ SPLAT_OOPS, false, "double fault: " },
	{ SPLAT_BUG, false, "BUG: " },
	{ SPLAT_LOCKDEP, false, "WARNING: possible circular locking" },
	{ SPLAT_LOCKDEP, false, "WARNING: possible recursive locking" },
	{ SPLAT_LOCKDEP, false, "WARNING: inconsistent lock state" },
	{ SPLAT_LOCKDEP, false, "WARNING: suspicious RCU usage" },
	{ SPLAT_LOCKDEP, false, "WARNING: bad unlock balance" },
	{ SPLAT_LOCKDEP, false, "WARNING: possible irq lock inversion" },
	{ SPLAT_WARNING, false, "WARNING: " },
	{ SPLAT_UBSAN, false, "UBSAN: " },
	{ SPLAT_RCU_STALL, true, "INFO: rcu_" },
	{ SPLAT_HUNG_TASK, false, "INFO: task " },
};

static const char *const splat_names[SPLAT_KINDS] = {
	[SPLAT_PANIC] = "panic",
	[SPLAT_OOPS] = "oops",
	[SPLAT_BUG] = "bug",
	[SPLAT_WARNING] = "warning",
	[SPLAT_LOCKDEP] = "lockdep",
	[SPLAT_KASAN] = "kasan",
	[SPLAT_UBSAN] = "ubsan",
	[SPLAT_RCU_STALL] = "rcu_stall",
	[SPLAT_SOFT_LOCKUP] = "soft_lockup",
	[SPLAT_HARD_LOCKUP] = "hard_lockup",
	[SPLAT_HUNG_TASK] = "hung_task",
};

const char *splat_kind_name(enum splat_kind kind)
{
	return splat_names[kind];
}

/* Skip "<4>", "[    1.234567]", "[ T12]" or "[  C0]" in front of the text. */
static const char *skip_stamp(const char *p, const char *end)
{
	if (p < end && *p == '<') {
		const char *q = memchr(p, '>', (size_t)min(end - p, (ptrdiff_t)5));

		if (q)
			p = q + 1;
	}
	while (p < end && *p == '[') {
		const char *q = p + 1;

		while (q < end && (*q == ' ' || *q == '.' || *q == 'T' ||
				   *q == 'C' || (*q >= '0' && *q <= '9')))
			q++;
		if (q == end || *q != ']')
			break;
		p = q + 1;
		while (p < end && *p == ' ')
			p++;
	}
	return p;
}

static bool rule_fits(const struct splat_rule *r, const char *p, size_t len)
{
	size_t n = strlen(r->text);

	if (r->kind == SPLAT_HUNG_TASK)
		return len > n && !memcmp(p, r->text, n) &&
		       memmem(p, len, "blocked for more than", 21);
	if (r->anywhere)
		return memmem(p, len, r->text, n) != NULL;
	return len >= n && !memcmp(p, r->text, n);
}

static int splat_add(struct splat_list *list, enum splat_kind kind,
		     const char *p, size_t len, unsigned int line, size_t off)
{
	struct splat *items;
	char *text;

	if (list->len == SPLAT_MAX) {
		list->dropped++;
		return 0;
	}
	items = reallocarray(list->items, list->len + 1, sizeof(*items));
	if (!items)
		return -ENOMEM;
	list->items = items;
	text = strndup(p, len);
	if (!text)
		return -ENOMEM;
	list->items[list->len++] = (struct splat){
		.kind = kind, .text = text, .line = line, .off = off,
	};
	return 0;
}

static int splat_allow(struct splat_list *list, const char *expr,
		       struct diag *d)
{
	regex_t re;
	size_t i;
	int rc = regcomp(&re, expr, REG_EXTENDED | REG_NOSUB);

	if (rc) {
		char msg[128];

		regerror(rc, &re, msg, sizeof(msg));
		return diag_fail(d, -EINVAL, NULL,
				 "splats.allow: '%s' is no regular expression: %s",
				 expr, msg);
	}
	for (i = 0; i < list->len; i++)
		if (list->items[i].kind != SPLAT_PANIC &&
		    !regexec(&re, list->items[i].text, 0, NULL, 0))
			list->items[i].allowed = true;
	regfree(&re);
	return 0;
}

int splat_scan(const char *log, size_t len, const char *const *allow,
	       size_t nr_allow, struct splat_list *out, struct diag *d)
{
	const char *p = log, *end = log + len;
	unsigned int line = 0;
	size_t i;
	int err;

	*out = (struct splat_list){ 0 };
	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		const char *stop = nl ? nl : end;
		const char *text = skip_stamp(p, stop);

		line++;
		if (stop > text && stop[-1] == '\r')
			stop--;
		for (i = 0; i < ARRAY_SIZE(splat_rules); i++) {
			if (!rule_fits(&splat_rules[i], text,
				       (size_t)(stop - text)))
				continue;
			err = splat_add(out, splat_rules[i].kind, text,
					(size_t)(stop - text), line,
					(size_t)(p - log));
			if (err)
				goto fail;
			break;
		}
		p = nl ? nl + 1 : end;
	}
	for (i = 0; i < nr_allow; i++) {
		err = splat_allow(out, allow[i], d);
		if (err)
			goto fail;
	}
	return 0;
fail:
	splat_list_reset(out);
	return err;
}

void splat_list_reset(struct splat_list *list)
{
	size_t i;

	for (i = 0; i < list->len; i++)
		free(list->items[i].text);
	free(list->items);
	*list = (struct splat_list){ 0 };
}

const struct splat *splat_first(const struct splat_list *list,
				enum splat_kind kind)
{
	size_t i;

	for (i = 0; i < list->len; i++)
		if (list->items[i].kind == kind && !list->items[i].allowed)
			return &list->items[i];
	return NULL;
}

char *splat_crash_text(const char *log, size_t len,
		       const struct splat_list *list, unsigned int max_lines)
{
	const struct splat *first = NULL;
	const char *p, *end = log + len;
	struct buf out = { 0 };
	size_t i;

	for (i = 0; i < list->len && !first; i++)
		if (!list->items[i].allowed &&
		    (list->items[i].kind == SPLAT_PANIC ||
		     list->items[i].kind == SPLAT_OOPS))
			first = &list->items[i];
	if (!first)
		return NULL;
	for (p = log + first->off; p < end && max_lines--; ) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		const char *stop = nl ? nl : end;
		const char *text = skip_stamp(p, stop);

		if (stop > text && stop[-1] == '\r')
			stop--;
		if (out.len)
			buf_putc(&out, '\n');
		buf_add(&out, text, (size_t)(stop - text));
		p = nl ? nl + 1 : end;
	}
	return buf_steal(&out);
}
