// SPDX-License-Identifier: GPL-2.0-only
/* The freeze coordinator's thread; see coordinator.h. */
#include "freeze/coordinator.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "vmm/base/diag.h"
#include "vmm/event.h"

/* Lives on a waiting requester's stack. */
struct waiter {
	bool done;
	int err;
};

struct job {
	struct freeze_request req;
	struct waiter *waiter;	/* NULL: nobody waits */
};

struct clock {
	struct coordinator *c;
	enum freeze_kind kind;
	struct event_source timer;
	u32 in_a_row;		/* the thread's: deadlines missed */

	/* guarded by the lock */
	bool runs;
	u64 start_ns, window_ns;
};

struct coordinator {
	struct coordinator_cfg cfg;
	pthread_t thread;
	bool threaded;
	struct event_loop loop;
	struct event_source wake;
	struct clock clocks[NR_CLOCKS];

	pthread_mutex_t lock;	/* all below */
	pthread_cond_t served;
	bool running, killed;
	struct job queue[COORDINATOR_QUEUE_MAX];
	u32 head, len;
	struct coordinator_stats stats;
};

static struct coordinator_clock_stats *stats_of(struct clock *k)
{
	return &k->c->stats.clocks[k - k->c->clocks];
}

/* ---- requests ---- */

static int enqueue_locked(struct coordinator *c, const struct job *job)
{
	if (!c->running || c->killed)
		return -ESHUTDOWN;
	if (c->len == COORDINATOR_QUEUE_MAX)
		return -ENOSPC;
	c->queue[(c->head + c->len++) % COORDINATOR_QUEUE_MAX] = *job;
	eventfd_write(c->wake.fd, 1);
	return 0;
}

static void fill(struct job *job, enum freeze_kind kind, const char *name,
		 const char *why, u64 cookie)
{
	*job = (struct job){
		.req = { .kind = kind, .cookie = cookie, .vcpu = -1,
			 .asked_ns = now_ns() },
	};
	snprintf(job->req.name, sizeof(job->req.name), "%s", name);
	snprintf(job->req.why, sizeof(job->req.why), "%s", why ? why : "");
}

static int enqueue(struct coordinator *c, const struct job *job)
{
	int err;

	pthread_mutex_lock(&c->lock);
	err = enqueue_locked(c, job);
	pthread_mutex_unlock(&c->lock);
	return err;
}

int coordinator_request(struct coordinator *c, enum freeze_kind kind,
			const char *name, const char *why, u64 cookie)
{
	struct job job;

	fill(&job, kind, name, why, cookie);
	return enqueue(c, &job);
}

/*
 * One exit may bring several hits; the vCPU stands until the last is served.
 * It queued them all before it came to stand.
 */
static void let_go(struct coordinator *c, int vcpu)
{
	bool more = false;
	u32 i;

	if (vcpu < 0)
		return;
	pthread_mutex_lock(&c->lock);
	for (i = 0; i < c->len; i++)
		more |= c->queue[(c->head + i) % COORDINATOR_QUEUE_MAX].req.vcpu == vcpu;
	pthread_mutex_unlock(&c->lock);
	if (!more)
		c->cfg.ops->release(c->cfg.arg, (u32)vcpu);
}

int coordinator_hit(struct coordinator *c, u32 vcpu, const char *name,
		    const char *why, u64 cookie, bool is_signed)
{
	struct job job;
	int err;

	fill(&job, FREEZE_WATCH, name, why, cookie);
	job.req.is_signed = is_signed;
	job.req.vcpu = (int)vcpu;
	/* Before it is queued: the release must not come first. */
	c->cfg.ops->hold(c->cfg.arg, vcpu);
	err = enqueue(c, &job);
	if (err)
		let_go(c, (int)vcpu);
	return err;
}

int coordinator_capture(struct coordinator *c, enum freeze_kind kind,
			const char *name, const char *why, u64 cookie)
{
	struct waiter waiter = { 0 };
	struct job job;
	int err;

	fill(&job, kind, name, why, cookie);
	job.waiter = &waiter;
	pthread_mutex_lock(&c->lock);
	err = enqueue_locked(c, &job);
	while (!err && !waiter.done)
		pthread_cond_wait(&c->served, &c->lock);
	pthread_mutex_unlock(&c->lock);
	return err ? err : waiter.err;
}

/* ---- one freeze ---- */

static void freeze_once(struct coordinator *c, const struct freeze_request *req,
			struct freeze_outcome *out)
{
	const struct coordinator_ops *ops = c->cfg.ops;
	u64 stood;

	if (ops->prepare)
		ops->prepare(c->cfg.arg, req);
	*out = (struct freeze_outcome){ .begin_ns = now_ns() };
	out->err = ops->park(c->cfg.arg, c->cfg.deadline_ns, &out->missing);
	stood = now_ns();
	out->park_ns = stood - out->begin_ns;
	if (out->err)
		return;
	out->err = ops->take(c->cfg.arg, req, out);
	out->frozen_ns = ops->resume(c->cfg.arg) - stood;
}

static void count_locked(struct coordinator *c, const struct freeze_outcome *out)
{
	c->stats.served++;
	c->stats.frozen_ns += out->frozen_ns;
	if (out->err == -ETIMEDOUT)
		c->stats.placeholders++;
}

#define ENDED "the machine ended before the window did"

static void give_reason_locked(struct clock *k, const char *why)
{
	struct coordinator_clock_stats *s = stats_of(k);

	if (k->runs && s->fired < s->target && !s->reason[0])
		snprintf(s->reason, sizeof(s->reason), "%s", why);
	k->runs = false;
}

/* An end that came first is no boundary that fired, and the last one. */
static void count_fired_locked(struct clock *k, const struct freeze_outcome *out)
{
	if (out->err == -ESHUTDOWN) {
		give_reason_locked(k, ENDED);
		return;
	}
	stats_of(k)->fired++;
	stats_of(k)->placeholders += out->err != 0;
	k->in_a_row = out->err == -ETIMEDOUT ? k->in_a_row + 1 : 0;
}

static void tell_waiter(struct coordinator *c, const struct job *job, int err)
{
	if (!job->waiter)
		return;
	pthread_mutex_lock(&c->lock);
	job->waiter->err = err;
	job->waiter->done = true;
	pthread_cond_broadcast(&c->served);
	pthread_mutex_unlock(&c->lock);
}

/*
 * Frozen time counts before anyone that waits, a watchdog say, goes on.
 * @k: whose turn it is; NULL: a request's.
 */
static void serve(struct coordinator *c, const struct job *job, struct clock *k)
{
	struct freeze_outcome out;

	freeze_once(c, &job->req, &out);
	pthread_mutex_lock(&c->lock);
	count_locked(c, &out);
	if (k)
		count_fired_locked(k, &out);
	pthread_mutex_unlock(&c->lock);
	let_go(c, job->req.vcpu);
	c->cfg.ops->store(c->cfg.arg, &job->req, &out);
	tell_waiter(c, job, out.err);
}

static bool next_job(struct coordinator *c, struct job *job)
{
	bool any;

	pthread_mutex_lock(&c->lock);
	any = c->len && !c->killed;
	if (any) {
		*job = c->queue[c->head];
		c->head = (c->head + 1) % COORDINATOR_QUEUE_MAX;
		c->len--;
	}
	pthread_mutex_unlock(&c->lock);
	return any;
}

static void on_wake(struct event_source *src, u32 events)
{
	struct coordinator *c = container_of(src, struct coordinator, wake);
	struct job job;

	(void)events;
	event_drain(src->fd);
	while (next_job(c, &job))
		serve(c, &job, NULL);
}

/* ---- the clocks ---- */

/* The i-th of n boundaries lies at i/(n+1) of the window: none on its edges. */
static void arm_locked(struct clock *k)
{
	u64 n = stats_of(k)->target, i = (u64)stats_of(k)->fired + 1;
	u64 at, now = now_ns(), soonest = now + 1;

	if (!k->runs)
		return;
	if (i > n) {
		k->runs = false;
		return;
	}
	if (k->kind == FREEZE_STOP && i > 1)
		soonest += COORDINATOR_REST_NS;
	at = k->start_ns + (u64)((double)k->window_ns * (double)i /
				 (double)(n + 1));
	event_timer_arm(k->timer.fd, max(at, soonest) - now, 0);
}

static void on_timer(struct event_source *src, u32 events)
{
	struct clock *k = container_of(src, struct clock, timer);
	struct coordinator *c = k->c;
	struct job job;
	bool due;
	char name[32], why[100];

	(void)events;
	if (!event_drain(src->fd))
		return;
	pthread_mutex_lock(&c->lock);
	due = k->runs && !c->killed;
	snprintf(name, sizeof(name), "%s-%u", k->kind == FREEZE_STOP ?
		 "stop" : "periodic", stats_of(k)->fired + 1);
	pthread_mutex_unlock(&c->lock);
	if (!due)
		return;
	fill(&job, k->kind, name, NULL, 0);
	serve(c, &job, k);
	pthread_mutex_lock(&c->lock);
	if (k->in_a_row >= COORDINATOR_GIVE_UP) {
		snprintf(why, sizeof(why),
			 "given up: %u times in a row the vCPUs did not stop in time",
			 k->in_a_row);
		give_reason_locked(k, why);
	}
	arm_locked(k);
	pthread_mutex_unlock(&c->lock);
}

void coordinator_clock(struct coordinator *c, enum freeze_clock clock, u32 n,
		       u64 window_ns)
{
	struct clock *k = &c->clocks[clock];

	pthread_mutex_lock(&c->lock);
	stats_of(k)->target = n;
	k->runs = n > 0 && c->running && !c->killed;
	k->start_ns = now_ns();
	k->window_ns = window_ns;
	arm_locked(k);
	pthread_mutex_unlock(&c->lock);
}

static void clocks_end_locked(struct coordinator *c, const char *why)
{
	size_t i;

	for (i = 0; i < NR_CLOCKS; i++)
		give_reason_locked(&c->clocks[i], why);
}

void coordinator_clocks_end(struct coordinator *c, const char *why)
{
	pthread_mutex_lock(&c->lock);
	clocks_end_locked(c, why);
	pthread_mutex_unlock(&c->lock);
}

void coordinator_stats(struct coordinator *c, struct coordinator_stats *out)
{
	pthread_mutex_lock(&c->lock);
	*out = c->stats;
	pthread_mutex_unlock(&c->lock);
}

/* ---- life ---- */

static int open_sources(struct coordinator *c, struct diag *d)
{
	static const enum freeze_kind kinds[NR_CLOCKS] = {
		FREEZE_PERIODIC, FREEZE_STOP,
	};
	bool open;
	size_t i;
	int err;

	c->wake = (struct event_source){
		eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), on_wake };
	open = c->wake.fd >= 0;
	for (i = 0; i < NR_CLOCKS; i++) {
		c->clocks[i] = (struct clock){
			.c = c, .kind = kinds[i],
			.timer = { event_timer_create(), on_timer } };
		open &= c->clocks[i].timer.fd >= 0;
	}
	if (!open)
		return diag_fail(d, -EMFILE, NULL, "cannot create a timer");
	err = event_loop_init(&c->loop, d);
	if (!err)
		err = event_add(&c->loop, &c->wake, EPOLLIN, d);
	for (i = 0; !err && i < NR_CLOCKS; i++)
		err = event_add(&c->loop, &c->clocks[i].timer, EPOLLIN, d);
	return err;
}

int coordinator_create(struct coordinator **out,
		       const struct coordinator_cfg *cfg, struct diag *d)
{
	struct coordinator *c = calloc(1, sizeof(*c));
	int err;

	if (!c)
		return diag_fail(d, -ENOMEM, NULL, "no memory");
	c->cfg = *cfg;
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->served, NULL);
	c->loop = (struct event_loop){ .epfd = -1, .stop_fd = -1 };
	err = open_sources(c, d);
	if (err)
		coordinator_destroy(c);
	else
		*out = c;
	return err;
}

static void refuse(struct coordinator *c, const struct job *job)
{
	struct freeze_outcome out = { .err = -ESHUTDOWN, .begin_ns = now_ns() };

	let_go(c, job->req.vcpu);
	c->cfg.ops->store(c->cfg.arg, &job->req, &out);
	tell_waiter(c, job, out.err);
}

/* killed is set: nothing comes behind what is here. */
static void refuse_rest(struct coordinator *c)
{
	struct job job;

	for (;;) {
		pthread_mutex_lock(&c->lock);
		c->running = false;
		if (!c->len) {
			pthread_mutex_unlock(&c->lock);
			return;
		}
		job = c->queue[c->head];
		c->head = (c->head + 1) % COORDINATOR_QUEUE_MAX;
		c->len--;
		pthread_mutex_unlock(&c->lock);
		refuse(c, &job);
	}
}

static void *run(void *arg)
{
	struct coordinator *c = arg;

	pthread_setname_np(pthread_self(), "vmtap-freeze");
	event_loop_run(&c->loop);
	refuse_rest(c);
	return NULL;
}

int coordinator_start(struct coordinator *c, struct diag *d)
{
	c->running = true;
	if (pthread_create(&c->thread, NULL, run, c)) {
		c->running = false;
		return diag_fail(d, -EAGAIN, NULL, "cannot start the freeze thread");
	}
	c->threaded = true;
	return 0;
}

void coordinator_kill(struct coordinator *c)
{
	pthread_mutex_lock(&c->lock);
	c->killed = true;
	clocks_end_locked(c, ENDED);
	pthread_mutex_unlock(&c->lock);
	event_loop_stop(&c->loop);
}

void coordinator_join(struct coordinator *c)
{
	if (!c->threaded)
		return;
	pthread_join(c->thread, NULL);
	c->threaded = false;
}

void coordinator_destroy(struct coordinator *c)
{
	size_t i;

	if (!c)
		return;
	if (c->threaded)
		coordinator_kill(c);
	coordinator_join(c);
	event_loop_deinit(&c->loop);
	if (c->wake.fd >= 0)
		close(c->wake.fd);
	for (i = 0; i < NR_CLOCKS; i++)
		if (c->clocks[i].timer.fd >= 0)
			close(c->clocks[i].timer.fd);
	pthread_cond_destroy(&c->served);
	pthread_mutex_destroy(&c->lock);
	free(c);
}
