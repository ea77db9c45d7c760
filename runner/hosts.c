// SPDX-License-Identifier: GPL-2.0-only
/* Nested hosts as slots of the pool; see hosts.h. */
#include "runner/hosts.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "runner/nested.h"
#include "runner/pool.h"
#include "vmm/base/diag.h"
#include "vmm/base/io.h"
#include "vmm/base/log.h"

#define RESTARTS_MAX 3

struct host {
	struct hosts *all;
	struct host *next;
	struct nested *nested;
	struct event_source ctl, err;
};

struct hosts {
	struct hosts_cfg cfg;
	struct host *list;
	unsigned int alive;
	unsigned int restarts;
	double factor;
};

static int host_start(struct hosts *h, struct diag *d);

/* The worker's stderr is ours; there is nothing to understand in it. */
static void host_err_ready(struct event_source *src, u32 events)
{
	struct host *host = container_of(src, struct host, err);
	char text[4096];
	ssize_t n = read(src->fd, text, sizeof(text));

	(void)events;
	if (n > 0)
		io_write_full(STDERR_FILENO, text, (size_t)n);
	else if (n == 0)
		event_del(host->all->cfg.loop, src);
}

static void host_unwatch(struct host *host)
{
	if (host->ctl.fd < 0)
		return;
	event_del(host->all->cfg.loop, &host->ctl);
	event_del(host->all->cfg.loop, &host->err);
	host->ctl.fd = -1;
}

static void host_gone(struct host *host, const char *why)
{
	struct hosts *h = host->all;
	struct diag d = { 0 };

	host_unwatch(host);
	h->alive--;
	log_warn("nested", "a nested host ended: %s", why);
	if (h->restarts++ < RESTARTS_MAX && !host_start(h, &d))
		return;
	if (!h->alive)
		h->cfg.none(h->cfg.ctx, d.msg ? d.msg : why);
	diag_reset(&d);
}

/* A host that ended tells why itself; one that sleeps for good does not. */
static void host_lost(void *arg, bool silent)
{
	const struct host *host = arg;

	if (silent)
		kill(nested_pid(host->nested), SIGKILL);
}

static void host_up(struct host *host)
{
	struct hosts *h = host->all;
	struct diag d = { 0 };
	char line[64];
	int n;

	h->factor = max(h->factor, nested_speed_factor(host->nested));
	n = snprintf(line, sizeof(line), "factor %.3f\n",
		     nested_speed_factor(host->nested));
	if (io_write_full(nested_in_fd(host->nested), line, (size_t)n) ||
	    pool_add_remote(h->cfg.pool, nested_out_fd(host->nested),
			    nested_in_fd(host->nested), host_lost, host, &d)) {
		host_gone(host, diag_text(&d));
		diag_reset(&d);
		return;
	}
	h->cfg.up(h->cfg.ctx, nested_boot_ms(host->nested), h->factor);
	pool_fill(h->cfg.pool);
}

static void host_ctl_ready(struct event_source *src, u32 events)
{
	struct host *host = container_of(src, struct host, ctl);
	struct diag d = { 0 };
	char why[64];

	(void)events;
	switch (nested_event(host->nested, &d)) {
	case NESTED_READY:
		host_up(host);
		break;
	case NESTED_EXIT:
		snprintf(why, sizeof(why), "its worker ended with status %d",
			 nested_exit_status(host->nested));
		kill(nested_pid(host->nested), SIGKILL);
		host_gone(host, why);
		break;
	case NESTED_LOST:
		host_gone(host, diag_text(&d));
		break;
	case NESTED_NONE:
		break;
	}
	diag_reset(&d);
}

static int host_start(struct hosts *h, struct diag *d)
{
	struct nested_cfg cfg = {
		.guest_memory = h->cfg.guest_memory,
		.argv = h->cfg.argv,
	};
	struct host *host = calloc(1, sizeof(*host));
	int err;

	if (!host)
		return diag_fail(d, -ENOMEM, NULL, "no memory");
	host->all = h;
	err = nested_start(&cfg, &host->nested, d);
	if (err) {
		free(host);
		return err;
	}
	host->ctl = (struct event_source){ nested_ctl_fd(host->nested),
					   host_ctl_ready };
	host->err = (struct event_source){ nested_err_fd(host->nested),
					   host_err_ready };
	err = event_add(h->cfg.loop, &host->ctl, EPOLLIN, d);
	if (!err)
		err = event_add(h->cfg.loop, &host->err, EPOLLIN, d);
	if (err) {
		nested_destroy(host->nested);
		free(host);
		return err;
	}
	host->next = h->list;
	h->list = host;
	h->alive++;
	return 0;
}

int hosts_start(const struct hosts_cfg *cfg, struct hosts **out, struct diag *d)
{
	struct hosts *h = calloc(1, sizeof(*h));
	unsigned int i;
	int err = 0;

	if (!h)
		return diag_fail(d, -ENOMEM, NULL, "no memory");
	h->cfg = *cfg;
	h->factor = 1;
	for (i = 0; i < cfg->count && !err; i++)
		err = host_start(h, d);
	if (err) {
		hosts_destroy(h);
		return err;
	}
	*out = h;
	return 0;
}

void hosts_destroy(struct hosts *h)
{
	struct host *host, *next;

	if (!h)
		return;
	for (host = h->list; host; host = next) {
		next = host->next;
		host_unwatch(host);
		nested_destroy(host->nested);
		free(host);
	}
	free(h);
}

double hosts_factor(const struct hosts *h)
{
	return h->factor;
}
