// SPDX-License-Identifier: GPL-2.0-only
/* The epoll loop; see event.h. */
#include "vmm/event.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "vmm/base/diag.h"

static void event_stop_ready(struct event_source *src, u32 events)
{
	struct event_loop *loop = container_of(src, struct event_loop, stop_src);

	(void)events;
	event_drain(src->fd);
	loop->stop = true;
}

int event_loop_init(struct event_loop *loop, struct diag *d)
{
	int err;

	*loop = (struct event_loop){ .epfd = -1, .stop_fd = -1 };
	loop->epfd = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epfd < 0)
		return diag_fail(d, -errno, NULL, "epoll_create1: %m");
	loop->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (loop->stop_fd < 0) {
		err = diag_fail(d, -errno, NULL, "eventfd: %m");
		goto fail;
	}
	loop->stop_src = (struct event_source){ loop->stop_fd, event_stop_ready };
	err = event_add(loop, &loop->stop_src, EPOLLIN, d);
	if (err)
		goto fail;
	return 0;
fail:
	event_loop_deinit(loop);
	return err;
}

void event_loop_deinit(struct event_loop *loop)
{
	if (loop->stop_fd >= 0)
		close(loop->stop_fd);
	if (loop->epfd >= 0)
		close(loop->epfd);
	loop->stop_fd = -1;
	loop->epfd = -1;
}

int event_add(struct event_loop *loop, struct event_source *src, u32 events,
	      struct diag *d)
{
	struct epoll_event ev = { .events = events, .data.ptr = src };

	if (epoll_ctl(loop->epfd, EPOLL_CTL_ADD, src->fd, &ev) < 0)
		return diag_fail(d, -errno, NULL, "epoll_ctl: %m");
	return 0;
}

int event_mod(struct event_loop *loop, struct event_source *src, u32 events)
{
	struct epoll_event ev = { .events = events, .data.ptr = src };

	return epoll_ctl(loop->epfd, EPOLL_CTL_MOD, src->fd, &ev) < 0 ? -errno : 0;
}

void event_del(struct event_loop *loop, struct event_source *src)
{
	epoll_ctl(loop->epfd, EPOLL_CTL_DEL, src->fd, NULL);
}

/*
 * One event a round: a callback may remove and free any other source, which a
 * batch fetched earlier would still name.
 */
int event_loop_step(struct event_loop *loop, int timeout_ms)
{
	struct event_source *src;
	struct epoll_event ev;
	int n = epoll_wait(loop->epfd, &ev, 1, timeout_ms);

	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	if (!n)
		return 0;
	src = ev.data.ptr;
	src->ready(src, ev.events);
	return 1;
}

int event_loop_run(struct event_loop *loop)
{
	while (!loop->stop) {
		int rc = event_loop_step(loop, -1);

		if (rc < 0)
			return rc;
	}
	loop->stop = false;
	return 0;
}

void event_loop_stop(struct event_loop *loop)
{
	eventfd_write(loop->stop_fd, 1);
}

int event_timer_create(void)
{
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);

	return fd < 0 ? -errno : fd;
}

int event_timer_arm(int fd, u64 delay_ns, u64 period_ns)
{
	struct itimerspec its = {
		.it_value = {
			.tv_sec = (time_t)(delay_ns / NSEC_PER_SEC),
			.tv_nsec = (long)(delay_ns % NSEC_PER_SEC),
		},
		.it_interval = {
			.tv_sec = (time_t)(period_ns / NSEC_PER_SEC),
			.tv_nsec = (long)(period_ns % NSEC_PER_SEC),
		},
	};

	return timerfd_settime(fd, 0, &its, NULL) < 0 ? -errno : 0;
}

u64 event_drain(int fd)
{
	u64 count = 0;

	return read(fd, &count, sizeof(count)) == sizeof(count) ? count : 0;
}
