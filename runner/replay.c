// SPDX-License-Identifier: GPL-2.0-only
/* The same run again; see replay.h. */
#include "runner/replay.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "runner/kept.h"
#include "runner/kernel.h"
#include "runner/plan.h"
#include "runner/report.h"
#include "runner/run_opts.h"
#include "runner/value.h"
#include "runner/version.h"
#include "vmm/base/buf.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/diag.h"
#include "vmm/base/io.h"
#include "vmm/base/log.h"
#include "vmm/kimage.h"

#define FILE_MAX_SIZE GiB(1)
#define NO_HASH "unreadable"

struct replay {
	struct kept kept;
	int argc;
	char **argv;		/* of the kept run; owned array of kept's strings */
	char *paths[3];		/* made absolute; owned */
	struct buf *names;	/* of the chosen cases, owned, nr of them */
	size_t nr;
};

/* --- what a run is made of ---------------------------------------------- */

static void add_file(struct value *files, const char *path)
{
	char *real __free(cleanup_free) = path && *path ? realpath(path, NULL) : NULL;
	struct buf data = { 0 };
	char hash[20] = NO_HASH;

	if (!path || !*path || value_get(files, real ? real : path))
		return;
	if (!io_read_file(path, FILE_MAX_SIZE, &data, NULL))
		snprintf(hash, sizeof(hash), "%016llx",
			 (unsigned long long)XXH3_64bits(data.data, data.len));
	buf_reset(&data);
	value_set(files, real ? real : path, value_str(hash));
}

static void add_kernel(struct value *kernels, const struct scen_kernel *k)
{
	const char *spec = k->image ? k->image : k->release;
	const char *name = spec ? spec : "default";
	struct kernel *kernel = NULL;
	struct kimage *image = NULL;
	const char *hash = NO_HASH;

	if (value_get(kernels, name))
		return;
	if (!kernel_find(spec, &kernel, NULL) &&
	    !kimage_open(kernel->image, 0, &image, NULL))
		hash = kimage_hash(image);
	value_set(kernels, name, value_str(hash));
	kimage_close(image);
	kernel_put(kernel);
}

static struct value *inputs_of(const struct plan *plan)
{
	struct value *v = value_map(), *files = value_map(),
		     *kernels = value_map();
	size_t i, j;

	for (i = 0; i < plan->n; i++) {
		const struct scenario *s = plan->cases[i].scenario;

		add_kernel(kernels, &s->kernel);
		add_file(files, s->file);
		for (j = 0; j < s->guest.files.n; j++)
			add_file(files, s->guest.files.items[j].src);
	}
	value_set(v, "kernels", kernels);
	value_set(v, "files", files);
	return v;
}

void replay_describe(struct value *run, const struct plan *plan)
{
	char *cwd __free(cleanup_free) = getcwd(NULL, 0);

	value_set(run, "cwd", value_str(cwd ? cwd : "/"));
	value_set(run, "inputs", inputs_of(plan));
}

/* --- from a kept run to options ----------------------------------------- */

/* Any choice besides would make it another run. */
static bool chooses(const struct plan_opts *o)
{
	return o->paths.n || o->kernels.n || o->filters.n || o->excludes.n ||
	       o->tags.n || o->sets.n || o->timeout || o->exec || o->repeat ||
	       o->shard || o->has_seed || o->shuffle;
}

static int take_args(struct replay *r, const struct value *run, struct diag *d)
{
	const struct value *args = value_get(run, "arguments");
	size_t i;

	if (!args || args->type != VALUE_LIST || !args->list.len ||
	    !value_get(run, "inputs") || !value_get(run, "seed"))
		return diag_fail(d, -EINVAL, NULL,
				 "the run does not tell what it was made of: it was kept by another vmtap, or did not finish");
	r->argv = calloc(args->list.len + 1, sizeof(*r->argv));
	if (!r->argv)
		return diag_fail(d, -ENOMEM, NULL, "no memory");
	for (i = 0; i < args->list.len; i++)
		r->argv[r->argc++] =
			(char *)value_as_str(args->list.items[i], "");
	return 0;
}

/* Less `,run=2]`: repeats are made after the choice. */
static void base_of_repeat(struct buf *out, const char *name)
{
	const char *run = strstr(name, "run="), *next;

	while (run && (next = strstr(run + 1, "run=")))
		run = next;
	if (!run || run == name || (run[-1] != ',' && run[-1] != '[')) {
		buf_puts(out, name);
		return;
	}
	buf_add(out, name, (size_t)(run - 1 - name));
	if (run[-1] == ',')
		buf_putc(out, ']');
}

static bool any_failed(const struct kept *k)
{
	size_t i;

	for (i = 0; i < k->n; i++)
		if (!outcome_is_ok(k->cases[i].report->outcome))
			return true;
	return false;
}

static int choose_cases(struct replay *r, struct plan_opts *p)
{
	const char **items;
	size_t i;

	if (!any_failed(&r->kept))
		return 0;
	items = calloc(r->kept.n + 1, sizeof(*items));
	r->names = calloc(r->kept.n + 1, sizeof(*r->names));
	free((void *)p->filters.items);
	p->filters = (struct str_list){ .items = items };
	if (!items || !r->names)
		return -ENOMEM;
	for (i = 0; i < r->kept.n; i++) {
		const struct report *c = r->kept.cases[i].report;
		struct buf *name = &r->names[r->nr];

		if (outcome_is_ok(c->outcome))
			continue;
		if (p->repeat)
			base_of_repeat(name, c->name);
		else
			buf_puts(name, c->name);
		items[p->filters.n++] = buf_str(name);
		r->nr++;
	}
	p->shard = p->shards = 0;
	return 0;
}

static int absolute(char **keep, const char **path)
{
	char *cwd __free(cleanup_free) = getcwd(NULL, 0);

	if (!*path || **path == '/')
		return 0;
	if (asprintf(keep, "%s/%s", cwd ? cwd : "", *path) < 0) {
		*keep = NULL;
		return -ENOMEM;
	}
	*path = *keep;
	return 0;
}

static int go_there(struct replay *r, struct run_opts *o,
		    const struct value *run, struct diag *d)
{
	const char *cwd = value_as_str(value_get(run, "cwd"), "/");

	if (absolute(&r->paths[0], &o->out) ||
	    absolute(&r->paths[1], &o->junit) ||
	    absolute(&r->paths[2], &o->json))
		return diag_fail(d, -ENOMEM, NULL, "no memory");
	if (chdir(cwd))
		return diag_fail(d, -errno, NULL,
				 "the kept run's working folder %s: %m", cwd);
	return 0;
}

static u64 recorded_seed(const struct value *run)
{
	const struct value *v = value_get(run, "seed");
	const char *text = value_as_str(v, NULL);

	return text ? strtoull(text, NULL, 0) : (u64)value_as_int(v, 0);
}

static int take_options(struct replay *r, struct run_opts *o,
			const struct value *run, struct diag *d)
{
	struct run_opts old;
	bool list = o->plan.list;

	optind = 0;		/* a second scan, by another argv */
	if (run_opts_parse(&old, r->argc, r->argv) >= 0) {
		run_opts_reset(&old);
		return diag_fail(d, -EINVAL, NULL,
				 "the kept run's arguments are not understood");
	}
	plan_opts_reset(&o->plan);
	o->plan = old.plan;
	o->plan.list = list;
	o->plan.has_seed = true;
	o->plan.seed = recorded_seed(run);
	if (o->accel == ACCEL_AUTO)
		o->accel = old.accel;
	if (choose_cases(r, &o->plan))
		return diag_fail(d, -ENOMEM, NULL, "no memory");
	return go_there(r, o, run, d);
}

int replay_open(struct run_opts *o, struct replay **out, struct diag *d)
{
	const struct value *run;
	struct replay *r;
	int err;

	*out = NULL;
	if (chooses(&o->plan))
		return diag_fail(d, -EINVAL, NULL,
				 "--replay takes cases and parameters from the kept run; drop the options and paths that choose others");
	r = calloc(1, sizeof(*r));
	if (!r)
		return diag_fail(d, -ENOMEM, NULL, "no memory");
	*out = r;
	err = kept_load(o->replay, &r->kept, d);
	if (err)
		return err;
	run = value_get(r->kept.doc, "run");
	err = take_args(r, run, d);
	return err ? err : take_options(r, o, run, d);
}

/* --- is it the same? ---------------------------------------------------- */

/* Each of @now has to be in @then with the same hash. */
static int same_hashes(const struct value *then, const struct value *now,
		       const char *what, struct diag *d)
{
	size_t i;

	for (i = 0; i < now->map.len; i++) {
		const char *key = now->map.keys[i];
		const char *new = value_as_str(now->map.items[i], "");
		const char *old = value_as_str(value_get(then, key), NULL);

		if (!old)
			return diag_fail(d, -ESTALE, NULL,
					 "cannot replay: %s %s was no part of the kept run",
					 what, key);
		if (strcmp(old, new))
			return diag_fail(d, -ESTALE, NULL,
					 "cannot replay: %s %s is not what it was in the kept run (content %s, then %s)",
					 what, key, new, old);
	}
	return 0;
}

static bool planned(const struct plan *plan, const char *name)
{
	size_t i;

	for (i = 0; i < plan->n; i++)
		if (!strcmp(plan->cases[i].name, name))
			return true;
	return false;
}

int replay_check(const struct replay *r, const struct plan *plan,
		 struct diag *d)
{
	const struct value *then = value_path(r->kept.doc, "run.inputs");
	const char *version = value_as_str(value_get(r->kept.doc, "vmtap"), "");
	struct value *now = inputs_of(plan);
	bool any = any_failed(&r->kept);
	size_t i;
	int err;

	err = same_hashes(value_get(then, "kernels"), value_get(now, "kernels"),
			  "kernel", d);
	if (!err)
		err = same_hashes(value_get(then, "files"),
				  value_get(now, "files"), "file", d);
	value_free(now);
	for (i = 0; i < r->kept.n && !err; i++) {
		const struct report *c = r->kept.cases[i].report;

		if ((!any || !outcome_is_ok(c->outcome)) &&
		    !planned(plan, c->name))
			err = diag_fail(d, -ESTALE, NULL,
					"cannot replay: the parameters differ, there is no case %s any more",
					c->name);
	}
	if (!err && strcmp(version, VMTAP_VERSION))
		log_warn("run", "the kept run is vmtap %s's, this is vmtap " VMTAP_VERSION,
			 version);
	return err;
}

void replay_args(const struct replay *r, int *argc, char ***argv)
{
	*argc = r->argc;
	*argv = r->argv;
}

void replay_close(struct replay *r)
{
	size_t i;

	if (!r)
		return;
	for (i = 0; i < r->nr; i++)
		buf_reset(&r->names[i]);
	for (i = 0; i < ARRAY_SIZE(r->paths); i++)
		free(r->paths[i]);
	free(r->names);
	free(r->argv);
	kept_reset(&r->kept);
	free(r);
}
