/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bpfmap: BPF maps and programs from guest memory, with no system call in the
 * guest: map_idr and prog_idr are walked, values are read where the kernel
 * keeps them, and typed by the map's own BTF, itself read from the guest.
 */
#ifndef VMTAP_FREEZE_BPFMAP_H
#define VMTAP_FREEZE_BPFMAP_H

#include "freeze/kread.h"

#define BPFMAP_NAME_SIZE 16
#define BPFMAP_MAX 4096

struct bpfmap {
	gva_t addr;		/* struct bpf_map */
	u32 id;
	char name[BPFMAP_NAME_SIZE + 1];
	u32 type;		/* enum bpf_map_type */
	u32 key_size;
	u32 value_size;
	u32 max_entries;
	u32 flags;
	u32 btf_value_type_id;	/* 0: none */
	gva_t btf;		/* struct btf, 0: none */
	bool frozen;		/* no system call writes it any more */
};

struct bpfprog {
	u32 id;
	char name[BPFMAP_NAME_SIZE + 1];
	u32 type;		/* enum bpf_prog_type */
	u32 verified_insns;
	u32 jited_len;
	u64 run_cnt;		/* summed over CPUs; counted with bpf_stats_enabled */
	u64 run_time_ns;
	u64 recursion_misses;
};

/** bpfmap_list() - all maps; @out is malloc'ed. Return: 0, -ENOENT, -EFAULT, -ENOMEM */
int bpfmap_list(const struct kread *k, struct bpfmap **out, size_t *nr,
		struct diag *d);

/**
 * bpfmap_find() - the map whose name ends in @suffix (".bss" finds "prog.bss")
 * An exact name wins; of several with the suffix the highest id (the newest).
 * Return: 0, -ENOENT, as bpfmap_list().
 */
int bpfmap_find(const struct kread *k, const char *suffix, struct bpfmap *out,
		struct diag *d);

/**
 * bpfmap_used() - does a program that was loaded use the map
 * Only then has its loader filled it: libbpf writes .data and .bss first.
 * Return: 1, 0, or as bpfmap_list().
 */
int bpfmap_used(const struct kread *k, const struct bpfmap *m, struct diag *d);

/**
 * bpfmap_array_addr() - where element @index of an array map lies
 * @cpu: of a per-CPU array, else ignored
 * Return: 0, -ERANGE, -EOPNOTSUPP no array, -EFAULT.
 */
int bpfmap_array_addr(const struct kread *k, const struct bpfmap *m, u32 index,
		      unsigned int cpu, gva_t *out);

/* One element of a hash map; pointers are valid during the call. */
typedef int (*bpfmap_hash_fn)(const struct kread *k, const void *key,
			      gva_t value, void *arg);

/**
 * bpfmap_hash_walk() - all elements of a (per-CPU) hash map, in bucket order
 * @fn: gets the value's address; for a per-CPU map the __percpu pointer
 * Return: elements seen; -EOPNOTSUPP, -EFAULT, -ELOOP, or what @fn returned.
 */
int bpfmap_hash_walk(const struct kread *k, const struct bpfmap *m,
		     unsigned int max, bpfmap_hash_fn fn, void *arg);

/**
 * bpfmap_hash_addr() - where the value of @key lies in a (per-CPU) hash map
 * @key: key_size bytes. @cpu: of a per-CPU map, else ignored
 * Return: 0, -ENOENT no such key, as bpfmap_hash_walk().
 */
int bpfmap_hash_addr(const struct kread *k, const struct bpfmap *m,
		     const void *key, unsigned int cpu, gva_t *out);

/**
 * bpfmap_task_addr() - where the value of thread @pid lies in a task storage
 * @pid: as the initial namespace counts. Return: 0; -ENOENT no such thread, or
 * it has no value; -EOPNOTSUPP another kind of map; -EFAULT; -ELOOP.
 */
int bpfmap_task_addr(const struct kread *k, const struct bpfmap *m, s32 pid,
		     gva_t *out);

/**
 * bpfmap_types() - the BTF that types the map's value
 * @out: ktype_close() frees. Return: 0, -ENOENT no BTF, -EFAULT, -EINVAL.
 */
int bpfmap_types(const struct kread *k, const struct bpfmap *m,
		 struct ktype **out, struct diag *d);

/** bpfprog_list() - all programs; as bpfmap_list() */
int bpfprog_list(const struct kread *k, struct bpfprog **out, size_t *nr,
		 struct diag *d);

#endif
