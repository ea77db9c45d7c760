// SPDX-License-Identifier: GPL-2.0-only
/* bpf_map_write: all maps or none, when they are ready, in time, and told. */
#include "runner/mapwrite.h"

#include <linux/bpf.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <kselftest_harness.h>

#include "runner/inside.h"
#include "runner/value.h"
#include "selftests/lib/kguest.h"
#include "vmm/park.h"

#define SLOT 8

FIXTURE(mapwrite) {
	struct kguest g;
	gva_t node, progs;
	unsigned int nr;
	struct inside inside;
	struct scenario s;
	struct mapwrite mw;
	struct park park;	/* without vCPUs, as a machine's */
	u32 parks;
	int told_fd;
	int status;
	char text[300];
};

static void told(void *ctx, int status, const char *text)
{
	FIXTURE_DATA(mapwrite) *self = ctx;
	u64 one = 1;

	self->status = status;
	snprintf(self->text, sizeof(self->text), "%s", text);
	BUG_ON(write(self->told_fd, &one, sizeof(one)) != sizeof(one));
}

static int stop(void *ctx)
{
	FIXTURE_DATA(mapwrite) *self = ctx;

	__atomic_add_fetch(&self->parks, 1, __ATOMIC_SEQ_CST);
	return park_all(&self->park, 20 * NSEC_PER_MSEC, NULL);
}

static void go_on(void *ctx)
{
	FIXTURE_DATA(mapwrite) *self = ctx;

	park_resume(&self->park);
}

static void kick_nobody(void *arg, unsigned int member)
{
	(void)arg;
	(void)member;
}

static gva_t add_map(FIXTURE_DATA(mapwrite) *self, const char *name)
{
	struct kguest *g = &self->g;
	gva_t m = kguest_alloc(g, 128, 64);

	self->nr++;
	kguest_set(g, m, "bpf_map.id", self->nr);
	kguest_set(g, m, "bpf_map.map_type", BPF_MAP_TYPE_ARRAY);
	kguest_set(g, m, "bpf_map.key_size", 4);
	kguest_set(g, m, "bpf_map.value_size", 16);
	kguest_set(g, m, "bpf_map.max_entries", 1);
	kguest_set(g, m, "bpf_array.elem_size", 16);
	strcpy(kguest_ptr(g, m + kguest_offset(g, "bpf_map.name")), name);
	kguest_put(g, self->node + kguest_offset(g, "xa_node.slots") +
		   self->nr * SLOT, m, 8);
	return m;
}

static u64 value_at(FIXTURE_DATA(mapwrite) *self, gva_t map, u64 offset)
{
	u64 v;

	memcpy(&v, kguest_ptr(&self->g, map + offset +
			      kguest_offset(&self->g, "bpf_array.value")), 8);
	return v;
}

/* A loaded program that uses @map. */
static void use_map(FIXTURE_DATA(mapwrite) *self, gva_t map)
{
	struct kguest *g = &self->g;
	gva_t prog = kguest_alloc(g, 16, 8), aux = kguest_alloc(g, 24, 8);
	gva_t maps = kguest_alloc(g, 8, 8);

	kguest_put(g, maps, map, 8);
	kguest_set(g, aux, "bpf_prog_aux.used_maps", maps);
	kguest_set(g, aux, "bpf_prog_aux.used_map_cnt", 1);
	kguest_set(g, prog, "bpf_prog.aux", aux);
	kguest_set(g, self->progs, "xarray.xa_head", prog);
}

FIXTURE_SETUP(mapwrite)
{
	struct kguest *g = &self->g;
	gva_t idr;

	memset(self, 0, sizeof(*self));
	kguest_init(g);
	idr = kguest_alloc(g, 24, 8);
	self->node = kguest_alloc(g, 168, 64);
	self->progs = kguest_alloc(g, 24, 8);
	kguest_symbol(g, "map_idr", idr);
	kguest_symbol(g, "prog_idr", self->progs);
	kguest_ready(g);
	kguest_set(g, idr, "xarray.xa_head", self->node | 2);
	/* As if it had been found: the machine is not asked any more. */
	inside_init(&self->inside, (struct machine *)g, NULL);
	self->inside.k = g->k;
	self->inside.types = g->types;
	self->inside.open = true;
	self->told_fd = eventfd(0, EFD_CLOEXEC);
	park_init(&self->park, kick_nobody, NULL);
}

FIXTURE_TEARDOWN(mapwrite)
{
	mapwrite_deinit(&self->mw);
	park_deinit(&self->park);
	close(self->told_fd);
	kguest_free(&self->g);
}

static void start(FIXTURE_DATA(mapwrite) *self,
		  const struct scen_map_write *writes, size_t n, double factor)
{
	self->s.bpf_map_write.items = writes;
	self->s.bpf_map_write.n = n;
	self->mw = (struct mapwrite){
		.inside = &self->inside, .s = &self->s, .time_factor = factor,
		.tell = told, .park = stop, .resume = go_on, .ctx = self,
	};
	BUG_ON(mapwrite_start(&self->mw, NULL));
	mapwrite_stage(&self->mw, STAGE_PAYLOAD);
}

static bool is_told(FIXTURE_DATA(mapwrite) *self, int ms)
{
	struct pollfd p = { .fd = self->told_fd, .events = POLLIN };

	return poll(&p, 1, ms) == 1;
}

TEST_F(mapwrite, nothing_asked_for_is_nothing)
{
	start(self, NULL, 0, 1);
	mapwrite_stop(&self->mw);
	EXPECT_EQ(NULL, mapwrite_result(&self->mw));
	EXPECT_EQ(NULL, mapwrite_failure(&self->mw));
}

TEST_F(mapwrite, waits_for_all_maps_then_writes_all)
{
	static const struct scen_map_write writes[] = {
		{ .map = "one", .offset = 0, .size = 8, .value = 5000000000 },
		{ .map = "two", .offset = 8, .size = 2, .value = -1 },
	};
	gva_t one = add_map(self, "one"), two;
	struct value *v;

	start(self, writes, 2, 1);
	EXPECT_FALSE(is_told(self, 100));
	EXPECT_EQ(0, value_at(self, one, 0));
	two = add_map(self, "two");
	ASSERT_TRUE(is_told(self, 25000));
	mapwrite_stop(&self->mw);
	EXPECT_EQ(0, self->status);
	EXPECT_EQ(5000000000, value_at(self, one, 0));
	EXPECT_EQ(0xffff, value_at(self, two, 8));
	EXPECT_EQ(NULL, mapwrite_failure(&self->mw));
	v = mapwrite_result(&self->mw);
	EXPECT_TRUE(value_as_bool(value_get(v->list.items[1], "done"), false));
	value_free(v);
}

/* Who froze the guest reads it as of one moment. */
TEST_F(mapwrite, a_frozen_guest_is_not_written_to)
{
	static const struct scen_map_write writes[] = {
		{ .map = "one", .offset = 0, .size = 8, .value = 1 },
	};
	gva_t one = add_map(self, "one");

	ASSERT_EQ(0, park_all(&self->park, 25 * NSEC_PER_SEC, NULL));
	start(self, writes, 1, 1);
	/* It tried, gave up, and tried again. */
	while (__atomic_load_n(&self->parks, __ATOMIC_SEQ_CST) < 2)
		usleep(1000);
	EXPECT_FALSE(is_told(self, 0));
	EXPECT_EQ(0, value_at(self, one, 0));
	park_resume(&self->park);
	ASSERT_TRUE(is_told(self, 25000));
	EXPECT_EQ(0, self->status);
	EXPECT_EQ(1, value_at(self, one, 0));
	mapwrite_stop(&self->mw);
	EXPECT_FALSE(self->park.held);
}

TEST_F(mapwrite, a_guest_that_does_not_stop_is_told)
{
	static const struct scen_map_write writes[] = {
		{ .map = "one", .offset = 0, .size = 8, .value = 1 },
	};
	gva_t one = add_map(self, "one");

	ASSERT_EQ(0, park_all(&self->park, 25 * NSEC_PER_SEC, NULL));
	start(self, writes, 1, 0.002);	/* 60 ms */
	ASSERT_TRUE(is_told(self, 25000));
	mapwrite_stop(&self->mw);
	EXPECT_EQ(-ETIMEDOUT, self->status);
	EXPECT_NE(NULL, strstr(self->text, "could not be stopped"));
	EXPECT_EQ(0, value_at(self, one, 0));
	park_resume(&self->park);
}

TEST_F(mapwrite, the_end_comes_before_the_guest_stops)
{
	static const struct scen_map_write writes[] = {
		{ .map = "one", .offset = 0, .size = 8, .value = 1 },
	};

	add_map(self, "one");
	ASSERT_EQ(0, park_all(&self->park, 25 * NSEC_PER_SEC, NULL));
	start(self, writes, 1, 1);
	while (__atomic_load_n(&self->parks, __ATOMIC_SEQ_CST) < 2)
		usleep(1000);
	mapwrite_stage(&self->mw, STAGE_VERDICT);
	EXPECT_NE(NULL, strstr(self->text, "before the guest could be stopped"));
	park_resume(&self->park);
}

TEST_F(mapwrite, map_of_variables_waits_for_its_program)
{
	static const struct scen_map_write writes[] = {
		{ .map = ".bss", .offset = 0, .size = 4, .value = 7 },
	};
	gva_t bss = add_map(self, "object.bss");

	start(self, writes, 1, 1);
	EXPECT_FALSE(is_told(self, 100));
	use_map(self, bss);
	ASSERT_TRUE(is_told(self, 25000));
	mapwrite_stop(&self->mw);
	EXPECT_EQ(0, self->status);
	EXPECT_EQ(7, value_at(self, bss, 0));
}

TEST_F(mapwrite, one_that_cannot_be_written_keeps_all_unwritten)
{
	static const struct scen_map_write writes[] = {
		{ .map = "one", .offset = 0, .size = 8, .value = 1 },
		{ .map = "two", .offset = 12, .size = 8, .value = 1 },
	};
	gva_t one = add_map(self, "one");
	struct value *v;

	add_map(self, "two");
	start(self, writes, 2, 1);
	ASSERT_TRUE(is_told(self, 25000));
	mapwrite_stop(&self->mw);
	EXPECT_GT(0, self->status);
	EXPECT_NE(NULL, strstr(self->text, "two"));
	EXPECT_EQ(0, value_at(self, one, 0));
	EXPECT_STREQ(self->text, mapwrite_failure(&self->mw));
	v = mapwrite_result(&self->mw);
	EXPECT_FALSE(value_as_bool(value_get(v->list.items[0], "done"), true));
	value_free(v);
}

TEST_F(mapwrite, frozen_map_is_not_written)
{
	static const struct scen_map_write writes[] = {
		{ .map = "one", .offset = 0, .size = 8, .value = 1 },
	};
	gva_t one = add_map(self, "one");

	kguest_set(&self->g, one, "bpf_map.frozen", 1);
	start(self, writes, 1, 1);
	ASSERT_TRUE(is_told(self, 25000));
	mapwrite_stop(&self->mw);
	EXPECT_NE(NULL, strstr(self->text, "frozen"));
	EXPECT_EQ(0, value_at(self, one, 0));
}

TEST_F(mapwrite, map_that_does_not_come_in_time)
{
	static const struct scen_map_write writes[] = {
		{ .map = "nope", .offset = 0, .size = 8, .value = 1 },
	};

	add_map(self, "one");
	start(self, writes, 1, 0.002);	/* 60 ms */
	ASSERT_TRUE(is_told(self, 25000));
	mapwrite_stop(&self->mw);
	EXPECT_EQ(-ENOENT, self->status);
	EXPECT_NE(NULL, strstr(mapwrite_failure(&self->mw), "nope"));
}

TEST_F(mapwrite, an_end_stops_the_search_at_once)
{
	static const struct scen_map_write writes[] = {
		{ .map = "nope", .offset = 0, .size = 8, .value = 1 },
	};
	u64 begin = now_ns();

	start(self, writes, 1, 1);
	EXPECT_FALSE(is_told(self, 50));
	mapwrite_stage(&self->mw, STAGE_VERDICT);
	EXPECT_GT(25 * NSEC_PER_SEC, now_ns() - begin);
	EXPECT_NE(NULL, strstr(mapwrite_failure(&self->mw),
			       "before there was a BPF map called nope"));
}

TEST_F(mapwrite, guest_that_never_came_to_its_payload)
{
	static const struct scen_map_write writes[] = {
		{ .map = "one", .offset = 0, .size = 8, .value = 1 },
	};

	self->s.bpf_map_write.items = writes;
	self->s.bpf_map_write.n = 1;
	self->mw = (struct mapwrite){
		.inside = &self->inside, .s = &self->s, .time_factor = 1,
	};
	ASSERT_EQ(0, mapwrite_start(&self->mw, NULL));
	mapwrite_stop(&self->mw);
	EXPECT_NE(NULL, strstr(mapwrite_failure(&self->mw), "never started"));
}

TEST_HARNESS_MAIN
