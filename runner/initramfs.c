// SPDX-License-Identifier: GPL-2.0-only
/*
 * initramfs: the sorted list of entries and the newc writer. What an entry is
 * for (busybox, programs, modules) is initramfs_add.c's business.
 */
#include "runner/initramfs_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "vmm/base/cleanup.h"
#include "vmm/base/diag.h"
#include "vmm/base/io.h"

#define CPIO_HEADER 110
#define CPIO_TRAILER "TRAILER!!!"
#define ARCHIVE_ALIGN 512

static void entry_free(struct entry *e)
{
	if (!e)
		return;
	free(e->path);
	free(e->origin);
	free(e->src);
	free(e->owned);
	free(e);
}

void initramfs_destroy(struct initramfs *fs)
{
	if (!fs)
		return;
	for (size_t i = 0; i < fs->nr; i++)
		entry_free(fs->entries[i]);
	free(fs->entries);
	free(fs);
}

/* First entry not below @path; *exact tells whether it is @path itself. */
static size_t lookup(const struct initramfs *fs, const char *path, bool *exact)
{
	size_t lo = 0, hi = fs->nr;

	*exact = false;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int cmp = strcmp(fs->entries[mid]->path, path);

		if (!cmp) {
			*exact = true;
			return mid;
		}
		if (cmp < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

struct entry *initramfs_find(const struct initramfs *fs, const char *path)
{
	bool exact;
	size_t i = lookup(fs, path, &exact);

	return exact ? fs->entries[i] : NULL;
}

/* Read all of a file entry's bytes to @dst. */
static int read_bytes(const struct entry *e, void *dst, struct diag *d)
{
	int fd __free(cleanup_close) = -1;
	struct stat st;
	int err;

	if (e->data || !e->size) {
		memcpy(dst, e->data ? e->data : "", e->size);
		return 0;
	}
	fd = open(e->src, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st))
		return diag_fail(d, -errno, NULL, "%s: %s", e->src, strerror(errno));
	if ((u64)st.st_size != e->size)
		return diag_fail(d, -ESTALE, NULL,
				 "%s changed its size from %llu to %llu bytes while it was being used",
				 e->src, (unsigned long long)e->size,
				 (unsigned long long)st.st_size);
	err = io_pread_full(fd, dst, e->size, 0);
	if (err == -ENODATA)
		return diag_fail(d, -ESTALE, NULL, "%s became shorter while it was read", e->src);
	return err ? diag_fail(d, err, NULL, "%s: %s", e->src, strerror(-err)) : 0;
}

/* Do two entries put the same thing there? */
static bool same(const struct entry *a, const struct entry *b)
{
	char *x __free(cleanup_free) = NULL;
	char *y __free(cleanup_free) = NULL;

	if ((a->mode & S_IFMT) != (b->mode & S_IFMT) || a->rdev != b->rdev)
		return false;
	if (S_ISDIR(a->mode))
		return true;
	if (a->mode != b->mode || a->size != b->size)
		return false;
	if (a->src && b->src && !strcmp(a->src, b->src))
		return true;
	x = malloc(a->size + 1);
	y = malloc(a->size + 1);
	return x && y && !read_bytes(a, x, NULL) && !read_bytes(b, y, NULL) &&
	       !memcmp(x, y, a->size);
}

static const char *source(const struct entry *e)
{
	return e->src ? e->src : S_ISDIR(e->mode) ? "directory" :
	       S_ISLNK(e->mode) ? "link" : S_ISREG(e->mode) ? "data" : "node";
}

static int conflict(const struct entry *old, const struct entry *e,
		    struct diag *d)
{
	return diag_fail(d, -EEXIST, NULL,
			 "two different things for /%s in the guest: %s (%s) and %s (%s)",
			 e->path, old->origin, source(old), e->origin, source(e));
}

/* Room for @e where it belongs, or the decision about the one that is there. */
static int place(struct initramfs *fs, struct entry *e, struct diag *d)
{
	struct entry **more;
	bool exact;
	size_t i = lookup(fs, e->path, &exact);

	if (exact) {
		struct entry *old = fs->entries[i];

		if (e->soft && !old->soft) {
			entry_free(e);
			return 0;
		}
		if (!old->soft) {
			int err = same(old, e) ? 0 : conflict(old, e, d);

			entry_free(e);
			return err;
		}
		entry_free(old);
		fs->entries[i] = e;
		return 0;
	}
	more = realloc(fs->entries, (fs->nr + 1) * sizeof(*more));
	if (!more) {
		entry_free(e);
		return diag_fail(d, -ENOMEM, NULL, "no memory for the initramfs");
	}
	fs->entries = more;
	memmove(&more[i + 1], &more[i], (fs->nr - i) * sizeof(*more));
	more[i] = e;
	fs->nr++;
	return 0;
}

static int add_parents(struct initramfs *fs, const char *path,
		       const char *origin, struct diag *d)
{
	char dir[INITRAMFS_PATH_MAX];

	for (const char *slash = strchr(path, '/'); slash;
	     slash = strchr(slash + 1, '/')) {
		const struct entry *e;
		struct entry *fresh;
		int err;

		memcpy(dir, path, (size_t)(slash - path));
		dir[slash - path] = 0;
		e = initramfs_find(fs, dir);
		if (e && S_ISDIR(e->mode))
			continue;
		if (e)
			return diag_fail(d, -EEXIST, NULL,
					 "%s needs the directory /%s in the guest, where %s puts a %s",
					 origin, dir, e->origin, source(e));
		fresh = entry_new(dir, S_IFDIR | 0755, origin);
		if (!fresh)
			return diag_fail(d, -ENOMEM, NULL, "no memory");
		err = place(fs, fresh, d);
		if (err)
			return err;
	}
	return 0;
}

struct entry *entry_new(const char *path, mode_t mode, const char *origin)
{
	struct entry *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	e->path = strdup(path);
	e->origin = strdup(origin);
	e->mode = mode;
	if (e->path && e->origin)
		return e;
	entry_free(e);
	return NULL;
}

int initramfs_insert(struct initramfs *fs, struct entry *e, struct diag *d)
{
	int err;

	if (!e)
		return diag_fail(d, -ENOMEM, NULL, "no memory for the initramfs");
	err = add_parents(fs, e->path, e->origin, d);
	if (err) {
		entry_free(e);
		return err;
	}
	return place(fs, e, d);
}

static bool is_merged(const char *p, size_t n)
{
	static const char *const dirs[] = { "bin", "sbin", "lib", "lib64" };

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		if (strlen(dirs[i]) == n && !memcmp(dirs[i], p, n))
			return true;
	}
	return false;
}

int initramfs_path(const char *dst, char *out, const char *origin,
		   struct diag *d)
{
	size_t used = 0;

	if (dst[0] != '/')
		return diag_fail(d, -EINVAL, NULL,
				 "%s: the guest path '%s' is not absolute", origin, dst);
	for (const char *p = dst; *p;) {
		size_t n;

		p += strspn(p, "/");
		n = strcspn(p, "/");
		if (!n)
			break;
		if ((n == 1 && p[0] == '.') || (n == 2 && !memcmp(p, "..", 2)))
			return diag_fail(d, -EINVAL, NULL,
					 "%s: the guest path '%s' has a '.' or '..'",
					 origin, dst);
		if (used + n + 6 >= INITRAMFS_PATH_MAX)
			return diag_fail(d, -EINVAL, NULL,
					 "%s: the guest path is longer than %d bytes",
					 origin, INITRAMFS_PATH_MAX - 6);
		if (!used && is_merged(p, n)) {
			memcpy(out, "usr", 3);
			used = 3;
		}
		if (used)
			out[used++] = '/';
		memcpy(out + used, p, n);
		used += n;
		p += n;
	}
	out[used] = 0;
	if (!used)
		return diag_fail(d, -EINVAL, NULL, "%s: the guest path '%s' names nothing",
				 origin, dst);
	return 0;
}

static u64 entry_bytes(const char *path, u64 size)
{
	return round_up(CPIO_HEADER + strlen(path) + 1, 4) + round_up(size, 4);
}

u64 initramfs_size(struct initramfs *fs)
{
	u64 total = entry_bytes(CPIO_TRAILER, 0);

	for (size_t i = 0; i < fs->nr; i++)
		total += entry_bytes(fs->entries[i]->path, fs->entries[i]->size);
	return round_up(total, ARCHIVE_ALIGN);
}

/* Header and name, padded; returns the bytes written. */
static size_t put_header(u8 *dst, const char *path, u32 ino, mode_t mode,
			 u32 size, dev_t rdev)
{
	size_t name = strlen(path) + 1;
	size_t len = round_up(CPIO_HEADER + name, 4);
	char hdr[CPIO_HEADER + 1];

	snprintf(hdr, sizeof(hdr),
		 "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X",
		 ino, mode, 0, 0, S_ISDIR(mode) ? 2 : 1, 0, size, 0, 0,
		 (u32)(rdev >> 20), (u32)(rdev & 0xfffff), (u32)name, 0);
	memset(dst, 0, len);
	memcpy(dst, hdr, CPIO_HEADER);
	memcpy(dst + CPIO_HEADER, path, name);
	return len;
}

int initramfs_write(struct initramfs *fs, void *dst, u64 len, struct diag *d)
{
	u64 total = initramfs_size(fs);
	u8 *p = dst;

	if (len < total)
		return diag_fail(d, -ENOSPC, NULL,
				 "the initramfs takes %llu bytes, room is for %llu",
				 (unsigned long long)total, (unsigned long long)len);
	for (size_t i = 0; i < fs->nr; i++) {
		const struct entry *e = fs->entries[i];
		int err;

		p += put_header(p, e->path, (u32)i + 1, e->mode, (u32)e->size, e->rdev);
		err = read_bytes(e, p, d);
		if (err)
			return err;
		memset(p + e->size, 0, round_up(e->size, 4) - e->size);
		p += round_up(e->size, 4);
	}
	p += put_header(p, CPIO_TRAILER, 0, 0, 0, 0);
	memset(p, 0, total - (u64)(p - (u8 *)dst));
	return 0;
}
