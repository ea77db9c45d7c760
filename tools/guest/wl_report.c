// SPDX-License-Identifier: GPL-2.0-only
/*
 * wl_report: what the host hears, through the agent's socket. METRICS carry
 * lines "path=number" and "path=\"text\""; a frame per worker, group, phase.
 */
#include "tools/guest/wl_run.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/guest/agent.h"

#define MSG_MAX (12 * 1024)
#define LABEL_MAX 200

struct msg {
	uint16_t type;
	char text[MSG_MAX];
	size_t len;
	unsigned int worker;	/* number of its report */
};

/* The agent's answer: 0 or -errno; @text gets its words. */
static int send_msg(struct msg *m, char *text, size_t size)
{
	int err = tell_agent(m->type, 0, m->text, m->len, text, size);

	m->len = 0;
	return err;
}

static void put32(struct msg *m, uint32_t v)
{
	wire_put32(m->text + m->len, v);
	m->len += 4;
}

static void put64(struct msg *m, uint64_t v)
{
	put32(m, (uint32_t)v);
	put32(m, (uint32_t)(v >> 32));
}

void wl_report_phase(unsigned int phase)
{
	static struct msg m;

	m.type = WIRE_PHASE;
	m.len = 0;
	put32(&m, phase);
	send_msg(&m, NULL, 0);
}

void wl_report_stimulus(struct wl_run *run, const char *label)
{
	static struct msg m;

	m.type = WIRE_STIMULUS;
	m.len = 0;
	put64(&m, wl_now() - run->start_ns);
	put32(&m, run->step);
	put32(&m, run->step_ops);
	put32(&m, wl_cgroups_standing(run));
	put32(&m, wl_teams_running(run));
	put64(&m, wl_teams_iterations(run));
	m.len += (size_t)snprintf(m.text + m.len, LABEL_MAX, "%.*s",
				  LABEL_MAX - 1, label);
	send_msg(&m, NULL, 0);
}

int wl_report_snapshot(struct wl_run *run, const char *name)
{
	static struct msg m;
	char why[200] = "";
	int err;

	m.type = WIRE_SNAPSHOT_REQUEST;
	m.len = 0;
	put32(&m, 0);
	put32(&m, WIRE_SNAPSHOT_CAPTURE);
	m.len += (size_t)snprintf(m.text + m.len, LABEL_MAX, "%.*s",
				  LABEL_MAX - 1, name);
	err = send_msg(&m, why, sizeof(why));
	if (err)
		return wl_complain(run, "snapshot %s: %s", name,
				   why[0] ? why : strerror(-err));
	return 0;
}

/* --- figures ------------------------------------------------------------ */

static void flush(struct msg *m)
{
	if (m->len)
		send_msg(m, NULL, 0);
}

/* Into the next message where this one is full; none holds more than MSG_MAX. */
static void __attribute__((format(printf, 2, 3))) line(struct msg *m,
						       const char *fmt, ...)
{
	va_list ap;

	for (int tries = 0; tries < 2; tries++) {
		size_t room = sizeof(m->text) - m->len;
		int n;

		va_start(ap, fmt);
		n = vsnprintf(m->text + m->len, room, fmt, ap);
		va_end(ap);
		if (n >= 0 && (size_t)n < room) {
			m->len += (size_t)n;
			return;
		}
		flush(m);
	}
}

static void num(struct msg *m, const char *key, uint64_t v)
{
	line(m, "workers[%u].%s=%llu\n", m->worker, key, (unsigned long long)v);
}

static void text(struct msg *m, const char *key, const char *v)
{
	line(m, "workers[%u].%s=\"%s\"\n", m->worker, key, v);
}

static void tell_phase(struct msg *m, unsigned int nr, const char *name,
		       unsigned int phase, const struct wl_phase_told *told,
		       struct wl_phase_slot *slot, bool counts)
{
	char key[64], list[200];
	uint64_t p99;

	snprintf(key, sizeof(key), "workers[%u].phases[%u]", m->worker, nr);
	line(m, "%s.name=\"%s\"\n%s.index=%u\n", key, name, key, phase);
	line(m, "%s.wall_ns=%llu\n%s.cpu_ns=%llu\n", key,
	     (unsigned long long)told->wall_ns, key,
	     (unsigned long long)told->cpu_ns);
	if (!counts)
		return;
	line(m, "%s.iterations=%llu\n%s.migrations=%llu\n%s.max_gap_ns=%llu\n", key,
	     (unsigned long long)told->iterations, key,
	     (unsigned long long)told->migrations, key,
	     (unsigned long long)told->max_gap_ns);
	line(m, "%s.outside=\"%s\"\n", key,
	     wl_list_print(slot->outside, list, sizeof(list)));
	if (wl_reservoir_rank(&slot->wakes.r, 99, &p99))
		line(m, "%s.wake_p99_ns=%llu\n", key, (unsigned long long)p99);
}

static const char *phase_name(const struct wl_run *run, unsigned int phase)
{
	return run->plan.nr_steps ? run->plan.steps[phase].name : "run";
}

static void tell_counts(struct msg *m, struct wl_slot *s)
{
	char list[200];
	uint64_t v;

	num(m, "iterations", s->iterations);
	num(m, "migrations", s->migrations);
	num(m, "max_gap_ns", s->max_gap_ns);
	text(m, "cpus", wl_list_print(s->seen, list, sizeof(list)));
	text(m, "outside", wl_list_print(s->outside, list, sizeof(list)));
	num(m, "wakeups", s->wakes.r.seen);
	if (wl_reservoir_rank(&s->wakes.r, 50, &v))
		num(m, "wake_p50_ns", v);
	if (wl_reservoir_rank(&s->wakes.r, 99, &v))
		num(m, "wake_p99_ns", v);
	if (!s->told)
		return;
	num(m, "run_delay_ns", s->run_delay_ns);
	num(m, "pages", s->pages);
	num(m, "pages_near", s->pages_near);
	num(m, "pages_slow", s->pages_slow);
}

static void tell_worker(struct wl_run *run, const struct wl_team *team,
			unsigned int index, struct msg *m)
{
	const struct wl_member *mb = &team->members[index];
	bool counts = team->plan->type != WORK_CUSTOM;
	struct wl_slot *s = wl_slot_of(team, index);
	uint64_t gap = s->end_ns > s->last_ns ? s->end_ns - s->last_ns : 0;
	char list[200];
	unsigned int nr = 0;

	text(m, "name", team->plan->name);
	num(m, "index", index);
	text(m, "type", wl_type_word(team->plan->type));
	if (team->cgroup)
		text(m, "cgroup", team->cgroup->plan->name);
	text(m, "allowed", wl_list_print(s->allowed, list, sizeof(list)));
	num(m, "cpu_ns", mb->cpu_ns);
	num(m, "wall_ns", s->start_ns && s->end_ns > s->start_ns ?
	    s->end_ns - s->start_ns : 0);
	if (mb->killed)
		num(m, "killed_by", (uint64_t)(mb->status & 0x7f));
	if (gap > s->max_gap_ns)
		s->max_gap_ns = gap;
	if (counts)
		tell_counts(m, s);
	for (unsigned int p = 0; p < run->nr_phases; p++)
		if (mb->phases && mb->phases[p].was)
			tell_phase(m, nr++, phase_name(run, p), p, &mb->phases[p],
				   &s->phases[p], counts);
	m->worker++;
}

static void tell_cgroup(struct msg *m, const struct wl_cgroup_run *g)
{
	const struct { const char *key; uint64_t v; } figures[] = {
		{ "cpu_ns", g->usage_ns }, { "throttled_count", g->throttled },
		{ "throttled_ns", g->throttled_ns },
		{ "memory_peak_bytes", g->memory_peak },
		{ "oom_kills", g->oom_kills },
	};

	for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++)
		line(m, "cgroups[\"%s\"].%s=%llu\n", g->plan->name, figures[i].key,
		     (unsigned long long)figures[i].v);
}

int64_t wl_pages_moved(void)
{
	FILE *f = fopen("/proc/vmstat", "re");
	long long v, found = -1;
	char text_line[128];

	while (f && fgets(text_line, sizeof(text_line), f))
		if (sscanf(text_line, "numa_pages_migrated %lld", &v) == 1)
			found = v;
	if (f)
		fclose(f);
	return found;
}

void wl_report_all(struct wl_run *run)
{
	static struct msg m;

	m.type = WIRE_METRICS;
	if (run->moved >= 0)
		line(&m, "pages_migrated=%lld\n",
		     (long long)(wl_pages_moved() - run->moved));
	line(&m, "duration_ms=%llu\n",
	     (unsigned long long)((wl_now() - run->start_ns) / 1000000));
	for (unsigned int p = 0; p < run->nr_phases; p++) {
		if (!run->phase_to[p])
			break;
		line(&m, "phases[%u].name=\"%s\"\n", p, phase_name(run, p));
		line(&m, "phases[%u].start_ms=%llu\nphases[%u].end_ms=%llu\n", p,
		     (unsigned long long)(run->phase_from[p] / 1000000), p,
		     (unsigned long long)(run->phase_to[p] / 1000000));
	}
	for (size_t i = 0; i < run->nr_cgroups; i++)
		if (run->cgroups[i].told)
			tell_cgroup(&m, &run->cgroups[i]);
	for (size_t t = 0; t < run->nr_teams; t++)
		for (unsigned int i = 0; i < run->teams[t]->nr; i++)
			tell_worker(run, run->teams[t], i, &m);
	flush(&m);
}
