// SPDX-License-Identifier: GPL-2.0-only
/* Opening kernel images: container, payload, cache; see kimage.h. */
#include "vmm/kimage.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <zlib.h>

#include "vmm/base/cleanup.h"
#include "vmm/base/diag.h"
#include "vmm/base/log.h"
#include "vmm/kcache.h"
#include "vmm/kimage_elf.h"
#include "vmm/kunpack.h"

#define IMAGE_CACHE_NAME "image"
#define IMAGE_CACHE_VERSION 1
#define IMAGE_FILE_MAX GiB(4)
#define IMAGE_UNPACKED_MAX GiB(1)
#define IMAGE_IKCONFIG_MAX MiB(4)
#define SLIDE_ALIGN MiB(2)
#define CMDLINE_MAX 2047	/* COMMAND_LINE_SIZE - 1 on x86 */

/* Offsets into the bzImage, Documentation/arch/x86/boot. */
enum {
	HDR_SETUP_SECTS = 0x1f1,
	HDR_BOOT_FLAG = 0x1fe,
	HDR_END_JUMP = 0x201,
	HDR_MAGIC = 0x202,
	HDR_VERSION = 0x206,
	HDR_KERNEL_VERSION = 0x20e,
	HDR_LOADFLAGS = 0x211,
	HDR_INITRD_ADDR_MAX = 0x22c,
	HDR_KERNEL_ALIGNMENT = 0x230,
	HDR_RELOCATABLE = 0x234,
	HDR_XLOADFLAGS = 0x236,
	HDR_CMDLINE_SIZE = 0x238,
	HDR_PAYLOAD_OFFSET = 0x248,
	HDR_PAYLOAD_LENGTH = 0x24c,
	HDR_PREF_ADDRESS = 0x258,
	HDR_INIT_SIZE = 0x260,
	HDR_MIN_LEN = 0x268,
	SECTOR = 512,
};

struct kimage {
	char *path;
	enum kimage_format format;
	char hash[KCACHE_HASH_SIZE];
	struct stat st;		/* of the file; all zero: none */
	s64 opened_s;
	char *cache_dir;	/* NULL: no cache */
	bool cached;
	const char *compression;
	char *release;
	char *banner;
	u8 *setup;		/* bzImage only */
	struct kimage_boot boot;

	/* What the ELF bytes lie in; one of the three owns them, or none. */
	void *file_map;
	size_t file_len;
	void *unpacked;
	size_t unpacked_len;
	struct kcache_map entry;

	struct kimage_elf elf;
	const u8 *relocs;
	size_t relocs_len;
};

static u16 le16_at(const u8 *p, size_t off)
{
	return (u16)(p[off] | p[off + 1] << 8);
}

static u32 le32_at(const u8 *p, size_t off)
{
	return le16_at(p, off) | (u32)le16_at(p, off + 2) << 16;
}

static u64 le64_at(const u8 *p, size_t off)
{
	return le32_at(p, off) | (u64)le32_at(p, off + 4) << 32;
}

static bool is_bzimage(const u8 *data, size_t len)
{
	return len >= HDR_MIN_LEN && le16_at(data, HDR_BOOT_FLAG) == 0xaa55 &&
	       !memcmp(data + HDR_MAGIC, "HdrS", 4);
}

static bool is_elf(const u8 *data, size_t len)
{
	return len >= 4 && !memcmp(data, "\177ELF", 4);
}

/* The release is the banner's first word. */
static int set_banner(struct kimage *ki, const u8 *text, size_t max)
{
	size_t len = strnlen((const char *)text, max);

	while (len && (text[len - 1] == '\n' || text[len - 1] == ' '))
		len--;
	ki->banner = strndup((const char *)text, len);
	if (!ki->banner)
		return -ENOMEM;
	ki->release = strndup(ki->banner, strcspn(ki->banner, " "));
	return ki->release ? 0 : -ENOMEM;
}

static int parse_setup(struct kimage *ki, const u8 *data, size_t len,
		       struct diag *d)
{
	unsigned int sects = data[HDR_SETUP_SECTS];
	size_t setup_len = ((sects ? sects : 4) + 1) * (size_t)SECTOR;
	struct kimage_boot *b = &ki->boot;
	size_t version;

	if (le16_at(data, HDR_VERSION) < 0x0208)
		return diag_fail(d, -EOPNOTSUPP, NULL,
				 "boot protocol %u.%u is older than 2.8",
				 data[HDR_VERSION + 1], data[HDR_VERSION]);
	if (setup_len > len)
		return diag_fail(d, -EINVAL, NULL,
				 "cut short: %zu bytes, setup code alone has %zu",
				 len, setup_len);
	ki->setup = malloc(setup_len);
	if (!ki->setup)
		return diag_fail(d, -ENOMEM, NULL, "no memory");
	memcpy(ki->setup, data, setup_len);
	*b = (struct kimage_boot){
		.setup = ki->setup,
		.setup_len = setup_len,
		.setup_header_end = HDR_MAGIC + data[HDR_END_JUMP],
		.version = le16_at(data, HDR_VERSION),
		.loadflags = data[HDR_LOADFLAGS],
		.xloadflags = le16_at(data, HDR_XLOADFLAGS),
		.relocatable = data[HDR_RELOCATABLE],
		.kernel_alignment = le32_at(data, HDR_KERNEL_ALIGNMENT),
		.pref_address = le64_at(data, HDR_PREF_ADDRESS),
		.init_size = le32_at(data, HDR_INIT_SIZE),
		.cmdline_size = le32_at(data, HDR_CMDLINE_SIZE),
		.initrd_addr_max = le32_at(data, HDR_INITRD_ADDR_MAX),
	};
	version = (size_t)le16_at(data, HDR_KERNEL_VERSION) + SECTOR;
	if (version > SECTOR && version < setup_len &&
	    set_banner(ki, ki->setup + version, setup_len - version))
		return diag_fail(d, -ENOMEM, NULL, "no memory");
	return 0;
}

struct payload {
	const u8 *data;
	size_t len;
	const struct kunpack_method *method;
	size_t unpacked_len;
};

static int find_payload(const struct kimage *ki, const u8 *data, size_t len,
			struct payload *p, struct diag *d)
{
	u64 start = ki->boot.setup_len + le32_at(data, HDR_PAYLOAD_OFFSET);
	u64 plen = le32_at(data, HDR_PAYLOAD_LENGTH);

	if (plen < 16 || start > len || plen > len - start)
		return diag_fail(d, -EINVAL, NULL,
				 "cut short: payload of %" PRIu64
				 " bytes at %" PRIu64 " in a file of %zu",
				 plen, start, len);
	p->data = data + start;
	p->len = plen;
	p->method = kunpack_probe(p->data, p->len);
	if (!p->method)
		return diag_fail(d, -EOPNOTSUPP, NULL,
				 "payload begins with %02x %02x %02x %02x: no compression known here",
				 p->data[0], p->data[1], p->data[2], p->data[3]);
	if (!p->method->unpack)
		return diag_fail(d, -EOPNOTSUPP, NULL,
				 "payload is compressed by %s, which is not supported (zstd, lz4, xz, gzip, lzo and lzma are)",
				 p->method->name);
	/* The build appends the size; in gzip it is the trailer's ISIZE. */
	p->unpacked_len = le32_at(p->data, p->len - 4);
	if (!strcmp(p->method->name, "none"))
		p->unpacked_len = p->len;
	if (!p->unpacked_len || p->unpacked_len > IMAGE_UNPACKED_MAX)
		return diag_fail(d, -EINVAL, NULL,
				 "payload claims to unpack to %zu bytes",
				 p->unpacked_len);
	return 0;
}

static int unpack(struct kimage *ki, const struct payload *p, struct diag *d)
{
	size_t got = 0;
	u8 *map;
	int err;

	map = mmap(NULL, p->unpacked_len, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (map == MAP_FAILED)
		return diag_fail(d, -ENOMEM, NULL,
				 "no memory for %zu bytes of kernel",
				 p->unpacked_len);
	ki->unpacked = map;
	ki->unpacked_len = p->unpacked_len;
	err = p->method->unpack(p->data, p->len, map, p->unpacked_len, &got);
	if (err == -ENOMEM)
		return diag_fail(d, err, NULL, "no memory to unpack the %s payload",
				 p->method->name);
	if (err || got != p->unpacked_len)
		return diag_fail(d, -EINVAL, NULL,
				 "%s payload is damaged: unpacked %zu of %zu bytes%s",
				 p->method->name, got, p->unpacked_len,
				 err == -ENOSPC ? " and more follow" : "");
	return 0;
}

/* @data is the payload's content: the ELF file and what follows it. */
static int index_payload(struct kimage *ki, const u8 *data, size_t len,
			 struct diag *d)
{
	int err = kimage_elf_init(&ki->elf, data, len, d);

	if (err)
		return err;
	ki->relocs = data + ki->elf.len;
	ki->relocs_len = len - ki->elf.len;
	return 0;
}

static void drop_unpacked(struct kimage *ki)
{
	if (ki->unpacked)
		munmap(ki->unpacked, ki->unpacked_len);
	ki->unpacked = NULL;
}

static void try_cache(struct kimage *ki)
{
	if (kcache_load(ki->cache_dir, IMAGE_CACHE_NAME, IMAGE_CACHE_VERSION,
			&ki->entry))
		return;
	if (index_payload(ki, ki->entry.data, ki->entry.len, NULL)) {
		kcache_unmap(&ki->entry);
		return;
	}
	ki->cached = true;
}

/* Swap private memory for the page cache, which other processes share. */
static void keep_in_cache(struct kimage *ki)
{
	struct iovec iov = { ki->unpacked, ki->unpacked_len };
	int err = kcache_store(ki->cache_dir, IMAGE_CACHE_NAME,
			       IMAGE_CACHE_VERSION, &iov, 1);

	if (err) {
		log_debug("kimage", "cannot write %s: %s", ki->cache_dir,
			  strerror(-err));
		return;
	}
	try_cache(ki);
	ki->cached = false;
}

/* The content's hash; all of the file is read only where nobody knows it. */
static void identify(struct kimage *ki, const u8 *data, size_t len)
{
	struct stat after;

	if (ki->st.st_ino && kcache_recall(&ki->st, ki->hash))
		return;
	if (ki->file_map)
		madvise(ki->file_map, ki->file_len, MADV_POPULATE_READ);
	kcache_hash(data, len, ki->hash);
	/* Not what was exchanged or written to meanwhile. */
	if (ki->st.st_ino && !stat(ki->path, &after) &&
	    after.st_ino == ki->st.st_ino &&
	    !memcmp(&after.st_ctim, &ki->st.st_ctim, sizeof(after.st_ctim)))
		kcache_remember(&ki->st, ki->opened_s, ki->hash);
}

static int open_bzimage(struct kimage *ki, const u8 *data, size_t len,
			unsigned int flags, struct diag *d)
{
	struct payload p = { 0 };
	int err;

	ki->format = KIMAGE_BZIMAGE;
	err = parse_setup(ki, data, len, d);
	if (!err)
		err = find_payload(ki, data, len, &p, d);
	if (err)
		return err;
	ki->compression = p.method->name;
	if (flags & KIMAGE_NO_CACHE)
		kcache_hash(data, len, ki->hash);
	else
		identify(ki, data, len);
	if (!(flags & KIMAGE_NO_CACHE)) {
		ki->cache_dir = kcache_dir(ki->hash);
		if (ki->cache_dir)
			try_cache(ki);
		if (ki->cached)
			return 0;
	}
	err = unpack(ki, &p, d);
	if (!err)
		err = index_payload(ki, ki->unpacked, ki->unpacked_len, d);
	if (err)
		return err;
	if (ki->cache_dir) {
		kimage_elf_deinit(&ki->elf);
		keep_in_cache(ki);
		if (ki->entry.map)
			drop_unpacked(ki);
		else
			err = index_payload(ki, ki->unpacked,
					    ki->unpacked_len, d);
	}
	return err;
}

static int open_elf(struct kimage *ki, const u8 *data, size_t len,
		    unsigned int flags, struct diag *d)
{
	int err;

	ki->format = KIMAGE_ELF;
	ki->compression = "none";
	err = index_payload(ki, data, len, d);
	if (err)
		return err;
	kimage_elf_identity(&ki->elf, ki->hash);
	if (!(flags & KIMAGE_NO_CACHE) && ki->hash[0])
		ki->cache_dir = kcache_dir(ki->hash);
	ki->boot.cmdline_size = CMDLINE_MAX;
	return 0;
}

/* "Linux version 6.12.0 (builder) ...": the banner that /proc/version shows. */
static int find_banner(struct kimage *ki)
{
	static const char prefix[] = "Linux version ";
	size_t skip = sizeof(prefix) - 1, left;
	const u8 *p = kimage_elf_find(&ki->elf, prefix, skip, &left);

	if (!p)
		return 0;
	return set_banner(ki, p + skip, min(left - skip, (size_t)512));
}

static int open_data(struct kimage *ki, const u8 *data, size_t len,
		     unsigned int flags, struct diag *d)
{
	struct kimage_boot *b = &ki->boot;
	int err;

	if (is_bzimage(data, len))
		err = open_bzimage(ki, data, len, flags, d);
	else if (is_elf(data, len))
		err = open_elf(ki, data, len, flags, d);
	else
		return diag_fail(d, -ENOEXEC, NULL,
				 "neither a bzImage nor an ELF vmlinux");
	if (err)
		return err;
	b->entry_phys = ki->elf.entry;
	b->link_phys = ki->elf.link_phys;
	b->link_virt = ki->elf.link_virt;
	b->image_size = ki->elf.image_size;
	if (!ki->banner && find_banner(ki))
		return diag_fail(d, -ENOMEM, NULL, "no memory");
	return 0;
}

static int map_file(struct kimage *ki, struct diag *d)
{
	int fd __free(cleanup_close) = open(ki->path, O_RDONLY | O_CLOEXEC |
							      O_NONBLOCK);
	struct stat st;
	void *map;

	if (fd < 0)
		return diag_fail(d, -errno, NULL, "cannot open: %m");
	if (fstat(fd, &st) < 0)
		return diag_fail(d, -errno, NULL, "cannot stat: %m");
	if (!S_ISREG(st.st_mode))
		return diag_fail(d, -ENOEXEC, NULL, "not a regular file");
	if (!st.st_size || (u64)st.st_size > IMAGE_FILE_MAX)
		return diag_fail(d, -ENOEXEC, NULL, "file of %lld bytes",
				 (long long)st.st_size);
	map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED)
		return diag_fail(d, -errno, NULL, "cannot map: %m");
	ki->file_map = map;
	ki->file_len = (size_t)st.st_size;
	ki->st = st;
	ki->opened_s = time(NULL);
	return 0;
}

static struct kimage *new_kimage(const char *path)
{
	struct kimage *ki = calloc(1, sizeof(*ki));

	if (ki)
		ki->path = strdup(path);
	if (ki && ki->path)
		return ki;
	free(ki);
	return NULL;
}

int kimage_open(const char *path, unsigned int flags, struct kimage **out,
		struct diag *d)
{
	struct kimage *ki = new_kimage(path);
	int err;

	if (!ki)
		return diag_fail(d, -ENOMEM, NULL, "no memory");
	err = map_file(ki, d);
	if (!err)
		err = open_data(ki, ki->file_map, ki->file_len, flags, d);
	if (err) {
		kimage_close(ki);
		return diag_wrap(d, err, "kernel image %s", path);
	}
	/* Nothing of a bzImage's file is needed any more. */
	if (ki->format == KIMAGE_BZIMAGE) {
		munmap(ki->file_map, ki->file_len);
		ki->file_map = NULL;
	}
	*out = ki;
	return 0;
}

int kimage_open_buffer(const void *data, size_t len, struct kimage **out,
		       struct diag *d)
{
	struct kimage *ki = new_kimage("(memory)");
	int err;

	if (!ki)
		return diag_fail(d, -ENOMEM, NULL, "no memory");
	err = open_data(ki, data, len, KIMAGE_NO_CACHE, d);
	if (err) {
		kimage_close(ki);
		return diag_wrap(d, err, "kernel image");
	}
	*out = ki;
	return 0;
}

void kimage_close(struct kimage *ki)
{
	if (!ki)
		return;
	kimage_elf_deinit(&ki->elf);
	drop_unpacked(ki);
	kcache_unmap(&ki->entry);
	if (ki->file_map)
		munmap(ki->file_map, ki->file_len);
	free(ki->setup);
	free(ki->banner);
	free(ki->release);
	free(ki->cache_dir);
	free(ki->path);
	free(ki);
}

enum kimage_format kimage_format(const struct kimage *ki)
{
	return ki->format;
}

const char *kimage_path(const struct kimage *ki)
{
	return ki->path;
}

const char *kimage_release(const struct kimage *ki)
{
	return ki->release ? ki->release : "";
}

const char *kimage_banner(const struct kimage *ki)
{
	return ki->banner ? ki->banner : "";
}

const char *kimage_compression(const struct kimage *ki)
{
	return ki->compression;
}

const char *kimage_hash(const struct kimage *ki)
{
	return ki->hash;
}

bool kimage_cached(const struct kimage *ki)
{
	return ki->cached;
}

const char *kimage_cache_dir(const struct kimage *ki)
{
	return ki->cache_dir;
}

const struct kimage_boot *kimage_boot(const struct kimage *ki)
{
	return &ki->boot;
}

const u8 *kimage_elf(const struct kimage *ki, size_t *len)
{
	*len = ki->elf.len;
	return ki->elf.data;
}

unsigned int kimage_nr_segments(const struct kimage *ki)
{
	return ki->elf.nr_segments;
}

const struct kimage_segment *kimage_segment(const struct kimage *ki,
					    unsigned int i)
{
	return i < ki->elf.nr_segments ? &ki->elf.segments[i] : NULL;
}

unsigned int kimage_nr_sections(const struct kimage *ki)
{
	return ki->elf.nr_sections;
}

const struct kimage_section *kimage_section(const struct kimage *ki,
					    unsigned int i)
{
	return i < ki->elf.nr_sections ? &ki->elf.sections[i] : NULL;
}

const struct kimage_section *kimage_section_by_name(const struct kimage *ki,
						    const char *name)
{
	unsigned int i;

	for (i = 0; i < ki->elf.nr_sections; i++)
		if (!strcmp(ki->elf.sections[i].name, name))
			return &ki->elf.sections[i];
	return NULL;
}

const void *kimage_at(const struct kimage *ki, u64 vaddr, u64 len)
{
	unsigned int i;

	for (i = 0; i < ki->elf.nr_segments; i++) {
		const struct kimage_segment *s = &ki->elf.segments[i];

		if (vaddr >= s->vaddr && vaddr - s->vaddr < s->filesz &&
		    len <= s->filesz - (vaddr - s->vaddr))
			return s->data + (vaddr - s->vaddr);
	}
	return NULL;
}

bool kimage_has_relocs(const struct kimage *ki)
{
	/* Looked at when asked: the table is a megabyte. */
	return !kimage_relocs_check(ki->relocs, ki->relocs_len);
}

/* Pages of zeros (.bss is often in the file) stay untouched guest RAM. */
static void copy_segment(u8 *dst, const u8 *src, u64 len)
{
	static const u8 zeros[4096];
	u64 pos, n;

	for (pos = 0; pos < len; pos += n) {
		n = min(len - pos, (u64)sizeof(zeros));
		if (memcmp(src + pos, zeros, n))
			memcpy(dst + pos, src + pos, n);
	}
}

int kimage_load(const struct kimage *ki, void *dst, u64 len, u64 slide,
		struct diag *d)
{
	const struct kimage_elf *e = &ki->elf;
	unsigned int i;

	if (len < e->image_size)
		return diag_fail(d, -ENOSPC, NULL,
				 "kernel image %s needs %" PRIu64
				 " bytes of memory, there are %" PRIu64,
				 ki->path, e->image_size, len);
	if (slide && !kimage_has_relocs(ki))
		return diag_fail(d, -ENOTSUP, NULL,
				 "kernel image %s has no relocation table: built without CONFIG_RANDOMIZE_BASE, or an ELF vmlinux (take the bzImage)",
				 ki->path);
	if (slide % SLIDE_ALIGN || slide > KIMAGE_MAP_SIZE_KASLR ||
	    (slide && e->link_virt - KIMAGE_START_KERNEL_MAP + e->image_size +
				      slide > KIMAGE_MAP_SIZE_KASLR))
		return diag_fail(d, -EINVAL, NULL,
				 "KASLR slide 0x%" PRIx64
				 ": wanted a multiple of 2 MiB with the image below 1 GiB",
				 slide);
	for (i = 0; i < e->nr_segments; i++) {
		const struct kimage_segment *s = &e->segments[i];

		copy_segment((u8 *)dst + (s->paddr - e->link_phys), s->data,
			     s->filesz);
	}
	if (slide && kimage_relocs_apply(e, ki->relocs, ki->relocs_len, dst,
					 slide))
		return diag_fail(d, -EINVAL, NULL,
				 "kernel image %s: relocation outside the image",
				 ki->path);
	return 0;
}

int kimage_ikconfig(const struct kimage *ki, char **out, size_t *len)
{
	size_t left, cap = IMAGE_IKCONFIG_MAX;
	const u8 *p = kimage_elf_find(&ki->elf, "IKCFG_ST\x1f\x8b", 10, &left);
	const struct kunpack_method *gzip;
	char *text __free(cleanup_free) = NULL;

	if (!p)
		return -ENOENT;
	gzip = kunpack_probe(p + 8, left - 8);
	text = malloc(cap + 1);
	if (!text)
		return -ENOMEM;
	if (gzip->unpack(p + 8, left - 8, (u8 *)text, cap, len))
		return -EINVAL;
	text[*len] = '\0';
	*out = take_ptr(text);
	return 0;
}
