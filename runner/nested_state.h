/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * nested_state: a booted nested host, waiting for its request, kept in the
 * cache so that the next one goes on from there instead of booting:
 * $XDG_CACHE_HOME/vmtap/hoststate/<hash>. The hash is over all that made the
 * host (QEMU, its arguments, the kernel, PID 1), so a file is right or unused.
 * A file appears whole or not at all, and may be removed at any time.
 */
#ifndef VMTAP_RUNNER_NESTED_STATE_H
#define VMTAP_RUNNER_NESTED_STATE_H

#include "vmm/base/util.h"

struct nested_host;

/**
 * nested_state_path() - where the state of a host of @h is kept
 * @memory: bytes
 * @tsc_khz: of this machine; 0: not measured
 * Return: the caller frees; NULL where there is no cache, or no memory.
 */
char *nested_state_path(const struct nested_host *h, u64 memory, u64 tsc_khz);

/** nested_state_open() - for reading, close-on-exec; -errno where there is none */
int nested_state_open(const char *path);

/**
 * nested_state_create() - a file without a name, close-on-exec; -errno
 * nested_state_commit() gives it the name, or drops what is older than the
 * NESTED_STATES_KEPT newest; the caller closes.
 */
int nested_state_create(const char *path);
void nested_state_commit(int fd, const char *path);

#define NESTED_STATES_KEPT 8

#endif
