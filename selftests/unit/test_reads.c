// SPDX-License-Identifier: GPL-2.0-only
/* What typed paths come to as values for checks. */
#include "runner/reads.h"

#include <string.h>

#include <bpf/btf.h>
#include <kselftest_harness.h>

#include "runner/value.h"
#include "selftests/lib/kguest.h"

FIXTURE(reads) {
	struct kguest g;
	gva_t init_task;
	struct value *v;
};

FIXTURE_SETUP(reads)
{
	memset(self, 0, sizeof(*self));
	kguest_init(&self->g);
	self->init_task = kguest_alloc(&self->g, 256, 64);
	kguest_symbol(&self->g, "init_task", self->init_task);
	kguest_ready(&self->g);
}

FIXTURE_TEARDOWN(reads)
{
	value_free(self->v);
	kguest_free(&self->g);
}

TEST_F(reads, scalars_texts_and_structs)
{
	static const char *const paths[] = {
		"init_task.pid", "init_task.comm", "init_task.tasks",
		"init_task", "init_task.flags",
	};
	struct str_list list = { paths, ARRAY_SIZE(paths) };
	struct kguest *g = &self->g;
	struct value *v;

	kguest_set(g, self->init_task, "task_struct.pid", (u32)-7);
	kguest_set(g, self->init_task, "task_struct.flags", UINT32_MAX);
	kguest_set(g, self->init_task, "task_struct.tasks.next",
		   0xffff888000001000);
	strcpy(kguest_ptr(g, self->init_task +
			  kguest_offset(g, "task_struct.comm")), "swapper/0");
	self->v = reads_paths(&g->k, &list);
	v = value_get(self->v, "init_task.pid");
	EXPECT_EQ(-7, value_as_int(value_get(v, "value"), 0));
	EXPECT_STREQ("int", value_as_str(value_get(v, "type"), ""));
	EXPECT_EQ(NULL, value_get(v, "cut"));
	EXPECT_EQ(UINT32_MAX, value_as_int(value_get(value_get(
		self->v, "init_task.flags"), "value"), 0));
	v = value_get(self->v, "init_task.comm");
	EXPECT_STREQ("swapper/0", value_as_str(value_get(v, "value"), ""));
	EXPECT_STREQ("char[16]", value_as_str(value_get(v, "type"), ""));
	v = value_path(value_get(self->v, "init_task.tasks"), "value.next");
	ASSERT_NE(NULL, v);
	EXPECT_EQ(VALUE_ADDR, v->type);
	EXPECT_EQ(0xffff888000001000, v->addr);
	v = value_get(self->v, "init_task");
	EXPECT_STREQ("swapper/0", value_as_str(value_path(v, "value.comm"), ""));
	EXPECT_EQ(-7, value_as_int(value_path(v, "value.pid"), 0));
	EXPECT_STREQ("struct task_struct",
		     value_as_str(value_get(v, "type"), ""));
}

TEST_F(reads, what_cannot_be_read_says_why)
{
	static const char *const paths[] = { "init_task.nope", "init_task.pid" };
	struct str_list list = { paths, ARRAY_SIZE(paths) };

	self->v = reads_paths(&self->g.k, &list);
	EXPECT_NE(NULL, strstr(value_as_str(value_get(value_get(
		self->v, "init_task.nope"), "error"), ""), "no member nope"));
	EXPECT_EQ(0, value_as_int(value_get(value_get(
		self->v, "init_task.pid"), "value"), -1));
	value_free(self->v);
	self->v = reads_unread(&list, "no kernel");
	EXPECT_STREQ("no kernel", value_as_str(value_get(value_get(
		self->v, "init_task.pid"), "error"), ""));
}

/* A value of our own, with types that the kernel's structs have. */
static struct value *make_own(int id, struct btf *b, const void *data,
			      size_t size, bool *cut)
{
	struct kvalue kv = { .field = { .type_id = (u32)id, .size = size } };
	struct ktype *kt;
	const void *raw;
	struct value *v;
	u32 len;

	raw = btf__raw_data(b, &len);
	BUG_ON(ktype_open_data(raw, len, NULL, &kt, NULL));
	kv.types = kt;
	kv.data = (u8 *)data;
	v = reads_value(&kv, cut);
	ktype_close(kt);
	btf__free(b);
	return v;
}

TEST_F(reads, large_arrays_are_cut)
{
	struct btf *b = btf__new_empty();
	int u8t = btf__add_int(b, "u8", 1, 0);
	int arr = btf__add_array(b, u8t, u8t, 5000);
	static u8 data[5000];
	bool cut = false;

	data[4095] = 9;
	self->v = make_own(arr, b, data, sizeof(data), &cut);
	EXPECT_TRUE(cut);
	ASSERT_EQ(4096, self->v->list.len);
	EXPECT_EQ(9, self->v->list.items[4095]->i);
}

TEST_F(reads, members_without_a_name_stand_in_their_place)
{
	struct btf *b = btf__new_empty();
	int u32t = btf__add_int(b, "u32", 4, 0);
	int in = btf__add_struct(b, NULL, 8);
	u32 data[3] = { 1, 2, 3 };
	int out;

	btf__add_field(b, "a", u32t, 0, 0);
	btf__add_field(b, "b", u32t, 32, 0);
	out = btf__add_struct(b, "outer", 12);
	btf__add_field(b, NULL, in, 0, 0);
	btf__add_field(b, "c", u32t, 64, 0);
	self->v = make_own(out, b, data, sizeof(data), NULL);
	ASSERT_EQ(VALUE_MAP, self->v->type);
	EXPECT_EQ(3, self->v->map.len);
	EXPECT_EQ(2, value_as_int(value_get(self->v, "b"), 0));
	EXPECT_EQ(3, value_as_int(value_get(self->v, "c"), 0));
}

TEST_F(reads, nesting_ends)
{
	struct btf *b = btf__new_empty();
	int at = btf__add_int(b, "u32", 4, 0), i;
	u32 data = 5;
	bool cut = false;
	struct value *v;

	for (i = 0; i < 12; i++) {
		char name[8];

		sprintf(name, "s%d", i);
		BUG_ON(btf__add_struct(b, name, 4) < 0);
		btf__add_field(b, "m", at, 0, 0);
		at = (int)btf__type_cnt(b) - 1;
	}
	self->v = make_own(at, b, &data, sizeof(data), &cut);
	EXPECT_TRUE(cut);
	for (v = self->v, i = 0; value_get(v, "m"); i++)
		v = value_get(v, "m");
	EXPECT_EQ(8, i);
}

TEST_HARNESS_MAIN
