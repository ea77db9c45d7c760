/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * diag: one sentence for a person about what failed, carried next to the
 * -errno that callers decide by. Whoever returns an error does not print it.
 */
#ifndef VMTAP_BASE_DIAG_H
#define VMTAP_BASE_DIAG_H

#include <stdarg.h>

/* A place in a text file; line and col count from 1, 0 means unknown. */
struct loc {
	const char *file;
	unsigned int line;
	unsigned int col;
};

/* Zero-initialised is empty; diag_reset() frees. */
struct diag {
	int err;	/* -errno, 0 while empty */
	char *msg;	/* owned; NULL while empty */
};

/**
 * diag_fail() - record what failed, replacing an earlier message
 * @d: may be NULL, then only the error travels
 * @err: negative errno
 * @loc: where, printed as `file:line:col: `; may be NULL
 *
 * Return: @err, so that callers can write `return diag_fail(...)`.
 */
int diag_fail(struct diag *d, int err, const struct loc *loc,
	      const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/**
 * diag_wrap() - put one clause of context in front of the recorded message
 *
 * Return: @err.
 */
int diag_wrap(struct diag *d, int err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/** diag_text() - the message, or strerror() where none was recorded; never NULL */
const char *diag_text(const struct diag *d);

/** diag_reset() - free the message and make @d empty again */
void diag_reset(struct diag *d);

#endif
