// SPDX-License-Identifier: GPL-2.0-only
/*
 * tapgen: reports as JSON lines on stdin (report_encode()'s form), through the
 * real reporters. For tests that feed them anything at all.
 *
 *	tapgen [--ktap] [--junit FILE] [--json FILE] [--bail-out WHY]
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runner/json.h"
#include "runner/junit.h"
#include "runner/tap.h"
#include "vmm/base/diag.h"

struct all {
	struct report **items;
	size_t n;
};

static int read_all(struct all *all)
{
	struct diag d = { 0 };
	char *line = NULL;
	size_t cap = 0;
	ssize_t len;

	while ((len = getline(&line, &cap, stdin)) > 0) {
		all->items = reallocarray(all->items, all->n + 1,
					  sizeof(*all->items));
		if (!all->items ||
		    report_decode(line, (size_t)len, &all->items[all->n], &d)) {
			fprintf(stderr, "tapgen: report %zu: %s\n", all->n,
				diag_text(&d));
			return -1;
		}
		all->n++;
	}
	free(line);
	return 0;
}

static int write_junit(const struct all *all, const char *path)
{
	struct junit *j = junit_create("tapgen");
	size_t i;
	int err = !j;

	for (i = 0; !err && i < all->n; i++)
		err = junit_case(j, all->items[i]);
	if (!err)
		err = junit_save(j, path, NULL);
	junit_destroy(j);
	return err;
}

static int write_json(const struct all *all, const char *path)
{
	struct json_report *j = NULL;
	struct totals totals = { 0 };
	size_t i;
	int err = json_create(path, NULL, true, &j, NULL);

	for (i = 0; !err && i < all->n; i++) {
		totals_add(&totals, all->items[i]->outcome);
		err = json_case(j, all->items[i], NULL, NULL);
	}
	if (!err)
		err = json_finish(j, &totals, totals_exit_status(&totals, false),
				  NULL, NULL);
	json_destroy(j);
	return err;
}

static int write_tap(const struct all *all, enum tap_format format,
		     const char *bail_out)
{
	struct tap *t = tap_create(1, format, (unsigned int)all->n, NULL);
	size_t i;
	int err = t ? 0 : -1, status;

	for (i = 0; !err && i < all->n; i++)
		err = tap_point(t, all->items[i]);
	if (!err && bail_out)
		err = tap_bail_out(t, bail_out);
	if (!err)
		err = tap_finish(t, -1);
	status = err ? EXIT_OUR_FAULT :
		 totals_exit_status(tap_totals(t), format == TAP_KTAP);
	tap_destroy(t);
	return status;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "ktap", no_argument, NULL, 'k' },
		{ "junit", required_argument, NULL, 'u' },
		{ "json", required_argument, NULL, 'j' },
		{ "bail-out", required_argument, NULL, 'b' },
		{ 0 },
	};
	const char *junit = NULL, *json = NULL, *bail_out = NULL;
	enum tap_format format = TAP_13;
	struct all all = { 0 };
	int opt, status;
	size_t i;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		if (opt == 'k')
			format = TAP_KTAP;
		else if (opt == 'u')
			junit = optarg;
		else if (opt == 'j')
			json = optarg;
		else if (opt == 'b')
			bail_out = optarg;
		else
			return EXIT_BAD_USAGE;
	}
	if (read_all(&all))
		return EXIT_OUR_FAULT;
	status = write_tap(&all, format, bail_out);
	if ((junit && write_junit(&all, junit)) ||
	    (json && write_json(&all, json)))
		status = EXIT_OUR_FAULT;
	for (i = 0; i < all.n; i++)
		report_destroy(all.items[i]);
	free(all.items);
	return status;
}
