/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * workload_wire: the workload as a file of the initramfs, from the host
 * (runner/workload_plan.c) to the guest's engine (tools/guest/wl_plan.c). The
 * second and last header that the agent shares with the host.
 *
 * NUL-terminated records "key=value", the first one WL_MAGIC. A record belongs
 * to the thing that was opened last; cgroups and workers before the first step
 * are those of the start, behind an op they are that operation's own.
 *
 *	duration=NS
 *	cgroup=NAME	opens a cgroup
 *	  parent= cpuset=SET cpu_max= cpu_weight= memory_max= memory_high=
 *	worker=NAME	opens a team of workers
 *	  group=CGROUP type= count= policy= priority= nice= affinity=SET
 *	  mem_policy= mem_nodes= burst=NS sleep=NS region=BYTES fan_out=
 *	  phase=DO NS (repeats) arg=STRING (repeats)
 *	step=NAME	opens a step
 *	  hold=KIND NS FRACTION
 *	op=KIND		opens an operation of the step
 *	  target= to= text= cpus=SET
 *
 * SET is "KIND INDEX OF FROM TO OVERLAP LIST"; kinds and types are the numbers
 * of the enumerations below.
 */
#ifndef VMTAP_RUNNER_WORKLOAD_WIRE_H
#define VMTAP_RUNNER_WORKLOAD_WIRE_H

#define WL_MAGIC "vmtap-workload 1"
#define WL_PATH "/vmtap/workload"
/* What runs it, and what it exits with where it could not do as told. */
#define WL_APPLET "/usr/bin/vmtap-workload"
#define WL_EXIT_BROKEN 125

/* A set of CPUs by what it means, resolved in the guest against its topology. */
enum cpu_set_kind {
	CPU_SET_INHERIT,	/* absent: all that the parent has */
	CPU_SET_EXACT,		/* list: "0-3,5" */
	CPU_SET_LLC,		/* the CPUs of LLC index */
	CPU_SET_NODE,		/* the CPUs of NUMA node index */
	CPU_SET_RANGE,		/* from..to as fractions of all CPUs */
	CPU_SET_DISJOINT,	/* part index of `of` equal parts */
	CPU_SET_OVERLAP,	/* as disjoint, each part reaching into the next */
};

enum work_type {
	WORK_SPIN, WORK_YIELD, WORK_MIXED, WORK_IO_SYNC, WORK_BURSTY,
	WORK_PIPE_IO, WORK_FUTEX_PING_PONG, WORK_FUTEX_FAN_OUT,
	WORK_CACHE_PRESSURE, WORK_CACHE_YIELD, WORK_CACHE_PIPE, WORK_SEQUENCE,
	WORK_FORK_EXIT, WORK_NICE_SWEEP, WORK_AFFINITY_CHURN,
	WORK_POLICY_CHURN, WORK_FAN_OUT_COMPUTE, WORK_PAGE_FAULT_CHURN,
	WORK_MUTEX_CONTENTION, WORK_CUSTOM,
	WORK_TYPES,
};

/* Their words, in that order; of the language and of the result. */
#define WL_WORK_WORDS							\
	"spin", "yield", "mixed", "io-sync", "bursty", "pipe-io",	\
	"futex-ping-pong", "futex-fan-out", "cache-pressure",		\
	"cache-yield", "cache-pipe", "sequence", "fork-exit",		\
	"nice-sweep", "affinity-churn", "policy-churn",			\
	"fan-out-compute", "page-fault-churn", "mutex-contention",	\
	"custom"

enum sched_policy {
	POLICY_OTHER, POLICY_BATCH, POLICY_IDLE, POLICY_FIFO, POLICY_RR,
	POLICY_EXT,
};

enum mem_policy {
	MEM_DEFAULT, MEM_BIND, MEM_PREFERRED, MEM_INTERLEAVE, MEM_LOCAL,
};

enum phase_do { PHASE_SPIN, PHASE_SLEEP, PHASE_YIELD, PHASE_IO };

enum wl_op_kind {
	OP_ADD_CGROUP,		/* cgroup */
	OP_REMOVE_CGROUP,	/* target */
	OP_SET_CPUSET,		/* target, cpus */
	OP_CLEAR_CPUSET,	/* target */
	OP_SWAP_CPUSETS,	/* target, to */
	OP_SPAWN,		/* worker */
	OP_SPAWN_HOST,		/* worker, outside the workload's groups */
	OP_STOP,		/* target: a worker's name or a cgroup */
	OP_SET_AFFINITY,	/* target, cpus */
	OP_MOVE,		/* target, to: cgroup to cgroup */
	OP_FREEZE,		/* target */
	OP_UNFREEZE,		/* target */
	OP_RUN,			/* text: shell, waited for */
	OP_START,		/* text: shell, in the background; target: name */
	OP_WAIT,		/* target: what start named */
	OP_KILL,		/* target: what start named */
	OP_SNAPSHOT,		/* target: capture name */
	OP_KINDS,
};

#define WL_OP_WORDS							\
	"add_cgroup", "remove_cgroup", "set_cpuset", "clear_cpuset",	\
	"swap_cpusets", "spawn", "spawn_host", "stop", "set_affinity",	\
	"move", "freeze", "unfreeze", "run", "start", "wait", "kill",	\
	"snapshot"

enum hold_kind { HOLD_NONE, HOLD_FIXED, HOLD_FRACTION, HOLD_LOOP };

#endif
