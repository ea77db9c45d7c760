// SPDX-License-Identifier: GPL-2.0-only
/* The symbol index: building, caching, looking up; see ksym.h. */
#include "freeze/ksym.h"

#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "freeze/kallsyms.h"
#include "freeze/name_hash.h"
#include "vmm/base/buf.h"
#include "vmm/base/diag.h"
#include "vmm/base/log.h"
#include "vmm/kcache.h"
#include "vmm/kimage.h"

#define CACHE_NAME "symbols"
#define CACHE_VERSION 1
#define MAX_SYMS 16000000U
/* Past the last symbol there is no telling where it ends. */
#define LAST_SYMBOL_SIZE MiB(2)

/*
 * The index as it is built, cached and mapped: this head, then
 *	u64 addr[nr]		ascending
 *	u32 name[nr]		offset into names
 *	u32 slot[nr_slots]	hash of names, open addressing: symbol + 1, or 0
 *	char type[nr]
 *	char names[names_len]	NUL-terminated each
 */
struct head {
	u32 nr;
	u32 nr_slots;	/* a power of two above nr */
	u64 names_len;
};

struct ksym {
	const char *source;
	u32 nr;
	u32 mask;
	u64 names_len;
	const u64 *addr;
	const u32 *name;
	const u32 *slot;
	const char *type;
	const char *names;
	void *owned;
	struct kcache_map map;
};

/* What the builders collect, in any order. */
struct build {
	struct build_sym {
		u64 addr;
		u32 name;
		u32 seq;
		char type;
	} *syms;
	size_t nr;
	size_t cap;
	struct buf names;
};

static int build_add(u64 addr, char type, const char *name, size_t len,
		     void *arg)
{
	struct build *b = arg;

	if (b->nr == b->cap) {
		size_t cap = b->cap ? b->cap * 2 : 4096;
		void *p;

		if (cap > MAX_SYMS)
			return -EINVAL;
		p = realloc(b->syms, cap * sizeof(*b->syms));
		if (!p)
			return -ENOMEM;
		b->syms = p;
		b->cap = cap;
	}
	b->syms[b->nr] = (struct build_sym){
		.addr = addr, .name = (u32)b->names.len, .seq = (u32)b->nr,
		.type = type,
	};
	b->nr++;
	if (b->names.len + len > UINT32_MAX - 1)
		return -EINVAL;
	buf_add(&b->names, name, len);
	return buf_putc(&b->names, '\0');
}

static void build_free(struct build *b)
{
	free(b->syms);
	buf_reset(&b->names);
}

static int by_addr(const void *pa, const void *pb)
{
	const struct build_sym *a = pa, *b = pb;

	if (a->addr != b->addr)
		return a->addr < b->addr ? -1 : 1;
	return a->seq < b->seq ? -1 : a->seq > b->seq;
}

static bool sorted(const struct build *b)
{
	size_t i;

	for (i = 1; i < b->nr; i++)
		if (b->syms[i - 1].addr > b->syms[i].addr)
			return false;
	return true;
}

static size_t index_size(const struct head *h)
{
	return sizeof(*h) + h->nr * (size_t)(8 + 4 + 1) +
	       h->nr_slots * (size_t)4 + h->names_len;
}

/* Point @ks into an index of @len bytes; false where it does not add up. */
static bool attach(struct ksym *ks, const void *data, size_t len)
{
	const struct head *h = data;
	const u8 *p = (const u8 *)(h + 1);

	if (len < sizeof(*h) || !h->nr || h->nr > MAX_SYMS ||
	    h->nr_slots <= h->nr || h->nr_slots > MAX_SYMS * 4 ||
	    (h->nr_slots & (h->nr_slots - 1)) || h->names_len > len ||
	    index_size(h) != len || !h->names_len ||
	    ((const char *)data)[len - 1])
		return false;
	ks->nr = h->nr;
	ks->mask = h->nr_slots - 1;
	ks->names_len = h->names_len;
	ks->addr = (const u64 *)p;
	p += h->nr * (size_t)8;
	ks->name = (const u32 *)p;
	p += h->nr * (size_t)4;
	ks->slot = (const u32 *)p;
	p += h->nr_slots * (size_t)4;
	ks->type = (const char *)p;
	p += h->nr;
	ks->names = (const char *)p;
	return true;
}

static void fill(u8 *p, const struct head *h, const struct build *b)
{
	u64 *addr;
	u32 *name, *slot, i;
	char *type;

	memcpy(p, h, sizeof(*h));
	addr = (u64 *)(p + sizeof(*h));
	name = (u32 *)(addr + h->nr);
	slot = name + h->nr;
	type = (char *)(slot + h->nr_slots);
	memcpy(type + h->nr, b->names.data, h->names_len);
	for (i = 0; i < h->nr; i++) {
		u32 at = name_hash(b->names.data + b->syms[i].name);

		addr[i] = b->syms[i].addr;
		name[i] = b->syms[i].name;
		type[i] = b->syms[i].type;
		while (slot[at & (h->nr_slots - 1)])
			at++;
		slot[at & (h->nr_slots - 1)] = i + 1;
	}
}

static int finish(struct build *b, struct ksym *ks, size_t *len)
{
	struct head h = { .nr = (u32)b->nr, .names_len = b->names.len,
			  .nr_slots = 16 };

	if (b->names.failed)
		return -ENOMEM;
	if (!b->nr)
		return -ENOENT;
	if (!sorted(b))
		qsort(b->syms, b->nr, sizeof(*b->syms), by_addr);
	while (h.nr_slots < h.nr * 2)
		h.nr_slots *= 2;
	*len = index_size(&h);
	ks->owned = calloc(1, *len);
	if (!ks->owned)
		return -ENOMEM;
	fill(ks->owned, &h, b);
	return attach(ks, ks->owned, *len) ? 0 : -EINVAL;
}

static char symtab_type(const struct kimage *ki, const Elf64_Sym *s)
{
	const struct kimage_section *sec;
	char c = '?';

	if (s->st_shndx == SHN_ABS) {
		c = 'a';
	} else {
		/* Section 0 is the null one, which kimage leaves out. */
		sec = kimage_section(ki, s->st_shndx - 1U);
		if (sec && (sec->flags & SHF_EXECINSTR))
			c = 't';
		else if (sec && sec->type == SHT_NOBITS)
			c = 'b';
		else if (sec && (sec->flags & SHF_ALLOC))
			c = sec->flags & SHF_WRITE ? 'd' : 'r';
	}
	if (ELF64_ST_BIND(s->st_info) == STB_WEAK)
		return 'W';
	return ELF64_ST_BIND(s->st_info) == STB_GLOBAL && c != '?' ?
		       (char)(c - 'a' + 'A') : c;
}

static int from_symtab(const struct kimage *ki, struct build *b)
{
	const struct kimage_section *tab = kimage_section_by_name(ki, ".symtab");
	const struct kimage_section *str = kimage_section_by_name(ki, ".strtab");
	size_t i, nr;

	if (!tab || !str || !tab->data || !str->data || !str->size ||
	    str->data[str->size - 1])
		return -ENOENT;
	nr = tab->size / sizeof(Elf64_Sym);
	for (i = 0; i < nr; i++) {
		const char *name;
		Elf64_Sym s;
		int err;

		memcpy(&s, tab->data + i * sizeof(s), sizeof(s));
		if (s.st_name >= str->size || s.st_shndx == SHN_UNDEF ||
		    ELF64_ST_TYPE(s.st_info) == STT_SECTION ||
		    ELF64_ST_TYPE(s.st_info) == STT_FILE)
			continue;
		name = (const char *)str->data + s.st_name;
		if (!*name || !strncmp(name, ".L", 2))
			continue;
		err = build_add(s.st_value, symtab_type(ki, &s), name,
				strlen(name), b);
		if (err)
			return err;
	}
	return b->nr ? 0 : -ENOENT;
}

static int from_kallsyms(const struct kimage *ki, struct build *b)
{
	const struct kimage_boot *boot = kimage_boot(ki);
	struct kallsyms tables;
	unsigned int i;

	for (i = 0; i < kimage_nr_segments(ki); i++) {
		const struct kimage_segment *seg = kimage_segment(ki, i);
		struct kallsyms_span span = {
			.data = seg->data, .len = seg->filesz,
			.vaddr = seg->vaddr, .image_start = boot->link_virt,
			.image_end = boot->link_virt + boot->image_size,
		};

		if (!kallsyms_find(&span, &tables))
			return kallsyms_each(&tables, build_add, b);
	}
	return -ENOENT;
}

static int build_index(const struct kimage *ki, struct ksym *ks,
		       struct diag *d)
{
	struct build b = { 0 };
	struct iovec iov;
	size_t len;
	int err;

	ks->source = "symtab";
	err = from_symtab(ki, &b);
	if (err == -ENOENT) {
		ks->source = "kallsyms";
		err = from_kallsyms(ki, &b);
	}
	if (!err)
		err = finish(&b, ks, &len);
	build_free(&b);
	if (err == -ENOENT)
		return diag_fail(d, err, NULL,
				 "kernel image %s: neither .symtab nor kallsyms tables found (CONFIG_KALLSYMS off?)",
				 kimage_path(ki));
	if (err)
		return diag_fail(d, err, NULL,
				 "kernel image %s: cannot index symbols: %s",
				 kimage_path(ki), strerror(-err));
	iov = (struct iovec){ ks->owned, len };
	if (kimage_cache_dir(ki)) {
		err = kcache_store(kimage_cache_dir(ki), CACHE_NAME,
				   CACHE_VERSION, &iov, 1);
		if (err)
			log_debug("ksym", "cannot write %s: %s",
				  kimage_cache_dir(ki), strerror(-err));
	}
	return 0;
}

static bool load_index(const struct kimage *ki, struct ksym *ks)
{
	if (!kimage_cache_dir(ki) ||
	    kcache_load(kimage_cache_dir(ki), CACHE_NAME, CACHE_VERSION,
			&ks->map))
		return false;
	if (!attach(ks, ks->map.data, ks->map.len)) {
		kcache_unmap(&ks->map);
		return false;
	}
	ks->source = "cache";
	return true;
}

int ksym_open(const struct kimage *ki, struct ksym **out, struct diag *d)
{
	struct ksym *ks = calloc(1, sizeof(*ks));
	int err = 0;

	if (!ks)
		return diag_fail(d, -ENOMEM, NULL, "no memory");
	if (!load_index(ki, ks))
		err = build_index(ki, ks, d);
	if (err) {
		ksym_close(ks);
		return err;
	}
	*out = ks;
	return 0;
}

int ksym_from_entries(const struct ksym_entry *entries, size_t nr,
		      struct ksym **out, struct diag *d)
{
	struct ksym *ks = calloc(1, sizeof(*ks));
	struct build b = { 0 };
	size_t i, len;
	int err = 0;

	if (!ks)
		return diag_fail(d, -ENOMEM, NULL, "no memory");
	for (i = 0; !err && i < nr; i++)
		err = build_add(entries[i].addr, entries[i].type,
				entries[i].name, strlen(entries[i].name), &b);
	ks->source = "entries";
	if (!err)
		err = finish(&b, ks, &len);
	build_free(&b);
	if (err) {
		ksym_close(ks);
		return diag_fail(d, err, NULL, "cannot index %zu symbols: %s",
				 nr, strerror(-err));
	}
	*out = ks;
	return 0;
}

void ksym_close(struct ksym *ks)
{
	if (!ks)
		return;
	free(ks->owned);
	kcache_unmap(&ks->map);
	free(ks);
}

size_t ksym_nr(const struct ksym *ks)
{
	return ks->nr;
}

const char *ksym_source(const struct ksym *ks)
{
	return ks->source;
}

static const char *name_of(const struct ksym *ks, u32 i)
{
	u32 off = ks->name[i];

	return off < ks->names_len ? ks->names + off : "";
}

bool ksym_get(const struct ksym *ks, size_t i, struct ksym_entry *out)
{
	if (i >= ks->nr)
		return false;
	*out = (struct ksym_entry){ .addr = ks->addr[i],
				    .name = name_of(ks, (u32)i),
				    .type = ks->type[i] };
	return true;
}

/* The next symbol called @name in probe order; *@at is the cursor. */
static bool next_named(const struct ksym *ks, const char *name, u32 *at,
		       u32 *tries, u32 *sym)
{
	while (*tries <= ks->mask) {
		u32 i = ks->slot[*at & ks->mask];

		(*at)++;
		(*tries)++;
		if (!i || i > ks->nr)
			return false;
		if (!strcmp(name_of(ks, i - 1), name)) {
			*sym = i - 1;
			return true;
		}
	}
	return false;
}

static bool is_global(char type)
{
	return type >= 'A' && type <= 'Z';
}

int ksym_find(const struct ksym *ks, const char *name, u64 *addr)
{
	u32 at = name_hash(name), tries = 0, i, best = UINT32_MAX;

	while (next_named(ks, name, &at, &tries, &i)) {
		if (best == UINT32_MAX ||
		    is_global(ks->type[i]) > is_global(ks->type[best]) ||
		    (is_global(ks->type[i]) == is_global(ks->type[best]) &&
		     ks->addr[i] < ks->addr[best]))
			best = i;
	}
	if (best == UINT32_MAX)
		return -ENOENT;
	*addr = ks->addr[best];
	return 0;
}

size_t ksym_nr_named(const struct ksym *ks, const char *name)
{
	u32 at = name_hash(name), tries = 0, i;
	size_t nr = 0;

	while (next_named(ks, name, &at, &tries, &i))
		nr++;
	return nr;
}

const char *ksym_at(const struct ksym *ks, u64 addr, u64 *offset)
{
	u32 low = 0, high = ks->nr;

	while (low < high) {
		u32 mid = low + (high - low) / 2;

		if (ks->addr[mid] <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	if (!low)
		return NULL;
	low--;
	if (low == ks->nr - 1 && addr - ks->addr[low] >= LAST_SYMBOL_SIZE)
		return NULL;
	/* The first of several at one address. */
	while (low && ks->addr[low - 1] == ks->addr[low])
		low--;
	*offset = addr - ks->addr[low];
	return name_of(ks, low);
}

u64 ksym_runtime(u64 addr, u64 slide)
{
	return addr >= KIMAGE_START_KERNEL_MAP ? addr + slide : addr;
}
