// SPDX-License-Identifier: GPL-2.0-only
/* A scenario's watchpoints; see watchpoints.h. */
#include "runner/watchpoints.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "freeze/kpath.h"
#include "runner/expr.h"
#include "runner/scenario.h"
#include "runner/value.h"
#include "vmm/base/buf.h"
#include "vmm/base/diag.h"
#include "vmm/base/log.h"
#include "vmm/machine.h"
#include "vmm/probe.h"

/* --- conditions --------------------------------------------------------- */

/*
 * The language of checks, of whose names only `value` and `old` mean something
 * here: they stand for those of the result's first watch.
 */
static int rename_names(const char *text, struct buf *out, char *why,
			size_t size)
{
	const char *p = text, *end;

	for (; *p; p = end) {
		size_t len = strspn(p, "abcdefghijklmnopqrstuvwxyz_"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ");

		end = p + (len ? len : 1);
		if (isdigit((unsigned char)*p))
			end = p + strspn(p, "0123456789abcdefABCDEFxKMGns");
		if (len && ((len == 5 && !strncmp(p, "value", len)) ||
			    (len == 3 && !strncmp(p, "old", len)))) {
			buf_puts(out, "watch[0].");
		} else if (len && *end != '(' &&
			   !(len == 4 && !strncmp(p, "true", len)) &&
			   !(len == 5 && !strncmp(p, "false", len))) {
			snprintf(why, size, "there is no name `%.*s`, only `value` and `old`",
				 (int)min(len, (size_t)60), p);
			return -EINVAL;
		}
		buf_add(out, p, (size_t)(end - p));
	}
	return out->failed ? -ENOMEM : 0;
}

int watch_condition_parse(const char *text, struct expr **out, char *why,
			  size_t size)
{
	struct expr_error e = { .msg = "" };
	struct buf renamed = { 0 };
	int err = rename_names(text, &renamed, why, size);

	if (!err) {
		err = expr_parse_check(buf_str(&renamed), out, &e);
		if (err)
			snprintf(why, size, "%s", e.msg);
	}
	buf_reset(&renamed);
	return err;
}

bool watch_condition_holds(const struct expr *when, const struct watch_hit *hit)
{
	struct value *root = value_map(), *list = value_list();
	struct value *item = value_map();
	struct expr_result r = { 0 };
	bool holds;

	value_set(item, "value", value_word(hit->value, hit->is_signed));
	value_set(item, "old", value_word(hit->old, hit->is_signed));
	value_append(list, item);
	value_set(root, "watch", list);
	holds = !expr_eval(when, root, &r) && r.status == EXPR_VALUE &&
		value_as_bool(r.value, false);
	expr_result_reset(&r);
	value_free(root);
	return holds;
}

/* --- hits, in vCPU threads ---------------------------------------------- */

static const char *tag_of(const struct scen_watch *s)
{
	return s->tag ? s->tag : s->symbol;
}

static bool on_hit(void *arg, const struct watch_hit *hit)
{
	const struct watchpoints_side *side = arg;
	struct watchpoints *w = side->w;
	unsigned int i = side->by_place[hit->index];
	struct watchpoint *p = &w->list[i];
	char why[200];

	if (p->when && !watch_condition_holds(p->when, hit))
		return false;
	pthread_mutex_lock(&w->lock);
	p->last = *hit;
	p->has_last = true;
	pthread_mutex_unlock(&w->lock);
	snprintf(why, sizeof(why), hit->is_signed ?
		 "%.80s became %lld, it was %lld" :
		 "%.80s became 0x%llx, it was 0x%llx",
		 w->s->watch.items[i].symbol, (unsigned long long)hit->value,
		 (unsigned long long)hit->old);
	log_debug("watch", "%s", why);
	if (w->hit)
		w->hit(w->ctx, tag_of(&w->s->watch.items[i]), why, hit);
	return true;
}

/* --- finding ------------------------------------------------------------ */

static void give_up(struct watchpoints *w, const char *why)
{
	size_t i;

	w->hopeless = true;
	for (i = 0; i < w->s->watch.n; i++)
		if (!w->list[i].found)
			snprintf(w->list[i].reason, sizeof(w->list[i].reason),
				 "%s", why);
}

/*
 * Types cost a while to read, so only a path asks for them. -EAGAIN: it cannot
 * be read yet; -ENOENT: never.
 */
static int kernel_of(struct watchpoints *w, unsigned int types, struct kread *k)
{
	struct diag d = { 0 };
	int err;

	if (w->hopeless)
		return -ENOENT;
	err = inside_kread(w->inside, INSIDE_PARK | types, k, &d);
	if (err && err != -EAGAIN && err != -ENXIO) {
		give_up(w, diag_text(&d));
		err = -ENOENT;
	}
	diag_reset(&d);
	return err == -ENXIO ? -EAGAIN : err;
}

static bool is_symbol(const char *text)
{
	return !text[strspn(text, "abcdefghijklmnopqrstuvwxyz_0123456789"
			    "ABCDEFGHIJKLMNOPQRSTUVWXYZ")];
}

static int find_path(const struct kread *k, const char *path,
		     struct watch_place *place, struct diag *d)
{
	struct kvalue v = { 0 };
	int err = kpath_read(k, path, &v, d);
	u64 now;

	if (!err) {
		place->gva = v.addr;
		place->size = (u32)v.field.size;
		kvalue_int(&v, &now, &place->is_signed);
	}
	kvalue_reset(&v);
	return err;
}

/*
 * A symbol that the image lacks never comes; what a path leads to may. -EAGAIN:
 * nothing can be found now.
 */
static int find(struct watchpoints *w, unsigned int i)
{
	const struct scen_watch *s = &w->s->watch.items[i];
	struct watchpoint *p = &w->list[i];
	struct watch_place place = {
		.size = s->size, .limit = s->limit,
		.change = s->trigger == WATCH_CHANGE,
	};
	bool plain = is_symbol(s->symbol);
	struct diag d = { 0 };
	struct kread k;
	int err;

	err = kernel_of(w, plain ? 0 : INSIDE_TYPES, &k);
	if (err)
		return err;
	err = plain ? kread_symbol(&k, s->symbol, &place.gva, &d) :
	      find_path(&k, s->symbol, &place, &d);
	if (!err)
		err = vas_translate(&k.vas, place.gva, &place.gpa, NULL);
	if (err) {
		snprintf(p->reason, sizeof(p->reason), "%s",
			 d.err ? diag_text(&d) : strerror(-err));
		p->lost = plain || err == -EINVAL;
	} else {
		p->place = place;
		p->found = true;
		p->reason[0] = '\0';
	}
	diag_reset(&d);
	return 0;
}

/* --- arming ------------------------------------------------------------- */

static void keep_counts(struct watchpoints *w)
{
	size_t i;

	for (i = 0; i < w->s->watch.n; i++) {
		struct watchpoint *p = &w->list[i];

		if (p->armed >= 0)
			p->hits = watch_hits(w->sides[p->by].watch,
					     (unsigned int)p->armed);
	}
}

static int arm_side(struct watchpoints *w, unsigned int by, struct diag *d)
{
	struct watchpoints_side *side = &w->sides[by];
	struct watch_place places[WATCH_MAX];
	unsigned int n = 0, i;

	for (i = 0; i < w->s->watch.n; i++) {
		struct watchpoint *p = &w->list[i];

		if (!p->found || p->by != by)
			continue;
		side->by_place[n] = i;
		p->armed = (int)n;
		places[n++] = p->place;
	}
	return n ? watch_arm(side->watch, places, n, d) : 0;
}

/* What is found is armed, or will be looked for again. */
static int arm(struct watchpoints *w)
{
	struct diag d = { 0 };
	unsigned int by;
	size_t i;
	int err = machine_park(w->m, INSIDE_PARK_NS, NULL);
	bool parked = !err;

	for (by = 0; !err && by < ARRAY_SIZE(w->sides); by++)
		err = arm_side(w, by, &d);
	for (i = 0; err && i < w->s->watch.n; i++) {
		if (!parked && w->list[i].armed >= 0)
			continue;
		w->list[i].armed = -1;
		w->list[i].found = false;
	}
	if (err && parked)
		give_up(w, diag_text(&d));
	if (parked)
		machine_resume(w->m);
	diag_reset(&d);
	return parked ? 0 : -EAGAIN;
}

static void disarm(struct watchpoints *w)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(w->sides); i++)
		if (w->sides[i].watch)
			watch_disarm(w->sides[i].watch);
}

/* All had their hits: what is left would only cost the guest its speed. */
static void rest(struct watchpoints *w)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(w->sides); i++)
		if (w->sides[i].watch && !watch_is_spent(w->sides[i].watch))
			return;
	if (machine_park(w->m, INSIDE_PARK_NS, NULL))
		return;
	keep_counts(w);
	disarm(w);
	machine_resume(w->m);
	w->spent = true;
}

int watchpoints_tick(struct watchpoints *w, enum stage stage)
{
	unsigned int i, missing = 0, news = 0;
	int err = 0;

	if (!w->list || w->spent || stage < STAGE_AGENT ||
	    machine_stop(w->m).reason != MACHINE_RUNNING)
		return 0;
	for (i = 0; i < w->s->watch.n; i++) {
		if (w->list[i].found || w->list[i].lost || w->hopeless)
			continue;
		if (find(w, i) == -EAGAIN)
			err = -EAGAIN;
		news += w->list[i].found;
		missing += !w->list[i].found && !w->list[i].lost;
	}
	if (news && arm(w))
		err = -EAGAIN;
	else if (!news && !missing)
		rest(w);
	return err;
}

/* --- life --------------------------------------------------------------- */

static int parse_conditions(struct watchpoints *w, struct diag *d)
{
	char why[200];
	size_t i;

	for (i = 0; i < w->s->watch.n; i++) {
		const struct scen_watch *s = &w->s->watch.items[i];

		w->list[i].armed = -1;
		if (s->when && watch_condition_parse(s->when, &w->list[i].when,
						     why, sizeof(why)))
			return diag_fail(d, -EINVAL, &s->loc, "when: %s", why);
	}
	return 0;
}

/* Which backend each is for, and both where both are asked for. */
static int choose_sides(struct watchpoints *w, struct diag *d)
{
	struct probe probe;
	bool fire = !probe_run(NULL, &probe, NULL) && probe.watchpoints_fire;
	size_t i;
	int err = 0;

	for (i = 0; !err && i < w->s->watch.n; i++) {
		enum watch_by by = w->s->watch.items[i].by;
		struct watchpoints_side *side;
		struct watch_cfg cfg = {
			.ops = &watch_machine_vm, .vm = w->m,
			.mem = machine_mem(w->m), .hit = on_hit,
			.hardware = by == WATCH_BY_HARDWARE ||
				    (by == WATCH_BY_AUTO && fire),
		};

		w->list[i].by = cfg.hardware;
		side = &w->sides[cfg.hardware];
		side->w = w;
		cfg.arg = side;
		if (!side->watch)
			err = watch_create(&cfg, &side->watch, d);
		if (cfg.hardware && !fire) {
			w->list[i].lost = true;
			snprintf(w->list[i].reason, sizeof(w->list[i].reason),
				 "the host's debug registers do not fire");
		}
	}
	return err;
}

int watchpoints_start(struct watchpoints *w, struct diag *d)
{
	int err;

	pthread_mutex_init(&w->lock, NULL);
	w->ready = true;
	if (!w->s->watch.n)
		return 0;
	w->list = calloc(w->s->watch.n, sizeof(*w->list));
	if (!w->list)
		return diag_fail(d, -ENOMEM, NULL, "no memory");
	err = parse_conditions(w, d);
	return err ? err : choose_sides(w, d);
}

void watchpoints_stop(struct watchpoints *w)
{
	size_t i;

	if (!w->list)
		return;
	if (!w->spent)
		keep_counts(w);
	w->spent = true;
	disarm(w);
	for (i = 0; i < w->s->watch.n; i++)
		if (!w->list[i].found && !w->list[i].reason[0])
			snprintf(w->list[i].reason, sizeof(w->list[i].reason),
				 "the guest did not get far enough");
}

void watchpoints_deinit(struct watchpoints *w)
{
	size_t i;

	if (!w->ready)
		return;
	for (i = 0; i < ARRAY_SIZE(w->sides); i++)
		watch_destroy(w->sides[i].watch);
	for (i = 0; w->list && i < w->s->watch.n; i++)
		expr_destroy(w->list[i].when);
	free(w->list);
	pthread_mutex_destroy(&w->lock);
}

static struct value *result_of(const struct watchpoints *w, size_t i)
{
	const struct watchpoint *p = &w->list[i];
	struct value *v = value_map();

	value_set(v, "symbol", value_str(w->s->watch.items[i].symbol));
	value_set(v, "tag", value_str(tag_of(&w->s->watch.items[i])));
	if (p->found) {
		value_set(v, "address", value_addr(p->place.gva));
		value_set(v, "backend", value_str(watch_backend_name(w->sides[p->by].watch)));
	}
	value_set(v, "hits", value_int((s64)p->hits));
	if (p->has_last) {
		value_set(v, "value", value_word(p->last.value,
						 p->last.is_signed));
		value_set(v, "old", value_word(p->last.old,
					       p->last.is_signed));
		value_set(v, "vcpu", value_int(p->last.vcpu));
	}
	if (p->reason[0])
		value_set(v, "reason", value_str(p->reason));
	return v;
}

struct value *watchpoints_result(struct watchpoints *w)
{
	struct value *list;
	size_t i;

	if (!w->list)
		return NULL;
	list = value_list();
	for (i = 0; list && i < w->s->watch.n; i++)
		value_append(list, result_of(w, i));
	return list;
}
