/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * mapwrite: a scenario's `bpf_map_write:`. A thread waits until every map that
 * is written to is there, finds every place, then writes all of them while the
 * guest stands, and tells it. Nothing is written where one of them cannot be.
 *
 * A map of variables (.bss, .data: its name has a '.') is ready when a loaded
 * program uses it: its loader fills it before. Any other map is ready when it
 * is there. Each phase, to find the maps and to wait for their programs, has
 * 30 s of guest time.
 *
 * Context: all but the thread inside is the owner's one thread.
 */
#ifndef VMTAP_RUNNER_MAPWRITE_H
#define VMTAP_RUNNER_MAPWRITE_H

#include <pthread.h>

#include "freeze/bpfmap.h"
#include "runner/scenario.h"
#include "runner/verdict.h"

struct inside;
struct value;

/* One write, as far as it got. */
struct mapwrite_item {
	bool found;
	bool done;
	struct bpfmap map;
	u64 offset, size;
};

struct mapwrite {
	struct inside *inside;
	const struct scenario *s;
	double time_factor;		/* of the 30 s */
	/*
	 * Tell the guest: 0, or -errno and why. From the thread, once; may be
	 * NULL.
	 */
	void (*tell)(void *ctx, int status, const char *text);
	/*
	 * Stop the guest for the write, which so comes neither into a capture
	 * nor one by one to the guest: as machine_park(), machine_resume().
	 * From the thread.
	 */
	int (*park)(void *ctx);
	void (*resume)(void *ctx);
	void *ctx;

	/* private; the thread's while it runs, else the owner's */
	pthread_t thread;
	bool threaded;
	int stop_fd, timer_fd;
	u64 phase_ns;			/* now_ns() when this phase began; 0: not yet */
	bool all_found, over;
	bool postponed;			/* the guest did not stop for it */
	struct mapwrite_item *items;	/* as the scenario's list */
	char failure[300];		/* "" none */
};

/**
 * mapwrite_start() - @mw is zeroed but for its first members
 * Nothing happens where the scenario writes to no map.
 * Return: 0 or -errno. mapwrite_deinit() in every case.
 */
int mapwrite_start(struct mapwrite *mw, struct diag *d);
/** mapwrite_stage() - the guest got to @stage: look from the payload's start on */
void mapwrite_stage(struct mapwrite *mw, enum stage stage);
/** mapwrite_stop() - join the thread; what was not written never will be */
void mapwrite_stop(struct mapwrite *mw);
void mapwrite_deinit(struct mapwrite *mw);

/** mapwrite_failure() - one sentence, or NULL where all was written */
const char *mapwrite_failure(const struct mapwrite *mw);
/** mapwrite_result() - result.bpf_map_write; NULL where nothing was asked for */
struct value *mapwrite_result(const struct mapwrite *mw);

#endif
