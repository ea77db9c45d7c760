/* SPDX-License-Identifier: GPL-2.0-only */
/* ktap: one line of TAP or KTAP; pure. */
#ifndef VMTAP_GUEST_KTAP_H
#define VMTAP_GUEST_KTAP_H

#include <stdbool.h>

#include "runner/wire.h"

struct ktap_result {
	unsigned int level;	/* of nesting: two spaces or "# " each */
	enum wire_test_status status;
	const char *name;	/* into the line, terminated; may be empty */
	const char *reason;	/* so, too */
};

/**
 * ktap_line() - is it a result line?
 * @line: terminated, without newline; changed where it is one
 * Return: true and @out, which points into @line.
 */
bool ktap_line(char *line, struct ktap_result *out);

/** ktap_skip_all() - the reason of "1..0 # SKIP reason", else NULL */
const char *ktap_skip_all(const char *line);

#endif
