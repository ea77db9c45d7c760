// SPDX-License-Identifier: GPL-2.0-only
/* yaml: the tree, its marks, and the caps that a hostile text runs into. */
#include <string.h>

#include "runner/yaml.h"
#include "vmm/base/buf.h"

#include "kselftest_harness.h"

FIXTURE(yaml)
{
	struct ydoc doc;
	struct problems p;
};

FIXTURE_SETUP(yaml)
{
	memset(self, 0, sizeof(*self));
}

FIXTURE_TEARDOWN(yaml)
{
	ydoc_reset(&self->doc);
	problems_reset(&self->p);
}

static int parse(struct ydoc *doc, struct problems *p, const char *text)
{
	return yaml_parse(doc, text, strlen(text), "t", NULL, p);
}

static const char *text_at(const struct ydoc *doc, const char *a, const char *b)
{
	const struct ynode *n = ynode_get(doc->root, a);

	n = b ? ynode_get(n, b) : n;
	return n && n->type == YNODE_SCALAR ? n->text : "?";
}

TEST_F(yaml, marks_count_from_one_in_characters)
{
	const struct ynode *n;

	ASSERT_EQ(0, parse(&self->doc, &self->p, "a: 1\n\xc3\xa9\xc3\xa9: [x, y]\n"));
	n = ynode_get(self->doc.root, "\xc3\xa9\xc3\xa9");
	ASSERT_NE(NULL, n);
	EXPECT_EQ(2, n->line);
	EXPECT_EQ(5, n->col);
	EXPECT_EQ(2, n->n);
	EXPECT_EQ(9, n->items[1]->col);
}

TEST_F(yaml, plain_and_quoted_differ)
{
	ASSERT_EQ(0, parse(&self->doc, &self->p, "a: null\nb: \"null\"\nc: ~\nd:\ne: |\n  x\n"));
	EXPECT_TRUE(ynode_is_null(ynode_get(self->doc.root, "a")));
	EXPECT_FALSE(ynode_is_null(ynode_get(self->doc.root, "b")));
	EXPECT_TRUE(ynode_is_null(ynode_get(self->doc.root, "c")));
	EXPECT_TRUE(ynode_is_null(ynode_get(self->doc.root, "d")));
	EXPECT_FALSE(ynode_get(self->doc.root, "e")->plain);
	EXPECT_STREQ("x\n", text_at(&self->doc, "e", NULL));
}

TEST_F(yaml, an_alias_shares_its_node)
{
	ASSERT_EQ(0, parse(&self->doc, &self->p, "a: &x {k: 1}\nb: *x\n"));
	EXPECT_EQ(ynode_get(self->doc.root, "a"), ynode_get(self->doc.root, "b"));
	ASSERT_EQ(1, self->doc.nr_anchors);
	EXPECT_TRUE(self->doc.anchors[0].used);
}

TEST_F(yaml, an_unused_anchor_is_known)
{
	ASSERT_EQ(0, parse(&self->doc, &self->p, "a: &x 1\n"));
	EXPECT_FALSE(self->doc.anchors[0].used);
}

TEST_F(yaml, merge_fills_what_is_absent_and_the_earlier_map_wins)
{
	const struct ynode *m;

	ASSERT_EQ(0, parse(&self->doc, &self->p,
			   "a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2, w: 2}\n"
			   "m: {<<: [*a, *b], w: 3}\n"));
	m = ynode_get(self->doc.root, "m");
	EXPECT_EQ(4, m->n);
	EXPECT_STREQ("1", text_at(&self->doc, "m", "x"));
	EXPECT_STREQ("1", text_at(&self->doc, "m", "y"));
	EXPECT_STREQ("2", text_at(&self->doc, "m", "z"));
	EXPECT_STREQ("3", text_at(&self->doc, "m", "w"));
	EXPECT_EQ(NULL, ynode_get(m, "<<"));
	EXPECT_FALSE(m->pairs[0].merged);
	EXPECT_TRUE(m->pairs[1].merged);
}

TEST_F(yaml, a_quoted_merge_key_is_a_key)
{
	ASSERT_EQ(0, parse(&self->doc, &self->p, "m: {\"<<\": 1}\n"));
	EXPECT_STREQ("1", text_at(&self->doc, "m", "<<"));
}

TEST_F(yaml, a_hashbang_is_a_comment)
{
	ASSERT_EQ(0, parse(&self->doc, &self->p, "#!/usr/bin/env -S vmtap run\nname: x\n"));
	EXPECT_STREQ("x", text_at(&self->doc, "name", NULL));
}

TEST_F(yaml, crlf_is_a_line_end)
{
	ASSERT_EQ(0, parse(&self->doc, &self->p, "a: 1\r\nb: 2\r\n"));
	EXPECT_STREQ("1", text_at(&self->doc, "a", NULL));
	EXPECT_EQ(2, ynode_get(self->doc.root, "b")->line);
}

TEST_F(yaml, a_duplicate_leaves_the_tree_usable)
{
	ASSERT_EQ(-EINVAL, parse(&self->doc, &self->p, "a: 1\nb: 2\na: 3\na: 4\n"));
	EXPECT_NE(NULL, self->doc.root);
	EXPECT_EQ(2, self->p.errors);
}

TEST_F(yaml, depth_is_bounded_exactly)
{
	char text[256] = "";

	for (int i = 0; i < 32; i++)
		strcat(text, "[");
	for (int i = 0; i < 32; i++)
		strcat(text, "]");
	EXPECT_EQ(0, parse(&self->doc, &self->p, text));
	ydoc_reset(&self->doc);
	memmove(text + 1, text, strlen(text) + 1);
	strcat(text, "]");
	EXPECT_EQ(-EINVAL, parse(&self->doc, &self->p, text));
	EXPECT_EQ(1, self->p.errors);
}

/* libyaml alone needs half a minute for this. */
TEST_F(yaml, a_hundred_thousand_brackets_end_at_once)
{
	char *text = malloc(100001);

	memset(text, '[', 100000);
	text[100000] = 0;
	EXPECT_EQ(-EINVAL, parse(&self->doc, &self->p, text));
	free(text);
}

TEST_F(yaml, aliases_are_counted_as_expanded)
{
	struct yaml_limits lim = YAML_LIMITS_DEFAULT;
	const char *text = "a: &a [1, 2, 3]\nb: [*a, *a]\n";

	lim.expanded = 8;
	EXPECT_EQ(0, yaml_parse(&self->doc, text, strlen(text), "t", &lim, &self->p));
	ydoc_reset(&self->doc);
	lim.expanded = 7;
	EXPECT_EQ(-EINVAL, yaml_parse(&self->doc, text, strlen(text), "t", &lim, &self->p));
}

TEST_F(yaml, a_bomb_through_merges_is_counted_too)
{
	struct buf b = { 0 };

	buf_puts(&b, "m0: &m0 {");
	for (int i = 0; i < 500; i++)
		buf_printf(&b, "k%d: v, ", i);
	buf_puts(&b, "z: v}\n");
	for (int i = 1; i < 2000; i++)
		buf_printf(&b, "m%d: {<<: *m0}\n", i);
	EXPECT_EQ(-EINVAL, yaml_parse(&self->doc, buf_str(&b), b.len, "t", NULL, &self->p));
	buf_reset(&b);
}

struct limit_case {
	const char *text;
	struct yaml_limits lim;
};

TEST_F(yaml, each_cap_refuses)
{
	struct yaml_limits d = YAML_LIMITS_DEFAULT;
	struct limit_case cases[] = {
		{ "a: 12345678\n", d }, { "a: 12345678\n", d }, { "[1, 2, 3]\n", d },
		{ "[&a 1, &b 2]\n", d }, { "[&a {b: 1, c: 2}, {<<: *a}]\n", d },
	};

	cases[0].lim.bytes = 11;
	cases[1].lim.scalar = 7;
	cases[2].lim.events = 7;
	cases[3].lim.anchors = 1;
	cases[4].lim.merge = 2;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		ASSERT_EQ(0, parse(&self->doc, &self->p, cases[i].text));
		ydoc_reset(&self->doc);
		EXPECT_EQ(-EINVAL, yaml_parse(&self->doc, cases[i].text,
					      strlen(cases[i].text), "t",
					      &cases[i].lim, &self->p));
		EXPECT_EQ(i + 1, self->p.errors);
		ydoc_reset(&self->doc);
	}
	EXPECT_STREQ("file of 12 bytes, expected at most 11", self->p.items[0].msg);
}

/* Every single byte, and every byte inside a text: an answer, never a crash. */
TEST_F(yaml, any_byte_anywhere)
{
	char text[] = "a: \"x?y\"\n";

	for (int c = 0; c < 256; c++) {
		char one = (char)c;

		yaml_parse(&self->doc, &one, 1, "t", NULL, &self->p);
		ydoc_reset(&self->doc);
		text[5] = one;
		yaml_parse(&self->doc, text, sizeof(text) - 1, "t", NULL, &self->p);
		ydoc_reset(&self->doc);
		problems_reset(&self->p);
	}
}

TEST_F(yaml, utf8_is_judged_by_rfc_3629)
{
	static const struct { const char *s; bool ok; } cases[] = {
		{ "\xc2\xa0", true }, { "\xe2\x82\xac", true },
		{ "\xf0\x9f\x98\x80", true }, { "\xf4\x8f\xbf\xbd", true },
		{ "\xc0\x80", false }, { "\xc1\xbf", false }, { "\xe0\x9f\xbf", false },
		{ "\xed\xa0\x80", false }, { "\xf0\x8f\xbf\xbf", false },
		{ "\xf4\x90\x80\x80", false }, { "\xf8\x88\x80\x80\x80", false },
		{ "\x80", false }, { "\xc2", false }, { "\xe2\x82", false },
		{ "\xef\xbf\xbe", false }, { "\xc2\x85", false }, { "\x7f", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		EXPECT_EQ(cases[i].ok ? 0 : -EINVAL,
			  parse(&self->doc, &self->p, cases[i].s))
			TH_LOG("case %zu", i);
		ydoc_reset(&self->doc);
	}
}

TEST(an_excerpt_keeps_tabs_and_counts_characters)
{
	struct source_text src = { "ok\n\t\xc3\xa9 = bad\n", 15 };
	struct loc loc = { "f", 2, 6 };
	struct problems p = { 0 };
	struct buf b = { 0 };

	problem_add(&p, PROBLEM_ERROR, &loc, &src, "no %s", "good");
	problems_format(&p, &b);
	EXPECT_STREQ("f:2:6: error: no good\n  \t\xc3\xa9 = bad\n  \t    ^\n", buf_str(&b));
	buf_reset(&b);
	problems_reset(&p);
}

TEST(an_excerpt_of_a_long_line_is_cut_around_the_place)
{
	struct source_text src = { NULL, 10000 };
	struct loc loc = { "f", 1, 5000 };
	struct problems p = { 0 };
	char *line = malloc(10001);

	memset(line, 'a', 10000);
	line[4999] = 'X';
	src.data = line;
	problem_add(&p, PROBLEM_ERROR, &loc, &src, "here");
	ASSERT_EQ(1, p.n);
	EXPECT_GE(200, strlen(p.items[0].line));
	EXPECT_EQ('X', p.items[0].line[p.items[0].caret]);
	problems_reset(&p);
	free(line);
}

TEST(an_excerpt_shows_no_escape_sequences)
{
	struct source_text src = { "\x1b[31m", 5 };
	struct loc loc = { "f", 1, 1 };
	struct problems p = { 0 };

	problem_add(&p, PROBLEM_ERROR, &loc, &src, "red");
	EXPECT_STREQ("?[31m", p.items[0].line);
	problems_reset(&p);
}

TEST(beyond_the_bound_only_counts_go_on)
{
	struct problems p = { 0 };
	struct buf b = { 0 };

	for (int i = 0; i < PROBLEMS_MAX + 7; i++)
		problem_add(&p, PROBLEM_ERROR, NULL, NULL, "x");
	EXPECT_EQ(PROBLEMS_MAX, p.n);
	EXPECT_EQ(PROBLEMS_MAX + 7, p.errors);
	problems_format(&p, &b);
	EXPECT_NE(NULL, strstr(buf_str(&b), "and 7 more\n"));
	buf_reset(&b);
	problems_reset(&p);
}

static const char *next(void *arg, size_t i)
{
	return ((const char *const *)arg)[i];
}

TEST(the_nearest_word_is_near)
{
	const char *words[] = { "cmdline", "image", "release", "run", NULL };

	EXPECT_STREQ("cmdline", nearest_word("cmdlin", next, words));
	EXPECT_STREQ("cmdline", nearest_word("cmldine", next, words));
	EXPECT_STREQ("image", nearest_word("imgae", next, words));
	EXPECT_STREQ("run", nearest_word("rnu", next, words));
	EXPECT_EQ(NULL, nearest_word("topology", next, words));
	EXPECT_EQ(NULL, nearest_word("", next, words));
}

TEST_HARNESS_MAIN
