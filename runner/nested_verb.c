// SPDX-License-Identifier: GPL-2.0-only
/* `vmtap nested [-m MEMORY] CMD...`: one command in a nested host. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runner/fetch.h"
#include "runner/nested.h"
#include "vmm/base/diag.h"
#include "vmm/base/io.h"
#include "vmm/base/log.h"

#define EXIT_USAGE 64
#define EXIT_UNAVAILABLE 69
#define EXIT_INTERNAL 70

static const char usage_text[] =
"usage: vmtap nested [-m MEMORY] [-v] [--] CMD [ARG...]\n"
"       vmtap nested --fetch\n"
"\n"
"Run CMD in a virtual machine under QEMU's software emulation that has a real\n"
"/dev/kvm and this machine's files; its streams and its exit status are passed\n"
"through. MEMORY (with K, M or G; default 512M) is what guests in it may use.\n"
"-v tells on stderr how long its boot took. --fetch gets QEMU and the kernel\n"
"that this needs into the cache, installing nothing.\n"
"\n"
"Examples:\n"
"  vmtap nested --fetch\n"
"  vmtap nested -m 1G vmtap run --accel kvm my.yaml\n"
"  vmtap nested -v -- sh -c 'ls -l /dev/kvm; uname -r'\n";

struct relay {
	struct nested *n;
	bool verbose, in_open;
	size_t in_len, in_at;
	char in[65536];
};

static void relay_in(struct relay *r, const struct pollfd *in,
		     const struct pollfd *to)
{
	ssize_t got;

	if (in->revents) {
		got = read(STDIN_FILENO, r->in, sizeof(r->in));
		if (got <= 0 && !(got < 0 && errno == EINTR)) {
			r->in_open = false;
			nested_close_in(r->n);
		}
		r->in_at = 0;
		r->in_len = got > 0 ? (size_t)got : 0;
	}
	if (to->revents && r->in_at < r->in_len) {
		got = send(nested_in_fd(r->n), r->in + r->in_at,
			   r->in_len - r->in_at, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (got > 0)
			r->in_at += (size_t)got;
		else if (errno != EAGAIN && errno != EINTR)
			r->in_open = false;
	}
}

static int relay_news(struct relay *r)
{
	struct diag d = {};
	enum nested_event event = nested_event(r->n, &d);

	if (event == NESTED_READY && r->verbose)
		log_info("nested", "host up in %llu ms%s; work takes %.1f times as long as outside",
			 (unsigned long long)nested_boot_ms(r->n),
			 nested_resumed(r->n) ? ", resumed" : "",
			 nested_speed_factor(r->n));
	if (event == NESTED_EXIT || event == NESTED_LOST)
		nested_copy_rest(r->n, STDOUT_FILENO, STDERR_FILENO);
	if (event == NESTED_LOST)
		log_error("nested", "%s", diag_text(&d));
	diag_reset(&d);
	if (event == NESTED_EXIT)
		return nested_exit_status(r->n);
	return event == NESTED_LOST ? EXIT_INTERNAL : -1;
}

static int relay(struct relay *r)
{
	enum { NEWS, OUT, ERR, IN, TO_IN, NR };
	struct pollfd p[NR] = {
		[NEWS] = { .fd = nested_ctl_fd(r->n), .events = POLLIN },
		[OUT] = { .fd = nested_out_fd(r->n), .events = POLLIN },
		[ERR] = { .fd = nested_err_fd(r->n), .events = POLLIN },
		[IN] = { .events = POLLIN },
		[TO_IN] = { .events = POLLOUT },
	};
	int status = -1;

	while (status < 0) {
		bool waiting = r->in_at < r->in_len;

		p[IN].fd = r->in_open && !waiting ? STDIN_FILENO : -1;
		p[TO_IN].fd = r->in_open && waiting ? nested_in_fd(r->n) : -1;
		if (poll(p, NR, -1) < 0)
			continue;
		if (p[OUT].revents && !nested_copy(r->n, p[OUT].fd, STDOUT_FILENO))
			p[OUT].fd = -1;
		if (p[ERR].revents && !nested_copy(r->n, p[ERR].fd, STDERR_FILENO))
			p[ERR].fd = -1;
		relay_in(r, &p[IN], &p[TO_IN]);
		if (p[NEWS].revents)
			status = relay_news(r);
	}
	return status;
}

static int parse_memory(const char *text, u64 *out)
{
	static const char units[] = "KMG";
	const char *unit;
	char *end;
	u64 n;

	errno = 0;
	n = strtoull(text, &end, 10);
	unit = *end ? strchr(units, *end) : NULL;
	if (errno || end == text || (*end && (!unit || end[1])))
		return -EINVAL;
	for (; unit && unit >= units; unit--)
		if (check_mul(n, (u64)1024, &n))
			return -ERANGE;
	if (!n || n > GiB(1024))
		return -ERANGE;
	*out = n;
	return 0;
}

static int fetch(void)
{
	static const char *const args[] = { "nested", NULL };
	struct diag d = {};
	int status = fetch_run(args, &d);

	if (status < 0)
		log_error("nested", "%s", diag_text(&d));
	diag_reset(&d);
	return status ? EXIT_UNAVAILABLE : 0;
}

static int run(struct relay *r, const struct nested_cfg *cfg)
{
	struct diag d = {};
	int status;

	if (nested_start(cfg, &r->n, &d)) {
		log_error("nested", "%s", diag_text(&d));
		diag_reset(&d);
		return EXIT_UNAVAILABLE;
	}
	signal(SIGPIPE, SIG_IGN);
	r->in_open = true;
	status = relay(r);
	nested_destroy(r->n);
	return status;
}

int nested_verb(int argc, char **argv)
{
	static const struct option options[] = {
		{ "memory", required_argument, NULL, 'm' },
		{ "fetch", no_argument, NULL, 'f' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{}
	};
	static struct relay r;
	struct nested_cfg cfg = {};
	int opt;

	optind = 1;
	while ((opt = getopt_long(argc, argv, "+m:vh", options, NULL)) != -1) {
		switch (opt) {
		case 'm':
			if (!parse_memory(optarg, &cfg.guest_memory))
				break;
			log_error("nested", "bad size '%s'", optarg);
			return EXIT_USAGE;
		case 'f':
			return fetch();
		case 'v':
			r.verbose = true;
			break;
		case 'h':
			fputs(usage_text, stdout);
			return 0;
		default:
			fputs(usage_text, stderr);
			return EXIT_USAGE;
		}
	}
	if (optind == argc) {
		fputs(usage_text, stderr);
		return EXIT_USAGE;
	}
	cfg.argv = (const char *const *)argv + optind;
	return run(&r, &cfg);
}
