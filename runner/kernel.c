// SPDX-License-Identifier: GPL-2.0-only
/*
 * kernel: find an image and what belongs to it. Where things lie:
 *
 *   cache   <cache>/kernels/<release>/{boot,lib/modules/<release>}
 *   tree    <tree>/{arch/x86/boot/bzImage,.config,modules.order}
 *   system  /boot/{vmlinuz,config}-<release>, /lib/modules/<release>
 */
#include "runner/kernel.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "runner/kernel_tree.h"
#include "vmm/base/buf.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/diag.h"
#include "vmm/base/io.h"
#include "vmm/base/util.h"
#include "vmm/kimage.h"

#define CONFIG_MAX MiB(4)

static const char *const source_names[] = {
	[KERNEL_CACHE] = "cache",
	[KERNEL_TREE] = "tree",
	[KERNEL_SYSTEM] = "boot",
	[KERNEL_FILE] = "file",
};

const char *kernel_source_name(enum kernel_source source)
{
	return source_names[source];
}

bool kernel_release_matches(const char *release, const char *spec)
{
	size_t len = strlen(spec);

	if (len > 2 && !strcmp(spec + len - 2, ".x"))
		len -= 2;
	if (!len || strncmp(release, spec, len))
		return false;
	return !isdigit((unsigned char)spec[len - 1]) ||
	       !isdigit((unsigned char)release[len]);
}

int kernel_release_cmp(const char *a, const char *b)
{
	return strverscmp(a, b);
}

char *kernel_cache_dir(struct diag *d)
{
	const char *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	char *dir;
	int n;

	if (xdg && *xdg)
		n = asprintf(&dir, "%s/vmtap", xdg);
	else if (home && *home)
		n = asprintf(&dir, "%s/.cache/vmtap", home);
	else
		n = -2;
	if (n == -2)
		diag_fail(d, -ENOENT, NULL,
			  "neither HOME nor XDG_CACHE_HOME is set: no place for the cache");
	return n < 0 ? NULL : dir;
}

/* --- the parts of one kernel -------------------------------------------- */

/* The path if it is there, as a string of its own; else NULL. */
static __printf(1, 2) char *existing(const char *fmt, ...)
{
	char *path;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&path, fmt, ap);
	va_end(ap);
	if (n < 0)
		return NULL;
	if (access(path, F_OK)) {
		free(path);
		return NULL;
	}
	return path;
}

static bool is_there(const char *dir, const char *name)
{
	char *path = existing("%s/%s", dir, name);

	free(path);
	return path;
}

static char *dir_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? strndup(path, slash - path) : strdup(".");
}

/*
 * The release out of a bzImage's setup header: kernel_version, an offset
 * beyond 0x200 (Documentation/arch/x86/boot.rst). NULL: no bzImage.
 */
static char *bzimage_release(const char *path)
{
	int fd __free(cleanup_close) = open(path, O_RDONLY | O_CLOEXEC);
	char setup[0x8000];
	ssize_t len = fd < 0 ? -1 : pread(fd, setup, sizeof(setup) - 1, 0);
	size_t at;

	if (len < 0x250 || memcmp(setup + 0x202, "HdrS", 4))
		return NULL;
	setup[len] = 0;
	at = 0x200 + ((u8)setup[0x20e] | (u8)setup[0x20f] << 8);
	if (at == 0x200 || at >= (size_t)len)
		return strdup("");
	return strndup(setup + at, strcspn(setup + at, " \t\n"));
}

/* An ELF vmlinux says its release only in its banner. */
static int elf_release(struct kernel *k, struct diag *d)
{
	struct kimage *ki;
	int err = kimage_open(k->image, 0, &ki, d);

	if (err)
		return err;
	k->release = strdup(kimage_release(ki));
	kimage_close(ki);
	return k->release ? 0 : -ENOMEM;
}

static char *find_modules(const struct kernel *k, const char *dir,
			  const char *tree)
{
	char *found = NULL;

	if (tree && is_there(tree, "modules.order"))
		return strdup(tree);
	found = existing("%s/../lib/modules/%s", dir, k->release);
	if (!found && is_there(dir, "modules.builtin"))
		found = strdup(dir);
	if (!found && *k->release)
		found = existing("/lib/modules/%s", k->release);
	return found;
}

static char *find_config(const struct kernel *k, const char *dir,
			 const char *tree)
{
	char *found = NULL;

	if (tree)
		found = existing("%s/.config", tree);
	if (!found)
		found = existing("%s/config-%s", dir, k->release);
	if (!found && k->modules_dir)
		found = existing("%s/config", k->modules_dir);
	if (!found && *k->release)
		found = existing("/boot/config-%s", k->release);
	return found;
}

/* The config's text, from its file or out of the image (CONFIG_IKCONFIG). */
static void load_config(struct kernel *k)
{
	struct buf text = {};
	struct kimage *ki;
	size_t len;

	if (k->config_path) {
		if (!io_read_file(k->config_path, CONFIG_MAX, &text, NULL))
			k->config = buf_steal(&text);
		buf_reset(&text);
		return;
	}
	if (kimage_open(k->image, 0, &ki, NULL))
		return;
	if (kimage_ikconfig(ki, &k->config, &len))
		k->config = NULL;
	kimage_close(ki);
}

void kernel_put(struct kernel *k)
{
	if (!k)
		return;
	free(k->release);
	free(k->image);
	free(k->modules_dir);
	free(k->config_path);
	free(k->config);
	free(k);
}

static char *real(char *path)
{
	char *abs = path ? realpath(path, NULL) : NULL;

	free(path);
	return abs;
}

/* From an image's path to all that belongs to it. */
static int kernel_open(const char *path, enum kernel_source source,
		       struct kernel **out, struct diag *d)
{
	struct kernel *k = calloc(1, sizeof(*k));
	char *dir __free(cleanup_free) = NULL;
	char *tree __free(cleanup_free) = NULL;
	int err = -ENOMEM;

	if (!k)
		return err;
	k->source = source;
	k->image = realpath(path, NULL);
	if (!k->image || access(k->image, R_OK)) {
		err = diag_fail(d, -errno, NULL, "kernel image %s: %s", path,
				strerror(errno));
		goto fail;
	}
	k->release = bzimage_release(k->image);
	if (!k->release) {
		err = elf_release(k, d);
		if (err)
			goto fail;
	}
	dir = dir_of(k->image);
	tree = kernel_tree_of_image(k->image);
	if (!dir)
		goto fail;
	if (source == KERNEL_FILE && tree)
		k->source = KERNEL_TREE;
	k->modules_dir = real(find_modules(k, dir, tree));
	k->config_path = real(find_config(k, dir, tree));
	load_config(k);
	*out = k;
	return 0;
fail:
	kernel_put(k);
	return err;
}

/* --- the kernels there are ------------------------------------------------ */

struct kernel_paths {
	struct kernel_path {
		char *release;
		char *image;
		enum kernel_source source;
	} *at;
	size_t nr;
};

static void paths_reset(struct kernel_paths *p)
{
	for (size_t i = 0; i < p->nr; i++) {
		free(p->at[i].release);
		free(p->at[i].image);
	}
	free(p->at);
}

static int paths_add(struct kernel_paths *p, const char *release, char *image,
		     enum kernel_source source)
{
	struct kernel_path *at;

	if (!image)
		return 0;
	at = realloc(p->at, (p->nr + 1) * sizeof(*at));
	if (!at) {
		free(image);
		return -ENOMEM;
	}
	p->at = at;
	at[p->nr].release = strdup(release);
	at[p->nr].image = image;
	at[p->nr].source = source;
	if (!at[p->nr].release) {
		free(image);
		return -ENOMEM;
	}
	p->nr++;
	return 0;
}

/* The cache first, then /boot; in each the newest first. */
static int paths_cmp(const void *a, const void *b)
{
	const struct kernel_path *x = a, *y = b;

	if (x->source != y->source)
		return x->source < y->source ? -1 : 1;
	return -kernel_release_cmp(x->release, y->release);
}

static int scan_cache(struct kernel_paths *p, struct diag *d)
{
	char *cache __free(cleanup_free) = kernel_cache_dir(d);
	char *top __free(cleanup_free) = NULL;
	struct dirent *e;
	int err = 0;
	DIR *dir;

	/* Without a place for a cache there is no kernel in it. */
	if (!cache || asprintf(&top, "%s/kernels", cache) < 0)
		return 0;
	dir = opendir(top);
	if (!dir)
		return 0;
	while (!err && (e = readdir(dir))) {
		/* Dots: ours or a fetch in flight (<release>.tmp.<pid>). */
		if (e->d_name[0] == '.' || strstr(e->d_name, ".tmp.") ||
		    strstr(e->d_name, ".old"))
			continue;
		err = paths_add(p, e->d_name,
				existing("%s/%s/boot/vmlinuz-%s", top,
					 e->d_name, e->d_name), KERNEL_CACHE);
	}
	closedir(dir);
	return err;
}

static int scan_boot(struct kernel_paths *p)
{
	DIR *dir = opendir("/boot");
	struct dirent *e;
	int err = 0;

	if (!dir)
		return 0;
	while (!err && (e = readdir(dir))) {
		char path[sizeof("/boot/") + sizeof(e->d_name)];

		if (strncmp(e->d_name, "vmlinuz-", 8))
			continue;
		snprintf(path, sizeof(path), "/boot/%s", e->d_name);
		/* Ubuntu lets root alone read its kernels. */
		if (!access(path, R_OK))
			err = paths_add(p, e->d_name + 8, strdup(path),
					KERNEL_SYSTEM);
	}
	closedir(dir);
	return err;
}

static int scan_all(struct kernel_paths *p, struct diag *d)
{
	int err = scan_cache(p, NULL);

	if (!err)
		err = scan_boot(p);
	if (err)
		return diag_fail(d, err, NULL, "out of memory");
	if (p->nr)
		qsort(p->at, p->nr, sizeof(*p->at), paths_cmp);
	return 0;
}

void kernel_list_free(struct kernel **list, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		kernel_put(list[i]);
	free(list);
}

int kernel_list(struct kernel ***out, size_t *nr, struct diag *d)
{
	struct kernel_paths paths __free(paths_reset) = {};
	struct kernel **list;
	size_t n = 0;
	int err = scan_all(&paths, d);

	if (err)
		return err;
	list = calloc(paths.nr + 1, sizeof(*list));
	if (!list)
		return diag_fail(d, -ENOMEM, NULL, "out of memory");
	for (size_t i = 0; i < paths.nr; i++)
		/* One damaged kernel does not hide the others. */
		if (!kernel_open(paths.at[i].image, paths.at[i].source,
				 &list[n], NULL))
			n++;
	*out = list;
	*nr = n;
	return 0;
}

/* --- finding one ---------------------------------------------------------- */

static int not_found(const char *spec, const struct kernel_paths *p,
		     struct diag *d)
{
	struct buf have __free(buf_reset) = {};

	for (size_t i = 0; i < p->nr; i++)
		buf_printf(&have, "%s%s", i ? ", " : "", p->at[i].release);
	if (!p->nr)
		return diag_fail(d, -ENOENT, NULL,
				 "no kernel %s here; `vmtap kernel fetch` gets stock ones, --kernel takes an image",
				 spec ?: "is");
	return diag_fail(d, -ENOENT, NULL,
			 "no kernel matches '%s'; there is: %s; `vmtap kernel fetch %s` gets it",
			 spec, buf_str(&have), spec);
}

static int find_default(struct kernel **out, struct diag *d)
{
	char *image __free(cleanup_free) = kernel_tree_image();
	struct kernel_paths paths __free(paths_reset) = {};
	int err;

	if (image)
		return kernel_open(image, KERNEL_TREE, out, d);
	err = scan_all(&paths, d);
	if (err)
		return err;
	if (!paths.nr)
		return not_found(NULL, &paths, d);
	return kernel_open(paths.at[0].image, paths.at[0].source, out, d);
}

static bool is_file(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISREG(st.st_mode);
}

int kernel_find(const char *spec, struct kernel **out, struct diag *d)
{
	struct kernel_paths paths __free(paths_reset) = {};
	int err;

	if (!spec || !*spec)
		return find_default(out, d);
	if (strchr(spec, '/'))
		return kernel_open(spec, KERNEL_FILE, out, d);
	err = scan_all(&paths, d);
	if (err)
		return err;
	for (size_t i = 0; i < paths.nr; i++)
		if (kernel_release_matches(paths.at[i].release, spec))
			return kernel_open(paths.at[i].image,
					   paths.at[i].source, out, d);
	if (is_file(spec))
		return kernel_open(spec, KERNEL_FILE, out, d);
	return not_found(spec, &paths, d);
}

/* --- config --------------------------------------------------------------- */

/* The text behind "CONFIG_X=" at the start of a line; NULL: not set. */
static const char *config_line(const char *text, const char *name)
{
	size_t len = strlen(name);

	while (text) {
		if (!strncmp(text, "CONFIG_", 7) &&
		    !strncmp(text + 7, name, len) && text[7 + len] == '=')
			return text + 7 + len + 1;
		text = strchr(text, '\n');
		if (text)
			text++;
	}
	return NULL;
}

enum kconfig kernel_config(const struct kernel *k, const char *name,
			   char **value)
{
	const char *at;
	size_t len;

	if (!k->config)
		return KCONFIG_UNKNOWN;
	if (!strncmp(name, "CONFIG_", 7))
		name += 7;
	at = config_line(k->config, name);
	if (!at)
		return KCONFIG_NO;
	len = strcspn(at, "\r\n");
	if (len == 1 && *at == 'y')
		return KCONFIG_YES;
	if (len == 1 && *at == 'm')
		return KCONFIG_MODULE;
	if (len == 1 && *at == 'n')
		return KCONFIG_NO;
	if (len >= 2 && at[0] == '"' && at[len - 1] == '"') {
		at++;
		len -= 2;
	}
	if (value)
		*value = strndup(at, len);
	return KCONFIG_VALUE;
}
