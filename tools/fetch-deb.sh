#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# fetch-deb: download distribution packages and unpack them below the cache,
# installing nothing and leaving the system's apt as it is: apt runs with its
# own lists and state, the distribution's keyring, and the mirror that the
# system's own sources name. The program carries a copy of this script, so
# that `vmtap kernel fetch` works from the binary alone.
#
# Each thing appears whole under its final name or not at all; what is there
# already costs nothing; runs at the same time wait for each other. Lines on
# stdout say what was added, lines on stderr what went wrong.

set -eu
LC_ALL=C
export LC_ALL
PATH=$PATH:/usr/sbin:/sbin

usage()
{
	cat <<'EOF'
usage: fetch-deb.sh VERB ...
  mirror                        the archive that packages come from
  versions [-s SUITE] PATTERN   packages by shell pattern: name, version
  kernels                       releases of stock cloud kernels, oldest first
  kernel [-n] [SPEC...]         fetch kernels (default 6.1 6.12 7.x) into
                                CACHE/kernels; -n: look for newer ones
  nested                        QEMU and the kernel that a nested host needs
  unpack [-d | -a] [-s SUITE] DEST PACKAGE[=VERSION]...
                                unpack into DEST; -d: with what they depend
                                on and the system has not installed; -a: with
                                all that they depend on, for another suite
suites: bookworm, bookworm-backports, bookworm-security, trixie,
  trixie-backports, ...; `here' is the running release, `here-backports'.
environment: VMTAP_MIRROR names another archive, XDG_CACHE_HOME the cache.
EOF
}

say()
{
	echo "vmtap: $*"
}

die()
{
	echo "vmtap: fetch: $*" >&2
	exit 1
}

# --- where things are -------------------------------------------------------

if [ -n "${XDG_CACHE_HOME:-}" ]; then
	cache=$XDG_CACHE_HOME/vmtap
elif [ -n "${HOME:-}" ]; then
	cache=$HOME/.cache/vmtap
else
	die "neither HOME nor XDG_CACHE_HOME is set: no place for the cache"
fi
apt=$cache/apt
root=${VMTAP_SYSROOT:-}		# tests read another system's sources
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
kernel_suites="bookworm bookworm-backports trixie-backports"
default_kernels="6.1 6.12 7.x"
arch=amd64

codename()
{
	(
		VERSION_CODENAME=
		# shellcheck disable=SC1090,SC1091
		. "$root/etc/os-release"
		echo "$VERSION_CODENAME"
	)
}

# One line per binary source of the system: URI, suite, components. Reads
# one-line .list files and deb822 .sources files.
system_sources()
{
	set -- "$root"/etc/apt/sources.list \
		"$root"/etc/apt/sources.list.d/*.list
	for file in "$@"; do
		[ -f "$file" ] || continue
		sed -n -e 's/#.*//' -e 's/\[[^]]*\]//' \
			-e 's/^[[:space:]]*deb[[:space:]]\{1,\}//p' "$file"
	done
	for file in "$root"/etc/apt/sources.list.d/*.sources; do
		[ -f "$file" ] || continue
		awk '
		function flush(  u, s, nu, ns, i, j) {
			if (types ~ /(^| )deb( |$)/ && enabled !~ /^(no|false|off|0)$/) {
				nu = split(uris, u, " ")
				ns = split(suites, s, " ")
				for (i = 1; i <= nu; i++)
					for (j = 1; j <= ns; j++)
						print u[i], s[j], comps
			}
			types = uris = suites = comps = enabled = key = ""
		}
		/^#/ { next }
		/^[[:space:]]*$/ { flush(); next }
		/^[^[:space:]]/ {
			colon = index($0, ":")
			key = tolower(substr($0, 1, colon - 1))
			$0 = substr($0, colon + 1)
		}
		{
			gsub(/^[[:space:]]+|[[:space:]]+$/, "")
			gsub(/[[:space:]]+/, " ")
			if (key == "types") types = types " " $0
			else if (key == "uris") uris = uris " " $0
			else if (key == "suites") suites = suites " " $0
			else if (key == "components") comps = comps " " $0
			else if (key == "enabled") enabled = tolower($0)
		}
		END { flush() }' "$file"
	done
}

# The first source whose suite is one of $1 and which has main.
source_uri()
{
	system_sources | awk -v want=" $1 " '
	index(want, " " $2 " ") {
		for (i = 3; i <= NF; i++)
			if ($i == "main") { print $1; exit }
	}'
}

mirror()
{
	if [ -n "${VMTAP_MIRROR:-}" ]; then
		echo "$VMTAP_MIRROR"
		return
	fi
	uri=$(source_uri "$(codename) stable oldstable testing unstable sid")
	[ -n "$uri" ] || die "the system's apt sources name no Debian archive" \
		"for '$(codename)'; VMTAP_MIRROR=URI names one"
	echo "$uri"
}

# The security archive is another URI; "" where the sources name none.
security_mirror()
{
	source_uri "$(codename)-security $(codename)/updates stable-security \
oldstable-security"
}

# --- apt with a state of its own --------------------------------------------

lock()
{
	command -v apt-get > /dev/null || die "no apt-get here; without" \
		"this, --kernel takes an image and PATH a QEMU"
	mkdir -p "$apt" || die "cannot make $apt"
	exec 9>"$apt/lock"
	flock 9
}

suite_name()
{
	case $1 in
	here*) echo "$(codename)${1#here}" ;;
	*) echo "$1" ;;
	esac
}

# suites SUITE...: say to apt which ones to use from here on. Backports are
# taken before the release only where prefer names them.
prefer=
suites()
{
	mkdir -p "$apt/lists/partial" "$apt/archives/partial" "$apt/state"
	[ -r "$keyring" ] || die "$keyring is missing:" \
		"install debian-archive-keyring"
	main=$(mirror)
	using="$*"
	# Each set of suites has its own files: sets are used in turns.
	sources=$apt/$(echo "$using" | tr ' /' '__').sources
	conf=${sources%.sources}.conf
	for suite in "$@"; do
		case $suite in
		*-security) uri=$(security_mirror) ;;
		*) uri=$main ;;
		esac
		[ -n "$uri" ] || die "the apt sources name no archive for $suite"
		cat <<-EOF
		Types: deb
		URIs: $uri
		Suites: $suite
		Components: main
		Architectures: $arch
		Signed-By: $keyring
		Targets: Packages

		EOF
	done > "$sources"
	cat > "$conf" <<-EOF
	#clear APT::Update::Post-Invoke;
	#clear APT::Update::Post-Invoke-Success;
	#clear APT::Default-Release;
	${prefer:+APT::Default-Release "$prefer";}
	APT::Architecture "$arch";
	APT::Architectures "$arch";
	APT::Get::List-Cleanup "false";
	APT::Get::AllowUnauthenticated "false";
	APT::Get::Assume-Yes "true";
	APT::Install-Recommends "false";
	APT::Install-Suggests "false";
	APT::Sandbox::User "root";
	Acquire::AllowInsecureRepositories "false";
	Acquire::AllowWeakRepositories "false";
	Acquire::AllowDowngradeToInsecureRepositories "false";
	Acquire::Languages "none";
	Acquire::Retries "3";
	Dir::Cache "$apt";
	Dir::Cache::archives "archives";
	Dir::Cache::pkgcache "${conf##*/}.bin";
	Dir::Cache::srcpkgcache "";
	Dir::Etc::sourcelist "$sources";
	Dir::Etc::sourceparts "/dev/null";
	Dir::Etc::preferences "/dev/null";
	Dir::Etc::preferencesparts "/dev/null";
	Dir::State "$apt/state";
	Dir::State::lists "$apt/lists";
	Dir::State::status "/var/lib/dpkg/status";
	EOF
}

# Lists are fetched where one is missing, or again with -n.
lists()
{
	need=${1:-}
	for suite in $using; do
		found=$(find "$apt/lists" -maxdepth 1 \
			-name "*_dists_$(echo "$suite" | tr / _)_InRelease")
		[ -n "$found" ] || need=-n
	done
	[ -n "$need" ] || return 0
	say "fetching package lists: $using"
	apt-get -qq -c "$conf" update 9>&- >&2 ||
		die "cannot fetch the package lists of $using from $main"
}

aptcache()
{
	apt-cache -q -c "$conf" "$@" 9>&-
}

# download PACKAGE[=VERSION]...: into the archives folder, whole and checked
# against the signed lists; what is there already stays. Sets debs.
download()
{
	debs=
	mkdir -p "$apt/archives/new"
	for pkg in "$@"; do
		file=$(deb_name "$pkg")
		[ -n "$file" ] || die "$pkg is not in $using"
		debs="$debs $apt/archives/$file"
		[ ! -e "$apt/archives/$file" ] || continue
		# What an interrupted run left in new/ is checked or fetched on.
		(cd "$apt/archives/new" &&
			apt-get -qq -c "$conf" download "$pkg" 9>&- >&2) ||
			die "cannot download $pkg from $main"
		mv "$apt/archives/new/$file" "$apt/archives/"
	done
}

# The name that `apt-get download` gives to a package's file.
deb_name()
{
	aptcache show --no-all-versions "$1" 2>/dev/null | awk '
	/^Package: / { p = $2 }
	/^Version: / { v = $2 }
	/^Architecture: / { a = $2 }
	/^$/ { exit }
	END { if (p != "") { gsub(":", "%3a", v); print p "_" v "_" a ".deb" } }'
}

# --- unpacking --------------------------------------------------------------

# fresh DEST: an empty folder beside DEST, without what a killed run left.
fresh()
{
	mkdir -p "$(dirname "$1")"
	rm -rf "$1".tmp.*
	tmp=$1.tmp.$$
	mkdir "$tmp"
	trap 'rm -rf "$tmp"' EXIT
	trap 'exit 1' HUP INT TERM
}

# settle DEST: the folder made by fresh() takes its final name; the packages
# that it came from need not stay.
settle()
{
	rm -rf "$1.old"
	[ ! -e "$1" ] || mv "$1" "$1.old"
	mv "$tmp" "$1"
	# shellcheck disable=SC2086
	rm -rf "$1.old" $debs
	trap - EXIT
}

# unpack_debs [PATTERNS]: only the members that match
unpack_debs()
{
	set -f
	for deb in $debs; do
		# shellcheck disable=SC2086
		dpkg-deb --fsys-tarfile "$deb" 9>&- |
			tar -x -C "$tmp" --wildcards ${1:-} ||
			die "cannot unpack $deb"
	done
	set +f
	rm -rf "$tmp/usr/share/doc" "$tmp/usr/share/man" \
		"$tmp/usr/share/lintian" "$tmp/usr/share/bug"
}

# closure STATUS PACKAGE...: NAME=VERSION of all that would be installed where
# STATUS tells what there is.
closure()
{
	status=$1
	shift
	apt-get -qq -c "$conf" -o "Dir::State::status=$status" \
		-s install "$@" 9>&- |
		sed -n 's/^Inst \([^ ]*\) \(\[[^]]*\] \)\{0,1\}(\([^ ]*\) .*/\1=\3/p'
}

# unpack_closure DEPS SUITE DEST PACKAGE...: DEPS is 1 to bring along what
# the packages depend on and the system lacks, 2 for all of it. What stands
# there by the same request is complete.
unpack_closure()
{
	deps=$1
	suite=$(suite_name "$2")
	dest=$3
	shift 3
	stamp="$suite $deps $*"
	[ "$(cat "$dest/.complete" 2> /dev/null)" != "$stamp" ] || return 0
	prefer=$suite
	case $suite in
	*-*) suites "${suite%%-*}" "$suite" ;;
	*) suites "$suite" ;;
	esac
	lists
	pkgs=$*
	case $deps in
	1) pkgs=$(closure /var/lib/dpkg/status "$@") ;;
	2) pkgs=$(closure /dev/null "$@") ;;
	esac
	if [ "$deps" != 0 ]; then
		[ -n "$pkgs" ] || die "what $* needs cannot be had from $using"
	fi
	# shellcheck disable=SC2086
	download $pkgs
	fresh "$dest"
	unpack_debs
	echo "$stamp" > "$tmp/.complete"
	settle "$dest"
	say "unpacked $* into $dest"
}

verb_unpack()
{
	deps=0
	suite=here
	while getopts ads: opt; do
		case $opt in
		a) deps=2 ;;
		d) deps=1 ;;
		s) suite=$OPTARG ;;
		*) usage >&2; exit 64 ;;
		esac
	done
	shift $((OPTIND - 1))
	[ $# -ge 2 ] || { usage >&2; exit 64; }
	lock
	unpack_closure "$deps" "$suite" "$@"
}

# --- kernels ----------------------------------------------------------------

# Does release $1 match $2 ("6.1" is not 6.12; "7.x" is any 7)?
release_matches()
{
	case $1 in
	"${2%.x}" | "${2%.x}"[!0-9]*) return 0 ;;
	esac
	return 1
}

# Releases of packages linux-image-RELEASE[-unsigned] whose flavour is $1.
releases()
{
	aptcache pkgnames linux-image- |
		sed -n 's/^linux-image-\([0-9].*\)$/\1/p' |
		sed 's/-unsigned$//' |
		grep -E "^[0-9][0-9.]*[0-9](-[0-9]+|[+][a-z0-9.]+)?$1\$" | sort -uV
}

# The packages that make up kernel $1: newer ones split image and modules.
kernel_packages()
{
	pkg=linux-image-$1
	[ -n "$(deb_name "$pkg")" ] || pkg=$pkg-unsigned
	echo "$pkg"
	aptcache show --no-all-versions "$pkg" | sed -n 's/^Depends: //p' |
		tr ',|' '\n' | sed 's/^ *//; s/ .*//' |
		grep -E "^linux-(base|binary|modules)-" | grep -F -e "-$1" || :
}

# One layout for all: boot/{vmlinuz,config,System.map}-R, lib/modules/R.
kernel_layout()
{
	release=$1
	if [ -d "$tmp/usr/lib/modules" ] && [ ! -L "$tmp/lib" ]; then
		mkdir -p "$tmp/lib"
		mv "$tmp/usr/lib/modules" "$tmp/lib/"
	fi
	modules=$tmp/lib/modules/$release
	mkdir -p "$tmp/boot"
	for file in vmlinuz config System.map; do
		[ -e "$tmp/boot/$file-$release" ] ||
			[ ! -f "$modules/$file" ] ||
			mv "$modules/$file" "$tmp/boot/$file-$release"
	done
	rm -rf "${tmp:?}/usr"
	{ [ -f "$tmp/boot/vmlinuz-$release" ] && [ -d "$modules/kernel" ]; } ||
		die "the package of $release has no image or no modules"
	index_modules "$release"
}

# depmod is in kmod, which a small system may lack.
need_depmod()
{
	command -v depmod > /dev/null && return
	(unpack_closure 0 here "$cache/deps/kmod" kmod)
	mkdir -p "$cache/deps/kmod/links"
	ln -sf ../bin/kmod "$cache/deps/kmod/links/depmod"
	PATH=$PATH:$cache/deps/kmod/links
}

# modules.dep and its kin, which installing the package would have made.
index_modules()
{
	depmod -b "$tmp" "$1" || die "depmod failed for $1"
}

have_kernel()
{
	for dir in "$cache/kernels"/*/; do
		dir=${dir%/}
		[ -e "$dir/.complete" ] || continue
		! release_matches "${dir##*/}" "$1" || return 0
	done
	return 1
}

# fetch_kernel RELEASE DEST [PARTS]: leaves it in the folder of fresh()
fetch_kernel()
{
	release=$1
	dest=$2
	parts=${3:-}
	need_depmod
	# shellcheck disable=SC2046
	download $(kernel_packages "$release")
	fresh "$dest"
	unpack_debs "$parts"
	kernel_layout "$release"
}

verb_kernel()
{
	newer=
	while getopts n opt; do
		case $opt in
		n) newer=-n ;;
		*) usage >&2; exit 64 ;;
		esac
	done
	shift $((OPTIND - 1))
	# shellcheck disable=SC2086
	[ $# -gt 0 ] || set -- $default_kernels
	lock
	for spec in "$@"; do
		if [ -z "$newer" ] && have_kernel "$spec"; then
			continue
		fi
		if [ -z "${known:-}" ]; then
			# shellcheck disable=SC2086
			suites $kernel_suites
			lists $newer
			known=$(releases -cloud-$arch)
		fi
		release=
		for one in $known; do
			! release_matches "$one" "$spec" || release=$one
		done
		[ -n "$release" ] || die "no stock kernel matches '$spec';" \
			"there is: $(echo "$known" | sed 's/^\([0-9]*\.[0-9]*\).*/\1/' |
				uniq | tr '\n' ' ')"
		dest=$cache/kernels/$release
		[ ! -e "$dest/.complete" ] || continue
		fetch_kernel "$release" "$dest"
		touch "$tmp/.complete"
		settle "$dest"
			say "added kernel $release"
	done
}

verb_kernels()
{
	lock
	# shellcheck disable=SC2086
	suites $kernel_suites
	lists
	releases -cloud-$arch
}

# --- the nested host --------------------------------------------------------

# What the nested host loads, with what that depends on; all else of its 400
# MB of modules is not even unpacked.
host_parts="./boot/* */modules.* */kernel/arch/x86/kvm/* */kernel/virt/*
	*/kernel/drivers/virtio/* */kernel/drivers/char/virtio_console*
	*/kernel/drivers/crypto/ccp/* */kernel/fs/9p/* */kernel/fs/netfs/*
	*/kernel/fs/fscache/* */kernel/net/9p/*"

qemu_major()
{
	qemu-system-x86_64 --version 2> /dev/null |
		sed -n 's/^QEMU emulator version \([0-9]*\)\..*/\1/p'
}

verb_nested()
{
	lock
	if [ "$(qemu_major)" -ge 10 ] 2> /dev/null; then
		:
	elif [ "$(codename)" = bookworm ]; then
		(unpack_closure 1 here-backports "$cache/deps/qemu" \
			qemu-system-x86)
	else
		(unpack_closure 1 here "$cache/deps/qemu" qemu-system-x86)
	fi
	for dir in "$cache/nested"/*/; do
		[ ! -e "$dir/.complete" ] || return 0
	done
	suites bookworm
	lists
	release=$(releases "-$arch" | tail -n 1)
	[ -n "$release" ] || die "no kernel for the nested host in $using"
	dest=$cache/nested/$release
	fetch_kernel "$release" "$dest" "$host_parts"
	touch "$tmp/.complete"
	settle "$dest"
	say "added the nested host's kernel $release"
}

# --- other verbs ------------------------------------------------------------

verb_versions()
{
	using="$(codename) $(codename)-backports"
	while getopts s: opt; do
		case $opt in
		s) using=$(suite_name "$OPTARG") ;;
		*) usage >&2; exit 64 ;;
		esac
	done
	shift $((OPTIND - 1))
	[ $# -eq 1 ] || { usage >&2; exit 64; }
	lock
	# shellcheck disable=SC2086
	suites $using
	lists
	aptcache pkgnames "${1%%[*?[]*}" | sort |
		while read -r name; do
			# shellcheck disable=SC2254
			case $name in
			$1) echo "$name" ;;
			esac
		done |
		xargs -r apt-cache -q -c "$conf" madison 9>&- |
		awk '$8 == "Packages" { print $1, $3, $6 }'
}

# apt's own caches are large, and cheap beside a download.
drop_caches()
{
	rm -f "$apt"/*.bin
}

[ $# -gt 0 ] || { usage >&2; exit 64; }
verb=$1
shift
case $verb in
mirror) mirror ;;
sources) system_sources ;;
kernel | kernels | nested | unpack | versions)
	"verb_$verb" "$@"
	drop_caches
	;;
-h | --help | help) usage ;;
*) usage >&2; exit 64 ;;
esac
