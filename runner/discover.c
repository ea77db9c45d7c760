// SPDX-License-Identifier: GPL-2.0-only
#include "runner/discover.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "vmm/base/util.h"

#define DEPTH_MAX 16u	/* folders; also ends loops of links */

struct finder {
	struct arena *a;
	struct problems *p;
	struct found_files *out;
	const char *root;	/* folder that was named */
};

static bool is_scenario_name(const char *name)
{
	const char *dot = strrchr(name, '.');

	return name[0] != '.' && name[0] != '_' && dot &&
	       (!strcmp(dot, ".yaml") || !strcmp(dot, ".yml"));
}

/* What follows the last "scenarios/" of the real path; NULL: nothing does. */
static const char *below_scenarios(struct arena *a, const char *path)
{
	static const char part[] = "/scenarios/";
	char *real = realpath(path, NULL);
	const char *found = NULL, *next = real;

	while (next && (next = strstr(next, part)))
		found = next += strlen(part) - 1;
	if (found)
		found = arena_str(a, found + 1);
	free(real);
	return found;
}

static const char *name_of(struct finder *f, const char *path)
{
	const char *name = below_scenarios(f->a, path), *slash;
	size_t root = f->root ? strlen(f->root) : 0;

	if (name)
		return name;
	if (root) {
		name = path + root;
		return name + strspn(name, "/");
	}
	slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

static int add_file(struct finder *f, const char *path)
{
	struct found_files *out = f->out;

	if (out->n == out->cap) {
		size_t cap = out->cap ? 2 * out->cap : 64;
		void *items = realloc(out->items, cap * sizeof(*out->items));

		if (!items)
			return -ENOMEM;
		out->items = items;
		out->cap = cap;
	}
	out->items[out->n++] = (struct found_file){ path, name_of(f, path) };
	return 0;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int complain(struct finder *f, const char *path, int err)
{
	struct loc loc = { .file = path };

	problem_add(f->p, PROBLEM_ERROR, &loc, NULL, "cannot read it: %s",
		    strerror(err));
	return -ENOENT;
}

static int walk_folder(struct finder *f, const char *dir, unsigned int depth);

static int visit(struct finder *f, const char *dir, const char *name,
		 unsigned int depth)
{
	bool slash = dir[strlen(dir) - 1] == '/';
	char *path;
	struct stat st;

	if (name[0] == '.' || name[0] == '_')
		return 0;
	path = arena_printf(f->a, "%s%s%s", dir, slash ? "" : "/", name);
	if (!path)
		return -ENOMEM;
	/* A dangling link or a socket is not ours to judge. */
	if (stat(path, &st))
		return 0;
	if (S_ISDIR(st.st_mode))
		return depth < DEPTH_MAX ? walk_folder(f, path, depth + 1) : 0;
	return S_ISREG(st.st_mode) && is_scenario_name(name) ? add_file(f, path) : 0;
}

static int walk_folder(struct finder *f, const char *dir, unsigned int depth)
{
	struct dirent **entries;
	int n = scandir(dir, &entries, NULL, by_name), rc = 0;

	if (n < 0)
		return complain(f, dir, errno);
	for (int i = 0; i < n; i++) {
		if (!rc)
			rc = visit(f, dir, entries[i]->d_name, depth);
		free(entries[i]);
	}
	free(entries);
	return rc;
}

static int add_path(struct finder *f, const char *path)
{
	size_t before = f->out->n;
	struct loc loc = { .file = path };
	struct stat st;
	int rc;

	if (stat(path, &st))
		return complain(f, path, errno);
	f->root = NULL;
	if (!S_ISDIR(st.st_mode))
		return add_file(f, path);
	f->root = path;
	rc = walk_folder(f, path, 0);
	if (!rc && f->out->n == before) {
		problem_add(f->p, PROBLEM_ERROR, &loc, NULL,
			    "no scenario in this folder, expected *.yaml files");
		return -ENOENT;
	}
	return rc;
}

struct identity {
	dev_t dev;
	ino_t ino;
	size_t at;
};

static int by_identity(const void *a, const void *b)
{
	const struct identity *x = a, *y = b;

	if (x->dev != y->dev)
		return x->dev < y->dev ? -1 : 1;
	if (x->ino != y->ino)
		return x->ino < y->ino ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

/* Keep the first mention of each file. */
static int drop_doubles(struct found_files *f)
{
	struct identity *ids = calloc(f->n + 1, sizeof(*ids));
	struct stat st;
	size_t k = 0;

	if (!ids)
		return -ENOMEM;
	for (size_t i = 0; i < f->n; i++) {
		ids[i] = (struct identity){ .at = i };
		if (!stat(f->items[i].path, &st)) {
			ids[i].dev = st.st_dev;
			ids[i].ino = st.st_ino;
		}
	}
	qsort(ids, f->n, sizeof(*ids), by_identity);
	for (size_t i = 1; i < f->n; i++)
		if (ids[i].ino && ids[i].dev == ids[i - 1].dev &&
		    ids[i].ino == ids[i - 1].ino)
			f->items[ids[i].at].path = NULL;
	for (size_t i = 0; i < f->n; i++)
		if (f->items[i].path)
			f->items[k++] = f->items[i];
	f->n = k;
	free(ids);
	return 0;
}

int discover(const struct str_list *paths, struct arena *a,
	     struct problems *p, struct found_files *ret)
{
	struct finder f = { .a = a, .p = p, .out = ret };
	struct stat st;
	int rc = 0, one;

	*ret = (struct found_files){ 0 };
	if (!paths->n) {
		if (stat("scenarios", &st)) {
			problem_add(p, PROBLEM_ERROR, NULL, NULL,
				    "no scenario named, expected files or folders: there is no folder 'scenarios' here");
			return -ENOENT;
		}
		rc = add_path(&f, "scenarios");
	}
	for (size_t i = 0; i < paths->n; i++) {
		one = add_path(&f, paths->items[i]);
		rc = rc ? rc : one;
	}
	return rc ? rc : drop_doubles(ret);
}

void found_files_reset(struct found_files *f)
{
	free(f->items);
	*f = (struct found_files){ 0 };
}
