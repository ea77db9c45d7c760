// SPDX-License-Identifier: GPL-2.0-only
/* The process of a nested host's QEMU; see nested_qemu.h. */
#include "runner/nested_qemu.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "runner/nested_host.h"
#include "runner/nested_request.h"
#include "vmm/base/diag.h"

/* The environment with the unpacked QEMU's libraries; the child frees never. */
static char **qemu_env(const struct nested_host *h)
{
	static const char libs[] = "usr/lib/x86_64-linux-gnu";
	size_t nr = 0;
	char **env;

	while (environ[nr])
		nr++;
	env = calloc(nr + 2, sizeof(*env));
	if (!env)
		return NULL;
	nr = 0;
	if (h->unpacked &&
	    asprintf(&env[nr++], "LD_LIBRARY_PATH=%s/%s:%s/%s", h->unpacked,
		     libs, h->unpacked, libs + 4) < 0)
		env[nr - 1] = strdup("LD_LIBRARY_PATH=");
	for (char **e = environ; *e; e++)
		if (nested_env_travels(*e) &&
		    (!h->unpacked || strncmp(*e, "LD_LIBRARY_PATH=", 16)))
			env[nr++] = *e;
	return env;
}

static void keep_across_exec(int fd)
{
	if (fd > 0)
		fcntl(fd, F_SETFD, 0);
}

static void exec_qemu(const struct nested_wiring *w, pid_t parent, char **argv,
		      char **env)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	sigset_t none;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	/* Ctrl-C is ours to handle: the command inside is told by us. */
	setsid();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	dup2(null, 0);
	dup2(w->log_fd, 1);
	dup2(w->log_fd, 2);
	keep_across_exec(w->kernel_fd);
	keep_across_exec(w->initrd_fd);
	keep_across_exec(w->state_fd);
	keep_across_exec(w->qmp_fd);
	keep_across_exec(w->console_fd);
	keep_across_exec(w->save_fd);
	for (size_t i = 0; i < ARRAY_SIZE(w->port_fd); i++)
		keep_across_exec(w->port_fd[i]);
	execve(argv[0], argv, env);
	dprintf(2, "%s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

pid_t nested_qemu_spawn(const struct nested_host *h,
			const struct nested_wiring *w, struct diag *d)
{
	struct nested_args args;
	char **env = qemu_env(h);
	pid_t parent = getpid();
	pid_t pid;

	nested_host_args(h, w, &args);
	if (args.failed || !env) {
		pid = diag_fail(d, -ENOMEM, NULL, "out of memory");
	} else {
		pid = fork();
		if (!pid)
			exec_qemu(w, parent, args.argv, env);
		if (pid < 0)
			pid = diag_fail(d, -errno, NULL, "fork: %s",
					strerror(errno));
	}
	if (env && h->unpacked)
		free(env[0]);
	free(env);
	nested_args_reset(&args);
	return pid;
}
