// SPDX-License-Identifier: GPL-2.0-only
/* Live progress on a terminal; see progress.h. */
#include "runner/progress.h"

#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "vmm/base/buf.h"
#include "vmm/base/io.h"
#include "vmm/event.h"

#define LINES_MAX 16

struct line {
	size_t index;
	const char *name;
	char phase[32];
	u64 since_ns;
};

struct progress {
	struct event_loop *loop;
	struct event_source tick;
	bool on, quiet, colour;
	size_t total, done;
	char note[160];
	struct line lines[LINES_MAX];
	size_t nr;
	unsigned int drawn;	/* lines on the screen now */
};

static void progress_erase(struct progress *p, struct buf *out)
{
	while (p->drawn) {
		buf_puts(out, "\033[1A\033[2K");
		p->drawn--;
	}
}

bool progress_clear(struct progress *p)
{
	struct buf out = { 0 };
	bool any = p->drawn;

	progress_erase(p, &out);
	io_write_full(STDERR_FILENO, buf_str(&out), out.len);
	buf_reset(&out);
	return any;
}

static unsigned int columns(void)
{
	struct winsize ws;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &ws) < 0 || !ws.ws_col)
		return 80;
	return ws.ws_col;
}

static void progress_draw(struct progress *p)
{
	unsigned int width = columns();
	struct buf out = { 0 };
	u64 now = now_ns();
	size_t i;

	if (!p->on)
		return;
	progress_erase(p, &out);
	for (i = 0; i < p->nr; i++) {
		char text[512];

		snprintf(text, sizeof(text), "%-9s %4llus  %s", p->lines[i].phase,
			 (unsigned long long)((now - p->lines[i].since_ns) /
					      NSEC_PER_SEC), p->lines[i].name);
		buf_printf(&out, "%.*s\n", (int)width - 1, text);
		p->drawn++;
	}
	buf_printf(&out, "%s[%zu/%zu]%s %.*s\n", p->colour ? "\033[1m" : "",
		   p->done, p->total, p->colour ? "\033[0m" : "",
		   (int)(width > 20 ? width - 20 : 1), p->note);
	p->drawn++;
	io_write_full(STDERR_FILENO, out.data, out.len);
	buf_reset(&out);
}

static void progress_tick(struct event_source *src, u32 events)
{
	(void)events;
	event_drain(src->fd);
	progress_draw(container_of(src, struct progress, tick));
}

struct progress *progress_create(struct event_loop *loop, size_t total,
				 bool quiet)
{
	struct progress *p = calloc(1, sizeof(*p));
	const char *term = getenv("TERM"), *no_colour = getenv("NO_COLOR");

	if (!p)
		return NULL;
	p->loop = loop;
	p->total = total;
	p->quiet = quiet;
	p->on = !quiet && isatty(STDERR_FILENO) && term && strcmp(term, "dumb");
	p->colour = !(no_colour && *no_colour);
	p->tick = (struct event_source){ -1, progress_tick };
	if (!p->on)
		return p;
	p->tick.fd = event_timer_create();
	if (p->tick.fd >= 0 && !event_add(loop, &p->tick, EPOLLIN, NULL))
		event_timer_arm(p->tick.fd, NSEC_PER_SEC, NSEC_PER_SEC);
	return p;
}

void progress_note(struct progress *p, const char *note)
{
	snprintf(p->note, sizeof(p->note), "%s", note);
	progress_draw(p);
}

void progress_phase(struct progress *p, size_t index, const char *name,
		    const char *phase)
{
	struct line *l = NULL;
	size_t i;

	for (i = 0; i < p->nr && !l; i++)
		if (p->lines[i].index == index)
			l = &p->lines[i];
	if (!l && p->nr == LINES_MAX)
		return;
	if (!l) {
		l = &p->lines[p->nr++];
		*l = (struct line){ .index = index, .name = name,
				    .since_ns = now_ns() };
	}
	snprintf(l->phase, sizeof(l->phase), "%s", phase);
	progress_draw(p);
}

void progress_leave(struct progress *p, size_t index)
{
	size_t i;

	for (i = 0; i < p->nr; i++)
		if (p->lines[i].index == index)
			p->lines[i] = p->lines[--p->nr];
	progress_draw(p);
}

void progress_done(struct progress *p)
{
	p->done++;
}

void progress_end(struct progress *p, const char *closing)
{
	struct buf out = { 0 };

	progress_erase(p, &out);
	if (!p->quiet)
		buf_printf(&out, "%s\n", closing);
	io_write_full(STDERR_FILENO, buf_str(&out), out.len);
	buf_reset(&out);
	p->on = false;
}

void progress_destroy(struct progress *p)
{
	if (!p)
		return;
	if (p->tick.fd >= 0) {
		event_del(p->loop, &p->tick);
		close(p->tick.fd);
	}
	free(p);
}
