// SPDX-License-Identifier: GPL-2.0-only
/* The scheduler group of the result; see collect.h. */
#include "runner/collect.h"

#include <stdlib.h>

#include "runner/heard.h"
#include "runner/schedexit.h"
#include "runner/value.h"

static void set_str(struct value *v, const char *key, const char *s)
{
	if (*s)
		value_set(v, key, value_str(s));
}

static void set_end(struct value *v, const struct schedexit *end)
{
	struct value *stack = value_list();
	size_t i;

	set_str(v, "kind", end->kind);
	set_str(v, "name", end->name);
	set_str(v, "reason", end->reason);
	set_str(v, "message", end->message);
	for (i = 0; i < end->nr_stack; i++)
		value_append(stack, value_str(end->stack[i]));
	value_set(v, "stack", stack);
	if (end->dump)
		value_set(v, "dump", value_bytes(end->dump, end->dump_len));
}

struct value *collect_sched(const struct collect_from *from)
{
	const struct heard *h = from->heard;
	struct value *v = value_map();
	struct schedexit end;
	size_t len = 0;
	char *out = textlog_text(&h->sched_log, &len);

	schedexit_parse(from->log, from->log_len, out, len, &end);
	value_set(v, "enabled", value_bool(h->sched_on));
	value_set(v, "left_early", value_bool(h->sched_exit));
	if (h->sched_exit && h->sched_end.signal)
		value_set(v, "exit_signal", value_int(h->sched_end.signal));
	else if (h->sched_exit && h->sched_end.code >= 0)
		value_set(v, "exit_status", value_int(h->sched_end.code));
	set_end(v, &end);
	if (from->probes)
		value_set(v, "probes", value_copy(from->probes));
	if (out && len)
		value_set(v, "output", value_bytes(out, len));
	free(out);
	return v;
}
