// SPDX-License-Identifier: GPL-2.0-only
/* Looking into a guest that runs; see peek.h. */
#include "runner/peek.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "runner/heard.h"
#include "runner/inside.h"
#include "runner/scenario.h"
#include "runner/value.h"
#include "vmm/base/diag.h"
#include "vmm/base/log.h"
#include "vmm/event.h"
#include "vmm/machine.h"

#define PROGS_MAX 4096
#define KERNEL_HALF (1ULL << 63)
/* Programs are listed at most this often, whatever the monitor's interval. */
#define PROGS_PERIOD_NS (200 * NSEC_PER_MSEC)

static enum stage stage_now(struct peek *p)
{
	enum stage stage;

	heard_lock(p->heard);
	stage = p->heard->stage;
	heard_unlock(p->heard);
	return stage;
}

static void give_up(struct peek *p, const char *what, struct diag *d)
{
	if (!p->reason[0])
		snprintf(p->reason, sizeof(p->reason), "%s%s%s", what,
			 d->err ? ": " : "", d->err ? diag_text(d) : "");
	log_debug("peek", "%s", p->reason);
	diag_reset(d);
}

/*
 * The guest's kernel; with @types its types too. What is not to be had now may
 * be later: -EAGAIN and -ENXIO, or -EBUSY where the registers are wanted and
 * only a monitor would stop the guest for them.
 */
static bool opened(struct peek *p, bool types, struct kread *k)
{
	unsigned int want = (types ? INSIDE_TYPES : 0) |
			    (p->cfg ? INSIDE_PARK : 0);
	struct diag d = { 0 };
	int err;

	if (p->broken)
		return false;
	err = inside_kread(p->inside, want, k, &d);
	if (err && err != -EBUSY && err != -EAGAIN && err != -ENXIO) {
		p->broken = true;
		give_up(p, "the guest's kernel cannot be read", &d);
	}
	diag_reset(&d);
	return !err;
}

/* --- BPF programs ------------------------------------------------------- */

/*
 * Is prog_idr empty? An empty one holds no kernel pointer, whatever its
 * layout: so a guest without BPF costs no BTF.
 */
static bool no_progs(const struct kread *k)
{
	u64 idr[3], i;
	gva_t at;

	if (kread_symbol(k, "prog_idr", &at, NULL) ||
	    vas_read(&k->vas, at, idr, sizeof(idr)))
		return false;
	for (i = 0; i < ARRAY_SIZE(idr); i++)
		if (idr[i] & KERNEL_HALF)
			return false;
	return true;
}

static void note_prog(struct peek *p, const struct bpfprog *prog)
{
	struct peek_prog *grown;
	size_t i;

	for (i = 0; i < p->nr_progs; i++)
		if (p->progs[i].last.id == prog->id) {
			p->progs[i].last = *prog;
			return;
		}
	if (p->nr_progs == PROGS_MAX)
		return;
	grown = realloc(p->progs, (p->nr_progs + 1) * sizeof(*grown));
	if (!grown)
		return;
	p->progs = grown;
	p->progs[p->nr_progs++] = (struct peek_prog){ *prog, *prog };
}

static void look_for_progs(struct peek *p)
{
	struct bpfprog *list = NULL;
	struct diag d = { 0 };
	struct kread k;
	size_t nr = 0, i;

	p->progs_ns = now_ns();
	if (!opened(p, false, &k))
		return;
	if (no_progs(&k)) {
		p->progs_read = true;
		return;
	}
	if (!opened(p, true, &k))
		return;
	/* A guest that changes it meanwhile: the next look tells. */
	if (!bpfprog_list(&k, &list, &nr, &d)) {
		p->progs_read = true;
		for (i = 0; i < nr; i++)
			note_prog(p, &list[i]);
	}
	free(list);
	diag_reset(&d);
}

void peek_tick(struct peek *p)
{
	if (!p->heard || p->threaded || stage_now(p) < STAGE_PAYLOAD)
		return;
	look_for_progs(p);
}

/* --- the monitor -------------------------------------------------------- */

static int event_index(const struct sched *s, const char *name)
{
	unsigned int i;

	for (i = 0; i < sched_nr_events(s); i++)
		if (!strcmp(sched_event_name(s, i), name))
			return (int)i;
	return -1;
}

static int prepare_samples(struct peek *p, struct diag *d)
{
	u32 cpus = machine_nr_cpus(p->m);
	struct monitor_cfg cfg = {
		.max_imbalance_ratio = p->cfg->max_imbalance_ratio,
		.max_local_dsq_depth = p->cfg->max_local_dsq_depth,
		.max_fallback_rate = p->cfg->max_fallback_rate,
		.max_keep_last_rate = p->cfg->max_keep_last_rate,
		.sustained = p->cfg->sustained_samples,
		.fail_on_stall = p->cfg->fail_on_stall,
	};
	struct kread k;
	int err;

	if (!opened(p, true, &k))
		return -EAGAIN;
	err = sched_init(&p->sched, &k, d);
	if (err)
		return err;
	cfg.nr_events = sched_nr_events(&p->sched);
	cfg.fallback_event = event_index(&p->sched, "SCX_EV_SELECT_CPU_FALLBACK");
	cfg.keep_last_event = event_index(&p->sched, "SCX_EV_DISPATCH_KEEP_LAST");
	p->sample = calloc(cpus, sizeof(*p->sample));
	if (!p->sample || monitor_init(&p->monitor, &cfg, cpus))
		return diag_fail(d, -ENOMEM, NULL, "no memory");
	p->sampling = true;
	return 0;
}

/* What came since the last sample was the old phase's; the last one is new. */
static void note_phases(struct peek *p)
{
	const struct value *list;

	heard_lock(p->heard);
	list = p->heard->stimulus;
	for (; list && p->stimuli < list->list.len; p->stimuli++) {
		const struct value *s = list->list.items[p->stimuli];

		monitor_begin(&p->monitor, value_as_str(value_get(s, "label"), ""),
			      value_as_int(value_get(s, "step_index"), -1));
	}
	heard_unlock(p->heard);
}

static bool take_sample(struct peek *p)
{
	bool failed_before;
	unsigned int i;

	for (i = 0; i < p->monitor.nr_cpus; i++) {
		struct monitor_cpu *c = &p->sample[i];
		int err;

		*c = (struct monitor_cpu){
			.ran_ns = machine_vcpu_cpu_ns(p->m, i),
		};
		err = sched_cpu_read(&p->sched, i, &c->c);
		if (err == -EFAULT) {
			p->dropped++;
			return false;
		}
		c->present = !err;
	}
	p->schedstats |= sched_schedstats_enabled(&p->sched) == 1;
	failed_before = p->monitor.failure[0];
	monitor_add(&p->monitor, now_ns(), p->sample);
	note_phases(p);
	if (p->monitor.failure[0] && !failed_before && p->failed)
		p->failed(p->ctx, p->monitor.failure);
	return true;
}

static void read_domains(struct peek *p)
{
	unsigned int i;

	free(p->domains);
	p->domains = calloc(p->monitor.nr_cpus, sizeof(*p->domains));
	for (i = 0; p->domains && i < p->monitor.nr_cpus; i++)
		p->domains[i].nr = sched_domains(&p->sched, i, p->domains[i].d,
						 SCHED_MAX_DOMAINS);
}

/* False where there was nothing to be had, and may be later. */
static bool sample_once(struct peek *p)
{
	struct diag d = { 0 };
	int err = 0;

	if (p->broken || machine_stop(p->m).reason != MACHINE_RUNNING)
		return true;
	if (!p->sampling)
		err = prepare_samples(p, &d);
	if (err && err != -EAGAIN) {
		give_up(p, "no run queues", &d);
		p->broken = true;
	}
	diag_reset(&d);
	return err ? p->broken : take_sample(p);
}

static void watch_once(struct peek *p)
{
	pthread_mutex_lock(&p->lock);
	if (sample_once(p) && !p->broken &&
	    now_ns() - p->progs_ns >= PROGS_PERIOD_NS)
		look_for_progs(p);
	pthread_mutex_unlock(&p->lock);
}

bool peek_look(struct peek *p, char *verdict, size_t size)
{
	bool seen = true;

	verdict[0] = '\0';
	if (!p->heard)
		return true;
	pthread_mutex_lock(&p->lock);
	if (p->threaded)
		seen = sample_once(p);
	look_for_progs(p);
	if (p->sampling)
		snprintf(verdict, size, "%s", p->monitor.failure);
	pthread_mutex_unlock(&p->lock);
	return seen;
}

static void *run(void *arg)
{
	struct peek *p = arg;

	pthread_setname_np(pthread_self(), "vmtap-monitor");
	for (;;) {
		struct pollfd fds[] = {
			{ .fd = p->stop_fd, .events = POLLIN },
			{ .fd = p->timer_fd, .events = POLLIN },
		};

		if (poll(fds, ARRAY_SIZE(fds), -1) < 0 && errno != EINTR)
			break;
		if (fds[0].revents)
			break;
		if (fds[1].revents && event_drain(p->timer_fd))
			watch_once(p);
	}
	return NULL;
}

int peek_start(struct peek *p, struct diag *d)
{
	p->stop_fd = p->timer_fd = -1;
	pthread_mutex_init(&p->lock, NULL);
	if (!p->cfg)
		return 0;
	p->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	p->timer_fd = event_timer_create();
	if (p->stop_fd < 0 || p->timer_fd < 0)
		return diag_fail(d, -EMFILE, NULL, "cannot create a timer");
	if (pthread_create(&p->thread, NULL, run, p))
		return diag_fail(d, -EAGAIN, NULL, "cannot start the monitor's thread");
	p->threaded = true;
	return 0;
}

/* At the verdict the guest holds until it is told to go on: a last look. */
void peek_stage(struct peek *p, enum stage stage)
{
	if (p->threaded && stage == STAGE_PAYLOAD)
		event_timer_arm(p->timer_fd, 1, p->cfg->interval_ns);
	if (stage != STAGE_VERDICT)
		return;
	peek_stop(p);
	if (p->sampling) {
		take_sample(p);
		read_domains(p);
	}
	look_for_progs(p);
	p->finished = true;
}

void peek_stop(struct peek *p)
{
	u64 one = 1;

	if (!p->threaded)
		return;
	if (write(p->stop_fd, &one, sizeof(one)) == sizeof(one))
		pthread_join(p->thread, NULL);
	p->threaded = false;
}

void peek_finish(struct peek *p)
{
	if (!p->heard || p->heard->stage < STAGE_PAYLOAD || p->finished)
		return;
	if (p->sampling)
		read_domains(p);
	look_for_progs(p);
}

void peek_deinit(struct peek *p)
{
	peek_stop(p);
	if (!p->heard)
		return;
	if (p->stop_fd >= 0)
		close(p->stop_fd);
	if (p->timer_fd >= 0)
		close(p->timer_fd);
	pthread_mutex_destroy(&p->lock);
	monitor_deinit(&p->monitor);
	sched_deinit(&p->sched);
	free(p->sample);
	free(p->domains);
	free(p->progs);
}
