// SPDX-License-Identifier: GPL-2.0-only
/* schedstats: requests in order, replies by name, and no waiting for the dead. */
#include "runner/schedstats.h"

#include <errno.h>
#include <string.h>

#include "runner/scenario.h"
#include "runner/value.h"

#include "kselftest_harness.h"

FIXTURE(stats)
{
	struct scen_scheduler cfg;
	struct schedstats s;
	unsigned int sent;
	int send_err;
	u32 done_id;
	int done_status;
	unsigned int done;
};

static int send_it(void *ctx, const void *data, size_t len)
{
	FIXTURE_DATA(stats) *self = ctx;

	if (self->send_err)
		return self->send_err;
	self->sent += len && ((const char *)data)[len - 1] == '\n';
	return 0;
}

static void on_done(void *ctx, u32 id, int status)
{
	FIXTURE_DATA(stats) *self = ctx;

	self->done++;
	self->done_id = id;
	self->done_status = status;
}

FIXTURE_SETUP(stats)
{
	memset(self, 0, sizeof(*self));
	self->cfg.present = self->cfg.stats.present = true;
	schedstats_init(&self->s, &self->cfg);
	self->s.send = send_it;
	self->s.done = on_done;
	self->s.ctx = self;
}

FIXTURE_TEARDOWN(stats)
{
	schedstats_deinit(&self->s);
}

static void take(FIXTURE_DATA(stats) *self, const char *text)
{
	schedstats_take(&self->s, text, strlen(text));
}

static const char *error_of(FIXTURE_DATA(stats) *self, const char *name)
{
	return value_as_str(value_get(value_get(self->s.replies, name), "error"), "");
}

static s64 number(FIXTURE_DATA(stats) *self, const char *path)
{
	return value_as_int(value_path(self->s.replies, path), -1);
}

/* What a capture takes along: no error, and no copy of somebody's. */
TEST_F(stats, the_newest_reply)
{
	u64 before = now_ns(), at = 0;
	struct value *v;

	EXPECT_EQ(NULL, schedstats_last(&self->s, &at));
	EXPECT_EQ(0, schedstats_ask(&self->s, "a", 0));
	EXPECT_EQ(0, schedstats_ask(&self->s, "b", 0));
	EXPECT_EQ(0, schedstats_ask(&self->s, "c", 0));
	take(self, "{\"errno\":0,\"args\":{\"resp\":{\"x\":1}}}\n");
	take(self, "{\"errno\":0,\"args\":{\"resp\":{\"x\":2}}}\n");
	take(self, "{\"errno\":5,\"args\":{\"resp\":\"no\"}}\n");
	v = schedstats_last(&self->s, &at);
	EXPECT_EQ(2, value_as_int(value_get(v, "x"), -1));
	EXPECT_LE(before, at);
	EXPECT_GE(now_ns(), at);
	value_free(v);
}

TEST_F(stats, replies_come_in_order_and_in_pieces)
{
	EXPECT_EQ(0, schedstats_ask(&self->s, "a", 0));
	EXPECT_EQ(0, schedstats_ask(&self->s, "b", 7));
	EXPECT_EQ(1, self->sent);
	take(self, "{\"errno\":0,\"args\":{\"re");
	take(self, "sp\":{\"x\":1}}}\n{\"errno\":0");
	EXPECT_EQ(2, self->sent);
	EXPECT_EQ(0, self->done);
	take(self, ",\"args\":{\"resp\":{\"x\":2}}}\n");
	EXPECT_EQ(1, number(self, "a.x"));
	EXPECT_EQ(2, number(self, "b.x"));
	EXPECT_EQ(1, self->done);
	EXPECT_EQ(7, self->done_id);
	EXPECT_EQ(0, self->done_status);
}

TEST_F(stats, a_refusal_is_told_by_name)
{
	schedstats_ask(&self->s, "a", 1);
	take(self, "{\"errno\":2,\"args\":{\"resp\":\"stats socket: gone\"}}\n");
	EXPECT_STREQ("stats socket: gone", error_of(self, "a"));
	EXPECT_EQ(-2, self->done_status);
}

TEST_F(stats, garbage_is_an_error_and_the_next_one_goes_on)
{
	schedstats_ask(&self->s, "a", 0);
	schedstats_ask(&self->s, "b", 0);
	schedstats_ask(&self->s, "c", 0);
	take(self, "hello\n{\"errno\":0}\n{\"errno\":0,\"args\":{\"resp\":3}}\n");
	EXPECT_STREQ("the reply is no JSON", error_of(self, "a"));
	EXPECT_STREQ("the reply has no args.resp", error_of(self, "b"));
	EXPECT_EQ(3, number(self, "c"));
}

TEST_F(stats, an_endless_reply_takes_bounded_memory)
{
	char chunk[4096];

	memset(chunk, ' ', sizeof(chunk));
	schedstats_ask(&self->s, "a", 0);
	for (int i = 0; i < 100; i++)
		EXPECT_EQ(sizeof(chunk), schedstats_take(&self->s, chunk, sizeof(chunk)));
	EXPECT_EQ(SCHEDSTATS_LINE_MAX, self->s.line.len);
	take(self, "\n");
	EXPECT_STREQ("the reply is longer than 256 KiB", error_of(self, "a"));
}

TEST_F(stats, what_nobody_asked_for_is_not_kept)
{
	take(self, "{\"errno\":0,\"args\":{\"resp\":3}}\n");
	EXPECT_EQ(0, self->s.replies->map.len);
	schedstats_ask(&self->s, "a", 0);
	take(self, "{\"errno\":0,\"args\":{\"resp\":4}}\n");
	EXPECT_EQ(4, number(self, "a"));
}

TEST_F(stats, a_call_after_the_end_says_so)
{
	schedstats_ask(&self->s, "a", 9);
	schedstats_stop(&self->s);
	EXPECT_STREQ("the guest ended before the scheduler answered", error_of(self, "a"));
	EXPECT_EQ(-ESHUTDOWN, self->done_status);
	EXPECT_EQ(-ESHUTDOWN, schedstats_ask(&self->s, "b", 0));
	EXPECT_EQ(NULL, value_get(self->s.replies, "b"));
	take(self, "{\"errno\":0,\"args\":{\"resp\":4}}\n");
	EXPECT_EQ(1, self->s.replies->map.len);
}

TEST_F(stats, a_port_that_is_not_open_is_told)
{
	self->send_err = -ENOTCONN;
	EXPECT_EQ(0, schedstats_ask(&self->s, "a", 3));
	EXPECT_STREQ(strerror(ENOTCONN), error_of(self, "a"));
	EXPECT_EQ(-ENOTCONN, self->done_status);
	self->send_err = 0;
	EXPECT_EQ(0, schedstats_ask(&self->s, "b", 0));
	EXPECT_EQ(1, self->sent);
}

TEST_F(stats, the_queue_has_an_end)
{
	char name[16];

	for (int i = 0; i < SCHEDSTATS_QUEUE; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		EXPECT_EQ(0, schedstats_ask(&self->s, name, 0));
	}
	EXPECT_EQ(-EBUSY, schedstats_ask(&self->s, "more", 0));
}

TEST(no_scheduler_no_client)
{
	struct scen_scheduler cfg = { .present = true };
	struct schedstats s;

	schedstats_init(&s, &cfg);
	EXPECT_EQ(-ENOTCONN, schedstats_ask(&s, "a", 0));
	EXPECT_EQ(3, schedstats_take(&s, "abc", 3));
	schedstats_stop(&s);
	EXPECT_EQ(NULL, schedstats_result(&s));
	schedstats_deinit(&s);
	schedstats_init(&s, NULL);
	EXPECT_EQ(-ENOTCONN, schedstats_ask(&s, "a", 0));
	schedstats_deinit(&s);
}

/* The clock: both kinds of times, each once, in order. */
TEST_F(stats, asks_by_the_clock)
{
	static const u64 at[] = { 5 * NSEC_PER_MSEC, 30 * NSEC_PER_MSEC };
	struct event_loop loop;
	u64 until;

	self->cfg.stats.at.items = at;
	self->cfg.stats.at.n = 2;
	self->cfg.stats.every_ns = 20 * NSEC_PER_MSEC;
	ASSERT_EQ(0, event_loop_init(&loop, NULL));
	ASSERT_EQ(0, schedstats_watch(&self->s, &loop, NULL));
	schedstats_begin(&self->s);
	until = now_ns() + 10 * NSEC_PER_SEC;
	while (self->s.nr_every < 2 && now_ns() < until)
		event_loop_step(&loop, 1000);
	EXPECT_LE(4, self->s.n);
	EXPECT_STREQ("at_5ms", self->s.queue[0].name);
	EXPECT_STREQ("every_1", self->s.queue[1].name);
	EXPECT_STREQ("at_30ms", self->s.queue[2].name);
	EXPECT_STREQ("every_2", self->s.queue[3].name);
	event_loop_deinit(&loop);
}

TEST_HARNESS_MAIN
