/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * outputs: all that a run tells, as one: TAP on stdout, and where asked for
 * JUnit, JSON and the run folder's run.json. A file that can't be written is
 * told on stderr and does not appear; the others and the stream go on, as the
 * files do when stdout has no reader any more.
 */
#ifndef VMTAP_RUNNER_OUTPUTS_H
#define VMTAP_RUNNER_OUTPUTS_H

#include "runner/tap.h"

struct diag;
struct outputs;
struct report;
struct value;

/* Strings are the caller's and outlive the outputs. */
struct outputs_cfg {
	enum tap_format format;
	unsigned int count;	/* test points to come */
	const char *why_none;	/* for a plan of 0 */
	const char *junit, *json, *index;	/* paths; NULL: none */
	const struct value *what;	/* what was asked for; for the JSON documents */
};

/** outputs_create() - open the files, then begin the TAP stream; 0, -errno */
int outputs_create(const struct outputs_cfg *cfg, struct outputs **out,
		   struct diag *d);
/** outputs_tap() - for comments and Bail out! */
struct tap *outputs_tap(struct outputs *o);
/** outputs_case() - the next report; @dir: its folder in the run's, or NULL */
void outputs_case(struct outputs *o, const struct report *r, const char *dir);
/**
 * outputs_finish() - totals, files
 * @bail: why the run did not go on; NULL
 * @timeout_ms: how long to wait for stdout's reader, -1 without end
 * Return: 0, or the errno that kept a file or the stream from being whole (it
 * was told); -ETIMEDOUT where the reader is slow.
 */
int outputs_finish(struct outputs *o, int exit_status, const char *bail,
		    int timeout_ms);
void outputs_destroy(struct outputs *o);

#endif
