/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * parse: nodes -> plain structs by the key table. Errors go to ctx->p with
 * their place; parsing goes on behind each, so that one look tells them all.
 */
#ifndef VMTAP_RUNNER_PARSE_H
#define VMTAP_RUNNER_PARSE_H

#include <regex.h>

#include "runner/keys.h"
#include "runner/problem.h"
#include "runner/scenario.h"
#include "runner/yaml.h"

#define PARSE_PATTERNS 8

struct parse_ctx {
	struct arena *arena;	/* of everything that the structs point to */
	struct problems *p;
	const char *file;
	const char *dir;	/* for KEY_PATH */
	struct source_text src;
	struct scenario *sc;	/* that is read */
	const char *note;	/* appended to messages: " (in case x)"; or NULL */
	/* The last patterns used, compiled; a ring. */
	struct parse_pattern {
		const char *text;
		regex_t regex;
	} patterns[PARSE_PATTERNS];
	unsigned int next_pattern;
};

/** parse_error() - record one at @n; -EINVAL */
int parse_error(struct parse_ctx *ctx, const struct ynode *n,
		const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/** parse_defaults() - fill @base, a struct of @set, with the table's defaults */
int parse_defaults(struct parse_ctx *ctx, const struct keyset *set, void *base);
/** parse_map() - one layer: the pairs of @n over what @base holds */
int parse_map(struct parse_ctx *ctx, const struct keyset *set,
	      const struct ynode *n, void *base);
/** parse_value() - @n into the member of @key in @base */
int parse_value(struct parse_ctx *ctx, const struct keyset *set,
		const struct key *key, const struct ynode *n, void *base);
/** parse_ref() - @n into the key that @ref means, in ctx->sc */
int parse_ref(struct parse_ctx *ctx, const struct key_ref *ref,
	      const struct ynode *n);
/** parse_ctx_reset() - free what the context itself holds */
void parse_ctx_reset(struct parse_ctx *ctx);

/* Scalars; 0, -EINVAL told in ctx. @min and @max as in struct key. */
int parse_int(struct parse_ctx *ctx, const struct ynode *n, s64 min, s64 max,
	      s64 *ret);
int parse_float(struct parse_ctx *ctx, const struct ynode *n, double *ret);
int parse_size(struct parse_ctx *ctx, const struct ynode *n, s64 min, s64 max,
	       u64 *ret);
int parse_duration(struct parse_ctx *ctx, const struct ynode *n, s64 min,
		   s64 max, u64 *ret);
/* A plain YAML 1.1 boolean? Tells nothing. */
bool scan_bool(const struct ynode *n, bool *ret);
int parse_bool(struct parse_ctx *ctx, const struct ynode *n, bool *ret);
int parse_text(struct parse_ctx *ctx, const struct ynode *n, const char **ret);
int parse_path(struct parse_ctx *ctx, const struct ynode *n, const char **ret);
int parse_enum(struct parse_ctx *ctx, const struct ynode *n,
	       const char *const *words, u32 *ret);
int parse_str_list(struct parse_ctx *ctx, const struct key *key,
		   const struct ynode *n, struct str_list *ret);

/* The grammars of single keys, for keys.c; the C member of each is noted. */
extern const struct key_custom custom_kernel;	/* struct scen_kernel */
extern const struct key_custom custom_kaslr;	/* struct kaslr_want */
extern const struct key_custom custom_cpus;	/* struct scen_topology */
extern const struct key_custom custom_num_table;	/* struct num_table */
extern const struct key_custom custom_stats;	/* struct scen_stats */
extern const struct key_custom custom_times;	/* LIST_OF(u64), ns */
extern const struct key_custom custom_expect;	/* struct expect_want */
extern const struct key_custom custom_cpu_set;	/* struct cpu_set_want */
extern const struct key_custom custom_ops;	/* LIST_OF(struct wl_op) */
extern const struct key_custom custom_hold;	/* struct wl_hold */
extern const struct key_custom custom_matrix;	/* schema alone */
extern const struct key_custom custom_defaults;	/* schema alone */

/* Checks of whole items and of the whole scenario. */
int judge_worker(struct parse_ctx *ctx, const struct ynode *n, const void *item);
int judge_map_write(struct parse_ctx *ctx, const struct ynode *n,
		    const void *item);
/**
 * scenario_judge() - what the keys say together; fills the last defaults
 * @root: where keys are looked up for messages
 */
int scenario_judge(struct parse_ctx *ctx, const struct ynode *root,
		   struct scenario *sc);

#endif
