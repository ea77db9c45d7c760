/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * again: a case whose scheduler crashed, run once more with probes on the
 * functions that the crash came through, so that their arguments are told.
 */
#ifndef VMTAP_RUNNER_AGAIN_H
#define VMTAP_RUNNER_AGAIN_H

#include <stdbool.h>

struct live;
struct live_cfg;
struct value;

/** again_wanted() - @live is stopped: did its scheduler crash, and how far to go? */
bool again_wanted(const struct live *live);
/**
 * again_run() - boot it once more and wait for its end
 * @live: the first run, stopped
 * @cfg: of the first run; its log folder is not touched
 *
 * Return: scheduler.probes of the result; NULL where that run saw nothing (told
 * on stderr); the caller frees.
 */
struct value *again_run(const struct live *live, const struct live_cfg *cfg);

#endif
