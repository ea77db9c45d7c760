// SPDX-License-Identifier: GPL-2.0-only
/* A thread that writes so that its owner never waits for a reader; sink.h. */
#include "runner/sink.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "vmm/base/util.h"

#define SINK_MAX_WAITING MiB(64)

struct piece {
	struct piece *next;
	size_t len;
	char data[];
};

/* All fields below lock belong to it; fd never changes. */
struct sink {
	int fd;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t work;	/* to the thread: a piece, or stop */
	pthread_cond_t done;	/* to the owner: less waits, or an error */
	struct piece *head;
	struct piece **tail;
	size_t waiting;		/* bytes queued or in write(2) */
	int err;		/* that ended writing */
	bool stop;
};

static int write_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);

		if (n < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

/* Lock held. After an error nothing is written, but the queue still empties. */
static void write_first(struct sink *s)
{
	struct piece *p = s->head;
	int err = s->err;

	s->head = p->next;
	if (!s->head)
		s->tail = &s->head;
	if (!err) {
		pthread_mutex_unlock(&s->lock);
		err = write_all(s->fd, p->data, p->len);
		pthread_mutex_lock(&s->lock);
	}
	s->err = err;
	s->waiting -= p->len;
	free(p);
	pthread_cond_broadcast(&s->done);
}

static void *sink_main(void *arg)
{
	struct sink *s = arg;
	int old;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old);
	pthread_mutex_lock(&s->lock);
	while (!s->stop) {
		if (s->head)
			write_first(s);
		else
			pthread_cond_wait(&s->work, &s->lock);
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

/* The thread takes no signal, so that its owner's handling stays as it is. */
static int start_thread(struct sink *s)
{
	sigset_t all, old;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(&s->thread, NULL, sink_main, s);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return err;
}

struct sink *sink_create(int fd)
{
	struct sink *s = calloc(1, sizeof(*s));
	pthread_condattr_t attr;

	if (!s)
		return NULL;
	s->fd = fd;
	s->tail = &s->head;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->work, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&s->done, &attr);
	pthread_condattr_destroy(&attr);
	if (start_thread(s)) {
		free(s);
		return NULL;
	}
	return s;
}

int sink_write(struct sink *s, const void *data, size_t len)
{
	struct piece *p;
	int err;

	if (!len)
		return 0;
	p = malloc(sizeof(*p) + len);
	if (!p)
		return -ENOMEM;
	p->next = NULL;
	p->len = len;
	memcpy(p->data, data, len);
	pthread_mutex_lock(&s->lock);
	while (!s->err && s->waiting && s->waiting + len > SINK_MAX_WAITING)
		pthread_cond_wait(&s->done, &s->lock);
	err = s->err;
	if (!err) {
		*s->tail = p;
		s->tail = &p->next;
		s->waiting += len;
		pthread_cond_signal(&s->work);
		p = NULL;
	}
	pthread_mutex_unlock(&s->lock);
	free(p);
	return err;
}

int sink_flush(struct sink *s, int timeout_ms)
{
	struct timespec until;
	int err = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	if (timeout_ms > 0) {
		u64 ns = (u64)until.tv_nsec + timeout_ms * NSEC_PER_MSEC;

		until.tv_sec += (time_t)(ns / NSEC_PER_SEC);
		until.tv_nsec = (long)(ns % NSEC_PER_SEC);
	}
	pthread_mutex_lock(&s->lock);
	while (s->waiting && !s->err && !err) {
		if (timeout_ms < 0)
			pthread_cond_wait(&s->done, &s->lock);
		else
			err = pthread_cond_timedwait(&s->done, &s->lock,
						     &until);
	}
	err = s->err ? s->err : s->waiting ? -ETIMEDOUT : 0;
	pthread_mutex_unlock(&s->lock);
	return err;
}

/* Nobody may free what a thread in write(2) still uses: the end leaks it. */
static bool let_go_if_stuck(struct sink *s)
{
	bool stuck;

	pthread_mutex_lock(&s->lock);
	s->stop = true;
	pthread_cond_signal(&s->work);
	stuck = s->waiting && !s->err && !s->head;
	pthread_mutex_unlock(&s->lock);
	return stuck;
}

void sink_destroy(struct sink *s)
{
	struct piece *p, *next;

	if (!s)
		return;
	pthread_mutex_lock(&s->lock);
	for (p = s->head; p; p = next) {
		next = p->next;
		s->waiting -= p->len;
		free(p);
	}
	s->head = NULL;
	s->tail = &s->head;
	pthread_mutex_unlock(&s->lock);
	if (let_go_if_stuck(s)) {
		pthread_detach(s->thread);
		return;
	}
	pthread_join(s->thread, NULL);
	pthread_cond_destroy(&s->work);
	pthread_cond_destroy(&s->done);
	pthread_mutex_destroy(&s->lock);
	free(s);
}
