/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * textlog: a stream of guest bytes, whole in a file up to a cap, and in memory
 * as its beginning and its latest part. Any guest may write for ever: both the
 * file and the memory are bounded, and what was left out is counted. The file
 * is written by a thread of its own (logfile.h): no caller waits for a disk.
 * Context: not locked; one owner at a time.
 */
#ifndef VMTAP_RUNNER_TEXTLOG_H
#define VMTAP_RUNNER_TEXTLOG_H

#include <stdbool.h>

#include "vmm/base/buf.h"
#include "vmm/base/util.h"

struct diag;
struct logfile;

#define TEXTLOG_HEAD_MAX KiB(512)	/* kept from the beginning */
#define TEXTLOG_TAIL_MAX KiB(512)	/* kept from the end */
#define TEXTLOG_FILE_MAX MiB(256)
#define TEXTLOG_PATIENCE_MS 10000	/* a file that takes nothing for so long is given up */

struct textlog {
	struct logfile *file;	/* NULL: none */
	u64 bytes;		/* seen */
	u64 file_dropped;	/* set by textlog_finish(): not in the file */
	int file_err;		/* likewise: first write error, -errno */
	bool tty;		/* \r\n is a line's end: the text has \n alone */
	struct buf head;
	struct buf tail;	/* what came after head; trimmed */
	u64 tail_dropped;
};

/** textlog_open() - create @path; NULL: no file */
int textlog_open(struct textlog *log, const char *path, struct diag *d);
/** textlog_add() - append; a full or slow disk is remembered, never waited for */
void textlog_add(struct textlog *log, const void *data, size_t len);
/**
 * textlog_text() - head and tail; where a middle was left out, a line says so;
 * of a tty without the \r that it puts before each \n
 * Return: owned by the caller; NULL without memory.
 */
char *textlog_text(const struct textlog *log, size_t *len);
/** textlog_finish() - wait for the file, and tell what is not in it */
void textlog_finish(struct textlog *log);
void textlog_close(struct textlog *log);

#endif
