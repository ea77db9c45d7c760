// SPDX-License-Identifier: GPL-2.0-only
/*
 * oops MODULE.ko: make a stock kernel oops. A copy of the module gets an
 * invalid instruction as the first one of its init function and is inserted:
 * the kernel dies in kernel mode, in this process's context. The copy goes
 * without its signature: a bad one is refused, none only taints.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static unsigned char *map_copy(const char *path, size_t *len)
{
	int fd = open(path, O_RDONLY);
	struct stat st;
	void *p;

	if (fd < 0 || fstat(fd, &st))
		return NULL;
	p = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_PRIVATE,
		 fd, 0);
	*len = (size_t)st.st_size;
	return p == MAP_FAILED ? NULL : p;
}

/* File offset of init_module's first byte, 0 where it is not found. */
static size_t find_init(const unsigned char *p, size_t len)
{
	const Elf64_Ehdr *eh = (const void *)p;
	const Elf64_Shdr *sh = (const void *)(p + eh->e_shoff);
	size_t i, j;

	if (len < sizeof(*eh) || eh->e_shoff + eh->e_shnum * sizeof(*sh) > len)
		return 0;
	for (i = 0; i < eh->e_shnum; i++) {
		const Elf64_Sym *sym = (const void *)(p + sh[i].sh_offset);
		const char *names;

		if (sh[i].sh_type != SHT_SYMTAB)
			continue;
		names = (const char *)p + sh[sh[i].sh_link].sh_offset;
		for (j = 0; j < sh[i].sh_size / sizeof(*sym); j++)
			if (!strcmp(names + sym[j].st_name, "init_module"))
				return sh[sym[j].st_shndx].sh_offset +
				       sym[j].st_value;
	}
	return 0;
}

int main(int argc, char **argv)
{
	static const unsigned char endbr64[] = { 0xf3, 0x0f, 0x1e, 0xfa };
	static const char magic[] = "~Module signature appended~\n";
	const unsigned char push_es = 0x06;	/* no 64-bit instruction */
	unsigned char *p;
	size_t len, off;

	p = argc == 2 ? map_copy(argv[1], &len) : NULL;
	off = p ? find_init(p, len) : 0;
	if (!off) {
		fprintf(stderr, "usage: oops MODULE.ko, one with an init function\n");
		return 1;
	}
	if (!memcmp(p + off, endbr64, sizeof(endbr64)))
		off += sizeof(endbr64);
	/* The call of __fentry__ stays: ftrace looks at it. One byte only, since
	 * relocations want the zeros behind an opcode untouched. */
	if (p[off] == 0xe8)
		off += 5;
	p[off] = push_es;
	if (len > sizeof(magic) - 1 &&
	    !memcmp(p + len - (sizeof(magic) - 1), magic, sizeof(magic) - 1))
		len -= sizeof(magic) - 1;
	syscall(SYS_init_module, p, len, "");
	fprintf(stderr, "oops: the kernel is still fine: %s\n", strerror(errno));
	return 1;
}
