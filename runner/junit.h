/* SPDX-License-Identifier: GPL-2.0-only */
/* junit: the --junit FILE reporter. XML 1.0, any bytes in, legal ones out. */
#ifndef VMTAP_RUNNER_JUNIT_H
#define VMTAP_RUNNER_JUNIT_H

struct diag;
struct junit;
struct report;

/** junit_create() - gather cases in memory; NULL when out of memory */
struct junit *junit_create(const char *suite);
/** junit_case() - one more case, in plan order; 0, -ENOMEM */
int junit_case(struct junit *j, const struct report *r);
/** junit_save() - write @path whole or not at all */
int junit_save(struct junit *j, const char *path, struct diag *d);
void junit_destroy(struct junit *j);

#endif
