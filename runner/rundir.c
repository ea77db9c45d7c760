// SPDX-License-Identifier: GPL-2.0-only
/* Where a run is kept; see rundir.h. */
#include "runner/rundir.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "vmm/base/cleanup.h"
#include "vmm/base/diag.h"
#include "vmm/base/io.h"
#include "vmm/base/log.h"

struct rundir {
	char *path;
};

static char *runs_base(void)
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	char *base = NULL;
	int n;

	if (state && *state == '/')
		n = asprintf(&base, "%s/vmtap/runs", state);
	else if (home && *home == '/')
		n = asprintf(&base, "%s/.local/state/vmtap/runs", home);
	else
		return NULL;
	return n < 0 ? NULL : base;
}

/* Only names that new_run() makes: 20260131-235959-1234. */
static int is_run(const struct dirent *e)
{
	return strlen(e->d_name) > 16 && e->d_name[8] == '-' &&
	       e->d_name[15] == '-' &&
	       strspn(e->d_name, "0123456789-") == strlen(e->d_name);
}

static void prune(const char *base)
{
	struct dirent **list;
	int n = scandir(base, &list, is_run, alphasort), i;

	for (i = 0; i < n; i++) {
		char *path __free(cleanup_free) = NULL;
		struct diag d = { 0 };

		if (i < n - RUNDIR_KEEP &&
		    asprintf(&path, "%s/%s", base, list[i]->d_name) >= 0 &&
		    io_rmtree(path, &d))
			log_debug("run", "%s", diag_text(&d));
		diag_reset(&d);
		free(list[i]);
	}
	if (n >= 0)
		free(list);
}

static void point_latest(const char *base, const char *name)
{
	char *tmp __free(cleanup_free) = NULL;
	char *latest __free(cleanup_free) = NULL;

	if (asprintf(&tmp, "%s/.latest.%d", base, (int)getpid()) < 0 ||
	    asprintf(&latest, "%s/latest", base) < 0)
		return;
	if (!symlink(name, tmp) && rename(tmp, latest))
		unlink(tmp);
}

static char *new_run(struct diag *d)
{
	char *base __free(cleanup_free) = runs_base();
	time_t now = time(NULL);
	char name[64], *path;
	struct tm tm;
	size_t n;

	if (!base) {
		log_warn("run", "neither HOME nor XDG_STATE_HOME is set: results are not kept; name a folder with --out");
		return NULL;
	}
	if (io_mkdirs(base, d))
		return NULL;
	prune(base);
	gmtime_r(&now, &tm);
	n = strftime(name, sizeof(name), "%Y%m%d-%H%M%S", &tm);
	snprintf(name + n, sizeof(name) - n, "-%d", (int)getpid());
	point_latest(base, name);
	return asprintf(&path, "%s/%s", base, name) < 0 ? NULL : path;
}

int rundir_open(const char *path, struct rundir **out, struct diag *d)
{
	struct rundir *dir = calloc(1, sizeof(*dir));
	char real[PATH_MAX];
	int err = 0;

	if (!dir)
		return diag_fail(d, -ENOMEM, NULL, "no memory");
	dir->path = path ? strdup(path) : new_run(d);
	if (dir->path)
		err = io_mkdirs(dir->path, d);
	else if (d->err)
		err = d->err;
	if (!err && dir->path && realpath(dir->path, real)) {
		free(dir->path);
		dir->path = strdup(real);
	}
	if (err) {
		rundir_close(dir);
		return diag_wrap(d, err, "no folder for the results (choose one with --out)");
	}
	*out = dir;
	return 0;
}

const char *rundir_path(const struct rundir *dir)
{
	return dir->path;
}

void rundir_close(struct rundir *dir)
{
	if (!dir)
		return;
	free(dir->path);
	free(dir);
}
