/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fields: the one catalogue of result names (fields.def). It drives the type
 * check of checks, the order of the TAP block, what --json holds and the
 * reference in the manual. To add a result name: one line in fields.def, the
 * code that fills it, one check that passes on it and one that fails.
 */
#ifndef VMTAP_RUNNER_FIELDS_H
#define VMTAP_RUNNER_FIELDS_H

#include <stdbool.h>
#include <stddef.h>

struct buf;
struct value;

enum field_type {
	FIELD_BOOL,
	FIELD_INT,
	FIELD_ADDR,	/* u64 shown as hex; a number to checks */
	FIELD_FLOAT,
	FIELD_STR,
	FIELD_TEXT,	/* guest bytes: a string to checks, quoted lines in TAP */
	FIELD_LIST,
	FIELD_MAP,	/* known names below it, listed in fields.def */
	FIELD_ANY,	/* whatever stands there and below it */
};

/* When a name is printed in the TAP block; --json holds every name. */
enum field_show { SHOW_ALWAYS, SHOW_FAIL, SHOW_NEVER };

/* Which direction of change `vmtap compare` calls a regression. */
enum field_better {
	BETTER_NONE,
	BETTER_LOWER,
	BETTER_HIGHER,
	BETTER_ZERO,	/* counts what is wrong: any rise is a regression */
};

struct field {
	const char *name;	/* "kvm.vcpu[].<stat>": [] any index, <x> any key */
	enum field_type type;
	const char *unit;	/* "ms", "bytes", "off|on" for an enumeration, "" */
	enum field_show show;
	enum field_better better;
	const char *doc;	/* one sentence */
	const char *absent;	/* why it may be null; NULL: as the name above */
};

extern const struct field fields[];
extern const size_t fields_count;

/* One step of a path: a key, or an index (key NULL). */
struct field_step {
	const char *key;
	size_t len;
};

/**
 * fields_find() - the catalogue entry for a path
 * @good: how many leading steps are known; set in every case
 * @any: set when the path lies below a FIELD_ANY entry, which is returned
 *
 * Return: the entry, or NULL; a step below a scalar is not found.
 */
const struct field *fields_find(const struct field_step *steps, size_t n,
				size_t *good, bool *any);

/**
 * fields_nearest() - the known key that is nearest to a wrong last step
 * Return: a key or a whole name, as long as @pool lives, or NULL where none is near.
 */
const char *fields_nearest(const struct field_step *steps, size_t n,
			   struct buf *pool);

/** fields_dotted() - a path as "kvm.vcpu[].exits"; appends; 0, -ENOMEM */
int fields_dotted(const struct field_step *steps, size_t n, struct buf *out);

/**
 * fields_why_absent() - why this name is null in @result
 * The result's own words ("absent", a map from dotted names, which the runner
 * fills) before the catalogue's.
 * @at: how many leading steps name what is null: the group or the name itself
 * Return: never NULL; belongs to @result or to the catalogue.
 */
const char *fields_why_absent(const struct field_step *steps, size_t n,
			      const struct value *result, size_t *at);

/**
 * fields_complete() - @result with every catalogue name in catalogue order
 * Null where there is nothing; below an absent group the group's null stands
 * for all of it. Names that the catalogue does not know come last.
 * Return: a new value, NULL when out of memory.
 */
struct value *fields_complete(const struct value *result);

/**
 * fields_reads_zero() - whether a missing value reads 0 where its group stands
 * So do sums and averages of KVM statistics that this host does not publish.
 */
bool fields_reads_zero(const struct field *f);

/**
 * fields_reference() - the names that @part stands in, for a person; NULL: all
 */
int fields_reference(const char *part, struct buf *out);

#endif
