// SPDX-License-Identifier: GPL-2.0-only
/*
 * probes: kprobes on functions that the host names, recorded in the kernel's
 * trace buffer until the scheduler ends; then what they saw goes to the host.
 * The first one named ends the recording when it is hit.
 */
#include "tools/guest/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TRACING "/sys/kernel/tracing/"
#define BUFFER_KB "512"

static size_t armed;

static int put(const char *path, int flags, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC | flags), err = 0;

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		err = errno;
	if (fd >= 0)
		close(fd);
	return err;
}

/* With arguments by name where the kernel knows them, else by register. */
static int probe(size_t i, const char *symbol)
{
	static const char *const args[] = {
		"$arg*", "di=%di:x64 si=%si:x64 dx=%dx:x64 cx=%cx:x64",
	};
	char text[256];
	int err = 0;

	for (size_t k = 0; k < ARRAY_SIZE(args); k++) {
		snprintf(text, sizeof(text), "p:vmtap/f%zu %s %s\n", i, symbol, args[k]);
		err = put(TRACING "kprobe_events", O_APPEND, text);
		if (!err)
			break;
	}
	return err;
}

void probes_arm(const struct job *job)
{
	if (!job->nr_probes)
		return;
	put(TRACING "buffer_size_kb", 0, BUFFER_KB);
	for (size_t i = 0; i < job->nr_probes; i++) {
		char path[128];
		int err = probe(i, job->probes[i]);

		if (err) {
			link_log("no probe on %s: %s", job->probes[i], strerror(err));
			continue;
		}
		/* Without a condition it would act before the hit is recorded. */
		if (!i) {
			snprintf(path, sizeof(path), TRACING "events/vmtap/f%zu/trigger", i);
			put(path, O_APPEND, "traceoff if common_pid >= 0\n");
		}
		snprintf(path, sizeof(path), TRACING "events/vmtap/f%zu/enable", i);
		put(path, 0, "1");
		armed++;
	}
}

void probes_tell(void)
{
	static char tail[CHUNK_MAX], buf[8192];
	int fd = armed ? open(TRACING "trace", O_RDONLY | O_CLOEXEC) : -1;
	size_t have = 0, cut;
	ssize_t n;

	if (fd < 0)
		return;
	put(TRACING "tracing_on", 0, "0");
	while ((n = read(fd, buf, sizeof(buf))) > 0) {
		cut = have + (size_t)n > sizeof(tail) ? have + (size_t)n - sizeof(tail) : 0;
		memmove(tail, tail + cut, have - cut);
		have -= cut;
		memcpy(tail + have, buf, (size_t)n);
		have += (size_t)n;
	}
	close(fd);
	armed = 0;
	link_send(WIRE_PROBES, 0, tail, have);
}
