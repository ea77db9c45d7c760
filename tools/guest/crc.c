// SPDX-License-Identifier: GPL-2.0-only
/* CRC-32 of payloads, eight bytes at a time: output may be many megabytes. */
#include "tools/guest/agent.h"

static uint32_t tab[8][256];

void crc_init(void)
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t c = i;

		for (int k = 0; k < 8; k++)
			c = c >> 1 ^ (c & 1 ? 0xedb88320u : 0);
		tab[0][i] = c;
	}
	for (uint32_t i = 0; i < 256; i++) {
		for (int k = 1; k < 8; k++)
			tab[k][i] = tab[k - 1][i] >> 8 ^ tab[0][tab[k - 1][i] & 255];
	}
}

uint32_t crc32_of(const void *data, size_t len)
{
	const uint8_t *p = data;
	uint32_t c = ~0u;

	for (; len >= 8; len -= 8, p += 8) {
		uint32_t lo = wire_get32(p) ^ c;
		uint32_t hi = wire_get32(p + 4);

		c = tab[7][lo & 255] ^ tab[6][lo >> 8 & 255] ^
		    tab[5][lo >> 16 & 255] ^ tab[4][lo >> 24] ^
		    tab[3][hi & 255] ^ tab[2][hi >> 8 & 255] ^
		    tab[1][hi >> 16 & 255] ^ tab[0][hi >> 24];
	}
	while (len--)
		c = c >> 8 ^ tab[0][(c ^ *p++) & 255];
	return ~c;
}
