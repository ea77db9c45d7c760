// SPDX-License-Identifier: GPL-2.0-only
/* The machine in this process, under gdb; see debug.h. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runner/debug.h"
#include "runner/gdbserver.h"
#include "runner/guestfs.h"
#include "runner/kernel.h"
#include "runner/live.h"
#include "runner/scenario.h"
#include "vmm/base/diag.h"
#include "vmm/base/io.h"
#include "vmm/base/log.h"
#include "vmm/kimage.h"
#include "vmm/machine.h"

#define LONG_NS (30 * 86400 * NSEC_PER_SEC)
/* Of the graces after a panic and after the verdict: somebody is looking. */
#define PATIENCE 1000

struct debug {
	struct scenario s;
	struct kernel *kernel;
	struct kimage *image;
	struct guestfs guest;
	struct live live;
	pthread_t thread;
	bool threaded;
	int in, out;
	u16 port;
	struct diag d;		/* the server's */
	int err;
};

int debug_listen(u16 port, struct diag *d)
{
	struct sockaddr_in at = {
		.sin_family = AF_INET, .sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	if (fd < 0)
		return diag_fail(d, -errno, NULL, "socket: %m");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&at, len) < 0 || listen(fd, 1) < 0 ||
	    getsockname(fd, (struct sockaddr *)&at, &len) < 0) {
		int err = -errno;

		close(fd);
		return diag_fail(d, err, NULL, "port %u of 127.0.0.1: %s", port,
				 strerror(-err));
	}
	log_info(NULL, "gdb: target remote 127.0.0.1:%u", ntohs(at.sin_port));
	return fd;
}

/* One gdb; who knocks while it is there is not let in. */
static int accept_one(struct debug *x)
{
	int fd = debug_listen(x->port, &x->d), one = 1;

	if (fd < 0)
		return fd;
	x->in = x->out = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
	close(fd);
	if (x->in < 0)
		return diag_fail(&x->d, -errno, NULL, "accept: %m");
	setsockopt(x->in, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return 0;
}

static void *serve(void *arg)
{
	struct debug *x = arg;
	bool own = x->in < 0;

	pthread_setname_np(pthread_self(), "vmtap-gdb");
	x->err = own ? accept_one(x) : io_write_full(x->out, "+", 1);
	if (!x->err)
		x->err = gdbserver_run(x->live.m, x->in, x->out, &x->d);
	if (x->err)
		machine_kill(x->live.m);
	if (own && x->in >= 0)
		close(x->in);
	return NULL;
}

/* The vCPUs are parked before they exist: their threads begin by standing. */
static int attach(void *ctx, struct machine *m, struct diag *d)
{
	struct debug *x = ctx;
	int err = machine_park(m, NSEC_PER_SEC, NULL);

	if (!err)
		err = -pthread_create(&x->thread, NULL, serve, x);
	x->threaded = !err;
	return err ? diag_fail(d, err, NULL, "gdb's thread: %s", strerror(-err)) : 0;
}

static int prepare(struct debug *x, struct diag *d)
{
	const struct scen_kernel *k = &x->s.kernel;
	int err;

	x->s.vm.timeout_ns = LONG_NS;
	/* The debug registers are gdb's. */
	x->s.watch.n = 0;
	err = kernel_find(k->image ? k->image : k->release, &x->kernel, d);
	if (!err)
		err = guestfs_build(&x->guest, &x->s, x->kernel, NULL,
				    PATIENCE, d);
	if (!err && kimage_open(x->kernel->image, 0, &x->image, d)) {
		err = d->err == -EOPNOTSUPP && k->boot != BOOT_DIRECT ? 0 : d->err;
		if (!err)
			diag_reset(d);
	}
	return err;
}

static void tell(const char *text, size_t len)
{
	if (text && len)
		io_write_full(STDERR_FILENO, text, len);
}

static void conclude(struct debug *x)
{
	struct machine_stop stop = machine_stop(x->live.m);
	enum verdict_via via;
	const struct heard_exit *e = heard_exit(&x->live.heard, &via);
	struct buf text = { 0 };
	size_t len = 0;
	char *out = textlog_text(&x->live.heard.output, &len);

	tell(out, len);
	free(out);
	machine_stop_text(&stop, &text);
	log_info(NULL, "%s", buf_str(&text));
	if (via != VIA_NONE)
		log_info(NULL, "exit code %d", e->code);
	buf_reset(&text);
}

int debug_local(const struct scenario *s, u64 seed, u16 port, int in, int out,
		struct diag *d)
{
	struct debug x = { .s = *s, .in = in, .out = out, .port = port };
	struct live_cfg cfg = {
		.scenario = &x.s, .time_factor = PATIENCE, .seed = seed,
		.attach = attach, .ctx = &x, .dump.keep = DUMP_NEVER,
	};
	bool live = false;
	int err = prepare(&x, d);

	signal(SIGPIPE, SIG_IGN);
	cfg.kernel = x.kernel;
	cfg.image = x.image;
	cfg.initramfs = x.guest.fs;
	if (!err) {
		live = true;
		err = live_create(&x.live, &cfg, d);
	}
	if (!err)
		err = live_run(&x.live, d);
	if (x.threaded) {
		pthread_join(x.thread, NULL);
		if (!err && x.err)
			err = diag_fail(d, x.err, NULL, "%s", diag_text(&x.d));
	}
	if (!err) {
		live_stop(&x.live);
		conclude(&x);
	}
	if (live)
		live_destroy(&x.live);
	diag_reset(&x.d);
	kimage_close(x.image);
	guestfs_deinit(&x.guest);
	kernel_put(x.kernel);
	return err;
}
