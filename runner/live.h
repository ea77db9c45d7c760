/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * live: a scenario's machine with its devices, while it runs: where the floors
 * meet. Built, run to its end or its timeout, stopped; then what was heard and
 * counted is still there to be read, until it is destroyed.
 * Context: one thread owns it.
 */
#ifndef VMTAP_RUNNER_LIVE_H
#define VMTAP_RUNNER_LIVE_H

#include <stdbool.h>

#include "runner/dump.h"
#include "runner/heard.h"
#include "runner/inside.h"
#include "runner/mapwrite.h"
#include "runner/peek.h"
#include "runner/schedstats.h"
#include "runner/watchpoints.h"
#include "runner/snapshots.h"
#include "vmm/device.h"
#include "vmm/event.h"
#include "vmm/mem.h"

struct diag;
struct initramfs;
struct kernel;
struct kimage;
struct machine;
struct scenario;
struct virtio_blk;
struct virtio_console;
struct virtio_net;

/* Who takes what the guest writes to hvc0; a sink as virtio/console.h has it. */
struct live_tty {
	size_t (*take)(void *arg, const void *data, size_t len);
	void *arg;
	u16 cols, rows;
};

/* All pointers are the caller's and outlive the struct live. */
struct live_cfg {
	const struct scenario *scenario;
	const struct kernel *kernel;
	const struct kimage *image;	/* NULL: cannot be unpacked here */
	struct initramfs *initramfs;
	const char *dir;		/* for logs and scratch; NULL: none */
	double time_factor;		/* of all guest time limits, >= 1 */
	u64 seed;			/* of KASLR, where the scenario has none */
	void (*phase)(void *ctx, const char *name);	/* may be NULL */
	void *ctx;
	struct dump_policy dump;
	/* The machine is built and about to start; may be NULL. */
	int (*attach)(void *ctx, struct machine *m, struct diag *d);
	const struct live_tty *tty;	/* NULL: what hvc0 says is heard */
};

#define LIVE_MAX_DEVICES 3
/* Looks that are asked for at one time: as many as the agent has clients. */
#define LIVE_MAX_LOOKS 32

struct live {
	struct live_cfg cfg;
	const struct scenario *s;
	struct heard heard;
	struct virtio_console *console;
	struct virtio_blk *blk;		/* NULL: no disk */
	struct virtio_net *net;		/* NULL: no net */
	struct device devs[LIVE_MAX_DEVICES];
	struct device *dev_ptrs[LIVE_MAX_DEVICES];
	unsigned int nr_devs;
	struct buf cmdline;
	struct machine *m;
	struct inside inside;
	struct peek peek;
	struct schedstats stats;
	struct dump dump;
	struct mapwrite mapwrite;
	struct snapshots snapshots;
	struct value *reads;		/* what `read:` came to; NULL: nothing */
	struct watchpoints watchpoints;
	struct mem mem;			/* the machine's, as the devices see it */
	u64 timeout_ns;			/* scaled */
	u64 deadline_ns;		/* now_ns() at which the watchdog ends it */
	u64 begin_ns;			/* live_create() */
	u64 end_ns;			/* the machine met its end */
	/*
	 * The kernel's log, once it has stopped: from its own buffer in guest
	 * memory where that tells more than the serial console did.
	 */
	char *log;
	size_t log_len;
	bool timed_out;
	u64 timed_out_ns;		/* when */
	char starved[120];		/* after a timeout: the host had no time */

	/* private */
	bool heard_ready;
	struct event_loop loop;
	struct event_source end, watchdog, drain, news;
	u64 frozen_ns;			/* of machine_stood_ns(), left out by the watchdog */
	enum stage told;
	bool workload_told;
	u32 looks[LIVE_MAX_LOOKS];	/* that the guest waits for; heard's lock */
	unsigned int nr_looks;		/* ... and that */
	unsigned int look_tries;
};

/**
 * live_create() - build devices and machine, place kernel and initramfs
 * Return: 0 or -errno; live_destroy() in every case.
 */
int live_create(struct live *x, const struct live_cfg *cfg, struct diag *d);
/** live_run() - until the machine's end or the timeout; 0 or -errno */
int live_run(struct live *x, struct diag *d);
/** live_stop() - join vCPUs and workers, take the last words */
void live_stop(struct live *x);
void live_destroy(struct live *x);
/** live_wire_stats() - connect x->stats; part of live_create() */
void live_wire_stats(struct live *x);
/** live_look() - start who looks into the guest; part of live_run() */
int live_look(struct live *x, struct diag *d);
/** live_take_looks() - look for those who asked for it, and answer them */
void live_take_looks(struct live *x);
/**
 * live_look_at_hung() - capture and core of a guest whose time is up
 * As it hangs, before it is asked to end; part of live_run().
 */
void live_look_at_hung(struct live *x);
/**
 * live_say() - one frame to the agent; any thread
 * Return: false where it has no port open or does not read.
 */
bool live_say(struct live *x, u16 type, const void *payload, size_t len);

#endif
