// SPDX-License-Identifier: GPL-2.0-only
/* Bump allocation in chunks that grow; large requests get their own chunk. */
#include "runner/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/util.h"

#define CHUNK_MIN 4096u
#define CHUNK_MAX (256u << 10)

struct arena_chunk {
	struct arena_chunk *next;
	size_t used;
	size_t size;
	alignas(max_align_t) char data[];
};

static struct arena_chunk *chunk_add(struct arena *a, size_t need)
{
	size_t size = a->head ? min(a->head->size * 2, (size_t)CHUNK_MAX) : CHUNK_MIN;
	struct arena_chunk *c;

	size = max(size, need);
	/* calloc: the pages of a big chunk stay untouched until used. */
	c = calloc(1, sizeof(*c) + size);
	if (!c)
		return NULL;
	c->size = size;
	c->next = a->head;
	a->head = c;
	return c;
}

void *arena_alloc(struct arena *a, size_t size)
{
	struct arena_chunk *c = a->head;
	void *p;

	if (size > SIZE_MAX / 4)
		return NULL;
	size = round_up(size, alignof(max_align_t));
	if (!c || c->size - c->used < size) {
		c = chunk_add(a, size);
		if (!c)
			return NULL;
	}
	p = c->data + c->used;
	c->used += size;
	return p;
}

char *arena_dup(struct arena *a, const void *data, size_t len)
{
	char *s = arena_alloc(a, len + 1);

	if (s && len)
		memcpy(s, data, len);
	return s;
}

char *arena_str(struct arena *a, const char *s)
{
	return arena_dup(a, s, strlen(s));
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap, again;
	char *s = NULL;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	if (n >= 0)
		s = arena_alloc(a, (size_t)n + 1);
	if (s)
		vsnprintf(s, (size_t)n + 1, fmt, again);
	va_end(again);
	va_end(ap);
	return s;
}

void arena_reset(struct arena *a)
{
	while (a->head) {
		struct arena_chunk *c = a->head;

		a->head = c->next;
		free(c);
	}
}
