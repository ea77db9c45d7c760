// SPDX-License-Identifier: GPL-2.0-only
/* Guest text in files that are slow, stuck, full or capped. */
#include "runner/logfile.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "vmm/base/buf.h"

FIXTURE(logfile) {
	char dir[64], path[96];
	struct logfile *f;
	int reader;	/* of a FIFO; -1: a plain file */
};

FIXTURE_SETUP(logfile)
{
	strcpy(self->dir, "/tmp/logfile.XXXXXX");
	ASSERT_NE(NULL, mkdtemp(self->dir));
	snprintf(self->path, sizeof(self->path), "%s/log", self->dir);
	self->f = NULL;
	self->reader = -1;
}

FIXTURE_TEARDOWN(logfile)
{
	logfile_close(self->f);
	if (self->reader >= 0)
		close(self->reader);
	unlink(self->path);
	rmdir(self->dir);
}

/* A pipe that takes 64 KiB, and then nothing until somebody reads. */
static void slow_file(FIXTURE_DATA(logfile) *self)
{
	BUG_ON(mkfifo(self->path, 0600));
	self->reader = open(self->path, O_RDWR | O_NONBLOCK);
	BUG_ON(self->reader < 0);
	BUG_ON(logfile_open(&self->f, self->path, GiB(1), NULL));
}

/* What is to be read now; waits until there is something. */
static size_t read_some(FIXTURE_DATA(logfile) *self, struct buf *to)
{
	char data[65536];
	ssize_t n;

	while ((n = read(self->reader, data, sizeof(data))) < 0)
		usleep(1000);
	buf_add(to, data, (size_t)n);
	return (size_t)n;
}

static char *read_file(FIXTURE_DATA(logfile) *self, size_t *len)
{
	FILE *f = fopen(self->path, "re");
	char *text = calloc(1, MiB(2));

	*len = fread(text, 1, MiB(2) - 1, f);
	fclose(f);
	return text;
}

TEST_F(logfile, what_is_added_is_in_the_file)
{
	size_t len;
	char *text;

	ASSERT_EQ(0, logfile_open(&self->f, self->path, GiB(1), NULL));
	logfile_add(self->f, "one\n", 4);
	logfile_add(self->f, "two\n", 4);
	logfile_flush(self->f, 10000);
	text = read_file(self, &len);
	EXPECT_STREQ("one\ntwo\n", text);
	EXPECT_EQ(0, logfile_stats(self->f).dropped);
	free(text);
}

TEST_F(logfile, beyond_the_cap_a_line_tells_how_much_was_dropped)
{
	char line[1000], want[64], *text;
	u64 kept, total = 0;
	size_t len;

	memset(line, 'x', sizeof(line));
	ASSERT_EQ(0, logfile_open(&self->f, self->path, KiB(64), NULL));
	for (; total < MiB(1); total += sizeof(line))
		logfile_add(self->f, line, sizeof(line));
	logfile_flush(self->f, 10000);
	text = read_file(self, &len);
	EXPECT_LE(len, KiB(64));
	kept = strspn(text, "x");
	EXPECT_GE(kept, KiB(63));
	EXPECT_EQ(total - kept, logfile_stats(self->f).dropped);
	snprintf(want, sizeof(want), "\n[... dropped %llu bytes ...]\n",
		 (unsigned long long)(total - kept));
	EXPECT_STREQ(want, text + kept);
	free(text);
}

/* The sum of what its lines say. */
static u64 dropped_in(const struct buf *got)
{
	static const char words[] = "x\n[... dropped ";
	const char *p = got->data, *end = p + got->len;
	u64 sum = 0;

	while ((p = memmem(p, (size_t)(end - p), words, sizeof(words) - 1))) {
		p += sizeof(words) - 1;
		sum += strtoull(p, NULL, 10);
	}
	return sum;
}

TEST_F(logfile, a_reader_that_stopped_holds_nobody_up_and_costs_bounded_memory)
{
	u64 begun = now_ns(), total = 0, seen = 0;
	struct buf got = { 0 };
	char line[4096];

	slow_file(self);
	memset(line, 'x', sizeof(line));
	for (; total < MiB(512); total += sizeof(line))
		logfile_add(self->f, line, sizeof(line));
	/* Copies of a few hundred KiB and half a GiB of counting. */
	EXPECT_LE(now_ns() - begun, 25 * NSEC_PER_SEC);
	EXPECT_GE(logfile_stats(self->f).dropped, total - LOGFILE_ROOM - KiB(192));
	/* Once it reads again, a line stands where the others would have. */
	while (seen < total - logfile_stats(self->f).dropped)
		seen += read_some(self, &got);
	logfile_add(self->f, "after\n", 6);
	while (!memmem(got.data, got.len, "after\n", 6))
		read_some(self, &got);
	/* Its thread may have made room once, when there was none already. */
	EXPECT_EQ(logfile_stats(self->f).dropped, dropped_in(&got));
	EXPECT_NE(NULL, memmem(got.data, got.len, " bytes ...]\nafter\n", 18));
	buf_reset(&got);
}

static void ring(void *arg)
{
	eventfd_write(*(int *)arg, 1);
}

TEST_F(logfile, who_waits_for_room_is_woken_and_loses_nothing)
{
	int fd = eventfd(0, EFD_CLOEXEC);
	u64 total = 0, seen = 0;
	struct buf got = { 0 };
	char line[4096];
	eventfd_t woken;

	slow_file(self);
	memset(line, 'x', sizeof(line));
	while (total < MiB(4)) {
		if (logfile_room(self->f, sizeof(line), ring, &fd)) {
			logfile_add(self->f, line, sizeof(line));
			total += sizeof(line);
			continue;
		}
		seen += read_some(self, &got);
		seen += read_some(self, &got);
		seen += read_some(self, &got);
		ASSERT_EQ(0, eventfd_read(fd, &woken));
	}
	while (seen < total)
		seen += read_some(self, &got);
	EXPECT_EQ(0, logfile_stats(self->f).dropped);
	EXPECT_EQ(total, seen);
	buf_reset(&got);
	close(fd);
}

TEST_F(logfile, a_file_that_takes_nothing_is_given_up)
{
	u64 begun = now_ns();
	char line[4096];
	int i;

	slow_file(self);
	memset(line, 'x', sizeof(line));
	for (i = 0; i < 64; i++)
		logfile_add(self->f, line, sizeof(line));
	logfile_flush(self->f, 100);
	EXPECT_LE(now_ns() - begun, 25 * NSEC_PER_SEC);
	EXPECT_EQ(-ETIMEDOUT, logfile_stats(self->f).err);
	EXPECT_GE(logfile_stats(self->f).dropped, 1);
	/* Then nobody waits any more. */
	EXPECT_TRUE(logfile_room(self->f, LOGFILE_ROOM, NULL, NULL));
}

TEST_F(logfile, a_full_disk_is_counted)
{
	ASSERT_EQ(0, logfile_open(&self->f, "/dev/full", GiB(1), NULL));
	logfile_add(self->f, "one", 3);
	logfile_flush(self->f, 10000);
	logfile_add(self->f, "two", 3);
	EXPECT_EQ(6, logfile_stats(self->f).dropped);
	EXPECT_EQ(-ENOSPC, logfile_stats(self->f).err);
}

TEST_F(logfile, a_file_that_cannot_be_made_is_named)
{
	EXPECT_EQ(-ENOENT, logfile_open(&self->f, "/nonexistent/log", GiB(1), NULL));
}

TEST_HARNESS_MAIN
