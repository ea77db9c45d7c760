#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# linux-source.sh DIR: unpack below DIR what the tests need of a kernel's
# source: kselftest, kunit.py, checkpatch and enough for `make headers`. It
# comes from the distribution's linux-source package, kept in the cache.
set -eu

dir=$1
cache=${XDG_CACHE_HOME:-$HOME/.cache}/vmtap/linux-source
parts="tools include scripts usr arch/x86 Makefile Kbuild Kconfig"

die()
{
	echo "vmtap: linux-source: $*" >&2
	exit 1
}

candidate()
{
	LC_ALL=C apt-cache policy "$1" 2>/dev/null |
		sed -n 's/^  Candidate: \(.*[0-9].*\)/\1/p'
}

# 6.12 is what the tests were written against; where a release has another
# kernel, its own.
pick()
{
	for pkg in linux-source-6.12 $(LC_ALL=C apt-cache depends linux-source \
			2>/dev/null | sed -n 's/^ *Depends: //p'); do
		version=$(candidate "$pkg")
		[ -z "$version" ] || return 0
	done
	return 1
}

# Prints the package's path; an older one of the cache serves when there is
# no network.
package()
{
	mkdir -p "$cache"
	old=$(find "$cache" -name 'linux-source-*.deb' | sort | tail -n 1)
	if ! pick; then
		[ -n "$old" ] || die "no linux-source package is known;" \
			"apt-get update?"
		echo "$old"
		return
	fi
	deb=$cache/${pkg}_$(echo "$version" | sed 's/:/%3a/')_all.deb
	if [ ! -e "$deb" ]; then
		echo "vmtap: fetching $pkg $version" >&2
		tmp=$(mktemp -d "$cache/tmp.XXXXXX")
		trap 'rm -rf "$tmp"' EXIT
		if (cd "$tmp" && apt-get -qq -o APT::Sandbox::User=root \
				download "$pkg=$version" >&2); then
			rm -f "$cache"/linux-source-*.deb
			mv "$tmp"/*.deb "$deb"
		elif [ -n "$old" ]; then
			deb=$old
		else
			die "cannot download $pkg $version"
		fi
	fi
	echo "$deb"
}

deb=$(package)
rm -rf "$dir" "$dir.new"
mkdir -p "$dir.new"
top=$(basename "$deb" | sed 's/_.*//')
wanted=
for part in $parts; do
	wanted="$wanted $top/$part"
done
# xz -T0 uses all CPUs, which tar's own -J does not.
# shellcheck disable=SC2086
dpkg-deb --fsys-tarfile "$deb" |
	tar -xO --wildcards './usr/src/*.tar.xz' |
	xz -T0 -dc |
	tar -x -C "$dir.new" --strip-components=1 $wanted
# usr/ is the archive's last folder: where it is whole, nothing was cut off.
for part in tools/testing/selftests/lib.mk usr/include/Makefile; do
	[ -e "$dir.new/$part" ] || die "$deb: $part is not in it"
done
touch "$dir.new/.ready"
mv "$dir.new" "$dir"
