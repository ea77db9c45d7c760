/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * progress: what is going on, on stderr, where that is a terminal: a line per
 * running case with its phase and elapsed time, redrawn in place. Elsewhere
 * nothing but progress_end()'s closing line.
 */
#ifndef VMTAP_RUNNER_PROGRESS_H
#define VMTAP_RUNNER_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>

struct event_loop;
struct progress;

/** progress_create() - @quiet: nothing at all; NULL without memory */
struct progress *progress_create(struct event_loop *loop, size_t total,
				 bool quiet);
/** progress_note() - one line above the cases ("booting a nested host") */
void progress_note(struct progress *p, const char *note);
/** progress_phase() - case @index (its name lives on) entered @phase */
void progress_phase(struct progress *p, size_t index, const char *name,
		    const char *phase);
/** progress_leave() - an attempt at case @index is over */
void progress_leave(struct progress *p, size_t index);
/** progress_done() - one more case is over, whether it ran or not */
void progress_done(struct progress *p);
/**
 * progress_clear() - take the lines off the screen until they are drawn again
 * To be called before anything else is written to what may be the same
 * terminal. Return: whether there were any.
 */
bool progress_clear(struct progress *p);
/** progress_end() - clear the lines; print @closing on stderr */
void progress_end(struct progress *p, const char *closing);
void progress_destroy(struct progress *p);

#endif
