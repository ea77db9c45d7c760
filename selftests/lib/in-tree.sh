# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034
# A copy of the distribution's kernel source with vmtap in it, $tree, and what
# runs there: for the tests that use it as a kernel developer does. They set
# nr_tests, how many tests a run has: $nr_all, or $nr_few where UNITS="${few[*]}".

build=${VMTAP_BUILD:-$top/build}
source=$build/linux-source
[ -e "$source/.ready" ] || skip_all "no kernel source: make deps"

work=$build/in-tree/$(basename "$0" .t)
tree=$work/linux
ours=$tree/tools/testing/selftests/vmtap
count="perl $top/selftests/lib/tap-counts"

themes=$(cd "$top" && printf '%s\n' scenarios/*/*.yaml | cut -d/ -f2 | sort -u)
nr_themes=$(echo "$themes" | wc -w)
nr_all=$(($(find "$top/selftests/unit" -name 'test_*.c' | wc -l) + nr_themes))
few=(selftests/unit/test_{acpi,tap}.c)
nr_few=$((${#few[@]} + nr_themes))
quick=$(grep -l '^name: boot/nothing$' "$top"/scenarios/boot/*.yaml)

# args THEME: the variable in which the runner looks for a test's arguments
args()
{
	echo "KSELFTEST_$(echo "$1" | tr -c '[:alnum:]\n' _ |
		tr '[:lower:]' '[:upper:]')_SH_ARGS"
}

# A second nested host costs more than a theme's few cases gain by it.
one_host()
{
	local theme
	for theme in $themes; do
		export "$(args "$theme")=--jobs 1"
	done
}

# Every theme lists its cases.
no_boot()
{
	local theme
	for theme in $themes; do
		export "$(args "$theme")=--list"
	done
}

# One boots the cheapest besides.
one_boot()
{
	no_boot
	export "$(args boot)=--filter boot/nothing*"
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
		grep -B 200 '^\(# \)*not ok' "$work/$2" |
		grep -v '# #   - "| ' | sed 's/^/# /'
}

# archive_and_clean NAME HOW LOG O= OUTPUT: the ends of each form
archive_and_clean()
{
	ok "$1: gen_tar" "$2" "$3" "$4" gen_tar
	is "$1: program and scenarios are in the archive" \
		"$(tar -tf "$5"/kselftest_install/kselftest-packages/*.gz |
		grep -cxE "./vmtap/(vmtap|scenarios/boot/${quick##*/})")" 2
	ok "$1: clean" "$2" "$3" "$4" clean
	[ ! -e "$5/vmtap/vmtap" ] && [ ! -e "$5/vmtap/build" ]
	result $? "$1: cleaned"
}

below() { run "$1.$3" -C tools/testing/selftests ${2:+O="$2"} "$3"; }
# kernel's own build tells where it is, and vmtap would take its image
unset KBUILD_OUTPUT O MAKEFLAGS MAKELEVEL MAKEOVERRIDES OUTPUT
rm -rf "$work"
mkdir -p "$work"
cp -a "$source" "$tree"
mkdir -p "$ours"
tar -C "$top" -c --exclude=./build --exclude=./.git --exclude=./vmtap . |
	tar -C "$ours" -x
at_end "rm -rf $work/linux $work/abs $work/top $work/inst $work/ccache"
