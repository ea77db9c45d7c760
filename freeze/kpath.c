// SPDX-License-Identifier: GPL-2.0-only
/* Typed paths into a guest; see kpath.h. */
#include "freeze/kpath.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>

#include "freeze/bpfmap.h"
#include "vmm/base/buf.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/diag.h"

/* Globals that BTF of stock kernels does not type; [] marks an array. */
static const struct {
	const char *name;
	const char *type;
} well_known[] = {
	{ "__per_cpu_offset", "unsigned long[]" },
	{ "cgrp_dfl_root", "struct cgroup_root" },
	{ "init_css_set", "struct css_set" },
	{ "init_mm", "struct mm_struct" },
	{ "init_pid_ns", "struct pid_namespace" },
	{ "init_task", "struct task_struct" },
	{ "init_uts_ns", "struct uts_namespace" },
	{ "jiffies", "unsigned long" },
	{ "jiffies_64", "u64" },
	{ "map_idr", "struct idr" },
	{ "nr_cpu_ids", "unsigned int" },
	{ "nr_threads", "int" },
	{ "oops_in_progress", "int" },
	{ "page_offset_base", "unsigned long" },
	{ "phys_base", "unsigned long" },
	{ "prog_idr", "struct idr" },
	{ "root_task_group", "struct task_group" },
	{ "scx_root", "struct scx_sched *" },
	{ "system_state", "enum system_states" },
	{ "tainted_mask", "unsigned long" },
	{ "total_forks", "unsigned long" },
	{ "vmalloc_base", "unsigned long" },
	{ "vmemmap_base", "unsigned long" },
};

/* How the thing at hand still has to be resolved before it has a place. */
enum pending {
	PLACE,		/* it has: addr */
	PERCPU,		/* addr is a per-CPU symbol: [cpu=] is missing */
	ARRAY,		/* addr is the first of many of unknown number */
	POINTER,	/* addr holds a pointer to the type */
	MAP,		/* a map's element 0, unless [n] or [cpu=] says more */
};

struct path {
	const struct kread *k;	/* NULL sym, types: no guest (see dry) */
	bool dry;		/* only names are checked, nothing is read */
	bool untyped;		/* dry, and inside of a map */
	const char *text;
	const char *p;
	gva_t addr;
	struct kfield f;	/* type and bits of what is at addr */
	const struct ktype *types;
	struct ktype *own_types;
	enum pending pending;
	struct bpfmap map;
	u32 map_index;
	unsigned int map_cpu;
};

static __printf(4, 5) int fail(struct path *s, int err, struct diag *d,
			       const char *fmt, ...)
{
	char *what = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&what, fmt, ap) < 0)
		what = NULL;
	va_end(ap);
	diag_fail(d, err, NULL, "%s: column %td: %s", s->text,
		  s->p - s->text + 1, what ? what : "no memory");
	free(what);
	return err;
}

static bool take(struct path *s, const char *word)
{
	size_t n = strlen(word);

	if (strncmp(s->p, word, n))
		return false;
	s->p += n;
	return true;
}

static size_t ident_len(const char *p)
{
	size_t n = 0;

	while (isalnum((unsigned char)p[n]) || p[n] == '_')
		n++;
	return n;
}

static int read_ptr(struct path *s, gva_t at, u64 *out, struct diag *d)
{
	int err;

	*out = 0;
	if (s->dry)
		return 0;
	err = vas_read_u64(&s->k->vas, at, out);
	if (err)
		return fail(s, err, d, "0x%" PRIx64 " cannot be read: %s", at,
			    strerror(-err));
	if (!*out)
		return fail(s, -EFAULT, d, "the pointer before it is NULL");
	return 0;
}

static void set_type(struct path *s, u32 id)
{
	struct ktype_info info;

	s->f = (struct kfield){ .type_id = id };
	if (!ktype_info(s->types, id, &info))
		s->f.size = info.size;
}

/* "struct foo", "struct foo *", "u64[]" */
static int set_named_type(struct path *s, const char *type, struct diag *d)
{
	char name[128];
	size_t len = strlen(type);
	int id;

	if (len >= sizeof(name))
		return fail(s, -EINVAL, d, "that type name is too long");
	memcpy(name, type, len + 1);
	if (len > 2 && !strcmp(name + len - 2, "[]")) {
		s->pending = ARRAY;
		len -= 2;
	} else if (len && name[len - 1] == '*') {
		s->pending = POINTER;
		len--;
	}
	while (len && name[len - 1] == ' ')
		len--;
	name[len] = '\0';
	id = ktype_find(s->types, name);
	if (id < 0)
		return fail(s, -ENOENT, d, "the kernel has no type %s", name);
	set_type(s, (u32)id);
	return 0;
}

static const char *known_type(const char *symbol)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(well_known); i++)
		if (!strcmp(well_known[i].name, symbol))
			return well_known[i].type;
	return NULL;
}

static bool is_percpu(const struct ksym *sym, u64 addr)
{
	u64 start, end;

	return !ksym_find(sym, "__per_cpu_start", &start) &&
	       !ksym_find(sym, "__per_cpu_end", &end) && addr >= start &&
	       addr < end;
}

static int root_symbol(struct path *s, const char *cast, struct diag *d)
{
	size_t len = ident_len(s->p);
	char *name __free(cleanup_free) = strndup(s->p, len);
	u64 addr;
	int id, err;

	if (!name)
		return -ENOMEM;
	if (!len)
		return fail(s, -EINVAL, d, "a symbol or map(\"...\") was expected");
	if (ksym_find(s->k->sym, name, &addr))
		return fail(s, -ENOENT, d, "the kernel has no symbol %s", name);
	id = ktype_find_var(s->types, name);
	if (!cast)
		cast = id < 0 ? known_type(name) : NULL;
	if (cast) {
		err = set_named_type(s, cast, d);
		if (err)
			return err;
	} else if (id >= 0) {
		set_type(s, (u32)id);
	} else {
		return fail(s, -ENOENT, d,
			    "BTF has no type for %s: say one, as (struct foo)%s",
			    name, name);
	}
	s->addr = ksym_runtime(addr, s->k->slide);
	if (is_percpu(s->k->sym, addr)) {
		if (s->pending != PLACE)
			return fail(s, -EINVAL, d,
				    "%s is per CPU: neither [] nor * goes with that",
				    name);
		s->pending = PERCPU;
	}
	s->p += len;
	return 0;
}

static int root_map(struct path *s, struct diag *d)
{
	size_t len = strcspn(s->p, "\"");
	char *name __free(cleanup_free) = strndup(s->p, len);
	int err;

	if (!name)
		return -ENOMEM;
	if (!len || strncmp(s->p + len, "\")", 2))
		return fail(s, -EINVAL, d, "a map's name and \") were expected");
	s->pending = MAP;
	if (!s->dry) {
		err = bpfmap_find(s->k, name, &s->map, d);
		if (!err)
			err = bpfmap_types(s->k, &s->map, &s->own_types, d);
		if (err)
			return err;
		s->types = s->own_types;
		set_type(s, s->map.btf_value_type_id);
	}
	s->untyped = s->dry;
	s->p += len + 2;
	return 0;
}

static int parse_root(struct path *s, struct diag *d)
{
	char *cast __free(cleanup_free) = NULL;
	size_t len;

	if (take(s, "map(\""))
		return root_map(s, d);
	if (take(s, "(")) {
		len = strcspn(s->p, ")");
		if (!len || s->p[len] != ')')
			return fail(s, -EINVAL, d, "a type and ) were expected");
		cast = strndup(s->p, len);
		if (!cast)
			return -ENOMEM;
		s->p += len + 1;
	}
	return root_symbol(s, cast, d);
}

/* [n] is an array's index, a task's pid, a hash map's key where that is an integer. */
static int map_place(struct path *s)
{
	u64 key = s->map_index;
	int err = bpfmap_array_addr(s->k, &s->map, s->map_index, s->map_cpu,
				    &s->addr);

	if (err == -EOPNOTSUPP)
		err = bpfmap_task_addr(s->k, &s->map, (s32)s->map_index,
				       &s->addr);
	if (err != -EOPNOTSUPP || s->map.key_size > sizeof(key))
		return err;
	return bpfmap_hash_addr(s->k, &s->map, &key, s->map_cpu, &s->addr);
}

static const char *map_error(int err)
{
	switch (err) {
	case -EOPNOTSUPP:
		return "neither an array, a hash of integers nor task storage";
	case -ENOENT:
		return "no such key";
	case -ERANGE:
		return "past its last entry";
	default:
		return strerror(-err);
	}
}

/* What stands before a member or at the end must have a place. */
static int settle(struct path *s, struct diag *d)
{
	int err = 0;
	u64 ptr;

	switch (s->pending) {
	case PLACE:
		break;
	case PERCPU:
		return fail(s, -EINVAL, d, "per CPU: [cpu=N] was expected");
	case ARRAY:
		return fail(s, -EINVAL, d, "an array: [N] was expected");
	case POINTER:
		err = read_ptr(s, s->addr, &ptr, d);
		s->addr = ptr;
		break;
	case MAP:
		if (s->dry)
			break;
		err = map_place(s);
		if (err)
			return fail(s, err, d, "BPF map %s: %s", s->map.name,
				    map_error(err));
		break;
	}
	s->pending = PLACE;
	return err;
}

static int step_member(struct path *s, struct diag *d)
{
	size_t len = ident_len(s->p);
	struct ktype_info info;
	struct kfield m;
	u64 ptr;
	int err;

	if (!len)
		return fail(s, -EINVAL, d, "a member's name was expected");
	err = settle(s, d);
	if (err)
		return err;
	if (s->untyped) {
		s->p += len;
		return 0;
	}
	if (!ktype_info(s->types, s->f.type_id, &info) &&
	    info.kind == KTYPE_PTR) {
		err = read_ptr(s, s->addr, &ptr, d);
		if (err)
			return err;
		s->addr = ptr;
		set_type(s, info.elem_id);
	}
	err = ktype_member(s->types, s->f.type_id, s->p, len, &m);
	if (err)
		return fail(s, -ENOENT, d, "no member %.*s there", (int)len,
			    s->p);
	s->addr += m.offset;
	m.offset = 0;
	s->f = m;
	s->p += len;
	return 0;
}

static int parse_number(struct path *s, u64 *out, struct diag *d)
{
	char *end;

	errno = 0;
	*out = isdigit((unsigned char)*s->p) ? strtoull(s->p, &end, 0) :
					       UINT64_MAX;
	if (*out > UINT32_MAX || errno || *end != ']')
		return fail(s, -EINVAL, d, "a number and ] were expected");
	s->p = end + 1;
	return 0;
}

static int step_cpu(struct path *s, struct diag *d)
{
	struct ktype_info info;
	u64 cpu, base, ptr;
	int nr, err = parse_number(s, &cpu, d);

	if (err || s->untyped)
		return err;
	nr = s->dry ? KREAD_MAX_CPUS : kread_nr_cpus(s->k);
	if (nr >= 0 && cpu >= (u64)nr)
		return fail(s, -ERANGE, d, "cpu %" PRIu64 " of %d", cpu, nr);
	if (s->pending == MAP) {
		s->map_cpu = (unsigned int)cpu;
		return 0;
	}
	err = s->dry ? 0 : kread_percpu_base(s->k, (unsigned int)cpu, &base);
	if (err)
		return fail(s, err, d, "no per-CPU area: %s", strerror(-err));
	if (s->dry)
		base = 0;
	if (s->pending == PERCPU) {
		s->addr += base;
		s->pending = PLACE;
		return 0;
	}
	if (s->pending != PLACE ||
	    ktype_info(s->types, s->f.type_id, &info) ||
	    info.kind != KTYPE_PTR)
		return fail(s, -EINVAL, d, "that is not per CPU");
	err = read_ptr(s, s->addr, &ptr, d);
	s->addr = ptr + base;
	set_type(s, info.elem_id);
	return err;
}

static int step_index(struct path *s, struct diag *d)
{
	struct ktype_info info;
	u64 i, ptr;
	int err = parse_number(s, &i, d);

	if (err || s->untyped)
		return err;
	if (s->pending == MAP) {
		s->map_index = (u32)i;
		return 0;
	}
	if (s->pending == ARRAY) {
		s->addr += i * s->f.size;
		s->pending = PLACE;
		return 0;
	}
	err = settle(s, d);
	if (err)
		return err;
	if (ktype_info(s->types, s->f.type_id, &info) ||
	    (info.kind != KTYPE_ARRAY && info.kind != KTYPE_PTR))
		return fail(s, -EINVAL, d, "that is no array");
	if (info.kind == KTYPE_ARRAY && info.nr_elems && i >= info.nr_elems)
		return fail(s, -ERANGE, d, "index %" PRIu64 ", there are %" PRIu64,
			    i, info.nr_elems);
	if (info.kind == KTYPE_PTR) {
		err = read_ptr(s, s->addr, &ptr, d);
		s->addr = ptr;
	}
	set_type(s, info.elem_id);
	s->addr += i * s->f.size;
	return err;
}

static int walk(struct path *s, struct diag *d)
{
	int err = parse_root(s, d);

	while (!err && *s->p) {
		if (take(s, "->") || take(s, "."))
			err = step_member(s, d);
		else if (take(s, "[cpu="))
			err = step_cpu(s, d);
		else if (take(s, "["))
			err = step_index(s, d);
		else
			err = fail(s, -EINVAL, d,
				   "., ->, [ or the end was expected");
	}
	return err ? err : settle(s, d);
}

static int fetch(struct path *s, struct kvalue *out, struct diag *d)
{
	struct kvalue v = { .addr = s->addr, .field = s->f, .types = s->types };
	struct buf name = { 0 };
	int err;

	if (!v.field.size || v.field.size > KPATH_MAX_VALUE)
		return fail(s, -EINVAL, d, "a value of %" PRIu64 " bytes",
			    v.field.size);
	v.data = malloc(v.field.size);
	err = ktype_name(s->types, s->f.type_id, &name);
	v.type_name = buf_steal(&name);
	if (!v.data || err || !v.type_name) {
		kvalue_reset(&v);
		return err ? err : -ENOMEM;
	}
	err = vas_read(&s->k->vas, s->addr, v.data, v.field.size);
	if (err) {
		kvalue_reset(&v);
		return fail(s, err, d, "0x%" PRIx64 " cannot be read: %s",
			    s->addr, strerror(-err));
	}
	v.own_types = take_ptr(s->own_types);
	*out = v;
	return 0;
}

int kpath_read(const struct kread *k, const char *path, struct kvalue *out,
	       struct diag *d)
{
	struct path s = { .k = k, .text = path, .p = path, .types = k->types };
	int err;

	if (!k->types || !k->sym)
		return diag_fail(d, -ENOENT, NULL, "%s: no BTF or no symbols",
				 path);
	err = walk(&s, d);
	if (!err)
		err = fetch(&s, out, d);
	ktype_close(s.own_types);
	return err;
}

int kpath_check(const struct ksym *sym, const struct ktype *types,
		const char *path, struct diag *d)
{
	struct kread k = { .sym = sym, .types = types };
	struct path s = { .k = &k, .dry = true, .text = path, .p = path,
			  .types = types };

	return walk(&s, d);
}

int kvalue_print(const struct kvalue *v, struct buf *out)
{
	return ktype_print(v->types, &v->field, v->data, v->field.size, out);
}

int kvalue_int(const struct kvalue *v, u64 *out, bool *is_signed)
{
	return ktype_int(v->types, &v->field, v->data, v->field.size, out,
			 is_signed);
}

char *kvalue_str(const struct kvalue *v)
{
	struct ktype_info info, elem;

	if (ktype_info(v->types, v->field.type_id, &info) ||
	    info.kind != KTYPE_ARRAY ||
	    ktype_info(v->types, info.elem_id, &elem) ||
	    elem.kind != KTYPE_CHAR)
		return NULL;
	return strndup((const char *)v->data, v->field.size);
}

void kvalue_reset(struct kvalue *v)
{
	free(v->data);
	free(v->type_name);
	ktype_close(v->own_types);
	*v = (struct kvalue){ 0 };
}
