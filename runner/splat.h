/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * splat: the kernel's own complaints in its log: panics, oopses, warnings,
 * lockdep, sanitizers, stalls and lockups, classified line by line.
 */
#ifndef VMTAP_RUNNER_SPLAT_H
#define VMTAP_RUNNER_SPLAT_H

#include <stdbool.h>
#include <stddef.h>

enum splat_kind {
	SPLAT_PANIC,
	SPLAT_OOPS,	/* oops, general protection fault, kernel BUG at */
	SPLAT_BUG,	/* BUG: other than below */
	SPLAT_WARNING,
	SPLAT_LOCKDEP,
	SPLAT_KASAN,	/* KASAN, KFENCE, KCSAN, KMSAN */
	SPLAT_UBSAN,
	SPLAT_RCU_STALL,
	SPLAT_SOFT_LOCKUP,
	SPLAT_HARD_LOCKUP,
	SPLAT_HUNG_TASK,
	SPLAT_KINDS
};

struct splat {
	enum splat_kind kind;
	char *text;		/* the line without time stamp and level */
	unsigned int line;	/* of the log, from 1 */
	size_t off;		/* byte offset of the line in the log */
	bool allowed;		/* matched by the scenario's allow list */
};

struct splat_list {
	struct splat *items;
	size_t len;
	size_t dropped;		/* beyond SPLAT_MAX */
};

#define SPLAT_MAX 256

/** splat_kind_name() - "panic", "warning", "rcu_stall", ... */
const char *splat_kind_name(enum splat_kind kind);

/**
 * splat_scan() - all complaints in a kernel log, in order
 * @allow: globs (text_glob()) over the line's whole text; a panic cannot be
 *         allowed away
 *
 * Beyond SPLAT_MAX the heavier stay: a panic, then an oops, then what is not
 * allowed. Return: 0, -ENOMEM.
 */
int splat_scan(const char *log, size_t len, const char *const *allow,
	       size_t nr_allow, struct splat_list *out);
void splat_list_reset(struct splat_list *list);

/** splat_first() - the first of @kind that is not allowed; NULL where none */
const struct splat *splat_first(const struct splat_list *list,
				enum splat_kind kind);

/**
 * splat_crash_text() - the crash as the kernel told it: the first oops or
 * panic header with what follows, at most @max_lines lines without time stamps
 * Return: owned by the caller; NULL where the log holds no crash.
 */
char *splat_crash_text(const char *log, size_t len,
		       const struct splat_list *list, unsigned int max_lines);

#endif
