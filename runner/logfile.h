/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * logfile: a file of guest text, written by a thread of its own, so that a
 * slow disk or a stopped reader holds up neither a vCPU nor a device's worker.
 * LOGFILE_ROOM bytes may wait; what does not fit in and what lies beyond the
 * file's cap is dropped, and in its place stands a line that tells how much.
 * Whoever must lose nothing asks for room first.
 *
 * Context: any thread; each function takes the file's own lock, and none but
 * the two that say so waits for the disk.
 */
#ifndef VMTAP_RUNNER_LOGFILE_H
#define VMTAP_RUNNER_LOGFILE_H

#include <stdbool.h>
#include <stddef.h>

#include "vmm/base/util.h"

struct diag;
struct logfile;

#define LOGFILE_ROOM KiB(512)

struct logfile_stats {
	u64 dropped;	/* bytes that are not in the file */
	int err;	/* that ended writing; -errno */
};

/**
 * logfile_open() - create @path; the thread starts with the first byte
 * @cap: the file grows no further (bytes); at least 4096
 * Return: 0 or -errno.
 */
int logfile_open(struct logfile **ret, const char *path, u64 cap,
		 struct diag *d);
/** logfile_add() - queue @data or count it as dropped; never waits */
void logfile_add(struct logfile *f, const void *data, size_t len);
/**
 * logfile_room() - would @len bytes, at most LOGFILE_ROOM, not be dropped for
 * want of room? Where they would, @wake is called once there is, by the
 * writing thread, with the file's lock held; NULL is fine.
 */
bool logfile_room(struct logfile *f, size_t len, void (*wake)(void *arg),
		  void *arg);
/**
 * logfile_flush() - wait until nothing is left to write, or nothing was
 * written for @patience_ms: then all that waits, and all to come, is dropped
 */
void logfile_flush(struct logfile *f, unsigned int patience_ms);
/** logfile_stats() - so far; final after logfile_flush() */
struct logfile_stats logfile_stats(struct logfile *f);
/**
 * logfile_close() - flush and free; no @wake is called any more; NULL is fine
 * A file that a write error cut is renamed to "<path>.cut".
 */
void logfile_close(struct logfile *f);

#endif
