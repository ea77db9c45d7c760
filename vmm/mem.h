/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * mem: the guest's RAM. The only way from a guest-physical address to a host
 * pointer is mem_ptr(); all devices and walkers go through this door.
 *
 * Layout: [0, min(size, 3 GiB)) below the hole, the rest from 4 GiB on.
 * One mapping holds both, so a range never spans the hole.
 */
#ifndef VMTAP_VMM_MEM_H
#define VMTAP_VMM_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/base/util.h"

typedef u64 gpa_t;	/* guest-physical; never dereferenced */
typedef u64 gva_t;	/* guest-virtual */

#define MEM_HOLE_START 0xc0000000ULL
#define MEM_HOLE_END 0x100000000ULL
#define MEM_MAX_REGIONS 4	/* a guest of ours has 2, a core may have more */

struct diag;

/* A stretch of RAM: contiguous in both address spaces. */
struct mem_region {
	gpa_t gpa;
	u64 size;
	u8 *hva;
	u64 file_off;	/* in the memfd */
};

struct mem {
	struct mem_region regions[MEM_MAX_REGIONS];
	unsigned int nr_regions;
	u64 size;	/* all RAM, bytes */
	int fd;		/* memfd; -1 over a plain buffer */
	u8 *map;	/* NULL over a plain buffer */
};

/**
 * mem_create() - memfd-backed zeroed RAM of @size bytes with the hole below 4G
 * Return: 0; -EINVAL where @size is 0 or no multiple of 4096; -ENOMEM.
 */
int mem_create(struct mem *mem, u64 size, struct diag *d);

/** mem_from_buffer() - one region over the caller's bytes (tests, dumps) */
void mem_from_buffer(struct mem *mem, gpa_t gpa, void *data, u64 size);

/** mem_destroy() - unmap; a plain buffer stays the caller's */
void mem_destroy(struct mem *mem);

/**
 * mem_ptr() - host address of [@gpa, @gpa + @len), NULL unless all of it is RAM
 * A zero @len is valid at any RAM address. The pointer lives as long as @mem;
 * the guest may change the bytes at any time: copy once, check the copy.
 */
void *mem_ptr(const struct mem *mem, gpa_t gpa, u64 len);

/**
 * mem_next_data() - the next stretch of a region that was ever touched
 * @start: in: offset in the region to look from; out: of the stretch
 * @end: of the stretch, exclusive; look from there for the next one
 *
 * To read the rest would make the host fill it with zeros. A plain buffer is
 * one stretch. Return: false where there is none.
 */
bool mem_next_data(const struct mem *mem, const struct mem_region *r, u64 *start,
		   u64 *end);

/** mem_read() - copy out; 0 or -EFAULT, then nothing was copied */
int mem_read(const struct mem *mem, gpa_t gpa, void *dst, u64 len);

/** mem_write() - copy in; 0 or -EFAULT, then nothing was written */
int mem_write(struct mem *mem, gpa_t gpa, const void *src, u64 len);

#endif
