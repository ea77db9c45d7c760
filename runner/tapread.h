/* SPDX-License-Identifier: GPL-2.0-only */
/* tapread: reads back the TAP 13 that tap.h writes, strictly; for merging. */
#ifndef VMTAP_RUNNER_TAPREAD_H
#define VMTAP_RUNNER_TAPREAD_H

#include <stddef.h>

#include "runner/report.h"

struct diag;

struct tap_doc_point {
	enum outcome outcome;
	unsigned int index;	/* told by the block, else the point's number */
	char *text;		/* behind the number: name and directive; owned */
	char *block;		/* its lines without --- and ..., "" none; owned */
};

struct tap_doc {
	unsigned int plan;
	struct tap_doc_point *points;	/* fewer than the plan: it was cut */
	size_t n;
	bool indexed;		/* a point told its index */
	char *bail_out;		/* the reason; NULL: none; owned */
	char *comments;		/* `# ` lines but the totals; owned */
};

/**
 * tap_doc_parse() - @file is for messages only
 * A stream that ends early, even inside a block, is no error: what it holds
 * whole is read. Return: 0 and @out (tap_doc_reset()), -EINVAL with file and
 * line in @d, -ENOMEM.
 */
int tap_doc_parse(const char *data, size_t len, const char *file,
		  struct tap_doc *out, struct diag *d);
void tap_doc_reset(struct tap_doc *doc);

#endif
