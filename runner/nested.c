// SPDX-License-Identifier: GPL-2.0-only
/*
 * nested: start a nested host, say to its PID 1 what to run, hear how it went.
 * What QEMU is given lives in memfds and socket pairs: nothing of it stays
 * behind, however either side ends.
 *
 * A host goes on from a saved state where there is one, else it boots, and is
 * saved when it has. Where that does not work out it is started once more,
 * without.
 */
#include "runner/nested.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runner/nested_host.h"
#include "runner/nested_qemu.h"
#include "runner/nested_request.h"
#include "runner/nested_save.h"
#include "runner/nested_state.h"
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
/* For a saved host to be up, and for a state to be saved; a second will do. */
#define STATE_LIMIT_S 60
#define REST_LIMIT_MS 5000
#define TSC_WINDOW_NS (10 * NSEC_PER_MSEC)
#define TSC_TRIES 32

enum { CTL, IN, OUT, ERR, NR_PORTS };

struct nested {
	pid_t pid;		/* 0: none, or reaped */
	int status;		/* of the one that was reaped */
	int port[NR_PORTS];	/* our ends */
	int console_fd, log_fd;	/* what the kernel and what QEMU said */
	int news_fd;		/* an epoll of ctl and, until the host is up: */
	int pidfd, timer;
	int qemus[NR_PORTS];	/* its ends of the ports; until then, too */
	u64 memory, tsc_khz;
	char *state;		/* file; NULL: neither resume nor save */
	bool resumed, saving;
	struct nested_save save;
	struct buf request;
	int exit_status;
	unsigned long long wrote[NR_PORTS], got[NR_PORTS]; /* bytes, OUT and ERR */
	u64 start_ns, boot_ms, work_ns;
	double factor;
	struct buf news;	/* bytes of ctl, not yet a whole line */
};

/* --- starting it ---------------------------------------------------------- */

static int spawn(struct nested *n, const struct nested_host *h,
		 struct nested_wiring *w, struct diag *d)
{
	pid_t pid;

	w->log_fd = n->log_fd;
	w->save_fd = n->save.file;
	pid = nested_qemu_spawn(h, w, d);
	n->pid = max(pid, 0);
	return min(pid, 0);
}

static int open_ports(struct nested *n, struct diag *d)
{
	for (int i = 0; i < NR_PORTS; i++) {
		int pair[2];

		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
			return diag_fail(d, -errno, NULL, "socketpair: %s",
					 strerror(errno));
		n->port[i] = pair[0];
		n->qemus[i] = pair[1];
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

/* Of several the one that was interrupted least. */
static struct tsc_sample tsc_sample(void)
{
	struct tsc_sample best = { 0 };
	u64 least = UINT64_MAX;

	for (int i = 0; i < TSC_TRIES; i++) {
		u64 before = __builtin_ia32_rdtsc(), ns = now_ns();
		u64 took = __builtin_ia32_rdtsc() - before;

		if (took < least) {
			least = took;
			best = (struct tsc_sample){ before + took / 2, ns };
		}
	}
	return best;
}

/* Between @a and now, TSC_WINDOW_NS after it at the earliest; 0: no TSC to go by. */
static u64 tsc_khz(struct tsc_sample a)
{
	u64 past = now_ns() - a.ns;
	struct tsc_sample b;

	if (past < TSC_WINDOW_NS)
		usleep((useconds_t)((TSC_WINDOW_NS - past) / 1000 + 1));
	b = tsc_sample();
	if (b.tsc <= a.tsc || b.ns <= a.ns)
		return 0;
	return (u64)((double)(b.tsc - a.tsc) * 1e6 / (double)(b.ns - a.ns));
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

/*
 * Few sizes, for a state of each is kept: 1, 2, 3, 4, 6, 8, 12... GiB. What
 * the host does not touch costs nothing.
 */
static u64 host_memory(u64 guests)
{
	u64 need = guests + HOST_SHARE(guests) + HOST_OWN_MEMORY;
	u64 size = GiB(1);

	while (size < need) {
		if (size > GiB(1) && size / 2 * 3 >= need)
			return size / 2 * 3;
		size *= 2;
	}
	return size;
}

/* Where any of it fails the host is not saved. */
static int prepare_save(struct nested *n)
{
	int pair[2];

	if (!n->state)
		return 0;
	n->save.file = nested_state_create(n->state);
	if (n->save.file < 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return 0;
	n->save.qmp = pair[0];
	return pair[1];
}

static int boot(struct nested *n, const struct nested_host *h,
		struct nested_wiring *w, struct diag *d)
{
	int kernel __free(cleanup_close) = nested_host_kernel_fd(h, d);
	int initrd __free(cleanup_close) = kernel < 0 ? kernel :
					   nested_host_initrd_fd(h, d);
	int err = initrd < 0 ? initrd : 0;

	w->kernel_fd = kernel;
	w->initrd_fd = initrd;
	w->qmp_fd = prepare_save(n);
	if (!err)
		err = spawn(n, h, w, d);
	if (w->qmp_fd)
		close(w->qmp_fd);
	return err;
}

static int watch(struct nested *n, int fd)
{
	struct epoll_event ev = { .events = EPOLLIN };

	return epoll_ctl(n->news_fd, EPOLL_CTL_ADD, fd, &ev);
}

/* So that a host that sleeps for good is noticed. */
static void arm(struct nested *n)
{
	struct itimerspec its = { .it_value.tv_sec = STATE_LIMIT_S };

	n->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (n->timer < 0 || timerfd_settime(n->timer, 0, &its, NULL) ||
	    watch(n, n->timer))
		log_debug("nested", "timerfd: %s", strerror(errno));
}

static void close_fd(int *fd)
{
	cleanup_close(fd);
	*fd = -1;
}

/* From here on QEMU's end shows as the end of ctl. */
static void let_go(struct nested *n)
{
	for (int i = 0; i < NR_PORTS; i++)
		close_fd(&n->qemus[i]);
	close_fd(&n->pidfd);
	close_fd(&n->timer);
}

static int resume(struct nested *n, const struct nested_host *h,
		  struct nested_wiring *w, struct diag *d)
{
	int err = spawn(n, h, w, d);

	if (!err) {
		arm(n);
		err = nested_request_send(n->port[CTL], &n->request, d);
	}
	return err;
}

static int launch(struct nested *n, const struct nested_host *h, struct diag *d)
{
	int state __free(cleanup_close) = n->state ?
					  nested_state_open(n->state) : -1;
	struct nested_wiring w = {
		.console_fd = n->console_fd,
		.memory = n->memory,
		.tsc_khz = n->tsc_khz,
	};
	int err;

	memcpy(w.port_fd, n->qemus, sizeof(w.port_fd));
	n->resumed = state >= 0;
	if (n->resumed) {
		w.state_fd = state;
		err = resume(n, h, &w, d);
	} else {
		err = boot(n, h, &w, d);
	}
	if (err)
		return err;
	/* Older kernels have none: let_go() now, and no second start. */
	n->pidfd = (int)syscall(SYS_pidfd_open, n->pid, 0);
	if (n->pidfd < 0 || watch(n, n->pidfd))
		let_go(n);
	return 0;
}

static int start_with(struct nested *n, const struct nested_cfg *cfg,
		      const struct nested_host *h, struct diag *d)
{
	int err;

	n->memory = host_memory(cfg->guest_memory ?: DEFAULT_GUEST_MEMORY);
	err = check_limits(n->memory, d);
	if (!err)
		err = open_logs(n, d);
	if (!err)
		err = open_ports(n, d);
	if (err)
		return err;
	n->news_fd = epoll_create1(EPOLL_CLOEXEC);
	if (n->news_fd < 0 || watch(n, n->port[CTL]))
		return diag_fail(d, -errno, NULL, "epoll: %s", strerror(errno));
	if (nested_request_build(cfg, &n->request))
		return diag_fail(d, -ENOMEM, NULL, "out of memory");
	n->state = nested_state_path(h, n->memory, n->tsc_khz);
	n->start_ns = now_ns();
	return launch(n, h, d);
}

int nested_available(struct diag *d)
{
	struct nested_host h;
	int err = nested_host_find(&h, d);

	if (!err)
		nested_host_reset(&h);
	return err;
}

static struct nested *new_nested(void)
{
	struct nested *n = calloc(1, sizeof(*n));

	if (!n)
		return NULL;
	memset(n->port, -1, sizeof(n->port));
	memset(n->qemus, -1, sizeof(n->qemus));
	n->console_fd = n->log_fd = n->exit_status = -1;
	n->news_fd = n->pidfd = n->timer = -1;
	n->save.qmp = n->save.file = -1;
	n->factor = FACTOR_GUESS;
	return n;
}

int nested_start(const struct nested_cfg *cfg, struct nested **out,
		 struct diag *d)
{
	struct tsc_sample first = tsc_sample();
	struct nested_host h;
	struct nested *n;
	int err = nested_host_find(&h, d);

	if (err)
		return err;
	n = new_nested();
	if (!n) {
		nested_host_reset(&h);
		return diag_fail(d, -ENOMEM, NULL, "out of memory");
	}
	n->work_ns = nested_work_ns();
	n->tsc_khz = tsc_khz(first);
	err = start_with(n, cfg, &h, d);
	nested_host_reset(&h);
	if (err) {
		nested_destroy(n);
		return err;
	}
	*out = n;
	return 0;
}

/* Without @kill_it, one that is ending by itself. */
static void reap(struct nested *n, bool kill_it)
{
	if (!n->pid)
		return;
	if (kill_it)
		kill(n->pid, SIGKILL);
	while (waitpid(n->pid, &n->status, 0) < 0 && errno == EINTR)
		;
	n->pid = 0;
}

void nested_destroy(struct nested *n)
{
	if (!n)
		return;
	reap(n, true);
	let_go(n);
	for (int i = 0; i < NR_PORTS; i++)
		cleanup_close(&n->port[i]);
	cleanup_close(&n->console_fd);
	cleanup_close(&n->log_fd);
	cleanup_close(&n->news_fd);
	nested_save_reset(&n->save);
	buf_reset(&n->request);
	buf_reset(&n->news);
	free(n->state);
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

static enum nested_event lost(struct nested *n, const char *why, struct diag *d)
{
	struct buf text __free(buf_reset) = {};

	if (why)
		buf_printf(&text, ": %s", why);
	/* Without a reason it is ending: how, is to be told. */
	reap(n, why);
	let_go(n);
	if (!why && WIFSIGNALED(n->status))
		buf_printf(&text, ": QEMU was killed by %s",
			   strsignal(WTERMSIG(n->status)));
	else if (!why && WEXITSTATUS(n->status))
		buf_printf(&text, ": QEMU ended with status %d",
			   WEXITSTATUS(n->status));
	add_tail(&text, "QEMU says", n->log_fd);
	add_tail(&text, "its console says", n->console_fd);
	diag_fail(d, -EIO, NULL, "the nested host is gone%s", buf_str(&text));
	return NESTED_LOST;
}

static void drain(int fd)
{
	char data[4096];

	while (recv(fd, data, sizeof(data), MSG_DONTWAIT) > 0)
		;
}

/* A boot, once, without a state: that of before is not to be trusted. */
static enum nested_event start_again(struct nested *n, struct diag *d)
{
	struct nested_host h;
	int err;

	log_debug("nested", "%s did not serve; booting a host", n->state);
	if (n->resumed)
		unlink(n->state);
	free(take_ptr(n->state));
	reap(n, true);
	nested_save_reset(&n->save);
	n->saving = false;
	close_fd(&n->pidfd);
	close_fd(&n->timer);
	/* What was meant for the first one, and what it said. */
	drain(n->qemus[CTL]);
	drain(n->port[CTL]);
	buf_consume(&n->news, n->news.len);
	err = nested_host_find(&h, d);
	if (err)
		return NESTED_LOST;
	err = launch(n, &h, d);
	nested_host_reset(&h);
	return err ? NESTED_LOST : NESTED_NONE;
}

static enum nested_event ask(struct nested *n, struct diag *d)
{
	return nested_request_send(n->port[CTL], &n->request, d) ? NESTED_LOST :
								   NESTED_NONE;
}

/* It booted, and waits to be asked. */
static enum nested_event booted(struct nested *n, struct diag *d)
{
	if (n->save.qmp < 0 || watch(n, n->save.qmp))
		return ask(n, d);
	n->saving = true;
	arm(n);
	return NESTED_NONE;
}

static enum nested_event saved(struct nested *n, struct diag *d)
{
	if (!n->save.running)
		return n->qemus[CTL] >= 0 ? start_again(n, d) :
					    lost(n, "it cannot be saved", d);
	if (!n->save.failed)
		nested_state_commit(n->save.file, n->state);
	nested_save_reset(&n->save);
	n->saving = false;
	close_fd(&n->timer);
	return ask(n, d);
}

/* What else there may be to hear of a host that is not yet up. */
static enum nested_event before_up(struct nested *n, struct diag *d)
{
	struct pollfd timer = { .fd = n->timer, .events = POLLIN };
	bool gone = waitpid(n->pid, &n->status, WNOHANG) == n->pid;

	if (gone)
		n->pid = 0;
	if (gone || poll(&timer, 1, 0) > 0)
		return n->qemus[CTL] >= 0 && (n->resumed || n->saving) ?
		       start_again(n, d) : lost(n, NULL, d);
	if (n->saving && nested_save_step(&n->save))
		return saved(n, d);
	return NESTED_NONE;
}

static enum nested_event take_line(struct nested *n, const char *line,
				   struct diag *d)
{
	unsigned long long up_ms, work_ns;

	log_debug("nested", "host: %s", line);
	if (!strcmp(line, "up"))
		return booted(n, d);
	if (sscanf(line, "ready %llu %llu", &up_ms, &work_ns) == 2) {
		n->boot_ms = max((now_ns() - n->start_ns) / NSEC_PER_MSEC,
				 (u64)1);
		n->factor = max((double)work_ns / (double)n->work_ns, 1.0);
		let_go(n);
		return NESTED_READY;
	}
	if (sscanf(line, "exit %d %llu %llu", &n->exit_status, &n->wrote[OUT],
		   &n->wrote[ERR]) == 3)
		return NESTED_EXIT;
	return lost(n, !strncmp(line, "error ", 6) ? line + 6 : line, d);
}

enum nested_event nested_event(struct nested *n, struct diag *d)
{
	for (;;) {
		char *nl = n->news.len ? memchr(n->news.data, '\n',
						n->news.len) : NULL;
		char data[512];
		ssize_t got;

		if (nl) {
			char *line = strndup(n->news.data,
					     (size_t)(nl - n->news.data));
			enum nested_event event;

			buf_consume(&n->news, (size_t)(nl + 1 - n->news.data));
			event = take_line(n, line ?: "", d);
			free(line);
			if (event != NESTED_NONE)
				return event;
			continue;
		}
		got = recv(n->port[CTL], data, sizeof(data), MSG_DONTWAIT);
		if (got < 0 && (errno == EAGAIN || errno == EINTR))
			return n->boot_ms ? NESTED_NONE : before_up(n, d);
		if (got <= 0 || n->news.len > LINE_MAX_LEN ||
		    buf_add(&n->news, data, (size_t)got))
			return lost(n, NULL, d);
	}
}

ssize_t nested_recv(struct nested *n, int fd, void *data, size_t len)
{
	ssize_t got = recv(fd, data, len, MSG_DONTWAIT);

	if (got > 0)
		n->got[fd == n->port[OUT] ? OUT : ERR] += (size_t)got;
	return got;
}

bool nested_copy(struct nested *n, int fd, int to)
{
	char data[65536];
	ssize_t got = nested_recv(n, fd, data, sizeof(data));

	if (got < 0)
		return errno == EAGAIN || errno == EINTR;
	if (got > 0 && to >= 0)
		io_write_full(to, data, (size_t)got);
	return got > 0;
}

void nested_copy_rest(struct nested *n, int out, int err)
{
	const int port[] = { OUT, ERR }, to[] = { out, err };

	for (size_t i = 0; i < ARRAY_SIZE(port); i++) {
		struct pollfd p = {
			.fd = n->port[port[i]], .events = POLLIN,
		};

		/* Of a host that is gone all is here. */
		while ((!n->pid || n->got[port[i]] < n->wrote[port[i]]) &&
		       poll(&p, 1, n->pid ? REST_LIMIT_MS : 0) > 0 &&
		       nested_copy(n, p.fd, to[i]))
			;
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
	return n->news_fd;
}

pid_t nested_pid(const struct nested *n)
{
	return n->pid;
}

u64 nested_boot_ms(const struct nested *n)
{
	return n->boot_ms;
}

bool nested_resumed(const struct nested *n)
{
	return n->resumed;
}

double nested_speed_factor(const struct nested *n)
{
	return n->factor;
}

int nested_exit_status(const struct nested *n)
{
	return n->exit_status;
}
