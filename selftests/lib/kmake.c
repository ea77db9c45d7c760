// SPDX-License-Identifier: GPL-2.0-only
/* Small kernel images; see kmake.h. */
#include "selftests/lib/kmake.h"

#include <elf.h>
#include <endian.h>
#include <string.h>

#include <lz4.h>
#include <lzma.h>
#include <lzo/lzo1x.h>
#include <zlib.h>
#include <zstd.h>

#define SETUP_SECTS 2
#define SETUP_LEN ((SETUP_SECTS + 1) * 512)
#define PAYLOAD_OFFSET 0x60

static void add32(struct buf *b, u32 v)
{
	buf_add(b, &v, sizeof(v));
}

/*
 * Tokens: every byte stands for itself, but for two that nobody writes, one of
 * which expands to a run, so that expansion is tested.
 */
static void add_tokens(struct buf *b)
{
	u16 index[256];
	size_t start;
	int i;

	buf_pad(b, 8);
	start = b->len;
	for (i = 0; i < 256; i++) {
		index[i] = (u16)(b->len - start);
		if (i == 0x01)
			buf_puts(b, "sys_");
		else
			buf_putc(b, i ? (char)i : (char)0xff);
		buf_putc(b, 0);
	}
	buf_pad(b, 8);
	buf_add(b, index, sizeof(index));
}

static void add_name(struct buf *b, const char *name)
{
	char packed[2048];
	size_t n = 0;

	while (*name) {
		if (!strncmp(name, "sys_", 4)) {
			packed[n++] = 0x01;
			name += 4;
		} else {
			packed[n++] = *name++;
		}
	}
	if (n < 128) {
		buf_putc(b, (char)n);
	} else {
		buf_putc(b, (char)(0x80 | (n & 0x7f)));
		buf_putc(b, (char)(n >> 7));
	}
	buf_add(b, packed, n);
}

static void add_names(struct buf *b, const struct kmake_sym *syms, size_t nr,
		      size_t align)
{
	struct buf markers = { 0 };
	size_t i, start;

	buf_pad(b, align);
	add32(b, (u32)nr);
	buf_pad(b, align);
	start = b->len;
	for (i = 0; i < nr; i++) {
		if (i % 256 == 0)
			add32(&markers, (u32)(b->len - start));
		add_name(b, syms[i].name);
	}
	buf_pad(b, align);
	buf_add(b, markers.data, markers.len);
	buf_reset(&markers);
}

static void add_offsets(struct buf *b, u64 vaddr, const struct kmake_sym *syms,
			size_t nr, enum kmake_layout layout)
{
	bool percpu = syms[0].addr < KMAKE_TEXT;
	u64 base = KMAKE_TEXT;
	size_t i;

	for (i = 0; i < nr; i++) {
		u64 a = syms[i].addr;

		if (layout == KMAKE_ADDRESSES)
			buf_add(b, &a, sizeof(a));
		else if (layout == KMAKE_PLACE)
			add32(b, (u32)(a - (vaddr + b->len)));
		else if (percpu)
			add32(b, a < KMAKE_TEXT ? (u32)a : (u32)(base - 1 - a));
		else
			add32(b, (u32)(a - base));
	}
	buf_pad(b, 8);
	if (layout == KMAKE_OLD || layout == KMAKE_NEW)
		buf_add(b, &base, sizeof(base));
}

void kmake_kallsyms(struct buf *out, u64 vaddr, const struct kmake_sym *syms,
		    size_t nr, enum kmake_layout layout)
{
	bool old = layout == KMAKE_OLD || layout == KMAKE_ADDRESSES;
	size_t align = layout == KMAKE_PLACE ? 4 : 8;

	/* @out is the whole of what @vaddr begins. */
	buf_pad(out, 8);
	if (old)
		add_offsets(out, vaddr, syms, nr, layout);
	add_names(out, syms, nr, align);
	add_tokens(out);
	if (!old)
		add_offsets(out, vaddr, syms, nr, layout);
	buf_puts(out, "whatever follows");
}

void kmake_elf(struct buf *out, const void *rodata, size_t len)
{
	static const char names[] = "\0.text\0.shstrtab";
	static const char banner[] =
		"Linux version 6.99.0-test (builder@host) #1 SMP\n";
	u64 filesz = 0x1000 + len, text64 = KMAKE_TEXT + 0x123;
	u32 text32 = (u32)text64;
	Elf64_Shdr sh[3] = { { 0 } };
	Elf64_Phdr ph = {
		.p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_offset = 0x1000,
		.p_vaddr = KMAKE_TEXT, .p_paddr = KMAKE_PHYS,
		.p_filesz = filesz, .p_memsz = filesz + KMAKE_BSS,
	};
	Elf64_Ehdr eh = {
		.e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB,
			     EV_CURRENT },
		.e_type = ET_EXEC, .e_machine = EM_X86_64,
		.e_version = EV_CURRENT, .e_entry = KMAKE_PHYS,
		.e_phoff = sizeof(eh), .e_ehsize = sizeof(eh),
		.e_phentsize = sizeof(ph), .e_phnum = 1,
		.e_shentsize = sizeof(sh[0]), .e_shnum = 3, .e_shstrndx = 2,
	};

	eh.e_shoff = round_up(0x1000 + filesz + sizeof(names), 8);
	sh[1] = (Elf64_Shdr){ .sh_name = 1, .sh_type = SHT_PROGBITS,
			      .sh_flags = SHF_ALLOC | SHF_EXECINSTR,
			      .sh_addr = KMAKE_TEXT, .sh_offset = 0x1000,
			      .sh_size = filesz };
	sh[2] = (Elf64_Shdr){ .sh_name = 7, .sh_type = SHT_STRTAB,
			      .sh_offset = 0x1000 + filesz,
			      .sh_size = sizeof(names) };
	buf_add(out, &eh, sizeof(eh));
	buf_add(out, &ph, sizeof(ph));
	buf_pad(out, 0x1000);
	buf_pad(out, 1);
	buf_add(out, "\xf4\xeb\xfd", 3);
	buf_pad(out, KMAKE_REL64);
	buf_add(out, &text64, 8);
	buf_add(out, &text32, 4);
	buf_add(out, &text32, 4);
	buf_add(out, banner, sizeof(banner));
	buf_pad(out, 0x1000);
	buf_add(out, rodata, len);
	buf_add(out, names, sizeof(names));
	buf_pad(out, 8);
	buf_add(out, sh, sizeof(sh));
}

static void add_symtab(struct buf *out, struct buf *str,
		       const struct kmake_sym *syms, size_t nr)
{
	Elf64_Sym s = { 0 };
	size_t i;

	buf_add(out, &s, sizeof(s));
	buf_putc(str, 0);
	/* What an index leaves out: a file's name, a local label. */
	s.st_name = (u32)str->len;
	s.st_info = ELF64_ST_INFO(STB_LOCAL, STT_FILE);
	s.st_shndx = SHN_ABS;
	buf_add(str, "main.c", 7);
	buf_add(out, &s, sizeof(s));
	for (i = 0; i < nr; i++) {
		char type = syms[i].name[0];
		int bind = type == 'W' ? STB_WEAK :
			   type >= 'a' ? STB_LOCAL : STB_GLOBAL;

		s.st_name = (u32)str->len;
		s.st_info = (u8)ELF64_ST_INFO(bind, STT_FUNC);
		s.st_shndx = type == 'A' ? SHN_ABS : 1;
		s.st_value = syms[i].addr;
		buf_add(str, syms[i].name + 1, strlen(syms[i].name));
		buf_add(out, &s, sizeof(s));
	}
}

void kmake_elf_symtab(struct buf *out, const struct kmake_sym *syms, size_t nr)
{
	static const char names[] = "\0.text\0.symtab\0.strtab\0.shstrtab";
	Elf64_Shdr sh[5] = { { 0 } };
	struct buf str = { 0 };
	Elf64_Ehdr *eh;
	size_t at;

	kmake_elf(out, "text", 4);
	eh = (Elf64_Ehdr *)out->data;
	memcpy(sh, out->data + eh->e_shoff, 2 * sizeof(sh[0]));
	buf_pad(out, 8);
	at = out->len;
	add_symtab(out, &str, syms, nr);
	sh[2] = (Elf64_Shdr){ .sh_name = 7, .sh_type = SHT_SYMTAB, .sh_link = 3,
			      .sh_offset = at, .sh_size = out->len - at,
			      .sh_entsize = sizeof(Elf64_Sym) };
	sh[3] = (Elf64_Shdr){ .sh_name = 15, .sh_type = SHT_STRTAB,
			      .sh_offset = out->len, .sh_size = str.len };
	buf_add(out, str.data, str.len);
	sh[4] = (Elf64_Shdr){ .sh_name = 23, .sh_type = SHT_STRTAB,
			      .sh_offset = out->len, .sh_size = sizeof(names) };
	buf_add(out, names, sizeof(names));
	buf_pad(out, 8);
	eh = (Elf64_Ehdr *)out->data;
	eh->e_shoff = out->len;
	eh->e_shnum = 5;
	eh->e_shstrndx = 4;
	buf_add(out, sh, sizeof(sh));
	buf_reset(&str);
}

void kmake_relocs(struct buf *out, bool inverse)
{
	add32(out, 0);
	add32(out, (u32)KMAKE_TEXT + KMAKE_REL64);
	add32(out, 0);
	if (inverse) {
		add32(out, (u32)KMAKE_TEXT + KMAKE_INV32);
		add32(out, 0);
	}
	add32(out, (u32)KMAKE_TEXT + KMAKE_REL32);
}

static void by_gzip(struct buf *out, const void *in, size_t len)
{
	z_stream z = { 0 };

	deflateInit2(&z, 9, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY);
	buf_reserve(out, deflateBound(&z, len) + 64);
	z.next_in = (u8 *)in;
	z.avail_in = (uInt)len;
	z.next_out = (u8 *)out->data + out->len;
	z.avail_out = (uInt)(out->cap - out->len);
	deflate(&z, Z_FINISH);
	out->len += z.total_out;
	deflateEnd(&z);
}

static void by_lzma(struct buf *out, const void *in, size_t len, bool xz)
{
	lzma_stream s = LZMA_STREAM_INIT;
	lzma_options_lzma opt;
	lzma_filter filters[] = { { LZMA_FILTER_X86, NULL },
				  { LZMA_FILTER_LZMA2, &opt },
				  { LZMA_VLI_UNKNOWN, NULL } };

	BUG_ON(lzma_lzma_preset(&opt, 6));
	BUG_ON(xz ? lzma_stream_encoder(&s, filters, LZMA_CHECK_CRC32) :
		    lzma_alone_encoder(&s, &opt));
	buf_reserve(out, len + len / 2 + 4096);
	s.next_in = in;
	s.avail_in = len;
	s.next_out = (u8 *)out->data + out->len;
	s.avail_out = out->cap - out->len;
	BUG_ON(lzma_code(&s, LZMA_FINISH) != LZMA_STREAM_END);
	out->len += s.total_out;
	lzma_end(&s);
}

/* Two blocks, as a large image has. */
static void by_lz4(struct buf *out, const void *in, size_t len)
{
	size_t half = len / 2, part[2] = { half, len - half }, at = 0;
	int i, n;

	add32(out, 0x184c2102);
	for (i = 0; i < 2; i++) {
		int room = LZ4_compressBound((int)part[i]);
		char *block = malloc((size_t)room);

		n = LZ4_compress_default((const char *)in + at, block,
					 (int)part[i], room);
		add32(out, (u32)n);
		buf_add(out, block, (size_t)n);
		free(block);
		at += part[i];
	}
}

static void by_zstd(struct buf *out, const void *in, size_t len)
{
	buf_reserve(out, ZSTD_compressBound(len));
	out->len += ZSTD_compress(out->data + out->len, out->cap - out->len, in,
				  len, 19);
}

static void add_be(struct buf *b, u64 v, int bytes)
{
	while (bytes--)
		buf_putc(b, bytes < 8 ? (char)(v >> (bytes * 8)) : 0);
}

/* lzop -9 as the kernel's build runs it: adler32 of the data only. */
static void by_lzo(struct buf *out, const void *in, size_t len)
{
	static u8 work[LZO1X_1_MEM_COMPRESS], block[65536 + 65536 / 16 + 67];
	static const u8 magic[9] = { 0x89, 'L', 'Z', 'O', 0, '\r', '\n', 0x1a,
				     '\n' };
	const u8 *p = in;

	lzo_init();
	buf_add(out, magic, sizeof(magic));
	add_be(out, 0x1030, 2);	/* version */
	add_be(out, 0x20a0, 2);	/* library */
	add_be(out, 0x0940, 2);	/* needed */
	buf_add(out, "\3\11", 2);	/* method, level */
	add_be(out, 1, 4);	/* flags: ADLER32_D */
	add_be(out, 0, 12);	/* mode, mtime */
	buf_putc(out, 0);	/* name */
	add_be(out, 0, 4);	/* header checksum, not looked at */
	while (len) {
		size_t n = min(len, (size_t)65536);
		lzo_uint got = 0;

		lzo1x_1_compress(p, n, block, &got, work);
		add_be(out, n, 4);
		add_be(out, got < n ? got : n, 4);
		add_be(out, lzo_adler32(1, p, n), 4);
		buf_add(out, got < n ? block : p, got < n ? got : n);
		p += n;
		len -= n;
	}
	add_be(out, 0, 4);
}

static void pack(struct buf *out, const char *method, const void *in,
		     size_t len)
{
	if (!strcmp(method, "gzip"))
		by_gzip(out, in, len);
	else if (!strcmp(method, "xz") || !strcmp(method, "lzma"))
		by_lzma(out, in, len, method[0] == 'x');
	else if (!strcmp(method, "lz4"))
		by_lz4(out, in, len);
	else if (!strcmp(method, "zstd"))
		by_zstd(out, in, len);
	else if (!strcmp(method, "lzo"))
		by_lzo(out, in, len);
	else if (!strcmp(method, "bzip2"))
		buf_puts(out, "BZh9 and then nothing");
	else
		buf_add(out, in, len);
}

static void put(struct buf *b, size_t at, u64 v, size_t bytes)
{
	memcpy(b->data + at, &v, bytes);
}

size_t kmake_payload_offset(void)
{
	return SETUP_LEN + PAYLOAD_OFFSET;
}

void kmake_bzimage(struct buf *out, const char *method, const void *payload,
		   size_t len)
{
	static const char banner[] = "6.99.0-test (builder@host) #1 SMP";
	u32 size = (u32)len;
	size_t start;

	buf_puts(out, "MZ");
	buf_pad(out, SETUP_LEN);
	buf_pad(out, 1);
	put(out, 0x1f1, SETUP_SECTS, 1);
	put(out, 0x1fe, 0xaa55, 2);
	put(out, 0x201, 0x6a, 1);
	memcpy(out->data + 0x202, "HdrS", 4);
	put(out, 0x206, 0x020f, 2);
	put(out, 0x20e, 0x400 - 0x200, 2);
	memcpy(out->data + 0x400, banner, sizeof(banner));
	put(out, 0x211, 1, 1);
	put(out, 0x22c, 0x7fffffff, 4);
	put(out, 0x230, MiB(2), 4);
	put(out, 0x234, 1, 1);
	put(out, 0x236, 0x7f, 2);
	put(out, 0x238, 2047, 4);
	put(out, 0x248, PAYLOAD_OFFSET, 4);
	put(out, 0x258, KMAKE_PHYS, 8);
	put(out, 0x260, MiB(4), 4);
	while (out->len < SETUP_LEN + PAYLOAD_OFFSET)
		buf_putc(out, (char)0xcc);
	start = out->len;
	pack(out, method, payload, len);
	if (strcmp(method, "gzip") && strcmp(method, "none"))
		buf_add(out, &size, sizeof(size));
	put(out, 0x24c, out->len - start, 4);
	buf_puts(out, "tail of the protected-mode code");
}
