/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * report: the finished outcome of one case, as it crosses from the case's
 * process to the parent, lies in RUNDIR/<case>/result.json, and is printed.
 * All reporters (tap.h, junit.h, json.h) take the same const struct report.
 *
 * A run directory:
 *	run.json		json.h without results: what ran, in plan order
 *	<case>/result.json	report_save()
 *	<case>/console.log stdout stderr	raw bytes, whole
 */
#ifndef VMTAP_RUNNER_REPORT_H
#define VMTAP_RUNNER_REPORT_H

#include <stdbool.h>
#include <stddef.h>

struct buf;
struct diag;
struct value;

enum outcome {
	OUTCOME_PASS,
	OUTCOME_FAIL,
	OUTCOME_SKIP,		/* requires not met; never ran */
	OUTCOME_XFAIL,		/* failed as `xfail` said */
	OUTCOME_XPASS,		/* passed though `xfail` said it would not */
	OUTCOME_TIMEOUT,	/* a failure: the host watchdog fired */
	OUTCOME_ERROR,		/* a failure: vmtap's or the host's fault */
	OUTCOME_COUNT,
};

/** outcome_name() - "pass", "fail", ... as in JSON */
const char *outcome_name(enum outcome o);
/** outcome_parse() - the inverse; 0 or -EINVAL */
int outcome_parse(const char *name, enum outcome *out);
/** outcome_is_ok() - whether the test point begins `ok` */
bool outcome_is_ok(enum outcome o);

struct report {
	char *name;		/* any bytes; reporters sanitise */
	enum outcome outcome;
	char *reason;		/* why: the directive's text, one line; or NULL */
	unsigned int index;	/* from 1: place in the whole plan (over all shards) */
	/*
	 * What the block tells besides the result, in order. Reporters know
	 * message, severity, found, wanted, at (strings; first in this order),
	 * checks, dir and repro (last); other keys follow as they stand.
	 */
	struct value *block;
	struct value *result;	/* the names of fields.def; NULL: never ran */
};

/**
 * report_create() - an empty report: outcome error, empty block, no result
 * Return: NULL when out of memory. report_destroy() frees all of it.
 */
struct report *report_create(const char *name, unsigned int index);
void report_destroy(struct report *r);
/** report_set() - outcome and reason in one go; reason may be NULL; 0, -ENOMEM */
int report_set(struct report *r, enum outcome o, const char *reason);

/**
 * report_encode() - one line of JSON, newline included, exact: bytes that are
 * not UTF-8 and 64-bit addresses come back as they were
 */
int report_encode(const struct report *r, struct buf *out);
/** report_decode() - the inverse; -EINVAL with the place in @d */
int report_decode(const char *data, size_t len, struct report **out,
		  struct diag *d);

/**
 * report_save() - write result.json (tmp and rename): for people and tools,
 * every catalogue name present, null where there is nothing
 */
int report_save(const struct report *r, const char *path, struct diag *d);
/** report_load() - read what report_save() or report_encode() wrote */
int report_load(const char *path, struct report **out, struct diag *d);

/** report_to_value() - the document that report_save() writes; NULL: no memory */
struct value *report_to_value(const struct report *r);
/** report_from_value() - the inverse; copies what it keeps */
int report_from_value(const struct value *doc, struct report **out,
		      struct diag *d);

struct totals {
	unsigned int count[OUTCOME_COUNT];
};

void totals_add(struct totals *t, enum outcome o);
unsigned int totals_sum(const struct totals *t);
/** totals_print() - "pass:1 fail:0 xfail:0 xpass:0 skip:0 error:0"; a timeout is a fail */
int totals_print(const struct totals *t, struct buf *out);

/* Exit statuses; 2 and 3 are never used (kselftest: XFAIL and XPASS). */
#define EXIT_ALL_OK	0
#define EXIT_FAILED	1
#define EXIT_ALL_SKIP	4	/* ktap only: prove takes it for a failure */
#define EXIT_BAD_USAGE	64
#define EXIT_BAD_FILE	65
#define EXIT_NO_HOST	69
#define EXIT_OUR_FAULT	70

/**
 * totals_exit_status() - 0 or 1, 4 where all were skipped and @ktap
 * An error outcome is a failure (1): 70 is for a run that could not go on.
 * A run without any case is 0.
 */
int totals_exit_status(const struct totals *t, bool ktap);

#endif
