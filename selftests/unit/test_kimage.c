// SPDX-License-Identifier: GPL-2.0-only
/* Kernel images: each compression, relocation, damage, and the cache. */
#include "vmm/kimage.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <string.h>
#include <sys/stat.h>

#include <kselftest_harness.h>

#include "selftests/lib/kmake.h"
#include "vmm/base/diag.h"
#include "vmm/base/io.h"
#include "vmm/kcache.h"
#include "vmm/kimage_elf.h"

#define SLIDE MiB(64)

FIXTURE(kimage) {
	struct buf elf;		/* and relocations */
	struct buf image;
	struct diag d;
	struct kimage *ki;
	char dir[64];
	char path[96];
};

FIXTURE_SETUP(kimage)
{
	static u8 rodata[100000];
	size_t i;

	memset(self, 0, sizeof(*self));
	for (i = 0; i < sizeof(rodata); i++)
		rodata[i] = (u8)(i * i >> 7);
	kmake_elf(&self->elf, rodata, sizeof(rodata));
	kmake_relocs(&self->elf, false);
	strcpy(self->dir, "/tmp/test_kimage.XXXXXX");
	ASSERT_NE(NULL, mkdtemp(self->dir));
	snprintf(self->path, sizeof(self->path), "%s/bzImage", self->dir);
	setenv("XDG_CACHE_HOME", self->dir, 1);
}

FIXTURE_TEARDOWN(kimage)
{
	kimage_close(self->ki);
	buf_reset(&self->elf);
	buf_reset(&self->image);
	diag_reset(&self->d);
	io_rmtree(self->dir, NULL);
}

static void make(FIXTURE_DATA(kimage) *self, const char *method)
{
	buf_reset(&self->image);
	kmake_bzimage(&self->image, method, self->elf.data, self->elf.len);
}

static int open_it(FIXTURE_DATA(kimage) *self)
{
	kimage_close(self->ki);
	self->ki = NULL;
	return kimage_open_buffer(self->image.data, self->image.len, &self->ki,
				  &self->d);
}

static int open_file(FIXTURE_DATA(kimage) *self)
{
	kimage_close(self->ki);
	self->ki = NULL;
	return kimage_open(self->path, 0, &self->ki, &self->d);
}

TEST_F(kimage, each_compression_round_trips)
{
	static const char *const methods[] = { "gzip", "xz", "lzma", "lz4",
					       "lzo", "zstd", "none" };
	const u8 *elf;
	size_t i, len;

	for (i = 0; i < ARRAY_SIZE(methods); i++) {
		make(self, methods[i]);
		ASSERT_EQ(0, open_it(self)) {
			TH_LOG("%s: %s", methods[i], diag_text(&self->d));
		}
		EXPECT_STREQ(methods[i], kimage_compression(self->ki));
		elf = kimage_elf(self->ki, &len);
		ASSERT_GT(self->elf.len, len);
		EXPECT_EQ(0, memcmp(elf, self->elf.data, len));
		EXPECT_TRUE(kimage_has_relocs(self->ki));
	}
}

TEST_F(kimage, setup_header_is_told)
{
	const struct kimage_boot *b;

	make(self, "gzip");
	ASSERT_EQ(0, open_it(self));
	b = kimage_boot(self->ki);
	EXPECT_EQ(KIMAGE_BZIMAGE, kimage_format(self->ki));
	EXPECT_EQ(0x020f, b->version);
	EXPECT_EQ(0x7f, b->xloadflags);
	EXPECT_EQ(MiB(4), b->init_size);
	EXPECT_EQ(0x26c, b->setup_header_end);
	EXPECT_EQ(1536, b->setup_len);
	EXPECT_EQ(KMAKE_PHYS, b->entry_phys);
	EXPECT_EQ(KMAKE_PHYS, b->link_phys);
	EXPECT_EQ(KMAKE_TEXT, b->link_virt);
	EXPECT_STREQ("6.99.0-test", kimage_release(self->ki));
	EXPECT_STREQ("6.99.0-test (builder@host) #1 SMP",
		     kimage_banner(self->ki));
	EXPECT_EQ(32, strlen(kimage_hash(self->ki)));
}

TEST_F(kimage, vmlinux_is_taken_as_it_is)
{
	buf_add(&self->image, self->elf.data, self->elf.len);
	ASSERT_EQ(0, open_it(self));
	EXPECT_EQ(KIMAGE_ELF, kimage_format(self->ki));
	EXPECT_STREQ("6.99.0-test", kimage_release(self->ki));
	EXPECT_STREQ("none", kimage_compression(self->ki));
	EXPECT_EQ(2047, kimage_boot(self->ki)->cmdline_size);
	ASSERT_NE(NULL, kimage_section_by_name(self->ki, ".text"));
	EXPECT_EQ(NULL, kimage_section_by_name(self->ki, ".nope"));
	EXPECT_NE(NULL, kimage_at(self->ki, KMAKE_TEXT, 3));
	EXPECT_EQ(0, memcmp(kimage_at(self->ki, KMAKE_TEXT, 3), "\xf4\xeb\xfd", 3));
	EXPECT_EQ(NULL, kimage_at(self->ki, KMAKE_TEXT - 1, 3));
	EXPECT_EQ(NULL, kimage_at(self->ki, KMAKE_TEXT, MiB(1)));
	EXPECT_EQ(NULL, kimage_at(self->ki, KMAKE_TEXT + 1, UINT64_MAX));
}

static u64 at64(const u8 *p)
{
	u64 v;

	memcpy(&v, p, 8);
	return v;
}

static u32 at32(const u8 *p)
{
	u32 v;

	memcpy(&v, p, 4);
	return v;
}

TEST_F(kimage, slide_moves_each_relocation)
{
	u64 want = KMAKE_TEXT + 0x123;
	int inverse;

	for (inverse = 0; inverse < 2; inverse++) {
		const struct kimage_boot *b;
		u8 *ram;

		if (inverse) {
			self->elf.len -= 4 * 4;
			kmake_relocs(&self->elf, true);
		}
		make(self, "zstd");
		ASSERT_EQ(0, open_it(self));
		ASSERT_TRUE(kimage_has_relocs(self->ki));
		b = kimage_boot(self->ki);
		ram = calloc(1, b->image_size);
		ASSERT_EQ(0, kimage_load(self->ki, ram, b->image_size, SLIDE,
					 &self->d));
		EXPECT_EQ(want + SLIDE, at64(ram + KMAKE_REL64));
		EXPECT_EQ((u32)(want + SLIDE), at32(ram + KMAKE_REL32));
		EXPECT_EQ((u32)(inverse ? want - SLIDE : want),
			  at32(ram + KMAKE_INV32));
		EXPECT_EQ(0, ram[b->image_size - 1]);
		free(ram);
	}
}

TEST_F(kimage, load_refuses_what_does_not_fit)
{
	const struct kimage_boot *b;
	u8 *ram;

	make(self, "gzip");
	ASSERT_EQ(0, open_it(self));
	b = kimage_boot(self->ki);
	ram = calloc(1, b->image_size);
	EXPECT_EQ(-ENOSPC, kimage_load(self->ki, ram, b->image_size - 1, 0, NULL));
	EXPECT_EQ(-EINVAL, kimage_load(self->ki, ram, b->image_size, 4096, NULL));
	EXPECT_EQ(-EINVAL, kimage_load(self->ki, ram, b->image_size, GiB(1), NULL));
	EXPECT_EQ(-EINVAL, kimage_load(self->ki, ram, b->image_size,
				       UINT64_MAX & ~(MiB(2) - 1), NULL));
	EXPECT_EQ(0, kimage_load(self->ki, ram, b->image_size, 0, NULL));
	EXPECT_EQ(KMAKE_TEXT + 0x123, at64(ram + KMAKE_REL64));
	free(ram);
}

TEST_F(kimage, no_relocations_no_slide)
{
	const struct kimage_boot *b;
	u8 *ram;

	self->elf.len -= 4 * 4;
	make(self, "gzip");
	ASSERT_EQ(0, open_it(self));
	EXPECT_FALSE(kimage_has_relocs(self->ki));
	b = kimage_boot(self->ki);
	ram = calloc(1, b->image_size);
	EXPECT_EQ(-ENOTSUP, kimage_load(self->ki, ram, b->image_size, SLIDE,
					&self->d));
	EXPECT_NE(NULL, strstr(diag_text(&self->d), "RANDOMIZE_BASE"));
	EXPECT_EQ(0, kimage_load(self->ki, ram, b->image_size, 0, NULL));
	free(ram);
}

TEST_F(kimage, relocation_outside_the_image)
{
	const struct kimage_boot *b;
	u32 far = (u32)KMAKE_TEXT + MiB(16);
	u8 *ram;

	memcpy(self->elf.data + self->elf.len - 4, &far, 4);
	make(self, "gzip");
	ASSERT_EQ(0, open_it(self));
	b = kimage_boot(self->ki);
	ram = calloc(1, b->image_size);
	EXPECT_EQ(-EINVAL, kimage_load(self->ki, ram, b->image_size, SLIDE,
				       &self->d));
	free(ram);
}

TEST_F(kimage, bzip2_is_named)
{
	make(self, "bzip2");
	EXPECT_EQ(-EOPNOTSUPP, open_it(self));
	EXPECT_NE(NULL, strstr(diag_text(&self->d), "bzip2"));
}

TEST_F(kimage, unknown_compression_shows_its_bytes)
{
	make(self, "gzip");
	memcpy(self->image.data + kmake_payload_offset(), "\xde\xad\xbe\xef", 4);
	EXPECT_EQ(-EOPNOTSUPP, open_it(self));
	EXPECT_NE(NULL, strstr(diag_text(&self->d), "de ad be ef"));
}

TEST_F(kimage, neither_bzimage_nor_elf)
{
	buf_puts(&self->image, "#!/bin/sh\nexit 0\n");
	EXPECT_EQ(-ENOEXEC, open_it(self));
}

TEST_F(kimage, elf_of_another_machine)
{
	buf_add(&self->image, self->elf.data, self->elf.len);
	self->image.data[18] = 40;	/* EM_ARM */
	EXPECT_EQ(-ENOEXEC, open_it(self));
}

TEST_F(kimage, old_boot_protocol)
{
	make(self, "gzip");
	self->image.data[0x206] = 0x07;
	self->image.data[0x207] = 0x02;
	EXPECT_EQ(-EOPNOTSUPP, open_it(self));
}

/* Cut anywhere, an image is refused; never believed, never fatal. */
TEST_F(kimage, truncated_anywhere)
{
	static const char *const methods[] = { "gzip", "xz", "lzma", "lz4",
					       "lzo", "zstd" };
	size_t i, len;

	for (i = 0; i < ARRAY_SIZE(methods); i++) {
		size_t whole;

		make(self, methods[i]);
		whole = self->image.len;
		/* The tail after the payload is code that nobody reads. */
		for (len = 0; len < whole - 64; len += 1 + whole / 97) {
			u8 *copy = malloc(len ? len : 1);
			struct kimage *ki = NULL;

			memcpy(copy, self->image.data, len);
			EXPECT_NE(0, kimage_open_buffer(copy, len, &ki, NULL)) {
				TH_LOG("%s cut to %zu", methods[i], len);
			}
			EXPECT_EQ(NULL, ki);
			free(copy);
		}
	}
}

/* The length is honest, the bytes are not: each flip is survived. */
TEST_F(kimage, damaged_anywhere)
{
	static const char *const methods[] = { "gzip", "xz", "lzma", "lz4",
					       "lzo", "zstd", "none" };
	unsigned int refused = 0;
	size_t i, at;

	for (i = 0; i < ARRAY_SIZE(methods); i++) {
		make(self, methods[i]);
		for (at = 0x1f1; at < self->image.len; at += 1 + at / 37) {
			struct kimage *ki = NULL;

			self->image.data[at] ^= 0x5a;
			if (kimage_open_buffer(self->image.data,
					       self->image.len, &ki, NULL))
				refused++;
			kimage_close(ki);
			self->image.data[at] ^= 0x5a;
		}
	}
	EXPECT_LT(20, refused);
}

TEST_F(kimage, claimed_size_is_bounded)
{
	u32 huge = 0xffffffff;

	make(self, "zstd");
	memcpy(self->image.data + kmake_payload_offset() +
	       at32((u8 *)self->image.data + 0x24c) - 4, &huge, 4);
	EXPECT_EQ(-EINVAL, open_it(self));
	EXPECT_NE(NULL, strstr(diag_text(&self->d), "claims"));
}

/* Segments and sections that lie about where they are. */
TEST_F(kimage, elf_headers_that_lie)
{
	static const size_t at[] = { 0x20, 0x28, 0x40 + 8, 0x40 + 0x10,
				     0x40 + 0x18, 0x40 + 0x20, 0x40 + 0x28 };
	static const u64 lies[] = { UINT64_MAX, UINT64_MAX - 4096, GiB(2),
				    1ULL << 63 };
	size_t i, j;

	buf_add(&self->image, self->elf.data, self->elf.len);
	for (i = 0; i < ARRAY_SIZE(at); i++) {
		u64 old = at64((u8 *)self->image.data + at[i]);

		for (j = 0; j < ARRAY_SIZE(lies); j++) {
			memcpy(self->image.data + at[i], &lies[j], 8);
			open_it(self);
		}
		memcpy(self->image.data + at[i], &old, 8);
	}
	memcpy(self->image.data + 0x40 + 0x20, &lies[2], 8);
	EXPECT_EQ(-EINVAL, open_it(self));
}

static void write_image(FIXTURE_DATA(kimage) *self, const char *method)
{
	make(self, method);
	io_write_file(self->path, self->image.data, self->image.len, NULL);
}

TEST_F(kimage, second_open_comes_from_the_cache)
{
	const u8 *elf;
	size_t len;

	write_image(self, "xz");
	ASSERT_EQ(0, open_file(self));
	EXPECT_FALSE(kimage_cached(self->ki));
	ASSERT_EQ(0, open_file(self));
	EXPECT_TRUE(kimage_cached(self->ki));
	elf = kimage_elf(self->ki, &len);
	EXPECT_EQ(0, memcmp(elf, self->elf.data, len));
	EXPECT_TRUE(kimage_has_relocs(self->ki));
	EXPECT_STREQ("xz", kimage_compression(self->ki));
	EXPECT_STREQ("6.99.0-test", kimage_release(self->ki));
}

static void entry_path(FIXTURE_DATA(kimage) *self, char path[256])
{
	snprintf(path, 256, "%s/image", kimage_cache_dir(self->ki));
}

TEST_F(kimage, changed_cache_entry_is_rebuilt)
{
	char path[256];
	off_t at[] = { 0, 20, 4096, 4096 + 5000 };
	size_t i;
	int fd;

	write_image(self, "gzip");
	ASSERT_EQ(0, open_file(self));
	entry_path(self, path);
	for (i = 0; i < ARRAY_SIZE(at); i++) {
		fd = open(path, O_RDWR);
		ASSERT_LE(0, fd);
		ASSERT_EQ(1, pwrite(fd, "\x99", 1, at[i]));
		close(fd);
		ASSERT_EQ(0, open_file(self));
		EXPECT_FALSE(kimage_cached(self->ki)) {
			TH_LOG("byte %ld changed", (long)at[i]);
		}
		ASSERT_EQ(0, open_file(self));
		EXPECT_TRUE(kimage_cached(self->ki));
	}
}

TEST_F(kimage, cut_cache_entry_is_rebuilt)
{
	off_t len[] = { 0, 100, 4096, 9000 };
	char path[256];
	size_t i;

	write_image(self, "gzip");
	ASSERT_EQ(0, open_file(self));
	entry_path(self, path);
	for (i = 0; i < ARRAY_SIZE(len); i++) {
		ASSERT_EQ(0, truncate(path, len[i]));
		ASSERT_EQ(0, open_file(self));
		EXPECT_FALSE(kimage_cached(self->ki));
	}
}

/* A copy has another time stamp: hashed in full, and taken when it is right. */
TEST_F(kimage, copied_cache_entry_is_verified_and_taken)
{
	struct timespec now[2] = { { .tv_nsec = UTIME_NOW },
				   { .tv_nsec = UTIME_NOW } };
	char path[256];

	write_image(self, "gzip");
	ASSERT_EQ(0, open_file(self));
	entry_path(self, path);
	ASSERT_EQ(0, utimensat(AT_FDCWD, path, now, 0));
	ASSERT_EQ(0, open_file(self));
	EXPECT_TRUE(kimage_cached(self->ki));
}

TEST_F(kimage, cache_entry_of_another_version_is_stale)
{
	struct iovec iov = { "content", 7 };
	struct kcache_map m = { 0 };

	ASSERT_EQ(0, kcache_store(self->dir, "x", 1, &iov, 1));
	EXPECT_EQ(-ESTALE, kcache_load(self->dir, "x", 2, &m));
	EXPECT_EQ(-ENOENT, kcache_load(self->dir, "y", 1, &m));
	ASSERT_EQ(0, kcache_load(self->dir, "x", 1, &m));
	EXPECT_EQ(0, memcmp(m.data, "content", 7));
	kcache_unmap(&m);
}

TEST_F(kimage, file_that_is_known_by_its_times_is_not_hashed_again)
{
	struct stat st = { .st_ino = 7, .st_size = 100, .st_mtim.tv_sec = 1000,
			   .st_ctim = { 2000, 5 } };
	char hash[KCACHE_HASH_SIZE], got[KCACHE_HASH_SIZE] = "";

	kcache_hash("x", 1, hash);
	EXPECT_FALSE(kcache_recall(&st, got));
	kcache_remember(&st, 2000 + KCACHE_SETTLE_S - 1, hash);
	EXPECT_FALSE(kcache_recall(&st, got)) {
		TH_LOG("written to a moment ago: it may change within one tick");
	}
	kcache_remember(&st, 2000 + KCACHE_SETTLE_S, hash);
	ASSERT_TRUE(kcache_recall(&st, got));
	EXPECT_STREQ(hash, got);
	st.st_ctim.tv_nsec++;
	EXPECT_FALSE(kcache_recall(&st, got));
	st.st_ctim.tv_nsec--;
	st.st_size++;
	EXPECT_FALSE(kcache_recall(&st, got));
}

/* Where the hash of the file is remembered; this test's cache has one alone. */
static bool remembered(FIXTURE_DATA(kimage) *self, char path[256])
{
	char pattern[256];
	glob_t g;
	bool one;

	snprintf(pattern, sizeof(pattern), "%s/vmtap/kimage/.stat/*",
		 getenv("XDG_CACHE_HOME"));
	one = !glob(pattern, 0, NULL, &g) && g.gl_pathc == 1;
	if (one)
		snprintf(path, 256, "%s", g.gl_pathv[0]);
	globfree(&g);
	return one;
}

TEST_F(kimage, what_is_remembered_of_a_file_is_its_hash_or_nothing)
{
	char path[256], hash[KCACHE_HASH_SIZE];

	write_image(self, "gzip");
	ASSERT_EQ(0, open_file(self));
	strcpy(hash, kimage_hash(self->ki));
	sleep(KCACHE_SETTLE_S + 1);
	ASSERT_EQ(0, open_file(self));
	ASSERT_TRUE(remembered(self, path));
	ASSERT_EQ(0, open_file(self));
	EXPECT_STREQ(hash, kimage_hash(self->ki));
	EXPECT_TRUE(kimage_cached(self->ki));

	/* It is believed, */
	ASSERT_EQ(0, unlink(path));
	ASSERT_EQ(0, symlink("00000000000000000000000000000000", path));
	ASSERT_EQ(0, open_file(self));
	EXPECT_STREQ("00000000000000000000000000000000", kimage_hash(self->ki));
	EXPECT_FALSE(kimage_cached(self->ki));
	/* where it can be one. */
	ASSERT_EQ(0, unlink(path));
	ASSERT_EQ(0, symlink("../../../../../etc/passwd/000000", path));
	ASSERT_EQ(0, open_file(self));
	EXPECT_STREQ(hash, kimage_hash(self->ki));
}

/* Indexes are kept by what they are made of; code and data may be large. */
TEST(vmlinux_is_known_by_its_symbols_and_types)
{
	u8 syms[] = "symbols", btf[] = "types", text[] = "code";
	struct kimage_section s[] = {
		{ .name = ".symtab", .type = SHT_SYMTAB, .data = syms, .size = 7 },
		{ .name = ".BTF", .type = SHT_PROGBITS, .data = btf, .size = 5 },
		{ .name = ".text", .type = SHT_PROGBITS, .data = text, .size = 4 },
	};
	struct kimage_elf e = { .sections = s, .nr_sections = ARRAY_SIZE(s) };
	char first[33], now[33];

	kimage_elf_identity(&e, first);
	text[0]++;
	kimage_elf_identity(&e, now);
	EXPECT_STREQ(first, now);
	btf[0]++;
	kimage_elf_identity(&e, now);
	EXPECT_STRNE(first, now);
	btf[0]--;
	syms[0]++;
	kimage_elf_identity(&e, now);
	EXPECT_STRNE(first, now);
}

TEST_F(kimage, unwritable_cache_is_no_error)
{
	write_image(self, "gzip");
	setenv("XDG_CACHE_HOME", "/proc/nowhere", 1);
	ASSERT_EQ(0, open_file(self)) {
		TH_LOG("%s", diag_text(&self->d));
	}
	EXPECT_FALSE(kimage_cached(self->ki));
	ASSERT_EQ(0, open_file(self));
	EXPECT_FALSE(kimage_cached(self->ki));
}

TEST_F(kimage, no_home_no_cache)
{
	write_image(self, "gzip");
	unsetenv("XDG_CACHE_HOME");
	unsetenv("HOME");
	ASSERT_EQ(0, open_file(self));
	EXPECT_EQ(NULL, kimage_cache_dir(self->ki));
}

TEST_F(kimage, missing_and_odd_files)
{
	EXPECT_EQ(-ENOENT, open_file(self));
	EXPECT_NE(NULL, strstr(diag_text(&self->d), self->path));
	strcpy(self->path, "/dev/null");
	EXPECT_EQ(-ENOEXEC, open_file(self));
	strcpy(self->path, "/tmp");
	EXPECT_EQ(-ENOEXEC, open_file(self));
}

TEST_F(kimage, ikconfig_when_it_is_built_in)
{
	static const char config[] = "CONFIG_TEST=y\n";
	struct buf ro = { 0 }, elf = { 0 }, gz = { 0 };
	char *text = NULL;
	size_t len;

	make(self, "gzip");
	ASSERT_EQ(0, open_it(self));
	EXPECT_EQ(-ENOENT, kimage_ikconfig(self->ki, &text, &len));

	/* Any gzip stream will do: the payload of a bzImage of the text. */
	kmake_bzimage(&gz, "gzip", config, sizeof(config) - 1);
	buf_puts(&ro, "IKCFG_ST");
	buf_add(&ro, gz.data + kmake_payload_offset(),
		gz.len - kmake_payload_offset());
	kmake_elf(&elf, ro.data, ro.len);
	buf_reset(&self->image);
	buf_add(&self->image, elf.data, elf.len);
	ASSERT_EQ(0, open_it(self));
	ASSERT_EQ(0, kimage_ikconfig(self->ki, &text, &len));
	EXPECT_STREQ(config, text);
	free(text);
	buf_reset(&ro);
	buf_reset(&elf);
	buf_reset(&gz);
}

/* Stock images, where the kernel cache has some. */
TEST(stock_images)
{
	const char *home = getenv("HOME");
	char pattern[256];
	glob_t g;
	size_t i;

	snprintf(pattern, sizeof(pattern),
		 "%s/.cache/vmtap/kernels/*/boot/vmlinuz-*", home ? home : "");
	if (glob(pattern, 0, NULL, &g))
		SKIP(return, "no kernel in ~/.cache/vmtap/kernels");
	for (i = 0; i < g.gl_pathc; i++) {
		struct kimage *ki = NULL;
		struct diag d = { 0 };
		const struct kimage_boot *b;
		u8 *ram;

		ASSERT_EQ(0, kimage_open(g.gl_pathv[i], KIMAGE_NO_CACHE, &ki,
					 &d)) {
			TH_LOG("%s", diag_text(&d));
		}
		b = kimage_boot(ki);
		TH_LOG("%s: %s", kimage_release(ki), kimage_compression(ki));
		EXPECT_NE(NULL, strstr(g.gl_pathv[i], kimage_release(ki)));
		EXPECT_TRUE(kimage_has_relocs(ki));
		EXPECT_NE(NULL, kimage_section_by_name(ki, ".BTF"));
		EXPECT_EQ(KMAKE_TEXT, b->link_virt);
		ram = calloc(1, b->image_size);
		EXPECT_EQ(0, kimage_load(ki, ram, b->image_size, SLIDE, &d));
		free(ram);
		kimage_close(ki);
	}
	globfree(&g);
}

TEST_HARNESS_MAIN
