// SPDX-License-Identifier: GPL-2.0-only
/*
 * wl_types: one unit of each type of work that stands alone. A unit ends with
 * wl_tick(): that is what an iteration is.
 */
#include "tools/guest/wl_run.h"

#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define LINE 64			/* bytes of a cache line */
#define TOUCH_LINES 1024	/* per unit */
#define IO_BLOCK (16 * 4096)
#define IO_WRAP (1 << 20)
#define IO_WAIT_NS 100000	/* what a disk would take */
#define MIXED_UNITS 8

static void spin(struct wl_me *me)
{
	wl_spin(me, 1);
	wl_tick(me);
}

static void yield(struct wl_me *me)
{
	sched_yield();
	wl_tick(me);
}

static void mixed(struct wl_me *me)
{
	wl_spin(me, MIXED_UNITS);
	sched_yield();
	wl_tick(me);
}

static void do_io(struct wl_me *me)
{
	static const char block[IO_BLOCK];

	if (pwrite(me->file, block, sizeof(block), (off_t)me->at) < 0 ||
	    fdatasync(me->file))
		return;
	me->at = (me->at + sizeof(block)) % IO_WRAP;
	wl_sleep(me, IO_WAIT_NS);
}

static void io_sync(struct wl_me *me)
{
	do_io(me);
	wl_tick(me);
}

static void spin_for(struct wl_me *me, uint64_t ns)
{
	uint64_t until = wl_now() + ns;

	while (!wl_stopped() && wl_now() < until) {
		wl_spin(me, 1);
		wl_tick(me);
	}
}

static void bursty(struct wl_me *me)
{
	spin_for(me, me->plan->burst_ns);
	if (!wl_stopped())
		wl_sleep(me, me->plan->sleep_ns);
}

void wl_touch(struct wl_me *me)
{
	for (int i = 0; i < TOUCH_LINES; i++) {
		me->region[me->at]++;
		me->at += LINE;
		if (me->at >= me->plan->region)
			me->at = 0;
	}
}

static void cache_pressure(struct wl_me *me)
{
	wl_touch(me);
	wl_tick(me);
}

static void cache_yield(struct wl_me *me)
{
	wl_touch(me);
	sched_yield();
	wl_tick(me);
}

static void yield_for(struct wl_me *me, uint64_t ns)
{
	uint64_t until = wl_now() + ns;

	while (!wl_stopped() && wl_now() < until)
		yield(me);
}

static void io_for(struct wl_me *me, uint64_t ns)
{
	uint64_t until = wl_now() + ns;

	while (!wl_stopped() && wl_now() < until)
		io_sync(me);
}

static void sequence(struct wl_me *me)
{
	for (size_t i = 0; i < me->plan->nr_doings && !wl_stopped(); i++) {
		const struct wl_doing *d = &me->plan->doings[i];

		switch (d->what) {
		case PHASE_SPIN:
			spin_for(me, d->ns);
			break;
		case PHASE_SLEEP:
			wl_sleep(me, d->ns);
			wl_tick(me);
			break;
		case PHASE_YIELD:
			yield_for(me, d->ns);
			break;
		case PHASE_IO:
			io_for(me, d->ns);
			break;
		}
	}
}

static void fork_exit(struct wl_me *me)
{
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	if (pid > 0)
		while (waitpid(pid, NULL, 0) < 0 && !wl_stopped())
			;
	wl_tick(me);
}

static void nice_sweep(struct wl_me *me)
{
	setpriority(PRIO_PROCESS, 0, (int)(me->slot->iterations % 40) - 20);
	spin(me);
}

/* One CPU after the other of those that it may use. */
static void affinity_churn(struct wl_me *me)
{
	uint64_t allowed = me->slot->allowed & me->topo->cpus;
	cpu_set_t set;
	int cpu;

	do {
		cpu = (int)(me->at++ % WL_MAX_CPUS);
	} while (allowed && !(allowed >> cpu & 1));
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
	spin(me);
}

static void policy_churn(struct wl_me *me)
{
	static const struct { int policy, priority; } turns[] = {
		{ SCHED_OTHER, 0 }, { SCHED_BATCH, 0 }, { SCHED_IDLE, 0 },
		{ SCHED_FIFO, 1 }, { SCHED_RR, 1 },
	};
	size_t i = me->at++ % (sizeof(turns) / sizeof(turns[0]));
	const struct sched_param param = { .sched_priority = turns[i].priority };

	sched_setscheduler(0, turns[i].policy, &param);
	spin(me);
}

static void page_fault_churn(struct wl_me *me)
{
	for (size_t at = 0; at < me->plan->region; at += 4096)
		me->region[at] = 1;
	madvise(me->region, me->plan->region, MADV_DONTNEED);
	wl_tick(me);
}

wl_unit_fn wl_unit_of(uint64_t type)
{
	static const wl_unit_fn units[WORK_TYPES] = {
		[WORK_SPIN] = spin,
		[WORK_YIELD] = yield,
		[WORK_MIXED] = mixed,
		[WORK_IO_SYNC] = io_sync,
		[WORK_BURSTY] = bursty,
		[WORK_CACHE_PRESSURE] = cache_pressure,
		[WORK_CACHE_YIELD] = cache_yield,
		[WORK_SEQUENCE] = sequence,
		[WORK_FORK_EXIT] = fork_exit,
		[WORK_NICE_SWEEP] = nice_sweep,
		[WORK_AFFINITY_CHURN] = affinity_churn,
		[WORK_POLICY_CHURN] = policy_churn,
		[WORK_PAGE_FAULT_CHURN] = page_fault_churn,
	};

	return units[type];
}
