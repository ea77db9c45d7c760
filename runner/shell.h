/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * shell: an interactive console in the VM that a scenario would get, here or
 * in a nested host.
 */
#ifndef VMTAP_RUNNER_SHELL_H
#define VMTAP_RUNNER_SHELL_H

#include "vmm/base/util.h"

struct diag;
struct scenario;

/*
 * Set where stdin is a terminal's relay (term_pack()) though it is a pipe: in a
 * nested host.
 */
#define SHELL_RELAYED "VMTAP_SHELL_RELAYED"

/**
 * shell_local() - boot @s with a shell on hvc0, joined to stdin and stdout
 * @s: its guest part is replaced but for setup, files and env
 *
 * A stdin that is neither a terminal nor its relay is read whole and run as a
 * script: what is typed at a console before its shell is there gets lost.
 * @seed: of KASLR
 * Return: the shell's exit status, 0 where the person left; -errno.
 */
int shell_local(const struct scenario *s, u64 seed, struct diag *d);

/**
 * shell_nested() - run @argv in a nested host, joined to stdin and stdout
 * @memory: of the guest in it, bytes
 * Return: the command's exit status, 0 where the person left; -errno.
 */
int shell_nested(const char *const *argv, u64 memory, struct diag *d);

/** cmd_shell() - `vmtap shell [OPTIONS] [SCENARIO]`; exit status */
int cmd_shell(int argc, char **argv);

#endif
