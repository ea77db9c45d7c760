/* SPDX-License-Identifier: GPL-2.0-only */
/* kept: a run that was kept, read back for the verbs that look at it. */
#ifndef VMTAP_RUNNER_KEPT_H
#define VMTAP_RUNNER_KEPT_H

#include <stddef.h>

struct diag;
struct report;
struct value;

struct kept_case {
	struct report *report;
	char *dir;	/* the case's folder as a path; NULL: none known */
};

struct kept {
	struct value *doc;	/* run.json or --json less its cases; or NULL */
	struct kept_case *cases;
	size_t n;
};

/**
 * kept_load() - read a run directory, a --json document or one result.json
 * Of a run that did not finish (no run.json) the cases that did are read.
 * Return: 0; -EINVAL or -errno with @d.  @out is kept_reset()'s.
 */
int kept_load(const char *path, struct kept *out, struct diag *d);
void kept_reset(struct kept *k);

#endif
