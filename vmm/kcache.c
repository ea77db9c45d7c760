// SPDX-License-Identifier: GPL-2.0-only
/* Cache entries beside kernel images; see kcache.h. */
#include "vmm/kcache.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <xxhash.h>

#include "vmm/base/cleanup.h"
#include "vmm/base/io.h"
#include "vmm/base/log.h"

#define KCACHE_MAGIC 0x31706174706d7601ULL
#define KCACHE_STAMP_BASE 1000000000LL	/* 2001: past, and within any range */

/* First bytes of an entry; @head_sum covers all before it. Host byte order. */
struct kcache_header {
	u64 magic;
	u32 version;
	u32 header_size;
	u64 len;
	u64 sum[2];
	u64 head_sum;
};

void kcache_hash(const void *data, size_t len, char hex[KCACHE_HASH_SIZE])
{
	XXH128_hash_t h = XXH3_128bits(data, len);

	snprintf(hex, KCACHE_HASH_SIZE, "%016" PRIx64 "%016" PRIx64, (u64)h.high64,
		 (u64)h.low64);
}

char *kcache_dir(const char *hash)
{
	const char *base = getenv("XDG_CACHE_HOME");
	const char *sub = "";
	char *dir;

	if (!base || base[0] != '/') {
		base = getenv("HOME");
		sub = "/.cache";
	}
	if (!base || base[0] != '/')
		return NULL;
	if (asprintf(&dir, "%s%s/vmtap/kimage/%s", base, sub, hash) < 0)
		return NULL;
	return dir;
}

/* Where the hash of the file with this @st is kept. */
static char *stat_path(const struct stat *st)
{
	const s64 key[] = {
		(s64)st->st_dev, (s64)st->st_ino, st->st_size,
		st->st_mtim.tv_sec, st->st_mtim.tv_nsec,
		st->st_ctim.tv_sec, st->st_ctim.tv_nsec,
	};
	char name[KCACHE_HASH_SIZE];
	char *dir __free(cleanup_free) = kcache_dir(".stat");
	char *path;

	kcache_hash(key, sizeof(key), name);
	if (!dir || asprintf(&path, "%s/%s", dir, name) < 0)
		return NULL;
	return path;
}

bool kcache_recall(const struct stat *st, char hex[KCACHE_HASH_SIZE])
{
	char *path __free(cleanup_free) = stat_path(st);
	char got[KCACHE_HASH_SIZE + 1];
	ssize_t n = path ? readlink(path, got, sizeof(got)) : -1;

	if (n != KCACHE_HASH_SIZE - 1)
		return false;
	got[n] = '\0';
	if (strspn(got, "0123456789abcdef") != (size_t)n)
		return false;
	memcpy(hex, got, KCACHE_HASH_SIZE);
	return true;
}

void kcache_remember(const struct stat *st, s64 now_s, const char *hex)
{
	char *path __free(cleanup_free) = stat_path(st);
	char *dir __free(cleanup_free) = kcache_dir(".stat");

	if (!path || st->st_mtim.tv_sec > now_s - KCACHE_SETTLE_S ||
	    st->st_ctim.tv_sec > now_s - KCACHE_SETTLE_S)
		return;
	if (io_mkdirs(dir, NULL) ||
	    (symlink(hex, path) < 0 && errno != EEXIST))
		log_debug("kcache", "%s: cannot be written", path);
}

static s64 stamp_of(const struct kcache_header *h)
{
	return KCACHE_STAMP_BASE + (s64)(h->sum[0] & 0x1fffffff);
}

static u64 head_sum(const struct kcache_header *h)
{
	return XXH3_64bits(h, offsetof(struct kcache_header, head_sum));
}

static bool content_ok(const struct kcache_header *h, const u8 *data)
{
	XXH128_hash_t sum = XXH3_128bits(data, h->len);

	return sum.low64 == h->sum[0] && sum.high64 == h->sum[1];
}

static int check_entry(const struct kcache_header *h, const struct stat *st,
		       u32 version)
{
	if (h->magic != KCACHE_MAGIC || h->head_sum != head_sum(h))
		return -EBADMSG;
	if (h->version != version || h->header_size != KCACHE_HEADER_SIZE)
		return -ESTALE;
	if (h->len != (u64)st->st_size - KCACHE_HEADER_SIZE)
		return -EBADMSG;
	return 0;
}

static int map_entry(int fd, u32 version, struct kcache_map *out)
{
	const struct kcache_header *h;
	struct stat st;
	size_t len;
	u8 *map;
	int err;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size <= KCACHE_HEADER_SIZE ||
	    (u64)st.st_size > KCACHE_MAX_SIZE)
		return -EBADMSG;
	len = (size_t)st.st_size;
	map = mmap(NULL, len, PROT_READ, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return -errno;
	h = (const struct kcache_header *)map;
	err = check_entry(h, &st, version);
	if (!err && st.st_mtim.tv_sec != stamp_of(h) &&
	    !content_ok(h, map + KCACHE_HEADER_SIZE))
		err = -EBADMSG;
	if (err) {
		munmap(map, len);
		return err;
	}
	*out = (struct kcache_map){ .data = map + KCACHE_HEADER_SIZE,
				    .len = len - KCACHE_HEADER_SIZE,
				    .map = map, .map_len = len };
	return 0;
}

int kcache_load(const char *dir, const char *name, u32 version,
		struct kcache_map *out)
{
	char *path __free(cleanup_free) = NULL;
	int fd __free(cleanup_close) = -1;
	int err;

	if (asprintf(&path, "%s/%s", dir, name) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	err = map_entry(fd, version, out);
	if (err)
		log_debug("kcache", "%s: %s, to be rebuilt", path,
			  strerror(-err));
	return err;
}

static int write_entry(int fd, const struct kcache_header *h,
		       const struct iovec *iov, int nr)
{
	u8 head[KCACHE_HEADER_SIZE] = { 0 };
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT },
				     { .tv_sec = stamp_of(h) } };
	int i, err;

	memcpy(head, h, sizeof(*h));
	err = io_write_full(fd, head, sizeof(head));
	for (i = 0; !err && i < nr; i++)
		err = io_write_full(fd, iov[i].iov_base, iov[i].iov_len);
	if (!err && futimens(fd, times) < 0)
		err = -errno;
	return err;
}

int kcache_store(const char *dir, const char *name, u32 version,
		 const struct iovec *iov, int nr)
{
	struct kcache_header h = { .magic = KCACHE_MAGIC, .version = version,
				   .header_size = KCACHE_HEADER_SIZE };
	char *path __free(cleanup_free) = NULL;
	char *tmp __free(cleanup_free) = NULL;
	XXH3_state_t *state;
	XXH128_hash_t sum;
	int fd, i, err;

	err = io_mkdirs(dir, NULL);
	if (err)
		return err;
	if (asprintf(&path, "%s/%s", dir, name) < 0 ||
	    asprintf(&tmp, "%s/%s.XXXXXX", dir, name) < 0)
		return -ENOMEM;
	state = XXH3_createState();
	if (!state)
		return -ENOMEM;
	XXH3_128bits_reset(state);
	for (i = 0; i < nr; i++) {
		XXH3_128bits_update(state, iov[i].iov_base, iov[i].iov_len);
		h.len += iov[i].iov_len;
	}
	sum = XXH3_128bits_digest(state);
	XXH3_freeState(state);
	h.sum[0] = sum.low64;
	h.sum[1] = sum.high64;
	h.head_sum = head_sum(&h);

	fd = mkostemp(tmp, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	err = write_entry(fd, &h, iov, nr);
	if (close(fd) < 0 && !err)
		err = -errno;
	if (!err && rename(tmp, path) < 0)
		err = -errno;
	if (err)
		unlink(tmp);
	return err;
}

void kcache_unmap(struct kcache_map *m)
{
	if (m->map)
		munmap(m->map, m->map_len);
	*m = (struct kcache_map){ 0 };
}
