/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * keys: the table of a scenario's keys, one const row each. It drives parsing,
 * defaults, messages, the JSON Schema and the manual; nothing about a key is
 * said elsewhere.
 *
 * Adding a key: a member in scenario.h, a row in keys.c, a line in a file
 * below selftests/lang/good/.
 */
#ifndef VMTAP_RUNNER_KEYS_H
#define VMTAP_RUNNER_KEYS_H

#include <stdbool.h>
#include <stddef.h>

#include "vmm/base/util.h"

struct key;
struct keyset;
struct parse_ctx;
struct ynode;

/* What a key's value is, and its C member. */
enum key_kind {
	KEY_STR,	/* const char * */
	KEY_TEXT,	/* const char *, may have many lines */
	KEY_PATH,	/* const char *, resolved against the file's folder */
	KEY_BOOL,	/* bool */
	KEY_INT,	/* integer of .width bytes */
	KEY_OCTAL,	/* s32, permission bits */
	KEY_FLOAT,	/* double */
	KEY_SIZE,	/* u64 bytes */
	KEY_DURATION,	/* u64 ns */
	KEY_ENUM,	/* enum, index into .words */
	KEY_STR_LIST,	/* struct str_list */
	KEY_STR_MAP,	/* struct str_map */
	KEY_SIZE_LIST,	/* LIST_OF(u64), bytes */
	KEY_CHECKS,	/* LIST_OF(struct located_text) */
	KEY_MAP,	/* struct of .sub, inline */
	KEY_LIST,	/* LIST_OF(struct of .sub) */
	KEY_CUSTOM,	/* by .custom */
	KEY_META,	/* handled by the loader (matrix, defaults) */
};

/* A value with its own grammar; stored at @out. 0 or -errno (told in ctx). */
typedef int (*key_parse_fn)(struct parse_ctx *ctx, const struct ynode *n,
			    void *out);

struct key_custom {
	key_parse_fn parse;	/* NULL: only the schema is special (META) */
	const char *form;	/* "pass, fail, exit N, panic or timeout" */
	const char *schema;	/* JSON Schema of the value, an object's inside */
};

struct key {
	const char *name;
	enum key_kind kind;
	size_t off;		/* in the struct of its keyset */
	u8 width;		/* of an integer's member, in bytes */
	bool required;		/* in each item of a list */
	s64 min;		/* of numbers, sizes (bytes), durations (ns); */
	s64 max;		/* both 0: any that is not negative */
	const char *dflt;	/* as one would write it; NULL: absent, 0, false */
	const char *const *words;	/* of an enum, NULL at the end */
	const char *pattern;	/* regular expression of the text (or item); ERE and ECMA */
	const char *form;	/* what the pattern wants, in words */
	const struct keyset *sub;
	const struct key_custom *custom;
	const char *label;	/* in case names; NULL: the key's name */
	const char *doc;	/* one or two sentences for the manual */
	const char *example;	/* NULL: none */
};

struct keyset {
	const char *what;	/* "vm", "an item of watch", for messages */
	const struct key *keys;
	size_t n;
	size_t size;		/* of the struct */
	s32 present_off;	/* of its bool present; -1: none */
	s32 loc_off;		/* of its struct loc; -1: none */
	/* At most one of these; a later layer's choice clears the others. */
	const char *const *one_of;
	bool whole;		/* a map replaces what a lower layer had */
	const struct key_custom *shorthand;	/* a scalar instead of the map */
	/* Says in ctx what does not fit together in one finished item. */
	int (*judge)(struct parse_ctx *ctx, const struct ynode *n, const void *item);
};

/** scenario_keys - the top level */
extern const struct keyset scenario_keys;
extern const struct keyset workload_keys;
extern const struct keyset wl_cgroup_keys;
extern const struct keyset wl_worker_keys;

/** keyset_find() - the row named @name, NULL where none is */
const struct key *keyset_find(const struct keyset *set, const char *name);

/* A key by its dotted path through maps, as in a matrix. */
struct key_ref {
	const struct key *key;
	const struct keyset *parent;
	size_t parent_off;	/* in struct scenario */
	const char *entry;	/* of a KEY_STR_MAP: guest.env.NAME; else NULL */
};

/** keys_resolve() - find @path from the top; false where there is none */
bool keys_resolve(const char *path, struct key_ref *ret);
/**
 * keys_walk() - every key with its dotted path, parents first, list items
 * as "watch[].symbol"
 * Return: the first nonzero value of @fn.
 */
int keys_walk(int (*fn)(void *arg, const char *path, const struct key *key),
	      void *arg);

#endif
