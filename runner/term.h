/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * term: the terminal of an interactive console: raw while it is ours, as it
 * was before after any death of this process, a SIGKILL included. One per
 * process.
 */
#ifndef VMTAP_RUNNER_TERM_H
#define VMTAP_RUNNER_TERM_H

#include <stdbool.h>
#include <stddef.h>

#include "vmm/base/util.h"

struct diag;

#define TERM_ESCAPE 1	/* Ctrl-A */

/**
 * term_raw() - make stdin's terminal raw; where stdin is none, nothing
 * Context: before any thread is started: it forks a process that restores the
 * terminal once this one is gone, whatever ended it.
 * Return: 0 or -errno.
 */
int term_raw(struct diag *d);
/** term_restore() - as it was; any number of times, also where term_raw() did nothing */
void term_restore(void);
/** term_is_raw() - a person types here, and Ctrl-A is ours */
bool term_is_raw(void);

/**
 * term_size() - of stdin's terminal
 * Return: false where there is none; then it is $COLUMNS by $LINES, or 80 by 25
 */
bool term_size(u16 *cols, u16 *rows);

/*
 * What is typed, without our own commands: Ctrl-A x leaves, Ctrl-A Ctrl-A is
 * one Ctrl-A, Ctrl-A and anything else is passed on whole. Zeroed at first.
 */
struct term_keys {
	bool escaped;	/* the last byte was a Ctrl-A */
};

/**
 * term_keys() - filter @len bytes
 * @out: room for @len + 1. Return: bytes in @out; @leave is set at Ctrl-A x,
 * what follows it is dropped.
 */
size_t term_keys(struct term_keys *k, const char *in, size_t len, char *out,
		 bool *leave);

/*
 * Between this terminal and a program in a nested host that shows it: what is
 * typed, a Ctrl-A doubled, and changes of the size as Ctrl-A w COLUMNS , ROWS ;
 */
struct term_unpack {
	char pending[16];	/* an unfinished Ctrl-A ... */
	size_t len;
	u16 cols, rows;		/* of the latest change */
};

/** term_pack() - what was typed. @out: room for 2 * @len. Return: its length */
size_t term_pack(const char *in, size_t len, char *out);
/** term_pack_size() - a change of the size. @out: room for 16 */
size_t term_pack_size(u16 cols, u16 rows, char *out);
/**
 * term_unpack() - the other end
 * @out: room for @len; @resized: set where the size changed
 * What is neither is dropped. Return: bytes in @out.
 */
size_t term_unpack(struct term_unpack *u, const char *in, size_t len,
		   char *out, bool *resized);

#endif
