/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * matrix: a scenario's `matrix` as axes, and its combinations. Values are
 * parsed once when the matrix is read, so that each error is told once.
 */
#ifndef VMTAP_RUNNER_MATRIX_H
#define VMTAP_RUNNER_MATRIX_H

#include "runner/scenario_doc.h"

#define MATRIX_MAX_CASES 100000u
#define MATRIX_MAX_AXES 32u
#define MATRIX_MAX_VALUES 4096u	/* of one axis */
#define MATRIX_MAX_ENTRIES 1000u	/* of exclude and of include */

struct axis_value {
	const struct ynode *node;
	const char *raw;	/* its text, for exclude */
	const char *text;	/* the same as it stands in a name, unique */
};

struct axis {
	const char *key;
	const char *label;
	struct key_ref ref;
	const struct ynode *at;	/* the key */
	struct axis_value *values;
	u32 n;
};

struct matrix_pick {
	const struct axis *axis;
	u32 value;
};

struct matrix_combo {
	const struct matrix_pick *picks;
	size_t n;
};

/* One entry of exclude: all of its terms hold. */
struct exclude_term {
	const struct axis *axis;
	bool *hit;		/* per value of the axis */
};

struct matrix_exclude {
	struct exclude_term *terms;
	size_t n;
};

struct matrix_constraints {
	u32 min_cpus, max_cpus;		/* max 0: none */
	u32 min_nodes, max_nodes;
	u32 min_llcs, max_llcs;
	bool requires_smt;
};

/* Everything lies in the doc's arena. */
struct matrix {
	struct axis *axes;
	size_t nr_axes;
	struct matrix_exclude *excludes;
	size_t nr_excludes;
	struct matrix_combo *includes;
	size_t nr_includes;
	struct matrix_constraints constraints;
};

/**
 * matrix_read() - the matrix of @doc, empty where it has none
 * Return: 0, -EINVAL (in @p), -ENOMEM.
 */
int matrix_read(struct scenario_doc *doc, struct problems *p,
		struct matrix *ret);
/**
 * matrix_name_text() - a value as it may stand in a name: no character that TAP,
 * globs or [k=v,...] use; at most 64 bytes; NULL: out of memory
 */
const char *matrix_name_text(struct arena *a, const char *raw);
/** matrix_names_kernel() - does a parameter choose the kernel? */
bool matrix_names_kernel(const struct matrix *m);
/**
 * matrix_each() - the combinations in order (last axis fastest), then the
 * included ones; one empty combination where there is no matrix
 * Return: the first nonzero value of @fn.
 */
int matrix_each(const struct matrix *m,
		int (*fn)(void *arg, const struct matrix_pick *picks, size_t n),
		void *arg);
/** matrix_allows() - does the resolved scenario meet the constraints? */
bool matrix_allows(const struct matrix *m, const struct scenario *sc);

#endif
