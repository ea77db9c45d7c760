/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vmcoreinfo: the note that a kernel keeps in its memory for crash tools. It
 * names the printk ring, the kallsyms tables and the slide, and so reads a
 * kernel of which nothing else is known. Content is the guest's and unproven.
 */
#ifndef VMTAP_FREEZE_VMCOREINFO_H
#define VMTAP_FREEZE_VMCOREINFO_H

#include "vmm/mem.h"

struct diag;
struct kread;

#define VMCOREINFO_MAX 4096	/* the kernel keeps it in one page */

struct vmcoreinfo {
	char text[VMCOREINFO_MAX + 1];	/* NAME=VALUE lines */
	size_t len;
	gpa_t gpa;		/* of the text */
};

/**
 * vmcoreinfo_scan() - search guest RAM, page by page, holes left out
 * Takes the copy that also holds the page table's symbol. The whole of RAM is
 * read: milliseconds per 100 MiB. Return: 0, -ENOENT.
 */
int vmcoreinfo_scan(const struct mem *mem, struct vmcoreinfo *out);

/** vmcoreinfo_read() - by symbol vmcoreinfo_data; 0, -ENOENT, -EFAULT */
int vmcoreinfo_read(const struct kread *k, struct vmcoreinfo *out);

/** vmcoreinfo_parse() - take @len bytes of text; -EINVAL where it is none */
int vmcoreinfo_parse(const void *data, size_t len, struct vmcoreinfo *out);

/** vmcoreinfo_get() - the text after "KEY=" up to the newline; false: absent */
bool vmcoreinfo_get(const struct vmcoreinfo *v, const char *key, char *out,
		    size_t size);
/** vmcoreinfo_symbol() - SYMBOL(name)=hex, runtime address */
bool vmcoreinfo_symbol(const struct vmcoreinfo *v, const char *name, u64 *out);
/** vmcoreinfo_number() - NUMBER(name)=decimal */
bool vmcoreinfo_number(const struct vmcoreinfo *v, const char *name, s64 *out);
/** vmcoreinfo_offset() - OFFSET(struct.member) */
bool vmcoreinfo_offset(const struct vmcoreinfo *v, const char *name, u64 *out);
/** vmcoreinfo_size() - SIZE(struct) */
bool vmcoreinfo_size(const struct vmcoreinfo *v, const char *name, u64 *out);
/** vmcoreinfo_kernel_offset() - KERNELOFFSET=hex */
bool vmcoreinfo_kernel_offset(const struct vmcoreinfo *v, u64 *out);

#endif
