// SPDX-License-Identifier: GPL-2.0-only
/* Where the cases of a run are worked on: here, or in nested hosts. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "runner/hosts.h"
#include "runner/kernel.h"
#include "runner/outputs.h"
#include "runner/pool.h"
#include "runner/progress.h"
#include "runner/run_int.h"
#include "runner/run_opts.h"
#include "runner/worker.h"
#include "vmm/base/diag.h"

static void on_host_up(void *ctx, u64 boot_ms, double factor)
{
	struct run *run = ctx;
	char note[160];

	snprintf(note, sizeof(note),
		 "nested host up after %llu ms, guest timeouts times %.1f",
		 (unsigned long long)boot_ms, factor);
	if (progress_clear(run->progress)) {
		tap_comment(outputs_tap(run->out), "%s", note);
		tap_flush(outputs_tap(run->out), 200);
	} else {
		tap_comment(outputs_tap(run->out), "%s", note);
	}
	progress_note(run->progress, note);
}

static void on_no_host(void *ctx, const char *why)
{
	struct run *run = ctx;

	snprintf(run->bail, sizeof(run->bail), "no nested host: %s", why);
	event_loop_stop(&run->loop);
}

static u64 largest_memory(const struct run *run)
{
	u64 most = MiB(256);
	size_t i;

	for (i = 0; i < run->plan.n; i++)
		most = max(most, run->plan.cases[i].scenario->vm.memory);
	return most;
}

static u64 memory_available(void)
{
	FILE *f = fopen("/proc/meminfo", "re");
	unsigned long long kib = 0;
	char line[128];

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "MemAvailable: %llu", &kib) == 1)
			break;
	if (f)
		fclose(f);
	return kib ? KiB(kib) : GiB(1);
}

unsigned int run_count_jobs(const struct run *run)
{
	bool nested = run->accel.accel == ACCEL_NESTED;
	u64 each = largest_memory(run) + (nested ? MiB(768) : MiB(64));
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	u64 fit = memory_available() * 3 / 4 / each;
	u64 jobs = run->opts->jobs;

	if (!jobs)
		jobs = min((u64)max(cores, 1L), fit);
	jobs = min(jobs, (u64)run->plan.n);
	return (unsigned int)max(jobs, (u64)1);
}

int run_start_slots(struct run *run, struct diag *d)
{
	static char self[4096], seed[32];
	unsigned int jobs = run_count_jobs(run), i;
	struct hosts_cfg cfg = {
		.loop = &run->loop, .pool = run->pool, .count = jobs,
		.guest_memory = largest_memory(run),
		.up = on_host_up, .none = on_no_host, .ctx = run,
	};
	ssize_t n;
	int err = 0;

	if (run->accel.accel == ACCEL_KVM) {
		for (i = 0; i < jobs && !err; i++)
			err = pool_add_local(run->pool, d);
		if (!err)
			pool_fill(run->pool);
		return err;
	}
	n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (n < 0)
		return diag_fail(d, -errno, NULL, "/proc/self/exe: %m");
	self[n] = '\0';
	snprintf(seed, sizeof(seed), "0x%llx", (unsigned long long)run->plan.seed);
	cfg.argv = worker_command(self, &run->opts->plan, seed, &run->env.dump,
				  run->env.run_dir);
	if (!cfg.argv)
		return diag_fail(d, -ENOMEM, NULL, "no memory");
	progress_note(run->progress, "booting a nested host");
	return hosts_start(&cfg, &run->hosts, d);
}
