// SPDX-License-Identifier: GPL-2.0-only
/* Guest RAM and the one door to it; see mem.h. */
#include "vmm/mem.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vmm/base/diag.h"

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
	map = mmap(NULL, size, PROT_READ | PROT_WRITE,
		   MAP_SHARED | MAP_NORESERVE, fd, 0);
	if (map == MAP_FAILED) {
		int err = -errno;

		close(fd);
		return diag_fail(d, err, NULL,
				 "cannot map %llu bytes of guest memory: %s",
				 (unsigned long long)size, strerror(-err));
	}
	madvise(map, size, MADV_DONTDUMP);

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
