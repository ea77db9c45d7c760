// SPDX-License-Identifier: GPL-2.0-only
/*
 * fetch: the script goes into a memfd and sh reads it from there, so that
 * nothing is written to disk and its stdin stays free.
 */
#include "runner/fetch.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "runner/embed.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/diag.h"
#include "vmm/base/io.h"

#define FETCH_MAX_ARGS 64

static int script_fd(struct diag *d)
{
	/* Inherited by sh, so not close-on-exec. */
	int fd = memfd_create("fetch-deb", 0), err;

	if (fd < 0)
		return diag_fail(d, -errno, NULL, "memfd_create: %s",
				 strerror(errno));
	err = io_write_full(fd, embed_fetch_deb,
			    embed_fetch_deb_end - embed_fetch_deb);
	if (err) {
		close(fd);
		return diag_fail(d, err, NULL, "memfd: %s", strerror(-err));
	}
	return fd;
}

static void run_script(int fd, const char *const *args, pid_t parent)
{
	const char *argv[FETCH_MAX_ARGS + 3] = { "sh" };
	char path[32];
	size_t n = 1;

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(1);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	argv[n++] = path;
	while (*args && n < FETCH_MAX_ARGS + 2)
		argv[n++] = *args++;
	execvp("sh", (char *const *)argv);
	dprintf(STDERR_FILENO, "vmtap: fetch: sh: %s\n", strerror(errno));
	_exit(127);
}

int fetch_run(const char *const *args, struct diag *d)
{
	int fd __free(cleanup_close) = script_fd(d);
	pid_t parent = getpid(), pid;
	int status;

	if (fd < 0)
		return fd;
	fflush(NULL);
	pid = fork();
	if (!pid)
		run_script(fd, args, parent);
	if (pid < 0)
		return diag_fail(d, -errno, NULL, "fork: %s", strerror(errno));
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return diag_fail(d, -errno, NULL, "waitpid: %s",
					 strerror(errno));
	if (WIFSIGNALED(status))
		return diag_fail(d, -EINTR, NULL, "the fetcher was ended by: %s",
				 strsignal(WTERMSIG(status)));
	return WEXITSTATUS(status);
}
