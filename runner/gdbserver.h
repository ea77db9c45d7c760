/* SPDX-License-Identifier: GPL-2.0-only */
/* gdbserver: one gdb at a pair of fds, and the machine that it debugs. */
#ifndef VMTAP_RUNNER_GDBSERVER_H
#define VMTAP_RUNNER_GDBSERVER_H

struct diag;
struct machine;

/**
 * gdbserver_run() - serve until gdb detaches, kills, hangs up, or the guest ends
 * @m: parked by the caller, so that nothing has run when gdb comes
 * @in, @out: sockets or pipes; not closed
 *
 * A gdb that detaches lets the guest go on; one that hangs up ends it.
 * Return: 0 or -errno. Context: a thread of its own.
 */
int gdbserver_run(struct machine *m, int in, int out, struct diag *d);

#endif
