// SPDX-License-Identifier: GPL-2.0-only
/*
 * kernel_tree: kselftest puts a test's binaries into the source folder
 * (<tree>/tools/testing/selftests/vmtap) or, with O=, into
 * <out>/kselftest/vmtap, from where the kernel that was built lies at a known
 * distance.
 */
#include "runner/kernel_tree.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vmm/base/cleanup.h"
#include "vmm/base/util.h"

#define BZIMAGE "arch/x86/boot/bzImage"

static char *image_in(const char *dir, const char *below)
{
	char *path;

	if (below && *below != '/') {
		if (asprintf(&path, "%s/%s/" BZIMAGE, dir, below) < 0)
			return NULL;
	} else if (asprintf(&path, "%s/" BZIMAGE, below ?: dir) < 0) {
		return NULL;
	}
	if (access(path, R_OK)) {
		free(path);
		return NULL;
	}
	return path;
}

/* What stands before the last @part in @path; NULL: nothing. */
static char *before(const char *path, const char *part)
{
	const char *at = NULL, *next = path;

	while ((next = strstr(next, part)))
		at = next++;
	return at && at != path ? strndup(path, at - path) : NULL;
}

/* A build folder named in the environment; make takes it from several ends. */
static char *named_output(const char *out, const char *tree, const char *cwd)
{
	char *image;

	if (!out || !*out)
		return NULL;
	image = image_in(tree, out);
	return image ?: image_in(cwd, out);
}

static char *tree_from(const char *path, const char *cwd, const char *kbuild,
		       const char *o)
{
	char *out __free(cleanup_free) = before(path, "/kselftest/");
	char *tree __free(cleanup_free) =
		before(path, "/tools/testing/selftests/vmtap");
	char *image = NULL;

	if (!tree)
		tree = before(path, "/tools/testing/selftests/");
	if (tree) {
		image = named_output(kbuild, tree, cwd);
		if (!image)
			image = named_output(o, tree, cwd);
		if (!image)
			image = image_in(tree, NULL);
	}
	if (!image && out)
		image = image_in(out, NULL);
	return image;
}

char *kernel_tree_image_from(const char *exe, const char *cwd,
			     const char *kbuild_output, const char *o)
{
	char *image = tree_from(exe, cwd, kbuild_output, o);

	return image ?: tree_from(cwd, cwd, kbuild_output, o);
}

char *kernel_tree_image(void)
{
	char exe[PATH_MAX], cwd[PATH_MAX + 1];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

	exe[max(n, (ssize_t)0)] = 0;
	if (!getcwd(cwd, sizeof(cwd) - 1))
		cwd[0] = 0;
	/* The last component of a folder counts like that of a file. */
	strcat(cwd, "/");
	return kernel_tree_image_from(exe, cwd, getenv("KBUILD_OUTPUT"),
				      getenv("O"));
}

char *kernel_tree_of_image(const char *image)
{
	size_t len = strlen(image), n = strlen("/" BZIMAGE);
	char *tree = NULL, *config = NULL;

	if (len > n && !strcmp(image + len - n, "/" BZIMAGE))
		return strndup(image, len - n);
	n = strlen("/vmlinux");
	if (len <= n || strcmp(image + len - n, "/vmlinux"))
		return NULL;
	tree = strndup(image, len - n);
	if (tree && (asprintf(&config, "%s/.config", tree) < 0 ||
		     access(config, F_OK))) {
		free(tree);
		tree = NULL;
	}
	free(config);
	return tree;
}
