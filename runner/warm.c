// SPDX-License-Identifier: GPL-2.0-only
/* Kernels into the cache before the first machine starts; see warm.h. */
#include "runner/warm.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runner/kernel.h"
#include "runner/nested_host.h"
#include "runner/plan.h"
#include "vmm/base/util.h"
#include "vmm/kimage.h"

static const char *kernel_spec(const struct plan *plan, size_t index)
{
	const struct scen_kernel *k = &plan->cases[index].scenario->kernel;

	return k->image ? k->image : k->release;
}

static bool seen_before(const struct plan *plan, size_t index)
{
	const char *spec = kernel_spec(plan, index);
	size_t i;

	for (i = 0; i < index; i++) {
		const char *other = kernel_spec(plan, i);

		if (spec == other || (spec && other && !strcmp(spec, other)))
			return true;
	}
	return false;
}

static void unpack(const char *spec)
{
	struct kernel *kernel = NULL;
	struct kimage *image = NULL;

	if (kernel_find(spec, &kernel, NULL))
		return;
	if (!kimage_open(kernel->image, 0, &image, NULL))
		kimage_close(image);
	kernel_put(kernel);
}

static void unpack_host(void)
{
	struct nested_host host = { 0 };
	int fd;

	if (nested_host_find(&host, NULL))
		return;
	fd = nested_host_kernel_fd(&host, NULL);
	if (fd >= 0)
		close(fd);
	fd = nested_host_initrd_fd(&host, NULL);
	if (fd >= 0)
		close(fd);
	nested_host_reset(&host);
}

/* Opening an image takes seconds where it has to be unpacked: a child does it. */
bool warm_kernels(const struct plan *plan, bool nested, int signal_fd)
{
	struct pollfd fds[2] = { { -1, POLLIN, 0 }, { signal_fd, POLLIN, 0 } };
	pid_t pid = fork();
	bool ended = false;
	size_t i;

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (nested)
			unpack_host();
		for (i = 0; i < plan->n; i++)
			if (!seen_before(plan, i))
				unpack(kernel_spec(plan, i));
		_exit(0);
	}
	if (pid < 0)
		return false;
	fds[0].fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (fds[0].fd >= 0) {
		while (poll(fds, ARRAY_SIZE(fds), -1) < 0 && errno == EINTR)
			;
		ended = fds[1].revents;
		if (ended)
			kill(pid, SIGKILL);
		close(fds[0].fd);
	}
	waitpid(pid, NULL, 0);
	return ended;
}
