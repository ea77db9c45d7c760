/* SPDX-License-Identifier: GPL-2.0-only */
/* nested_request: what a nested host is asked to run, as nested_wire.h has it. */
#ifndef VMTAP_RUNNER_NESTED_REQUEST_H
#define VMTAP_RUNNER_NESTED_REQUEST_H

#include <stdbool.h>

struct buf;
struct diag;
struct nested_cfg;

/** nested_request_build() - all of it but the time; 0 or -ENOMEM */
int nested_request_build(const struct nested_cfg *cfg, struct buf *out);

/**
 * nested_request_send() - with the time of now, without waiting
 * Nobody may be reading yet: it has to fit into the socket @ctl.
 * Return: 0; -E2BIG told in @d.
 */
int nested_request_send(int ctl, const struct buf *request, struct diag *d);

/** nested_env_travels() - does "NAME=value" go on to a host and to QEMU? */
bool nested_env_travels(const char *var);

#endif
