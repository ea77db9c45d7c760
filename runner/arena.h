/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * arena: memory that is freed all at once. For parsed texts, where a thousand
 * small nodes live and die together.
 */
#ifndef VMTAP_RUNNER_ARENA_H
#define VMTAP_RUNNER_ARENA_H

#include <stddef.h>

struct arena_chunk;

/* Zeroed is empty. */
struct arena {
	struct arena_chunk *head;
};

/** arena_alloc() - zeroed bytes, aligned for any type; NULL: out of memory */
void *arena_alloc(struct arena *a, size_t size);
/** arena_dup() - a copy of @len bytes with a NUL behind it */
char *arena_dup(struct arena *a, const void *data, size_t len);
/** arena_str() - a copy of a string */
char *arena_str(struct arena *a, const char *s);
/** arena_printf() - formatted text */
char *arena_printf(struct arena *a, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/** arena_reset() - free everything */
void arena_reset(struct arena *a);

#endif
