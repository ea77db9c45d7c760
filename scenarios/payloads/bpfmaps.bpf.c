// SPDX-License-Identifier: GPL-2.0-only
/*
 * One map of each kind that the host reads, and a program that changes all of
 * them each time it is run, differently on each CPU. See bpfload.c.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define KEYS 4

enum mood { CALM, BUSY = 7, UPSET = -1 };

struct inner {
	__u16 port;
	__s8 small;
};

struct mac {
	__u8 byte[6];
};

struct stats {
	__u64 hits;
	__s32 lowest;
	enum mood mood;
	char tag[12];
	struct inner in;
};

#define MAP(map, kind, entries, of)			\
	struct {					\
		__uint(type, kind);			\
		__uint(max_entries, entries);		\
		__type(key, __u32);			\
		__type(value, of);			\
	} map SEC(".maps")

MAP(cells, BPF_MAP_TYPE_ARRAY, KEYS, struct stats);
MAP(cpu_cells, BPF_MAP_TYPE_PERCPU_ARRAY, KEYS, __u64);
MAP(table, BPF_MAP_TYPE_HASH, 64, struct stats);
MAP(cpu_table, BPF_MAP_TYPE_PERCPU_HASH, 64, __u64);
/* Room for each CPU's own free list: who moves must not evict. */
MAP(lru, BPF_MAP_TYPE_LRU_HASH, 1024, __u64);
MAP(cpu_lru, BPF_MAP_TYPE_LRU_PERCPU_HASH, 1024, __u64);

/* Not allocated beforehand, and a key that leaves room before the value. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 64);
	__type(key, struct mac);
	__type(value, __u64);
} cpu_macs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct stats);
} tasks SEC(".maps");

/* .bss, .data and .rodata. */
__u64 runs;
__s32 knob;
struct stats total;
__s64 start = -5;
__u32 step = 3;
const volatile __u32 limit = 1000;

static void count(struct stats *s, __u32 key)
{
	s->hits += key + 1;
	s->lowest = -(__s32)s->hits;
	s->mood = s->hits & 1 ? BUSY : UPSET;
	__builtin_memcpy(s->tag, "vmtap-bpf", 10);
	s->in.port = 8000 + key;
	s->in.small = -(__s8)key;
}

static void count_key(__u32 key)
{
	__u64 *n = bpf_map_lookup_elem(&cpu_cells, &key);
	struct mac mac = { 0 };
	struct stats *s = bpf_map_lookup_elem(&cells, &key);

	if (s)
		count(s, key);
	if (n)
		*n += 10 * (key + 1) + bpf_get_smp_processor_id();
	s = bpf_map_lookup_elem(&table, &key);
	if (s)
		count(s, key + 1);
	n = bpf_map_lookup_elem(&cpu_table, &key);
	if (n)
		*n += 100 * (key + 1) + bpf_get_smp_processor_id();
	n = bpf_map_lookup_elem(&lru, &key);
	if (n)
		*n += step;
	n = bpf_map_lookup_elem(&cpu_lru, &key);
	if (n)
		*n += 1000 * (key + 1) + bpf_get_smp_processor_id();
	mac.byte[0] = (__u8)key;
	n = bpf_map_lookup_elem(&cpu_macs, &mac);
	if (n)
		*n += 10000 * (key + 1) + bpf_get_smp_processor_id();
}

SEC("syscall")
int touch(void *ctx)
{
	struct stats *s;
	__u32 key;

	for (key = 0; key < KEYS; key++)
		count_key(key);
	s = bpf_task_storage_get(&tasks, bpf_get_current_task_btf(), NULL,
				 BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (s)
		count(s, 6);
	if (runs < limit)
		runs++;
	count(&total, knob & 0xff);
	start--;
	return 0;
}

char _license[] SEC("license") = "GPL";
