/* SPDX-License-Identifier: GPL-2.0-only */
/* run: `vmtap run`, from the command line to the exit status. */
#ifndef VMTAP_RUNNER_RUN_H
#define VMTAP_RUNNER_RUN_H

/** cmd_run() - the verb; exit status of DESIGN section 5 */
int cmd_run(int argc, char **argv);

#endif
