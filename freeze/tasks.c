// SPDX-License-Identifier: GPL-2.0-only
/* The task list of a guest; see tasks.h. */
#include "freeze/tasks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/diag.h"

#define PF_KTHREAD 0x00200000U
#define MAX_THREADS 16384	/* of one process */

/* Of struct task_struct; size 0: this kernel has no such member. */
struct task_fields {
	struct kfield pid, tgid, comm, state, cpu, on_cpu, flags, policy, prio;
};

static void find_field(const struct kread *k, struct kfield *f,
		       const char *path, const char *older)
{
	*f = (struct kfield){ 0 };
	if (k->types && ktype_field(k->types, path, f, NULL) && older)
		ktype_field(k->types, older, f, NULL);
}

static void find_fields(const struct kread *k, struct task_fields *f)
{
	find_field(k, &f->pid, "task_struct.pid", NULL);
	find_field(k, &f->tgid, "task_struct.tgid", NULL);
	find_field(k, &f->comm, "task_struct.comm", NULL);
	/* `state` until 5.13 */
	find_field(k, &f->state, "task_struct.__state", "task_struct.state");
	find_field(k, &f->cpu, "task_struct.thread_info.cpu", "task_struct.cpu");
	find_field(k, &f->on_cpu, "task_struct.on_cpu", NULL);
	find_field(k, &f->flags, "task_struct.flags", NULL);
	find_field(k, &f->policy, "task_struct.policy", NULL);
	find_field(k, &f->prio, "task_struct.prio", NULL);
}

static u64 field_or(const struct kread *k, gva_t obj, const struct kfield *f,
		    u64 fallback)
{
	u64 v;

	return kread_field(k, obj, f, &v) ? fallback : v;
}

static int read_task(const struct kread *k, gva_t addr,
		     const struct task_fields *f, struct task *out)
{
	struct task t = { .addr = addr };
	u64 pid, tgid, state;
	int err;

	if (f->comm.size < TASK_COMM_SIZE)
		return -ENOENT;
	err = kread_field(k, addr, &f->pid, &pid);
	if (!err)
		err = kread_field(k, addr, &f->tgid, &tgid);
	if (!err)
		err = kread_field(k, addr, &f->state, &state);
	if (!err)
		err = vas_read(&k->vas, addr + f->comm.offset, t.comm,
			       TASK_COMM_SIZE);
	if (err)
		return err;
	t.pid = (s32)pid;
	t.tgid = (s32)tgid;
	t.state = (u32)state;
	t.cpu = (s32)field_or(k, addr, &f->cpu, -1ULL);
	t.on_cpu = field_or(k, addr, &f->on_cpu, 0);
	t.kernel = field_or(k, addr, &f->flags, 0) & PF_KTHREAD;
	t.policy = (s32)field_or(k, addr, &f->policy, 0);
	t.prio = (s32)field_or(k, addr, &f->prio, 0);
	*out = t;
	return 0;
}

int task_read(const struct kread *k, gva_t addr, struct task *out)
{
	struct task_fields f;

	find_fields(k, &f);
	return read_task(k, addr, &f, out);
}

struct walk {
	struct tasks *out;
	size_t cap;
	struct task_fields fields;
	u64 node_off;	/* task_struct.thread_node */
	u64 head_off;	/* signal_struct.thread_head */
	u64 signal_off;	/* task_struct.signal */
	int err;	/* what ends the whole walk */
};

static int add_task(const struct kread *k, gva_t obj, void *arg)
{
	struct walk *w = arg;
	struct tasks *t = w->out;

	if (t->nr == TASKS_MAX) {
		t->cut = true;
		return 1;
	}
	if (t->nr == w->cap) {
		size_t cap = w->cap ? w->cap * 2 : 128;
		void *p = realloc(t->tasks, cap * sizeof(*t->tasks));

		if (!p) {
			w->err = -ENOMEM;
			return w->err;
		}
		t->tasks = p;
		w->cap = cap;
	}
	if (read_task(k, obj, &w->fields, &t->tasks[t->nr])) {
		t->cut = true;
		return 1;
	}
	t->nr++;
	return 0;
}

/* A process: its threads hang off the signal struct, the leader among them. */
static int add_process(const struct kread *k, gva_t leader, void *arg)
{
	struct walk *w = arg;
	u64 signal;

	if (vas_read_u64(&k->vas, leader + w->signal_off, &signal)) {
		w->out->cut = true;
		return 1;
	}
	if (kread_list(k, signal + w->head_off, w->node_off, MAX_THREADS,
		       add_task, w) < 0)
		w->out->cut = true;
	return w->err ? w->err : w->out->nr == TASKS_MAX;
}

int tasks_read(const struct kread *k, struct tasks *out, struct diag *d)
{
	struct tasks t = { 0 };
	struct walk w = { .out = &t };
	struct kfield tasks, node, head, signal;
	gva_t init;
	int err;

	err = kread_symbol(k, "init_task", &init, d);
	if (err)
		return err;
	if (!k->types ||
	    ktype_field(k->types, "task_struct.tasks", &tasks, d) ||
	    ktype_field(k->types, "task_struct.thread_node", &node, d) ||
	    ktype_field(k->types, "signal_struct.thread_head", &head, d) ||
	    ktype_field(k->types, "task_struct.signal", &signal, d))
		return -ENOENT;
	find_fields(k, &w.fields);
	w.node_off = node.offset;
	w.head_off = head.offset;
	w.signal_off = signal.offset;
	err = add_task(k, init, &w);
	if (!err)
		err = kread_list(k, init + tasks.offset, tasks.offset,
				 TASKS_MAX, add_process, &w);
	if (w.err || !t.nr) {
		err = w.err ? w.err : -EFAULT;
		tasks_reset(&t);
		return diag_fail(d, err, NULL, "cannot read the task list: %s",
				 strerror(-err));
	}
	if (err < 0)
		t.cut = true;
	*out = t;
	return 0;
}

void tasks_reset(struct tasks *t)
{
	free(t->tasks);
	*t = (struct tasks){ 0 };
}

int tasks_current(const struct kread *k, unsigned int cpu, gva_t *out)
{
	gva_t at;
	int err;

	/* Its own per-CPU variable, but for 6.2 to 6.14. */
	err = kread_percpu(k, "current_task", cpu, &at, NULL);
	if (err == -ENOENT) {
		err = kread_percpu(k, "pcpu_hot", cpu, &at, NULL);
		if (!err)
			err = kread_member_addr(k, at, "pcpu_hot.current_task",
						&at);
	}
	return err ? err : vas_read_u64(&k->vas, at, out);
}

char task_state_char(const struct task *t)
{
	/* TASK_NOLOAD without wakeups by signals: an idle kernel thread */
	if ((t->state & 0x402) == 0x402)
		return 'I';
	if (!(t->state & 0x7f))
		return 'R';
	return "SDTtXZP"[__builtin_ctz(t->state & 0x7f)];
}
