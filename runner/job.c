// SPDX-License-Identifier: GPL-2.0-only
/* job: the host's writer of the agent's job file. */
#include "runner/job.h"

#include <errno.h>
#include <string.h>

#include "vmm/base/buf.h"
#include "vmm/base/diag.h"
#include "vmm/base/util.h"

static void put(struct buf *out, const char *key, const char *value)
{
	buf_puts(out, key);
	buf_putc(out, '=');
	buf_puts(out, value);
	buf_putc(out, 0);
}

static void put_num(struct buf *out, const char *key, unsigned int value)
{
	char num[16];

	if (!value)
		return;
	snprintf(num, sizeof(num), "%u", value);
	put(out, key, num);
}

static void put_list(struct buf *out, const char *key, const char *const *v,
		     size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		put(out, key, v[i]);
}

static int check(const struct job *job, struct diag *d)
{
	if (job->argc && job->script)
		return diag_fail(d, -EINVAL, NULL,
				 "a guest runs either a script or a program");
	for (size_t i = 0; i < job->nr_env; i++) {
		const char *eq = strchr(job->env[i], '=');

		if (!eq || eq == job->env[i])
			return diag_fail(d, -EINVAL, NULL,
					 "env entry '%s' is not KEY=VALUE",
					 job->env[i]);
	}
	return 0;
}

int job_encode(const struct job *job, struct buf *out, struct diag *d)
{
	static const char *const ends[] = { "reboot", "poweroff", "halt" };
	int err = check(job, d);

	if (err)
		return err;
	buf_add(out, JOB_MAGIC, sizeof(JOB_MAGIC));
	put_list(out, "module", job->modules, job->nr_modules);
	put_list(out, "arg", job->argv, job->argc);
	if (job->script)
		put(out, "script", JOB_SCRIPT_PATH);
	put_list(out, "env", job->env, job->nr_env);
	if (job->cwd)
		put(out, "cwd", job->cwd);
	if (job->no_bulk)
		put(out, "bulk", "off");
	put_num(out, "bulk_wait_ms", job->bulk_wait_ms);
	put_num(out, "kill_ms", job->kill_ms);
	put_num(out, "look_ms", job->look_ms);
	put_num(out, "hold_ms", job->hold_ms);
	if (job->end)
		put(out, "end", ends[job->end]);
	if (job->hostname)
		put(out, "hostname", job->hostname);
	put_list(out, "sched", job->sched, job->nr_sched);
	if (job->stats)
		put(out, "stats", "on");
	put_list(out, "probe", job->probes, job->nr_probes);
	if (out->failed)
		return diag_fail(d, -ENOMEM, NULL, "no memory for the job file");
	return 0;
}
