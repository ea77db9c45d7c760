// SPDX-License-Identifier: GPL-2.0-only
/* The host's writer of the workload's plan; see runner/workload_wire.h. */
#include "runner/workload_plan.h"

#include <errno.h>

#include "vmm/base/buf.h"
#include "vmm/base/diag.h"

const char *workload_type_word(enum work_type type)
{
	static const char *const words[] = { WL_WORK_WORDS };

	return words[type];
}

static void put(struct buf *out, const char *key, const char *value)
{
	if (!value)
		return;
	buf_puts(out, key);
	buf_putc(out, '=');
	buf_puts(out, value);
	buf_putc(out, 0);
}

static void put_num(struct buf *out, const char *key, u64 value)
{
	buf_printf(out, "%s=%llu", key, (unsigned long long)value);
	buf_putc(out, 0);
}

static void put_set(struct buf *out, const char *key,
		    const struct cpu_set_want *w)
{
	if (w->kind == CPU_SET_INHERIT)
		return;
	buf_printf(out, "%s=%d %u %u %.6f %.6f %.6f %s", key, w->kind, w->index,
		   w->of, w->from, w->to, w->overlap, w->list ? w->list : "");
	buf_putc(out, 0);
}

static void put_cgroup(struct buf *out, const struct wl_cgroup *g)
{
	put(out, "cgroup", g->name);
	put(out, "parent", g->parent);
	put_set(out, "cpuset", &g->cpuset);
	put(out, "cpu_max", g->cpu_max);
	put_num(out, "cpu_weight", g->cpu_weight);
	put_num(out, "memory_max", g->memory_max);
	put_num(out, "memory_high", g->memory_high);
}

static void put_worker(struct buf *out, const struct wl_worker *w)
{
	put(out, "worker", w->name ? w->name : workload_type_word(w->type));
	put(out, "group", w->cgroup);
	put_num(out, "type", w->type);
	put_num(out, "count", w->count);
	put_num(out, "policy", w->policy);
	put_num(out, "priority", w->priority);
	buf_printf(out, "nice=%d", w->nice);
	buf_putc(out, 0);
	put_set(out, "affinity", &w->affinity);
	put_num(out, "mem_policy", w->mem_policy);
	put(out, "mem_nodes", w->mem_nodes);
	put_num(out, "burst", w->burst_ns);
	put_num(out, "sleep", w->sleep_ns);
	put_num(out, "region", w->region);
	put_num(out, "fan_out", w->fan_out);
	for (size_t i = 0; i < w->sequence.n; i++) {
		buf_printf(out, "phase=%d %llu", w->sequence.items[i].what,
			   (unsigned long long)w->sequence.items[i].for_ns);
		buf_putc(out, 0);
	}
	for (size_t i = 0; i < w->command.n; i++)
		put(out, "arg", w->command.items[i]);
}

static void put_op(struct buf *out, const struct wl_op *op)
{
	put_num(out, "op", op->kind);
	put(out, "target", op->target);
	put(out, "to", op->to);
	put(out, "text", op->text);
	put_set(out, "cpus", &op->cpus);
	if (op->kind == OP_ADD_CGROUP)
		put_cgroup(out, &op->cgroup);
	if (op->kind == OP_SPAWN || op->kind == OP_SPAWN_HOST)
		put_worker(out, &op->worker);
}

static void put_step(struct buf *out, const struct wl_step *step, size_t nr)
{
	char name[32];

	snprintf(name, sizeof(name), "step-%zu", nr);
	put(out, "step", step->name ? step->name : name);
	buf_printf(out, "hold=%d %llu %.6f", step->hold.kind,
		   (unsigned long long)step->hold.ns, step->hold.fraction);
	buf_putc(out, 0);
	for (size_t i = 0; i < step->ops.n; i++)
		put_op(out, &step->ops.items[i]);
}

int workload_plan_encode(const struct scen_workload *wl, struct buf *out,
			 struct diag *d)
{
	buf_add(out, WL_MAGIC, sizeof(WL_MAGIC));
	put_num(out, "duration", wl->duration_ns);
	for (size_t i = 0; i < wl->cgroups.n; i++)
		put_cgroup(out, &wl->cgroups.items[i]);
	for (size_t i = 0; i < wl->workers.n; i++)
		put_worker(out, &wl->workers.items[i]);
	for (size_t i = 0; i < wl->steps.n; i++)
		put_step(out, &wl->steps.items[i], i);
	if (out->failed)
		return diag_fail(d, -ENOMEM, NULL, "no memory for the workload");
	return 0;
}
