#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The package fetcher, as far as it goes without a network: which archive the
# system's own sources name, what it refuses, what it leaves behind.
. "$(dirname "$0")/../lib/tap.sh"

fetch=$top/tools/fetch-deb.sh
export XDG_CACHE_HOME=$tmp/cache VMTAP_SYSROOT=$tmp/sys
unset VMTAP_MIRROR
plan 16

# system CODENAME: an empty system
system()
{
	rm -rf "$tmp/sys"
	mkdir -p "$tmp/sys/etc/apt/sources.list.d"
	printf 'NAME=x\nVERSION_CODENAME=%s\n' "$1" > "$tmp/sys/etc/os-release"
	etc=$tmp/sys/etc/apt
}

mirror()
{
	dash "$fetch" mirror 2>&1
}

system bookworm
cat > "$etc/sources.list.d/debian.sources" <<'EOF'
# the archive
Types: deb deb-src
URIs: http://localhost/mirror/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://localhost/sec/debian-security
Suites: bookworm-security
Components: main
EOF
cat > "$etc/sources.list.d/a-third-party.list" <<'EOF'
deb https://localhost/third/apt cloud-bookworm main
EOF
is "a deb822 file" "$(mirror)" http://localhost/mirror/debian
is "all its sources" "$(dash "$fetch" sources | wc -l)" 4

system bookworm
cat > "$etc/sources.list" <<'EOF'
# deb http://localhost/old/debian bookworm main
deb-src http://localhost/src/debian bookworm main
deb [arch=amd64 signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://localhost/list/debian/ bookworm main non-free # near
deb http://localhost/second/debian bookworm main
EOF
is "a one-line file with options" "$(mirror)" http://localhost/list/debian/

system bookworm
cat > "$etc/sources.list.d/x.sources" <<'EOF'
Types: deb
URIs: http://localhost/disabled/debian
Suites: bookworm
Components: main
Enabled: no

Types: deb-src
URIs: http://localhost/src/debian
Suites: bookworm
Components: main

types: deb
uris:
 http://localhost/folded/debian
 http://localhost/other/debian
suites: bookworm-updates
 bookworm
components: main
EOF
is "disabled, source and folded entries" "$(mirror)" \
	http://localhost/folded/debian

system trixie
echo "deb http://localhost/stable/debian stable main" > "$etc/sources.list"
is "a suite by its role" "$(mirror)" http://localhost/stable/debian

system bookworm
echo "deb http://localhost/contrib/debian bookworm contrib" > "$etc/sources.list"
like "a source without main is none" "$(mirror)" "name no Debian archive"

system bookworm
cat > "$etc/sources.list.d/third.sources" <<'EOF'
Types: deb
URIs: https://localhost/third/node
Suites: nodistro
Components: main
EOF
like "a third party is not the archive" "$(mirror)" "VMTAP_MIRROR=URI"
is "VMTAP_MIRROR names one" "$(VMTAP_MIRROR=http://localhost/m/d mirror)" \
	http://localhost/m/d

# An archive that nobody signed, complete in everything else.
archive=$tmp/archive
for suite in bookworm bookworm-backports trixie-backports; do
	mkdir -p "$archive/dists/$suite/main/binary-amd64"
	: > "$archive/dists/$suite/main/binary-amd64/Packages"
	cat > "$archive/dists/$suite/Release" <<-EOF
	Origin: Debian
	Suite: $suite
	Codename: $suite
	Date: $(LC_ALL=C date -Ru)
	Architectures: amd64
	Components: main
	SHA256:
	 $(sha256sum < /dev/null | cut -d' ' -f1) 0 main/binary-amd64/Packages
	EOF
done
if [ -r /usr/share/keyrings/debian-archive-keyring.gpg ] &&
		command -v apt-get > /dev/null; then
	VMTAP_MIRROR=file:$archive dash "$fetch" kernel 6.1 > "$tmp/o" 2>&1
	is "an unsigned archive is refused" "$?" 1
	like "and it says so" "$(cat "$tmp/o")" "not signed"
	is "nothing of it stays" \
		"$(find "$tmp/cache" -path '*kernels*'; \
		   find "$tmp/cache" -name '*Packages*')" ""
else
	skip "an unsigned archive is refused" "no apt here"
	skip "and it says so" "no apt here"
	skip "nothing of it stays" "no apt here"
fi

# What is there already is not asked for again: no archive is reachable here.
mkdir -p "$tmp/cache/vmtap/kernels/6.1.0-9-cloud-amd64"
touch "$tmp/cache/vmtap/kernels/6.1.0-9-cloud-amd64/.complete"
export VMTAP_MIRROR=file:/nonexistent
ok "a kernel that is there is not fetched" dash "$fetch" kernel 6.1
dash "$fetch" kernel 6.12 > "$tmp/o" 2>&1
is "6.1 does not stand for 6.12" "$?" 1
dash "$fetch" frobnicate > "$tmp/o" 2>&1
is "an unknown verb is a usage error" "$?" 64
(unset HOME XDG_CACHE_HOME; dash "$fetch" kernel) > "$tmp/o" 2>&1
like "without a home there is a reason" "$(cat "$tmp/o")" "no place for the cache"
ok "scripts are portable" shellcheck "$fetch" "$top/tools/deps.sh"
