/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * embed: files that travel inside the program, so that one binary is whole
 * wherever it was copied: in a tree, installed, or seen from a nested host.
 */
#ifndef VMTAP_RUNNER_EMBED_H
#define VMTAP_RUNNER_EMBED_H

#include <stddef.h>

struct embed {
	const char *start;
	const char *end;
};

/* runner/embed.S: tools/guest (/init of the guest), tools/nested (/init of
 * the nested host), tools/fetch-deb.sh (package fetcher). */
extern const char embed_guest_init[], embed_guest_init_end[];
extern const char embed_nested_init[], embed_nested_init_end[];
extern const char embed_fetch_deb[], embed_fetch_deb_end[];

#endif
