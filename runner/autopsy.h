/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * autopsy: for a person, what each CPU of a guest that died or hangs was
 * doing: its task, where it is, how it came there, and what holds it up. Read
 * off the failure's capture as the result has it.
 */
#ifndef VMTAP_RUNNER_AUTOPSY_H
#define VMTAP_RUNNER_AUTOPSY_H

struct value;

#define AUTOPSY_FRAMES 10

/**
 * autopsy() - a list, one map for each CPU
 * @capture: one of result.snapshots
 * Return: NULL where it holds no CPUs (a placeholder), or without memory.
 */
struct value *autopsy(const struct value *capture);

/**
 * autopsy_held_up() - why a CPU does not get on, as far as can be seen
 * @cpu: an item of the capture's `cpu`
 * Return: a sentence without a full stop; NULL: it does.
 */
const char *autopsy_held_up(const struct value *cpu);

#endif
