// SPDX-License-Identifier: GPL-2.0-only
/* What a nested host is asked to run; see nested_request.h. */
#include "runner/nested_request.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runner/kernel.h"
#include "runner/nested.h"
#include "runner/nested_wire.h"
#include "vmm/base/buf.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/diag.h"

static void put(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s) + 1);
}

static __printf(2, 3) void putf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	char text[64];

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	put(b, text);
}

static void put_seed(struct buf *b)
{
	u64 seed[2] = { now_ns(), (u64)getpid() };

	if (getrandom(seed, sizeof(seed), 0) < 0)
		seed[1] ^= (u64)errno << 32;
	putf(b, "%016llx%016llx", (unsigned long long)seed[0],
	     (unsigned long long)seed[1]);
}

/* Folders that only change between runs, and are large. */
static void put_cached_dirs(struct buf *b)
{
	char *cache __free(cleanup_free) = kernel_cache_dir(NULL);
	static const char *const below[] = { "kernels", "kimage" };
	struct buf dirs __free(buf_reset) = {};
	int nr = 1;

	put(&dirs, "/usr");
	for (size_t i = 0; cache && i < ARRAY_SIZE(below); i++) {
		char *dir __free(cleanup_free) = NULL;
		char *real __free(cleanup_free) = NULL;

		if (asprintf(&dir, "%s/%s", cache, below[i]) < 0)
			dir = NULL;
		real = dir ? realpath(dir, NULL) : NULL;
		if (real) {
			put(&dirs, real);
			nr++;
		}
	}
	putf(b, "%d", nr);
	buf_add(b, dirs.data, dirs.len);
}

/* A runner's stdbuf preloads a library that has no business further down. */
bool nested_env_travels(const char *var)
{
	return strncmp(var, "LD_PRELOAD=", 11) && strncmp(var, "_STDBUF_", 8);
}

int nested_request_build(const struct nested_cfg *cfg, struct buf *b)
{
	char *cwd __free(cleanup_free) = cfg->cwd ? strdup(cfg->cwd) :
					 getcwd(NULL, 0);
	char *const *env = cfg->env ?: environ;
	int nr = 0;

	put_seed(b);
	put(b, cfg->no_stdin ? "0" : "1");
	put(b, cwd ?: "/");
	put_cached_dirs(b);
	while (cfg->argv[nr])
		nr++;
	putf(b, "%d", nr);
	for (int i = 0; i < nr; i++)
		put(b, cfg->argv[i]);
	for (; *env; env++)
		if (nested_env_travels(*env))
			put(b, *env);
	return b->failed ? -ENOMEM : 0;
}

int nested_request_send(int ctl, const struct buf *request, struct diag *d)
{
	struct buf b __free(buf_reset) = {};
	int room = NESTED_REQUEST_MAX;
	struct timespec now;
	u32 len = 0;

	clock_gettime(CLOCK_REALTIME, &now);
	buf_add(&b, &len, sizeof(len));
	putf(&b, "%lld", (long long)now.tv_sec * (long long)NSEC_PER_SEC +
			 now.tv_nsec);
	buf_add(&b, request->data, request->len);
	if (b.failed)
		return diag_fail(d, -ENOMEM, NULL, "out of memory");
	len = (u32)(b.len - sizeof(len));
	memcpy(b.data, &len, sizeof(len));
	setsockopt(ctl, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	for (size_t sent = 0; sent < b.len;) {
		ssize_t got = send(ctl, b.data + sent, b.len - sent,
				   MSG_DONTWAIT | MSG_NOSIGNAL);

		if (got < 0)
			return diag_fail(d, -E2BIG, NULL,
					 "arguments and environment are too large for a nested host (%zu bytes)",
					 b.len);
		sent += (size_t)got;
	}
	return 0;
}
