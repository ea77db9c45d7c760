// SPDX-License-Identifier: GPL-2.0-only
/*
 * Cores from hostile bytes: as they are, or as damage (offset, value pairs) to
 * the head of a sound one.
 */
#include "freeze/vmcore.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const u8 *data, size_t len);

#define TEXT "OSRELEASE=6.1\nSYMBOL(swapper_pg_dir)=ffffffff81000000\n"

static void try_core(const void *data, size_t len)
{
	struct vmcore core;
	unsigned int i;

	if (vmcore_open_buffer(data, len, &core, NULL))
		return;
	for (i = 0; i < core.mem.nr_regions; i++) {
		const struct mem_region *r = &core.mem.regions[i];
		const volatile u8 *p = mem_ptr(&core.mem, r->gpa, r->size);

		BUG_ON(!p);
		(void)(p[0] + p[r->size - 1]);
	}
	vmcore_close(&core);
}

static size_t sound_core(u8 **out)
{
	static u8 ram[8192];
	struct machine_regs regs = { .rip = 1 };
	struct vmcoreinfo info;
	struct vmcore_from from = { .regs = &regs, .nr_cpus = 1, .info = &info };
	struct vmcore_told told;
	struct mem mem;
	int fd = memfd_create("core", 0);

	mem_from_buffer(&mem, 0, ram, sizeof(ram));
	from.mem = &mem;
	BUG_ON(vmcoreinfo_parse(TEXT, sizeof(TEXT), &info));
	BUG_ON(fd < 0 || vmcore_write(fd, &from, 0, &told, NULL));
	*out = malloc(told.size);
	BUG_ON(!*out || pread(fd, *out, told.size, 0) != (ssize_t)told.size);
	close(fd);
	return told.size;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t len)
{
	static u8 *sound;
	static size_t size;
	u8 *copy;

	if (!sound)
		size = sound_core(&sound);
	if (!len)
		return 0;
	if (data[0] & 1) {
		try_core(data + 1, len - 1);
		return 0;
	}
	copy = malloc(size);
	BUG_ON(!copy);
	memcpy(copy, sound, size);
	for (data++, len--; len >= 3; data += 3, len -= 3) {
		size_t at = (size_t)(data[0] | data[1] << 8);

		if (at < size)
			copy[at] = data[2];
	}
	try_core(copy, size);
	free(copy);
	return 0;
}
