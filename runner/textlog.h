/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * textlog: a stream of guest bytes, whole in a file up to a cap, and in memory
 * as its beginning and its latest part. Any guest may write for ever: both the
 * file and the memory are bounded, and what was left out is counted.
 * Context: not locked; one owner at a time.
 */
#ifndef VMTAP_RUNNER_TEXTLOG_H
#define VMTAP_RUNNER_TEXTLOG_H

#include <stdbool.h>

#include "vmm/base/buf.h"
#include "vmm/base/util.h"

struct diag;

#define TEXTLOG_HEAD_MAX KiB(512)	/* kept from the beginning */
#define TEXTLOG_TAIL_MAX KiB(512)	/* kept from the end */
#define TEXTLOG_FILE_MAX MiB(256)

struct textlog {
	int fd;			/* -1: no file */
	u64 bytes;		/* seen */
	u64 file_dropped;	/* not written: beyond the cap or a write error */
	int file_err;		/* first write error, -errno */
	bool tty;		/* \r\n is a line's end: the text has \n alone */
	struct buf head;
	struct buf tail;	/* what came after head; trimmed */
	u64 tail_dropped;
};

/** textlog_open() - @path is created on the first byte's flush; NULL: no file */
int textlog_open(struct textlog *log, const char *path, struct diag *d);
/** textlog_add() - append; a full disk is remembered, never fatal */
void textlog_add(struct textlog *log, const void *data, size_t len);
/**
 * textlog_text() - head and tail; where a middle was left out, a line says so;
 * of a tty without the \r that it puts before each \n
 * Return: owned by the caller; NULL without memory.
 */
char *textlog_text(const struct textlog *log, size_t *len);
void textlog_close(struct textlog *log);

#endif
