// SPDX-License-Identifier: GPL-2.0-only
/* What was seen in the guest, as the result tells it. */
#include "runner/peek.h"

#include "runner/value.h"

const char *peek_failure(const struct peek *p)
{
	return p->sampling && p->monitor.failure[0] ? p->monitor.failure : NULL;
}

static void set_int(struct value *map, const char *key, u64 v)
{
	value_set(map, key, value_int((s64)v));
}

static struct value *schedstat_deltas(const struct sched_schedstat *s)
{
	struct value *v = value_map();

	set_int(v, "run_delay_ns", s->run_delay_ns);
	set_int(v, "pcount", s->pcount);
	set_int(v, "yld_count", s->yld_count);
	set_int(v, "sched_count", s->sched_count);
	set_int(v, "sched_goidle", s->sched_goidle);
	set_int(v, "ttwu_count", s->ttwu_count);
	set_int(v, "ttwu_local", s->ttwu_local);
	return v;
}

static struct value *event_deltas(const struct peek *p)
{
	struct value *v = value_map();
	unsigned int i;

	for (i = 0; i < sched_nr_events(&p->sched); i++)
		set_int(v, sched_event_name(&p->sched, i),
			p->monitor.events[i]);
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

		set_int(one, "run_cnt", b->run_cnt - a->run_cnt);
		set_int(one, "run_time_ns", b->run_time_ns - a->run_time_ns);
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

struct value *peek_monitor(const struct peek *p)
{
	const struct monitor *m = &p->monitor;
	struct value *v;

	if (!p->cfg || !m->samples)
		return NULL;
	v = value_map();
	set_int(v, "samples", m->samples);
	set_reason(v, p);
	value_set(v, "max_imbalance_ratio", value_float(m->max_imbalance_ratio));
	if (m->has_scx)
		set_int(v, "max_local_dsq_depth", m->max_local_dsq_depth);
	value_set(v, "stuck_detected", value_bool(m->stuck));
	if (m->has_events)
		value_set(v, "event_deltas", event_deltas(p));
	if (m->has_schedstat && p->schedstats)
		value_set(v, "schedstat_deltas",
			  schedstat_deltas(&m->schedstat));
	if (p->nr_progs)
		value_set(v, "prog_stats_deltas", prog_deltas(p));
	return v;
}

const char *peek_no_monitor(const struct peek *p)
{
	if (!p->cfg || p->monitor.samples)
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
		set_int(one, "verified_insns", b->verified_insns);
		set_int(one, "run_cnt", b->run_cnt);
		set_int(one, "run_time_ns", b->run_time_ns);
		set_int(one, "jited_len", b->jited_len);
		value_append(list, one);
	}
	return list;
}
