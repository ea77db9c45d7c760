/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * nested: a host VM under QEMU's software emulation (AMD SVM in it), in which
 * this same program finds a real /dev/kvm. The host sees this machine's file
 * system as its own root (9p), so paths, libraries and written files are the
 * same on both sides. One command runs in it; when that ends, or when this
 * process goes away by whatever means, the host goes with it.
 *
 * The first host of its kind boots and is saved (nested_state.h); those that
 * follow go on from there, which takes a tenth of the time.
 *
 *     nested_start -> poll nested_ctl_fd(), nested_out_fd()
 *                  -> nested_event() until NESTED_EXIT or NESTED_LOST
 *                  -> nested_destroy
 *
 * Context: one thread at a time per host. PR_SET_PDEATHSIG is bound to the
 * thread that calls nested_start(): it must live as long as the host is
 * wanted (the main thread, in practice).
 */
#ifndef VMTAP_RUNNER_NESTED_H
#define VMTAP_RUNNER_NESTED_H

#include <stdbool.h>
#include <sys/types.h>

#include "vmm/base/util.h"

struct diag;
struct nested;

struct nested_cfg {
	u64 guest_memory;	/* bytes that guests may use at once; 0: 512M */
	const char *const *argv; /* command in the host, NULL-terminated */
	const char *cwd;	/* its directory; NULL: the caller's */
	char *const *env;	/* its environment; NULL: the caller's */
	bool no_stdin;		/* the command reads /dev/null */
};

enum nested_event {
	NESTED_NONE,		/* nothing whole has arrived yet */
	NESTED_READY,		/* the host is up and the command starts */
	NESTED_EXIT,		/* the command ended: nested_exit_status(); what
				 * it wrote last is fetched by nested_copy_rest() */
	NESTED_LOST,		/* the host ended without telling: see the diag */
};

/**
 * nested_available() - is all there that a nested host needs?
 *
 * Return: 0; -ENOENT QEMU or the host's kernel is missing, -ENOTSUP QEMU is
 * older than 10; the message says how to get it. Takes a few milliseconds.
 */
int nested_available(struct diag *d);

/**
 * nested_start() - start a host; returns before it has booted
 * @out: nested_destroy() ends it. Return: 0, as nested_available(), or errno.
 */
int nested_start(const struct nested_cfg *cfg, struct nested **out,
		 struct diag *d);

/** nested_destroy() - kill the host if it lives, reap it, free; NULL is fine */
void nested_destroy(struct nested *n);

/**
 * The command's stdin (write; close it by nested_close_in()), stdout (read),
 * stderr (read) and the host's own news (poll for reading, then
 * nested_event()). Blocking, close-on-exec, owned by @n. The two that are read
 * end with EOF once the host is gone. Bytes may be written to stdin before
 * NESTED_READY: they wait.
 */
int nested_in_fd(const struct nested *n);
int nested_out_fd(const struct nested *n);
int nested_err_fd(const struct nested *n);
int nested_ctl_fd(const struct nested *n);

/** nested_recv() - as recv(2) without waiting, from the stdout or stderr fd */
ssize_t nested_recv(struct nested *n, int fd, void *data, size_t len);
/**
 * nested_copy() - what can be read of the stdout or stderr fd, to @to
 * Where @to takes no more it is lost: that must not keep the command from its
 * end. Return: false at the stream's end.
 */
bool nested_copy(struct nested *n, int fd, int to);
/**
 * nested_copy_rest() - after NESTED_EXIT or NESTED_LOST, what is not yet read
 * @out, @err: -1: to nowhere
 */
void nested_copy_rest(struct nested *n, int out, int err);
/** nested_close_in() - the command's stdin ends after what was written */
void nested_close_in(struct nested *n);

/**
 * nested_event() - take the host's news without waiting
 * @d: for NESTED_LOST, with the last lines of the host's console
 */
enum nested_event nested_event(struct nested *n, struct diag *d);

/** nested_pid() - QEMU's process id */
pid_t nested_pid(const struct nested *n);
/** nested_boot_ms() - from nested_start() to NESTED_READY; 0 before */
u64 nested_boot_ms(const struct nested *n);
/** nested_resumed() - did it go on from a saved state? Valid from NESTED_READY */
bool nested_resumed(const struct nested *n);
/**
 * nested_speed_factor() - how many times longer guest work takes in this host
 * than beside it, measured (>= 1.0); timeouts are multiplied by it. Valid
 * from NESTED_READY, an estimate before.
 */
double nested_speed_factor(const struct nested *n);
/** nested_exit_status() - as a shell tells it (128 + signal); -1 before */
int nested_exit_status(const struct nested *n);

/** nested_verb() - `vmtap nested [-m MEMORY] [--] CMD...`; exit status */
int nested_verb(int argc, char **argv);

#endif
