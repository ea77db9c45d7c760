/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vmcore: a guest's memory and registers as an ELF core, as /proc/vmcore would
 * have it, for drgn, crash, gdb and our own reader.
 *
 *	ELF header, program headers
 *	PT_NOTE   NT_PRSTATUS of each CPU (pr_pid is its number + 1), VMCOREINFO
 *	PT_LOAD   the kernel image, by its virtual address
 *	PT_LOAD   RAM: p_paddr physical, p_vaddr in the kernel's direct map
 *	PT_LOAD   what else is mapped and wanted: the stacks of the CPUs
 *
 * The segments of the image and of the stacks name bytes of the RAM segments.
 * Pages of zeros are holes in the file. Memory is written from where it lies:
 * the writer needs the program headers and no more.
 */
#ifndef VMTAP_FREEZE_VMCORE_H
#define VMTAP_FREEZE_VMCORE_H

#include "freeze/vmcoreinfo.h"
#include "vmm/machine.h"

struct vas;

/* A stretch of virtual addresses that lies in RAM in one piece. */
struct vmcore_map {
	gva_t gva;
	gpa_t gpa;
	u64 size;
};

/* All pointers are the caller's. */
struct vmcore_from {
	const struct mem *mem;		/* of a guest that stands still */
	const struct machine_regs *regs;	/* by CPU number */
	u32 nr_cpus;
	const struct vmcoreinfo *info;	/* NULL: the kernel had none yet */
	u64 page_offset;	/* virtual address of physical 0; 0: unknown */
	struct vmcore_map image;	/* the kernel; size 0: unknown */
	const struct vmcore_map *maps;
	size_t nr_maps;
};

struct vmcore_told {
	u64 size;	/* of the file with its holes */
	u64 written;	/* bytes that are not holes */
};

/**
 * vmcore_write() - write the core to @fd, an empty regular file
 * @limit: written bytes at most; 0: any number
 * Return: 0; -EFBIG over the limit; -EINVAL too many CPUs or maps, a map
 * outside of RAM; -ENOMEM; -errno of pwrite(2). What is in the file then is
 * no core.
 */
int vmcore_write(int fd, const struct vmcore_from *from, u64 limit,
		 struct vmcore_told *told, struct diag *d);

/** vmcore_bytes() - what vmcore_write() would write at most, read from RAM */
u64 vmcore_bytes(const struct vmcore_from *from);

#define VMCORE_STACK_MAPS 16	/* pages of one CPU's stack */

/**
 * vmcore_stack() - the pages of the stack that @rsp points into
 * The kernel's stacks may lie outside of its direct map; gdb then finds them
 * only where a segment says so.
 * @maps: room for VMCORE_STACK_MAPS
 * Return: how many were set.
 */
size_t vmcore_stack(const struct vas *vas, u64 rsp, struct vmcore_map *maps);

/* --- reading one -------------------------------------------------------- */

/* A core that is mapped; RAM is read through the struct mem as if live. */
struct vmcore {
	const u8 *map;
	size_t size;
	struct mem mem;
	struct machine_regs *regs;	/* only what NT_PRSTATUS holds */
	s32 *pids;			/* as NT_PRSTATUS has them */
	u32 nr_cpus;
	bool has_info;
	struct vmcoreinfo info;
};

/**
 * vmcore_open() - map and check a core
 * The file is not believed: whatever it names has to lie in it.
 * Return: 0, vmcore_close() must follow; -ENOEXEC no ELF core of x86-64;
 * -EINVAL damaged; -errno of open(2).
 */
int vmcore_open(const char *path, struct vmcore *core, struct diag *d);
/** vmcore_open_buffer() - the same of @len bytes that outlive the core */
int vmcore_open_buffer(const void *data, size_t len, struct vmcore *core,
		       struct diag *d);
void vmcore_close(struct vmcore *core);

#endif
