// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest agent without a VM: PID 1 of a PID namespace, a file in place of
 * COM2, a pseudo-terminal in place of port 1, a file in place of the ring.
 * What it says is read by the host's own assembler.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "runner/assembler.h"
#include "runner/crashring.h"
#include "runner/embed.h"
#include "runner/job.h"
#include "runner/workload_wire.h"
#include "vmm/base/io.h"

#include "kselftest_harness.h"

#define RING 8192

struct heard {
	struct buf out, err, log, types, results, metrics, stimulus, sched;
	struct wire_sched_exit sched_end;
	char sched_why[128];
	s32 code;
	u32 signal;
	unsigned int exits;
	u32 stages;
	struct wire_kern_addrs addrs;
	struct wire_hello hello;
	enum wire_via exit_via;
};

static void on_frame(void *ctx, const struct wire_frame *f)
{
	struct wire_lifecycle l;
	struct wire_stimulus st;
	struct wire_text a, b;
	struct heard *h = ctx;
	struct wire_test t;

	buf_printf(&h->types, "%s ", wire_type_name(f->type));
	if (f->type == WIRE_STDOUT)
		buf_add(&h->out, f->data, f->len);
	else if (f->type == WIRE_STDERR)
		buf_add(&h->err, f->data, f->len);
	else if (f->type == WIRE_LOG)
		buf_printf(&h->log, "%.*s\n", (int)f->len, (const char *)f->data);
	else if (f->type == WIRE_METRICS)
		buf_add(&h->metrics, f->data, f->len);
	else if (f->type == WIRE_STIMULUS && !wire_parse_stimulus(f, &st, &a))
		buf_printf(&h->stimulus, "%u/%u %u %.*s\n", st.step, st.ops,
			   st.workers, (int)a.len, a.p);
	else if (f->type == WIRE_SCHED_OUT)
		buf_add(&h->sched, f->data, f->len);
	else if (f->type == WIRE_SCHED_EXIT && !wire_parse_sched_exit(f, &h->sched_end, &a))
		snprintf(h->sched_why, sizeof(h->sched_why), "%.*s", (int)a.len, a.p);
	else if (f->type == WIRE_HELLO)
		wire_parse_hello(f, &h->hello, &a, &b);
	else if (f->type == WIRE_KERN_ADDRS)
		wire_parse_kern_addrs(f, &h->addrs);
	else if (f->type == WIRE_LIFECYCLE && !wire_parse_lifecycle(f, &l, &a))
		h->stages |= 1u << l.stage;
	else if (f->type == WIRE_TEST_RESULT && !wire_parse_test(f, &t, &a, &b))
		buf_printf(&h->results, "%.*s%u %.*s (%.*s)\n",
			   WIRE_TEST_LEVEL(f->flags), "++++", t.status, (int)a.len,
			   a.p, (int)b.len, b.p);
	else if (f->type == WIRE_EXIT && !wire_parse_exit(f, &h->code, &h->signal)) {
		h->exits++;
		h->exit_via = f->via;
	}
}

static const struct assembler_ops ops = { .frame = on_frame };

FIXTURE(agent)
{
	char dir[64];
	struct heard h;
	struct wire_seen seen;
	struct assembler com2, port, ring;
	struct crashring_info info;
	int master;
	bool withport, answer_snapshots, ask_to_end, go_on, stuck, spoil_job;
	int tell_written;	/* 1, or the -errno that the host tells */
	int status;	/* of the agent's process */
	const char *skip;
};

FIXTURE_SETUP(agent)
{
	char path[128];

	*self = (FIXTURE_DATA(agent)){ .master = -1 };
	strcpy(self->dir, "/tmp/vmtap-test-agent.XXXXXX");
	ASSERT_NE(NULL, mkdtemp(self->dir));
	chmod(self->dir, 0755);
	sprintf(path, "%s/init", self->dir);
	io_write_file(path, embed_guest_init,
		      (size_t)(embed_guest_init_end - embed_guest_init), NULL);
	chmod(path, 0755);
	assembler_init(&self->com2, WIRE_VIA_COM2, &ops, &self->h, &self->seen);
	assembler_init(&self->port, WIRE_VIA_PORT1, &ops, &self->h, &self->seen);
	assembler_init(&self->ring, WIRE_VIA_RING, &ops, &self->h, &self->seen);
}

FIXTURE_TEARDOWN(agent)
{
	assembler_deinit(&self->com2);
	assembler_deinit(&self->port);
	assembler_deinit(&self->ring);
	buf_reset(&self->h.out);
	buf_reset(&self->h.err);
	buf_reset(&self->h.log);
	buf_reset(&self->h.sched);
	buf_reset(&self->h.types);
	buf_reset(&self->h.results);
	buf_reset(&self->h.metrics);
	buf_reset(&self->h.stimulus);
	if (self->master >= 0)
		close(self->master);
	io_rmtree(self->dir, NULL);
}

/* In the new namespaces, as PID 1. */
static void be_agent(FIXTURE_DATA(agent) *self)
{
	static const char *const names[] = { "snapshot", "result", "exit", "frame", "metric", "look",
					      "workload", "kselftest", "map-written" };
	char init[128], com2[128], job[128], mem[128], cmdline[128], port[192], to[192];
	char sched[128];

	mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
	if (mount("run", "/run", "tmpfs", 0, NULL) ||
	    mount("proc", "/proc", "proc", 0, NULL))
		_exit(77);
	sprintf(init, "%s/init", self->dir);
	sprintf(com2, "com2=%s/com2", self->dir);
	sprintf(job, "job=%s/job", self->dir);
	sprintf(mem, "mem=%s/mem", self->dir);
	sprintf(cmdline, "cmdline=%s/cmdline", self->dir);
	sprintf(port, "port=%s", self->withport ? ptsname(self->master) : "/nonexistent");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		sprintf(to, "%s/vmtap-%s", self->dir, names[i]);
		if (symlink("init", to))
			_exit(77);
	}
	sprintf(sched, "sched=%s/state", self->dir);
	execl(init, "init", "--test", com2, job, mem, cmdline, port, sched, NULL);
	_exit(77);
}

static void open_port(FIXTURE_DATA(agent) *self)
{
	struct termios t;
	int slave;

	self->master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	grantpt(self->master);
	unlockpt(self->master);
	slave = open(ptsname(self->master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	tcgetattr(slave, &t);
	cfmakeraw(&t);
	tcsetattr(slave, TCSANOW, &t);
	/* Stays open: the master must not see a hang-up before the agent. */
}

static void answer(FIXTURE_DATA(agent) *self)
{
	struct buf b = {};
	u8 reply[8 + 4] = "\1\0\0\0\0\0\0\0done";

	if (self->answer_snapshots && strstr(buf_str(&self->h.types), "SNAPSHOT_REQUEST")) {
		wire_encode(&b, WIRE_SNAPSHOT_REPLY, 0, 0, reply, sizeof(reply));
		self->answer_snapshots = false;
	}
	if (self->tell_written && strstr(buf_str(&self->h.out), "waiting")) {
		u8 done[4 + 3] = "\0\0\0\0";

		if (self->tell_written < 0) {
			wire_put32(done, (u32)self->tell_written);
			memcpy(done + 4, "why", 3);
		}
		wire_encode(&b, WIRE_MAP_WRITE_DONE, 0, 0, done,
			    self->tell_written < 0 ? sizeof(done) : 4);
		self->tell_written = 0;
	}
	if (self->go_on && self->h.exits) {
		wire_encode(&b, WIRE_GO_ON, 0, 0, NULL, 0);
		self->go_on = false;
	}
	if (self->ask_to_end && strstr(buf_str(&self->h.out), "waiting")) {
		wire_encode(&b, WIRE_SHUTDOWN, 0, 0, NULL, 0);
		self->ask_to_end = false;
	}
	if (b.len && write(self->master, b.data, b.len) < 0)
		perror("port");
	buf_reset(&b);
}

static void pump_port(FIXTURE_DATA(agent) *self)
{
	char chunk[4096];
	ssize_t n;

	while (self->withport && (n = read(self->master, chunk, sizeof(chunk))) > 0)
		assembler_feed(&self->port, chunk, (size_t)n);
	if (self->withport)
		answer(self);
}

static void read_all(FIXTURE_DATA(agent) *self)
{
	struct buf b = {}, r = {};
	char path[128];

	pump_port(self);
	sprintf(path, "%s/com2", self->dir);
	io_read_file(path, MiB(16), &b, NULL);
	assembler_feed(&self->com2, b.data, b.len);
	assembler_finish(&self->com2);
	assembler_finish(&self->port);
	b.len = 0;
	sprintf(path, "%s/mem", self->dir);
	io_read_file(path, MiB(1), &b, NULL);
	crashring_read(b.data, RING, &r, &self->info);
	assembler_feed(&self->ring, r.data, r.len);
	buf_reset(&b);
	buf_reset(&r);
}

/* Run the agent on @job to its end, 20 s at most. */
static void run(FIXTURE_DATA(agent) *self, const struct job *job,
		const char *script)
{
	char path[128], cmdline[64];
	u8 area[RING] = {};
	struct buf b = {};
	pid_t pid;

	sprintf(path, "%s/com2", self->dir);
	io_write_file(path, "", 0, NULL);
	sprintf(path, "%s/mem", self->dir);
	crashring_init(area, RING);
	io_write_file(path, area, RING, NULL);
	sprintf(path, "%s/cmdline", self->dir);
	sprintf(cmdline, "quiet " WIRE_ARG_RING "=0x0,0x%x ro\n", RING);
	io_write_file(path, cmdline, strlen(cmdline), NULL);
	job_encode(job, &b, NULL);
	if (script) {
		buf_printf(&b, "script=%s/run%cenv=PATH=%s:/usr/bin:/bin%c",
			   self->dir, 0, self->dir, 0);
		sprintf(path, "%s/run", self->dir);
		io_write_file(path, script, strlen(script), NULL);
	}
	if (self->spoil_job)
		buf_add(&b, "nosuchkey=1", 12);
	sprintf(path, "%s/job", self->dir);
	io_write_file(path, b.data, b.len, NULL);
	buf_reset(&b);
	if (self->withport)
		open_port(self);
	pid = (pid_t)syscall(SYS_clone, CLONE_NEWPID | CLONE_NEWNS | SIGCHLD, 0, 0, 0, 0);
	if (pid < 0) {
		self->skip = "needs root for a PID namespace";
		return;
	}
	if (!pid)
		be_agent(self);
	for (int i = 0; i < 2000; i++) {
		if (waitpid(pid, &self->status, WNOHANG) == pid)
			goto done;
		pump_port(self);
		usleep(10000);
	}
	self->stuck = true;
	kill(pid, SIGKILL);
	waitpid(pid, &self->status, 0);
done:
	if (WIFEXITED(self->status) && WEXITSTATUS(self->status) == 77)
		self->skip = "no mount namespace";
	read_all(self);
}

#define RUN(self, job, script)					\
	do {							\
		run(self, job, script);				\
		if ((self)->skip)				\
			SKIP(return, "%s", (self)->skip);	\
		ASSERT_FALSE((self)->stuck);			\
	} while (0)

static const struct job empty;

TEST_F(agent, script_output_and_status_over_com2)
{
	RUN(self, &empty, "echo to-out; echo to-err >&2; exit 7\n");
	EXPECT_STREQ("to-out\n", buf_str(&self->h.out));
	EXPECT_STREQ("to-err\n", buf_str(&self->h.err));
	EXPECT_EQ(1, self->h.exits);
	EXPECT_EQ(7, self->h.code);
	EXPECT_EQ(0, self->h.signal);
	EXPECT_EQ(WIRE_VIA_COM2, self->h.exit_via);
	EXPECT_TRUE(self->com2.words.has_exit);
	EXPECT_EQ(7, self->com2.words.exit_code);
	EXPECT_EQ(0x3cu, self->h.stages);	/* init, agent, payload, verdict */
	EXPECT_EQ(0, self->com2.stats.garbage_bytes + self->com2.stats.truncated);
	EXPECT_EQ(0, wire_seen_missing(&self->seen));
	EXPECT_NE(NULL, strstr(buf_str(&self->h.log), "going on by COM2"));
	EXPECT_LT(0, self->h.hello.cpus);
	EXPECT_LT(0, self->h.hello.memory);
	EXPECT_FALSE(self->com2.words.has_panic);
	EXPECT_EQ(0, WEXITSTATUS(self->status));
}

TEST_F(agent, killing_signal_is_told)
{
	RUN(self, &empty, "kill -SEGV $$\n");
	EXPECT_EQ(128 + SIGSEGV, self->h.code);
	EXPECT_EQ(SIGSEGV, self->h.signal);
}

TEST_F(agent, exec_with_argv_env_and_cwd)
{
	static const char *const argv[] = { "/bin/sh", "-c", "echo \"$1|$X|$PWD|$HOME\"", "sh", "a b" };
	static const char *const env[] = { "X=1=2 3" };
	const struct job job = { .argv = argv, .argc = 5, .env = env, .nr_env = 1, .cwd = "/usr" };

	RUN(self, &job, NULL);
	EXPECT_STREQ("a b|1=2 3|/usr|/root\n", buf_str(&self->h.out));
	EXPECT_EQ(0, self->h.code);
}

TEST_F(agent, missing_program_is_127_with_a_word)
{
	static const char *const argv[] = { "/no/such" };
	const struct job job = { .argv = argv, .argc = 1 };

	RUN(self, &job, NULL);
	EXPECT_EQ(127, self->h.code);
	EXPECT_NE(NULL, strstr(buf_str(&self->h.err), "/no/such"));
}

TEST_F(agent, nothing_to_run_is_zero)
{
	RUN(self, &empty, NULL);
	EXPECT_EQ(1, self->h.exits);
	EXPECT_EQ(0, self->h.code);
}

TEST_F(agent, leftovers_are_killed_and_do_not_delay_the_verdict)
{
	RUN(self, &empty, "trap '' TERM; (trap '' TERM; sleep 1000; echo never)& sleep 1000 & setsid sleep 1000 & echo bye\n");
	EXPECT_FALSE(self->stuck);
	EXPECT_STREQ("bye\n", buf_str(&self->h.out));
	EXPECT_EQ(0, self->h.code);
	EXPECT_EQ(1, self->h.exits);
}

TEST_F(agent, leftovers_that_write_for_ever_do_not_delay_the_verdict)
{
	RUN(self, &empty, "yes & yes >&2 & sleep 0.1; exit 4\n");
	EXPECT_EQ(4, self->h.code);
	EXPECT_EQ(1, self->h.exits);
}

TEST_F(agent, port_carries_all_and_com2_the_sentinel)
{
	char *p;

	self->withport = true;
	RUN(self, &empty, "seq 1 20000; echo e >&2; exit 3\n");
	EXPECT_EQ(WIRE_VIA_PORT1, self->h.exit_via);
	EXPECT_EQ(3, self->h.code);
	EXPECT_EQ(3, self->com2.words.exit_code);
	EXPECT_EQ(0, self->com2.stats.frames);
	EXPECT_EQ(108894, self->h.out.len);
	p = strstr(buf_str(&self->h.out), "19999\n20000\n");
	EXPECT_NE(NULL, p);
	EXPECT_EQ(0, self->port.stats.garbage_bytes + self->port.stats.crc_errors);
	EXPECT_EQ(0, wire_seen_missing(&self->seen));
}

TEST_F(agent, ring_keeps_the_verdict)
{
	struct wire_seen fresh = {};
	struct assembler ring;
	struct heard h = {};
	struct buf b = {}, r = {};
	char path[128];

	self->withport = true;
	RUN(self, &empty, "exit 9\n");
	ASSERT_TRUE(self->info.valid) TH_LOG("%s", self->info.why);
	EXPECT_LT(0, self->ring.stats.duplicates);
	sprintf(path, "%s/mem", self->dir);
	ASSERT_EQ(0, io_read_file(path, MiB(1), &b, NULL));
	ASSERT_EQ(0, crashring_read(b.data, RING, &r, &self->info));
	assembler_init(&ring, WIRE_VIA_RING, &ops, &h, &fresh);
	assembler_feed(&ring, r.data, r.len);
	EXPECT_EQ(9, h.code);
	EXPECT_EQ(0x3cu, h.stages);
	assembler_deinit(&ring);
	buf_reset(&h.types);
	buf_reset(&h.out);
	buf_reset(&b);
	buf_reset(&r);
}

TEST_F(agent, helpers_reach_the_host)
{
	self->withport = self->answer_snapshots = true;
	RUN(self, &empty,
	    "vmtap-snapshot one || exit 1\n"
	    "vmtap-result skip sub.test no device here\n"
	    "vmtap-metric rate=5 lat=7\n"
	    "vmtap-frame 77 </dev/null\n"
	    "printf garbage | vmtap-frame raw\n"
	    "vmtap-result nonsense x && exit 2\n"
	    "vmtap-exit -5\n");
	EXPECT_EQ(-5, self->h.code);
	EXPECT_STREQ("done\n", buf_str(&self->h.out));
	EXPECT_STREQ("2 sub.test (no device here)\n", buf_str(&self->h.results));
	EXPECT_NE(NULL, strstr(buf_str(&self->h.types), "METRICS"));
	EXPECT_NE(NULL, strstr(buf_str(&self->h.types), "UNKNOWN"));
	EXPECT_EQ(7, self->port.stats.garbage_bytes);
}

TEST_F(agent, a_look_of_the_host_is_waited_for)
{
	self->withport = self->answer_snapshots = true;
	RUN(self, &empty, "vmtap-look && vmtap-exit 7\n");
	EXPECT_EQ(7, self->h.code);
	EXPECT_NE(NULL, strstr(buf_str(&self->h.types), "SNAPSHOT_REQUEST"));
}

TEST_F(agent, maps_written_by_the_host_are_waited_for)
{
	self->withport = true;
	self->tell_written = 1;
	RUN(self, &empty, "(sleep 0.2; echo waiting) & vmtap-map-written && vmtap-map-written\n");
	EXPECT_EQ(0, self->h.code);
	EXPECT_STREQ("waiting\n", buf_str(&self->h.out));
}

TEST_F(agent, maps_not_written_are_told_with_the_reason)
{
	self->withport = true;
	self->tell_written = -2;
	RUN(self, &empty, "echo waiting; vmtap-map-written\n");
	EXPECT_EQ(1, self->h.code);
	EXPECT_STREQ("why\n", buf_str(&self->h.err));
}

TEST_F(agent, maps_over_com2_say_that_there_is_no_word)
{
	RUN(self, &empty, "vmtap-map-written\n");
	EXPECT_EQ(1, self->h.code);
	EXPECT_NE(NULL, strstr(buf_str(&self->h.err), "COM2"));
}

TEST_F(agent, holds_after_the_verdict_until_it_may_go_on)
{
	const struct job job = { .hold_ms = 600000 };

	self->withport = self->go_on = true;
	RUN(self, &job, "sleep 1000 & exit 4\n");
	EXPECT_EQ(4, self->h.code);
	EXPECT_FALSE(self->stuck);
	EXPECT_EQ(NULL, strstr(buf_str(&self->h.log), "seen enough"));
}

TEST_F(agent, a_host_without_words_is_not_waited_for_long)
{
	const struct job job = { .hold_ms = 300 };

	self->withport = true;
	RUN(self, &job, "exit 4\n");
	EXPECT_EQ(4, self->h.code);
	EXPECT_NE(NULL, strstr(buf_str(&self->h.log), "seen enough"));
}

TEST_F(agent, before_the_payload_too_it_is_not_waited_for_long)
{
	const struct job job = { .look_ms = 300 };

	self->withport = true;
	RUN(self, &job, "exit 4\n");
	EXPECT_EQ(4, self->h.code);
	EXPECT_NE(NULL, strstr(buf_str(&self->h.log), "seen enough"));
}

TEST_F(agent, snapshot_over_com2_is_sent_but_says_there_is_no_reply)
{
	RUN(self, &empty, "vmtap-snapshot one; echo $?\n");
	EXPECT_STREQ("1\n", buf_str(&self->h.out));
	EXPECT_NE(NULL, strstr(buf_str(&self->h.err), "no reply"));
	EXPECT_NE(NULL, strstr(buf_str(&self->h.types), "SNAPSHOT_REQUEST"));
}

TEST_F(agent, host_may_ask_to_end)
{
	self->withport = self->ask_to_end = true;
	RUN(self, &empty, "trap '' TERM; echo waiting; sleep 1000; sleep 1000\n");
	EXPECT_EQ(SIGKILL, self->h.signal);
	EXPECT_NE(NULL, strstr(buf_str(&self->h.log), "still running"));
}

TEST_F(agent, its_own_crash_is_told_with_a_backtrace)
{
	self->withport = true;
	RUN(self, &empty, "kill -SEGV 1; sleep 1000\n");
	EXPECT_TRUE(self->com2.words.has_panic);
	EXPECT_EQ(0, strncmp("agent: SIGSEGV at 0x", buf_str(&self->com2.words.panic), 20))
		TH_LOG("%s", buf_str(&self->com2.words.panic));
	EXPECT_NE(NULL, strstr(buf_str(&self->com2.words.panic), "\n  #2 "));
	EXPECT_NE(NULL, strstr(buf_str(&self->h.types), "CRASH"));
	EXPECT_EQ(0, self->h.exits);
	EXPECT_FALSE(self->com2.words.has_exit);
	EXPECT_EQ(128 + SIGSEGV, WEXITSTATUS(self->status));
}

TEST_F(agent, bad_job_is_a_panic_line_not_a_verdict)
{
	static const char *const env[] = { "A=B" };
	const struct job job = { .env = env, .nr_env = 1, .hostname = "x" };

	self->spoil_job = true;
	RUN(self, &job, NULL);
	EXPECT_EQ(0, self->h.exits);
	EXPECT_FALSE(self->com2.words.has_exit);
	EXPECT_NE(NULL, strstr(buf_str(&self->com2.words.panic), "unknown key"));
	EXPECT_EQ(1u << WIRE_STAGE_INIT, self->h.stages);
}

/* --- the workload engine, without cgroups ------------------------------- */

/* The plan @text, in which newlines stand for NUL; then the engine on it. */
static void run_plan(FIXTURE_DATA(agent) *self, const char *text,
		     const char *script)
{
	char path[128], engine[128];
	const char *argv[] = { engine, path, "--", "/bin/sh", "-c", script };
	const struct job job = { .argv = argv, .argc = script ? 6 : 2 };
	struct buf b = {};
	size_t i;

	buf_add(&b, WL_MAGIC, sizeof(WL_MAGIC));
	for (i = 0; text[i]; i++)
		buf_putc(&b, text[i] == '\n' ? 0 : text[i]);
	sprintf(path, "%s/plan", self->dir);
	sprintf(engine, "%s/vmtap-workload", self->dir);
	io_write_file(path, b.data, b.len, NULL);
	buf_reset(&b);
	run(self, &job, NULL);
}

#define WORKER(name, type, count)					\
	"worker=" name "\ntype=" type "\ncount=" count "\nregion=65536\n"	\
	"burst=5000000\nsleep=5000000\nfan_out=2\n"

/* A figure of worker number @i. */
static long long figure(FIXTURE_DATA(agent) *self, unsigned int i, const char *key)
{
	char line[64];
	const char *at;

	sprintf(line, "workers[%u].%s=", i, key);
	at = strstr(buf_str(&self->h.metrics), line);
	return at ? strtoll(at + strlen(line), NULL, 10) : -1;
}

TEST_F(agent, workload_steps_and_reports)
{
	run_plan(self, "duration=400000000\n"
		 WORKER("spin", "0", "1") WORKER("bursty", "4", "1")
		 WORKER("pipe", "5", "2") WORKER("futex", "6", "2")
		 WORKER("fan", "7", "3") WORKER("fork", "12", "1")
		 WORKER("fault", "17", "1") WORKER("mutex", "18", "2")
		 WORKER("cmd", "19", "1") "arg=sleep\narg=100\n"
		 "step=first\nhold=1 100000000 0\n"
		 "op=12\ntext=sleep 0.1; echo ran\nop=7\ntarget=spin\n"
		 "step=second\nhold=3 100000000 0\nop=5\n" WORKER("more", "0", "1"),
		 NULL);
	if (self->skip)
		SKIP(return, "%s", self->skip);
	ASSERT_FALSE(self->stuck);
	EXPECT_EQ(0, self->h.code);
	EXPECT_STREQ("ran\n", buf_str(&self->h.out));
	EXPECT_STREQ("", buf_str(&self->h.err));
	EXPECT_EQ(buf_str(&self->h.stimulus),
		  strstr(buf_str(&self->h.stimulus),
			 "0/2 14 run\n0/2 13 stop spin\n1/1 14 spawn more\n")) {
		TH_LOG("%s", buf_str(&self->h.stimulus));
	}
	for (unsigned int i = 0; i < 13; i++) {
		EXPECT_LT(0, figure(self, i, "iterations")) {
			TH_LOG("worker %u", i);
		}
		EXPECT_LT(0, figure(self, i, "wall_ns"));
		EXPECT_LE(0, figure(self, i, "cpu_ns"));
	}
	EXPECT_EQ(-1, figure(self, 13, "iterations"));	/* a command */
	EXPECT_EQ(SIGTERM, figure(self, 13, "killed_by"));
	EXPECT_EQ(0, figure(self, 0, "wakeups"));
	EXPECT_LT(0, figure(self, 1, "wakeups"));
	EXPECT_LT(0, figure(self, 1, "wake_p99_ns"));
	EXPECT_LT(0, figure(self, 3, "wakeups"));
	EXPECT_LT(figure(self, 0, "wall_ns"), figure(self, 1, "wall_ns"));
	EXPECT_NE(NULL, strstr(buf_str(&self->h.metrics), "phases[1].name=\"second\"\n"));
	EXPECT_NE(NULL, strstr(buf_str(&self->h.metrics), "workers[0].outside=\"\"\n"));
	EXPECT_EQ(NULL, strstr(buf_str(&self->h.metrics), "workers[0].phases[1]"));
	EXPECT_NE(NULL, strstr(buf_str(&self->h.metrics), "workers[1].phases[1]"));
}

TEST_F(agent, workload_loops_to_its_end)
{
	run_plan(self, "duration=2000000000\n"
		 "step=again\nhold=3 20000000 0\nop=5\n" WORKER("more", "4", "1"),
		 NULL);
	if (self->skip)
		SKIP(return, "%s", self->skip);
	EXPECT_EQ(0, self->h.code);
	EXPECT_EQ(buf_str(&self->h.stimulus),
		  strstr(buf_str(&self->h.stimulus),
			 "0/1 1 spawn more\n0/1 2 spawn more\n0/1 3 spawn more\n"));
}

TEST_F(agent, workload_waits_for_the_payload_and_tells_its_status)
{
	run_plan(self, "duration=100000000\n" WORKER("spin", "0", "1"),
		 "sleep 0.3; echo done; exit 3");
	if (self->skip)
		SKIP(return, "%s", self->skip);
	EXPECT_EQ(3, self->h.code);
	EXPECT_STREQ("done\n", buf_str(&self->h.out));
}

TEST_F(agent, workload_that_fails_says_where)
{
	run_plan(self, "duration=4000000000\n" WORKER("gone", "19", "1")
		 "arg=/no/such\nstep=a\nop=12\ntext=sleep 0.1\nop=7\ntarget=nobody\n", NULL);
	if (self->skip)
		SKIP(return, "%s", self->skip);
	EXPECT_EQ(WL_EXIT_BROKEN, self->h.code);
	EXPECT_NE(NULL, strstr(buf_str(&self->h.err), "stop nobody: no such worker or cgroup"));
	EXPECT_LT(0, figure(self, 0, "wall_ns"));
}

/* --- kselftests --------------------------------------------------------- */

static void put_test(FIXTURE_DATA(agent) *self, struct buf *list,
		     const char *name, unsigned int seconds, const char *text)
{
	char path[160];

	snprintf(path, sizeof(path), "%s/c/%s", self->dir, name);
	io_write_file(path, text, strlen(text), NULL);
	chmod(path, 0755);
	/* One of two that exit with 2 comes from a tree where that is XFAIL. */
	buf_printf(list, "c\t%s\t%u%s%c", name, seconds,
		   strcmp(name, "known") ? "" : "x", 0);
}

TEST_F(agent, kselftests_each_with_its_verdict)
{
	char list[128], dir[128], program[128];
	const char *argv[] = { program, list, self->dir };
	static const char *const env[] = { "KSELFTEST_ARGS_SH_ARGS=-a  b" };
	const struct job job = { .argv = argv, .argc = 3, .env = env, .nr_env = 1 };
	struct buf b = {};

	sprintf(list, "%s/list", self->dir);
	sprintf(program, "%s/vmtap-kselftest", self->dir);
	sprintf(dir, "%s/c", self->dir);
	mkdir(dir, 0755);
	buf_add(&b, KSFT_MAGIC, sizeof(KSFT_MAGIC));
	put_test(self, &b, "pass", 0, "#!/bin/sh\necho TAP version 13; echo 1..2\n"
		 "echo 'ok 1 one'; echo '  not ok 1 in it'; printf 'ok 2 two # XFAIL known'\n");
	put_test(self, &b, "fail", 60, "#!/bin/sh\necho to stderr >&2; exit 1\n");
	put_test(self, &b, "skip", 60, "#!/bin/sh\necho '1..0 # SKIP no root'; exit 4\n");
	put_test(self, &b, "known", 60, "#!/bin/sh\nexit 2\n");
	put_test(self, &b, "two", 60, "#!/bin/sh\nexit 2\n");
	put_test(self, &b, "slow", 1, "#!/bin/sh\nsleep 1000\n");
	put_test(self, &b, "killed", 60, "#!/bin/sh\nkill -SEGV $$\n");
	put_test(self, &b, "args.sh", 60, "#!/bin/sh\necho \"$# $1 $2 $kselftest_timeout $(pwd)\"\n");
	put_test(self, &b, "behind", 60, "#!/bin/sh\nsleep 1000 &\nsetsid yes &\nexit 0\n");
	buf_printf(&b, "c\tgone\t60%c", 0);
	io_write_file(list, b.data, b.len, NULL);
	buf_reset(&b);
	RUN(self, &job, NULL);
	EXPECT_EQ(1, self->h.code);
	EXPECT_STREQ("+0 c:pass: one ()\n++1 c:pass: in it ()\n+3 c:pass: two (known)\n"
		     "0 c:pass ()\n1 c:fail (exit=1)\n2 c:skip (no root)\n3 c:known ()\n"
		     "1 c:two (exit=2)\n"
		     "6 c:slow (1 seconds)\n1 c:killed (exit=139)\n0 c:args.sh ()\n"
		     "0 c:behind ()\n1 c:gone (exit=126)\n", buf_str(&self->h.results));
	sprintf(dir, "# 2 -a b 60 %s/c\n", self->dir);
	EXPECT_NE(NULL, strstr(buf_str(&self->h.out), dir));
	EXPECT_NE(NULL, strstr(buf_str(&self->h.out), "# to stderr\nnot ok 2 selftests: c: fail # exit=1\n"));
	EXPECT_NE(NULL, strstr(buf_str(&self->h.out), "ok 3 selftests: c: skip # SKIP no root\n"));
	EXPECT_NE(NULL, strstr(buf_str(&self->h.out), "not ok 6 selftests: c: slow # TIMEOUT 1 seconds\n"));
	EXPECT_EQ(self->h.out.data, strstr(buf_str(&self->h.out), "TAP version 13\n1..10\n"));
}

/* A shell in place of a scheduler; @says enabled in place of sched_ext. */
#define SCHED(self, script)							\
	char state[128];							\
	const char *const sched[] = { "/bin/sh", "-c", script, state };		\
	const struct job job = { .sched = sched, .nr_sched = 4 };		\
	sprintf(state, "%s/state", (self)->dir);				\
	io_write_file(state, "disabled\n", 9, NULL)

TEST_F(agent, payload_starts_when_the_scheduler_is_on)
{
	SCHED(self, "sleep 0.2; echo on; echo enabled > $0; exec sleep 100");

	RUN(self, &job, "cat $(dirname $(command -v vmtap-exit))/state; exit 3\n");
	EXPECT_STREQ("enabled\n", buf_str(&self->h.out));
	EXPECT_STREQ("on\n", buf_str(&self->h.sched));
	EXPECT_EQ(3, self->h.code);
	EXPECT_EQ(1, self->h.exits);
	EXPECT_NE(NULL, strstr(buf_str(&self->h.types), "SCHED_ON"));
	EXPECT_EQ(NULL, strstr(buf_str(&self->h.types), "SCHED_EXIT"));
}

TEST_F(agent, scheduler_that_leaves_ends_the_payload_without_a_verdict)
{
	SCHED(self, "echo enabled > $0; until [ -e ${0%state}began ]; do sleep 0.05; "
	      "done; echo disabled > $0; echo 'EXIT: why (what)'; echo more; exit 3");

	RUN(self, &job, "echo began; : > $(dirname $(command -v vmtap-exit))/began; "
	    "sleep 100\n");
	EXPECT_STREQ("began\n", buf_str(&self->h.out));
	EXPECT_STREQ("EXIT: why (what)", self->h.sched_why);
	EXPECT_STREQ("EXIT: why (what)\nmore\n", buf_str(&self->h.sched));
	EXPECT_EQ(3, self->h.sched_end.code);
	EXPECT_EQ(0, self->h.sched_end.signal);
	EXPECT_EQ(0, self->h.exits);
	EXPECT_FALSE(self->com2.words.has_exit);
}

TEST_F(agent, scheduler_that_leaves_a_flood_behind_ends_all_the_same)
{
	SCHED(self, "echo enabled > $0; setsid yes & sleep 0.2; exit 3");

	RUN(self, &job, "sleep 100\n");
	EXPECT_EQ(3, self->h.sched_end.code);
	EXPECT_EQ(0, self->h.exits);
}

TEST_F(agent, scheduler_that_dies_is_told_by_its_signal)
{
	SCHED(self, "echo enabled > $0; sleep 0.2; kill -SEGV $$");

	RUN(self, &job, "sleep 100\n");
	EXPECT_EQ(SIGSEGV, self->h.sched_end.signal);
	EXPECT_EQ(0, self->h.exits);
}

TEST_F(agent, scheduler_that_never_attaches_leaves_no_payload)
{
	SCHED(self, "echo no such kernel; exit 4");

	RUN(self, &job, "echo began\n");
	EXPECT_STREQ("", buf_str(&self->h.out));
	EXPECT_EQ(4, self->h.sched_end.code);
	EXPECT_STREQ("no such kernel", self->h.sched_why);
	EXPECT_EQ(0x0cu, self->h.stages);	/* init, agent */
}

TEST_F(agent, kernel_without_sched_ext_is_told)
{
	static const char *const sched[] = { "/bin/true" };
	const struct job job = { .sched = sched, .nr_sched = 1 };

	RUN(self, &job, "echo began\n");
	EXPECT_EQ(-1, self->h.sched_end.code);
	EXPECT_STREQ("this kernel has no sched_ext", self->h.sched_why);
}

TEST_F(agent, stats_need_their_port)
{
	const struct job job = { .stats = true };

	RUN(self, &job, "exit 0\n");
	EXPECT_NE(NULL, strstr(buf_str(&self->h.log), "vmtap.stats did not come up"));
	EXPECT_EQ(1, self->h.exits);
}

TEST_HARNESS_MAIN
