// SPDX-License-Identifier: GPL-2.0-only
/* The Linux boot protocol, from the loader's side; see boot.h. */
#include "vmm/boot.h"

#include <asm/bootparam.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/random.h>

#include "vmm/base/diag.h"
#include "vmm/base/io.h"
#include "vmm/hw/power.h"
#include "vmm/kimage.h"

#define BOOT_ALIGN MiB(2)
#define BOOT_MIN_KERNEL MiB(16)	/* below it a stock kernel does not go */
#define BOOT_INITRD_MAX 0x7fffffffULL
#define BOOT_LOADER_UNKNOWN 0xff
#define BOOT_RNG_SEED_TYPE 9	/* SETUP_RNG_SEED, Linux 6.0 */
#define BOOT_RNG_SEED_LEN 32
#define BOOT_HEADER_OFF 0x1f1
#define BOOT_MAGIC 0x53726448	/* "HdrS" */
#define BOOT_ENTRY_64 0x200
#define E820_RAM 1
#define E820_RESERVED 2

static u64 ring_bytes(u64 ring_size)
{
	return round_up(ring_size, (u64)4096);
}

static u64 low_ram_end(u64 memory)
{
	return min(memory, (u64)MEM_HOLE_START);
}

gpa_t boot_ring_gpa(u64 memory, u64 ring_size)
{
	return low_ram_end(memory) - ring_bytes(ring_size);
}

unsigned int boot_e820(const struct mem *mem, u64 ring_size,
		       struct boot_e820 map[BOOT_MAX_E820])
{
	u64 low = mem->regions[0].size;
	u64 ring = low - ring_bytes(ring_size);
	unsigned int n = 0, i;

	map[n++] = (struct boot_e820){ 0, BOOT_EBDA, E820_RAM };
	map[n++] = (struct boot_e820){ BOOT_EBDA, MiB(1) - BOOT_EBDA,
				       E820_RESERVED };
	map[n++] = (struct boot_e820){ MiB(1), ring - MiB(1), E820_RAM };
	if (ring < low)
		map[n++] = (struct boot_e820){ ring, low - ring, E820_RESERVED };
	for (i = 1; i < mem->nr_regions; i++)
		map[n++] = (struct boot_e820){ mem->regions[i].gpa,
					       mem->regions[i].size, E820_RAM };
	return n;
}

/* splitmix64: any seed will do, and the same one gives the same draws. */
static u64 draw(u64 *state)
{
	u64 z = *state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

static int random_bytes(void *data, size_t len, struct diag *d)
{
	if (getrandom(data, len, 0) != (ssize_t)len)
		return diag_fail(d, -EIO, NULL, "getrandom: %m");
	return 0;
}

static int load_initrd(struct mem *mem, const struct boot_cfg *cfg,
		       struct machine_layout *l, struct diag *d)
{
	const struct machine_initrd *in = cfg->initrd;
	u64 top = min(l->ring_start, BOOT_INITRD_MAX + 1);
	void *dst;
	int ret;

	if (!in || !in->size)
		return 0;
	if (in->size > top - BOOT_MIN_KERNEL)
		return diag_fail(d, -ENOSPC, NULL,
				 "initramfs of %" PRIu64 " bytes does not fit into the guest's memory: raise vm.memory",
				 in->size);
	l->initrd_start = round_down(top - in->size, (u64)4096);
	l->initrd_end = l->initrd_start + in->size;
	dst = mem_ptr(mem, l->initrd_start, in->size);
	BUG_ON(!dst);
	if (in->data) {
		memcpy(dst, in->data, in->size);
		return 0;
	}
	if (in->fill)
		return in->fill(in->arg, dst, in->size, d);
	ret = io_pread_full(in->fd, dst, in->size, 0);
	if (ret < 0)
		return diag_fail(d, ret, NULL, "cannot read the initramfs: %s",
				 strerror(-ret));
	return 0;
}

/*
 * Physical place and virtual slide, both drawn from the seed. Slide 0 is not
 * drawn: with KASLR on it would look like KASLR off.
 */
static int draw_slides(const struct boot_cfg *cfg, struct machine_layout *l,
		       u64 top, u64 *phys, struct diag *d)
{
	const struct kimage_boot *b = kimage_boot(cfg->kernel.kimage);
	u64 align = max(BOOT_ALIGN, (u64)b->kernel_alignment);
	u64 first = round_up(max(b->link_phys, (u64)BOOT_MIN_KERNEL), align);
	u64 room = KIMAGE_MAP_SIZE_KASLR - b->image_size -
		   (b->link_virt - KIMAGE_START_KERNEL_MAP);
	u64 state = cfg->kaslr_seed;
	u64 slots, phys_draw;
	int ret;

	if (cfg->kaslr == MACHINE_KASLR_RANDOM) {
		ret = random_bytes(&state, sizeof(state), d);
		if (ret < 0)
			return ret;
	}
	l->kaslr_seed = state;
	phys_draw = draw(&state);
	if (top >= b->image_size && top - b->image_size >= first) {
		slots = (top - b->image_size - first) / align + 1;
		*phys = first + phys_draw % slots * align;
	}
	if (room < KIMAGE_MAP_SIZE_KASLR && room >= BOOT_ALIGN)
		l->virt_offset = (1 + draw(&state) % (room / BOOT_ALIGN)) *
				 BOOT_ALIGN;
	return 0;
}

/* The first byte that the kernel may not take. */
static u64 kernel_top(const struct machine_layout *l)
{
	return l->initrd_end ? l->initrd_start : l->ring_start;
}

static int load_direct(struct mem *mem, const struct boot_cfg *cfg,
		       struct machine_layout *l, struct boot_entry *entry,
		       struct diag *d)
{
	const struct kimage *ki = cfg->kernel.kimage;
	const struct kimage_boot *b = kimage_boot(ki);
	u64 top = kernel_top(l);
	u64 phys = b->link_phys;
	void *dst;
	int ret;

	if (l->kaslr && !kimage_has_relocs(ki)) {
		l->no_slide = "the image has no relocation table";
	} else if (l->kaslr) {
		ret = draw_slides(cfg, l, top, &phys, d);
		if (ret < 0)
			return ret;
	}
	dst = mem_ptr(mem, phys, b->image_size);
	if (!dst || phys + b->image_size > top)
		return diag_fail(d, -ENOSPC, NULL,
				 "kernel of %" PRIu64 " bytes at 0x%" PRIx64
				 " does not fit below the initramfs at 0x%" PRIx64
				 ": raise vm.memory",
				 b->image_size, phys, top);
	ret = kimage_load(ki, dst, b->image_size, l->virt_offset, d);
	if (ret < 0)
		return ret;
	l->direct = true;
	l->kernel_start = phys;
	l->kernel_end = phys + b->image_size;
	l->phys_base = phys - (b->link_virt - KIMAGE_START_KERNEL_MAP) -
		       l->virt_offset;
	entry->rip = phys + (b->entry_phys - b->link_phys);
	return 0;
}

static const struct setup_header *bzimage_header(const struct machine_kernel *k)
{
	const struct setup_header *h =
		(const void *)((const u8 *)k->bzimage + BOOT_HEADER_OFF);

	if (k->bzimage_len < BOOT_HEADER_OFF + sizeof(*h) ||
	    h->boot_flag != 0xaa55 || h->header != BOOT_MAGIC ||
	    h->version < 0x20c || !(h->xloadflags & XLF_KERNEL_64))
		return NULL;
	return h;
}

static int load_bzimage(struct mem *mem, const struct boot_cfg *cfg,
			struct machine_layout *l, struct boot_entry *entry,
			struct diag *d)
{
	const struct machine_kernel *k = &cfg->kernel;
	const struct setup_header *h = bzimage_header(k);
	u64 setup, size, need;

	if (!h)
		return diag_fail(d, -EINVAL, NULL,
				 "kernel image is no bzImage with a 64-bit entry (boot protocol 2.12, Linux 3.8)");
	setup = (h->setup_sects ? h->setup_sects + 1 : 5) * 512;
	if (setup + BOOT_ENTRY_64 >= k->bzimage_len)
		return diag_fail(d, -EINVAL, NULL, "kernel image is cut short");
	size = k->bzimage_len - setup;
	need = max(size, (u64)h->init_size);
	if (h->pref_address < MiB(1) ||
	    !mem_ptr(mem, h->pref_address, need) ||
	    h->pref_address + need > kernel_top(l))
		return diag_fail(d, -ENOSPC, NULL,
				 "kernel needs %" PRIu64 " bytes at 0x%llx: raise vm.memory",
				 need, (unsigned long long)h->pref_address);
	mem_write(mem, h->pref_address, (const u8 *)k->bzimage + setup, size);
	entry->rip = h->pref_address + BOOT_ENTRY_64;
	return 0;
}

static int load_cmdline(struct mem *mem, const struct boot_cfg *cfg,
			u32 limit, struct diag *d)
{
	const char *off = cfg->kaslr == MACHINE_KASLR_OFF ? " nokaslr" : "";
	const char *line = cfg->cmdline ? cfg->cmdline : "";
	size_t len = strlen(line) + strlen(off);
	char *dst = mem_ptr(mem, BOOT_CMDLINE, BOOT_CMDLINE_MAX);

	if (limit > BOOT_CMDLINE_MAX - 1)
		limit = BOOT_CMDLINE_MAX - 1;
	if (len > limit)
		return diag_fail(d, -E2BIG, NULL,
				 "kernel command line of %zu characters: this kernel takes %u",
				 len, limit);
	memcpy(dst, line, strlen(line));
	memcpy(dst + strlen(line), off, strlen(off) + 1);
	return 0;
}

/* Seeds the guest's random pool, so that no early reader has to wait. */
static int load_rng_seed(struct mem *mem, struct diag *d)
{
	struct setup_data *sd = mem_ptr(mem, BOOT_SETUP_DATA,
					sizeof(*sd) + BOOT_RNG_SEED_LEN);

	sd->type = BOOT_RNG_SEED_TYPE;
	sd->len = BOOT_RNG_SEED_LEN;
	return random_bytes(sd->data, BOOT_RNG_SEED_LEN, d);
}

/*
 * All the firmware there is: a kernel that restarts "by BIOS" jumps here in
 * real mode, as one does by default on a hardware-reduced platform without
 * EFI.
 */
static void load_reset_vector(struct mem *mem)
{
	static const u8 code[] = {
		0xba, POWER_ACPI_RESET & 0xff, POWER_ACPI_RESET >> 8,
					/* mov dx, port */
		0xb0, POWER_BIOS_RESET_VALUE,	/* mov al, value */
		0xee,			/* out dx, al */
		0xfa, 0xf4,		/* cli; hlt */
	};

	BUG_ON(mem_write(mem, BOOT_RESET_VECTOR, code, sizeof(code)));
}

/*
 * The image's own setup header: of it the kernel still reads a few fields. An
 * ELF vmlinux has none; these are the ones that matter then.
 */
static u32 zero_page_header(struct setup_header *h, const struct boot_cfg *cfg)
{
	const struct machine_kernel *k = &cfg->kernel;
	const struct kimage_boot *b;

	if (!k->kimage) {
		*h = *bzimage_header(k);
		return h->cmdline_size;
	}
	b = kimage_boot(k->kimage);
	if (b->setup && b->setup_header_end > BOOT_HEADER_OFF &&
	    b->setup_header_end <= b->setup_len) {
		memcpy(h, b->setup + BOOT_HEADER_OFF,
		       min(b->setup_header_end - BOOT_HEADER_OFF, sizeof(*h)));
	} else {
		h->boot_flag = 0xaa55;
		h->header = BOOT_MAGIC;
		h->version = 0x20f;
		h->loadflags = LOADED_HIGH;
		h->kernel_alignment = BOOT_ALIGN;
	}
	return b->cmdline_size;
}

static void load_zero_page(struct mem *mem, const struct boot_cfg *cfg,
			   const struct machine_layout *l,
			   const struct setup_header *h)
{
	struct boot_params *bp = mem_ptr(mem, BOOT_ZERO_PAGE, sizeof(*bp));
	struct boot_e820 map[BOOT_MAX_E820];
	unsigned int i;

	bp->hdr = *h;
	bp->hdr.type_of_loader = BOOT_LOADER_UNKNOWN;
	bp->hdr.cmd_line_ptr = BOOT_CMDLINE;
	bp->hdr.ramdisk_image = (u32)l->initrd_start;
	bp->hdr.ramdisk_size = (u32)(l->initrd_end - l->initrd_start);
	bp->hdr.setup_data = BOOT_SETUP_DATA;
	bp->hdr.loadflags &= ~KASLR_FLAG;
	/* The unpacker would have set it, and memory regions follow it. */
	if (l->direct && l->kaslr)
		bp->hdr.loadflags |= KASLR_FLAG;
	bp->acpi_rsdp_addr = cfg->rsdp;
	bp->e820_entries = (u8)boot_e820(mem, cfg->ring_size, map);
	for (i = 0; i < bp->e820_entries; i++) {
		bp->e820_table[i].addr = map[i].addr;
		bp->e820_table[i].size = map[i].size;
		bp->e820_table[i].type = map[i].type;
	}
}

int boot_load(struct mem *mem, const struct boot_cfg *cfg,
	      struct machine_layout *layout, struct boot_entry *entry,
	      struct diag *d)
{
	u64 low = mem->regions[0].size;
	struct machine_layout l = { .kaslr = cfg->kaslr != MACHINE_KASLR_OFF };
	struct boot_entry e = { .zero_page = BOOT_ZERO_PAGE };
	struct setup_header h = { 0 };
	int ret;

	if (!cfg->kernel.kimage && !cfg->kernel.bzimage)
		return diag_fail(d, -EINVAL, NULL, "no kernel given");
	if (low < BOOT_MIN_MEMORY || cfg->ring_size > low / 4)
		return diag_fail(d, -EINVAL, NULL,
				 "guest memory of %" PRIu64 " bytes is too small: at least 32M",
				 mem->size);
	l.ring_start = boot_ring_gpa(mem->size, cfg->ring_size);
	l.ring_end = low;
	ret = load_initrd(mem, cfg, &l, d);
	if (ret < 0)
		return ret;
	if (cfg->kernel.kimage)
		ret = load_direct(mem, cfg, &l, &e, d);
	else
		ret = load_bzimage(mem, cfg, &l, &e, d);
	if (ret < 0)
		return ret;
	ret = load_cmdline(mem, cfg, zero_page_header(&h, cfg), d);
	if (!ret)
		ret = load_rng_seed(mem, d);
	if (ret < 0)
		return ret;
	load_zero_page(mem, cfg, &l, &h);
	load_reset_vector(mem);
	*layout = l;
	*entry = e;
	return 0;
}
