// SPDX-License-Identifier: GPL-2.0-only
/* crashring: write the empty header, read what the guest left behind. */
#include "runner/crashring.h"

#include <errno.h>

#include "runner/wire.h"
#include "vmm/base/buf.h"

int crashring_init(void *area, size_t size)
{
	struct wire_ring *ring = area;

	if (size <= WIRE_RING_DATA || size > UINT32_MAX)
		return -EINVAL;
	*ring = (struct wire_ring){
		.magic = WIRE_RING_MAGIC,
		.version = WIRE_VERSION,
		.capacity = (u32)(size - WIRE_RING_DATA),
	};
	return 0;
}

static const char *judge(const struct wire_ring *h, size_t size)
{
	if (h->magic != WIRE_RING_MAGIC)
		return "no magic";
	if (h->version != WIRE_VERSION)
		return "unknown version";
	if (h->capacity != size - WIRE_RING_DATA)
		return "capacity is not what this host wrote";
	if (h->head < h->tail)
		return "head is before tail";
	if (h->head - h->tail > h->capacity)
		return "more bytes than the ring holds";
	return NULL;
}

int crashring_read(const void *area, size_t size, struct buf *out,
		   struct crashring_info *info)
{
	const u8 *data = (const u8 *)area + WIRE_RING_DATA;
	struct wire_ring h;
	size_t len, at, first;
	int err;

	*info = (struct crashring_info){ .why = "area too small" };
	if (size <= WIRE_RING_DATA || size > UINT32_MAX)
		return 0;
	memcpy(&h, area, sizeof(h));
	info->why = judge(&h, size);
	if (info->why)
		return 0;
	len = (size_t)(h.head - h.tail);
	at = (size_t)(h.tail % h.capacity);
	first = len < h.capacity - at ? len : h.capacity - at;
	err = buf_add(out, data + at, first);
	if (!err)
		err = buf_add(out, data, len - first);
	if (err)
		return err;
	info->valid = true;
	info->written = h.head;
	info->drops = h.drops;
	return 0;
}
