// SPDX-License-Identifier: GPL-2.0-only
/* wl_main: vmtap-workload PLAN [-- PAYLOAD...]: the course of things. */
#include "tools/guest/agent.h"
#include "tools/guest/wl_run.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILES_WANTED 20000	/* two pipes for each pair of workers */
#define LOOP_MAX 1000		/* further things that a loop may make */

static char *read_plan(const char *path, size_t *len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	char *bytes = NULL;

	*len = 0;
	if (fd < 0 || fstat(fd, &st))
		return NULL;
	bytes = malloc((size_t)st.st_size + 1);
	while (bytes && *len < (size_t)st.st_size) {
		ssize_t n = read(fd, bytes + *len, (size_t)st.st_size - *len);

		if (n <= 0)
			break;
		*len += (size_t)n;
	}
	close(fd);
	return bytes;
}

/* Room for all that the plan can make: nothing moves later. */
static bool make_room(struct wl_run *run)
{
	const struct wl_plan *plan = &run->plan;
	size_t ops = LOOP_MAX;

	for (size_t i = 0; i < plan->nr_steps; i++)
		ops += plan->steps[i].nr_ops;
	run->nr_phases = plan->nr_steps ? (unsigned int)plan->nr_steps : 1;
	run->max_cgroups = plan->nr_cgroups + ops;
	run->max_teams = plan->nr_workers + ops;
	run->max_children = ops + 1;
	run->cgroups = calloc(run->max_cgroups, sizeof(*run->cgroups));
	run->teams = calloc(run->max_teams, sizeof(*run->teams));
	run->children = calloc(run->max_children, sizeof(*run->children));
	run->phase_from = calloc(run->nr_phases, sizeof(*run->phase_from));
	run->phase_to = calloc(run->nr_phases, sizeof(*run->phase_to));
	run->phase = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return run->cgroups && run->teams && run->children && run->phase_from &&
	       run->phase_to && run->phase != MAP_FAILED;
}

/*
 * Steps come in time though workers burn all CPUs; what is forked from here is
 * an ordinary task again.
 */
static void be_urgent(void)
{
	const struct sched_param p = { .sched_priority = 1 };
	struct rlimit files = { FILES_WANTED, FILES_WANTED };

	if (sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &p))
		fputs("vmtap-workload: no real-time priority\n", stderr);
	setrlimit(RLIMIT_NOFILE, &files);
}

static void take_signals(struct wl_run *run)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	run->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int begin(struct wl_run *run)
{
	int err = wl_cgroups_open(run);

	for (size_t i = 0; i < run->plan.nr_cgroups && !err; i++)
		err = wl_cgroup_add(run, &run->plan.cgroups[i]);
	for (size_t i = 0; i < run->plan.nr_workers && !err; i++)
		err = wl_team_fork(run, &run->plan.workers[i], false) ? 0 : -1;
	return err;
}

static int run_all(struct wl_run *run, char *const *payload)
{
	struct wl_child *child = NULL;
	int status = 0;

	if (!begin(run)) {
		run->moved = wl_pages_moved();
		run->start_ns = wl_now();
		for (size_t i = 0; i < run->nr_teams; i++)
			wl_team_go(run, run->teams[i]);
		if (payload)
			child = wl_child_start(run, NULL, NULL, payload);
		wl_steps_run(run);
		wl_report_phase(run->nr_phases);
	}
	wl_teams_stop(run, NULL, NULL);
	wl_children_kill(run);
	wl_cgroups_close(run);
	if (run->start_ns)
		wl_report_all(run);
	if (child)
		status = wl_child_wait(run, child);
	if (!status && run->asked_to_end)
		status = 128 + SIGTERM;
	return status ? status : run->broken ? WL_EXIT_BROKEN : 0;
}

int wl_main(int argc, char **argv)
{
	static struct wl_run run;
	const char *path = argc > 1 ? argv[1] : WL_PATH, *why;
	char *const *payload = argc > 3 && !strcmp(argv[2], "--") ? argv + 3 : NULL;
	size_t len;
	char *bytes = read_plan(path, &len);

	if (!bytes) {
		fprintf(stderr, "vmtap-workload: %s: %s\n", path, strerror(errno));
		return WL_EXIT_BROKEN;
	}
	why = wl_plan_parse(&run.plan, bytes, len);
	if (!why && !make_room(&run))
		why = "no memory";
	if (why) {
		fprintf(stderr, "vmtap-workload: %s: %s\n", path, why);
		return WL_EXIT_BROKEN;
	}
	wl_topo_read(&run.topo);
	take_signals(&run);
	be_urgent();
	return run_all(&run, payload);
}
