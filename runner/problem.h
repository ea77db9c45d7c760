/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * problem: errors and warnings about texts that people write, collected so
 * that one look at a file tells them all, each as
 *   file:line:col: error: what, expected what (did you mean 'x'?)
 * with the line and a caret under it.
 */
#ifndef VMTAP_RUNNER_PROBLEM_H
#define VMTAP_RUNNER_PROBLEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "vmm/base/diag.h"

struct buf;

enum problem_level { PROBLEM_ERROR, PROBLEM_WARNING };

struct problem {
	enum problem_level level;
	char *where;	/* "file:line:col: ", "file: " or "" */
	char *msg;
	char *line;	/* source line, may be cut; NULL: none */
	unsigned int caret;	/* bytes before the caret in line */
};

/* The text that loc refers to, for the excerpt; may be all zero. */
struct source_text {
	const char *data;
	size_t len;
};

/* Zeroed is empty. Beyond PROBLEMS_MAX only the counts go on. */
#define PROBLEMS_MAX 100
struct problems {
	struct problem *items;
	size_t n;
	size_t errors;
	size_t warnings;
};

/**
 * problem_add() - record one; formatting and memory trouble never loses the
 * count
 * @loc: may be NULL
 * @src: may be NULL
 * Return: -EINVAL, so that callers can write `return problem_add(...)`.
 */
int problem_add(struct problems *p, enum problem_level level,
		const struct loc *loc, const struct source_text *src,
		const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/** problems_format() - all of them as text, in order of position per file */
void problems_format(const struct problems *p, struct buf *out);
/** problems_print() - problems_format() to a stream */
void problems_print(const struct problems *p, FILE *out);
void problems_reset(struct problems *p);

/**
 * nearest_word() - the candidate that @word most likely meant
 * @next: returns the i-th candidate, NULL at the end
 * Return: NULL where none is near.
 */
const char *nearest_word(const char *word,
			 const char *(*next)(void *arg, size_t i), void *arg);

#endif
