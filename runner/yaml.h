/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * yaml: a bounded tree of nodes with marks out of libyaml's events. Text is
 * hostile: the caps act on events, since libyaml has no depth limit and is
 * quadratic in depth. Aliases share the anchor's node, so the tree is a DAG;
 * what a walk over it can cost is bounded by counting expanded nodes.
 */
#ifndef VMTAP_RUNNER_YAML_H
#define VMTAP_RUNNER_YAML_H

#include <stdbool.h>
#include <stddef.h>

#include "runner/arena.h"
#include "runner/problem.h"
#include "vmm/base/util.h"

enum ynode_type { YNODE_SCALAR, YNODE_LIST, YNODE_MAP };

struct ynode {
	u8 type;
	bool plain;	/* scalar without quotes and not a block */
	u32 line;	/* from 1 */
	u32 col;	/* from 1, in characters */
	u32 n;		/* bytes, items or pairs */
	union {
		const char *text;	/* NUL-terminated, holds no NUL */
		struct ynode **items;
		struct ypair *pairs;
	};
};

struct ypair {
	struct ynode *key;	/* always a scalar */
	struct ynode *value;
	bool merged;		/* came by `<<` */
};

struct yanchor {
	const char *name;
	struct ynode *node;
	struct loc loc;
	u32 weight;	/* nodes of a walk over it */
	bool open;	/* its end was not seen yet */
	bool used;
};

struct yaml_limits {
	size_t bytes;
	size_t scalar;		/* bytes of one scalar */
	unsigned int events;
	unsigned int depth;
	unsigned int anchors;
	unsigned int merge;	/* pairs of a map that `<<` fills */
	unsigned int expanded;	/* nodes that aliases and merges add to a walk */
};

/* A 100,000-line scenario fits, a bomb does not. */
#define YAML_LIMITS_DEFAULT ((struct yaml_limits){			\
	.bytes = 4u << 20, .scalar = 1u << 20, .events = 512u << 10,	\
	.depth = 32, .anchors = 256, .merge = 1024,			\
	 .expanded = 100000 })

/* Zeroed is empty. The arena may serve others who live as long. */
struct ydoc {
	struct arena arena;
	const char *file;
	struct source_text src;	/* a copy of the input, in the arena */
	struct ynode *root;
	struct yanchor *anchors;
	unsigned int nr_anchors;
};

/**
 * yaml_parse() - one document
 * @file: for messages; copied
 * @limits: NULL: YAML_LIMITS_DEFAULT
 *
 * The tree may be partly there after an error that does not break its
 * structure (a duplicate key), so that later stages can tell more errors.
 *
 * Return: 0, -EINVAL (told in @p; doc->root NULL where there is no tree),
 * -ENOMEM. @doc is to be reset in each case.
 */
int yaml_parse(struct ydoc *doc, const char *data, size_t len,
	       const char *file, const struct yaml_limits *limits,
	       struct problems *p);
void ydoc_reset(struct ydoc *doc);

/** ynode_get() - value under @key of a map, NULL where absent or no map */
struct ynode *ynode_get(const struct ynode *map, const char *key);
/** ynode_loc() - its place in @doc's file */
struct loc ynode_loc(const struct ydoc *doc, const struct ynode *n);
/** ynode_is_null() - plain `null` or `~`, or nothing at all */
bool ynode_is_null(const struct ynode *n);
/** ynode_kind() - "a map", "a list", "text", "nothing", for messages */
const char *ynode_kind(const struct ynode *n);

#endif
