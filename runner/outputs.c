// SPDX-License-Identifier: GPL-2.0-only
/* All that a run tells; see outputs.h. */
#include "runner/outputs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runner/json.h"
#include "runner/junit.h"
#include "vmm/base/diag.h"
#include "vmm/base/log.h"

struct outputs {
	struct outputs_cfg cfg;
	struct tap *tap;
	struct junit *junit;
	struct json_report *json, *index;
	int err;	/* first of a file that was asked for */
};

int outputs_create(const struct outputs_cfg *cfg, struct outputs **out,
		   struct diag *d)
{
	struct outputs *o = calloc(1, sizeof(*o));
	int err = 0;

	if (!o)
		return diag_fail(d, -ENOMEM, NULL, "no memory");
	o->cfg = *cfg;
	if (cfg->json)
		err = json_create(cfg->json, cfg->what, true, &o->json, d);
	if (!err && cfg->index)
		err = json_create(cfg->index, cfg->what, false, &o->index, d);
	if (err)
		goto fail;
	if (cfg->junit)
		o->junit = junit_create("vmtap");
	o->tap = tap_create(STDOUT_FILENO, cfg->format, cfg->count,
			    cfg->why_none);
	if (!o->tap || (cfg->junit && !o->junit)) {
		err = diag_fail(d, -ENOMEM, NULL, "no memory");
		goto fail;
	}
	*out = o;
	return 0;
fail:
	outputs_destroy(o);
	return err;
}

struct tap *outputs_tap(struct outputs *o)
{
	return o->tap;
}

static void complain(struct outputs *o, int err, struct diag *d)
{
	if (err && d->msg)
		log_error("run", "%s", diag_text(d));
	if (err && !o->err)
		o->err = err;
	diag_reset(d);
}

void outputs_case(struct outputs *o, const struct report *r, const char *dir)
{
	struct diag d = { 0 };

	tap_point(o->tap, r);
	if (o->junit)
		complain(o, junit_case(o->junit, r), &d);
	if (o->json)
		complain(o, json_case(o->json, r, dir, &d), &d);
	if (o->index)
		complain(o, json_case(o->index, r, dir, &d), &d);
}

int outputs_finish(struct outputs *o, int exit_status, const char *bail,
		    int timeout_ms)
{
	const struct totals *t = tap_totals(o->tap);
	struct diag d = { 0 };
	int err;

	/* The files first: a reader of stdout may be stopped. */
	if (o->junit)
		complain(o, junit_save(o->junit, o->cfg.junit, &d), &d);
	if (o->json)
		complain(o, json_finish(o->json, t, exit_status, bail, &d), &d);
	if (o->index)
		complain(o, json_finish(o->index, t, exit_status, bail, &d), &d);
	err = tap_finish(o->tap, timeout_ms);
	if (err && err != -ETIMEDOUT)
		log_error("run", "stdout: %s", strerror(-err));
	return o->err ? o->err : err;
}

void outputs_destroy(struct outputs *o)
{
	if (!o)
		return;
	tap_destroy(o->tap);
	junit_destroy(o->junit);
	json_destroy(o->json);
	json_destroy(o->index);
	free(o);
}
