/* SPDX-License-Identifier: GPL-2.0-only */
/* lint: `vmtap lint`, scenarios read and judged without a boot. */
#ifndef VMTAP_RUNNER_LINT_H
#define VMTAP_RUNNER_LINT_H

/** cmd_lint() - the verb; 0 clean, 64 usage, 65 problems found */
int cmd_lint(int argc, char **argv);

#endif
