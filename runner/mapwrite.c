// SPDX-License-Identifier: GPL-2.0-only
/* Writes into a guest's BPF maps; see mapwrite.h. */
#include "runner/mapwrite.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "freeze/bpfwrite.h"
#include "runner/inside.h"
#include "runner/value.h"
#include "vmm/base/diag.h"
#include "vmm/event.h"

#define PHASE_NS (30 * NSEC_PER_SEC)
/* Nothing in the guest tells the host of a new map: it is looked for. */
#define LOOK_PERIOD_NS (20 * NSEC_PER_MSEC)

static void __printf(3, 4) end(struct mapwrite *mw, int status, const char *fmt,
			       ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(mw->failure, sizeof(mw->failure), fmt, ap);
	va_end(ap);
	mw->over = true;
	if (mw->tell)
		mw->tell(mw->ctx, status, mw->failure);
}

static bool is_late(const struct mapwrite *mw)
{
	return now_ns() - mw->phase_ns >
	       (u64)((double)PHASE_NS * mw->time_factor);
}

static void begin_phase(struct mapwrite *mw)
{
	mw->phase_ns = now_ns();
}

/* --- the phases --------------------------------------------------------- */

/* True once all maps are there. */
static bool find_maps(struct mapwrite *mw, const struct kread *k)
{
	size_t i, n = mw->s->bpf_map_write.n;
	struct diag d = { 0 };
	bool all = true;

	for (i = 0; i < n && !mw->over; i++) {
		struct mapwrite_item *it = &mw->items[i];
		const char *name = mw->s->bpf_map_write.items[i].map;

		it->found = !bpfmap_find(k, name, &it->map, &d);
		all &= it->found;
		if (!it->found && is_late(mw))
			end(mw, -ENOENT, "bpf_map_write: %s", diag_text(&d));
		diag_reset(&d);
	}
	return all && !mw->over;
}

/* Its variables are there from the map's creation, their values are not. */
static bool is_ready(struct mapwrite *mw, const struct kread *k,
		     const struct bpfmap *m)
{
	if (!strchr(m->name, '.') || bpfmap_used(k, m, NULL) == 1)
		return true;
	if (is_late(mw))
		end(mw, -ETIMEDOUT,
		    "bpf_map_write: no program that uses BPF map %s was loaded",
		    m->name);
	return false;
}

static int place(struct mapwrite *mw, const struct kread *k, size_t i,
		 struct diag *d)
{
	const struct scen_map_write *w = &mw->s->bpf_map_write.items[i];
	struct mapwrite_item *it = &mw->items[i];

	if (it->map.frozen)
		return diag_fail(d, -EROFS, NULL,
				 "BPF map %s is frozen: the verifier took its values for constants",
				 it->map.name);
	if (w->field)
		return bpfwrite_place(k, &it->map, w->field, (u64)w->value,
				      &it->offset, &it->size, d);
	it->offset = w->offset;
	it->size = w->size;
	return bpfwrite_bytes(k, &it->map, 0, it->offset, NULL, it->size, d);
}

static int write_parked(struct mapwrite *mw, const struct kread *k,
			struct diag *d)
{
	size_t i, n = mw->s->bpf_map_write.n;
	int err = 0;

	for (i = 0; !err && i < n; i++) {
		struct mapwrite_item *it = &mw->items[i];

		err = bpfwrite_bytes(k, &it->map, 0, it->offset,
				     &mw->s->bpf_map_write.items[i].value,
				     it->size, d);
		it->done = !err;
	}
	return err;
}

static int stand_and_write(struct mapwrite *mw, const struct kread *k,
			   struct diag *d)
{
	int err = mw->park(mw->ctx);

	if (err)
		return diag_fail(d, err, NULL, "the guest could not be stopped: %s",
				 strerror(-err));
	err = write_parked(mw, k, d);
	mw->resume(mw->ctx);
	return err;
}

/* A guest that does not stop, or is looked at for long: at the next look. */
static void write_all(struct mapwrite *mw, const struct kread *k)
{
	size_t i, n = mw->s->bpf_map_write.n;
	struct diag d = { 0 };
	int err = 0;

	for (i = 0; !err && i < n; i++)
		err = place(mw, k, i, &d);
	if (!err)
		err = stand_and_write(mw, k, &d);
	mw->postponed = err == -ETIMEDOUT && !is_late(mw);
	if (mw->postponed)
		;
	else if (err)
		end(mw, err, "bpf_map_write: %s", diag_text(&d));
	else
		end(mw, 0, "%s", "");
	diag_reset(&d);
}

static void look(struct mapwrite *mw)
{
	size_t i, n = mw->s->bpf_map_write.n;
	struct diag d = { 0 };
	struct kread k;
	int err;

	if (!mw->phase_ns)
		begin_phase(mw);
	err = inside_kread(mw->inside, INSIDE_TYPES | INSIDE_PARK, &k, &d);
	if (err && ((err != -EAGAIN && err != -ENXIO) || is_late(mw)))
		end(mw, err, "bpf_map_write: the guest's kernel: %s",
		    diag_text(&d));
	diag_reset(&d);
	if (err)
		return;
	/* Each time: a loader that starts anew has new maps. */
	if (!find_maps(mw, &k))
		return;
	if (!mw->all_found)
		begin_phase(mw);
	mw->all_found = true;
	for (i = 0; i < n; i++)
		if (!is_ready(mw, &k, &mw->items[i].map))
			return;
	write_all(mw, &k);
}

/* --- its thread --------------------------------------------------------- */

static void *run(void *arg)
{
	struct mapwrite *mw = arg;

	pthread_setname_np(pthread_self(), "vmtap-mapwrite");
	while (!mw->over) {
		struct pollfd fds[] = {
			{ .fd = mw->stop_fd, .events = POLLIN },
			{ .fd = mw->timer_fd, .events = POLLIN },
		};

		if (poll(fds, ARRAY_SIZE(fds), -1) < 0 && errno != EINTR)
			break;
		if (fds[0].revents)
			break;
		if (fds[1].revents && event_drain(mw->timer_fd))
			look(mw);
	}
	return NULL;
}

int mapwrite_start(struct mapwrite *mw, struct diag *d)
{
	mw->stop_fd = mw->timer_fd = -1;
	if (!mw->s->bpf_map_write.n)
		return 0;
	mw->items = calloc(mw->s->bpf_map_write.n, sizeof(*mw->items));
	if (!mw->items)
		return diag_fail(d, -ENOMEM, NULL, "no memory");
	mw->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	mw->timer_fd = event_timer_create();
	if (mw->stop_fd < 0 || mw->timer_fd < 0)
		return diag_fail(d, -EMFILE, NULL, "cannot create a timer");
	if (pthread_create(&mw->thread, NULL, run, mw))
		return diag_fail(d, -EAGAIN, NULL,
				 "cannot start the map writer's thread");
	mw->threaded = true;
	return 0;
}

void mapwrite_stage(struct mapwrite *mw, enum stage stage)
{
	if (!mw->threaded)
		return;
	if (stage == STAGE_PAYLOAD)
		event_timer_arm(mw->timer_fd, 1, LOOK_PERIOD_NS);
	else if (stage == STAGE_VERDICT)
		mapwrite_stop(mw);
}

/* Why nothing was written, once the guest is past it. */
static void missed(struct mapwrite *mw)
{
	size_t i, n = mw->s->bpf_map_write.n;

	for (i = 0; i < n && mw->items[i].found; i++)
		;
	if (!mw->phase_ns)
		end(mw, -ESRCH, "bpf_map_write: the guest never started its payload");
	else if (i < n)
		end(mw, -ESRCH, "bpf_map_write: the payload ended before there was a BPF map called %s",
		    mw->s->bpf_map_write.items[i].map);
	else if (mw->postponed)
		end(mw, -ESRCH, "bpf_map_write: the payload ended before the guest could be stopped for it");
	else
		end(mw, -ESRCH, "bpf_map_write: the payload ended before a program that uses the map was loaded");
}

void mapwrite_stop(struct mapwrite *mw)
{
	u64 one = 1;

	if (!mw->threaded)
		return;
	if (write(mw->stop_fd, &one, sizeof(one)) == sizeof(one))
		pthread_join(mw->thread, NULL);
	mw->threaded = false;
	if (!mw->over)
		missed(mw);
}

void mapwrite_deinit(struct mapwrite *mw)
{
	if (!mw->items)
		return;
	mapwrite_stop(mw);
	if (mw->stop_fd >= 0)
		close(mw->stop_fd);
	if (mw->timer_fd >= 0)
		close(mw->timer_fd);
	free(mw->items);
	mw->items = NULL;
}

/* --- what came of it ---------------------------------------------------- */

const char *mapwrite_failure(const struct mapwrite *mw)
{
	return mw->failure[0] ? mw->failure : NULL;
}

struct value *mapwrite_result(const struct mapwrite *mw)
{
	struct value *list;
	size_t i;

	if (!mw->items)
		return NULL;
	list = value_list();
	for (i = 0; i < mw->s->bpf_map_write.n; i++) {
		const struct scen_map_write *w = &mw->s->bpf_map_write.items[i];
		const struct mapwrite_item *it = &mw->items[i];
		struct value *v = value_map();

		value_set(v, "map", value_str(it->found ? it->map.name : w->map));
		if (w->field)
			value_set(v, "field", value_str(w->field));
		else
			value_set(v, "offset", value_int((s64)w->offset));
		value_set(v, "value", value_int(w->value));
		value_set(v, "done", value_bool(it->done));
		if (!it->done)
			value_set(v, "reason", value_str(mw->failure));
		value_append(list, v);
	}
	return list;
}
