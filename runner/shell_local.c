// SPDX-License-Identifier: GPL-2.0-only
/* The VM with a shell on its console; see shell.h. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "runner/guestfs.h"
#include "runner/kernel.h"
#include "runner/live.h"
#include "runner/scenario.h"
#include "runner/shell.h"
#include "runner/term.h"
#include "virtio/console.h"
#include "vmm/base/buf.h"
#include "vmm/base/diag.h"
#include "vmm/base/io.h"
#include "vmm/base/log.h"
#include "vmm/kimage.h"
#include "vmm/machine.h"

/* The guest writes with a spinlock held: a slow terminal loses the rest. */
#define PENDING_MAX MiB(4)
#define SCRIPT_MAX MiB(1)
#define NEVER_NS (365 * 86400 * NSEC_PER_SEC)

struct shell {
	struct scenario s;
	struct buf script;
	struct kernel *kernel;
	struct kimage *image;
	struct guestfs guest;
	struct live live;
	struct live_tty tty;
	pthread_t thread;
	pthread_mutex_t lock;
	struct buf pending;	/* from the guest, for stdout */
	u64 lost;		/* bytes beyond PENDING_MAX */
	int wake_fd;		/* pending, or the end */
	int winch_fd;
	bool over;
	bool left;		/* Ctrl-A x */
	struct term_keys keys;
	struct term_unpack unpack;
	bool relayed;		/* stdin is packed by a terminal's relay */
	bool scripted;		/* stdin is no terminal: read before the boot */
};

/* --- between the guest and the terminal --------------------------------- */

static size_t on_guest(void *arg, const void *data, size_t len)
{
	struct shell *sh = arg;
	size_t room;

	pthread_mutex_lock(&sh->lock);
	room = min(len, (size_t)PENDING_MAX - sh->pending.len);
	buf_add(&sh->pending, data, room);
	sh->lost += len - room;
	pthread_mutex_unlock(&sh->lock);
	eventfd_write(sh->wake_fd, 1);
	return len;
}

/* False once all is said and the machine is over. */
static bool to_terminal(struct shell *sh)
{
	struct buf out;
	bool over;

	pthread_mutex_lock(&sh->lock);
	out = sh->pending;
	sh->pending = (struct buf){ 0 };
	over = sh->over;
	pthread_mutex_unlock(&sh->lock);
	if (out.len && io_write_full(STDOUT_FILENO, out.data, out.len))
		machine_kill(sh->live.m);
	buf_reset(&out);
	return !over;
}

static void leave(struct shell *sh)
{
	sh->left = true;
	machine_kill(sh->live.m);
}

static void to_guest(struct shell *sh, const char *data, size_t len)
{
	if (len && virtio_console_send(sh->live.console,
				       VIRTIO_CONSOLE_PORT_TTY, data, len))
		log_debug("shell", "the guest takes no more input");
}

/* False at the end of the input. */
static bool from_terminal(struct shell *sh)
{
	char in[4096], out[sizeof(in) + 1];
	ssize_t n = read(STDIN_FILENO, in, sizeof(in));
	bool go = false;
	size_t len;

	if (n < 0 && errno == EINTR)
		return true;
	if (n <= 0) {
		/* The terminal is gone: what Ctrl-D is to a person. */
		to_guest(sh, "\004", 1);
		return false;
	}
	if (sh->relayed) {
		len = term_unpack(&sh->unpack, in, (size_t)n, out, &go);
		to_guest(sh, out, len);
		if (go)
			virtio_console_resize(sh->live.console, sh->unpack.cols,
					      sh->unpack.rows);
		return true;
	}
	len = term_keys(&sh->keys, in, (size_t)n, out, &go);
	to_guest(sh, out, len);
	if (go)
		leave(sh);
	return !go;
}

static void resize(struct shell *sh)
{
	struct signalfd_siginfo si;
	u16 cols, rows;

	if (read(sh->winch_fd, &si, sizeof(si)) == sizeof(si) &&
	    term_size(&cols, &rows))
		virtio_console_resize(sh->live.console, cols, rows);
}

static void *relay(void *arg)
{
	enum { IN, WAKE, WINCH, NR };
	struct shell *sh = arg;
	struct pollfd p[NR] = {
		[IN] = { .fd = sh->scripted ? -1 : STDIN_FILENO, .events = POLLIN },
		[WAKE] = { .fd = sh->wake_fd, .events = POLLIN },
		[WINCH] = { .fd = sh->winch_fd, .events = POLLIN },
	};
	bool going = true;
	eventfd_t n;

	while (going) {
		/* A guest that does not read yet: let the input wait outside. */
		bool full = virtio_console_unsent(sh->live.console,
						  VIRTIO_CONSOLE_PORT_TTY) >
			    VIRTIO_CONSOLE_SEND_MAX / 2;

		p[IN].events = full ? 0 : POLLIN;
		if (poll(p, NR, full ? 20 : -1) < 0)
			continue;
		if (p[IN].revents && !full && !from_terminal(sh))
			p[IN].fd = -1;
		if (p[WINCH].revents)
			resize(sh);
		if (p[WAKE].revents && !eventfd_read(sh->wake_fd, &n))
			going = to_terminal(sh);
	}
	return NULL;
}

/* --- the machine -------------------------------------------------------- */

/* A here-document of @script, whose end is no line of it. */
static void add_script(struct buf *out, const struct buf *script)
{
	char end[64] = "END_OF_SCRIPT";

	while (strstr(buf_str(script), end) && strlen(end) < sizeof(end) - 1)
		strcat(end, "_");
	buf_printf(out, "cat >/tmp/.script <<'%s'\n%s%s%s\n", end,
		   buf_str(script),
		   script->len && script->data[script->len - 1] == '\n' ? "" : "\n",
		   end);
}

/*
 * What is typed at a console before its shell has it gets lost, and the end of
 * the input with it. So a script is a file in the guest.
 */
static int read_script(struct shell *sh, struct diag *d)
{
	struct buf text = { 0 };
	ssize_t n = 1;
	int err = 0;

	while (n && !err) {
		if (buf_reserve(&text, 4096))
			return diag_fail(d, -ENOMEM, NULL, "no memory");
		n = read(STDIN_FILENO, text.data + text.len, 4096);
		if (n < 0 && errno != EINTR)
			err = diag_fail(d, -errno, NULL, "cannot read stdin: %m");
		text.len += n > 0 ? (size_t)n : 0;
		if (text.len > SCRIPT_MAX)
			err = diag_fail(d, -EFBIG, NULL,
					"the script on stdin has more than %llu bytes",
					(unsigned long long)SCRIPT_MAX);
	}
	if (!err)
		text.data[text.len] = '\0';
	if (!err && text.len && memchr(text.data, '\0', text.len))
		err = diag_fail(d, -EINVAL, NULL, "the script on stdin has a NUL byte");
	if (!err)
		add_script(&sh->script, &text);
	buf_reset(&text);
	return err;
}

/*
 * Not exec: setsid must not be the leader of a group, or it forks and the
 * payload is over at once. A terminal of the host's own kind is told to the
 * guest's programs; they know what to make of it or take it for a dumb one.
 */
static int make_guest(struct shell *sh)
{
	const char *term = getenv("TERM");
	struct scen_guest *g = &sh->s.guest;

	if (!term || !*term || term[strspn(term, "abcdefghijklmnopqrstuvwxyz"
			"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.+")])
		term = "dumb";
	buf_printf(&sh->script,
		   "[ -c /dev/hvc0 ] || { echo 'the guest has no /dev/hvc0: its kernel lacks CONFIG_VIRTIO_CONSOLE' >&2; exit 69; }\n"
		   "stty -F /dev/hvc0 cols %u rows %u 2>/dev/null\n"
		   "export TERM=%s PS1='vmtap:\\w\\$ ' HOME=/\n"
		   "setsid -c sh %s </dev/hvc0 >/dev/hvc0 2>&1\n",
		   sh->tty.cols, sh->tty.rows, term,
		   sh->scripted ? "-c 'exec sh /tmp/.script </dev/null'" : "-i");
	g->run = buf_str(&sh->script);
	g->exec = (struct str_list){ 0 };
	g->teardown = NULL;
	sh->s.vm.timeout_ns = NEVER_NS;
	return sh->script.failed ? -ENOMEM : 0;
}

static int prepare(struct shell *sh, struct diag *d)
{
	const struct scen_kernel *k = &sh->s.kernel;
	int err = sh->scripted ? read_script(sh, d) : 0;

	if (err)
		return err;
	err = make_guest(sh);
	if (err)
		return diag_fail(d, err, NULL, "no memory");
	err = kernel_find(k->image ? k->image : k->release, &sh->kernel, d);
	if (!err)
		err = guestfs_build(&sh->guest, &sh->s, sh->kernel, NULL, 1, d);
	if (!err && kimage_open(sh->kernel->image, 0, &sh->image, d)) {
		err = d->err == -EOPNOTSUPP && k->boot != BOOT_DIRECT ? 0 : d->err;
		if (!err)
			diag_reset(d);
	}
	return err;
}

static int open_fds(struct shell *sh, struct diag *d)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGWINCH);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	sh->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	sh->winch_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (sh->wake_fd < 0 || sh->winch_fd < 0)
		return diag_fail(d, -errno, NULL, "eventfd: %m");
	return 0;
}

static int run(struct shell *sh, struct diag *d)
{
	int err = pthread_create(&sh->thread, NULL, relay, sh);

	if (err)
		return diag_fail(d, -err, NULL, "no thread for the terminal");
	err = live_run(&sh->live, d);
	if (!err)
		live_stop(&sh->live);
	pthread_mutex_lock(&sh->lock);
	sh->over = true;
	pthread_mutex_unlock(&sh->lock);
	eventfd_write(sh->wake_fd, 1);
	pthread_join(sh->thread, NULL);
	return err;
}

static void tell_log(const char *text, size_t len)
{
	/* The last lines are the ones that tell. */
	size_t from = len > KiB(4) ? len - KiB(4) : 0;

	if (len)
		io_write_full(STDERR_FILENO, text + from, len - from);
}

/* Back on the terminal: how it ended. */
static int conclude(struct shell *sh)
{
	enum verdict_via via;
	const struct heard_exit *e = heard_exit(&sh->live.heard, &via);
	size_t len = 0;
	char *text;

	if (sh->lost)
		log_warn("shell", "%llu bytes were not shown: the terminal was too slow",
			 (unsigned long long)sh->lost);
	if (sh->left)
		return 0;
	text = textlog_text(&sh->live.heard.stderr_log, &len);
	if (text)
		tell_log(text, len);
	free(text);
	if (via != VIA_NONE)
		return e->signal ? 128 + (int)e->signal : e->code;
	tell_log(sh->live.log ? sh->live.log : "", sh->live.log_len);
	log_error("shell", "the guest ended without its shell's exit status");
	return 1;
}

int shell_local(const struct scenario *s, u64 seed, struct diag *d)
{
	struct shell sh = {
		.s = *s, .lock = PTHREAD_MUTEX_INITIALIZER,
		.wake_fd = -1, .winch_fd = -1,
		.tty = { .take = on_guest, .arg = &sh },
	};
	struct live_cfg cfg = {
		.scenario = &sh.s, .time_factor = 1, .seed = seed, .tty = &sh.tty,
	};
	bool live = false;
	int err;

	sh.relayed = getenv(SHELL_RELAYED);
	sh.scripted = !sh.relayed && !isatty(STDIN_FILENO);
	term_size(&sh.tty.cols, &sh.tty.rows);
	err = prepare(&sh, d);
	cfg.kernel = sh.kernel;
	cfg.image = sh.image;
	cfg.initramfs = sh.guest.fs;
	if (!err)
		err = open_fds(&sh, d);
	if (!err)
		err = term_raw(d);
	if (!err) {
		live = true;
		err = live_create(&sh.live, &cfg, d);
	}
	if (!err)
		err = run(&sh, d);
	term_restore();
	if (!err)
		err = conclude(&sh);
	if (live)
		live_destroy(&sh.live);
	kimage_close(sh.image);
	guestfs_deinit(&sh.guest);
	kernel_put(sh.kernel);
	buf_reset(&sh.script);
	buf_reset(&sh.pending);
	if (sh.wake_fd >= 0)
		close(sh.wake_fd);
	if (sh.winch_fd >= 0)
		close(sh.winch_fd);
	return err;
}
