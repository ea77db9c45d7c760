// SPDX-License-Identifier: GPL-2.0-only
/* Figures from the guest as a tree; see metrics.h. */
#include "runner/metrics.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "runner/value.h"

/* One step of a path: a key, or an index where @key is empty. */
struct step {
	char key[METRICS_NAME_MAX + 1];
	size_t index;
	bool is_index;
};

static bool take_key(const char **p, const char *end, const char *stops,
		     struct step *step)
{
	size_t n = 0;

	while (*p < end && !strchr(stops, **p)) {
		if (n == METRICS_NAME_MAX || !isprint((unsigned char)**p))
			return false;
		step->key[n++] = *(*p)++;
	}
	step->key[n] = '\0';
	return n > 0;
}

static bool take_index(const char **p, const char *end, struct step *step)
{
	size_t v = 0, digits = 0;

	for (; *p < end && isdigit((unsigned char)**p) && digits < 6; digits++)
		v = v * 10 + (size_t)(*(*p)++ - '0');
	step->is_index = true;
	step->index = v;
	return digits && *p < end && *(*p)++ == ']';
}

/* The next step off @p; false: not well formed. */
static bool take_step(const char **p, const char *end, bool first,
		      struct step *step)
{
	*step = (struct step){ 0 };
	if (**p == '[') {
		++*p;
		if (*p < end && **p == '"') {
			++*p;
			if (!take_key(p, end, "\"", step) || end - *p < 2 ||
			    (*p)[1] != ']')
				return false;
			*p += 2;
			return true;
		}
		return take_index(p, end, step);
	}
	if (!first) {
		if (**p != '.')
			return false;
		++*p;
	}
	return take_key(p, end, ".[", step);
}

/* The container that @step leads to, made where it is not there. */
static struct value *enter(struct value *at, const struct step *step, bool list)
{
	struct value *next = NULL, *made;

	if (step->is_index) {
		if (at->type != VALUE_LIST || step->index > at->list.len)
			return NULL;
		if (step->index < at->list.len)
			next = at->list.items[step->index];
	} else {
		if (at->type != VALUE_MAP || at->map.len >= METRICS_KEYS)
			return NULL;
		next = value_get(at, step->key);
	}
	if (next)
		return next->type == (list ? VALUE_LIST : VALUE_MAP) ? next : NULL;
	made = list ? value_list() : value_map();
	if (step->is_index ? value_append(at, made) :
			     value_set(at, step->key, made))
		return NULL;
	return made;
}

static bool put(struct value *at, const struct step *step, struct value *leaf)
{
	if (step->is_index && at->type == VALUE_LIST &&
	    step->index == at->list.len)
		return !value_append(at, leaf);
	if (!step->is_index && at->type == VALUE_MAP &&
	    at->map.len < METRICS_KEYS)
		return !value_set(at, step->key, leaf);
	value_free(leaf);
	return false;
}

static struct value *leaf_of(const char *p, const char *end)
{
	char num[32];
	size_t len = (size_t)(end - p);

	if (len >= 2 && *p == '"' && end[-1] == '"')
		return value_bytes(p + 1, len - 2 > METRICS_TEXT_MAX ?
				   METRICS_TEXT_MAX : len - 2);
	if (!len || len >= sizeof(num))
		return NULL;
	memcpy(num, p, len);
	num[len] = '\0';
	return strchr(num, '.') ? value_float(strtod(num, NULL)) :
				  value_int(strtoll(num, NULL, 0));
}

/* The '=' behind the path: one in a quoted name does not count. */
static const char *find_equals(const char *p, const char *end)
{
	bool quoted = false;

	for (; p < end; p++) {
		if (*p == '"')
			quoted = !quoted;
		else if (*p == '=' && !quoted)
			return p;
	}
	return NULL;
}

static bool add_line(struct value *root, const char *p, const char *end)
{
	const char *eq = find_equals(p, end);
	struct value *at = root, *leaf;
	struct step step;
	int depth;

	if (!eq || eq == p)
		return false;
	for (depth = 0; depth < METRICS_DEPTH; depth++) {
		if (!take_step(&p, eq, !depth, &step))
			return false;
		if (p == eq)
			break;
		at = enter(at, &step, *p == '[' && (eq - p < 2 || p[1] != '"'));
		if (!at)
			return false;
	}
	leaf = p == eq ? leaf_of(eq + 1, end) : NULL;
	return leaf && put(at, &step, leaf);
}

size_t metrics_add(struct value *root, size_t *nr, const char *text, size_t len)
{
	const char *p = text, *end = text + len;
	size_t dropped = 0;

	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		const char *stop = nl ? nl : end;

		if (stop > p) {
			if (*nr < METRICS_MAX && add_line(root, p, stop))
				++*nr;
			else
				dropped++;
		}
		p = nl ? nl + 1 : end;
	}
	return dropped;
}
