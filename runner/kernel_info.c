// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is known of a kernel image, for people and as JSON. Built as one value
 * per kernel; the text is a rendering of it. See kernel_info.h.
 */
#include "runner/kernel_info.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "freeze/ksym.h"
#include "freeze/ktype.h"
#include "runner/kernel.h"
#include "runner/value.h"
#include "vmm/base/buf.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/diag.h"
#include "vmm/base/log.h"
#include "vmm/base/util.h"
#include "vmm/kimage.h"

#define EXIT_USAGE 64
#define EXIT_UNAVAILABLE 69
#define MAX_NAMES 64

/* What scenarios ask for most. */
static const char *const notable[] = {
	"DEBUG_INFO_BTF", "SCHED_CLASS_EXT", "BPF_SYSCALL", "KALLSYMS_ALL",
	"RANDOMIZE_BASE", "VIRTIO_MMIO", "VIRTIO_CONSOLE", "VIRTIO_BLK",
	"VIRTIO_NET", "SERIAL_8250_CONSOLE", "X86_FRED", "IKCONFIG",
};

struct info {
	const char *symbols[MAX_NAMES];
	const char *types[MAX_NAMES];
	size_t nr_symbols, nr_types;
	bool json;
	int status;
};

/* --- one kernel as a value ---------------------------------------------- */

static struct value *config_value(const struct kernel *k, const char *name)
{
	char *text __free(cleanup_free) = NULL;

	switch (kernel_config(k, name, &text)) {
	case KCONFIG_YES:
		return value_str("y");
	case KCONFIG_MODULE:
		return value_str("m");
	case KCONFIG_NO:
		return value_str("n");
	case KCONFIG_VALUE:
		return value_str(text ? text : "");
	case KCONFIG_UNKNOWN:
		break;
	}
	return value_null();
}

static void add_str(struct value *v, const char *key, const char *text)
{
	value_set(v, key, text && *text ? value_str(text) : value_null());
}

static void add_kernel(struct value *v, const struct kernel *k)
{
	struct value *config = value_map();
	size_t i;

	add_str(v, "release", k->release);
	add_str(v, "image", k->image);
	add_str(v, "source", kernel_source_name(k->source));
	add_str(v, "modules", k->modules_dir);
	add_str(v, "config_from", k->config_path ? k->config_path :
		k->config ? "built in" : NULL);
	for (i = 0; i < ARRAY_SIZE(notable); i++)
		value_set(config, notable[i], config_value(k, notable[i]));
	value_set(v, "config", config);
}

static void add_image(struct value *v, const struct kimage *ki)
{
	/* An image that was named by itself tells its release. */
	if (!value_get(v, "release"))
		add_str(v, "release", kimage_release(ki));
	add_str(v, "format", kimage_format(ki) == KIMAGE_ELF ? "vmlinux" :
							       "bzImage");
	add_str(v, "compression", kimage_compression(ki));
	add_str(v, "banner", kimage_banner(ki));
	add_str(v, "hash", kimage_hash(ki));
	value_set(v, "btf", value_bool(kimage_section_by_name(ki, ".BTF")));
	value_set(v, "relocatable", value_bool(kimage_has_relocs(ki)));
}

static void missing(struct info *x, const char *fmt, const char *name)
{
	struct buf what = { 0 };

	buf_printf(&what, "%s %s", fmt, name);
	log_error("kernel", "%s", buf_str(&what));
	buf_reset(&what);
	x->status = EXIT_UNAVAILABLE;
}

static void add_symbols(struct info *x, struct value *v,
			const struct ksym *sym)
{
	struct value *found = value_map(), *count;
	size_t i;
	u64 addr;

	if (!x->nr_symbols) {
		count = value_map();
		value_set(count, "count", value_int((s64)ksym_nr(sym)));
		add_str(count, "source", ksym_source(sym));
		value_set(v, "symbols", count);
	}
	for (i = 0; i < x->nr_symbols; i++)
		if (ksym_find(sym, x->symbols[i], &addr))
			missing(x, "the kernel has no symbol", x->symbols[i]);
		else
			value_set(found, x->symbols[i], value_addr(addr));
	if (x->nr_symbols)
		value_set(v, "symbol", found);
	else
		value_free(found);
}

static struct value *type_value(const struct ktype *kt, u32 id)
{
	struct buf name = { 0 }, layout = { 0 };
	struct ktype_info info;
	struct value *v = value_map();

	if (!ktype_name(kt, id, &name))
		add_str(v, "name", buf_str(&name));
	if (!ktype_info(kt, id, &info)) {
		value_set(v, "size", value_int((s64)info.size));
		if ((info.kind == KTYPE_STRUCT || info.kind == KTYPE_UNION ||
		     info.kind == KTYPE_ENUM) &&
		    !ktype_layout(kt, info.id, &layout))
			add_str(v, "layout", buf_str(&layout));
	}
	buf_reset(&name);
	buf_reset(&layout);
	return v;
}

static void add_types(struct info *x, struct value *v, const struct ktype *kt)
{
	struct value *found = value_map();
	size_t i;

	if (!x->nr_types)
		value_set(v, "types", value_int(ktype_nr(kt)));
	for (i = 0; i < x->nr_types; i++) {
		int id = ktype_find(kt, x->types[i]);

		if (id < 0)
			missing(x, "the kernel has no type", x->types[i]);
		else
			value_set(found, x->types[i], type_value(kt, (u32)id));
	}
	if (x->nr_types)
		value_set(v, "type", found);
	else
		value_free(found);
}

/* --- and how it is told ------------------------------------------------- */

static void print_item(const char *prefix, const char *key,
		       const struct value *v)
{
	struct buf text = { 0 };

	if (!v || v->type == VALUE_NULL)
		buf_puts(&text, "unknown");
	else if (v->type == VALUE_STR)
		buf_puts(&text, v->str.data);
	else if (v->type == VALUE_ADDR)
		buf_printf(&text, "0x%" PRIx64, v->addr);
	else
		value_to_json(v, 0, &text);
	printf("%s%s: %s\n", prefix, key, buf_str(&text));
	buf_reset(&text);
}

static void print_map(const char *prefix, const struct value *v)
{
	char below[160];
	size_t i;

	for (i = 0; i < v->map.len; i++) {
		const struct value *item = v->map.items[i];

		if (!item || item->type != VALUE_MAP) {
			print_item(prefix, v->map.keys[i], item);
			continue;
		}
		snprintf(below, sizeof(below), "%s%s.", prefix,
			 v->map.keys[i]);
		print_map(below, item);
	}
}

static void print_json(const struct value *v)
{
	struct buf out = { 0 };

	value_to_json(v, 2, &out);
	puts(buf_str(&out));
	buf_reset(&out);
}

/* --- the verb ----------------------------------------------------------- */

static int open_all(const struct info *x, const struct kernel *k,
		    struct kimage **ki, struct ksym **sym, struct ktype **kt,
		    struct diag *d)
{
	bool chosen = x->nr_symbols || x->nr_types;
	int err = kimage_open(k->image, 0, ki, d);

	/* Only what is asked for: each is some milliseconds. */
	if (!err && (!chosen || x->nr_symbols))
		err = ksym_open(*ki, sym, d);
	if (!err && (!chosen || x->nr_types))
		err = ktype_open(*ki, kt, d);
	if (!chosen && err == -ENOENT && *ki) {
		diag_reset(d);	/* no symbols, or no BTF: told as such */
		return 0;
	}
	return err;
}

static void tell(struct info *x, const struct kernel *k,
		 const struct kimage *ki, const struct ksym *sym,
		 const struct ktype *kt)
{
	struct value *v = value_map();

	if (!x->nr_symbols && !x->nr_types) {
		add_kernel(v, k);
		add_image(v, ki);
	}
	if (sym)
		add_symbols(x, v, sym);
	if (kt)
		add_types(x, v, kt);
	if (x->json)
		print_json(v);
	else
		print_map("", v);
	value_free(v);
}

static void info_one(struct info *x, const char *spec)
{
	struct kernel *k = NULL;
	struct kimage *ki = NULL;
	struct ksym *sym = NULL;
	struct ktype *kt = NULL;
	struct diag d = { 0 };
	int err = kernel_find(spec, &k, &d);

	if (!err)
		err = open_all(x, k, &ki, &sym, &kt, &d);
	if (!err) {
		tell(x, k, ki, sym, kt);
	} else {
		log_error("kernel", "%s", diag_text(&d));
		x->status = EXIT_UNAVAILABLE;
	}
	diag_reset(&d);
	ktype_close(kt);
	ksym_close(sym);
	kimage_close(ki);
	kernel_put(k);
}

static int parse(struct info *x, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "symbol", required_argument, NULL, 's' },
		{ "type", required_argument, NULL, 't' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	optind = 0;
	while ((c = getopt_long(argc, argv, "js:t:", longs, NULL)) >= 0) {
		if (c == 'j')
			x->json = true;
		else if (c == 's' && x->nr_symbols < MAX_NAMES)
			x->symbols[x->nr_symbols++] = optarg;
		else if (c == 't' && x->nr_types < MAX_NAMES)
			x->types[x->nr_types++] = optarg;
		else
			return EXIT_USAGE;
	}
	return 0;
}

int kernel_info(int argc, char **argv)
{
	struct info x = { 0 };
	int i, status = parse(&x, argc, argv);

	if (status)
		return status;
	if (optind == argc)
		info_one(&x, NULL);
	for (i = optind; i < argc; i++)
		info_one(&x, argv[i]);
	return x.status;
}
