// SPDX-License-Identifier: GPL-2.0-only
/* Symbols: kallsyms tables of each layout, damaged ones, and the index. */
#include "freeze/ksym.h"

#include <errno.h>
#include <glob.h>
#include <string.h>

#include <kselftest_harness.h>

#include "freeze/kallsyms.h"
#include "selftests/lib/kmake.h"
#include "vmm/base/diag.h"
#include "vmm/base/io.h"
#include "vmm/kimage.h"

#define NR 600

FIXTURE(ksym) {
	struct kmake_sym syms[NR];
	char names[NR][320];
	size_t nr;
	struct buf blob;
	struct ksym *ks;
	struct diag d;
};

/* Enough for three markers, one name of two length bytes, one duplicate. */
FIXTURE_SETUP(ksym)
{
	size_t i;

	memset(self, 0, sizeof(*self));
	for (i = 0; i < NR; i++) {
		snprintf(self->names[i], 320, "%csys_symbol_%zu",
			 i % 3 ? 'T' : 'd', i);
		self->syms[i].addr = KMAKE_TEXT + i * 64;
		self->syms[i].name = self->names[i];
	}
	strcpy(self->names[0], "T_text");
	strcpy(self->names[10], "ttwice");
	strcpy(self->names[20], "Ttwice");
	strcpy(self->names[30], "ttwice");
	self->names[40][0] = 'T';
	memset(self->names[40] + 1, 'L', 300);
	self->names[40][301] = '\0';
	self->nr = NR;
}

FIXTURE_TEARDOWN(ksym)
{
	buf_reset(&self->blob);
	ksym_close(self->ks);
	diag_reset(&self->d);
}

struct check {
	const struct kmake_sym *syms;
	size_t nr;
	size_t bad;
};

static int check_one(u64 addr, char type, const char *name, size_t len,
		     void *arg)
{
	struct check *c = arg;
	const struct kmake_sym *s = &c->syms[c->nr++];

	c->bad += addr != s->addr || type != s->name[0] ||
		  strcmp(name, s->name + 1) || len != strlen(name);
	return 0;
}

static int find(FIXTURE_DATA(ksym) *self, struct kallsyms *ks)
{
	struct kallsyms_span span = {
		.data = (u8 *)self->blob.data, .len = self->blob.len,
		.vaddr = KMAKE_TEXT, .image_start = KMAKE_TEXT,
		.image_end = KMAKE_TEXT + MiB(16),
	};

	return kallsyms_find(&span, ks);
}

static void fill(FIXTURE_DATA(ksym) *self, enum kmake_layout layout)
{
	buf_reset(&self->blob);
	/* Something in front, with false anchors: an identity table. */
	buf_puts(&self->blob, "text and data");
	buf_add(&self->blob, "0\0001\0002\0003\0004\0005\0006\0007\0008\0009", 20);
	kmake_kallsyms(&self->blob, KMAKE_TEXT, self->syms, self->nr, layout);
}

TEST_F(ksym, each_layout_decodes)
{
	enum kmake_layout layout;

	for (layout = KMAKE_OLD; layout <= KMAKE_ADDRESSES; layout++) {
		struct check c = { .syms = self->syms };
		struct kallsyms ks;

		fill(self, layout);
		ASSERT_EQ(0, find(self, &ks)) {
			TH_LOG("layout %d", layout);
		}
		EXPECT_EQ(NR, ks.nr);
		EXPECT_EQ(0, kallsyms_each(&ks, check_one, &c));
		EXPECT_EQ(NR, c.nr);
		EXPECT_EQ(0, c.bad) {
			TH_LOG("layout %d", layout);
		}
	}
}

TEST_F(ksym, zero_based_percpu_symbols)
{
	enum kmake_layout layouts[] = { KMAKE_OLD, KMAKE_NEW };
	size_t i;

	strcpy(self->names[0], "Afixed_percpu_data");
	self->syms[0].addr = 0;
	strcpy(self->names[1], "Arunqueues");
	self->syms[1].addr = 0x31980;
	for (i = 0; i < 2; i++) {
		struct check c = { .syms = self->syms };
		struct kallsyms ks;

		fill(self, layouts[i]);
		ASSERT_EQ(0, find(self, &ks));
		EXPECT_EQ(KALLSYMS_ABSOLUTE_PERCPU, ks.form);
		EXPECT_EQ(0, kallsyms_each(&ks, check_one, &c));
		EXPECT_EQ(0, c.bad);
	}
}

/* Cut or damaged tables are refused or decoded within their bytes. */
TEST_F(ksym, truncated_anywhere)
{
	struct kallsyms_span span = { .vaddr = KMAKE_TEXT,
				      .image_start = KMAKE_TEXT,
				      .image_end = KMAKE_TEXT + MiB(16) };
	enum kmake_layout layout;
	size_t len;

	for (layout = KMAKE_OLD; layout <= KMAKE_ADDRESSES; layout++) {
		fill(self, layout);
		for (len = 0; len < self->blob.len; len += 53) {
			struct check c = { .syms = self->syms };
			u8 *copy = malloc(len ? len : 1);
			struct kallsyms ks;

			memcpy(copy, self->blob.data, len);
			span.data = copy;
			span.len = len;
			if (!kallsyms_find(&span, &ks)) {
				kallsyms_each(&ks, check_one, &c);
				EXPECT_EQ(0, c.bad);
			}
			free(copy);
		}
	}
}

static int ignore(u64 addr, char type, const char *name, size_t len, void *arg)
{
	(void)addr;
	(void)type;
	(void)name;
	(void)len;
	(void)arg;
	return 0;
}

TEST_F(ksym, damaged_anywhere)
{
	struct kallsyms ks;
	size_t at, refused = 0;

	fill(self, KMAKE_NEW);
	for (at = 0; at < self->blob.len; at += 7) {
		self->blob.data[at] ^= 0xff;
		if (find(self, &ks))
			refused++;
		else
			kallsyms_each(&ks, ignore, NULL);
		self->blob.data[at] ^= 0xff;
	}
	EXPECT_LT(100, refused);
}

TEST_F(ksym, image_without_symbols)
{
	struct buf elf = { 0 };
	struct kimage *ki = NULL;

	kmake_elf(&elf, "nothing here", 12);
	ASSERT_EQ(0, kimage_open_buffer(elf.data, elf.len, &ki, &self->d));
	EXPECT_EQ(-ENOENT, ksym_open(ki, &self->ks, &self->d));
	EXPECT_NE(NULL, strstr(diag_text(&self->d), "CONFIG_KALLSYMS"));
	kimage_close(ki);
	buf_reset(&elf);
}

static void index_image(struct __test_metadata *_metadata,
			FIXTURE_DATA(ksym) *self, const char *path)
{
	struct buf elf = { 0 }, image = { 0 };
	struct kimage *ki = NULL;

	/* In the image the tables lie 0x1000 above _text. */
	kmake_kallsyms(&self->blob, KMAKE_TEXT + 0x1000, self->syms, self->nr,
		       KMAKE_PLACE);
	kmake_elf(&elf, self->blob.data, self->blob.len);
	kmake_bzimage(&image, "gzip", elf.data, elf.len);
	ASSERT_EQ(0, io_write_file(path, image.data, image.len, NULL));
	ASSERT_EQ(0, kimage_open(path, 0, &ki, &self->d));
	ASSERT_EQ(0, ksym_open(ki, &self->ks, &self->d)) {
		TH_LOG("%s", diag_text(&self->d));
	}
	kimage_close(ki);
	buf_reset(&elf);
	buf_reset(&image);
}

TEST_F(ksym, indexed_and_cached)
{
	char dir[] = "/tmp/test_ksym.XXXXXX", path[64];
	struct ksym_entry e;
	u64 addr;
	int i;

	ASSERT_NE(NULL, mkdtemp(dir));
	setenv("XDG_CACHE_HOME", dir, 1);
	snprintf(path, sizeof(path), "%s/bzImage", dir);
	for (i = 0; i < 2; i++) {
		buf_reset(&self->blob);
		ksym_close(self->ks);
		self->ks = NULL;
		index_image(_metadata, self, path);
		EXPECT_STREQ(i ? "cache" : "kallsyms", ksym_source(self->ks));
		EXPECT_EQ(NR, ksym_nr(self->ks));
		EXPECT_EQ(0, ksym_find(self->ks, "sys_symbol_599", &addr));
		EXPECT_EQ(KMAKE_TEXT + 599 * 64, addr);
		ASSERT_TRUE(ksym_get(self->ks, 599, &e));
		EXPECT_STREQ("sys_symbol_599", e.name);
		EXPECT_EQ('T', e.type);
		EXPECT_FALSE(ksym_get(self->ks, NR, &e));
	}
	io_rmtree(dir, NULL);
}

TEST_F(ksym, unstripped_vmlinux_gives_its_symtab)
{
	static const struct kmake_sym syms[] = {
		{ KMAKE_TEXT + 0x40, "tlocal" }, { KMAKE_TEXT, "T_text" },
		{ KMAKE_TEXT + 0x20, "Wweak" }, { 0x31980, "Arunqueues" },
		{ KMAKE_TEXT + 0x30, "t.Llabel" },
	};
	struct buf elf = { 0 };
	struct kimage *ki = NULL;
	struct ksym_entry e;
	u64 addr, off;

	kmake_elf_symtab(&elf, syms, ARRAY_SIZE(syms));
	ASSERT_EQ(0, kimage_open_buffer(elf.data, elf.len, &ki, &self->d));
	ASSERT_EQ(0, ksym_open(ki, &self->ks, &self->d)) {
		TH_LOG("%s", diag_text(&self->d));
	}
	EXPECT_STREQ("symtab", ksym_source(self->ks));
	EXPECT_EQ(4, ksym_nr(self->ks));
	EXPECT_EQ(0, ksym_find(self->ks, "weak", &addr));
	EXPECT_EQ(KMAKE_TEXT + 0x20, addr);
	EXPECT_EQ(-ENOENT, ksym_find(self->ks, "main.c", &addr));
	EXPECT_STREQ("local", ksym_at(self->ks, KMAKE_TEXT + 0x48, &off));
	ASSERT_TRUE(ksym_get(self->ks, 0, &e));
	EXPECT_STREQ("runqueues", e.name);
	EXPECT_EQ('A', e.type);
	ASSERT_TRUE(ksym_get(self->ks, 1, &e));
	EXPECT_EQ('T', e.type);
	ASSERT_TRUE(ksym_get(self->ks, 2, &e));
	EXPECT_EQ('W', e.type);
	ASSERT_TRUE(ksym_get(self->ks, 3, &e));
	EXPECT_EQ('t', e.type);
	kimage_close(ki);
	buf_reset(&elf);
}

TEST_F(ksym, lookups)
{
	static const struct ksym_entry entries[] = {
		{ 0xffffffff81000300, "third", 't' },
		{ 0xffffffff81000000, "_text", 'T' },
		{ 0xffffffff81000000, "_stext", 'T' },
		{ 0xffffffff81000100, "twice", 't' },
		{ 0xffffffff81000200, "twice", 'T' },
		{ 0x1000, "runqueues", 'A' },
	};
	u64 addr, off;

	ASSERT_EQ(0, ksym_from_entries(entries, ARRAY_SIZE(entries), &self->ks,
				       &self->d));
	EXPECT_EQ(0, ksym_find(self->ks, "twice", &addr));
	EXPECT_EQ(0xffffffff81000200, addr);
	EXPECT_EQ(2, ksym_nr_named(self->ks, "twice"));
	EXPECT_EQ(0, ksym_nr_named(self->ks, "nope"));
	EXPECT_EQ(-ENOENT, ksym_find(self->ks, "nope", &addr));
	EXPECT_EQ(-ENOENT, ksym_find(self->ks, "", &addr));
	EXPECT_STREQ("_text", ksym_at(self->ks, 0xffffffff81000010, &off));
	EXPECT_EQ(0x10, off);
	EXPECT_STREQ("third", ksym_at(self->ks, 0xffffffff81000308, &off));
	EXPECT_EQ(8, off);
	EXPECT_EQ(NULL, ksym_at(self->ks, 0xfff, &off));
	EXPECT_EQ(NULL, ksym_at(self->ks, 0xffffffffffffffff, &off));
	EXPECT_EQ(-ENOENT, ksym_from_entries(NULL, 0, &self->ks, NULL));
}

TEST_F(ksym, only_the_image_slides)
{
	EXPECT_EQ(0xffffffff84000000,
		  ksym_runtime(0xffffffff81000000, 0x3000000));
	EXPECT_EQ(0x31980, ksym_runtime(0x31980, 0x3000000));
}

/* Names that every x86 kernel has, at addresses that stand to reason. */
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
		u64 text, stext, etext, entry, task, end, rq;
		struct ksym_entry e;
		struct kimage *ki = NULL;
		struct ksym *ks = NULL;
		struct diag d = { 0 };
		size_t s, empty = 0;

		ASSERT_EQ(0, kimage_open(g.gl_pathv[i], KIMAGE_NO_CACHE, &ki,
					 &d));
		ASSERT_EQ(0, ksym_open(ki, &ks, &d)) {
			TH_LOG("%s", diag_text(&d));
		}
		EXPECT_STREQ("kallsyms", ksym_source(ks));
		EXPECT_LT(50000, ksym_nr(ks));
		EXPECT_EQ(0, ksym_find(ks, "_text", &text));
		EXPECT_EQ(0, ksym_find(ks, "_stext", &stext));
		EXPECT_EQ(0, ksym_find(ks, "_etext", &etext));
		EXPECT_EQ(0, ksym_find(ks, "entry_SYSCALL_64", &entry));
		EXPECT_EQ(0, ksym_find(ks, "init_task", &task));
		EXPECT_EQ(0, ksym_find(ks, "_end", &end));
		EXPECT_EQ(0, ksym_find(ks, "runqueues", &rq));
		EXPECT_EQ(kimage_boot(ki)->link_virt, text);
		EXPECT_LE(text, stext);
		EXPECT_LT(stext, entry);
		EXPECT_LT(entry, etext);
		EXPECT_LT(etext, task);
		EXPECT_LT(task, end);
		EXPECT_LE(end, text + kimage_boot(ki)->image_size);
		for (s = 0; ksym_get(ks, s, &e); s++)
			empty += !*e.name;
		EXPECT_EQ(0, empty);
		ksym_close(ks);
		kimage_close(ki);
	}
	globfree(&g);
}

TEST_HARNESS_MAIN
