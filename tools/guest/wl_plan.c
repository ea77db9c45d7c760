// SPDX-License-Identifier: GPL-2.0-only
/* wl_plan: the reader of the plan that runner/workload_plan.c writes. */
#include "tools/guest/wl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the records at hand belong to. */
struct reader {
	struct wl_plan *plan;
	struct wl_cgroup_plan *cgroup;
	struct wl_worker_plan *worker;
	struct wl_step_plan *step;
	struct wl_op_plan *op;
};

const char *wl_type_word(uint64_t type)
{
	static const char *const words[] = { WL_WORK_WORDS };

	return type < WORK_TYPES ? words[type] : "?";
}

const char *wl_op_word(uint64_t kind)
{
	static const char *const words[] = { WL_OP_WORDS };

	return kind < OP_KINDS ? words[kind] : "?";
}

/* One more zeroed item at the end of a list; NULL: no memory. */
static void *grow(void *list, size_t *nr, size_t size)
{
	char *p = realloc(list, (*nr + 1) * size);

	if (!p)
		return NULL;
	memset(p + *nr * size, 0, size);
	++*nr;
	return p;
}

static const char *set_number(const char *value, uint64_t *out)
{
	char *end;

	*out = strtoull(value, &end, 10);
	return *end || end == value ? "not a number" : NULL;
}

static const char *set_set(const char *value, struct wl_set *s)
{
	unsigned int kind;
	int at = 0;

	if (sscanf(value, "%u %u %u %lf %lf %lf %n", &kind, &s->index, &s->of,
		   &s->from, &s->to, &s->overlap, &at) != 6 || !at ||
	    kind > CPU_SET_OVERLAP)
		return "not a set of CPUs";
	s->kind = (enum cpu_set_kind)kind;
	s->list = value + at;
	return NULL;
}

static const char *open_cgroup(struct reader *r, const char *name)
{
	struct wl_plan *plan = r->plan;

	r->worker = NULL;
	if (r->op) {
		r->op->cgroup = calloc(1, sizeof(*r->cgroup));
		r->cgroup = r->op->cgroup;
	} else {
		void *p = grow(plan->cgroups, &plan->nr_cgroups, sizeof(*r->cgroup));

		if (p)
			plan->cgroups = p;
		r->cgroup = p ? &plan->cgroups[plan->nr_cgroups - 1] : NULL;
	}
	if (!r->cgroup)
		return "no memory";
	r->cgroup->name = name;
	return NULL;
}

static const char *open_worker(struct reader *r, const char *name)
{
	struct wl_plan *plan = r->plan;

	r->cgroup = NULL;
	if (r->op) {
		r->op->worker = calloc(1, sizeof(*r->worker));
		r->worker = r->op->worker;
	} else {
		void *p = grow(plan->workers, &plan->nr_workers, sizeof(*r->worker));

		if (p)
			plan->workers = p;
		r->worker = p ? &plan->workers[plan->nr_workers - 1] : NULL;
	}
	if (!r->worker)
		return "no memory";
	r->worker->name = name;
	return NULL;
}

static const char *open_step(struct reader *r, const char *name)
{
	struct wl_plan *plan = r->plan;
	void *p = grow(plan->steps, &plan->nr_steps, sizeof(*r->step));

	if (!p)
		return "no memory";
	plan->steps = p;
	r->step = &plan->steps[plan->nr_steps - 1];
	r->step->name = name;
	r->op = NULL;
	r->cgroup = NULL;
	r->worker = NULL;
	return NULL;
}

static const char *open_op(struct reader *r, const char *kind)
{
	void *p;

	if (!r->step)
		return "an operation outside of a step";
	p = grow(r->step->ops, &r->step->nr_ops, sizeof(*r->op));
	if (!p)
		return "no memory";
	r->step->ops = p;
	r->op = &r->step->ops[r->step->nr_ops - 1];
	r->cgroup = NULL;
	r->worker = NULL;
	return set_number(kind, &r->op->kind) ?:
	       r->op->kind < OP_KINDS ? NULL : "unknown operation";
}

static const char *cgroup_key(struct wl_cgroup_plan *g, const char *key,
			      const char *value)
{
	if (!strcmp(key, "parent"))
		g->parent = value;
	else if (!strcmp(key, "cpuset"))
		return set_set(value, &g->cpuset);
	else if (!strcmp(key, "cpu_max"))
		g->cpu_max = value;
	else if (!strcmp(key, "cpu_weight"))
		return set_number(value, &g->cpu_weight);
	else if (!strcmp(key, "memory_max"))
		return set_number(value, &g->memory_max);
	else if (!strcmp(key, "memory_high"))
		return set_number(value, &g->memory_high);
	else
		return "unknown key of a cgroup";
	return NULL;
}

static const char *add_doing(struct wl_worker_plan *w, const char *value)
{
	void *p = grow(w->doings, &w->nr_doings, sizeof(*w->doings));
	unsigned long long ns;
	unsigned int what;

	if (!p)
		return "no memory";
	w->doings = p;
	if (sscanf(value, "%u %llu", &what, &ns) != 2 || what > PHASE_IO)
		return "not a phase";
	w->doings[w->nr_doings - 1] = (struct wl_doing){ (enum phase_do)what, ns };
	return NULL;
}

static const char *add_arg(struct wl_worker_plan *w, char *value)
{
	char **p = realloc(w->argv, (w->argc + 2) * sizeof(*p));

	if (!p)
		return "no memory";
	w->argv = p;
	p[w->argc++] = value;
	p[w->argc] = NULL;
	return NULL;
}

static const char *worker_key(struct wl_worker_plan *w, const char *key,
			      char *value)
{
	const struct { const char *key; uint64_t *at; } numbers[] = {
		{ "type", &w->type }, { "count", &w->count },
		{ "policy", &w->policy }, { "priority", &w->priority },
		{ "mem_policy", &w->mem_policy }, { "burst", &w->burst_ns },
		{ "sleep", &w->sleep_ns }, { "region", &w->region },
		{ "fan_out", &w->fan_out },
	};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (!strcmp(key, numbers[i].key))
			return set_number(value, numbers[i].at);
	if (!strcmp(key, "group"))
		w->group = value;
	else if (!strcmp(key, "nice"))
		w->nice = atoi(value);
	else if (!strcmp(key, "affinity"))
		return set_set(value, &w->affinity);
	else if (!strcmp(key, "mem_nodes"))
		w->mem_nodes = value;
	else if (!strcmp(key, "phase"))
		return add_doing(w, value);
	else if (!strcmp(key, "arg"))
		return add_arg(w, value);
	else
		return "unknown key of a worker";
	return NULL;
}

static const char *op_key(struct wl_op_plan *op, const char *key,
			  const char *value)
{
	if (!strcmp(key, "target"))
		op->target = value;
	else if (!strcmp(key, "to"))
		op->to = value;
	else if (!strcmp(key, "text"))
		op->text = value;
	else if (!strcmp(key, "cpus"))
		return set_set(value, &op->cpus);
	else
		return "unknown key of an operation";
	return NULL;
}

static const char *set_hold(struct wl_step_plan *step, const char *value)
{
	unsigned long long ns;
	unsigned int kind;

	if (sscanf(value, "%u %llu %lf", &kind, &ns, &step->fraction) != 3 ||
	    kind > HOLD_LOOP)
		return "not a hold";
	step->hold = (enum hold_kind)kind;
	step->hold_ns = ns;
	return NULL;
}

static const char *set(struct reader *r, const char *key, char *value)
{
	if (!strcmp(key, "duration"))
		return set_number(value, &r->plan->duration_ns);
	if (!strcmp(key, "cgroup"))
		return open_cgroup(r, value);
	if (!strcmp(key, "worker"))
		return open_worker(r, value);
	if (!strcmp(key, "step"))
		return open_step(r, value);
	if (!strcmp(key, "op"))
		return open_op(r, value);
	if (!strcmp(key, "hold"))
		return r->step ? set_hold(r->step, value) : "a hold without a step";
	if (r->cgroup)
		return cgroup_key(r->cgroup, key, value);
	if (r->worker)
		return worker_key(r->worker, key, value);
	return r->op ? op_key(r->op, key, value) : "unknown key";
}

static const char *check_worker(const struct wl_worker_plan *w)
{
	if (w->type >= WORK_TYPES || !w->count || w->count > WL_MAX_TEAM)
		return "a worker without a type or a count that can be";
	if ((w->type == WORK_CUSTOM) != (w->argc > 0))
		return "a command, or a type custom, alone";
	return NULL;
}

static const char *check(const struct wl_plan *plan)
{
	const char *why = NULL;

	for (size_t i = 0; i < plan->nr_workers && !why; i++)
		why = check_worker(&plan->workers[i]);
	for (size_t i = 0; i < plan->nr_steps; i++) {
		for (size_t j = 0; j < plan->steps[i].nr_ops && !why; j++) {
			const struct wl_op_plan *op = &plan->steps[i].ops[j];

			if (op->kind == OP_SPAWN || op->kind == OP_SPAWN_HOST)
				why = op->worker ? check_worker(op->worker) :
						   "spawn without a worker";
			else if (op->kind == OP_ADD_CGROUP)
				why = op->cgroup ? NULL : "add_cgroup without one";
			else if (!op->target && !op->text)
				why = "an operation without a target";
		}
	}
	return why;
}

const char *wl_plan_parse(struct wl_plan *plan, char *bytes, size_t len)
{
	struct reader r = { .plan = plan };
	char *p = bytes, *end = bytes + len;

	*plan = (struct wl_plan){};
	if (len < sizeof(WL_MAGIC) || memcmp(bytes, WL_MAGIC, sizeof(WL_MAGIC)))
		return "no plan of this version";
	if (bytes[len - 1])
		return "the last record is cut";
	for (p += sizeof(WL_MAGIC); p < end; p += strlen(p) + 1) {
		char *eq = strchr(p, '=');
		const char *why;

		if (!eq)
			return "a record without '='";
		*eq = 0;
		why = set(&r, p, eq + 1);
		p = eq + 1;
		if (why)
			return why;
	}
	return check(plan);
}
