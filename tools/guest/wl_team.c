// SPDX-License-Identifier: GPL-2.0-only
/*
 * wl_team: the workers of one entry of the plan, a process each. They start in
 * two steps: forked and placed in their group, they set themselves up and
 * wait; then all go at once. They end by SIGUSR1, and by SIGKILL to their
 * process groups where that was not enough.
 */
#include "tools/guest/wl_run.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define READY_MS 20000		/* a thousand of them on one slow CPU */
#define NUDGE_MS 50		/* from one SIGUSR1 to the next */

struct wl_slot *wl_slot_of(const struct wl_team *team, unsigned int index)
{
	return (struct wl_slot *)((char *)(team->shared + 1) +
				  index * team->stride);
}

static bool piped(uint64_t type)
{
	return type == WORK_PIPE_IO || type == WORK_CACHE_PIPE;
}

static struct wl_team *team_new(struct wl_run *run,
				const struct wl_worker_plan *plan)
{
	struct wl_team *team = calloc(1, sizeof(*team));
	size_t size;

	if (!team || run->nr_teams == run->max_teams) {
		free(team);
		return NULL;
	}
	team->plan = plan;
	team->nr = (unsigned int)plan->count;
	team->stride = sizeof(struct wl_slot) +
		       run->nr_phases * sizeof(struct wl_phase_slot);
	size = sizeof(struct wl_shared) + team->nr * team->stride;
	team->shared = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	team->members = calloc(team->nr, sizeof(*team->members));
	if (team->shared == MAP_FAILED || !team->members)
		return NULL;
	for (unsigned int i = 0; i < team->nr; i++)
		team->members[i].phases = calloc(run->nr_phases,
					sizeof(*team->members[i].phases));
	run->teams[run->nr_teams++] = team;
	return team;
}

/* Pipes of the pair that @index begins; both ends of both. */
static int open_pipes(const struct wl_team *team, unsigned int index, int p[4])
{
	if (index & 1 || !piped(team->plan->type))
		return 0;
	return pipe(p) || pipe(p + 2) ? -1 : 0;
}

static void close_pipes(const struct wl_team *team, unsigned int index, int p[4])
{
	if (!(index & 1) || !piped(team->plan->type))
		return;
	for (int i = 0; i < 4; i++)
		close(p[i]);
}

static pid_t fork_member(struct wl_run *run, struct wl_team *team,
			 unsigned int index, const int p[4])
{
	bool odd = index & 1, pair = piped(team->plan->type);
	struct wl_me me = {
		.plan = team->plan, .topo = &run->topo, .phase = run->phase,
		.shared = team->shared, .slot = wl_slot_of(team, index),
		.index = index, .stride = team->stride, .file = -1,
		.in = pair ? p[odd ? 0 : 2] : -1, .out = pair ? p[odd ? 3 : 1] : -1,
	};
	pid_t pid = fork();

	if (!pid)
		wl_worker_main(&me);
	return pid;
}

static int set_affinity(pid_t pid, uint64_t mask)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	for (int i = 0; i < WL_MAX_CPUS; i++)
		if (mask >> i & 1)
			CPU_SET(i, &set);
	return sched_setaffinity(pid, sizeof(set), &set) ? -errno : 0;
}

static uint64_t allowed(struct wl_run *run, const struct wl_team *team)
{
	uint64_t mask = wl_cgroup_mask(run, team->cgroup);

	return team->affinity & mask ? team->affinity & mask : mask;
}

void wl_teams_allow(struct wl_run *run, bool widen)
{
	for (size_t t = 0; t < run->nr_teams; t++) {
		const struct wl_team *team = run->teams[t];
		uint64_t mask = team->stopped ? 0 : allowed(run, team);

		for (unsigned int i = 0; mask && i < team->nr; i++) {
			struct wl_slot *s = wl_slot_of(team, i);

			__atomic_store_n(&s->allowed, widen ? s->allowed | mask : mask,
					 __ATOMIC_SEQ_CST);
		}
	}
}

static int place(struct wl_run *run, struct wl_team *team, unsigned int index)
{
	pid_t pid = team->members[index].pid;
	int err = team->host ? wl_cgroup_leave(run, pid) :
			       wl_cgroup_place(run, team->cgroup, pid);

	/* After the group: joining one sets the affinity to its cpuset. */
	if (!err && team->affinity) {
		err = set_affinity(pid, allowed(run, team));
		if (err)
			wl_complain(run, "worker %s: affinity: %s",
				    team->plan->name, strerror(-err));
	}
	wl_slot_of(team, index)->allowed = allowed(run, team);
	return err;
}

static int fork_all(struct wl_run *run, struct wl_team *team)
{
	int p[4] = { -1, -1, -1, -1 };

	for (unsigned int i = 0; i < team->nr; i++) {
		struct wl_member *m = &team->members[i];

		if (open_pipes(team, i, p))
			return wl_complain(run, "worker %s: pipe: %s",
					   team->plan->name, strerror(errno));
		m->pid = fork_member(run, team, i, p);
		close_pipes(team, i, p);
		if (m->pid < 0) {
			m->pid = 0;
			return wl_complain(run, "worker %s: fork: %s",
					   team->plan->name, strerror(errno));
		}
		if (place(run, team, i))
			return -1;
	}
	return 0;
}

/* Until each one is set up, or says why it is not. */
static int wait_ready(struct wl_run *run, struct wl_team *team)
{
	uint64_t until = wl_now() + READY_MS * 1000000ull;
	uint32_t n;

	while ((n = __atomic_load_n(&team->shared->ready, __ATOMIC_SEQ_CST)) <
	       team->nr) {
		if (wl_now() > until)
			return wl_complain(run, "worker %s: %u of %u came up",
					   team->plan->name, n, team->nr);
		wl_futex_wait(&team->shared->ready, n, 1000);
	}
	for (unsigned int i = 0; i < team->nr; i++) {
		const struct wl_slot *s = wl_slot_of(team, i);

		if (s->error)
			return wl_complain(run, "worker %s: %s: %s", team->plan->name,
					   s->failed, strerror(s->error));
	}
	return 0;
}

static void open_gate(struct wl_team *team, enum wl_gate gate)
{
	__atomic_store_n(&team->shared->gate, gate, __ATOMIC_SEQ_CST);
	wl_futex_wake(&team->shared->gate, INT_MAX);
}

struct wl_team *wl_team_fork(struct wl_run *run,
			     const struct wl_worker_plan *plan, bool host)
{
	struct wl_team *team = team_new(run, plan);
	const char *why;

	if (!team) {
		wl_complain(run, "worker %s: no memory, or too many of them",
			    plan->name);
		return NULL;
	}
	team->host = host;
	team->cgroup = host ? NULL : wl_cgroup_find(run, plan->group);
	why = wl_set_resolve(&run->topo, &plan->affinity, &team->affinity);
	if (why || (plan->group && !team->cgroup && !host)) {
		wl_complain(run, "worker %s: %s", plan->name,
			    why ? why : "its group does not stand");
		return NULL;
	}
	if (fork_all(run, team))
		return NULL;
	open_gate(team, WL_GATE_PLACED);
	return wait_ready(run, team) ? NULL : team;
}

/* --- figures ------------------------------------------------------------ */

static uint64_t cpu_time(pid_t pid)
{
	struct timespec ts;
	clockid_t clock;

	if (!pid || clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &ts))
		return 0;
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static struct wl_mark mark_now(const struct wl_member *m,
			       const struct wl_slot *s, uint64_t now)
{
	return (struct wl_mark){
		now, __atomic_load_n(&s->iterations, __ATOMIC_RELAXED),
		m->pid ? cpu_time(m->pid) : m->cpu_ns, s->migrations,
	};
}

/* What a worker did since its last mark is this phase's. */
static void mark(struct wl_member *m, const struct wl_slot *s,
		 unsigned int phase, uint64_t now)
{
	struct wl_mark next = mark_now(m, s, now);
	struct wl_phase_told *told = &m->phases[phase];
	uint64_t since = s->last_ns > m->mark.at_ns ? s->last_ns : m->mark.at_ns;
	uint64_t gap = now > since ? now - since : 0;

	if (!m->mark.at_ns || m->ended)
		return;
	told->was = true;
	told->wall_ns += next.at_ns - m->mark.at_ns;
	told->iterations += next.iterations - m->mark.iterations;
	told->cpu_ns += next.cpu_ns > m->mark.cpu_ns ? next.cpu_ns - m->mark.cpu_ns : 0;
	told->migrations += next.migrations - m->mark.migrations;
	/* The gap that is still open, and those that the worker saw itself. */
	if (gap > told->max_gap_ns)
		told->max_gap_ns = gap;
	if (s->phases[phase].max_gap_ns > told->max_gap_ns)
		told->max_gap_ns = s->phases[phase].max_gap_ns;
	m->mark = next;
}

static void team_mark(struct wl_team *team, unsigned int phase)
{
	uint64_t now = wl_now();

	for (unsigned int i = 0; i < team->nr; i++)
		mark(&team->members[i], wl_slot_of(team, i), phase, now);
}

void wl_teams_mark(struct wl_run *run, unsigned int ended)
{
	for (size_t t = 0; t < run->nr_teams; t++)
		team_mark(run->teams[t], ended);
}

void wl_team_go(struct wl_run *run, struct wl_team *team)
{
	uint64_t now = wl_now();

	(void)run;
	for (unsigned int i = 0; i < team->nr; i++)
		team->members[i].mark = mark_now(&team->members[i],
						 wl_slot_of(team, i), now);
	open_gate(team, WL_GATE_GO);
}

int wl_team_affinity(struct wl_run *run, struct wl_team *team, uint64_t mask)
{
	int err = 0;

	wl_teams_allow(run, true);
	team->affinity = mask;
	wl_teams_allow(run, true);
	for (unsigned int i = 0; i < team->nr && !err; i++)
		if (team->members[i].pid)
			err = set_affinity(team->members[i].pid, allowed(run, team));
	wl_teams_allow(run, false);
	if (err)
		return wl_complain(run, "worker %s: affinity: %s",
				   team->plan->name, strerror(-err));
	return 0;
}

/* --- the end ------------------------------------------------------------ */

static void signal_team(const struct wl_team *team, int sig)
{
	bool custom = team->plan->type == WORK_CUSTOM;

	for (unsigned int i = 0; i < team->nr; i++) {
		pid_t pid = team->members[i].pid;

		if (!pid)
			continue;
		if (sig == SIGKILL || custom)
			kill(-pid, sig == SIGKILL ? SIGKILL : SIGTERM);
		if (sig == SIGKILL || !custom)
			kill(pid, sig);
	}
}

static bool all_ended(const struct wl_team *team)
{
	for (unsigned int i = 0; i < team->nr; i++)
		if (team->members[i].pid)
			return false;
	return true;
}

void wl_teams_stop(struct wl_run *run,
		   bool (*match)(const struct wl_team *team, const void *arg),
		   const void *arg)
{
	unsigned int phase = *run->phase;
	uint64_t kill_at;
	bool left = true;

	for (size_t t = 0; t < run->nr_teams; t++) {
		struct wl_team *team = run->teams[t];

		if (team->stopped || (match && !match(team, arg)))
			continue;
		team_mark(team, phase);
		team->stopping = true;
		/* What is frozen hears no signal but SIGKILL. */
		if (team->cgroup && team->cgroup->frozen)
			wl_cgroup_freeze(run, team->cgroup, false);
	}
	kill_at = wl_now() + WL_STOP_MS * 1000000ull;
	while (left) {
		bool late = wl_now() >= kill_at;

		left = false;
		for (size_t t = 0; t < run->nr_teams; t++) {
			struct wl_team *team = run->teams[t];

			if (!team->stopping || team->stopped)
				continue;
			signal_team(team, late ? SIGKILL : SIGUSR1);
			team->stopped = all_ended(team);
			left |= !team->stopped;
		}
		if (left)
			wl_wait_until(run, wl_now() + NUDGE_MS * 1000000ull);
	}
}

static void judge_end(struct wl_run *run, const struct wl_team *team,
		      unsigned int index, int status)
{
	char how[64];

	if (team->stopping)
		return;
	if (WIFEXITED(status) && !WEXITSTATUS(status) &&
	    team->plan->type == WORK_CUSTOM)
		return;		/* a command may be done early */
	if (WIFSIGNALED(status))
		snprintf(how, sizeof(how), "killed by signal %d", WTERMSIG(status));
	else
		snprintf(how, sizeof(how), "exit status %d", WEXITSTATUS(status));
	wl_complain(run, "worker %s[%u] ended before its time: %s",
		    team->plan->name, index, how);
}

bool wl_teams_ended(struct wl_run *run, pid_t pid, int status,
		    const struct rusage *use)
{
	for (size_t t = 0; t < run->nr_teams; t++) {
		struct wl_team *team = run->teams[t];

		for (unsigned int i = 0; i < team->nr; i++) {
			struct wl_member *m = &team->members[i];
			struct wl_slot *s = wl_slot_of(team, i);

			if (m->pid != pid)
				continue;
			m->cpu_ns = ((uint64_t)use->ru_utime.tv_sec +
				     (uint64_t)use->ru_stime.tv_sec) * 1000000000u +
				    ((uint64_t)use->ru_utime.tv_usec +
				     (uint64_t)use->ru_stime.tv_usec) * 1000;
			m->pid = 0;
			mark(m, s, *run->phase, wl_now());
			m->ended = true;
			m->status = status;
			m->killed = WIFSIGNALED(status);
			if (!s->end_ns)
				s->end_ns = wl_now();
			judge_end(run, team, i, status);
			return true;
		}
	}
	return false;
}

unsigned int wl_teams_running(const struct wl_run *run)
{
	unsigned int n = 0;

	for (size_t t = 0; t < run->nr_teams; t++)
		for (unsigned int i = 0; i < run->teams[t]->nr; i++)
			n += run->teams[t]->members[i].pid != 0;
	return n;
}

uint64_t wl_teams_iterations(const struct wl_run *run)
{
	uint64_t n = 0;

	for (size_t t = 0; t < run->nr_teams; t++)
		for (unsigned int i = 0; i < run->teams[t]->nr; i++)
			n += __atomic_load_n(&wl_slot_of(run->teams[t], i)->iterations,
					     __ATOMIC_RELAXED);
	return n;
}
