// SPDX-License-Identifier: GPL-2.0-only
#include "runner/nested_host.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/nested_save.h"
#include "runner/nested_state.h"
#include "runner/nested_wire.h"
#include "vmm/base/diag.h"
#include "vmm/base/io.h"

#include "kselftest_harness.h"

TEST(qemu_tells_its_major_version)
{
	EXPECT_EQ(10, nested_qemu_major("QEMU emulator version 10.0.2 (Debian 1:10.0.2+ds-2)\n"));
	EXPECT_EQ(7, nested_qemu_major("QEMU emulator version 7.2.19\n"));
	EXPECT_EQ(0, nested_qemu_major("qemu-system-x86_64: error\n"));
	EXPECT_EQ(0, nested_qemu_major("QEMU emulator version x\n"));
	EXPECT_EQ(0, nested_qemu_major(""));
}

TEST(the_work_takes_time)
{
	EXPECT_LT(0, nested_work_ns());
}

/* A cache, a PATH with a QEMU of our own, both empty at first. */
FIXTURE(find) {
	char dir[64];
	struct nested_host h;
	struct diag d;
};

FIXTURE_SETUP(find)
{
	char path[128];

	strcpy(self->dir, "/tmp/test_nested.XXXXXX");
	ASSERT_NE(NULL, mkdtemp(self->dir));
	setenv("XDG_CACHE_HOME", self->dir, 1);
	snprintf(path, sizeof(path), "%s/bin", self->dir);
	ASSERT_EQ(0, mkdir(path, 0755));
	setenv("PATH", path, 1);
}

FIXTURE_TEARDOWN(find)
{
	nested_host_reset(&self->h);
	diag_reset(&self->d);
	io_rmtree(self->dir, NULL);
}

static void put(const char *dir, const char *path, const char *text)
{
	char full[256];

	snprintf(full, sizeof(full), "%s/%s", dir, path);
	*strrchr(full, '/') = 0;
	if (io_mkdirs(full, NULL))
		abort();
	full[strlen(full)] = '/';
	if (io_write_file(full, text, strlen(text), NULL) ||
	    chmod(full, 0755))
		abort();
}

static void put_qemu(const char *dir, const char *path, const char *version)
{
	char text[128];

	snprintf(text, sizeof(text),
		 "#!/bin/sh\necho 'QEMU emulator version %s'\n", version);
	put(dir, path, text);
}

static bool says(const struct diag *d, const char *text)
{
	return strstr(diag_text(d), text);
}

TEST_F(find, without_qemu_the_remedy_is_told)
{
	EXPECT_EQ(-ENOENT, nested_host_find(&self->h, &self->d));
	EXPECT_TRUE(says(&self->d, "nested --fetch"));
}

TEST_F(find, qemu_7_is_refused)
{
	put_qemu(self->dir, "bin/qemu-system-x86_64", "7.2.19 (Debian)");
	EXPECT_EQ(-ENOTSUP, nested_host_find(&self->h, &self->d));
	EXPECT_TRUE(says(&self->d, "QEMU 7"));
	EXPECT_TRUE(says(&self->d, "nested --fetch"));
}

TEST_F(find, a_qemu_that_says_nothing_is_refused)
{
	put(self->dir, "bin/qemu-system-x86_64", "#!/bin/sh\nexit 1\n");
	EXPECT_EQ(-ENOTSUP, nested_host_find(&self->h, &self->d));
}

TEST_F(find, without_a_kernel_the_remedy_is_told)
{
	put_qemu(self->dir, "bin/qemu-system-x86_64", "10.0.2");
	put(self->dir, "vmtap/nested/6.1.0-1-amd64.tmp.7/.complete", "");
	put(self->dir, "vmtap/nested/6.1.0-2-amd64/boot/half", "");
	EXPECT_EQ(-ENOENT, nested_host_find(&self->h, &self->d));
	EXPECT_TRUE(says(&self->d, "no kernel for a nested host"));
	EXPECT_TRUE(says(&self->d, "nested --fetch"));
}

TEST_F(find, the_newest_kernel_and_the_systems_qemu)
{
	put_qemu(self->dir, "bin/qemu-system-x86_64", "10.0.2");
	put(self->dir, "vmtap/nested/6.1.0-9-amd64/.complete", "");
	put(self->dir, "vmtap/nested/6.1.0-50-amd64/.complete", "");
	ASSERT_EQ(0, nested_host_find(&self->h, &self->d)) {
		TH_LOG("%s", diag_text(&self->d));
	}
	EXPECT_STREQ("6.1.0-50-amd64", self->h.release);
	EXPECT_EQ(NULL, self->h.unpacked);
	EXPECT_NE(NULL, strstr(self->h.image, "/boot/vmlinuz-6.1.0-50-amd64"));
}

TEST_F(find, the_unpacked_qemu_comes_first)
{
	put_qemu(self->dir, "bin/qemu-system-x86_64", "7.2.19");
	put_qemu(self->dir, "vmtap/deps/qemu/usr/bin/qemu-system-x86_64", "10");
	put(self->dir, "vmtap/nested/6.1.0-50-amd64/.complete", "");
	ASSERT_EQ(0, nested_host_find(&self->h, &self->d));
	EXPECT_NE(NULL, self->h.unpacked);
	EXPECT_NE(NULL, strstr(self->h.qemu, "/vmtap/deps/qemu/usr/bin/"));
}

static bool has(const struct nested_args *args, const char *want)
{
	for (size_t i = 0; i < args->nr; i++)
		if (strstr(args->argv[i], want))
			return true;
	return false;
}

TEST(the_command_line_names_what_it_was_given)
{
	struct nested_host h = { .qemu = (char *)"/q/qemu" };
	struct nested_wiring w = {
		.kernel_fd = 31, .initrd_fd = 32, .console_fd = 33,
		.port_fd = { 41, 42, 43, 44 }, .memory = MiB(960),
		.tsc_khz = 2596000,
	};
	struct nested_args args;

	nested_host_args(&h, &w, &args);
	ASSERT_FALSE(args.failed);
	EXPECT_STREQ("/q/qemu", args.argv[0]);
	EXPECT_EQ(NULL, args.argv[args.nr]);
	EXPECT_TRUE(has(&args, "960"));
	EXPECT_TRUE(has(&args, "/proc/self/fd/31"));
	EXPECT_TRUE(has(&args, "/proc/self/fd/32"));
	EXPECT_TRUE(has(&args, "/proc/self/fd/33"));
	EXPECT_TRUE(has(&args, "id=port3,fd=44"));
	EXPECT_TRUE(has(&args, "name=" NESTED_PORT_CTL));
	EXPECT_TRUE(has(&args, "tsc_early_khz=2596000"));
	EXPECT_TRUE(has(&args, "mount_tag=" NESTED_TAG_CACHED));
	EXPECT_FALSE(has(&args, "seabios"));
	nested_args_reset(&args);
	w.tsc_khz = 0;
	h.unpacked = (char *)"/u";
	nested_host_args(&h, &w, &args);
	EXPECT_FALSE(has(&args, "tsc_early_khz"));
	EXPECT_TRUE(has(&args, "/u/usr/share/seabios"));
	nested_args_reset(&args);
}

TEST(a_saved_one_needs_no_kernel)
{
	struct nested_host h = { .qemu = (char *)"/q/qemu" };
	struct nested_wiring w = { .state_fd = 35, .qmp_fd = 36 };
	struct nested_args args;

	nested_host_args(&h, &w, &args);
	ASSERT_FALSE(args.failed);
	EXPECT_TRUE(has(&args, "file:/proc/self/fd/35"));
	EXPECT_TRUE(has(&args, "id=qmp,fd=36"));
	EXPECT_FALSE(has(&args, "-kernel"));
	EXPECT_FALSE(has(&args, "-append"));
	nested_args_reset(&args);
}

/* --- states ------------------------------------------------------------------ */

static char *state_of(const char *image, u64 memory, u64 tsc_khz)
{
	struct nested_host h = {
		.qemu = (char *)"/q", .image = (char *)image,
		.modules_dir = (char *)"/m",
	};

	return nested_state_path(&h, memory, tsc_khz);
}

TEST_F(find, what_makes_a_host_makes_its_state)
{
	char *a, *same, *memory, *clock, *kernel, image[128];

	put(self->dir, "image", "one");
	snprintf(image, sizeof(image), "%s/image", self->dir);
	a = state_of(image, GiB(1), 2591000);
	same = state_of(image, GiB(1), 2599000);
	memory = state_of(image, GiB(2), 2591000);
	clock = state_of(image, GiB(1), 2701000);
	put(self->dir, "image", "another");
	kernel = state_of(image, GiB(1), 2591000);
	EXPECT_EQ(a, strstr(a, self->dir));
	EXPECT_STREQ(a, same);
	EXPECT_STRNE(a, memory);
	EXPECT_STRNE(a, clock);
	EXPECT_STRNE(a, kernel);
	free(a);
	free(same);
	free(memory);
	free(clock);
	free(kernel);
}

static unsigned int files_in(const char *path)
{
	unsigned int nr = 0;
	DIR *dir = opendir(path);
	struct dirent *e;

	while (dir && (e = readdir(dir)))
		nr += *e->d_name != '.';
	if (dir)
		closedir(dir);
	return nr;
}

TEST_F(find, states_have_names_when_whole_and_the_oldest_go)
{
	char dir[128], path[160];
	int fd = -1;

	snprintf(dir, sizeof(dir), "%s/hoststate", self->dir);
	for (int i = 0; i < NESTED_STATES_KEPT + 3; i++) {
		unsigned int before = files_in(dir);

		snprintf(path, sizeof(path), "%s/%d", dir, i);
		EXPECT_EQ(-ENOENT, nested_state_open(path));
		fd = nested_state_create(path);
		if (fd == -EOPNOTSUPP)
			SKIP(return, "no O_TMPFILE here");
		ASSERT_LE(0, fd);
		EXPECT_EQ(before, files_in(dir));
		futimens(fd, (struct timespec[]){ { i + 1, 0 }, { i + 1, 0 } });
		nested_state_commit(fd, path);
		close(fd);
	}
	EXPECT_EQ(NESTED_STATES_KEPT, files_in(dir));
	fd = nested_state_open(path);
	EXPECT_LE(0, fd);
	close(fd);
	snprintf(path, sizeof(path), "%s/2", dir);
	EXPECT_EQ(-ENOENT, nested_state_open(path));
}

/* --- the monitor ---------------------------------------------------------------- */

FIXTURE(save) {
	struct nested_save s;
	int qemu;
};

FIXTURE_SETUP(save)
{
	int pair[2];

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	ASSERT_EQ(77, dup2(pair[0], 77));
	self->s = (struct nested_save){ .qmp = pair[0], .file = 77 };
	self->qemu = pair[1];
}

FIXTURE_TEARDOWN(save)
{
	nested_save_reset(&self->s);
	close(self->qemu);
}

/* What it says to @line. */
static const char *answer(struct nested_save *s, int qemu, const char *line)
{
	static char text[512];
	ssize_t n;

	if (write(qemu, line, strlen(line)) < 0)
		abort();
	nested_save_step(s);
	n = recv(qemu, text, sizeof(text) - 1, MSG_DONTWAIT);
	text[n < 0 ? 0 : n] = 0;
	return text;
}

#define EXPECT_SAYS(line, want) \
	EXPECT_NE(NULL, strstr(answer(&self->s, self->qemu, line), want))
#define OK "{\"return\": {}}\r\n"
#define STATUS(status, running) \
	"{\"return\": {\"status\": \"" status "\", \"running\": " running "}}\r\n"
#define MIGRATION(status) \
	"{\"event\": \"MIGRATION\", \"data\": {\"status\": \"" status "\"}}\r\n"

static void up_to_migrate(struct nested_save *s, int qemu)
{
	answer(s, qemu, "{\"QMP\": {}}\r\n");
	for (int i = 0; i < 3; i++)
		answer(s, qemu, OK);
}

TEST_F(save, one_command_after_the_other)
{
	EXPECT_SAYS("{\"QMP\": {\"ver", "");
	EXPECT_SAYS("sion\": 10}}\r\n", "qmp_capabilities");
	EXPECT_SAYS(OK, "events");
	EXPECT_SAYS(OK, "max-bandwidth");
	EXPECT_SAYS(OK, "file:/proc/self/fd/77");
	EXPECT_STREQ("", answer(&self->s, self->qemu, OK MIGRATION("active")));
	EXPECT_SAYS(MIGRATION("completed"), "query-status");
	/* Its migration thread is not through yet. */
	EXPECT_SAYS(STATUS("finish-migrate", "false"), "query-status");
	EXPECT_SAYS(STATUS("postmigrate", "false"), "cont");
	EXPECT_FALSE(nested_save_step(&self->s));
	answer(&self->s, self->qemu, "{\"event\": \"RESUME\"}\r\n" OK);
	EXPECT_TRUE(nested_save_step(&self->s));
	EXPECT_TRUE(self->s.running);
	EXPECT_FALSE(self->s.failed);
}

TEST_F(save, a_full_disk_ends_the_saving_and_not_the_host)
{
	up_to_migrate(&self->s, self->qemu);
	EXPECT_SAYS(OK MIGRATION("failed"), "query-status");
	EXPECT_SAYS(STATUS("finish-migrate", "false"), "query-status");
	answer(&self->s, self->qemu, STATUS("running", "true"));
	EXPECT_TRUE(nested_save_step(&self->s));
	EXPECT_TRUE(self->s.running);
	EXPECT_TRUE(self->s.failed);
}

TEST_F(save, a_command_that_qemu_does_not_know)
{
	answer(&self->s, self->qemu, "{\"QMP\": {}}\r\n");
	EXPECT_SAYS("{\"error\": {\"class\": \"CommandNotFound\"}}\r\n", "query-status");
	answer(&self->s, self->qemu, "{\"error\": {}}\r\n");
	EXPECT_TRUE(nested_save_step(&self->s));
	EXPECT_FALSE(self->s.running);
}

TEST_F(save, a_monitor_that_hangs_up)
{
	up_to_migrate(&self->s, self->qemu);
	shutdown(self->qemu, SHUT_RDWR);
	EXPECT_TRUE(nested_save_step(&self->s));
	EXPECT_FALSE(self->s.running);
}

TEST_F(save, endless_words)
{
	char x[4096];
	bool end = false;

	memset(x, 'x', sizeof(x));
	for (int i = 0; i < 64 && !end; i++) {
		ASSERT_EQ(sizeof(x), write(self->qemu, x, sizeof(x)));
		end = nested_save_step(&self->s);
	}
	EXPECT_TRUE(end);
	EXPECT_FALSE(self->s.running);
}

TEST_HARNESS_MAIN
