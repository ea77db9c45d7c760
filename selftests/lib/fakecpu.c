// SPDX-License-Identifier: GPL-2.0-only
/* Threads in place of vCPUs; see fakecpu.h. */
#include "selftests/lib/fakecpu.h"

#include <poll.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <unistd.h>

static bool flag(const bool *b)
{
	return __atomic_load_n(b, __ATOMIC_SEQ_CST);
}

void fake_set(bool *b, bool value)
{
	__atomic_store_n(b, value, __ATOMIC_SEQ_CST);
}

static void fake_kick(void *arg, unsigned int member)
{
	struct fakes *all = arg;

	fake_set(&all->f[member].immediate_exit, true);
	eventfd_write(all->f[member].kick_fd, 1);
}

static void sleep_until_kicked(struct fake *f, int timeout_ms)
{
	struct pollfd p = { .fd = f->kick_fd, .events = POLLIN };
	eventfd_t v;

	if (poll(&p, 1, timeout_ms) > 0)
		eventfd_read(f->kick_fd, &v);
}

static void fake_run(struct fake *f)
{
	unsigned int i;

	if (flag(&f->immediate_exit))
		return;
	switch (f->index % 4) {
	case 0:		/* halted, with a tick */
		sleep_until_kicked(f, 1);
		break;
	case 1:		/* offline: only a kick ends it */
		sleep_until_kicked(f, -1);
		break;
	case 2:		/* guest code, preempted now and then */
		for (i = 0; i < 50 && !flag(&f->immediate_exit); i++)
			sched_yield();
		break;
	case 3:		/* a device's exit, deaf to kicks for a while */
		usleep(50);
		break;
	}
}

static void *fake_thread(void *arg)
{
	struct fake *f = arg;
	struct park *park = &f->all->park;

	while (flag(&f->late))
		usleep(100);
	park_join(park, f->index);
	while (!flag(&f->all->ended) && !flag(&f->leave)) {
		fake_set(&f->immediate_exit, false);
		if (flag(&f->all->ended))
			break;
		if (!flag(&f->deaf) && park_wanted(park, f->index)) {
			park_point(park, f->index);
			continue;
		}
		__atomic_add_fetch(&f->progress, 1, __ATOMIC_SEQ_CST);
		if (f->all->on_run && !f->index)
			f->all->on_run(f->all->arg, f);
		fake_run(f);
	}
	park_leave(park, f->index);
	return NULL;
}

void fakes_start(struct fakes *all)
{
	unsigned int i;
	u64 want = 0;

	park_init(&all->park, fake_kick, all);
	for (i = 0; i < FAKES; i++) {
		struct fake *f = &all->f[i];

		f->all = all;
		f->index = i;
		f->kick_fd = eventfd(0, EFD_NONBLOCK);
		want |= flag(&f->late) ? 0 : 1ULL << i;
		BUG_ON(f->kick_fd < 0 ||
		       pthread_create(&f->thread, NULL, fake_thread, f));
	}
	while ((fakes_members(all) & want) != want)
		usleep(100);
}

void fakes_end(struct fakes *all)
{
	fake_set(&all->ended, true);
	park_close(&all->park);
	park_kick_all(&all->park);
}

void fakes_join(struct fakes *all)
{
	unsigned int i;

	for (i = 0; i < FAKES; i++) {
		fake_set(&all->f[i].late, false);
		pthread_join(all->f[i].thread, NULL);
		close(all->f[i].kick_fd);
	}
}

u64 fakes_members(struct fakes *all)
{
	u64 m;

	pthread_mutex_lock(&all->park.lock);
	m = all->park.members;
	pthread_mutex_unlock(&all->park.lock);
	return m;
}

u64 fakes_progress(const struct fakes *all)
{
	u64 sum = 0;
	unsigned int i;

	for (i = 0; i < FAKES; i++)
		sum += __atomic_load_n(&all->f[i].progress, __ATOMIC_SEQ_CST);
	return sum;
}

void fake_deafen(struct fake *f)
{
	u64 was = __atomic_load_n(&f->progress, __ATOMIC_SEQ_CST);

	fake_set(&f->deaf, true);
	/* Where it had looked already, that was before this. */
	while (__atomic_load_n(&f->progress, __ATOMIC_SEQ_CST) < was + 2) {
		eventfd_write(f->kick_fd, 1);
		usleep(50);
	}
}
