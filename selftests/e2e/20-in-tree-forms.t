#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Each way of building and running kselftests that the kernel documents, with
# an absolute O= and a relative one (05-in-tree.t has none); with LLVM=1; where
# libraries lack. One scenario boots where the goal is kselftest's own, two unit
# tests are built, without optimisation: what this tries is where files go.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/in-tree.sh"

# The files of the tree, but what O=out builds there on request.
listing()
{
	(cd "$tree" && find . -path ./out -prune -o -type f \
		-printf '%p %s %T@\n' | sort)
}

# configured DIR: what the top level asks of a tree that has been configured
configured()
{
	mkdir -p "$1/include/config" "$1/include/generated"
	touch "$1/.config" "$1/include/generated/autoconf.h"
	touch "$1/include/config/auto.conf.cmd" "$1/include/config/auto.conf"
}

unchanged()
{
	listing >"$work/after"
	ok "$1" diff "$work/before" "$work/after"
}

topmost()
{
	local goal=kselftest-$3
	[ "$3" != run_tests ] || goal=kselftest
	run "$1.$3" ${2:+O="$2"} "$goal"
}

# form NAME HOW O= OUTPUT: build and run, install and run, archive, clean
form()
{
	local how=$2 out=$3 dir=$4 log
	log=${1// /-}
	ok "$1: run_tests" "$how" "$log" "$out" run_tests
	passes "$1: every test passes" "$log.run_tests"
	ok "$1: install" "$how" "$log" "$out" install
	is "$1: list of tests" "$(grep -c ^vmtap: \
		"$dir/kselftest_install/kselftest-list.txt")" "$nr_tests"
	env "$(args boot)=--list" "$dir/kselftest_install/run_kselftest.sh" \
		-c vmtap >"$work/$log.installed" 2>&1
	passes "$1: run_kselftest.sh" "$log.installed"
	archive_and_clean "$1" "$how" "$log" "$out" "$dir"
}

plan 40
export USERCFLAGS="-O0 -g0"
# The forms compile the same files; a compiler cache, where there is one, has
# them after the first. At the top a folder is given twice: its headers, which
# the files are then compiled with, are installed once.
export PATH=/usr/lib/ccache:$PATH CCACHE_DIR=$work/ccache
export CCACHE_BASEDIR=$work CCACHE_NOHASHDIR=1 CCACHE_DEPEND=1
export UNITS="${few[*]}"
nr_tests=$nr_few
one_boot
listing >"$work/before"
form "below, absolute O=" below "$work/abs" "$work/abs/kselftest"
form "below, relative O=" below out "$tree/out/kselftest"
no_boot
configured "$work/top"
form "top, absolute O=" topmost "$work/top" "$work/top/kselftest"
rm -r "$work/top/kselftest"
form "top, relative O=" topmost ../top "$work/top/kselftest"
unchanged "with O= nothing is written into the source"

export CCACHE_DISABLE=1		# clang compiles each file once
ok "LLVM=1 builds" run llvm -C tools/testing/selftests O="$work/abs" LLVM=1 all

# --- what is missing -------------------------------------------------------

export PKG_CONFIG=false
is "libraries are missing: make goes on" \
	"$(below stub "$work/abs" run_tests >&2; echo $?)" 0
is "libraries are missing: every test is skipped" \
	"$($count --outer "$work/stub.run_tests")" \
	"run=$nr_tests pass=0 fail=0 skip=$nr_tests bail=0 bad=0"
