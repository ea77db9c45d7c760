/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * event: an epoll loop with callbacks, run by one thread. Sources are added
 * and removed by that thread, or before it starts.
 */
#ifndef VMTAP_VMM_EVENT_H
#define VMTAP_VMM_EVENT_H

#include <stdbool.h>

#include "vmm/base/util.h"

struct diag;
struct event_loop;

/* Owned by the caller; must outlive its registration. */
struct event_source {
	int fd;
	/* Called in the loop's thread with the EPOLL* bits that are ready. */
	void (*ready)(struct event_source *src, u32 events);
};

struct event_loop {
	int epfd;
	int stop_fd;	/* eventfd: wakes the loop to end */
	struct event_source stop_src;
	bool stop;
};

/** event_loop_init() - 0 or -errno */
int event_loop_init(struct event_loop *loop, struct diag *d);
void event_loop_deinit(struct event_loop *loop);
/** event_add() - watch @src->fd for @events (EPOLLIN...); 0 or -errno */
int event_add(struct event_loop *loop, struct event_source *src, u32 events,
	      struct diag *d);
/** event_mod() - change the watched events */
int event_mod(struct event_loop *loop, struct event_source *src, u32 events);
/** event_del() - stop watching; the fd must still be open */
void event_del(struct event_loop *loop, struct event_source *src);
/** event_loop_run() - dispatch until event_loop_stop(); 0 or -errno */
int event_loop_run(struct event_loop *loop);
/**
 * event_loop_step() - dispatch at most one ready source; @timeout_ms -1 waits
 * Return: 1 dispatched, 0 nothing became ready, -errno.
 */
int event_loop_step(struct event_loop *loop, int timeout_ms);
/** event_loop_stop() - end event_loop_run(). Context: any thread, any time */
void event_loop_stop(struct event_loop *loop);

/** event_timer_create() - a CLOCK_MONOTONIC timerfd, disarmed; fd or -errno */
int event_timer_create(void);
/** event_timer_arm() - fire after @delay_ns, then every @period_ns (0: once) */
int event_timer_arm(int fd, u64 delay_ns, u64 period_ns);
/** event_drain() - read an eventfd or timerfd; the count, 0 when none */
u64 event_drain(int fd);

#endif
