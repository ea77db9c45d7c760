/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fakecpu: threads in place of vCPUs, for the rendezvous. A fake vCPU "runs
 * the guest" by sleeping until it is kicked, exactly as KVM_RUN does: it
 * returns at once where immediate_exit was set before. Each is somewhere else:
 * halted, in guest code, in a device exit, preempted.
 */
#ifndef VMTAP_SELFTESTS_FAKECPU_H
#define VMTAP_SELFTESTS_FAKECPU_H

#include <pthread.h>

#include "vmm/park.h"

#define FAKES 8

struct fakes;

struct fake {
	struct fakes *all;
	unsigned int index;
	pthread_t thread;
	int kick_fd;		/* the signal */
	bool immediate_exit;
	bool deaf;		/* does not look at its kicks */
	bool leave;		/* ends at the next look */
	bool late;		/* joins only when this is cleared */
	u64 progress;
};

struct fakes {
	struct park park;
	bool ended;
	/* Each time that fake vCPU 0 runs; may be NULL. Set before the start. */
	void (*on_run)(void *arg, struct fake *f);
	void *arg;
	struct fake f[FAKES];
};

/** fakes_start() - all zeroed before, but for on_run; waits until they run */
void fakes_start(struct fakes *all);
/** fakes_end() - as the machine's end: nobody parks, all leave. Any thread */
void fakes_end(struct fakes *all);
/** fakes_join() - after fakes_end() */
void fakes_join(struct fakes *all);
u64 fakes_members(struct fakes *all);
/** fakes_progress() - how often they ran, together */
u64 fakes_progress(const struct fakes *all);
void fake_set(bool *flag, bool value);
/** fake_deafen() - from now on it does not look at its kicks */
void fake_deafen(struct fake *f);

#endif
