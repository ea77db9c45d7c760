/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * gdbstub: the far side of gdb's remote protocol: bytes in, bytes out, and
 * between them a target that it knows by its ops alone. All-stop; a thread is
 * a CPU, numbered from 1. No fds and no machine here, so that a test talks to
 * it with strings.
 *
 * Protocol: "Remote Protocol" in the GDB manual. The peer is a person's tool,
 * but its bytes are checked as if they were not.
 */
#ifndef VMTAP_RUNNER_GDBSTUB_H
#define VMTAP_RUNNER_GDBSTUB_H

#include <stdbool.h>

#include "vmm/base/buf.h"
#include "vmm/machine.h"

#define GDBSTUB_MAX_PACKET 8192
#define GDBSTUB_INTERRUPT 3	/* Ctrl-C: a byte outside of packets */

enum gdb_point { GDB_BREAK_SW, GDB_BREAK_HW, GDB_WATCH_WRITE, GDB_WATCH_READ,
		 GDB_WATCH_ACCESS };

/* The target stands still whenever one of these is called. 0 or -errno. */
struct gdb_ops {
	int (*get_regs)(void *target, u32 cpu, struct machine_regs *regs);
	int (*set_regs)(void *target, u32 cpu, const struct machine_regs *regs);
	/** all of @len bytes at a virtual address as @cpu sees it */
	int (*read)(void *target, u32 cpu, u64 addr, void *data, size_t len);
	int (*write)(void *target, u32 cpu, u64 addr, const void *data,
		     size_t len);
	/** -ENOTSUP: not that kind; -ENOSPC: no register is free */
	int (*point)(void *target, enum gdb_point kind, u64 addr, u32 len,
		     bool on);
	/** what the CPU does, in a few words */
	void (*describe)(void *target, u32 cpu, char *text, size_t size);
};

enum gdb_want {
	GDB_WANT_MORE,		/* nothing: all that came is answered */
	GDB_WANT_RUN,		/* struct gdbstub: run, step */
	GDB_WANT_STOP,		/* Ctrl-C */
	GDB_WANT_DETACH,	/* let it go on without us */
	GDB_WANT_KILL,
};

struct gdbstub {
	const struct gdb_ops *ops;
	void *target;
	u32 nr_cpus;
	struct buf in, out;	/* out: to be sent and consumed by the owner */
	u64 run, step;		/* masks of CPUs, for GDB_WANT_RUN */

	/* private */
	struct buf last;	/* packet, to be sent again on '-' */
	bool no_ack, says_break;
	bool runs;		/* since GDB_WANT_RUN; until it stopped */
	u32 cpu;		/* that g, m and their like are about */
	u32 stopped;		/* CPU that stopped */
	char reason[48];	/* of the stop, as in a stop reply */
};

/** gdbstub_init() - the target stands still. gdbstub_deinit() frees */
void gdbstub_init(struct gdbstub *g, const struct gdb_ops *ops, void *target,
		  u32 nr_cpus);
void gdbstub_deinit(struct gdbstub *g);

/**
 * gdbstub_take() - answer what lies in @in, up to what the owner has to do
 * Call again after doing it: more may lie there.
 */
enum gdb_want gdbstub_take(struct gdbstub *g);

/** gdbstub_stopped() - tell that the target stopped; @kind as below */
enum gdb_stop { GDB_STOP_STEP, GDB_STOP_INTERRUPT, GDB_STOP_POINT };
void gdbstub_stopped(struct gdbstub *g, u32 cpu, enum gdb_stop stop,
		     enum gdb_point kind, u64 addr);
/** gdbstub_exited() - tell that the target is gone */
void gdbstub_exited(struct gdbstub *g, u8 status);

#endif
