// SPDX-License-Identifier: GPL-2.0-only
/* The catalogue as a table, and look-ups in it; see fields.h. */
#include "runner/fields.h"

#include <errno.h>
#include <string.h>

#include "runner/problem.h"
#include "runner/value.h"
#include "vmm/base/buf.h"
#include "vmm/base/util.h"

const struct field fields[] = {
#define FIELD(n, t, u, s, b, d, a) \
	{ n, FIELD_##t, u, SHOW_##s, BETTER_##b, d, a },
#include "runner/fields.def"
#undef FIELD
};

const size_t fields_count = ARRAY_SIZE(fields);

/* One step of a catalogue name: a key, "<any key>", or "[]". */
struct pattern {
	const char *text;
	size_t len;
};

/* Take the next step off *@p; false at the end. */
static bool pattern_next(const char **p, struct pattern *step)
{
	if (**p == '.')
		(*p)++;
	if (!**p)
		return false;
	step->text = *p;
	step->len = **p == '[' ? 2 : strcspn(*p, ".[");
	*p += step->len;
	return true;
}

static bool step_matches(const struct pattern *pat,
			 const struct field_step *step)
{
	if (!step->key)
		return pat->text[0] == '[';
	if (pat->text[0] == '<')
		return true;
	return pat->len == step->len && !memcmp(pat->text, step->key, pat->len);
}

enum match { MATCH_NO, MATCH_WHOLE, MATCH_PREFIX };

static enum match field_matches(const struct field *f,
				const struct field_step *steps, size_t n)
{
	const char *p = f->name;
	struct pattern pat;
	size_t i;

	for (i = 0; i < n; i++) {
		if (!pattern_next(&p, &pat) || !step_matches(&pat, &steps[i]))
			return MATCH_NO;
	}
	return *p ? MATCH_PREFIX : MATCH_WHOLE;
}

/* Items of a list of maps have names below them and no line of their own. */
static const struct field item_field = {
	.name = "", .type = FIELD_MAP, .unit = "", .show = SHOW_ALWAYS,
	.doc = "one item",
};

/* The first whole match wins: explicit names stand before wildcards. */
static const struct field *field_at(const struct field_step *steps, size_t n)
{
	bool prefix = false;
	size_t i;

	for (i = 0; i < fields_count; i++) {
		switch (field_matches(&fields[i], steps, n)) {
		case MATCH_WHOLE:
			return &fields[i];
		case MATCH_PREFIX:
			prefix = true;
			break;
		case MATCH_NO:
			break;
		}
	}
	return prefix ? &item_field : NULL;
}

const struct field *fields_find(const struct field_step *steps, size_t n,
				size_t *good, bool *any)
{
	const struct field *f = NULL;
	size_t i;

	*any = false;
	for (i = 0; i < n; i++) {
		f = field_at(steps, i + 1);
		if (!f)
			break;
		if (f->type == FIELD_ANY) {
			*any = true;
			*good = n;
			return f;
		}
	}
	*good = i;
	return i == n ? f : NULL;
}

int fields_dotted(const struct field_step *steps, size_t n, struct buf *out)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (!steps[i].key) {
			buf_puts(out, "[]");
			continue;
		}
		if (i)
			buf_putc(out, '.');
		buf_add(out, steps[i].key, steps[i].len);
	}
	return out->failed ? -ENOMEM : 0;
}

/* The known keys that may stand as the last step, one after the other. */
struct candidates {
	const struct field_step *steps;
	size_t n;
	struct buf *pool;
};

static const char *candidate(void *arg, size_t want)
{
	struct candidates *c = arg;
	struct pattern pat;
	size_t i, k;

	for (i = 0; i < fields_count; i++) {
		const char *p = fields[i].name;

		for (k = 0; k + 1 < c->n; k++) {
			if (!pattern_next(&p, &pat) ||
			    !step_matches(&pat, &c->steps[k]))
				break;
		}
		if (k + 1 < c->n || !pattern_next(&p, &pat) || *p ||
		    !strchr("abcdefghijklmnopqrstuvwxyz", pat.text[0]))
			continue;
		if (!want--)
			return pat.text;
	}
	return NULL;
}

/* A last key that is right, with its group left out or mistaken. */
static const char *elsewhere(const struct field_step *last)
{
	size_t i;

	for (i = 0; i < fields_count; i++) {
		const char *name = fields[i].name;
		size_t len = strlen(name);

		if (len > last->len && !strpbrk(name, "<[") &&
		    name[len - last->len - 1] == '.' &&
		    !memcmp(name + len - last->len, last->key, last->len))
			return name;
	}
	return NULL;
}

const char *fields_nearest(const struct field_step *steps, size_t n,
			   struct buf *pool)
{
	struct candidates c = { .steps = steps, .n = n, .pool = pool };
	const char *near;

	if (!n || !steps[n - 1].key)
		return NULL;
	if (buf_add(pool, steps[n - 1].key, steps[n - 1].len))
		return NULL;
	near = nearest_word(buf_str(pool), candidate, &c);
	return near ? near : elsewhere(&steps[n - 1]);
}

static const struct value *step_into(const struct value *v,
				     const struct field_step *step)
{
	size_t i;

	if (!v || v->type != VALUE_MAP || !step->key)
		return NULL;
	for (i = 0; i < v->map.len; i++) {
		const char *key = v->map.keys[i];

		if (!strncmp(key, step->key, step->len) && !key[step->len])
			return v->map.items[i]->type == VALUE_NULL ?
			       NULL : v->map.items[i];
	}
	return NULL;
}

static const char *own_words(const struct field_step *steps, size_t n,
			     const struct value *result)
{
	struct buf name = { 0 };
	const char *why = NULL;

	if (!fields_dotted(steps, n, &name))
		why = value_as_str(value_get(value_get(result, "absent"),
					     buf_str(&name)), NULL);
	buf_reset(&name);
	return why;
}

const char *fields_why_absent(const struct field_step *steps, size_t n,
			      const struct value *result, size_t *at)
{
	const struct value *v = result;
	const struct field *f;
	const char *why;
	size_t i;

	/* What is null first on the way down tells why. */
	for (i = 0; i + 1 < n; i++) {
		if (!steps[i].key || !steps[i + 1].key) {
			i = n - 1;
			break;
		}
		v = step_into(v, &steps[i]);
		if (!v)
			break;
	}
	*at = i + 1;
	why = own_words(steps, *at, result);
	for (i = *at; !why && i; i--) {
		f = field_at(steps, i);
		if (f)
			why = f->absent;
		if (f && f->type == FIELD_ANY && !why)
			break;
	}
	return why ? why : "there is no such value in this result";
}

bool fields_reads_zero(const struct field *f)
{
	return f->type == FIELD_INT && !strncmp(f->name, "kvm.", 4) &&
	       strncmp(f->name, "kvm.vcpu", 8);
}
