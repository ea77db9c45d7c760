/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * nested_host: the material of a nested host: a QEMU that can run one, the
 * host's kernel, its initramfs, the command line. Starting it and talking to
 * it is nested.c's business.
 */
#ifndef VMTAP_RUNNER_NESTED_HOST_H
#define VMTAP_RUNNER_NESTED_HOST_H

#include "vmm/base/util.h"

struct diag;

#define NESTED_QEMU_MIN 10	/* 7.2: random panics and lock-ups of guests */
#define NESTED_MAX_ARGS 96

/* All owned; nested_host_reset() frees. */
struct nested_host {
	char *qemu;		/* program */
	char *unpacked;		/* root of an unpacked QEMU; NULL: installed */
	char *release;		/* of the host's kernel */
	char *image;		/* bzImage */
	char *modules_dir;
};

/* What the command line is made of; the fds are the child's, 0 is "none". */
struct nested_wiring {
	int kernel_fd;		/* ELF vmlinux */
	int initrd_fd;
	int state_fd;		/* go on from this, instead of the two above */
	int qmp_fd;		/* its monitor */
	int save_fd;		/* what it may be told to save itself into */
	int log_fd;		/* its stdout and stderr */
	int console_fd;		/* the kernel's console goes there */
	int port_fd[4];		/* ctl, in, out, err */
	u64 memory;		/* of the host, bytes */
	u64 tsc_khz;		/* of this machine; 0: not measured */
};

/* A command line and its strings. */
struct nested_args {
	char *argv[NESTED_MAX_ARGS + 1];
	size_t nr;
	bool failed;		/* out of memory or too many */
};

/** nested_host_find() - 0; -ENOENT, -ENOTSUP with the remedy in @d */
int nested_host_find(struct nested_host *h, struct diag *d);
void nested_host_reset(struct nested_host *h);

/**
 * nested_host_kernel_fd() - the ELF vmlinux in a memfd (close-on-exec)
 * Entered by PVH it needs no unpacking under emulation, which takes seconds.
 */
int nested_host_kernel_fd(const struct nested_host *h, struct diag *d);
/** nested_host_initrd_fd() - init and modules in a memfd (close-on-exec) */
int nested_host_initrd_fd(const struct nested_host *h, struct diag *d);

/** nested_host_args() - QEMU's command line; nested_args_reset() frees */
void nested_host_args(const struct nested_host *h,
		      const struct nested_wiring *w, struct nested_args *args);
void nested_args_reset(struct nested_args *args);

/**
 * nested_qemu_major() - the major version out of `qemu --version` text
 * Return: 0 where the text is something else.
 */
unsigned int nested_qemu_major(const char *text);

#endif
