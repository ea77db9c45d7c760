#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# vmtap as a kselftest of a real kernel source tree: every scenario there, then
# what the kernel's own runner makes of an installed copy; the archive; what is
# left when it has been cleaned. Of the unit tests a few are built, since all run
# outside of the tree, plain and sanitized; UNITS=all has them here, too.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/in-tree.sh"

plan 12
nr_tests=$nr_all
if [ "${UNITS:-}" = all ]; then
	unset UNITS
else
	export UNITS="${few[*]}"
	nr_tests=$nr_few
fi

one_host
ok "builds in the tree" below full '' run_tests
passes "every test passes" full.run_tests
bad=
for theme in $themes; do
	counts=$($count --inner "$theme.sh" "$work/full.run_tests" 2>&1) ||
		bad="$bad $theme"
	diag "$theme: $counts"
done
is "what each theme prints is TAP" "$bad" ""

one_boot
export UNITS="${few[*]}"
nr_tests=$nr_few
installed=$work/inst
export KSFT_INSTALL_PATH=$installed
ok "install" below full '' install
is "list of tests" "$(grep -c ^vmtap: "$installed/kselftest-list.txt")" "$nr_tests"
unset KSFT_INSTALL_PATH
"$installed/run_kselftest.sh" -c vmtap >"$work/inst.all" 2>&1
passes "run_kselftest.sh -c vmtap" inst.all
env "$(args boot)=--list" "$installed/run_kselftest.sh" -t vmtap:boot.sh \
	>"$work/inst.one" 2>&1
is "run_kselftest.sh -t vmtap:boot.sh" "$($count --outer "$work/inst.one")" \
	"run=1 pass=1 fail=0 skip=0 bail=0 bad=0"

# A scenario that is a test of another collection.
mkdir -p "$installed/other"
cp "$quick" "$installed/other/one.yaml"
cp "$installed/vmtap/ksft_runner.sh" "$installed/other/"
chmod -x "$installed/other/one.yaml"
echo "timeout=600" >"$installed/other/settings"
echo "other:one.yaml" >>"$installed/kselftest-list.txt"
"$installed/run_kselftest.sh" -t other:one.yaml >"$work/inst.other" 2>&1
is "a single file through ksft_runner.sh" \
	"$($count --outer "$work/inst.other")" \
	"run=1 pass=1 fail=0 skip=0 bail=0 bad=0"

archive_and_clean "no O=" below full '' "$tree/tools/testing/selftests"
