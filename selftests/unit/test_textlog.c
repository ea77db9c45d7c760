// SPDX-License-Identifier: GPL-2.0-only
#include "runner/textlog.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "kselftest_harness.h"

TEST(short_text_is_whole)
{
	struct textlog log;
	size_t len;
	char *text;

	ASSERT_EQ(0, textlog_open(&log, NULL, NULL));
	textlog_add(&log, "a\0b", 3);
	textlog_add(&log, "c", 1);
	text = textlog_text(&log, &len);
	EXPECT_EQ(4, len);
	EXPECT_EQ(0, memcmp(text, "a\0bc", 4));
	free(text);
	textlog_close(&log);
}

TEST(a_flood_keeps_head_and_tail_in_bounded_memory)
{
	u64 total = MiB(16);
	struct textlog log;
	char line[1024];
	size_t len, i;
	char *text;

	ASSERT_EQ(0, textlog_open(&log, NULL, NULL));
	for (i = 0; i < total / sizeof(line); i++) {
		memset(line, 'x', sizeof(line));
		snprintf(line, sizeof(line), "line %06zu", i);
		textlog_add(&log, line, sizeof(line));
		ASSERT_LE(log.head.cap + log.tail.cap, MiB(4));
	}
	EXPECT_EQ(total, log.bytes);
	EXPECT_EQ(total, log.head.len + log.tail.len + log.tail_dropped);
	text = textlog_text(&log, &len);
	EXPECT_EQ(0, memcmp(text, "line 000000", 11));
	EXPECT_NE(NULL, memmem(text, len, "bytes left out", 14));
	EXPECT_NE(NULL, memmem(text, len, "line 016383", 11));
	EXPECT_EQ(NULL, memmem(text, len, "line 008000", 11));
	free(text);
	textlog_close(&log);
}

TEST(a_tty_loses_its_carriage_returns_at_line_ends_only)
{
	struct textlog log;
	size_t len;
	char *text;

	ASSERT_EQ(0, textlog_open(&log, NULL, NULL));
	log.tty = true;
	textlog_add(&log, "a\r", 2);
	textlog_add(&log, "\nb\rc\r", 5);
	text = textlog_text(&log, &len);
	EXPECT_EQ(6, len);
	EXPECT_STREQ("a\nb\rc\r", text);
	free(text);
	textlog_close(&log);
}

TEST(one_huge_write_keeps_its_end)
{
	size_t size = MiB(4), len;
	char *data = calloc(1, size), *text;
	struct textlog log;

	ASSERT_EQ(0, textlog_open(&log, NULL, NULL));
	memcpy(data + size - 3, "END", 3);
	textlog_add(&log, data, size);
	text = textlog_text(&log, &len);
	EXPECT_EQ(0, memcmp(text + len - 3, "END", 3));
	EXPECT_EQ(size, log.head.len + log.tail.len + log.tail_dropped);
	free(text);
	free(data);
	textlog_close(&log);
}

TEST(a_file_that_cannot_grow_loses_bytes_but_not_the_run)
{
	char path[] = "/tmp/textlog.XXXXXX";
	struct rlimit lim = { 4096, 4096 };
	struct textlog log;
	char data[8192], cut[64];
	struct stat st;

	close(mkstemp(path));
	signal(SIGXFSZ, SIG_IGN);
	memset(data, 'x', sizeof(data));
	ASSERT_EQ(0, textlog_open(&log, path, NULL));
	ASSERT_EQ(0, setrlimit(RLIMIT_FSIZE, &lim));
	textlog_add(&log, data, 2048);
	textlog_add(&log, data, sizeof(data));
	textlog_add(&log, data, 100);
	textlog_finish(&log);
	EXPECT_EQ(-EFBIG, log.file_err);
	EXPECT_EQ(2048 + sizeof(data) + 100, log.bytes);
	EXPECT_EQ(log.bytes - 4096, log.file_dropped);
	textlog_close(&log);
	/* No cut file under the name that people look for. */
	EXPECT_NE(0, stat(path, &st));
	snprintf(cut, sizeof(cut), "%s.cut", path);
	ASSERT_EQ(0, stat(cut, &st));
	EXPECT_EQ(4096, st.st_size);
	unlink(cut);
}

TEST_HARNESS_MAIN
