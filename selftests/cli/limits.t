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
plan 47

# status COMMAND...: $status, with $tmp/1 and $tmp/2 for what it said
status()
{
	(exec 2>"$tmp/2"; timeout 120 "$@" >"$tmp/1")
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
	"$vmtap" run "$tmp/nonexistent.yaml"
like "no such file: the stream says so" "$(cat "$tmp/1")" \
	"Bail out! $tmp/nonexistent.yaml: cannot read it"
status "$vmtap" run --accel nested --kernel 99.98 "$tmp/one.yaml"
is "no such kernel: status" "$status" 69
like "no such kernel: reason" "$(cat "$tmp/1")" "Bail out! .*99\.98"
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

# --- whole runs, of cases that end before a machine would be started ----------

cat >"$tmp/many.yaml" <<'END'
requires: {accel: kvm}
guest: {run: "true"}
matrix:
  vm.cpus: [1, 2, 3, 4, 5, 6, 7, 8]
  guest.env.A: [a, b, c, d, e, f, g, h, i, j]
  guest.env.B: [a, b, c, d, e, f, g, h, i, j]
END
export XDG_STATE_HOME=$tmp/state
mkdir "$tmp/w"
cd "$tmp/w" || exit 1
run=("$vmtap" run --accel nested --seed 1 --json j.json --junit j.xml "$tmp/many.yaml")

# cases NAME FILE: a whole document of 800 cases
cases()
{
	is "$1" "$(python3 -c 'import json, sys
print(len(json.load(open(sys.argv[1]))["cases"]))' "$2" 2>&1)" 800
}

status "${run[@]}"
is "a run of skips: status" "$status" 0
is "and its stream" "$("$top/selftests/lib/tap-counts" "$tmp/1")" \
	"run=800 pass=0 fail=0 skip=800 bail=0 bad=0"
is "each says why" "$(grep -c '^ok .* # SKIP needs the kvm accelerator, this run uses a nested host$' "$tmp/1")" 800
cp "$tmp/1" whole

rm -f j.json
status bash -c '"$@" >&- 2>&-' - "${run[@]}"
is "stdout and stderr are closed: status" "$status" 0
cases "stdout and stderr are closed: the document" j.json

rm -f j.json
told "a run's stdout is full" 70 'stdout: No space left' \
	bash -c '"$@" >/dev/full' - "${run[@]}"
cases "a run's stdout is full: the document" j.json

rm -f j.json
told "a run's reader is gone" 70 'stdout: Broken pipe' \
	bash -c '"$@" | :; exit "${PIPESTATUS[0]}"' - "${run[@]}"
cases "a run's reader is gone: the document" j.json

# The stream is longer than a pipe holds.
rm -f j.json
"${run[@]}" 2>/dev/null | {
	for _ in $(seq 600); do
		[ ! -e j.json ] || break
		sleep 0.1
	done
	ls j.json >seen 2>&1
	sleep 2
	cat >late
}
is "a reader sleeps: the document does not wait for it" "$(cat seen)" j.json
ok "a reader sleeps: nothing is lost" cmp late whole

rm -f j.json j.xml
told "files may not grow" 70 'cannot write j.json: File too large' \
	bash -c 'ulimit -f 8; "$@" | cat >/dev/null; exit "${PIPESTATUS[0]}"' - "${run[@]}"
is "files may not grow: none is cut" "$(ls j.* "$XDG_STATE_HOME"/vmtap/runs/latest 2>/dev/null)" \
	"$XDG_STATE_HOME/vmtap/runs/latest:" || ls -R .

mkfifo fifo
"$vmtap" run --accel nested --json fifo "$tmp/many.yaml" >/dev/null 2>&1 &
cases "a pipe as --json is written to" <(cat fifo)
wait
ok "and stays one" test -p fifo
