/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * verbs: `vmtap VERB ...` for kept results. argv[0] is the verb. Each prints
 * its --help, reports its errors on stderr and returns the exit status.
 */
#ifndef VMTAP_RUNNER_VERBS_H
#define VMTAP_RUNNER_VERBS_H

/** cmd_eval() - `vmtap eval RESULT EXPR...`: 0 all true, 1 not, 64, 65 */
int cmd_eval(int argc, char **argv);
/** cmd_show() - `vmtap show RUNDIR`: a kept run for a person */
int cmd_show(int argc, char **argv);
/** cmd_vmcore() - `vmtap vmcore CORE`: what it holds; 0, 64, 65 */
int cmd_vmcore(int argc, char **argv);
/** cmd_compare() - `vmtap compare A B`: 0 no regression, 1 regression */
int cmd_compare(int argc, char **argv);
/** cmd_merge() - `vmtap merge A.tap B.tap...`: one TAP; status as of a run */
int cmd_merge(int argc, char **argv);

#endif
