// SPDX-License-Identifier: GPL-2.0-only
/*
 * kallsyms tables from hostile bytes: raw, or as damage to tables of ours in
 * the layout that the first byte picks.
 */
#include "freeze/kallsyms.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "selftests/lib/kmake.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t len);

#define NR 40

static int look(u64 addr, char type, const char *name, size_t len, void *arg)
{
	(void)addr;
	(void)type;
	BUG_ON(strlen(name) > KALLSYMS_MAX_NAME || len > KALLSYMS_MAX_NAME);
	++*(u32 *)arg;
	return 0;
}

static void try_tables(const void *data, size_t len)
{
	struct kallsyms_span span = {
		.data = data, .len = len, .vaddr = KMAKE_TEXT,
		.image_start = KMAKE_TEXT, .image_end = KMAKE_TEXT + MiB(16),
	};
	struct kallsyms ks;
	u32 n = 0;

	if (kallsyms_find(&span, &ks))
		return;
	kallsyms_each(&ks, look, &n);
	BUG_ON(n > ks.nr);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t len)
{
	struct kmake_sym syms[NR];
	char names[NR][32];
	struct buf blob = { 0 };
	u8 kind;
	size_t i;

	if (len < 1)
		return 0;
	kind = *data++;
	len--;
	if (kind % 5 == 4) {
		u8 *copy = malloc(len ? len : 1);

		memcpy(copy, data, len);
		try_tables(copy, len);
		free(copy);
		return 0;
	}
	for (i = 0; i < NR; i++) {
		snprintf(names[i], sizeof(names[i]), "Tsys_%zu", i);
		syms[i] = (struct kmake_sym){ KMAKE_TEXT + i * 16, names[i] };
	}
	kmake_kallsyms(&blob, KMAKE_TEXT, syms, NR, kind % 5);
	for (; len >= 3; data += 3, len -= 3) {
		size_t at = (size_t)(data[0] | data[1] << 8) % blob.len;

		blob.data[at] = (char)data[2];
	}
	try_tables(blob.data, blob.len);
	buf_reset(&blob);
	return 0;
}
