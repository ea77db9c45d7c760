// SPDX-License-Identifier: GPL-2.0-only
/* The device core; see virtio.h. Section numbers are virtio 1.2's. */
#include "virtio/virtio.h"

#include <endian.h>
#include <errno.h>
#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include <linux/virtio_ring.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vmm/base/diag.h"
#include "vmm/base/log.h"

#define DRIVER_BITS (VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER | \
		     VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK | \
		     VIRTIO_CONFIG_S_FAILED)

/*
 * A plain mutex would let the worker take it again before a waiting vCPU
 * wakes up. Whoever waits here holds the gate, which the worker then meets.
 */
void virtio_lock(struct virtio *v)
{
	pthread_mutex_lock(&v->gate);
	pthread_mutex_lock(&v->lock);
	pthread_mutex_unlock(&v->gate);
}

int virtio_hold(struct virtio *v, u64 until_ns)
{
	struct timespec until = {
		.tv_sec = (time_t)(until_ns / NSEC_PER_SEC),
		.tv_nsec = (long)(until_ns % NSEC_PER_SEC),
	};

	if (pthread_mutex_clocklock(&v->gate, CLOCK_MONOTONIC, &until))
		return -ETIMEDOUT;
	if (pthread_mutex_clocklock(&v->lock, CLOCK_MONOTONIC, &until)) {
		pthread_mutex_unlock(&v->gate);
		return -ETIMEDOUT;
	}
	pthread_mutex_unlock(&v->gate);
	return 0;
}

void virtio_unlock(struct virtio *v)
{
	pthread_mutex_unlock(&v->lock);
}

void virtio_breathe(struct virtio *v)
{
	virtio_unlock(v);
	virtio_lock(v);
}

bool virtio_has(const struct virtio *v, unsigned int bit)
{
	return v->s->accepted & (1ULL << bit);
}

bool virtio_running(const struct virtio *v)
{
	return (v->s->status & VIRTIO_CONFIG_S_DRIVER_OK) &&
	       !(v->s->status & VIRTIO_CONFIG_S_FAILED);
}

static void change_isr(struct virtio *v, u32 clear, u32 set)
{
	pthread_mutex_lock(&v->isr_lock);
	v->s->isr = (v->s->isr & ~clear) | set;
	__atomic_store_n((u32 *)(v->window + VIRTIO_WINDOW_ISR),
			 htole32(v->s->isr), __ATOMIC_RELEASE);
	pthread_mutex_unlock(&v->isr_lock);
}

u32 virtio_isr(struct virtio *v)
{
	u32 ret;

	pthread_mutex_lock(&v->isr_lock);
	ret = v->s->isr;
	pthread_mutex_unlock(&v->isr_lock);
	return ret;
}

void virtio_ack(struct virtio *v, u32 bits)
{
	change_isr(v, bits, 0);
}

static void publish(struct virtio *v)
{
	if (v->publish)
		v->publish(v);
}

static void virtio_interrupt(struct virtio *v, u32 why)
{
	change_isr(v, 0, why);
	irq_line_raise(&v->irq);
}

void virtio_needs_reset(struct virtio *v)
{
	if (v->s->status & VIRTIO_CONFIG_S_NEEDS_RESET)
		return;
	log_debug(v->ops->name, "the driver broke a rule: needs reset");
	v->s->status |= VIRTIO_CONFIG_S_NEEDS_RESET;
	publish(v);
	if (v->s->status & VIRTIO_CONFIG_S_DRIVER_OK)
		virtio_interrupt(v, VIRTIO_MMIO_INT_CONFIG);
}

void virtio_config_changed(struct virtio *v)
{
	v->s->config_gen++;
	publish(v);
	if (v->s->status & VIRTIO_CONFIG_S_DRIVER_OK)
		virtio_interrupt(v, VIRTIO_MMIO_INT_CONFIG);
}

void virtio_round(struct virtio *v)
{
	v->budget = VIRTIO_ROUND;
}

int virtio_pop(struct virtio *v, unsigned int q, struct virtq_chain *chain)
{
	int rc;

	if (!virtio_running(v))
		return 0;
	if (!v->budget) {
		virtio_kick(v, q);
		return 0;
	}
	rc = virtq_pop(&v->s->vq[q], v->mem, chain);
	v->budget -= !!rc;
	if (rc != -EPROTO && rc != -ENXIO)
		return rc;
	virtio_needs_reset(v);
	return 0;
}

bool virtio_kicks_on(struct virtio *v, unsigned int q)
{
	if (!virtq_kicks_on(&v->s->vq[q], v->mem))
		return false;
	if (!v->budget) {
		virtio_kick(v, q);
		return false;
	}
	/* Rings that overlap may promise without end what never is there. */
	v->budget--;
	return true;
}

int virtio_push(struct virtio *v, unsigned int q,
		const struct virtq_chain *chain, u32 len)
{
	int err;

	if (!chain->returnable)
		return 0;
	err = virtq_push(&v->s->vq[q], v->mem, chain->head, len);
	if (err)
		virtio_needs_reset(v);
	return err;
}

void virtio_notify(struct virtio *v, unsigned int q)
{
	if (virtq_should_notify(&v->s->vq[q], v->mem))
		virtio_interrupt(v, VIRTIO_MMIO_INT_VRING);
}

void virtio_kick(struct virtio *v, unsigned int q)
{
	eventfd_write(v->bells[q].src.fd, 1);
}

u64 virtio_invalid_avail_idx(const struct virtio *v)
{
	u64 sum = 0;
	unsigned int q;

	for (q = 0; q < v->s->nr_queues; q++)
		sum += v->s->vq[q].invalid_avail_idx;
	return sum;
}

static void stop_queue(struct virtio *v, unsigned int q)
{
	if (v->ops->queue_stopped)
		v->ops->queue_stopped(v, q);
	v->s->vq[q].ready = false;
}

static void reset(struct virtio *v)
{
	unsigned int q;

	for (q = 0; q < v->s->nr_queues; q++) {
		stop_queue(v, q);
		virtq_reset(&v->s->vq[q]);
	}
	if (v->ops->reset)
		v->ops->reset(v);
	v->s->status = 0;
	v->s->accepted = 0;
	v->s->accepted_sel = 0;
	v->s->offered_sel = 0;
	v->s->queue_sel = 0;
	change_isr(v, ~0U, 0);
}

static bool features_fine(const struct virtio *v)
{
	return !(v->s->accepted & ~v->s->offered) &&
	       virtio_has(v, VIRTIO_F_VERSION_1);
}

static void run(struct virtio *v)
{
	unsigned int q;

	v->s->status |= VIRTIO_CONFIG_S_DRIVER_OK;
	if (v->ops->driver_ok)
		v->ops->driver_ok(v);
	/* What was kicked too early was not looked at. */
	for (q = 0; q < v->s->nr_queues; q++)
		if (v->s->vq[q].ready)
			virtio_kick(v, q);
}

/* A bit counts when those before it are set; only a reset clears (3.1.1). */
void virtio_set_status(struct virtio *v, u32 status)
{
	u32 *cur = &v->s->status;
	u32 added = status & DRIVER_BITS & ~*cur;

	if (!status) {
		reset(v);
		return;
	}
	*cur |= added & (VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_FAILED);
	if ((added & VIRTIO_CONFIG_S_DRIVER) &&
	    (*cur & VIRTIO_CONFIG_S_ACKNOWLEDGE))
		*cur |= VIRTIO_CONFIG_S_DRIVER;
	if ((added & VIRTIO_CONFIG_S_FEATURES_OK) &&
	    (*cur & VIRTIO_CONFIG_S_DRIVER) && features_fine(v))
		*cur |= VIRTIO_CONFIG_S_FEATURES_OK;
	if ((added & VIRTIO_CONFIG_S_DRIVER_OK) &&
	    (*cur & VIRTIO_CONFIG_S_FEATURES_OK))
		run(v);
}

void virtio_queue_ready(struct virtio *v, unsigned int q, bool ready)
{
	struct virtq *vq = &v->s->vq[q];

	if (vq->ready == ready || !(v->s->status & VIRTIO_CONFIG_S_FEATURES_OK))
		return;
	if (!ready) {
		stop_queue(v, q);
		return;
	}
	vq->indirect = virtio_has(v, VIRTIO_RING_F_INDIRECT_DESC);
	vq->event_idx = virtio_has(v, VIRTIO_RING_F_EVENT_IDX);
	if (virtq_enable(vq, v->mem))
		virtio_needs_reset(v);
	else if (virtio_running(v))
		virtio_kick(v, q);
}

static void bell_rang(struct event_source *src, u32 events)
{
	struct virtio_doorbell *b = container_of(src, struct virtio_doorbell, src);

	(void)events;
	event_drain(src->fd);
	virtio_lock(b->v);
	virtio_round(b->v);
	if (virtio_running(b->v) && b->v->s->vq[b->q].ready)
		b->v->ops->kicked(b->v, b->q);
	virtio_unlock(b->v);
}

static int add_bell(struct virtio *v, unsigned int q, struct diag *d)
{
	struct virtio_doorbell *b = &v->bells[q];

	b->v = v;
	b->q = q;
	b->src.ready = bell_rang;
	b->src.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (b->src.fd < 0)
		return diag_fail(d, -errno, NULL, "eventfd: %m");
	return event_add(&v->loop, &b->src, EPOLLIN, d);
}

static int map_window(struct virtio *v, struct diag *d)
{
	void *p = mmap(NULL, VIRTIO_WINDOW_SIZE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return diag_fail(d, -errno, NULL, "registers of %s: %m",
				 v->ops->name);
	v->window = p;
	return 0;
}

int virtio_init(struct virtio *v, struct diag *d)
{
	unsigned int q;
	int err;

	BUG_ON(v->s->nr_queues > VIRTIO_MAX_QUEUES);
	pthread_mutex_init(&v->gate, NULL);
	pthread_mutex_init(&v->lock, NULL);
	pthread_mutex_init(&v->isr_lock, NULL);
	v->irq.fd = -1;
	for (q = 0; q < VIRTIO_MAX_QUEUES; q++)
		v->bells[q].src.fd = -1;
	err = event_loop_init(&v->loop, d);
	if (!err)
		err = map_window(v, d);
	if (!err)
		err = irq_line_init(&v->irq, d);
	for (q = 0; !err && q < v->s->nr_queues; q++)
		err = add_bell(v, q, d);
	if (err)
		virtio_deinit(v);
	return err;
}

void virtio_deinit(struct virtio *v)
{
	unsigned int q;

	virtio_stop(v);
	for (q = 0; q < VIRTIO_MAX_QUEUES; q++)
		if (v->bells[q].src.fd >= 0)
			close(v->bells[q].src.fd);
	irq_line_deinit(&v->irq);
	event_loop_deinit(&v->loop);
	if (v->window)
		munmap(v->window, VIRTIO_WINDOW_SIZE);
	v->window = NULL;
	pthread_mutex_destroy(&v->isr_lock);
	pthread_mutex_destroy(&v->lock);
	pthread_mutex_destroy(&v->gate);
}

static void *worker(void *arg)
{
	struct virtio *v = arg;

	pthread_setname_np(pthread_self(), v->ops->name);
	event_loop_run(&v->loop);
	return NULL;
}

/* Signals are for the threads that run guest code and for the main thread. */
int virtio_start(struct virtio *v, struct diag *d)
{
	sigset_t all, old;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(&v->thread, NULL, worker, v);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (err)
		return diag_fail(d, -err, NULL, "cannot start the %s worker: %s",
				 v->ops->name, strerror(err));
	v->running = true;
	return 0;
}

void virtio_stop(struct virtio *v)
{
	if (!v->running)
		return;
	event_loop_stop(&v->loop);
	pthread_join(v->thread, NULL);
	v->running = false;
}

void virtio_poll(struct virtio *v)
{
	BUG_ON(v->running);
	while (event_loop_step(&v->loop, 0) > 0)
		;
}
