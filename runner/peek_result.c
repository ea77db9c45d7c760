// SPDX-License-Identifier: GPL-2.0-only
/* What was seen in the guest, as the result tells it. */
#include "runner/peek.h"

#include "runner/sched_value.h"
#include "runner/value.h"

const char *peek_failure(const struct peek *p)
{
	return p->sampling && p->monitor.failure[0] ? p->monitor.failure : NULL;
}

static struct value *event_deltas(const struct peek *p,
				  const struct monitor_sum *sum)
{
	struct value *v = value_map();
	unsigned int i;

	for (i = 0; i < sched_nr_events(&p->sched); i++)
		value_set_int(v, sched_event_name(&p->sched, i),
			      sum->events[i]);
	return v;
}

static struct value *prog_deltas(const struct peek *p)
{
	struct value *v = value_map();
	size_t i;

	for (i = 0; i < p->nr_progs; i++) {
		const struct bpfprog *a = &p->progs[i].first;
		const struct bpfprog *b = &p->progs[i].last;
		struct value *one = value_map();

		value_set_int(one, "run_cnt", b->run_cnt - a->run_cnt);
		value_set_int(one, "run_time_ns", b->run_time_ns - a->run_time_ns);
		value_set(v, a->name, one);
	}
	return v;
}

static void set_reason(struct value *v, const struct peek *p)
{
	char text[80];

	if (p->reason[0]) {
		value_set(v, "reason", value_str(p->reason));
	} else if (p->dropped) {
		snprintf(text, sizeof(text), "%llu samples could not be read",
			 (unsigned long long)p->dropped);
		value_set(v, "reason", value_str(text));
	}
}

static void set_sum(struct value *v, const struct peek *p,
		    const struct monitor_sum *sum)
{
	value_set_int(v, "samples", sum->samples);
	value_set(v, "max_imbalance_ratio",
		  value_float(sum->max_imbalance_ratio));
	if (sum->has_scx)
		value_set_int(v, "max_local_dsq_depth", sum->max_local_dsq_depth);
	value_set(v, "stuck_detected", value_bool(sum->stuck));
	if (sum->has_events)
		value_set(v, "event_deltas", event_deltas(p, sum));
	if (sum->has_schedstat && p->schedstats)
		value_set(v, "schedstat_deltas",
			  sched_schedstat_value(&sum->schedstat));
}

/* A phase that was over before the next sample tells nothing. */
static struct value *phases(const struct peek *p)
{
	struct value *list = value_list();
	size_t i;

	for (i = 0; i < p->monitor.nr_phases; i++) {
		const struct monitor_phase *ph = &p->monitor.phases[i];
		struct value *one;

		if (!ph->sum.samples)
			continue;
		one = value_map();
		value_set(one, "label", value_str(ph->label));
		value_set(one, "step_index", value_int(ph->step));
		set_sum(one, p, &ph->sum);
		value_append(list, one);
	}
	return list;
}

static struct value *domains(const struct peek *p, const struct peek_domains *d)
{
	struct value *list = value_list();
	int i;

	for (i = 0; i < d->nr; i++)
		value_append(list, sched_domain_value(&p->sched, &d->d[i]));
	return list;
}

/* One CPU as it was last seen. */
static struct value *last_of(const struct peek *p, unsigned int cpu)
{
	const struct monitor_cpu *c = &p->monitor.cpus[cpu].last;
	struct value *v;

	if (!c->present)
		return value_null();
	v = sched_cpu_value(&c->c);
	value_set(v, "comm", value_str(c->c.curr_comm));
	value_set(v, "pid", value_int(c->c.curr_pid));
	if (c->c.has_schedstat && p->schedstats)
		value_set(v, "schedstat",
			  sched_schedstat_value(&c->c.schedstat));
	if (p->domains && p->domains[cpu].nr >= 0)
		value_set(v, "domains", domains(p, &p->domains[cpu]));
	return v;
}

static struct value *cpus(const struct peek *p)
{
	struct value *list = value_list();
	unsigned int i;

	for (i = 0; i < p->monitor.nr_cpus; i++)
		value_append(list, last_of(p, i));
	return list;
}

struct value *peek_monitor(const struct peek *p)
{
	const struct monitor *m = &p->monitor;
	struct value *v;

	if (!p->cfg || !m->sum.samples)
		return NULL;
	v = value_map();
	set_reason(v, p);
	set_sum(v, p, &m->sum);
	if (p->nr_progs)
		value_set(v, "prog_stats_deltas", prog_deltas(p));
	if (m->nr_phases)
		value_set(v, "phases", phases(p));
	value_set(v, "cpu", cpus(p));
	return v;
}

const char *peek_no_monitor(const struct peek *p)
{
	if (!p->cfg || p->monitor.sum.samples)
		return NULL;
	return p->reason[0] ? p->reason :
			      "the monitor took no sample: the payload did not run";
}

struct value *peek_verifier(const struct peek *p)
{
	struct value *list;
	size_t i;

	if (!p->progs_read)
		return NULL;
	list = value_list();
	for (i = 0; i < p->nr_progs; i++) {
		const struct bpfprog *b = &p->progs[i].last;
		struct value *one = value_map();

		value_set(one, "name", value_str(b->name));
		value_set_int(one, "verified_insns", b->verified_insns);
		value_set_int(one, "run_cnt", b->run_cnt);
		value_set_int(one, "run_time_ns", b->run_time_ns);
		value_set_int(one, "jited_len", b->jited_len);
		value_append(list, one);
	}
	return list;
}
