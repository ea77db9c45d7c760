// SPDX-License-Identifier: GPL-2.0-only
/* What the CPUs of a dead guest were doing; see autopsy.h. */
#include "runner/autopsy.h"

#include <stdio.h>
#include <string.h>

#include "runner/value.h"
#include "vmm/base/util.h"

#define RFLAGS_IF (1ULL << 9)
#define LOOK_FRAMES 8	/* what holds a CPU up is among the innermost */

/* By a part of a function's name, the first that matches, innermost first. */
static const struct { const char *part, *why; } causes[] = {
	{ "stop_this_cpu", "was stopped by another CPU, which panicked or rebooted" },
	{ "spin_lock_slowpath", "waits for a spinlock" },
	{ "queued_read_lock", "waits for a lock" },
	{ "queued_write_lock", "waits for a lock" },
	{ "mutex_spin_on_owner", "waits for a mutex whose owner runs" },
	{ "rwsem_spin_on_owner", "waits for a semaphore whose owner runs" },
	{ "osq_lock", "waits for a mutex, in line" },
	{ "smp_call_function", "waits for other CPUs to do what it asks" },
	{ "csd_lock_wait", "waits for other CPUs to do what it asks" },
	{ "multi_cpu_stop", "is in a stop_machine, with the others" },
	{ "delay_tsc", "waits in a delay loop" },
	{ "delay_halt", "waits in a delay loop" },
};

/*
 * A frame that is a guess, "? name", tells nothing for sure. A panic prints for
 * a while, so it may be far out.
 */
static const char *cause_of(const struct value *frames)
{
	size_t i, j;

	for (i = 0; frames && i < frames->list.len; i++) {
		const char *name = value_as_str(frames->list.items[i], "?");

		if (*name == '?')
			continue;
		for (j = 0; i < LOOK_FRAMES && j < ARRAY_SIZE(causes); j++)
			if (strstr(name, causes[j].part))
				return causes[j].why;
		if (!strncmp(name, "panic+", 6) || !strncmp(name, "vpanic+", 7))
			return "panicked";
	}
	return NULL;
}

static u64 address_of(const struct value *v)
{
	if (!v)
		return 0;
	return v->type == VALUE_ADDR ? v->addr : 0;
}

const char *autopsy_held_up(const struct value *cpu)
{
	const char *state = value_as_str(value_get(cpu, "state"), "");
	const struct value *rflags = value_path(cpu, "regs.rflags");
	const char *cause = cause_of(value_get(cpu, "backtrace"));
	bool interrupts = address_of(rflags) & RFLAGS_IF;

	if (!strcmp(state, "not_started"))
		return "was never started";
	if (cause || !rflags || value_as_bool(value_get(cpu, "user"), false))
		return cause;
	if (!strcmp(state, "halted"))
		return interrupts ? "is idle and waits for an interrupt" :
		       "is halted with interrupts off: it does not wake";
	return interrupts ? NULL : "runs with interrupts off";
}

static void put_task(struct value *v, const struct value *cpu)
{
	const struct value *task = value_get(cpu, "task");
	char text[64];

	if (!task)
		return;
	snprintf(text, sizeof(text), "%.20s[%lld]",
		 value_as_str(value_get(task, "comm"), "?"),
		 (long long)value_as_int(value_get(task, "pid"), 0));
	value_set(v, "task", value_str(text));
}

static void put_place(struct value *v, const struct value *cpu, bool user)
{
	const struct value *frames = value_get(cpu, "backtrace");
	const struct value *rip = value_path(cpu, "regs.rip");
	char text[40];

	if (!user && frames && frames->list.len) {
		value_set(v, "at", value_copy(frames->list.items[0]));
	} else if (rip) {
		snprintf(text, sizeof(text), "%s0x%llx", user ? "user mode, " : "",
			 (unsigned long long)address_of(rip));
		value_set(v, "at", value_str(text));
	}
}

static void put_frames(struct value *v, const struct value *cpu)
{
	const struct value *from = value_get(cpu, "backtrace");
	struct value *to;
	size_t i;

	if (!from || !from->list.len)
		return;
	to = value_list();
	for (i = 0; i < min(from->list.len, (size_t)AUTOPSY_FRAMES); i++)
		value_append(to, value_copy(from->list.items[i]));
	value_set(v, "backtrace", to);
}

static struct value *one_cpu(const struct value *cpu, size_t nr)
{
	bool started = strcmp(value_as_str(value_get(cpu, "state"), ""),
			      "not_started");
	bool user = value_as_bool(value_get(cpu, "user"), false);
	const char *held_up = autopsy_held_up(cpu);
	struct value *v = value_map();

	value_set(v, "cpu", value_int((s64)nr));
	put_task(v, cpu);
	if (started)
		put_place(v, cpu, user);
	if (held_up)
		value_set(v, "held_up", value_str(held_up));
	if (started && !user)
		put_frames(v, cpu);
	return v;
}

struct value *autopsy(const struct value *capture)
{
	const struct value *cpus = value_get(capture, "cpu");
	struct value *list;
	size_t i;

	if (!cpus || cpus->type != VALUE_LIST || !cpus->list.len)
		return NULL;
	list = value_list();
	for (i = 0; list && i < cpus->list.len; i++)
		value_append(list, one_cpu(cpus->list.items[i], i));
	return list;
}
