// SPDX-License-Identifier: GPL-2.0-only
/* job: the reader of the file that runner/job.c writes. */
#include "tools/guest/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define JOB_MAGIC "vmtap-job 1"	/* as in runner/job.h */

static const char *add(char **list, size_t *nr, char *word)
{
	if (*nr + 1 >= JOB_MAX_WORDS)
		return "too many words of one kind";
	list[(*nr)++] = word;
	return NULL;
}

static const char *number(const char *value, long *out)
{
	char *end;

	errno = 0;
	*out = strtol(value, &end, 10);
	return errno || *end || end == value || *out < 0 ? "not a number" : NULL;
}

static const char *set_end(struct job *job, const char *value)
{
	static const char *const names[] = {
		[END_REBOOT] = "reboot", [END_POWEROFF] = "poweroff",
		[END_HALT] = "halt", [END_EXIT] = "exit",
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (!strcmp(names[i], value)) {
			job->end = (enum job_end)i;
			return NULL;
		}
	}
	return "unknown end";
}

static const char *set(struct job *job, const char *key, char *value)
{
	if (!strcmp(key, "module"))
		return add(job->modules, &job->nr_modules, value);
	if (!strcmp(key, "arg"))
		return add(job->argv, &job->argc, value);
	if (!strcmp(key, "sched"))
		return add(job->sched, &job->nr_sched, value);
	if (!strcmp(key, "probe"))
		return add(job->probes, &job->nr_probes, value);
	if (!strcmp(key, "env"))
		return strchr(value, '=') > value ?
		       add(job->env, &job->nr_env, value) : "env without KEY=";
	if (!strcmp(key, "script"))
		job->script = value;
	else if (!strcmp(key, "cwd"))
		job->cwd = value;
	else if (!strcmp(key, "hostname"))
		job->hostname = value;
	else if (!strcmp(key, "bulk"))
		job->bulk = strcmp(value, "off");
	else if (!strcmp(key, "bulk_wait_ms"))
		return number(value, &job->bulk_wait_ms);
	else if (!strcmp(key, "kill_ms"))
		return number(value, &job->kill_ms);
	else if (!strcmp(key, "look_ms"))
		return number(value, &job->look_ms);
	else if (!strcmp(key, "hold_ms"))
		return number(value, &job->hold_ms);
	else if (!strcmp(key, "stats"))
		job->stats = !strcmp(value, "on");
	else if (!strcmp(key, "end"))
		return set_end(job, value);
	else
		return "unknown key";
	return NULL;
}

const char *job_parse(struct job *job, char *bytes, size_t len)
{
	char *p = bytes, *end = bytes + len;

	*job = (struct job){
		.bytes = bytes, .bulk = true, .bulk_wait_ms = 10000,
		.kill_ms = 100, .cwd = "/", .hostname = "vmtap",
	};
	if (len < sizeof(JOB_MAGIC) || memcmp(bytes, JOB_MAGIC, sizeof(JOB_MAGIC)))
		return "no job file of this version";
	if (bytes[len - 1])
		return "the last record is cut";
	for (p += sizeof(JOB_MAGIC); p < end; p += strlen(p) + 1) {
		char *eq = strchr(p, '=');
		const char *why;

		if (!eq)
			return "a record without '='";
		*eq = 0;
		why = set(job, p, eq + 1);
		p = eq + 1;
		if (why)
			return why;
	}
	return NULL;
}

const char *job_read(struct job *job, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	size_t len = 0;
	char *bytes;

	if (fd < 0 || fstat(fd, &st))
		return strerror(errno);
	bytes = malloc((size_t)st.st_size + 1);
	while (bytes && len < (size_t)st.st_size) {
		ssize_t n = read(fd, bytes + len, (size_t)st.st_size - len);

		if (n <= 0)
			return "short read";
		len += (size_t)n;
	}
	close(fd);
	return bytes ? job_parse(job, bytes, len) : "no memory";
}
