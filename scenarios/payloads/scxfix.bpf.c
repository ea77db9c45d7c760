// SPDX-License-Identifier: GPL-2.0-only
/*
 * A sched_ext scheduler that does what it is told, wrong on demand: one global
 * queue, a task by name that is never queued, and an end of each kind. What it
 * needs of the kernel's types is declared here and found by name at load.
 * See scxfix.c.
 */
#include <linux/bpf.h>
#include <linux/types.h>
#include <stdbool.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "scxfix.bpf.h"

#define SCX_DSQ_GLOBAL (1ULL << 63 | 1)
#define SCX_DSQ_LOCAL (1ULL << 63 | 2)
#define SCX_DSQ_LOCAL_ON (3ULL << 62)
#define SCX_SLICE_DFL 20000000ULL
#define SCX_ENQ_IMMED (1ULL << 33)	/* Linux 7.1 */
#define SCX_ENQ_REENQ (1ULL << 40)
#define DSQ_NOWHERE 4711ULL		/* nobody made it */

#pragma clang attribute push(__attribute__((preserve_access_index)), \
			     apply_to = record)
struct task_struct {
	int pid;
	char comm[16];
};

struct scx_dispatch_q {
	__u32 nr;
};

struct scx_rq {
	struct scx_dispatch_q local_dsq;
	__u32 nr_running;
	__u32 flags;
	__u32 nr_immed;		/* where there is SCX_ENQ_IMMED */
};

struct rq {
	unsigned int nr_running;
	__u64 nr_switches;
	struct scx_rq scx;
};
#pragma clang attribute pop

/* Members by name; the kernel's has more. */
struct sched_ext_ops {
	__s32 (*select_cpu)(struct task_struct *p, __s32 prev_cpu,
			    __u64 wake_flags);
	void (*enqueue)(struct task_struct *p, __u64 enq_flags);
	void (*exit)(struct scx_exit_info *ei);
	__u32 timeout_ms;
	char name[128];
};

extern __s32 scx_bpf_select_cpu_dfl(struct task_struct *p, __s32 prev_cpu,
				    __u64 wake_flags, bool *is_idle) __ksym;
extern void scx_bpf_dsq_insert(struct task_struct *p, __u64 dsq_id, __u64 slice,
			       __u64 enq_flags) __ksym;
extern __s32 scx_bpf_dsq_nr_queued(__u64 dsq_id) __ksym;
extern __s32 scx_bpf_task_cpu(const struct task_struct *p) __ksym;
extern const struct rq runqueues __ksym;
extern void scx_bpf_error_bstr(char *fmt, unsigned long long *data,
			       __u32 data__sz) __ksym;
extern void scx_bpf_exit_bstr(__s64 exit_code, char *fmt,
			      unsigned long long *data, __u32 data__sz) __ksym;

__s64 exit_code = 3;

/*
 * What the kernel tells of its queues, see scxfix_look(); the deepest that a
 * local queue was; whether tasks go there at all; and whether to do what the
 * kernel counts as events. A map of its own.
 */
struct {
	struct {
		__u32 nr_running, depth, flags, all;
		__u32 immed, unused;
		__u64 nr_switches;
	} rq[8];
	__s32 deepest, local, events, unused;
} queues SEC(".bss.queues");

static char error_fmt[] = "told to fail by crash=%llu";
static char exit_fmt[] = "told to leave by crash=%llu";

static bool is_starved(struct task_struct *p)
{
	int i;

	if (!starved[0])
		return false;
	for (i = 0; i < 15 && starved[i]; i++)
		if (p->comm[i] != starved[i])
			return false;
	return true;
}

SEC("struct_ops/scxfix_select_cpu")
__s32 BPF_PROG(scxfix_select_cpu, struct task_struct *p, __s32 prev_cpu,
	       __u64 wake_flags)
{
	bool is_idle = false;

	__sync_fetch_and_add(&stats.select_cpu, 1);
	if (crash == 9 || queues.events)
		return 0;	/* whatever CPUs the task may use */
	return scx_bpf_select_cpu_dfl(p, prev_cpu, wake_flags, &is_idle);
}

/* As the kernel counts before it puts this one there. */
static void note_depth(struct task_struct *p)
{
	int n = scx_bpf_dsq_nr_queued(SCX_DSQ_LOCAL_ON |
				      (__u32)scx_bpf_task_cpu(p)) + 1;

	if (n > queues.deepest)
		queues.deepest = n;
}

/* There now or not at all: the kernel hands back what it cannot run at once. */
static __u64 immed(__u64 enq_flags)
{
	const struct rq *rq = 0;

	if (!queues.events || enq_flags & SCX_ENQ_REENQ ||
	    !bpf_core_field_exists(rq->scx.nr_immed))
		return enq_flags;
	return enq_flags | SCX_ENQ_IMMED;
}

SEC("struct_ops/scxfix_enqueue")
void BPF_PROG(scxfix_enqueue, struct task_struct *p, __u64 enq_flags)
{
	unsigned long long arg = crash;
	bool on_cpu;

	__sync_fetch_and_add(&stats.enqueue, 1);
	if (crash == 1)
		scx_bpf_error_bstr(error_fmt, &arg, sizeof(arg));
	else if (crash == 2)
		scx_bpf_exit_bstr(exit_code, exit_fmt, &arg, sizeof(arg));
	else if (crash == 3)
		return;		/* for the watchdog to find */
	if (crash == 7) {
		scx_bpf_dsq_insert(p, DSQ_NOWHERE, SCX_SLICE_DFL, enq_flags);
		return;
	}
	if (is_starved(p)) {
		__sync_fetch_and_add(&stats.starved, 1);
		return;
	}
	on_cpu = queues.local || crash == 8;
	if (on_cpu) {
		note_depth(p);
		scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, SCX_SLICE_DFL,
				   immed(enq_flags));
	} else {
		scx_bpf_dsq_insert(p, SCX_DSQ_GLOBAL, SCX_SLICE_DFL, enq_flags);
	}
}

/* Run by scxfix.c when somebody asks for stats. */
SEC("syscall")
int scxfix_look(void *ctx)
{
	__u32 cpu;

	for (cpu = 0; cpu < sizeof(queues.rq) / sizeof(queues.rq[0]); cpu++) {
		const struct rq *rq = bpf_per_cpu_ptr(&runqueues, cpu);

		if (!rq)
			break;
		queues.rq[cpu].all = rq->nr_running;
		queues.rq[cpu].nr_switches = rq->nr_switches;
		queues.rq[cpu].nr_running = rq->scx.nr_running;
		queues.rq[cpu].depth = rq->scx.local_dsq.nr;
		queues.rq[cpu].flags = rq->scx.flags;
		if (bpf_core_field_exists(rq->scx.nr_immed))
			queues.rq[cpu].immed = rq->scx.nr_immed;
	}
	return 0;
}

SEC("struct_ops/scxfix_exit")
void BPF_PROG(scxfix_exit, struct scx_exit_info *ei)
{
	note_end(ei);
}

SEC(".struct_ops")
struct sched_ext_ops scxfix_ops = {
	.select_cpu = (void *)scxfix_select_cpu,
	.enqueue = (void *)scxfix_enqueue,
	.exit = (void *)scxfix_exit,
	.timeout_ms = TIMEOUT_MARK,
	.name = "scxfix",
};

char _license[] SEC("license") = "GPL";
