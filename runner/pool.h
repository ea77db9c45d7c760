/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pool: runs cases, each in a process of its own, some at a time, and brings
 * back one message stream per case: phases while it runs, a report at its end.
 *
 * A slot is either local (a child is forked for each case) or remote (a worker
 * at the far end of a socket, which forks there). Messages are lines:
 * `phase INDEX NAME` and `report INDEX JSON`; a request to a worker is
 * `case INDEX`, and now and then `ping`, which is answered by `pong`. What a
 * report says is not the pool's business.
 *
 * Children die with this process, whatever kills it (PR_SET_PDEATHSIG).
 * Context: all of it belongs to the thread that runs the event loop.
 */
#ifndef VMTAP_RUNNER_POOL_H
#define VMTAP_RUNNER_POOL_H

#include <stdbool.h>
#include <sys/types.h>

#include "vmm/event.h"

struct buf;
struct diag;
struct pool;

struct pool_ops {
	/*
	 * In the forked child: run case @index, tell phases with
	 * pool_send_phase(@fd, ...), append the report to @out: one line.
	 */
	void (*run)(void *ctx, size_t index, int fd, struct buf *out);
	/* In the parent: the case entered @phase. */
	void (*phase)(void *ctx, size_t index, const char *phase);
	/*
	 * In the parent: the case is over. @report is its line without the
	 * newline; NULL where the process ended without one, then @why tells.
	 */
	void (*done)(void *ctx, size_t index, const char *report, size_t len,
		     const char *why);
	/* In the parent: a slot is free; the next case's index or -1. */
	ssize_t (*next)(void *ctx);
	/* How long the case's process may take in all, in ns; 0: for ever. */
	u64 (*limit_ns)(void *ctx, size_t index);
	/*
	 * In the parent: the worker that had the case answers no more. True:
	 * next() gives the case once more; false, or NULL: done() is told.
	 */
	bool (*silent)(void *ctx, size_t index);
};

/* A worker is asked for a sign of life, and given up without one. */
#define POOL_PING_NS (10 * NSEC_PER_SEC)
#define POOL_SILENT_NS (60 * NSEC_PER_SEC)

/** pool_create() - an empty pool on @loop; NULL without memory */
struct pool *pool_create(struct event_loop *loop, const struct pool_ops *ops,
			 void *ctx);
/** pool_destroy() - kill what still runs, reap it, free */
void pool_destroy(struct pool *pool);

/** pool_add_local() - one more case may run here at the same time */
int pool_add_local(struct pool *pool, struct diag *d);
/**
 * pool_add_remote() - a worker that answers on @from_fd what it was asked on
 * @to_fd; both stay the caller's and outlive the pool, and may be the same
 * @lost: told when the far end went away, or (@silent) is there but of no use
 *	any more; the case in flight was reported
 *
 * The process must ignore SIGPIPE.
 */
int pool_add_remote(struct pool *pool, int from_fd, int to_fd,
		    void (*lost)(void *arg, bool silent), void *arg,
		    struct diag *d);

/** pool_fill() - give cases to all idle slots */
void pool_fill(struct pool *pool);
/**
 * pool_set_patience() - other times than POOL_PING_NS and POOL_SILENT_NS, ns
 *
 * For the workers that are added from now on.
 */
void pool_set_patience(struct pool *pool, u64 ping_ns, u64 silent_ns);
/** pool_busy() - how many slots have a case in flight */
unsigned int pool_busy(const struct pool *pool);
/** pool_running() - whether case @index is in flight */
bool pool_running(const struct pool *pool, size_t index);
/** pool_kill() - end every child at once and take no new case */
void pool_kill(struct pool *pool);

/** pool_send_phase() - child side: tell the parent */
void pool_send_phase(int fd, size_t index, const char *phase);
/** pool_send_report() - child side; a trailing newline in @report is fine */
int pool_send_report(int fd, size_t index, const char *report, size_t len);

#endif
