// SPDX-License-Identifier: GPL-2.0-only
/* wl_steps: operations, and the time between them. */
#include "tools/guest/wl_run.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

static struct wl_cgroup_run *need(struct wl_run *run, const char *name)
{
	struct wl_cgroup_run *g = wl_cgroup_find(run, name);

	if (!g)
		wl_complain(run, "cgroup %s: does not stand", name ? name : "");
	return g;
}

static int need_cpus(struct wl_run *run, const struct wl_op_plan *op,
		     uint64_t *mask)
{
	const char *why = wl_set_resolve(&run->topo, &op->cpus, mask);

	return why ? wl_complain(run, "%s %s: %s", wl_op_word(op->kind),
				 op->target, why) : 0;
}

static bool in_cgroup(const struct wl_team *team, const void *arg)
{
	return team->cgroup == arg;
}

static bool meant(const struct wl_team *team, const void *arg)
{
	const struct wl_op_plan *op = arg;

	return !strcmp(team->plan->name, op->target) ||
	       (team->cgroup && !strcmp(team->cgroup->plan->name, op->target));
}

static bool any_meant(const struct wl_run *run, const struct wl_op_plan *op)
{
	for (size_t i = 0; i < run->nr_teams; i++)
		if (!run->teams[i]->stopped && meant(run->teams[i], op))
			return true;
	return false;
}

static int remove_cgroup(struct wl_run *run, const struct wl_op_plan *op)
{
	struct wl_cgroup_run *g = need(run, op->target);

	if (!g)
		return -1;
	wl_teams_stop(run, in_cgroup, g);
	return wl_cgroup_remove(run, g);
}

static int set_cpuset(struct wl_run *run, const struct wl_op_plan *op)
{
	struct wl_cgroup_run *g = need(run, op->target);
	uint64_t mask = 0;

	if (!g || (op->kind == OP_SET_CPUSET && need_cpus(run, op, &mask)))
		return -1;
	return wl_cgroup_cpuset(run, g, mask);
}

static int two_groups(struct wl_run *run, const struct wl_op_plan *op)
{
	struct wl_cgroup_run *a = need(run, op->target), *b = need(run, op->to);

	if (!a || !b)
		return -1;
	return op->kind == OP_MOVE ? wl_cgroup_move(run, a, b) :
				     wl_cgroup_swap(run, a, b);
}

static int set_affinity(struct wl_run *run, const struct wl_op_plan *op)
{
	uint64_t mask = 0;
	int err = need_cpus(run, op, &mask);

	if (!err && !any_meant(run, op))
		return wl_complain(run, "set_affinity %s: no such worker or cgroup",
				   op->target);
	for (size_t i = 0; i < run->nr_teams && !err; i++)
		if (!run->teams[i]->stopped && meant(run->teams[i], op))
			err = wl_team_affinity(run, run->teams[i], mask);
	return err;
}

static int spawn(struct wl_run *run, const struct wl_op_plan *op)
{
	struct wl_team *team = wl_team_fork(run, op->worker,
					    op->kind == OP_SPAWN_HOST);

	if (!team)
		return -1;
	wl_team_go(run, team);
	return 0;
}

static int stop(struct wl_run *run, const struct wl_op_plan *op)
{
	if (!any_meant(run, op))
		return wl_complain(run, "stop %s: no such worker or cgroup",
				   op->target);
	wl_teams_stop(run, meant, op);
	return 0;
}

static int freeze(struct wl_run *run, const struct wl_op_plan *op)
{
	struct wl_cgroup_run *g = need(run, op->target);

	return g ? wl_cgroup_freeze(run, g, op->kind == OP_FREEZE) : -1;
}

static int judge_script(struct wl_run *run, const struct wl_op_plan *op,
			struct wl_child *c)
{
	int status = c ? wl_child_wait(run, c) : 0;

	if (status)
		wl_complain(run, "%s %s: exit status %d", wl_op_word(op->kind),
			    op->target ? op->target : "", status);
	return c && !status ? 0 : -1;
}

static int wait_or_kill(struct wl_run *run, const struct wl_op_plan *op)
{
	struct wl_child *c = wl_child_find(run, op->target);

	if (!c)
		return wl_complain(run, "%s %s: nothing of this name was started",
				   wl_op_word(op->kind), op->target);
	if (op->kind == OP_WAIT)
		return judge_script(run, op, c);
	if (c->pid > 0)
		kill(-c->pid, SIGKILL);
	wl_child_wait(run, c);
	return 0;
}

static int carry_out(struct wl_run *run, const struct wl_op_plan *op)
{
	switch ((enum wl_op_kind)op->kind) {
	case OP_ADD_CGROUP:
		return wl_cgroup_add(run, op->cgroup);
	case OP_REMOVE_CGROUP:
		return remove_cgroup(run, op);
	case OP_SET_CPUSET:
	case OP_CLEAR_CPUSET:
		return set_cpuset(run, op);
	case OP_SWAP_CPUSETS:
	case OP_MOVE:
		return two_groups(run, op);
	case OP_SPAWN:
	case OP_SPAWN_HOST:
		return spawn(run, op);
	case OP_STOP:
		return stop(run, op);
	case OP_SET_AFFINITY:
		return set_affinity(run, op);
	case OP_FREEZE:
	case OP_UNFREEZE:
		return freeze(run, op);
	case OP_RUN:
		return judge_script(run, op, wl_child_start(run, "run", op->text, NULL));
	case OP_START:
		return wl_child_start(run, op->target, op->text, NULL) ? 0 : -1;
	case OP_WAIT:
	case OP_KILL:
		return wait_or_kill(run, op);
	case OP_SNAPSHOT:
		return wl_report_snapshot(run, op->target);
	case OP_KINDS:
		break;
	}
	return -1;
}

static void tell(struct wl_run *run, const struct wl_op_plan *op)
{
	const char *of = op->cgroup ? op->cgroup->name :
			 op->worker ? op->worker->name : op->target;
	char label[200];

	snprintf(label, sizeof(label), "%s%s%s", wl_op_word(op->kind),
		 of ? " " : "", of ? of : "");
	wl_report_stimulus(run, label);
}

static bool do_ops(struct wl_run *run, const struct wl_step_plan *step)
{
	for (size_t i = 0; i < step->nr_ops; i++) {
		if (run->asked_to_end || carry_out(run, &step->ops[i]))
			return false;
		tell(run, &step->ops[i]);
	}
	if (!step->nr_ops)
		wl_report_stimulus(run, "hold");
	return true;
}

/* False: no further step. */
static bool do_step(struct wl_run *run, const struct wl_step_plan *step)
{
	uint64_t end = run->start_ns + run->plan.duration_ns, next = wl_now();

	if (!do_ops(run, step))
		return false;
	switch (step->hold) {
	case HOLD_NONE:
		return true;
	case HOLD_FIXED:
		return wl_hold(run, wl_now() + step->hold_ns);
	case HOLD_FRACTION:
		return wl_hold(run, wl_now() +
			       (uint64_t)((double)run->plan.duration_ns * step->fraction));
	case HOLD_LOOP:
		for (next += step->hold_ns; next < end; next += step->hold_ns)
			if (!wl_hold(run, next) || !do_ops(run, step))
				return false;
		return wl_hold(run, end);
	}
	return false;
}

static void phase_ends(struct wl_run *run, unsigned int phase)
{
	uint64_t at = wl_now() - run->start_ns;

	wl_teams_mark(run, phase);
	run->phase_to[phase] = at;
	if (phase + 1 == run->nr_phases)
		return;
	run->phase_from[phase + 1] = at;
	__atomic_store_n(run->phase, phase + 1, __ATOMIC_SEQ_CST);
}

void wl_steps_run(struct wl_run *run)
{
	if (!run->plan.nr_steps) {
		wl_report_phase(0);
		wl_hold(run, run->start_ns + run->plan.duration_ns);
		phase_ends(run, 0);
		return;
	}
	for (unsigned int i = 0; i < run->plan.nr_steps; i++) {
		bool go_on;

		run->step = i;
		run->step_ops = (unsigned int)run->plan.steps[i].nr_ops;
		wl_report_phase(i);
		go_on = do_step(run, &run->plan.steps[i]);
		phase_ends(run, i);
		if (!go_on)
			return;
	}
}
