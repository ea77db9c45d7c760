// SPDX-License-Identifier: GPL-2.0-only
#include "runner/kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/kernel_tree.h"
#include "vmm/base/diag.h"
#include "vmm/base/io.h"

#include "kselftest_harness.h"

TEST(release_prefixes_end_at_a_version_part)
{
	static const struct {
		const char *release, *spec;
		bool want;
	} v[] = {
		{ "6.1.0-50-cloud-amd64", "6.1", true },
		{ "6.12.95+deb12-cloud-amd64", "6.1", false },
		{ "6.12.95+deb12-cloud-amd64", "6.12", true },
		{ "6.12.95+deb12-cloud-amd64", "6.12.9", false },
		{ "6.12.95+deb12-cloud-amd64", "6.12.95", true },
		{ "6.12.95+deb12-cloud-amd64", "6.12.95+deb12-cloud-amd64", true },
		{ "7.3.4+deb13-cloud-amd64", "7.x", true },
		{ "7.3.4+deb13-cloud-amd64", "7", true },
		{ "70.1", "7.x", false },
		{ "6.1-rc3", "6.1", true },
		{ "6.1", "6.1", true },
		{ "6.1", "6.1.0", false },
		{ "6.1.0", "6.", true },
		{ "6.1.0", "", false },
		{ "6.1.0", ".x", false },
		{ "", "6", false },
	};

	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		EXPECT_EQ(v[i].want,
			  kernel_release_matches(v[i].release, v[i].spec)) {
			TH_LOG("%s by %s", v[i].release, v[i].spec);
		}
	}
}

TEST(releases_sort_by_version)
{
	EXPECT_LT(kernel_release_cmp("6.1.0-9-amd64", "6.1.0-50-amd64"), 0);
	EXPECT_LT(kernel_release_cmp("6.1.0-50", "6.12.1"), 0);
	EXPECT_GT(kernel_release_cmp("7.0.1", "6.12.95"), 0);
	EXPECT_EQ(kernel_release_cmp("6.1", "6.1"), 0);
}

TEST(config_symbols_are_told_apart)
{
	char text[] = "# comment\nCONFIG_A=y\nCONFIG_AB=m\nCONFIG_STR=\"a b\"\n"
		      "CONFIG_NUM=42\n# CONFIG_OFF is not set\nCONFIG_EMPTY=\"\"\n"
		      "X_CONFIG_A2=y\nCONFIG_LAST=y";
	struct kernel k = { .config = text };
	char *value = NULL;

	EXPECT_EQ(KCONFIG_YES, kernel_config(&k, "CONFIG_A", NULL));
	EXPECT_EQ(KCONFIG_YES, kernel_config(&k, "A", NULL));
	EXPECT_EQ(KCONFIG_MODULE, kernel_config(&k, "AB", NULL));
	EXPECT_EQ(KCONFIG_NO, kernel_config(&k, "A2", NULL));
	EXPECT_EQ(KCONFIG_NO, kernel_config(&k, "OFF", NULL));
	EXPECT_EQ(KCONFIG_NO, kernel_config(&k, "ABC", NULL));
	EXPECT_EQ(KCONFIG_NO, kernel_config(&k, "", NULL));
	EXPECT_EQ(KCONFIG_YES, kernel_config(&k, "LAST", NULL));
	EXPECT_EQ(KCONFIG_VALUE, kernel_config(&k, "STR", &value));
	EXPECT_STREQ("a b", value);
	free(value);
	EXPECT_EQ(KCONFIG_VALUE, kernel_config(&k, "EMPTY", &value));
	EXPECT_STREQ("", value);
	free(value);
	EXPECT_EQ(KCONFIG_VALUE, kernel_config(&k, "NUM", &value));
	EXPECT_STREQ("42", value);
	free(value);
	k.config = NULL;
	EXPECT_EQ(KCONFIG_UNKNOWN, kernel_config(&k, "A", NULL));
}

/* A folder with the shape of a cache; images are setup headers alone. */
FIXTURE(lookup) {
	char dir[64];
};

FIXTURE_SETUP(lookup)
{
	strcpy(self->dir, "/tmp/test_kernel.XXXXXX");
	ASSERT_NE(NULL, mkdtemp(self->dir));
	setenv("XDG_CACHE_HOME", self->dir, 1);
	unsetenv("KBUILD_OUTPUT");
	unsetenv("O");
}

FIXTURE_TEARDOWN_PARENT(lookup)
{
	io_rmtree(self->dir, NULL);
}

static void put(const char *dir, const char *path, const void *data, size_t len)
{
	char full[PATH_MAX];

	snprintf(full, sizeof(full), "%s/%s", dir, path);
	*strrchr(full, '/') = 0;
	if (io_mkdirs(full, NULL))
		abort();
	full[strlen(full)] = '/';
	if (io_write_file(full, data, len, NULL))
		abort();
}

static void put_image(const char *dir, const char *path, const char *release)
{
	char setup[0x400] = {};

	memcpy(setup + 0x202, "HdrS", 4);
	setup[0x20f] = 1;	/* kernel_version - 0x200 = 0x100 */
	snprintf(setup + 0x300, 0x100, "%s (builder@host) #1 SMP", release);
	put(dir, path, setup, sizeof(setup));
}

static void put_kernel(const char *dir, const char *release)
{
	char path[256];

	snprintf(path, sizeof(path), "vmtap/kernels/%s/boot/vmlinuz-%s",
		 release, release);
	put_image(dir, path, release);
	snprintf(path, sizeof(path), "vmtap/kernels/%s/boot/config-%s",
		 release, release);
	put(dir, path, "CONFIG_T=y\n", 11);
	snprintf(path, sizeof(path),
		 "vmtap/kernels/%s/lib/modules/%s/modules.order", release,
		 release);
	put(dir, path, "", 0);
}

TEST_F(lookup, cache_kernels_are_found_newest_first)
{
	struct kernel *k, **list;
	size_t nr;

	put_kernel(self->dir, "6.1.0-9-t");
	put_kernel(self->dir, "6.1.0-50-t");
	put_kernel(self->dir, "6.12.3-t");
	ASSERT_EQ(0, kernel_find("6.1", &k, NULL));
	EXPECT_STREQ("6.1.0-50-t", k->release);
	EXPECT_EQ(KERNEL_CACHE, k->source);
	EXPECT_NE(NULL, strstr(k->modules_dir, "/lib/modules/6.1.0-50-t"));
	EXPECT_EQ(NULL, strstr(k->modules_dir, ".."));
	EXPECT_NE(NULL, strstr(k->config_path, "/boot/config-6.1.0-50-t"));
	EXPECT_EQ(KCONFIG_YES, kernel_config(k, "T", NULL));
	kernel_put(k);
	ASSERT_EQ(0, kernel_find("6.1.0-9", &k, NULL));
	EXPECT_STREQ("6.1.0-9-t", k->release);
	kernel_put(k);
	ASSERT_EQ(0, kernel_list(&list, &nr, NULL));
	ASSERT_LE(3, nr);
	EXPECT_STREQ("6.12.3-t", list[0]->release);
	EXPECT_STREQ("6.1.0-9-t", list[2]->release);
	kernel_list_free(list, nr);
}

TEST_F(lookup, the_default_is_the_newest_of_the_cache)
{
	struct kernel *k;

	put_kernel(self->dir, "6.1.0-9-t");
	put_kernel(self->dir, "99.1-t");
	ASSERT_EQ(0, chdir("/"));
	ASSERT_EQ(0, kernel_find(NULL, &k, NULL));
	EXPECT_STREQ("99.1-t", k->release);
	kernel_put(k);
}

TEST_F(lookup, half_fetched_kernels_do_not_count)
{
	struct diag d = {};
	struct kernel *k;
	char path[256];

	snprintf(path, sizeof(path), "vmtap/kernels/98.1-t.tmp.1/boot/vmlinuz-98.1-t.tmp.1");
	put_image(self->dir, path, "98.1-t");
	put(self->dir, "vmtap/kernels/98.2-t/boot/config-98.2-t", "", 0);
	ASSERT_EQ(-ENOENT, kernel_find("98", &k, &d));
	EXPECT_NE(NULL, strstr(diag_text(&d), "98"));
	diag_reset(&d);
}

TEST_F(lookup, a_miss_says_what_there_is)
{
	struct diag d = {};
	struct kernel *k;

	put_kernel(self->dir, "6.1.0-9-t");
	ASSERT_EQ(-ENOENT, kernel_find("5.10", &k, &d));
	EXPECT_NE(NULL, strstr(diag_text(&d), "6.1.0-9-t"));
	EXPECT_NE(NULL, strstr(diag_text(&d), "kernel fetch 5.10"));
	diag_reset(&d);
}

TEST_F(lookup, a_path_needs_no_cache)
{
	struct diag d = {};
	struct kernel *k;
	char path[256];

	put_image(self->dir, "here/bzImage", "5.5.5-own");
	snprintf(path, sizeof(path), "%s/here/bzImage", self->dir);
	ASSERT_EQ(0, kernel_find(path, &k, NULL));
	EXPECT_STREQ("5.5.5-own", k->release);
	EXPECT_EQ(KERNEL_FILE, k->source);
	EXPECT_EQ(NULL, k->modules_dir);
	EXPECT_EQ(KCONFIG_UNKNOWN, kernel_config(k, "T", NULL));
	kernel_put(k);
	put(self->dir, "here/text", "hello\n", 6);
	snprintf(path, sizeof(path), "%s/here/text", self->dir);
	EXPECT_EQ(-ENOEXEC, kernel_find(path, &k, &d));
	diag_reset(&d);
	snprintf(path, sizeof(path), "%s/here/none", self->dir);
	EXPECT_EQ(-ENOENT, kernel_find(path, &k, &d));
	EXPECT_NE(NULL, strstr(diag_text(&d), "none"));
	diag_reset(&d);
}

TEST_F(lookup, a_setup_header_that_points_outside_has_no_release)
{
	char setup[0x400] = {}, path[256];
	struct kernel *k;

	memcpy(setup + 0x202, "HdrS", 4);
	setup[0x20e] = setup[0x20f] = (char)0xff;
	put(self->dir, "here/bzImage", setup, sizeof(setup));
	snprintf(path, sizeof(path), "%s/here/bzImage", self->dir);
	ASSERT_EQ(0, kernel_find(path, &k, NULL));
	EXPECT_STREQ("", k->release);
	kernel_put(k);
}

TEST_F(lookup, an_image_of_a_tree_takes_the_trees_config_and_modules)
{
	struct kernel *k;
	char path[256];

	put_image(self->dir, "tree/arch/x86/boot/bzImage", "6.13.0-rc1+");
	put(self->dir, "tree/.config", "CONFIG_MINE=m\n", 14);
	put(self->dir, "tree/modules.order", "", 0);
	snprintf(path, sizeof(path), "%s/tree/arch/x86/boot/bzImage", self->dir);
	ASSERT_EQ(0, kernel_find(path, &k, NULL));
	EXPECT_EQ(KERNEL_TREE, k->source);
	EXPECT_EQ(KCONFIG_MODULE, kernel_config(k, "MINE", NULL));
	snprintf(path, sizeof(path), "%s/tree", self->dir);
	EXPECT_STREQ(path, k->modules_dir);
	kernel_put(k);
}

static void expect_image(struct __test_metadata *_metadata, const char *dir,
			 const char *want, char *got)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", dir, want);
	EXPECT_NE(NULL, got);
	if (got)
		EXPECT_STREQ(path, got);
	free(got);
}

#define BZ "arch/x86/boot/bzImage"

TEST_F(lookup, the_tree_that_the_program_lies_in)
{
	char exe[256], out[256];

	put_image(self->dir, "t/" BZ, "1");
	put_image(self->dir, "o/" BZ, "2");
	put_image(self->dir, "t/sub/" BZ, "3");
	snprintf(exe, sizeof(exe), "%s/t/tools/testing/selftests/vmtap/vmtap",
		 self->dir);
	snprintf(out, sizeof(out), "%s/o", self->dir);
	expect_image(_metadata, self->dir, "t/" BZ,
		     kernel_tree_image_from(exe, "/", NULL, NULL));
	expect_image(_metadata, self->dir, "t/" BZ,
		     kernel_tree_image_from("/usr/bin/vmtap", exe, NULL, ""));
	expect_image(_metadata, self->dir, "o/" BZ,
		     kernel_tree_image_from(exe, "/", out, NULL));
	expect_image(_metadata, self->dir, "o/" BZ,
		     kernel_tree_image_from(exe, "/", NULL, out));
	expect_image(_metadata, self->dir, "t/sub/" BZ,
		     kernel_tree_image_from(exe, "/", NULL, "sub"));
	/* Named, but nothing was built there: the tree's own. */
	expect_image(_metadata, self->dir, "t/" BZ,
		     kernel_tree_image_from(exe, "/", "/nonexistent", NULL));
	snprintf(exe, sizeof(exe), "%s/o/kselftest/vmtap/vmtap", self->dir);
	expect_image(_metadata, self->dir, "o/" BZ,
		     kernel_tree_image_from(exe, "/", NULL, NULL));
	/* Outside of a tree the environment is somebody else's. */
	EXPECT_EQ(NULL, kernel_tree_image_from("/usr/bin/vmtap", "/", out, out));
}

TEST_HARNESS_MAIN
