// SPDX-License-Identifier: GPL-2.0-only
/* The second run of a scheduler's crash; see again.h. */
#include "runner/again.h"

#include <stdlib.h>
#include <string.h>

#include "runner/guestfs.h"
#include "runner/live.h"
#include "runner/scenario.h"
#include "runner/schedexit.h"
#include "runner/value.h"
#include "vmm/base/diag.h"
#include "vmm/base/log.h"

#define PROBES_MAX 8

static void parse_end(const struct live *live, struct schedexit *end)
{
	size_t len = 0;
	char *out = textlog_text(&live->heard.sched_log, &len);

	schedexit_parse(live->log, live->log_len, out, len, end);
	end->dump = NULL;
	free(out);
}

bool again_wanted(const struct live *live)
{
	const struct scen_scheduler *sch = &live->s->scheduler;
	struct schedexit end;

	if (!sch->present || !live->heard.sched_exit || live->timed_out ||
	    sch->repro == REPRO_NEVER ||
	    (sch->repro == REPRO_ON_FAILURE &&
	     live->s->expect.kind == EXPECT_SCHED_EXIT))
		return false;
	parse_end(live, &end);
	return schedexit_is_error(&end) && end.nr_stack;
}

/* A BPF program has no place for a kprobe, and the helper before it is enough. */
static bool can_probe(const char *symbol)
{
	return strncmp(symbol, "bpf_prog_", 9) && strncmp(symbol, "bpf__", 5) &&
	       !strchr(symbol, ':');
}

static size_t choose(const struct schedexit *end, const char **symbols)
{
	size_t n = 0, i, j;

	/*
	 * The innermost one comes first, where the recording stops: it is
	 * sched_ext's own, and is called for nothing but an error.
	 */
	for (i = 0; i < end->nr_stack && n < PROBES_MAX; i++) {
		for (j = 0; j < n; j++)
			if (!strcmp(symbols[j], end->stack[i]))
				break;
		if (j == n && can_probe(end->stack[i]))
			symbols[n++] = end->stack[i];
	}
	return n;
}

static int run(struct live *x, const struct live_cfg *cfg,
	       const struct str_list *probes, struct diag *d)
{
	struct guestfs guest;
	struct live_cfg again = *cfg;
	int err = guestfs_build(&guest, cfg->scenario, cfg->kernel, probes,
				cfg->time_factor, d);

	again.initramfs = guest.fs;
	again.dir = NULL;
	again.phase = NULL;
	if (!err)
		err = live_create(x, &again, d);
	if (!err)
		err = live_run(x, d);
	if (!err)
		live_stop(x);
	guestfs_deinit(&guest);
	return err;
}

struct value *again_run(const struct live *live, const struct live_cfg *cfg)
{
	const char *symbols[PROBES_MAX];
	struct live *x = calloc(1, sizeof(*x));
	struct str_list probes = { .items = symbols };
	struct value *ret = NULL;
	struct schedexit end;
	struct diag d = { 0 };

	if (!x)
		return NULL;
	x->loop.epfd = x->loop.stop_fd = x->watchdog.fd = x->drain.fd = -1;
	parse_end(live, &end);
	probes.n = choose(&end, symbols);
	if (run(x, cfg, &probes, &d))
		log_warn("again", "the crash was not run once more: %s",
			 diag_text(&d));
	else if (!x->heard.probes.len)
		log_warn("again", "the second run ended without what its probes saw");
	else
		ret = schedexit_probes(x->heard.probes.data, x->heard.probes.len,
				       symbols, probes.n);
	if (x->s)
		live_destroy(x);
	free(x);
	diag_reset(&d);
	return ret;
}
