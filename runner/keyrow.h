/* SPDX-License-Identifier: GPL-2.0-only */
/* keyrow: the macros that the rows of the key table are written with. */
#ifndef VMTAP_RUNNER_KEYROW_H
#define VMTAP_RUNNER_KEYROW_H

#include "runner/keys.h"

/* Where the member is; the name of the key is told apart where it differs. */
#define AT(s, m) .off = offsetof(struct s, m)
#define INT_AT(s, m)							\
	.kind = KEY_INT, AT(s, m), .width = sizeof(((struct s *)0)->m)
#define KEYSET(words, rows, type)					\
	.what = words, .keys = rows, .n = ARRAY_SIZE(rows),		\
	.size = sizeof(struct type), .present_off = -1, .loc_off = -1
#define NO_MAX INT64_MAX

/* Words that name something in cgroup paths, results and events. */
#define NAME_PATTERN "^[A-Za-z0-9_][A-Za-z0-9_.-]*$"
#define NAME_FORM "a word of letters, digits, '_', '.' and '-'"

#endif
