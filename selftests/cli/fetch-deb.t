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
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://sec.example/debian-security
Suites: bookworm-security
Components: main
EOF
cat > "$etc/sources.list.d/a-third-party.list" <<'EOF'
deb https://third.example/apt cloud-bookworm main
EOF
is "a deb822 file" "$(mirror)" http://mirror.example/debian
is "all its sources" "$(dash "$fetch" sources | wc -l)" 4

system bookworm
cat > "$etc/sources.list" <<'EOF'
# deb http://old.example/debian bookworm main
deb-src http://src.example/debian bookworm main
deb [arch=amd64 signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://list.example/debian/ bookworm main non-free # near
deb http://second.example/debian bookworm main
EOF
is "a one-line file with options" "$(mirror)" http://list.example/debian/

system bookworm
cat > "$etc/sources.list.d/x.sources" <<'EOF'
Types: deb
URIs: http://disabled.example/debian
Suites: bookworm
Components: main
Enabled: no

Types: deb-src
URIs: http://src.example/debian
Suites: bookworm
Components: main

types: deb
uris:
 http://folded.example/debian
 http://other.example/debian
suites: bookworm-updates
 bookworm
components: main
EOF
is "disabled, source and folded entries" "$(mirror)" \
	http://folded.example/debian

system trixie
echo "deb http://stable.example/debian stable main" > "$etc/sources.list"
is "a suite by its role" "$(mirror)" http://stable.example/debian

system bookworm
echo "deb http://contrib.example/debian bookworm contrib" > "$etc/sources.list"
like "a source without main is none" "$(mirror)" "name no Debian archive"

system bookworm
cat > "$etc/sources.list.d/third.sources" <<'EOF'
Types: deb
URIs: https://third.example/node
Suites: nodistro
Components: main
EOF
like "a third party is not the archive" "$(mirror)" "VMTAP_MIRROR=URI"
is "VMTAP_MIRROR names one" "$(VMTAP_MIRROR=http://m.example/d mirror)" \
	http://m.example/d

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
