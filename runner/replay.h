/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * replay: what a run was made of, recorded with it, and the same run again:
 * same arguments, seed, kernel images and scenario files, or none at all.
 */
#ifndef VMTAP_RUNNER_REPLAY_H
#define VMTAP_RUNNER_REPLAY_H

struct diag;
struct plan;
struct replay;
struct run_opts;
struct value;

/**
 * replay_describe() - add cwd and inputs to what run.json tells of a run
 * @run: a map; gets "cwd" and "inputs": by path a hash of each scenario and of
 *	each file that it puts into the guest, by name one of each kernel image
 */
void replay_describe(struct value *run, const struct plan *plan);

/**
 * replay_open() - turn `--replay DIR` into the options of the kept run
 * @o: plan is replaced; points into *@out. Output paths become absolute, and
 *	the working folder the kept run's.
 * @out: replay_close() frees, after the last use of @o; also on error
 *
 * Chosen are the cases that failed, or all where none did. Return: 0; -EINVAL
 * options that choose cases besides, or what is no kept run; -errno.
 */
int replay_open(struct run_opts *o, struct replay **out, struct diag *d);
/**
 * replay_check() - is @plan made of what the kept run was made of?
 * Return: 0; -ESTALE kernel, file or cases differ; the message names which.
 */
int replay_check(const struct replay *r, const struct plan *plan,
		 struct diag *d);
/** replay_args() - the kept run's own arguments; the replay's */
void replay_args(const struct replay *r, int *argc, char ***argv);
void replay_close(struct replay *r);

#endif
