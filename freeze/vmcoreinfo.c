// SPDX-License-Identifier: GPL-2.0-only
/* The VMCOREINFO note in guest memory; see vmcoreinfo.h. */
#include "freeze/vmcoreinfo.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "freeze/kread.h"

#define PAGE 4096
#define NOTE_HEADER 0x18	/* Elf64_Nhdr and "VMCOREINFO" padded */

static const char magic[] = "OSRELEASE=";

int vmcoreinfo_parse(const void *data, size_t len, struct vmcoreinfo *out)
{
	size_t n = strnlen(data, min(len, (size_t)VMCOREINFO_MAX));

	if (n < sizeof(magic) || memcmp(data, magic, sizeof(magic) - 1))
		return -EINVAL;
	memcpy(out->text, data, n);
	out->text[n] = '\0';
	out->len = n;
	out->gpa = 0;
	return 0;
}

/* The page's own copy of the text, or the note that holds another one. */
static bool try_page(const struct mem *mem, gpa_t gpa, struct vmcoreinfo *out)
{
	static const unsigned int at[] = { 0, NOTE_HEADER };
	const char *page = mem_ptr(mem, gpa, PAGE);
	size_t i, len = sizeof(magic) - 1;

	for (i = 0; page && i < ARRAY_SIZE(at); i++) {
		char copy[VMCOREINFO_MAX];
		u64 v;

		if (memcmp(page + at[i], magic, len))
			continue;
		memcpy(copy, page + at[i], PAGE - at[i]);
		if (vmcoreinfo_parse(copy, PAGE - at[i], out) ||
		    !vmcoreinfo_symbol(out, "swapper_pg_dir", &v))
			continue;
		out->gpa = gpa + at[i];
		return true;
	}
	return false;
}

int vmcoreinfo_scan(const struct mem *mem, struct vmcoreinfo *out)
{
	unsigned int i;

	for (i = 0; i < mem->nr_regions; i++) {
		const struct mem_region *r = &mem->regions[i];
		u64 at = 0, end;

		while (mem_next_data(mem, r, &at, &end)) {
			for (; at < end; at += PAGE)
				if (try_page(mem, r->gpa + at, out))
					return 0;
		}
	}
	return -ENOENT;
}

int vmcoreinfo_read(const struct kread *k, struct vmcoreinfo *out)
{
	char text[VMCOREINFO_MAX + 1];
	gva_t sym;
	u64 addr;
	ssize_t n;
	int err;

	err = kread_symbol(k, "vmcoreinfo_data", &sym, NULL);
	if (!err)
		err = vas_read_u64(&k->vas, sym, &addr);
	if (err)
		return err;
	n = vas_read_string(&k->vas, addr, text, sizeof(text));
	if (n < 0)
		return -EFAULT;
	if (vmcoreinfo_parse(text, (size_t)n, out))
		return -ENOENT;
	return vas_translate(&k->vas, addr, &out->gpa, NULL);
}

bool vmcoreinfo_get(const struct vmcoreinfo *v, const char *key, char *out,
		    size_t size)
{
	size_t klen = strlen(key);
	const char *line = v->text;

	while (line && *line) {
		if (!strncmp(line, key, klen) && line[klen] == '=') {
			snprintf(out, size, "%.*s",
				 (int)strcspn(line + klen + 1, "\n"),
				 line + klen + 1);
			return true;
		}
		line = strchr(line, '\n');
		if (line)
			line++;
	}
	return false;
}

static bool get_number(const struct vmcoreinfo *v, const char *kind,
		       const char *name, int base, u64 *out)
{
	char key[128], text[64], *end;

	if ((size_t)snprintf(key, sizeof(key), "%s(%s)", kind, name) >=
		    sizeof(key) ||
	    !vmcoreinfo_get(v, key, text, sizeof(text)))
		return false;
	errno = 0;
	*out = base == 10 && text[0] == '-' ?
		       (u64)strtoll(text, &end, base) :
		       strtoull(text, &end, base);
	return !errno && end != text && !*end;
}

bool vmcoreinfo_symbol(const struct vmcoreinfo *v, const char *name, u64 *out)
{
	return get_number(v, "SYMBOL", name, 16, out);
}

bool vmcoreinfo_number(const struct vmcoreinfo *v, const char *name, s64 *out)
{
	return get_number(v, "NUMBER", name, 10, (u64 *)out);
}

bool vmcoreinfo_offset(const struct vmcoreinfo *v, const char *name, u64 *out)
{
	return get_number(v, "OFFSET", name, 10, out);
}

bool vmcoreinfo_size(const struct vmcoreinfo *v, const char *name, u64 *out)
{
	return get_number(v, "SIZE", name, 10, out);
}

bool vmcoreinfo_kernel_offset(const struct vmcoreinfo *v, u64 *out)
{
	char text[64], *end;

	if (!vmcoreinfo_get(v, "KERNELOFFSET", text, sizeof(text)))
		return false;
	*out = strtoull(text, &end, 16);
	return end != text && !*end;
}
