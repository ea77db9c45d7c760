/* SPDX-License-Identifier: GPL-2.0-only */
/* doctor: what this host can do, what to install or enable, and why. */
#ifndef VMTAP_RUNNER_DOCTOR_H
#define VMTAP_RUNNER_DOCTOR_H

#include <stddef.h>

struct buf;

enum doctor_state {
	DOCTOR_OK,
	DOCTOR_NOTE,	/* works, with a limit that is worth knowing */
	DOCTOR_MISSING,	/* something that a part of vmtap needs */
};

/* One line: what was looked at, what was found, what to do about it. */
struct doctor_line {
	enum doctor_state state;
	const char *what;	/* constant */
	char *found;		/* owned */
	char *remedy;		/* owned; NULL where there is nothing to do */
};

struct doctor {
	struct doctor_line *line;
	size_t nr;
	int usable;	/* a scenario can run here, by kvm or nested */
};

/** doctor_examine() - look at everything; doctor_reset() frees; 0 or -ENOMEM */
int doctor_examine(struct doctor *doc);
void doctor_reset(struct doctor *doc);
/** doctor_print() - the lines as text */
void doctor_print(const struct doctor *doc, struct buf *out);

/** doctor_verb() - `vmtap doctor`; 0 usable, 69 not */
int doctor_verb(int argc, char **argv);

#endif
