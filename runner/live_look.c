// SPDX-License-Identifier: GPL-2.0-only
/* What looks into the guest while it runs, and what is told it; see live.h. */
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>

#include "runner/live.h"
#include "runner/scenario.h"
#include "runner/wire.h"
#include "virtio/console.h"
#include "vmm/base/buf.h"
#include "vmm/base/diag.h"
#include "vmm/machine.h"

/* A look that fails is tried again so often, at each tick of the slow clock. */
#define LOOK_TRIES 20

bool live_say(struct live *x, u16 type, const void *payload, size_t len)
{
	struct buf frame = { 0 };
	bool told;

	if (!virtio_console_is_open(x->console, VIRTIO_CONSOLE_PORT_BULK))
		return false;
	told = !wire_encode(&frame, type, 0, 0, payload, len) &&
	       !virtio_console_send(x->console, VIRTIO_CONSOLE_PORT_BULK,
				    frame.data, frame.len);
	buf_reset(&frame);
	return told;
}

static void tell_captured(void *ctx, u32 id, int status, const char *text)
{
	u8 payload[sizeof(struct wire_snapshot_reply) + 256];
	size_t head = sizeof(struct wire_snapshot_reply);
	size_t len = min(strlen(text), sizeof(payload) - head);

	wire_put32(payload, id);
	wire_put32(payload + 4, (u32)status);
	memcpy(payload + head, text, len);
	live_say(ctx, WIRE_SNAPSHOT_REPLY, payload, head + len);
}

static void tell_written(void *ctx, int status, const char *text)
{
	u8 payload[4 + 300];
	size_t len = min(strlen(text), sizeof(payload) - 4);

	wire_put32(payload, (u32)status);
	memcpy(payload + 4, text, len);
	live_say(ctx, WIRE_MAP_WRITE_DONE, payload, 4 + len);
}

static int stop_to_write(void *ctx)
{
	struct live *x = ctx;

	return machine_park(x->m, INSIDE_PARK_NS, NULL);
}

static void go_on(void *ctx)
{
	struct live *x = ctx;

	machine_resume(x->m);
}

static bool wants_core(const struct live *x)
{
	return dump_wanted(&x->dump, x->s->expect.kind != EXPECT_TIMEOUT);
}

/* The coordinator's thread; the owner waits for it in live_look_at_hung(). */
static void on_frozen(void *ctx)
{
	struct live *x = ctx;

	if (wants_core(x))
		dump_take(&x->dump, x->m, &x->inside);
}

/*
 * As it hangs, before it is asked to end: capture and core of one freeze. The
 * core has one of its own where the capture was taken before, or not wanted. A
 * vCPU that does not come: later.
 */
void live_look_at_hung(struct live *x)
{
	snapshots_fail(&x->snapshots, "timeout", true);
	if (!wants_core(x) || x->dump.path ||
	    machine_freeze(x->m, INSIDE_PARK_NS, NULL, NULL))
		return;
	dump_take(&x->dump, x->m, &x->inside);
	machine_thaw(x->m);
}

static void on_stall(void *ctx, const char *why)
{
	struct live *x = ctx;

	snapshots_fail(&x->snapshots, why, false);
}

/* In the thread of the vCPU that wrote. */
static void on_hit(void *ctx, const char *tag, const char *why,
		   const struct watch_hit *hit)
{
	snapshots_hit(ctx, tag, why, hit);
}

/* heard's lock is held. */
static void ask_for_look(struct live *x, u32 id)
{
	if (x->nr_looks == LIVE_MAX_LOOKS) {
		tell_captured(x, id, -EBUSY, "too many ask for a look");
		return;
	}
	x->looks[x->nr_looks++] = id;
	eventfd_write(x->heard.news_fd, 1);
}

/* Who asks while this looks may have changed what it looked at: next time. */
void live_take_looks(struct live *x)
{
	u32 ids[LIVE_MAX_LOOKS];
	char verdict[200];
	unsigned int n, i;
	bool seen;

	heard_lock(&x->heard);
	n = x->nr_looks;
	memcpy(ids, x->looks, sizeof(ids));
	heard_unlock(&x->heard);
	if (!n)
		return;
	seen = peek_look(&x->peek, verdict, sizeof(verdict));
	seen &= !watchpoints_tick(&x->watchpoints, x->told);
	if (!seen && x->look_tries++ < LOOK_TRIES)
		return;
	x->look_tries = 0;
	heard_lock(&x->heard);
	x->nr_looks -= n;
	memmove(x->looks, x->looks + n, x->nr_looks * sizeof(*ids));
	heard_unlock(&x->heard);
	for (i = 0; i < n; i++)
		tell_captured(x, ids[i], seen ? 0 : -EAGAIN, seen ? verdict :
			      "the guest cannot be looked into");
}

/* heard's lock is held. */
static void on_snapshot(void *ctx, u32 id, u32 kind, const char *name)
{
	struct live *x = ctx;

	if (kind == WIRE_SNAPSHOT_CAPTURE)
		snapshots_ask(&x->snapshots, id, name);
	else if (kind == WIRE_SNAPSHOT_LOOK)
		ask_for_look(x, id);
	else
		tell_captured(x, id, -EOPNOTSUPP, "the scenario names what is watched");
}

int live_look(struct live *x, struct diag *d)
{
	int err;

	inside_init(&x->inside, x->m, x->cfg.image);
	x->peek = (struct peek){
		.m = x->m, .inside = &x->inside, .heard = &x->heard,
		.cfg = x->s->monitor.present ? &x->s->monitor : NULL,
		.failed = on_stall, .ctx = x,
	};
	x->snapshots = (struct snapshots){
		.m = x->m, .inside = &x->inside, .image = x->cfg.image,
		.heard = &x->heard, .s = x->s, .dir = x->cfg.dir,
		.time_factor = x->cfg.time_factor, .stats = &x->stats,
		.frozen = on_frozen, .reply = tell_captured, .ctx = x,
	};
	x->heard.snapshot = on_snapshot;
	x->heard.ctx = x;
	x->mapwrite = (struct mapwrite){
		.inside = &x->inside, .s = x->s,
		.time_factor = x->cfg.time_factor,
		.tell = tell_written, .park = stop_to_write, .resume = go_on,
		.ctx = x,
	};
	x->watchpoints = (struct watchpoints){
		.m = x->m, .inside = &x->inside, .s = x->s,
		.hit = on_hit, .ctx = &x->snapshots,
	};
	err = snapshots_start(&x->snapshots, d);
	if (!err)
		err = peek_start(&x->peek, d);
	if (!err)
		err = watchpoints_start(&x->watchpoints, d);
	return err ? err : mapwrite_start(&x->mapwrite, d);
}
