// SPDX-License-Identifier: GPL-2.0-only
/* Runqueues and domains as values; see sched_value.h. */
#include "runner/sched_value.h"

#include "runner/value.h"
#include "vmm/base/buf.h"

struct value *sched_schedstat_value(const struct sched_schedstat *s)
{
	struct value *v = value_map();

	value_set_int(v, "run_delay_ns", s->run_delay_ns);
	value_set_int(v, "pcount", s->pcount);
	value_set_int(v, "yld_count", s->yld_count);
	value_set_int(v, "sched_count", s->sched_count);
	value_set_int(v, "sched_goidle", s->sched_goidle);
	value_set_int(v, "ttwu_count", s->ttwu_count);
	value_set_int(v, "ttwu_local", s->ttwu_local);
	return v;
}

static struct value *scx_value(const struct sched_scx *s)
{
	struct value *v = value_map();

	value_set_int(v, "nr_running", s->nr_running);
	value_set_int(v, "local_dsq_depth", s->local_dsq_depth);
	value_set(v, "flags", value_addr(s->flags));
	if (s->has_nr_immed)
		value_set_int(v, "nr_immed", s->nr_immed);
	return v;
}

struct value *sched_cpu_value(const struct sched_cpu *rq)
{
	struct value *v = value_map();

	value_set_int(v, "nr_running", rq->nr_running);
	value_set_int(v, "nr_switches", rq->nr_switches);
	value_set_int(v, "clock_ns", rq->clock_ns);
	value_set(v, "idle", value_bool(rq->idle));
	if (rq->has_scx)
		value_set(v, "scx", scx_value(&rq->scx));
	return v;
}

struct value *sched_domain_value(const struct sched *s,
				 const struct sched_domain_info *d)
{
	struct value *v = value_map();
	struct buf names = { 0 };

	if (d->name[0])
		value_set(v, "name", value_str(d->name));
	value_set(v, "level", value_int(d->level));
	value_set(v, "flags", value_addr(d->flags));
	if (!sched_domain_flags(s, d->flags, &names) && names.len)
		value_set(v, "flag_names", value_str(buf_str(&names)));
	value_set_int(v, "span_weight", d->span_weight);
	buf_reset(&names);
	return v;
}
