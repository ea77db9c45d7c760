// SPDX-License-Identifier: GPL-2.0-only
/* yamlout: each rule of the subset, one vector each. */
#include "runner/yamlout.h"

#include <string.h>

#include "runner/value.h"
#include "vmm/base/buf.h"

#include "kselftest_harness.h"

static const struct yamlout_limit limit = { .lines = 100, .bytes = 8192 };

/* The block's lines of {"k": @json}. */
static char *entry(const char *json)
{
	struct value *v = NULL;
	struct buf b = { 0 };

	if (value_from_json(json, strlen(json), &v, NULL))
		return strdup("BAD VECTOR");
	yamlout_entry("k", v, 2, &limit, &b);
	value_free(v);
	return buf_steal(&b);
}

struct vector {
	const char *in, *out;
};

#define CHECK_ENTRIES(v)						\
	for (size_t vi = 0; vi < ARRAY_SIZE(v); vi++) {			\
		char *seen = entry((v)[vi].in);				\
									\
		EXPECT_STREQ((v)[vi].out, seen);			\
		free(seen);						\
	}

TEST(scalars)
{
	static const struct vector v[] = {
		{ "1", "  k: 1\n" }, { "-1", "  k: -1\n" }, { "true", "  k: true\n" },
		{ "9007199254740991", "  k: 9007199254740991\n" },
		{ "9007199254740992", "  k: '0x20000000000000'\n" },
		{ "-9007199254740992", "  k: '-9007199254740992'\n" },
		{ "1.5", "  k: 1.5\n" }, { "2.0", "  k: 2.0\n" },
		{ "1e300", "  k: '1e+300'\n" }, { "1e-9", "  k: '1e-09'\n" },
		{ "0.0", "  k: 0.0\n" }, { "null", "" },
		{ "[]", "  k: []\n" }, { "{}", "  k: {}\n" }, { "\"\"", "  k: ''\n" },
		{ "{\"a\": null}", "" },
	};

	CHECK_ENTRIES(v);
}

TEST(addresses_are_quoted_hex)
{
	struct value *v = value_addr(0xffffffff81000000ull);
	struct buf b = { 0 };

	yamlout_entry("at", v, 0, &limit, &b);
	EXPECT_STREQ("at: '0xffffffff81000000'\n", buf_str(&b));
	buf_reset(&b);
	value_free(v);
}

TEST(strings_that_yaml_would_change_are_quoted)
{
	static const struct vector v[] = {
		{ "\"word\"", "  k: word\n" }, { "\"two words\"", "  k: 'two words'\n" },
		{ "\"yes\"", "  k: 'yes'\n" }, { "\"No\"", "  k: 'No'\n" },
		{ "\"on\"", "  k: 'on'\n" }, { "\"Null\"", "  k: 'Null'\n" },
		{ "\"~\"", "  k: '~'\n" }, { "\"12:30:45\"", "  k: '12:30:45'\n" },
		{ "\"1e3\"", "  k: '1e3'\n" }, { "\"007\"", "  k: '007'\n" },
		{ "\"0o17\"", "  k: '0o17'\n" }, { "\".inf\"", "  k: '.inf'\n" },
		{ "\"it's\"", "  k: 'it''s'\n" }, { "\"a: b\"", "  k: 'a: b'\n" },
		{ "\"# x\"", "  k: '# x'\n" }, { "\"a\\tb\"", "  k: 'a<09>b'\n" },
		{ "\"reboot: System halted\"", "  k: \"reboot\\x3a System halted\"\n" },
		{ "\"x Kernel panic - not syncing: VFS: y\"",
		  "  k: \"x Kernel panic - not syncing\\x3a VFS: y\"\n" },
		{ "\"List of all partitions:\"", "  k: \"List of all partitions\\x3a\"\n" },
		{ "\"Kernel panic - not syncing: x\"",
		  "  k: 'Kernel panic - not syncing: x'\n" },
	};

	CHECK_ENTRIES(v);
}

TEST(lists_and_maps_are_blocks)
{
	static const struct vector v[] = {
		{ "[1, \"a b\", null, true]",
		  "  k:\n    - 1\n    - \"a b\"\n    - ~\n    - true\n" },
		/* Perl reads - 'a: b' as a map. */
		{ "[\"a: b\", \"a b: c\", \": x\"]",
		  "  k:\n    - \"a\\x3a b\"\n    - \"a b: c\"\n    - \"\\x3a x\"\n" },
		{ "[[1], []]", "  k:\n    -\n      - 1\n    - []\n" },
		{ "{\"a\": {\"b\": 1}, \"c\": null}", "  k:\n    a:\n      b: 1\n" },
		{ "[{\"a\": 1, \"b\": 2}, {\"a\": null}]",
		  "  k:\n    - a: 1\n      b: 2\n    - {}\n" },
		{ "\"two\\nlines\\n\"", "  k:\n    - \"| two\"\n    - \"| lines\"\n" },
	};

	CHECK_ENTRIES(v);
}

TEST(keys_are_plain_and_no_test_line)
{
	static const struct vector v[] = {
		{ "{\"ok\": 1}", "  k:\n    k_ok: 1\n" },
		{ "{\"not ok\": 1}", "  k:\n    not_ok: 1\n" },
		{ "{\"1..5\": 1}", "  k:\n    k_1..5: 1\n" },
		{ "{\".bss\": 1}", "  k:\n    k_.bss: 1\n" },
		{ "{\"\": 1}", "  k:\n    k_: 1\n" },
		{ "{\"yes\": 1}", "  k:\n    k_yes: 1\n" },
		{ "{\"a b: #\": 1}", "  k:\n    a_b___: 1\n" },
	};

	CHECK_ENTRIES(v);
}

static char *text(const char *data, size_t len, size_t lines, size_t bytes)
{
	struct yamlout_limit l = { .lines = lines, .bytes = bytes };
	struct buf b = { 0 };

	yamlout_text("t", data, len, 0, &l, &b);
	return buf_steal(&b);
}

TEST(guest_text_is_barred_lines)
{
	static const struct vector v[] = {
		{ "", "" }, { "\n", "t:\n  - \"| \"\n" }, { "a", "t:\n  - \"| a\"\n" },
		{ "ok 1 - fake\n...\n---\nBail out!",
		  "t:\n  - \"| ok 1 - fake\"\n  - \"| ...\"\n  - \"| ---\"\n  - \"| Bail out!\"\n" },
		{ "say \"\\\"\n", "t:\n  - \"| say \\\"\\\\\\\"\"\n" },
		{ ": a: b\n  : c\n", "t:\n  - \"| \\x3a a: b\"\n  - \"|   \\x3a c\"\n" },
		{ "reboot: System halted\n", "t:\n  - \"| reboot\\x3a System halted\"\n" },
		{ "\x1b[1m\xff\n", "t:\n  - \"| <1b>[1m<ff>\"\n" },
		{ "a\n\nb\n", "t:\n  - \"| a\"\n  - \"| \"\n  - \"| b\"\n" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(v); i++) {
		char *seen = text(v[i].in, strlen(v[i].in), 100, 8192);

		EXPECT_STREQ(v[i].out, seen);
		free(seen);
	}
}

TEST(many_lines_are_cut_in_the_middle)
{
	const char *data = "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n";
	char *seen = text(data, strlen(data), 4, 8192);

	EXPECT_STREQ("t:\n  - \"| 1\"\n"
		     "  - \"(cut, 6 of 10 lines, 11 of 21 bytes)\"\n"
		     "  - \"| 8\"\n  - \"| 9\"\n  - \"| 10\"\n", seen);
	free(seen);
	seen = text(data, strlen(data), 10, 8192);
	EXPECT_EQ(NULL, strstr(seen, "cut"));
	free(seen);
}

TEST(a_long_line_is_cut_in_the_middle)
{
	size_t len = 1 << 20;
	char *data = malloc(len), *seen;

	memset(data, '\xe9', len);
	data[0] = 'A';
	data[len - 1] = 'Z';
	seen = text(data, len, 10, 8192);
	EXPECT_GT(8000, strlen(seen));
	EXPECT_NE(NULL, strstr(seen, "| A<e9>"));
	EXPECT_NE(NULL, strstr(seen, " of 1048576 bytes><e9>"));
	EXPECT_NE(NULL, strstr(seen, "<e9>Z\""));
	free(seen);
	free(data);
}

TEST(a_cut_never_splits_a_character)
{
	struct buf b = { 0 };
	char *seen;
	int i;

	for (i = 0; i < 20000; i++)
		buf_puts(&b, i % 3 ? "\xe2\x82\xac" : "x");
	seen = text(b.data, b.len, 10, 8192);
	EXPECT_NE(NULL, strstr(seen, "<cut: "));
	EXPECT_EQ(NULL, strstr(seen, "<e2>"));
	EXPECT_EQ(NULL, strstr(seen, "<82>"));
	EXPECT_EQ(NULL, strstr(seen, "<ac>"));
	free(seen);
	buf_reset(&b);
}

TEST(plain_lines)
{
	static const struct vector v[] = {
		{ "plain", "plain" }, { "a # b", "a _ b" }, { "a\\b", "a/b" },
		{ "a\nb\x1b", "a<0a>b<1b>" }, { "\xc3\xa9", "<c3><a9>" },
		{ "reboot: System halted", "reboot; System halted" },
		{ "List of all partitions: x", "List of all partitions; x" },
		{ "Kernel panic - not syncing: VFS: x",
		  "Kernel panic - not syncing; VFS: x" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(v); i++) {
		struct buf b = { 0 };

		EXPECT_EQ(0, yamlout_line(v[i].in, strlen(v[i].in), 200, &b));
		EXPECT_STREQ(v[i].out, buf_str(&b));
		buf_reset(&b);
	}
}

TEST_HARNESS_MAIN
