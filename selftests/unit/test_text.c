// SPDX-License-Identifier: GPL-2.0-only
/* text: what is UTF-8, what is visible, and that bytes can be told back. */
#include "runner/text.h"

#include <string.h>

#include "vmm/base/buf.h"

#include "kselftest_harness.h"

TEST(utf8_by_the_book)
{
	static const struct { const char *s; size_t len, n; u32 cp; } v[] = {
		{ "a", 1, 1, 'a' }, { "\0", 1, 1, 0 },
		{ "\xc2\x80", 2, 2, 0x80 }, { "\xdf\xbf", 2, 2, 0x7ff },
		{ "\xe0\xa0\x80", 3, 3, 0x800 }, { "\xef\xbf\xbf", 3, 3, 0xffff },
		{ "\xf0\x90\x80\x80", 4, 4, 0x10000 },
		{ "\xf4\x8f\xbf\xbf", 4, 4, 0x10ffff },
		/* Overlong, surrogates, too large, cut, stray. */
		{ "\xc0\x80", 2, 0, 0 }, { "\xc1\xbf", 2, 0, 0 },
		{ "\xe0\x9f\xbf", 3, 0, 0 }, { "\xf0\x8f\xbf\xbf", 4, 0, 0 },
		{ "\xed\xa0\x80", 3, 0, 0 }, { "\xf4\x90\x80\x80", 4, 0, 0 },
		{ "\xc3", 1, 0, 0 }, { "\xe2\x82", 2, 0, 0 }, { "\x80", 1, 0, 0 },
		{ "\xc3(", 2, 0, 0 }, { "\xff", 1, 0, 0 }, { "\xf5\x80\x80\x80", 4, 0, 0 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(v); i++) {
		u32 cp = 0;

		EXPECT_EQ(v[i].n, text_utf8(v[i].s, v[i].len, &cp)) TH_LOG("vector %zu", i);
		if (v[i].n)
			EXPECT_EQ(v[i].cp, cp);
	}
}

TEST(hostile_characters_are_made_visible)
{
	static const struct { const char *in, *out; } v[] = {
		{ "plain", "plain" }, { "\x1b[31m", "<1b>[31m" },
		{ "a\tb\rc\n", "a<09>b<0d>c<0a>" }, { "\x7f", "<7f>" },
		{ "\xc3\xa9", "\xc3\xa9" }, { "\xe9", "<e9>" },
		{ "\xc2\x85", "<c2><85>" }, { "\xe2\x80\xa8", "<e2><80><a8>" },
		{ "\xe2\x80\xae", "<e2><80><ae>" }, { "\xef\xbb\xbf", "<ef><bb><bf>" },
		{ "\xf0\x9f\x98\x80", "<f0><9f><98><80>" },
		/* What would read as a byte is told apart from one. */
		{ "<1b>", "<3c>1b>" }, { "<1>", "<1>" }, { "<zz>", "<zz>" },
		{ "<<1b>>", "<<3c>1b>>" }, { "a<", "a<" }, { "<AB>", "<3c>AB>" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(v); i++) {
		struct buf b = { 0 };

		EXPECT_EQ(0, text_visible(v[i].in, strlen(v[i].in), &b));
		EXPECT_STREQ(v[i].out, buf_str(&b));
		buf_reset(&b);
	}
}

TEST(words_come_back_from_a_shell)
{
	static const char *const words[][2] = {
		{ "/kept/a-b_c.d,e", "/kept/a-b_c.d,e" },
		{ "", "''" },
		{ "x[kernel=6.12]", "'x[kernel=6.12]'" },
		{ "it's $HOME", "'it'\\''s $HOME'" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(words); i++) {
		struct buf out = { 0 };

		EXPECT_EQ(0, text_quote(words[i][0], &out));
		EXPECT_STREQ(words[i][1], buf_str(&out));
		buf_reset(&out);
	}
}

TEST_HARNESS_MAIN
