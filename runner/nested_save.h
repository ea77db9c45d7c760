/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * nested_save: have QEMU write a running host's state into a file, and the
 * host go on. Spoken over QEMU's monitor protocol (QMP), without waiting.
 */
#ifndef VMTAP_RUNNER_NESTED_SAVE_H
#define VMTAP_RUNNER_NESTED_SAVE_H

#include <stdbool.h>

#include "vmm/base/buf.h"

struct nested_save {
	int qmp;		/* our end of the monitor; -1: none */
	int file;		/* QEMU has it by the same number; -1: none */
	unsigned int said;	/* commands */
	bool failed;		/* the file is not to be used */
	bool running;		/* at the end: the host does go on */
	struct buf news;
};

/** nested_save_step() - call when qmp is readable; true once all is over */
bool nested_save_step(struct nested_save *s);

/** nested_save_reset() - close and free all; the state starts anew */
void nested_save_reset(struct nested_save *s);

#endif
