// SPDX-License-Identifier: GPL-2.0-only
/* Workers' reports as numbers; see wl_figures.h. */
#include "runner/wl_figures.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "runner/value.h"
#include "runner/wl_stats.h"

double wl_off_cpu_pct(const struct wl_figures *f)
{
	double share = wl_ratio((double)f->cpu_ns, (double)f->wall_ns);

	/* The clocks are not read in the same instant. */
	return f->wall_ns ? 100 * (1 - min(share, 1.0)) : 0;
}

double wl_work_rate(const struct wl_figures *f)
{
	return wl_ratio((double)f->iterations, (double)f->cpu_ns / 1e9);
}

double wl_iteration_rate(const struct wl_figures *f)
{
	return wl_ratio((double)f->iterations, (double)f->wall_ns / 1e9);
}

static u64 number(const struct value *map, const char *key)
{
	s64 v = value_as_int(value_get(map, key), 0);

	return v > 0 ? (u64)v : 0;
}

static void read_counts(struct wl_figures *f, const struct value *v)
{
	f->counts = value_has(v, "iterations");
	f->iterations = number(v, "iterations");
	f->migrations = number(v, "migrations");
	f->max_gap_ns = number(v, "max_gap_ns");
	f->cpu_ns = number(v, "cpu_ns");
	f->wall_ns = number(v, "wall_ns");
	f->outside = value_as_str(value_get(v, "outside"), "");
	f->has_wake = value_has(v, "wake_p99_ns");
	f->wake_p99_ns = number(v, "wake_p99_ns");
	f->has_pages = value_has(v, "pages");
	f->pages = number(v, "pages");
	f->pages_near = number(v, "pages_near");
	f->pages_slow = number(v, "pages_slow");
}

static const struct value *find_phase(const struct value *worker, int phase)
{
	const struct value *list = value_get(worker, "phases");
	size_t i;

	for (i = 0; list && list->type == VALUE_LIST && i < list->list.len; i++)
		if (value_as_int(value_get(list->list.items[i], "index"), -1) ==
		    phase)
			return list->list.items[i];
	return NULL;
}

static const struct value *workers_of(const struct value *result)
{
	const struct value *list = value_get(value_get(result, "workload"),
					     "workers");

	return list && list->type == VALUE_LIST ? list : NULL;
}

int wl_scope_read(struct wl_scope *s, const struct value *result,
		  const char *cgroup, int phase, const char *phase_name)
{
	const struct value *list = workers_of(result);
	size_t i, nr = list ? list->list.len : 0;

	*s = (struct wl_scope){ .cgroup = cgroup, .phase = phase_name };
	s->w = calloc(nr + 1, sizeof(*s->w));
	if (!s->w)
		return -ENOMEM;
	for (i = 0; i < nr; i++) {
		const struct value *v = list->list.items[i], *from = v;
		const char *of = value_as_str(value_get(v, "cgroup"), NULL);
		struct wl_figures *f = &s->w[s->n];

		if (!cgroup != !of || (cgroup && strcmp(cgroup, of)))
			continue;
		if (phase >= 0)
			from = find_phase(v, phase);
		if (!from)
			continue;	/* it did not live in this phase */
		*f = (struct wl_figures){
			.name = value_as_str(value_get(v, "name"), "?"),
			.index = number(v, "index"), .cgroup = of,
			.allowed = value_as_str(value_get(v, "allowed"), ""),
		};
		read_counts(f, from);
		s->n++;
	}
	return 0;
}

void wl_scope_deinit(struct wl_scope *s)
{
	free(s->w);
	s->w = NULL;
	s->n = 0;
}

static int fill_group(struct value *group, const struct wl_scope *s)
{
	double *off = calloc(s->n + 1, sizeof(*off));
	double *rate = calloc(s->n + 1, sizeof(*rate));
	u64 iterations = 0, migrations = 0, gap = 0, wake = 0, pages = 0, near = 0;
	size_t i, lo, hi, counting = 0;
	bool has_wake = false;

	for (i = 0; off && rate && i < s->n; i++) {
		const struct wl_figures *f = &s->w[i];

		off[i] = wl_off_cpu_pct(f);
		if (f->counts)
			rate[counting++] = wl_work_rate(f);
		iterations += f->iterations;
		migrations += f->migrations;
		gap = max(gap, f->max_gap_ns);
		has_wake |= f->has_wake;
		wake = max(wake, f->wake_p99_ns);
		pages += f->pages;
		near += f->pages_near;
	}
	if (off && rate) {
		value_set(group, "workers", value_int((s64)s->n));
		value_set(group, "iterations", value_int((s64)iterations));
		value_set(group, "spread_pct",
			  value_float(wl_spread(off, s->n, &lo, &hi)));
		value_set(group, "throughput_cv", value_float(wl_cv(rate, counting)));
		value_set(group, "migration_ratio",
			  value_float(wl_ratio((double)migrations, (double)iterations)));
		value_set(group, "max_gap_ns", value_int((s64)gap));
		if (has_wake)
			value_set(group, "wake_p99_ns", value_int((s64)wake));
		if (pages)
			value_set(group, "page_locality",
				  value_float(wl_ratio((double)near, (double)pages)));
	}
	free(off);
	free(rate);
	return off && rate ? 0 : -ENOMEM;
}

int wl_groups_fill(struct value *result)
{
	struct value *groups = value_get(value_get(result, "workload"), "cgroups");
	size_t i;
	int err = 0;

	for (i = 0; groups && groups->type == VALUE_MAP && i < groups->map.len; i++) {
		struct wl_scope s;

		err = wl_scope_read(&s, result, groups->map.keys[i], -1, NULL) ?: err;
		if (groups->map.items[i]->type == VALUE_MAP)
			err = fill_group(groups->map.items[i], &s) ?: err;
		wl_scope_deinit(&s);
	}
	return err;
}
