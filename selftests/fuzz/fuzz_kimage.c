// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernel images from hostile bytes. The first byte picks what the rest is: the
 * file itself, or an ELF file with relocations behind it that a good bzImage
 * carries uncompressed, or damage (offset, value pairs) to an image of ours:
 * mutation alone would never find a valid container.
 */
#include "vmm/kimage.h"

#include <string.h>

#include "selftests/lib/kmake.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t len);

#define LOAD_MAX MiB(4)

static void look(const struct kimage *ki)
{
	const struct kimage_boot *b = kimage_boot(ki);
	unsigned int i;
	size_t len;
	u8 *ram;

	BUG_ON(!kimage_elf(ki, &len));
	for (i = 0; i < kimage_nr_sections(ki); i++) {
		const struct kimage_section *s = kimage_section(ki, i);
		const volatile u8 *p = s->data;

		BUG_ON(!s->name);
		if (p && s->size)
			(void)(p[0] + p[s->size - 1]);
	}
	(void)kimage_at(ki, b->link_virt, 64);
	(void)strlen(kimage_release(ki));
	if (b->image_size > LOAD_MAX)
		return;
	ram = calloc(1, b->image_size);
	kimage_load(ki, ram, b->image_size, MiB(2), NULL);
	free(ram);
}

static void try_image(const void *data, size_t len)
{
	struct kimage *ki = NULL;
	char *config = NULL;

	if (kimage_open_buffer(data, len, &ki, NULL)) {
		BUG_ON(ki);
		return;
	}
	look(ki);
	if (!kimage_ikconfig(ki, &config, &len))
		free(config);
	kimage_close(ki);
}

static void damage(struct buf *image, const u8 *data, size_t len)
{
	for (; len >= 3; data += 3, len -= 3) {
		size_t at = (size_t)(data[0] | data[1] << 8);

		if (at < image->len)
			image->data[at] = (char)data[2];
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t len)
{
	static const char *const methods[] = { "gzip", "xz", "lz4", "lzo",
					       "zstd", "lzma", "none" };
	struct buf elf = { 0 }, image = { 0 };
	u8 kind;

	if (len < 1)
		return 0;
	kind = *data++;
	len--;
	switch (kind % 3) {
	case 0:
		try_image(data, len);
		return 0;
	case 1:
		kmake_bzimage(&image, "none", data, len);
		break;
	default:
		kmake_elf(&elf, "some read-only data", 19);
		kmake_relocs(&elf, kind & 0x80);
		if (kind & 0x40)
			damage(&elf, data, len);
		kmake_bzimage(&image, methods[kind / 3 % ARRAY_SIZE(methods)],
			      elf.data, elf.len);
		if (!(kind & 0x40))
			damage(&image, data, len);
	}
	try_image(image.data, image.len);
	buf_reset(&elf);
	buf_reset(&image);
	return 0;
}
