// SPDX-License-Identifier: GPL-2.0-only
/* The job file: what the host writes is what the agent reads. */
#include "runner/job.h"

#include <errno.h>
#include <string.h>

#include "vmm/base/buf.h"
#include "vmm/base/diag.h"

#include "kselftest_harness.h"

/* The agent's own sources; its struct job has the host's name. */
#undef ARRAY_SIZE
#define job agent_job
#define job_end agent_job_end
#include "tools/guest/job.c"
#include "tools/guest/crc.c"
#undef job
#undef job_end

FIXTURE(job)
{
	struct buf b;
	struct diag d;
	struct agent_job *out;
};

FIXTURE_SETUP(job)
{
	*self = (FIXTURE_DATA(job)){ .out = malloc(sizeof(*self->out)) };
}

FIXTURE_TEARDOWN(job)
{
	buf_reset(&self->b);
	diag_reset(&self->d);
	free(self->out);
}

TEST_F(job, everything_survives_the_trip)
{
	static const char *const modules[] = { "/lib/vmtap/a.ko", "/lib/vmtap/b.ko x=1 y=2" };
	static const char *const argv[] = { "/bin/x", "", "a b", "line\nbreak", "k=v", "\xff" };
	static const char *const env[] = { "A=", "B=c=d\n" };
	const struct job in = {
		.modules = modules, .nr_modules = 2, .argv = argv, .argc = 6,
		.env = env, .nr_env = 2, .cwd = "/x y", .no_bulk = true,
		.bulk_wait_ms = 17, .kill_ms = 5, .hold_ms = 9, .look_ms = 8, .end = JOB_END_POWEROFF,
		.hostname = "h",
	};

	ASSERT_EQ(0, job_encode(&in, &self->b, &self->d)) TH_LOG("%s", diag_text(&self->d));
	ASSERT_EQ(NULL, (void *)job_parse(self->out, self->b.data, self->b.len));
	ASSERT_EQ(2, self->out->nr_modules);
	EXPECT_STREQ(modules[1], self->out->modules[1]);
	ASSERT_EQ(6, self->out->argc);
	for (size_t i = 0; i < 6; i++)
		EXPECT_STREQ(argv[i], self->out->argv[i]);
	EXPECT_EQ(NULL, self->out->argv[6]);
	ASSERT_EQ(2, self->out->nr_env);
	EXPECT_STREQ(env[1], self->out->env[1]);
	EXPECT_EQ(NULL, self->out->env[2]);
	EXPECT_STREQ("/x y", self->out->cwd);
	EXPECT_FALSE(self->out->bulk);
	EXPECT_EQ(17, self->out->bulk_wait_ms);
	EXPECT_EQ(5, self->out->kill_ms);
	EXPECT_EQ(9, self->out->hold_ms);
	EXPECT_EQ(8, self->out->look_ms);
	EXPECT_EQ(END_POWEROFF, self->out->end);
	EXPECT_STREQ("h", self->out->hostname);
	EXPECT_EQ(NULL, (void *)self->out->script);
}

TEST_F(job, defaults)
{
	const struct job in = { .script = true };

	ASSERT_EQ(0, job_encode(&in, &self->b, &self->d));
	ASSERT_EQ(NULL, (void *)job_parse(self->out, self->b.data, self->b.len));
	EXPECT_STREQ(JOB_SCRIPT_PATH, self->out->script);
	EXPECT_STREQ("/", self->out->cwd);
	EXPECT_STREQ("vmtap", self->out->hostname);
	EXPECT_TRUE(self->out->bulk);
	EXPECT_EQ(10000, self->out->bulk_wait_ms);
	EXPECT_EQ(END_REBOOT, self->out->end);
}

TEST_F(job, what_makes_no_sense_is_refused_by_the_host)
{
	static const char *const argv[] = { "/x" };
	static const char *const env[] = { "novalue" };
	const struct job both = { .argv = argv, .argc = 1, .script = true };
	const struct job bad = { .env = env, .nr_env = 1 };

	EXPECT_EQ(-EINVAL, job_encode(&both, &self->b, &self->d));
	EXPECT_EQ(-EINVAL, job_encode(&bad, &self->b, &self->d));
	EXPECT_NE(NULL, strstr(diag_text(&self->d), "novalue"));
}

TEST_F(job, what_makes_no_sense_is_refused_by_the_agent)
{
	static const struct { const char *bytes; size_t len; } bad[] = {
#define B(s) { s, sizeof(s) }
		{ "", 0 }, { "vmtap-job 1", 11 }, B("vmtap-job 2"), B("x"),
		B("vmtap-job 1\0noequals"), B("vmtap-job 1\0unknown=1"),
		B("vmtap-job 1\0kill_ms="), B("vmtap-job 1\0kill_ms=-1"),
		B("vmtap-job 1\0kill_ms=1x"), B("vmtap-job 1\0end=never"),
		B("vmtap-job 1\0env==x"), B("vmtap-job 1\0env=x"),
		{ "vmtap-job 1\0cwd=/cu", 19 }, B("vmtap-job 1\0\0"),
#undef B
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		char *copy = malloc(bad[i].len + 1);

		memcpy(copy, bad[i].bytes, bad[i].len);
		EXPECT_NE(NULL, (void *)job_parse(self->out, copy, bad[i].len))
			TH_LOG("case %zu", i);
		free(copy);
	}
}

TEST_F(job, too_many_words_are_refused)
{
	buf_add(&self->b, JOB_MAGIC, sizeof(JOB_MAGIC));
	for (int i = 0; i < JOB_MAX_WORDS; i++)
		buf_add(&self->b, "arg=x", 6);
	EXPECT_NE(NULL, (void *)job_parse(self->out, self->b.data, self->b.len));
}

TEST(agents_crc_is_the_wires)
{
	uint8_t data[300];

	crc_init();
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 37 + 11);
	for (size_t off = 0; off < 9; off++) {
		for (size_t len = 0; len + off <= sizeof(data); len++)
			ASSERT_EQ(wire_crc32(0, data + off, len), crc32_of(data + off, len));
	}
}

TEST_HARNESS_MAIN
