/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * coordinator: who stops the guest, and when. One thread on an epoll loop:
 * requests (of the guest, a watchpoint, a failure), two clocks, the end. It
 * serves one at a time, in the order in which they came:
 *
 *	prepare() -> park all vCPUs (deadline) -> take() -> resume -> store()
 *
 * Past the deadline nothing is taken and store() is told why: the placeholder.
 * It knows no KVM and no capture: both are behind struct coordinator_ops, so
 * that a test freezes plain threads.
 *
 * The end, in this order: coordinator_kill(); the vCPUs are joined; the
 * devices' workers are joined; coordinator_join(); only then the vCPUs go,
 * what watches them is disarmed, and last guest memory goes.
 */
#ifndef VMTAP_FREEZE_COORDINATOR_H
#define VMTAP_FREEZE_COORDINATOR_H

#include <stdbool.h>

#include "vmm/base/util.h"

struct coordinator;
struct diag;

#define COORDINATOR_NAME_MAX 127
#define COORDINATOR_QUEUE_MAX 64
/* So many rendezvous in a row past their deadline end a clock. */
#define COORDINATOR_GIVE_UP 3
/* However late a stop is, the guest runs this long before it. */
#define COORDINATOR_REST_NS (NSEC_PER_SEC / 1000)

enum freeze_kind {
	FREEZE_GUEST,		/* the guest asked */
	FREEZE_PERIODIC,	/* the clock of captures */
	FREEZE_STOP,		/* the clock of stops: to stand still, for its own sake */
	FREEZE_WATCH,		/* a watchpoint was hit */
	FREEZE_FAILURE,		/* panic, timeout, stall, scheduler's exit */
};

/* One request as the callbacks see it. */
struct freeze_request {
	enum freeze_kind kind;
	char name[COORDINATOR_NAME_MAX + 1];
	char why[200];		/* for a person; "" */
	u64 cookie;		/* the requester's own */
	bool is_signed;		/* and so is that; of a hit */
	int vcpu;		/* held at its hit until served; -1: none */
	u64 asked_ns;		/* now_ns() */
};

/* What came of it. */
struct freeze_outcome {
	/*
	 * 0; -ETIMEDOUT the rendezvous; -ESHUTDOWN the machine ended first;
	 * else what take() returned.
	 */
	int err;
	u64 missing;		/* mask of vCPUs that did not come */
	u64 begin_ns;		/* now_ns() when the flag was set */
	u64 park_ns;		/* from then until all stood */
	u64 frozen_ns;		/* from then until they were let go; 0: never */
};

/* All are called in the coordinator's thread, but for hold(). */
struct coordinator_ops {
	/** before anybody stands; may be NULL */
	void (*prepare)(void *arg, const struct freeze_request *req);
	/** as machine_park() */
	int (*park)(void *arg, u64 timeout_ns, u64 *missing);
	/** as machine_resume() */
	u64 (*resume)(void *arg);
	/** as machine_hold(), machine_release(); NULL: nobody calls _hit() */
	void (*hold)(void *arg, u32 vcpu);
	void (*release)(void *arg, u32 vcpu);
	/** the guest stands still: read, within milliseconds; 0 or -errno */
	int (*take)(void *arg, const struct freeze_request *req,
		    struct freeze_outcome *out);
	/** the guest runs again: keep, reply. For placeholders, too */
	void (*store)(void *arg, const struct freeze_request *req,
		      const struct freeze_outcome *out);
};

struct coordinator_cfg {
	const struct coordinator_ops *ops;
	void *arg;
	u64 deadline_ns;	/* of a rendezvous */
};

/** coordinator_create() - 0 or -errno; no thread yet */
int coordinator_create(struct coordinator **c,
		       const struct coordinator_cfg *cfg, struct diag *d);
/** coordinator_start() - its thread, named vmtap-freeze; 0 or -errno */
int coordinator_start(struct coordinator *c, struct diag *d);

/**
 * coordinator_request() - queue one; does not wait
 * @name, @why: copied, cut; @why may be NULL
 * Return: 0: store() will be called, whatever comes of it; -ENOSPC too many
 * wait; -ESHUTDOWN it ended or never started. Context: any thread, vCPUs too.
 */
int coordinator_request(struct coordinator *c, enum freeze_kind kind,
			const char *name, const char *why, u64 cookie);
/**
 * coordinator_hit() - FREEZE_WATCH of vCPU @vcpu, which does not enter the
 * guest again before it was served: the capture shows what it just did
 * Return: as coordinator_request(). Context: the thread of that vCPU, in an
 * exit's handler; returns at once.
 */
int coordinator_hit(struct coordinator *c, u32 vcpu, const char *name,
		    const char *why, u64 cookie, bool is_signed);
/**
 * coordinator_capture() - request, and wait until store() has returned
 * Return: 0, as coordinator_request(), or the outcome's err.
 * Context: any thread but a vCPU's and the coordinator's own; no lock held
 * that take() or store() want.
 */
int coordinator_capture(struct coordinator *c, enum freeze_kind kind,
			const char *name, const char *why, u64 cookie);

enum freeze_clock {
	CLOCK_CAPTURES,		/* FREEZE_PERIODIC */
	CLOCK_STOPS,		/* FREEZE_STOP */
	NR_CLOCKS,
};

/**
 * coordinator_clock() - @n freezes spread evenly within the next @window_ns
 * One that is late is made at once; the next one keeps its own time.
 * Context: once for each clock, any thread.
 */
void coordinator_clock(struct coordinator *c, enum freeze_clock clock, u32 n,
		       u64 window_ns);
/** coordinator_clocks_end() - no more of either; @why: copied. Any thread */
void coordinator_clocks_end(struct coordinator *c, const char *why);

struct coordinator_clock_stats {
	u32 target, fired;	/* fired counts placeholders, too */
	u32 placeholders;
	char reason[200];	/* why fired < target; "" */
};

struct coordinator_stats {
	u64 frozen_ns;		/* all freezes together */
	u32 served;		/* requests, placeholders included */
	u32 placeholders;
	struct coordinator_clock_stats clocks[NR_CLOCKS];
};

/** coordinator_stats() - any thread, any time before destroy */
void coordinator_stats(struct coordinator *c, struct coordinator_stats *out);

/**
 * coordinator_kill() - serve nobody any more; what waits gets -ESHUTDOWN
 * Does not wait. Context: any thread, any time.
 */
void coordinator_kill(struct coordinator *c);
/** coordinator_join() - wait for the thread; kill comes first. One thread */
void coordinator_join(struct coordinator *c);
/** coordinator_destroy() - kill, join, free; NULL is fine */
void coordinator_destroy(struct coordinator *c);

#endif
