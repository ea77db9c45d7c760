// SPDX-License-Identifier: GPL-2.0-only
/* check: outcomes with text, place and values; what goes into the block. */
#include "runner/check.h"

#include <string.h>

#include "runner/value.h"
#include "vmm/base/buf.h"

#include "kselftest_harness.h"

static const struct loc here = { .file = "a.yaml", .line = 7, .col = 5 };

static struct value *json(const char *text)
{
	struct value *v = NULL;

	if (value_from_json(text, strlen(text), &v, NULL))
		return NULL;
	return v;
}

/* The one check's outcome as JSON; owned. */
static char *outcome(const char *text, const char *result, size_t *failed)
{
	struct value *r = json(result), *list = NULL;
	struct check c = { 0 };
	struct buf b = { 0 };
	struct diag d = { 0 };

	if (check_compile(text, &here, &c, &d)) {
		buf_puts(&b, diag_text(&d));
		diag_reset(&d);
	} else if (!checks_eval(&c, 1, r, &list, failed)) {
		value_to_json(list, 0, &b);
		check_deinit(&c);
	}
	value_free(list);
	value_free(r);
	return buf_steal(&b);
}

TEST(a_bad_check_tells_file_line_and_column)
{
	size_t failed;
	char *seen = outcome("virtio_blk.io_eror == 0", "{}", &failed);

	EXPECT_STREQ("a.yaml:7:16: check `virtio_blk.io_eror == 0`: there is no name `virtio_blk.io_eror` (did you mean `virtio_blk.io_errors`?)",
		     seen);
	free(seen);
}

TEST(a_passing_check_is_short)
{
	size_t failed = 9;
	char *seen = outcome("exit_code == 0", "{\"exit_code\":0}", &failed);

	EXPECT_STREQ("[{\"check\":\"exit_code == 0\",\"outcome\":\"pass\",\"at\":\"a.yaml:7:5\"}]",
		     seen);
	EXPECT_EQ(0, failed);
	free(seen);
}

TEST(a_failing_check_shows_its_values)
{
	size_t failed = 0;
	char *seen = outcome("success && exit_code == 0",
			     "{\"success\":true,\"exit_code\":3}", &failed);

	EXPECT_STREQ("[{\"check\":\"success && exit_code == 0\",\"outcome\":\"fail\","
		     "\"at\":\"a.yaml:7:5\","
		     "\"message\":\"success && exit_code == 0: `exit_code == 0` is not true\","
		     "\"found\":3,\"wanted\":\"== 0\","
		     "\"values\":[\"success = true\",\"exit_code = 3\"]}]", seen);
	EXPECT_EQ(1, failed);
	free(seen);
}

TEST(an_absent_value_fails_with_its_reason)
{
	size_t failed = 0;
	char *seen = outcome("virtio_blk.io_errors == 0", "{\"virtio_blk\":null}",
			     &failed);

	EXPECT_NE(NULL, strstr(seen, "virtio_blk: no disk was attached")) {
		TH_LOG("%s", seen);
	}
	EXPECT_EQ(1, failed);
	free(seen);
}

TEST(an_error_fails_with_the_part_that_has_it)
{
	size_t failed = 0;
	char *seen = outcome("1 == 1 && exit_code / 0 == 1", "{\"exit_code\":3}",
			     &failed);

	EXPECT_NE(NULL, strstr(seen, "`exit_code / 0`: division by zero")) {
		TH_LOG("%s", seen);
	}
	EXPECT_EQ(1, failed);
	free(seen);
}

TEST(a_value_that_is_no_boolean_fails)
{
	size_t failed = 0;
	char *seen = outcome("stats.x", "{\"stats\":{\"x\":1}}", &failed);

	EXPECT_NE(NULL, strstr(seen, "must be true or false"));
	EXPECT_EQ(1, failed);
	free(seen);
}

TEST(long_values_are_cut)
{
	struct value *result = value_map(), *list = NULL;
	struct check c;
	struct buf big = { 0 };
	size_t failed;
	int i;

	for (i = 0; i < 100000; i++)
		buf_putc(&big, 'x');
	value_set(result, "output", value_bytes(big.data, big.len));
	buf_reset(&big);
	ASSERT_EQ(0, check_compile("output =~ \"y\"", NULL, &c, NULL));
	ASSERT_EQ(0, checks_eval(&c, 1, result, &list, &failed));
	value_to_json(list, 0, &big);
	EXPECT_GT(2000, big.len);
	EXPECT_EQ(NULL, strstr(buf_str(&big), "\"at\""));
	buf_reset(&big);
	check_deinit(&c);
	value_free(list);
	value_free(result);
}

TEST(the_first_failure_becomes_the_message)
{
	struct value *outcomes, *block = value_map();
	struct buf b = { 0 };

	outcomes = json("[{\"check\":\"a\",\"outcome\":\"pass\"},"
			"{\"check\":\"b == 1\",\"outcome\":\"fail\",\"at\":\"f:1:2\","
			"\"message\":\"b == 1\",\"found\":2,\"wanted\":\"== 1\",\"values\":[\"b = 2\"]},"
			"{\"check\":\"c\",\"outcome\":\"fail\",\"message\":\"c: null\"}]");
	ASSERT_EQ(0, checks_explain(outcomes, block));
	value_to_json(block, 0, &b);
	EXPECT_STREQ("{\"message\":\"b == 1\",\"found\":2,\"wanted\":\"== 1\",\"at\":\"f:1:2\","
		     "\"checks\":[{\"check\":\"b == 1\",\"at\":\"f:1:2\",\"values\":[\"b = 2\"]},"
		     "{\"check\":\"c\",\"message\":\"c: null\"}]}", buf_str(&b));
	buf_reset(&b);
	/* A message of graver matters stays. */
	value_free(block);
	block = value_map();
	value_set(block, "message", value_str("panic"));
	ASSERT_EQ(0, checks_explain(outcomes, block));
	EXPECT_STREQ("panic", value_as_str(value_get(block, "message"), ""));
	EXPECT_EQ(NULL, value_get(block, "found"));
	EXPECT_NE(NULL, value_get(block, "checks"));
	value_free(block);
	value_free(outcomes);
}

TEST(nothing_failed_leaves_the_block_alone)
{
	struct value *outcomes = json("[{\"check\":\"a\",\"outcome\":\"pass\"}]");
	struct value *block = value_map();

	ASSERT_EQ(0, checks_explain(outcomes, block));
	EXPECT_EQ(0, block->map.len);
	value_free(block);
	value_free(outcomes);
}

TEST_HARNESS_MAIN
