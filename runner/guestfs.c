// SPDX-License-Identifier: GPL-2.0-only
/* The guest's root for one case; see guestfs.h. */
#include "runner/guestfs.h"

#include <errno.h>
#include <string.h>

#include "runner/embed.h"
#include "runner/initramfs.h"
#include "runner/job.h"
#include "runner/kernel.h"
#include "runner/kselftest.h"
#include "runner/scenario.h"
#include "runner/wire.h"
#include "runner/workload_plan.h"
#include "vmm/base/buf.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/diag.h"

#define NAMES_MAX 64
/* The host answers at once; this is for one that lost its voice. */
#define LOOK_MS 30000
#define HOLD_MS 30000
#define SCHED_DIR "/usr/local/bin"

/* Names of modules, borrowed, without those that the scenario withholds. */
struct names {
	const char *list[NAMES_MAX + 1];
	size_t n;
};

static bool withheld(const struct scenario *s, const char *name)
{
	size_t i;

	for (i = 0; i < s->kernel.withhold.n; i++)
		if (!strcmp(s->kernel.withhold.items[i], name))
			return true;
	return false;
}

static int names_add(struct names *n, const struct scenario *s,
		     const char *name, struct diag *d)
{
	if (withheld(s, name))
		return 0;
	if (n->n == NAMES_MAX)
		return diag_fail(d, -EINVAL, NULL,
				 "kernel.modules: more than %d modules",
				 NAMES_MAX);
	n->list[n->n++] = name;
	return 0;
}

static int names_add_all(struct names *n, const struct scenario *s,
			 const char *const *more, struct diag *d)
{
	int err = 0;

	for (; *more && !err; more++)
		err = names_add(n, s, *more, d);
	return err;
}

static int collect_modules(struct guestfs *g, const struct scenario *s,
			   const struct kernel *k, struct diag *d)
{
	struct names n = { 0 };
	size_t i;
	int err;

	err = modules_open(k->modules_dir, NULL, &g->modules, d);
	if (err)
		return err;
	err = names_add_all(&n, s, modules_for_console, d);
	if (!err && s->disk.present)
		err = names_add_all(&n, s, modules_for_blk, d);
	if (!err && s->net.present)
		err = names_add_all(&n, s, modules_for_net, d);
	for (i = 0; i < s->kernel.modules.n && !err; i++)
		err = names_add(&n, s, s->kernel.modules.items[i], d);
	if (err)
		return err;
	/* The console's are optional: the agent falls back to COM2. */
	return modules_close_over(g->modules, n.list, modules_for_console,
				  &g->set, d);
}

static int add_script(struct initramfs *fs, const char *dst, const char *text,
		      const char *origin, struct diag *d)
{
	return initramfs_add_data(fs, dst, 0755, text, strlen(text), origin, d);
}

static void quote_word(struct buf *out, const char *word)
{
	buf_puts(out, " '");
	for (; *word; word++) {
		if (*word == '\'')
			buf_puts(out, "'\\''");
		else
			buf_putc(out, *word);
	}
	buf_putc(out, '\'');
}

#define WORDS_MAX 6

/* The payload as words: what it runs by, then its own. */
struct words {
	const char *list[WORDS_MAX];
	size_t n;
};

static void words_add(struct words *w, const char *word)
{
	w->list[w->n++] = word;
}

/* The workload starts the payload, so that both begin at once. */
static int add_workload(struct initramfs *fs, const struct scenario *s,
			struct words *w, struct diag *d)
{
	struct buf plan = { 0 };
	int err;

	if (!s->workload.present)
		return 0;
	words_add(w, WL_APPLET);
	words_add(w, WL_PATH);
	err = workload_plan_encode(&s->workload, &plan, d);
	if (!err)
		err = initramfs_add_data(fs, WL_PATH, 0644, plan.data, plan.len,
					 "workload", d);
	buf_reset(&plan);
	return err;
}

static bool has_payload(const struct scen_guest *guest)
{
	return guest->run || guest->exec.n || guest->kselftest.present;
}

static void put_payload(struct buf *script, const struct words *w,
			const struct scen_guest *guest, const char *main_script)
{
	size_t i;

	for (i = 0; i < w->n; i++)
		quote_word(script, w->list[i]);
	if (w->n && has_payload(guest))
		buf_puts(script, " --");
	if (guest->kselftest.present)
		buf_puts(script, " " KSFT_APPLET);
	if (guest->run)
		buf_printf(script, " sh %s", main_script);
	for (i = 0; i < guest->exec.n; i++)
		quote_word(script, guest->exec.items[i]);
	buf_putc(script, '\n');
}

/*
 * With a set-up or a tear-down around it the payload becomes a part of a
 * small script; its own status is the one that counts.
 */
static int add_wrapped(struct initramfs *fs, const struct scen_guest *guest,
		       const struct words *w, struct diag *d)
{
	struct buf script = { 0 };
	int err = 0;

	if (guest->setup) {
		err = add_script(fs, "/vmtap/setup", guest->setup,
				 "guest.setup", d);
		buf_puts(&script, "sh /vmtap/setup || { rc=$?; "
			 "echo \"guest.setup ended with exit status $rc\" >&2; "
			 "exit $rc; }\n");
	}
	if (!err && guest->run)
		err = add_script(fs, "/vmtap/main", guest->run, "guest.run", d);
	put_payload(&script, w, guest, "/vmtap/main");
	buf_puts(&script, "rc=$?\n");
	if (!err && guest->teardown) {
		err = add_script(fs, "/vmtap/teardown", guest->teardown,
				 "guest.teardown", d);
		buf_puts(&script, "sh /vmtap/teardown\n");
	}
	buf_puts(&script, "exit $rc\n");
	if (!err && script.failed)
		err = diag_fail(d, -ENOMEM, NULL, "no memory");
	if (!err)
		err = add_script(fs, JOB_SCRIPT_PATH, buf_str(&script),
				 "guest.run", d);
	buf_reset(&script);
	return err;
}

/* The agent's argv: @w, then the payload's own words; freed with @g. */
static int set_argv(struct guestfs *g, const struct scen_guest *guest,
		    struct words *w, struct job *job, struct diag *d)
{
	size_t i;

	if (w->n && has_payload(guest))
		words_add(w, "--");
	if (guest->kselftest.present)
		words_add(w, KSFT_APPLET);
	if (w->n && guest->run) {
		words_add(w, "sh");
		words_add(w, JOB_SCRIPT_PATH);
	}
	g->argv = calloc(w->n + guest->exec.n + 1, sizeof(*g->argv));
	if (!g->argv)
		return diag_fail(d, -ENOMEM, NULL, "no memory");
	for (i = 0; i < w->n; i++)
		g->argv[job->argc++] = w->list[i];
	for (i = 0; i < guest->exec.n; i++)
		g->argv[job->argc++] = guest->exec.items[i];
	job->argv = g->argv;
	return 0;
}

static int add_payload(struct guestfs *g, const struct scenario *s,
		       struct job *job, double time_factor, struct diag *d)
{
	const struct scen_guest *guest = &s->guest;
	struct words w = { 0 };
	int err = add_workload(g->fs, s, &w, d);

	if (!err && guest->kselftest.present)
		err = kselftest_add(g->fs, &guest->kselftest, time_factor, d);
	if (err)
		return err;
	if (guest->setup || guest->teardown) {
		job->script = true;
		return add_wrapped(g->fs, guest, &w, d);
	}
	if (guest->run) {
		err = add_script(g->fs, JOB_SCRIPT_PATH, guest->run,
				 "guest.run", d);
		job->script = !w.n;
	}
	return err ?: set_argv(g, guest, &w, job, d);
}

/* The program keeps its name, by which people know it. */
static int add_scheduler(struct guestfs *g, const struct scenario *s,
			 struct diag *d)
{
	const struct scen_scheduler *sch = &s->scheduler;
	const char *slash;
	size_t i;

	if (!sch->present)
		return 0;
	slash = strrchr(sch->binary, '/');
	g->sched = calloc(sch->args.n + 2, sizeof(*g->sched));
	if (!g->sched || asprintf(&g->sched_path, SCHED_DIR "/%s",
				  slash ? slash + 1 : sch->binary) < 0)
		return diag_fail(d, -ENOMEM, NULL, "no memory");
	g->sched[g->nr_sched++] = g->sched_path;
	for (i = 0; i < sch->args.n; i++)
		g->sched[g->nr_sched++] = sch->args.items[i];
	return initramfs_add_program(g->fs, sch->binary, g->sched_path, 0755,
				     "scheduler.binary", d);
}

static int add_job(struct guestfs *g, const struct scenario *s, struct job *job,
		   const struct str_list *probes, struct diag *d)
{
	const char **modules = calloc(g->set.nr + 1, sizeof(*modules));
	char **env = calloc(s->guest.env.n + 1, sizeof(*env));
	struct buf file = { 0 };
	size_t i;
	int err = modules && env ? 0 : -ENOMEM;

	for (i = 0; i < g->set.nr && !err; i++)
		modules[i] = g->set.mods[i].guest;
	for (i = 0; i < s->guest.env.n && !err; i++)
		if (asprintf(&env[i], "%s=%s", s->guest.env.items[i].key,
			     s->guest.env.items[i].value) < 0)
			err = -ENOMEM;
	if (err) {
		diag_fail(d, err, NULL, "no memory for the agent's job");
		goto out;
	}
	job->modules = modules;
	job->nr_modules = g->set.nr;
	job->env = (const char *const *)env;
	job->nr_env = s->guest.env.n;
	job->no_bulk = !s->guest.bulk;
	/* What is watched is watched from the payload's first instruction on. */
	job->look_ms = s->watch.n ? LOOK_MS : 0;
	job->hold_ms = HOLD_MS;
	job->sched = g->sched;
	job->nr_sched = g->nr_sched;
	job->stats = s->scheduler.stats.present;
	job->probes = probes ? probes->items : NULL;
	job->nr_probes = probes ? probes->n : 0;
	err = job_encode(job, &file, d);
	if (!err)
		err = initramfs_add_data(g->fs, JOB_PATH, 0644, file.data,
					 file.len, "agent", d);
out:
	for (i = 0; env && i < s->guest.env.n; i++)
		free(env[i]);
	free(env);
	free(modules);
	buf_reset(&file);
	return err;
}

static int add_files(struct guestfs *g, const struct scenario *s,
		     struct diag *d)
{
	char origin[48];
	size_t i;
	int err;

	for (i = 0; i < s->guest.files.n; i++) {
		const struct guest_file *f = &s->guest.files.items[i];

		snprintf(origin, sizeof(origin), "guest.files[%zu]", i);
		err = initramfs_add_program(g->fs, f->src, f->dst,
					    f->mode < 0 ? 0 : (mode_t)f->mode,
					    origin, d);
		if (err)
			return err;
	}
	return 0;
}

int guestfs_build(struct guestfs *g, const struct scenario *s,
		  const struct kernel *k, const struct str_list *probes,
		  double time_factor, struct diag *d)
{
	struct job job = { 0 };
	int err;

	*g = (struct guestfs){ 0 };
	err = collect_modules(g, s, k, d);
	if (!err)
		err = initramfs_create(&g->fs, d);
	if (!err)
		err = initramfs_add_agent(g->fs, embed_guest_init,
					  (size_t)(embed_guest_init_end -
						   embed_guest_init), d);
	if (!err)
		err = initramfs_add_busybox(g->fs, NULL, d);
	if (!err)
		err = initramfs_add_modules(g->fs, &g->set, d);
	if (!err)
		err = add_files(g, s, d);
	if (!err)
		err = add_scheduler(g, s, d);
	if (!err)
		err = add_payload(g, s, &job, time_factor, d);
	if (!err)
		err = add_job(g, s, &job, probes, d);
	return err;
}

void guestfs_deinit(struct guestfs *g)
{
	module_set_free(&g->set);
	modules_close(g->modules);
	initramfs_destroy(g->fs);
	free(g->argv);
	free(g->sched);
	free(g->sched_path);
	*g = (struct guestfs){ 0 };
}
