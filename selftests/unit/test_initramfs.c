// SPDX-License-Identifier: GPL-2.0-only
/* The archive read back by our own reader, by cpio, and by busybox cpio. */
#include "runner/initramfs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/elfdeps.h"
#include "vmm/base/buf.h"
#include "vmm/base/diag.h"
#include "vmm/base/io.h"

#include "kselftest_harness.h"

FIXTURE(cpio)
{
	struct initramfs *fs;
	struct diag d;
	char dir[64];
	u8 *bytes;
	u64 size;
};

FIXTURE_SETUP(cpio)
{
	*self = (FIXTURE_DATA(cpio)){};
	strcpy(self->dir, "/tmp/vmtap-test-initramfs.XXXXXX");
	ASSERT_NE(NULL, mkdtemp(self->dir));
	ASSERT_EQ(0, initramfs_create(&self->fs, &self->d));
}

FIXTURE_TEARDOWN(cpio)
{
	initramfs_destroy(self->fs);
	diag_reset(&self->d);
	io_rmtree(self->dir, NULL);
	free(self->bytes);
}

static int finish(FIXTURE_DATA(cpio) *self)
{
	free(self->bytes);
	self->size = initramfs_size(self->fs);
	self->bytes = malloc(self->size);
	memset(self->bytes, 0xa5, self->size);
	return initramfs_write(self->fs, self->bytes, self->size, &self->d);
}

static u32 field(const u8 *hdr, int i)
{
	char hex[9] = {};

	memcpy(hex, hdr + 6 + 8 * i, 8);
	return (u32)strtoul(hex, NULL, 16);
}

/* An entry of the archive: mode, or 0 where it is not there. */
static u32 get(FIXTURE_DATA(cpio) *self, const char *name, const char **data,
	       u32 *len)
{
	u64 at = 0;

	while (at + 110 <= self->size && !memcmp(self->bytes + at, "070701", 6)) {
		const u8 *h = self->bytes + at;
		u32 size = field(h, 6), n = field(h, 11);
		const char *path = (const char *)h + 110;
		u64 body = round_up(at + 110 + n, 4);

		if (!strcmp(path, "TRAILER!!!"))
			break;
		if (!strcmp(path, name)) {
			if (data)
				*data = (const char *)self->bytes + body;
			if (len)
				*len = size;
			return field(h, 1);
		}
		at = round_up(body + size, 4);
	}
	return 0;
}

static void put_file(FIXTURE_DATA(cpio) *self, const char *name,
		     const char *text, char *path)
{
	sprintf(path, "%s/%s", self->dir, name);
	io_write_file(path, text, strlen(text), NULL);
}

TEST_F(cpio, base_layout_is_usr_merged)
{
	const char *data;
	u32 len;

	ASSERT_EQ(0, finish(self));
	EXPECT_EQ(0, self->size % 512);
	EXPECT_EQ(S_IFDIR | 0755, get(self, "dev", NULL, NULL));
	EXPECT_EQ(S_IFCHR | 0600, get(self, "dev/console", NULL, NULL));
	EXPECT_EQ(S_IFDIR | 01777, get(self, "tmp", NULL, NULL));
	EXPECT_EQ(S_IFLNK | 0777, get(self, "bin", &data, &len));
	EXPECT_EQ(7, len);
	EXPECT_EQ(0, memcmp(data, "usr/bin", 7));
}

TEST_F(cpio, files_of_every_length_come_back)
{
	char name[32], text[16];

	for (int i = 0; i < 9; i++) {
		sprintf(name, "/d/f%d", i);
		ASSERT_EQ(0, initramfs_add_data(self->fs, name, 0640, "12345678", i,
						"test", &self->d));
	}
	ASSERT_EQ(0, finish(self));
	EXPECT_EQ(S_IFDIR | 0755, get(self, "d", NULL, NULL));
	for (int i = 0; i < 9; i++) {
		const char *data;
		u32 len;

		sprintf(name, "d/f%d", i);
		EXPECT_EQ(S_IFREG | 0640, get(self, name, &data, &len));
		ASSERT_EQ(i, len);
		memcpy(text, data, len);
		EXPECT_EQ(0, memcmp(text, "12345678", len));
	}
}

TEST_F(cpio, order_of_adding_changes_no_byte)
{
	struct initramfs *other;
	u8 *bytes;

	ASSERT_EQ(0, initramfs_create(&other, &self->d));
	ASSERT_EQ(0, initramfs_add_data(self->fs, "/bin/a", 0755, "A", 1, "x", NULL));
	ASSERT_EQ(0, initramfs_add_data(self->fs, "/b", 0755, "B", 1, "x", NULL));
	ASSERT_EQ(0, initramfs_add_data(other, "/b", 0755, "B", 1, "y", NULL));
	ASSERT_EQ(0, initramfs_add_data(other, "/usr//bin/a", 0755, "A", 1, "y", NULL));
	ASSERT_EQ(0, finish(self));
	ASSERT_EQ(self->size, initramfs_size(other));
	bytes = malloc(self->size);
	ASSERT_EQ(0, initramfs_write(other, bytes, self->size, NULL));
	EXPECT_EQ(0, memcmp(bytes, self->bytes, self->size));
	free(bytes);
	initramfs_destroy(other);
}

TEST_F(cpio, conflict_names_both_sources)
{
	char one[128], two[128];

	put_file(self, "one", "content 1", one);
	put_file(self, "two", "content 2", two);
	ASSERT_EQ(0, initramfs_add_file(self->fs, one, "/bin/x", 0755, "files[0]", NULL));
	EXPECT_EQ(-EEXIST, initramfs_add_file(self->fs, two, "/usr/bin/x", 0755,
					      "files[1]", &self->d));
	EXPECT_NE(NULL, strstr(diag_text(&self->d), "files[0]"));
	EXPECT_NE(NULL, strstr(diag_text(&self->d), one));
	EXPECT_NE(NULL, strstr(diag_text(&self->d), "files[1]"));
	EXPECT_NE(NULL, strstr(diag_text(&self->d), two));
	ASSERT_EQ(0, finish(self));
}

TEST_F(cpio, same_bytes_twice_are_no_conflict_but_another_mode_is)
{
	char one[128], two[128];

	put_file(self, "one", "same", one);
	put_file(self, "two", "same", two);
	ASSERT_EQ(0, initramfs_add_file(self->fs, one, "/x", 0755, "a", NULL));
	EXPECT_EQ(0, initramfs_add_file(self->fs, two, "/x", 0755, "b", NULL));
	EXPECT_EQ(0, initramfs_add_data(self->fs, "/x", 0755, "same", 4, "c", NULL));
	EXPECT_EQ(-EEXIST, initramfs_add_data(self->fs, "/x", 0700, "same", 4, "d", NULL));
	EXPECT_EQ(-EEXIST, initramfs_add_data(self->fs, "/x", 0755, "samE", 4, "e", NULL));
	EXPECT_EQ(-EEXIST, initramfs_add_dir(self->fs, "/x", 0755, "f", NULL));
	EXPECT_EQ(-EEXIST, initramfs_add_data(self->fs, "/x/y", 0755, "", 0, "g", NULL));
}

TEST_F(cpio, bad_destinations_are_refused)
{
	static const char *const bad[] = {
		"", "/", "//", "relative", "/a/../b", "/a/./b", "/..", "/bin/../x",
	};
	char deep[2048];

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(-EINVAL, initramfs_add_data(self->fs, bad[i], 0644, "x", 1,
						      "test", NULL)) TH_LOG("%s", bad[i]);
	}
	memset(deep, 'a', sizeof(deep));
	deep[0] = '/';
	deep[sizeof(deep) - 1] = 0;
	EXPECT_EQ(-EINVAL, initramfs_add_data(self->fs, deep, 0644, "x", 1, "test", NULL));
}

TEST_F(cpio, file_that_changes_meanwhile_is_told)
{
	char path[128];

	put_file(self, "f", "four", path);
	ASSERT_EQ(0, initramfs_add_file(self->fs, path, "/f", 0, "files[0]", NULL));
	put_file(self, "f", "longer", path);
	EXPECT_EQ(-ESTALE, finish(self));
	unlink(path);
	EXPECT_EQ(-ENOENT, finish(self));
	EXPECT_EQ(-ENOENT, initramfs_add_file(self->fs, path, "/g", 0, "files[1]", &self->d));
	EXPECT_EQ(-EINVAL, initramfs_add_file(self->fs, self->dir, "/g", 0, "x", NULL));
}

TEST_F(cpio, too_little_room_is_an_error_and_writes_nothing)
{
	u8 byte = 7;

	EXPECT_EQ(-ENOSPC, initramfs_write(self->fs, &byte, 1, &self->d));
	EXPECT_EQ(7, byte);
}

TEST_F(cpio, busybox_links_give_way_to_files)
{
	const char *data;
	u32 len;
	int err = initramfs_add_busybox(self->fs, NULL, &self->d);

	if (err == -ENOENT)
		SKIP(return, "no static busybox: apt install busybox-static");
	ASSERT_EQ(0, err) TH_LOG("%s", diag_text(&self->d));
	ASSERT_EQ(0, initramfs_add_data(self->fs, "/bin/ls", 0755, "mine", 4, "files", NULL));
	ASSERT_EQ(0, finish(self));
	EXPECT_EQ(S_IFREG | 0755, get(self, "usr/bin/busybox", NULL, NULL));
	EXPECT_EQ(S_IFREG | 0755, get(self, "usr/bin/ls", &data, &len));
	EXPECT_EQ(4, len);
	EXPECT_EQ(S_IFLNK | 0777, get(self, "usr/bin/sh", &data, &len));
	EXPECT_EQ(0, memcmp(data, "/usr/bin/busybox", len));
	EXPECT_EQ(0, get(self, "linuxrc", NULL, NULL));
	/* The boot would run it in vain; the agent makes the link. */
	EXPECT_EQ(0, get(self, "usr/sbin/modprobe", NULL, NULL));
	EXPECT_NE(0, get(self, "usr/sbin/lsmod", NULL, NULL) |
		  get(self, "usr/bin/lsmod", NULL, NULL));
}

static int run_cpio(FIXTURE_DATA(cpio) *self, const char *tool)
{
	char cmd[512], path[128];

	sprintf(path, "%s/archive", self->dir);
	io_write_file(path, self->bytes, self->size, NULL);
	sprintf(cmd, "mkdir -p %s/out && cd %s/out && %s -i -d --quiet --no-absolute-filenames 'usr/*' 'd/*' < %s",
		self->dir, self->dir, tool, path);
	return system(cmd);
}

TEST_F(cpio, cpio_extracts_what_was_put_in)
{
	struct buf a = {}, b = {};
	char out[128], cmd[256];

	if (system("command -v cpio >/dev/null"))
		SKIP(return, "no cpio: apt install cpio");
	ASSERT_EQ(0, initramfs_add_program(self->fs, "/proc/self/exe", "/bin/me", 0755,
					   "files[0]", &self->d))
		TH_LOG("%s", diag_text(&self->d));
	ASSERT_EQ(0, initramfs_add_data(self->fs, "/d/e/f", 0644, "deep", 4, "x", NULL));
	ASSERT_EQ(0, finish(self));
	ASSERT_EQ(0, run_cpio(self, "cpio"));
	sprintf(out, "%s/out/usr/bin/me", self->dir);
	ASSERT_EQ(0, io_read_file(out, MiB(64), &a, NULL));
	ASSERT_EQ(0, io_read_file("/proc/self/exe", MiB(64), &b, NULL));
	EXPECT_TRUE(a.len == b.len && !memcmp(a.data, b.data, a.len));
	sprintf(cmd, "test \"$(cat %s/out/d/e/f)\" = deep", self->dir);
	EXPECT_EQ(0, system(cmd));
	/* Sorted, and each name once. */
	sprintf(cmd, "cd %s && cpio -t --quiet <archive >l && LC_ALL=C sort -uc l",
		self->dir);
	EXPECT_EQ(0, system(cmd));
	buf_reset(&a);
	buf_reset(&b);
}

/* Real programs: the closure must be what ld.so itself would load. */
static void same_as_ldd(struct __test_metadata *_metadata, const char *prog)
{
	struct elfdeps deps;
	struct diag d = {};
	char cmd[512], line[512];
	size_t lines = 0;
	FILE *p;

	if (access(prog, X_OK))
		return;
	ASSERT_EQ(0, elfdeps_scan(prog, prog, "", &deps, &d)) TH_LOG("%s", diag_text(&d));
	/*
	 * ldd: "name => path (addr)" and "/lib64/ld-linux... (addr)"; kselftest's
	 * runner preloads stdbuf's library, which is no part of the program.
	 */
	sprintf(cmd, "env -u LD_PRELOAD ldd %s | sed -n 's/.*=> //; s/^[ \t]*\\(\\/.*\\) (.*/\\1/p'", prog);
	p = popen(cmd, "r");
	while (fgets(line, sizeof(line), p)) {
		bool found = false;

		line[strcspn(line, "\n")] = 0;
		for (size_t i = 0; i < deps.nr; i++)
			found = found || !strcmp(deps.deps[i].src, line);
		EXPECT_TRUE(found) TH_LOG("%s: ld.so loads %s", prog, line);
		lines++;
	}
	pclose(p);
	/* One that ends threads has its unwinder besides. */
	if (deps.nr == lines + 1)
		lines += strstr(deps.deps[deps.nr - 1].dst, "/libgcc_s.so.1") != NULL;
	EXPECT_EQ(lines, deps.nr) TH_LOG("%s", prog);
	elfdeps_free(&deps);
}

TEST(closure_of_real_programs_is_ld_sos)
{
	static const char *const progs[] = {
		"/bin/sh", "/usr/bin/git", "/usr/bin/gcc", "/usr/bin/perl",
		"/usr/bin/python3", "/usr/bin/clang",
	};

	for (size_t i = 0; i < ARRAY_SIZE(progs); i++)
		same_as_ldd(_metadata, progs[i]);
}

FIXTURE(elf)
{
	char dir[64];
	struct elfdeps deps;
	struct diag d;
};

FIXTURE_SETUP(elf)
{
	*self = (FIXTURE_DATA(elf)){};
	strcpy(self->dir, "/tmp/vmtap-test-elfdeps.XXXXXX");
	ASSERT_NE(NULL, mkdtemp(self->dir));
}

FIXTURE_TEARDOWN(elf)
{
	elfdeps_free(&self->deps);
	diag_reset(&self->d);
	io_rmtree(self->dir, NULL);
}

static int sh(FIXTURE_DATA(elf) *self, const char *script)
{
	char cmd[2048];

	snprintf(cmd, sizeof(cmd), "set -e; cd %s; exec 2>/dev/null; %s", self->dir, script);
	return system(cmd);
}

static const char *dst_of(FIXTURE_DATA(elf) *self, const char *name)
{
	for (size_t i = 0; i < self->deps.nr; i++) {
		if (strstr(self->deps.deps[i].dst, name))
			return self->deps.deps[i].dst;
	}
	return "";
}

#define NEED_CC(self)							\
	do {								\
		if (sh(self, "echo 'int f(void){return 0;}' > f.c; echo 'int f(void); int main(void){return f();}' > m.c; mkdir -p app/lib; gcc -shared -fPIC -o app/lib/libf.so f.c"))	\
			SKIP(return, "no gcc");				\
	} while (0)

TEST_F(elf, runpath_origin_follows_the_guest_side)
{
	char prog[128];

	NEED_CC(self);
	ASSERT_EQ(0, sh(self, "gcc -o app/m m.c -Lapp/lib -lf -Wl,--enable-new-dtags,-rpath,'$ORIGIN/../app/lib'"));
	sprintf(prog, "%s/app/m", self->dir);
	ASSERT_EQ(0, elfdeps_scan(prog, "/opt/x/app/m", "", &self->deps, &self->d))
		TH_LOG("%s", diag_text(&self->d));
	EXPECT_STREQ("/opt/x/app/lib/libf.so", dst_of(self, "libf.so"));
	EXPECT_TRUE(self->deps.is_elf);
	EXPECT_FALSE(self->deps.is_static);
}

TEST_F(elf, threads_that_end_bring_their_unwinder)
{
	static const char source[] = "#include <pthread.h>\n"
		"#include <stdlib.h>\n"
		"int main(void) { %s(0); }\n";
	static const char *const ends[] = { "pthread_exit", "exit" };
	char prog[128], text[200];
	size_t i;

	NEED_CC(self);
	for (i = 0; i < ARRAY_SIZE(ends); i++) {
		sprintf(prog, "%s/m.c", self->dir);
		sprintf(text, source, ends[i]);
		io_write_file(prog, text, strlen(text), NULL);
		ASSERT_EQ(0, sh(self, "gcc -o app/m m.c -lpthread"));
		sprintf(prog, "%s/app/m", self->dir);
		ASSERT_EQ(0, elfdeps_scan(prog, "/m", "", &self->deps, &self->d))
			TH_LOG("%s", diag_text(&self->d));
		EXPECT_EQ(!i, dst_of(self, "/libgcc_s.so.1")[0] == '/');
		elfdeps_free(&self->deps);
	}
}

TEST_F(elf, rpath_of_the_parent_serves_its_libraries)
{
	char prog[128];

	NEED_CC(self);
	/* libg needs libf and says not where: only the program's RPATH does. */
	ASSERT_EQ(0, sh(self, "echo 'int f(void); int g(void){return f();}' > g.c; gcc -shared -fPIC -o app/lib/libg.so g.c -Lapp/lib -lf; echo 'int g(void); int main(void){return g();}' > m.c; gcc -o app/m m.c -Lapp/lib -lg -Wl,--allow-shlib-undefined -Wl,--disable-new-dtags,-rpath,$PWD/app/lib"));
	sprintf(prog, "%s/app/m", self->dir);
	ASSERT_EQ(0, elfdeps_scan(prog, "/m", "", &self->deps, &self->d))
		TH_LOG("%s", diag_text(&self->d));
	EXPECT_NE(NULL, strstr(dst_of(self, "libf.so"), self->dir));
	/* RUNPATH does not: ld.so would not find it either. */
	elfdeps_free(&self->deps);
	ASSERT_EQ(0, sh(self, "gcc -o app/m m.c -Lapp/lib -lg -Wl,--allow-shlib-undefined -Wl,--enable-new-dtags,-rpath,$PWD/app/lib"));
	EXPECT_EQ(-ENOENT, elfdeps_scan(prog, "/m", "", &self->deps, &self->d));
	EXPECT_NE(NULL, strstr(diag_text(&self->d), "libf.so"));
	EXPECT_NE(NULL, strstr(diag_text(&self->d), "libg.so"));
}

TEST_F(elf, static_and_foreign_and_no_elf)
{
	char path[128];

	NEED_CC(self);
	sprintf(path, "%s/m.c", self->dir);
	ASSERT_EQ(0, elfdeps_scan(path, "/m", "", &self->deps, &self->d));
	EXPECT_FALSE(self->deps.is_elf);
	EXPECT_EQ(0, self->deps.nr);
	ASSERT_EQ(0, sh(self, "gcc -static -o s m.c f.c; cp app/lib/libf.so foreign; printf '\\267' | dd of=foreign bs=1 seek=18 conv=notrunc"));
	sprintf(path, "%s/s", self->dir);
	ASSERT_EQ(0, elfdeps_scan(path, "/m", "", &self->deps, &self->d));
	EXPECT_TRUE(self->deps.is_static);
	sprintf(path, "%s/foreign", self->dir);
	EXPECT_EQ(-ENOEXEC, elfdeps_scan(path, "/m", "", &self->deps, &self->d));
}

/* Each byte of the headers and the dynamic section wrong, one at a time. */
TEST_F(elf, damaged_files_never_crash_it)
{
	struct buf b = {};
	char path[128];
	int refused = 0;

	NEED_CC(self);
	sprintf(path, "%s/app/lib/libf.so", self->dir);
	ASSERT_EQ(0, io_read_file(path, MiB(1), &b, NULL));
	for (size_t i = 0; i < 1024; i++) {
		int fd = open(path, O_WRONLY);
		u8 bad = (u8)(b.data[i] ^ 0xff);

		ASSERT_EQ(1, pwrite(fd, &bad, 1, (off_t)i));
		refused += elfdeps_scan(path, "/x", "", &self->deps, NULL) < 0;
		elfdeps_free(&self->deps);
		ASSERT_EQ(1, pwrite(fd, b.data + i, 1, (off_t)i));
		close(fd);
	}
	EXPECT_LT(10, refused);
	for (size_t n = 0; n < b.len; n += 97) {
		ASSERT_EQ(0, truncate(path, (off_t)n));
		elfdeps_scan(path, "/x", "", &self->deps, NULL);
		elfdeps_free(&self->deps);
		io_write_file(path, b.data, b.len, NULL);
	}
	buf_reset(&b);
}

TEST_HARNESS_MAIN
