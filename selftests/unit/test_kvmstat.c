// SPDX-License-Identifier: GPL-2.0-only
/* The statistics file: scalars are found, the rest skipped, lies refused. */
#include "vmm/kvmstat.h"

#include <errno.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <kselftest_harness.h>

#include "vmm/base/buf.h"
#include "vmm/base/diag.h"
#include "vmm/base/io.h"

#define NAME_SIZE 24

FIXTURE(stat) {
	struct kvm_stats_header h;
	struct buf descs;
	u64 values[8];
	struct kvmstat st;
	struct diag d;
};

static void add(FIXTURE_DATA(stat) *self, const char *name, u16 size, u32 at)
{
	struct kvm_stats_desc desc = { .size = size, .offset = 8 * at };
	char text[NAME_SIZE] = { 0 };

	strcpy(text, name);
	buf_add(&self->descs, &desc, sizeof(desc));
	buf_add(&self->descs, text, NAME_SIZE);
	self->h.num_desc++;
}

FIXTURE_SETUP(stat)
{
	unsigned int i;

	memset(self, 0, sizeof(*self));
	self->st.fd = -1;
	for (i = 0; i < 8; i++)
		self->values[i] = 100 + i;
	self->h.name_size = NAME_SIZE;
	self->h.id_offset = sizeof(self->h);
	self->h.desc_offset = sizeof(self->h);
	add(self, "exits", 1, 0);
	add(self, "halt_poll_hist", 4, 1);
	add(self, "halt_exits", 1, 5);
}

FIXTURE_TEARDOWN(stat)
{
	kvmstat_close(&self->st);
	buf_reset(&self->descs);
	diag_reset(&self->d);
}

static int make(FIXTURE_DATA(stat) *self)
{
	int fd = memfd_create("stats", MFD_CLOEXEC);

	self->h.data_offset = sizeof(self->h) + (u32)self->descs.len;
	io_write_full(fd, &self->h, sizeof(self->h));
	io_write_full(fd, self->descs.data, self->descs.len);
	io_write_full(fd, self->values, sizeof(self->values));
	return fd;
}

TEST_F(stat, scalars_with_their_values)
{
	ASSERT_EQ(0, kvmstat_parse(&self->st, make(self), &self->d));
	ASSERT_EQ(2, self->st.nr);
	EXPECT_STREQ("exits", self->st.stats[0].name);
	EXPECT_STREQ("halt_exits", self->st.stats[1].name);
	EXPECT_EQ(0, self->st.stats[0].value);
	ASSERT_EQ(0, kvmstat_read(&self->st));
	EXPECT_EQ(100, self->st.stats[0].value);
	EXPECT_EQ(105, self->st.stats[1].value);
}

TEST_F(stat, an_unterminated_name_ends)
{
	memset(self->descs.data + sizeof(struct kvm_stats_desc), 'n',
	       NAME_SIZE);
	ASSERT_EQ(0, kvmstat_parse(&self->st, make(self), &self->d));
	EXPECT_EQ(NAME_SIZE, strlen(self->st.stats[0].name));
}

TEST_F(stat, none_at_all)
{
	self->h.num_desc = 0;
	ASSERT_EQ(0, kvmstat_parse(&self->st, make(self), &self->d));
	EXPECT_EQ(0, self->st.nr);
	EXPECT_EQ(0, kvmstat_read(&self->st));
}

TEST_F(stat, no_fd_is_no_error)
{
	EXPECT_EQ(0, kvmstat_open(&self->st, -1, &self->d));
	EXPECT_EQ(0, self->st.nr);
	EXPECT_EQ(0, kvmstat_read(&self->st));
}

TEST_F(stat, headers_that_lie)
{
	int fd;

	self->h.name_size = 0;
	fd = make(self);
	EXPECT_EQ(-EPROTO, kvmstat_parse(&self->st, fd, &self->d));
	close(fd);
	self->h.name_size = UINT32_MAX;
	fd = make(self);
	EXPECT_EQ(-EPROTO, kvmstat_parse(&self->st, fd, &self->d));
	close(fd);
	self->h.name_size = NAME_SIZE;
	self->h.num_desc = UINT32_MAX;
	fd = make(self);
	EXPECT_EQ(-EPROTO, kvmstat_parse(&self->st, fd, &self->d));
	close(fd);
	self->h.num_desc = 4000;	/* more than the file holds */
	fd = make(self);
	EXPECT_EQ(-ENODATA, kvmstat_parse(&self->st, fd, &self->d));
	close(fd);
	EXPECT_EQ(-1, self->st.fd);
}

TEST_F(stat, a_value_past_the_end_is_an_error)
{
	add(self, "beyond", 1, 1000);
	ASSERT_EQ(0, kvmstat_parse(&self->st, make(self), &self->d));
	EXPECT_EQ(-ENODATA, kvmstat_read(&self->st));
}

TEST_HARNESS_MAIN
