// SPDX-License-Identifier: GPL-2.0-only
/*
 * Module closures: on made-up directories, and on whatever kernels were
 * fetched into the cache.
 */
#include "runner/modules.h"

#include <errno.h>
#include <glob.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm/base/buf.h"
#include "vmm/base/diag.h"
#include "vmm/base/io.h"
#include "vmm/base/util.h"

#include "kselftest_harness.h"

#include <elf.h>
#include <zlib.h>

FIXTURE(modules)
{
	char dir[64];
	char cache[96];
	struct modules *m;
	struct module_set set;
	struct diag d;
};

FIXTURE_SETUP(modules)
{
	*self = (FIXTURE_DATA(modules)){};
	strcpy(self->dir, "/tmp/vmtap-test-modules.XXXXXX");
	ASSERT_NE(NULL, mkdtemp(self->dir));
	sprintf(self->cache, "%s/cache/modules", self->dir);
}

FIXTURE_TEARDOWN(modules)
{
	module_set_free(&self->set);
	modules_close(self->m);
	diag_reset(&self->d);
	io_rmtree(self->dir, NULL);
}

/* The smallest ELF that carries a .modinfo section. */
static void make_module(const char *info, size_t len, struct buf *out)
{
	static const char names[] = "\0.modinfo\0.shstrtab";
	Elf64_Ehdr eh = {
		.e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
		.e_type = ET_REL, .e_machine = EM_X86_64, .e_version = EV_CURRENT,
		.e_ehsize = sizeof(eh), .e_shentsize = sizeof(Elf64_Shdr),
		.e_shnum = 3, .e_shstrndx = 2, .e_shoff = sizeof(eh),
	};
	Elf64_Shdr sh[3] = {
		[1] = { .sh_name = 1, .sh_type = SHT_PROGBITS,
			.sh_offset = sizeof(eh) + sizeof(sh), .sh_size = len },
		[2] = { .sh_name = 10, .sh_type = SHT_STRTAB,
			.sh_offset = sizeof(eh) + sizeof(sh) + len,
			.sh_size = sizeof(names) },
	};

	buf_add(out, &eh, sizeof(eh));
	buf_add(out, sh, sizeof(sh));
	buf_add(out, info, len);
	buf_add(out, names, sizeof(names));
}

static void put_file(FIXTURE_DATA(modules) *self, const char *name,
		     const void *data, size_t len)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", self->dir, name);
	*strrchr(path, '/') = 0;
	io_mkdirs(path, NULL);
	path[strlen(path)] = '/';
	io_write_file(path, data, len, NULL);
}

#define MODULE(self, path, info) put_module(self, path, info, sizeof(info))

static void put_module(FIXTURE_DATA(modules) *self, const char *path,
		       const char *info, size_t len)
{
	struct buf b = {}, z = {};

	make_module(info, len, &b);
	if (strstr(path, ".gz")) {
		z_stream s = { .next_in = (u8 *)b.data, .avail_in = (unsigned int)b.len };

		buf_reserve(&z, 4096);
		deflateInit2(&s, 9, Z_DEFLATED, 15 + 16, 9, 0);
		s.next_out = (u8 *)z.data;
		s.avail_out = 4096;
		deflate(&s, Z_FINISH);
		deflateEnd(&s);
		put_file(self, path, z.data, s.total_out);
	} else {
		put_file(self, path, b.data, b.len);
	}
	buf_reset(&b);
	buf_reset(&z);
}

static void index_is(FIXTURE_DATA(modules) *self, const char *order, const char *builtin)
{
	put_file(self, "modules.order", order, strlen(order));
	put_file(self, "modules.builtin", builtin, strlen(builtin));
}

static int closure(FIXTURE_DATA(modules) *self, const char *a, const char *b)
{
	const char *names[] = { a, b, NULL };
	int err = modules_open(self->dir, self->cache, &self->m, &self->d);

	return err ? err : modules_close_over(self->m, names, NULL, &self->set,
					      &self->d);
}

static const char *joined(FIXTURE_DATA(modules) *self)
{
	static char out[1024];

	out[0] = 0;
	for (size_t i = 0; i < self->set.nr; i++) {
		strcat(out, self->set.mods[i].name);
		strcat(out, " ");
	}
	return out;
}

TEST_F(modules, dependencies_come_first_and_once)
{
	index_is(self, "kernel/a.ko\nkernel/d/b-x.ko\nkernel/c.ko\n", "kernel/base.ko\n");
	MODULE(self, "kernel/a.ko", "depends=b-x,c,base");
	MODULE(self, "kernel/d/b-x.ko", "license=GPL\0depends=c");
	MODULE(self, "kernel/c.ko", "depends=");
	ASSERT_EQ(0, closure(self, "a", "c")) TH_LOG("%s", diag_text(&self->d));
	EXPECT_STREQ("c b_x a ", joined(self));
	EXPECT_STREQ("/lib/vmtap/b_x.ko", self->set.mods[1].guest);
	ASSERT_EQ(1, self->set.nr_builtin);
	EXPECT_STREQ("base", self->set.builtin[0]);
	EXPECT_EQ(MODULE_FILE, modules_state(self->m, "b-x"));
	EXPECT_EQ(MODULE_FILE, modules_state(self->m, "b_x"));
	EXPECT_EQ(MODULE_BUILTIN, modules_state(self->m, "base"));
	EXPECT_EQ(MODULE_MISSING, modules_state(self->m, "nosuch"));
}

TEST_F(modules, softdeps_pre_before_post_after_missing_ones_ignored)
{
	index_is(self, "a.ko\nb.ko\nc.ko\n", "");
	MODULE(self, "a.ko", "depends=\0softdep=pre: nosuch b post: c nosuch2");
	MODULE(self, "b.ko", "depends=");
	MODULE(self, "c.ko", "depends=");
	ASSERT_EQ(0, closure(self, "a", NULL)) TH_LOG("%s", diag_text(&self->d));
	EXPECT_STREQ("b a c ", joined(self));
}

TEST_F(modules, missing_names_who_needs_it)
{
	index_is(self, "a.ko\nb.ko\n", "");
	MODULE(self, "a.ko", "depends=b");
	MODULE(self, "b.ko", "depends=gone");
	EXPECT_EQ(-ENOENT, closure(self, "a", NULL));
	EXPECT_NE(NULL, strstr(diag_text(&self->d), "gone"));
	EXPECT_NE(NULL, strstr(diag_text(&self->d), "needed by b"));
	EXPECT_EQ(0, self->set.nr);
}

TEST_F(modules, optional_may_miss_and_a_missing_directory_has_none)
{
	const char *names[] = { "dm_mod", NULL };

	ASSERT_EQ(0, modules_open(NULL, NULL, &self->m, &self->d));
	EXPECT_EQ(MODULE_MISSING, modules_state(self->m, "dm_mod"));
	EXPECT_EQ(-ENOENT, modules_close_over(self->m, names, NULL, &self->set, &self->d));
	EXPECT_EQ(0, modules_close_over(self->m, names, names, &self->set, &self->d));
	EXPECT_EQ(0, self->set.nr);
}

TEST_F(modules, loops_are_refused)
{
	index_is(self, "a.ko\nb.ko\n", "");
	MODULE(self, "a.ko", "depends=b");
	MODULE(self, "b.ko", "depends=a");
	EXPECT_EQ(-ELOOP, closure(self, "a", NULL));
}

TEST_F(modules, damaged_files_are_refused)
{
	index_is(self, "a.ko\nb.ko\nc.ko.gz\n", "");
	put_file(self, "a.ko", "\177ELFxxxxxxxx", 12);
	put_file(self, "b.ko", "not a module", 12);
	put_file(self, "c.ko.gz", "\x1f\x8b\x08junkjunkjunkjunk", 19);
	EXPECT_EQ(-EBADMSG, closure(self, "a", NULL)) TH_LOG("%s", diag_text(&self->d));
	modules_close(self->m);
	EXPECT_EQ(-EOPNOTSUPP, closure(self, "b", NULL));
	modules_close(self->m);
	EXPECT_EQ(-EBADMSG, closure(self, "c", NULL));
}

TEST_F(modules, compressed_are_unpacked_once_by_content)
{
	struct stat first, second;

	index_is(self, "a.ko.gz\nb.ko\n", "");
	MODULE(self, "a.ko.gz", "depends=b");
	MODULE(self, "b.ko", "depends=");
	ASSERT_EQ(0, closure(self, "a", NULL)) TH_LOG("%s", diag_text(&self->d));
	ASSERT_STREQ("b a ", joined(self));
	EXPECT_EQ(0, strncmp(self->cache, self->set.mods[1].file, strlen(self->cache)));
	EXPECT_NE(NULL, strstr(self->set.mods[1].origin, "a.ko.gz"));
	ASSERT_EQ(0, stat(self->set.mods[1].file, &first));
	module_set_free(&self->set);
	modules_close(self->m);
	ASSERT_EQ(0, closure(self, "a", NULL));
	ASSERT_EQ(0, stat(self->set.mods[1].file, &second));
	EXPECT_EQ(first.st_ino, second.st_ino);
}

TEST_F(modules, a_built_tree_tells_objects)
{
	index_is(self, "drivers/a.o\n", "kernel/drivers/core.ko\n");
	MODULE(self, "drivers/a.ko", "depends=core");
	ASSERT_EQ(0, closure(self, "a", NULL)) TH_LOG("%s", diag_text(&self->d));
	EXPECT_STREQ("a ", joined(self));
}

TEST_F(modules, a_path_is_a_module_of_its_own)
{
	char path[128];

	index_is(self, "b.ko\n", "");
	MODULE(self, "b.ko", "depends=");
	MODULE(self, "out/mine.ko", "depends=b");
	snprintf(path, sizeof(path), "%s/out/mine.ko", self->dir);
	ASSERT_EQ(0, closure(self, path, NULL)) TH_LOG("%s", diag_text(&self->d));
	EXPECT_STREQ("b mine ", joined(self));
}

static bool comes_before(const struct module_set *set, const char *a, const char *b)
{
	size_t ia = set->nr, ib = set->nr;

	for (size_t i = 0; i < set->nr; i++) {
		if (!strcmp(set->mods[i].name, a))
			ia = i;
		if (!strcmp(set->mods[i].name, b))
			ib = i;
	}
	return ia == set->nr || ia < ib;	/* built in is before all */
}

TEST_F(modules, fetched_kernels_close_over_their_devices)
{
	const char *const *needs[] = {
		modules_for_console, modules_for_blk, modules_for_net,
	};
	const char *home = getenv("XDG_CACHE_HOME");
	char pattern[256];
	glob_t g;

	snprintf(pattern, sizeof(pattern), "%s%s/vmtap/kernels/*/lib/modules/*",
		 home ? home : getenv("HOME") ?: "", home ? "" : "/.cache");
	if (glob(pattern, 0, NULL, &g))
		SKIP(return, "no kernel in the cache: vmtap kernel fetch");
	for (size_t i = 0; i < g.gl_pathc; i++) {
		ASSERT_EQ(0, modules_open(g.gl_pathv[i], self->cache, &self->m, &self->d));
		for (size_t n = 0; n < ARRAY_SIZE(needs); n++) {
			ASSERT_EQ(0, modules_close_over(self->m, needs[n], NULL,
							&self->set, &self->d))
				TH_LOG("%s: %s", g.gl_pathv[i], diag_text(&self->d));
			EXPECT_TRUE(comes_before(&self->set, "virtio", "virtio_ring"));
			EXPECT_TRUE(comes_before(&self->set, "virtio_ring", "virtio_mmio"));
			EXPECT_TRUE(comes_before(&self->set, "net_failover", "virtio_net"));
			for (size_t k = 0; k < self->set.nr; k++) {
				struct buf b = {};

				EXPECT_EQ(0, io_read_file(self->set.mods[k].file,
							  MiB(16), &b, NULL));
				EXPECT_EQ(0, memcmp(b.data, "\177ELF", 4));
				buf_reset(&b);
			}
			module_set_free(&self->set);
		}
		modules_close(self->m);
		self->m = NULL;
	}
	globfree(&g);
}

TEST_HARNESS_MAIN
