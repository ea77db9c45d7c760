/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * peek: what the host reads of a guest's kernel while it runs: BPF programs,
 * and the monitor's runqueue samples. Memory is read in place, so no vCPU is
 * woken by a sample. Without `monitor:` there is no thread; BPF programs are
 * then looked for by the owner's slow timer, and cost two page walks where
 * none is loaded.
 *
 * Context: all but the sampling thread inside is the owner's one thread.
 */
#ifndef VMTAP_RUNNER_PEEK_H
#define VMTAP_RUNNER_PEEK_H

#include <pthread.h>

#include "freeze/bpfmap.h"
#include "freeze/monitor.h"
#include "runner/verdict.h"

struct heard;
struct inside;
struct ktype;
struct scen_monitor;
struct value;

/* A BPF program as it was first and last seen. */
struct peek_prog {
	struct bpfprog first, last;
};

/* A CPU's domains, from the bottom up. */
struct peek_domains {
	int nr;			/* -errno: cannot be read */
	struct sched_domain_info d[SCHED_MAX_DOMAINS];
};

struct peek {
	struct machine *m;
	struct inside *inside;
	struct heard *heard;
	const struct scen_monitor *cfg;	/* NULL: no monitor */
	/* The monitor's first verdict, in its thread; may be NULL. */
	void (*failed)(void *ctx, const char *why);
	void *ctx;

	/* private; the thread's while it runs, else the owner's */
	pthread_t thread;
	bool threaded;
	pthread_mutex_t lock;		/* while it runs: of all that a look changes */
	int stop_fd, timer_fd;
	bool broken;			/* the guest's kernel never will be found */
	struct sched sched;
	struct monitor monitor;
	struct monitor_cpu *sample;
	bool sampling;			/* sched, monitor and sample are set up */
	bool schedstats;
	size_t stimuli;			/* that the monitor knows of */
	struct peek_domains *domains;	/* of each CPU at the last look; may be NULL */
	u64 dropped;			/* samples that could not be read */
	bool progs_read;		/* the list was seen at least once */
	struct peek_prog *progs;
	size_t nr_progs;
	u64 progs_ns;			/* when they were looked for */
	bool finished;			/* the last look was taken */
	char reason[240];		/* why the monitor sees nothing */
};

/**
 * peek_start() - begin to look; @p is zeroed but for its first four members
 * Return: 0 or -errno. peek_deinit() in every case.
 */
int peek_start(struct peek *p, struct diag *d);
/** peek_tick() - look for BPF programs once, where the guest is far enough */
void peek_tick(struct peek *p);
/**
 * peek_stage() - the guest got to @stage
 * The monitor's timer runs while the payload does: a tick before it would
 * only take CPU time from the boot.
 */
void peek_stage(struct peek *p, enum stage stage);
/**
 * peek_look() - a sample now, and a look for BPF programs, whatever the clocks say
 * @verdict: the monitor's so far, "" none
 * Return: false where the guest could not be read, and may be later.
 */
bool peek_look(struct peek *p, char *verdict, size_t size);
/** peek_stop() - end the sampling; before the machine is joined */
void peek_stop(struct peek *p);
/** peek_finish() - a last look, where the guest came to no verdict; after the join */
void peek_finish(struct peek *p);
void peek_deinit(struct peek *p);

/** peek_failure() - the monitor's verdict in one sentence, or NULL */
const char *peek_failure(const struct peek *p);
/** peek_monitor() - result.monitor; NULL where there was none or it saw nothing */
struct value *peek_monitor(const struct peek *p);
/** peek_no_monitor() - why a monitor that was asked for saw nothing, or NULL */
const char *peek_no_monitor(const struct peek *p);
/** peek_verifier() - result.verifier; NULL where programs could not be read */
struct value *peek_verifier(const struct peek *p);

#endif
