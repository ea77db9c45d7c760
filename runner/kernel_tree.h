/* SPDX-License-Identifier: GPL-2.0-only */
/* kernel_tree: the kernel tree that this program lies in, if it does. */
#ifndef VMTAP_RUNNER_KERNEL_TREE_H
#define VMTAP_RUNNER_KERNEL_TREE_H

/**
 * kernel_tree_image() - the bzImage of the tree that vmtap was built in or is
 * run from (below tools/testing/selftests, or an O= folder's kselftest/);
 * $KBUILD_OUTPUT and $O are looked at there first
 *
 * Return: a string that the caller frees; NULL where there is no such tree or
 * it has not been built.
 */
char *kernel_tree_image(void);

/**
 * kernel_tree_image_from() - the same for given places
 * @exe, @cwd: absolute paths; @kbuild_output, @o: as in the environment or NULL
 */
char *kernel_tree_image_from(const char *exe, const char *cwd,
			     const char *kbuild_output, const char *o);

/**
 * kernel_tree_of_image() - the build folder that an image lies in
 * @image: .../arch/x86/boot/bzImage or .../vmlinux beside a .config
 * Return: a string that the caller frees; NULL: in none.
 */
char *kernel_tree_of_image(const char *image);

#endif
