/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dump: the vmcore of a case, <case>/vmcore: taken where the guest stands
 * still, at a timeout before it is asked to end, else when all is over. It is
 * kept or dropped once the outcome is known. What cannot be written is told in
 * the block and is no failure of the case.
 * Context: the owner's one thread.
 */
#ifndef VMTAP_RUNNER_DUMP_H
#define VMTAP_RUNNER_DUMP_H

#include <stdbool.h>

#include "vmm/base/util.h"

struct diag;
struct inside;
struct kernel;
struct machine;
struct value;

enum dump_keep { DUMP_FAILED, DUMP_ALWAYS, DUMP_NEVER };

#define DUMP_LIMIT_DEFAULT GiB(2)

struct dump_policy {
	enum dump_keep keep;
	u64 limit;		/* of what is written, without holes; 0: default */
};

/** dump_keep_parse() - "failed", "always", "never"; 0 or -EINVAL with @d */
int dump_keep_parse(const char *text, enum dump_keep *out, struct diag *d);
/** dump_limit_parse() - "512M"; 0 or -EINVAL with @d */
int dump_limit_parse(const char *text, u64 *out, struct diag *d);
const char *dump_keep_name(enum dump_keep keep);

struct dump {
	struct dump_policy policy;
	const char *dir;	/* of the case; NULL: nothing is kept */

	/* private */
	char *path;		/* of the core; NULL: none was written */
	char *why_not;		/* one was wanted and could not be written */
	bool has_slide;
	u64 slide;
};

/** dump_wanted() - would a core be kept of a case that failed, or passed? */
bool dump_wanted(const struct dump *dump, bool failed);
/**
 * dump_take() - write the core, once: where there is one already it stays
 * @m: parked or joined; @inside is its kernel
 */
void dump_take(struct dump *dump, struct machine *m, struct inside *inside);
/**
 * dump_settle() - keep the core, or drop it
 * @block: of the report; is told `vmcore` and `open_with`, or `vmcore_error`
 */
void dump_settle(struct dump *dump, bool keep, const struct kernel *kernel,
		 struct value *block);
void dump_deinit(struct dump *dump);

#endif
