/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * plan: which cases a run has. Scenarios are found, their matrices expanded,
 * cases filtered, repeated, sharded, numbered and seeded. Nothing boots here.
 */
#ifndef VMTAP_RUNNER_PLAN_H
#define VMTAP_RUNNER_PLAN_H

#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>

#include "runner/scenario.h"

struct buf;
struct diag;
struct problems;

/* One matrix parameter of a case: `kernel.release`, "kernel", "6.12". */
struct case_param {
	const char *key;	/* dotted, as in the scenario */
	const char *label;	/* as in the case's name */
	const char *value;	/* as in the case's name */
};

/* A scenario with its matrix resolved: one test point. */
struct test_case {
	unsigned int number;	/* test point, from 1, in this shard */
	unsigned int index;	/* the same in the whole run before sharding */
	const char *name;	/* unique, printable ASCII, none of "#*?\\" */
	const char *base;	/* name without [parameters] */
	const struct scenario *scenario;	/* resolved */
	const struct case_param *params;
	size_t nr_params;
	unsigned int repeat;	/* 1..N with --repeat N, else 0 */
	u64 seed;		/* from the run's seed and the name */
	const char *skip;	/* reason, known before a boot; NULL: runs */
};

/* What the command line says about the choice of cases. Zeroed is "all". */
struct plan_opts {
	struct str_list paths;	/* files and folders; empty: the default folder */
	struct str_list kernels;	/* images (with a '/') or releases */
	struct str_list filters;
	struct str_list excludes;
	struct str_list tags;	/* a case needs one of them; "!x" refuses x */
	struct str_list sets;	/* "vm.memory=1G", over every scenario */
	const char *timeout;	/* over every scenario's vm.timeout; NULL: none */
	const char *exec;	/* a command instead of files; NULL: none */
	unsigned int repeat;	/* 0 is once, without a number in the name */
	unsigned int shard;	/* I of I/N; 0: not sharded */
	unsigned int shards;
	bool has_seed;
	u64 seed;
	bool shuffle;		/* order drawn from the seed */
	bool list;		/* --list: print names, run nothing */
};

struct plan {
	const struct test_case *cases;
	size_t n;		/* 0 is an error of plan_make() unless sharded */
	size_t total;		/* cases of the whole run before sharding */
	u64 seed;		/* the run's; drawn where none was given */
	struct plan_store *store;	/* owner of all the pointers */
};

/* getopt_long() entries and short letters that every plan-making verb takes. */
#define PLAN_SHORTOPTS "f:t:k:l"
enum {
	PLAN_OPT_EXCLUDE = 0x1000, PLAN_OPT_SET, PLAN_OPT_REPEAT,
	PLAN_OPT_SHARD, PLAN_OPT_SEED, PLAN_OPT_SHUFFLE, PLAN_OPT_TIMEOUT,
	PLAN_OPT_EXEC,
};
#define PLAN_LONGOPTS							\
	{ "filter", required_argument, NULL, 'f' },			\
	{ "tag", required_argument, NULL, 't' },			\
	{ "kernel", required_argument, NULL, 'k' },			\
	{ "list", no_argument, NULL, 'l' },				\
	{ "exclude", required_argument, NULL, PLAN_OPT_EXCLUDE },	\
	{ "set", required_argument, NULL, PLAN_OPT_SET },		\
	{ "repeat", required_argument, NULL, PLAN_OPT_REPEAT },		\
	{ "shard", required_argument, NULL, PLAN_OPT_SHARD },		\
	{ "seed", required_argument, NULL, PLAN_OPT_SEED },		\
	{ "shuffle", no_argument, NULL, PLAN_OPT_SHUFFLE },		\
	{ "timeout", required_argument, NULL, PLAN_OPT_TIMEOUT },	\
	{ "exec", required_argument, NULL, PLAN_OPT_EXEC }

/** plan_opts_help() - the --help lines of PLAN_LONGOPTS */
const char *plan_opts_help(void);
/**
 * plan_opts_take() - give one getopt_long() result to the options
 * Return: 1 taken, 0 not one of PLAN_LONGOPTS, -EINVAL bad argument (in @d).
 */
int plan_opts_take(struct plan_opts *o, int opt, const char *arg,
		   struct diag *d);
/** plan_opts_add_path() - one file or folder; 0 or -ENOMEM */
int plan_opts_add_path(struct plan_opts *o, const char *path);
void plan_opts_reset(struct plan_opts *o);

/**
 * plan_make() - from options to cases
 * @p: every error in every scenario, and warnings
 *
 * A scenario that names no kernel, in itself or in its matrix, becomes one case
 * per --kernel, with [kernel=...] in its name. A case whose name stands
 * twice is an error. Nothing that matches is an error.
 *
 * Return: 0, -EINVAL (bad scenario or choice, in @p), -ENOENT (path, in @p),
 * -ENOMEM.
 */
int plan_make(const struct plan_opts *o, struct problems *p, struct plan *ret);
void plan_destroy(struct plan *plan);

/** plan_case_seed() - the seed of one case: stable over hosts and releases */
u64 plan_case_seed(u64 run_seed, const char *name);

/** cmd_list() - `vmtap list`: names of cases; exit status */
int cmd_list(int argc, char **argv);

#endif
