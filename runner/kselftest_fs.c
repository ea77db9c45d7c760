// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kselftests' folders in the initramfs: each program with its libraries,
 * each script with its interpreter; see kselftest.h.
 */
#include "runner/kselftest.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/initramfs.h"
#include "runner/scenario.h"
#include "runner/wire.h"
#include "vmm/base/buf.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/diag.h"

#define DEPTH_MAX 16
#define INTERPRETERS_MAX 16
#define ORIGIN "guest.kselftest"

struct adder {
	struct initramfs *fs;
	struct diag *d;
	char *interpreters[INTERPRETERS_MAX];
	size_t nr;
};

/* The program that "#!/usr/bin/env NAME" would find. */
static char *on_path(const char *name)
{
	static const char *const dirs[] = { "/usr/bin", "/bin", "/usr/local/bin" };
	char *path;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(dirs); i++) {
		if (asprintf(&path, "%s/%s", dirs[i], name) < 0)
			return NULL;
		if (!access(path, X_OK))
			return path;
		free(path);
	}
	return NULL;
}

/* What a script's first line names; NULL where it is no script. */
static char *interpreter_of(const char *src)
{
	int fd = open(src, O_RDONLY | O_CLOEXEC);
	ssize_t n = -1;
	char head[256], *path, *arg, *save = NULL;

	if (fd >= 0) {
		n = read(fd, head, sizeof(head) - 1);
		close(fd);
	}
	if (n < 3 || head[0] != '#' || head[1] != '!')
		return NULL;
	head[n] = '\0';
	head[strcspn(head, "\n")] = '\0';
	path = strtok_r(head + 2, " \t", &save);
	if (!path || *path != '/')
		return NULL;
	if (strcmp(path, "/usr/bin/env"))
		return strdup(path);
	arg = strtok_r(NULL, " \t", &save);
	return arg ? on_path(arg) : NULL;
}

/* busybox is the guest's sh; what this host lacks the test will miss aloud. */
static int add_interpreter(struct adder *a, const char *src)
{
	char *path = interpreter_of(src);
	const char *base = path ? strrchr(path, '/') + 1 : NULL;
	size_t i;

	if (!path || !strcmp(base, "sh") || access(path, X_OK) ||
	    a->nr == INTERPRETERS_MAX) {
		free(path);
		return 0;
	}
	for (i = 0; i < a->nr; i++) {
		if (strcmp(a->interpreters[i], path))
			continue;
		free(path);
		return 0;
	}
	a->interpreters[a->nr++] = path;
	return initramfs_add_program(a->fs, path, path, 0755, ORIGIN, a->d);
}

static int add_file(struct adder *a, const char *src, const char *dst)
{
	int err = initramfs_add_program(a->fs, src, dst, 0, ORIGIN, a->d);

	/* An object or a program of another machine stands there all the same. */
	if (err == -ENOEXEC) {
		diag_reset(a->d);
		err = 0;
	}
	return err ?: add_interpreter(a, src);
}

static int add_folder(struct adder *a, const char *src, const char *dst,
		      unsigned int depth)
{
	DIR *dir = opendir(src);
	struct dirent *e;
	int err;

	if (!dir)
		return diag_fail(a->d, -errno, NULL, ORIGIN ": %s: %s", src,
				 strerror(errno));
	err = initramfs_add_dir(a->fs, dst, 0755, ORIGIN, a->d);
	while (!err && (e = readdir(dir))) {
		char *from __free(cleanup_free) = NULL;
		char *to __free(cleanup_free) = NULL;
		struct stat st;

		if (e->d_name[0] == '.')
			continue;
		if (asprintf(&from, "%s/%s", src, e->d_name) < 0 ||
		    asprintf(&to, "%s/%s", dst, e->d_name) < 0) {
			err = diag_fail(a->d, -ENOMEM, NULL, "no memory");
			break;
		}
		if (stat(from, &st))
			continue;
		if (S_ISDIR(st.st_mode) && depth < DEPTH_MAX)
			err = add_folder(a, from, to, depth + 1);
		else if (S_ISREG(st.st_mode))
			err = add_file(a, from, to);
	}
	closedir(dir);
	return err;
}

static int add_below(struct adder *a, const char *dir, const char *name)
{
	char *from __free(cleanup_free) = NULL;
	char *to __free(cleanup_free) = NULL;

	if (asprintf(&from, "%s/%s", dir, name) < 0 ||
	    asprintf(&to, KSFT_ROOT "/%s", name) < 0)
		return diag_fail(a->d, -ENOMEM, NULL, "no memory");
	return add_folder(a, from, to, 0);
}

/* What tests reach by "../": helpers, kselftest's own runner and its list. */
static int add_common(struct adder *a, const char *dir)
{
	static const char *const names[] = {
		"kselftest", "lib", "kselftest-list.txt", "run_kselftest.sh",
	};
	size_t i;
	int err = 0;

	for (i = 0; i < ARRAY_SIZE(names) && !err; i++) {
		char *from __free(cleanup_free) = NULL;
		char *to __free(cleanup_free) = NULL;
		struct stat st;

		if (asprintf(&from, "%s/%s", dir, names[i]) < 0 ||
		    asprintf(&to, KSFT_ROOT "/%s", names[i]) < 0)
			return diag_fail(a->d, -ENOMEM, NULL, "no memory");
		if (stat(from, &st))
			continue;
		err = S_ISDIR(st.st_mode) ? add_folder(a, from, to, 0) :
					    add_file(a, from, to);
	}
	return err;
}

static bool seen_before(const struct ksft_list *list, size_t i)
{
	size_t j;

	for (j = 0; j < i; j++)
		if (!strcmp(list->items[j].collection, list->items[i].collection))
			return true;
	return false;
}

static int add_collections(struct adder *a, const struct scen_kselftest *k,
			   const struct ksft_list *list)
{
	char *path __free(cleanup_free) = NULL;
	char *parent __free(cleanup_free) = NULL;
	size_t i;
	int err;

	if (asprintf(&path, "%s/kselftest-list.txt", k->dir) < 0 ||
	    asprintf(&parent, "%s/..", k->dir) < 0)
		return diag_fail(a->d, -ENOMEM, NULL, "no memory");
	if (access(path, R_OK)) {
		char *to __free(cleanup_free) = NULL;

		if (asprintf(&to, KSFT_ROOT "/%s", list->items[0].collection) < 0)
			return diag_fail(a->d, -ENOMEM, NULL, "no memory");
		err = add_common(a, parent);
		return err ?: add_folder(a, k->dir, to, 0);
	}
	err = add_common(a, k->dir);
	for (i = 0; i < list->n && !err; i++)
		if (!seen_before(list, i))
			err = add_below(a, k->dir, list->items[i].collection);
	return err;
}

static unsigned int scaled(unsigned int seconds, double time_factor)
{
	double limit = seconds * time_factor;

	return limit > UINT_MAX / 2 ? UINT_MAX / 2 : (unsigned int)(limit + 0.999);
}

int kselftest_add(struct initramfs *fs, const struct scen_kselftest *k,
		  double time_factor, struct diag *d)
{
	struct adder a = { .fs = fs, .d = d };
	struct ksft_list list;
	struct buf plan = { 0 };
	size_t i;
	int err = kselftest_list(k, &list, d);

	buf_add(&plan, KSFT_MAGIC, sizeof(KSFT_MAGIC));
	for (i = 0; i < list.n; i++) {
		buf_printf(&plan, "%s\t%s\t%u%s", list.items[i].collection,
			   list.items[i].name,
			   scaled(list.items[i].timeout_s, time_factor),
			   list.items[i].knows_xfail ? "x" : "");
		buf_putc(&plan, '\0');
	}
	if (!err)
		err = add_collections(&a, k, &list);
	if (!err)
		err = initramfs_add_data(fs, KSFT_PATH, 0644, plan.data, plan.len,
					 ORIGIN, d);
	for (i = 0; i < a.nr; i++)
		free(a.interpreters[i]);
	buf_reset(&plan);
	kselftest_list_reset(&list);
	return err;
}
