// SPDX-License-Identifier: GPL-2.0-only
/* Disk backends: images, scratch files, memory. */
#include "virtio/blkback.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <kselftest_harness.h>

#include "vmm/base/diag.h"
#include "vmm/base/io.h"

FIXTURE(back) {
	char dir[64];
	char path[96];
	struct diag d;
};

FIXTURE_SETUP(back)
{
	strcpy(self->dir, "/tmp/vtback-XXXXXX");
	ASSERT_NE(NULL, mkdtemp(self->dir));
	snprintf(self->path, sizeof(self->path), "%s/img", self->dir);
	self->d = (struct diag){ 0 };
}

FIXTURE_TEARDOWN(back)
{
	diag_reset(&self->d);
	io_rmtree(self->dir, NULL);
}

static void make_image(FIXTURE_DATA(back) *self, size_t size)
{
	char *data = malloc(size + 1);
	size_t i;

	for (i = 0; i < size; i++)
		data[i] = (char)(i / 512 + 1);
	BUG_ON(io_write_file(self->path, data, size, NULL));
	free(data);
}

static int move(struct blkback *b, bool write, void *data, u64 len, u64 off)
{
	struct iovec iov[] = {
		{ data, len / 3 }, { (u8 *)data + len / 3, len - len / 3 },
	};

	return write ? b->ops->writev(b, iov, 2, off) :
		       b->ops->readv(b, iov, 2, off);
}

static void read_write(struct __test_metadata *_metadata, struct blkback *b)
{
	u8 in[1024], out[1024];

	memset(out, 0x42, sizeof(out));
	ASSERT_EQ(0, move(b, true, out, 1024, 512));
	ASSERT_EQ(0, move(b, false, in, 1024, 512));
	EXPECT_EQ(0, memcmp(in, out, 1024));
	EXPECT_EQ(0, b->ops->flush(b));
	EXPECT_EQ(0, b->ops->discard(b, 512, 512));
	EXPECT_EQ(0, b->ops->zero(b, 1024, 512, false));
	memset(out, 0, sizeof(out));
	ASSERT_EQ(0, move(b, false, in, 1024, 512));
	EXPECT_EQ(0, memcmp(in, out, 1024));
	memset(out, 0x17, sizeof(out));
	ASSERT_EQ(0, move(b, true, out, 1024, 0));
	EXPECT_EQ(0, b->ops->zero(b, 0, 512, true));
	ASSERT_EQ(0, move(b, false, in, 1024, 0));
	EXPECT_EQ(0, in[511]);
	EXPECT_EQ(0x17, in[512]);
}

TEST_F(back, an_image_is_read_and_written_in_place)
{
	struct blkback *b;
	struct stat st;

	make_image(self, 4096);
	ASSERT_EQ(0, blkback_open_image(&b, self->path, false, NULL));
	EXPECT_EQ(4096, b->size);
	read_write(_metadata, b);
	blkback_destroy(b);
	ASSERT_EQ(0, stat(self->path, &st));
	EXPECT_EQ(4096, st.st_size);
}

TEST_F(back, a_read_only_image_cannot_be_written)
{
	struct blkback *b;
	u8 data[512] = { 0 };

	make_image(self, 1024);
	ASSERT_EQ(0, blkback_open_image(&b, self->path, true, NULL));
	EXPECT_TRUE(b->read_only);
	EXPECT_EQ(-EBADF, move(b, true, data, 512, 0));
	ASSERT_EQ(0, move(b, false, data, 512, 512));
	EXPECT_EQ(2, data[0]);
	blkback_destroy(b);
}

TEST_F(back, a_tail_below_a_sector_is_not_shown)
{
	struct blkback *b;

	make_image(self, 1300);
	ASSERT_EQ(0, blkback_open_image(&b, self->path, true, NULL));
	EXPECT_EQ(1024, b->size);
	blkback_destroy(b);
}

TEST_F(back, what_is_no_image_is_refused_by_name)
{
	struct blkback *b;

	EXPECT_EQ(-ENOENT, blkback_open_image(&b, self->path, true, &self->d));
	EXPECT_NE(NULL, strstr(diag_text(&self->d), self->path));
	EXPECT_EQ(-EINVAL, blkback_open_image(&b, self->dir, true, &self->d));
	make_image(self, 511);
	EXPECT_EQ(-EINVAL, blkback_open_image(&b, self->path, true, &self->d));
	unlink(self->path);
	ASSERT_EQ(0, mkfifo(self->path, 0600));
	EXPECT_EQ(-EINVAL, blkback_open_image(&b, self->path, true, &self->d));
}

TEST_F(back, an_image_that_shrinks_is_an_error)
{
	struct blkback *b;
	u8 data[1024];

	make_image(self, 4096);
	ASSERT_EQ(0, blkback_open_image(&b, self->path, true, NULL));
	ASSERT_EQ(0, truncate(self->path, 1536));
	EXPECT_EQ(0, move(b, false, data, 1024, 512));
	EXPECT_EQ(-EIO, move(b, false, data, 1024, 1024));
	EXPECT_EQ(-EIO, move(b, false, data, 1024, 2048));
	blkback_destroy(b);
}

TEST_F(back, scratch_is_sparse_zero_and_gone_after)
{
	struct blkback *b;
	u8 data[1024];
	u32 i;

	ASSERT_EQ(0, blkback_open_scratch(&b, self->dir, GiB(4), false, NULL));
	memset(data, 0xff, sizeof(data));
	ASSERT_EQ(0, move(b, false, data, 1024, GiB(4) - 1024));
	for (i = 0; i < 1024; i++)
		ASSERT_EQ(0, data[i]);
	read_write(_metadata, b);
	blkback_destroy(b);
	EXPECT_EQ(0, rmdir(self->dir));
}

TEST_F(back, scratch_in_memory)
{
	struct blkback *b;

	ASSERT_EQ(0, blkback_open_scratch(&b, NULL, MiB(1), false, NULL));
	read_write(_metadata, b);
	blkback_destroy(b);
}

TEST_F(back, scratch_that_cannot_be_is_refused)
{
	struct blkback *b;

	EXPECT_EQ(-EINVAL, blkback_open_scratch(&b, NULL, 0, false, NULL));
	EXPECT_EQ(-EINVAL, blkback_open_scratch(&b, NULL, 1000, false, NULL));
	EXPECT_EQ(-ENOENT, blkback_open_scratch(&b, self->path, 512, false,
						&self->d));
	EXPECT_NE(NULL, strstr(diag_text(&self->d), self->path));
}

TEST_F(back, memory)
{
	static u8 data[4096];
	struct blkback *b;

	ASSERT_EQ(0, blkback_from_buffer(&b, data, sizeof(data), false));
	read_write(_metadata, b);
	EXPECT_EQ(0x17, data[512]);
	blkback_destroy(b);
	blkback_destroy(NULL);
}

TEST_HARNESS_MAIN
