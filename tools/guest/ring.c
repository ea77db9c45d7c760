// SPDX-License-Identifier: GPL-2.0-only
/*
 * ring: the writer of struct wire_ring. The range is e820-reserved, not busy,
 * so /dev/mem maps it under CONFIG_STRICT_DEVMEM and IO_STRICT_DEVMEM as well
 * (both set in stock kernels): those refuse RAM and what a driver claimed.
 */
#include "tools/guest/agent.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static volatile struct wire_ring *ring;
static uint8_t *data;
static uint32_t capacity;

static bool parse(const char *cmdline, uint64_t *at, uint64_t *size)
{
	const char *p = strstr(cmdline, WIRE_ARG_RING "=");
	char *end;

	if (!p || (p > cmdline && p[-1] != ' '))
		return false;
	*at = strtoull(p + strlen(WIRE_ARG_RING "="), &end, 0);
	if (*end != ',')
		return false;
	*size = strtoull(end + 1, NULL, 0);
	return *size > WIRE_RING_DATA && *size <= 16 << 20;
}

bool ring_open(const char *cmdline, const char *mem_path)
{
	uint64_t at, size;
	void *map;
	int fd;

	if (!parse(cmdline, &at, &size))
		return false;
	fd = open(mem_path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return false;
	map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)at);
	close(fd);
	if (map == MAP_FAILED)
		return false;
	ring = map;
	if (ring->magic != WIRE_RING_MAGIC || ring->version != WIRE_VERSION ||
	    ring->capacity != size - WIRE_RING_DATA) {
		munmap(map, size);
		ring = NULL;
		return false;
	}
	capacity = ring->capacity;
	data = (uint8_t *)map + WIRE_RING_DATA;
	return true;
}

void ring_append(const void *frame, size_t len)
{
	uint64_t head, used;
	size_t at, first;

	if (!ring)
		return;
	head = ring->head;
	used = head - ring->tail;
	if (used > capacity || len > capacity - used) {
		if (ring->drops != UINT32_MAX)
			ring->drops++;
		return;
	}
	at = (size_t)(head % capacity);
	first = len < capacity - at ? len : capacity - at;
	memcpy(data + at, frame, first);
	memcpy(data, (const uint8_t *)frame + first, len - first);
	/* The host reads memory of a stopped guest: bytes first, then head. */
	__atomic_thread_fence(__ATOMIC_RELEASE);
	ring->head = head + len;
}
