/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sink: writes to an fd that may be slow, stopped or gone, without ever
 * holding up the caller: a thread of its own does the write(2)s, in order.
 * Each sink_write() leaves in one write(2) (more only if the kernel splits it).
 * No signal reaches that thread (a gone reader is -EPIPE, never SIGPIPE); the
 * first error is kept and ends all writing. A thread that is stuck in write(2)
 * when the sink is destroyed lives on until the process ends.
 */
#ifndef VMTAP_RUNNER_SINK_H
#define VMTAP_RUNNER_SINK_H

#include <stddef.h>

struct sink;

/** sink_create() - start the thread; @fd stays the caller's; NULL: no memory */
struct sink *sink_create(int fd);
/**
 * sink_write() - queue a copy of @data
 * Beyond 64 MiB of waiting bytes the caller waits for the reader.
 * Return: 0, -ENOMEM, or the errno that ended writing (-EPIPE, -EBADF, ...).
 */
int sink_write(struct sink *s, const void *data, size_t len);
/**
 * sink_flush() - wait until all is written, at most @timeout_ms (-1: no end)
 * Return: 0, -ETIMEDOUT, or the kept error.
 */
int sink_flush(struct sink *s, int timeout_ms);
/** sink_destroy() - drop what still waits and end the thread; NULL is fine */
void sink_destroy(struct sink *s);

#endif
