// SPDX-License-Identifier: GPL-2.0-only
/* value: the tree, its paths, and JSON that gives any bytes back. */
#include <string.h>

#include "runner/value.h"
#include "vmm/base/buf.h"
#include "vmm/base/diag.h"

#include "kselftest_harness.h"

static struct value *json(const char *text)
{
	struct value *v = NULL;

	if (value_from_json(text, strlen(text), &v, NULL))
		return NULL;
	return v;
}

TEST(set_keeps_order_and_replaces_in_place)
{
	struct value *m = value_map();
	struct buf b = { 0 };

	ASSERT_EQ(0, value_set(m, "b", value_int(1)));
	ASSERT_EQ(0, value_set(m, "a", value_int(2)));
	ASSERT_EQ(0, value_set(m, "b", value_int(3)));
	ASSERT_EQ(0, value_to_json(m, 0, &b));
	EXPECT_STREQ("{\"b\":3,\"a\":2}", buf_str(&b));
	value_unset(m, "b");
	EXPECT_EQ(NULL, value_get(m, "b"));
	EXPECT_EQ(2, value_as_int(value_get(m, "a"), -1));
	buf_reset(&b);
	value_free(m);
}

TEST(null_items_are_refused_and_absent)
{
	struct value *m = value_map();

	EXPECT_EQ(-ENOMEM, value_set(m, "a", NULL));
	EXPECT_EQ(-ENOMEM, value_set(NULL, "a", value_int(1)));
	EXPECT_EQ(0, value_set(m, "n", value_null()));
	EXPECT_EQ(NULL, value_get(m, "n"));
	EXPECT_EQ(NULL, value_path(m, "n.x"));
	value_free(m);
	value_free(NULL);
}

TEST(path_walks_maps_and_lists)
{
	struct value *v = json("{\"kvm\":{\"vcpu\":[{\"exits\":7},{\"exits\":9}]}}");

	ASSERT_NE(NULL, v);
	EXPECT_EQ(9, value_as_int(value_path(v, "kvm.vcpu[1].exits"), -1));
	EXPECT_EQ(NULL, value_path(v, "kvm.vcpu[2].exits"));
	EXPECT_EQ(NULL, value_path(v, "kvm.vcpu[x].exits"));
	EXPECT_EQ(NULL, value_path(v, "kvm.vcpu[1"));
	EXPECT_EQ(NULL, value_path(v, "kvm.vcpu.exits"));
	EXPECT_EQ(NULL, value_path(v, "kvm.vcp"));
	value_free(v);
}

TEST(set_path_makes_maps)
{
	struct value *v = value_map();

	ASSERT_EQ(0, value_set_path(v, "a.b.c", value_int(1)));
	ASSERT_EQ(0, value_set_path(v, "a.b.d", value_int(2)));
	ASSERT_EQ(0, value_set_path(v, "a.b.c.x", value_int(3)));
	EXPECT_EQ(3, value_as_int(value_path(v, "a.b.c.x"), -1));
	EXPECT_EQ(2, value_as_int(value_path(v, "a.b.d"), -1));
	value_free(v);
}

TEST(json_gives_any_bytes_back)
{
	char all[256 + 8];
	struct value *v, *back = NULL;
	struct buf b = { 0 };
	int i;

	for (i = 0; i < 256; i++)
		all[i] = (char)i;
	/* A true U+10FFE9 and a valid two-byte character behind them. */
	memcpy(all + 256, "\xf4\x8f\xbf\xa9\xc3\xa9\xed\xa0", 8);
	v = value_bytes(all, sizeof(all));
	ASSERT_EQ(0, value_to_json(v, 0, &b));
	ASSERT_EQ(0, value_from_json(b.data, b.len, &back, NULL));
	EXPECT_TRUE(value_equal(v, back));
	EXPECT_EQ(sizeof(all), back->str.len);
	buf_reset(&b);
	value_free(v);
	value_free(back);
}

TEST(json_scalars)
{
	struct value *m = value_map();
	struct buf b = { 0 };

	value_set(m, "i", value_int(INT64_MIN));
	value_set(m, "a", value_addr(UINT64_MAX));
	value_set(m, "f", value_float(2));
	value_set(m, "g", value_float(0.1));
	value_set(m, "n", value_float(0.0 / 0.0));
	value_set(m, "s", value_str("a\"\\\n\t\x1b"));
	value_set(m, "t", value_bool(true));
	value_set(m, "l", value_list());
	value_set(m, "m", value_map());
	ASSERT_EQ(0, value_to_json(m, 0, &b));
	EXPECT_STREQ("{\"i\":-9223372036854775808,"
		     "\"a\":\"0xffffffffffffffff\",\"f\":2.0,\"g\":0.1,"
		     "\"n\":null,\"s\":\"a\\\"\\\\\\n\\t\\u001b\",\"t\":true,"
		     "\"l\":[],\"m\":{}}", buf_str(&b));
	buf_reset(&b);
	value_free(m);
}

TEST(json_errors_tell_the_place)
{
	struct diag d = { 0 };
	struct value *v;

	EXPECT_EQ(-EINVAL, value_from_json("{\n \"a\": }", 9, &v, &d));
	EXPECT_NE(NULL, strstr(diag_text(&d), "line 2"));
	EXPECT_EQ(-EINVAL, value_from_json("", 0, &v, &d));
	EXPECT_EQ(-EINVAL, value_from_json("1 2", 3, &v, &d));
	EXPECT_EQ(-EINVAL, value_from_json("99999999999999999999", 20, &v, &d));
	diag_reset(&d);
}

TEST(json_depth_is_bounded)
{
	struct buf b = { 0 };
	struct value *v;
	int i;

	for (i = 0; i < 100000; i++)
		buf_putc(&b, '[');
	EXPECT_EQ(-EINVAL, value_from_json(b.data, b.len, &v, NULL));
	buf_reset(&b);
}

TEST(equal_ignores_the_order_of_keys)
{
	struct value *a = json("{\"x\":1,\"y\":[1,null,\"s\"]}");
	struct value *b = json("{\"y\":[1,null,\"s\"],\"x\":1}");
	struct value *c = json("{\"y\":[1,2,\"s\"],\"x\":1}");
	struct value *copy = value_copy(a);

	EXPECT_TRUE(value_equal(a, b));
	EXPECT_TRUE(value_equal(a, copy));
	EXPECT_FALSE(value_equal(a, c));
	EXPECT_TRUE(value_equal(NULL, NULL));
	value_free(a);
	value_free(b);
	value_free(c);
	value_free(copy);
}

TEST_HARNESS_MAIN
