// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page tables from hostile bytes: sixteen pages of RAM are what the input
 * says, repeated; CR3, addresses and lengths are the input's too.
 */
#include "freeze/vas.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const u8 *data, size_t len);

#define RAM (16 * 4096)

static u64 get(const u8 *data, size_t len, size_t at)
{
	u64 v = 0;

	memcpy(&v, data + at % len, min(len - at % len, sizeof(v)));
	return v;
}

/* Entries are 64 bits; most bits set would point outside of RAM. */
static void fill(u8 *ram, const u8 *data, size_t len)
{
	size_t at;

	for (at = 0; at < RAM; at += 8) {
		u64 e = get(data, len, at * 5 / 8);

		if (!(e & 2))
			e &= 0x80000000000fffffULL;
		memcpy(ram + at, &e, sizeof(e));
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t len)
{
	char got[9000];
	struct mem mem;
	struct vas v;
	size_t i;
	u8 *ram;

	if (len < 16)
		return 0;
	ram = malloc(RAM);
	fill(ram, data, len);
	mem_from_buffer(&mem, data[0] & 1 ? MiB(1) : 0, ram, RAM);
	vas_init(&v, &mem, get(data, len, 1) & (data[0] & 2 ? ~0ULL : 0xffff),
		 data[0] & 4);
	for (i = 0; i < 16; i++) {
		gva_t gva = get(data, len, i * 7 + 3);
		u64 left, n = get(data, len, i) % sizeof(got);
		gpa_t gpa;
		ssize_t ret;

		if (data[0] & 8)
			gva = (u64)((s64)(gva << 16) >> 16);
		if (!vas_translate(&v, gva, &gpa, &left))
			BUG_ON(!left || left > GiB(1));
		vas_read(&v, gva, got, n);
		ret = vas_read_string(&v, gva, got, n);
		BUG_ON(ret >= 0 && (!n || (size_t)ret != strlen(got)));
	}
	free(ram);
	return 0;
}
