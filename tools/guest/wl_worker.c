// SPDX-License-Identifier: GPL-2.0-only
/* wl_worker: a worker's process: its gate, its attributes, what it counts. */
#include "tools/guest/wl_run.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define SPIN_TURNS 1024
#define POLICY_EXT_NR 7		/* SCHED_EXT */
#define DEFAULT_PRIORITY 1

static volatile sig_atomic_t stop;

uint64_t wl_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

int wl_futex_wait(uint32_t *word, uint32_t value, int timeout_ms)
{
	const struct timespec ts = {
		.tv_sec = timeout_ms / 1000,
		.tv_nsec = timeout_ms % 1000 * 1000000l,
	};

	return (int)syscall(SYS_futex, word, FUTEX_WAIT, value,
			    timeout_ms < 0 ? NULL : &ts, NULL, 0);
}

void wl_futex_wake(uint32_t *word, int nr)
{
	syscall(SYS_futex, word, FUTEX_WAKE, nr, NULL, NULL, 0);
}

bool wl_stopped(void)
{
	return stop;
}

static struct wl_phase_slot *phase_of(const struct wl_me *me)
{
	return &me->slot->phases[__atomic_load_n(me->phase, __ATOMIC_RELAXED)];
}

/*
 * @allowed is read around the look at the CPU: only where it was the same the
 * CPU can be held against it. The engine widens it before a change.
 */
static void look_at_cpu(struct wl_me *me, struct wl_phase_slot *phase)
{
	struct wl_slot *s = me->slot;
	uint64_t before = __atomic_load_n(&s->allowed, __ATOMIC_SEQ_CST);
	int cpu = sched_getcpu();
	uint64_t after = __atomic_load_n(&s->allowed, __ATOMIC_SEQ_CST);
	uint64_t bit;

	if (cpu < 0 || cpu >= WL_MAX_CPUS)
		return;
	bit = 1ull << cpu;
	s->seen |= bit;
	if (me->cpu >= 0 && cpu != me->cpu)
		s->migrations++;
	me->cpu = cpu;
	if (before == after && !(before & bit)) {
		s->outside |= bit;
		phase->outside |= bit;
	}
}

void wl_tick(struct wl_me *me)
{
	struct wl_phase_slot *phase = phase_of(me);
	struct wl_slot *s = me->slot;
	uint64_t now = wl_now(), gap = now > me->last ? now - me->last : 0;

	if (gap > s->max_gap_ns)
		s->max_gap_ns = gap;
	if (gap > phase->max_gap_ns)
		phase->max_gap_ns = gap;
	look_at_cpu(me, phase);
	me->last = now;
	__atomic_store_n(&s->last_ns, now, __ATOMIC_RELAXED);
	__atomic_store_n(&s->iterations, s->iterations + 1, __ATOMIC_RELAXED);
}

void wl_spin(struct wl_me *me, unsigned int units)
{
	uint64_t x = me->rng | 1;

	while (units--) {
		for (int i = 0; i < SPIN_TURNS; i++) {
			x = x * 6364136223846793005ull + 1442695040888963407ull;
			__asm__ volatile("" : "+r"(x));
		}
	}
	me->rng = x;
}

static void note_wake(struct wl_me *me, uint64_t late)
{
	struct wl_phase_slot *phase = phase_of(me);

	wl_reservoir_add(&me->slot->wakes.r, late, &me->rng);
	if (!phase->wakes.r.room)
		phase->wakes.r.room = WL_PHASE_WAKES;
	wl_reservoir_add(&phase->wakes.r, late, &me->rng);
}

void wl_woke(struct wl_me *me, uint64_t stamp)
{
	uint64_t now = wl_now();

	if (stamp)
		note_wake(me, now > stamp ? now - stamp : 0);
}

void wl_sleep(struct wl_me *me, uint64_t ns)
{
	uint64_t until = wl_now() + ns, now;
	const struct timespec ts = {
		.tv_sec = (time_t)(until / 1000000000),
		.tv_nsec = (long)(until % 1000000000),
	};

	if (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL))
		return;		/* asked to stop */
	now = wl_now();
	note_wake(me, now > until ? now - until : 0);
	me->last = until;	/* its own sleep is no gap */
}

struct wl_slot *wl_neighbour(const struct wl_me *me, unsigned int index)
{
	return (struct wl_slot *)((char *)(me->shared + 1) + index * me->stride);
}

/* --- attributes --------------------------------------------------------- */

static void fail(struct wl_me *me, const char *what)
{
	me->slot->error = errno ? errno : EINVAL;
	snprintf(me->slot->failed, sizeof(me->slot->failed), "%s", what);
}

static int set_policy(const struct wl_worker_plan *p)
{
	static const int nr[] = {
		[POLICY_OTHER] = SCHED_OTHER, [POLICY_BATCH] = SCHED_BATCH,
		[POLICY_IDLE] = SCHED_IDLE, [POLICY_FIFO] = SCHED_FIFO,
		[POLICY_RR] = SCHED_RR, [POLICY_EXT] = POLICY_EXT_NR,
	};
	bool rt = p->policy == POLICY_FIFO || p->policy == POLICY_RR;
	const struct sched_param param = {
		.sched_priority = !rt ? 0 : p->priority ? (int)p->priority :
							  DEFAULT_PRIORITY,
	};

	return p->policy > POLICY_EXT ? -1 :
	       (int)syscall(SYS_sched_setscheduler, 0, nr[p->policy], &param);
}

static int set_memory(struct wl_me *me)
{
	static const int nr[] = {
		[MEM_DEFAULT] = 0, [MEM_BIND] = 2, [MEM_PREFERRED] = 1,
		[MEM_INTERLEAVE] = 3, [MEM_LOCAL] = 4,
	};
	const struct wl_worker_plan *p = me->plan;
	uint64_t nodes = 0;

	if (p->mem_nodes && !wl_list_parse(p->mem_nodes, &nodes))
		return -1;
	if (nodes && p->mem_policy != MEM_DEFAULT && p->mem_policy != MEM_LOCAL)
		me->near = nodes;
	if (p->mem_policy == MEM_DEFAULT || p->mem_policy > MEM_LOCAL)
		return 0;
	if (p->mem_policy == MEM_LOCAL)
		return (int)syscall(SYS_set_mempolicy, nr[MEM_LOCAL], NULL, 0);
	return (int)syscall(SYS_set_mempolicy, nr[p->mem_policy], &nodes,
			    sizeof(nodes) * 8);
}

static int set_region(struct wl_me *me)
{
	me->region = mmap(NULL, me->plan->region, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return me->region == MAP_FAILED ? -1 : 0;
}

static int set_file(struct wl_me *me)
{
	bool io = me->plan->type == WORK_IO_SYNC;
	char path[] = "/tmp/vmtap-io.XXXXXX";

	for (size_t i = 0; i < me->plan->nr_doings; i++)
		io |= me->plan->doings[i].what == PHASE_IO;
	if (!io)
		return 0;
	me->file = mkostemp(path, O_CLOEXEC);
	if (me->file < 0)
		return -1;
	return unlink(path);
}

static void set_up(struct wl_me *me)
{
	errno = 0;
	if (set_memory(me))
		fail(me, "memory policy");
	else if (set_region(me))
		fail(me, "region of memory");
	else if (set_file(me))
		fail(me, "file in /tmp");
	else if (me->plan->nice &&
		 setpriority(PRIO_PROCESS, 0, me->plan->nice))
		fail(me, "nice value");
	else if (set_policy(me->plan))
		fail(me, "scheduling policy");
}

/* --- the end ------------------------------------------------------------ */

static void read_schedstat(struct wl_slot *s)
{
	unsigned long long run, delay;
	FILE *f = fopen("/proc/self/schedstat", "re");

	if (!f)
		return;
	if (fscanf(f, "%llu %llu", &run, &delay) == 2)
		s->run_delay_ns = delay;
	fclose(f);
}

static void add_pages(struct wl_me *me, const char *line)
{
	unsigned int node;
	unsigned long nr;

	while ((line = strstr(line, " N"))) {
		line += 2;
		if (sscanf(line, "%u=%lu", &node, &nr) != 2 || node >= WL_MAX_NODES)
			continue;
		me->slot->pages += nr;
		if (me->near >> node & 1)
			me->slot->pages_near += nr;
		if (!me->topo->nodes[node])
			me->slot->pages_slow += nr;
	}
}

/* Its own memory, node by node: what it shares with others is not counted. */
static void read_pages(struct wl_me *me)
{
	FILE *f = fopen("/proc/self/numa_maps", "re");
	char line[1024];

	while (f && fgets(line, sizeof(line), f))
		if (strstr(line, " anon="))
			add_pages(me, line);
	if (f)
		fclose(f);
}

static void nodes_of_cpus(struct wl_me *me)
{
	if (me->near)
		return;
	for (unsigned int i = 0; i < me->topo->nr_nodes; i++)
		if (me->topo->nodes[i] & me->slot->allowed)
			me->near |= 1ull << i;
}

/* --- the course --------------------------------------------------------- */

static void on_stop(int sig)
{
	(void)sig;
	stop = 1;
}

static void pass_gate(struct wl_me *me, enum wl_gate gate)
{
	uint32_t at;

	while ((at = __atomic_load_n(&me->shared->gate, __ATOMIC_SEQ_CST)) < gate &&
	       !stop)
		wl_futex_wait(&me->shared->gate, at, -1);
}

static void run_command(struct wl_me *me)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execvp(me->plan->argv[0], me->plan->argv);
	dprintf(2, "vmtap-workload: %s: %s\n", me->plan->argv[0], strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

static void work(struct wl_me *me)
{
	wl_unit_fn unit = wl_unit_of(me->plan->type);

	if (!unit)
		unit = wl_pair_unit_of(me->plan->type);
	while (!stop && unit)
		unit(me);
}

void wl_worker_main(struct wl_me *me)
{
	/* No SA_RESTART: the signal ends whatever it waits in. */
	const struct sigaction on_usr1 = { .sa_handler = on_stop };
	sigset_t none;

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigaction(SIGUSR1, &on_usr1, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	me->slot->wakes.r.room = WL_WAKES;
	me->rng = (uint64_t)getpid() * 2654435761u;
	me->cpu = -1;
	pass_gate(me, WL_GATE_PLACED);
	set_up(me);
	__atomic_add_fetch(&me->shared->ready, 1, __ATOMIC_SEQ_CST);
	wl_futex_wake(&me->shared->ready, 1);
	if (me->slot->error)
		_exit(1);
	pass_gate(me, WL_GATE_GO);
	me->last = wl_now();
	me->slot->start_ns = me->last;
	me->slot->last_ns = me->last;
	if (me->plan->type == WORK_CUSTOM)
		run_command(me);
	work(me);
	me->slot->end_ns = wl_now();
	read_schedstat(me->slot);
	nodes_of_cpus(me);
	read_pages(me);
	me->slot->told = true;
	_exit(0);
}
