#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What `vmtap kernel info` tells of stock images, of an unstripped vmlinux, and
# how long it takes. The judges are nm(1) and the clock.
. "$(dirname "$0")/../lib/tap.sh"

image=$("$vmtap" kernel list 2>/dev/null | awk '$2 == "cache" { print $3; exit }')
[ -n "$image" ] || skip_all "no stock kernel: vmtap kernel fetch"
plan 16

# field EXPRESSION: of the JSON on stdin
field()
{
	python3 -c 'import json, sys
d = json.load(sys.stdin)
print(eval(sys.argv[1]))' "$1"
}

info=$("$vmtap" kernel info --json "$image")
is "the image is told" "$(field 'd["format"]' <<<"$info")" bzImage
is "types and symbols" "$(field \
	'd["types"] > 50000 and d["symbols"]["count"] > 50000 and d["btf"]' <<<"$info")" True
is "its config" "$(field 'd["config"]["RANDOMIZE_BASE"]' <<<"$info")" y
like "as text" "$("$vmtap" kernel info "$image")" $'\nconfig.RANDOMIZE_BASE: y\n'
is "one symbol" "$("$vmtap" kernel info --json --symbol _text "$image" |
	field 'd["symbol"]["_text"]')" 0xffffffff81000000
like "the layout of a struct" "$("$vmtap" kernel info --type 'struct list_head' "$image")" \
	'struct list_head \*next;.*size 16'
like "what an enum holds" "$("$vmtap" kernel info --type system_states "$image")" \
	$'\n        SYSTEM_RUNNING = 3,\n'
is "no such symbol" "$("$vmtap" kernel info --symbol no_such "$image" 2>&1; echo $?)" \
	$'vmtap: kernel: the kernel has no symbol no_such\n69'
is "no such type" "$("$vmtap" kernel info --type no_such "$image" 2>&1; echo $?)" \
	$'vmtap: kernel: the kernel has no type no_such\n69'
is "no such option" "$("$vmtap" kernel info --nope "$image" >/dev/null 2>&1; echo $?)" 64

# cpu_ms COMMAND...: CPU time that it takes, user and system
cpu_ms()
{
	local TIMEFORMAT='%U %S'

	{ time "$@" >/dev/null; } 2>&1 | awk '{ print int(($1 + $2) * 1000) }'
}

# least COMMAND...: the CPU time of the best of seven
least()
{
	for _ in 1 2 3 4 5 6 7; do cpu_ms "$@"; done | sort -n | head -n 1
}

# The bounds are for a machine that does nothing else; this one may. What any
# verb pays before it begins counts for nothing.
start=$(least "$vmtap" --version)
for what in "--symbol schedule" "--type task_struct" --json; do
	# shellcheck disable=SC2086 # two words
	warm=$(least "$vmtap" kernel info $what "$image")
	ok "a known image, $what: $warm ms of CPU, $start of them to start" \
		test "$((warm - start))" -lt 5
done
cold=$(XDG_CACHE_HOME=$tmp/cache cpu_ms "$vmtap" kernel info --symbol schedule "$image")
ok "a new image's: $cold ms of CPU" test "$cold" -lt 4000

# A vmlinux with a .symtab: symbols of our own, which no kallsyms knows.
elf=$tmp/stripped
python3 - "$tmp"/cache/vmtap/kimage/*/image "$elf" <<'END'
import sys
data = open(sys.argv[1], "rb").read()
open(sys.argv[2], "wb").write(data[data.index(b"\x7fELF\x02\x01\x01"):])
END
if command -v objcopy >/dev/null &&
	objcopy --add-symbol vmtap_there=.text:0x1230,global,function \
		--add-symbol vmtap_data=.data:0x40,global,object "$elf" "$tmp/vmlinux"; then
	want=$(nm "$tmp/vmlinux" | awk '$3 == "vmtap_there" { print "0x" $1 }')
	is "an unstripped vmlinux: its own symbol table" \
		"$("$vmtap" kernel info --json --symbol vmtap_there "$tmp/vmlinux" |
		field 'd["symbol"]["vmtap_there"]')" "$want"
	is "an unstripped vmlinux: all of it" \
		"$("$vmtap" kernel symbols "$tmp/vmlinux" | sort)" \
		"$(nm "$tmp/vmlinux" | sort)"
else
	skip "an unstripped vmlinux: its own symbol table" "no objcopy"
	skip "an unstripped vmlinux: all of it" "no objcopy"
fi
