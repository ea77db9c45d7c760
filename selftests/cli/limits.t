#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Odd surroundings, without a boot: few descriptors, little memory, closed
# standard streams, a full disk, no home. Each ends with a documented status,
# and a failure says on stderr what stood in the way.
. "$(dirname "$0")/../lib/tap.sh"
cd "$top" || exit 1

cat >"$tmp/one.yaml" <<'END'
guest: {run: "true"}
checks: [exit_code == 0]
END
list=("$vmtap" run --list "$tmp/one.yaml")
lint=("$vmtap" lint "$tmp/one.yaml")
plan 26

# status COMMAND...: $status, with $tmp/1 and $tmp/2 for what it said
status()
{
	(exec 2>"$tmp/2"; timeout 20 "$@" >"$tmp/1")
	status=$?
}

# good NAME COMMAND...: works as if nothing were odd
good()
{
	local name=$1
	shift
	status "$@"
	is "$name" "$status $(cat "$tmp/1")" "0 one" || cat "$tmp/2"
}

# told NAME STATUS REGEX COMMAND...: fails with that status and says why
told()
{
	local name=$1 want=$2 why=$3
	shift 3
	status "$@"
	is "$name: status" "$status" "$want"
	like "$name: reason" "$(cat "$tmp/2")" "$why"
}

good "as usual" "${list[@]}"
good "16 descriptors" prlimit --nofile=16 "${list[@]}"
good "64 MiB of address space" prlimit --as=67108864 "${list[@]}"
good "no locked memory" prlimit --memlock=0 "${list[@]}"
good "a stack of 256 KiB" prlimit --stack=262144 "${list[@]}"
good "no environment" env -i "${list[@]}"
good "a locale that is not there" env LC_ALL=xx_YY.ISO-2022-JP "${list[@]}"
good "TMPDIR is not there" env TMPDIR=/nonexistent "${list[@]}"
good "HOME is not there" env -u XDG_CACHE_HOME HOME=/nonexistent "${list[@]}"
good "TERM is odd" env TERM=$'\e[31m' "${list[@]}"
mkdir -m 555 "$tmp/ro"
good "the current folder is read-only" \
	bash -c 'cd "$0" && "$@"' "$tmp/ro" "${list[@]}"
mkdir "$tmp/gone"
good "the current folder is gone" \
	bash -c 'cd "$0" && rmdir "$0" && "$@"' "$tmp/gone" "${list[@]}"
good "no stdin" bash -c '"$@" <&-' - "${list[@]}"

# What it opens must not come to lie on a closed standard stream.
status bash -c '"$@" 2>&-' - "${list[@]}"
is "no stderr" "$status $(cat "$tmp/1")" "0 one"
status bash -c '"$@" <&- 2>&-' - "${lint[@]}"
is "neither stdin nor stderr" "$status" 0

status bash -c '"$@" >&-' - "${list[@]}"
is "no stdout" "$status" 0
told "stdout is full" 70 'No space left' \
	bash -c '"$@" >/dev/full' - "${list[@]}"
told "no such file" 65 'nonexistent.yaml.*No such file' \
	"$vmtap" run --list "$tmp/nonexistent.yaml"
told "no such verb" 64 "'walk'.*--help" "$vmtap" walk
told "no such option" 64 'boat' "$vmtap" run --boat

status bash -c 'trap "" PIPE; "$@" | true; exit "${PIPESTATUS[0]}"' - "${list[@]}"
[ "$status" -eq 0 ] || [ "$status" -eq 70 ]
result $? "nobody reads"

if setpriv --reuid=65534 --regid=65534 --clear-groups true 2>/dev/null; then
	chmod 755 "$tmp"
	good "nobody, no capability" setpriv --reuid=65534 --regid=65534 \
		--clear-groups --bounding-set=-all --no-new-privs "${list[@]}"
else
	skip "nobody, no capability" "needs root"
fi
