/* SPDX-License-Identifier: GPL-2.0-only */
/* kernel_info: `vmtap kernel info`: an image with its symbols and types. */
#ifndef VMTAP_RUNNER_KERNEL_INFO_H
#define VMTAP_RUNNER_KERNEL_INFO_H

/**
 * kernel_info() - the verb
 * @argv: options, then images or releases; none: the default kernel
 * Return: exit status: 0; 64 bad usage; 69 no such kernel, symbol or type.
 */
int kernel_info(int argc, char **argv);

#endif
