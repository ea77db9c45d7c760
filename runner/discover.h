/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * discover: files and folders of the command line -> scenario files with the
 * names that they have by their place.
 */
#ifndef VMTAP_RUNNER_DISCOVER_H
#define VMTAP_RUNNER_DISCOVER_H

#include "runner/arena.h"
#include "runner/lists.h"
#include "runner/problem.h"

struct found_file {
	const char *path;
	const char *name;	/* path below the scenario root, with .yaml */
};

struct found_files {
	struct found_file *items;	/* malloc'd; texts are in the arena */
	size_t n;
	size_t cap;
};

/**
 * discover() - scenario files, in order of @paths, a folder's sorted by name
 * @paths: empty: the folder `scenarios` here
 *
 * In a folder every *.yaml and *.yml below it is a scenario, but for hidden
 * ones and those that begin with '_' (defaults, fragments). A file that is
 * named itself is one whatever its name. The scenario root is the nearest
 * folder named `scenarios` above the file, else the folder that was named,
 * so that a scenario has one name however the run was started. The same file
 * twice counts once.
 *
 * Return: 0, -ENOENT (in @p), -ENOMEM.
 */
int discover(const struct str_list *paths, struct arena *a,
	     struct problems *p, struct found_files *ret);
void found_files_reset(struct found_files *f);

#endif
