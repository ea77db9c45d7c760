// SPDX-License-Identifier: GPL-2.0-only
/* BPF maps in guest memory, typed paths, and the write into a map. */
#include "freeze/bpfmap.h"

#include <errno.h>
#include <linux/bpf.h>
#include <string.h>

#include <bpf/btf.h>
#include <kselftest_harness.h>

#include "freeze/bpfwrite.h"
#include "freeze/kpath.h"
#include "selftests/lib/kguest.h"
#include "vmm/base/buf.h"
#include "vmm/base/diag.h"

#define NR_CPUS 2
#define VALUE 24	/* of the .bss map: u32 crash, u64 counter, char tag[8] */

FIXTURE(bpf) {
	struct kguest g;
	struct diag d;
	struct buf out;
	gva_t idr, node, progs;
	gva_t bss, arr, pcarr, hash;
	gva_t offsets;
	gva_t init_task;
	unsigned int nr;
	u32 bss_type;
};

/* Put @b into guest memory behind a struct btf, and free it. */
static gva_t place_btf(struct kguest *g, struct btf *b, u64 base)
{
	u32 len;
	const void *raw = btf__raw_data(b, &len);
	gva_t data = kguest_alloc(g, len, 8), at = kguest_alloc(g, 24, 8);

	memcpy(kguest_ptr(g, data), raw, len);
	kguest_set(g, at, "btf.data", data);
	kguest_set(g, at, "btf.data_size", len);
	kguest_set(g, at, "btf.base_btf", base);
	btf__free(b);
	return at;
}

/* BTF of the BPF object. */
static gva_t object_btf(FIXTURE_DATA(bpf) *self)
{
	struct btf *b = btf__new_empty();
	int u32t = btf__add_int(b, "u32", 4, 0);
	int u64t = btf__add_int(b, "u64", 8, 0);
	int ch = btf__add_int(b, "char", 1, BTF_INT_SIGNED);
	int tag = btf__add_array(b, u32t, ch, 8);
	int vars[3];

	vars[0] = btf__add_var(b, "crash", BTF_VAR_GLOBAL_ALLOCATED, u32t);
	vars[1] = btf__add_var(b, "counter", BTF_VAR_GLOBAL_ALLOCATED, u64t);
	vars[2] = btf__add_var(b, "tag", BTF_VAR_GLOBAL_ALLOCATED, tag);
	self->bss_type = (u32)btf__add_datasec(b, ".bss", VALUE);
	btf__add_datasec_var_info(b, vars[0], 0, 4);
	btf__add_datasec_var_info(b, vars[1], 8, 8);
	btf__add_datasec_var_info(b, vars[2], 16, 8);
	return place_btf(&self->g, b, 0);
}

static gva_t add_map(FIXTURE_DATA(bpf) *self, const char *name, u32 type,
		     u32 value_size, u32 entries, u64 size)
{
	struct kguest *g = &self->g;
	gva_t m = kguest_alloc(g, size, 64);

	self->nr++;
	kguest_set(g, m, "bpf_map.id", self->nr);
	kguest_set(g, m, "bpf_map.map_type", type);
	kguest_set(g, m, "bpf_map.key_size", 4);
	kguest_set(g, m, "bpf_map.value_size", value_size);
	kguest_set(g, m, "bpf_map.max_entries", entries);
	strcpy(kguest_ptr(g, m + kguest_offset(g, "bpf_map.name")), name);
	kguest_put(g, self->node + kguest_offset(g, "xa_node.slots") +
		   self->nr * 8, m, 8);
	return m;
}

static void add_maps(FIXTURE_DATA(bpf) *self)
{
	struct kguest *g = &self->g;
	gva_t btf = object_btf(self);

	self->bss = add_map(self, "object.bss", BPF_MAP_TYPE_ARRAY, VALUE, 1,
			    256);
	kguest_set(g, self->bss, "bpf_array.elem_size", VALUE);
	kguest_set(g, self->bss, "bpf_map.btf", btf);
	kguest_set(g, self->bss, "bpf_map.btf_value_type_id", self->bss_type);
	self->arr = add_map(self, "numbers", BPF_MAP_TYPE_ARRAY, 4, 10, 256);
	kguest_set(g, self->arr, "bpf_array.elem_size", 8);
	kguest_set(g, self->arr, "bpf_map.btf", btf);
	kguest_set(g, self->arr, "bpf_map.btf_value_type_id", 1);
	self->pcarr = add_map(self, "percpu", BPF_MAP_TYPE_PERCPU_ARRAY, 8, 2,
			      256);
	self->hash = add_map(self, "hits", BPF_MAP_TYPE_HASH, 8, 100, 256);
	kguest_set(g, self->hash, "bpf_map.btf", btf);
	kguest_set(g, self->hash, "bpf_map.btf_value_type_id", 2);
}

FIXTURE_SETUP(bpf)
{
	struct kguest *g = &self->g;
	gva_t nr, rq;

	memset(self, 0, sizeof(*self));
	kguest_init(g);
	self->idr = kguest_alloc(g, 24, 8);
	self->node = kguest_alloc(g, 168, 64);
	kguest_symbol(g, "map_idr", self->idr);
	self->progs = kguest_alloc(g, 24, 8);
	kguest_symbol(g, "prog_idr", self->progs);
	nr = kguest_alloc(g, 4, 4);
	kguest_put(g, nr, NR_CPUS, 4);
	kguest_symbol(g, "nr_cpu_ids", nr);
	self->offsets = kguest_alloc(g, 16, 8);
	kguest_put(g, self->offsets + 8, 4096, 8);
	kguest_symbol(g, "__per_cpu_offset", self->offsets);
	rq = kguest_alloc(g, 64, 64);
	kguest_symbol(g, "__per_cpu_start", rq);
	kguest_symbol(g, "runqueues", rq);
	kguest_symbol(g, "__per_cpu_end", rq + 64);
	self->init_task = kguest_alloc(g, 256, 64);
	kguest_symbol(g, "init_task", self->init_task);
	kguest_symbol(g, "untyped", self->init_task);
	kguest_ready(g);
	kguest_set(g, self->idr, "xarray.xa_head", self->node | 2);
	add_maps(self);
}

FIXTURE_TEARDOWN(bpf)
{
	buf_reset(&self->out);
	diag_reset(&self->d);
	kguest_free(&self->g);
}

TEST_F(bpf, maps_by_name_and_suffix)
{
	struct bpfmap *maps, m;
	size_t nr;

	ASSERT_EQ(0, bpfmap_list(&self->g.k, &maps, &nr, &self->d));
	ASSERT_EQ(4, nr);
	EXPECT_STREQ("object.bss", maps[0].name);
	EXPECT_EQ(4, maps[3].id);
	free(maps);
	ASSERT_EQ(0, bpfmap_find(&self->g.k, ".bss", &m, &self->d));
	EXPECT_EQ(self->bss, m.addr);
	EXPECT_EQ(VALUE, m.value_size);
	EXPECT_EQ(-ENOENT, bpfmap_find(&self->g.k, ".data", &m, &self->d));
	EXPECT_NE(NULL, strstr(diag_text(&self->d), ".data"));
	/* The newest of several, but an exact name before all. */
	add_map(self, "other.bss", BPF_MAP_TYPE_ARRAY, 8, 1, 128);
	ASSERT_EQ(0, bpfmap_find(&self->g.k, ".bss", &m, &self->d));
	EXPECT_STREQ("other.bss", m.name);
	ASSERT_EQ(0, bpfmap_find(&self->g.k, "object.bss", &m, &self->d));
	EXPECT_EQ(self->bss, m.addr);
}

TEST_F(bpf, map_that_is_gone_hides_no_other)
{
	struct bpfmap *maps;
	size_t nr;

	kguest_put(&self->g, self->node + kguest_offset(&self->g, "xa_node.slots") +
		   2 * 8, 0xffff888000000000, 8);
	ASSERT_EQ(0, bpfmap_list(&self->g.k, &maps, &nr, &self->d));
	EXPECT_EQ(3, nr);
	free(maps);
}

TEST_F(bpf, array_elements)
{
	struct bpfmap m;
	gva_t at;

	ASSERT_EQ(0, bpfmap_find(&self->g.k, "numbers", &m, &self->d));
	EXPECT_EQ(0, bpfmap_array_addr(&self->g.k, &m, 9, 0, &at));
	EXPECT_EQ(self->arr + kguest_offset(&self->g, "bpf_array.value") + 72, at);
	EXPECT_EQ(-ERANGE, bpfmap_array_addr(&self->g.k, &m, 10, 0, &at));
	ASSERT_EQ(0, bpfmap_find(&self->g.k, "percpu", &m, &self->d));
	kguest_put(&self->g, self->pcarr +
		   kguest_offset(&self->g, "bpf_array.pptrs") + 8, 0x1000, 8);
	EXPECT_EQ(0, bpfmap_array_addr(&self->g.k, &m, 1, 1, &at));
	EXPECT_EQ(0x2000, at);
	ASSERT_EQ(0, bpfmap_find(&self->g.k, "hits", &m, &self->d));
	EXPECT_EQ(-EOPNOTSUPP, bpfmap_array_addr(&self->g.k, &m, 0, 0, &at));
}

/* Two buckets; the elements' keys and values are told by number. */
static gva_t add_elem(FIXTURE_DATA(bpf) *self, u32 key, u64 value, u64 next)
{
	gva_t e = kguest_alloc(&self->g, 64, 8);

	kguest_put(&self->g, e, next, 8);
	kguest_put(&self->g, e + 48, key, 4);
	kguest_put(&self->g, e + 56, value, 8);
	return e;
}

static gva_t add_buckets(FIXTURE_DATA(bpf) *self)
{
	gva_t b = kguest_alloc(&self->g, 32, 8);

	kguest_set(&self->g, self->hash, "bpf_htab.buckets", b);
	kguest_set(&self->g, self->hash, "bpf_htab.n_buckets", 2);
	kguest_put(&self->g, b, 1, 8);	/* nulls: the end */
	kguest_put(&self->g, b + 16, 3, 8);
	return b;
}

struct sum {
	u64 keys;
	u64 values;
};

static int add_up(const struct kread *k, const void *key, gva_t value, void *arg)
{
	struct sum *s = arg;
	u32 n;
	u64 v;

	memcpy(&n, key, 4);
	s->keys += n;
	if (!vas_read_u64(&k->vas, value, &v))
		s->values += v;
	return 0;
}

TEST_F(bpf, hash_walk_and_lookup)
{
	gva_t b = add_buckets(self), e, at;
	struct sum s = { 0 };
	struct bpfmap m;
	u32 key = 12;

	e = add_elem(self, 10, 100, 1);
	e = add_elem(self, 11, 200, e);
	kguest_put(&self->g, b, e, 8);
	kguest_put(&self->g, b + 16, add_elem(self, 12, 400, 3), 8);
	ASSERT_EQ(0, bpfmap_find(&self->g.k, "hits", &m, &self->d));
	EXPECT_EQ(3, bpfmap_hash_walk(&self->g.k, &m, 100, add_up, &s));
	EXPECT_EQ(33, s.keys);
	EXPECT_EQ(700, s.values);
	EXPECT_EQ(0, bpfmap_hash_addr(&self->g.k, &m, &key, 0, &at));
	EXPECT_EQ(400, *(u64 *)kguest_ptr(&self->g, at));
	key = 13;
	EXPECT_EQ(-ENOENT, bpfmap_hash_addr(&self->g.k, &m, &key, 0, &at));
	EXPECT_EQ(-ELOOP, bpfmap_hash_walk(&self->g.k, &m, 2, add_up, &s));
}

static gva_t value_at(FIXTURE_DATA(bpf) *self, unsigned int cpu)
{
	struct bpfmap m;
	u64 key = 5;
	gva_t at = 0;

	if (bpfmap_find(&self->g.k, "hits", &m, NULL) ||
	    bpfmap_hash_addr(&self->g.k, &m, &key, cpu, &at))
		return 0;
	return at;
}

/* Until 6.14 the pointer follows the key at once, since then at 8 bytes. */
TEST_F(bpf, percpu_hash_of_old_and_new_kernels)
{
	const u64 ptr = 0x80008;	/* its upper half can be followed, too */
	struct kguest *g = &self->g;
	gva_t b = add_buckets(self), e = add_elem(self, 5, 0, 1);

	kguest_put(g, self->offsets, KGUEST_VIRT, 8);
	kguest_put(g, b, e, 8);
	kguest_set(g, self->hash, "bpf_map.map_type", BPF_MAP_TYPE_LRU_PERCPU_HASH);
	kguest_set(g, self->hash, "bpf_map.key_size", 6);
	EXPECT_EQ(0, value_at(self, 0));
	kguest_put(g, e + 48 + 6, ptr, 8);
	EXPECT_EQ(KGUEST_VIRT + ptr, value_at(self, 0));
	EXPECT_EQ(ptr + 4096, value_at(self, 1));
	kguest_put(g, e + 48 + 6, 0, 8);
	kguest_put(g, e + 48 + 8, ptr, 8);
	EXPECT_EQ(KGUEST_VIRT + ptr, value_at(self, 0));
	/* Memory that was used before. */
	kguest_put(g, e + 48 + 6, 0x1234, 2);
	EXPECT_EQ(KGUEST_VIRT + ptr, value_at(self, 0));
	/* A gap of one byte: 256 times the pointer can be followed, too. */
	kguest_set(g, self->hash, "bpf_map.key_size", 7);
	kguest_put(g, e + 48, 5, 8);
	kguest_put(g, e + 48 + 8, 0x508, 8);
	EXPECT_EQ(KGUEST_VIRT + 0x508, value_at(self, 0));
	/* Without a gap both are one place. */
	kguest_put(g, e + 48 + 8, ptr, 8);
	kguest_set(g, self->hash, "bpf_map.key_size", 8);
	kguest_put(g, e + 48, 5, 8);
	EXPECT_EQ(KGUEST_VIRT + ptr, value_at(self, 0));
}

TEST_F(bpf, hash_chain_that_loops)
{
	gva_t b = add_buckets(self), e = add_elem(self, 1, 2, 0);
	struct sum s = { 0 };
	struct bpfmap m;

	kguest_put(&self->g, e, e, 8);
	kguest_put(&self->g, b, e, 8);
	ASSERT_EQ(0, bpfmap_find(&self->g.k, "hits", &m, &self->d));
	EXPECT_EQ(-ELOOP, bpfmap_hash_walk(&self->g.k, &m, 1000, add_up, &s));
	EXPECT_EQ(1000, s.keys);
	kguest_set(&self->g, self->hash, "bpf_htab.n_buckets", UINT32_MAX);
	EXPECT_EQ(-EFAULT, bpfmap_hash_walk(&self->g.k, &m, 1000, add_up, &s));
}

TEST_F(bpf, map_that_a_program_uses)
{
	struct kguest *g = &self->g;
	gva_t prog = kguest_alloc(g, 16, 8), aux = kguest_alloc(g, 24, 8);
	gva_t maps = kguest_alloc(g, 16, 8), gone = 0xffff888000000000;
	struct bpfmap m;

	ASSERT_EQ(0, bpfmap_find(&g->k, ".bss", &m, &self->d));
	EXPECT_EQ(0, bpfmap_used(&g->k, &m, &self->d));
	kguest_set(g, self->progs, "xarray.xa_head", prog);
	kguest_set(g, prog, "bpf_prog.aux", aux);
	kguest_set(g, aux, "bpf_prog_aux.used_maps", maps);
	kguest_put(g, maps, self->arr, 8);
	kguest_put(g, maps + 8, self->bss, 8);
	kguest_set(g, aux, "bpf_prog_aux.used_map_cnt", 1);
	EXPECT_EQ(0, bpfmap_used(&g->k, &m, &self->d));
	kguest_set(g, aux, "bpf_prog_aux.used_map_cnt", 2);
	EXPECT_EQ(1, bpfmap_used(&g->k, &m, &self->d));
	/* Lies: a list that is not there, a count without end. */
	kguest_set(g, aux, "bpf_prog_aux.used_maps", gone);
	EXPECT_EQ(0, bpfmap_used(&g->k, &m, &self->d));
	kguest_set(g, aux, "bpf_prog_aux.used_maps", self->node);
	kguest_set(g, aux, "bpf_prog_aux.used_map_cnt", UINT32_MAX);
	EXPECT_EQ(1, bpfmap_used(&g->k, &m, &self->d));
	kguest_set(g, self->progs, "xarray.xa_head", gone);
	EXPECT_EQ(0, bpfmap_used(&g->k, &m, &self->d));
}

TEST_F(bpf, frozen_map)
{
	struct bpfmap m;

	ASSERT_EQ(0, bpfmap_find(&self->g.k, ".bss", &m, &self->d));
	EXPECT_FALSE(m.frozen);
	kguest_set(&self->g, self->bss, "bpf_map.frozen", 1);
	ASSERT_EQ(0, bpfmap_find(&self->g.k, ".bss", &m, &self->d));
	EXPECT_TRUE(m.frozen);
}

/* A process of one thread, with storage for @map and, before it, for another. */
static gva_t add_stored(FIXTURE_DATA(bpf) *self, gva_t map)
{
	struct kguest *g = &self->g;
	gva_t task = kguest_alloc(g, 128, 8), signal = kguest_alloc(g, 32, 8);
	gva_t storage = kguest_alloc(g, 16, 8), elem[2];
	u64 tasks = kguest_offset(g, "task_struct.tasks");
	u64 node = kguest_offset(g, "task_struct.thread_node");
	u64 snode = kguest_offset(g, "bpf_local_storage_elem.snode");

	elem[0] = kguest_alloc(g, 48, 8);
	elem[1] = kguest_alloc(g, 48, 8);
	kguest_set(g, self->init_task, "task_struct.tasks.next", task + tasks);
	kguest_set(g, task, "task_struct.tasks.next", self->init_task + tasks);
	kguest_set(g, task, "task_struct.pid", 5000);
	kguest_set(g, task, "task_struct.signal", signal);
	kguest_set(g, signal, "signal_struct.thread_head.next", task + node);
	kguest_set(g, task, "task_struct.thread_node.next", signal +
		   kguest_offset(g, "signal_struct.thread_head"));
	kguest_set(g, task, "task_struct.bpf_storage", storage);
	kguest_set(g, storage, "bpf_local_storage.list.first", elem[0] + snode);
	kguest_set(g, elem[0], "bpf_local_storage_elem.snode.next",
		   elem[1] + snode);
	kguest_set(g, elem[1], "bpf_local_storage_elem.sdata.smap", map);
	return elem[1];
}

TEST_F(bpf, task_storage_by_pid)
{
	struct kguest *g = &self->g;
	gva_t map = add_map(self, "tasks", BPF_MAP_TYPE_TASK_STORAGE, 8, 0, 128);
	gva_t elem = add_stored(self, map), at;
	u64 snode = kguest_offset(g, "bpf_local_storage_elem.snode");
	struct bpfmap m;

	ASSERT_EQ(0, bpfmap_find(&g->k, "tasks", &m, &self->d));
	ASSERT_EQ(0, bpfmap_task_addr(&g->k, &m, 5000, &at));
	EXPECT_EQ(elem + kguest_offset(g, "bpf_local_storage_elem.sdata.data"), at);
	EXPECT_EQ(-ENOENT, bpfmap_task_addr(&g->k, &m, 5001, &at));
	EXPECT_EQ(-ENOENT, bpfmap_task_addr(&g->k, &m, 0, &at));
	m.addr++;
	EXPECT_EQ(-ENOENT, bpfmap_task_addr(&g->k, &m, 5000, &at));
	/* A list that loops, and one that leads nowhere. */
	kguest_set(g, elem, "bpf_local_storage_elem.snode.next", elem + snode);
	EXPECT_EQ(-ELOOP, bpfmap_task_addr(&g->k, &m, 5000, &at));
	kguest_set(g, elem, "bpf_local_storage_elem.snode.next", 0x1000);
	EXPECT_EQ(-EFAULT, bpfmap_task_addr(&g->k, &m, 5000, &at));
	ASSERT_EQ(0, bpfmap_find(&g->k, ".bss", &m, &self->d));
	EXPECT_EQ(-EOPNOTSUPP, bpfmap_task_addr(&g->k, &m, 5000, &at));
}

static const char *read_path(FIXTURE_DATA(bpf) *self, const char *path)
{
	struct kvalue v = { 0 };

	buf_reset(&self->out);
	if (kpath_read(&self->g.k, path, &v, &self->d))
		return diag_text(&self->d);
	kvalue_print(&v, &self->out);
	kvalue_reset(&v);
	return buf_str(&self->out);
}

TEST_F(bpf, paths_into_maps)
{
	gva_t value = self->bss + kguest_offset(&self->g, "bpf_array.value");

	kguest_put(&self->g, value + 8, 4711, 8);
	strcpy(kguest_ptr(&self->g, value + 16), "tagged");
	EXPECT_STREQ("4711", read_path(self, "map(\".bss\").counter"));
	EXPECT_STREQ("\"tagged\"", read_path(self, "map(\".bss\").tag"));
	EXPECT_STREQ("{.crash = 0, .counter = 4711, .tag = \"tagged\"}",
		     read_path(self, "map(\".bss\")"));
	kguest_put(&self->g, self->arr +
		   kguest_offset(&self->g, "bpf_array.value") + 3 * 8, 9, 4);
	EXPECT_STREQ("9", read_path(self, "map(\"numbers\")[3]"));
	EXPECT_NE(NULL, strstr(read_path(self, "map(\"numbers\")[10]"),
			       "past its last entry"));
	EXPECT_NE(NULL, strstr(read_path(self, "map(\".bss\").nope"),
			       "column 13: no member nope"));
	EXPECT_NE(NULL, strstr(read_path(self, "map(\"percpu\")[0]"), "no BTF"));
	EXPECT_NE(NULL, strstr(read_path(self, "map(\".nope\")"), ".nope"));
	EXPECT_NE(NULL, strstr(read_path(self, "map(\".bss"), "expected"));
	kguest_put(&self->g, add_buckets(self), add_elem(self, 5, 55, 1), 8);
	EXPECT_STREQ("55", read_path(self, "map(\"hits\")[5]"));
	EXPECT_NE(NULL, strstr(read_path(self, "map(\"hits\")[6]"),
			       "no such key"));
}

/* A module's BTF has its own types only, over those of the kernel. */
TEST_F(bpf, value_typed_by_split_btf)
{
	struct kguest *g = &self->g;
	gva_t value = self->arr + kguest_offset(g, "bpf_array.value");
	u32 len;
	void *raw = kguest_btf(&len);
	struct btf *kernel = btf__new(raw, len);
	struct btf *b = btf__new_empty_split(kernel);
	int id = btf__add_struct(b, "module_value", 24);

	btf__add_field(b, "n", btf__find_by_name(kernel, "u64"), 0, 0);
	btf__add_field(b, "node", btf__find_by_name(kernel, "list_head"), 64, 0);
	kguest_set(g, self->arr, "bpf_map.btf", place_btf(g, b, 0x1000));
	kguest_set(g, self->arr, "bpf_map.btf_value_type_id", (u32)id);
	kguest_put(g, value, 77, 8);
	kguest_put(g, value + 16, 0x1234, 8);
	EXPECT_STREQ("{.n = 77, .node = {.next = 0x0, .prev = 0x1234}}",
		     read_path(self, "map(\"numbers\")[0]"));
	EXPECT_STREQ("0x1234", read_path(self, "map(\"numbers\")[0].node.prev"));
	btf__free(kernel);
	free(raw);
}

TEST_F(bpf, paths_into_the_kernel)
{
	struct kguest *g = &self->g;
	u64 rq;

	strcpy(kguest_ptr(g, self->init_task +
			  kguest_offset(g, "task_struct.comm")), "swapper/0");
	kguest_set(g, self->init_task, "task_struct.pid", (u32)-3);
	kread_symbol(&g->k, "runqueues", &rq, NULL);
	kguest_set(g, rq, "rq.nr_running", 2);
	kguest_set(g, rq, "rq.curr", self->init_task);
	EXPECT_STREQ("\"swapper/0\"", read_path(self, "init_task.comm"));
	EXPECT_STREQ("-3", read_path(self, "init_task.pid"));
	EXPECT_STREQ("-3", read_path(self, "(struct task_struct)untyped.pid"));
	EXPECT_STREQ("115", read_path(self, "init_task.comm[0]"));
	EXPECT_STREQ("2", read_path(self, "runqueues[cpu=0].nr_running"));
	EXPECT_STREQ("4096", read_path(self, "__per_cpu_offset[1]"));
	EXPECT_NE(NULL, strstr(read_path(self, "runqueues.nr_running"),
			       "[cpu=N] was expected"));
	EXPECT_NE(NULL, strstr(read_path(self, "runqueues[cpu=2].clock"),
			       "cpu 2 of 2"));
	EXPECT_NE(NULL, strstr(read_path(self, "untyped.pid"), "(struct foo)"));
	EXPECT_NE(NULL, strstr(read_path(self, "nosuch"), "no symbol nosuch"));
	EXPECT_NE(NULL, strstr(read_path(self, "(struct zzz)untyped"),
			       "no type struct zzz"));
	EXPECT_NE(NULL, strstr(read_path(self, "init_task.signal.x"), "NULL"));
	EXPECT_NE(NULL, strstr(read_path(self, "init_task[cpu=1]"),
			       "not per CPU"));
}

TEST_F(bpf, check_tells_typos_without_a_guest)
{
	static const char *const good[] = {
		"init_task.comm", "runqueues[cpu=1].nr_running",
		"map(\".bss\").anything[3]", "__per_cpu_offset[0]",
		"(struct task_struct *)untyped->pid",
	};
	static const char *const bad[] = {
		"", ".", "init_task.", "init_task.nope", "init_task..comm",
		"init_task[", "init_task.comm[", "init_task.comm[99]",
		"init_task.comm[1", "init_task.comm[x]", "runqueues",
		"runqueues[cpu=]", "runqueues[cpu=99999]", "__per_cpu_offset",
		"map(", "map(\"\")", "map(\"x\"", "map(\"x\").", "map(\"x\")[",
		"(", "()init_task", "(struct task_struct", "init_task pid",
		"init_task.comm[99999999999999999999]", "init_task->",
		"(struct task_struct *)runqueues[cpu=0].pid",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(good); i++) {
		EXPECT_EQ(0, kpath_check(self->g.sym, self->g.types, good[i],
					 &self->d)) {
			TH_LOG("%s: %s", good[i], diag_text(&self->d));
		}
	}
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_NE(0, kpath_check(self->g.sym, self->g.types, bad[i],
					 &self->d)) {
			TH_LOG("taken: %s", bad[i]);
		}
	}
}

TEST_F(bpf, write_by_field_and_offset)
{
	gva_t value = self->bss + kguest_offset(&self->g, "bpf_array.value");
	const struct kread *k = &self->g.k;
	struct bpfmap m;

	ASSERT_EQ(0, bpfmap_find(k, ".bss", &m, &self->d));
	EXPECT_EQ(0, bpfwrite_field(k, &m, "crash", 99, &self->d));
	EXPECT_EQ(99, *(u32 *)kguest_ptr(&self->g, value));
	EXPECT_EQ(0, bpfwrite_field(k, &m, "crash", (u64)-1, &self->d));
	EXPECT_EQ(UINT32_MAX, *(u32 *)kguest_ptr(&self->g, value));
	EXPECT_EQ(0, bpfwrite_field(k, &m, "counter", 1ULL << 40, &self->d));
	EXPECT_EQ(1ULL << 40, *(u64 *)kguest_ptr(&self->g, value + 8));
	EXPECT_EQ(-ERANGE, bpfwrite_field(k, &m, "crash", 1ULL << 32, &self->d));
	EXPECT_EQ(-ENOENT, bpfwrite_field(k, &m, "crsh", 1, &self->d));
	EXPECT_NE(NULL, strstr(diag_text(&self->d), "has no crsh"));
	EXPECT_EQ(-EINVAL, bpfwrite_field(k, &m, "tag", 1, &self->d));
	EXPECT_EQ(0, bpfwrite_bytes(k, &m, 0, 16, "by-hand", 8, &self->d));
	EXPECT_STREQ("by-hand", kguest_ptr(&self->g, value + 16));
	EXPECT_EQ(-ERANGE, bpfwrite_bytes(k, &m, 0, 17, "by-hand", 8, &self->d));
	EXPECT_EQ(-ERANGE, bpfwrite_bytes(k, &m, 1, 0, "x", 1, &self->d));
	EXPECT_EQ(-ERANGE, bpfwrite_bytes(k, &m, 0, UINT64_MAX, "x", 1,
					  &self->d));
	ASSERT_EQ(0, bpfmap_find(k, "hits", &m, &self->d));
	EXPECT_EQ(-EOPNOTSUPP, bpfwrite_bytes(k, &m, 0, 0, "x", 1, &self->d));
	ASSERT_EQ(0, bpfmap_find(k, "percpu", &m, &self->d));
	EXPECT_EQ(-EOPNOTSUPP, bpfwrite_bytes(k, &m, 0, 0, "x", 1, &self->d));
}

TEST_F(bpf, place_is_found_without_a_write)
{
	gva_t value = self->bss + kguest_offset(&self->g, "bpf_array.value");
	const struct kread *k = &self->g.k;
	struct bpfmap m;
	u64 offset, size;

	ASSERT_EQ(0, bpfmap_find(k, ".bss", &m, &self->d));
	EXPECT_EQ(0, bpfwrite_place(k, &m, "counter", 7, &offset, &size, &self->d));
	EXPECT_EQ(8, offset);
	EXPECT_EQ(8, size);
	EXPECT_EQ(0, bpfwrite_bytes(k, &m, 0, 8, NULL, 8, &self->d));
	EXPECT_EQ(-ERANGE, bpfwrite_bytes(k, &m, 0, 20, NULL, 8, &self->d));
	EXPECT_EQ(0, *(u64 *)kguest_ptr(&self->g, value + 8));
}

TEST_F(bpf, btf_of_absurd_size)
{
	struct ktype *kt;
	struct bpfmap m;

	ASSERT_EQ(0, bpfmap_find(&self->g.k, ".bss", &m, &self->d));
	kguest_set(&self->g, m.btf, "btf.data_size", UINT32_MAX);
	EXPECT_EQ(-EINVAL, bpfmap_types(&self->g.k, &m, &kt, &self->d));
	kguest_set(&self->g, m.btf, "btf.data_size", 100);
	EXPECT_EQ(-EINVAL, bpfmap_types(&self->g.k, &m, &kt, &self->d));
	kguest_set(&self->g, m.btf, "btf.data", 0x10);
	EXPECT_EQ(-EFAULT, bpfmap_types(&self->g.k, &m, &kt, &self->d));
}

TEST_HARNESS_MAIN
