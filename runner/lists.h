/* SPDX-License-Identifier: GPL-2.0-only */
/* lists: the shapes of lists in a scenario's plain data; no code, no owner. */
#ifndef VMTAP_RUNNER_LISTS_H
#define VMTAP_RUNNER_LISTS_H

#include <stddef.h>

#include "vmm/base/diag.h"

/* For strspn() and strchr(), whatever the locale. */
#define ALNUM_CHARS							\
	"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

/* Every list has this shape; items is NULL when n is 0. */
#define LIST_OF(type) struct { const type *items; size_t n; }

struct str_list {
	const char *const *items;
	size_t n;
};

struct str_pair {
	const char *key;
	const char *value;
};

struct str_map {
	const struct str_pair *items;
	size_t n;
};

/* A text that is judged later (a check), with its place for messages. */
struct located_text {
	const char *text;
	struct loc loc;
};

#endif
