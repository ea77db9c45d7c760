// SPDX-License-Identifier: GPL-2.0-only
/*
 * BTF from hostile bytes, as an image's section or a guest's memory has it:
 * every type is named, laid out, sized and printed over bytes of zero.
 */
#include <stdlib.h>
#include <string.h>

#include <bpf/btf.h>

#include "freeze/ktype.h"
#include "selftests/lib/kguest.h"
#include "vmm/base/buf.h"
#include "vmm/base/diag.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t len);

#define TYPES 64
#define VALUE 256

static int visit(const char *name, const struct kfield *f, void *arg)
{
	struct kfield m;

	BUG_ON(!name);
	(void)f;
	ktype_member(arg, 1, name, strlen(name), &m);
	return 0;
}

static void look(struct ktype *kt, u32 id)
{
	struct kfield f = { .type_id = id, .size = VALUE };
	struct ktype_info info;
	struct buf out = { 0 };
	u8 value[VALUE] = { 0 };
	u64 n;

	ktype_name(kt, id, &out);
	ktype_layout(kt, id, &out);
	ktype_print(kt, &f, value, sizeof(value), &out);
	ktype_int(kt, &f, value, sizeof(value), &n, NULL);
	ktype_each_member(kt, id, visit, kt);
	ktype_enum_name(kt, id, 1);
	if (!ktype_info(kt, id, &info))
		BUG_ON(info.id > ktype_nr(kt));
	buf_reset(&out);
}

/*
 * Sound BTF with some bytes changed: what is made of nothing but noise does
 * not get past the header.
 */
static void *mutated(const u8 *data, size_t len, u32 *size)
{
	u8 *raw = kguest_btf(size);
	size_t i;

	for (i = 1; i + 3 <= len; i += 3)
		raw[((u32)data[i] << 8 | data[i + 1]) % *size] = data[i + 2];
	return raw;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t len)
{
	struct ktype *kt;
	struct diag d = { 0 };
	struct kfield f;
	void *raw = NULL;
	u32 size = (u32)len, id;

	if (!len)
		return 0;
	if (data[0] & 1)
		raw = mutated(data, len, &size);
	if (!ktype_open_data(raw ? raw : data, size, NULL, &kt, &d)) {
		for (id = 0; id <= min(ktype_nr(kt), (u32)TYPES) + 1; id++)
			look(kt, id);
		ktype_find(kt, "struct rq");
		ktype_field(kt, "task_struct.tasks.next", &f, NULL);
		ktype_enum(kt, NULL, "x", &(s64){ 0 });
		ktype_close(kt);
	}
	diag_reset(&d);
	free(raw);
	return 0;
}
