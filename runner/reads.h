/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * reads: typed paths into a guest's kernel (freeze/kpath.h) as values that
 * checks and reports take. For `read:` at the payload's end, and for whoever
 * else reads paths at a moment of his own.
 *
 * Context: any thread that has a kread (runner/inside.h, INSIDE_TYPES). The
 * guest may run: each scalar is read in one access.
 */
#ifndef VMTAP_RUNNER_READS_H
#define VMTAP_RUNNER_READS_H

#include "freeze/kpath.h"
#include "runner/lists.h"

struct kimage;
struct value;

/**
 * reads_value() - what was read, without its type
 * Integers and enums are numbers, pointers and what is beyond s64 addresses,
 * char arrays strings, structs and unions (a BPF object's .bss too) maps by
 * member, arrays lists; a member without a name has its members in its place.
 * @cut: set where there is more than is shown; may be NULL
 * Return: NULL without memory.
 */
struct value *reads_value(const struct kvalue *v, bool *cut);

/**
 * reads_path() - evaluate one path now
 * Return: {type: C's name, value, name: of an enumerator, cut: true}, or
 * {error: why}; NULL without memory.
 */
struct value *reads_path(const struct kread *k, const char *path);

/** reads_paths() - a map from each path to reads_path() */
struct value *reads_paths(const struct kread *k, const struct str_list *paths);

/** reads_unread() - the same where there is no kread, and why */
struct value *reads_unread(const struct str_list *paths, const char *why);

/**
 * reads_check() - what is wrong with paths is told before anything boots
 * @what: the key, for messages
 * Return: 0; -EINVAL, -ENOENT as kpath_check(), or no symbols or types.
 */
int reads_check(const struct kimage *image, const struct str_list *paths,
		const char *what, struct diag *d);

#endif
