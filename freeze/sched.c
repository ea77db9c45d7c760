// SPDX-License-Identifier: GPL-2.0-only
/* Runqueues, offsets resolved once; see sched.h. */
#include "freeze/sched.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/buf.h"
#include "vmm/base/diag.h"

#define EVENT_NAME_SIZE 48

/* A field that the kernel may not have. */
struct opt {
	struct kfield f;
	bool have;
};

struct sched_off {
	gva_t runqueues;	/* runtime address of the per-CPU symbol */
	struct opt nr_running, clock, nr_switches, curr, idle, sd;
	struct opt pid, comm;
	struct opt scx_nr, scx_depth, scx_flags, scx_immed;
	struct opt run_delay, pcount, yld, sched_count, goidle, ttwu, ttwu_local;
	struct opt sd_parent, sd_level, sd_flags, sd_weight, sd_name;
	int sd_enum;		/* of their flags; 0: not looked for, < 0: none */
	/*
	 * sched_ext's event counters: either in a per-CPU variable, or behind
	 * the root scheduler's per-CPU pointer, @pcpu_off into that.
	 */
	gva_t events_var;
	gva_t scx_root;
	struct opt pcpu;
	u64 pcpu_off;
	unsigned int nr_events;
	struct {
		char name[EVENT_NAME_SIZE];
		struct kfield f;
	} events[SCHED_MAX_EVENTS];
};

static struct opt lookup(const struct ktype *kt, const char *path)
{
	struct opt o = { 0 };

	o.have = !ktype_field(kt, path, &o.f, NULL);
	return o;
}

static int add_event(const char *name, const struct kfield *f, void *arg)
{
	struct sched_off *off = arg;

	if (off->nr_events == SCHED_MAX_EVENTS)
		return 1;
	if (f->size != 8)
		return 0;
	snprintf(off->events[off->nr_events].name, EVENT_NAME_SIZE, "%s", name);
	off->events[off->nr_events++].f = *f;
	return 0;
}

static void find_events(struct sched_off *off, const struct kread *k)
{
	const struct ktype *kt = k->types;
	int id = ktype_find(kt, "struct scx_event_stats");
	struct kfield stats;

	if (id < 0)
		return;
	if (!kread_symbol(k, "event_stats_cpu", &off->events_var, NULL)) {
		/* 6.15: one counter set per CPU */
	} else if (!kread_symbol(k, "scx_root", &off->scx_root, NULL)) {
		off->pcpu = lookup(kt, "scx_sched.event_stats_cpu");
		if (!off->pcpu.have) {
			off->pcpu = lookup(kt, "scx_sched.pcpu");
			if (ktype_field(kt, "scx_sched_pcpu.event_stats",
					&stats, NULL))
				return;
			off->pcpu_off = stats.offset;
		}
		if (!off->pcpu.have)
			return;
	} else {
		return;
	}
	ktype_each_member(kt, (u32)id, add_event, off);
}

static void find_fields(struct sched_off *off, const struct ktype *kt)
{
	off->nr_running = lookup(kt, "rq.nr_running");
	off->clock = lookup(kt, "rq.clock");
	off->nr_switches = lookup(kt, "rq.nr_switches");
	off->curr = lookup(kt, "rq.curr");
	off->idle = lookup(kt, "rq.idle");
	off->sd = lookup(kt, "rq.sd");
	off->pid = lookup(kt, "task_struct.pid");
	off->comm = lookup(kt, "task_struct.comm");
	off->scx_nr = lookup(kt, "rq.scx.nr_running");
	off->scx_depth = lookup(kt, "rq.scx.local_dsq.nr");
	off->scx_flags = lookup(kt, "rq.scx.flags");
	off->scx_immed = lookup(kt, "rq.scx.nr_immed");
	off->run_delay = lookup(kt, "rq.rq_sched_info.run_delay");
	off->pcount = lookup(kt, "rq.rq_sched_info.pcount");
	off->yld = lookup(kt, "rq.yld_count");
	off->sched_count = lookup(kt, "rq.sched_count");
	off->goidle = lookup(kt, "rq.sched_goidle");
	off->ttwu = lookup(kt, "rq.ttwu_count");
	off->ttwu_local = lookup(kt, "rq.ttwu_local");
	off->sd_parent = lookup(kt, "sched_domain.parent");
	off->sd_level = lookup(kt, "sched_domain.level");
	off->sd_flags = lookup(kt, "sched_domain.flags");
	off->sd_weight = lookup(kt, "sched_domain.span_weight");
	off->sd_name = lookup(kt, "sched_domain.name");
}

int sched_init(struct sched *s, const struct kread *k, struct diag *d)
{
	struct sched_off *off;
	gva_t runqueues;
	int err;

	if (!k->types)
		return diag_fail(d, -ENOENT, NULL, "no BTF: no runqueues");
	err = kread_symbol(k, "runqueues", &runqueues, d);
	if (err)
		return err;
	off = calloc(1, sizeof(*off));
	if (!off)
		return diag_fail(d, -ENOMEM, NULL, "no memory");
	off->runqueues = runqueues;
	find_fields(off, k->types);
	find_events(off, k);
	if (!off->nr_running.have || !off->clock.have || !off->curr.have) {
		free(off);
		return diag_fail(d, -ENOENT, NULL,
				 "BTF has no rq.nr_running, rq.clock or rq.curr");
	}
	*s = (struct sched){ .k = *k, .off = off };
	return 0;
}

void sched_deinit(struct sched *s)
{
	free(s->off);
	s->off = NULL;
}

/* 0 where the kernel has no such field; an unreadable one ends the sample. */
static int get(const struct sched *s, gva_t obj, const struct opt *o, u64 *out)
{
	*out = 0;
	return o->have ? kread_field(&s->k, obj, &o->f, out) : 0;
}

static int read_curr(const struct sched *s, struct sched_cpu *c)
{
	const struct sched_off *off = s->off;
	u64 pid;
	int err;

	err = get(s, c->curr, &off->pid, &pid);
	if (!err && off->comm.have)
		err = vas_read(&s->k.vas, c->curr + off->comm.f.offset,
			       c->curr_comm,
			       min(off->comm.f.size,
				   (u64)sizeof(c->curr_comm) - 1));
	c->curr_pid = (s32)pid;
	return err;
}

static int read_scx(const struct sched *s, gva_t rq, struct sched_cpu *c)
{
	const struct sched_off *off = s->off;
	int err;

	c->has_scx = off->scx_nr.have && off->scx_depth.have;
	if (!c->has_scx)
		return 0;
	c->scx.has_nr_immed = off->scx_immed.have;
	err = get(s, rq, &off->scx_nr, &c->scx.nr_running);
	if (!err)
		err = get(s, rq, &off->scx_depth, &c->scx.local_dsq_depth);
	if (!err)
		err = get(s, rq, &off->scx_flags, &c->scx.flags);
	if (!err)
		err = get(s, rq, &off->scx_immed, &c->scx.nr_immed);
	return err;
}

static int read_schedstat(const struct sched *s, gva_t rq, struct sched_cpu *c)
{
	const struct sched_off *off = s->off;
	struct sched_schedstat *st = &c->schedstat;
	const struct {
		const struct opt *o;
		u64 *to;
	} all[] = {
		{ &off->run_delay, &st->run_delay_ns },
		{ &off->pcount, &st->pcount },
		{ &off->yld, &st->yld_count },
		{ &off->sched_count, &st->sched_count },
		{ &off->goidle, &st->sched_goidle },
		{ &off->ttwu, &st->ttwu_count },
		{ &off->ttwu_local, &st->ttwu_local },
	};
	size_t i;
	int err;

	c->has_schedstat = off->run_delay.have && off->ttwu.have;
	for (i = 0; c->has_schedstat && i < ARRAY_SIZE(all); i++) {
		err = get(s, rq, all[i].o, all[i].to);
		if (err)
			return err;
	}
	return 0;
}

static int read_events(const struct sched *s, u64 delta,
		       struct sched_cpu *c)
{
	const struct sched_off *off = s->off;
	u64 root, ptr;
	gva_t at;
	unsigned int i;
	int err;

	if (!off->nr_events)
		return 0;
	if (off->events_var) {
		at = off->events_var + delta;
	} else {
		err = vas_read_u64(&s->k.vas, off->scx_root, &root);
		if (err || !root)	/* no scheduler is loaded */
			return err;
		err = kread_field(&s->k, root, &off->pcpu.f, &ptr);
		if (err || !ptr)
			return err;
		at = ptr + delta + off->pcpu_off;
	}
	for (i = 0; i < off->nr_events; i++) {
		err = kread_field(&s->k, at, &off->events[i].f, &c->events[i]);
		if (err)
			return err == -EFAULT && off->scx_root ? 0 : err;
	}
	c->has_events = true;
	return 0;
}

static int read_rq(const struct sched *s, gva_t rq, struct sched_cpu *c)
{
	const struct sched_off *off = s->off;
	u64 idle;
	int err;

	err = get(s, rq, &off->nr_running, &c->nr_running);
	if (!err)
		err = get(s, rq, &off->clock, &c->clock_ns);
	if (!err)
		err = get(s, rq, &off->nr_switches, &c->nr_switches);
	if (!err)
		err = get(s, rq, &off->curr, &c->curr);
	if (!err)
		err = get(s, rq, &off->idle, &idle);
	if (err)
		return err;
	c->ready = c->curr && c->clock_ns;
	c->idle = c->curr && c->curr == idle;
	return c->curr ? read_curr(s, c) : 0;
}

int sched_cpu_read(struct sched *s, unsigned int cpu, struct sched_cpu *out)
{
	struct sched_cpu c = { 0 };
	u64 delta;
	gva_t rq;
	int nr, err;

	if (!s->nr_cpus) {
		nr = kread_nr_cpus(&s->k);
		if (nr < 0)
			return nr;
		s->nr_cpus = (unsigned int)nr;
	}
	if (cpu >= s->nr_cpus)
		return -ERANGE;
	err = kread_percpu_base(&s->k, cpu, &delta);
	if (err)
		return err;
	/*
	 * Until setup_per_cpu_areas() every entry holds the address of the
	 * init section, or 0: neither is a CPU's own area.
	 */
	if (!delta)
		return -EAGAIN;
	rq = s->off->runqueues + delta;
	err = read_rq(s, rq, &c);
	if (!err)
		err = read_scx(s, rq, &c);
	if (!err)
		err = read_schedstat(s, rq, &c);
	if (!err)
		err = read_events(s, delta, &c);
	if (err)
		return err;
	if (!c.ready)
		return -EAGAIN;
	*out = c;
	return 0;
}

unsigned int sched_nr_events(const struct sched *s)
{
	return s->off->nr_events;
}

const char *sched_event_name(const struct sched *s, unsigned int i)
{
	return i < s->off->nr_events ? s->off->events[i].name : NULL;
}

int sched_domains(struct sched *s, unsigned int cpu,
		  struct sched_domain_info *out, unsigned int max)
{
	const struct sched_off *off = s->off;
	unsigned int n = 0;
	u64 delta, sd, v;
	int err;

	if (!off->sd.have || !off->sd_parent.have)
		return -ENOENT;
	err = kread_percpu_base(&s->k, cpu, &delta);
	if (!err)
		err = get(s, off->runqueues + delta, &off->sd, &sd);
	for (; !err && sd && n < min(max, (unsigned int)SCHED_MAX_DOMAINS); n++) {
		struct sched_domain_info *i = &out[n];

		*i = (struct sched_domain_info){ 0 };
		err = get(s, sd, &off->sd_level, &v);
		i->level = (s32)v;
		if (!err)
			err = get(s, sd, &off->sd_flags, &v);
		i->flags = (u32)v;
		if (!err)
			err = get(s, sd, &off->sd_weight, &v);
		i->span_weight = (u32)v;
		/* The name exists under CONFIG_SCHED_DEBUG only. */
		if (!err && !get(s, sd, &off->sd_name, &v) && v)
			vas_read_string(&s->k.vas, v, i->name, sizeof(i->name));
		if (!err)
			err = get(s, sd, &off->sd_parent, &sd);
	}
	return err ? err : (int)n;
}

int sched_domain_flags(const struct sched *s, u32 flags, struct buf *out)
{
	const struct ktype *kt = s->k.types;
	struct sched_off *off = s->off;
	const char *blank = "";
	int bit, err = 0;

	if (!off->sd_enum)
		off->sd_enum = ktype_enum_with(kt, "SD_BALANCE_NEWIDLE");
	if (off->sd_enum < 0)
		return -ENOENT;
	for (bit = 0; bit < 32 && !err; bit++) {
		const char *name;

		if (!(flags & 1U << bit))
			continue;
		name = ktype_enum_name(kt, (u32)off->sd_enum, (s64)1 << bit);
		err = name ? buf_printf(out, "%s%s", blank, name) :
			     buf_printf(out, "%s0x%x", blank, 1U << bit);
		blank = " ";
	}
	return err;
}

int sched_schedstats_enabled(const struct sched *s)
{
	gva_t key;
	u64 v;
	int err = kread_symbol(&s->k, "sched_schedstats", &key, NULL);

	if (!err)
		err = kread_member(&s->k, key, "static_key.enabled.counter", &v);
	return err ? err : !!v;
}
