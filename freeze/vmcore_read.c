// SPDX-License-Identifier: GPL-2.0-only
/* Reading a core back; see vmcore.h. No offset of the file is believed. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/procfs.h>
#include <sys/stat.h>
#include <sys/user.h>
#include <unistd.h>

#include "freeze/vmcore.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/diag.h"

#define PAGE 4096

static int damaged(struct diag *d, const char *what)
{
	return diag_fail(d, -EINVAL, NULL, "not a sound core: %s", what);
}

static bool within(const struct vmcore *core, u64 off, u64 len)
{
	return off <= core->size && len <= core->size - off;
}

/* --- notes -------------------------------------------------------------- */

static void take_regs(const struct elf_prstatus *status, struct machine_regs *r)
{
	struct user_regs_struct u;

	memcpy(&u, status->pr_reg, sizeof(u));
	*r = (struct machine_regs){
		.rax = u.rax, .rbx = u.rbx, .rcx = u.rcx, .rdx = u.rdx,
		.rsi = u.rsi, .rdi = u.rdi, .rsp = u.rsp, .rbp = u.rbp,
		.r8 = u.r8, .r9 = u.r9, .r10 = u.r10, .r11 = u.r11,
		.r12 = u.r12, .r13 = u.r13, .r14 = u.r14, .r15 = u.r15,
		.rip = u.rip, .rflags = u.eflags,
		.fs_base = u.fs_base, .gs_base = u.gs_base,
		.cs = (u16)u.cs, .ss = (u16)u.ss, .ds = (u16)u.ds,
		.es = (u16)u.es, .fs = (u16)u.fs, .gs = (u16)u.gs,
		.cpl = u.cs & 3,
	};
}

static int take_prstatus(struct vmcore *core, const u8 *desc, u64 len,
			 struct diag *d)
{
	struct elf_prstatus status;

	if (len < sizeof(status) || core->nr_cpus == MACHINE_MAX_CPUS)
		return damaged(d, "NT_PRSTATUS");
	memcpy(&status, desc, sizeof(status));
	core->pids[core->nr_cpus] = status.pr_pid;
	take_regs(&status, &core->regs[core->nr_cpus++]);
	return 0;
}

static bool is_named(const u8 *name, u32 len, const char *want)
{
	return len == strlen(want) + 1 && !memcmp(name, want, len);
}

static int take_note(struct vmcore *core, const Elf64_Nhdr *nh, const u8 *name,
		     const u8 *desc, struct diag *d)
{
	if (is_named(name, nh->n_namesz, "CORE") && nh->n_type == NT_PRSTATUS)
		return take_prstatus(core, desc, nh->n_descsz, d);
	if (is_named(name, nh->n_namesz, "VMCOREINFO") && !core->has_info)
		core->has_info = !vmcoreinfo_parse(desc, nh->n_descsz,
						   &core->info);
	return 0;
}

static int take_notes(struct vmcore *core, const Elf64_Phdr *ph, struct diag *d)
{
	u64 at = ph->p_offset, end = at + ph->p_filesz;
	int err = 0;

	if (!within(core, at, ph->p_filesz))
		return damaged(d, "notes outside of the file");
	while (!err && end - at >= sizeof(Elf64_Nhdr)) {
		u64 name = at + sizeof(Elf64_Nhdr), desc;
		Elf64_Nhdr nh;

		memcpy(&nh, core->map + at, sizeof(nh));
		desc = name + round_up((u64)nh.n_namesz, 4);
		at = desc + round_up((u64)nh.n_descsz, 4);
		if (desc + nh.n_descsz > end)
			return damaged(d, "a note longer than the notes");
		err = take_note(core, &nh, core->map + name, core->map + desc, d);
		if (at > end)
			break;
	}
	return err;
}

/* --- memory ------------------------------------------------------------- */

/* Segments of the image and of stacks name bytes that a region holds too. */
static bool is_known(const struct vmcore *core, const Elf64_Phdr *ph)
{
	return mem_ptr(&core->mem, ph->p_paddr, ph->p_filesz);
}

static int take_load(struct vmcore *core, const Elf64_Phdr *ph, struct diag *d)
{
	u64 end;

	if (!ph->p_filesz)
		return 0;
	if (!within(core, ph->p_offset, ph->p_filesz) ||
	    check_add(ph->p_paddr, ph->p_filesz, &end))
		return damaged(d, "a segment outside of the file");
	if (is_known(core, ph))
		return 0;
	if (core->mem.nr_regions == MEM_MAX_REGIONS)
		return damaged(d, "more memory regions than vmtap writes");
	core->mem.regions[core->mem.nr_regions++] = (struct mem_region){
		.gpa = ph->p_paddr, .size = ph->p_filesz,
		/* Nobody writes: the mapping is read-only. */
		.hva = (u8 *)core->map + ph->p_offset,
		.file_off = ph->p_offset,
	};
	core->mem.size += ph->p_filesz;
	return 0;
}

static int check_header(const struct vmcore *core, Elf64_Ehdr *eh,
			struct diag *d)
{
	if (core->size < sizeof(*eh) || memcmp(core->map, ELFMAG, SELFMAG))
		return diag_fail(d, -ENOEXEC, NULL, "no ELF file");
	memcpy(eh, core->map, sizeof(*eh));
	if (eh->e_ident[EI_CLASS] != ELFCLASS64 || eh->e_type != ET_CORE ||
	    eh->e_machine != EM_X86_64)
		return diag_fail(d, -ENOEXEC, NULL, "no core of an x86-64 machine");
	if (eh->e_phentsize != sizeof(Elf64_Phdr) ||
	    !within(core, eh->e_phoff, (u64)eh->e_phnum * sizeof(Elf64_Phdr)))
		return damaged(d, "program headers");
	return 0;
}

/*
 * The widest segments first: a region is then known before what lies in it.
 * Cores of ours have few headers, of others this reader takes no more either.
 */
static int take_loads(struct vmcore *core, const Elf64_Phdr *ph, unsigned int n,
		      struct diag *d)
{
	bool *taken = calloc(n + 1, sizeof(*taken));
	unsigned int i;
	int err = 0;

	if (!taken)
		return diag_fail(d, -ENOMEM, NULL, "no memory");
	while (!err) {
		unsigned int widest = n;

		for (i = 0; i < n; i++)
			if (!taken[i] && ph[i].p_type == PT_LOAD &&
			    (widest == n || ph[i].p_filesz > ph[widest].p_filesz))
				widest = i;
		if (widest == n)
			break;
		taken[widest] = true;
		err = take_load(core, &ph[widest], d);
	}
	free(taken);
	return err;
}

#define MAX_HEADERS 4096

static int read_core(struct vmcore *core, struct diag *d)
{
	Elf64_Phdr *ph __free(cleanup_free) = NULL;
	Elf64_Ehdr eh;
	unsigned int i;
	int err = check_header(core, &eh, d);

	if (err)
		return err;
	if (eh.e_phnum > MAX_HEADERS)
		return damaged(d, "too many program headers");
	ph = malloc((eh.e_phnum + 1) * sizeof(*ph));
	core->regs = calloc(MACHINE_MAX_CPUS, sizeof(*core->regs));
	core->pids = calloc(MACHINE_MAX_CPUS, sizeof(*core->pids));
	if (!ph || !core->regs || !core->pids)
		return diag_fail(d, -ENOMEM, NULL, "no memory");
	memcpy(ph, core->map + eh.e_phoff, eh.e_phnum * sizeof(*ph));
	for (i = 0; !err && i < eh.e_phnum; i++)
		if (ph[i].p_type == PT_NOTE)
			err = take_notes(core, &ph[i], d);
	return err ? err : take_loads(core, ph, eh.e_phnum, d);
}

static void forget(struct vmcore *core)
{
	free(core->regs);
	free(core->pids);
	*core = (struct vmcore){ .mem.fd = -1 };
}

int vmcore_open_buffer(const void *data, size_t len, struct vmcore *core,
		       struct diag *d)
{
	int err;

	*core = (struct vmcore){ .map = data, .size = len, .mem.fd = -1 };
	err = read_core(core, d);
	if (err)
		forget(core);
	return err;
}

int vmcore_open(const char *path, struct vmcore *core, struct diag *d)
{
	int fd __free(cleanup_close) = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *map;
	int err;

	if (fd < 0 || fstat(fd, &st) < 0)
		return diag_fail(d, -errno, NULL, "%s: %m", path);
	if (st.st_size <= 0)
		return diag_fail(d, -ENOEXEC, NULL, "%s: no ELF file", path);
	map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED)
		return diag_fail(d, -errno, NULL, "%s: cannot map: %m", path);
	err = vmcore_open_buffer(map, (size_t)st.st_size, core, d);
	if (err) {
		munmap(map, (size_t)st.st_size);
		return diag_wrap(d, err, "%s", path);
	}
	core->mem.map = map;
	return 0;
}

void vmcore_close(struct vmcore *core)
{
	if (core->mem.map)
		munmap(core->mem.map, core->size);
	forget(core);
}
