// SPDX-License-Identifier: GPL-2.0-only
/* `vmtap schema`: what the key table says, for editors and for the manual. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "runner/schema.h"
#include "vmm/base/buf.h"

static const char help[] =
"usage: vmtap schema [--man]\n"
"\n"
"Print the JSON Schema (draft-07) of scenario files.\n"
"\n"
"      --man    print the manual page vmtap-scenario(5) instead\n"
"  -h, --help   this text\n"
"\n"
"Examples:\n"
"  vmtap schema > ~/.config/vmtap.schema.json\n"
"    then, as the first line of a scenario:\n"
"    # yaml-language-server: $schema=/home/me/.config/vmtap.schema.json\n"
"  vmtap schema --man | man -l -\n";

static int print(const struct buf *b)
{
	if (fwrite(buf_str(b), 1, b->len, stdout) != b->len || fflush(stdout)) {
		fputs("vmtap: schema: cannot write to stdout\n", stderr);
		return EX_SOFTWARE;
	}
	return EX_OK;
}

int cmd_schema(int argc, char **argv)
{
	static const struct option opts[] = {
		{ "man", no_argument, NULL, 'm' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct buf b = { 0 };
	int man = 0, c, status;

	optind = 0;
	while ((c = getopt_long(argc, argv, "h", opts, NULL)) != -1) {
		if (c == 'h')
			return fputs(help, stdout) == EOF ? EX_SOFTWARE : EX_OK;
		if (c != 'm')
			return EX_USAGE;
		man = 1;
	}
	if (optind < argc) {
		fprintf(stderr, "vmtap: schema: '%s', expected no argument\n",
			argv[optind]);
		return EX_USAGE;
	}
	if (man ? schema_man(&b) : schema_json(&b)) {
		fputs("vmtap: schema: out of memory\n", stderr);
		return EX_SOFTWARE;
	}
	status = print(&b);
	buf_reset(&b);
	return status;
}
