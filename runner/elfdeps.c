// SPDX-License-Identifier: GPL-2.0-only
/*
 * elfdeps: the closure of DT_NEEDED. Reads program headers and the dynamic
 * section itself, since section headers may be stripped; every offset is
 * checked against the file.
 */
#include "runner/elfdeps.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "vmm/base/buf.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/diag.h"
#include "vmm/base/util.h"

#define MAX_DEPS 1024
#define MAX_NEEDED 256
#define MAX_CONF_DEPTH 4

/* A mapped ELF file and what its dynamic section says. */
struct elf {
	u8 *map;
	size_t size;
	const char *interp;
	const char *strtab;
	size_t strtab_len;
	const char *needed[MAX_NEEDED];
	size_t nr_needed;
	const char *rpath;
	const char *runpath;
	bool dynamic;
};

/* An object of the closure; @parent is who needed it first. */
struct object {
	char *src;
	char *dst;
	char *rpath;	/* DT_RPATH where there is no DT_RUNPATH */
	ssize_t parent;
};

struct scan {
	const char *sysroot;
	struct object *objs;
	size_t nr_objs;
	char **names;	/* DT_NEEDED names already resolved */
	size_t nr_names;
	char **conf;	/* directories of ld.so.conf */
	size_t nr_conf;
	bool musl;
	struct elfdeps *out;
	struct diag *d;
};

static const char *const default_dirs[] = {
	"/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib64",
	"/usr/lib64", "/lib", "/usr/lib",
};

static void elf_unmap(struct elf *e)
{
	if (e->map)
		munmap(e->map, e->size);
	e->map = NULL;
}

static const void *at(const struct elf *e, u64 off, u64 len)
{
	if (off > e->size || len > e->size - off)
		return NULL;
	return e->map + off;
}

/* A string inside [@p, @p + @len), or NULL where it is not terminated. */
static const char *string_at(const char *p, size_t len, u64 off)
{
	if (!p || off >= len || !memchr(p + off, 0, len - off))
		return NULL;
	return p + off;
}

static u64 vaddr_to_off(const struct elf *e, const Elf64_Phdr *ph, size_t nr,
			u64 vaddr)
{
	for (size_t i = 0; i < nr; i++) {
		if (ph[i].p_type == PT_LOAD && vaddr >= ph[i].p_vaddr &&
		    vaddr - ph[i].p_vaddr < ph[i].p_filesz)
			return ph[i].p_offset + (vaddr - ph[i].p_vaddr);
	}
	return e->size;
}

static int read_dynamic(struct elf *e, const Elf64_Phdr *ph, size_t nr,
			const Elf64_Phdr *dyn_ph)
{
	const Elf64_Dyn *dyn = at(e, dyn_ph->p_offset, dyn_ph->p_filesz);
	size_t nr_dyn = dyn_ph->p_filesz / sizeof(*dyn);
	u64 strtab = 0, strsz = 0;

	if (!dyn || dyn_ph->p_offset % 8)
		return -EBADMSG;
	for (size_t i = 0; i < nr_dyn && dyn[i].d_tag != DT_NULL; i++) {
		if (dyn[i].d_tag == DT_STRTAB)
			strtab = dyn[i].d_un.d_ptr;
		else if (dyn[i].d_tag == DT_STRSZ)
			strsz = dyn[i].d_un.d_val;
	}
	e->strtab = at(e, vaddr_to_off(e, ph, nr, strtab), strsz);
	e->strtab_len = strsz;
	if (!e->strtab)
		return -EBADMSG;
	for (size_t i = 0; i < nr_dyn && dyn[i].d_tag != DT_NULL; i++) {
		const char *s = string_at(e->strtab, strsz, dyn[i].d_un.d_val);
		s64 tag = dyn[i].d_tag;

		if (tag != DT_NEEDED && tag != DT_RPATH && tag != DT_RUNPATH)
			continue;
		if (!s || !*s || (tag == DT_NEEDED && e->nr_needed == MAX_NEEDED))
			return -EBADMSG;
		if (tag == DT_NEEDED)
			e->needed[e->nr_needed++] = s;
		else if (tag == DT_RPATH)
			e->rpath = s;
		else
			e->runpath = s;
	}
	return 0;
}

/* Return: 1 an x86-64 ELF, 0 another file, -ENOEXEC another machine, -EBADMSG. */
static int elf_parse(struct elf *e)
{
	const Elf64_Ehdr *eh = at(e, 0, sizeof(*eh));
	const Elf64_Phdr *ph;

	if (!at(e, 0, EI_NIDENT) || memcmp(e->map, ELFMAG, SELFMAG))
		return 0;
	if (e->map[EI_CLASS] != ELFCLASS64 || e->map[EI_DATA] != ELFDATA2LSB)
		return -ENOEXEC;
	if (!eh)
		return -EBADMSG;
	if (eh->e_type != ET_EXEC && eh->e_type != ET_DYN)
		return 0;	/* a .o (BPF, too) or a module: nothing to resolve */
	if (eh->e_machine != EM_X86_64)
		return -ENOEXEC;
	ph = at(e, eh->e_phoff, (u64)eh->e_phnum * sizeof(*ph));
	if (!ph || eh->e_phoff % 8 || eh->e_phentsize != sizeof(*ph))
		return -EBADMSG;
	for (size_t i = 0; i < eh->e_phnum; i++) {
		if (ph[i].p_type == PT_INTERP) {
			e->interp = string_at(at(e, ph[i].p_offset, ph[i].p_filesz),
					      ph[i].p_filesz, 0);
			if (!e->interp || e->interp[0] != '/')
				return -EBADMSG;
		} else if (ph[i].p_type == PT_DYNAMIC) {
			e->dynamic = true;
			if (read_dynamic(e, ph, eh->e_phnum, &ph[i]))
				return -EBADMSG;
		}
	}
	return 1;
}

/* As elf_parse(); the caller unmaps in every case. */
static int elf_open(const char *path, struct elf *e)
{
	int fd __free(cleanup_close) = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	*e = (struct elf){};
	if (fd < 0 || fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size < EI_NIDENT)
		return 0;
	e->size = (size_t)st.st_size;
	e->map = mmap(NULL, e->size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (e->map == MAP_FAILED) {
		e->map = NULL;
		return -errno;
	}
	return elf_parse(e);
}

static bool is_library(const char *path)
{
	struct elf e;
	bool yes = elf_open(path, &e) == 1 && e.dynamic;

	elf_unmap(&e);
	return yes;
}

static int push(char ***list, size_t *nr, char *item)
{
	char **more = item ? realloc(*list, (*nr + 1) * sizeof(**list)) : NULL;

	if (!more) {
		free(item);
		return -ENOMEM;
	}
	*list = more;
	more[(*nr)++] = item;
	return 0;
}

static void read_conf(struct scan *s, const char *path, int depth);

static void include_conf(struct scan *s, const char *pattern, int depth)
{
	char *full __free(cleanup_free) = NULL;
	glob_t g;

	if (asprintf(&full, "%s%s%s", s->sysroot,
		     pattern[0] == '/' ? "" : "/etc/", pattern) < 0)
		return;
	if (!glob(full, 0, NULL, &g)) {
		for (size_t i = 0; i < g.gl_pathc; i++)
			read_conf(s, g.gl_pathv[i], depth + 1);
		globfree(&g);
	}
}

static void read_conf(struct scan *s, const char *path, int depth)
{
	FILE *f __free(cleanup_fclose) = NULL;
	char line[PATH_MAX];

	if (depth > MAX_CONF_DEPTH)
		return;
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		char *save, *word;

		line[strcspn(line, "#\n")] = 0;
		word = strtok_r(line, " \t,:", &save);
		if (word && !strcmp(word, "include")) {
			while ((word = strtok_r(NULL, " \t", &save)))
				include_conf(s, word, depth);
		} else if (word && word[0] == '/') {
			push(&s->conf, &s->nr_conf, strdup(word));
		}
	}
}

/* Resolve "." and ".." by text; @path is absolute; in place. */
static void normalise(char *path)
{
	char *out = path, *in = path;

	while (*in) {
		size_t n;

		in += strspn(in, "/");
		n = strcspn(in, "/");
		if (n == 2 && !memcmp(in, "..", 2)) {
			while (out > path && *--out != '/')
				;
		} else if (n && !(n == 1 && *in == '.')) {
			*out++ = '/';
			memmove(out, in, n);
			out += n;
		}
		in += n;
	}
	if (out == path)
		*out++ = '/';
	*out = 0;
}

/* @dir with its tokens replaced, as seen from @file. */
static char *expand(const char *dir, size_t len, const char *file, bool *origin)
{
	struct buf b = {};

	for (size_t i = 0; i < len;) {
		static const struct { const char *tok; int kind; } toks[] = {
			{ "$ORIGIN", 0 }, { "${ORIGIN}", 0 },
			{ "$LIB", 1 }, { "${LIB}", 1 },
			{ "$PLATFORM", 2 }, { "${PLATFORM}", 2 },
		};
		size_t t;

		for (t = 0; t < ARRAY_SIZE(toks); t++) {
			if (!strncmp(dir + i, toks[t].tok, strlen(toks[t].tok)) &&
			    strlen(toks[t].tok) <= len - i)
				break;
		}
		if (t == ARRAY_SIZE(toks)) {
			buf_putc(&b, dir[i++]);
			continue;
		}
		i += strlen(toks[t].tok);
		if (toks[t].kind == 0) {
			buf_add(&b, file, (size_t)(strrchr(file, '/') - file));
			*origin = true;
		} else {
			buf_puts(&b, toks[t].kind == 1 ? "lib/x86_64-linux-gnu"
						       : "x86_64");
		}
	}
	return buf_steal(&b);
}

static int add_object(struct scan *s, const char *src, const char *dst,
		      ssize_t parent, bool from_conf);

/* Is @dir/@name a library? Then it joins the closure. 1 found, 0 not, -errno. */
static int try_dir(struct scan *s, const char *dir, const char *guest_dir,
		   const char *name, ssize_t parent, bool from_conf)
{
	char *src __free(cleanup_free) = NULL;
	char *dst __free(cleanup_free) = NULL;
	int err;

	if (asprintf(&src, "%s/%s", dir, name) < 0 ||
	    asprintf(&dst, "%s/%s", guest_dir, name) < 0)
		return -ENOMEM;
	if (!is_library(src))
		return 0;
	normalise(dst);
	err = add_object(s, src, dst, parent, from_conf);
	return err ? err : 1;
}

/* A colon list of DT_RPATH or DT_RUNPATH of object @of. */
static int try_path(struct scan *s, const char *path, size_t of,
		    const char *name, ssize_t parent)
{
	while (path) {
		size_t len = strcspn(path, ":");
		bool origin = false;
		char *host __free(cleanup_free) =
			expand(path, len, s->objs[of].src, &origin);
		char *guest __free(cleanup_free) =
			expand(path, len, s->objs[of].dst, &origin);
		char *rooted __free(cleanup_free) = NULL;
		int found = 0;

		if (!host || !guest ||
		    asprintf(&rooted, "%s%s", origin ? "" : s->sysroot, host) < 0)
			return -ENOMEM;
		if (guest[0] == '/')
			found = try_dir(s, rooted, guest, name, parent, false);
		if (found)
			return found;
		path = path[len] ? path + len + 1 : NULL;
	}
	return 0;
}

static int try_rooted(struct scan *s, const char *dir, const char *name,
		      ssize_t parent, bool from_conf)
{
	char *rooted __free(cleanup_free) = NULL;

	if (asprintf(&rooted, "%s%s", s->sysroot, dir) < 0)
		return -ENOMEM;
	return try_dir(s, rooted, dir, name, parent, from_conf);
}

static bool is_default_dir(const char *dir)
{
	for (size_t i = 0; i < ARRAY_SIZE(default_dirs); i++) {
		if (!strcmp(dir, default_dirs[i]))
			return true;
	}
	return false;
}

static int try_system(struct scan *s, const char *name, ssize_t parent)
{
	int found = 0;

	for (size_t i = 0; i < s->nr_conf && !found; i++)
		found = try_rooted(s, s->conf[i], name, parent,
				   !is_default_dir(s->conf[i]));
	for (size_t i = 0; i < ARRAY_SIZE(default_dirs) && !found; i++)
		found = try_rooted(s, default_dirs[i], name, parent, false);
	return found;
}

/* The order of ld.so(8). 1 found, 0 nowhere, -errno. */
static int search(struct scan *s, size_t of, const char *name,
		  const char *runpath)
{
	int found = 0;

	if (strchr(name, '/')) {
		if (name[0] != '/')
			return 0;	/* relative to a working directory */
		return try_rooted(s, "", name + 1, (ssize_t)of, false);
	}
	for (ssize_t o = (ssize_t)of; !runpath && o >= 0 && !found;
	     o = s->objs[o].parent)
		found = try_path(s, s->objs[o].rpath, (size_t)o, name, (ssize_t)of);
	if (!found)
		found = try_path(s, runpath, of, name, (ssize_t)of);
	if (!found)
		found = try_system(s, name, (ssize_t)of);
	return found;
}

static bool seen_name(const struct scan *s, const char *name)
{
	for (size_t i = 0; i < s->nr_names; i++) {
		if (!strcmp(s->names[i], name))
			return true;
	}
	return false;
}

static int resolve_needed(struct scan *s, size_t of, const struct elf *e)
{
	for (size_t i = 0; i < e->nr_needed; i++) {
		const char *name = e->needed[i];
		int found;

		if (seen_name(s, name))
			continue;
		if (push(&s->names, &s->nr_names, strdup(name)))
			return -ENOMEM;
		found = search(s, of, name, e->runpath);
		if (found < 0)
			return found;
		/* musl's interpreter is its libc under every name. */
		if (!found && s->musl && !strncmp(name, "libc.", 5))
			continue;
		if (!found)
			return diag_fail(s->d, -ENOENT, NULL,
				"%s needs %s, which is in none of its DT_RPATH/DT_RUNPATH (%s), ld.so.conf or the default directories",
				s->objs[of].src, name,
				e->runpath ? e->runpath : e->rpath ? e->rpath : "none");
	}
	return 0;
}

/*
 * glibc itself loads this one when a thread ends by pthread_exit() or is
 * cancelled, and aborts where it is not there; nobody has it as DT_NEEDED.
 */
static int add_unwinder(struct scan *s, size_t of, const struct elf *e)
{
	static const char *const callers[] = { "pthread_exit", "pthread_cancel" };
	static const char unwinder[] = "libgcc_s.so.1";
	const char *self = strrchr(s->objs[of].dst, '/');
	bool wanted = false;
	size_t i;
	int found;

	if (!strncmp(self, "/libc.so", 8) || !strncmp(self, "/libpthread.so", 14))
		return 0;
	for (i = 0; i < ARRAY_SIZE(callers) && e->strtab; i++)
		wanted |= memmem(e->strtab, e->strtab_len, callers[i],
				 strlen(callers[i]) + 1) != NULL;
	if (!wanted || s->musl || seen_name(s, unwinder))
		return 0;
	if (push(&s->names, &s->nr_names, strdup(unwinder)))
		return -ENOMEM;
	found = search(s, of, unwinder, e->runpath);
	return found < 0 ? found : 0;
}

static int report(struct scan *s, const char *src, const char *dst,
		  ssize_t parent, bool from_conf)
{
	struct elfdeps *out = s->out;
	struct elfdep *more = realloc(out->deps, (out->nr + 1) * sizeof(*more));

	if (!more)
		return -ENOMEM;
	out->deps = more;
	more[out->nr] = (struct elfdep){
		.src = strdup(src),
		.dst = strdup(dst),
		.needed_by = strdup(s->objs[parent].src),
		.from_conf = from_conf,
	};
	out->nr++;
	if (!more[out->nr - 1].src || !more[out->nr - 1].dst ||
	    !more[out->nr - 1].needed_by)
		return -ENOMEM;
	return 0;
}

static int add_interp(struct scan *s, size_t of, const char *interp)
{
	char *src __free(cleanup_free) = NULL;

	if (asprintf(&src, "%s%s", s->sysroot, interp) < 0)
		return -ENOMEM;
	if (access(src, R_OK))
		return diag_fail(s->d, -ENOENT, NULL,
				 "%s wants the interpreter %s, which is not there",
				 s->objs[of].src, src);
	s->musl = strstr(interp, "ld-musl");
	if (push(&s->names, &s->nr_names, strdup(strrchr(interp, '/') + 1)))
		return -ENOMEM;
	return report(s, src, interp, (ssize_t)of, false);
}

/* Take @src in (parent < 0: the program itself), then what it needs. */
static int add_object(struct scan *s, const char *src, const char *dst,
		      ssize_t parent, bool from_conf)
{
	size_t me = s->nr_objs;
	struct object *more;
	struct elf e;
	int err;

	if (me == MAX_DEPS)
		return diag_fail(s->d, -EBADMSG, NULL,
				 "%s needs more than %d libraries",
				 s->objs[0].src, MAX_DEPS);
	more = realloc(s->objs, (me + 1) * sizeof(*more));
	if (!more)
		return -ENOMEM;
	s->objs = more;
	more[me] = (struct object){ strdup(src), strdup(dst), NULL, parent };
	s->nr_objs++;
	if (!more[me].src || !more[me].dst)
		return -ENOMEM;
	err = elf_open(src, &e);
	if (parent < 0) {
		s->out->is_elf = err != 0;
		s->out->is_static = err == 1 && !e.interp && !e.nr_needed;
	}
	if (err == -ENOEXEC)
		diag_fail(s->d, err, NULL,
			  "%s is an ELF file for another machine than x86-64", src);
	else if (err < 0)
		diag_fail(s->d, err, NULL, "%s: %s", src, err == -EBADMSG ?
			  "damaged ELF file" : strerror(-err));
	if (err == 1) {
		err = 0;
		if (e.rpath && !e.runpath) {
			more[me].rpath = strdup(e.rpath);
			err = more[me].rpath ? 0 : -ENOMEM;
		}
		if (!err && parent >= 0)
			err = report(s, src, dst, parent, from_conf);
		if (!err && parent < 0 && e.interp)
			err = add_interp(s, me, e.interp);
		if (!err)
			err = resolve_needed(s, me, &e);
		if (!err)
			err = add_unwinder(s, me, &e);
	}
	elf_unmap(&e);
	return err;
}

static void free_list(char **list, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		free(list[i]);
	free(list);
}

int elfdeps_scan(const char *src, const char *dst, const char *sysroot,
		 struct elfdeps *out, struct diag *d)
{
	struct scan s = { .sysroot = sysroot, .out = out, .d = d };
	char *conf __free(cleanup_free) = NULL;
	char *real __free(cleanup_free) = realpath(src, NULL);
	int err;

	*out = (struct elfdeps){};
	if (!real)
		return diag_fail(d, -errno, NULL, "%s: %s", src, strerror(errno));
	if (asprintf(&conf, "%s/etc/ld.so.conf", sysroot) < 0)
		return diag_fail(d, -ENOMEM, NULL, "no memory");
	read_conf(&s, conf, 0);
	err = add_object(&s, real, dst, -1, false);
	if (err == -ENOMEM)
		diag_fail(d, err, NULL, "%s: no memory", src);
	if (err)
		elfdeps_free(out);
	for (size_t i = 0; i < s.nr_objs; i++) {
		free(s.objs[i].src);
		free(s.objs[i].dst);
		free(s.objs[i].rpath);
	}
	free(s.objs);
	free_list(s.names, s.nr_names);
	free_list(s.conf, s.nr_conf);
	return err;
}

void elfdeps_free(struct elfdeps *deps)
{
	for (size_t i = 0; i < deps->nr; i++) {
		free(deps->deps[i].src);
		free(deps->deps[i].dst);
		free(deps->deps[i].needed_by);
	}
	free(deps->deps);
	*deps = (struct elfdeps){};
}
