// SPDX-License-Identifier: GPL-2.0-only
/* Samples to summary; see monitor.h. */
#include "freeze/monitor.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

int monitor_init(struct monitor *m, const struct monitor_cfg *cfg,
		 unsigned int nr_cpus)
{
	*m = (struct monitor){ .cfg = *cfg, .nr_cpus = nr_cpus };
	m->cpus = calloc(nr_cpus ? nr_cpus : 1, sizeof(*m->cpus));
	return m->cpus ? 0 : -ENOMEM;
}

void monitor_deinit(struct monitor *m)
{
	free(m->cpus);
	free(m->phases);
	m->cpus = NULL;
	m->phases = NULL;
	m->nr_phases = 0;
}

static void __printf(2, 3) fail(struct monitor *m, const char *fmt, ...)
{
	va_list ap;

	if (m->failure[0])
		return;
	va_start(ap, fmt);
	vsnprintf(m->failure, sizeof(m->failure), fmt, ap);
	va_end(ap);
}

/* True once the limit is breached often enough in a row. */
static bool breach(struct monitor *m, enum monitor_limit limit, bool over)
{
	m->in_a_row[limit] = over ? m->in_a_row[limit] + 1 : 0;
	return m->in_a_row[limit] >= m->cfg.sustained;
}

static void judge_queues(struct monitor *m, struct monitor_sum *one,
			 const struct monitor_cpu *cpus)
{
	u64 longest = 0, shortest = ~0ULL, deepest = 0;
	unsigned int i;
	double ratio;

	for (i = 0; i < m->nr_cpus; i++) {
		if (!cpus[i].present)
			continue;
		longest = max(longest, cpus[i].c.nr_running);
		shortest = min(shortest, cpus[i].c.nr_running);
		one->has_scx |= cpus[i].c.has_scx;
		if (cpus[i].c.has_scx)
			deepest = max(deepest, cpus[i].c.scx.local_dsq_depth);
	}
	ratio = (double)longest / (double)max(shortest, (u64)1);
	one->max_imbalance_ratio = ratio;
	one->max_local_dsq_depth = deepest;
	if (breach(m, MONITOR_IMBALANCE, m->cfg.max_imbalance_ratio > 0 &&
		   ratio > m->cfg.max_imbalance_ratio))
		fail(m, "run queues of %llu and %llu tasks: imbalance %.1f over %u samples, the limit is %.1f",
		     (unsigned long long)longest, (unsigned long long)shortest,
		     ratio, m->cfg.sustained, m->cfg.max_imbalance_ratio);
	if (breach(m, MONITOR_DSQ_DEPTH, m->cfg.max_local_dsq_depth &&
		   deepest > m->cfg.max_local_dsq_depth))
		fail(m, "%llu tasks on a local dispatch queue over %u samples, the limit is %llu",
		     (unsigned long long)deepest, m->cfg.sustained,
		     (unsigned long long)m->cfg.max_local_dsq_depth);
}

/* A counter that went back was started anew, by another scheduler say. */
static u64 grown(u64 now, u64 before)
{
	return now >= before ? now - before : now;
}

static void count_events(const struct monitor *m, struct monitor_sum *one,
			 const struct monitor_cpu *cpus)
{
	unsigned int i, e;

	for (i = 0; i < m->nr_cpus; i++) {
		const struct monitor_cpu *last = &m->cpus[i].last;

		if (!cpus[i].present || !cpus[i].c.has_events)
			continue;
		one->has_events = true;
		/* Of a CPU that was never seen its past is not known. */
		for (e = 0; last->present && e < m->cfg.nr_events; e++)
			one->events[e] += grown(cpus[i].c.events[e],
						last->c.has_events ?
						last->c.events[e] : 0);
	}
}

static void judge_rate(struct monitor *m, enum monitor_limit limit, int event,
		       double most, double seconds, const u64 *delta,
		       const char *what)
{
	double rate;

	if (event < 0 || most <= 0 || seconds <= 0)
		return;
	rate = (double)delta[event] / seconds;
	if (breach(m, limit, rate > most))
		fail(m, "%.0f %s per second over %u samples, the limit is %.0f",
		     rate, what, m->cfg.sustained, most);
}

static void judge_events(struct monitor *m, u64 now_ns, const u64 *delta)
{
	double seconds = (double)(now_ns - m->last_ns) / NSEC_PER_SEC;

	if (!m->sum.samples)
		return;
	judge_rate(m, MONITOR_FALLBACK, m->cfg.fallback_event,
		   m->cfg.max_fallback_rate, seconds, delta,
		   "select_cpu fallbacks");
	judge_rate(m, MONITOR_KEEP_LAST, m->cfg.keep_last_event,
		   m->cfg.max_keep_last_rate, seconds, delta,
		   "dispatches that kept the last task");
}

static void add_schedstat(struct sched_schedstat *sum,
			  const struct sched_schedstat *now,
			  const struct sched_schedstat *old)
{
	sum->run_delay_ns += grown(now->run_delay_ns, old->run_delay_ns);
	sum->pcount += grown(now->pcount, old->pcount);
	sum->yld_count += grown(now->yld_count, old->yld_count);
	sum->sched_count += grown(now->sched_count, old->sched_count);
	sum->sched_goidle += grown(now->sched_goidle, old->sched_goidle);
	sum->ttwu_count += grown(now->ttwu_count, old->ttwu_count);
	sum->ttwu_local += grown(now->ttwu_local, old->ttwu_local);
}

static void count_schedstat(const struct monitor *m, struct monitor_sum *one,
			    const struct monitor_cpu *cpus)
{
	unsigned int i;

	for (i = 0; i < m->nr_cpus; i++) {
		const struct monitor_cpu *last = &m->cpus[i].last;

		if (!cpus[i].present || !cpus[i].c.has_schedstat)
			continue;
		one->has_schedstat = true;
		if (last->present && last->c.has_schedstat)
			add_schedstat(&one->schedstat, &cpus[i].c.schedstat,
				      &last->c.schedstat);
	}
}

static void add_sum(struct monitor_sum *to, const struct monitor_sum *one)
{
	static const struct sched_schedstat none;
	unsigned int e;

	to->samples += one->samples;
	to->max_imbalance_ratio = max(to->max_imbalance_ratio,
				      one->max_imbalance_ratio);
	to->max_local_dsq_depth = max(to->max_local_dsq_depth,
				      one->max_local_dsq_depth);
	to->has_scx |= one->has_scx;
	to->stuck |= one->stuck;
	to->has_events |= one->has_events;
	for (e = 0; e < SCHED_MAX_EVENTS; e++)
		to->events[e] += one->events[e];
	to->has_schedstat |= one->has_schedstat;
	add_schedstat(&to->schedstat, &one->schedstat, &none);
}

/* Did the clock stand still since the last sample without an excuse? */
static bool stands_still(const struct monitor *m, u64 now_ns,
			 const struct monitor_cpu *last,
			 const struct monitor_cpu *now)
{
	if (!m->sum.samples || !last->present || last->c.idle || now->c.idle)
		return false;
	return now->c.clock_ns == last->c.clock_ns &&
	       now->ran_ns - last->ran_ns >= (now_ns - m->last_ns) / 4;
}

static void judge_clock(struct monitor *m, struct monitor_sum *one, u64 now_ns,
			unsigned int cpu, const struct monitor_cpu *now)
{
	struct monitor_seen *seen = &m->cpus[cpu];

	if (!now->present) {
		seen->still = 0;
		return;
	}
	seen->still = stands_still(m, now_ns, &seen->last, now) ?
		      seen->still + 1 : 0;
	if (seen->still < m->cfg.sustained)
		return;
	one->stuck = true;
	if (m->cfg.fail_on_stall)
		fail(m, "stall: the run queue's clock of CPU %u stood still over %u samples while %s (pid %d) ran",
		     cpu, seen->still, now->c.curr_comm, now->c.curr_pid);
}

void monitor_add(struct monitor *m, u64 now_ns, const struct monitor_cpu *cpus)
{
	struct monitor_sum one = { .samples = 1 };
	unsigned int i;
	bool any = false;

	for (i = 0; i < m->nr_cpus; i++)
		any |= cpus[i].present;
	if (!any)
		return;
	judge_queues(m, &one, cpus);
	count_events(m, &one, cpus);
	judge_events(m, now_ns, one.events);
	count_schedstat(m, &one, cpus);
	for (i = 0; i < m->nr_cpus; i++) {
		judge_clock(m, &one, now_ns, i, &cpus[i]);
		m->cpus[i].last = cpus[i];
	}
	m->last_ns = now_ns;
	add_sum(&m->sum, &one);
	if (m->nr_phases)
		add_sum(&m->phases[m->nr_phases - 1].sum, &one);
}

void monitor_begin(struct monitor *m, const char *label, s64 step)
{
	struct monitor_phase *grown = NULL, *p;

	if (m->nr_phases < MONITOR_MAX_PHASES)
		grown = realloc(m->phases, (m->nr_phases + 1) * sizeof(*grown));
	if (!grown)
		return;
	m->phases = grown;
	p = &grown[m->nr_phases++];
	*p = (struct monitor_phase){ .step = step };
	snprintf(p->label, sizeof(p->label), "%s", label);
}
