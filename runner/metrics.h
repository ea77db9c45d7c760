/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * metrics: the text of METRICS frames as a tree. A line is a path, '=' and a
 * number or a quoted text:
 *
 *	pinned=6
 *	workers[0].cpu_ns=1200
 *	cgroups["a.b"].cpu_ns=7
 *	workers[0].name="hogs"
 *
 * The guest is hostile: depth, length and number are bounded, an index is that
 * of an item that is there or the next one, and what does not fit is dropped.
 */
#ifndef VMTAP_RUNNER_METRICS_H
#define VMTAP_RUNNER_METRICS_H

#include <stddef.h>

struct value;

#define METRICS_MAX 262144	/* figures of one guest */
#define METRICS_KEYS 4096	/* in one map: the search for one is linear */
#define METRICS_DEPTH 8
#define METRICS_NAME_MAX 127
#define METRICS_TEXT_MAX 255

/**
 * metrics_add() - take the lines of one frame
 * @root: a map
 * @nr: figures so far, all frames together
 * Return: lines that were dropped.
 */
size_t metrics_add(struct value *root, size_t *nr, const char *text, size_t len);

#endif
