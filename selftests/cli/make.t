#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The Makefile on its own: what it prints and where, what it rebuilds, O=.
. "$(dirname "$0")/../lib/tap.sh"

unset MAKEFLAGS MAKELEVEL MAKEOVERRIDES O V WERROR CFLAGS
src=$tmp/src
out=$tmp/out
mkdir "$src"
tar -C "$top" -c --exclude=./build --exclude=./.git --exclude=./vmtap . |
	tar -C "$src" -x
cd "$src" || exit 1
plan 16

# build ARGUMENTS...: without optimisation; $tmp/1 and $tmp/2 are its streams
build()
{
	make CFLAGS="-O0 -g0" "$@" >"$tmp/1" 2>"$tmp/2" </dev/null
}

listing()
{
	find . -type f -printf '%p %s %T@\n' | sort
}

compiled()
{
	grep -c '^  CC ' "$tmp/2"
}

listing >"$tmp/before"
ok "builds in parallel" build -j4 O="$out"
listing >"$tmp/after"
ok "O= writes nothing into the source" diff "$tmp/before" "$tmp/after"
ok "O= holds the program" test -x "$out/vmtap"
is "stdout is empty" "$(cat "$tmp/1")" ""
like "stderr tells each step" "$(cat "$tmp/2")" "  CC      $out/plain/vmm/mem.o"

build O="$out"
is "nothing to do the second time" "$(cat "$tmp/2")" ""

touch vmm/mem.h
build O="$out"
[ "$(compiled)" -gt 0 ] && ! grep -q 'base/buf.o' "$tmp/2"
result $? "a header rebuilds what includes it, and only that" || cat "$tmp/2"

touch tools/guest/*.c
build O="$out"
like "the agent is part of the program" "$(cat "$tmp/2")" 'guest-init.*LD'

touch vmm/base/log.c
build -s O="$out"
is "-s is silent" "$(cat "$tmp/1" "$tmp/2")" ""

touch vmm/base/log.c
build V=1 O="$out"
like "V=1 shows commands" "$(cat "$tmp/1")" '-c -o [^ ]*log.o vmm/base/log.c'

build O="$out" CPPFLAGS=-DTRIED -n
like "other flags rebuild" "$(cat "$tmp/1")" 'vmm/base/buf.c'

PKG_CONFIG=false build O="$tmp/none"
is "libraries are missing: make fails" "$?" 2
like "libraries are missing: and says which" "$(cat "$tmp/2")" \
	'needs libraries: yaml-0.1 .*make deps'

ok "a slash after O= is no matter" build O="$out/"
build O="$out" clean
is "clean leaves nothing of O=" "$(ls "$out" 2>/dev/null)" ""
is "help tells the targets" "$(make help | grep -cE '^  (deps|all|run_tests|check|install) ')" 5
