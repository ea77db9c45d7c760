// SPDX-License-Identifier: GPL-2.0-only
/* Saved states of nested hosts, as files; see nested_state.h. */
#include "runner/nested_state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/embed.h"
#include "runner/kernel.h"
#include "runner/nested_host.h"
#include "vmm/base/buf.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/io.h"
#include "vmm/base/log.h"
#include "vmm/kcache.h"

/* Measured anew by each run, and as good as the same: not what tells hosts apart. */
#define TSC_STEP_KHZ 10000

/* Size and time of change tell one build of a file from another. */
static void put_file(struct buf *b, const char *path)
{
	struct stat st;

	if (stat(path, &st))
		memset(&st, 0, sizeof(st));
	buf_printf(b, "%s %lld %lld.%09ld\n", path, (long long)st.st_size,
		   (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
}

char *nested_state_path(const struct nested_host *h, u64 memory, u64 tsc_khz)
{
	char *cache __free(cleanup_free) = kernel_cache_dir(NULL);
	struct nested_wiring same = {
		.memory = memory,
		.tsc_khz = round_down(tsc_khz, (u64)TSC_STEP_KHZ),
	};
	struct buf b __free(buf_reset) = {};
	char hash[KCACHE_HASH_SIZE], *path;
	struct nested_args args;

	nested_host_args(h, &same, &args);
	for (size_t i = 0; i < args.nr; i++)
		buf_printf(&b, "%s\n", args.argv[i]);
	put_file(&b, h->qemu);
	put_file(&b, h->image);
	put_file(&b, h->modules_dir);
	buf_add(&b, embed_nested_init,
		(size_t)(embed_nested_init_end - embed_nested_init));
	if (args.failed || b.failed || !cache) {
		nested_args_reset(&args);
		return NULL;
	}
	nested_args_reset(&args);
	kcache_hash(b.data, b.len, hash);
	return asprintf(&path, "%s/hoststate/%s", cache, hash) < 0 ? NULL : path;
}

int nested_state_open(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	/* It is in use: the time says so to prune(). */
	futimens(fd, NULL);
	return fd;
}

static char *folder_of(const char *path)
{
	return strndup(path, (size_t)(strrchr(path, '/') - path));
}

int nested_state_create(const char *path)
{
	char *dir __free(cleanup_free) = folder_of(path);
	int err = dir ? io_mkdirs(dir, NULL) : -ENOMEM;
	int fd = err ? err : open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	return fd < 0 && !err ? -errno : fd;
}

static bool newer(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec ? a->tv_sec > b->tv_sec :
					a->tv_nsec > b->tv_nsec;
}

/* Remove what was used least lately. Return: was there any too many? */
static bool prune(DIR *dir)
{
	struct timespec oldest = { .tv_sec = INT64_MAX };
	char name[NAME_MAX + 1] = "";
	unsigned int nr = 0;
	struct dirent *e;
	struct stat st;

	rewinddir(dir);
	while ((e = readdir(dir))) {
		if (*e->d_name == '.' ||
		    fstatat(dirfd(dir), e->d_name, &st, 0))
			continue;
		nr++;
		if (newer(&oldest, &st.st_mtim)) {
			oldest = st.st_mtim;
			strcpy(name, e->d_name);
		}
	}
	return nr > NESTED_STATES_KEPT && !unlinkat(dirfd(dir), name, 0);
}

void nested_state_commit(int fd, const char *path)
{
	char *folder __free(cleanup_free) = folder_of(path);
	char from[32];
	DIR *dir;

	snprintf(from, sizeof(from), "/proc/self/fd/%d", fd);
	if (linkat(AT_FDCWD, from, AT_FDCWD, path, AT_SYMLINK_FOLLOW)) {
		/* Another run was as quick. */
		if (errno != EEXIST)
			log_debug("nested", "%s: %s", path, strerror(errno));
		return;
	}
	dir = folder ? opendir(folder) : NULL;
	while (dir && prune(dir))
		;
	if (dir)
		closedir(dir);
}
