#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A nested host as a place to run commands: streams, status, files, /dev/kvm,
# its own death; and what is told where it cannot be had.
# shellcheck source=../lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"

cache=${XDG_CACHE_HOME:-$HOME/.cache}/vmtap
[ -x "$cache/deps/qemu/usr/bin/qemu-system-x86_64" ] ||
	command -v qemu-system-x86_64 > /dev/null ||
	skip_all "no QEMU: make deps"
compgen -G "$cache/nested/*/.complete" > /dev/null ||
	skip_all "no kernel for a nested host: make deps"
plan 34

nested()
{
	timeout 120 "$vmtap" nested "$@"
}

# --- one host that is asked for much ----------------------------------------

head -c 300000 /dev/urandom > "$tmp/random"
cat > "$tmp/inside" <<'EOF'
pwd
echo "env=$CARRIED preload=${LD_PRELOAD:-none}"
[ -c /dev/kvm ] && echo kvm
echo "mem=$(awk '/^MemTotal/ { print int($2 / 1024) }' /proc/meminfo)"
echo "year=$(date +%Y)"
echo "lo=$(cat /sys/class/net/lo/flags)"
cat > "$1/copy"
echo to-stderr >&2
exit 7
EOF
(cd "$tmp" && CARRIED='two words' _STDBUF_O=L nested -v -m 1G -- \
	sh "$tmp/inside" "$tmp") < "$tmp/random" > "$tmp/out" 2> "$tmp/err"
is "the exit status passes through" "$?" 7
out=$(cat "$tmp/out")
like "the folder is the caller's" "$out" "^$tmp"
like "so is the environment, but for a preload" "$out" \
	"env=two words preload=none"
like "there is a /dev/kvm" "$out" $'\nkvm\n'
mem=$(sed -n 's/^mem=//p' "$tmp/out")
ok "its memory has room for the guests'" test "$mem" -gt 1300
like "its clock is right" "$out" "year=$(date +%Y)"
like "its loopback is up" "$out" "lo=0x9"
ok "stdin arrives whole, and so do files" cmp "$tmp/random" "$tmp/copy"
like "stderr is apart" "$(cat "$tmp/err")" "to-stderr"
is "and not in stdout" "$(grep -c to-stderr "$tmp/out")" 0
like "the boot's time and the factor are told" "$(cat "$tmp/err")" \
	"host up in [0-9]+ ms.*; work takes [0-9.]+ times"

# --- other ends ---------------------------------------------------------------

nested -- sh -c 'head -c 2000000 /dev/zero; kill -KILL $$' > "$tmp/out" \
	< /dev/null
is "a killed command ends as in a shell" "$?" 137
is "and what it wrote is all there" "$(wc -c < "$tmp/out")" 2000000

nested -- sh -c 'echo c > /proc/sysrq-trigger; sleep 60' > "$tmp/out" \
	2> "$tmp/err" < /dev/null
is "a host that dies is our failure" "$?" 70
like "told with its last words" "$(cat "$tmp/err")" \
	"the nested host is gone.*Kernel panic.*sysrq triggered"

nested -- /nonexistent/command 2> "$tmp/err" < /dev/null
is "a command that is not there" "$?" 127

(ulimit -n 20; nested -- true) 2> "$tmp/err" < /dev/null
like "a limit on files is named" "$(cat "$tmp/err")" "ulimit -n"
(ulimit -v 1000000; nested -- true) 2> "$tmp/err" < /dev/null
like "a limit on memory is named" "$(cat "$tmp/err")" "ulimit -v"

# --- one boot for many hosts ----------------------------------------------------

mkdir -p "$tmp/saved/vmtap"
for part in deps nested kimage; do
	[ ! -e "$cache/$part" ] || ln -s "$cache/$part" "$tmp/saved/vmtap/$part"
done

saved()
{
	XDG_CACHE_HOME=$tmp/saved nested -v -- "$@" > "$tmp/out" 2> "$tmp/err" \
		< /dev/null
}

states()
{
	find "$tmp/saved/vmtap/hoststate" -type f
}

draw='date +%s; od -An -tx8 -N16 /dev/urandom; exit 9'
saved sh -c "$draw"
is "the first host of its kind boots" "$(grep -c resumed "$tmp/err")" 0
is "and leaves one state" "$(states | wc -l)" 1
is "for nobody else to read" "$(stat -c %a "$(states)")" 600
before=$(date +%s)
saved sh -c "$draw"
is "the next one goes on from it, with the command's own status" "$?" 9
like "as it says" "$(cat "$tmp/err")" "host up in [0-9]+ ms, resumed"
first=$(cat "$tmp/out")
ok "its clock is right" test "$(head -1 "$tmp/out")" -ge "$before"
saved sh -c "$draw"
ok "no two of them draw the same random numbers" \
	test "$(sed 1d "$tmp/out")" != "$(sed 1d <<< "$first")"

truncate -s 40M "$(states)"
saved sh -c 'exit 5'
is "half a state does no harm: a host boots" "$?" 5
is "and it is gone" "$(states | wc -l)" 0

rmdir "$tmp/saved/vmtap/hoststate"
echo > "$tmp/saved/vmtap/hoststate"
saved sh -c 'exit 6'
is "nor does a cache that cannot be written to" "$?" 6

# --- where it cannot be had: a QEMU that is none ------------------------------

mkdir -p "$tmp/cache/vmtap/deps/qemu/usr/bin" "$tmp/bin"
ln -s "$cache/nested" "$tmp/cache/vmtap/nested"
ln -s "$cache/kimage" "$tmp/cache/vmtap/kimage"
fake=$tmp/cache/vmtap/deps/qemu/usr/bin/qemu-system-x86_64

fake()
{
	printf '#!/bin/bash\n%s\n' "$1" > "$fake"
	chmod +x "$fake"
	XDG_CACHE_HOME=$tmp/cache nested -- true > "$tmp/out" 2> "$tmp/err" \
		< /dev/null
}

# The descriptor of port 0, ctl, out of QEMU's arguments.
ctl='ctl=$(sed "s/.*id=port0,fd=\([0-9]*\).*/\1/" <<< "$*")'

fake 'echo "could not set up host memory" >&2; exit 1'
is "QEMU that ends at once" "$?" 70
like "told with what it said" "$(cat "$tmp/err")" \
	"status 1.*could not set up host memory"
fake "$ctl; echo 'error mount root: No such device' >&\$ctl; sleep 60"
like "what PID 1 cannot do is told" "$(cat "$tmp/err")" \
	"gone: mount root: No such device"
fake "$ctl; head -c 100000 /dev/zero | tr '\\0' x >&\$ctl; sleep 60"
like "endless nonsense is an end" "$(cat "$tmp/err")" "the nested host is gone"

rm "$fake"
printf '#!/bin/sh\necho "QEMU emulator version 7.2.19"\n' \
	> "$tmp/bin/qemu-system-x86_64"
chmod +x "$tmp/bin/qemu-system-x86_64"
PATH=$tmp/bin:$PATH XDG_CACHE_HOME=$tmp/cache nested -- true 2> "$tmp/err"
is "an old QEMU is refused" "$?" 69
like "with the reason and the remedy" "$(cat "$tmp/err")" \
	"QEMU 7.*crash at random.*nested --fetch"
