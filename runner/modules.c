// SPDX-License-Identifier: GPL-2.0-only
/*
 * modules: name to file from modules.dep, modules.order and modules.builtin;
 * dependencies from each module's own .modinfo, which libkmod reads. So a
 * package unpacked without depmod, or a kernel tree, serves as well.
 */
#include "runner/modules.h"

#include <errno.h>
#include <libkmod.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm/base/buf.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/diag.h"
#include "vmm/base/io.h"
#include "vmm/base/util.h"
#include "vmm/kcache.h"
#include "vmm/kunpack.h"

#define INDEX_MAX MiB(16)
#define MODULE_MAX MiB(256)
#define CHAIN_MAX 64	/* depth of dependencies */

const char *const modules_for_console[] = { "virtio_mmio", "virtio_console", NULL };
const char *const modules_for_blk[] = { "virtio_mmio", "virtio_blk", NULL };
const char *const modules_for_net[] = { "virtio_mmio", "virtio_net", NULL };

/* A line of the index; path is relative to the directory. */
struct known {
	char *name;
	char *path;	/* NULL: built in */
	size_t rank;	/* order of reading */
};

struct modules {
	char *dir;
	char *cache;
	struct known *known;	/* sorted by name once complete */
	size_t nr;
	struct kmod_ctx *kmod;
};

/* The file's name without directories and .ko*, with underscores. */
static char *name_of(const char *path)
{
	const char *base = strrchr(path, '/');
	const char *end;
	char *name;

	base = base ? base + 1 : path;
	end = strstr(base, ".ko");
	if (!end)
		end = base + strlen(base);
	name = strndup(base, (size_t)(end - base));
	for (char *p = name; p && *p; p++) {
		if (*p == '-')
			*p = '_';
	}
	return name;
}

static int by_name(const void *a, const void *b)
{
	const struct known *x = a, *y = b;
	int cmp = strcmp(x->name, y->name);

	/* modules.dep knows best: it has chosen among files of one name. */
	return cmp ? cmp : x->rank < y->rank ? -1 : 1;
}

static int add_known(struct modules *m, const char *path, bool builtin)
{
	struct known *more;

	if (!(m->nr & (m->nr - 1))) {
		more = realloc(m->known, (m->nr ? 2 * m->nr : 1) * sizeof(*more));
		if (!more)
			return -ENOMEM;
		m->known = more;
	}
	m->known[m->nr].name = name_of(path);
	m->known[m->nr].rank = m->nr;
	m->known[m->nr].path = builtin ? NULL : strdup(path);
	m->nr++;
	if (!m->known[m->nr - 1].name || (!builtin && !m->known[m->nr - 1].path))
		return -ENOMEM;
	return 0;
}

/* In a built tree modules.order tells of objects; the module is beside them. */
static void object_to_module(char *line)
{
	size_t n = strlen(line);

	if (n > 2 && !strcmp(line + n - 2, ".o"))
		strcpy(line + n - 2, ".ko");
}

/* One path per line, up to a colon. A missing index is an empty one. */
static int read_index(struct modules *m, const char *file, bool builtin,
		      struct diag *d)
{
	char *path __free(cleanup_free) = NULL;
	struct buf b = {};
	char *save, *line;
	int err;

	if (asprintf(&path, "%s/%s", m->dir, file) < 0)
		return diag_fail(d, -ENOMEM, NULL, "no memory");
	if (access(path, F_OK))
		return 0;
	err = io_read_file(path, INDEX_MAX, &b, d);
	if (err || !b.len)
		goto out;
	buf_puts(&b, "  ");	/* room for .o -> .ko on the last line */
	for (line = strtok_r(b.data, "\n", &save); line && !err;
	     line = strtok_r(NULL, "\n", &save)) {
		char word[4096];

		snprintf(word, sizeof(word) - 1, "%.*s", (int)strcspn(line, ": \t"), line);
		if (!*word)
			continue;
		object_to_module(word);
		err = add_known(m, word, builtin);
	}
	if (err)
		diag_fail(d, err, NULL, "no memory for %s", path);
out:
	buf_reset(&b);
	return err;
}

/* The first word on each name remains. */
static void sort_known(struct modules *m)
{
	size_t out = 0;

	if (m->nr)
		qsort(m->known, m->nr, sizeof(*m->known), by_name);
	for (size_t i = 0; i < m->nr; i++) {
		if (out && !strcmp(m->known[out - 1].name, m->known[i].name)) {
			free(m->known[i].name);
			free(m->known[i].path);
		} else {
			m->known[out++] = m->known[i];
		}
	}
	m->nr = out;
}

static char *default_cache(void)
{
	const char *xdg = getenv("XDG_CACHE_HOME");
	const char *home = getenv("HOME");
	char *dir = NULL;
	int n = -1;

	if (xdg && xdg[0] == '/')
		n = asprintf(&dir, "%s/vmtap/modules", xdg);
	else if (home && home[0] == '/')
		n = asprintf(&dir, "%s/.cache/vmtap/modules", home);
	return n < 0 ? NULL : dir;
}

int modules_open(const char *dir, const char *cache, struct modules **out,
		 struct diag *d)
{
	static const char *const no_config[] = { NULL };
	struct modules *m = calloc(1, sizeof(*m));
	int err = -ENOMEM;

	if (!m)
		return diag_fail(d, err, NULL, "no memory");
	m->dir = strdup(dir ? dir : "/nonexistent");
	m->cache = cache ? strdup(cache) : default_cache();
	m->kmod = m->dir ? kmod_new(m->dir, no_config) : NULL;
	if (!m->kmod) {
		diag_fail(d, err, NULL, "no memory for libkmod");
		goto fail;
	}
	err = read_index(m, "modules.dep", false, d);
	if (!err)
		err = read_index(m, "modules.order", false, d);
	if (!err)
		err = read_index(m, "modules.builtin", true, d);
	if (err)
		goto fail;
	sort_known(m);
	*out = m;
	return 0;
fail:
	modules_close(m);
	return err;
}

void modules_close(struct modules *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->nr; i++) {
		free(m->known[i].name);
		free(m->known[i].path);
	}
	free(m->known);
	kmod_unref(m->kmod);
	free(m->cache);
	free(m->dir);
	free(m);
}

static const struct known *find_known(const struct modules *m, const char *name)
{
	char *plain __free(cleanup_free) = name_of(name);
	size_t lo = 0, hi = m->nr;

	while (plain && lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int cmp = strcmp(m->known[mid].name, plain);

		if (!cmp)
			return &m->known[mid];
		if (cmp < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

enum module_state modules_state(const struct modules *m, const char *name)
{
	const struct known *k = find_known(m, name);

	return !k ? MODULE_MISSING : k->path ? MODULE_FILE : MODULE_BUILTIN;
}

/* Decompress @in by the method its first bytes tell. */
static int unpack(const char *path, const struct buf *in, struct buf *out,
		  struct diag *d)
{
	const struct kunpack_method *m = kunpack_probe((u8 *)in->data, in->len);
	size_t room = round_up(in->len * 8, 65536);
	int err = -ENOSPC;

	if (!m || !m->unpack)
		return diag_fail(d, -EOPNOTSUPP, NULL,
				 "module %s is neither ELF nor compressed by a supported method",
				 path);
	for (; err == -ENOSPC && room <= MODULE_MAX; room *= 2) {
		if (buf_reserve(out, room))
			return diag_fail(d, -ENOMEM, NULL, "no memory for %s", path);
		err = m->unpack((u8 *)in->data, in->len, (u8 *)out->data, room,
				&out->len);
	}
	if (err)
		return diag_fail(d, err == -ENOMEM ? err : -EBADMSG, NULL,
				 "module %s: damaged %s data", path, m->name);
	return 0;
}

/* The cached plain copy of compressed @in, made when it is not there. */
static int cached(struct modules *m, const char *path, const struct buf *in,
		  char **file, struct diag *d)
{
	char *to __free(cleanup_free) = NULL;
	struct buf out = {};
	char hash[33];
	int err;

	if (!m->cache)
		return diag_fail(d, -ENOENT, NULL,
				 "module %s is compressed and there is no cache directory to unpack it to",
				 path);
	kcache_hash(in->data, in->len, hash);
	if (asprintf(&to, "%s/%s.ko", m->cache, hash) < 0)
		return diag_fail(d, -ENOMEM, NULL, "no memory");
	if (access(to, R_OK)) {
		err = unpack(path, in, &out, d);
		if (!err)
			err = io_mkdirs(m->cache, d);
		if (!err)
			err = io_write_file(to, out.data, out.len, d);
		buf_reset(&out);
		if (err)
			return err;
	}
	*file = take_ptr(to);
	return 0;
}

/* A plain .ko for the module at @path: itself, or its copy in the cache. */
static int plain_file(struct modules *m, const char *path, char **file,
		      struct diag *d)
{
	struct buf in = {};
	int err = io_read_file(path, MODULE_MAX, &in, d);

	if (!err && in.len >= 4 && !memcmp(in.data, "\177ELF", 4)) {
		*file = strdup(path);
		err = *file ? 0 : -ENOMEM;
	} else if (!err) {
		err = cached(m, path, &in, file, d);
	}
	buf_reset(&in);
	return err;
}

struct closure {
	struct modules *m;
	struct module_set *set;
	const char *chain[CHAIN_MAX];	/* who wants whom, down to the current */
	size_t depth;
	struct diag *d;
};

static int want(struct closure *c, const char *name, bool may_miss);

/* "a,b c": each name in turn. */
static int want_list(struct closure *c, const char *list, bool may_miss)
{
	char *copy __free(cleanup_free) = strdup(list);
	char *save, *name;
	int err = copy ? 0 : -ENOMEM;

	for (name = copy ? strtok_r(copy, ", \t", &save) : NULL; name && !err;
	     name = strtok_r(NULL, ", \t", &save))
		err = want(c, name, may_miss);
	return err;
}

/* "pre: a b post: c": the names of one part. */
static int want_softdep(struct closure *c, const char *text, const char *part)
{
	const char *at = strstr(text, part);
	char *list __free(cleanup_free) = NULL;
	size_t n;

	if (!at)
		return 0;
	at += strlen(part);
	n = strcspn(at, ":");
	/* Up to the next part's own word. */
	if (at[n]) {
		while (n && at[n - 1] != ' ')
			n--;
	}
	list = strndup(at, n);
	return list ? want_list(c, list, true) : -ENOMEM;
}

/* Insert what the .modinfo of @file names, either before or after it. */
static int want_info(struct closure *c, const char *file, bool before)
{
	struct kmod_list *info = NULL, *l;
	struct kmod_module *mod;
	int err = kmod_module_new_from_path(c->m->kmod, file, &mod);

	if (err < 0)
		return diag_fail(c->d, -EBADMSG, NULL, "%s: not a kernel module", file);
	err = kmod_module_get_info(mod, &info);
	kmod_module_unref(mod);
	if (err < 0)
		return diag_fail(c->d, -EBADMSG, NULL, "%s: no module information", file);
	err = 0;
	kmod_list_foreach(l, info) {
		const char *key = kmod_module_info_get_key(l);
		const char *value = kmod_module_info_get_value(l);

		if (err)
			break;
		if (before && !strcmp(key, "depends"))
			err = want_list(c, value, false);
		else if (!strcmp(key, "softdep"))
			err = want_softdep(c, value, before ? "pre:" : "post:");
	}
	kmod_module_info_free_list(info);
	return err;
}

static int append(struct closure *c, const char *name, const char *path,
		  const char *file)
{
	struct module_set *set = c->set;
	struct module *mod = realloc(set->mods, (set->nr + 1) * sizeof(*mod));

	if (!mod)
		return -ENOMEM;
	set->mods = mod;
	mod = &mod[set->nr++];
	*mod = (struct module){
		.name = name_of(name), .file = strdup(file), .origin = strdup(path),
	};
	if (!mod->name || !mod->file || !mod->origin ||
	    asprintf(&mod->guest, "/lib/vmtap/%s.ko", mod->name) < 0)
		return -ENOMEM;
	return 0;
}

static int note_builtin(struct closure *c, const char *name)
{
	struct module_set *set = c->set;
	char **more = realloc(set->builtin, (set->nr_builtin + 1) * sizeof(*more));

	if (!more)
		return -ENOMEM;
	set->builtin = more;
	more[set->nr_builtin] = name_of(name);
	return more[set->nr_builtin] ? (set->nr_builtin++, 0) : -ENOMEM;
}

static bool has(const struct module_set *set, const char *name)
{
	char *plain __free(cleanup_free) = name_of(name);

	for (size_t i = 0; plain && i < set->nr; i++) {
		if (!strcmp(set->mods[i].name, plain))
			return true;
	}
	for (size_t i = 0; plain && i < set->nr_builtin; i++) {
		if (!strcmp(set->builtin[i], plain))
			return true;
	}
	return false;
}

static int missing(struct closure *c, const char *name)
{
	const char *who = c->depth ? c->chain[c->depth - 1] : NULL;

	return diag_fail(c->d, -ENOENT, NULL,
			 "kernel module %s%s%s is neither built in nor a file below %s",
			 name, who ? ", which is needed by " : "", who ? who : "",
			 c->m->dir);
}

/* Take a module's file in, what it needs first. */
static int want_file(struct closure *c, const char *name, const char *path)
{
	char *file __free(cleanup_free) = NULL;
	int err;

	for (size_t i = 0; i < c->depth; i++) {
		if (!strcmp(c->chain[i], name))
			return diag_fail(c->d, -ELOOP, NULL,
					 "kernel module %s depends on itself by way of %s",
					 name, c->chain[c->depth - 1]);
	}
	if (c->depth == CHAIN_MAX)
		return diag_fail(c->d, -ELOOP, NULL,
				 "kernel module %s: dependencies deeper than %d",
				 c->chain[0], CHAIN_MAX);
	err = plain_file(c->m, path, &file, c->d);
	if (err)
		return err;
	c->chain[c->depth++] = name;
	err = want_info(c, file, true);
	if (!err)
		err = append(c, name, path, file);
	if (!err)
		err = want_info(c, file, false);
	c->depth--;
	return err;
}

static int want(struct closure *c, const char *name, bool may_miss)
{
	char *path __free(cleanup_free) = NULL;
	const struct known *k;

	if (has(c->set, name))
		return 0;
	if (strchr(name, '/'))
		return want_file(c, name, name);
	k = find_known(c->m, name);
	if (!k)
		return may_miss ? 0 : missing(c, name);
	if (!k->path)
		return note_builtin(c, name);
	if (asprintf(&path, "%s/%s", c->m->dir, k->path) < 0)
		return -ENOMEM;
	return want_file(c, k->name, path);
}

static bool listed(const char *const *names, const char *name)
{
	for (; names && *names; names++) {
		if (!strcmp(*names, name))
			return true;
	}
	return false;
}

int modules_close_over(struct modules *m, const char *const *names,
		       const char *const *optional, struct module_set *out,
		       struct diag *d)
{
	struct module_set set = {};
	struct closure c = { .m = m, .set = &set, .d = d };
	int err = 0;

	for (; *names && !err; names++)
		err = want(&c, *names, listed(optional, *names));
	if (err == -ENOMEM)
		diag_fail(d, err, NULL, "no memory for the module closure");
	if (err) {
		module_set_free(&set);
		return err;
	}
	*out = set;
	return 0;
}

void module_set_free(struct module_set *set)
{
	for (size_t i = 0; i < set->nr; i++) {
		free(set->mods[i].name);
		free(set->mods[i].file);
		free(set->mods[i].guest);
		free(set->mods[i].origin);
	}
	for (size_t i = 0; i < set->nr_builtin; i++)
		free(set->builtin[i]);
	free(set->mods);
	free(set->builtin);
	*set = (struct module_set){};
}
