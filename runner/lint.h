/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * lint: `vmtap lint`, scenarios read and judged without a boot. Errors are
 * the same that a run would stop at; warnings are about what is most likely
 * not meant.
 */
#ifndef VMTAP_RUNNER_LINT_H
#define VMTAP_RUNNER_LINT_H

struct problems;
struct scenario_doc;

/** lint_doc() - add the warnings about one loaded file */
void lint_doc(struct scenario_doc *doc, struct problems *p);
/** cmd_lint() - the verb; 0 clean, 64 usage, 65 errors (--strict: warnings) */
int cmd_lint(int argc, char **argv);

#endif
