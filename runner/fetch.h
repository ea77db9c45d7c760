/* SPDX-License-Identifier: GPL-2.0-only */
/* fetch: run the package fetcher that the program carries (tools/fetch-deb.sh). */
#ifndef VMTAP_RUNNER_FETCH_H
#define VMTAP_RUNNER_FETCH_H

struct diag;

/**
 * fetch_run() - run `fetch-deb ARGS...` through sh and wait for it
 * @args: NULL-terminated; its output goes to this process's stdout and stderr
 *
 * Ends with this process. Return: the script's exit status (>= 0), -errno
 * where it could not be run, -EINTR where a signal ended it.
 */
int fetch_run(const char *const *args, struct diag *d);

#endif
