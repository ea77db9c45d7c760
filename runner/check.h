/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * check: a scenario's list of checks, and what they found on a result. Pure:
 * no VM, clock or file. Compile before boot, evaluate after.
 */
#ifndef VMTAP_RUNNER_CHECK_H
#define VMTAP_RUNNER_CHECK_H

#include <stddef.h>

#include "vmm/base/diag.h"

struct expr;
struct value;

struct check {
	char *text;	/* owned */
	char *file;	/* owned; NULL: no place known */
	struct loc at;	/* at.file is @file */
	struct expr *expr;
};

/**
 * check_compile() - parse @text and check its names and types
 * @at: place of the text's first character; may be NULL
 * Return: 0, -EINVAL with file:line:col in @d, -ENOMEM. @out is set on 0 only.
 */
int check_compile(const char *text, const struct loc *at, struct check *out,
		  struct diag *d);
void check_deinit(struct check *c);

/**
 * checks_eval() - evaluate all checks
 * @out: list with one map per check, in order: check (text), outcome ("pass"
 * or "fail"), at, and where it failed message, found, wanted and values (one
 * "name = value" line per name); caller frees
 * @failed: how many failed
 *
 * Return: 0, -ENOMEM.
 */
int checks_eval(const struct check *checks, size_t n,
		const struct value *result, struct value **out, size_t *failed);

/**
 * checks_explain() - put what failed into a report's block
 * Sets message, found, wanted and at from the first failed check where the
 * block has no message yet, and `checks` to the list of failed ones.
 * Return: 0, -ENOMEM.
 */
int checks_explain(const struct value *outcomes, struct value *block);

#endif
