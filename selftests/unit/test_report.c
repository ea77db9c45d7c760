// SPDX-License-Identifier: GPL-2.0-only
/* report, fields, kept, json, junit: documents out and in. */
#include "runner/report.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/fields.h"
#include "runner/json.h"
#include "runner/junit.h"
#include "runner/kept.h"
#include "runner/value.h"
#include "vmm/base/buf.h"
#include "vmm/base/diag.h"
#include "vmm/base/io.h"

#include "kselftest_harness.h"

FIXTURE(report) {
	struct report *r;
	char dir[64];
};

FIXTURE_SETUP(report)
{
	self->r = report_create("a/b\xff\x01", 7);
	ASSERT_NE(NULL, self->r);
	ASSERT_EQ(0, report_set(self->r, OUTCOME_FAIL, "why \xc3"));
	value_set(self->r->block, "message", value_str("m"));
	self->r->result = value_map();
	value_set_path(self->r->result, "kaslr.offset", value_addr(0x200000));
	value_set_path(self->r->result, "kvm.exits", value_int(3));
	value_set(self->r->result, "output", value_bytes("\0\xff\n", 3));
	value_set(self->r->result, "own_name", value_int(1));
	strcpy(self->dir, "/tmp/test_report.XXXXXX");
	ASSERT_NE(NULL, mkdtemp(self->dir));
}

FIXTURE_TEARDOWN(report)
{
	report_destroy(self->r);
	io_rmtree(self->dir, NULL);
}

TEST_F(report, comes_back_from_one_line)
{
	struct report *back;
	struct buf b = { 0 };

	ASSERT_EQ(0, report_encode(self->r, &b));
	EXPECT_EQ('\n', b.data[b.len - 1]);
	EXPECT_EQ(b.data + b.len - 1, strchr(b.data, '\n'));
	ASSERT_EQ(0, report_decode(b.data, b.len, &back, NULL));
	EXPECT_STREQ(self->r->name, back->name);
	EXPECT_STREQ(self->r->reason, back->reason);
	EXPECT_EQ(OUTCOME_FAIL, back->outcome);
	EXPECT_EQ(7, back->index);
	EXPECT_TRUE(value_equal(self->r->block, back->block));
	EXPECT_TRUE(value_equal(value_get(self->r->result, "output"),
				value_get(back->result, "output")));
	EXPECT_STREQ("0x200000", value_as_str(value_path(back->result,
							 "kaslr.offset"), ""));
	report_destroy(back);
	buf_reset(&b);
}

TEST_F(report, what_is_no_report_is_refused)
{
	static const char *const bad[] = {
		"", "{", "[]", "{}", "{\"name\":\"a\"}",
		"{\"name\":1,\"outcome\":\"pass\"}",
		"{\"name\":\"a\",\"outcome\":\"good\"}",
		"{\"name\":\"a\",\"outcome\":\"pass\",\"index\":-1}",
		"{\"name\":\"a\",\"outcome\":\"pass\",\"index\":99999999999}",
		"{\"name\":\"a\",\"outcome\":\"pass\",\"block\":[]}",
		"{\"name\":\"a\",\"outcome\":\"pass\",\"result\":1}",
	};
	struct report *r;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct diag d = { 0 };

		EXPECT_EQ(-EINVAL, report_decode(bad[i], strlen(bad[i]), &r, &d)) {
			TH_LOG("%s", bad[i]);
		}
		EXPECT_NE(NULL, d.msg);
		diag_reset(&d);
	}
}

TEST_F(report, a_saved_result_holds_every_name)
{
	struct field_step step;
	struct value *all = fields_complete(self->r->result);
	size_t i, good;
	bool any;

	ASSERT_NE(NULL, all);
	for (i = 0; i < fields_count; i++) {
		if (!strpbrk(fields[i].name, ".[<"))
			EXPECT_TRUE(value_has(all, fields[i].name)) {
				TH_LOG("%s", fields[i].name);
			}
	}
	EXPECT_EQ(NULL, value_get(all, "virtio_blk"));
	EXPECT_TRUE(value_has(value_get(all, "kvm"), "hypercalls"));
	EXPECT_EQ(NULL, value_path(all, "kvm.hypercalls"));
	EXPECT_EQ(1, value_as_int(value_get(all, "own_name"), 0));
	step = (struct field_step){ "kvm", 3 };
	EXPECT_NE(NULL, fields_find(&step, 1, &good, &any));
	value_free(all);
}

/* The catalogue obeys its own rules, on which look-ups rely. */
TEST_F(report, the_catalogue_is_sound)
{
	size_t i, k;

	for (i = 0; i < fields_count; i++) {
		const char *name = fields[i].name;
		size_t len = strlen(name);

		EXPECT_NE(0, strlen(fields[i].doc));
		EXPECT_NE('.', fields[i].doc[strlen(fields[i].doc) - 1]);
		for (k = 0; k < i; k++)
			EXPECT_STRNE(name, fields[k].name);
		/* A group, or the list whose items it is in, comes first. */
		while (len && name[len] != '.' && name[len] != '[')
			len--;
		if (!len)
			continue;
		if (len > 2 && name[len - 1] == ']')
			len -= 2;
		for (k = 0; k < i; k++) {
			if (strlen(fields[k].name) == len &&
			    !strncmp(name, fields[k].name, len))
				break;
		}
		EXPECT_LT(k, i) TH_LOG("%s has no group before it", name);
	}
}

static int count_files(const char *dir)
{
	DIR *d = opendir(dir);
	int n = 0;

	while (readdir(d))
		n++;
	closedir(d);
	return n - 2;
}

TEST_F(report, a_run_directory_is_read_back)
{
	char path[200], *sub;
	struct json_report *j;
	struct totals t = { 0 };
	struct kept k;

	snprintf(path, sizeof(path), "%s/a", self->dir);
	ASSERT_EQ(0, mkdir(path, 0777));
	snprintf(path, sizeof(path), "%s/a/result.json", self->dir);
	ASSERT_EQ(0, report_save(self->r, path, NULL));
	/* Without run.json the folders tell. */
	ASSERT_EQ(0, kept_load(self->dir, &k, NULL));
	ASSERT_EQ(1, k.n);
	EXPECT_STREQ(self->r->name, k.cases[0].report->name);
	kept_reset(&k);
	/* With it the cases are those of the run, results from the folders. */
	snprintf(path, sizeof(path), "%s/run.json", self->dir);
	ASSERT_EQ(0, json_create(path, NULL, false, &j, NULL));
	ASSERT_EQ(0, json_case(j, self->r, "a", NULL));
	ASSERT_EQ(0, json_case(j, self->r, "../../etc", NULL));
	totals_add(&t, self->r->outcome);
	ASSERT_EQ(0, json_finish(j, &t, 1, "SIGINT", NULL));
	json_destroy(j);
	ASSERT_EQ(0, kept_load(self->dir, &k, NULL));
	ASSERT_EQ(2, k.n);
	EXPECT_EQ(3, value_as_int(value_path(k.cases[0].report->result,
					     "kvm.exits"), -1));
	sub = k.cases[0].dir;
	EXPECT_STREQ("/a", sub + strlen(self->dir));
	/* A path out of the run directory is not followed. */
	EXPECT_EQ(NULL, k.cases[1].dir);
	EXPECT_STREQ("SIGINT", value_as_str(value_get(k.doc, "bail_out"), ""));
	kept_reset(&k);
	EXPECT_EQ(2, count_files(self->dir));
}

TEST_F(report, kept_errors_tell_the_path)
{
	struct diag d = { 0 };
	struct kept k;
	char path[200];

	EXPECT_EQ(-ENOENT, kept_load("/nonexistent", &k, &d));
	EXPECT_NE(NULL, strstr(diag_text(&d), "/nonexistent"));
	EXPECT_EQ(-ENOENT, kept_load(self->dir, &k, &d));
	EXPECT_NE(NULL, strstr(diag_text(&d), "holds no run"));
	snprintf(path, sizeof(path), "%s/run.json", self->dir);
	ASSERT_EQ(0, io_write_file(path, "{\"cases\":[{}]}", 14, NULL));
	EXPECT_EQ(-EINVAL, kept_load(self->dir, &k, &d));
	EXPECT_NE(NULL, strstr(diag_text(&d), path));
	ASSERT_EQ(0, io_write_file(path, "{\"cases\":7}", 11, NULL));
	EXPECT_EQ(-EINVAL, kept_load(self->dir, &k, &d));
	ASSERT_EQ(0, io_write_file(path, "[]", 2, NULL));
	EXPECT_EQ(-EINVAL, kept_load(self->dir, &k, &d));
	diag_reset(&d);
}

TEST_F(report, a_document_without_its_end_leaves_no_file)
{
	struct json_report *j;
	char path[200];

	snprintf(path, sizeof(path), "%s/x.json", self->dir);
	ASSERT_EQ(0, json_create(path, NULL, true, &j, NULL));
	ASSERT_EQ(0, json_case(j, self->r, NULL, NULL));
	EXPECT_EQ(1, count_files(self->dir));
	json_destroy(j);
	EXPECT_EQ(0, count_files(self->dir));
}

TEST_F(report, a_place_that_cannot_be_written_is_told)
{
	struct junit *junit = junit_create("s");
	struct json_report *j;
	struct diag d = { 0 };

	EXPECT_EQ(-ENOENT, json_create("/nonexistent/x", NULL, true, &j, &d));
	EXPECT_NE(NULL, strstr(diag_text(&d), "/nonexistent/x"));
	diag_reset(&d);
	EXPECT_EQ(0, junit_case(junit, self->r));
	EXPECT_EQ(-ENOENT, junit_save(junit, "/nonexistent/x", &d));
	EXPECT_NE(NULL, strstr(diag_text(&d), "/nonexistent/x"));
	diag_reset(&d);
	junit_destroy(junit);
}

TEST(outcomes_have_names)
{
	enum outcome o, back;

	for (o = 0; o < OUTCOME_COUNT; o++) {
		ASSERT_EQ(0, outcome_parse(outcome_name(o), &back));
		EXPECT_EQ(o, back);
	}
	EXPECT_EQ(-EINVAL, outcome_parse("", &back));
}

TEST_HARNESS_MAIN
