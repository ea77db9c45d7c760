#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The tests of the machine and of the bare guest, where KVM is a real one: on
# this host, or in a nested one. Here none of them may skip.
# shellcheck source=../lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"

build=${VMTAP_BUILD:-$top/build}
plan 7
for test in unit/test_machine guest/test_bare; do
	name=${test##*/}
	(cd "$top" && timeout 300 "$vmtap" nested -- \
		"$build/plain/selftests/$test") > "$tmp/$name" 2> "$tmp/err" < /dev/null
	is "$name: status" "$?" 0 || diag "$(tail -n 20 "$tmp/err")"
	like "$name: all ran, all passed" "$(grep '^# Totals' "$tmp/$name")" \
		"pass:[1-9][0-9]* fail:0 xfail:0 xpass:0 skip:0 error:0" ||
		diag "$(grep -v '^ok' "$tmp/$name")"
done

# A scenario that asks for a KVM of the host's own is run there, and is not
# skipped as it is in a run that takes a nested host itself. Its core is kept
# though it passes.
echo '{requires: {accel: kvm}, vm: {memory: 256M}, guest: {run: "true"}}' > "$tmp/own.yaml"
within 300 "$vmtap" nested -- "$vmtap" run --accel kvm --kernel 6.1 --out "$tmp/own" \
	--keep-vmcore always "$tmp/own.yaml" > "$tmp/own.tap" 2> "$tmp/err" < /dev/null
is "requires.accel: kvm where there is one: status" "$?" 0 || diag "$(tail -n 20 "$tmp/err")"
like "and the case ran" "$(grep '^ok' "$tmp/own.tap")" '^ok 1 - own\[kernel=6.1\]$' ||
	diag "$(head -n 40 "$tmp/own.tap")"
like "and its core was kept" "$(within 60 "$vmtap" vmcore "$tmp"/own/own*/vmcore 2>&1)" \
	'release: 6\.1\.' || diag "$(ls -R "$tmp/own")"
