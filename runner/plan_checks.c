// SPDX-License-Identifier: GPL-2.0-only
#include "runner/plan_checks.h"

#include <errno.h>
#include <string.h>

#include "runner/expr.h"
#include "runner/value.h"

/*
 * The place of byte @off in a check's text. In a text of one line that is so
 * many columns further; in a block of lines the beginning has to do.
 */
static struct loc place(const struct located_text *c, size_t off)
{
	struct loc loc = c->loc;

	for (size_t i = 0; i < off && c->text[i]; i++) {
		if (c->text[i] == '\n')
			return c->loc;
		loc.col += ((unsigned char)c->text[i] & 0xc0) != 0x80;
	}
	return loc;
}

int plan_checks_judge(const struct scenario *sc, const struct source_text *src,
		      struct problems *p)
{
	struct expr_error err;
	struct expr *e;
	struct loc loc;
	int rc, worst = 0;

	for (size_t i = 0; i < sc->checks.n; i++) {
		const struct located_text *c = &sc->checks.items[i];

		rc = expr_parse_check(c->text, &e, &err);
		if (rc == -ENOMEM)
			return rc;
		if (!rc) {
			expr_destroy(e);
			continue;
		}
		loc = place(c, err.off);
		worst = problem_add(p, PROBLEM_ERROR, &loc, src, "%s", err.msg);
	}
	return worst;
}

/* Does it come out the same whatever the result is? */
static bool is_constant(const struct expr *e, bool *outcome)
{
	struct value *empty = value_map();
	struct expr_result r = { 0 };
	bool constant = false;

	if (empty && !expr_eval(e, empty, &r)) {
		constant = r.status == EXPR_VALUE && r.names &&
			   !r.names->list.len;
		*outcome = value_as_bool(r.value, false);
		expr_result_reset(&r);
	}
	value_free(empty);
	return constant;
}

void plan_checks_lint(const struct scenario *sc, const struct source_text *src,
		      struct problems *p)
{
	struct expr_error err;
	struct expr *e;
	bool outcome;

	for (size_t i = 0; i < sc->checks.n; i++) {
		const struct located_text *c = &sc->checks.items[i];

		/* What exists() asks for is not among the names that were read. */
		if (strstr(c->text, "exists(") ||
		    expr_parse_check(c->text, &e, &err))
			continue;
		if (is_constant(e, &outcome))
			problem_add(p, PROBLEM_WARNING, &c->loc, src,
				    "always %s, expected a check that names something of the result",
				    outcome ? "true" : "false");
		expr_destroy(e);
	}
}
