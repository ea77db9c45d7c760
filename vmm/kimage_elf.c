// SPDX-License-Identifier: GPL-2.0-only
/* ELF segments, sections and relocations of a vmlinux; see kimage_elf.h. */
#include "vmm/kimage_elf.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <gelf.h>
#include <libelf.h>
#include <xxhash.h>

#include "vmm/base/cleanup.h"
#include "vmm/base/diag.h"


static bool in_file(u64 off, u64 size, size_t len)
{
	return off <= len && size <= len - off;
}

static void extend(struct kimage_elf *e, u64 end)
{
	e->len = max(e->len, (size_t)end);
}

static int read_header(struct kimage_elf *e, Elf *elf, size_t len,
		       struct diag *d)
{
	GElf_Ehdr eh;
	u64 ph_end, sh_end;

	if (!gelf_getehdr(elf, &eh) || eh.e_ident[EI_CLASS] != ELFCLASS64 ||
	    eh.e_ident[EI_DATA] != ELFDATA2LSB || eh.e_machine != EM_X86_64 ||
	    eh.e_type != ET_EXEC)
		return diag_fail(d, -ENOEXEC, NULL,
				 "not an x86-64 ELF vmlinux (64-bit ET_EXEC)");
	if (check_add(eh.e_phoff, (u64)eh.e_phnum * eh.e_phentsize, &ph_end) ||
	    check_add(eh.e_shoff, (u64)eh.e_shnum * eh.e_shentsize, &sh_end) ||
	    ph_end > len || sh_end > len)
		return diag_fail(d, -EINVAL, NULL,
				 "ELF header tables lie outside the file");
	e->entry = eh.e_entry;
	extend(e, eh.e_ehsize <= len ? eh.e_ehsize : 0);
	extend(e, ph_end);
	extend(e, sh_end);
	return 0;
}

static int add_segment(struct kimage_elf *e, const GElf_Phdr *ph, size_t len,
		       struct diag *d)
{
	u64 end;

	if (!in_file(ph->p_offset, ph->p_filesz, len) ||
	    ph->p_filesz > ph->p_memsz ||
	    check_add(ph->p_paddr, ph->p_memsz, &end) ||
	    check_add(ph->p_vaddr, ph->p_memsz, &end))
		return diag_fail(d, -EINVAL, NULL,
				 "ELF segment %u at 0x%" PRIx64
				 " lies outside the file or wraps",
				 e->nr_segments, (u64)ph->p_vaddr);
	extend(e, ph->p_offset + ph->p_filesz);
	e->segments[e->nr_segments++] = (struct kimage_segment){
		.vaddr = ph->p_vaddr, .paddr = ph->p_paddr,
		.filesz = ph->p_filesz, .memsz = ph->p_memsz,
		.flags = ph->p_flags, .data = e->data + ph->p_offset,
	};
	return 0;
}

static int read_segments(struct kimage_elf *e, Elf *elf, size_t len,
			 struct diag *d)
{
	size_t nr, i;

	if (elf_getphdrnum(elf, &nr) || !nr || nr > KIMAGE_MAX_SEGMENTS)
		return diag_fail(d, -EINVAL, NULL,
				 "ELF file without usable program headers");
	e->segments = calloc(nr, sizeof(*e->segments));
	if (!e->segments)
		return diag_fail(d, -ENOMEM, NULL, "no memory");
	for (i = 0; i < nr; i++) {
		GElf_Phdr ph;
		int err;

		if (!gelf_getphdr(elf, (int)i, &ph))
			return diag_fail(d, -EINVAL, NULL,
					 "cannot read ELF program header %zu", i);
		if (ph.p_type != PT_LOAD || !ph.p_memsz)
			continue;
		err = add_segment(e, &ph, len, d);
		if (err)
			return err;
	}
	if (!e->nr_segments)
		return diag_fail(d, -EINVAL, NULL, "ELF file without PT_LOAD");
	return 0;
}

static int add_section(struct kimage_elf *e, Elf *elf, size_t names,
		       const GElf_Shdr *sh, size_t len, struct diag *d)
{
	struct kimage_section *s = &e->sections[e->nr_sections];
	bool bits = sh->sh_type != SHT_NOBITS && sh->sh_type != SHT_NULL;
	const char *name = elf_strptr(elf, names, sh->sh_name);

	if (bits && !in_file(sh->sh_offset, sh->sh_size, len))
		return diag_fail(d, -EINVAL, NULL,
				 "ELF section %u (%s) lies outside the file",
				 e->nr_sections, name ? name : "?");
	if (bits)
		extend(e, sh->sh_offset + sh->sh_size);
	/* The name must outlive libelf's handle: only the file's own bytes do. */
	if (name && ((const u8 *)name < e->data ||
		     (const u8 *)name >= e->data + len))
		name = NULL;
	*s = (struct kimage_section){
		.name = name ? name : "", .addr = sh->sh_addr,
		.size = sh->sh_size, .type = sh->sh_type,
		.flags = sh->sh_flags,
		.data = bits ? e->data + sh->sh_offset : NULL,
	};
	e->nr_sections++;
	return 0;
}

static int read_sections(struct kimage_elf *e, Elf *elf, size_t len,
			 struct diag *d)
{
	Elf_Scn *scn = NULL;
	size_t nr, names;

	if (elf_getshdrnum(elf, &nr) || nr > KIMAGE_MAX_SECTIONS)
		return diag_fail(d, -EINVAL, NULL,
				 "ELF file with unusable section headers");
	if (!nr)
		return 0;
	if (elf_getshdrstrndx(elf, &names))
		return diag_fail(d, -EINVAL, NULL,
				 "ELF file without section names");
	e->sections = calloc(nr, sizeof(*e->sections));
	if (!e->sections)
		return diag_fail(d, -ENOMEM, NULL, "no memory");
	while ((scn = elf_nextscn(elf, scn)) && e->nr_sections < nr) {
		GElf_Shdr sh;
		int err;

		if (!gelf_getshdr(scn, &sh))
			return diag_fail(d, -EINVAL, NULL,
					 "cannot read ELF section header %u",
					 e->nr_sections);
		err = add_section(e, elf, names, &sh, len, d);
		if (err)
			return err;
	}
	return 0;
}

/* Segments may overlap for all we know: only the extent must make sense. */
static int find_extent(struct kimage_elf *e, struct diag *d)
{
	const struct kimage_segment *low = &e->segments[0];
	u64 end = 0;
	unsigned int i;

	for (i = 0; i < e->nr_segments; i++) {
		const struct kimage_segment *s = &e->segments[i];

		if (s->paddr < low->paddr)
			low = s;
		end = max(end, s->paddr + s->memsz);
	}
	e->link_phys = low->paddr;
	e->link_virt = low->vaddr;
	e->image_size = end - low->paddr;
	if (e->image_size > KIMAGE_MAP_SIZE_KASLR)
		return diag_fail(d, -EINVAL, NULL,
				 "kernel image of %" PRIu64 " MiB: more than 1 GiB",
				 e->image_size >> 20);
	if (e->entry < e->link_phys || e->entry - e->link_phys >= e->image_size)
		return diag_fail(d, -EINVAL, NULL,
				 "entry point 0x%" PRIx64 " lies outside the image",
				 e->entry);
	return 0;
}

int kimage_elf_init(struct kimage_elf *e, const u8 *data, size_t len,
		    struct diag *d)
{
	Elf *elf;
	int err;

	*e = (struct kimage_elf){ .data = data };
	elf_version(EV_CURRENT);
	/* libelf takes a char *, and reads only. */
	elf = elf_memory((char *)data, len);
	if (!elf || elf_kind(elf) != ELF_K_ELF) {
		err = diag_fail(d, -ENOEXEC, NULL, "not an ELF file");
		goto out;
	}
	err = read_header(e, elf, len, d);
	if (!err)
		err = read_segments(e, elf, len, d);
	if (!err)
		err = read_sections(e, elf, len, d);
	if (!err)
		err = find_extent(e, d);
out:
	if (err)
		kimage_elf_deinit(e);
	elf_end(elf);
	return err;
}

void kimage_elf_deinit(struct kimage_elf *e)
{
	free(e->segments);
	free(e->sections);
	*e = (struct kimage_elf){ 0 };
}

/* The build's note, and what is indexed: symbols and types. */
static bool identifies(const struct kimage_section *s)
{
	return s->data && (s->type == SHT_SYMTAB || s->type == SHT_STRTAB ||
			   s->type == SHT_NOTE || !strcmp(s->name, ".BTF"));
}

void kimage_elf_identity(const struct kimage_elf *e, char hex[33])
{
	XXH3_state_t *state = XXH3_createState();
	bool stripped = true;
	XXH128_hash_t h;
	unsigned int i;

	hex[0] = '\0';
	if (!state)
		return;
	XXH3_128bits_reset(state);
	for (i = 0; i < e->nr_sections; i++) {
		const struct kimage_section *s = &e->sections[i];
		u64 place[3] = { s->addr, s->size, s->type };

		XXH3_128bits_update(state, place, sizeof(place));
		if (identifies(s))
			XXH3_128bits_update(state, s->data, s->size);
		if (s->type == SHT_SYMTAB)
			stripped = false;
	}
	/* Symbols come out of the data then, so the data is the identity. */
	if (stripped)
		XXH3_128bits_update(state, e->data, e->len);
	h = XXH3_128bits_digest(state);
	XXH3_freeState(state);
	snprintf(hex, 33, "%016" PRIx64 "%016" PRIx64, (u64)h.high64,
		 (u64)h.low64);
}

const u8 *kimage_elf_find(const struct kimage_elf *e, const void *what,
			  size_t len, size_t *left)
{
	unsigned int i;

	for (i = 0; i < e->nr_segments; i++) {
		const struct kimage_segment *s = &e->segments[i];
		const u8 *p = memmem(s->data, s->filesz, what, len);

		if (p) {
			*left = s->filesz - (size_t)(p - s->data);
			return p;
		}
	}
	return NULL;
}

static u32 word_at(const u8 *table, size_t i)
{
	u32 v;

	memcpy(&v, table + i * 4, sizeof(v));
	return v;
}

/*
 * The table, as words, as the kernel's arch/x86/tools/relocs writes it:
 *	0, 64-bit places, 0, [32-bit inverse places, 0,] 32-bit places
 * A place is the low half of a link address. Inverse ones (the old per-CPU
 * section's) are gone from newer kernels; the number of stops tells.
 */
static unsigned int count_stops(const u8 *table, size_t nr)
{
	unsigned int stops = 0;
	size_t i;

	for (i = 0; i < nr; i++)
		stops += !word_at(table, i);
	return stops;
}

int kimage_relocs_check(const u8 *table, size_t len)
{
	unsigned int stops;

	if (len < 8 || len % 4 || word_at(table, 0))
		return -EINVAL;
	stops = count_stops(table, len / 4);
	return stops == 2 || stops == 3 ? 0 : -EINVAL;
}

enum reloc_kind { RELOC_64, RELOC_INVERSE_32, RELOC_32 };

static void apply_one(u8 *at, enum reloc_kind kind, u64 slide)
{
	u32 v32;
	u64 v64;

	if (kind == RELOC_64) {
		memcpy(&v64, at, sizeof(v64));
		v64 += slide;
		memcpy(at, &v64, sizeof(v64));
		return;
	}
	memcpy(&v32, at, sizeof(v32));
	v32 += kind == RELOC_32 ? (u32)slide : -(u32)slide;
	memcpy(at, &v32, sizeof(v32));
}

int kimage_relocs_apply(const struct kimage_elf *e, const u8 *table,
			size_t len, u8 *image, u64 slide)
{
	size_t nr = len / 4, i;
	enum reloc_kind kind = RELOC_64;
	bool inverse;

	if (kimage_relocs_check(table, len))
		return -EINVAL;
	inverse = count_stops(table, nr) == 3;
	for (i = 1; i < nr; i++) {
		u32 word = word_at(table, i);
		u64 off = (u64)(s64)(s32)word - e->link_virt;
		u64 width = kind == RELOC_64 ? 8 : 4;

		if (!word) {
			kind = inverse && kind == RELOC_64 ? RELOC_INVERSE_32 :
							     RELOC_32;
			continue;
		}
		if (off > e->image_size || width > e->image_size - off)
			return -ERANGE;
		apply_one(image + off, kind, slide);
	}
	return 0;
}
