/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * gdb_target: a machine as gdbstub.h wants a target: registers, memory by
 * virtual address, debug registers as breakpoints and watchpoints, steps.
 * Breakpoints of both kinds take a debug register: there are four, and the
 * guest's code is never changed.
 */
#ifndef VMTAP_RUNNER_GDB_TARGET_H
#define VMTAP_RUNNER_GDB_TARGET_H

#include <pthread.h>

#include "runner/gdbstub.h"

struct gdb_target {
	struct machine *m;
	int wake_fd;		/* eventfd: a vCPU met something */
	pthread_mutex_t lock;
	u64 met;		/* vCPUs that something stopped, not told yet */
	u64 dr6[MACHINE_MAX_CPUS];	/* ... by what */
	u64 held;		/* vCPUs that do not go on with the others */
	struct {
		bool used;
		enum gdb_point kind;
		u64 addr;
		u32 len;
	} points[TRAP_ADDRS];
};

extern const struct gdb_ops gdb_target_ops;

/** gdb_target_init() - listens to the machine's traps; 0 or -errno */
int gdb_target_init(struct gdb_target *t, struct machine *m, struct diag *d);
/** gdb_target_deinit() - no points, no steps. The machine stands or has ended */
void gdb_target_deinit(struct gdb_target *t);

/** gdb_target_park() - all vCPUs stand; 0, -ESHUTDOWN it has ended */
int gdb_target_park(struct gdb_target *t);
/** gdb_target_run() - let the CPUs in @run go on, those in @step for one step */
void gdb_target_run(struct gdb_target *t, u64 run, u64 step);
/**
 * gdb_target_event() - take what stopped it. It is parked.
 * Return: false: nothing did. @kind and @addr of GDB_STOP_POINT.
 */
bool gdb_target_event(struct gdb_target *t, u32 *cpu, enum gdb_stop *stop,
		      enum gdb_point *kind, u64 *addr);
/** gdb_target_forget() - before it is let go for good: nothing stops it */
void gdb_target_forget(struct gdb_target *t);

#endif
