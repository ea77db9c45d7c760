/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * job: what the agent shall do, as the file /vmtap/job in the initramfs.
 * NUL-terminated records "key=value", the first one JOB_MAGIC; values are any
 * bytes but NUL, so nothing needs quoting. Keys may repeat where told; order
 * is kept. The agent's reader is tools/guest/job.c.
 *
 *	module=/lib/vmtap/x.ko [params]	insert, in this order (repeats)
 *	arg=STRING	argv of the payload (repeats); none: script
 *	script=/vmtap/run	what busybox sh runs, where there is no arg
 *	env=KEY=VALUE	(repeats)
 *	cwd=/path	of the payload, default /
 *	bulk=on|off	use virtio-console port 1; off: as if it were missing
 *	bulk_wait_ms=N	how long to wait for the port, default 10000
 *	kill_ms=N	from SIGTERM to SIGKILL of the leftovers, default 100
 *	look_ms=N	before the payload, wait as long for WIRE_GO_ON, default 0
 *	hold_ms=N	after the verdict, wait as long for WIRE_GO_ON, default 0
 *	end=reboot|poweroff|halt	default reboot
 *	hostname=NAME
 *	sched=STRING	argv of the scheduler, started before the payload (repeats)
 *	stats=on	relay port 2 to its stats socket
 *	probe=SYMBOL	kprobe until the scheduler ends (repeats); the first one
 *			stops the recording
 */
#ifndef VMTAP_RUNNER_JOB_H
#define VMTAP_RUNNER_JOB_H

#include <stdbool.h>
#include <stddef.h>

#define JOB_MAGIC "vmtap-job 1"
#define JOB_PATH "/vmtap/job"
#define JOB_SCRIPT_PATH "/vmtap/run"

struct buf;
struct diag;

enum job_end { JOB_END_REBOOT, JOB_END_POWEROFF, JOB_END_HALT };

/* All pointers are the caller's. Zero-initialised is a job that does nothing. */
struct job {
	const char *const *modules;	/* guest paths, insertion order */
	size_t nr_modules;
	const char *const *argv;	/* NULL: run JOB_SCRIPT_PATH */
	size_t argc;
	bool script;		/* JOB_SCRIPT_PATH is in the initramfs */
	const char *const *env;	/* "KEY=VALUE" */
	size_t nr_env;
	const char *cwd;	/* NULL: / */
	bool no_bulk;
	unsigned int bulk_wait_ms;	/* 0: default */
	unsigned int kill_ms;	/* 0: default */
	unsigned int look_ms;	/* 0: not at all */
	unsigned int hold_ms;	/* 0: not at all */
	enum job_end end;
	const char *hostname;	/* NULL: vmtap */
	const char *const *sched;	/* argv of the scheduler; NULL: none */
	size_t nr_sched;
	bool stats;
	const char *const *probes;
	size_t nr_probes;
};

/**
 * job_encode() - append the job file's bytes to @out
 * Return: 0, -ENOMEM, -EINVAL (an env entry without '=', both argv and
 * script).
 */
int job_encode(const struct job *job, struct buf *out, struct diag *d);

#endif
