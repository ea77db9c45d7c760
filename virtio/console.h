/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * console: a virtio console (virtio 1.2 5.3) with three ports:
 *
 *   0  console  hvc0, "vmtap.console"
 *   1  bulk     frames in both directions, "vmtap.bulk"
 *   2  stats    the scheduler's stats socket, relayed, "vmtap.stats"
 *
 * One worker thread serves all. What the guest writes goes to the port's sink;
 * a sink that takes less than it was offered leaves the rest in the guest's
 * buffer, which is not returned until virtio_console_resume(): the guest
 * waits, host memory does not grow and nothing is lost. Other ports go on.
 *
 * What the host sends waits in a bounded queue until the guest has the port
 * open and posts buffers.
 *
 * Order of calls: create, attach, start, (the machine runs), stop, flush,
 * counters, destroy. stop comes after the vCPUs have joined; guest memory
 * outlives the flush.
 */
#ifndef VMTAP_VIRTIO_CONSOLE_H
#define VMTAP_VIRTIO_CONSOLE_H

#include <stddef.h>

#include "vmm/base/util.h"

struct device;
struct diag;
struct mem;
struct virtio;
struct virtio_console;

enum virtio_console_port {
	VIRTIO_CONSOLE_PORT_TTY,
	VIRTIO_CONSOLE_PORT_BULK,
	VIRTIO_CONSOLE_PORT_STATS,
	VIRTIO_CONSOLE_NR_PORTS,
};

#define VIRTIO_CONSOLE_SEND_MAX 65536	/* bytes queued for the guest, per port */
#define VIRTIO_CONSOLE_CHUNK 16384	/* bytes offered to a sink at once, at most */

/*
 * Both are called with the device's lock held, in the worker's thread, in a
 * vCPU's when its driver resets the device, or in virtio_console_flush(): they
 * must not block, nor call into this device but for virtio_console_send() and
 * virtio_console_resume().
 *
 * Linux writes to port 0 with a spinlock held and spins until the buffer comes
 * back: that sink should drop and count rather than take less.
 */
struct virtio_console_sink {
	/*
	 * Take up to @len bytes (1 to VIRTIO_CONSOLE_CHUNK) that the guest
	 * wrote; they are a copy that nobody changes meanwhile. Return: how
	 * many were taken; fewer stops the port until it is resumed. NULL
	 * takes and drops everything.
	 */
	size_t (*take)(void *arg, const void *data, size_t len);
	/* The guest opened or closed the port (also by reset). May be NULL. */
	void (*opened)(void *arg, bool open);
	void *arg;
	/*
	 * The driver resets the device while take() wants no more: what the
	 * guest posted is lost unless it is taken now. The one that may block,
	 * a vCPU and in a guest's last moments: wait for room. Return: false
	 * where there will be none. May be NULL.
	 */
	bool (*wait)(void *arg);
};

struct virtio_console_cfg {
	struct virtio_console_sink sinks[VIRTIO_CONSOLE_NR_PORTS];
	u16 cols, rows;		/* 0: 80 by 25 */
};

/* Cumulative over the device's life. */
struct virtio_console_counters {
	u64 bytes_out[VIRTIO_CONSOLE_NR_PORTS];	/* guest to sink */
	u64 bytes_in[VIRTIO_CONSOLE_NR_PORTS];	/* sent to the guest's buffers */
	u64 stalls[VIRTIO_CONSOLE_NR_PORTS];	/* times that a sink took less */
	u64 chain_invalid;	/* malformed or outside RAM, all queues */
	u64 control_invalid;	/* control messages that make no sense */
	u64 add_used_failures;
	u64 invalid_avail_idx_count;
};

/**
 * virtio_console_create() - all three ports
 * @mem: outlives the device; may be filled in until the machine starts
 * @cfg: copied; each sink's arg outlives the device
 * Return: 0 or -errno.
 */
int virtio_console_create(struct virtio_console **ret, const struct mem *mem,
			  const struct virtio_console_cfg *cfg,
			  struct diag *d);
/** virtio_console_destroy() - also stops; NULL is fine */
void virtio_console_destroy(struct virtio_console *con);
/** virtio_console_attach() - describe the device to the machine; see mmio.h */
void virtio_console_attach(struct virtio_console *con, struct device *dev);
/** virtio_console_start() - start the worker; 0 or -errno */
int virtio_console_start(struct virtio_console *con, struct diag *d);
/** virtio_console_stop() - join the worker */
void virtio_console_stop(struct virtio_console *con);

/**
 * virtio_console_send() - queue bytes for the guest, all or none
 * Return: 0; -EAGAIN no room until the guest has read some; -EMSGSIZE above
 * VIRTIO_CONSOLE_SEND_MAX. Context: any thread, sinks included.
 */
int virtio_console_send(struct virtio_console *con,
			enum virtio_console_port port, const void *data,
			size_t len);
/** virtio_console_unsent() - bytes still queued for the guest; any thread */
size_t virtio_console_unsent(struct virtio_console *con,
			     enum virtio_console_port port);
/** virtio_console_is_open() - has the guest the port open? any thread */
bool virtio_console_is_open(struct virtio_console *con,
			    enum virtio_console_port port);
/** virtio_console_resume() - a sink has room again. Context: any thread */
void virtio_console_resume(struct virtio_console *con,
			   enum virtio_console_port port);
/** virtio_console_resize() - tell the guest. Context: any thread but a sink's */
void virtio_console_resize(struct virtio_console *con, u16 cols, u16 rows);

/**
 * virtio_console_flush() - hand to the sinks what the guest left in its rings
 * Context: after virtio_console_stop().
 * Return: 0; -EAGAIN where a sink took less than there was: call again.
 */
int virtio_console_flush(struct virtio_console *con);

/** virtio_console_counters() - final after stop and flush */
void virtio_console_counters(struct virtio_console *con,
			     struct virtio_console_counters *ret);
/** virtio_console_core() - the common part: virtio_lock() for a freeze, tests */
struct virtio *virtio_console_core(struct virtio_console *con);

#endif
