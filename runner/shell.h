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

/**
 * shell_local() - boot @s with a shell on hvc0, joined to stdin and stdout
 * @s: its guest part is replaced but for setup, files and env
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
