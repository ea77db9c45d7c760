/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tap: the writer of stdout, the only one. TAP 13 in the dialect that every
 * consumer reads alike (DESIGN section 5), or KTAP 1 for kselftest. Any bytes
 * may come in as names, reasons and values; what goes out is valid. A point
 * and its block leave in one write.
 */
#ifndef VMTAP_RUNNER_TAP_H
#define VMTAP_RUNNER_TAP_H

#include <stdbool.h>
#include <stddef.h>

#include "runner/report.h"

enum tap_format { TAP_13, TAP_KTAP };

struct tap;

#define TAP_MAX_LINE	(8 * 1024)
#define TAP_MAX_BLOCK	(64 * 1024)

/**
 * tap_create() - begin a stream on @fd; writes the version line and the plan
 * @count: test points to come (0: `1..0 # SKIP @why`)
 * @why: for a plan of 0 only
 *
 * With KSFT_TAP_LEVEL in the environment the version line is left out in the
 * ktap format. A reader that is stopped or gone never blocks the caller.
 * Return: NULL when out of memory.
 */
struct tap *tap_create(int fd, enum tap_format format, unsigned int count,
		       const char *why);

/**
 * tap_point() - the next test point with its block; counts the totals
 * `index` is told in the block where it is not the point's own number.
 * Return: 0, -ENOMEM, or the errno that ended writing (-EPIPE): the caller
 * keeps on for the sake of the result files.
 */
int tap_point(struct tap *t, const struct report *r);

/** tap_comment() - a `# ` line between points (the seed, a warning) */
int tap_comment(struct tap *t, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/** tap_bail_out() - `Bail out! why`; nothing but tap_finish() may follow */
int tap_bail_out(struct tap *t, const char *why);

/** tap_flush() - wait at most @timeout_ms until all is written; as tap_finish() */
int tap_flush(struct tap *t, int timeout_ms);

/**
 * tap_finish() - the totals line, then wait for the reader
 * @timeout_ms: -1 waits without end; after a signal give what is left of the
 * second
 * Return: 0, -ETIMEDOUT, or the errno that ended writing.
 */
int tap_finish(struct tap *t, int timeout_ms);
void tap_destroy(struct tap *t);

const struct totals *tap_totals(const struct tap *t);

/** tap_sanitize_name() - @name as it may stand in a test line; appends */
int tap_sanitize_name(const char *name, struct buf *out);

#endif
