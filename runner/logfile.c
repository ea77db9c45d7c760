// SPDX-License-Identifier: GPL-2.0-only
/* A thread that writes guest text to a file; see logfile.h. */
#include "runner/logfile.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "vmm/base/diag.h"

#define WRITE_MAX KiB(128)	/* bytes in one write(2): room comes in steps */
#define NOTE_MAX 64		/* bytes of a line on what was dropped */
#define PATIENCE_MS 10000

/* All fields below lock belong to it; fd and cap never change. */
struct logfile {
	int fd;
	char *path;
	u64 cap;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t work;	/* to the thread: bytes, or stop */
	pthread_cond_t done;	/* from the thread: something was written */
	bool started, stop;
	bool writing;		/* in write(2), lock not held */
	size_t head, len;	/* of ring: what waits */
	u64 taken;		/* bytes that are or will be in the file */
	u64 gap;		/* dropped since the last line about it */
	struct logfile_stats stats;
	size_t wanted;		/* room that somebody waits for; 0: nobody */
	void (*wake)(void *arg);
	void *wake_arg;
	char ring[LOGFILE_ROOM];
};

static void put(struct logfile *f, const char *data, size_t len)
{
	size_t at = (f->head + f->len) % sizeof(f->ring);
	size_t first = min(len, sizeof(f->ring) - at);

	memcpy(f->ring + at, data, first);
	memcpy(f->ring, data + first, len - first);
	f->len += len;
	f->taken += len;
}

/* Lock held. The cap keeps room for the last such line. */
static void put_note(struct logfile *f)
{
	char note[NOTE_MAX];
	int n;

	if (!f->gap || f->stats.err || sizeof(f->ring) - f->len < NOTE_MAX)
		return;
	n = snprintf(note, sizeof(note), "\n[... dropped %llu bytes ...]\n",
		     (unsigned long long)f->gap);
	put(f, note, (size_t)n);
	f->gap = 0;
}

static void drop(struct logfile *f, u64 len)
{
	f->gap += len;
	f->stats.dropped += len;
}

/* Lock held; let go of while the disk has it. */
static void write_some(struct logfile *f)
{
	size_t n = min(f->len, sizeof(f->ring) - f->head);
	ssize_t done;

	n = min(n, (size_t)WRITE_MAX);
	f->writing = true;
	pthread_mutex_unlock(&f->lock);
	done = write(f->fd, f->ring + f->head, n);
	if (done < 0)
		done = errno == EINTR ? 0 : -errno;
	pthread_mutex_lock(&f->lock);
	f->writing = false;
	if (done < 0) {
		f->stats.err = f->stats.err ?: (int)done;
		drop(f, f->len);
		f->len = 0;
		done = 0;
	}
	f->head = (f->head + (size_t)done) % sizeof(f->ring);
	f->len -= min((size_t)done, f->len);
	if (f->wanted && sizeof(f->ring) - f->len >= f->wanted) {
		f->wanted = 0;
		if (f->wake)
			f->wake(f->wake_arg);
	}
	pthread_cond_broadcast(&f->done);
}

static void *writer(void *arg)
{
	struct logfile *f = arg;

	pthread_setname_np(pthread_self(), "vmtap-log");
	pthread_mutex_lock(&f->lock);
	while (f->len || !f->stop) {
		if (f->len)
			write_some(f);
		else
			pthread_cond_wait(&f->work, &f->lock);
	}
	pthread_mutex_unlock(&f->lock);
	return NULL;
}

/* Signals are for other threads. */
static int start(struct logfile *f)
{
	sigset_t all, old;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(&f->thread, NULL, writer, f);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	f->started = !err;
	return -err;
}

int logfile_open(struct logfile **ret, const char *path, u64 cap,
		 struct diag *d)
{
	struct logfile *f = calloc(1, sizeof(*f));
	pthread_condattr_t attr;
	int err;

	if (!f)
		return diag_fail(d, -ENOMEM, NULL, "no memory");
	f->cap = max(cap, (u64)KiB(4));
	f->path = strdup(path);
	f->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (f->fd < 0 || !f->path) {
		err = diag_fail(d, f->path ? -errno : -ENOMEM, NULL,
				"cannot create %s: %m", path);
		if (f->fd >= 0)
			close(f->fd);
		free(f->path);
		free(f);
		return err;
	}
	pthread_mutex_init(&f->lock, NULL);
	pthread_cond_init(&f->work, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&f->done, &attr);
	pthread_condattr_destroy(&attr);
	*ret = f;
	return 0;
}

void logfile_add(struct logfile *f, const void *data, size_t len)
{
	size_t n;
	u64 left;

	pthread_mutex_lock(&f->lock);
	if (!f->stats.err && !f->started)
		f->stats.err = start(f);
	left = f->cap - min(f->cap, f->taken + 2 * NOTE_MAX);
	if (left)
		put_note(f);
	n = f->stats.err || f->gap ? 0 :
	    (size_t)min((u64)min(len, sizeof(f->ring) - f->len), left);
	put(f, data, n);
	drop(f, len - n);
	pthread_cond_signal(&f->work);
	pthread_mutex_unlock(&f->lock);
}

bool logfile_room(struct logfile *f, size_t len, void (*wake)(void *arg),
		  void *arg)
{
	bool enough;

	pthread_mutex_lock(&f->lock);
	enough = f->stats.err || sizeof(f->ring) - f->len >= len;
	if (!enough) {
		f->wanted = len;
		f->wake = wake;
		f->wake_arg = arg;
	}
	pthread_mutex_unlock(&f->lock);
	return enough;
}

static struct timespec in_ms(unsigned int ms)
{
	struct timespec t;
	u64 ns;

	clock_gettime(CLOCK_MONOTONIC, &t);
	ns = (u64)t.tv_nsec + ms * NSEC_PER_MSEC;
	t.tv_sec += (time_t)(ns / NSEC_PER_SEC);
	t.tv_nsec = (long)(ns % NSEC_PER_SEC);
	return t;
}

/* Lock held. */
static void settle(struct logfile *f, unsigned int patience_ms)
{
	while (f->len && !f->stats.err) {
		struct timespec until = in_ms(patience_ms);

		if (pthread_cond_timedwait(&f->done, &f->lock, &until)) {
			f->stats.err = -ETIMEDOUT;
			drop(f, f->len);
			f->len = 0;
			f->wanted = 0;
		}
	}
}

void logfile_flush(struct logfile *f, unsigned int patience_ms)
{
	pthread_mutex_lock(&f->lock);
	settle(f, patience_ms);
	put_note(f);
	pthread_cond_signal(&f->work);
	settle(f, patience_ms);
	pthread_mutex_unlock(&f->lock);
}

struct logfile_stats logfile_stats(struct logfile *f)
{
	struct logfile_stats ret;

	pthread_mutex_lock(&f->lock);
	ret = f->stats;
	pthread_mutex_unlock(&f->lock);
	return ret;
}

static bool regular(int fd)
{
	struct stat st;

	return !fstat(fd, &st) && S_ISREG(st.st_mode);
}

/* No cut file stands under the name that people look for. */
static void rename_cut(const struct logfile *f)
{
	char *cut;

	if (asprintf(&cut, "%s.cut", f->path) < 0)
		return;
	rename(f->path, cut);
	free(cut);
}

void logfile_close(struct logfile *f)
{
	bool stuck;

	if (!f)
		return;
	logfile_flush(f, PATIENCE_MS);
	if (logfile_stats(f).err && regular(f->fd))
		rename_cut(f);
	pthread_mutex_lock(&f->lock);
	f->stop = true;
	f->wake = NULL;
	/* What a thread in write(2) still uses cannot be freed: the end leaks it. */
	stuck = f->writing;
	pthread_cond_signal(&f->work);
	pthread_mutex_unlock(&f->lock);
	if (stuck) {
		pthread_detach(f->thread);
		return;
	}
	if (f->started)
		pthread_join(f->thread, NULL);
	close(f->fd);
	pthread_cond_destroy(&f->work);
	pthread_cond_destroy(&f->done);
	pthread_mutex_destroy(&f->lock);
	free(f->path);
	free(f);
}
