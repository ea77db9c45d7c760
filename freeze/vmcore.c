// SPDX-License-Identifier: GPL-2.0-only
/* Writing a guest's memory as an ELF core; see vmcore.h. */
#include "freeze/vmcore.h"

#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/procfs.h>
#include <sys/user.h>
#include <unistd.h>

#include "freeze/vas.h"
#include "vmm/base/buf.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/diag.h"

#define PAGE 4096
#define CHUNK MiB(1)		/* of one pwrite() */
#define MAX_MAPS (MACHINE_MAX_CPUS * VMCORE_STACK_MAPS)
#define STACK_SIZE KiB(16)	/* THREAD_SIZE, IRQ_STACK_SIZE */
/* No RAM for the kernel, whatever lies there. */
#define LEGACY_START 0xa0000ULL
#define LEGACY_END 0x100000ULL

/* --- headers ------------------------------------------------------------ */

struct layout {
	const struct vmcore_from *from;
	struct buf phdrs, notes;
	u64 data;	/* file offset of the first region's first byte */
};

/* Where in the file the byte at @gpa stands; false outside of RAM. */
static bool file_offset(const struct layout *l, gpa_t gpa, u64 len, u64 *off)
{
	const struct mem *mem = l->from->mem;
	u64 at = l->data;
	unsigned int i;

	for (i = 0; i < mem->nr_regions; i++) {
		const struct mem_region *r = &mem->regions[i];

		if (gpa >= r->gpa && gpa - r->gpa < r->size &&
		    len <= r->size - (gpa - r->gpa)) {
			*off = at + (gpa - r->gpa);
			return true;
		}
		at += r->size;
	}
	return false;
}

static int add_load(struct layout *l, const struct vmcore_map *map, u32 flags)
{
	Elf64_Phdr ph = {
		.p_type = PT_LOAD, .p_flags = flags, .p_vaddr = map->gva,
		.p_paddr = map->gpa, .p_filesz = map->size,
		.p_memsz = map->size, .p_align = PAGE,
	};

	if (!file_offset(l, map->gpa, map->size, &ph.p_offset))
		return -EINVAL;
	return buf_add(&l->phdrs, &ph, sizeof(ph));
}

static int add_ram(struct layout *l, gpa_t start, gpa_t end)
{
	u64 base = l->from->page_offset;
	struct vmcore_map map = { base ? base + start : 0, start, end - start };

	return start < end ? add_load(l, &map, PF_R | PF_W | PF_X) : 0;
}

static int add_regions(struct layout *l)
{
	const struct mem *mem = l->from->mem;
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < mem->nr_regions; i++) {
		gpa_t start = mem->regions[i].gpa;
		gpa_t end = start + mem->regions[i].size;

		err = add_ram(l, start, min(end, LEGACY_START));
		if (!err)
			err = add_ram(l, max(start, LEGACY_END), end);
	}
	return err;
}

static void add_note(struct buf *out, const char *name, u32 type,
		     const void *desc, size_t len)
{
	Elf64_Nhdr nh = {
		.n_namesz = (u32)strlen(name) + 1, .n_descsz = (u32)len,
		.n_type = type,
	};

	buf_add(out, &nh, sizeof(nh));
	buf_add(out, name, nh.n_namesz);
	buf_pad(out, 4);
	buf_add(out, desc, len);
	buf_pad(out, 4);
}

static void add_prstatus(struct buf *out, u32 cpu, const struct machine_regs *r)
{
	struct elf_prstatus status = { .pr_pid = (pid_t)cpu + 1 };
	struct user_regs_struct u = {
		.r15 = r->r15, .r14 = r->r14, .r13 = r->r13, .r12 = r->r12,
		.rbp = r->rbp, .rbx = r->rbx, .r11 = r->r11, .r10 = r->r10,
		.r9 = r->r9, .r8 = r->r8, .rax = r->rax, .rcx = r->rcx,
		.rdx = r->rdx, .rsi = r->rsi, .rdi = r->rdi, .orig_rax = ~0ULL,
		.rip = r->rip, .cs = r->cs, .eflags = r->rflags, .rsp = r->rsp,
		.ss = r->ss, .fs_base = r->fs_base, .gs_base = r->gs_base,
		.ds = r->ds, .es = r->es, .fs = r->fs, .gs = r->gs,
	};

	_Static_assert(sizeof(status) == 336, "as the kernel's notes have it");
	_Static_assert(sizeof(u) == sizeof(status.pr_reg), "ptrace order");
	memcpy(status.pr_reg, &u, sizeof(u));
	add_note(out, "CORE", NT_PRSTATUS, &status, sizeof(status));
}

static void add_notes(struct layout *l)
{
	const struct vmcore_from *from = l->from;
	u32 i;

	for (i = 0; i < from->nr_cpus; i++)
		add_prstatus(&l->notes, i, &from->regs[i]);
	if (from->info)
		add_note(&l->notes, "VMCOREINFO", 0, from->info->text,
			 from->info->len);
}

/* One for each region, two where the legacy hole splits it. */
static size_t count_ram(const struct mem *mem)
{
	size_t n = mem->nr_regions;
	unsigned int i;

	for (i = 0; i < mem->nr_regions; i++)
		if (mem->regions[i].gpa < LEGACY_START &&
		    mem->regions[i].gpa + mem->regions[i].size > LEGACY_END)
			n++;
	return n;
}

static int add_segments(struct layout *l)
{
	const struct vmcore_from *from = l->from;
	size_t i;
	int err = 0;

	if (from->image.size)
		err = add_load(l, &from->image, PF_R | PF_W | PF_X);
	if (!err)
		err = add_regions(l);
	for (i = 0; !err && i < from->nr_maps; i++)
		err = add_load(l, &from->maps[i], PF_R | PF_W);
	return err;
}

/* Headers and notes as they stand at the file's beginning. */
static int make_head(struct layout *l, struct buf *head, struct diag *d)
{
	const struct vmcore_from *from = l->from;
	size_t nr = 1 + !!from->image.size + count_ram(from->mem) + from->nr_maps;
	Elf64_Ehdr eh = {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64,
			     ELFDATA2LSB, EV_CURRENT },
		.e_type = ET_CORE, .e_machine = EM_X86_64,
		.e_version = EV_CURRENT, .e_phoff = sizeof(eh),
		.e_ehsize = sizeof(eh), .e_phentsize = sizeof(Elf64_Phdr),
	};
	Elf64_Phdr note = { .p_type = PT_NOTE, .p_align = 4 };

	if (from->nr_cpus > MACHINE_MAX_CPUS || from->nr_maps > MAX_MAPS)
		return diag_fail(d, -EINVAL, NULL, "vmcore: too many parts");
	add_notes(l);
	note.p_offset = sizeof(eh) + nr * sizeof(note);
	note.p_filesz = note.p_memsz = l->notes.len;
	l->data = round_up(note.p_offset + note.p_filesz, (u64)PAGE);
	buf_add(&l->phdrs, &note, sizeof(note));
	if (add_segments(l))
		return diag_fail(d, -EINVAL, NULL,
				 "vmcore: a segment outside of the guest's memory");
	eh.e_phnum = (Elf64_Half)(l->phdrs.len / sizeof(note));
	BUG_ON(eh.e_phnum != nr);
	buf_add(head, &eh, sizeof(eh));
	buf_add(head, l->phdrs.data, l->phdrs.len);
	buf_add(head, l->notes.data, l->notes.len);
	if (head->failed || l->phdrs.failed || l->notes.failed)
		return diag_fail(d, -ENOMEM, NULL, "vmcore: no memory");
	return 0;
}

/* --- memory ------------------------------------------------------------- */

/* Where non-zero memory goes; @fd -1 only counts. */
struct sink {
	int fd;
	u64 limit;
	u64 written;
};

static int put(struct sink *s, const void *data, u64 len, u64 off)
{
	const u8 *p = data;

	s->written += len;
	if (s->limit && s->written > s->limit)
		return -EFBIG;
	while (s->fd >= 0 && len) {
		ssize_t n = pwrite(s->fd, p, len, (off_t)off);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		p += n;
		off += (u64)n;
		len -= (u64)n;
	}
	return 0;
}

static bool is_zero(const u8 *page)
{
	u64 first;

	memcpy(&first, page, sizeof(first));
	return !first && !memcmp(page, page + sizeof(first),
				 PAGE - sizeof(first));
}

/* [@at, @end) of a region, whose first byte stands at @off in the file. */
static int put_stretch(struct sink *s, const struct mem_region *r, u64 at,
		       u64 end, u64 off)
{
	u64 from = at;
	int err = 0;

	for (; !err && at < end; at += PAGE) {
		bool zero = is_zero(r->hva + at);

		if ((zero || at - from >= CHUNK) && from < at) {
			err = put(s, r->hva + from, at - from, off + from);
			from = at;
		}
		if (zero)
			from = at + PAGE;
	}
	return !err && from < at ?
	       put(s, r->hva + from, at - from, off + from) : err;
}

static int put_memory(struct sink *s, const struct mem *mem, u64 off)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < mem->nr_regions; i++) {
		const struct mem_region *r = &mem->regions[i];
		u64 at = 0, end;

		for (; !err && mem_next_data(mem, r, &at, &end); at = end)
			err = put_stretch(s, r, at, end, off);
		off += r->size;
	}
	return err;
}

u64 vmcore_bytes(const struct vmcore_from *from)
{
	struct sink s = { .fd = -1 };

	put_memory(&s, from->mem, 0);
	return s.written;
}

int vmcore_write(int fd, const struct vmcore_from *from, u64 limit,
		 struct vmcore_told *told, struct diag *d)
{
	struct buf head __free(buf_reset) = { 0 };
	struct sink s = { .fd = fd, .limit = limit };
	struct layout l = { .from = from };
	int err = make_head(&l, &head, d);
	u64 size = l.data + from->mem->size;

	buf_reset(&l.phdrs);
	buf_reset(&l.notes);
	if (err)
		return err;
	err = put(&s, head.data, head.len, 0);
	if (!err && ftruncate(fd, (off_t)size) < 0)
		err = -errno;
	if (!err)
		err = put_memory(&s, from->mem, l.data);
	if (err == -EFBIG)
		return diag_fail(d, err, NULL, "vmcore: more than %llu MiB",
				 (unsigned long long)(limit >> 20));
	if (err)
		return diag_fail(d, err, NULL, "vmcore: %s", strerror(-err));
	*told = (struct vmcore_told){ size, s.written };
	return 0;
}

size_t vmcore_stack(const struct vas *vas, u64 rsp, struct vmcore_map *maps)
{
	gva_t at = round_down(rsp, (u64)PAGE);
	gva_t end = round_down(rsp, STACK_SIZE) + STACK_SIZE;
	size_t n = 0;

	for (; at < end && n < VMCORE_STACK_MAPS; at += PAGE) {
		gpa_t gpa;

		if (vas_translate(vas, at, &gpa, NULL) ||
		    !mem_ptr(vas->mem, gpa, PAGE))
			continue;
		maps[n++] = (struct vmcore_map){ at, gpa, PAGE };
	}
	return n;
}
