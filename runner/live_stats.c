// SPDX-License-Identifier: GPL-2.0-only
/* The scheduler's stats between port 2, the guest's wishes and their client. */
#include <errno.h>

#include "runner/live.h"
#include "runner/scenario.h"
#include "runner/wire.h"
#include "virtio/console.h"
#include "vmm/base/buf.h"

/* Context: any thread, the console's with its lock held included. */
static int send_stats(void *ctx, const void *data, size_t len)
{
	struct live *x = ctx;

	if (!virtio_console_is_open(x->console, VIRTIO_CONSOLE_PORT_STATS))
		return -ENOTCONN;
	return virtio_console_send(x->console, VIRTIO_CONSOLE_PORT_STATS, data, len);
}

/* Who asked in the guest waits for this. */
static void stats_done(void *ctx, u32 id, int status)
{
	struct live *x = ctx;
	struct buf frame = { 0 };
	u8 p[sizeof(struct wire_snapshot_reply)];

	wire_put32(p, id);
	wire_put32(p + 4, (u32)status);
	if (!wire_encode(&frame, WIRE_SNAPSHOT_REPLY, 0, 0, p, sizeof(p)))
		virtio_console_send(x->console, VIRTIO_CONSOLE_PORT_BULK,
				    frame.data, frame.len);
	buf_reset(&frame);
}

static void want_stats(void *ctx, u32 id, const char *name)
{
	struct live *x = ctx;
	int err;

	if (!id && !x->s->scheduler.stats.phases)
		return;
	err = schedstats_ask(&x->stats, name, id);
	if (err && id)
		stats_done(x, id, err);
}

void live_wire_stats(struct live *x)
{
	x->heard.stats = want_stats;
	x->heard.stats_ctx = x;
	x->stats.send = send_stats;
	x->stats.done = stats_done;
	x->stats.ctx = x;
}
