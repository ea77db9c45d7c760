// SPDX-License-Identifier: GPL-2.0-only
/* Types by path, their C spelling, values; BTF made with libbpf itself. */
#include "freeze/ktype.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include <bpf/btf.h>
#include <kselftest_harness.h>

#include "freeze/ktype_priv.h"
#include "vmm/base/buf.h"
#include "vmm/base/diag.h"

FIXTURE(ktype) {
	struct ktype *kt;
	struct buf out;
	struct diag d;
	void *raw;
	u32 raw_len;
};

/*
 *	enum color { RED = 0, GREEN = 5, NEG = -1 };
 *	typedef unsigned char u8;  typedef int pid_t;
 *	struct inner { long unsigned int a; char tag[8]; };
 *	struct outer {
 *		int x;
 *		union { int i; struct { short lo; short hi; }; };
 *		struct inner in;
 *		struct inner *ptr;
 *		u8 lvl : 3, rest : 5;
 *		_Bool flag;
 *		enum color col;
 *		const pid_t pid;
 *		struct inner arr[2];
 *		void (*fn)(void);
 *		char name[16];
 *		unsigned char tail[];
 *	};
 *	per-CPU: struct outer things;  section .bss: long counter;
 */
static void build(struct btf *b)
{
	int u32t = btf__add_int(b, "unsigned int", 4, 0);
	int intt = btf__add_int(b, "int", 4, BTF_INT_SIGNED);
	int ul = btf__add_int(b, "long unsigned int", 8, 0);
	int sh = btf__add_int(b, "short int", 2, BTF_INT_SIGNED);
	int ch = btf__add_int(b, "char", 1, BTF_INT_SIGNED);
	int uc = btf__add_int(b, "unsigned char", 1, 0);
	int boolt = btf__add_int(b, "_Bool", 1, BTF_INT_BOOL);
	int u8t = btf__add_typedef(b, "u8", uc);
	int pidt = btf__add_typedef(b, "pid_t", intt);
	int cpid = btf__add_const(b, pidt);
	int tag = btf__add_array(b, u32t, ch, 8);
	int name = btf__add_array(b, u32t, ch, 16);
	int tail = btf__add_array(b, u32t, uc, 0);
	int col, inner, pin, arr, anon, un, proto, fn, outer, var;

	col = btf__add_enum(b, "color", 4);
	btf__add_enum_value(b, "RED", 0);
	btf__add_enum_value(b, "GREEN", 5);
	btf__add_enum_value(b, "NEG", -1);
	inner = btf__add_struct(b, "inner", 16);
	btf__add_field(b, "a", ul, 0, 0);
	btf__add_field(b, "tag", tag, 64, 0);
	pin = btf__add_ptr(b, inner);
	arr = btf__add_array(b, u32t, inner, 2);
	anon = btf__add_struct(b, NULL, 4);
	btf__add_field(b, "lo", sh, 0, 0);
	btf__add_field(b, "hi", sh, 16, 0);
	un = btf__add_union(b, NULL, 4);
	btf__add_field(b, "i", intt, 0, 0);
	btf__add_field(b, NULL, anon, 0, 0);
	proto = btf__add_func_proto(b, 0);
	fn = btf__add_ptr(b, proto);
	outer = btf__add_struct(b, "outer", 128);
	btf__add_field(b, "x", intt, 0, 0);
	btf__add_field(b, NULL, un, 32, 0);
	btf__add_field(b, "in", inner, 64, 0);
	btf__add_field(b, "ptr", pin, 192, 0);
	btf__add_field(b, "lvl", u8t, 256, 3);
	btf__add_field(b, "rest", u8t, 259, 5);
	btf__add_field(b, "flag", boolt, 264, 0);
	btf__add_field(b, "col", col, 288, 0);
	btf__add_field(b, "pid", cpid, 320, 0);
	btf__add_field(b, "arr", arr, 384, 0);
	btf__add_field(b, "fn", fn, 640, 0);
	btf__add_field(b, "name", name, 704, 0);
	btf__add_field(b, "tail", tail, 1024, 0);
	btf__add_var(b, "things", BTF_VAR_GLOBAL_ALLOCATED, outer);
	/* A struct and a typedef of one name: the struct is what is meant. */
	btf__add_typedef(b, "inner", intt);
	var = btf__add_var(b, "counter", BTF_VAR_GLOBAL_ALLOCATED, ul);
	btf__add_datasec(b, ".bss", 16);
	btf__add_datasec_var_info(b, var, 8, 8);
}

FIXTURE_SETUP(ktype)
{
	struct btf *b = btf__new_empty();
	const void *raw;

	memset(self, 0, sizeof(*self));
	build(b);
	raw = btf__raw_data(b, &self->raw_len);
	self->raw = malloc(self->raw_len);
	memcpy(self->raw, raw, self->raw_len);
	btf__free(b);
	ASSERT_EQ(0, ktype_open_data(self->raw, self->raw_len, NULL, &self->kt,
				     &self->d));
}

FIXTURE_TEARDOWN(ktype)
{
	ktype_close(self->kt);
	free(self->raw);
	buf_reset(&self->out);
	diag_reset(&self->d);
}

static const char *name_of(FIXTURE_DATA(ktype) *self, const char *path)
{
	struct kfield f;

	buf_reset(&self->out);
	if (ktype_field(self->kt, path, &f, &self->d))
		return diag_text(&self->d);
	ktype_name(self->kt, f.type_id, &self->out);
	return buf_str(&self->out);
}

TEST_F(ktype, paths)
{
	struct kfield f;

	EXPECT_EQ(0, ktype_offset(self->kt, "outer.x"));
	EXPECT_EQ(4, ktype_offset(self->kt, "outer.i"));
	EXPECT_EQ(6, ktype_offset(self->kt, "outer.hi"));
	EXPECT_EQ(16, ktype_offset(self->kt, "outer.in.tag"));
	EXPECT_EQ(18, ktype_offset(self->kt, "struct outer.in.tag[2]"));
	EXPECT_EQ(48 + 16 + 8 + 7, ktype_offset(self->kt, "outer.arr[1].tag[7]"));
	EXPECT_EQ(128 + 1000, ktype_offset(self->kt, "outer.tail[1000]"));
	EXPECT_EQ(128, ktype_size(self->kt, "outer"));
	EXPECT_EQ(16, ktype_size(self->kt, "inner"));
	EXPECT_EQ(8, ktype_size(self->kt, "unsigned long"));
	EXPECT_TRUE(ktype_has(self->kt, "outer.fn"));
	EXPECT_FALSE(ktype_has(self->kt, "outer.nope"));
	ASSERT_EQ(0, ktype_field(self->kt, "outer.rest", &f, &self->d));
	EXPECT_EQ(32, f.offset);
	EXPECT_EQ(3, f.bit_offset);
	EXPECT_EQ(5, f.bit_size);
}

TEST_F(ktype, refusals_say_where)
{
	struct kfield f;

	EXPECT_EQ(-ENOENT, ktype_field(self->kt, "nope.x", &f, &self->d));
	EXPECT_STREQ("no type called nope", diag_text(&self->d));
	EXPECT_EQ(-ENOENT, ktype_field(self->kt, "outer.in.b", &f, &self->d));
	EXPECT_STREQ("outer.in.b: outer.in has no member b", diag_text(&self->d));
	EXPECT_EQ(-ENOENT, ktype_field(self->kt, "outer.arr[2]", &f, &self->d));
	EXPECT_NE(NULL, strstr(diag_text(&self->d), "the array has 2"));
	EXPECT_EQ(-EINVAL, ktype_field(self->kt, "outer.x[0]", &f, &self->d));
	EXPECT_EQ(-EINVAL, ktype_field(self->kt, "outer.", &f, &self->d));
	EXPECT_EQ(-EINVAL, ktype_field(self->kt, "outer..x", &f, &self->d));
	EXPECT_EQ(-EINVAL, ktype_field(self->kt, "outer.arr[", &f, &self->d));
	EXPECT_EQ(-EINVAL, ktype_field(self->kt, "outer.arr[x]", &f, &self->d));
	EXPECT_EQ(-EINVAL, ktype_field(self->kt, "outer.arr[1", &f, &self->d));
	EXPECT_EQ(-EINVAL, ktype_field(self->kt, "outer.arr[-1]", &f, &self->d));
	EXPECT_EQ(-EINVAL, ktype_field(self->kt, "outer.x!", &f, &self->d));
	EXPECT_EQ(-ENOENT, ktype_field(self->kt, "", &f, &self->d));
	EXPECT_EQ(-ENOENT, ktype_find(self->kt, "union outer"));
	EXPECT_EQ(-ENOENT, ktype_find(self->kt, "things"));
	EXPECT_EQ(-ENOENT, ktype_find_var(self->kt, "outer"));
	EXPECT_LT(0, ktype_find_var(self->kt, "things"));
}

TEST_F(ktype, c_spelling)
{
	EXPECT_STREQ("int", name_of(self, "outer.x"));
	EXPECT_STREQ("struct inner *", name_of(self, "outer.ptr"));
	EXPECT_STREQ("struct inner[2]", name_of(self, "outer.arr"));
	EXPECT_STREQ("const pid_t", name_of(self, "outer.pid"));
	EXPECT_STREQ("enum color", name_of(self, "outer.col"));
	EXPECT_STREQ("void (*)()", name_of(self, "outer.fn"));
	EXPECT_STREQ("char[16]", name_of(self, "outer.name"));
	EXPECT_STREQ("u8", name_of(self, "outer.lvl"));
	EXPECT_EQ(-EINVAL, ktype_name(self->kt, 100000, &self->out));
}

TEST_F(ktype, layout_for_people)
{
	buf_reset(&self->out);
	ASSERT_EQ(0, ktype_layout(self->kt,
				  (u32)ktype_find(self->kt, "struct outer"),
				  &self->out));
	EXPECT_NE(NULL, strstr(buf_str(&self->out), "struct outer {\n"));
	EXPECT_NE(NULL, strstr(buf_str(&self->out),
			       "struct inner arr[2];\t/* 48 32 */"));
	EXPECT_NE(NULL, strstr(buf_str(&self->out), "u8 rest:5;\t/* 32:3 */"));
	EXPECT_NE(NULL, strstr(buf_str(&self->out), "short int hi;\t/* 6 2 */"));
	buf_reset(&self->out);
	ktype_layout(self->kt, (u32)ktype_find(self->kt, "enum color"),
		     &self->out);
	EXPECT_NE(NULL, strstr(buf_str(&self->out), "NEG = -1,"));
}

TEST_F(ktype, enums)
{
	s64 v;

	EXPECT_EQ(0, ktype_enum(self->kt, "color", "GREEN", &v));
	EXPECT_EQ(5, v);
	EXPECT_EQ(0, ktype_enum(self->kt, NULL, "NEG", &v));
	EXPECT_EQ(-1, v);
	EXPECT_EQ(-ENOENT, ktype_enum(self->kt, "color", "BLUE", &v));
	EXPECT_EQ(-ENOENT, ktype_enum(self->kt, "colour", "RED", &v));
	EXPECT_STREQ("GREEN", ktype_enum_name(self->kt,
		     (u32)ktype_find(self->kt, "enum color"), 5));
	EXPECT_EQ(NULL, ktype_enum_name(self->kt, 1, 5));
}

static const char *print(FIXTURE_DATA(ktype) *self, const char *path,
			 const u8 *object)
{
	struct kfield f;

	buf_reset(&self->out);
	if (ktype_field(self->kt, path, &f, &self->d) ||
	    ktype_print(self->kt, &f, object + f.offset, f.size, &self->out))
		return "error";
	return buf_str(&self->out);
}

TEST_F(ktype, values)
{
	u8 o[128] = { 0 };
	struct kfield f;
	bool is_signed;
	u64 v;

	memcpy(o, &(int){ -7 }, 4);
	memcpy(o + 4, &(int){ 0x00020001 }, 4);
	memcpy(o + 8, &(u64){ 1234567890123 }, 8);
	memcpy(o + 16, "ab\"\x01", 4);
	memcpy(o + 24, &(u64){ 0xffff888012345678 }, 8);
	o[32] = 5 | 17 << 3;
	o[33] = 1;
	memcpy(o + 36, &(int){ 5 }, 4);
	EXPECT_STREQ("-7", print(self, "outer.x", o));
	EXPECT_STREQ("2", print(self, "outer.hi", o));
	EXPECT_STREQ("5", print(self, "outer.lvl", o));
	EXPECT_STREQ("17", print(self, "outer.rest", o));
	EXPECT_STREQ("true", print(self, "outer.flag", o));
	EXPECT_STREQ("GREEN", print(self, "outer.col", o));
	EXPECT_STREQ("0xffff888012345678", print(self, "outer.ptr", o));
	EXPECT_STREQ("\"ab\\\"\\x01\"", print(self, "outer.in.tag", o));
	EXPECT_STREQ("{.a = 1234567890123, .tag = \"ab\\\"\\x01\"}",
		     print(self, "outer.in", o));
	memcpy(o + 36, &(int){ 77 }, 4);
	EXPECT_STREQ("77", print(self, "outer.col", o));
	EXPECT_NE(NULL, strstr(print(self, "outer", o), ".arr = {{.a = 0"));

	ASSERT_EQ(0, ktype_field(self->kt, "outer.x", &f, NULL));
	EXPECT_EQ(0, ktype_int(self->kt, &f, o, 4, &v, &is_signed));
	EXPECT_EQ(-7, (s64)v);
	EXPECT_TRUE(is_signed);
	EXPECT_EQ(-EINVAL, ktype_int(self->kt, &f, o, 3, &v, NULL));
	EXPECT_EQ(-EINVAL, ktype_print(self->kt, &f, o, 3, &self->out));
	ASSERT_EQ(0, ktype_field(self->kt, "outer.in", &f, NULL));
	EXPECT_EQ(-EINVAL, ktype_int(self->kt, &f, o, 16, &v, NULL));
	f = (struct kfield){ .type_id = 1, .bit_offset = 30, .bit_size = 5 };
	EXPECT_EQ(-EINVAL, ktype_int(self->kt, &f, o, 4, &v, NULL));
}

TEST_F(ktype, section_of_a_bpf_object)
{
	u8 data[16] = { 0, 0, 0, 0, 0, 0, 0, 0, 42 };
	struct kfield f;
	u32 id;

	for (id = 1; id <= ktype_nr(self->kt); id++)
		if (!ktype_member(self->kt, id, "counter", 7, &f))
			break;
	ASSERT_LE(id, ktype_nr(self->kt));
	EXPECT_EQ(8, f.offset);
	EXPECT_EQ(8, f.size);
	f = (struct kfield){ .type_id = id };
	EXPECT_EQ(0, ktype_print(self->kt, &f, data, 16, &self->out));
	EXPECT_STREQ("{.counter = 42}", buf_str(&self->out));
}

/* BTF that refers to self's; the caller frees. */
static void *module_btf(FIXTURE_DATA(ktype) *self, u32 *len)
{
	struct btf *base = btf__new(self->raw, self->raw_len);
	struct btf *b = btf__new_empty_split(base);
	const void *raw;
	void *copy;

	btf__add_struct(b, "module_thing", 24);
	btf__add_field(b, "in", btf__find_by_name(base, "inner"), 64, 0);
	raw = btf__raw_data(b, len);
	copy = malloc(*len);
	memcpy(copy, raw, *len);
	btf__free(b);
	btf__free(base);
	return copy;
}

TEST_F(ktype, split_btf_refers_to_its_base)
{
	struct ktype *split;
	u32 len;
	void *raw = module_btf(self, &len);

	ASSERT_EQ(0, ktype_open_data(raw, len, self->kt, &split, &self->d));
	free(raw);
	EXPECT_EQ(16, ktype_offset(split, "module_thing.in.tag"));
	EXPECT_EQ(0, ktype_offset(split, "outer.x"));
	EXPECT_EQ(ktype_nr(self->kt) + 1, ktype_nr(split));
	EXPECT_FALSE(ktype_has(self->kt, "module_thing.in"));
	ktype_close(split);
}

/* Where types lie, as a kernel image's cache has it. */
TEST_F(ktype, index_from_a_cache_needs_no_parse)
{
	char dir[] = "/tmp/vmtap-ktype.XXXXXX", path[64];
	struct ktype *kt = self->kt, *split;
	int id = ktype_find(kt, "outer");
	u32 nr = ktype_nr(kt), len;
	void *raw = module_btf(self, &len);

	ASSERT_LT(0, id);
	ASSERT_NE(NULL, mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/types", dir);
	ktype_index_close(kt);
	ASSERT_EQ(0, ktype_index_open(kt, dir));
	EXPECT_NE(NULL, kt->parsed->btf);
	EXPECT_EQ(id, ktype_find(kt, "outer"));
	ktype_index_close(kt);
	ASSERT_EQ(0, ktype_index_open(kt, dir));
	EXPECT_EQ(NULL, kt->parsed->btf);
	EXPECT_EQ(NULL, kt->built);
	EXPECT_EQ(nr, ktype_nr(kt));
	EXPECT_EQ(id, ktype_find(kt, "outer"));
	EXPECT_EQ(-ENOENT, ktype_find(kt, "nobody"));
	EXPECT_STREQ("struct inner *", name_of(self, "outer.ptr"));
	EXPECT_EQ(128, ktype_size(kt, "outer"));

	/* What refers to it has libbpf read it after all. */
	ASSERT_EQ(0, ktype_open_data(raw, len, kt, &split, &self->d));
	EXPECT_NE(NULL, kt->parsed->btf);
	EXPECT_EQ(16, ktype_offset(split, "module_thing.in.tag"));
	ktype_close(split);
	free(raw);
	unlink(path);
	rmdir(dir);
}

/* An index that its hash vouches for, and that is wrong. */
TEST_F(ktype, index_that_lies)
{
	char dir[] = "/tmp/vmtap-ktype.XXXXXX", path[64];
	u32 file[3 + 64 + 16], nr = ktype_nr(self->kt), i;
	struct iovec iov = { file, (3 + nr + 16) * sizeof(u32) };
	int id = ktype_find(self->kt, "outer");
	struct ktype *kt = self->kt;

	ASSERT_GT(64, nr);
	ASSERT_NE(NULL, mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/types", dir);
	for (i = 0; i < 4; i++) {
		/* Ids and places that are none, and no end to probe for. */
		memset(file, 0xff, sizeof(file));
		memcpy(file, (u32[]){ self->raw_len, nr, 16 }, 12);
		if (i == 1)	/* within the types, and not on one's start */
			memset(&file[3], 0, nr * sizeof(u32));
		if (i == 2)	/* the last bytes */
			for (u32 at = 3; at < 3 + nr; at++)
				file[at] = self->kt->types_len - 4;
		if (i == 3)	/* between two words */
			for (u32 at = 3; at < 3 + nr; at++)
				file[at] = 2;
		ktype_index_close(kt);
		ASSERT_EQ(0, kcache_store(dir, "types", 2, &iov, 1));
		ASSERT_EQ(0, ktype_index_open(kt, dir));
		EXPECT_EQ(NULL, kt->built);
		EXPECT_EQ(-ENOENT, ktype_find(kt, "outer"));
		for (u32 t = 0; t <= nr + 1; t++) {
			ktype_layout(kt, t, &self->out);
			EXPECT_EQ(!t || (i == 1 && t <= nr),
				  !!ktype_by_id(kt, t));
			EXPECT_GE(i == 1 ? 4 : 0, ktype_resolve_size(kt, t));
		}
	}
	/* Of another BTF, of absurd size, cut: built anew, and kept. */
	for (i = 0; i < 4; i++) {
		memset(file, 0, sizeof(file));
		memcpy(file, (u32[]){ self->raw_len + (i == 0),
				      i == 1 ? UINT32_MAX : nr,
				      i == 2 ? 15 : 16 }, 12);
		iov.iov_len = i == 3 ? 8 : (3 + nr + 16) * sizeof(u32);
		ktype_index_close(kt);
		ASSERT_EQ(0, kcache_store(dir, "types", 2, &iov, 1));
		ASSERT_EQ(0, ktype_index_open(kt, dir));
		EXPECT_NE(NULL, kt->built);
		EXPECT_EQ(id, ktype_find(kt, "outer"));
	}
	unlink(path);
	rmdir(dir);
}

TEST_F(ktype, type_that_is_not_whole)
{
	int id = ktype_find(self->kt, "outer");
	u32 at = self->kt->at[id - 1], len;

	/* Its head, then its members. */
	for (len = 0; len < 12 + 13 * 12; len += 4) {
		self->kt->types_len = at + len;
		EXPECT_EQ(NULL, ktype_by_id(self->kt, (u32)id));
	}
	self->kt->types_len = at + len;
	EXPECT_NE(NULL, ktype_by_id(self->kt, (u32)id));
}

TEST(sizes_without_an_end)
{
	struct btf *b = btf__new_empty();
	int ch = btf__add_int(b, "char", 1, 0);
	int half = btf__add_array(b, ch, ch, 0x80000000);
	int all = btf__add_array(b, ch, half, 2);
	int ptrs = btf__add_array(b, ch, btf__add_ptr(b, 0), 0x20000000);
	int wrap = btf__add_array(b, ch, btf__add_array(b, ch, half, 0x80000000), 4);
	int loop = btf__add_typedef(b, "loop", (int)btf__type_cnt(b));
	int func = btf__add_func_proto(b, 0);
	struct ktype *kt;
	const void *raw;
	u32 len;

	raw = btf__raw_data(b, &len);
	ASSERT_EQ(0, ktype_open_data(raw, len, NULL, &kt, NULL));
	EXPECT_EQ(0x80000000, ktype_resolve_size(kt, (u32)half));
	EXPECT_EQ(-E2BIG, ktype_resolve_size(kt, (u32)all));
	EXPECT_EQ(-E2BIG, ktype_resolve_size(kt, (u32)ptrs));
	EXPECT_EQ(-E2BIG, ktype_resolve_size(kt, (u32)wrap));
	EXPECT_EQ(-EINVAL, ktype_resolve_size(kt, (u32)loop));
	EXPECT_EQ(-EINVAL, ktype_resolve_size(kt, (u32)func));
	EXPECT_EQ(-EINVAL, ktype_resolve_size(kt, 0));
	EXPECT_EQ(-EINVAL, ktype_resolve_size(kt, 1000));
	ktype_close(kt);
	btf__free(b);
}

/* Cut and damaged BTF is refused or stays within its bytes. */
TEST_F(ktype, damaged)
{
	u32 at, refused = 0;

	for (at = 0; at < self->raw_len; at += 3) {
		u8 *copy = malloc(self->raw_len);
		struct ktype *kt = NULL;
		struct kfield f;

		memcpy(copy, self->raw, self->raw_len);
		copy[at] ^= 0xa5;
		if (ktype_open_data(copy, self->raw_len, NULL, &kt, NULL)) {
			refused++;
		} else {
			u32 id;

			ktype_field(kt, "outer.arr[1].tag", &f, NULL);
			for (id = 0; id <= ktype_nr(kt) + 1; id++) {
				buf_reset(&self->out);
				ktype_layout(kt, id, &self->out);
			}
			ktype_close(kt);
		}
		free(copy);
		copy = malloc(at ? at : 1);
		memcpy(copy, self->raw, at);
		EXPECT_NE(0, ktype_open_data(copy, at, NULL, &kt, NULL));
		free(copy);
	}
	EXPECT_LT(20, refused);
}

TEST_HARNESS_MAIN
