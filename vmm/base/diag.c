// SPDX-License-Identifier: GPL-2.0-only
/* One error sentence with its place; see diag.h. */
#include "vmm/base/diag.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int diag_fail(struct diag *d, int err, const struct loc *loc,
	      const char *fmt, ...)
{
	char *what = NULL, *full = NULL;
	va_list ap;

	if (!d)
		return err;

	va_start(ap, fmt);
	if (vasprintf(&what, fmt, ap) < 0)
		what = NULL;
	va_end(ap);

	if (what && loc && loc->file) {
		int n;

		if (loc->line && loc->col)
			n = asprintf(&full, "%s:%u:%u: %s", loc->file,
				     loc->line, loc->col, what);
		else if (loc->line)
			n = asprintf(&full, "%s:%u: %s", loc->file, loc->line,
				     what);
		else
			n = asprintf(&full, "%s: %s", loc->file, what);
		if (n >= 0) {
			free(what);
			what = full;
		}
	}
	free(d->msg);
	d->msg = what;
	d->err = err;
	return err;
}

int diag_wrap(struct diag *d, int err, const char *fmt, ...)
{
	char *clause = NULL, *full = NULL;
	va_list ap;

	if (!d)
		return err;

	va_start(ap, fmt);
	if (vasprintf(&clause, fmt, ap) < 0)
		clause = NULL;
	va_end(ap);

	if (clause && asprintf(&full, "%s: %s", clause,
			       d->msg ? d->msg : strerror(-err)) >= 0) {
		free(d->msg);
		d->msg = full;
	}
	free(clause);
	d->err = err;
	return err;
}

const char *diag_text(const struct diag *d)
{
	if (d->msg)
		return d->msg;
	return strerror(-d->err);
}

void diag_reset(struct diag *d)
{
	free(d->msg);
	d->msg = NULL;
	d->err = 0;
}
