// SPDX-License-Identifier: GPL-2.0-only
/* The keys whose values have a grammar of their own, but for the workload's. */
#include "runner/parse.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "runner/problem.h"
#include "runner/topo.h"

static int parse_kernel(struct parse_ctx *ctx, const struct ynode *n, void *out)
{
	struct scen_kernel *kernel = out;
	const char *text;
	int rc = parse_text(ctx, n, &text);

	if (rc)
		return rc;
	if (strchr(text, '/') || text[0] == '.' || text[0] == '$') {
		kernel->release = NULL;
		return parse_path(ctx, n, &kernel->image);
	}
	if (strspn(text, ALNUM_CHARS "._+~-") != n->n)
		return parse_error(ctx, n, "'%.60s', expected a release such as 6.12 or a path with a '/'",
				   text);
	kernel->image = NULL;
	kernel->release = text;
	return 0;
}

const struct key_custom custom_kernel = {
	.parse = parse_kernel,
	.form = "a release, a path",
	.schema = "\"type\": [\"string\", \"number\"], "
		  "\"pattern\": \"^([0-9A-Za-z._+~-]+|.*/.*|[.$].*)$\"",
};

static int parse_kaslr(struct parse_ctx *ctx, const struct ynode *n, void *out)
{
	struct kaslr_want *kaslr = out;
	bool on;
	s64 seed;
	int rc;

	if (n->type == YNODE_SCALAR && n->plain && n->n &&
	    n->text[0] >= '0' && n->text[0] <= '9') {
		rc = parse_int(ctx, n, 0, INT64_MAX, &seed);
		if (!rc)
			*kaslr = (struct kaslr_want){ KASLR_SEED, (u64)seed };
		return rc;
	}
	if (!scan_bool(n, &on))
		return parse_error(ctx, n, "%s, expected true, false or a number as seed",
				   n->type == YNODE_SCALAR && n->n ? n->text : ynode_kind(n));
	*kaslr = (struct kaslr_want){ on ? KASLR_DEFAULT : KASLR_OFF, 0 };
	return 0;
}

const struct key_custom custom_kaslr = {
	.parse = parse_kaslr,
	.form = "true, false or a number as seed",
	.schema = "\"type\": [\"boolean\", \"integer\"], \"minimum\": 0",
};

/* "1n2l4c2t": nodes, LLCs, cores per LLC, threads per core. */
static bool scan_topology(const char *s, struct scen_topology *t)
{
	static const char letters[] = "nlct";
	u32 *const parts[] = { &t->nodes, &t->llcs, &t->cores, &t->threads };
	unsigned long v;
	char *end;

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		if (*s < '0' || *s > '9')
			return false;
		v = strtoul(s, &end, 10);
		if (*end != letters[i] || !v || v > SCEN_MAX_CPUS)
			return false;
		*parts[i] = (u32)v;
		s = end + 1;
	}
	return !*s;
}

static const char *preset_name(void *arg, size_t i)
{
	(void)arg;
	return topo_presets[i].name;
}

static int parse_cpus(struct parse_ctx *ctx, const struct ynode *n, void *out)
{
	struct scen_topology t = { .nodes = 1, .llcs = 1, .cores = 1, .threads = 1 };
	const struct topo_preset *preset = topo_preset_find(n->text);
	const char *near;
	s64 cpus;

	if (preset) {
		t = preset->t;
	} else if (!scan_topology(n->text, &t)) {
		if (n->text[0] < '0' || n->text[0] > '9' || !n->plain ||
		    strpbrk(n->text, "nlct")) {
			near = nearest_word(n->text, preset_name, NULL);
			return parse_error(ctx, n, "'%.60s', expected a number of CPUs, nodes, LLCs, cores and threads such as 1n2l4c2t, or a preset%s%s%s",
					   n->text, near ? " (did you mean '" : "",
					   near ? near : "", near ? "'?)" : "");
		}
		if (parse_int(ctx, n, 1, SCEN_MAX_CPUS, &cpus))
			return -EINVAL;
		t = (struct scen_topology){ .nodes = 1, .llcs = 1,
					    .cores = (u32)cpus, .threads = 1 };
	}
	*(struct scen_topology *)out = t;
	return 0;
}

const struct key_custom custom_cpus = {
	.parse = parse_cpus,
	.form = "a number of CPUs, a text such as 1n2l4c2t, a preset",
	.schema = "\"type\": [\"integer\", \"string\"], \"minimum\": 1, \"maximum\": 64, "
		  "\"pattern\": \"^([0-9]+n[0-9]+l[0-9]+c[0-9]+t@)$\"",
};

static int parse_num_table(struct parse_ctx *ctx, const struct ynode *n,
			   void *out)
{
	size_t rows = n->n, k = 0;
	u64 *cells;
	s64 v;

	if (n->type != YNODE_LIST || !rows || rows > SCEN_MAX_NODES)
		return parse_error(ctx, n, "%s, expected a list with a row of numbers per node",
				   ynode_kind(n));
	cells = arena_alloc(ctx->arena, rows * rows * sizeof(*cells));
	if (!cells)
		return -ENOMEM;
	for (u32 i = 0; i < rows; i++) {
		const struct ynode *row = n->items[i];

		if (row->type != YNODE_LIST || row->n != rows)
			return parse_error(ctx, row, "a row that is no list of %zu numbers, expected as many as there are rows",
					   rows);
		for (u32 j = 0; j < rows; j++) {
			if (parse_int(ctx, row->items[j], 0, 1000000, &v))
				return -EINVAL;
			cells[k++] = (u64)v;
		}
	}
	*(struct num_table *)out = (struct num_table){ cells, k };
	return 0;
}

const struct key_custom custom_num_table = {
	.parse = parse_num_table,
	.form = "a square table of numbers",
	.schema = "\"type\": \"array\", \"items\": {\"type\": \"array\", "
		  "\"items\": {\"type\": \"integer\", \"minimum\": 0}}",
};

static int parse_stats(struct parse_ctx *ctx, const struct ynode *n, void *out)
{
	struct scen_stats *stats = out;
	bool on;

	if (parse_bool(ctx, n, &on))
		return -EINVAL;
	*stats = (struct scen_stats){ .present = on, .phases = on };
	return 0;
}

const struct key_custom custom_stats = {
	.parse = parse_stats,
	.form = "true, false",
	.schema = "\"type\": \"boolean\"",
};

static int parse_times(struct parse_ctx *ctx, const struct ynode *n, void *out)
{
	struct { const u64 *items; size_t n; } list = { .n = 0 };
	u64 *items;

	_Static_assert(sizeof(list) == sizeof(((struct scen_stats *)0)->at),
		       "the layout of LIST_OF(u64)");
	if (n->type != YNODE_LIST || !n->n || n->n > 1000)
		return parse_error(ctx, n, "%s, expected a list of times",
				   ynode_kind(n));
	items = arena_alloc(ctx->arena, n->n * sizeof(*items));
	if (!items)
		return -ENOMEM;
	for (u32 i = 0; i < n->n; i++) {
		if (parse_duration(ctx, n->items[i], 1, INT64_MAX, &items[i]))
			return -EINVAL;
		if (i && items[i] <= items[i - 1])
			return parse_error(ctx, n->items[i],
					   "'%.60s', expected a later time than the one before",
					   n->items[i]->text);
	}
	list.items = items;
	list.n = n->n;
	memcpy(out, &list, sizeof(list));
	return 0;
}

const struct key_custom custom_times = {
	.parse = parse_times,
	.form = "a list of times",
	.schema = "\"type\": \"array\", \"minItems\": 1, \"items\": {\"type\": "
		  "\"string\", \"pattern\": \"^(0x[0-9a-fA-F]+|[0-9]+)(ms|s|m)$\"}",
};

static int parse_expect(struct parse_ctx *ctx, const struct ynode *n, void *out)
{
	static const char *const words[] = {
		"pass", "fail", "exit N", "panic", "timeout",
		"scheduler_exit", "monitor", NULL,
	};
	struct expect_want *expect = out;
	struct ynode number = *n;
	u32 kind;
	s64 code;

	if (n->type == YNODE_SCALAR && !strncmp(n->text, "exit ", 5)) {
		number.text += 5;
		number.n -= 5;
		number.plain = true;
		number.col += 5;
		if (parse_int(ctx, &number, 0, 255, &code))
			return -EINVAL;
		*expect = (struct expect_want){ EXPECT_EXIT, (s32)code };
		return 0;
	}
	if (n->type == YNODE_SCALAR && !strncmp(n->text, "exit", 4))
		return parse_error(ctx, n, "'%.60s', expected a status behind exit, such as `exit 3`",
				   n->text);
	if (parse_enum(ctx, n, words, &kind))
		return -EINVAL;
	*expect = (struct expect_want){ (enum expect_kind)kind, 0 };
	return 0;
}

const struct key_custom custom_expect = {
	.parse = parse_expect,
	.form = "pass, fail, exit N, panic, timeout, scheduler_exit or monitor",
	.schema = "\"type\": \"string\", \"pattern\": "
		  "\"^(pass|fail|exit [0-9]+|panic|timeout|scheduler_exit|monitor)$\"",
};

/* Its schema is made from the table: a list for each key. */
const struct key_custom custom_matrix = {
	.form = "a map of dotted keys with lists of values, and exclude, include, constraints",
};

const struct key_custom custom_defaults = {
	.form = "a path or a list of paths",
	.schema = "\"type\": [\"string\", \"array\"], \"items\": {\"type\": \"string\"}",
};
