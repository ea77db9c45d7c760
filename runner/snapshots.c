// SPDX-License-Identifier: GPL-2.0-only
/* A scenario's captures; see snapshots.h. */
#include "runner/snapshots.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "freeze/watch.h"
#include "runner/heard.h"
#include "runner/inside.h"
#include "runner/scenario.h"
#include "runner/schedstats.h"
#include "runner/value.h"
#include "vmm/base/buf.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/diag.h"
#include "vmm/base/io.h"
#include "vmm/base/log.h"
#include "vmm/machine.h"

static const char *const kinds[] = {
	[FREEZE_GUEST] = "guest", [FREEZE_PERIODIC] = "periodic",
	[FREEZE_STOP] = "stop", [FREEZE_WATCH] = "watch", [FREEZE_FAILURE] = "failure",
};

/* ---- while the guest stands ---- */

static int op_park(void *arg, u64 timeout_ns, u64 *missing)
{
	struct snapshots *sn = arg;

	return machine_freeze(sn->m, timeout_ns, missing, &sn->busy);
}

static u64 op_resume(void *arg)
{
	struct snapshots *sn = arg;

	return machine_thaw(sn->m);
}

static void op_hold(void *arg, u32 vcpu)
{
	struct snapshots *sn = arg;

	machine_hold(sn->m, vcpu);
}

static void op_release(void *arg, u32 vcpu)
{
	struct snapshots *sn = arg;

	machine_release(sn->m, vcpu);
}

/* Symbols and types are found before the guest is stopped, where they can be. */
static void open_kernel(struct snapshots *sn)
{
	struct diag d = { 0 };
	int err;

	if (sn->open)
		return;
	err = inside_kread(sn->inside, INSIDE_TYPES, &sn->k, &d);
	if (err == -ENOENT) {
		diag_reset(&d);
		err = inside_kread(sn->inside, 0, &sn->k, &d);
	}
	sn->open = !err;
	sn->from.k = sn->open ? &sn->k : NULL;
	sn->from.why = sn->open ? "" : "the guest's kernel was not found in memory";
	if (err)
		log_debug("snapshots", "%s", diag_text(&d));
	diag_reset(&d);
	capture_prepare(&sn->from);
}

static void op_prepare(void *arg, const struct freeze_request *req)
{
	struct snapshots *sn = arg;

	if (req->kind == FREEZE_STOP)
		return;
	open_kernel(sn);
	value_free(sn->sched);
	sn->sched = sn->stats ? schedstats_last(sn->stats, &sn->sched_ns) : NULL;
}

/* A step's name as in workload.phases; without steps what the guest last said. */
static void note_phase(struct snapshots *sn)
{
	const struct scen_workload *w = &sn->s->workload;
	const struct value *said = sn->heard->stimulus;
	const char *label = "";
	u32 step;

	heard_lock(sn->heard);
	step = sn->heard->phase;
	if (said && said->list.len)
		label = value_as_str(value_get(said->list.items[said->list.len - 1],
					       "label"), "");
	if (!w->steps.n)
		snprintf(sn->phase, sizeof(sn->phase), "%s", label);
	else if (!sn->heard->has_phase || step >= w->steps.n)
		sn->phase[0] = '\0';
	else if (w->steps.items[step].name)
		snprintf(sn->phase, sizeof(sn->phase), "%s",
			 w->steps.items[step].name);
	else
		snprintf(sn->phase, sizeof(sn->phase), "step-%u", step);
	heard_unlock(sn->heard);
}

static int take(struct snapshots *sn)
{
	/* A kernel that drew its slide shows it only now. */
	open_kernel(sn);
	capture_reset(&sn->now);
	sn->guest_ns = machine_guest_ns(sn->m);
	note_phase(sn);
	return capture_take(&sn->from, &sn->now);
}

static int op_take(void *arg, const struct freeze_request *req,
		   struct freeze_outcome *out)
{
	struct snapshots *sn = arg;
	int err;

	(void)out;
	if (req->kind == FREEZE_STOP)
		return 0;
	err = take(sn);
	/* Somebody waits for it. */
	if (req->kind == FREEZE_FAILURE && req->cookie && sn->frozen)
		sn->frozen(sn->ctx);
	return err;
}

/* ---- when it runs again ---- */

static struct value *missing_list(u64 mask)
{
	struct value *list = value_list();

	for (; list && mask; mask &= mask - 1)
		value_append(list, value_int(__builtin_ctzll(mask)));
	return list;
}

static void placeholder(const struct snapshots *sn, struct value *v,
			const struct freeze_outcome *out)
{
	char why[160];

	value_set(v, "placeholder", value_bool(true));
	if (out->err == -ETIMEDOUT) {
		snprintf(why, sizeof(why), "%s did not stop within %llu ms",
			 sn->busy ? sn->busy : "the vCPUs",
			 (unsigned long long)(out->park_ns / NSEC_PER_MSEC));
		value_set(v, "missing", missing_list(out->missing));
	} else {
		snprintf(why, sizeof(why), "the capture failed: %s",
			 strerror(-out->err));
	}
	value_set(v, "reason", value_str(why));
}

static struct value *make_value(struct snapshots *sn,
				const struct freeze_request *req,
				const struct freeze_outcome *out)
{
	struct value *v = out->err ? value_map() : snapshot_value(&sn->now);

	if (!v)
		return NULL;
	value_set(v, "trigger", value_str(kinds[req->kind]));
	if (req->why[0])
		value_set(v, "why", value_str(req->why));
	value_set(v, "time_ms",
		  value_int((s64)((out->begin_ns - sn->heard->start_ns) /
				  NSEC_PER_MSEC)));
	if (!out->err && sn->guest_ns)
		value_set(v, "guest_ns", value_int((s64)sn->guest_ns));
	if (sn->phase[0] && !out->err)
		value_set(v, "phase", value_str(sn->phase));
	if (sn->sched && !out->err) {
		value_set(v, "stats", sn->sched);
		value_set(v, "stats_age_ms",
			  value_int((s64)((out->begin_ns - sn->sched_ns) /
					  NSEC_PER_MSEC)));
		sn->sched = NULL;
	}
	value_set(v, "park_us", value_int((s64)(out->park_ns / 1000)));
	if (out->frozen_ns)
		value_set(v, "frozen_us", value_int((s64)(out->frozen_ns / 1000)));
	if (out->err)
		placeholder(sn, v, out);
	if (req->kind == FREEZE_WATCH) {
		value_set(v, "vcpu", value_int(req->vcpu));
		value_set(v, "value", value_word(req->cookie, req->is_signed));
	}
	return v;
}

/* A guest's name is any bytes. */
static void file_name(const char *name, char *out, size_t size)
{
	size_t i;

	for (i = 0; name[i] && i + 1 < size && i < 64; i++)
		out[i] = isalnum((u8)name[i]) || strchr("-_.", name[i]) ?
			 name[i] : '_';
	out[i] = '\0';
}

static int write_out(struct snapshots *sn, const char *name,
		     const struct value *v)
{
	char *dir __free(cleanup_free) = NULL, *path __free(cleanup_free) = NULL;
	struct buf json = { 0 };
	struct diag d = { 0 };
	char safe[72];
	int err = value_to_json(v, 2, &json);

	if (!err && sn->bytes + json.len > SNAPSHOTS_MAX_BYTES)
		err = -ENOSPC;
	file_name(name, safe, sizeof(safe));
	if (err || !sn->dir)
		goto out;
	if (asprintf(&dir, "%s/captures", sn->dir) < 0 ||
	    asprintf(&path, "%s/%04u-%s.json", dir, ++sn->written, safe) < 0) {
		err = -ENOMEM;
		goto out;
	}
	if (io_mkdirs(dir, &d) || io_write_file(path, json.data, json.len, &d))
		log_warn("snapshots", "%s", diag_text(&d));
	diag_reset(&d);
out:
	if (!err)
		sn->bytes += json.len;
	buf_reset(&json);
	return err;
}

static int keep_named(struct snapshots *sn, const char *name, char *given,
		      size_t size, struct value *v)
{
	u32 i = (u32)value_as_int(value_get(sn->suffixes, name), 2);

	if (sn->nr_named >= SNAPSHOTS_MAX) {
		value_free(v);
		return -ENOSPC;
	}
	/* Another one may be called so, too: hit-2. */
	snprintf(given, size, "%s", name);
	for (; value_has(sn->named, given); i++)
		snprintf(given, size, "%s-%u", name, i);
	value_set(sn->suffixes, name, value_int(i));
	sn->nr_named++;
	return value_push(sn->named, given, v);
}

static int keep(struct snapshots *sn, const struct freeze_request *req,
		const struct freeze_outcome *out, char *given, size_t size)
{
	struct value *v = make_value(sn, req, out);
	int err = v ? write_out(sn, req->name, v) : -ENOMEM;

	capture_reset(&sn->now);
	if (err) {
		value_free(v);
		return err;
	}
	snprintf(given, size, "%s", req->name);
	if (req->kind != FREEZE_PERIODIC)
		return keep_named(sn, req->name, given, size, v);
	value_set(v, "name", value_str(req->name));
	return value_append(sn->periodic, v);
}

static void answer(struct snapshots *sn, const struct freeze_request *req,
		   int err, const char *given)
{
	char text[256];

	if (req->kind != FREEZE_GUEST || !sn->reply)
		return;
	if (!err)
		snprintf(text, sizeof(text), "%s", given);
	else if (err == -ETIMEDOUT)
		snprintf(text, sizeof(text),
			 "%s: %s did not stop in time", req->name,
			 sn->busy ? sn->busy : "the vCPUs");
	else if (err == -ENOSPC)
		snprintf(text, sizeof(text), "%s: too many captures", req->name);
	else
		snprintf(text, sizeof(text), "%s: %s", req->name, strerror(-err));
	sn->reply(sn->ctx, (u32)req->cookie, err, text);
}

static void op_store(void *arg, const struct freeze_request *req,
		     const struct freeze_outcome *out)
{
	struct snapshots *sn = arg;
	char given[COORDINATOR_NAME_MAX + 16] = "";
	int err = out->err;

	/* The machine ended first: there is nobody to tell. */
	if (err == -ESHUTDOWN)
		return;
	if (req->kind == FREEZE_STOP) {
		stops_add(&sn->stops, out);
		return;
	}
	err = keep(sn, req, out, given, sizeof(given));
	if (err)
		log_debug("snapshots", "%s: %s", req->name, strerror(-err));
	if (req->kind == FREEZE_FAILURE && !out->err && !err)
		sn->failure_kept = true;
	answer(sn, req, out->err ? out->err : err, given);
}

static const struct coordinator_ops ops = {
	.prepare = op_prepare, .park = op_park, .resume = op_resume,
	.hold = op_hold, .release = op_release, .take = op_take,
	.store = op_store,
};

/* ---- the owner's side ---- */

int snapshots_start(struct snapshots *sn, struct diag *d)
{
	struct coordinator_cfg cfg = {
		.ops = &ops, .arg = sn,
		.deadline_ns = (u64)((double)sn->s->snapshots.deadline_ns *
				     sn->time_factor),
	};
	int err;

	sn->named = value_map();
	sn->periodic = value_list();
	sn->suffixes = value_map();
	if (!sn->named || !sn->periodic || !sn->suffixes ||
	    stops_init(&sn->stops, sn->s->snapshots.stops))
		return diag_fail(d, -ENOMEM, NULL, "no memory");
	sn->from = (struct capture_from){
		.m = sn->m, .image = sn->image,
		.paths = (const char *const *)sn->s->snapshots.read.items,
		.nr_paths = sn->s->snapshots.read.n,
	};
	err = coordinator_create(&sn->c, &cfg, d);
	return err ? err : coordinator_start(sn->c, d);
}

static u64 window_ns(const struct snapshots *sn)
{
	const struct scenario *s = sn->s;

	if (s->snapshots.window_ns)
		return s->snapshots.window_ns;
	if (s->workload.present && s->workload.duration_ns)
		return s->workload.duration_ns;
	return (u64)((double)s->vm.timeout_ns * sn->time_factor);
}

static void start_clocks(struct snapshots *sn)
{
	const struct scen_snapshots *s = &sn->s->snapshots;

	if (s->periodic)
		coordinator_clock(sn->c, CLOCK_CAPTURES, s->periodic,
				  window_ns(sn));
	if (s->stops)
		coordinator_clock(sn->c, CLOCK_STOPS, s->stops, window_ns(sn));
}

void snapshots_stage(struct snapshots *sn, enum stage stage)
{
	if (!sn->c)
		return;
	if (stage == STAGE_PAYLOAD && !sn->s->workload.present)
		start_clocks(sn);
	else if (stage == STAGE_VERDICT)
		coordinator_clocks_end(sn->c, "the payload ended before the window did");
}

void snapshots_workload(struct snapshots *sn)
{
	if (sn->c && sn->s->workload.present)
		start_clocks(sn);
}

void snapshots_ask(struct snapshots *sn, u32 id, const char *name)
{
	int err = sn->c ? coordinator_request(sn->c, FREEZE_GUEST, name, NULL,
					      id) : -ESHUTDOWN;

	if (err && sn->reply)
		sn->reply(sn->ctx, id, err, err == -ENOSPC ?
			  "too many requests wait" : "the machine ends");
}

void snapshots_hit(struct snapshots *sn, const char *tag, const char *why,
		   const struct watch_hit *hit)
{
	int err = coordinator_hit(sn->c, hit->vcpu, tag, why, hit->value,
				  hit->is_signed);

	if (err)
		log_debug("snapshots", "%s is not captured: %s", tag,
			  strerror(-err));
}

void snapshots_fail(struct snapshots *sn, const char *why, bool wait)
{
	if (!sn->c || !sn->s->snapshots.on_failure ||
	    __atomic_exchange_n(&sn->failure_asked, true, __ATOMIC_SEQ_CST))
		return;
	if (wait)
		coordinator_capture(sn->c, FREEZE_FAILURE, SNAPSHOTS_FAILURE,
				    why, 1);
	else
		coordinator_request(sn->c, FREEZE_FAILURE, SNAPSHOTS_FAILURE,
				    why, 0);
}

void snapshots_kill(struct snapshots *sn)
{
	if (sn->c)
		coordinator_kill(sn->c);
}

void snapshots_finish(struct snapshots *sn, const char *why)
{
	struct freeze_request req = { .kind = FREEZE_FAILURE, .vcpu = -1 };
	struct freeze_outcome out = { .begin_ns = now_ns() };

	if (!sn->c)
		return;
	coordinator_join(sn->c);
	if (!why || sn->failure_kept || !sn->s->snapshots.on_failure)
		return;
	snprintf(req.name, sizeof(req.name), "%s", SNAPSHOTS_FAILURE);
	snprintf(req.why, sizeof(req.why), "%s", why);
	op_prepare(sn, &req);
	out.err = take(sn);
	op_store(sn, &req, &out);
}

void snapshots_deinit(struct snapshots *sn)
{
	coordinator_destroy(sn->c);
	capture_reset(&sn->now);
	capture_from_deinit(&sn->from);
	stops_deinit(&sn->stops);
	value_free(sn->named);
	value_free(sn->periodic);
	value_free(sn->suffixes);
	value_free(sn->sched);
	sn->c = NULL;
	sn->named = sn->periodic = sn->suffixes = sn->sched = NULL;
}

struct value *snapshots_named(const struct snapshots *sn)
{
	return sn->named ? value_copy(sn->named) : value_map();
}

static struct coordinator_clock_stats clock_stats(const struct snapshots *sn,
						  enum freeze_clock clock)
{
	struct coordinator_stats s = { 0 };

	if (sn->c)
		coordinator_stats(sn->c, &s);
	return s.clocks[clock];
}

static const char *unstarted(const struct snapshots *sn)
{
	return sn->s && sn->s->workload.present ?
	       "the workload's first step never began" :
	       "the payload was never started";
}

struct value *snapshots_periodic(const struct snapshots *sn)
{
	struct coordinator_clock_stats s = clock_stats(sn, CLOCK_CAPTURES);
	struct value *v = value_map();

	value_set(v, "target", value_int(sn->s ? sn->s->snapshots.periodic : 0));
	value_set(v, "fired", value_int(s.fired));
	value_set(v, "placeholders", value_int(s.placeholders));
	if (s.reason[0])
		value_set(v, "reason", value_str(s.reason));
	else if (sn->s && s.fired < sn->s->snapshots.periodic)
		value_set(v, "reason", value_str(unstarted(sn)));
	value_set(v, "captures", sn->periodic ? value_copy(sn->periodic) :
						value_list());
	return v;
}

struct value *snapshots_stops(struct snapshots *sn)
{
	struct coordinator_clock_stats s = clock_stats(sn, CLOCK_STOPS);

	if (!sn->s || !sn->s->snapshots.stops)
		return NULL;
	return stops_value(&sn->stops, &s, unstarted(sn));
}
