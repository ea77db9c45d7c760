/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * json: the --json FILE reporter and run.json: one document per run, written
 * case by case into a temporary file and renamed at the end.
 *
 *	{"vmtap": version, "format": 1, "run": {...}, "cases": [report...],
 *	 "totals": {...}, "exit_status": n, "bail_out": null}
 */
#ifndef VMTAP_RUNNER_JSON_H
#define VMTAP_RUNNER_JSON_H

#include <stdbool.h>

#include "runner/report.h"

struct diag;
struct json_report;
struct value;

/**
 * json_create() - open a temporary file beside @path
 * @run: what was asked for (seed, kernel, arguments); copied into the document
 * @with_results: false leaves the result tree of each case out (run.json)
 */
int json_create(const char *path, const struct value *run, bool with_results,
		struct json_report **out, struct diag *d);
/**
 * json_case() - one more case
 * @dir: the case's folder below the run directory, or NULL
 *
 * The first error is told in @d, is returned from then on, and leaves no file.
 */
int json_case(struct json_report *j, const struct report *r, const char *dir,
	      struct diag *d);
/** json_finish() - totals, then the final name; @bail_out may be NULL */
int json_finish(struct json_report *j, const struct totals *t, int exit_status,
		const char *bail_out, struct diag *d);
/** json_destroy() - without json_finish() the temporary file is removed */
void json_destroy(struct json_report *j);

#endif
