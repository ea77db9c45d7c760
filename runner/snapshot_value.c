// SPDX-License-Identifier: GPL-2.0-only
/* A capture as the result tells it; see snapshots.h. */
#include "runner/snapshots.h"

#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>

#include "runner/reads.h"
#include "runner/sched_value.h"
#include "runner/value.h"
#include "vmm/base/buf.h"

static struct value *regs_value(const struct machine_regs *r)
{
	const struct { const char *name; u64 v; } regs[] = {
		{ "rip", r->rip }, { "rflags", r->rflags },
		{ "rax", r->rax }, { "rbx", r->rbx }, { "rcx", r->rcx },
		{ "rdx", r->rdx }, { "rsi", r->rsi }, { "rdi", r->rdi },
		{ "rsp", r->rsp }, { "rbp", r->rbp }, { "r8", r->r8 },
		{ "r9", r->r9 }, { "r10", r->r10 }, { "r11", r->r11 },
		{ "r12", r->r12 }, { "r13", r->r13 }, { "r14", r->r14 },
		{ "r15", r->r15 }, { "cs", r->cs }, { "ss", r->ss },
		{ "cr0", r->cr0 }, { "cr2", r->cr2 }, { "cr3", r->cr3 },
		{ "cr4", r->cr4 }, { "efer", r->efer },
		{ "gs_base", r->gs_base },
		{ "kernel_gs_base", r->kernel_gs_base },
	};
	struct value *v = value_map();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(regs); i++)
		value_set(v, regs[i].name, value_addr(regs[i].v));
	return v;
}

static struct value *backtrace_value(const struct capture_cpu *c)
{
	struct value *list = value_list();
	struct buf text = { 0 };
	unsigned int i;

	for (i = 0; i < c->nr_frames; i++) {
		buf_reset(&text);
		unwind_print(&c->frames[i], &text);
		value_append(list, value_str(buf_str(&text)));
	}
	buf_reset(&text);
	return list;
}

static struct value *task_value(const struct task *t)
{
	struct value *v = value_map();
	char state[] = { task_state_char(t), '\0' };

	value_set(v, "comm", value_str(t->comm));
	value_set(v, "pid", value_int(t->pid));
	value_set(v, "tgid", value_int(t->tgid));
	value_set(v, "state", value_str(state));
	value_set(v, "kernel", value_bool(t->kernel));
	value_set(v, "policy", value_int(t->policy));
	value_set(v, "prio", value_int(t->prio));
	return v;
}

static struct value *cpu_value(const struct capture_cpu *c)
{
	const char *state = capture_state_name(c->state);
	struct value *v = value_map();

	if (state)
		value_set(v, "state", value_str(state));
	if (c->has_online)
		value_set(v, "online", value_bool(c->online));
	if (c->has_regs) {
		value_set(v, "user", value_bool(c->regs.cpl != 0));
		value_set(v, "regs", regs_value(&c->regs));
		value_set(v, "backtrace", backtrace_value(c));
	}
	if (c->has_task)
		value_set(v, "task", task_value(&c->task));
	if (c->has_rq)
		value_set(v, "rq", sched_cpu_value(&c->rq));
	return v;
}

/* ---- maps ---- */

/* Without a type: a number where it may be one, else bytes in hex. */
static struct value *untyped(const u8 *data, u64 len)
{
	struct buf hex = { 0 };
	struct value *v;
	u64 n = 0, i;

	if (len == 1 || len == 2 || len == 4 || len == 8) {
		memcpy(&n, data, len);
		return n > INT64_MAX ? value_addr(n) : value_int((s64)n);
	}
	for (i = 0; i < len && i < 4096; i++)
		buf_printf(&hex, "%02x", data[i]);
	v = value_str(buf_str(&hex));
	buf_reset(&hex);
	return v;
}

static struct value *entry_value(const struct capture_entry *e)
{
	if (!e->value.types)
		return untyped(e->value.data, e->value.field.size);
	return reads_value(&e->value, NULL);
}

static bool is_array(u32 type)
{
	return type == BPF_MAP_TYPE_ARRAY || type == BPF_MAP_TYPE_PERCPU_ARRAY;
}

/* Per-CPU values of one element as a list; @i moves past them. */
static struct value *element(const struct capture_map *m, size_t *i)
{
	const struct capture_entry *e = &m->entries[*i];
	struct value *list;

	if (e->cpu < 0) {
		++*i;
		return entry_value(e);
	}
	list = value_list();
	do {
		value_append(list, entry_value(&m->entries[(*i)++]));
	} while (*i < m->nr && m->entries[*i].cpu > 0);
	return list;
}

/*
 * An array of one is its value (a BPF object's .bss), other arrays are lists,
 * hash maps lists of {key, value}.
 */
static struct value *map_value(const struct capture_map *m)
{
	struct value *list;
	size_t i = 0;

	if (m->failed && !m->nr)
		return value_null();
	if (is_array(m->map.type) && m->map.max_entries == 1)
		return m->nr ? element(m, &i) : value_null();
	list = value_list();
	while (i < m->nr) {
		const u8 *key = m->entries[i].key;
		struct value *v;

		if (is_array(m->map.type)) {
			value_append(list, element(m, &i));
			continue;
		}
		v = value_map();
		value_set(v, "key", untyped(key, m->map.key_size));
		value_set(v, "value", element(m, &i));
		value_append(list, v);
	}
	return list;
}

/* Of two maps with one name the newer one counts, as for map() in paths. */
static struct value *maps_value(const struct capture *c)
{
	struct value *v = value_map();
	size_t i;

	for (i = 0; i < c->nr_maps; i++)
		value_set(v, c->maps[i].map.name, map_value(&c->maps[i]));
	return v;
}

static struct value *reads_map(const struct capture *c)
{
	struct value *v = value_map(), *why = NULL;
	size_t i;

	for (i = 0; i < c->nr_reads; i++) {
		const struct capture_read *r = &c->reads[i];

		value_set(v, r->path, r->err ? value_null() :
					       reads_value(&r->value, NULL));
		if (!r->err)
			continue;
		if (!why)
			why = value_map();
		value_set(why, r->path, value_str(r->why));
	}
	if (why)
		value_set(v, "unread", why);
	return v;
}

struct value *snapshot_value(const struct capture *c)
{
	struct value *v = value_map(), *cpus = value_list();
	u32 i;

	if (!v || !cpus) {
		value_free(v);
		value_free(cpus);
		return NULL;
	}
	for (i = 0; i < c->nr_cpus; i++)
		value_append(cpus, cpu_value(&c->cpus[i]));
	value_set(v, "cpu", cpus);
	if (c->nr_reads)
		value_set(v, "reads", reads_map(c));
	if (c->maps_read)
		value_set(v, "maps", maps_value(c));
	if (c->why[0])
		value_set(v, "reason", value_str(c->why));
	return v;
}
