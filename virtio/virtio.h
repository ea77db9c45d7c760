/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * virtio: what all devices share: features, status, NEEDS_RESET, config
 * space, queues, and the worker thread that serves them. The registers that a
 * driver sees are the transport's (mmio.h).
 *
 * Threads: the worker processes queues, any vCPU thread may reset or read
 * config meanwhile. Everything but the interrupt status is under the device's
 * lock. The worker lets go of it between two requests, and the lock is fair:
 * whoever wants it waits for one request, not for a queue. Holding it is how
 * anybody else makes the device stand still.
 *
 * A driver can lay its rings over each other so that a queue never looks
 * empty. So work comes in rounds of VIRTIO_ROUND steps; then the queue kicks
 * itself, and the event loop may stop or serve somebody else.
 *
 * A new device is: a struct that embeds struct virtio and points it at its
 * state (plain data, the core's first), a const struct virtio_ops, and a
 * create/start/stop/counters/destroy set; see net.c, the smallest.
 */
#ifndef VMTAP_VIRTIO_VIRTIO_H
#define VMTAP_VIRTIO_VIRTIO_H

#include <pthread.h>

#include "virtio/virtq.h"
#include "vmm/event.h"
#include "vmm/irq.h"

#define VIRTIO_MAX_QUEUES 8
#define VIRTIO_ROUND 512	/* steps before the worker looks up */
#define VIRTIO_WINDOW_SIZE 4096
#define VIRTIO_WINDOW_ISR 0x60	/* where the transport has InterruptStatus */

struct diag;
struct virtio;

/* Plain data: all that a save or a restore of the common part needs. */
struct virtio_state {
	u64 offered;	/* feature bits */
	u64 accepted;	/* by the driver; always within @offered once FEATURES_OK */
	u32 offered_sel;
	u32 accepted_sel;
	u32 queue_sel;
	u32 status;	/* VIRTIO_CONFIG_S_* */
	u32 isr;	/* interrupt status; under isr_lock */
	u32 config_gen;
	u32 nr_queues;
	struct virtq vq[VIRTIO_MAX_QUEUES];
};

/* All are called with the device's lock held. */
struct virtio_ops {
	const char *name;	/* "virtio_blk" */
	u32 id;			/* VIRTIO_ID_* */
	/* Queue @q was kicked; worker thread. Look at it until it is empty. */
	void (*kicked)(struct virtio *v, unsigned int q);
	/* The driver is ready; vCPU thread. May be NULL. */
	void (*driver_ok)(struct virtio *v);
	/* Forget what is held of queue @q; vCPU thread. May be NULL. */
	void (*queue_stopped)(struct virtio *v, unsigned int q);
	/* Back to power-on, counters excepted; vCPU thread. May be NULL. */
	void (*reset)(struct virtio *v);
};

/* One queue's doorbell: an eventfd that the machine binds to QueueNotify. */
struct virtio_doorbell {
	struct event_source src;
	struct virtio *v;
	unsigned int q;
};

struct virtio {
	const struct virtio_ops *ops;
	const struct mem *mem;
	struct virtio_state *s;	/* the device's whole state begins with it */
	size_t state_len;	/* bytes of that: plain data, no host handle in it */
	const void *config;	/* device config space, little endian */
	u32 config_len;
	struct irq_line irq;
	/*
	 * A page that always reads as the registers do, for the machine to map
	 * so that a guest's reads cost it no exit. The transport keeps it.
	 */
	u8 *window;
	void (*publish)(struct virtio *v);	/* lock held; NULL: no transport */
	pthread_mutex_t gate;	/* taken before @lock, makes it fair */
	pthread_mutex_t lock;
	pthread_mutex_t isr_lock;	/* innermost, for a moment: isr and its word */
	struct event_loop loop;	/* the worker's */
	struct virtio_doorbell bells[VIRTIO_MAX_QUEUES];
	pthread_t thread;
	bool running;
	unsigned int budget;	/* steps left of this round */
};

/**
 * virtio_init() - wire up the common part
 * @v: ops, mem, s, state_len, config and config_len are set, the rest zero; in @v->s,
 *     offered, nr_queues and each queue's max
 * @mem: may be filled in later, before the driver runs
 * Return: 0 or -errno; then nothing is left to undo.
 */
int virtio_init(struct virtio *v, struct diag *d);

/** virtio_deinit() - stop the worker if it runs and release everything */
void virtio_deinit(struct virtio *v);

/** virtio_start() - start the worker thread; 0 or -errno */
int virtio_start(struct virtio *v, struct diag *d);

/** virtio_stop() - stop and join the worker; safe when it does not run */
void virtio_stop(struct virtio *v);

/**
 * virtio_poll() - do in the calling thread what the worker would do now, until
 * nothing is left; for tests, since a hostile driver's queue may never end
 */
void virtio_poll(struct virtio *v);

/** virtio_lock() - make the device stand still. Context: any thread */
void virtio_lock(struct virtio *v);
void virtio_unlock(struct virtio *v);

/**
 * virtio_hold() - virtio_lock() with a deadline, now_ns(); virtio_unlock() ends it
 * Return: 0, -ETIMEDOUT.
 */
int virtio_hold(struct virtio *v, u64 until_ns);

/** virtio_breathe() - worker: let others at the lock, between two requests */
void virtio_breathe(struct virtio *v);

/** virtio_has() - was feature bit @bit negotiated? */
bool virtio_has(const struct virtio *v, unsigned int bit);

/** virtio_running() - DRIVER_OK is set and no reset is needed */
bool virtio_running(const struct virtio *v);

/** virtio_round() - a device's own event begins: a new round; lock held */
void virtio_round(struct virtio *v);

/**
 * virtio_pop() - virtq_pop() while the device runs; a lie that ends the queue
 * also sets DEVICE_NEEDS_RESET
 * Return: as virtq_pop(), with 0 for -EPROTO, -ENXIO and the end of the round.
 */
int virtio_pop(struct virtio *v, unsigned int q, struct virtq_chain *chain);

/**
 * virtio_push() - return @chain with @len bytes written; nothing happens to
 * one that is not returnable
 * Return: 0, or -errno where the driver lost the buffer: DEVICE_NEEDS_RESET.
 */
int virtio_push(struct virtio *v, unsigned int q,
		const struct virtq_chain *chain, u32 len);

/** virtio_kicks_on() - virtq_kicks_on(), but false at the end of the round */
bool virtio_kicks_on(struct virtio *v, unsigned int q);

/** virtio_notify() - interrupt the driver if it wants that for queue @q */
void virtio_notify(struct virtio *v, unsigned int q);

/** virtio_config_changed() - bump the generation and tell the driver */
void virtio_config_changed(struct virtio *v);

/** virtio_needs_reset() - give up until the driver resets us. Spec: 2.1.2 */
void virtio_needs_reset(struct virtio *v);

/** virtio_isr() - the interrupt status. Context: any thread */
u32 virtio_isr(struct virtio *v);

/** virtio_ack() - clear bits of the interrupt status. Context: any thread */
void virtio_ack(struct virtio *v, u32 bits);

/** virtio_set_status() - a driver's write of the status register. Spec: 3.1 */
void virtio_set_status(struct virtio *v, u32 status);

/** virtio_queue_ready() - a driver's write of QueueReady for queue @q */
void virtio_queue_ready(struct virtio *v, unsigned int q, bool ready);

/** virtio_kick() - ring queue @q's doorbell. Context: any thread */
void virtio_kick(struct virtio *v, unsigned int q);

/** virtio_invalid_avail_idx() - events on all queues, over the device's life */
u64 virtio_invalid_avail_idx(const struct virtio *v);

#endif
