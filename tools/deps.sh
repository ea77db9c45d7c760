#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# deps: what `make deps` does: install the distribution's packages that
# building and testing need (as root; nobody else is asked for), then unpack
# below the cache what the release itself is too old for, then the kernels
# that the scenarios run. Says what it adds; adds nothing twice.
#
# The unpacked parts tell the Makefile about themselves in deps/env.mk.

set -eu
LC_ALL=C
export LC_ALL

here=$(dirname "$0")
cache=${XDG_CACHE_HOME:-$HOME/.cache}/vmtap
deps=$cache/deps

# package, a command that makes it unnecessary (or -), what it is for
packages()
{
	cat <<EOF
gcc			-	the compiler
make			-	the build
pkg-config		-	where the libraries are
libyaml-dev		-	scenario files
libelf-dev		-	kernel images
libbpf-dev		-	BTF, the kernel's types
libxxhash-dev		-	content hashes of the cache
zlib1g-dev		-	kernels packed with gzip
liblzma-dev		-	kernels and modules packed with xz
libzstd-dev		-	kernels and modules packed with zstd
liblz4-dev		-	kernels packed with lz4
liblzo2-dev		-	kernels packed with lzo
libkmod-dev		-	what a module depends on
libjansson-dev		-	reading results
busybox-static		-	the shell and the tools inside guests
kmod			-	modules.dep for unpacked kernels
debian-archive-keyring	-	signatures of what is unpacked
xz-utils		-	the kernel's source
clang			-	sanitized tests, fuzzers, BPF programs
$clang_rt		-	sanitized tests, fuzzers
ccache			-	tests: many builds of the same files
acpica-tools		-	tests: iasl reads our ACPI tables
shellcheck		shellcheck	tests: our scripts
mandoc			-	tests: our manual
libxml2-utils		-	tests: xmllint reads our JUnit files
perl			-	tests: prove
gdb			gdb	tests: gdb at our server
binutils		readelf	tests: readelf reads our cores
nodejs			node	tests: tap-parser
npm			npm	tests: tap-parser
parallel		-	tests: shards of a run
tappy			-	tests: a TAP consumer
python3-tap		-	tests: its library
python3-yaml		-	tests: YAML blocks through it
python3-more-itertools	-	tests: likewise
python3-jsonschema	-	tests: the schema of scenario files
python3			-	tests: kunit.py
rsync			-	kselftest's install
libcap-dev		-	tests: kselftests of clone3
numactl			numactl	tests: the guest's nodes as it tells them
util-linux		lscpu	tests: the guest's CPUs as it tells them
cpio			-	tests: reading our initramfs
bc			-	headers of a kernel tree
bison			-	likewise
flex			-	likewise
libssl-dev		-	likewise
EOF
}

say()
{
	echo "vmtap: $*" >&2
}

die()
{
	say "deps: $*"
	exit 1
}

# shellcheck disable=SC1091
codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
case $codename in
bookworm) clang_rt=libclang-rt-14-dev ;;
*) clang_rt=libclang-rt-dev ;;
esac

missing_packages()
{
	# shellcheck disable=SC2016
	packages | awk '{ print $1 }' | xargs dpkg-query -W \
		-f '${db:Status-Status} ${Package} ${Provides}\n' 2> /dev/null |
		sed -n 's/^installed //p' > "$list"
	packages | while read -r pkg cmd _; do
		grep -q "^$pkg " "$list" && continue
		[ "$cmd" != - ] && command -v "$cmd" > /dev/null && continue
		echo "$pkg"
	done
}

deps_packages()
{
	command -v apt-get > /dev/null ||
		die "this is no Debian system; README.rst lists what is needed"
	list=$(mktemp)
	missing=$(missing_packages | tr '\n' ' ')
	rm -f "$list"
	[ -n "$missing" ] || return 0
	[ "$(id -u)" = 0 ] || die "as root: apt-get install $missing"
	say "installing $missing"
	apt-get -qq update >&2 || say "deps: apt-get update failed, going on"
	# shellcheck disable=SC2086
	DEBIAN_FRONTEND=noninteractive apt-get -qq -y \
		--no-install-recommends install $missing > /dev/null ||
		die "apt-get could not install $missing"
}

# BTF of 6.12 and later wants libbpf 1.4. The static library goes into the
# program, so that nothing looks for the unpacked one at run time.
deps_libbpf()
{
	mk=$deps/env.mk
	if pkg-config --atleast-version=1.4 libbpf; then
		rm -f "$mk"
		return
	fi
	fetch unpack -s here-backports "$deps/libbpf" libbpf-dev
	pc=$(find "$deps/libbpf" -name libbpf.pc)
	lib=$(find "$deps/libbpf" -name libbpf.a)
	mine=$deps/pkgconfig/libbpf.pc
	if [ -z "$pc" ] || [ -z "$lib" ]; then
		die "libbpf-dev is not as expected"
	fi
	mkdir -p "$deps/pkgconfig"
	sed -e "s|^prefix=.*|prefix=$deps/libbpf/usr|" \
		-e "s|^Libs:.*|Libs: $lib|" \
		-e "s|^Requires.private:|Requires:|" "$pc" > "$mine.tmp"
	replace "$mine"
	echo "PKG_CONFIG ?= PKG_CONFIG_PATH=$deps/pkgconfig:\$\$PKG_CONFIG_PATH pkg-config" \
		> "$mk.tmp"
	replace "$mk"
}

# A drgn that takes symbols from kallsyms (0.0.30, and 0.3 for kernels since
# 7.0) reads our cores in a test.
deps_drgn()
{
	if python3 -c 'from drgn.helpers.linux.kallsyms import load_vmlinux_kallsyms' \
		2> /dev/null; then
		return
	fi
	fetch unpack -a -s sid "$deps/drgn" python3-drgn ||
		fetch unpack -a -s trixie "$deps/drgn" python3-drgn ||
		say "deps: no drgn, the test of vmcores does without"
}

# replace FILE: by FILE.tmp, where it differs: a new time would rebuild.
replace()
{
	if cmp -s "$1.tmp" "$1"; then
		rm -f "$1.tmp"
	else
		mv "$1.tmp" "$1"
	fi
}

fetch()
{
	sh "$here/fetch-deb.sh" "$@" >&2
}

deps_packages
deps_libbpf
deps_drgn
fetch nested
fetch kernel
