/* SPDX-License-Identifier: GPL-2.0-only */
/* schema_prose: what vmtap-scenario(5) says beside the table of keys. */
#ifndef VMTAP_RUNNER_SCHEMA_PROSE_H
#define VMTAP_RUNNER_SCHEMA_PROSE_H

/* A tagged paragraph; without a term a plain one. */
struct man_part {
	const char *term;
	const char *text;	/* NULL: the end */
};

struct man_section {
	const char *title;	/* NULL: the end */
	const struct man_part *parts;
	const char *const *example;	/* lines, then NULL; NULL: none */
};

/** schema_prose - the sections after the keys */
extern const struct man_section schema_prose[];

#endif
