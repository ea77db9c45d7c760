// SPDX-License-Identifier: GPL-2.0-only
/* `requires.kernel`: comparisons of dotted versions. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "runner/scenario.h"

#define PARTS_MAX 4u

struct version {
	unsigned long part[PARTS_MAX];
	size_t n;
};

static const char *scan_version(const char *s, struct version *v)
{
	char *end;

	*v = (struct version){ 0 };
	while (*s >= '0' && *s <= '9') {
		unsigned long part = strtoul(s, &end, 10);

		if (v->n < PARTS_MAX)
			v->part[v->n++] = part;
		s = end;
		if (s[0] != '.' || s[1] < '0' || s[1] > '9')
			break;
		s++;
	}
	return s;
}

/* Parts that one of them lacks are 0; with @prefix only @b's are looked at. */
static int compare(const struct version *a, const struct version *b, bool prefix)
{
	for (size_t i = 0; i < (prefix ? b->n : PARTS_MAX); i++)
		if (a->part[i] != b->part[i])
			return a->part[i] < b->part[i] ? -1 : 1;
	return 0;
}

static const struct {
	const char *op;
	bool on[3];	/* verdict where the release is below, at, above */
	bool prefix;
} ops[] = {
	{ ">=", { false, true, true }, false },
	{ "<=", { true, true, false }, true },
	{ "==", { false, true, false }, true },
	{ "!=", { true, false, true }, true },
	{ ">", { false, false, true }, true },
	{ "<", { true, false, false }, false },
	{ "", { false, true, false }, true },
};

/* One comparison; *s moves behind it. */
static int meets_one(const struct version *have, const char **s)
{
	struct version want;
	const char *end;
	size_t i;

	*s += strspn(*s, " ");
	for (i = 0; strncmp(*s, ops[i].op, strlen(ops[i].op)); i++)
		;
	*s += strlen(ops[i].op);
	*s += strspn(*s, " ");
	end = scan_version(*s, &want);
	if (!want.n)
		return -EINVAL;
	*s = end + strspn(end, " ");
	return ops[i].on[compare(have, &want, ops[i].prefix) + 1];
}

int kernel_version_meets(const char *release, const char *want, struct diag *d)
{
	const char *s = want;
	struct version have;
	int all = 1, rc;

	scan_version(release, &have);
	if (!have.n)
		return diag_fail(d, -EINVAL, NULL, "'%s' is no kernel release", release);
	for (;;) {
		rc = meets_one(&have, &s);
		if (rc < 0 || (*s && *s != ','))
			return diag_fail(d, -EINVAL, NULL,
					 "'%s', expected versions such as \">= 6.12, < 7\"",
					 want);
		all &= rc;
		if (!*s)
			return all;
		s++;
	}
}
