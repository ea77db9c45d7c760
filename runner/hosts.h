/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hosts: the nested hosts of one run and the workers in them, joined to the
 * pool as remote slots. A host that is lost fails the case in flight; another
 * one takes its place, a few times.
 */
#ifndef VMTAP_RUNNER_HOSTS_H
#define VMTAP_RUNNER_HOSTS_H

#include "vmm/event.h"

struct diag;
struct hosts;
struct pool;

struct hosts_cfg {
	struct event_loop *loop;
	struct pool *pool;
	unsigned int count;
	u64 guest_memory;		/* bytes that one case may use */
	const char *const *argv;	/* the worker; NULL-terminated; kept */
	/* A host is up (boot_ms) and its worker takes cases. */
	void (*up)(void *ctx, u64 boot_ms, double factor);
	/* No host is left and none can be started: why. */
	void (*none)(void *ctx, const char *why);
	void *ctx;
};

/** hosts_start() - start them all; they join the pool as they come up */
int hosts_start(const struct hosts_cfg *cfg, struct hosts **out, struct diag *d);
/** hosts_destroy() - end them; NULL is fine. After the pool, before the loop */
void hosts_destroy(struct hosts *h);
/** hosts_factor() - the largest speed factor measured so far, at least 1 */
double hosts_factor(const struct hosts *h);

#endif
