// SPDX-License-Identifier: GPL-2.0-only
/* Asking a scheduler for its stats; see schedstats.h. */
#include "runner/schedstats.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "runner/scenario.h"
#include "runner/value.h"
#include "vmm/base/diag.h"

static const char request[] = "{\"req\":\"stats\",\"args\":{}}\n";

void schedstats_init(struct schedstats *s, const struct scen_scheduler *cfg)
{
	*s = (struct schedstats){ .timer.fd = -1 };
	pthread_mutex_init(&s->lock, NULL);
	if (cfg && cfg->present && cfg->stats.present) {
		s->cfg = cfg;
		s->replies = value_map();
	}
}

void schedstats_deinit(struct schedstats *s)
{
	if (s->timer.fd >= 0)
		close(s->timer.fd);
	buf_reset(&s->line);
	value_free(s->replies);
	s->replies = NULL;
	pthread_mutex_destroy(&s->lock);
}

/* --- requests ----------------------------------------------------------- */

static void put_error(struct schedstats *s, const char *name, const char *why)
{
	struct value *v = value_map();

	value_set(v, "error", value_str(why));
	value_set(s->replies, name, v);
}

/* The first one in the queue leaves it. */
static void settle(struct schedstats *s, int status)
{
	u32 id = s->queue[s->head].id;

	s->head = (s->head + 1) % SCHEDSTATS_QUEUE;
	s->n--;
	if (id && s->done)
		s->done(s->ctx, id, status);
}

/* Send for the first in the queue; those that cannot be sent are settled. */
static void send_next(struct schedstats *s)
{
	while (s->n) {
		int err = s->send(s->ctx, request, sizeof(request) - 1);

		if (!err)
			return;
		put_error(s, s->queue[s->head].name, strerror(-err));
		settle(s, err);
	}
}

int schedstats_ask(struct schedstats *s, const char *name, u32 id)
{
	unsigned int at;
	int err = 0;

	if (!s->cfg)
		return -ENOTCONN;
	pthread_mutex_lock(&s->lock);
	if (s->ended) {
		err = -ESHUTDOWN;
	} else if (s->n == SCHEDSTATS_QUEUE ||
		   s->replies->map.len >= SCHEDSTATS_REPLIES_MAX) {
		err = -EBUSY;
	} else {
		at = (s->head + s->n) % SCHEDSTATS_QUEUE;
		snprintf(s->queue[at].name, sizeof(s->queue[at].name), "%s", name);
		s->queue[at].id = id;
		if (++s->n == 1)
			send_next(s);
	}
	pthread_mutex_unlock(&s->lock);
	return err;
}

/* --- replies ------------------------------------------------------------ */

static void keep_reply(struct schedstats *s, const char *name,
		       const struct value *resp)
{
	value_set(s->replies, name, value_copy(resp));
	snprintf(s->last, sizeof(s->last), "%s", name);
	s->last_ns = now_ns();
}

static void put_reply(struct schedstats *s, const char *name, int *status)
{
	struct value *v = NULL, *resp;
	struct diag d = { 0 };

	*status = -EPROTO;
	if (s->overlong) {
		put_error(s, name, "the reply is longer than 256 KiB");
		return;
	}
	if (value_from_json(s->line.data, s->line.len, &v, &d)) {
		put_error(s, name, "the reply is no JSON");
	} else if (value_as_int(value_get(v, "errno"), 0)) {
		*status = -(int)value_as_int(value_get(v, "errno"), EPROTO);
		put_error(s, name, value_as_str(value_path(v, "args.resp"),
						"the scheduler refused"));
	} else {
		resp = value_path(v, "args.resp");
		*status = resp ? 0 : -EPROTO;
		if (resp)
			keep_reply(s, name, resp);
		else
			put_error(s, name, "the reply has no args.resp");
	}
	diag_reset(&d);
	value_free(v);
}

static void end_line(struct schedstats *s)
{
	int status;

	/* What nobody asked for is not kept. */
	if (s->n) {
		put_reply(s, s->queue[s->head].name, &status);
		settle(s, status);
		send_next(s);
	}
	s->line.len = 0;
	s->overlong = false;
}

size_t schedstats_take(void *arg, const void *data, size_t len)
{
	struct schedstats *s = arg;
	const char *p = data;
	size_t i;

	if (!s->cfg)
		return len;
	pthread_mutex_lock(&s->lock);
	for (i = 0; i < len && !s->ended; i++) {
		if (p[i] == '\n')
			end_line(s);
		else if (s->line.len < SCHEDSTATS_LINE_MAX)
			buf_putc(&s->line, p[i]);
		else
			s->overlong = true;
	}
	pthread_mutex_unlock(&s->lock);
	return len;
}

void schedstats_stop(struct schedstats *s)
{
	if (!s->cfg)
		return;
	pthread_mutex_lock(&s->lock);
	while (s->n) {
		put_error(s, s->queue[s->head].name,
			  "the guest ended before the scheduler answered");
		settle(s, -ESHUTDOWN);
	}
	s->ended = true;
	pthread_mutex_unlock(&s->lock);
}

struct value *schedstats_last(struct schedstats *s, u64 *at_ns)
{
	struct value *v = NULL;

	if (!s->cfg)
		return NULL;
	pthread_mutex_lock(&s->lock);
	if (s->last[0]) {
		v = value_copy(value_get(s->replies, s->last));
		*at_ns = s->last_ns;
	}
	pthread_mutex_unlock(&s->lock);
	return v;
}

struct value *schedstats_result(struct schedstats *s)
{
	return s->cfg ? value_copy(s->replies) : NULL;
}

/* --- the clock ---------------------------------------------------------- */

/* When the next request is due, since the payload's start; 0: none. */
static u64 next_due(const struct schedstats *s)
{
	const struct scen_stats *c = &s->cfg->stats;
	u64 every = c->every_ns ? (s->nr_every + 1) * c->every_ns : 0;
	u64 at = s->next_at < c->at.n ? c->at.items[s->next_at] : 0;

	if (!every || !at)
		return every ? every : at;
	return min(every, at);
}

static void arm(struct schedstats *s)
{
	u64 due = next_due(s), now = now_ns() - s->start_ns;

	if (due)
		event_timer_arm(s->timer.fd, due > now ? due - now : 1, 0);
}

static void on_timer(struct event_source *src, u32 events)
{
	struct schedstats *s = container_of(src, struct schedstats, timer);
	const struct scen_stats *c = &s->cfg->stats;
	u64 now = now_ns() - s->start_ns, due;
	char name[64];

	(void)events;
	event_drain(src->fd);
	while ((due = next_due(s)) && due <= now) {
		if (s->next_at < c->at.n && c->at.items[s->next_at] == due) {
			snprintf(name, sizeof(name), "at_%llums",
				 (unsigned long long)(due / NSEC_PER_MSEC));
			s->next_at++;
		} else {
			snprintf(name, sizeof(name), "every_%u", ++s->nr_every);
		}
		schedstats_ask(s, name, 0);
	}
	arm(s);
}

int schedstats_watch(struct schedstats *s, struct event_loop *loop,
		     struct diag *d)
{
	if (!s->cfg || (!s->cfg->stats.every_ns && !s->cfg->stats.at.n))
		return 0;
	s->timer = (struct event_source){ event_timer_create(), on_timer };
	if (s->timer.fd < 0)
		return diag_fail(d, -EMFILE, NULL, "cannot create a timer");
	return event_add(loop, &s->timer, EPOLLIN, d);
}

void schedstats_begin(struct schedstats *s)
{
	if (s->timer.fd < 0)
		return;
	s->start_ns = now_ns();
	arm(s);
}
