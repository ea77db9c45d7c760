/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * verdict: from what happened to what it means. Pure: no clock, no file, no
 * machine. No verdict from the guest is never a pass.
 */
#ifndef VMTAP_RUNNER_VERDICT_H
#define VMTAP_RUNNER_VERDICT_H

#include <stdbool.h>

#include "runner/scenario.h"
#include "vmm/base/util.h"

/* How far the guest got; each includes those before it. */
enum stage {
	STAGE_NONE,	/* the machine was not built */
	STAGE_ENTRY,	/* vCPUs run */
	STAGE_KERNEL,	/* the kernel's console spoke */
	STAGE_INIT,	/* the agent's first words */
	STAGE_AGENT,	/* HELLO: the agent is set up */
	STAGE_PAYLOAD,	/* the scenario's guest part started */
	STAGE_VERDICT,	/* EXIT arrived */
};

enum verdict_via { VIA_NONE, VIA_PORT1, VIA_COM2, VIA_RING };

/* How the machine ended. */
enum ending {
	ENDING_NONE,		/* never ran, or the host could not run it */
	ENDING_POWEROFF,	/* ACPI S5 */
	ENDING_RESET,		/* keyboard controller, reset register */
	ENDING_TRIPLE_FAULT,	/* KVM_EXIT_SHUTDOWN; a stock kernel's last resort reset too */
	ENDING_KILLED,		/* by the host: watchdog or end of need */
	ENDING_VMM_ERROR,	/* KVM or a vCPU thread failed */
};

struct verdict_facts {
	struct expect_want expect;
	enum stage stage;
	enum verdict_via via;		/* VIA_NONE: no exit code arrived */
	int exit_code;
	int exit_signal;		/* that killed the payload; 0 none */
	enum ending ending;
	const char *ending_text;	/* the machine's words; may be NULL */
	bool timed_out;
	u64 timeout_ms;			/* in force, scaled */
	const char *starved;		/* the host had no time for it: why; or NULL */
	const char *agent_panic;	/* first PANIC: line of COM2 or NULL */
	const char *panic;		/* "Kernel panic ..." line or NULL */
	const char *oops;		/* first oops line or NULL */
	const char *splat;		/* first complaint not allowed, or NULL */
	const char *monitor;		/* what the monitor does not let pass, or NULL */
	const char *map_write;		/* why bpf_map_write was not done, or NULL */
	const char *sched_exit;		/* the scheduler left early: why; or NULL */
};

struct verdict {
	bool success;
	bool timeout;		/* failed by the watchdog: `# TIMEOUT` */
	bool error;		/* vmtap's or the host's fault: `# ERROR` */
	char reason[400];	/* one line for a person; "" on plain success */
};

/** verdict_decide() - see DESIGN section 3, `success` */
void verdict_decide(const struct verdict_facts *f, struct verdict *v);

const char *stage_name(enum stage stage);
const char *verdict_via_name(enum verdict_via via);
const char *ending_name(enum ending ending);

#endif
