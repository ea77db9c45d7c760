// SPDX-License-Identifier: GPL-2.0-only
/* Reading a guest that stands still; see capture.h. */
#include "freeze/capture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "freeze/capture_priv.h"
#include "vmm/base/diag.h"

const char *capture_state_name(enum machine_cpu_state state)
{
	switch (state) {
	case MACHINE_CPU_RUNNING:
		return "running";
	case MACHINE_CPU_HALTED:
		return "halted";
	case MACHINE_CPU_NOT_STARTED:
		return "not_started";
	default:
		return NULL;
	}
}

void capture_prepare(struct capture_from *from)
{
	if (from->ready || !from->k)
		return;
	from->ready = true;
	from->has_sched = !sched_init(&from->sched, from->k, NULL);
	if (from->image)
		unwind_init(&from->unwind, from->k, from->image);
}

static void read_online(const struct kread *k, u32 cpu, struct capture_cpu *c)
{
	gva_t mask;
	u64 bits;

	if (kread_symbol(k, "__cpu_online_mask", &mask, NULL) ||
	    vas_read_u64(&k->vas, mask + cpu / 64 * 8, &bits))
		return;
	c->has_online = true;
	c->online = bits >> cpu % 64 & 1;
}

static void read_task(const struct kread *k, u32 cpu, struct capture_cpu *c)
{
	gva_t task;

	c->has_task = !tasks_current(k, cpu, &task) && task &&
		      !task_read(k, task, &c->task);
}

static void read_cpu(struct capture_from *from, u32 cpu, struct capture_cpu *c)
{
	const struct kread *k = from->k;

	c->state = machine_vcpu_state(from->m, cpu);
	c->has_regs = !machine_vcpu_regs(from->m, cpu, &c->regs);
	if (!k)
		return;
	if (from->image && c->has_regs && c->state != MACHINE_CPU_NOT_STARTED)
		c->nr_frames = unwind_stack(&from->unwind, &c->regs, c->frames,
					    UNWIND_MAX);
	read_online(k, cpu, c);
	if (c->state != MACHINE_CPU_NOT_STARTED)
		read_task(k, cpu, c);
	c->has_rq = from->has_sched && !sched_cpu_read(&from->sched, cpu, &c->rq);
}

static int read_paths(const struct capture_from *from, struct capture *out)
{
	size_t i;

	if (!from->nr_paths)
		return 0;
	out->reads = calloc(from->nr_paths, sizeof(*out->reads));
	if (!out->reads)
		return -ENOMEM;
	out->nr_reads = from->nr_paths;
	for (i = 0; i < from->nr_paths; i++) {
		struct capture_read *r = &out->reads[i];
		struct diag d = { 0 };

		r->path = from->paths[i];
		r->err = from->k ? kpath_read(from->k, r->path, &r->value, &d) :
				   -ENOENT;
		if (r->err)
			snprintf(r->why, sizeof(r->why), "%s",
				 d.err ? diag_text(&d) : out->why);
		diag_reset(&d);
	}
	return 0;
}

int capture_take(struct capture_from *from, struct capture *out)
{
	u32 i;
	int err;

	capture_prepare(from);
	if (!from->k)
		snprintf(out->why, sizeof(out->why), "%s", from->why);
	out->nr_cpus = machine_nr_cpus(from->m);
	out->cpus = calloc(out->nr_cpus, sizeof(*out->cpus));
	if (!out->cpus) {
		out->nr_cpus = 0;
		return -ENOMEM;
	}
	for (i = 0; i < out->nr_cpus; i++)
		read_cpu(from, i, &out->cpus[i]);
	err = read_paths(from, out);
	if (!err && from->k)
		err = capture_maps(from, out);
	return err;
}

void capture_reset(struct capture *c)
{
	size_t i;

	for (i = 0; i < c->nr_reads; i++)
		kvalue_reset(&c->reads[i].value);
	free(c->reads);
	capture_maps_reset(c);
	free(c->cpus);
	*c = (struct capture){ 0 };
}

void capture_from_deinit(struct capture_from *from)
{
	if (from->has_sched)
		sched_deinit(&from->sched);
	capture_types_free(from->types);
	from->types = NULL;
	from->has_sched = from->ready = false;
}

int capture_each_regs(const struct capture *c,
		      int (*fn)(void *arg, u32 cpu,
				const struct machine_regs *regs,
				const struct capture_cpu *cpu_state),
		      void *arg)
{
	int err = 0;
	u32 i;

	for (i = 0; i < c->nr_cpus && !err; i++)
		err = fn(arg, i, c->cpus[i].has_regs ? &c->cpus[i].regs : NULL,
			 &c->cpus[i]);
	return err;
}
