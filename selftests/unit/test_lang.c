// SPDX-License-Identifier: GPL-2.0-only
/*
 * The scenario language on files: each of selftests/lang/bad/ gives exactly
 * the errors that lie beside it, each of good/ gives none and says the same as
 * its neighbour in .cases. VMTAP_GOLDEN=write in the environment writes them.
 */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runner/plan_int.h"
#include "runner/problem.h"
#include "vmm/base/buf.h"
#include "vmm/base/io.h"

#include "kselftest.h"

static bool writing;

/* Files that are only parts of others begin with '_'. */
static int is_case(const struct dirent *e)
{
	const char *dot = strrchr(e->d_name, '.');

	return e->d_name[0] != '_' && dot && !strcmp(dot, ".yaml");
}

static void tell(const char *what, const char *text)
{
	char *copy = strdup(text), *line, *rest = copy;

	ksft_print_msg("%s:\n", what);
	while ((line = strsep(&rest, "\n")))
		ksft_print_msg("  %s\n", line);
	free(copy);
}

/* Same text as in file @golden? */
static bool same(const char *golden, const struct buf *got)
{
	struct buf want = { 0 };
	bool ok;

	if (writing) {
		ok = !io_write_file(golden, buf_str(got), got->len, NULL);
	} else {
		ok = !io_read_file(golden, 1 << 20, &want, NULL) &&
		     want.len == got->len &&
		     !memcmp(buf_str(&want), buf_str(got), got->len);
		if (!ok) {
			tell("wanted", buf_str(&want));
			tell("got", buf_str(got));
		}
	}
	buf_reset(&want);
	return ok;
}

static void add_cases(const struct plan *plan, struct buf *out)
{
	for (size_t i = 0; i < plan->n; i++) {
		const struct test_case *c = &plan->cases[i];

		buf_printf(out, "%u %s%s%s\n", c->number, c->name,
			   c->skip ? " skip: " : "", c->skip ? c->skip : "");
	}
}

static bool run_file(const char *dir, const char *name, bool good)
{
	struct plan_opts o = { .has_seed = true, .seed = 1 };
	struct problems p = { 0 };
	struct buf out = { 0 };
	struct plan plan = { 0 };
	char path[512], golden[512];
	bool ok;
	int rc;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	snprintf(golden, sizeof(golden), "%s/%.*s.%s", dir,
		 (int)(strlen(name) - 5), name, good ? "cases" : "err");
	plan_opts_add_path(&o, path);
	rc = plan_make(&o, &p, &plan);
	problems_format(&p, &out);
	add_cases(&plan, &out);
	ok = good ? !rc && !p.errors : rc == -EINVAL && p.errors;
	ok = same(golden, &out) && ok;
	plan_destroy(&plan);
	plan_opts_reset(&o);
	problems_reset(&p);
	buf_reset(&out);
	return ok;
}

static void run_folder(struct dirent **files, int n, const char *dir, bool good)
{
	for (int i = 0; i < n; i++) {
		ksft_test_result(run_file(dir, files[i]->d_name, good), "%s/%s\n",
				 dir, files[i]->d_name);
		free(files[i]);
	}
	free(files);
}

int main(void)
{
	const char *top = getenv("VMTAP_TOP"), *mode = getenv("VMTAP_GOLDEN");
	struct dirent **bad, **good;
	int nr_bad, nr_good;

	ksft_print_header();
	unsetenv("VMTAP_NO_SUCH_VARIABLE");
	writing = mode && !strcmp(mode, "write");
	/* kselftest's install puts the folder beside the tests. */
	if (chdir(top ? top : ".") || (chdir("selftests/lang") && chdir("lang")))
		ksft_exit_skip("no folder selftests/lang or lang here or in $VMTAP_TOP\n");
	nr_bad = scandir("bad", &bad, is_case, alphasort);
	nr_good = scandir("good", &good, is_case, alphasort);
	if (nr_bad < 60 || nr_good < 1)
		ksft_exit_fail_msg("%d bad and %d good files, expected at least 60 and 1\n",
				   nr_bad, nr_good);
	ksft_set_plan((unsigned int)(nr_bad + nr_good));
	run_folder(bad, nr_bad, "bad", false);
	run_folder(good, nr_good, "good", true);
	ksft_finished();
}
