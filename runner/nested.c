// SPDX-License-Identifier: GPL-2.0-only
/*
 * nested: start a nested host, say to its PID 1 what to run, hear how it went.
 * What QEMU is given lives in memfds and socket pairs: nothing of it stays
 * behind, however either side ends.
 */
#include "runner/nested.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runner/kernel.h"
#include "runner/nested_host.h"
#include "runner/nested_wire.h"
#include "vmm/base/buf.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/diag.h"
#include "vmm/base/io.h"
#include "vmm/base/log.h"

#define DEFAULT_GUEST_MEMORY MiB(512)
/* The host itself, and what each guest's memory costs beside itself. */
#define HOST_OWN_MEMORY MiB(448)
#define HOST_SHARE(guest) ((guest) / 16)
/* Before it is measured; from hosts like those that were tried. */
#define FACTOR_GUESS 10.0
#define LOG_TAIL 8000
/* What QEMU opens and maps beside the host's memory, with room to spare. */
#define QEMU_FILES 128
#define QEMU_SPACE GiB(3)
#define LINE_MAX_LEN 4096

enum { CTL, IN, OUT, ERR, NR_PORTS };

struct nested {
	pid_t pid;		/* 0: none, or reaped */
	int port[NR_PORTS];	/* our ends */
	int console_fd, log_fd;	/* what the kernel and what QEMU said */
	int exit_status;
	u64 start_ns, boot_ms, work_ns;
	double factor;
	struct buf news;	/* bytes of ctl, not yet a whole line */
};

/* --- the request ---------------------------------------------------------- */

static void put(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s) + 1);
}

static __printf(2, 3) void putf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	char text[64];

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	put(b, text);
}

/* Folders that only change between runs, and are large. */
static void put_cached_dirs(struct buf *b)
{
	char *cache __free(cleanup_free) = kernel_cache_dir(NULL);
	static const char *const below[] = { "kernels", "kimage" };
	struct buf dirs __free(buf_reset) = {};
	int nr = 1;

	put(&dirs, "/usr");
	for (size_t i = 0; cache && i < ARRAY_SIZE(below); i++) {
		char *dir __free(cleanup_free) = NULL;
		char *real __free(cleanup_free) = NULL;

		if (asprintf(&dir, "%s/%s", cache, below[i]) < 0)
			dir = NULL;
		real = dir ? realpath(dir, NULL) : NULL;
		if (real) {
			put(&dirs, real);
			nr++;
		}
	}
	putf(b, "%d", nr);
	buf_add(b, dirs.data, dirs.len);
}

/* A runner's stdbuf preloads a library that has no business further down. */
static bool env_travels(const char *var)
{
	return strncmp(var, "LD_PRELOAD=", 11) && strncmp(var, "_STDBUF_", 8);
}

static int put_request(struct buf *b, const struct nested_cfg *cfg)
{
	char *cwd __free(cleanup_free) = cfg->cwd ? strdup(cfg->cwd) :
					 getcwd(NULL, 0);
	char *const *env = cfg->env ?: environ;
	struct timespec now;
	u32 len = 0;
	int nr = 0;

	clock_gettime(CLOCK_REALTIME, &now);
	buf_add(b, &len, sizeof(len));
	putf(b, "%lld", (long long)now.tv_sec * (long long)NSEC_PER_SEC +
			now.tv_nsec);
	put(b, cfg->no_stdin ? "0" : "1");
	put(b, cwd ?: "/");
	put_cached_dirs(b);
	while (cfg->argv[nr])
		nr++;
	putf(b, "%d", nr);
	for (int i = 0; i < nr; i++)
		put(b, cfg->argv[i]);
	for (; *env; env++)
		if (env_travels(*env))
			put(b, *env);
	if (b->failed)
		return -ENOMEM;
	len = (u32)(b->len - sizeof(len));
	memcpy(b->data, &len, sizeof(len));
	return 0;
}

/* Nobody reads before the host is up: it has to fit into the socket. */
static int send_request(struct nested *n, const struct nested_cfg *cfg,
			struct diag *d)
{
	struct buf b __free(buf_reset) = {};
	int room = NESTED_REQUEST_MAX, err;
	size_t sent = 0;

	err = put_request(&b, cfg);
	if (err)
		return diag_fail(d, err, NULL, "out of memory");
	setsockopt(n->port[CTL], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	while (sent < b.len) {
		ssize_t got = send(n->port[CTL], b.data + sent, b.len - sent,
				   MSG_DONTWAIT | MSG_NOSIGNAL);

		if (got < 0)
			return diag_fail(d, -E2BIG, NULL,
					 "arguments and environment are too large for a nested host (%zu bytes)",
					 b.len);
		sent += (size_t)got;
	}
	return 0;
}

/* --- QEMU's process ------------------------------------------------------- */

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
		if (env_travels(*e) &&
		    (!h->unpacked || strncmp(*e, "LD_LIBRARY_PATH=", 16)))
			env[nr++] = *e;
	return env;
}

static void keep_across_exec(int fd)
{
	fcntl(fd, F_SETFD, 0);
}

static void exec_qemu(const struct nested_wiring *w, int log_fd, pid_t parent,
		      char **argv, char **env)
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
	dup2(log_fd, 1);
	dup2(log_fd, 2);
	keep_across_exec(w->kernel_fd);
	keep_across_exec(w->initrd_fd);
	keep_across_exec(w->console_fd);
	for (int i = 0; i < NR_PORTS; i++)
		keep_across_exec(w->port_fd[i]);
	execve(argv[0], argv, env);
	dprintf(2, "%s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

static int spawn(struct nested *n, const struct nested_host *h,
		 const struct nested_wiring *w, struct diag *d)
{
	struct nested_args args;
	char **env = qemu_env(h);
	pid_t parent = getpid();
	int err = 0;

	nested_host_args(h, w, &args);
	if (args.failed || !env) {
		err = diag_fail(d, -ENOMEM, NULL, "out of memory");
	} else {
		n->pid = fork();
		if (!n->pid)
			exec_qemu(w, n->log_fd, parent, args.argv, env);
		if (n->pid < 0) {
			n->pid = 0;
			err = diag_fail(d, -errno, NULL, "fork: %s",
					strerror(errno));
		}
	}
	if (env && h->unpacked)
		free(env[0]);
	free(env);
	nested_args_reset(&args);
	return err;
}

static int open_ports(struct nested *n, struct nested_wiring *w,
		      struct diag *d)
{
	for (int i = 0; i < NR_PORTS; i++) {
		int pair[2];

		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
			return diag_fail(d, -errno, NULL, "socketpair: %s",
					 strerror(errno));
		n->port[i] = pair[0];
		w->port_fd[i] = pair[1];
	}
	return 0;
}

static int open_logs(struct nested *n, struct diag *d)
{
	n->console_fd = memfd_create("vmtap-host-console", MFD_CLOEXEC);
	n->log_fd = memfd_create("vmtap-host-log", MFD_CLOEXEC);
	if (n->console_fd < 0 || n->log_fd < 0)
		return diag_fail(d, -errno, NULL, "memfd_create: %s",
				 strerror(errno));
	return 0;
}

struct tsc_sample {
	u64 tsc, ns;
};

static struct tsc_sample tsc_sample(void)
{
	return (struct tsc_sample){ __builtin_ia32_rdtsc(), now_ns() };
}

/* From two samples that are at least 10 ms apart; else 0. */
static u64 tsc_khz(struct tsc_sample a, struct tsc_sample b)
{
	u64 ns = b.ns - a.ns;

	if (ns < 10 * NSEC_PER_MSEC || b.tsc <= a.tsc)
		return 0;
	return (u64)((double)(b.tsc - a.tsc) * 1e6 / (double)ns);
}

/* QEMU would end with a riddle ("could not load PC BIOS"). */
static int check_limits(u64 memory, struct diag *d)
{
	struct rlimit files, space;

	getrlimit(RLIMIT_NOFILE, &files);
	getrlimit(RLIMIT_AS, &space);
	if (files.rlim_cur < QEMU_FILES)
		return diag_fail(d, -EMFILE, NULL,
				 "a nested host needs %d open files, the limit (ulimit -n) is %llu",
				 QEMU_FILES, (unsigned long long)files.rlim_cur);
	if (space.rlim_cur != RLIM_INFINITY &&
	    space.rlim_cur < memory + QEMU_SPACE)
		return diag_fail(d, -ENOMEM, NULL,
				 "a nested host needs %llu MiB of address space, the limit (ulimit -v) is %llu MiB",
				 (unsigned long long)((memory + QEMU_SPACE) >> 20),
				 (unsigned long long)(space.rlim_cur >> 20));
	return 0;
}

/* What is only QEMU's is closed here again, whatever happened. */
static int start_with(struct nested *n, const struct nested_cfg *cfg,
		      const struct nested_host *h, struct diag *d)
{
	u64 guests = cfg->guest_memory ?: DEFAULT_GUEST_MEMORY;
	struct nested_wiring w = {
		.port_fd = { -1, -1, -1, -1 },
		.memory = round_up(guests + HOST_SHARE(guests) +
				   HOST_OWN_MEMORY, MiB(64)),
	};
	struct tsc_sample first = tsc_sample();
	int limits = check_limits(w.memory, d);
	int kernel __free(cleanup_close) = limits ? limits :
					   nested_host_kernel_fd(h, d);
	int initrd __free(cleanup_close) = kernel < 0 ? kernel :
					   nested_host_initrd_fd(h, d);
	int err = initrd < 0 ? initrd : open_logs(n, d);

	w.kernel_fd = kernel;
	w.initrd_fd = initrd;
	w.console_fd = n->console_fd;
	if (!err)
		err = open_ports(n, &w, d);
	if (!err)
		err = send_request(n, cfg, d);
	if (!err) {
		n->start_ns = now_ns();
		w.tsc_khz = tsc_khz(first, tsc_sample());
		err = spawn(n, h, &w, d);
	}
	for (int i = 0; i < NR_PORTS; i++)
		cleanup_close(&w.port_fd[i]);
	return err;
}

int nested_available(struct diag *d)
{
	struct nested_host h;
	int err = nested_host_find(&h, d);

	if (!err)
		nested_host_reset(&h);
	return err;
}

int nested_start(const struct nested_cfg *cfg, struct nested **out,
		 struct diag *d)
{
	struct nested_host h;
	struct nested *n;
	int err = nested_host_find(&h, d);

	if (err)
		return err;
	n = calloc(1, sizeof(*n));
	if (!n) {
		nested_host_reset(&h);
		return diag_fail(d, -ENOMEM, NULL, "out of memory");
	}
	memset(n->port, -1, sizeof(n->port));
	n->console_fd = n->log_fd = n->exit_status = -1;
	n->factor = FACTOR_GUESS;
	n->work_ns = nested_work_ns();
	err = start_with(n, cfg, &h, d);
	nested_host_reset(&h);
	if (err) {
		nested_destroy(n);
		return err;
	}
	*out = n;
	return 0;
}

void nested_destroy(struct nested *n)
{
	if (!n)
		return;
	if (n->pid) {
		kill(n->pid, SIGKILL);
		while (waitpid(n->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	for (int i = 0; i < NR_PORTS; i++)
		cleanup_close(&n->port[i]);
	cleanup_close(&n->console_fd);
	cleanup_close(&n->log_fd);
	buf_reset(&n->news);
	free(n);
}

/* --- its news ------------------------------------------------------------- */

/* Of a console that panicked, the panic; else the last line that says anything. */
static const char *telling_line(char *text)
{
	char *panic = strstr(text, "Kernel panic"), *last = text;

	if (panic) {
		panic[strcspn(panic, "\r\n")] = 0;
		return panic;
	}
	for (char *line; (line = strsep(&text, "\r\n"));)
		if (*line)
			last = line;
	return last;
}

static void add_tail(struct buf *text, const char *what, int fd)
{
	char tail[LOG_TAIL + 1];
	struct stat st;
	ssize_t len;

	if (fstat(fd, &st))
		return;
	len = pread(fd, tail, LOG_TAIL,
		    max(st.st_size - LOG_TAIL, (off_t)0));
	tail[max(len, (ssize_t)0)] = 0;
	if (len > 0)
		buf_printf(text, "; %s: %s", what, telling_line(tail));
}

static void lost(struct nested *n, const char *why, struct diag *d)
{
	struct buf text __free(buf_reset) = {};
	int status = 0;

	if (why)
		buf_printf(&text, ": %s", why);
	if (n->pid) {
		if (why)
			kill(n->pid, SIGKILL);
		while (waitpid(n->pid, &status, 0) < 0 && errno == EINTR)
			;
		n->pid = 0;
	}
	if (!why && WIFSIGNALED(status))
		buf_printf(&text, ": QEMU was killed by %s",
			   strsignal(WTERMSIG(status)));
	else if (!why && WEXITSTATUS(status))
		buf_printf(&text, ": QEMU ended with status %d",
			   WEXITSTATUS(status));
	add_tail(&text, "QEMU says", n->log_fd);
	add_tail(&text, "its console says", n->console_fd);
	diag_fail(d, -EIO, NULL, "the nested host is gone%s", buf_str(&text));
}

static enum nested_event take_line(struct nested *n, const char *line,
				   struct diag *d)
{
	unsigned long long up_ms, work_ns;

	log_debug("nested", "host: %s", line);
	if (sscanf(line, "ready %llu %llu", &up_ms, &work_ns) == 2) {
		n->boot_ms = max((now_ns() - n->start_ns) / NSEC_PER_MSEC,
				 (u64)1);
		n->factor = max((double)work_ns / (double)n->work_ns, 1.0);
		return NESTED_READY;
	}
	if (sscanf(line, "exit %d", &n->exit_status) == 1)
		return NESTED_EXIT;
	lost(n, !strncmp(line, "error ", 6) ? line + 6 : line, d);
	return NESTED_LOST;
}

enum nested_event nested_event(struct nested *n, struct diag *d)
{
	for (;;) {
		char *nl = n->news.len ? memchr(n->news.data, '\n',
						n->news.len) : NULL;
		enum nested_event event;
		char data[512];
		ssize_t got;

		if (nl) {
			*nl = 0;
			event = take_line(n, n->news.data, d);
			buf_consume(&n->news, (size_t)(nl + 1 - n->news.data));
			return event;
		}
		got = recv(n->port[CTL], data, sizeof(data), MSG_DONTWAIT);
		if (got < 0 && (errno == EAGAIN || errno == EINTR))
			return NESTED_NONE;
		if (got <= 0 || n->news.len > LINE_MAX_LEN ||
		    buf_add(&n->news, data, (size_t)got)) {
			lost(n, NULL, d);
			return NESTED_LOST;
		}
	}
}

void nested_close_in(struct nested *n)
{
	shutdown(n->port[IN], SHUT_WR);
}

int nested_in_fd(const struct nested *n)
{
	return n->port[IN];
}

int nested_out_fd(const struct nested *n)
{
	return n->port[OUT];
}

int nested_err_fd(const struct nested *n)
{
	return n->port[ERR];
}

int nested_ctl_fd(const struct nested *n)
{
	return n->port[CTL];
}

pid_t nested_pid(const struct nested *n)
{
	return n->pid;
}

u64 nested_boot_ms(const struct nested *n)
{
	return n->boot_ms;
}

double nested_speed_factor(const struct nested *n)
{
	return n->factor;
}

int nested_exit_status(const struct nested *n)
{
	return n->exit_status;
}
