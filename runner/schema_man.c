// SPDX-License-Identifier: GPL-2.0-only
/* The key table as vmtap-scenario(5). */
#include <errno.h>
#include <string.h>

#include "runner/keys.h"
#include "runner/schema.h"
#include "runner/schema_prose.h"
#include "runner/topo.h"
#include "vmm/base/buf.h"

/* Text for roff: no control lines, no escapes, hyphens that can be copied. */
static void add_text(struct buf *b, const char *s)
{
	if (*s == '.' || *s == '\'')
		buf_puts(b, "\\&");
	for (; *s; s++) {
		if (*s == '\\')
			buf_puts(b, "\\e");
		else if (*s == '"')
			buf_puts(b, "\\(dq");
		else if (*s == '-')
			buf_puts(b, "\\-");
		else
			buf_putc(b, *s);
	}
}

/* The same over several lines: a new one for each sentence, none at the end. */
static void add_prose(struct buf *b, const char *s)
{
	char line[80];
	size_t len, end;

	while (*s) {
		len = strlen(s);
		if (len > 64)
			for (len = 64; len && s[len] != ' '; len--)
				;
		for (end = 0; end < len && strncmp(s + end, ". ", 2); end++)
			;
		len = end < len ? end + 1 : len ? len : strlen(s);
		if (len >= sizeof(line))
			len = sizeof(line) - 1;
		memcpy(line, s, len);
		line[len] = 0;
		add_text(b, line);
		s += len;
		s += strspn(s, " ");
		if (*s)
			buf_putc(b, '\n');
	}
}

static const char *type_words(const struct key *key)
{
	static const char *const words[] = {
		[KEY_STR] = "text", [KEY_TEXT] = "text of any length",
		[KEY_PATH] = "path", [KEY_BOOL] = "true or false",
		[KEY_INT] = "integer", [KEY_OCTAL] = "permission bits",
		[KEY_FLOAT] = "number", [KEY_SIZE] = "size",
		[KEY_DURATION] = "duration", [KEY_STR_LIST] = "list of texts",
		[KEY_STR_MAP] = "map of texts", [KEY_SIZE_LIST] = "list of sizes",
		[KEY_CHECKS] = "list of expressions", [KEY_MAP] = "map",
		[KEY_LIST] = "list of maps",
	};

	if (key->custom)
		return key->custom->form;
	if (key->kind == KEY_MAP && key->sub->shorthand)
		return NULL;
	return words[key->kind];
}

static void add_type(struct buf *b, const struct key *key)
{
	const char *words = type_words(key);

	if (key->kind == KEY_ENUM) {
		for (size_t i = 0; key->words[i]; i++)
			buf_printf(b, "%s%s", !i ? "" : key->words[i + 1] ? ", " : " or ",
				   key->words[i]);
	} else if (words) {
		buf_puts(b, words);
	} else {
		buf_puts(b, key->sub->shorthand->form);
		buf_puts(b, " or a map");
	}
	if (key->kind == KEY_INT && key->max && key->max != INT64_MAX)
		buf_printf(b, ", %lld to %lld", (long long)key->min, (long long)key->max);
	if (key->form) {
		buf_puts(b, ": ");
		buf_puts(b, key->form);
	}
	if (key->required)
		buf_puts(b, "; required");
	if (key->dflt && *key->dflt) {
		buf_puts(b, "; default ");
		buf_puts(b, key->dflt);
	}
}

static int add_key(void *arg, const char *path, const struct key *key)
{
	struct buf *b = arg, type = { 0 };
	bool top = !strpbrk(path, ".[");

	buf_puts(b, top ? ".SS " : ".TP\n.B ");
	add_text(b, path);
	buf_putc(b, '\n');
	add_type(&type, key);
	buf_puts(b, "(\\fI");
	add_prose(b, buf_str(&type));
	buf_reset(&type);
	buf_puts(b, "\\fR)\n.br\n");
	add_prose(b, key->doc);
	buf_putc(b, '\n');
	if (key->example) {
		buf_puts(b, ".br\nExample: \\fB");
		add_text(b, strrchr(path, '.') ? strrchr(path, '.') + 1 : path);
		buf_puts(b, ": ");
		add_text(b, key->example);
		buf_puts(b, "\\fR\n");
	}
	return 0;
}

static const char head[] =
".TH VMTAP-SCENARIO 5 2026-11-24\n"
".SH NAME\n"
"vmtap-scenario \\- scenario files of vmtap\n"
".SH DESCRIPTION\n"
"A scenario says what is booted, what runs in the guest and what must hold\n"
"afterwards. It is one YAML document: a map of the keys below. Unknown and\n"
"duplicate keys are errors. Anchors, aliases and\n"
".B <<\n"
"work; keys that begin with\n"
".B x\\-\n"
"at the top level are a place for them. A file may begin with\n"
".B #!/usr/bin/env \\-S vmtap run\n"
"and be executable.\n"
".PP\n"
"Sizes take K, M and G, which are powers of two. Durations take ms, s and m.\n"
"Integers may be hexadecimal. Paths are relative to the file they stand in;\n"
".B ${NAME}\n"
"and\n"
".B ${NAME:\\-default}\n"
"in a path are taken from the environment.\n"
".PP\n"
"An instance:\n"
".PP\n"
".nf\n"
"\\&description: reads come back as written\n"
"\\&tags: [virtio, blk]\n"
"\\&disk: {size: 64M}\n"
"\\&guest:\n"
"\\&  run: |\n"
"\\&    dd if=/dev/vda of=/dev/null bs=4k count=256\n"
"\\&checks:\n"
"\\&  \\- virtio_blk.reads_completed >= 256\n"
"\\&  \\- virtio_blk.io_errors == 0\n"
"\\&matrix:\n"
"\\&  kernel.release: [\"6.1\", \"6.12\"]\n"
"\\&  vm.cpus: [1, 4]\n"
".fi\n"
".SH MATRIX\n"
"Each key of\n"
".B matrix\n"
"is a dotted key of the scenario\n"
".RB ( vm.cpus ,\n"
".B guest.env.NAME\n"
"for one variable) with a list of values;\n"
".B vm.cpus: presets\n"
"stands for the list of all presets. There is one case per combination,\n"
"named\n"
".BR blk/readback[kernel=6.12,cpus=4] .\n"
".TP\n"
".B exclude\n"
"A list of maps. A combination that fits all keys of one of them is left out;\n"
"a list as value fits any of its items.\n"
".TP\n"
".B include\n"
"A list of maps of dotted keys with one value each: combinations to add.\n"
".TP\n"
".B constraints\n"
"min_cpus, max_cpus, min_nodes, max_nodes, min_llcs, max_llcs and requires_smt\n"
"bound the topology of a case.\n"
".SH KEYS\n";

static const char tail[] =
".SH SEE ALSO\n"
".BR vmtap (1),\n"
".BR vmtap\\-result (5)\n";

static void add_section(struct buf *b, const struct man_section *s)
{
	const struct man_part *p;
	const char *const *line;

	buf_printf(b, ".SH %s\n", s->title);
	for (p = s->parts; p->text; p++) {
		if (p->term) {
			buf_puts(b, ".TP\n.B ");
			add_text(b, p->term);
			buf_putc(b, '\n');
		} else if (p != s->parts) {
			buf_puts(b, ".PP\n");
		}
		add_prose(b, p->text);
		buf_putc(b, '\n');
	}
	if (!s->example)
		return;
	buf_puts(b, ".PP\n.nf\n");
	for (line = s->example; *line; line++) {
		buf_puts(b, "\\&");
		add_text(b, *line);
		buf_putc(b, '\n');
	}
	buf_puts(b, ".fi\n");
}

static void add_presets(struct buf *out)
{
	const struct topo_preset *p;

	buf_puts(out, ".SH PRESETS\nTopologies for\n.BR vm.cpus :\n");
	for (p = topo_presets; p->name; p++) {
		const struct scen_topology *t = &p->t;

		buf_printf(out, ".TP\n.B %s\n%un%ul%uc%ut: %s.\n", p->name,
			   t->nodes, t->llcs, t->cores, t->threads, p->doc);
	}
}

int schema_man(struct buf *out)
{
	const struct man_section *s;

	buf_puts(out, head);
	keys_walk(add_key, out);
	for (s = schema_prose; s->title; s++)
		add_section(out, s);
	add_presets(out);
	buf_puts(out, tail);
	return out->failed ? -ENOMEM : 0;
}
