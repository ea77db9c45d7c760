// SPDX-License-Identifier: GPL-2.0-only
/* Our own commands among what is typed; the terminal itself: cli/shell.t. */
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
