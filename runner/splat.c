// SPDX-License-Identifier: GPL-2.0-only
/* Complaints in a kernel log; see splat.h. */
#include "runner/splat.h"

#include <errno.h>
#include <string.h>

#include "runner/text.h"
#include "vmm/base/buf.h"
#include "vmm/base/cleanup.h"
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

/* What may be left out first: what is allowed, then complaints, then oopses. */
static int splat_weight(const struct splat *s)
{
	if (s->kind == SPLAT_PANIC)
		return 3;
	if (s->allowed)
		return 0;
	return s->kind == SPLAT_OOPS ? 2 : 1;
}

/* A full list gives up its latest lightest item, if that is lighter than @s. */
static bool make_room(struct splat_list *list, const struct splat *s)
{
	size_t i, least = list->len - 1;

	list->dropped++;
	for (i = list->len; i-- > 0; )
		if (splat_weight(&list->items[i]) < splat_weight(&list->items[least]))
			least = i;
	if (splat_weight(&list->items[least]) >= splat_weight(s))
		return false;
	free(list->items[least].text);
	list->len--;
	memmove(&list->items[least], &list->items[least + 1],
		(list->len - least) * sizeof(*list->items));
	return true;
}

/* Takes over @s->text. */
static int splat_add(struct splat_list *list, struct splat s)
{
	struct splat *items;

	if (!s.text)
		return -ENOMEM;
	if (list->len == SPLAT_MAX && !make_room(list, &s)) {
		free(s.text);
		return 0;
	}
	items = reallocarray(list->items, list->len + 1, sizeof(*items));
	if (!items) {
		free(s.text);
		return -ENOMEM;
	}
	list->items = items;
	list->items[list->len++] = s;
	return 0;
}

static bool is_allowed(const char *text, const char *const *allow, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (text_glob(allow[i], text))
			return true;
	return false;
}

static const struct splat_rule *find_rule(const char *text, size_t len)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(splat_rules); i++)
		if (rule_fits(&splat_rules[i], text, len))
			return &splat_rules[i];
	return NULL;
}

int splat_scan(const char *log, size_t len, const char *const *allow,
	       size_t nr_allow, struct splat_list *out)
{
	const char *p = log, *end = log + len;
	unsigned int line = 0;

	*out = (struct splat_list){ 0 };
	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		const char *stop = nl ? nl : end;
		const char *text = skip_stamp(p, stop);
		const struct splat_rule *rule;
		struct splat s = { .line = ++line, .off = (size_t)(p - log) };

		if (stop > text && stop[-1] == '\r')
			stop--;
		p = nl ? nl + 1 : end;
		rule = find_rule(text, (size_t)(stop - text));
		if (!rule)
			continue;
		s.kind = rule->kind;
		s.text = strndup(text, (size_t)(stop - text));
		s.allowed = s.text && s.kind != SPLAT_PANIC &&
			    is_allowed(s.text, allow, nr_allow);
		if (splat_add(out, s)) {
			splat_list_reset(out);
			return -ENOMEM;
		}
	}
	return 0;
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
