// SPDX-License-Identifier: GPL-2.0-only
/* Options that choose cases, shared by run, list and lint. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "runner/plan.h"

#define REPEAT_MAX 100000u

const char *plan_opts_help(void)
{
	return
"Choice of cases:\n"
"  -f, --filter GLOB     cases whose name fits ('*' and '?' stand for any, also\n"
"                        over '/'; all else is literal), or the name without\n"
"                        [parameters]; may be repeated\n"
"      --exclude GLOB    cases whose name does not fit\n"
"  -t, --tag TAG         scenarios with this tag; !TAG: without it\n"
"  -k, --kernel K        kernel for scenarios that name none: an image (with a\n"
"                        '/') or a release; several make a case for each\n"
"      --set KEY=VALUE   over every scenario, such as vm.memory=1G\n"
"      --timeout TIME    over every scenario's vm.timeout\n"
"      --exec COMMAND    one command for the guest's shell, without a file\n"
"      --repeat N        each case N times\n"
"      --shard I/N       part I of N: all parts together are the run\n"
"      --seed N          seed of the run; default: drawn, and printed\n"
"      --shuffle         in an order drawn from the seed\n"
"  -l, --list            print the names, run nothing\n";
}

static int append(struct str_list *list, const char *s)
{
	const char **items = (const char **)list->items;

	items = realloc(items, (list->n + 1) * sizeof(*items));
	if (!items)
		return -ENOMEM;
	items[list->n++] = s;
	list->items = items;
	return 0;
}

/* A whole number; -EINVAL where there is more or nothing. */
static int number(const char *s, u64 max, u64 *ret)
{
	char *end;

	if (*s < '0' || *s > '9')
		return -EINVAL;
	errno = 0;
	*ret = strtoull(s, &end, 0);
	return errno || *end || *ret > max ? -EINVAL : 0;
}

static int take_repeat(struct plan_opts *o, const char *arg, struct diag *d)
{
	u64 n;

	if (number(arg, REPEAT_MAX, &n) || !n)
		return diag_fail(d, -EINVAL, NULL, "--repeat '%s', expected 1 to %u",
				 arg, REPEAT_MAX);
	o->repeat = (unsigned int)n;
	return 1;
}

static int take_shard(struct plan_opts *o, const char *arg, struct diag *d)
{
	const char *slash = strchr(arg, '/');
	char part[16] = "";
	u64 i, n;

	if (slash && slash - arg < (ptrdiff_t)sizeof(part))
		memcpy(part, arg, (size_t)(slash - arg));
	if (!slash || number(part, 100000, &i) || number(slash + 1, 100000, &n) ||
	    !i || i > n)
		return diag_fail(d, -EINVAL, NULL,
				 "--shard '%s', expected I/N with I from 1 to N", arg);
	o->shard = (unsigned int)i;
	o->shards = (unsigned int)n;
	return 1;
}

static int take_seed(struct plan_opts *o, const char *arg, struct diag *d)
{
	if (number(arg, UINT64_MAX, &o->seed))
		return diag_fail(d, -EINVAL, NULL, "--seed '%s', expected a number", arg);
	o->has_seed = true;
	return 1;
}

static int take_set(struct plan_opts *o, const char *arg, struct diag *d)
{
	const char *eq = strchr(arg, '=');

	if (!eq || eq == arg)
		return diag_fail(d, -EINVAL, NULL,
				 "--set '%s', expected KEY=VALUE such as vm.memory=1G", arg);
	return append(&o->sets, arg) ?: 1;
}

int plan_opts_take(struct plan_opts *o, int opt, const char *arg,
		   struct diag *d)
{
	switch (opt) {
	case 'f':
		return append(&o->filters, arg) ?: 1;
	case 't':
		return append(&o->tags, arg) ?: 1;
	case 'k':
		return append(&o->kernels, arg) ?: 1;
	case 'l':
		o->list = true;
		return 1;
	case PLAN_OPT_EXCLUDE:
		return append(&o->excludes, arg) ?: 1;
	case PLAN_OPT_SET:
		return take_set(o, arg, d);
	case PLAN_OPT_REPEAT:
		return take_repeat(o, arg, d);
	case PLAN_OPT_SHARD:
		return take_shard(o, arg, d);
	case PLAN_OPT_SEED:
		return take_seed(o, arg, d);
	case PLAN_OPT_SHUFFLE:
		o->shuffle = true;
		return 1;
	case PLAN_OPT_TIMEOUT:
		o->timeout = arg;
		return 1;
	case PLAN_OPT_EXEC:
		o->exec = arg;
		return 1;
	default:
		return 0;
	}
}

int plan_opts_add_path(struct plan_opts *o, const char *path)
{
	return append(&o->paths, path);
}

void plan_opts_reset(struct plan_opts *o)
{
	struct str_list *lists[] = { &o->paths, &o->kernels, &o->filters,
				     &o->excludes, &o->tags, &o->sets };

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		free((void *)lists[i]->items);
	*o = (struct plan_opts){ 0 };
}
