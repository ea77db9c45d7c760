// SPDX-License-Identifier: GPL-2.0-only
/* Watchpoints on a make-believe KVM: both backends, conditions, the end. */
#include "freeze/watch.h"

#include <errno.h>
#include <string.h>

#include <kselftest_harness.h>

#include "vmm/base/diag.h"

#define VIRT 0xffffffff82000000ULL
#define AT 0x2000ULL

/* Debug registers as KVM is told them, guarded pages, and who listens. */
struct fake {
	const struct trap_ops *ops;
	void *arg;
	u64 addr[TRAP_ADDRS], dr7;
	gpa_t pages[TRAP_MAX_PAGES];
	unsigned int nr_pages;
	int fail;
	struct mem mem;
};

static int fake_listen(void *vm, const struct trap_ops *ops, void *arg)
{
	struct fake *f = vm;

	if (f->ops)
		return -EBUSY;
	f->ops = ops;
	f->arg = arg;
	return 0;
}

static void fake_unlisten(void *vm, void *arg)
{
	struct fake *f = vm;

	if (f->arg == arg)
		f->ops = NULL;
}

static int fake_guard(void *vm, const gpa_t *pages, unsigned int nr,
		      struct diag *d)
{
	struct fake *f = vm;

	if (f->fail)
		return diag_fail(d, f->fail, NULL, "no guard");
	if (nr)
		memcpy(f->pages, pages, nr * sizeof(*pages));
	f->nr_pages = nr;
	return 0;
}

static int fake_debug_regs(void *vm, const u64 addr[TRAP_ADDRS], u64 dr7)
{
	struct fake *f = vm;

	if (f->fail)
		return f->fail;
	memcpy(f->addr, addr, sizeof(f->addr));
	f->dr7 = dr7;
	return 0;
}

static const struct watch_vm fake_vm = {
	fake_listen, fake_unlisten, fake_guard, fake_debug_regs,
};

/* The guest writes: as the backend that is armed would let us know. */
static void guest_writes(struct fake *f, gpa_t gpa, u64 value, u32 len)
{
	struct trap_debug t = { 0 };
	u8 old[8];
	unsigned int i;

	BUG_ON(mem_read(&f->mem, gpa, old, len) ||
	       mem_write(&f->mem, gpa, &value, len));
	for (i = 0; i < f->nr_pages && gpa - f->pages[i] >= TRAP_PAGE; i++)
		;
	if (i < f->nr_pages)
		f->ops->wrote(f->arg, 1, gpa, old, len);
	for (i = 0; i < TRAP_ADDRS; i++) {
		static const u32 lens[] = { 1, 2, 8, 4 };
		gva_t at = VIRT + gpa - AT;
		u32 size = lens[f->dr7 >> (18 + 4 * i) & 3];

		if (f->dr7 >> (2 * i) & 1 && (f->dr7 >> (16 + 4 * i) & 3) == 1 &&
		    at < f->addr[i] + size && f->addr[i] < at + len)
			t.dr6 |= 1ULL << i;
	}
	if (t.dr6)
		f->ops->debug(f->arg, 1, &t);
}

FIXTURE(watch) {
	struct fake vm;
	struct watch *w;
	struct watch_place place;
	struct watch_hit hits[16];
	unsigned int nr_hits;
	bool refuse;
	struct diag d;
};

FIXTURE_VARIANT(watch) {
	bool hardware;
};

FIXTURE_VARIANT_ADD(watch, hardware) { .hardware = true };
FIXTURE_VARIANT_ADD(watch, write_protect) { .hardware = false };

static bool on_hit(void *arg, const struct watch_hit *hit)
{
	FIXTURE_DATA(watch) *self = arg;

	self->hits[self->nr_hits++ % ARRAY_SIZE(self->hits)] = *hit;
	return !self->refuse;
}

FIXTURE_SETUP(watch)
{
	struct watch_cfg cfg = {
		.ops = &fake_vm, .vm = &self->vm, .mem = &self->vm.mem,
		.hardware = variant->hardware, .hit = on_hit, .arg = self,
	};

	memset(self, 0, sizeof(*self));
	ASSERT_EQ(0, mem_create(&self->vm.mem, MiB(1), &self->d));
	ASSERT_EQ(0, watch_create(&cfg, &self->w, &self->d));
	self->place = (struct watch_place){ .gva = VIRT + 8, .gpa = AT + 8,
					    .size = 4 };
}

FIXTURE_TEARDOWN(watch)
{
	watch_destroy(self->w);
	mem_destroy(&self->vm.mem);
	diag_reset(&self->d);
}

static int arm(FIXTURE_DATA(watch) *self)
{
	return watch_arm(self->w, &self->place, 1, &self->d);
}

TEST_F(watch, each_write)
{
	ASSERT_EQ(0, arm(self));
	guest_writes(&self->vm, AT + 8, 5, 4);
	guest_writes(&self->vm, AT + 8, 5, 4);
	guest_writes(&self->vm, AT + 8, 0xfffffff0, 4);
	ASSERT_EQ(3, self->nr_hits);
	EXPECT_EQ(0, self->hits[0].old);
	EXPECT_EQ(5, self->hits[0].value);
	EXPECT_EQ(1, self->hits[0].vcpu);
	EXPECT_EQ(5, self->hits[1].old);
	EXPECT_EQ(5, self->hits[2].old);
	EXPECT_EQ(0xfffffff0, self->hits[2].value);
	EXPECT_EQ(3, watch_hits(self->w, 0));
}

TEST_F(watch, signed_values)
{
	self->place.is_signed = true;
	ASSERT_EQ(0, arm(self));
	guest_writes(&self->vm, AT + 8, (u64)-5, 4);
	guest_writes(&self->vm, AT + 8, 7, 4);
	ASSERT_EQ(2, self->nr_hits);
	EXPECT_EQ((u64)-5, self->hits[0].value);
	EXPECT_TRUE(self->hits[0].is_signed);
	EXPECT_EQ((u64)-5, self->hits[1].old);
	EXPECT_EQ(7, self->hits[1].value);
}

TEST_F(watch, only_changes)
{
	self->place.change = true;
	ASSERT_EQ(0, arm(self));
	guest_writes(&self->vm, AT + 8, 5, 4);
	guest_writes(&self->vm, AT + 8, 5, 4);
	EXPECT_EQ(1, self->nr_hits);
}

TEST_F(watch, parts_and_neighbours)
{
	ASSERT_EQ(0, arm(self));
	guest_writes(&self->vm, AT + 4, 1, 4);
	guest_writes(&self->vm, AT + 12, 1, 4);
	EXPECT_EQ(0, self->nr_hits);
	guest_writes(&self->vm, AT + 9, 7, 1);
	ASSERT_EQ(1, self->nr_hits);
	EXPECT_EQ(0x700, self->hits[0].value);
	EXPECT_EQ(0, self->hits[0].old);
	guest_writes(&self->vm, AT + 8, 0x1122334455667788, 8);
	ASSERT_EQ(2, self->nr_hits);
	EXPECT_EQ(0x55667788, self->hits[1].value);
	EXPECT_EQ(0x700, self->hits[1].old);
	/* Begins before it and reaches into it. */
	guest_writes(&self->vm, AT + 5, 0xaabbccdd11223344, 8);
	ASSERT_EQ(3, self->nr_hits);
	EXPECT_EQ(0xaabbccdd11, self->hits[2].value | 0xaa00000000);
}

/* A machine may have one watch of each kind: each hears of all that happens. */
TEST_F(watch, news_of_the_other_backend)
{
	struct trap_debug t = { .dr6 = 15 };
	u64 old = 0;

	ASSERT_EQ(0, arm(self));
	if (variant->hardware)
		self->vm.ops->wrote(self->vm.arg, 0, AT + 8, &old, 4);
	else
		self->vm.ops->debug(self->vm.arg, 0, &t);
	EXPECT_EQ(0, self->nr_hits);
}

TEST_F(watch, limit_and_refusal)
{
	self->place.limit = 2;
	ASSERT_EQ(0, arm(self));
	self->refuse = true;	/* the condition does not hold */
	guest_writes(&self->vm, AT + 8, 1, 4);
	self->refuse = false;
	EXPECT_EQ(0, watch_hits(self->w, 0));
	guest_writes(&self->vm, AT + 8, 2, 4);
	EXPECT_FALSE(watch_is_spent(self->w));
	guest_writes(&self->vm, AT + 8, 3, 4);
	EXPECT_TRUE(watch_is_spent(self->w));
	guest_writes(&self->vm, AT + 8, 4, 4);
	EXPECT_EQ(2, watch_hits(self->w, 0));
	EXPECT_EQ(3, self->nr_hits);
}

TEST_F(watch, four_places_and_no_more)
{
	struct watch_place p[5];
	unsigned int i;

	for (i = 0; i < 5; i++)
		p[i] = (struct watch_place){
			.gva = VIRT + 64 * i, .gpa = AT + 64 * i,
			.size = 1U << (i % 4),
		};
	EXPECT_EQ(-EINVAL, watch_arm(self->w, p, 5, &self->d));
	ASSERT_EQ(0, watch_arm(self->w, p, 4, &self->d));
	for (i = 0; i < 4; i++)
		guest_writes(&self->vm, AT + 64 * i, i + 1, 1);
	ASSERT_EQ(4, self->nr_hits);
	for (i = 0; i < 4; i++) {
		EXPECT_EQ(i, self->hits[i].index);
		EXPECT_EQ(i + 1, self->hits[i].value);
	}
}

TEST_F(watch, bad_places)
{
	self->place.size = 3;
	EXPECT_EQ(-EINVAL, arm(self));
	self->place.size = 16;
	EXPECT_EQ(-EINVAL, arm(self));
	self->place.size = 8;
	self->place.gpa = self->place.gva = AT + 4;
	EXPECT_EQ(-EINVAL, arm(self));
	self->place.gpa = MiB(1);
	self->place.gva = VIRT;
	EXPECT_EQ(-EINVAL, arm(self));
	EXPECT_EQ(0, self->vm.dr7);
	EXPECT_EQ(0, self->vm.nr_pages);
}

TEST_F(watch, refused_by_kvm)
{
	self->vm.fail = -ENOTSUP;
	EXPECT_EQ(-ENOTSUP, arm(self));
	EXPECT_LT(0, strlen(diag_text(&self->d)));
	self->vm.fail = 0;
	EXPECT_EQ(0, arm(self));
}

TEST_F(watch, disarmed)
{
	ASSERT_EQ(0, arm(self));
	EXPECT_TRUE(self->vm.dr7 || self->vm.nr_pages);
	watch_disarm(self->w);
	EXPECT_EQ(0, self->vm.dr7);
	EXPECT_EQ(0, self->vm.nr_pages);
	watch_disarm(self->w);
}

/* Armed with one place more, the first keeps its count. */
TEST_F(watch, armed_again)
{
	struct watch_place p[2] = { self->place, self->place };

	ASSERT_EQ(0, arm(self));
	guest_writes(&self->vm, AT + 8, 1, 4);
	p[1].gva += 8;
	p[1].gpa += 8;
	ASSERT_EQ(0, watch_arm(self->w, p, 2, &self->d));
	guest_writes(&self->vm, AT + 8, 2, 4);
	guest_writes(&self->vm, AT + 16, 3, 4);
	EXPECT_EQ(2, watch_hits(self->w, 0));
	EXPECT_EQ(1, watch_hits(self->w, 1));
}

/* A vCPU's exit that is handled when all is over; ASan sees what it touches. */
struct late {
	struct fake *vm;
	const struct trap_ops *ops;
	bool stop;
};

static void *late_hits(void *arg)
{
	struct late *l = arg;
	struct trap_debug t = { .dr6 = 1 };
	u64 old = 0;

	while (!__atomic_load_n(&l->stop, __ATOMIC_ACQUIRE)) {
		l->ops->debug(l->vm->arg, 0, &t);
		l->ops->wrote(l->vm->arg, 0, AT + 8, &old, 8);
	}
	return NULL;
}

TEST_F(watch, late_hit_touches_nothing)
{
	struct late l = { .vm = &self->vm, .ops = self->vm.ops };
	pthread_t thread;
	unsigned int i, hits;

	ASSERT_EQ(0, pthread_create(&thread, NULL, late_hits, &l));
	for (i = 0; i < 200; i++) {
		struct mem mem;

		ASSERT_EQ(0, arm(self));
		watch_disarm(self->w);
		/* Guest memory goes while the vCPU still tells of hits. */
		mem_destroy(&self->vm.mem);
		ASSERT_EQ(0, mem_create(&mem, MiB(1), &self->d));
		self->vm.mem = mem;
	}
	hits = self->nr_hits;
	__atomic_store_n(&l.stop, true, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	EXPECT_EQ(hits, self->nr_hits);
}

TEST_F(watch, one_listener_of_a_kind)
{
	struct watch_cfg cfg = { .ops = &fake_vm, .vm = &self->vm };
	struct watch *second;

	EXPECT_EQ(-EBUSY, watch_create(&cfg, &second, &self->d));
}

TEST_HARNESS_MAIN
