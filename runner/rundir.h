/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * rundir: the folder that keeps a run. Named by the user, or a new one below
 * $XDG_STATE_HOME/vmtap/runs (~/.local/state), where `latest` names the newest
 * and only the last RUNDIR_KEEP are kept.
 */
#ifndef VMTAP_RUNNER_RUNDIR_H
#define VMTAP_RUNNER_RUNDIR_H

struct diag;
struct rundir;

#define RUNDIR_KEEP 30

/**
 * rundir_open() - make the folder
 * @path: NULL: a new one; where there is no home either, nothing is kept
 * Return: 0, -errno.
 */
int rundir_open(const char *path, struct rundir **out, struct diag *d);
/** rundir_path() - absolute; NULL where nothing is kept; owned by @dir */
const char *rundir_path(const struct rundir *dir);
/** rundir_close() - free; the folder stays; NULL is fine */
void rundir_close(struct rundir *dir);

#endif
