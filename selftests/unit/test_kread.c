// SPDX-License-Identifier: GPL-2.0-only
/* Members, per-CPU data, lists, xarrays: sane, cyclic, endless, broken. */
#include "freeze/kread.h"

#include <errno.h>
#include <string.h>

#include <kselftest_harness.h>

#include "freeze/sched.h"
#include "freeze/tasks.h"
#include "selftests/lib/kguest.h"
#include "vmm/base/buf.h"
#include "vmm/base/diag.h"

#define NR_CPUS 2

FIXTURE(reader) {
	struct kguest g;
	struct diag d;
	gva_t init_task;
	gva_t rq[NR_CPUS];
	gva_t offsets;
};

/* The per-CPU "section" begins at runqueues; CPU n's copy lies elsewhere. */
FIXTURE_SETUP(reader)
{
	gva_t nr, curr, section;
	unsigned int i;

	memset(&self->d, 0, sizeof(self->d));
	kguest_init(&self->g);
	self->init_task = kguest_alloc(&self->g, 256, 64);
	kguest_symbol(&self->g, "init_task", self->init_task);
	section = kguest_alloc(&self->g, 256, 64);
	curr = section + 128;
	kguest_symbol(&self->g, "runqueues", section);
	kguest_symbol(&self->g, "current_task", curr);
	self->offsets = kguest_alloc(&self->g, 8 * NR_CPUS, 8);
	kguest_symbol(&self->g, "__per_cpu_offset", self->offsets);
	nr = kguest_alloc(&self->g, 4, 4);
	kguest_put(&self->g, nr, NR_CPUS, 4);
	kguest_symbol(&self->g, "nr_cpu_ids", nr);
	for (i = 0; i < NR_CPUS; i++) {
		self->rq[i] = kguest_alloc(&self->g, 256, 64);
		kguest_put(&self->g, self->offsets + i * 8,
			   self->rq[i] - section, 8);
	}
	kguest_ready(&self->g);
}

FIXTURE_TEARDOWN(reader)
{
	diag_reset(&self->d);
	kguest_free(&self->g);
}

/* A task whose lists are empty but for itself, not yet linked. */
static gva_t new_task(FIXTURE_DATA(reader) *self, gva_t at, int pid,
		      const char *comm)
{
	struct kguest *g = &self->g;
	gva_t signal = kguest_alloc(g, 64, 8);
	u64 node, head;

	if (!at)
		at = kguest_alloc(g, 256, 64);
	kguest_set(g, at, "task_struct.pid", (u32)pid);
	kguest_set(g, at, "task_struct.tgid", (u32)pid);
	strcpy(kguest_ptr(g, at + kguest_offset(g, "task_struct.comm")), comm);
	kguest_set(g, at, "task_struct.signal", signal);
	head = signal + kguest_offset(g, "signal_struct.thread_head");
	node = at + kguest_offset(g, "task_struct.thread_node");
	kguest_put(g, head, node, 8);
	kguest_put(g, node, head, 8);
	return at;
}

/* Ring @nr tasks through task_struct.tasks, the first one being the head. */
static void link_tasks(FIXTURE_DATA(reader) *self, const gva_t *tasks, size_t nr)
{
	u64 off = kguest_offset(&self->g, "task_struct.tasks");
	size_t i;

	for (i = 0; i < nr; i++)
		kguest_put(&self->g, tasks[i] + off, tasks[(i + 1) % nr] + off, 8);
}

TEST_F(reader, members)
{
	gva_t t = new_task(self, self->init_task, -5, "swapper");
	char comm[16];
	u64 v;

	EXPECT_EQ(0, kread_member(&self->g.k, t, "task_struct.pid", &v));
	EXPECT_EQ(-5, (s64)v);
	EXPECT_EQ(-ENOENT, kread_member(&self->g.k, t, "task_struct.nope", &v));
	EXPECT_EQ(-ENOENT, kread_member(&self->g.k, t, "task_struct.comm", &v));
	EXPECT_EQ(-EFAULT, kread_member(&self->g.k, 0x1000, "task_struct.pid", &v));
	EXPECT_EQ(0, kread_member_bytes(&self->g.k, t, "task_struct.comm", comm,
					16));
	EXPECT_STREQ("swapper", comm);
	EXPECT_EQ(-ENOENT, kread_member_bytes(&self->g.k, t, "task_struct.comm",
					      comm, 17));
}

TEST_F(reader, symbols_slide)
{
	struct kread k = self->g.k;
	gva_t at;

	k.slide = MiB(32);
	EXPECT_EQ(0, kread_symbol(&k, "_text", &at, NULL));
	EXPECT_EQ(KGUEST_VIRT + MiB(32), at);
	EXPECT_EQ(-ENOENT, kread_symbol(&k, "nope", &at, &self->d));
	EXPECT_NE(NULL, strstr(diag_text(&self->d), "nope"));
}

TEST_F(reader, init_wants_a_mapped_kernel)
{
	struct kguest *g = &self->g;
	struct kread k;

	EXPECT_EQ(-ENXIO, kread_init(&k, &g->mem, 0, false, g->sym, g->types, 0,
				     &self->d));
	EXPECT_EQ(-ENXIO, kread_init(&k, &g->mem, g->root, false, g->sym,
				     g->types, MiB(64), &self->d));
	EXPECT_EQ(0, kread_init(&k, &g->mem, g->root, false, g->sym, g->types, 0,
				&self->d));
	EXPECT_EQ(0 - (KGUEST_VIRT - 0xffffffff80000000), k.phys_base);
}

/* Page table isolation: in user mode CR3 has the page after the kernel's. */
TEST_F(reader, init_takes_the_kernel_twin_of_a_user_cr3)
{
	struct kguest *g = &self->g;
	gpa_t pair = kguest_alloc(g, 8192, 8192) - KGUEST_VIRT;
	struct kread k;

	memcpy(g->ram + pair, g->ram + g->root, 4096);
	EXPECT_EQ(0, kread_init(&k, &g->mem, pair | 0x1000 | 0x805, false,
				g->sym, g->types, 0, &self->d));
	EXPECT_EQ(pair, k.vas.root);
}

TEST_F(reader, percpu)
{
	gva_t at;
	u64 v;

	kguest_set(&self->g, self->rq[1], "rq.nr_running", 7);
	EXPECT_EQ(NR_CPUS, kread_nr_cpus(&self->g.k));
	ASSERT_EQ(0, kread_percpu(&self->g.k, "runqueues", 1, &at, &self->d));
	EXPECT_EQ(self->rq[1], at);
	EXPECT_EQ(0, kread_member(&self->g.k, at, "rq.nr_running", &v));
	EXPECT_EQ(7, v);
	EXPECT_EQ(-ERANGE, kread_percpu(&self->g.k, "runqueues", NR_CPUS, &at,
					&self->d));
	EXPECT_EQ(-ERANGE, kread_percpu_base(&self->g.k, 100000, &v));
}

static int count(const struct kread *k, gva_t obj, void *arg)
{
	(void)k;
	(void)obj;
	++*(unsigned int *)arg;
	return 0;
}

static int stop_at_2(const struct kread *k, gva_t obj, void *arg)
{
	count(k, obj, arg);
	return *(unsigned int *)arg == 2;
}

TEST_F(reader, list_walks_and_stops)
{
	gva_t t[4] = { self->init_task };
	u64 off = kguest_offset(&self->g, "task_struct.tasks");
	unsigned int i, n = 0;

	for (i = 0; i < 4; i++)
		t[i] = new_task(self, t[i], (int)i, "t");
	link_tasks(self, t, 4);
	EXPECT_EQ(3, kread_list(&self->g.k, t[0] + off, off, 10, count, &n));
	EXPECT_EQ(3, n);
	n = 0;
	EXPECT_EQ(2, kread_list(&self->g.k, t[0] + off, off, 10, stop_at_2, &n));
	EXPECT_EQ(-ELOOP, kread_list(&self->g.k, t[0] + off, off, 2, count, &n));
}

TEST_F(reader, list_that_is_longer_than_its_bound)
{
	gva_t t[9] = { self->init_task };
	u64 off = kguest_offset(&self->g, "task_struct.tasks");
	unsigned int i, n = 0;

	for (i = 0; i < ARRAY_SIZE(t); i++)
		t[i] = new_task(self, t[i], (int)i, "t");
	link_tasks(self, t, ARRAY_SIZE(t));
	EXPECT_EQ(8, kread_list(&self->g.k, t[0] + off, off, 8, count, &n));
	EXPECT_EQ(8, n);
	EXPECT_EQ(-ELOOP, kread_list(&self->g.k, t[0] + off, off, 7, count, &n));
	EXPECT_EQ(15, n);
}

TEST_F(reader, list_cycle_that_misses_the_head)
{
	gva_t t[3] = { self->init_task };
	u64 off = kguest_offset(&self->g, "task_struct.tasks");
	unsigned int i, n = 0;

	for (i = 0; i < 3; i++)
		t[i] = new_task(self, t[i], (int)i, "t");
	link_tasks(self, t, 3);
	kguest_put(&self->g, t[2] + off, t[1] + off, 8);
	EXPECT_EQ(-ELOOP, kread_list(&self->g.k, t[0] + off, off, 1000, count, &n));
	EXPECT_EQ(2, n);
	kguest_put(&self->g, t[2] + off, 0xdead000000000100, 8);
	EXPECT_NE(0, kread_list(&self->g.k, t[0] + off, off, 1000, count, &n));
	kguest_put(&self->g, t[0] + off, 0, 8);
	EXPECT_EQ(-EFAULT, kread_list(&self->g.k, t[0] + off, off, 1000, count, &n));
}

struct seen {
	unsigned int nr;
	u64 index[64];
	u64 entry[64];
};

static int see(const struct kread *k, u64 index, u64 entry, void *arg)
{
	struct seen *s = arg;

	(void)k;
	if (s->nr < 64) {
		s->index[s->nr] = index;
		s->entry[s->nr] = entry;
	}
	s->nr++;
	return 0;
}

static gva_t new_node(FIXTURE_DATA(reader) *self, u8 shift)
{
	gva_t n = kguest_alloc(&self->g, 168, 64);

	kguest_set(&self->g, n, "xa_node.shift", shift);
	return n;
}

static void set_slot(FIXTURE_DATA(reader) *self, gva_t node, unsigned int i,
		     u64 entry)
{
	kguest_put(&self->g, node + kguest_offset(&self->g, "xa_node.slots") +
		   i * 8, entry, 8);
}

TEST_F(reader, xarray_of_two_levels_and_idr_base)
{
	gva_t idr = kguest_alloc(&self->g, 24, 8);
	gva_t top = new_node(self, 4), leaf = new_node(self, 0);
	struct seen s = { 0 };

	EXPECT_EQ(0, kread_xarray(&self->g.k, idr, 10, see, &s));
	kguest_set(&self->g, idr, "xarray.xa_head", 0xffff888000001000);
	EXPECT_EQ(1, kread_xarray(&self->g.k, idr, 10, see, &s));
	EXPECT_EQ(0, s.index[0]);

	kguest_set(&self->g, idr, "xarray.xa_head", top | 2);
	kguest_set(&self->g, idr, "idr.idr_base", 1);
	set_slot(self, top, 2, leaf | 2);
	set_slot(self, leaf, 5, 0xffff888000002000);
	set_slot(self, leaf, 6, 0x102);	/* a sibling entry: no object */
	set_slot(self, leaf, 15, 0xffff888000003000);
	memset(&s, 0, sizeof(s));
	EXPECT_EQ(2, kread_idr(&self->g.k, idr, 10, see, &s));
	EXPECT_EQ(2 * 16 + 5 + 1, s.index[0]);
	EXPECT_EQ(0xffff888000002000, s.entry[0]);
	EXPECT_EQ(2 * 16 + 15 + 1, s.index[1]);
	EXPECT_EQ(-ELOOP, kread_idr(&self->g.k, idr, 1, see, &s));
}

TEST_F(reader, xarray_that_loops)
{
	gva_t idr = kguest_alloc(&self->g, 24, 8);
	gva_t top = new_node(self, 8), mid = new_node(self, 4);
	struct seen s = { 0 };
	unsigned int i;

	kguest_set(&self->g, idr, "xarray.xa_head", top | 2);
	for (i = 0; i < 16; i++) {
		set_slot(self, top, i, top | 2);
		set_slot(self, mid, i, top | 2);
	}
	/* A child must have a smaller shift than its parent. */
	EXPECT_EQ(-EFAULT, kread_xarray(&self->g.k, idr, 1000, see, &s));
	set_slot(self, top, 0, mid | 2);
	EXPECT_EQ(-EFAULT, kread_xarray(&self->g.k, idr, 1000, see, &s));
	EXPECT_EQ(0, s.nr);
	kguest_set(&self->g, top, "xa_node.shift", 3);
	EXPECT_EQ(-EFAULT, kread_xarray(&self->g.k, idr, 1000, see, &s));
}

/* Deep and wide with nothing in it: nodes are what is bounded then. */
TEST_F(reader, xarray_without_entries_but_many_nodes)
{
	gva_t idr = kguest_alloc(&self->g, 24, 8), node[16];
	struct seen s = { 0 };
	unsigned int i, j;

	for (i = 0; i < 15; i++)
		node[i] = new_node(self, (u8)(i * 4));
	for (i = 1; i < 15; i++)
		for (j = 0; j < 16; j++)
			set_slot(self, node[i], j, node[i - 1] | 2);
	kguest_set(&self->g, idr, "xarray.xa_head", node[14] | 2);
	EXPECT_EQ(-ELOOP, kread_xarray(&self->g.k, idr, 100, see, &s));
	EXPECT_EQ(0, s.nr);
}

TEST_F(reader, tasks_with_threads)
{
	gva_t t[3] = { self->init_task }, thread, head, node, tnode;
	struct kguest *g = &self->g;
	struct tasks all = { 0 };
	u64 signal;

	t[0] = new_task(self, t[0], 0, "swapper/0");
	t[1] = new_task(self, 0, 1, "init");
	t[2] = new_task(self, 0, 40, "worker");
	link_tasks(self, t, 3);
	kguest_set(g, t[2], "task_struct.__state", 2);
	thread = new_task(self, 0, 41, "worker-thread");
	kguest_set(g, thread, "task_struct.tgid", 40);
	kguest_set(g, thread, "task_struct.__state", 0x402);
	kread_member(&g->k, t[2], "task_struct.signal", &signal);
	head = signal + kguest_offset(g, "signal_struct.thread_head");
	node = t[2] + kguest_offset(g, "task_struct.thread_node");
	tnode = thread + kguest_offset(g, "task_struct.thread_node");
	kguest_put(g, node, tnode, 8);
	kguest_put(g, tnode, head, 8);
	ASSERT_EQ(0, tasks_read(&g->k, &all, &self->d));
	ASSERT_EQ(4, all.nr);
	EXPECT_FALSE(all.cut);
	EXPECT_STREQ("swapper/0", all.tasks[0].comm);
	EXPECT_STREQ("init", all.tasks[1].comm);
	EXPECT_EQ('R', task_state_char(&all.tasks[1]));
	EXPECT_EQ('D', task_state_char(&all.tasks[2]));
	EXPECT_EQ(41, all.tasks[3].pid);
	EXPECT_EQ(40, all.tasks[3].tgid);
	EXPECT_EQ('I', task_state_char(&all.tasks[3]));
	EXPECT_EQ(-1, all.tasks[3].cpu);
	tasks_reset(&all);

	/* Broken somewhere: what was seen stays, and it is told. */
	kguest_set(g, t[1], "task_struct.signal", 0x10);
	ASSERT_EQ(0, tasks_read(&g->k, &all, &self->d));
	EXPECT_TRUE(all.cut);
	EXPECT_EQ(3, all.nr);
	tasks_reset(&all);
	kguest_put(g, t[2] + kguest_offset(g, "task_struct.tasks"),
		   t[1] + kguest_offset(g, "task_struct.tasks"), 8);
	kguest_put(g, tnode, tnode, 8);
	ASSERT_EQ(0, tasks_read(&g->k, &all, &self->d));
	EXPECT_TRUE(all.cut);
	EXPECT_GT(16, all.nr);
	tasks_reset(&all);
}

TEST_F(reader, current_task_of_a_cpu)
{
	gva_t at = 0;

	kguest_put(&self->g, self->rq[1] + 128, 0xffff888000001234, 8);
	EXPECT_EQ(0, tasks_current(&self->g.k, 1, &at));
	EXPECT_EQ(0xffff888000001234, at);
	EXPECT_EQ(-ERANGE, tasks_current(&self->g.k, 9, &at));
}

TEST_F(reader, runqueue_sample)
{
	struct kguest *g = &self->g;
	struct buf names = { 0 };
	struct sched_cpu c;
	struct sched s;
	gva_t t = new_task(self, self->init_task, 77, "hog"), template;

	ASSERT_EQ(0, sched_init(&s, &g->k, &self->d));
	/* Nothing runs yet: left out, not zero. */
	EXPECT_EQ(-EAGAIN, sched_cpu_read(&s, 0, &c));
	kguest_set(g, self->rq[0], "rq.nr_running", 3);
	kguest_set(g, self->rq[0], "rq.clock", 123456789);
	kguest_set(g, self->rq[0], "rq.curr", t);
	ASSERT_EQ(0, sched_cpu_read(&s, 0, &c));
	EXPECT_EQ(3, c.nr_running);
	EXPECT_EQ(123456789, c.clock_ns);
	EXPECT_EQ(77, c.curr_pid);
	EXPECT_STREQ("hog", c.curr_comm);
	EXPECT_FALSE(c.idle);
	EXPECT_FALSE(c.has_scx);
	EXPECT_FALSE(c.has_schedstat);
	EXPECT_FALSE(c.has_events);
	kguest_set(g, self->rq[0], "rq.idle", t);
	ASSERT_EQ(0, sched_cpu_read(&s, 0, &c));
	EXPECT_TRUE(c.idle);
	kguest_set(g, self->rq[0], "rq.curr", 0x4000);
	EXPECT_EQ(-EFAULT, sched_cpu_read(&s, 0, &c));
	/* The section that all copies are made of is nobody's run queue. */
	ASSERT_EQ(0, kread_symbol(&g->k, "runqueues", &template, NULL));
	kguest_set(g, template, "rq.clock", 1);
	kguest_set(g, template, "rq.curr", t);
	kguest_put(g, self->offsets, 0, 8);
	EXPECT_EQ(-EAGAIN, sched_cpu_read(&s, 0, &c));
	EXPECT_EQ(-ERANGE, sched_cpu_read(&s, NR_CPUS, &c));
	EXPECT_EQ(-ENOENT, sched_domains(&s, 0, NULL, 0));
	ASSERT_EQ(0, sched_domain_flags(&s, 0x8000000b, &names));
	EXPECT_STREQ("SD_BALANCE_NEWIDLE 0x2 SD_NUMA 0x80000000",
		     buf_str(&names));
	buf_reset(&names);
	ASSERT_EQ(0, sched_domain_flags(&s, 0, &names));
	EXPECT_EQ(0, names.len);
	buf_reset(&names);
	EXPECT_EQ(-ENOENT, sched_schedstats_enabled(&s));
	sched_deinit(&s);
}

TEST_HARNESS_MAIN
