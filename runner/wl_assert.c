// SPDX-License-Identifier: GPL-2.0-only
/* Thresholds over the workers' reports; see wl_assert.h. */
#include "runner/wl_assert.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "runner/value.h"
#include "runner/wl_figures.h"
#include "runner/wl_stats.h"

/* One threshold, judged over one scope. */
struct judge {
	const struct wl_assert *a;
	const struct wl_scope *s;
	struct value *out;
	int failed;
};

static double ms(u64 ns)
{
	return (double)ns / 1e6;
}

/* Tell what was judged; @worker NULL: it is the group's. */
static void __printf(5, 6) tell(struct judge *j, const char *what, bool ok,
				const struct wl_figures *worker,
				const char *fmt, ...)
{
	const char *phase = j->s->phase, *cgroup = j->s->cgroup;
	struct value *v = value_map();
	char text[300], who[160] = "", message[700];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (worker)
		snprintf(who, sizeof(who), "worker %s[%llu]: ", worker->name,
			 (unsigned long long)worker->index);
	snprintf(message, sizeof(message), "%s: %s%s%s%s%s%s%s", what,
		 cgroup ? "cgroup " : "", cgroup ? cgroup : "",
		 cgroup ? ": " : "", phase ? "phase " : "", phase ? phase : "",
		 phase ? ": " : "", who);
	strncat(message, text, sizeof(message) - strlen(message) - 1);
	value_set(v, "name", value_str(what));
	value_set(v, "ok", value_bool(ok));
	if (cgroup)
		value_set(v, "cgroup", value_str(cgroup));
	if (phase)
		value_set(v, "phase", value_str(phase));
	value_set(v, "message", value_str(message));
	value_append(j->out, v);
	j->failed += !ok;
}

static void judge_starved(struct judge *j)
{
	size_t i, starved = 0;

	for (i = 0; i < j->s->n; i++) {
		const struct wl_figures *f = &j->s->w[i];

		/* A command has no iterations: that it ran must do. */
		if (f->counts ? f->iterations : f->cpu_ns)
			continue;
		starved++;
		tell(j, "not_starved", false, f,
		     "it did nothing in %.0f ms, %.0f ms of them on a CPU",
		     ms(f->wall_ns), ms(f->cpu_ns));
	}
	if (!starved)
		tell(j, "not_starved", true, NULL, "%zu workers did something",
		     j->s->n);
}

static void judge_isolation(struct judge *j)
{
	size_t i, out = 0;

	for (i = 0; i < j->s->n; i++) {
		const struct wl_figures *f = &j->s->w[i];

		if (!f->outside[0])
			continue;
		out++;
		tell(j, "isolation", false, f,
		     "it was seen on CPU %s, its cpuset is %s at last",
		     f->outside, f->allowed);
	}
	if (!out)
		tell(j, "isolation", true, NULL,
		     "%zu workers stayed in their cpusets", j->s->n);
}

static void judge_spread(struct judge *j)
{
	double *off = calloc(j->s->n + 1, sizeof(*off)), spread;
	const struct wl_figures *w = j->s->w;
	size_t i, lo = 0, hi = 0;

	if (!off)
		return;
	for (i = 0; i < j->s->n; i++)
		off[i] = wl_off_cpu_pct(&w[i]);
	spread = wl_spread(off, j->s->n, &lo, &hi);
	tell(j, "max_spread_pct", spread <= j->a->max_spread_pct, NULL,
	     "off-CPU shares differ by %.1f%% (%s[%llu] %.1f%%, %s[%llu] %.1f%%), at most %g%%",
	     spread, w[lo].name, (unsigned long long)w[lo].index, off[lo],
	     w[hi].name, (unsigned long long)w[hi].index, off[hi],
	     j->a->max_spread_pct);
	free(off);
}

static void judge_cv(struct judge *j)
{
	double *rate = calloc(j->s->n + 1, sizeof(*rate)), cv;
	size_t i, n = 0, lo = 0, hi = 0;

	if (!rate)
		return;
	for (i = 0; i < j->s->n; i++)
		if (j->s->w[i].counts)
			rate[n++] = wl_work_rate(&j->s->w[i]);
	cv = wl_cv(rate, n);
	wl_spread(rate, n, &lo, &hi);
	if (n)
		tell(j, "max_throughput_cv", cv <= j->a->max_throughput_cv, NULL,
		     "throughput varies by %.3f of its mean (%.1f to %.1f per CPU second), at most %g",
		     cv, rate[lo], rate[hi], j->a->max_throughput_cv);
	free(rate);
}

/* The worst worker by some figure; NULL: nobody has one. */
typedef double (*figure_fn)(const struct wl_figures *f, bool *has);

static const struct wl_figures *worst(const struct wl_scope *s, figure_fn figure,
				      bool most, double *value)
{
	const struct wl_figures *found = NULL;
	size_t i;

	for (i = 0; i < s->n; i++) {
		bool has = true;
		double v = figure(&s->w[i], &has);

		if (!has || (found && (most ? v <= *value : v >= *value)))
			continue;
		found = &s->w[i];
		*value = v;
	}
	return found;
}

static double gap_ms(const struct wl_figures *f, bool *has)
{
	*has = f->counts;
	return ms(f->max_gap_ns);
}

static double wake_ms(const struct wl_figures *f, bool *has)
{
	*has = f->has_wake;
	return ms(f->wake_p99_ns);
}

static double work_rate(const struct wl_figures *f, bool *has)
{
	*has = f->counts;
	return wl_work_rate(f);
}

static double iteration_rate(const struct wl_figures *f, bool *has)
{
	*has = f->counts;
	return wl_iteration_rate(f);
}

static double migration_ratio(const struct wl_figures *f, bool *has)
{
	*has = f->counts && f->iterations;
	return wl_ratio((double)f->migrations, (double)f->iterations);
}

static double locality(const struct wl_figures *f, bool *has)
{
	*has = f->has_pages && f->pages;
	return wl_ratio((double)f->pages_near, (double)f->pages);
}

static double slow_tier(const struct wl_figures *f, bool *has)
{
	*has = f->has_pages && f->pages;
	return wl_ratio((double)f->pages_slow, (double)f->pages);
}

static void judge_worst(struct judge *j)
{
	const struct wl_assert *a = j->a;
	const struct {
		const char *name;
		double limit;		/* 0: not given */
		bool most;		/* at most; else at least */
		figure_fn figure;
		const char *what, *unit;
	} rows[] = {
		{ "max_gap", ms(a->max_gap_ns), true, gap_ms,
		  "longest time without progress", " ms" },
		{ "max_p99_wake", ms(a->max_p99_wake_ns), true, wake_ms,
		  "99th percentile of wake-up latency", " ms" },
		{ "min_work_rate", a->min_work_rate, false, work_rate,
		  "iterations per CPU second", "" },
		{ "min_iteration_rate", a->min_iteration_rate, false,
		  iteration_rate, "iterations per second", "" },
		{ "max_migration_ratio", a->max_migration_ratio, true,
		  migration_ratio, "migrations per iteration", "" },
		{ "min_page_locality", a->min_page_locality, false, locality,
		  "share of pages on the expected nodes", "" },
		{ "max_slow_tier_ratio", a->max_slow_tier_ratio, true, slow_tier,
		  "share of pages on nodes without CPUs", "" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct wl_figures *f;
		double v = 0;

		if (rows[i].limit <= 0)
			continue;
		f = worst(j->s, rows[i].figure, rows[i].most, &v);
		if (!f)
			tell(j, rows[i].name, false, NULL,
			     "no worker has this figure: %s", rows[i].what);
		else
			tell(j, rows[i].name, rows[i].most ? v <= rows[i].limit :
			     v >= rows[i].limit, f, "%s %.3f%s, at %s %g%s",
			     rows[i].what, v, rows[i].unit,
			     rows[i].most ? "most" : "least", rows[i].limit,
			     rows[i].unit);
	}
}

int wl_assert_scope(const struct wl_assert *a, const struct wl_scope *s,
		    struct value *out)
{
	struct judge j = { .a = a, .s = s, .out = out };

	if (a->not_starved)
		judge_starved(&j);
	if (a->isolation)
		judge_isolation(&j);
	if (a->max_spread_pct > 0)
		judge_spread(&j);
	if (a->max_throughput_cv > 0)
		judge_cv(&j);
	judge_worst(&j);
	return j.failed;
}

/* --- the whole scenario ------------------------------------------------- */

struct all {
	const struct scen_workload *wl;
	struct value *result, *out;
	int failed;
};

static const struct wl_cgroup *cgroup_plan(const struct scen_workload *wl,
					   const char *name)
{
	size_t i, k;

	for (i = 0; i < wl->cgroups.n; i++)
		if (!strcmp(wl->cgroups.items[i].name, name))
			return &wl->cgroups.items[i];
	for (i = 0; i < wl->steps.n; i++)
		for (k = 0; k < wl->steps.items[i].ops.n; k++) {
			const struct wl_op *op = &wl->steps.items[i].ops.items[k];

			if (op->kind == OP_ADD_CGROUP &&
			    !strcmp(op->cgroup.name, name))
				return &op->cgroup;
		}
	return NULL;
}

/* @cgroup in @phase (-1: the whole run). */
static int assert_group(struct all *all, const struct wl_assert *a,
			const char *cgroup, int phase, const char *phase_name)
{
	struct wl_scope s;
	int rc = wl_scope_read(&s, all->result, cgroup, phase, phase_name);

	if (!rc && s.n)
		rc = wl_assert_scope(a, &s, all->out);
	wl_scope_deinit(&s);
	if (rc > 0)
		all->failed += rc;
	return rc < 0 ? rc : 0;
}

/* Each group that has workers, with its own thresholds where it has some. */
static int assert_groups(struct all *all, const struct wl_assert *a, int phase,
			 const char *phase_name)
{
	struct value *groups = value_path(all->result, "workload.cgroups");
	size_t i;
	int err = 0;

	if (a->present)
		err = assert_group(all, a, NULL, phase, phase_name);
	for (i = 0; groups && groups->type == VALUE_MAP && i < groups->map.len && !err;
	     i++) {
		const char *name = groups->map.keys[i];
		const struct wl_cgroup *g = cgroup_plan(all->wl, name);
		const struct wl_assert *own = g && g->asserts.present && phase < 0 ?
					      &g->asserts : a;

		if (own->present)
			err = assert_group(all, own, name, phase, phase_name);
	}
	return err;
}

static bool any(const struct scen_workload *wl)
{
	bool yes = wl->asserts.present;
	size_t i;

	for (i = 0; i < wl->cgroups.n; i++)
		yes |= wl->cgroups.items[i].asserts.present;
	for (i = 0; i < wl->steps.n; i++)
		yes |= wl->steps.items[i].asserts.present;
	return yes;
}

/* Of the machine as a whole: it is not known whose pages they were. */
static void assert_moved(struct all *all)
{
	const struct value *w = value_get(all->result, "workload");
	double moved = (double)value_as_int(value_get(w, "pages_migrated"), -1);
	double limit = all->wl->asserts.max_cross_node_ratio, pages = 0, ratio;
	const struct value *list = value_get(w, "workers");
	struct wl_scope none = { 0 };
	struct judge j = { .s = &none, .out = all->out };
	size_t i;

	if (limit <= 0)
		return;
	for (i = 0; list && list->type == VALUE_LIST && i < list->list.len; i++)
		pages += (double)value_as_int(value_get(list->list.items[i],
							"pages"), 0);
	ratio = wl_ratio(moved, pages);
	if (moved < 0 || pages <= 0)
		tell(&j, "max_cross_node_ratio", false, NULL,
		     "the guest told of no pages");
	else
		tell(&j, "max_cross_node_ratio", ratio <= limit, NULL,
		     "%.0f of %.0f pages moved between nodes, %.3f of them, at most %g",
		     moved, pages, ratio, limit);
	all->failed += j.failed;
}

int wl_assert_all(const struct scen_workload *wl, struct value *result)
{
	struct all all = { .wl = wl, .result = result };
	const struct value *workers = value_path(result, "workload.workers");
	struct value *w = value_get(result, "workload");
	size_t i;
	int err;

	if (!wl->present)
		return 0;
	err = wl_groups_fill(result);
	if (err || !any(wl))
		return err;
	all.out = value_list();
	if (!all.out)
		return -ENOMEM;
	if (!workers || workers->type != VALUE_LIST || !workers->list.len) {
		struct wl_scope none = { 0 };
		struct judge j = { .s = &none, .out = all.out };

		tell(&j, "assert", false, NULL, "no worker reported");
		all.failed = 1;
	} else {
		err = assert_groups(&all, &wl->asserts, -1, NULL);
		assert_moved(&all);
	}
	for (i = 0; i < wl->steps.n && !err; i++)
		if (wl->steps.items[i].asserts.present)
			err = assert_groups(&all, &wl->steps.items[i].asserts,
					    (int)i, wl->steps.items[i].name ?
					    wl->steps.items[i].name : "of no name");
	if (!w) {
		w = value_map();
		err = value_set(result, "workload", w) ?: err;
	}
	err = value_set(w, "assertions", all.out) ?: err;
	return err ? err : all.failed;
}

const char *wl_assert_first(const struct value *result)
{
	const struct value *list = value_path(result, "workload.assertions");
	size_t i;

	for (i = 0; list && list->type == VALUE_LIST && i < list->list.len; i++) {
		const struct value *v = list->list.items[i];

		if (!value_as_bool(value_get(v, "ok"), true))
			return value_as_str(value_get(v, "message"), NULL);
	}
	return NULL;
}
