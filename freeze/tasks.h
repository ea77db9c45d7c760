/* SPDX-License-Identifier: GPL-2.0-only */
/* tasks: the guest's threads, and which one each CPU runs. */
#ifndef VMTAP_FREEZE_TASKS_H
#define VMTAP_FREEZE_TASKS_H

#include "freeze/kread.h"

#define TASKS_MAX 65536
#define TASK_COMM_SIZE 16

struct task {
	gva_t addr;		/* of its task_struct */
	s32 pid;
	s32 tgid;
	char comm[TASK_COMM_SIZE + 1];
	u32 state;		/* __state: 0 running, 1 interruptible, 2 uninterruptible */
	s32 cpu;		/* last CPU; -1 where the kernel does not tell */
	bool on_cpu;
	bool kernel;		/* PF_KTHREAD */
	s32 policy;
	s32 prio;
};

/* tasks_reset() frees. */
struct tasks {
	struct task *tasks;
	size_t nr;
	bool cut;		/* list broken or longer than TASKS_MAX */
};

/** tasks_read() - all threads; 0, -ENOENT, -EFAULT, -ENOMEM */
int tasks_read(const struct kread *k, struct tasks *out, struct diag *d);
void tasks_reset(struct tasks *t);

/** task_read() - one task_struct; 0, -ENOENT, -EFAULT */
int task_read(const struct kread *k, gva_t addr, struct task *out);

/** tasks_current() - address of the task that @cpu runs; 0, -ENOENT, -EFAULT */
int tasks_current(const struct kread *k, unsigned int cpu, gva_t *out);

/** task_state_char() - as ps(1) shows it: R S D T t X Z P I, '?' */
char task_state_char(const struct task *t);

#endif
