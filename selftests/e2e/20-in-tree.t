#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# vmtap as a kselftest of a real kernel source tree: each way of building and
# running that the kernel documents, with no O=, an absolute and a relative
# one. The first run has every unit test and boots every scenario; the others
# two and one, and build without optimisation: what they try is where files go.
. "$(dirname "$0")/../lib/tap.sh"

build=${VMTAP_BUILD:-$top/build}
source=$build/linux-source
[ -e "$source/.ready" ] || skip_all "no kernel source: make deps"

work=$build/in-tree
tree=$work/linux
ours=$tree/tools/testing/selftests/vmtap
count="perl $top/selftests/lib/tap-counts"

themes=$(cd "$top" && printf '%s\n' scenarios/*/*.yaml | cut -d/ -f2 | sort -u)
nr_themes=$(echo "$themes" | wc -w)
nr_all=$(($(find "$top/selftests/unit" -name 'test_*.c' | wc -l) + nr_themes))
few=(selftests/unit/test_{acpi,tap}.c)
nr_few=$((${#few[@]} + nr_themes))
nr_tests=$nr_all
quick=$(grep -l '^name: boot/nothing$' "$top"/scenarios/boot/*.yaml)

# The files of the tree, but what O=out builds there on request.
listing()
{
	(cd "$tree" && find . -path ./out -prune -o -type f \
		-printf '%p %s %T@\n' | sort)
}

# args THEME: the variable in which the runner looks for a test's arguments
args()
{
	echo "KSELFTEST_$(echo "$1" | tr -c '[:alnum:]\n' _ |
		tr '[:lower:]' '[:upper:]')_SH_ARGS"
}

# Every theme lists its cases, but one boots the cheapest.
one_boot()
{
	local theme
	for theme in $themes; do
		export "$(args "$theme")=--list"
	done
	export "$(args boot)=--filter boot/nothing*"
}

# configured DIR: what the top level asks of a tree that has been configured
configured()
{
	mkdir -p "$1/include/config" "$1/include/generated"
	touch "$1/.config" "$1/include/generated/autoconf.h"
	touch "$1/include/config/auto.conf.cmd" "$1/include/config/auto.conf"
}

# run LOG MAKE-ARGUMENTS...: make's own status is told
run()
{
	local log=$work/$1
	shift
	(cd "$tree" && make TARGETS=vmtap -j2 "$@" >"$log" 2>"$log.err" \
		</dev/null) || { tail -n 20 "$log.err"; return 1; }
}

# passes NAME LOG: all tests of a run passed
passes()
{
	is "$1" "$($count --outer "$work/$2" 2>&1)" \
		"run=$nr_tests pass=$nr_tests fail=0 skip=0 bail=0 bad=0" ||
		grep -A 40 '^\(# \)*not ok' "$work/$2" | sed 's/^/# /'
}

unchanged()
{
	listing >"$work/after"
	ok "$1" diff "$work/before" "$work/after"
}

below() { run "$1.$3" -C tools/testing/selftests ${2:+O="$2"} "$3"; }
topmost()
{
	local goal=kselftest-$3
	[ "$3" != run_tests ] || goal=kselftest
	run "$1.$3" ${2:+O="$2"} "$goal"
}

# form NAME HOW O= OUTPUT: build and run, install, archive, clean
form()
{
	local how=$2 out=$3 dir=$4 log
	log=${1// /-}
	ok "$1: run_tests" "$how" "$log" "$out" run_tests
	passes "$1: every test passes" "$log.run_tests"
	ok "$1: install" "$how" "$log" "$out" install
	is "$1: list of tests" "$(grep -c ^vmtap: \
		"$dir/kselftest_install/kselftest-list.txt")" "$nr_tests"
	ok "$1: gen_tar" "$how" "$log" "$out" gen_tar
	is "$1: program and scenarios are in the archive" \
		"$(tar -tf "$dir"/kselftest_install/kselftest-packages/*.gz |
		grep -cxE "./vmtap/(vmtap|scenarios/boot/${quick##*/})")" 2
	ok "$1: clean" "$how" "$log" "$out" clean
	[ ! -e "$dir/vmtap/vmtap" ] && [ ! -e "$dir/vmtap/build" ]
	result $? "$1: cleaned"
}

# kernel's own build tells where it is, and vmtap would take its image
unset KBUILD_OUTPUT O MAKEFLAGS MAKELEVEL MAKEOVERRIDES OUTPUT
rm -rf "$work"
mkdir -p "$work"
cp -a "$source" "$tree"
mkdir -p "$ours"
tar -C "$top" -c --exclude=./build --exclude=./.git --exclude=./vmtap . |
	tar -C "$ours" -x
at_end "rm -rf $work/linux $work/abs $work/out $work/inst"

plan 51

# --- every scenario, in the tree -------------------------------------------

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
installed=$work/inst
export KSFT_INSTALL_PATH=$installed
ok "install" below full '' install
unset KSFT_INSTALL_PATH
"$installed/run_kselftest.sh" -c vmtap >"$work/inst.all" 2>&1
passes "run_kselftest.sh -c vmtap" inst.all
"$installed/run_kselftest.sh" -t vmtap:boot.sh >"$work/inst.one" 2>&1
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

# --- the forms --------------------------------------------------------------

below none '' clean
export USERCFLAGS=-O0
export UNITS="${few[*]}"
nr_tests=$nr_few
selftests=$tree/tools/testing/selftests
form "below, no O=" below '' "$selftests"
below none '' clean
listing >"$work/before"
form "below, absolute O=" below "$work/abs" "$work/abs/kselftest"
form "below, relative O=" below out "$tree/out/kselftest"
configured "$work/abs"
form "top, absolute O=" topmost "$work/abs" "$work/abs/kselftest"
configured "$work/out"
form "top, relative O=" topmost ../out "$work/out/kselftest"
unchanged "with O= nothing is written into the source"

ok "LLVM=1 builds" run llvm -C tools/testing/selftests O="$work/abs" LLVM=1 all

# --- what is missing -------------------------------------------------------

export PKG_CONFIG=false
is "libraries are missing: make goes on" \
	"$(below stub "$work/abs" run_tests >&2; echo $?)" 0
is "libraries are missing: every test is skipped" \
	"$($count --outer "$work/stub.run_tests")" \
	"run=$nr_tests pass=0 fail=0 skip=$nr_tests bail=0 bad=0"
