// SPDX-License-Identifier: GPL-2.0-only
/* One case, from its description to its report; see exec.h. */
#include "runner/exec.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "runner/again.h"
#include "runner/check.h"
#include "runner/guestfs.h"
#include "runner/initramfs.h"
#include "runner/appraise.h"
#include "runner/autopsy.h"
#include "runner/kernel.h"
#include "runner/live.h"
#include "runner/plan.h"
#include "runner/preflight.h"
#include "runner/reads.h"
#include "runner/value.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/diag.h"
#include "vmm/base/io.h"
#include "vmm/base/log.h"
#include "vmm/kimage.h"
#include "vmm/machine.h"

struct exec {
	const struct exec_env *env;
	const struct test_case *c;
	const struct scenario *s;
	char *dir;			/* the case's folder; NULL: none */
	struct kernel *kernel;
	struct kimage *image;
	struct guestfs guest;
	struct check *checks;
	struct live live;
};

static void enter(struct exec *x, const char *phase)
{
	if (x->env->phase)
		x->env->phase(x->env->ctx, phase);
}

char *exec_case_dir(const char *run_dir, const char *name)
{
	char *path, *p;

	if (!run_dir || asprintf(&path, "%s/%s", run_dir, name) < 0)
		return NULL;
	for (p = path + strlen(run_dir) + 1; *p; p++)
		if (*p == '/')
			*p = '.';
	return path;
}

u64 exec_limit_ns(const struct test_case *c, double time_factor)
{
	const struct scen_scheduler *sch = &c->scenario->scheduler;
	double guest = (double)c->scenario->vm.timeout_ns * time_factor;
	u64 runs = sch->present && sch->repro != REPRO_NEVER ? 2 : 1;

	/* Building, the watchdog's own end and collecting come on top. */
	return runs * ((u64)guest + (u64)(120.0 * NSEC_PER_SEC * time_factor));
}

/* --- what the case needs ------------------------------------------------ */

static int find_kernel(const struct scenario *s, struct kernel **k,
		       struct diag *d)
{
	return kernel_find(s->kernel.image ? s->kernel.image :
			   s->kernel.release, k, d);
}

/* NULL, or why the kernel's configuration is not what @want says. */
static char *unmet_option(struct kernel *k, const char *want)
{
	struct preflight p = { .kernel = k };
	char reason[200], *why;
	int rc = preflight_config(&p, want, reason, sizeof(reason));

	if (rc == 1)
		return NULL;
	return asprintf(&why, "needs %s: %s", want, rc == -ENODATA ?
			"the kernel's config is unknown" : reason) < 0 ?
	       NULL : why;
}

static char *unmet_config(const struct scenario *s, struct kernel *k)
{
	char *why = NULL;
	size_t i;

	for (i = 0; i < s->requires.kernel_config.n && !why; i++)
		why = unmet_option(k, s->requires.kernel_config.items[i]);
	if (!why && s->scheduler.present)
		why = unmet_option(k, "CONFIG_SCHED_CLASS_EXT=y");
	return why;
}

/* The build leaves an empty file where it had no clang for a BPF object. */
static char *unbuilt_bpf(const struct scenario *s)
{
	char *why = NULL;
	struct stat st;
	size_t i;

	for (i = 0; i < s->guest.files.n && !why; i++) {
		const char *src = s->guest.files.items[i].src;
		size_t len = strlen(src);

		if (len < 6 || strcmp(src + len - 6, ".bpf.o") ||
		    stat(src, &st) || st.st_size)
			continue;
		if (asprintf(&why, "needs %s, which was built without a clang that knows BPF",
			     basename(src)) < 0)
			return NULL;
	}
	return why;
}

char *exec_unmet(const struct exec_env *env, const struct test_case *c)
{
	const struct scenario *s = c->scenario;
	struct kernel *k = NULL;
	struct diag d = { 0 };
	char *why = NULL;

	if (c->skip)
		return strdup(c->skip);
	if (s->requires.accel == ACCEL_WANT_KVM && strcmp(env->accel, "kvm"))
		return strdup("needs the kvm accelerator, this run uses a nested host");
	why = unbuilt_bpf(s);
	if (why || (!s->requires.kernel && !s->requires.kernel_config.n &&
		    !s->scheduler.present))
		return why;
	if (find_kernel(s, &k, &d)) {
		diag_reset(&d);		/* exec_case() tells it as an error */
		return NULL;
	}
	if (s->requires.kernel &&
	    kernel_version_meets(k->release, s->requires.kernel, NULL) != 1 &&
	    asprintf(&why, "needs kernel %s, this is %s", s->requires.kernel,
		     k->release) < 0)
		why = NULL;
	if (!why)
		why = unmet_config(s, k);
	kernel_put(k);
	return why;
}

static int compile_checks(struct exec *x, struct diag *d)
{
	size_t i;
	int err;

	x->checks = calloc(x->s->checks.n + 1, sizeof(*x->checks));
	if (!x->checks)
		return diag_fail(d, -ENOMEM, NULL, "no memory");
	for (i = 0; i < x->s->checks.n; i++) {
		const struct located_text *t = &x->s->checks.items[i];

		err = check_compile(t->text, &t->loc, &x->checks[i], d);
		if (err)
			return err;
	}
	return 0;
}

static int preflight(struct exec *x, struct diag *d)
{
	struct preflight p = {
		.kernel = x->kernel,
		.modules = x->guest.modules,
		.set = &x->guest.set,
		.needs = (x->s->disk.present ? PREFLIGHT_BLK : 0) |
			 (x->s->net.present ? PREFLIGHT_NET : 0),
		.cpus = topology_cpus(&x->s->vm.cpus),
		.memory = x->s->vm.memory,
		.initramfs_size = initramfs_size(x->guest.fs),
	};

	return preflight_check(&p, d);
}

static int check_paths(struct exec *x, struct diag *d)
{
	int err = reads_check(x->image, &x->s->read, "read", d);

	return err ? err : reads_check(x->image, &x->s->snapshots.read,
				       "snapshots.read", d);
}

/* What cannot be unpacked here can still unpack itself in the guest. */
static int open_image(struct exec *x, struct diag *d)
{
	int err = kimage_open(x->kernel->image, 0, &x->image, d);

	if (err == -EOPNOTSUPP && x->s->kernel.boot != BOOT_DIRECT) {
		log_debug("exec", "%s", diag_text(d));
		diag_reset(d);
		return 0;
	}
	return err;
}

static int prepare(struct exec *x, struct diag *d)
{
	int err;

	enter(x, "prepare");
	err = find_kernel(x->s, &x->kernel, d);
	if (!err)
		err = compile_checks(x, d);
	if (!err)
		err = guestfs_build(&x->guest, x->s, x->kernel, NULL,
				    x->env->time_factor, d);
	if (!err)
		err = preflight(x, d);
	if (!err)
		err = open_image(x, d);
	if (!err)
		err = check_paths(x, d);
	return err;
}

/* --- the report --------------------------------------------------------- */

/* What was to be kept is not: a good case is none then. */
static void not_kept(struct report *r, const char *why)
{
	value_set(r->block, "not_kept", value_str(why));
	if (!outcome_is_ok(r->outcome))
		return;
	report_set(r, OUTCOME_ERROR, why);
	value_set(r->block, "message", value_str(why));
	value_set(r->block, "severity", value_str("fail"));
}

static void weigh_logs(const struct exec *x, struct report *r)
{
	const struct heard *h = &x->live.heard;
	const struct { const char *name; int err; } logs[] = {
		{ "console.log", h->console.file_err },
		{ "stdout", h->output.file_err },
		{ "stderr", h->stderr_log.file_err },
	};
	char why[4300];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(logs); i++) {
		if (!logs[i].err)
			continue;
		snprintf(why, sizeof(why), "cannot write %s/%s: %s", x->dir,
			 logs[i].name, strerror(-logs[i].err));
		not_kept(r, why);
		return;
	}
}

static void save(struct exec *x, struct report *r)
{
	char *path __free(cleanup_free) = NULL;
	struct diag d = { 0 };

	if (!x->dir)
		return;
	value_set(r->block, "dir", value_str(x->dir));
	if (asprintf(&path, "%s/result.json", x->dir) < 0)
		path = NULL;
	if (!path || io_mkdirs(x->dir, &d) || report_save(r, path, &d)) {
		not_kept(r, diag_text(&d));
		diag_reset(&d);
	}
}

static void deinit(struct exec *x)
{
	size_t i;

	kimage_close(x->image);
	guestfs_deinit(&x->guest);
	for (i = 0; x->checks && i < x->s->checks.n; i++)
		check_deinit(&x->checks[i]);
	free(x->checks);
	kernel_put(x->kernel);
	free(x->dir);
}

/*
 * Is there anything to see in the memory of a guest that failed? Not where it
 * told its verdict and went down in order: the failure is then the payload's.
 */
static bool died(const struct live *live, const struct report *r)
{
	enum verdict_via via;

	heard_exit(&live->heard, &via);
	return via == VIA_NONE || live->timed_out ||
	       machine_stop(live->m).reason >= MACHINE_TRIPLE_FAULT ||
	       peek_failure(&live->peek) ||
	       value_get(r->result, "crash_message");
}

static void settle_core(struct exec *x, struct report *r)
{
	bool failed = !outcome_is_ok(r->outcome) && died(&x->live, r);
	bool keep = dump_wanted(&x->live.dump, failed);
	struct value *cpus = failed ?
			     autopsy(value_path(r->result, "snapshots.failure")) :
			     NULL;

	if (cpus)
		value_set(r->block, "cpus", cpus);
	if (keep)
		dump_take(&x->live.dump, x->live.m, &x->live.inside);
	dump_settle(&x->live.dump, keep, x->kernel, r->block);
}

static void run_and_appraise(struct exec *x, struct report *r)
{
	struct live_cfg cfg = {
		.scenario = x->s, .kernel = x->kernel, .image = x->image,
		.initramfs = x->guest.fs, .dir = x->dir,
		.time_factor = x->env->time_factor, .seed = x->c->seed,
		.phase = x->env->phase, .ctx = x->env->ctx,
		.dump = x->env->dump,
	};
	struct appraisal appraisal = {
		.live = &x->live, .s = x->s, .checks = x->checks,
		.accel = x->env->accel,
	};
	struct value *probes = NULL;
	struct diag d = { 0 };
	int err = live_create(&x->live, &cfg, &d);

	if (!err)
		err = live_run(&x->live, &d);
	if (err) {
		appraise_not_run(x->s, r, diag_text(&d));
	} else {
		live_stop(&x->live);
		if (again_wanted(&x->live)) {
			enter(x, "once more");
			appraisal.probes = probes = again_run(&x->live, &cfg);
		}
		enter(x, "collect");
		appraise_case(&appraisal, r);
		settle_core(x, r);
		weigh_logs(x, r);
	}
	live_destroy(&x->live);
	value_free(probes);
	diag_reset(&d);
}

struct report *exec_case(const struct exec_env *env, const struct test_case *c)
{
	struct report *r = report_create(c->name, c->index);
	struct diag d = { 0 };
	struct exec x = {
		.env = env, .c = c, .s = c->scenario,
		.dir = exec_case_dir(env->run_dir, c->name),
	};

	if (!r)
		goto out;
	if (prepare(&x, &d))
		appraise_not_run(x.s, r, diag_text(&d));
	else
		run_and_appraise(&x, r);
	save(&x, r);
out:
	diag_reset(&d);
	deinit(&x);
	return r;
}
