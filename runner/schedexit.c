// SPDX-License-Identifier: GPL-2.0-only
/* The end of a scheduler; see schedexit.h. */
#include "runner/schedexit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runner/value.h"
#include "vmm/base/util.h"

/* scx_exit_reason() in kernel/sched/ext.c, by enum scx_exit_kind. */
static const struct { const char *reason, *kind; } kinds[] = {
	{ "unregistered from user space", "unreg" },
	{ "unregistered from BPF", "unreg_bpf" },
	{ "unregistered from the main kernel", "unreg_kern" },
	{ "disabled by sysrq-S", "sysrq" },
	{ "parent exiting", "parent" },
	{ "runtime error", "error" },
	{ "scx_bpf_error", "error_bpf" },
	{ "runnable task stall", "error_stall" },
};

struct lines {
	const char *p, *end;
};

/* The next line without the log's time stamp; false behind the last one. */
static bool next_line(struct lines *l, const char **line, size_t *len)
{
	const char *nl, *close;

	if (l->p >= l->end)
		return false;
	nl = memchr(l->p, '\n', (size_t)(l->end - l->p));
	*line = l->p;
	*len = (size_t)((nl ? nl : l->end) - l->p);
	l->p = nl ? nl + 1 : l->end;
	close = **line == '[' ? memchr(*line, ']', *len) : NULL;
	if (close) {
		*len -= (size_t)(close + 1 - *line);
		*line = close + 1;
		if (*len && **line == ' ') {
			++*line;
			--*len;
		}
	}
	return true;
}

static void copy(char *to, size_t size, const char *from, size_t len)
{
	snprintf(to, size, "%.*s", (int)min(len, size - 1), from);
}

static void set_reason(struct schedexit *e, const char *reason, size_t len)
{
	size_t i;

	e->seen = true;
	copy(e->reason, sizeof(e->reason), reason, len);
	strcpy(e->kind, "unknown");
	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		if (!strcmp(kinds[i].reason, e->reason))
			strcpy(e->kind, kinds[i].kind);
}

/* sched_ext: BPF scheduler "NAME" disabled (REASON); @head up to the name */
static bool take_disabled(struct schedexit *e, const char *head,
			  const char *line, size_t len)
{
	static const char tail[] = "\" disabled (";
	const char *name = line + strlen(head), *reason;

	if (len <= strlen(head) || memcmp(line, head, strlen(head)))
		return false;
	reason = memmem(name, (size_t)(line + len - name), tail, sizeof(tail) - 1);
	if (!reason || line[len - 1] != ')')
		return false;
	*e = (struct schedexit){ 0 };
	copy(e->name, sizeof(e->name), name, (size_t)(reason - name));
	reason += sizeof(tail) - 1;
	set_reason(e, reason, (size_t)(line + len - 1 - reason));
	return true;
}

/* sched_ext: NAME: MESSAGE */
static bool take_message(struct schedexit *e, const char *line, size_t len)
{
	char head[160];
	size_t n = (size_t)snprintf(head, sizeof(head), "sched_ext: %s: ", e->name);

	if (e->message[0] || len <= n || memcmp(line, head, n))
		return false;
	copy(e->message, sizeof(e->message), line + n, len - n);
	return true;
}

/* "   function+0x12/0x34", maybe "[module]" behind it */
static bool take_frame(struct schedexit *e, const char *line, size_t len)
{
	const char *plus = memmem(line, len, "+0x", 3);

	while (len && *line == ' ') {
		line++;
		len--;
	}
	if (!plus || plus <= line || memchr(line, ' ', (size_t)(plus - line)))
		return false;
	if (e->nr_stack < SCHEDEXIT_STACK_MAX)
		copy(e->stack[e->nr_stack++], sizeof(e->stack[0]), line,
		     (size_t)(plus - line));
	return true;
}

/* The end of the machine's scheduler, and that of one below it: @sub. */
static void parse_log(const char *log, size_t len, struct schedexit *e,
		      struct schedexit *sub)
{
	struct lines l = { log, log + len };
	struct schedexit *follow = NULL;
	const char *line;
	size_t n;

	while (next_line(&l, &line, &n)) {
		if (take_disabled(e, "sched_ext: BPF scheduler \"", line, n))
			follow = e;
		else if (take_disabled(sub, "sched_ext: BPF sub-scheduler \"",
				       line, n))
			follow = sub;
		else if (follow && !take_message(follow, line, n) &&
			 !take_frame(follow, line, n))
			follow = NULL;
	}
}

/* EXIT: REASON (MESSAGE); of an end without an error the log has no message. */
static void take_exit_line(struct schedexit *e, const struct schedexit *sub,
			   const char *line, size_t len)
{
	const char *paren = memchr(line, '(', len);
	size_t n = paren ? (size_t)(paren - line) : len;

	while (n && line[n - 1] == ' ')
		n--;
	if (!e->seen)
		set_reason(e, line, n);
	/* The program was one of a cgroup, and went with the machine's. */
	if (sub->seen && strlen(sub->reason) == n &&
	    !memcmp(sub->reason, line, n) && strcmp(sub->reason, e->reason)) {
		const char *dump = e->dump;
		size_t dump_len = e->dump_len;

		*e = *sub;
		e->dump = dump;
		e->dump_len = dump_len;
	}
	if (strlen(e->reason) != n || memcmp(e->reason, line, n) || e->message[0])
		return;
	if (paren && line[len - 1] == ')')
		copy(e->message, sizeof(e->message), paren + 1,
		     (size_t)(line + len - 1 - paren - 1));
}

static void parse_output(const char *out, size_t len,
			 const struct schedexit *sub, struct schedexit *e)
{
	static const char begin[] = "DEBUG DUMP\n", rule[] = "\n====================";
	struct lines l = { out, out + len };
	const char *at, *end, *line;
	size_t n;

	at = memmem(out, len, begin, sizeof(begin) - 1);
	if (at) {
		at += sizeof(begin) - 1;
		at = memchr(at, '\n', (size_t)(out + len - at));
	}
	end = at ? memmem(at, (size_t)(out + len - at), rule, sizeof(rule) - 1) :
		   NULL;
	if (end && end > at + 1) {
		e->dump = at + 1;
		e->dump_len = (size_t)(end - at - 1);
	}
	while (next_line(&l, &line, &n))
		if (n > 6 && !memcmp(line, "EXIT: ", 6))
			take_exit_line(e, sub, line + 6, n - 6);
}

void schedexit_parse(const char *log, size_t log_len, const char *output,
		     size_t output_len, struct schedexit *ret)
{
	struct schedexit sub = { 0 };

	*ret = (struct schedexit){ 0 };
	if (log)
		parse_log(log, log_len, ret, &sub);
	if (output && output_len > 12)
		parse_output(output, output_len, &sub, ret);
}

bool schedexit_is_error(const struct schedexit *e)
{
	return e->seen && !strncmp(e->kind, "error", 5);
}

/* "  task-1 [000] d..2. 1.5: f3: (function+0x0/0x10) args": the probe's number */
static bool take_hit(const char *line, size_t len, size_t n, size_t *which,
		     const char **args, size_t *args_len)
{
	const char *at = memmem(line, len, ": f", 3), *stop = line + len;
	const char *p = at ? at + 3 : stop, *open, *close;
	size_t i = 0;

	for (; p < stop && *p >= '0' && *p <= '9' && i < n; p++)
		i = 10 * i + (size_t)(*p - '0');
	if (p == stop || *p != ':' || p == at + 3 || i >= n)
		return false;
	open = memchr(p, '(', (size_t)(stop - p));
	close = open ? memchr(open, ')', (size_t)(stop - open)) : NULL;
	if (!close)
		return false;
	*which = i;
	*args = close + 1;
	while (*args < stop && **args == ' ')
		++*args;
	*args_len = (size_t)(stop - *args);
	return true;
}

struct value *schedexit_probes(const char *trace, size_t len,
			       const char *const *symbols, size_t n)
{
	struct lines l = { trace, trace + len };
	struct value *list = value_list();
	const char *line, *args;
	size_t size, which, args_len, i;

	for (i = 0; i < n && list; i++) {
		struct value *v = value_map();

		value_set(v, "function", value_str(symbols[i]));
		value_set(v, "hits", value_int(0));
		value_append(list, v);
	}
	while (list && next_line(&l, &line, &size)) {
		struct value *v;

		if (!take_hit(line, size, n, &which, &args, &args_len))
			continue;
		v = list->list.items[which];
		value_set(v, "hits", value_int(value_as_int(value_get(v, "hits"), 0) + 1));
		value_set(v, "arguments", value_bytes(args, args_len));
	}
	return list;
}
