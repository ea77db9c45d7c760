#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The tests of the machine and of the bare guest, where KVM is a real one: on
# this host, or in a nested one. Here none of them may skip.
# shellcheck source=../lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"

build=${VMTAP_BUILD:-$top/build}
plan 4
for test in unit/test_machine guest/test_bare; do
	name=${test##*/}
	(cd "$top" && timeout 300 "$vmtap" nested -- \
		"$build/plain/selftests/$test") > "$tmp/$name" 2> "$tmp/err" < /dev/null
	is "$name: status" "$?" 0 || diag "$(tail -n 20 "$tmp/err")"
	like "$name: all ran, all passed" "$(grep '^# Totals' "$tmp/$name")" \
		"pass:[1-9][0-9]* fail:0 xfail:0 xpass:0 skip:0 error:0" ||
		diag "$(grep -v '^ok' "$tmp/$name")"
done
