// SPDX-License-Identifier: GPL-2.0-only
/* Our own commands among what is typed; the terminal itself: e2e/35-shell.t. */
#include "runner/term.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kselftest_harness.h"

/* Type @in in pieces of @step bytes; what is left of it in @out. */
static size_t type(const char *in, size_t step, char *out, bool *leave)
{
	struct term_keys k = { 0 };
	size_t at, n = 0, len = strlen(in);

	*leave = false;
	for (at = 0; at < len && !*leave; at += step)
		n += term_keys(&k, in + at, min(step, len - at), out + n, leave);
	out[n] = '\0';
	return n;
}

TEST(keys)
{
	static const struct { const char *in, *out; bool leave; } cases[] = {
		{ "ls\r", "ls\r", false },
		{ "\001x", "", true },
		{ "ab\001xcd", "ab", true },
		{ "\001\001x", "\001x", false },
		{ "\001\001\001x", "\001", true },
		{ "\001c", "\001c", false },
		{ "x\001", "x", false },
		{ "\001a\001b", "\001a\001b", false },
	};
	size_t i, step;
	char out[64];
	bool leave;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		for (step = 1; step < 8; step++) {
			type(cases[i].in, step, out, &leave);
			EXPECT_STREQ(cases[i].out, out);
			EXPECT_EQ(cases[i].leave, leave);
		}
	}
}

/* One byte of escape from before, then no escape: one more than came in. */
TEST(room)
{
	struct term_keys k = { .escaped = true };
	char out[4];
	bool leave = false;

	EXPECT_EQ(4, term_keys(&k, "abc", 3, out, &leave));
	EXPECT_EQ(0, memcmp(out, "\001abc", 4));
}

/* Any bytes and sizes, in pieces of any length, come out as they went in. */
TEST(packed_and_unpacked)
{
	static const char typed[] = "a\001\001w1,2;b\0\377\001";
	size_t len = sizeof(typed) - 1, n, step, at, got;
	char packed[128], out[128];

	n = term_pack(typed, 4, packed);
	n += term_pack_size(65535, 65535, packed + n);
	n += term_pack(typed + 4, len - 4, packed + n);
	n += term_pack_size(80, 25, packed + n);
	for (step = 1; step < 20; step++) {
		struct term_unpack u = { 0 };
		unsigned int sizes = 0;
		bool resized;

		for (at = 0, got = 0; at < n; at += step) {
			resized = false;
			got += term_unpack(&u, packed + at, min(step, n - at),
					   out + got, &resized);
			sizes += resized;
			if (sizes == 1 && resized)
				EXPECT_EQ(step < 10 ? 65535 : u.cols, u.cols);
		}
		EXPECT_EQ(len, got);
		EXPECT_EQ(0, memcmp(typed, out, len));
		EXPECT_EQ(80, u.cols);
		EXPECT_EQ(25, u.rows);
	}
}

TEST(unpacked_garbage_is_dropped)
{
	static const char *const garbage[] = {
		"\001q", "\001w;", "\001w1;", "\001w1,99999;",
		"\001w1111111111111111", "\001wx,y;",
	};
	struct term_unpack u = { 0 };
	bool resized = false;
	char out[64];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(garbage); i++) {
		size_t n = term_unpack(&u, garbage[i], strlen(garbage[i]), out,
				       &resized);

		EXPECT_FALSE(resized) TH_LOG("%s", garbage[i]);
		EXPECT_GE(3, n);
		u.len = 0;
	}
}

TEST(size_from_environment)
{
	u16 cols, rows;

	close(STDIN_FILENO);
	setenv("COLUMNS", "132", 1);
	setenv("LINES", "-3", 1);
	EXPECT_FALSE(term_size(&cols, &rows));
	EXPECT_EQ(132, cols);
	EXPECT_EQ(25, rows);
}

TEST_HARNESS_MAIN
