// SPDX-License-Identifier: GPL-2.0-only
/* setup: what a payload expects to find, and the way to the host. */
#include "tools/guest/agent.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PORTS "/sys/class/virtio-ports"

struct mnt {
	const char *type, *dir, *data;
	unsigned long flags;
};

static void mount_all(const struct mnt *m, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		mkdir(m[i].dir, 0755);
		mount(m[i].type, m[i].dir, m[i].type, m[i].flags, m[i].data);
	}
}

void setup_mounts(void)
{
	static const struct mnt first[] = {
		{ "devtmpfs", "/dev", "mode=755", MS_NOSUID },
		{ "proc", "/proc", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC },
		{ "sysfs", "/sys", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC },
		{ "tmpfs", "/run", "mode=755", MS_NOSUID | MS_NODEV },
	};

	mount_all(first, ARRAY_SIZE(first));
}

/* All that only the payload needs; a kernel may lack any of it. */
static void mount_rest(void)
{
	static const struct mnt rest[] = {
		{ "tmpfs", "/tmp", "mode=1777", MS_NOSUID | MS_NODEV },
		{ "devpts", "/dev/pts", "mode=620,ptmxmode=666", MS_NOSUID | MS_NOEXEC },
		{ "tmpfs", "/dev/shm", "mode=1777", MS_NOSUID | MS_NODEV },
		{ "cgroup2", "/sys/fs/cgroup", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC },
		{ "bpf", "/sys/fs/bpf", "mode=700", MS_NOSUID | MS_NODEV | MS_NOEXEC },
		{ "debugfs", "/sys/kernel/debug", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC },
		{ "tracefs", "/sys/kernel/tracing", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC },
	};

	mount_all(rest, ARRAY_SIZE(rest));
}

static void loopback_up(void)
{
	struct ifreq ifr = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return;
	ioctl(fd, SIOCSIFFLAGS, &ifr);
	close(fd);
}

void setup_rest(const struct job *job)
{
	static const struct { const char *to, *at; } links[] = {
		{ "/proc/self/fd", "/dev/fd" },
		{ "/proc/self/fd/0", "/dev/stdin" },
		{ "/proc/self/fd/1", "/dev/stdout" },
		{ "/proc/self/fd/2", "/dev/stderr" },
		/* Only from here on is there anything that it could find. */
		{ "/bin/busybox", "/sbin/modprobe" },
	};

	mount_rest();
	for (size_t i = 0; i < ARRAY_SIZE(links); i++) {
		if (symlink(links[i].to, links[i].at))
			continue;	/* there already, or no devtmpfs */
	}
	if (sethostname(job->hostname, strlen(job->hostname)))
		link_log("hostname: %s", strerror(errno));
	loopback_up();
}

void setup_modules(const struct job *job)
{
	for (size_t i = 0; i < job->nr_modules; i++) {
		char *path = job->modules[i];
		char *params = strchr(path, ' ');
		int fd;

		if (params)
			*params++ = 0;
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || (syscall(SYS_finit_module, fd, params ? params : "", 0) &&
			       errno != EEXIST))
			link_log("kernel module %s: %s", path, strerror(errno));
		if (fd >= 0)
			close(fd);
	}
}

int setup_watch_ports(void)
{
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK, .nl_groups = 1 };
	int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
			NETLINK_KOBJECT_UEVENT);

	if (fd >= 0 && bind(fd, (struct sockaddr *)&addr, sizeof(addr))) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* Does @port carry @name? */
static bool named(const char *port, const char *name)
{
	char path[320], text[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), PORTS "/%s/name", port);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return false;
	text[n] = 0;
	text[strcspn(text, "\n")] = 0;
	return !strcmp(text, name);
}

static int scan_ports(const char *name)
{
	DIR *dir = opendir(PORTS);
	struct dirent *e;
	int fd = -1;

	while (dir && fd < 0 && (e = readdir(dir))) {
		char path[320];

		if (e->d_name[0] == '.' || !named(e->d_name, name))
			continue;
		snprintf(path, sizeof(path), "/dev/%s", e->d_name);
		fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	}
	if (dir)
		closedir(dir);
	return fd;
}

/* Ports appear by a work queue of the driver: each uevent is a new look. */
int setup_find_port(const char *name, int watch, long wait_ms)
{
	char junk[4096];
	int fd;

	for (; (fd = scan_ports(name)) < 0; wait_ms -= watch < 0 ? 10 : 1) {
		if (wait_ms <= 0 || access("/sys/bus/virtio/drivers/virtio_console", F_OK))
			return -1;	/* too late, or no driver that could */
		if (watch < 0)
			poll(NULL, 0, 10);
		else if (!wait_fd(watch, POLLIN, (int)wait_ms))
			return -1;
		while (watch >= 0 && recv(watch, junk, sizeof(junk), 0) > 0)
			;
	}
	/* Writable once the host has opened its end. */
	if (!(wait_fd(fd, POLLOUT, (int)wait_ms) & POLLOUT)) {
		close(fd);
		return -1;
	}
	return fd;
}
