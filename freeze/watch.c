// SPDX-License-Identifier: GPL-2.0-only
/* Data watchpoints; see watch.h. */
#include "freeze/watch.h"

#include <errno.h>
#include <string.h>

#include "vmm/base/diag.h"
#include "vmm/machine.h"

/* x86 DR7: an enable bit for each register, then type and length. */
#define DR7_FIXED 0x400ULL
#define DR7_ENABLE(i) (1ULL << (2 * (i)))
#define DR7_WRITE(i) (1ULL << (16 + 4 * (i)))
#define DR7_LEN(i, code) ((u64)(code) << (18 + 4 * (i)))

struct spot {
	struct watch_place place;
	u64 last;	/* value when it was last seen */
	u64 hits;
};

struct backend {
	const char *name;
	int (*arm)(struct watch *w, struct diag *d);
	void (*disarm)(struct watch *w);
};

struct watch {
	struct watch_cfg cfg;
	const struct backend *backend;
	pthread_mutex_t lock;	/* guards all below against vCPUs' hits */
	bool armed;		/* guest memory may be touched */
	struct spot spots[WATCH_MAX];
	unsigned int nr;
};

/* --- backends ----------------------------------------------------------- */

static int arm_hardware(struct watch *w, struct diag *d)
{
	static const u8 len_codes[] = { [1] = 0, [2] = 1, [4] = 3, [8] = 2 };
	u64 addr[TRAP_ADDRS] = { 0 }, dr7 = DR7_FIXED;
	unsigned int i;
	int err;

	for (i = 0; i < w->nr; i++) {
		addr[i] = w->spots[i].place.gva;
		dr7 |= DR7_ENABLE(i) | DR7_WRITE(i) |
		       DR7_LEN(i, len_codes[w->spots[i].place.size]);
	}
	err = w->cfg.ops->debug_regs(w->cfg.vm, addr, dr7);
	return err ? diag_fail(d, err, NULL, "KVM_SET_GUEST_DEBUG: %s",
			       strerror(-err)) : 0;
}

static void disarm_hardware(struct watch *w)
{
	static const u64 none[TRAP_ADDRS];

	w->cfg.ops->debug_regs(w->cfg.vm, none, 0);
}

static int arm_pages(struct watch *w, struct diag *d)
{
	gpa_t pages[WATCH_MAX];
	unsigned int i;

	for (i = 0; i < w->nr; i++)
		pages[i] = round_down(w->spots[i].place.gpa, (u64)TRAP_PAGE);
	return w->cfg.ops->guard(w->cfg.vm, pages, w->nr, d);
}

static void disarm_pages(struct watch *w)
{
	w->cfg.ops->guard(w->cfg.vm, NULL, 0, NULL);
}

static const struct backend hardware = { "hardware", arm_hardware, disarm_hardware };
static const struct backend pages = { "write_protect", arm_pages, disarm_pages };

/* --- hits, in vCPU threads ---------------------------------------------- */

static u64 value_at(const struct watch *w, const struct watch_place *p)
{
	u64 v = 0;

	mem_read(w->cfg.mem, p->gpa, &v, p->size);
	return v;
}

static u64 extend(const struct watch_place *p, u64 v)
{
	unsigned int unused = 64 - 8 * p->size;

	return p->is_signed ? (u64)((s64)(v << unused) >> unused) : v;
}

static void weigh_locked(struct watch *w, unsigned int i, u32 vcpu, u64 old)
{
	struct spot *s = &w->spots[i];
	u64 value = value_at(w, &s->place);
	struct watch_hit hit = {
		.index = i, .vcpu = vcpu, .is_signed = s->place.is_signed,
		.value = extend(&s->place, value), .old = extend(&s->place, old),
		.at_ns = now_ns(),
	};

	s->last = value;
	if (s->place.change && hit.value == hit.old)
		return;
	if (s->place.limit && s->hits >= s->place.limit)
		return;
	if (w->cfg.hit(w->cfg.arg, &hit))
		s->hits++;
}

static void on_debug(void *arg, u32 vcpu, const struct trap_debug *t)
{
	struct watch *w = arg;
	unsigned int i;

	pthread_mutex_lock(&w->lock);
	for (i = 0; w->armed && w->backend == &hardware && i < w->nr; i++)
		if (t->dr6 & 1ULL << i)
			weigh_locked(w, i, vcpu, w->spots[i].last);
	pthread_mutex_unlock(&w->lock);
}

/* The place as it was: what is there now with the written bytes put back. */
static u64 value_before(const struct watch *w, const struct watch_place *p,
			gpa_t gpa, const u8 *old, u32 len)
{
	u64 v = value_at(w, p);
	u8 *bytes = (u8 *)&v;
	u32 i;

	for (i = 0; i < len; i++)
		if (gpa + i - p->gpa < p->size)
			bytes[gpa + i - p->gpa] = old[i];
	return v;
}

static void on_wrote(void *arg, u32 vcpu, gpa_t gpa, const void *old, u32 len)
{
	struct watch *w = arg;
	unsigned int i;

	pthread_mutex_lock(&w->lock);
	for (i = 0; w->armed && w->backend == &pages && i < w->nr; i++) {
		const struct watch_place *p = &w->spots[i].place;

		if (gpa < p->gpa + p->size && p->gpa < gpa + len)
			weigh_locked(w, i, vcpu,
				     value_before(w, p, gpa, old, len));
	}
	pthread_mutex_unlock(&w->lock);
}

static const struct trap_ops trap_ops = { .debug = on_debug, .wrote = on_wrote };

/* --- life --------------------------------------------------------------- */

int watch_create(const struct watch_cfg *cfg, struct watch **out, struct diag *d)
{
	struct watch *w = calloc(1, sizeof(*w));
	pthread_mutexattr_t attr;
	int err;

	if (!w)
		return diag_fail(d, -ENOMEM, NULL, "no memory");
	w->cfg = *cfg;
	w->backend = cfg->hardware ? &hardware : &pages;
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
	pthread_mutex_init(&w->lock, &attr);
	pthread_mutexattr_destroy(&attr);
	err = cfg->ops->listen(cfg->vm, &trap_ops, w);
	if (err) {
		pthread_mutex_destroy(&w->lock);
		free(w);
		return diag_fail(d, err, NULL, "the machine's traps are taken");
	}
	*out = w;
	return 0;
}

static int check_place(const struct watch *w, const struct watch_place *p,
		       struct diag *d)
{
	if (!p->size || p->size > 8 || p->size & (p->size - 1))
		return diag_fail(d, -EINVAL, NULL,
				 "%u bytes to watch, expected 1, 2, 4 or 8", p->size);
	if (p->gpa % p->size || p->gva % p->size)
		return diag_fail(d, -EINVAL, NULL,
				 "0x%llx is not aligned to the %u bytes to watch",
				 (unsigned long long)p->gva, p->size);
	if (!mem_ptr(w->cfg.mem, p->gpa, p->size))
		return diag_fail(d, -EINVAL, NULL,
				 "0x%llx is not in the guest's memory",
				 (unsigned long long)p->gva);
	return 0;
}

static u64 known_hits(const struct watch *w, const struct watch_place *p)
{
	unsigned int i;

	for (i = 0; i < w->nr; i++)
		if (w->spots[i].place.gva == p->gva &&
		    w->spots[i].place.size == p->size)
			return w->spots[i].hits;
	return 0;
}

int watch_arm(struct watch *w, const struct watch_place *places, unsigned int nr,
	      struct diag *d)
{
	struct spot spots[WATCH_MAX] = { 0 };
	unsigned int i;
	int err = nr > WATCH_MAX ?
		  diag_fail(d, -EINVAL, NULL, "%u places to watch, at most %u",
			    nr, WATCH_MAX) : 0;

	for (i = 0; !err && i < nr; i++)
		err = check_place(w, &places[i], d);
	if (err)
		return err;
	pthread_mutex_lock(&w->lock);
	for (i = 0; i < nr; i++) {
		spots[i].place = places[i];
		spots[i].last = value_at(w, &places[i]);
		spots[i].hits = known_hits(w, &places[i]);
	}
	memcpy(w->spots, spots, sizeof(spots));
	w->nr = nr;
	err = w->backend->arm(w, d);
	w->armed = !err;
	pthread_mutex_unlock(&w->lock);
	return err;
}

void watch_disarm(struct watch *w)
{
	pthread_mutex_lock(&w->lock);
	if (w->armed)
		w->backend->disarm(w);
	w->armed = false;
	pthread_mutex_unlock(&w->lock);
}

void watch_destroy(struct watch *w)
{
	if (!w)
		return;
	watch_disarm(w);
	w->cfg.ops->unlisten(w->cfg.vm, w);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

const char *watch_backend_name(const struct watch *w)
{
	return w->backend->name;
}

u64 watch_hits(struct watch *w, unsigned int index)
{
	u64 hits;

	pthread_mutex_lock(&w->lock);
	hits = index < w->nr ? w->spots[index].hits : 0;
	pthread_mutex_unlock(&w->lock);
	return hits;
}

bool watch_is_spent(struct watch *w)
{
	unsigned int i;
	bool spent = true;

	pthread_mutex_lock(&w->lock);
	for (i = 0; i < w->nr; i++)
		spent &= w->spots[i].place.limit &&
			 w->spots[i].hits >= w->spots[i].place.limit;
	pthread_mutex_unlock(&w->lock);
	return spent;
}

/* --- a real machine ----------------------------------------------------- */

static int vm_listen(void *vm, const struct trap_ops *ops, void *arg)
{
	return machine_listen(vm, ops, arg);
}

static void vm_unlisten(void *vm, void *arg)
{
	machine_unlisten(vm, arg);
}

static int vm_guard(void *vm, const gpa_t *list, unsigned int nr, struct diag *d)
{
	return machine_guard(vm, list, nr, d);
}

static int vm_debug_regs(void *vm, const u64 addr[TRAP_ADDRS], u64 dr7)
{
	return machine_debug_regs(vm, addr, dr7);
}

const struct watch_vm watch_machine_vm = {
	vm_listen, vm_unlisten, vm_guard, vm_debug_regs,
};
