/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * worker: the far end of a remote slot of the pool: takes `case INDEX` lines
 * on stdin, runs each in a child of its own, answers on stdout.
 */
#ifndef VMTAP_RUNNER_WORKER_H
#define VMTAP_RUNNER_WORKER_H

#include <stdio.h>

struct buf;
struct dump_policy;
struct exec_env;
struct plan;
struct plan_opts;

/** run_one() - one case of @plan; appends its report, one line, to @out */
void run_one(const struct exec_env *env, const struct plan *plan, size_t index,
	     int fd, struct buf *out);

/**
 * worker_command() - the command line of a worker that plans the same run
 * @seed: the run's, so that it plans the very same cases
 * Return: NULL-terminated, of the caller's pointers; he frees the array. Once
 * per process: some words lie in static memory. NULL without memory.
 */
const char **worker_command(const char *self, const struct plan_opts *o,
			    const char *seed, const struct dump_policy *dump,
			    const char *run_dir);

/** cmd_worker() - `vmtap worker PLAN-OPTIONS`: not for people; exit status */
int cmd_worker(int argc, char **argv);

#endif
