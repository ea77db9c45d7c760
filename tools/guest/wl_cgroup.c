// SPDX-License-Identifier: GPL-2.0-only
/*
 * wl_cgroup: the workload's groups in cgroup v2, below one of our own. Groups
 * that have groups below them hold no workers (the kernel's rule); those of no
 * group are in a leaf of the root group.
 */
#include "tools/guest/wl_run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CGROUP_ROOT "/sys/fs/cgroup"
#define LEAF "ungrouped"
#define REMOVE_TRIES 50
#define REMOVE_WAIT_MS 100

static int write_file(const char *dir, const char *file, const char *text)
{
	char path[400];
	int fd, err = 0;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		err = -errno;
	close(fd);
	return err;
}

static int set(struct wl_run *run, const struct wl_cgroup_run *g,
	       const char *file, const char *text)
{
	int err = write_file(g->path, file, text);

	if (err)
		wl_complain(run, "cgroup %s: %s = '%s': %s", g->plan->name, file,
			    text, strerror(-err));
	return err;
}

static int set_number(struct wl_run *run, const struct wl_cgroup_run *g,
		      const char *file, uint64_t value)
{
	char text[32];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	return value ? set(run, g, file, text) : 0;
}

/* Each by itself: a kernel may lack one of them. */
static int delegate(const char *dir)
{
	static const char *const controllers[] = { "+cpu", "+cpuset", "+memory" };
	int err = 0;

	for (size_t i = 0; i < sizeof(controllers) / sizeof(controllers[0]); i++) {
		int rc = write_file(dir, "cgroup.subtree_control", controllers[i]);

		if (rc == -EBUSY)
			err = rc;
	}
	return err;
}

static bool wanted(const struct wl_plan *plan)
{
	if (plan->nr_cgroups)
		return true;
	for (size_t i = 0; i < plan->nr_steps; i++)
		for (size_t j = 0; j < plan->steps[i].nr_ops; j++)
			if (plan->steps[i].ops[j].kind == OP_ADD_CGROUP)
				return true;
	return false;
}

int wl_cgroups_open(struct wl_run *run)
{
	char leaf[256];

	if (!wanted(&run->plan))
		return 0;
	delegate(CGROUP_ROOT);
	strcpy(run->root, CGROUP_ROOT "/vmtap");
	snprintf(leaf, sizeof(leaf), "%s/" LEAF, run->root);
	if ((mkdir(run->root, 0755) && errno != EEXIST) || delegate(run->root) ||
	    (mkdir(leaf, 0755) && errno != EEXIST))
		return wl_complain(run, "%s: %s", run->root, strerror(errno));
	return 0;
}

struct wl_cgroup_run *wl_cgroup_find(struct wl_run *run, const char *name)
{
	for (size_t i = 0; name && i < run->nr_cgroups; i++) {
		struct wl_cgroup_run *g = &run->cgroups[i];

		if (g->standing && !strcmp(g->plan->name, name))
			return g;
	}
	return NULL;
}

static uint64_t parent_mask(struct wl_run *run, const struct wl_cgroup_run *g)
{
	const struct wl_cgroup_run *p = wl_cgroup_find(run, g->plan->parent);

	return p ? wl_cgroup_mask(run, p) : run->topo.cpus;
}

/* As cpuset.cpus.effective: own within the parent's, else the parent's. */
uint64_t wl_cgroup_mask(struct wl_run *run, const struct wl_cgroup_run *g)
{
	uint64_t above;

	if (!g)
		return run->topo.cpus;
	above = parent_mask(run, g);
	return g->mask & above ? g->mask & above : above;
}

/*
 * A group with tasks in it cannot lose its cpuset altogether (ENOSPC, the
 * kernel's validate_change()): then it gets all that its parent has.
 */
static int write_mask(struct wl_run *run, struct wl_cgroup_run *g, uint64_t mask)
{
	char list[200];

	if (!mask && !write_file(g->path, "cpuset.cpus", "\n"))
		return 0;
	wl_list_print(mask ? mask : parent_mask(run, g), list, sizeof(list));
	return set(run, g, "cpuset.cpus", list);
}

int wl_cgroup_cpuset(struct wl_run *run, struct wl_cgroup_run *g, uint64_t mask)
{
	uint64_t old = g->mask;
	int err;

	wl_teams_allow(run, true);	/* what was, as long as it changes */
	g->mask = mask;
	wl_teams_allow(run, true);
	err = write_mask(run, g, mask);
	if (err)
		g->mask = old;
	wl_teams_allow(run, false);
	return err;
}

int wl_cgroup_swap(struct wl_run *run, struct wl_cgroup_run *a,
		   struct wl_cgroup_run *b)
{
	uint64_t mask = a->mask;
	int err;

	wl_teams_allow(run, true);
	a->mask = b->mask;
	b->mask = mask;
	wl_teams_allow(run, true);
	err = write_mask(run, a, a->mask);
	if (!err)
		err = write_mask(run, b, b->mask);
	wl_teams_allow(run, false);
	return err;
}

static int make_path(struct wl_run *run, struct wl_cgroup_run *g)
{
	const struct wl_cgroup_run *parent = NULL;
	int err;

	if (g->plan->parent) {
		parent = wl_cgroup_find(run, g->plan->parent);
		if (!parent)
			return wl_complain(run, "cgroup %s: its parent %s does not stand",
					   g->plan->name, g->plan->parent);
		err = delegate(parent->path);
		if (err)
			return wl_complain(run, "cgroup %s below %s: %s (a group with groups below it holds no workers)",
					   g->plan->name, g->plan->parent,
					   strerror(-err));
	}
	if (snprintf(g->path, sizeof(g->path), "%s/%s",
		     parent ? parent->path : run->root,
		     g->plan->name) >= (int)sizeof(g->path))
		return wl_complain(run, "cgroup %s: too deep", g->plan->name);
	if (mkdir(g->path, 0755))
		return wl_complain(run, "cgroup %s: %s", g->plan->name,
				   strerror(errno));
	return 0;
}

static struct wl_cgroup_run *new_entry(struct wl_run *run)
{
	if (run->nr_cgroups == run->max_cgroups)
		return NULL;
	return &run->cgroups[run->nr_cgroups];
}

int wl_cgroup_add(struct wl_run *run, const struct wl_cgroup_plan *plan)
{
	struct wl_cgroup_run *g = new_entry(run);
	const char *why;
	int err;

	if (wl_cgroup_find(run, plan->name))
		return wl_complain(run, "cgroup %s: stands already", plan->name);
	if (!g)
		return wl_complain(run, "cgroup %s: too many of them", plan->name);
	*g = (struct wl_cgroup_run){ .plan = plan };
	why = wl_set_resolve(&run->topo, &plan->cpuset, &g->mask);
	if (why)
		return wl_complain(run, "cgroup %s: cpuset: %s", plan->name, why);
	err = make_path(run, g);
	if (err)
		return err;
	g->standing = true;
	run->nr_cgroups++;
	if (g->mask)
		err = write_mask(run, g, g->mask);
	if (!err && plan->cpu_max)
		err = set(run, g, "cpu.max", plan->cpu_max);
	err = err ?: set_number(run, g, "cpu.weight", plan->cpu_weight);
	err = err ?: set_number(run, g, "memory.high", plan->memory_high);
	return err ?: set_number(run, g, "memory.max", plan->memory_max);
}

static uint64_t read_word(const struct wl_cgroup_run *g, const char *file,
			  const char *word)
{
	char path[400], line[128], key[64];
	unsigned long long v, found = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", g->path, file);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		if (!*word ? sscanf(line, "%llu", &v) == 1 :
		    sscanf(line, "%63s %llu", key, &v) == 2 && !strcmp(key, word))
			found = v;
	}
	if (f)
		fclose(f);
	return found;
}

static void tell(struct wl_cgroup_run *g)
{
	g->usage_ns = read_word(g, "cpu.stat", "usage_usec") * 1000;
	g->throttled = read_word(g, "cpu.stat", "nr_throttled");
	g->throttled_ns = read_word(g, "cpu.stat", "throttled_usec") * 1000;
	g->memory_peak = read_word(g, "memory.peak", "");
	g->oom_kills = read_word(g, "memory.events", "oom_kill");
	g->told = true;
}

/* Each process of @dir into the group at @to. */
static int drain(const char *dir, const char *to)
{
	char path[400], pid[32];
	int err = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/cgroup.procs", dir);
	f = fopen(path, "re");
	if (!f)
		return -errno;
	while (fgets(pid, sizeof(pid), f)) {
		int rc = write_file(to, "cgroup.procs", pid);

		if (rc && rc != -ESRCH)
			err = rc;
	}
	fclose(f);
	return err;
}

/* What exits is counted in its group for a moment longer. */
static int remove_dir(const char *dir)
{
	char path[400], text[128];
	int fd, tries = 0;

	snprintf(path, sizeof(path), "%s/cgroup.events", dir);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	while (rmdir(dir) && errno == EBUSY && tries++ < REMOVE_TRIES) {
		struct pollfd p = { .fd = fd, .events = POLLPRI };

		drain(dir, CGROUP_ROOT);
		if (pread(fd, text, sizeof(text), 0) < 0)
			continue;
		poll(&p, 1, REMOVE_WAIT_MS);
	}
	if (fd >= 0)
		close(fd);
	return access(dir, F_OK) ? 0 : -EBUSY;
}

int wl_cgroup_remove(struct wl_run *run, struct wl_cgroup_run *g)
{
	tell(g);
	if (remove_dir(g->path))
		return wl_complain(run, "cgroup %s: cannot be removed: %s",
				   g->plan->name, strerror(errno));
	g->standing = false;
	return 0;
}

void wl_cgroups_close(struct wl_run *run)
{
	char leaf[256];

	/* Those below come later in the list than what they are in. */
	for (size_t i = run->nr_cgroups; i > 0; i--)
		if (run->cgroups[i - 1].standing)
			wl_cgroup_remove(run, &run->cgroups[i - 1]);
	if (!run->root[0])
		return;
	snprintf(leaf, sizeof(leaf), "%s/" LEAF, run->root);
	remove_dir(leaf);
	remove_dir(run->root);
}

int wl_cgroup_place(struct wl_run *run, struct wl_cgroup_run *g, pid_t pid)
{
	char dir[300], text[32];
	int err;

	if (!run->root[0])
		return 0;
	snprintf(dir, sizeof(dir), "%s%s", g ? g->path : run->root,
		 g ? "" : "/" LEAF);
	snprintf(text, sizeof(text), "%d", pid);
	err = write_file(dir, "cgroup.procs", text);
	if (err)
		return wl_complain(run, "cgroup %s: cannot take a worker: %s",
				   g ? g->plan->name : LEAF, strerror(-err));
	return 0;
}

int wl_cgroup_leave(struct wl_run *run, pid_t pid)
{
	char text[32];

	(void)run;
	snprintf(text, sizeof(text), "%d", pid);
	return write_file(CGROUP_ROOT, "cgroup.procs", text);
}

int wl_cgroup_move(struct wl_run *run, struct wl_cgroup_run *from,
		   struct wl_cgroup_run *to)
{
	int err;

	wl_teams_allow(run, true);
	for (size_t i = 0; i < run->nr_teams; i++)
		if (run->teams[i]->cgroup == from)
			run->teams[i]->cgroup = to;
	wl_teams_allow(run, true);
	err = drain(from->path, to->path);
	wl_teams_allow(run, false);
	if (err)
		return wl_complain(run, "move from cgroup %s to %s: %s",
				   from->plan->name, to->plan->name, strerror(-err));
	return 0;
}

int wl_cgroup_freeze(struct wl_run *run, struct wl_cgroup_run *g, bool freeze)
{
	char path[400], text[128];
	struct pollfd p = { .events = POLLPRI };
	const char *want = freeze ? "frozen 1" : "frozen 0";
	int err = set(run, g, "cgroup.freeze", freeze ? "1" : "0");

	if (err)
		return err;
	g->frozen = freeze;
	/* Done when the kernel says so. */
	snprintf(path, sizeof(path), "%s/cgroup.events", g->path);
	p.fd = open(path, O_RDONLY | O_CLOEXEC);
	for (int i = 0; p.fd >= 0 && i < REMOVE_TRIES; i++) {
		ssize_t n = pread(p.fd, text, sizeof(text) - 1, 0);

		text[n > 0 ? n : 0] = 0;
		if (strstr(text, want))
			break;
		poll(&p, 1, REMOVE_WAIT_MS);
	}
	if (p.fd >= 0)
		close(p.fd);
	return strstr(text, want) ? 0 :
	       wl_complain(run, "cgroup %s: it did not become '%s'",
			   g->plan->name, want);
}

unsigned int wl_cgroups_standing(const struct wl_run *run)
{
	unsigned int n = 0;

	for (size_t i = 0; i < run->nr_cgroups; i++)
		n += run->cgroups[i].standing;
	return n;
}
