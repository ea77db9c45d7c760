/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * block: what a report tells, in the order and with the choice of fields of
 * DESIGN section 5: message, severity, found, wanted, at and duration_ms
 * first, then the rest of the report's block, then the result by catalogue,
 * and the run directory and the command to repeat it last.
 */
#ifndef VMTAP_RUNNER_BLOCK_H
#define VMTAP_RUNNER_BLOCK_H

#include <stdbool.h>

struct buf;
struct report;

/**
 * block_print() - append the block's YAML lines, each behind @indent spaces
 * @number: the point's number; `index` is told where it differs; 0: never
 * @exact_name: `name` is told, since the test line could not hold it
 * Never more than TAP_MAX_BLOCK; what was left out is named. May append
 * nothing. Return: 0, -ENOMEM.
 */
int block_print(const struct report *r, unsigned int number, bool exact_name,
		unsigned int indent, struct buf *out);

#endif
