// SPDX-License-Identifier: GPL-2.0-only
/* initramfs_add: what goes into the guest's root and where it comes from. */
#include "runner/initramfs_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <spawn.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "runner/elfdeps.h"
#include "runner/modules.h"
#include "vmm/base/buf.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/diag.h"

#define BUSYBOX_DST "/usr/bin/busybox"
#define APPLETS_MAX (64u << 10)

static struct entry *new_at(const char *dst, mode_t mode, const char *origin,
			    int *err, struct diag *d)
{
	char path[INITRAMFS_PATH_MAX];
	struct entry *e;

	*err = initramfs_path(dst, path, origin, d);
	if (*err)
		return NULL;
	e = entry_new(path, mode, origin);
	if (!e)
		*err = diag_fail(d, -ENOMEM, NULL, "no memory for the initramfs");
	return e;
}

int initramfs_add_dir(struct initramfs *fs, const char *dst, mode_t mode,
		      const char *origin, struct diag *d)
{
	int err;
	struct entry *e = new_at(dst, S_IFDIR | (mode & 07777), origin, &err, d);

	return e ? initramfs_insert(fs, e, d) : err;
}

static int add_bytes(struct initramfs *fs, const char *dst, mode_t mode,
		     const void *data, size_t len, bool copy,
		     const char *origin, struct diag *d)
{
	int err;
	struct entry *e;

	if (len > UINT32_MAX)
		return diag_fail(d, -EFBIG, NULL, "%s: a file of 4 GiB or more", origin);
	e = new_at(dst, mode, origin, &err, d);
	if (!e)
		return err;
	e->data = data;
	e->size = len;
	if (copy) {
		e->data = e->owned = malloc(len + 1);
		if (e->owned && len)
			memcpy(e->owned, data, len);
		if (!e->owned)
			e->size = 0;
	}
	err = copy && !e->owned ? -ENOMEM : 0;
	if (err)
		diag_fail(d, err, NULL, "%s: no memory", origin);
	return err ? err : initramfs_insert(fs, e, d);
}

int initramfs_add_data(struct initramfs *fs, const char *dst, mode_t mode,
		       const void *data, size_t len, const char *origin,
		       struct diag *d)
{
	return add_bytes(fs, dst, S_IFREG | (mode & 07777), data, len, true,
			 origin, d);
}

int initramfs_add_static(struct initramfs *fs, const char *dst, mode_t mode,
			 const void *data, size_t len, const char *origin,
			 struct diag *d)
{
	return add_bytes(fs, dst, S_IFREG | (mode & 07777), data, len, false,
			 origin, d);
}

int initramfs_add_symlink(struct initramfs *fs, const char *dst,
			  const char *target, const char *origin,
			  struct diag *d)
{
	if (!*target || strlen(target) >= PATH_MAX)
		return diag_fail(d, -EINVAL, NULL, "%s: bad link target", origin);
	return add_bytes(fs, dst, S_IFLNK | 0777, target, strlen(target), true,
			 origin, d);
}

int initramfs_add_node(struct initramfs *fs, const char *dst, mode_t mode,
		       unsigned int major, unsigned int minor,
		       const char *origin, struct diag *d)
{
	int err;
	struct entry *e = new_at(dst, S_IFCHR | (mode & 07777), origin, &err, d);

	if (!e)
		return err;
	e->rdev = (u64)major << 20 | minor;
	return initramfs_insert(fs, e, d);
}

int initramfs_add_file(struct initramfs *fs, const char *src, const char *dst,
		       mode_t mode, const char *origin, struct diag *d)
{
	int fd __free(cleanup_close) = open(src, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct entry *e;
	struct stat st;
	int err;

	if (fd < 0 || fstat(fd, &st))
		return diag_fail(d, -errno, NULL, "%s: %s: %s", origin, src,
				 strerror(errno));
	if (!S_ISREG(st.st_mode))
		return diag_fail(d, -EINVAL, NULL, "%s: %s is not a regular file",
				 origin, src);
	if (st.st_size > UINT32_MAX)
		return diag_fail(d, -EFBIG, NULL, "%s: %s is 4 GiB or larger",
				 origin, src);
	mode = mode ? mode & 07777 : st.st_mode & 0777;
	e = new_at(dst, S_IFREG | mode, origin, &err, d);
	if (!e)
		return err;
	e->size = (u64)st.st_size;
	e->src = realpath(src, NULL);
	return initramfs_insert(fs, e, d);
}

/* The base: what a shell and the agent expect. Soft: files[] may replace it. */
static int add_base(struct initramfs *fs, struct diag *d)
{
	static const struct { const char *path; mode_t mode; const char *data; } base[] = {
		{ "dev", S_IFDIR | 0755, NULL },
		{ "etc", S_IFDIR | 0755, NULL },
		{ "mnt", S_IFDIR | 0755, NULL },
		{ "proc", S_IFDIR | 0755, NULL },
		{ "root", S_IFDIR | 0700, NULL },
		{ "run", S_IFDIR | 0755, NULL },
		{ "sys", S_IFDIR | 0755, NULL },
		{ "tmp", S_IFDIR | 01777, NULL },
		{ "usr/bin", S_IFDIR | 0755, NULL },
		{ "usr/lib", S_IFDIR | 0755, NULL },
		{ "usr/lib64", S_IFDIR | 0755, NULL },
		{ "usr/sbin", S_IFDIR | 0755, NULL },
		{ "var/tmp", S_IFDIR | 01777, NULL },
		{ "bin", S_IFLNK | 0777, "usr/bin" },
		{ "lib", S_IFLNK | 0777, "usr/lib" },
		{ "lib64", S_IFLNK | 0777, "usr/lib64" },
		{ "sbin", S_IFLNK | 0777, "usr/sbin" },
		{ "var/run", S_IFLNK | 0777, "/run" },
		{ "etc/passwd", S_IFREG | 0644, "root:x:0:0:root:/root:/bin/sh\n" },
		{ "etc/group", S_IFREG | 0644, "root:x:0:\n" },
		{ "etc/hosts", S_IFREG | 0644, "127.0.0.1 localhost\n" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(base); i++) {
		struct entry *e = entry_new(base[i].path, base[i].mode, "base layout");
		int err;

		if (e && base[i].data) {
			e->data = base[i].data;
			e->size = strlen(base[i].data);
			e->soft = S_ISREG(e->mode);
		}
		err = initramfs_insert(fs, e, d);
		if (err)
			return err;
	}
	return 0;
}

int initramfs_create(struct initramfs **out, struct diag *d)
{
	struct initramfs *fs = calloc(1, sizeof(*fs));
	int err = fs ? add_base(fs, d) : -ENOMEM;

	/* The kernel opens the first before /init, which devtmpfs then covers. */
	if (!err)
		err = initramfs_add_node(fs, "/dev/console", 0600, 5, 1, "base layout", d);
	if (!err)
		err = initramfs_add_node(fs, "/dev/null", 0666, 1, 3, "base layout", d);
	if (err) {
		initramfs_destroy(fs);
		return err;
	}
	*out = fs;
	return 0;
}

static int add_closure(struct initramfs *fs, const char *src, const char *dst,
		       const char *origin, struct diag *d)
{
	struct elfdeps deps;
	bool conf = false;
	int err = elfdeps_scan(src, dst, "", &deps, d);

	if (err)
		return diag_wrap(d, err, "%s", origin);
	for (size_t i = 0; i < deps.nr && !err; i++) {
		char *who __free(cleanup_free) = NULL;

		if (asprintf(&who, "%s, for %s", origin, deps.deps[i].needed_by) < 0)
			err = diag_fail(d, -ENOMEM, NULL, "no memory");
		else
			err = initramfs_add_file(fs, deps.deps[i].src,
						 deps.deps[i].dst, 0755, who, d);
		conf = conf || deps.deps[i].from_conf;
	}
	/* The guest's ld.so knows those directories only through the cache. */
	if (!err && conf)
		err = initramfs_add_file(fs, "/etc/ld.so.cache", "/etc/ld.so.cache",
					 0644, "ld.so.conf", d);
	elfdeps_free(&deps);
	return err;
}

static int add_link(struct initramfs *fs, const char *src, const char *dst,
		    const char *origin, struct diag *d)
{
	char target[PATH_MAX];
	ssize_t n = readlink(src, target, sizeof(target) - 1);

	if (n < 0)
		return diag_fail(d, -errno, NULL, "%s: %s: %s", origin, src,
				 strerror(errno));
	target[n] = 0;
	return initramfs_add_symlink(fs, dst, target, origin, d);
}

static int add_one(struct initramfs *fs, const FTSENT *f, const char *dst,
		   const char *origin, struct diag *d)
{
	int err;

	switch (f->fts_info) {
	case FTS_D:
		return initramfs_add_dir(fs, dst, f->fts_statp->st_mode, origin, d);
	case FTS_DP:
		return 0;
	case FTS_SL:
	case FTS_SLNONE:
		return add_link(fs, f->fts_path, dst, origin, d);
	case FTS_F:
		err = initramfs_add_file(fs, f->fts_path, dst, 0, origin, d);
		return err ? err : add_closure(fs, f->fts_path, dst, origin, d);
	case FTS_DEFAULT:
		return 0;	/* sockets, pipes, devices */
	default:
		err = f->fts_errno ? -f->fts_errno : -EIO;
		return diag_fail(d, err, NULL, "%s: %s: %s", origin, f->fts_path,
				 strerror(-err));
	}
}

static int add_tree(struct initramfs *fs, const char *src, const char *dst,
		    const char *origin, struct diag *d)
{
	char *roots[] = { (char *)src, NULL };
	FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, NULL);
	FTSENT *f;
	int err = 0;

	if (!tree)
		return diag_fail(d, -errno, NULL, "%s: %s", src, strerror(errno));
	while (!err && (f = fts_read(tree))) {
		char *to __free(cleanup_free) = NULL;

		if (asprintf(&to, "%s%s", dst, f->fts_path + strlen(src)) < 0)
			err = diag_fail(d, -ENOMEM, NULL, "no memory");
		else
			err = add_one(fs, f, to, origin, d);
	}
	fts_close(tree);
	return err;
}

int initramfs_add_program(struct initramfs *fs, const char *src,
			  const char *dst, mode_t mode, const char *origin,
			  struct diag *d)
{
	struct stat st;
	int err;

	if (stat(src, &st))
		return diag_fail(d, -errno, NULL, "%s: %s: %s", origin, src,
				 strerror(errno));
	if (S_ISDIR(st.st_mode))
		return add_tree(fs, src, dst, origin, d);
	err = initramfs_add_file(fs, src, dst, mode, origin, d);
	return err ? err : add_closure(fs, src, dst, origin, d);
}

/* A static busybox on PATH; the caller frees. */
static char *find_busybox(void)
{
	const char *path = getenv("PATH");

	for (path = path ? path : "/usr/bin:/bin"; *path;) {
		size_t n = strcspn(path, ":");
		char *file = NULL;
		struct elfdeps deps;

		if (n && asprintf(&file, "%.*s/busybox", (int)n, path) > 0 &&
		    !access(file, R_OK | X_OK) &&
		    !elfdeps_scan(file, file, "", &deps, NULL)) {
			bool fine = deps.is_static;

			elfdeps_free(&deps);
			if (fine)
				return file;
		}
		free(file);
		path += n + (path[n] == ':');
	}
	return NULL;
}

/* What `busybox --list-full` prints. */
static int list_applets(const char *busybox, struct buf *out, struct diag *d)
{
	char *argv[] = { (char *)"busybox", (char *)"--list-full", NULL };
	char *env[] = { NULL };
	posix_spawn_file_actions_t fa;
	int p[2], status, err;
	char chunk[4096];
	ssize_t n;
	pid_t pid;

	if (pipe2(p, O_CLOEXEC))
		return diag_fail(d, -errno, NULL, "pipe: %s", strerror(errno));
	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_adddup2(&fa, p[1], 1);
	err = posix_spawn(&pid, busybox, &fa, NULL, argv, env);
	posix_spawn_file_actions_destroy(&fa);
	close(p[1]);
	while (!err && out->len < APPLETS_MAX &&
	       (n = read(p[0], chunk, sizeof(chunk))) > 0)
		buf_add(out, chunk, (size_t)n);
	close(p[0]);
	if (err)
		return diag_fail(d, -err, NULL, "%s: %s", busybox, strerror(err));
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!WIFEXITED(status) || WEXITSTATUS(status) || out->failed || !out->len)
		return diag_fail(d, -ENOEXEC, NULL, "%s --list-full failed", busybox);
	return 0;
}

static int add_applets(struct initramfs *fs, char *list, struct diag *d)
{
	char *save;

	for (char *line = strtok_r(list, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		char path[INITRAMFS_PATH_MAX];
		char dst[INITRAMFS_PATH_MAX];
		struct entry *e;
		int err;

		snprintf(dst, sizeof(dst), "/%s", line);
		err = initramfs_path(dst, path, "busybox", d);
		if (err)
			return err;
		/*
		 * At the root it would stand beside the agent's /init, and a
		 * modprobe would be run by the boot for a dozen of modules
		 * that are not there: the agent makes that one.
		 */
		if (!strchr(path, '/') || !strcmp(line, "sbin/modprobe") ||
		    initramfs_find(fs, path))
			continue;
		e = entry_new(path, S_IFLNK | 0777, "busybox");
		if (e) {
			e->data = BUSYBOX_DST;
			e->size = sizeof(BUSYBOX_DST) - 1;
			e->soft = true;
		}
		err = initramfs_insert(fs, e, d);
		if (err)
			return err;
	}
	return 0;
}

int initramfs_add_busybox(struct initramfs *fs, const char *path,
			  struct diag *d)
{
	char *found __free(cleanup_free) = path ? strdup(path) : find_busybox();
	struct elfdeps deps;
	struct buf list = {};
	bool fine;
	int err;

	if (!found)
		return diag_fail(d, -ENOENT, NULL,
				 "no statically linked busybox on PATH (Debian: apt install busybox-static)");
	err = elfdeps_scan(found, BUSYBOX_DST, "", &deps, d);
	if (err)
		return err;
	fine = deps.is_static;
	elfdeps_free(&deps);
	if (!fine)
		return diag_fail(d, -ENOEXEC, NULL, "%s is not statically linked", found);
	err = initramfs_add_file(fs, found, BUSYBOX_DST, 0755, "busybox", d);
	if (!err)
		err = list_applets(found, &list, d);
	if (!err)
		err = add_applets(fs, list.data, d);
	buf_reset(&list);
	return err;
}

int initramfs_add_modules(struct initramfs *fs, const struct module_set *set,
			  struct diag *d)
{
	for (size_t i = 0; i < set->nr; i++) {
		int err = initramfs_add_file(fs, set->mods[i].file,
					     set->mods[i].guest, 0644,
					     "kernel modules", d);
		if (err)
			return err;
	}
	return 0;
}

int initramfs_add_agent(struct initramfs *fs, const void *agent, size_t len,
			struct diag *d)
{
	static const char *const names[] = {
		"exit", "frame", "kselftest", "look", "map-written", "metric", "result",
		"snapshot", "stats", "stimulus", "watch", "workload",
	};
	int err = initramfs_add_static(fs, "/init", 0755, agent, len, "agent", d);

	for (size_t i = 0; i < ARRAY_SIZE(names) && !err; i++) {
		char dst[64];

		snprintf(dst, sizeof(dst), "/usr/bin/vmtap-%s", names[i]);
		err = initramfs_add_symlink(fs, dst, "/init", "agent", d);
	}
	return err;
}
