// SPDX-License-Identifier: GPL-2.0-only
/*
 * PID 1 of the nested host: loads the modules of its initramfs, takes the
 * outer machine's file system as root, starts the one command that it is asked
 * for and tells how it ended. Any end of it is the host's end.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/random.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "runner/nested_wire.h"

#define MODULES "/vmtap-modules"	/* lines: path, then parameters */
#define NINE_P "trans=virtio,version=9p2000.L,msize=512000,cache="
#define DEBUGFS "/sys/kernel/debug"
#define MAX_STRINGS 4096

static int ctl = -1;

static void power_off(void)
{
	sync();
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}

/* To the outside where that listens already, else to the console. */
__attribute__((format(printf, 1, 2)))
static void fail(const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (ctl >= 0)
		dprintf(ctl, "error %s: %s\n", text, strerror(errno));
	else
		fprintf(stderr, "vmtap: nested host: %s: %s\n", text,
			strerror(errno));
	power_off();
}

static void mount_or_fail(const char *what, const char *where,
			  const char *type, const char *options)
{
	mkdir(where, 0755);
	if (mount(what, where, type, 0, options))
		fail("mount %s on %s", what, where);
}

static void load_module(char *line)
{
	char *params;
	int fd;

	line[strcspn(line, "\n")] = 0;
	params = strchr(line, ' ');
	if (params)
		*params++ = 0;
	fd = open(line, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		fail("%s", line);
	/* A driver without its device (kvm_amd without SVM) is told later. */
	if (syscall(SYS_finit_module, fd, params ? params : "", 0) &&
	    errno != EEXIST)
		fprintf(stderr, "vmtap: nested host: %s: %s\n", line,
			strerror(errno));
	close(fd);
}

static void load_modules(void)
{
	FILE *list = fopen(MODULES, "re");
	char line[512];

	if (!list)
		fail(MODULES);
	while (fgets(line, sizeof(line), list))
		load_module(line);
	fclose(list);
}

static bool port_is(const char *dev, const char *name)
{
	char path[512], got[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/sys/class/virtio-ports/%s/name", dev);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, got, sizeof(got) - 1);
	close(fd);
	got[n < 0 ? 0 : n] = 0;
	got[strcspn(got, "\n")] = 0;
	return !strcmp(got, name);
}

/* The kernel's name of a port, "" where there is none yet. */
static void find_port(const char *name, char dev[NAME_MAX + 1])
{
	DIR *dir = opendir("/sys/class/virtio-ports");
	struct dirent *e;

	dev[0] = 0;
	while (dir && !dev[0] && (e = readdir(dir)))
		if (port_is(e->d_name, name))
			strcpy(dev, e->d_name);
	if (dir)
		closedir(dir);
}

static int try_port(const char *name)
{
	char dev[NAME_MAX + 1], path[NAME_MAX + 16];

	find_port(name, dev);
	snprintf(path, sizeof(path), "/dev/%s", dev);
	return dev[0] ? open(path, O_RDWR | O_CLOEXEC) : -1;
}

/*
 * Ports are named, then connected, by messages that come after the driver was
 * loaded. Nothing tells when; it takes about a millisecond.
 */
static int open_port(const char *name)
{
	struct pollfd p = { .fd = -1 };

	for (int i = 0; i < 5000 && p.fd < 0; i++) {
		p.fd = try_port(name);
		if (p.fd < 0)
			usleep(1000);
	}
	if (p.fd < 0)
		fail("port %s", name);
	for (int i = 0; i < 100 && poll(&p, 1, 0) == 1 &&
	     (p.revents & POLLHUP); i++)
		usleep(1000);
	return p.fd;
}

/* What was written to a port so far: the driver counts it. */
static unsigned long long bytes_written(const char *name)
{
	char dev[NAME_MAX + 1], path[NAME_MAX + 64], line[128];
	unsigned long long bytes = 0;
	FILE *f;

	find_port(name, dev);
	snprintf(path, sizeof(path), DEBUGFS "/virtio-ports/%s", dev);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "bytes_sent: %llu", &bytes) == 1)
			break;
	if (f)
		fclose(f);
	return bytes;
}

static void read_full(int fd, void *data, size_t len)
{
	while (len) {
		ssize_t n = read(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			power_off();	/* nobody is there any more */
		data = (char *)data + n;
		len -= (size_t)n;
	}
}

/* The request's strings, NULL-terminated; they live for ever. */
static char **read_request(void)
{
	static char *strings[MAX_STRINGS + 1];
	uint32_t len;
	char *data;
	size_t n = 0;

	read_full(ctl, &len, sizeof(len));
	if (len > NESTED_REQUEST_MAX)
		fail("request of %u bytes", len);
	data = malloc((size_t)len + 1);
	if (!data)
		fail("request");
	read_full(ctl, data, len);
	data[len] = 0;
	for (char *p = data; p < data + len && n < MAX_STRINGS;
	     p += strlen(p) + 1)
		strings[n++] = p;
	return strings;
}

static void set_clock(const char *ns_text)
{
	long long ns = atoll(ns_text);
	struct timespec ts = {
		.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000,
	};

	clock_settime(CLOCK_REALTIME, &ts);
}

/* Hosts that go on from one saved state must not draw the same numbers. */
static void add_entropy(const char *seed)
{
	int fd = open("/dev/urandom", O_RDWR | O_CLOEXEC);

	if (fd < 0 || write(fd, seed, strlen(seed)) < 0 ||
	    ioctl(fd, RNDRESEEDCRNG))
		fail("/dev/urandom");
	close(fd);
}

static void loopback_up(void)
{
	struct ifreq ifr = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd >= 0) {
		ioctl(fd, SIOCSIFFLAGS, &ifr);
		close(fd);
	}
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd >= 0) {
		if (write(fd, text, strlen(text)) < 0)
			fprintf(stderr, "%s: %s\n", path, strerror(errno));
		close(fd);
	}
}

/* All that needs nothing of the outside: a saved state has it done. */
static void prepare(void)
{
	load_modules();
	loopback_up();
	mount_or_fail("devpts", "/dev/pts", "devpts", "ptmxmode=0666");
	mount("debugfs", DEBUGFS, "debugfs", 0, NULL);
	mount_or_fail("shm", "/dev/shm", "tmpfs", NULL);
	/* Guest memory is a memfd: huge pages spare most of its faults. */
	write_file("/sys/kernel/mm/transparent_hugepage/shmem_enabled",
		   "always");
}

/* The outer root becomes ours; /dev, /proc and /sys stay the host VM's. */
static void mount_root(void)
{
	mount_or_fail(NESTED_TAG_ROOT, "/outer", "9p", NINE_P "mmap");
	mount_or_fail(NESTED_TAG_CACHED, "/cached", "9p", NINE_P "loose");
}

/* Read @dir through the cached mount from here on; not there, not needed. */
static void bind_cached(const char *dir)
{
	char from[4200], to[4200];

	snprintf(from, sizeof(from), "/cached%s", dir);
	snprintf(to, sizeof(to), "/outer%s", dir);
	mount(from, to, NULL, MS_BIND, NULL);
}

static void change_root(void)
{
	static const char *const moved[] = { "/dev", "/proc", "/sys" };
	char to[32];

	for (size_t i = 0; i < 3; i++) {
		snprintf(to, sizeof(to), "/outer%s", moved[i]);
		if (mount(moved[i], to, NULL, MS_MOVE, NULL))
			fail("move %s", moved[i]);
	}
	if (chroot("/outer") || chdir("/"))
		fail("chroot");
}

static void run_command(char **argv, char **env, const char *cwd,
			const int fds[3])
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid();
	for (int i = 0; i < 3; i++)
		dup2(fds[i], i);
	environ = env;
	if (chdir(cwd))
		dprintf(2, "vmtap: nested host: %s: %s\n", cwd, strerror(errno));
	else
		execvp(argv[0], argv);
	dprintf(2, "vmtap: nested host: %s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

/* Reap what ends; the status of @pid in a shell's terms once it did. */
static bool reap(pid_t pid, int *status)
{
	bool found = false;
	pid_t got;
	int st;

	while ((got = waitpid(-1, &st, WNOHANG)) > 0) {
		if (got != pid)
			continue;
		found = true;
		*status = WIFEXITED(st) ? WEXITSTATUS(st) : 128 + WTERMSIG(st);
	}
	return found;
}

/* Until the command ends, or, as for pid 0, the outside goes away. */
static int wait_for(pid_t pid, int sigfd)
{
	struct pollfd p[2] = {
		{ .fd = sigfd, .events = POLLIN }, { .fd = ctl },
	};
	struct signalfd_siginfo si;
	int status = 0;

	for (;;) {
		if (poll(p, 2, -1) < 0)
			continue;
		if (p[1].revents & POLLHUP)
			power_off();
		if (p[0].revents && read(sigfd, &si, sizeof(si)) > 0 &&
		    reap(pid, &status))
			return status;
	}
}

static void start(char **req, int sigfd)
{
	char **next = req + NESTED_REQ_NR_CACHED, **argv, **env;
	struct timespec up;
	int nr, fds[3], status;
	pid_t pid;

	set_clock(req[NESTED_REQ_TIME]);
	add_entropy(req[NESTED_REQ_SEED]);
	mount_root();
	for (nr = atoi(*next++); nr > 0 && *next; nr--)
		bind_cached(*next++);
	change_root();
	fds[0] = *req[NESTED_REQ_STDIN] == '1' ? open_port(NESTED_PORT_IN) :
		 open("/dev/null", O_RDONLY | O_CLOEXEC);
	fds[1] = open_port(NESTED_PORT_OUT);
	fds[2] = open_port(NESTED_PORT_ERR);
	nr = *next ? atoi(*next++) : 0;
	if (nr < 1)
		fail("request without a command");
	argv = calloc((size_t)nr + 1, sizeof(*argv));
	for (int i = 0; argv && i < nr && *next; i++)
		argv[i] = *next++;
	env = next;
	clock_gettime(CLOCK_BOOTTIME, &up);
	dprintf(ctl, "ready %lld %llu\n",
		(long long)up.tv_sec * 1000 + up.tv_nsec / 1000000,
		(unsigned long long)nested_work_ns());
	pid = fork();
	if (!pid)
		run_command(argv, env, req[NESTED_REQ_CWD], fds);
	if (pid < 0)
		fail("fork");
	status = wait_for(pid, sigfd);
	sync();
	dprintf(ctl, "exit %d %llu %llu\n", status,
		bytes_written(NESTED_PORT_OUT), bytes_written(NESTED_PORT_ERR));
	/* What is on its way gets there as long as this machine runs. */
	wait_for(0, sigfd);
}

int main(void)
{
	sigset_t chld;
	char **req;
	int sigfd;

	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	sigprocmask(SIG_BLOCK, &chld, NULL);
	sigfd = signalfd(-1, &chld, SFD_CLOEXEC);
	mount_or_fail("dev", "/dev", "devtmpfs", NULL);
	mount_or_fail("proc", "/proc", "proc", NULL);
	mount_or_fail("sys", "/sys", "sysfs", NULL);
	prepare();
	ctl = open_port(NESTED_PORT_CTL);
	dprintf(ctl, "up\n");
	req = read_request();
	for (int i = 0; i <= NESTED_REQ_NR_CACHED; i++)
		if (!req[i])
			fail("short request");
	start(req, sigfd);
	power_off();
	return 0;
}
