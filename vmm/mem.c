// SPDX-License-Identifier: GPL-2.0-only
/* Guest RAM and the one door to it; see mem.h. */
#include "vmm/mem.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vmm/base/diag.h"

#define MEM_HUGE MiB(2)
#define MEM_PAGE 4096

/*
 * A shared mapping whose address is 2 MiB aligned, as are guest addresses, so
 * that huge pages can back it: a first touch then faults once in 512 pages,
 * and in a nested host each fault is dear. It takes effect where the host
 * allows huge shmem pages (transparent_hugepage/shmem_enabled: advise).
 */
static u8 *mem_map(int fd, u64 size)
{
	u8 *area, *map;

	area = mmap(NULL, size + MEM_HUGE, PROT_NONE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (area == MAP_FAILED)
		return MAP_FAILED;
	map = (u8 *)round_up((uintptr_t)area, (uintptr_t)MEM_HUGE);
	if (map > area)
		munmap(area, (size_t)(map - area));
	munmap(map + size, (size_t)(area + MEM_HUGE - map));
	if (mmap(map, size, PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_NORESERVE | MAP_FIXED, fd, 0) == MAP_FAILED) {
		munmap(map, size);
		return MAP_FAILED;
	}
	madvise(map, size, MADV_HUGEPAGE);
	madvise(map, size, MADV_DONTDUMP);
	return map;
}

int mem_create(struct mem *mem, u64 size, struct diag *d)
{
	u64 low = min(size, (u64)MEM_HOLE_START);
	int fd;
	u8 *map;

	if (!size || size % 4096)
		return diag_fail(d, -EINVAL, NULL,
				 "guest memory of %llu bytes: not a multiple of 4096",
				 (unsigned long long)size);
	fd = memfd_create("vmtap-guest-ram", MFD_CLOEXEC);
	if (fd < 0)
		return diag_fail(d, -errno, NULL, "memfd_create: %m");
	if (ftruncate(fd, (off_t)size) < 0) {
		int err = -errno;

		close(fd);
		return diag_fail(d, err, NULL,
				 "cannot size guest memory to %llu bytes: %s",
				 (unsigned long long)size, strerror(-err));
	}
	map = mem_map(fd, size);
	if (map == MAP_FAILED) {
		int err = -errno;

		close(fd);
		return diag_fail(d, err, NULL,
				 "cannot map %llu bytes of guest memory: %s",
				 (unsigned long long)size, strerror(-err));
	}

	*mem = (struct mem){ .size = size, .fd = fd, .map = map };
	mem->regions[mem->nr_regions++] = (struct mem_region){
		.gpa = 0, .size = low, .hva = map,
	};
	if (size > low)
		mem->regions[mem->nr_regions++] = (struct mem_region){
			.gpa = MEM_HOLE_END, .size = size - low,
			.hva = map + low, .file_off = low,
		};
	return 0;
}

void mem_from_buffer(struct mem *mem, gpa_t gpa, void *data, u64 size)
{
	*mem = (struct mem){ .nr_regions = 1, .size = size, .fd = -1 };
	mem->regions[0] = (struct mem_region){
		.gpa = gpa, .size = size, .hva = data,
	};
}

void mem_destroy(struct mem *mem)
{
	if (!mem->map)
		return;
	munmap(mem->map, mem->size);
	close(mem->fd);
	*mem = (struct mem){ .fd = -1 };
}

void *mem_ptr(const struct mem *mem, gpa_t gpa, u64 len)
{
	unsigned int i;

	for (i = 0; i < mem->nr_regions; i++) {
		const struct mem_region *r = &mem->regions[i];

		if (gpa >= r->gpa && gpa - r->gpa < r->size &&
		    len <= r->size - (gpa - r->gpa))
			return r->hva + (gpa - r->gpa);
	}
	return NULL;
}

bool mem_next_data(const struct mem *mem, const struct mem_region *r, u64 *start,
		   u64 *end)
{
	off_t data, hole;

	if (*start >= r->size)
		return false;
	*end = r->size;
	if (mem->fd < 0)
		return true;
	data = lseek(mem->fd, (off_t)(r->file_off + *start), SEEK_DATA);
	if (data < 0)
		return errno != ENXIO;
	hole = lseek(mem->fd, data, SEEK_HOLE);
	if ((u64)data >= r->file_off + r->size)
		return false;
	*start = round_down((u64)data - r->file_off, (u64)MEM_PAGE);
	if (hole > data)
		*end = min((u64)hole - r->file_off, r->size);
	return true;
}

int mem_read(const struct mem *mem, gpa_t gpa, void *dst, u64 len)
{
	const void *p = mem_ptr(mem, gpa, len);

	if (!p)
		return -EFAULT;
	memcpy(dst, p, len);
	return 0;
}

int mem_write(struct mem *mem, gpa_t gpa, const void *src, u64 len)
{
	void *p = mem_ptr(mem, gpa, len);

	if (!p)
		return -EFAULT;
	memcpy(p, src, len);
	return 0;
}
